"""The space of an organisation, its yearly report, the page of a chain, and the way from a case to a figure and back.

One made-up mechanism, a result on offer and a firm's offer for it, has all that the pages show.
"""

from __future__ import annotations

import io
import re
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from packs import PACKS
from rongtong import clock
from rongtong.apps.cases import access, actions, space, space_report
from rongtong.apps.cases.models import Case, Event, Obligation
from rongtong.apps.packs import queries as packs
from rongtong.apps.packs.actions import load
from rongtong.apps.registry.actions import create_account, grant, register_organisation
from rongtong.apps.registry.models import Account
from rongtong.engine.gb32100 import check_character

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]
MANIFEST = 'code: more\nname: 加两个流程\nversion: "1"\nextends: [zhejiang]\nroot_place: "330000"\n'
PROCESSES = """\
- code: lot
  version: "1"
  name: 成果挂牌
  name_en: Result on offer
  about: 试验用：高校把成果挂出来，企业报价，成交付款。
  start: asked
  opened_by: [owner]
  clock: case
  cite: {document: zj-2025-315, clause: "2.4.3"}
  variables: {price: number}
  counts: {indicators: [first_sets]}
  measures:
    - {indicator: first_sets, at: [sell], undone_by: [void]}
    - {indicator: tech_trade, at: [sell], field: price, unit: 元}
  dues:
    - {code: pay, name: 付款, by: owner, born: [sell], months: [1, 24], amount: price * 0.333, met_by: [paid], waived_by: [void]}
  certificates:
    - {code: proof, name: 成交证明, prefix: CJ, at: [sell], fields: [price]}
  clocks:
    - {code: answer, name: 审核期限, name_en: Answer, days: 10, days_by: {field: sort, days: {machine: 4, software: 6}}, starts: [open], stops: [post], pauses: [asked], mark: verified, cite: {document: zj-2025-315, clause: "2.4.3"}, warn: [{left: 3, tell: [county]}], over: {tell: [county]}}
  roles:
    - {code: owner, name: 成果单位, held_by: [institution], at: own}
    - {code: county, name: 县科技局, held_by: [county_officer], at: self}
    - {code: looker, name: 受邀的人, held_by: [expert], at: participant, head_only: true}
  form:
    type: object
    required: [title]
    properties:
      title: {type: string, title: 成果, maxLength: 100}
      chain: {type: string, title: 产业链, format: chain}
      sort: {type: string, title: 哪一类, oneOf: [{const: machine, title: 机器}, {const: software, title: 软件}]}
  stages:
    - {code: asked, name: 待审, name_en: Asked, deadline: {days: 2}}
    - {code: posted, name: 挂牌中, no_clock: 试验, notice: {name: 成果挂牌公告, fields: [title]}}
    - {code: sold, name: 已成交, no_clock: 试验}
    - {code: voided, name: 已作废, outcome: voided}
  transitions:
    - {code: post, name: 挂牌, at: [asked], to: posted, by: [county]}
    - code: invite
      name: 请人看
      at: [asked]
      by: [county]
      optional: true
      parts: {looker: named}
      form: {type: object, required: [named], properties: {named: {type: string, title: 账号, format: account}}}
    - code: sell
      name: 成交
      at: [posted]
      to: sold
      by: [county]
      form: {type: object, required: [price], properties: {price: {type: string, title: 价款（元）, format: decimal}}}
    - {code: paid, name: 已付, at: [sold], by: [owner], optional: true}
    - {code: void, name: 作废, at: [sold], to: voided, by: [county], optional: true}
- code: offer
  version: "1"
  name: 报价
  about: 试验用：企业对挂牌的成果报价。
  start: making
  opened_by: [firm]
  under: {process: lot, at: [posted]}
  roles:
    - {code: firm, name: 企业, held_by: [enterprise], at: own}
  form: {type: object, required: [title], properties: {title: {type: string, title: 报价, maxLength: 100}}}
  stages:
    - {code: making, name: 已报, no_clock: 试验}
    - {code: made, name: 已完成, outcome: made}
  transitions:
    - {code: finish, name: 完成, at: [making], to: made, by: [firm]}
"""
PLACE, CHAIN = "330106", "415x-s06"


