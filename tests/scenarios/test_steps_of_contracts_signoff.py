"""A plan of goals (目标分解) goes back to its drafter twice before it is signed; the places below see it only while they are asked."""

from __future__ import annotations

import json
from datetime import date

import pytest
from story import Story

from rongtong.apps.cases import queries
from rongtong.apps.cases.errors import CaseError, FormRefused, GuardRefused
from rongtong.apps.cases.models import Case
from rongtong.apps.observations.actions import import_file
from rongtong.apps.packs import queries as packs
from rongtong.apps.planning import actions
from rongtong.apps.planning.models import Allocation
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.actions import grant, system_account
from rongtong.engine.pack.plan import Split
from worlds import browser, member

CODE, PLAN = "enterprise_2025", "/studio/enterprise_2025/"
OFFICES = {
    "起草人": ("planner", ""),
    "另一起草人": ("planner", ""),
    "审签人": ("approver", ""),
    "宁波市": ("city_officer", "330200"),
}


@pytest.fixture
def plans(story: Story) -> Story:
    """The story with those who draft and sign goals."""
    for number, (name, (role, place)) in enumerate(OFFICES.items()):
        story.people[name] = member(f"goals-{number}", name, role, place, actor=system_account())
    rows = [f"industrial_rd_expense,33{n:02}00,2025Q1,{n + 10},亿元,演示,2025-05-10" for n in range(1, 12)]
    held = "\n".join(["指标,地区,期,数值,单位,状态,发布日期", *rows, ""])
    report = import_file(held.encode(), "已有.csv", actor=system_account())
    assert report.batch is not None, [str(f) for f in report.findings]
    return story


def saves(story: Story, who: str, reserve: str) -> Case:
    """Somebody saves the shipped plan as the next version, with so much kept in reserve (余项)."""
    shipped = packs.current().get("allocations", CODE).model_dump()
    kept = [{"name": "省级机动余项", "amount": reserve}]
    by = [{"figure": "industrial_rd_expense@2025Q1", "share": "1"}]
    split = Split.model_validate({**shipped, "reserve": kept, "weights": by})
    newest = Allocation.objects.filter(code=CODE).order_by("-version").first()
    actions.draft(split, actor=story.people[who], based_on=newest.version if newest else 0)
    case = queries.by_key(actions.SIGN_OFF, CODE)
    assert case is not None
    return case


TITLE = "2025年企业科技创新投入目标分解到设区市（拟议）"
ASKED = {"地方": "330100", "希望的目标值": "1345", "理由": "上半年研发外包减少"}
WHY = {"理由": "杭州压得太重，请再算一遍"}


def offered(story: Story, who: str, case: Case) -> list[str]:
    """The steps somebody could make now."""
    now = Case.objects.select_related("definition").get(pk=case.pk)
    return [o.name for o in queries.offers(story.people[who], now) if not o.refused]


def api(story: Story, who: str, case: Case) -> str:
    """A case as the API gives it to somebody."""
    answer = browser(story.people[who]).get(f"/api/cases/{case.pk}")
    assert answer.status_code == 200
    return json.dumps(answer.json(), ensure_ascii=False)


def test_a_plan_taken_back_for_changes_is_out_of_sight_of_the_places_until_they_are_asked_again(plans: Story) -> None:
    story = plans
    case = saves(story, "起草人", "30")
    story.page("市里", PLAN, 404)
    case = story.does("起草人", case, "征求意见")
    assert (story.stage(case), case.due) == ("征求意见", date(2025, 6, 30))
    assert story.waits_for("市里") == story.waits_for("宁波市") == [TITLE]
    story.does("市里", case, "提出反提案", ASKED)
    # What a place asks for, the drafter reads and the other places do not, on the page or over the API.
    for read in (lambda who: story.page(who, PLAN), lambda who: api(story, who, case)):
        assert "上半年研发外包减少" in read("起草人")
        assert "上半年研发外包减少" not in read("宁波市")
    assert "上半年研发外包减少" in api(story, "市里", case)
    with pytest.raises(Denied, match="起草人"):
        story.does("市里", case, "收回修改")
    with pytest.raises(Denied, match="起草人"):
        story.does("审签人", case, "收回修改")
    case = story.does("起草人", case, "收回修改")
    assert (story.stage(case), case.outcome, case.due) == ("起草", "", None)
    assert story.waits_for("起草人") == [TITLE]
    assert story.waits_for("市里") == story.waits_for("审签人") == []
    assert not story.reads("市里", case)
    story.page("市里", PLAN, 404)
    with pytest.raises(Case.DoesNotExist):
        story.does("市里", case, "提出反提案", ASKED)
    assert "收回修改" in story.page("起草人", PLAN)
    # Another version, and another round: what was asked for in the last one is no longer on the table.
    saves(story, "另一起草人", "20")
    case = story.does("另一起草人", case, "征求意见")
    page = browser(story.people["起草人"]).get(PLAN)
    assert [line.place for line in page.context["lines"] if line.ask] == []
    assert "提反提案" in story.page("市里", PLAN)
    assert story.waits_for("市里") == [TITLE]


