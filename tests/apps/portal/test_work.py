"""The workbench: what waits is there with the page where it is done, for every role something useful."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from rongtong.apps.cases import actions, demo, queries
from rongtong.apps.cases.models import Case
from rongtong.apps.observations import queries as observations
from rongtong.apps.portal import work_queries
from rongtong.apps.registry.actions import create_account, grant, revoke
from rongtong.apps.registry.models import Account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]

ROLES = {
    "office": ("provincial_officer", ""),
    "city": ("city_officer", "330100"),
    "county": ("county_officer", "330102"),
    "other": ("city_officer", "330200"),
    "reader": ("reader", ""),
    "auditor": ("audit_admin", ""),
}


@pytest.fixture(scope="module")
def people(demo_store: Account) -> dict[str, Account]:
    """One account for each role, and the demonstration's 督办 under way."""
    made = {}
    for name, (role, place) in ROLES.items():
        made[name] = create_account(f"w-{name}", name, actor=demo_store, demo=True).account
        grant(made[name], role, place, actor=demo_store)
    demo.seed()
    return made


def page(account: Account) -> str:
    client = Client(HTTP_HOST="localhost")
    client.force_login(account)
    answer = client.get("/work")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_demonstration_has_each_situation_and_changes_nothing_the_second_time(people: dict[str, Account]) -> None:
    cases = Case.objects.filter(process="supervision")
    before = list(cases.values_list("pk", "events"))
    demo.seed()
    assert list(cases.values_list("pk", "events")) == before
    assert {"issued", "doing", "extension", "replied", "closed"} == set(cases.values_list("stage", flat=True))
    assert cases.filter(place="330400").exists()
    assert cases.filter(outcome="", deadline__lt="2025-07-15").exists()


def test_what_waits_for_the_city_is_listed_with_a_link_that_opens_the_form(people: dict[str, Account]) -> None:
    text = page(people["city"])
    waiting = Case.objects.get(process="supervision", place="330100", stage="issued")
    assert waiting.title in text
    assert f'href="/supervision/{waiting.pk}"' in text
    client = Client(HTTP_HOST="localhost")
    client.force_login(people["city"])
    form = client.get(f"/supervision/{waiting.pk}").content.decode()
    assert 'name="transition" value="receive"' in form


def test_the_number_beside_the_workbench_is_the_number_of_lines_on_it(
    people: dict[str, Account], django_assert_max_num_queries: Any
) -> None:
    for name in ("office", "city", "county", "reader"):
        with django_assert_max_num_queries(15):
            number = work_queries.waiting(people[name])
        begun = sum(g.count for g in work_queries.todo(people[name]))
        assert number == begun + len(observations.unstarted(people[name]))
    assert work_queries.waiting(people["city"]) > 0


def test_of_many_that_wait_the_most_pressing_are_listed_and_the_desk_has_the_others(
    people: dict[str, Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = next(g for g in work_queries.todo(people["city"]) if g.count > 2)
    assert whole.count == len(whole.todos)
    assert f"process={whole.process}" not in page(people["city"])
    monkeypatch.setattr(queries, "MOST_WAITING", 2)
    few = next(g for g in work_queries.todo(people["city"]) if g.process == whole.process)
    assert few.todos == whole.todos[:2]
    assert (few.count, few.late, few.oldest, few.soonest) == (whole.count, whole.late, whole.oldest, whole.soonest)
    assert f'<a href="/desk/?process={whole.process}">在工作台账里看全部 {whole.count} 件</a>' in page(people["city"])


def test_a_table_whose_window_opened_waits_for_the_county_until_it_is_begun(people: dict[str, Account]) -> None:
    before = observations.unstarted(people["county"])
    assert before
    text = page(people["county"])
    task = before[0].task
    address = f"/collection/tasks/{task.collection.code}/{task.period}/{before[0].place}/start"
    assert "要填的表" in text
    assert address in text
    client = Client(HTTP_HOST="localhost")
    client.force_login(people["county"])
    assert client.post(address).status_code == 302
    assert before[0] not in observations.unstarted(people["county"])


def test_another_city_sees_nothing_of_it(people: dict[str, Account]) -> None:
    titles = Case.objects.filter(process="supervision", place="330100").values_list("title", flat=True)
    text = page(people["other"])
    assert not [t for t in titles if t in text]


def test_what_was_done_and_begun_stands_there(people: dict[str, Account]) -> None:
    office = page(people["office"])
    assert "我发起的" in office
    assert "销号" in office
    assert "申请延期" in page(people["city"])


def test_the_red_lamps_are_those_of_the_places_the_account_reads(people: dict[str, Account]) -> None:
    assert "/why/industrial_rd_expense@330400@2025Q1" in page(people["office"])
    county = page(people["county"])
    assert "/why/industrial_rd_expense@330400@2025Q1" not in county
    assert set(re.findall(r"/why/input_enterprise@(\d+)@", county)) <= {"330102"}


def test_the_freshness_strip_says_which_period_is_known_and_which_is_next(people: dict[str, Account]) -> None:
    fresh = {f.card.code: f for f in work_queries.freshness()}
    quarterly = fresh["input_enterprise"]
    assert (str(quarterly.period), str(quarterly.next), quarterly.overdue) == ("2025H1", "2025-01..09", False)
    assert fresh["rd_total"].period is not None
    assert "期已结束，未到数" in page(people["reader"])


def test_a_reader_is_told_where_to_look_and_an_administrator_where_the_console_is(people: dict[str, Account]) -> None:
    assert 'href="/map"' in page(people["reader"])
    auditor = page(people["auditor"])
    assert 'href="/audit/"' in auditor
    assert "管理员不办业务" in auditor
    assert "督办：" not in auditor


def test_the_workbench_asks_for_a_login() -> None:
    assert Client(HTTP_HOST="localhost").get("/work").status_code == 302


def test_who_has_changed_office_no_longer_reads_the_cases_begun_in_the_old_one(
    people: dict[str, Account], demo_store: Account
) -> None:
    form = {"title": "旧处室交办的事", "level": "blue", "source": "manual"}
    actions.open_case(
        "supervision", actor=people["office"], place="330400", key="moved", title=form["title"], data=form
    )
    assert page(people["office"]).count(form["title"]) == 2
    for held in people["office"].grants.all():
        revoke(held, actor=demo_store)
    grant(people["office"], "city_officer", "330200", actor=demo_store)
    assert form["title"] not in page(people["office"])
