"""The API keeps its published contract: any request is answered as `/api/openapi.json` says, and never with an error of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings as site
from django.core import signals
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, given, settings, strategies

from packs import shipped
from rongtong.apps.registry.actions import create_account, grant
from rongtong.apps.registry.models import Account

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed: make test-all installs it")
pytestmark = [pytest.mark.django_db, pytest.mark.large, pytest.mark.usefixtures("demo_store")]

CONTRACT = schemathesis.openapi.from_wsgi("/api/openapi.json", get_wsgi_application())
OPERATIONS = [found.ok() for found in CONTRACT.get_all_operations()]
FIGURES = ["input_enterprise@330100@2025H1", "input_enterprise@330200@2025H1", "rd_total@000000@2022", "x@y@2025"]
# What there is, by the parameter's name: at random alone nothing would ever be found.
KNOWN = {
    "indicator": strategies.sampled_from(["input_enterprise", "industrial_rd_expense", "rd_total", "hte_stock"]),
    "period": strategies.sampled_from(["2025H1", "2025Q1", "2022", "2024", "2025-01..05"]),
    "place": strategies.sampled_from(["", "330000", "330100", "330102", "000000", "999999"]),
    "chain": strategies.sampled_from(["", "x"]),
    "figure": strategies.one_of(strategies.sampled_from(FIGURES), strategies.lists(strategies.sampled_from(FIGURES))),
    "target": strategies.sampled_from(["input_enterprise_2025", "input_total_2027", "x"]),
    "year": strategies.integers(2020, 2030),
}
# The allocation that ships with the packs, and changes that leave it well-formed.
SPLIT = json.loads(shipped("china", "zhejiang").all("allocations")[0].model_dump_json(exclude_none=True))
CHANGES = {
    "total": strategies.sampled_from([{"value": "5650"}, {"value": "0"}, {"value": "-1"}, {"target": "nothing"}]),
    "unit": strategies.sampled_from(["万元", "家", "无此单位"]),
    "period": strategies.sampled_from(["2024", "2025H1", "无此期"]),
    "rounding": strategies.sampled_from(["1", "0", "-1", "0.0001"]),
    "weights": strategies.sampled_from([[], [{"figure": "x@2025", "share": "1"}], [{"figure": "无", "share": "2"}]]),
    "places": strategies.sampled_from(
        [{"codes": ["330100", "330100"]}, {"codes": ["x"]}, {"within": "330102", "level": "county"}]
    ),
}
bounded = settings(
    derandomize=True,
    database=None,
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@dataclass(frozen=True, slots=True)
class Caller:
    """What a browser sends with each request."""

    cookies: dict[str, str]
    headers: dict[str, str]


NOBODY = Caller({}, {})


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """A request ends without closing the connection, whose transaction is the test's own."""
    ends = (signals.request_started, signals.request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    yield
    for signal in ends:
        signal.connect(close_old_connections)


@pytest.fixture
def officer(demo_store: Account) -> Caller:
    """A browser that has logged in as a provincial officer and sends its CSRF token."""
    account = create_account("contract", "张三", actor=demo_store, demo=True).account
    grant(account, "provincial_officer", "", actor=demo_store)
    client = Client(HTTP_HOST="localhost")
    client.force_login(account)
    token = "a" * 32
    session = client.cookies[site.SESSION_COOKIE_NAME].value
    return Caller({site.SESSION_COOKIE_NAME: session, site.CSRF_COOKIE_NAME: token}, {"X-CSRFToken": token})


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.label)
def test_anybody_is_answered_as_the_contract_says(operation: Any) -> None:
    ask(operation, NOBODY)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.label)
def test_an_officer_is_answered_as_the_contract_says(operation: Any, officer: Caller) -> None:
    ask(operation, officer)


def ask(operation: Any, caller: Caller) -> None:
    """Send requests made from the contract, among them ones about what there is; the same each time."""

    @bounded
    @given(case=operation.as_strategy(), data=strategies.data())
    def send(case: Any, data: Any) -> None:
        for part in (case.query, case.path_parameters):
            for name in set(part or ()) & set(KNOWN):
                if data.draw(strategies.integers(0, 3)):
                    part[name] = data.draw(KNOWN[name])
        if operation.path == "/api/allocate" and data.draw(strategies.booleans()):
            case.body = SPLIT | data.draw(strategies.fixed_dictionaries({}, optional=CHANGES))
        case.call_and_validate(headers=caller.headers, cookies=caller.cookies, checks=checks())

    send()


def checks() -> list[Any]:
    """No answer of 500, no status, type, header or body that is not in the contract, no wrong answer to a wrong verb."""
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks as openapi

    return [
        not_a_server_error,
        openapi.status_code_conformance,
        openapi.content_type_conformance,
        openapi.response_headers_conformance,
        openapi.response_schema_conformance,
        openapi.unsupported_method,
    ]


def test_every_operation_says_how_it_refuses() -> None:
    contract = json.loads(Client(HTTP_HOST="localhost").get("/api/openapi.json").content)
    for path, verbs in contract["paths"].items():
        for verb, operation in verbs.items():
            needed = {"503"} | ({"401", "403"} if "security" in operation else set())
            needed |= {"400", "413", "422"} if "requestBody" in operation else set()
            needed |= {"422"} if operation["parameters"] else set()
            assert needed <= set(operation["responses"]), f"{verb} {path}"
            for status in needed:
                body = operation["responses"][status]["content"]["application/json"]["schema"]
                assert body == {"$ref": "#/components/schemas/Refusal"}, f"{verb} {path} {status}"


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/api/targets", 422, "year：缺少这一项"),
        ("/api/targets?year=x", 422, "year：应为整数"),
        ("/api/targets?year=2025&as_of=x", 422, "as_of：应为日期"),
        ("/api/figures?indicator=input_total&period=2025H1&level=x", 422, "level：应为"),
        ("/api/export.csv", 401, "请先登录"),
    ],
)
def test_a_refusal_says_what_to_do_in_words(address: str, status: int, words: str) -> None:
    answer = Client(HTTP_HOST="localhost").get(address)
    assert answer.status_code == status
    assert words in answer.json()["error"]


def test_an_address_that_is_not_there_is_refused_in_json(officer: Caller) -> None:
    for address in ("/api/nothing", "/api/cases/-1/moves"):
        answer = Client(HTTP_HOST="localhost").post(address)
        assert answer.status_code == 404
        assert answer.json() == {"error": "没有这个地址。", "error_en": "There is no such address."}


def test_a_body_that_is_no_json_or_too_big_is_refused(settings: Any, officer: Caller) -> None:
    client = Client(HTTP_HOST="localhost", headers=officer.headers)
    client.cookies.load(officer.cookies)

    def post(body: str) -> Any:
        return client.post("/api/allocate", body, content_type="application/json")

    assert post("{").status_code == 400
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert post(" " * 200).status_code == 413
