"""The map, the chain and the API, asked over HTTP."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from rongtong.apps.planning import queries, shapes
from rongtong.engine.period import Period

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]


@pytest.fixture
def client() -> Client:
    return Client(HTTP_HOST="localhost")


def test_the_map_answers_which_how_far_and_why_without_a_script(client: Client) -> None:
    page = client.get("/map?indicator=industrial_rd_expense").content.decode()
    assert "851.36" in page
    assert "7.72" in page
    assert "0.31" in page
    assert "严重滞后" in page
    assert "<svg" in page
    assert "/why/industrial_rd_expense@330400@2025Q1" in page


def test_generated_figures_are_marked_on_the_page_and_real_ones_are_not(client: Client) -> None:
    assert '<span class="tag">演示数据</span>' in client.get("/map?indicator=input_enterprise").content.decode()
    page = client.get("/map?indicator=industrial_rd_expense").content.decode()
    ranking = page[page.index('id="ranking"') : page.index('id="structure"')]
    assert "851.36" in ranking
    assert "演示数据" not in ranking


def test_the_difference_stands_on_the_page_unfixed(client: Client) -> None:
    page = client.get("/map?indicator=input_enterprise").content.decode()
    assert '<a class="figure" href="/why/input_total.difference@330000@2025">350</a>' in page
    assert "不调平" in page


@pytest.mark.parametrize("address", ["/map?indicator=nothing", "/why/nothing", "/why/input_enterprise@330100@1999"])
def test_what_does_not_exist_is_said_with_404(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 404
    assert "没有" in response.content.decode() or "不是" in response.content.decode()


def test_the_chain_page_shows_the_clause(client: Client) -> None:
    page = client.get("/why/input_enterprise@330100@2025H1").content.decode()
    assert "2.4.2" in page
    assert "科技创新鼎评选" in page


def test_the_api_says_what_the_command_line_says(client: Client) -> None:
    answer = client.get("/api/figures?indicator=input_enterprise&period=2025H1").json()
    assert answer == shapes.board(queries.monitor(queries.Asked("input_enterprise", Period.parse("2025H1"))))


def test_the_api_refuses_to_add_across_scopes_with_the_reason(client: Client) -> None:
    response = client.get("/api/sum?figure=rd_total@000000@2022&figure=input_enterprise@330000@2024")
    assert response.status_code == 422
    assert "不能相加" in response.json()["error"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/api/figures?indicator=x&period=2025Q1", 404),
        ("/api/figures?indicator=input_total&period=zz", 422),
        ("/api/figures?indicator=input_total&period=2025H1&place=zz", 422),
        ("/api/targets?year=99999", 404),
        ("/api/why/zz", 422),
        ("/api/nowcast/zz", 404),
        ("/api/export.csv", 401),
    ],
)
def test_bad_requests_are_refused_with_a_message(client: Client, address: str, status: int) -> None:
    response = client.get(address)
    assert response.status_code == status
    assert response.json()


def test_the_contract_is_published(client: Client) -> None:
    contract = json.loads(client.get("/api/openapi.json").content)
    assert "/api/figures" in contract["paths"]
    row = contract["components"]["schemas"]["RowOut"]["properties"]
    assert {
        "figure",
        "place",
        "value",
        "yoy",
        "yoy_rank",
        "share",
        "rank",
        "gap_to_mean",
        "completion",
        "lamp",
        "status",
        "sentence",
    } <= set(row)