@pytest.fixture
def people(demo_store: Account, tmp_path: Path) -> dict[str, Account]:
    """A university, another, a firm, the county's officer and its neighbour, an expert; the pack in force."""
    folder = tmp_path / "more"
    (folder / "processes").mkdir(parents=True)
    (folder / "pack.yaml").write_text(MANIFEST, encoding="utf-8")
    (folder / "processes" / "lot.yaml").write_text(PROCESSES, encoding="utf-8")
    load([PACKS / "china", PACKS / "zhejiang", folder], demo_store)
    made = {}
    for name, role, place, kind, stem in (
        ("school", "institution", PLACE, "university", "12339999000000011"),
        ("rival", "institution", PLACE, "university", "12339999000000022"),
        ("firm", "enterprise", PLACE, "enterprise", "91339999000000035"),
        ("county", "county_officer", PLACE, "", ""),
        ("beside", "county_officer", "330203", "", ""),
        ("expert", "expert", PLACE, "", ""),
    ):
        unit = None
        if stem:
            unit = register_organisation(stem + check_character(stem), f"{name}（虚构）", kind, PLACE, actor=demo_store)
        made[name] = create_account(f"s-{name}", f"{name}的人", actor=demo_store, demo=True, organisation=unit).account
        grant(made[name], role, place, actor=demo_store)
        Account.objects.filter(pk=made[name].pk).update(password_is_initial=False)
        made[name].refresh_from_db()
    return made


def lot(people: dict[str, Account], title: str = "一种减速器", owner: str = "school") -> Case:
    who = people[owner]
    data = {"title": title, "chain": CHAIN}
    return actions.open_case("lot", actor=who, place=PLACE, data=data, organisation=who.organisation)


def step(case: Case, code: str, who: Account, **data: object) -> Case:
    case.refresh_from_db()
    return actions.move(case.pk, code, actor=who, seen=case.events, data=data)


def sold(people: dict[str, Account], price: str = "100000.01", **more: str) -> Case:
    case = lot(people, **more)
    step(case, "post", people["county"])
    return step(case, "sell", people["county"], price=price)


def page(who: Account | None, address: str, status: int = 200) -> str:
    """A page from its tools on, without the navigation."""
    client = Client(HTTP_HOST="localhost")
    if who is not None:
        client.force_login(who)
    response = client.get(address)
    assert response.status_code == status, response.content.decode()[:2000]
    return re.sub(r"\s+", " ", unescape(response.content.decode().partition('<div class="tools"')[2]))


def links(text: str) -> list[str]:
    return [unquote(link) for link in re.findall(r'href="(/[^"]*)"', text)]


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
        client = Client(HTTP_HOST="localhost")
        client.force_login(people["school"])
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
    client = Client(HTTP_HOST="localhost")
    client.force_login(people["school"])
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
    client = Client(HTTP_HOST="localhost")
    client.force_login(people["firm"])
    text = client.get("/cases/").content.decode()
    assert '<a href="/space/">我的办件</a>' in text
    assert client.get("/cases/").status_code == 200


def test_the_page_of_a_chain_shows_everybody_its_figures_and_notices_and_no_case(people: dict[str, Account]) -> None:
    sold(people)
    posted = lot(people, "挂着的成果")
    step(posted, "post", people["county"])
    lot(people, "没有公开的成果")
    text = page(None, f"/chains/{CHAIN}")
    year = clock.today()
    assert f"/why/first_sets#{CHAIN}@330000@{year.year}-01..{year.month:02d}" in links(text)
    assert "挂着的成果" in text
    assert "不与别的链相加" in text
    assert "没有公开的成果" not in text
    assert "school（虚构）" not in text
    assert "CJ-" not in text
    assert '<h2 id="work">' not in text


