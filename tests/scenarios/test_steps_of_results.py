"""安心屋, the steps aside from the straight way: sent back, refused, withdrawn, granted anew, looked into by an office."""

from __future__ import annotations

import re
from datetime import date

import pytest
from transfer_people import PRICE, RESULT, SHARES, World, empowered, figure, in_pool, registered

from rongtong.apps.cases.errors import CaseError, FormRefused, GuardRefused
from rongtong.apps.cases.models import Case, Certificate, Label
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.actions import system_account
from worlds import browser, member

pytestmark = pytest.mark.django_db

OWNED = {"owners": [{"owner": "甲大学", "share": "100"}], "ownership_basis": "项目任务书"}
ASKED = "缺专利申请号和发明人签字的披露表"
BRIEF = "用于燃机叶片的高温合金涂层，热循环寿命比现有工艺提高约一倍，已完成中试。"


def disclosed(world: World) -> Case:
    """A result disclosed on Monday 16 June 2025, applied for and not granted yet."""
    world.on("2025-06-16")
    return world.open("result_register", "chen", RESULT | {"legal_state": "applied"})


def told(world: World, case: Case, who: str, *words: str) -> None:
    """The page of a case says this to somebody."""
    page = world.page(case, who)
    assert [w for w in words if w not in page] == []


def over(world: World, case: Case, outcome: str, *steps: str) -> None:
    """A case has ended today: it waits for nobody, and nobody is offered these steps."""
    now = Case.objects.get(pk=case.pk)
    assert (now.outcome, now.due, now.closed_on) == (outcome, None, world.settings.PINNED_TODAY)
    assert world.waits(case) == set()
    assert {s for who in world.who for s in world.offered(case, who)} == set(steps)


def test_a_disclosure_sent_back_is_completed_and_still_checked_by_somebody_else(world: World) -> None:
    case = disclosed(world)
    assert case.due == date(2025, 7, 7)
    with pytest.raises(GuardRefused, match="职责分离"):
        world.go(case, "ask_mend", "chen", missing_items=ASKED)
    with pytest.raises(FormRefused, match="请填写“要补充什么”"):
        world.go(case, "ask_mend", "lin")
    with pytest.raises(Case.DoesNotExist):
        world.go(case, "ask_mend", "other", missing_items=ASKED)
    # Twenty working days from Wednesday 18 June.
    world.on("2025-06-18")
    case = world.go(case, "ask_mend", "lin", missing_items=ASKED)
    assert (case.stage, case.due, world.waits(case)) == ("mending", date(2025, 7, 16), {"chen", "lin"})
    told(world, case, "chen", "待补充材料", ASKED, "轮到您", "补充后再报")
    world.page(case, "province", 404)

    world.on("2025-06-20")
    with pytest.raises(FormRefused, match="应为“4”"):
        world.go(case, "mend", "chen", mended="补了申请号", application_no="202510000001.5")
    with pytest.raises(FormRefused, match="至少 20 个字"):
        world.go(case, "mend", "chen", mended="补了申请号", brief="太短")
    new = {"legal_state": "granted", "application_no": "202510000002.9", "brief": BRIEF}
    case = world.go(case, "mend", "chen", paper=True, mended="补了授权通知和签字的披露表", **new)
    # The check begins anew, with all its fifteen days.
    assert (case.stage, case.due) == ("review", date(2025, 7, 11))
    assert set(Label.objects.filter(case=case, name="legal_state").values_list("value", flat=True)) == {"granted"}
    for step, form in (("verify", OWNED), ("ask_mend", {"missing_items": ASKED}), ("reject", {"reject_reason": ASKED})):
        assert step not in world.offered(case, "chen")
        with pytest.raises(GuardRefused, match="由您办理"):
            world.go(case, step, "chen", **form)
    assert world.go(case, "verify", "lin", **OWNED).stage == "classifying"
    told(world, case, "chen", "已授权或已登记", "202510000002.9", BRIEF, "补了授权通知和签字的披露表", "协议.pdf")


def test_neither_who_disclosed_nor_who_completed_checks_what_was_sent_back(world: World) -> None:
    case = disclosed(world)
    organisation = world.who["chen"].organisation
    world.who["wang"] = member(
        "t-wang", "王老师", "institution", "330106", actor=system_account(), organisation=organisation
    )
    world.go(case, "ask_mend", "lin", missing_items=ASKED)
    # Whoever sent it back and then completed it could not check it: of two accounts neither could.
    with pytest.raises(GuardRefused, match="“退回补充”由您办理"):
        world.go(case, "mend", "lin", mended="代补了签字的披露表")
    world.go(case, "mend", "wang", mended="补了签字的披露表")
    with pytest.raises(GuardRefused, match="“开始安心屋（职务科技成果单列管理与赋权）”由您办理"):
        world.go(case, "verify", "chen", **OWNED)
    with pytest.raises(GuardRefused, match="“补充后再报”由您办理"):
        world.go(case, "verify", "wang", **OWNED)
    assert {who for who in ("chen", "lin", "wang") if "verify" in world.offered(case, who)} == {"lin"}
    # Sent back a second time, it is completed and checked all the same.
    world.go(case, "ask_mend", "lin", missing_items="还缺导师签字")
    world.go(case, "mend", "chen", mended="补了导师签字")
    assert world.go(case, "verify", "lin", **OWNED).stage == "classifying"


