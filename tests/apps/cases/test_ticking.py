"""The daily job: steps that time brings, reminders and escalations by working days, each once; a case that fails alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from packs import with_more
from rongtong import cli
from rongtong.apps.cases import actions, queries, telling
from rongtong.apps.cases.models import Case, Event, Told
from rongtong.apps.cases.ticking import tick
from rongtong.apps.packs import queries as packs
from rongtong.apps.packs.actions import PackRefused, load
from rongtong.apps.records.actions import erase_payload
from rongtong.apps.records.models import Leaf
from rongtong.apps.records.queries import verify
from rongtong.apps.registry.actions import create_account, grant
from rongtong.apps.registry.models import Account
from rongtong.engine.deadline import moments
from rongtong.engine.reminder import reminders
from worlds import browser, member

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]
PROCESS = """\
- code: care
  version: "1"
  name: 求助
  about: 试验
  start: doing
  opened_by: [county]
  clocks:
    - code: reply
      name: 答复期限
      days: 5
      starts: [open]
      stops: [answer]
      pauses: [mending]
      extends: [{transition: longer, field: more}]
      warn: [{left: 2, tell: [county]}, {left: 0, tell: [county, city]}]
      over: {tell: [city], make: escalate}
      mark: proposed
  dues:
    - {code: pay, name: 付款, by: county, born: [answer], days: 30, met_by: [pay], mark: proposed}
  variables: {level: text}
  roles:
    - {code: county, name: 县科技局, held_by: [county_officer], at: self}
    - {code: city, name: 市科技局, held_by: [city_officer], at: parent}
  form: {type: object, properties: {title: {type: string, title: 事项}}}
  stages:
    - {code: doing, name: 办理中, no_clock: 有答复期限}
    - {code: mending, name: 补正中, no_clock: 等企业}
    - {code: notice, name: 公示中, deadline: {days: 3, calendar: working}}
    - {code: paying, name: 待付款, no_clock: 有到期义务}
    - {code: done, name: 已办结, outcome: done}
  transitions:
    - {code: mend, name: 补正, at: [doing], to: mending, by: [county]}
    - {code: mended, name: 补齐, at: [mending], to: doing, by: [county]}
    - code: longer
      name: 延期
      at: [doing]
      by: [city]
      optional: true
      form: {type: object, required: [more], properties: {more: {type: integer, title: 延长几日}}}
    - code: escalate
      name: 提级
      at: [doing]
      by: [city]
      optional: true
      form:
        type: object
        required: [level]
        properties: {level: {type: string, title: 等级, default: red, enum: [yellow, red]}}
    - {code: answer, name: 答复, at: [doing], to: notice, by: [county]}
    - {code: notice_over, name: 公示期满, at: [notice], to: paying, automatic: true, when: overdue}
    - {code: stop, name: 撤回, at: [notice], to: done, by: [county], optional: true}
    - {code: pay, name: 已付, at: [paying], to: done, by: [county]}
"""
ONE = timedelta(1)


@pytest.fixture(scope="module")
def officer(demo_store: Account, tmp_path_factory: pytest.TempPathFactory) -> Account:
    """The county officer of 西湖, where the process is in force."""
    load(with_more(tmp_path_factory.mktemp("pack"), PROCESS), demo_store)
    return member("tick-county", "西湖", "county_officer", "330106", actor=demo_store)


@pytest.fixture
def boss(officer: Account, demo_store: Account) -> Account:
    """The city officer of 杭州."""
    return member("tick-city", "杭州", "city_officer", "330100", actor=demo_store)


class Days:
    """The clock, set by hand."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def at(self, month: int, day: int) -> date:
        self.settings.PINNED_TODAY = date(2025, month, day)
        return date(2025, month, day)

    def tick(self, month: int, day: int) -> None:
        self.at(month, day)
        assert tick().failed == []


@pytest.fixture
def days(settings: Settings) -> Iterator[Days]:
    kept = settings.PINNED_TODAY
    yield Days(settings)
    settings.PINNED_TODAY = kept


def ask(officer: Account, key: str = "一") -> Case:
    return actions.open_case("care", actor=officer, place="330106", key=key, title=f"求助{key}", data={"title": key})


def rows(case: Case) -> list[tuple[str, str, str]]:
    found = Told.objects.filter(case=case).order_by("on", "pk")
    return [(f"{t.on:%m-%d}", t.key.rpartition("/")[2], t.role) for t in found]


def steps(case: Case) -> list[str]:
    return list(Event.objects.filter(case=case).order_by("number").values_list("transition", flat=True))