def test_a_plan_sent_back_by_who_signs_is_changed_and_presented_again(plans: Story) -> None:
    story = plans
    case = saves(story, "起草人", "30")
    case = story.does("起草人", case, "直接提请审签")
    assert (story.waits_for("审签人"), story.waits_for("起草人")) == ([TITLE], [])
    with pytest.raises(FormRefused, match="理由"):
        story.does("审签人", case, "退回修改", {"理由": "重"})
    for other in ("起草人", "市里"):
        with pytest.raises(Denied, match="审签人"):
            story.does(other, case, "退回修改", WHY)
    with pytest.raises(actions.Closed, match="待审签"):
        saves(story, "起草人", "20")
    case = story.does("审签人", case, "退回修改", WHY)
    assert (story.stage(case), case.outcome, case.due) == ("起草", "", None)
    assert (story.waits_for("审签人"), story.waits_for("起草人")) == ([], [TITLE])
    assert actions.in_force(CODE) is None
    assert "杭州压得太重" in story.page("起草人", PLAN)
    story.page("市里", PLAN, 404)
    saves(story, "起草人", "20")
    case = story.does("起草人", case, "直接提请审签")
    case = story.does("审签人", case, "审签下达")
    adopted = actions.in_force(CODE)
    assert adopted is not None
    assert (case.outcome, adopted.version, adopted.case) == ("adopted", 2, CODE)
    assert "杭州压得太重" in story.page("市里", PLAN)  # what was signed is read as a whole


def test_while_the_next_version_is_drafted_the_places_read_the_one_in_force_and_no_more(plans: Story) -> None:
    story = plans
    case = saves(story, "起草人", "30")
    story.does("起草人", case, "直接提请审签")
    story.does("审签人", case, "审签下达")
    assert "会签</h2>" in story.page("市里", PLAN)
    story.does("起草人", case, "重新起草", {"理由": "年中调整目标"})
    saves(story, "起草人", "20")
    story.does("起草人", case, "直接提请审签")
    case = story.does("审签人", case, "退回修改", WHY)
    assert not story.reads("市里", case)
    page = story.page("市里", PLAN)
    assert "1045" in page
    assert [words for words in ("杭州压得太重", "年中调整目标", "会签</h2>") if words in page] == []
    (row,) = [line for line in story.page("市里", "/studio/").split("<tr>") if CODE in line]
    assert "已下达" in row
    assert "起草" not in row
    assert "杭州压得太重" in story.page("起草人", PLAN)
    assert "杭州压得太重" in story.page("审签人", PLAN)


def test_whoever_presented_does_not_sign_in_that_round_and_may_send_back(plans: Story) -> None:
    story = plans
    grant(story.people["另一起草人"], "approver", "", actor=system_account())
    case = saves(story, "起草人", "30")
    story.does("另一起草人", case, "直接提请审签")
    with pytest.raises(GuardRefused, match="须由别人办理"):
        story.does("另一起草人", case, "审签下达")
    assert offered(story, "另一起草人", case) == ["退回修改"]
    story.does("另一起草人", case, "退回修改", WHY)
    with pytest.raises(CaseError, match="不能在“起草”时办理"):
        story.does("审签人", case, "退回修改", WHY)
    # Back at the start a new round begins, presented by somebody else.
    story.does("起草人", case, "直接提请审签")
    assert story.does("另一起草人", case, "审签下达").outcome == "adopted"
