"""The supervisor's wall: counts by place and process that agree with the lists, and what of them is published."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest
from desk_world import PROCESS, load_process, need, taken
from django.apps import apps
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rongtong import clock
from rongtong.apps.cases import actions, queries, wall_queries
from rongtong.apps.cases.models import Case
from rongtong.apps.cases.wall_queries import SMALLEST, Tally, percent
from rongtong.apps.registry.models import Account
from worlds import browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]
Who = dict[str, Account]
RATINGS = {"satisfied": "rate", "acceptable": "rate", "unsatisfied": "rate_unsatisfied"}


def rated(who: Who, value: str, by: str = "county", place: str = "330106", firm: str = "firm") -> Case:
    """A case that was answered and rated."""
    case = taken(who, need(who, by, place, uscc=who[firm].organisation.uscc), by)  # type: ignore[union-attr]
    case = actions.move(case.pk, "answer", actor=who["handler"], seen=case.events)
    data = {"rating": value, "comment": "没有解决问题"}
    return actions.move(case.pk, RATINGS[value], actor=who[firm], seen=case.events, data=data)


def tally(account: Account, place: str = "330000", process: str = "need") -> Tally:
    return wall_queries.wall(account, place, clock.today().year, process).total


def test_the_wall_counts_what_there_is(who: Who) -> None:
    rated(who, "satisfied")
    rated(who, "acceptable")
    refused = need(who)
    actions.move(refused.pk, "refuse", actor=who["county"], seen=1, data={"why": "不属于本县"})
    Case.objects.filter(pk=refused.pk).update(late=True)
    again = rated(who, "unsatisfied")  # back in hand, rated but not closed
    Case.objects.filter(pk=again.pk).update(due=clock.today() - timedelta(days=1))
    need(who, "far", "330203")
    found = tally(who["province"])
    assert found == Tally(opened=5, open=2, late=1, closed=3, on_time=2, rated=2, satisfied=2)
    assert (found.on_time_rate, found.satisfaction) == ("66.7", "100.0")


def test_cases_that_ended_before_the_day_was_kept_count_as_closed_on_it(who: Who) -> None:
    ended, alive = rated(who, "satisfied"), need(who)
    # Past midnight in Beijing and not in Greenwich, the turn of the year.
    Case.objects.filter(pk=ended.pk).update(closed_on=None, entered_at=datetime(2024, 12, 31, 16, 30, tzinfo=UTC))
    import_module("rongtong.apps.cases.migrations.0009_closed_before").fill(apps, None)
    found = Case.objects.in_bulk([ended.pk, alive.pk])
    assert (found[ended.pk].closed_on, found[alive.pk].closed_on) == (date(2025, 1, 1), None)


def test_places_add_up_to_the_whole_and_open_into_counties(who: Who) -> None:
    need(who)
    need(who, "beside", "330102")
    need(who, "far", "330203")
    year = clock.today().year
    province = wall_queries.wall(who["province"], "330000", year, "need")
    assert sum((r.tally for r in province.by_place), Tally()) == province.total
    assert {r.name: r.tally.open for r in province.by_place if r.tally.open} == {"杭州": 2, "宁波": 1}
    city = wall_queries.wall(who["province"], "330100", year, "need")
    assert {r.name: r.tally.open for r in city.by_place if r.tally.open} == {"上城": 1, "西湖": 1}
    assert city.total.open == 2


def test_a_reader_s_wall_counts_the_cases_of_the_reader_s_list(who: Who) -> None:
    need(who)
    need(who, "far", "330203")
    for name in ("province", "city", "county", "beside", "far"):
        account, place = (
            who[name],
            {"city": "330100", "county": "330106", "beside": "330102", "far": "330203"}.get(name, "330000"),
        )
        listed = queries.visible(account).filter(outcome="").count()
        assert wall_queries.wall(account, place, clock.today().year).total.open == listed, name
    # A place that the reader does not read is not shown, whatever the address says.
    page = browser(who["city"]).get("/wall/?place=330200").content.decode()
    assert "督查墙：杭州" in page
    assert "海曙" not in page


def test_a_stage_that_hides_its_cases_hides_them_from_the_wall(who: Who, demo_store: Account, tmp_path: Path) -> None:
    hidden = PROCESS.replace("{code: asked, name: 待受理,", "{code: asked, name: 待受理, see: [desk, firm],")
    load_process(tmp_path, demo_store, hidden)
    need(who)
    assert tally(who["county"], "330106").open == 1
    assert tally(who["city"], "330100").open == 0


def test_who_reads_no_place_has_no_wall(who: Who) -> None:
    for name in ("firm", "handler"):
        for address in ("/wall/", "/wall/figures.csv", "/wall/on_time_rate.svg"):
            assert browser(who[name]).get(address).status_code == 403, (name, address)


def test_the_pages_and_files_of_the_wall_hold_its_numbers(who: Who) -> None:
    rated(who, "satisfied")
    client = browser(who["city"])
    page = client.get("/wall/?process=need").content.decode()
    assert '100.0<span class="unit">%（1/1）</span>' in page
    assert page.count("<svg") >= 2
    rows = list(csv.reader(io.StringIO(client.get("/wall/figures.csv?process=need").content.decode("utf-8-sig"))))
    (west,) = [r for r in rows if r[2] == "西湖"]
    assert west[3:] == ["1", "0", "0", "1", "1", "100.0", "1", "1", "100.0"]
    assert next(r for r in rows if r[2] == "上城")[8] == ""
    assert b"<svg" in client.get("/wall/satisfaction.svg").content
    assert client.get("/wall/satisfaction.png").content.startswith(b"\x89PNG")
    assert client.get("/wall/nothing.svg").status_code == 404


def test_the_public_wall_gives_no_small_count(who: Who) -> None:
    for _ in range(4):
        need(who, "far", "330203")
    for _ in range(5):
        need(who)
    need(who, "beside", "330102")
    lines, total, _ = wall_queries.published("330100", clock.today().year)
    shown = {line.name: line.counts["open"] for line in lines}
    # One is below three, 上城; every other county has none and is below three as well.
    assert {name for name, count in shown.items() if count is not None} == {"西湖"}
    assert (shown["西湖"], total.counts["open"]) == (5, 6)
    page = browser().get("/wall/public/?place=330100").content.decode()
    assert "&lt;3" in page
    english = browser().get("/en/wall/public/?place=330100").content.decode()
    assert "Xihu District" in english
    rows = list(csv.DictReader(io.StringIO(browser().get("/wall/public.csv?place=330100").content.decode("utf-8-sig"))))
    assert {r["name"]: r["open"] for r in rows if r["open"]} == {"西湖": "5", "杭州": "6"}


def test_only_what_organisations_bring_is_published(who: Who) -> None:
    for _ in range(3):
        need(who)
    year = clock.today().year
    assert wall_queries.wall(who["province"], "330000", year).total.opened >= 3
    assert wall_queries.published("330000", year)[1].counts["opened"] == Case.objects.filter(process="need").count()


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=14))
def test_no_withheld_count_follows_from_a_total(counts: list[int]) -> None:
    hidden = wall_queries._withheld(counts)
    assert all(i in hidden for i, c in enumerate(counts) if c < SMALLEST)
    assert len(hidden) != 1 or len(counts) == 1


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_ratio_is_rounded_half_up_to_one_decimal(part: int, whole: int) -> None:
    whole_part, tenth = percent(part, whole).split(".")
    shown = int(whole_part) * 10 + int(tenth)
    assert 2 * shown * whole - whole <= 2 * part * 1000 < 2 * shown * whole + whole


def test_a_ratio_of_nothing_is_unknown(who: Who) -> None:
    assert percent(0, 0) == ""
    need(who)
    page = browser(who["county"]).get("/wall/?process=need").content.decode()
    assert "<dt>满意率</dt><dd>—</dd>" in page


def test_a_place_withheld_above_is_withheld_on_its_own_page(who: Who) -> None:
    # 宁波 has two open, 杭州 five: 宁波 is small, 杭州 the next smallest of those with any … every other city has none.
    for _ in range(2):
        need(who, "far", "330203")
    for _ in range(5):
        need(who)
    year = clock.today().year
    above = {line.code: line.counts["open"] for line in wall_queries.published("330000", year)[0]}
    assert (above["330200"], above["330100"]) == (None, 5)
    lines, total, _ = wall_queries.published("330200", year)
    assert total.counts["open"] is None
    assert all(line.counts["open"] is None for line in lines)


def test_with_many_cases_the_count_is_a_minute_old_at_most(who: Who, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wall_queries, "ALWAYS_COUNTED", 0)
    wall_queries._kept.cache_clear()
    need(who)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    assert tally(who["province"]).open == 1
    need(who)
    assert tally(who["province"]).open == 1
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=1))
    assert tally(who["province"]).open == 2
    wall_queries._kept.cache_clear()
