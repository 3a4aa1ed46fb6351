"""The studio without JavaScript: every request is a form of the page, sent with what its HTML holds."""

from __future__ import annotations

from fractions import Fraction

import pytest
from studio_fixtures import account

from html_page import Visitor
from rongtong.apps.packs.queries import current
from rongtong.apps.planning.models import Allocation
from rongtong.apps.registry.models import Account
from rongtong.engine.pack.plan import Split

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]

CITY, NINGBO, CODE = "330100", "330200", "enterprise_2025"
PLAN = f"/studio/{CODE}/"
BOUND = "固定、下限、上限"
# Where the columns of the split stand: the goal, the counter-offer, what it costs the others.
GOAL, ASKED = 2, 5


def visitor(system: Account, name: str, role: str, place: str = "") -> Visitor:
    return Visitor(account(system, name, role, place))


@pytest.fixture
def planner(demo_store: Account) -> Visitor:
    return visitor(demo_store, "planner", "planner")


def shipped() -> Split:
    found: Split = current().get("allocations", CODE)
    return found


def kept(version: int) -> Split:
    """The specification of a version, as it is stored."""
    return Split.model_validate_json(Allocation.objects.get(code=CODE, version=version).spec)


def opened(who: Visitor) -> None:
    """From the list of plans to the plan, by its link."""
    who.open("/studio/")
    who.follow(shipped().name)
    assert who.path == PLAN


def with_less_reserve(planner: Visitor) -> None:
    """A second version, saved and sent out for comment."""
    opened(planner)
    planner.fill("数额（亿元）", "30", "余项第 1 条")
    planner.press("存为新版本")
    planner.press("征求意见", "征求意见")
    assert planner.path == PLAN
    assert "征求意见" in planner.text()


def test_what_is_changed_on_the_page_is_saved_and_nothing_else_is_lost(planner: Visitor) -> None:
    opened(planner)
    planner.fill("占比 %", "70", "权重第 1 条")
    planner.fill("占比 %", "30", "权重第 2 条")
    planner.choose("按哪个数", "2024年企业科技创新投入", "权重第 2 条")
    planner.fill("数额（亿元）", "1040", f"{BOUND}第 1 条")
    planner.fill("怎么称呼这条要求", "宁波协商数", f"{BOUND}第 1 条")
    planner.fill("或增长 %", "5.5", f"{BOUND}第 2 条")
    planner.press("存为新版本")
    assert "已存为第 2 版草稿" in planner.text()
    old = shipped().model_dump()
    first = old["weights"][0]
    (fixed,), (floor,) = old["fixed"], old["floors"]
    assert kept(2) == Split.model_validate(
        {
            **old,
            "weights": [{**first, "share": "0.7"}, {"figure": "input_enterprise@2024", "share": "0.3"}],
            "fixed": [{**fixed, "value": "1040", "label": "宁波协商数"}],
            "floors": [{**floor, "growth": "0.055"}],
        }
    )
    assert Fraction(planner.row("宁波")[GOAL]) == 1040


def test_rows_added_and_taken_away_by_buttons_are_saved(planner: Visitor) -> None:
    opened(planner)
    planner.press(f"加一条{BOUND}")
    row = f"{BOUND}第 3 条"
    planner.choose("地方", "杭州", row)
    planner.choose("要求", "不高于", row)
    planner.fill("数额（亿元）", "1300", row)
    planner.fill("怎么称呼这条要求", "杭州上限", row)
    planner.tick("可放宽", True, row)
    planner.tick("缺数则略去", True, row)
    planner.press(f"去掉{BOUND}第 2 条")
    planner.press("加一条余项")
    planner.fill("名称", "年中调剂", "余项第 2 条")
    planner.fill("或占比 %", "1", "余项第 2 条")
    planner.fill("说明", "留百分之一年中调剂。")
    planner.fill("取整到（亿元）", "0.5")
    planner.fill("方案名称", "目标分解（留调剂）")
    planner.press("试算")
    assert "没有保存" in planner.text()
    assert f"方案代码由系统起：{CODE}。" in planner.text()
    assert Fraction(planner.row("杭州")[GOAL]) == 1300
    planner.press("存为新版本")
    spec, old = kept(2), shipped()
    (cap,) = spec.caps
    assert (cap.place, cap.value, cap.label, cap.relaxable, cap.if_missing) == (CITY, "1300", "杭州上限", True, "skip")
    assert (spec.fixed, spec.floors, spec.weights) == (old.fixed, (), old.weights)
    assert [(r.name, r.amount, r.share) for r in spec.reserve] == [
        ("省级机动余项", "50", None),
        ("年中调剂", None, "0.01"),
    ]
    assert (spec.note, spec.rounding, spec.name) == ("留百分之一年中调剂。", "0.5", "目标分解（留调剂）")


