"""What the province returns (省级退回) of a table: to the county past its city, and to a city its own."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from story import Story

from rongtong.apps.cases.errors import CaseError, GuardRefused
from rongtong.apps.cases.models import Case
from rongtong.apps.observations import collecting, filing, slices
from rongtong.apps.observations.filing import Typed
from rongtong.apps.observations.models import Observation
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.actions import system_account
from worlds import browser, member

OFFICES = {
    "县里": ("county_officer", "330102"),
    "邻县": ("county_officer", "330105"),
    "宁波市": ("city_officer", "330200"),
    "省里另一处": ("provincial_officer", "330000"),
}


@pytest.fixture
def offices(story: Story) -> Story:
    """The story with those who fill in tables, on a day on which those of the first half-year are open."""
    for number, (name, (role, place)) in enumerate(OFFICES.items()):
        story.people[name] = member(f"table-{number}", name, role, place, actor=system_account())
    story.day("2025-07-08")
    return story


def fill(story: Story, who: str, case: Case, values: dict[str, str]) -> None:
    last = slices.entries_of([case.pk])[case.pk]
    typed = [Typed(c, v, "", last[c].version if c in last else 0) for c, v in values.items()]
    done = filing.save(case, typed, actor=story.people[who])
    assert not done.errors
    assert not done.clashes


GOOD = {"input_enterprise": "225000", "input_government": "32000", "new_hte": "44", "new_srdi_smes": "30"}
OF_CITY = {"fiscal_st_month": "225000", "use_first_transfers": "32", "tech_managers_trained": "44", "new_hte": "300"}
WHY = {"退回理由": "高企数与科技厅名单不符"}


def reviewed(story: Story, who: str, case: Case, transition: str, **more: str) -> Any:
    """A review sent from the page of the table; `b.` ticks a cell, `c.` is a comment at it."""
    seen = Case.objects.get(pk=case.pk).events
    sent = {"transition": transition, "seen": seen, **{name.replace("__", "."): words for name, words in more.items()}}
    return browser(story.people[who]).post(f"/collection/{case.pk}/review", sent)


def row(page: str, indicator: str) -> str:
    """The row of one cell."""
    found = page[page.index(f'id="row-{indicator}"') :]
    return found[: found.index("</tr>")]


def known(place: str) -> list[str]:
    """The values held of the newly recognised firms of a place."""
    return [str(o.value) for o in Observation.objects.filter(indicator="new_hte", place=place)]


def test_the_province_returns_a_county_s_table_at_a_cell_and_it_goes_through_the_city_again(offices: Story) -> None:
    story = offices
    case = filing.open_slice(collecting.task("county_input", "2025H1"), "330102", actor=story.people["县里"])
    fill(story, "县里", case, GOOD)
    story.does("县里", case, "提交")
    # Only what waits for the province is returned by it, and by nobody else.
    with pytest.raises(CaseError, match="不能在“待市级审”时办理"):
        story.does("省里", case, "省级退回", WHY)
    case = story.does("市里", case, "市级审核通过")
    assert (story.stage(case), case.due) == ("待省级审", date(2025, 7, 15))
    assert (story.waits_for("省里"), story.waits_for("市里"), story.waits_for("县里")) == ([case.title], [], [])
    assert "省级退回" in story.page("省里", f"/collection/{case.pk}")
    for other in ("市里", "县里"):
        assert "省级退回" not in story.page(other, f"/collection/{case.pk}")
        with pytest.raises(Denied, match="省级审核人"):
            story.does(other, case, "省级退回", WHY)
        assert reviewed(story, other, case, "return_province", reason="高企数与名单不符").status_code == 403
    for stranger in ("邻县", "宁波市"):
        assert reviewed(story, stranger, case, "return_province", reason="高企数与名单不符").status_code == 404
    kept = reviewed(story, "省里", case, "return_province", reason="不", c__new_hte="名单是45家")
    assert (kept.status_code, 'value="名单是45家"' in kept.content.decode()) == (422, True)
    done = reviewed(
        story, "省里", case, "return_province", reason=WHY["退回理由"], b__new_hte="on", c__new_hte="名单是45家"
    )
    assert (done.status_code, done["Location"]) == (302, f"/collection/{case.pk}?done=return_province")
    assert "已退回" in story.page("省里", done["Location"])
    case.refresh_from_db()
    assert (story.stage(case), case.outcome, case.due) == ("填报中", "", date(2025, 7, 16))
    assert (story.waits_for("省里"), story.waits_for("市里"), story.waits_for("县里")) == ([], [], [case.title])
    page = story.page("县里", f"/collection/{case.pk}")
    assert WHY["退回理由"] in page
    assert "名单是45家" in row(page, "new_hte")
    assert "名单是45家" not in page.replace(row(page, "new_hte"), "")
    assert WHY["退回理由"] in story.page("市里", f"/collection/{case.pk}/history")
    assert known("330102") == []
    _again(story, case)


def _again(story: Story, case: Case) -> None:
    """The county changes the cell; the city looks at it anew, and another desk of the province approves."""
    fill(story, "县里", case, {"new_hte": "45"})
    with pytest.raises(GuardRefused, match="市级表直接报省"):
        story.does("县里", case, "提交省级")
    case = story.does("县里", case, "提交")
    assert (story.stage(case), story.waits_for("市里")) == ("待市级审", [case.title])
    case = story.does("市里", case, "市级审核通过")
    past = story.page("省里", f"/collection/{case.pk}/history")
    second = past[past.index("第 2 次提交") : past.index("第 1 次提交")]
    assert all(words in second for words in (">44<", ">45<"))
    case = story.does("省里另一处", case, "省级审核通过")
    assert (case.outcome, known("330102")) == ("approved", ["45"])
    with pytest.raises(CaseError, match="不能在“省级已审”时办理"):
        story.does("省里", case, "省级退回", WHY)


def test_the_province_returns_a_city_s_own_table_straight_to_the_city(offices: Story) -> None:
    story = offices
    case = filing.open_slice(collecting.task("city_transfer", "2025H1"), "330200", actor=story.people["宁波市"])
    fill(story, "宁波市", case, OF_CITY)
    case = story.does("宁波市", case, "提交省级")
    assert story.stage(case) == "待省级审"
    with pytest.raises(Denied, match="省级审核人"):
        story.does("宁波市", case, "省级退回", WHY)
    case = story.does("省里", case, "省级退回", WHY)
    assert (story.stage(case), story.waits_for("宁波市")) == ("填报中", [case.title])
    # By step alone, with no cell named: the reason is what there is, and every cell is open again.
    assert WHY["退回理由"] in story.page("宁波市", f"/collection/{case.pk}")
    fill(story, "宁波市", case, {"new_hte": "301"})
    case = story.does("宁波市", case, "提交省级")
    assert (story.stage(case), story.waits_for("省里")) == ("待省级审", [case.title])
    case = story.does("省里", case, "省级审核通过")
    assert (case.outcome, known("330200")) == ("approved", ["301"])
