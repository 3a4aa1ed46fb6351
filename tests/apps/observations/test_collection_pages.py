"""The pages of collection: the task list, the grid and its conflicts, review, reminders, who sees what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from collection_fixtures import COUNTY, Offices, kept_offices
from django.test import Client

from rongtong import clock
from rongtong.apps.cases.models import Case
from rongtong.apps.observations import collecting, filing
from rongtong.apps.observations.filing import Typed
from rongtong.apps.observations.models import Entry
from rongtong.apps.observations.queries import reminders
from worlds import browser

pytestmark = pytest.mark.django_db
GOOD = {"input_enterprise": "225000", "input_government": "32000", "new_hte": "44", "new_srdi_smes": "30"}


@pytest.fixture(scope="module")
def offices(django_db_setup: None, django_db_blocker: Any) -> Iterator[Offices]:
    yield from kept_offices(django_db_blocker)


@pytest.fixture
def case(offices: Offices) -> Case:
    return filing.open_slice(collecting.task("county_input", "2025H1"), COUNTY, actor=offices.county)


def posted(values: dict[str, str], versions: dict[str, int] | None = None, **more: object) -> dict[str, object]:
    """The form of a grid as a browser sends it."""
    found: dict[str, object] = {f"v.{code}": value for code, value in values.items()}
    found |= {f"s.{code}": (versions or {}).get(code, 0) for code in values}
    return found | more


def submitted(case: Case, offices: Offices) -> Case:
    form = posted(GOOD, {"input_enterprise": 1}, then="submit", seen=case.events)
    answer = browser(offices.county).post(f"/collection/{case.pk}", form)
    assert (answer.status_code, answer["Location"]) == (302, f"/collection/{case.pk}?done=submitted")
    case.refresh_from_db()
    return case


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_a_county_sees_its_own_tables_with_period_window_and_state(offices: Offices) -> None:
    page = text(browser(offices.county), "/collection/")
    assert "科投1表" in page
    assert "07-01 至 07-16" in page
    assert "科企1表" in page
    assert "2025年6月" in page
    assert "逾期" in page
    assert "各单位进度" not in page


def test_a_table_is_opened_by_a_button_and_not_by_looking(offices: Offices) -> None:
    client = browser(offices.county)
    client.get("/collection/")
    assert not Case.objects.exists()
    answer = client.post(f"/collection/tasks/county_input/2025H1/{COUNTY}/start", follow=True)
    assert "预填" in answer.content.decode()
    assert Case.objects.count() == 1


def test_the_grid_shows_last_period_last_year_growth_and_origin(case: Case, offices: Offices) -> None:
    page = text(browser(offices.county), f"/collection/{case.pk}")
    for shown in ("100000", "200000", "+7.5", "预填", 'value="215000"'):
        assert shown in page


def test_saving_keeps_the_draft_and_submitting_moves_it_on(case: Case, offices: Offices) -> None:
    assert submitted(case, offices).stage == "city_review"
    assert {e.origin for e in Entry.objects.filter(version=2)} == {"typed"}


def test_what_cannot_be_read_stays_in_its_box_and_the_rest_is_saved(case: Case, offices: Offices) -> None:
    form = posted({"input_government": "约三万", "new_hte": "44"})
    answer = browser(offices.county).post(f"/collection/{case.pk}", form)
    page = answer.content.decode()
    assert (answer.status_code, "约三万" in page, "不是数" in page) == (422, True, True)
    assert 'href="#v-input_government"' in page
    assert list(Entry.objects.filter(version=1, origin="typed").values_list("indicator", flat=True)) == ["new_hte"]


def test_a_stale_cell_says_who_changed_it_and_keeps_what_was_typed(case: Case, offices: Offices) -> None:
    filing.save(case, [Typed("new_hte", "44", "", 0)], actor=offices.county)
    client = browser(offices.county_second)
    answer = client.post(f"/collection/{case.pk}", posted({"new_hte": "45", "new_srdi_smes": "30"}))
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "county的姓名" in page
    at = Entry.objects.get(indicator="new_hte").at.astimezone(clock.LOCAL)
    assert f"在 {at:%H:%M} 已改为“44”" in page
    assert 'value="45"' in page
    assert Entry.objects.get(indicator="new_srdi_smes").value == "30"
    client.post(f"/collection/{case.pk}", posted({"new_hte": "45"}, {"new_hte": 1}))
    assert list(Entry.objects.filter(indicator="new_hte").values_list("value", flat=True)) == ["44", "45"]


def test_the_other_value_can_be_taken_instead(case: Case, offices: Offices) -> None:
    filing.save(case, [Typed("new_hte", "44", "", 0)], actor=offices.county)
    form = posted({"new_hte": "45"}, {"new_hte": 1}, take="new_hte")
    assert browser(offices.county_second).post(f"/collection/{case.pk}", form).status_code == 302
    assert Entry.objects.get(indicator="new_hte").value == "44"


def test_one_row_is_saved_by_itself_and_answers_with_its_findings(case: Case, offices: Offices) -> None:
    address = f"/collection/{case.pk}/cell/input_enterprise"
    form = posted(GOOD | {"input_enterprise": "22.5"}, {"input_enterprise": 1})
    page = browser(offices.county).post(address, form, HTTP_HX_REQUEST="true").content.decode()
    assert page.lstrip().startswith("<tr")
    assert "万元/亿元错位" in page
    assert 'hx-swap-oob="true"' in page
    assert set(Entry.objects.filter(origin="typed").values_list("indicator", flat=True)) == {"input_enterprise"}


def test_submitting_with_an_empty_reason_says_what_is_missing(case: Case, offices: Offices) -> None:
    form = posted(GOOD | {"new_hte": "100"}, {"input_enterprise": 1}, then="submit", seen=case.events)
    form["r.new_hte"] = "核实无误"
    answer = browser(offices.county).post(f"/collection/{case.pk}", form)
    page = answer.content.decode()
    assert (answer.status_code, "核实性" in page, 'value="核实无误"' in page) == (422, True, True)
    assert Case.objects.get().stage == "filling"


def test_the_reviewer_returns_a_cell_with_a_comment_and_the_filler_sees_it_there(case: Case, offices: Offices) -> None:
    submitted(case, offices)
    client = browser(offices.city)
    assert "市级审核通过" in text(client, f"/collection/{case.pk}")
    form = {
        "transition": "return",
        "seen": case.events,
        "reason": "请核对一格",
        "b.new_hte": "on",
        "c.new_hte": "名单是45家",
    }
    assert client.post(f"/collection/{case.pk}/review", form).status_code == 302
    page = text(browser(offices.county), f"/collection/{case.pk}")
    row = page[page.index('id="row-new_hte"') : page.index('id="row-new_srdi_smes"')]
    assert "名单是45家" in row
    assert "名单是45家" not in page.replace(row, "")


def test_a_return_without_a_reason_keeps_the_comments_that_were_typed(case: Case, offices: Offices) -> None:
    submitted(case, offices)
    form = {"transition": "return", "seen": case.events, "reason": "", "c.new_hte": "名单是45家"}
    answer = browser(offices.city).post(f"/collection/{case.pk}/review", form)
    assert answer.status_code == 422
    assert 'value="名单是45家"' in answer.content.decode()


def test_a_review_of_what_somebody_else_moved_meanwhile_is_refused_with_the_news(case: Case, offices: Offices) -> None:
    seen = submitted(case, offices).events
    client = browser(offices.city)
    client.post(f"/collection/{case.pk}/review", {"transition": "accept", "seen": seen})
    answer = client.post(f"/collection/{case.pk}/review", {"transition": "accept", "seen": seen})
    assert (answer.status_code, "已有变化" in answer.content.decode()) == (409, True)


def test_the_history_shows_versions_and_what_each_submission_changed(case: Case, offices: Offices) -> None:
    submitted(case, offices)
    form = {"transition": "return", "seen": case.events, "reason": "请核对一格", "c.new_hte": "名单是45家"}
    browser(offices.city).post(f"/collection/{case.pk}/review", form)
    case.refresh_from_db()
    again = posted({"new_hte": "45"}, {"new_hte": 1}, then="submit", seen=case.events)
    browser(offices.county).post(f"/collection/{case.pk}", again)
    page = text(browser(offices.county), f"/collection/{case.pk}/history")
    second = page[page.index("第 2 次提交") : page.index("第 1 次提交")]
    assert "新认定高新技术企业" in second
    assert ">44<" in second
    assert ">45<" in second
    assert "企业科技创新投入" not in second


def test_a_neighbour_and_a_stranger_get_the_same_answer_as_for_nothing(case: Case, offices: Offices) -> None:
    for account in (offices.neighbour, offices.other_city):
        client = browser(account)
        for address in (f"/collection/{case.pk}", f"/collection/{case.pk}/history", "/collection/999999"):
            assert client.get(address).status_code == 404
        assert client.post(f"/collection/{case.pk}", posted(GOOD)).status_code == 404
    page = text(browser(offices.neighbour), "/collection/tasks/county_input/2025H1/")
    assert COUNTY not in page
    assert browser(offices.neighbour).post(f"/collection/tasks/county_input/2025H1/{COUNTY}/start").status_code == 404


def test_a_city_sees_its_counties_and_the_province_every_one(offices: Offices) -> None:
    city = text(browser(offices.city), "/collection/tasks/county_input/2025H1/")
    assert "330102" in city
    assert "330203" not in city
    whole = text(browser(offices.province), "/collection/tasks/county_input/2025H1/")
    assert "330102" in whole
    assert "330203" in whole
    assert "未填报 90" in text(browser(offices.province), "/collection/")


def test_those_who_have_not_filed_are_reminded_and_see_it(offices: Offices) -> None:
    answer = browser(offices.city).post(
        "/collection/tasks/county_firms/2025-06/remind",
        {"place": [COUNTY, "330105"], "note": "请今天报出"},
        follow=True,
    )
    assert "已向 2 个单位发出催报" in answer.content.decode()
    (found,) = reminders(offices.county)
    assert (found.task.collection.code, found.by, found.note) == ("county_firms", "city的姓名", "请今天报出")
    assert "催报" in text(browser(offices.county), "/collection/")
    assert reminders(offices.city) == ()


def test_a_county_does_not_remind_and_a_city_only_its_own(offices: Offices) -> None:
    address = "/collection/tasks/county_firms/2025-06/remind"
    assert browser(offices.county).post(address, {"place": [COUNTY]}).status_code == 403
    answer = browser(offices.other_city).post(address, {"place": [COUNTY]}, follow=True)
    assert "没有勾选单位" in answer.content.decode()


def test_a_page_needs_a_login_and_a_window_that_is_open(offices: Offices) -> None:
    assert Client(HTTP_HOST="localhost").get("/collection/").status_code == 302
    assert browser(offices.county).get("/collection/tasks/county_input/2025/").status_code == 404


def test_the_task_list_asks_the_store_a_bounded_number_of_questions(
    offices: Offices, django_assert_max_num_queries: object
) -> None:
    client = browser(offices.province)
    client.get("/collection/")
    with django_assert_max_num_queries(40):  # type: ignore[operator]
        client.get("/collection/tasks/county_input/2025H1/")


def test_an_administrator_does_no_business_and_sees_no_slices(case: Case, offices: Offices) -> None:
    from rongtong.apps.registry.actions import create_account, grant, system_account

    system = system_account()
    auditor = create_account("auditor", "审计", actor=system).account
    auditor.password_is_initial = False
    auditor.save()
    grant(auditor, "audit_admin", "", actor=system)
    client = browser(auditor)
    assert client.get(f"/collection/{case.pk}").status_code == 404
    assert client.get("/collection/tasks/county_input/2025H1/").status_code == 404