def test_a_whole_autumn_is_told_on_working_days_only_and_each_thing_once(officer: Account, days: Days) -> None:
    days.at(9, 24)
    case = ask(officer)
    day = date(2025, 9, 24)
    while day < date(2025, 10, 20):
        days.tick(day.month, day.day)
        days.tick(day.month, day.day)
        day += ONE
    # Due on 30 September; Sunday the 28th is worked, 1 to 8 October are off, so late is told on the 9th.
    assert rows(case) == [
        ("09-28", "warn2", "county"),
        ("09-30", "warn0", "county"),
        ("09-30", "warn0", "city"),
        ("10-09", "over", "city"),
        ("10-09", "over", ""),
    ]
    assert steps(case) == ["open", "escalate"]
    case.refresh_from_db()
    assert (case.due, case.late) == (date(2025, 9, 30), True)
    assert Event.objects.get(case=case, number=2).data == {"level": "red"}
    assert Leaf.objects.filter(kind="cases.care.tell").count() == 3
    assert not verify()


def test_running_every_day_tells_what_the_engine_says(officer: Account, days: Days) -> None:
    days.at(9, 22)
    case = ask(officer)
    day, made = date(2025, 9, 22), {date(2025, 9, 25): ("mend", officer), date(2025, 9, 29): ("mended", officer)}
    while day < date(2025, 11, 1):
        days.tick(day.month, day.day)
        if day in made:
            code, who = made[day]
            actions.move(case.pk, code, actor=who, seen=Case.objects.get(pk=case.pk).events)
        day += ONE
    process, found = packs.current().get("processes", "care"), set()
    events = moments(process, queries.happened(case))
    for r in reminders(process.clocks[0], events, packs.calendars(packs.current()), day):
        found |= {(r.on, r.key, role) for role in r.tell}
    assert {(t.on, t.key, t.role) for t in Told.objects.filter(case=case).exclude(role="")} == found
    assert len(found) == 4


def test_a_day_without_the_job_is_caught_up_with_the_most_pressing_and_not_on_a_day_off(
    officer: Account, days: Days
) -> None:
    days.at(9, 24)
    case = ask(officer)
    days.tick(10, 5)
    assert rows(case) == []
    days.tick(10, 11)
    assert rows(case) == [("10-11", "warn0", "county"), ("10-11", "over", "city"), ("10-11", "over", "")]


def test_a_notice_that_is_over_moves_on_by_itself_and_its_due_is_told(officer: Account, days: Days) -> None:
    days.at(9, 24)
    case = actions.move(ask(officer).pk, "answer", actor=officer, seen=1)
    assert case.due == date(2025, 9, 28)
    days.tick(9, 28)
    assert steps(case) == ["open", "answer"]
    days.tick(9, 29)
    assert steps(case) == ["open", "answer", "notice_over"]
    # 30 days after the 24th is the 24th of October: told ten days before, and on the Monday after it.
    for day in (13, 14, 15, 24, 25, 27, 28):
        days.tick(10, day)
    assert rows(case) == [("10-14", "warn", "county"), ("10-27", "over", "county")]
    case.refresh_from_db()
    actions.move(case.pk, "pay", actor=officer, seen=case.events)
    days.tick(10, 30)
    assert len(rows(case)) == 2


def test_a_stage_is_overdue_by_its_own_deadline_whatever_clock_ran_out(
    demo_store: Account, officer: Account, days: Days, tmp_path: Path
) -> None:
    load(with_more(tmp_path, PROCESS.replace("stops: [answer]", "stops: [pay]")), demo_store)
    days.at(9, 24)
    case = ask(officer)
    days.at(9, 30)
    actions.move(case.pk, "answer", actor=officer, seen=1)
    days.tick(10, 9)
    case.refresh_from_db()
    # The clock ended on 30 September, the notice lasts to 11 October.
    assert (steps(case), case.due, case.late) == (["open", "answer"], date(2025, 9, 30), True)
    days.tick(10, 13)
    assert steps(case) == ["open", "answer", "notice_over"]


def test_what_was_answered_before_the_job_ran_is_not_told(officer: Account, days: Days) -> None:
    days.at(9, 24)
    case = ask(officer)
    days.at(9, 28)
    actions.move(case.pk, "answer", actor=officer, seen=1)
    days.tick(9, 28)
    assert rows(case) == []