def test_what_is_no_service_result_ends_with_the_reason(world: World) -> None:
    case = disclosed(world)
    reason = "完成人离职两年后自筹完成，与本职工作无关"
    with pytest.raises(GuardRefused, match="职责分离"):
        world.go(case, "reject", "chen", reject_reason=reason)
    with pytest.raises(FormRefused, match="理由"):
        world.go(case, "reject", "lin")
    world.on("2025-06-19")
    case = world.go(case, "reject", "lin", reject_reason=reason)
    assert case.stage == "not_service"
    over(world, case, "not_service")
    told(world, case, "chen", "不是职务成果", reason, "这件已经结束")
    world.page(case, "province", 404)
    world.page(case, "other", 404)
    with pytest.raises(CaseError, match="不能在“不是职务成果”时办理"):
        world.go(case, "verify", "lin", **OWNED)
    assert not Certificate.objects.filter(case=case).exists()


@pytest.mark.parametrize("mending", [False, True])
def test_a_unit_withdraws_a_disclosure_before_it_is_checked(world: World, mending: bool) -> None:
    case = disclosed(world)
    if mending:
        world.go(case, "ask_mend", "lin", missing_items=ASKED)
    with pytest.raises(Case.DoesNotExist):
        world.go(case, "withdraw", "other")
    world.on("2025-06-20")
    case = world.go(case, "withdraw", "chen")
    assert case.stage == "withdrawn"
    over(world, case, "withdrawn")
    told(world, case, "lin", "已撤回", "撤回披露", "这件已经结束")
    # What is withdrawn may be disclosed anew.
    assert world.open("result_register", "chen", RESULT).stage == "review"


def granted(case: Case) -> list[str]:
    """What the notice says of the grant, which several forms ask for in words of their own."""
    page = browser().get(f"/notices/{case.pk}").content.decode()
    return re.findall(r"<dt>赋权(?:方式)?</dt><dd>(.*?)</dd>", page)


def test_a_grant_put_off_is_made_anew_and_counts_as_it_was_made_last(world: World) -> None:
    world.on("2025-07-15")
    case = empowered(world, registered(world))
    world.go(case, "object", "rival", objection="这项工艺里用了我厂的专利，没有写明")
    case = world.go(case, "uphold_objection", "lin", finding="确有引用，重定份额")
    assert (case.stage, case.due) == ("pricing", None)
    with pytest.raises(Denied, match="成果单位"):
        world.go(case, "price_back", "province")
    case = world.go(case, "price_back", "lin")
    assert (case.stage, case.due, world.waits(case)) == ("registered", None, {"chen", "lin"})
    told(world, case, "province", "在册", "退回重定赋权")
    with pytest.raises(CaseError, match="不能在“在册”时办理"):
        world.go(case, "set_price", "chen", paper=True, **PRICE)
    # This time a right to use, with its term.
    grant = {"right": "use", "term_years": 12, "holders": SHARES, "agreement_no": "FQ-2", "right_from": "2025-07-15"}
    world.go(case, "empower", "chen", paper=True, **grant)
    world.go(case, "set_price", "chen", paper=True, **PRICE)
    in_pool(world, case, "2025-08-08")
    assert (figure("empowered_results", "2025-08-08"), figure("empowered_units", "2025-08-08")) == (1, 1)
    assert granted(case) == ["赋予长期使用权"]
    told(world, case, "chen", "FQ-2", "12")


def test_a_unit_that_takes_back_what_it_would_grant_keeps_the_right(world: World) -> None:
    world.on("2025-07-15")
    case = registered(world)
    grant = {"right": "ownership", "holders": SHARES, "agreement_no": "FQ-1", "right_from": "2025-07-15"}
    world.go(case, "empower", "chen", paper=True, **grant)
    world.go(case, "price_back", "chen")
    world.go(case, "keep_right", "lin", right="none")
    world.go(case, "set_price", "chen", paper=True, **PRICE)
    in_pool(world, case, "2025-08-08")
    assert figure("empowered_results", "2025-08-08") == 0
    assert granted(case) == ["不赋权"]


def test_an_office_looks_into_a_result_wherever_it_stands_and_moves_nothing(world: World) -> None:
    def inspected(opinion: str) -> None:
        before = Case.objects.get(pk=case.pk)
        with pytest.raises(Case.DoesNotExist):
            world.go(case, "inspect", "quzhou", inspection=opinion)
        with pytest.raises(Denied, match="科技主管部门"):
            world.go(case, "inspect", "lin", inspection=opinion)
        with pytest.raises(FormRefused, match="至少 4 个字"):
            world.go(case, "inspect", "province", inspection="好")
        after = world.go(case, "inspect", "province", inspection=opinion)
        assert (after.stage, after.due, after.entered_at) == (before.stage, before.due, before.entered_at)
        told(world, case, "chen", "抽查意见", opinion, "省科技厅")

    world.on("2025-07-15")
    case = registered(world)
    assert world.offered(case, "province") == {"inspect"}
    inspected("在册：台账与协议相符")
    world.go(case, "empower", "chen", paper=True, right="ownership", holders=SHARES, agreement_no="FQ-1",
             right_from="2025-07-15")  # fmt: skip
    inspected("待定价：赋权协议齐全")
    world.go(case, "set_price", "chen", paper=True, **PRICE)
    # While the notice runs it is for whoever objects.
    assert world.offered(case, "province") == set()
    in_pool(world, case, "2025-08-08")
    inspected("在池：公示材料齐全")
    assert world.clock(case, "在池有效期") == ("计时中", date(2026, 8, 8))
    assert "公示材料齐全" not in browser().get(f"/notices/{case.pk}").content.decode()
    world.go(case, "convert", "lin", paper=True, convert_mode="transfer", counterpart="某企业", contract_no="20253301",
             contract_amount="20000", converted_on="2025-08-08", net_income="0")  # fmt: skip
    inspected("已转化：合同与登记相符")
    world.go(case, "exit_register", "lin", paper=True, exit_reason="done", written_off="0", exit_decision="校务会")
    assert "inspect" not in world.offered(case, "province")
