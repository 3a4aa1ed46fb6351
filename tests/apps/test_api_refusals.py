"""What the API refuses it refuses in two languages, and its contract says so."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from rongtong import refusal
from rongtong.apps.registry.actions import create_account, grant
from rongtong.apps.registry.models import Account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]
CHINESE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")
FIGURES = "/api/figures?indicator=input_total&period=2025H1"


@pytest.mark.parametrize(
    ("address", "status", "chinese", "english"),
    [
        ("/api/nothing", 404, "没有这个地址。", "There is no such address."),
        ("/api/cases", 401, "请先登录。", refusal.LOG_IN),
        ("/api/targets", 422, "year：缺少这一项", "year: Field required"),
        ("/api/figures?indicator=x&period=2025H1", 404, "“x”", refusal.ABSENT),
        ("/api/figures?indicator=input_total&period=half", 422, "half", "write 2025-06"),
        (f"{FIGURES}&level=x", 422, "level：应为", "level: Input should be"),
        ("/api/why/x", 422, "x", "indicator@place@period"),
        ("/api/why/x@y%00", 400, "空字符", refusal.UNREAD[400]),
    ],
)
def test_a_refusal_is_said_in_both_languages(address: str, status: int, chinese: str, english: str) -> None:
    answer = Client(HTTP_HOST="localhost").get(address)
    said = answer.json()
    assert (answer.status_code, sorted(said)) == (status, ["error", "error_en"])
    assert chinese in said["error"]
    assert english in said["error_en"]
    assert not CHINESE.search(said["error_en"])


def test_so_is_what_an_account_may_not_do(demo_store: Account) -> None:
    account = create_account("reads-only", "查看", actor=demo_store, demo=True).account
    grant(account, "reader", "330100", actor=demo_store)
    client = Client(HTTP_HOST="localhost")
    client.force_login(account)
    said = client.get("/api/export.csv")
    assert (said.status_code, said.json()["error_en"]) == (403, refusal.NOT_ALLOWED)
    assert client.get("/api/cases/999999").json()["error_en"] == refusal.ABSENT


def test_the_contract_promises_both_languages() -> None:
    contract = Client(HTTP_HOST="localhost").get("/api/openapi.json").json()
    schema = contract["components"]["schemas"]["Refusal"]
    assert sorted(schema["required"]) == ["error", "error_en"]
    assert "error_en" in contract["info"]["description"]