def test_an_escalation_that_is_not_possible_yet_is_made_when_it_is(
    officer: Account, days: Days, tmp_path: Path
) -> None:
    load(with_more(tmp_path, PROCESS.replace("pauses: [mending]", "pauses: []")), officer_of_packs(officer))
    days.at(9, 24)
    case = actions.move(ask(officer).pk, "mend", actor=officer, seen=1)
    days.tick(10, 9)
    assert steps(case) == ["open", "mend"]
    actions.move(case.pk, "mended", actor=officer, seen=2)
    days.tick(10, 10)
    days.tick(10, 11)
    assert steps(case) == ["open", "mend", "mended", "escalate"]


def officer_of_packs(_officer: Account) -> Account:
    return Account.objects.get(username="system")


def test_an_extension_begins_a_new_round(officer: Account, boss: Account, days: Days) -> None:
    days.at(9, 24)
    case = ask(officer)
    days.tick(9, 28)
    actions.move(case.pk, "longer", actor=boss, seen=1, data={"more": 5})
    case.refresh_from_db()
    assert case.due == date(2025, 10, 14)
    for day in (9, 10, 11, 13, 14, 15):
        days.tick(10, day)
    assert [r for r in rows(case) if r[2]] == [
        ("09-28", "warn2", "county"),
        ("10-11", "warn2", "county"),
        ("10-14", "warn0", "county"),
        ("10-14", "warn0", "city"),
        ("10-15", "over", "city"),
    ]


def test_one_case_that_fails_is_named_and_stops_no_other(
    officer: Account, boss: Account, days: Days, capsys: pytest.CaptureFixture[str]
) -> None:
    days.at(9, 24)
    first, broken, last = ask(officer, "甲"), ask(officer, "乙"), ask(officer, "丙")
    actions.move(broken.pk, "longer", actor=boss, seen=1, data={"more": 5})
    event = Event.objects.get(case=broken, number=2)
    assert event.leaf_id is not None
    # Without the days it granted its clock cannot be read any more.
    erase_payload(event.leaf_id, why="试验", actor=Account.objects.get(username="system"))
    days.at(9, 28)
    assert cli.main(["cases", "tick"]) == 1
    said = capsys.readouterr()
    assert f"办件 {broken.pk}“求助乙”没有办成" in said.err
    assert "出错 1 件" in said.out
    assert [rows(c) for c in (first, broken, last)] == [
        [("09-28", "warn2", "county")],
        [],
        [("09-28", "warn2", "county")],
    ]
    Told.objects.filter(case=first).delete()
    Case.objects.filter(pk=broken.pk).update(outcome="done")
    assert cli.main(["cases", "tick", "--json"]) == 0
    assert '"told": 1' in capsys.readouterr().out


def test_the_workbench_shows_what_was_told_to_the_roles_held_for_seven_days(
    officer: Account, boss: Account, demo_store: Account, days: Days
) -> None:
    days.at(9, 24)
    case = ask(officer)
    days.tick(9, 28)

    def seen(who: Account) -> list[tuple[str, str]]:
        return [(t.about, t.word) for t in telling.told(who, queries.clock.today() - 7 * ONE)]

    other = create_account("tick-other", "上城", actor=demo_store, demo=True).account
    grant(other, "county_officer", "330102", actor=demo_store)
    assert (seen(officer), seen(boss), seen(other)) == ([("答复期限", "临期")], [], [])
    days.tick(10, 9)
    # Told to the county once more on the 9th, since the job did not run on the 30th.
    assert (seen(officer), seen(boss)) == ([("答复期限", "临期")], [("答复期限", "已超期")])
    client = browser(boss)
    page = client.get("/work").content.decode()
    assert "提醒：1 条" in page
    assert f'href="/cases/{case.pk}"' in page
    days.at(10, 16)
    assert (seen(officer), seen(boss)) == ([], [])


@pytest.mark.parametrize(
    ("right", "found", "said"),
    [
        ("default: red, ", "", "它要填 level，系统不会填"),
        ("name: 提级", "name: 提级\n      files: required", "它要填 佐证材料"),
    ],
)
def test_a_step_the_system_could_not_fill_is_refused(
    demo_store: Account, tmp_path: Path, right: str, found: str, said: str
) -> None:
    assert right in PROCESS
    with pytest.raises(PackRefused, match=said):
        load(with_more(tmp_path, PROCESS.replace(right, found)), demo_store)


def test_what_only_the_system_fills_in_is_enough_for_its_step(demo_store: Account, tmp_path: Path) -> None:
    load(with_more(tmp_path, PROCESS.replace("default: red", "by_system: red")), demo_store)
