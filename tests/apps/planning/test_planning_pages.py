"""Indicators, commitments, targets and uses of the result over HTTP."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import date
from html import unescape

import pytest
from django.test import Client
from openpyxl import load_workbook

from rongtong.apps.packs import queries as packs
from rongtong.apps.papers import ledger, writing
from rongtong.apps.papers.blocks_goals import met_words
from rongtong.apps.planning import pages_ledger, pages_targets, queries
from rongtong.apps.planning.models import LampRecord
from rongtong.apps.registry.actions import create_account, grant
from rongtong.apps.registry.models import Account
from rongtong.engine.figure import Key
from rongtong.engine.period import Period
from rongtong.engine.quantity import Quantity

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]

PAGES = (
    ("/", 12),
    ("/documents/zj-2025-315/2.4.3", 12),
    ("/indicators/", 12),
    ("/indicators/input_enterprise", 16),
    ("/commitments/", 12),
    ("/commitments/T052", 16),
    ("/targets/", 12),
    ("/targets/input_enterprise_2025", 24),
    ("/uses/", 14),
    ("/uses/ding/330100", 40),
    ("/why/input_enterprise@330100@2025H1", 36),
)


@pytest.fixture
def client() -> Client:
    return Client(HTTP_HOST="localhost")


def _browser(system: Account, role: str, place: str = "") -> Client:
    new = create_account(f"pages-{role}-{place}", "李四", actor=system, demo=True)
    grant(new.account, role, place, actor=system)
    browser = Client(HTTP_HOST="localhost")
    browser.force_login(new.account)
    return browser


@pytest.fixture
def officer(demo_store: Account) -> Client:
    return _browser(demo_store, "provincial_officer")


def _text(browser: Client, address: str) -> str:
    response = browser.get(address)
    assert response.status_code == 200, address
    return str(response.content.decode())


def _rows(browser: Client, address: str) -> list[dict[str, str]]:
    content = browser.get(address).content
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


@pytest.mark.parametrize(("address", "most"), PAGES)
def test_a_page_asks_the_database_a_bounded_number_of_times(
    officer: Client,
    django_assert_max_num_queries,  # type: ignore[no-untyped-def]
    address: str,
    most: int,
) -> None:
    officer.get(address)
    with django_assert_max_num_queries(most):
        page = _text(officer, address)
    assert "<script>" not in page
    assert " style=" not in page


def test_the_library_finds_cards_by_name_code_family_data_and_target(client: Client) -> None:
    assert "/indicators/new_hte" in _text(client, "/indicators/?q=高新技术企业")
    assert "/indicators/new_hte" in _text(client, "/indicators/?q=NEW_HTE")
    fund = _text(client, "/indicators/?scope=fund")
    assert "/indicators/fund_of_funds_size" in fund
    assert "/indicators/new_hte" not in fund
    with_data = _text(client, "/indicators/?data=yes&target=yes")
    assert "/indicators/input_total" in with_data
    assert "/indicators/new_hte" not in with_data
    assert "没有符合条件的指标" in _text(client, "/indicators/?q=没有这样的指标")


def test_every_card_of_the_packs_has_its_page(officer: Client) -> None:
    for code in {c.code for c in packs.current().all("indicators")}:
        assert officer.get(f"/indicators/{code}").status_code == 200, code


def test_a_card_says_all_it_holds_in_words(client: Client) -> None:
    page = _text(client, "/indicators/input_enterprise")
    for words in (
        "各类企业在报告期内的科技创新投入，按执行主体计。",
        "越大越好",
        "半年、季、年",
        "地方：下级之和；时间：年初起累计",
        "按执行主体看",
        "逐级填报",
        "L1 可公开",
        "公布 2025-09-18",
        "进度比 ≥ 0.85",
        "低于应有进度，差距在一成半以内",
        "拟议",
        "省里把科技创新投入与研发经费分别设目标",
        "zhejiang/indicators/input.yaml",
    ):
        assert words in page, words
    for address in ("/documents/zj-2025-315/2.4.2", "/commitments/T052", "/targets/input_enterprise_2027"):
        assert f'href="{address}"' in page


def test_a_family_says_why_it_is_never_added_on_either_side(client: Client) -> None:
    reason = "省里把科技创新投入与研发经费分别设目标"
    assert reason in _text(client, "/indicators/input_total")
    assert reason in _text(client, "/indicators/rd_total")


def test_the_latest_values_and_their_csv_are_those_of_the_board(client: Client) -> None:
    board = queries.monitor(queries.Asked("industrial_rd_expense", Period.parse("2025Q1")))
    rows = _rows(client, "/indicators/industrial_rd_expense?format=csv")
    assert {r["figure"]: r["value"] for r in rows} == {
        r.figures["value"].id: r.figures["value"].text for r in (*board.rows, board.total)
    }
    page = _text(client, "/indicators/industrial_rd_expense")
    assert "851.36" in page
    assert "0.31" in page


def test_another_period_of_a_card_can_be_asked_for(client: Client) -> None:
    assert "2024年上半年" in _text(client, "/indicators/input_enterprise?period=2024H1")
    rows = _rows(client, "/indicators/input_enterprise?period=2024H1&format=csv")
    assert {r["period"] for r in rows} == {"2024H1"}


def test_the_ledger_holds_every_commitment_and_shows_promises_first(client: Client) -> None:
    everything = packs.current().all("commitments")
    page = _text(client, "/commitments/?kind=all")
    assert all(f'href="/commitments/{c.id}"' in page for c in everything)
    promises = _text(client, "/commitments/")
    assert 'href="/commitments/A001"' not in promises
    assert 'href="/commitments/T052"' in promises


def test_what_is_sought_and_is_no_promise_is_found_by_one_link_more(client: Client) -> None:
    page = _text(client, "/commitments/?q=A070")
    assert 'href="/commitments/A070"' not in page
    (link,) = re.findall(r'href="([^"]*)">连同已有成绩再找', page)
    assert 'href="/commitments/A070"' in _text(client, f"/commitments/{unescape(link)}")


def test_a_department_is_never_shown_as_stated_when_it_is_inferred(client: Client) -> None:
    for entry in pages_ledger.entries():
        assert entry.department == (entry.item.department or "未明确")
    page = _text(client, "/commitments/T026")
    assert '未明确；省科技厅 <span class="chip">推断</span>' in page


def test_what_an_indicator_above_the_open_level_says_is_for_those_who_have_logged_in(
    client: Client, officer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(entry: pages_ledger.Entry) -> pages_ledger.Entry:
        assert entry.card is not None
        return replace(entry, card=entry.card.model_copy(update={"level": "L2"}))

    found = tuple(closed(e) if e.item.id == "T052" else e for e in pages_ledger.entries())
    monkeypatch.setattr(pages_ledger, "entries", lambda day=None: found)
    for address in ("/", "/commitments/?q=企业科技创新投入", "/commitments/T052", "/documents/zj-2025-315/2.4.2"):
        assert "2480.00" not in _text(client, address), address
        assert "2480.00" in _text(officer, address), address
    assert "2480.00" not in client.get("/commitments/?format=csv").content.decode()
    assert 'href="/commitments/T052"' not in _text(client, "/commitments/?lamp=yellow")


@pytest.mark.parametrize(
    ("query", "there", "not_there"),
    [
        ("kind=rhythm", "T055", "T052"),
        ("clause=2.4.1", "T050", "T052"),
        ("clause=2.4", "T052", "T026"),
        ("lamp=yellow", "T052", "T050"),
        ("lamp=none", "D001", "T052"),
        ("department=省国资委", "D016", "T052"),
        ("department=未明确", "T052", "T026"),
        ("status=done", "D101", "D001"),
        ("q=链主", "T024", "T023"),
    ],
)
def test_the_ledger_is_narrowed_by_each_filter(client: Client, query: str, there: str, not_there: str) -> None:
    page = _text(client, f"/commitments/?{query}")
    assert f'href="/commitments/{there}"' in page
    assert f'href="/commitments/{not_there}"' not in page


def test_the_ledger_groups_by_unit_and_an_item_of_two_units_stands_under_each() -> None:
    groups = {
        g.name: {e.item.id for e in g.entries} for g in pages_ledger.grouped(pages_ledger.entries(), "department")
    }
    assert "T047" in groups["省财政厅（推断）"]
    assert "T047" in groups["省科技厅（推断）"]
    assert "T002" in groups["未明确"]


def test_only_measured_deliverables_and_strivings_carry_lamps() -> None:
    for entry in pages_ledger.entries():
        if entry.lamp:
            assert entry.item.kind in ("measured", "deliverable", "strive")
        else:
            assert entry.unlit


def test_a_promise_without_a_deadline_or_target_is_not_lit_and_says_why(client: Client) -> None:
    assert pages_ledger.entry("D001").unlit == "文件没有写明期限"
    assert "文件没有写明期限" in _text(client, "/commitments/D001")
    lamp = pages_ledger.entry("T054").lamp
    assert lamp is not None
    assert (lamp.code, lamp.rule) == ("green", "deadline")


def test_the_exports_hold_what_the_filter_keeps_and_the_numbers_of_the_page(client: Client) -> None:
    rows = _rows(client, "/commitments/?kind=all&format=csv")
    assert [r["编号"] for r in rows] == [c.id for c in packs.current().all("commitments")]
    one = next(r for r in rows if r["编号"] == "T052")
    assert (one["最新值"], one["单位"], one["责任单位"], one["数据状态"]) == ("2480.00", "亿元", "未明确", "演示数据")
    book = load_workbook(io.BytesIO(client.get("/commitments/?lamp=yellow&format=xlsx").content))
    codes = [row[0].value for row in book["承诺一本账"].iter_rows(min_row=3)]
    assert codes == [e.item.id for e in pages_ledger.entries() if e.lamp and e.lamp.code == "yellow"]


def test_a_commitment_shows_its_chain_and_officers_may_issue_a_supervision_case(
    client: Client, officer: Client
) -> None:
    page = _text(client, "/commitments/T052")
    for address in ("/documents/zj-2025-315/2.4.2", "/indicators/input_enterprise", "/targets/input_enterprise_2025"):
        assert f'href="{address}"' in page
    assert 'href="/targets/input_enterprise_2025#allocation"' in page
    for code in ("T051", "T027"):
        undivided = _text(client, f"/commitments/{code}")
        assert "还没有分解" in undivided, code
        assert "分解到各地" not in undivided, code
    assert "开一张督办单" not in page
    assert 'href="/supervision/new?commitment=T052"' in _text(officer, "/commitments/T052")


def test_every_commitment_and_target_of_the_packs_has_its_page(officer: Client) -> None:
    for item in packs.current().all("commitments"):
        assert officer.get(f"/commitments/{item.id}").status_code == 200, item.id
    for item in packs.current().all("targets"):
        assert officer.get(f"/targets/{item.code}").status_code == 200, item.code


def test_the_targets_of_a_year_show_every_reading_and_the_difference(client: Client) -> None:
    page = _text(client, "/targets/?year=2025")
    assert "占省重大科技计划项目数之比" in page
    assert "占企业牵头或参与的省重大科技计划项目数之比" in page
    assert 'href="/why/input_total.difference@330000@2025"' in page
    later = _text(client, "/targets/?year=2027")
    assert ">-400</a>" in later
    assert "下限之和超过总下限不矛盾" in later
    only = _text(client, "/targets/?year=2025&kind=share")
    assert "/targets/new_majors_sci_2025" in only
    assert "/targets/input_total_2025" not in only


def test_a_target_whose_year_is_not_over_is_not_judged() -> None:
    pack = packs.current()
    found = {line.target.code: line for line in pages_targets.lines(pack, 2025)}
    assert found["input_total_2025"].met == "期未满，未检验"
    goal = next(g for g in queries.targets(2025) if g.target.code == "major_projects_firm_joined_2025")
    half = _share_of_half(goal)
    assert half.met is False
    line = pages_targets.line(pack, half)
    assert (line.met, line.readings[0].met) == ("期未满，未检验", "期未满，未检验")
    after = met_words(goal.target, date(2026, 1, 1))
    assert [after[met] for met in (True, False, None)] == ["达到", "未达到", "无数，未检验"]


def _share_of_half(goal: queries.Goal) -> queries.Goal:
    """The goal as it is when half of the whole is the part."""
    assert goal.figure is not None
    key = Key(goal.target.indicator, "330000", Period.parse("2025"), "share", base="major_projects_total")
    actual = replace(goal.figure, key=key, quantity=Quantity.of("50", goal.figure.unit))
    return replace(goal, verdicts=(replace(goal.verdicts[0], actual=actual, met=False),))


def test_a_commitment_about_a_share_shows_the_share_and_never_the_count_of_its_part(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = queries.targets

    def known(year: int, as_of: date | None = None) -> tuple[queries.Goal, ...]:
        shares = ("major_projects_firm_joined", "major_projects_firm_led")
        return tuple(_share_of_half(g) if g.target.indicator in shares else g for g in asked(year, as_of))

    assert pages_ledger.entry("T027").figure is None
    pages_ledger._entries.cache_clear()
    monkeypatch.setattr(queries, "targets", known)
    for code in ("T001", "T027", "T028"):
        entry = pages_ledger.entry(code)
        assert entry.figure is not None
        assert (entry.figure.text, str(entry.figure.unit), entry.period) == ("50", "%", "2025年"), code
    assert [pages_ledger.entry(c).met for c in ("T001", "T027", "T028")] == ["", "期未满，未检验", "期未满，未检验"]
    sheet = load_workbook(io.BytesIO(ledger.workbook(writing.context("ledger", Period.parse("2025"), None, "", ""))[0]))
    values = {r[0].value: r for r in sheet["任务台账"].iter_rows(min_row=3)}
    assert [values[c][9].value for c in ("T001", "T027", "T028")] == ["50"] * 3
    words = {r[0].value: r[10].value for r in sheet["目标"].iter_rows(min_row=3)}
    assert words["input_enterprise_2025"] == words["major_projects_firm_joined_2025"] == "期未满，未检验"
    pages_ledger._entries.cache_clear()


def test_a_target_of_which_a_part_of_the_year_is_known_says_that_the_year_is_not_out_yet(client: Client) -> None:
    found = {line.target.code: line for line in pages_targets.lines(packs.current(), 2025)}
    assert found["input_enterprise_2025"].readings[0].missing == "全年数未出"
    assert found["new_majors_sci_2025"].readings[0].missing == "没有数"
    assert "全年数未出" in _text(client, "/targets/input_enterprise_2025")
    assert "全年数未出" in _text(client, "/targets/?year=2025")


def test_a_target_page_shows_pace_forecast_lamps_and_allocation(client: Client) -> None:
    page = _text(client, "/targets/input_enterprise_2025")
    for words in ("2025年一季度", "2025年上半年", "上年同期完成份额", "年末预测（80% 区间）", "5486.44", "完成目标的可能",
                  "2025-07", "低于应有进度，差距在一成半以内", "enterprise_2025", "1361.7", "差额（单列，不调平）"):  # fmt: skip
        assert words in page, words
    assert "<svg" in page
    assert 'href="/why/input_enterprise.completion@330000@2025H1"' in page


def test_a_later_rule_never_repaints_a_lamp_that_was_kept(client: Client) -> None:
    LampRecord.objects.filter(place="330000").update(lamp="red", rule_from="2024-01-01", month="2025-06")
    page = _text(client, "/targets/input_enterprise_2025")
    assert "2025-06" in page
    assert "严重滞后" in page
    assert "2024-01-01 起" in page


def test_uses_ask_for_a_login_and_keep_to_the_places_of_the_account(client: Client, demo_store: Account) -> None:
    assert client.get("/uses/").status_code == 302
    assert client.get("/uses/ding/330100").status_code == 302
    city = _browser(demo_store, "city_officer", "330100")
    assert "/uses/ding/330100" in _text(city, "/uses/")
    assert "/uses/ding/330200" not in _text(city, "/uses/")
    assert city.get("/uses/ding/330200").status_code == 404
    county = _browser(demo_store, "county_officer", "330102")
    assert "/uses/ding/330102" in _text(county, "/uses/")
    assert county.get("/uses/ding/330100").status_code == 404
    assert county.get("/uses/ding/330102").status_code == 200


def test_an_evidence_sheet_shows_figures_and_leaves_open_what_no_document_settles(officer: Client) -> None:
    page = _text(officer, "/uses/ding/330100")
    assert 'href="/why/input_enterprise@330100@2025H1"' in page
    assert "558.95" in page
    assert "演示数据不得作为证据" in page
    assert "设区市与县（市、区）是否用同一套指标，未见公布。" in page
    assert "不打分、不作综合排名" in page
    assert "没有目标、也没有指明基准的不亮灯" in page
    assert "不是综合排名" in page
    assert "本地无数，未检验" in page


@pytest.mark.parametrize(
    "address",
    ["/indicators/nothing", "/commitments/nothing", "/targets/nothing", "/targets/?year=1990", "/targets/?year=x"],
)
def test_what_does_not_exist_is_said_with_404(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 404
    assert "没有" in response.content.decode()


@pytest.mark.parametrize("address", ["/uses/nothing/330100", "/uses/ding/330000", "/uses/ding/999999"])
def test_a_sheet_that_does_not_exist_is_said_with_404(officer: Client, address: str) -> None:
    assert officer.get(address).status_code == 404
