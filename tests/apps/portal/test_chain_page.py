"""The chain of a figure over HTTP: the eight steps, and how few clicks lead to clause, evidence and consequence."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import unquote

import pytest
from django.test import Client

from rongtong.apps.planning import chain, queries
from rongtong.apps.registry.actions import create_account, grant
from rongtong.apps.registry.models import Account
from rongtong.engine.period import Period

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]

FIGURES = (
    "input_enterprise@330100@2025H1",
    "input_enterprise.completion@330100@2025H1",
    "input_enterprise.yoy_rank@330400@2025H1",
    "input_enterprise.allocated@330100@2025",
    "input_enterprise.forecast@330000@2025",
    "input_total.difference@330000@2025",
    "input_total.target@330000@2025",
    "industrial_rd_expense.check@330000@2025Q1",
    "industrial_rd_expense.unallocated@330000@2025Q1",
    "industrial_rd_expense.gap@330400@2025Q1",
)
_LINK = re.compile(r'href="(/[^"]*)"')
_MAIN = re.compile(r'<main id="main".*?</main>', re.S)


@pytest.fixture
def client() -> Client:
    return Client(HTTP_HOST="localhost")


def _links(client: Client, address: str) -> list[str]:
    response = client.get(address.partition("#")[0])
    if response.status_code != 200 or not response["Content-Type"].startswith("text/html"):
        return []
    main = _MAIN.search(response.content.decode())
    found = _LINK.findall(main[0]) if main else []
    return list(dict.fromkeys(unquote(unescape(link)) for link in found))


def _clicks(client: Client, start: str, wanted: str, most: int = 3) -> int | None:
    """How many clicks lead from a page, by links of its main part alone, to one whose address matches."""
    seen, edge = {start}, [start]
    for clicks in range(1, most + 1):
        nearer = []
        for address in edge:
            for link in _links(client, address):
                if re.fullmatch(wanted, link):
                    return clicks
                if link not in seen and link.startswith(("/why/", "/documents/")):
                    seen.add(link)
                    nearer.append(link)
        edge = nearer
    return None


@pytest.mark.parametrize("figure", FIGURES)
def test_the_clause_is_at_most_three_clicks_away(client: Client, figure: str) -> None:
    assert _clicks(client, f"/why/{figure}", r"/documents/[^/]+/[^/#]+") is not None


@pytest.mark.parametrize("figure", FIGURES)
def test_the_evidence_is_at_most_three_clicks_away_and_names_file_and_cell(client: Client, figure: str) -> None:
    assert _clicks(client, f"/why/{figure}", r"/why/.+#evidence") is not None
    first = next(a for a in _reach(client, f"/why/{figure}") if a.endswith("#evidence"))
    page = client.get(first.partition("#")[0]).content.decode()
    assert 'id="evidence"' in page
    assert re.search(r"[\w.]+\.csv![A-Z]+\d+", page)


def _reach(client: Client, start: str) -> list[str]:
    near = _links(client, start)
    return [*near, *(link for a in near if a.startswith("/why/") for link in _links(client, a))]


@pytest.mark.parametrize("figure", FIGURES)
def test_the_consequence_is_at_most_three_clicks_away(client: Client, figure: str) -> None:
    assert _clicks(client, f"/why/{figure}", r"/documents/[^#]+#use-.+") is not None


def test_every_step_is_on_the_page_in_order_with_links(client: Client) -> None:
    page = client.get("/why/input_enterprise@330100@2025H1").content.decode()
    names = re.findall(r"<li(?: aria-current=\"step\")?>\s*<h3>([^<\s]+)", page)
    assert names == list(chain.STEPS.values())
    for address in (
        "/documents/zj-2025-315/2.4.2",
        "/commitments/T052",
        "/indicators/input_enterprise",
        "/targets/input_enterprise_2025",
        "/why/input_enterprise.allocated@330100@2025",
        "/why/input_enterprise.forecast@330100@2025",
    ):
        assert f'href="{address}"' in page
    assert 'href="#lamp"' in page
    assert 'id="lamp"' in page


def test_a_missing_step_says_why_it_is_missing(client: Client) -> None:
    page = client.get("/why/industrial_rd_expense@330000@2025Q1").content.decode()
    assert "没有承诺用这个指标衡量" in page
    assert "没有分解到这个地方" in page


def test_the_whole_of_a_target_that_is_split_leads_to_the_split(client: Client) -> None:
    page = client.get("/why/input_enterprise@330000@2025H1").content.decode()
    assert "没有分解到这个地方" not in page
    assert re.search(r'href="/targets/input_enterprise_2025#allocation"[^>]*>分解到 11 个地方', page)
    assert "没有分解到这个地方" in client.get("/why/input_total@330000@2025H1").content.decode()


def test_the_step_a_figure_stands_on_is_marked(client: Client) -> None:
    for figure, step in (
        ("input_total.target@330000@2025", "目标"),
        ("input_enterprise.allocated@330100@2025", "分解"),
    ):
        page = client.get(f"/why/{figure}").content.decode()
        assert re.search(rf'<li aria-current="step">\s*<h3>{step}', page)


def test_the_consequence_of_a_city_is_its_evidence_sheet_for_who_reads_there(demo_store: Account) -> None:
    new = create_account("chain-city", "王五", actor=demo_store, demo=True)
    grant(new.account, "city_officer", "330100", actor=demo_store)
    browser = Client(HTTP_HOST="localhost")
    browser.force_login(new.account)
    assert 'href="/uses/ding/330100"' in browser.get("/why/input_enterprise@330100@2025H1").content.decode()
    assert 'href="/uses/ding/330200"' not in browser.get("/why/input_enterprise@330200@2025H1").content.decode()


def test_the_derivation_reaches_the_observations(client: Client) -> None:
    page = client.get("/why/input_enterprise.yoy@330100@2025H1").content.decode()
    assert "同比 = 本期 ÷ 上年同期 - 1" in page
    assert 'href="/why/input_enterprise@330100@2024H1"' in page


def test_every_figure_of_a_board_has_its_page(client: Client) -> None:
    board = queries.monitor(queries.Asked("industrial_rd_expense", Period.parse("2025Q1")))
    for figure in board.figures().values():
        page = client.get(f"/why/{figure.id}")
        assert page.status_code == 200, figure.id
        assert figure.text in page.content.decode()


@pytest.mark.parametrize(
    "address", ["/why/nothing", "/why/input_enterprise@330100@1999", "/why/input_enterprise@zz@2025"]
)
def test_a_figure_that_does_not_exist_is_said_with_404(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 404
    assert "没有" in response.content.decode() or "不是" in response.content.decode()
