"""A slice from county to city to province: filled, checked, returned at a cell, approved, locked, reopened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from collection_fixtures import CITY, COUNTY, Offices, kept_offices

from rongtong.apps.cases import actions as cases
from rongtong.apps.cases.errors import GuardRefused
from rongtong.apps.cases.models import Case
from rongtong.apps.observations import collecting, filing, slices
from rongtong.apps.observations.actions import import_file
from rongtong.apps.observations.filing import Typed
from rongtong.apps.observations.models import Batch, Entry, Observation
from rongtong.apps.planning import queries as planning
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.models import Account
from rongtong.engine.period import Period

pytestmark = pytest.mark.django_db
GOOD = {"input_enterprise": "225000", "input_government": "32000", "new_hte": "44", "new_srdi_smes": "30"}


@pytest.fixture(scope="module")
def offices(django_db_setup: None, django_db_blocker: Any) -> Iterator[Offices]:
    yield from kept_offices(django_db_blocker)


@pytest.fixture
def case(offices: Offices) -> Case:
    return filing.open_slice(collecting.task("county_input", "2025H1"), COUNTY, actor=offices.county)


def fill(case: Case, actor: Account, values: dict[str, str], reasons: dict[str, str] | None = None) -> filing.Saved:
    last = slices.entries_of([case.pk])[case.pk]
    typed = [
        Typed(code, value, (reasons or {}).get(code, ""), last[code].version if code in last else 0)
        for code, value in values.items()
    ]
    return filing.save(case, typed, actor=actor)


def step(case: Case, transition: str, actor: Account, **data: object) -> Case:
    case.refresh_from_db()
    return cases.move(case.pk, transition, actor=actor, seen=case.events, data=data)


def approved(case: Case, offices: Offices) -> Case:
    fill(case, offices.county, GOOD)
    step(case, "submit", offices.county)
    step(case, "accept", offices.city)
    return step(case, "approve", offices.province)


def test_a_slice_opens_with_what_is_held_and_only_once(case: Case, offices: Offices) -> None:
    again = filing.open_slice(collecting.task("county_input", "2025H1"), COUNTY, actor=offices.county)
    assert again.pk == case.pk
    (entry,) = Entry.objects.all()
    assert (entry.indicator, entry.value, entry.unit, entry.origin) == ("input_enterprise", "215000", "万元", "held")
    cell = slices.read_slice(case).cell("input_enterprise")
    assert (cell.before_text, cell.last_year_text, cell.yoy) == ("100000", "200000", "7.5")


def test_a_slip_of_ten_thousand_blocks_the_submission(case: Case, offices: Offices) -> None:
    fill(case, offices.county, GOOD | {"input_enterprise": "22.5"})
    with pytest.raises(GuardRefused, match="强制性"):
        step(case, "submit", offices.county)
    (finding,) = slices.read_slice(case).cell("input_enterprise").findings
    assert "万元/亿元错位" in finding.problem


@pytest.mark.parametrize("reason", ["核实无误", "属实", "无", "正常", "哈哈哈哈哈哈哈", "已核实"])
def test_a_jump_is_not_explained_by_saying_that_it_was_verified(case: Case, offices: Offices, reason: str) -> None:
    fill(case, offices.county, GOOD | {"new_hte": "100"}, {"new_hte": reason})
    assert slices.read_slice(case).soft_open == 1
    with pytest.raises(GuardRefused):
        step(case, "submit", offices.county)


def test_a_jump_passes_with_a_real_reason(case: Case, offices: Offices) -> None:
    fill(case, offices.county, GOOD | {"new_hte": "100"}, {"new_hte": "上半年两批认定并到一批公布"})
    assert step(case, "submit", offices.county).stage == "city_review"


def test_a_required_cell_left_empty_blocks_the_submission(case: Case, offices: Offices) -> None:
    fill(case, offices.county, {code: v for code, v in GOOD.items() if code != "new_srdi_smes"})
    assert slices.read_slice(case).empty == 1
    with pytest.raises(GuardRefused, match="必填"):
        step(case, "submit", offices.county)


def test_the_city_returns_one_cell_and_every_version_is_kept(case: Case, offices: Offices) -> None:
    fill(case, offices.county, GOOD)
    step(case, "submit", offices.county)
    cells = [{"indicator": "new_hte", "comment": "与名单不符，名单是45家"}]
    step(case, "return", offices.city, reason="请核对一格", cells=cells)
    found = slices.read_slice(Case.objects.get(pk=case.pk))
    assert [c.comment for c in found.cells if c.comment] == ["与名单不符，名单是45家"]
    fill(case, offices.county, {"new_hte": "45"})
    step(case, "submit", offices.county)
    versions = Entry.objects.filter(indicator="new_hte").values_list("version", "value")
    assert list(versions) == [(1, "44"), (2, "45")]


def test_a_submitted_slice_is_closed_to_its_filler(case: Case, offices: Offices) -> None:
    fill(case, offices.county, GOOD)
    step(case, "submit", offices.county)
    with pytest.raises(Denied, match="填报中"):
        fill(case, offices.county, {"new_hte": "46"})


def test_approval_writes_observations_and_the_board_shows_them(case: Case, offices: Offices) -> None:
    asked = planning.Asked("input_enterprise", Period.parse("2025H1"), "county", CITY)
    before = {r.place: r.figures["value"].text for r in planning.monitor(asked).rows if "value" in r.figures}
    approved(case, offices)
    after = {r.place: r.figures["value"].text for r in planning.monitor(asked).rows if "value" in r.figures}
    assert (before[COUNTY], after[COUNTY]) == ("21.50", "22.50")
    stored = Observation.objects.get(place=COUNTY, indicator="input_enterprise", known_from="2025-07-15")
    assert (stored.evidence, stored.status, stored.late) == (f"填报 {case.pk} input_enterprise", "synthetic", False)


def test_the_status_of_a_real_instance_is_that_of_the_table(case: Case, offices: Offices, settings: object) -> None:
    settings.DEMO = False  # type: ignore[attr-defined]
    fill(case, offices.county, GOOD, {})
    step(case, "submit", offices.county)
    step(case, "accept", offices.city)
    step(case, "approve", offices.province)
    assert {o.status for o in Observation.objects.filter(known_from="2025-07-15")} == {"flash"}


def test_what_is_approved_is_locked_until_it_is_reopened_with_a_reason(case: Case, offices: Offices) -> None:
    approved(case, offices)
    with pytest.raises(Denied):
        fill(case, offices.county, {"new_hte": "46"})
    with pytest.raises(GuardRefused, match="具体原因"):
        step(case, "reopen", offices.province, reason="核实无误")
    assert step(case, "reopen", offices.province, reason="县里补报了两家漏统企业").stage == "filling"


def test_reopening_on_the_same_day_adds_a_further_value_and_keeps_the_first(case: Case, offices: Offices) -> None:
    approved(case, offices)
    step(case, "reopen", offices.province, reason="县里补报了两家漏统企业")
    fill(case, offices.county, {"input_enterprise": "230000"})
    step(case, "submit", offices.county)
    step(case, "accept", offices.city)
    step(case, "approve", offices.province)
    rows = Observation.objects.filter(place=COUNTY, indicator="input_enterprise", known_from="2025-07-15")
    assert list(rows.values_list("value", "revision")) == [(225_000_000_000, 0), (230_000_000_000, 1)]
    asked = planning.Asked("input_enterprise", Period.parse("2025H1"), "county", CITY)
    shown = {r.place: r.figures["value"].text for r in planning.monitor(asked).rows if "value" in r.figures}
    assert shown[COUNTY] == "23.00"


def test_whoever_typed_a_cell_does_not_approve_it(case: Case, offices: Offices) -> None:
    from rongtong.apps.registry.actions import grant, system_account

    fill(case, offices.county, GOOD)
    step(case, "submit", offices.county_second)
    step(case, "accept", offices.city)
    grant(offices.county, "provincial_officer", "", actor=system_account())
    with pytest.raises(GuardRefused, match="别人办理"):
        step(case, "approve", offices.county)


def test_two_officers_at_once_lose_nothing(case: Case, offices: Offices) -> None:
    first = filing.save(case, [Typed("new_hte", "44", "", 0)], actor=offices.county)
    second = filing.save(
        case, [Typed("new_hte", "45", "", 0), Typed("new_srdi_smes", "30", "", 0)], actor=offices.county_second
    )
    assert not first.clashes
    assert (second.clashes["new_hte"].entry.value, second.clashes["new_hte"].entry.by) == ("44", offices.county)
    assert list(second.entries) == ["new_srdi_smes"]


def test_an_office_files_for_itself_alone(offices: Offices) -> None:
    task = collecting.task("county_input", "2025H1")
    with pytest.raises(Denied):
        filing.open_slice(task, COUNTY, actor=offices.neighbour)
    case = filing.open_slice(task, COUNTY, actor=offices.county)
    with pytest.raises(Denied):
        fill(case, offices.neighbour, GOOD)
    with pytest.raises(Case.DoesNotExist):
        slices.find(offices.neighbour, case.pk)


def test_what_others_filed_later_does_not_stop_an_approval_and_is_kept_with_it(case: Case, offices: Offices) -> None:
    fill(case, offices.county, GOOD)
    step(case, "submit", offices.county)
    step(case, "accept", offices.city)
    lower = "指标,地区,期,数值,单位,状态,发布日期,核实说明\ninput_enterprise,330100,2025H1,44,亿元,演示,2025-07-14,只含部分行业的数\n"
    import_file(lower.encode(), "市数.csv", actor=offices.province)
    import_file(lower.replace("330100", "330105").replace(",44,", ",31,").encode(), "邻县.csv", actor=offices.province)
    assert "大于杭州" in slices.read_slice(case).cell("input_enterprise").findings[0].problem
    assert step(case, "approve", offices.province).stage == "approved"
    assert "大于杭州" in Batch.objects.latest("pk").findings


def test_a_city_files_its_own_table_straight_to_the_province_and_sees_its_counties_sum(offices: Offices) -> None:
    counties = "指标,地区,期,数值,单位,状态,发布日期\n" + "".join(
        f"new_hte,{place},2025H1,{value},家,演示,2025-07-10\n" for place, value in (("330102", 44), ("330105", 30))
    )
    import_file(counties.encode(), "县数.csv", actor=offices.province)
    case = filing.open_slice(collecting.task("city_transfer", "2025H1"), CITY, actor=offices.city)
    assert slices.read_slice(case).cell("new_hte").below == "74（2/13 个县）"
    values = {
        "fiscal_st_month": "1100000",
        "use_first_transfers": "300",
        "tech_managers_trained": "2100",
        "new_hte": "900",
    }
    fill(case, offices.city, values)
    with pytest.raises(GuardRefused):
        step(case, "submit", offices.city)
    assert step(case, "submit_city", offices.city).stage == "province_review"