def test_an_officer_sees_the_cases_of_a_chain_within_their_scope_only(people: dict[str, Account]) -> None:
    sold(people)
    lot(people)
    text = page(people["county"], f"/chains/{CHAIN}")
    assert "已成交 1" in text
    assert "待审 1" in text
    assert "school（虚构）" in text
    beside = page(people["beside"], f"/chains/{CHAIN}")
    assert "没有您可以看到的这条链的办件" in beside
    assert "school（虚构）" not in beside
    assert page(people["county"], "/chains/").count("合计") == 1


def test_a_chain_that_does_not_exist_is_not_found() -> None:
    page(None, "/chains/nothing", 404)


def test_from_a_case_to_a_figure_it_counted_in_and_back_takes_one_click_each(people: dict[str, Account]) -> None:
    case = sold(people)
    period = f"{clock.today().year}-01..{clock.today().month:02d}"
    text = page(people["county"], f"/cases/{case.pk}")
    for place in (PLACE, "330000"):
        figure = f"/why/first_sets@{place}@{period}"
        assert figure in links(text)
        behind = page(people["county"], figure)
        assert "背后的办件" in behind
        assert f"/cases/{case.pk}" in links(behind)
        assert "+1" in behind


def test_whoever_may_not_read_the_cases_behind_a_figure_is_told_how_many_lie_where(people: dict[str, Account]) -> None:
    for n in range(3):
        sold(people, title=f"成果{n}")
    period = f"{clock.today().year}-01..{clock.today().month:02d}"
    other = page(people["beside"], f"/why/first_sets@330000@{period}")
    assert "/cases/" not in " ".join(links(other))
    assert "西湖 3 件" in other
    assert "成果0" not in other
    everybody = page(None, f"/why/first_sets@330000@{period}")
    assert "西湖 3 件" in everybody
    assert "成果0" not in everybody


def test_a_small_count_behind_a_figure_is_not_told_to_everybody(people: dict[str, Account]) -> None:
    sold(people)
    period = f"{clock.today().year}-01..{clock.today().month:02d}"
    assert "西湖 …" in page(None, f"/why/first_sets@330000@{period}")
    assert "西湖 1 件" in page(people["beside"], f"/why/first_sets@330000@{period}")


def test_a_figure_that_no_case_made_has_no_cases_behind_it(people: dict[str, Account]) -> None:
    assert "背后的办件" not in page(people["county"], "/why/input_enterprise@330100@2025H1")


def test_the_library_shows_what_a_mechanism_counts_towards_its_terms_and_what_they_rest_on(
    people: dict[str, Account],
) -> None:
    text = page(None, "/processes/lot")
    assert "/indicators/first_sets" in links(text)
    assert "审核期限" in text
    assert "10 工作日" in text
    assert "已核实" in text
    assert "/documents/zj-2025-315/2.4.3" in links(text)
    assert "建议值" in text
    assert "成果挂牌公告" in text
    assert "付款" in text
    assert "1、24 个月后" in text
    assert "成交证明" in text
    assert "剩 3 天时提醒：县科技局" in text
    assert "价款（元）" in text
    assert "未发布" in text
    assert "/processes/lot/new" not in links(text)
    assert "/processes/lot/new" in links(page(people["school"], "/processes/lot"))
    assert "/processes/lot" in links(page(None, "/processes/"))


def test_the_english_library_names_things_in_english_and_marks_what_is_chinese(people: dict[str, Account]) -> None:
    text = page(None, "/en/processes/lot")
    assert "Result on offer" in text
    assert "Asked" in text
    assert '<span lang="zh-Hans">挂牌</span>' in text
    assert "10 working days" in text
    listed = page(None, "/en/processes/")
    assert "/en/processes/lot" in links(listed)


def test_a_term_that_goes_by_the_sort_of_case_is_told_for_each_sort(people: dict[str, Account]) -> None:
    text = page(None, "/processes/lot")
    assert "机器 4 工作日" in text
    assert "软件 6 工作日" in text


def test_every_process_of_the_packs_has_a_page_in_both_languages(people: dict[str, Account]) -> None:
    for process in packs.current().all("processes"):
        page(None, f"/processes/{process.code}")
        page(None, f"/en/processes/{process.code}")
