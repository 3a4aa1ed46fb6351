"""Other systems open cases: POST /api/cases, with the same refusals as the pages, and only what the account may open."""

from __future__ import annotations

from typing import Any

import pytest
from desk_world import PROCESS, load_process, people

from rongtong import refusal
from rongtong.apps.cases.models import Case
from rongtong.apps.registry.models import Account
from worlds import browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]
Who = dict[str, Account]
USCC = "91330100MA27XF7D36"
NEED: dict[str, Any] = {"process": "need", "place": "330106", "data": {"title": "缺研发资金", "kind": "money"}}
UNDER = (
    PROCESS.replace("code: need", "code: part", 1)
    .replace("name: 企业需求", "name: 分项")
    .replace("  of: uscc\n", "  under: {process: need, at: [asked]}\n")
)


@pytest.fixture(scope="module")
def who(demo_store: Account, tmp_path_factory: pytest.TempPathFactory) -> Who:
    load_process(tmp_path_factory.mktemp("pack"), demo_store, PROCESS + UNDER)
    return people(demo_store)


def post(account: Account, **changes: Any) -> Any:
    return browser(account).post("/api/cases", NEED | changes, content_type="application/json")


def test_a_case_is_opened_and_answered_whole(who: Who) -> None:
    answer = post(who["county"], organisation=USCC)
    said = answer.json()
    assert (answer.status_code, said["stage"], said["events"], said["place"]) == (201, "asked", 1, "330106")
    assert said["history"][0]["data"] == NEED["data"]
    assert "accept" in [o["transition"] for o in said["offers"]]
    case = Case.objects.get(pk=said["id"])
    assert case.organisation is not None
    assert case.organisation.uscc == USCC


def test_a_firm_opens_in_its_own_name_only(who: Who) -> None:
    assert Case.objects.get(pk=post(who["firm"]).json()["id"]).organisation == who["firm"].organisation
    before = Case.objects.count()
    assert post(who["firm"], organisation="913302007482237349").status_code == 403
    assert Case.objects.count() == before


@pytest.mark.parametrize(
    ("changes", "status", "chinese", "english"),
    [
        ({"process": "nothing"}, 404, "没有流程“nothing”", refusal.ABSENT),
        ({"process": "collection"}, 409, "从它自己的页面开始", refusal.NOT_OPENED),
        ({"process": "part"}, 409, "须从它所属的办件开始", refusal.NOT_OPENED),
        ({"parent": 987654321}, 404, "没有 987654321 这件", refusal.ABSENT),
        ({"data": {"title": "缺研发资金"}}, 422, "请填写“类别”", refusal.FORM),
        ({"data": {**NEED["data"], "more": 1}}, 422, "不收“more”", refusal.FORM),
        ({"data": {**NEED["data"], "chain": "没有的链"}}, 422, "没有产业链", refusal.FORM),
        ({"place": "999999"}, 422, "没有地方“999999”", refusal.FORM),
        ({"organisation": "91330100799655058B"}, 422, "没有登记", refusal.FORM),
        ({"place": "330203"}, 403, "不能“开始企业需求”", refusal.NOT_ALLOWED),
        ({"place": 1}, 422, "place：应为文字", "place"),
    ],
)
def test_what_cannot_be_opened_is_refused_in_both_languages(
    who: Who, changes: dict[str, Any], status: int, chinese: str, english: str
) -> None:
    answer = post(who["county"], **changes)
    said = answer.json()
    assert (answer.status_code, chinese in said["error"], english in said["error_en"]) == (status, True, True), said
    assert not Case.objects.filter(process__in=["need", "part"]).exists()


def test_a_case_under_a_case_is_opened_where_that_one_takes_it(who: Who) -> None:
    above = post(who["county"]).json()["id"]
    below = post(who["county"], process="part", parent=above)
    assert below.status_code == 201, below.json()
    assert Case.objects.get(pk=below.json()["id"]).parent_id == above
    # One that the account does not see is not told apart from one there is not.
    assert post(who["far"], process="part", place="330203", parent=above).status_code == 404


def test_the_contract_names_the_answers() -> None:
    contract = browser().get("/api/openapi.json").json()
    answers = contract["paths"]["/api/cases"]["post"]["responses"]
    assert {"201", "401", "403", "409", "422"} <= set(answers)
