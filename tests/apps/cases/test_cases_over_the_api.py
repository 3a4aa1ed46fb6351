"""Other systems open cases: POST /api/cases, with the same refusals as the pages, and only what the account may open."""

from __future__ import annotations

from typing import Any

import pytest
from desk_world import PROCESS, load_process, people

from rongtong import refusal
from rongtong.apps.cases.models import Case
from rongtong.apps.records.models import Leaf
from rongtong.apps.registry.actions import revoke
from rongtong.apps.registry.models import Account, Grant
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


def post(account: Account, key: str = "", **changes: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return browser(account).post("/api/cases", NEED | changes, content_type="application/json", headers=headers)


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


def test_what_is_sent_again_with_its_key_is_opened_once(who: Who) -> None:
    first = post(who["county"], "hotline-7", organisation=USCC)
    before = Case.objects.count(), Leaf.objects.count()
    again = post(who["county"], "hotline-7", organisation=USCC)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    other = post(who["county"], "hotline-7", organisation=USCC, data=NEED["data"] | {"title": "另一件"})
    assert other.status_code == 409
    assert "内容不同" in other.json()["error"]
    assert (Case.objects.count(), Leaf.objects.count()) == before
    # Another sender's key of the same words is another key; without a key each is opened.
    made = {post(who["firm"], "hotline-7").json()["id"], post(who["firm"]).json()["id"], first.json()["id"]}
    assert len(made) == 3


def test_a_key_is_not_used_up_by_what_was_refused(who: Who) -> None:
    assert post(who["county"], "hotline-8", place="999999").status_code == 422
    assert post(who["county"], "hotline-8").status_code == 201


def test_a_sender_who_no_longer_reads_the_case_is_told_so_and_nothing_else(who: Who, demo_store: Account) -> None:
    case = Case.objects.get(pk=post(who["firm"], "mine-1").json()["id"])
    for one in Grant.objects.filter(account=who["firm"]):
        revoke(one, actor=demo_store)
    answer = post(who["firm"], "mine-1")
    assert answer.status_code == 409
    assert case.key not in answer.json()["error"]
