"""The space of an organisation and its yearly report."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from lot_world import PLACE, links, lot, page, people_of, sold, step
from openpyxl import load_workbook

from rongtong import clock
from rongtong.apps.cases import access, actions, space, space_report
from rongtong.apps.cases.models import Case, Event, Obligation
from rongtong.apps.registry.models import Account
from worlds import browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]


@pytest.fixture(scope="module")
def people(demo_store: Account, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Account]:
    return people_of(demo_store, tmp_path_factory.mktemp("pack"))


def test_a_firm_sees_what_it_is_what_it_may_start_and_nothing_of_others(people: dict[str, Account]) -> None:
    lot(people, "别校的成果", "rival")
    own = lot(people)
    text = page(people["school"], "/space/")
    assert "school（虚构）" in text
    assert people["school"].organisation is not None
    assert people["school"].organisation.uscc in text
    assert "高校" in text
    assert "school的人" in text
    assert "rival的人" not in text
    assert "别校的成果" not in text
    assert own.title in text
    assert "/processes/lot/new" in links(text)
    assert "等县科技局" in text
    assert "待审 1" in text


def test_what_waits_for_the_reader_is_told_from_what_waits_for_others(people: dict[str, Account]) -> None:
    case = lot(people)
    step(case, "post", people["county"])
    offer = actions.open_case(
        "offer", actor=people["firm"], place=PLACE, data={"title": "出价"}, organisation=people["firm"].organisation,
        parent=case,
    )  # fmt: skip
    line = next(i for g in space.groups(people["firm"]) for i in g.lines if i.case == offer)
    assert (line.turn, line.mine) == ("轮到您", True)
    own = next(i for g in space.groups(people["school"]) for i in g.lines if i.case == case)
    assert (own.turn, own.mine) == ("等县科技局", False)


def test_a_term_that_ran_out_is_red_in_shape_and_word(people: dict[str, Account]) -> None:
    case = lot(people)
    Case.objects.filter(pk=case.pk).update(due=clock.today() - timedelta(days=1))
    text = page(people["school"], "/space/")
    assert '<span class="lamp red"><span aria-hidden="true">■</span> 已超 1 个工作日</span>' in text


def test_terms_and_dues_stand_in_one_list_by_day(people: dict[str, Account]) -> None:
    waiting, done = lot(people, "还在审"), sold(people)
    found = space.days(people["school"])
    assert [d.day for d in found] == sorted(d.day for d in found)
    assert {(d.case, d.what) for d in found} == {(waiting, "待审"), (done, "付款（1 个月）")}
    due = next(d for d in found if d.case == done)
    assert (due.who, due.amount) == ("本单位应履行", "33,300.00 元")
    # Who owes it is told on the workbench too, and nobody else.
    said = [w in page(people["school"], "/work") for w in ("本单位应履行：1 项", "付款（1 个月）", "33,300.00 元")]
    assert said == [True] * 3
    for other in ("county", "expert"):
        assert "本单位应履行" not in page(people[other], "/work")


def test_who_is_invited_but_has_not_declared_sees_no_due(people: dict[str, Account]) -> None:
    case = lot(people)
    step(case, "invite", people["county"], named="s-expert")
    step(case, "post", people["county"])
    step(case, "sell", people["county"], price="10")
    assert access.visible(people["expert"]).filter(pk=case.pk).exists()
    assert space.days(people["expert"]) == ()
    assert space.proofs(people["expert"]) == ()
    assert [p.name for p in space.proofs(people["school"])] == ["成交证明"]


def test_a_firm_is_offered_what_stands_on_notice_until_it_has_begun(people: dict[str, Account]) -> None:
    case = lot(people)
    assert space.chances(people["firm"]) == ()
    step(case, "post", people["county"])
    (chance,) = space.chances(people["firm"])
    assert (chance.case, chance.begun) == (case, False)
    text = page(people["firm"], "/space/")
    assert chance.address in links(text)
    page(people["firm"], chance.address)
    actions.open_case(
        "offer", actor=people["firm"], place=PLACE, data={"title": "出价"}, organisation=people["firm"].organisation,
        parent=case,
    )  # fmt: skip
    assert [c.begun for c in space.chances(people["firm"])] == [True]
    assert space.chances(people["county"]) == ()


def test_the_page_asks_no_more_often_for_many_cases_than_for_few(people: dict[str, Account]) -> None:
    def asked() -> int:
        client = browser(people["school"])
        client.get("/space/")
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/space/").status_code == 200
        return len(queries)

    sold(people)
    lot(people)
    few = asked()
    for n in range(5):
        sold(people, title=f"成果{n}")
        lot(people, f"别的成果{n}")
    assert asked() == few <= 32


def test_the_report_adds_the_money_of_a_due_exactly_and_divides_sums_only(people: dict[str, Account]) -> None:
    first, second = sold(people, "100000.01"), sold(people, "0.05", title="小成果")
    lot(people, "还在审")
    lot(people, "别校的", "rival")
    today = clock.today()
    Obligation.objects.filter(case__in=[first, second], name__contains="（1 个月）").update(due=today)
    step(first, "paid", people["school"])
    report = space_report.report(people["school"], today.year)
    (line,) = [p for p in report.processes if p.process.code == "lot"]
    assert (line.opened, line.ended, line.standing) == (3, 0, 3)
    assert dict(line.stages) == {"已成交": 2, "待审": 1}
    (due,) = report.dues
    # 100000.01 × 0.333 is 33300.00333 yuan, 0.05 × 0.333 is 0.01665: in 分 3330000 and 2.
    assert (due.name, due.fell, due.fell_fen, due.kept, due.kept_fen) == ("付款", 2, 3330002, 1, 3330000)
    assert (due.met, due.met_fen) == (1, 3330000)
    assert due.share == "100.0%"
    assert len(report.proofs) == 2
    assert {a.indicator: (a.cases, str(a.quantity.number)) for a in report.added}["first_sets"] == (2, "2")


def test_a_past_year_is_told_as_it_was_on_its_last_day(people: dict[str, Account]) -> None:
    case = lot(people)
    last = clock.today().year - 1
    before = clock.now().replace(year=last, month=12, day=1)
    Case.objects.filter(pk=case.pk).update(opened_at=before)
    Event.objects.filter(case=case).update(at=before)
    step(case, "post", people["county"])
    (line,) = space_report.report(people["school"], last).processes
    assert (line.opened, line.standing, line.stages) == (1, 1, (("待审", 1),))
    (now,) = space_report.report(people["school"], clock.today().year).processes
    assert (now.opened, now.standing) == (0, 1)
    assert space_report.years(people["school"]) == (last + 1, last)


def test_the_workbook_holds_the_numbers_of_the_page(people: dict[str, Account]) -> None:
    case = sold(people)
    step(case, "paid", people["school"])
    client = browser(people["school"])
    answer = client.get("/space/report.xlsx")
    assert answer.status_code == 200
    book = load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames[:2] == ["办件", "到期义务"]
    rows = [[c.value for c in row] for row in book["到期义务"].iter_rows(min_row=2)]
    assert [(r[1], r[8], str(r[9])) for r in rows] == [("付款", 1, "33300")]
    text = page(people["school"], f"/space/report?year={clock.today().year}")
    assert "33,300.00 元" in text
    assert "科技成果转化报告" in text


@pytest.mark.parametrize("address", ["/space/report", "/space/report.xlsx"])
def test_without_an_organisation_or_such_a_year_there_is_no_report(people: dict[str, Account], address: str) -> None:
    page(people["county"], address, 404)
    page(people["school"], f"{address}?year=1999", 404)
    page(people["school"], f"{address}?year={clock.today().year + 1}", 404)


def test_whoever_has_no_organisation_is_told_so(people: dict[str, Account]) -> None:
    assert "没有登记所属单位" in page(people["expert"], "/space/")


def test_the_navigation_leads_who_comes_from_outside_to_the_space(people: dict[str, Account]) -> None:
    client = browser(people["firm"])
    text = client.get("/cases/").content.decode()
    assert '<a href="/space/">我的办件</a>' in text
    assert client.get("/cases/").status_code == 200