def test_kinds_of_subject_and_their_totals_are_typed_and_saved(planner: Visitor) -> None:
    opened(planner)
    planner.press(f"去掉{BOUND}第 1 条")
    for name, share in (("国有企业", "30"), ("民营企业", "70")):
        planner.press("加一条主体")
        row = f"主体第 {1 if name == '国有企业' else 2} 条"
        planner.fill("名称", name, row)
        planner.fill("占各地 %", share, row)
    planner.press("加一条合计")
    planner.choose("谁的合计", "国有企业", "合计第 1 条")
    planner.fill("等于（亿元）", "1700", "合计第 1 条")
    planner.fill("怎么称呼这条要求", "国有企业合计", "合计第 1 条")
    planner.tick("可放宽", True, "合计第 1 条")
    planner.choose("主体", "民营企业", f"{BOUND}第 1 条")
    planner.fill("数额（亿元）", "50", f"{BOUND}第 1 条")
    planner.fill("或增长 %", "", f"{BOUND}第 1 条")
    planner.choose("比哪个数", "不比", f"{BOUND}第 1 条")
    planner.press("存为新版本")
    spec = kept(2)
    assert [(s.code, s.name, s.weight) for s in spec.subjects] == [("s1", "国有企业", "0.3"), ("s2", "民营企业", "0.7")]
    assert [(m.subject, m.value, m.label, m.relaxable) for m in spec.margins] == [("s1", "1700", "国有企业合计", True)]
    assert [(f.subject, f.value, f.growth, f.over) for f in spec.floors] == [("s2", "50", None, "")]
    planner.press("去掉主体第 1 条")
    planner.press("试算")
    assert planner.field("主体", f"{BOUND}第 1 条").value == "s2", "a kind keeps its code when another goes"


def test_what_is_refused_stands_in_the_field_that_is_sent_again(planner: Visitor) -> None:
    opened(planner)
    planner.fill("占比 %", "八成", "权重第 1 条")
    planner.press("存为新版本")
    assert planner.status == 422
    assert planner.field("占比 %", "权重第 1 条").value == "八成"
    planner.fill("占比 %", "80", "权重第 1 条")
    planner.fill("数额（亿元）", "30", "余项第 1 条")
    planner.press("存为新版本")
    assert [r.amount for r in kept(2).reserve] == ["30"]


def test_a_split_is_circulated_countered_taken_over_presented_and_signed(planner: Visitor, demo_store: Account) -> None:
    city, signer = visitor(demo_store, "city", "city_officer", CITY), visitor(demo_store, "signer", "approver")
    with_less_reserve(planner)

    opened(city)
    assert city.status == 200
    city.choose("地方", "杭州")
    city.fill("希望的目标值（亿元）", "1345")
    city.fill("理由", "上半年研发外包减少")
    city.press("提交反提案")
    assert (city.status, city.path) == (200, PLAN)

    opened(planner)
    assert planner.row("杭州")[ASKED].startswith("1345")
    planner.press("采纳")
    planner.press("存为新版本")
    (_, fixed) = kept(3).fixed
    assert (fixed.place, fixed.value) == (CITY, "1345")
    planner.press("提请审签", "提请审签")
    assert planner.path == PLAN

    opened(signer)
    signer.press("审签下达", "审签下达")
    assert signer.path == PLAN
    run = Allocation.objects.get(code=CODE, version=3)
    assert str(run.adopted_from) == "2025-07-15"
    opened(city)
    assert Fraction(city.row("杭州")[GOAL]) == 1345


def test_who_presented_finds_no_button_to_sign(planner: Visitor) -> None:
    with_less_reserve(planner)
    planner.press("提请审签", "提请审签")
    with pytest.raises(AssertionError, match="审签下达"):
        planner.press("审签下达", "审签下达")


def test_two_versions_are_chosen_and_compared(planner: Visitor) -> None:
    with_less_reserve(planner)
    planner.fill("数额（亿元）", "20", "余项第 1 条")
    planner.press("存为新版本")
    planner.follow("比较两版")
    planner.choose("前一版", "第 2 版")
    planner.choose("后一版", "第 3 版")
    planner.press("比较")
    assert "第 2 版与第 3 版" in planner.text()
    assert planner.row("余项")[1:3] == ["30", "20"]
    planner.choose("前一版", "第 1 版")
    planner.choose("后一版", "第 2 版")
    planner.press("比较")
    assert planner.row("余项")[1:3] == ["50", "30"]


def test_the_list_is_narrowed_by_its_own_form(planner: Visitor) -> None:
    planner.open("/studio/")
    planner.choose("指标", "企业科技创新投入", "筛选")
    planner.choose("年", "2025", "筛选")
    planner.choose("地方", "浙江", "筛选")
    planner.press("筛选", "筛选")
    chosen = [planner.field(label, "筛选").value for label in ("年", "指标", "地方")]
    assert chosen == ["2025", "input_enterprise", "330000"]
    planner.follow(shipped().name)
    assert planner.path == PLAN
