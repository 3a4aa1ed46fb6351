"""A firm finds a result on the public board, asks for it there, and is owed an answer: on pages nobody wrote for it."""

from __future__ import annotations

import pytest
from django.test import Client
from transfer_people import INTENT, TERMS, World, empowered, in_pool, registered

from rongtong.apps.cases import queries
from rongtong.apps.cases.errors import GuardRefused
from rongtong.apps.cases.models import Case
from worlds import browser

pytestmark = pytest.mark.django_db


def logged_in(world: World, who: str) -> Client:
    return browser(world.who[who])


def test_a_firm_asks_for_a_result_from_its_notice_and_stands_in_its_own_county(world: World) -> None:
    result = in_pool(world, empowered(world, registered(world)), "2025-08-08")
    board = browser().get(f"/notices/{result.pk}").content.decode()
    assert "安心屋在池的科技成果" in board
    assert "热循环" not in board
    # Whose share is how large is not for the board.
    assert "完成人团队" not in board
    firm = logged_in(world, "firm")
    assert f"/processes/use_first/new?under={result.pk}" in firm.get(f"/notices/{result.pk}").content.decode()
    refused = firm.post(f"/processes/use_first/new?under={result.pk}", {"product": "叶片"})
    assert (refused.status_code, "请填写“要解决什么问题”" in refused.content.decode()) == (422, True)
    answer = firm.post(f"/processes/use_first/new?under={result.pk}", INTENT)
    case = Case.objects.get(process="use_first")
    assert (answer.status_code, case.place, case.parent) == (302, "330822", result)
    assert firm.get(f"/cases/{case.pk}").status_code == 200
    assert firm.get(f"/cases/{result.pk}").status_code == 404
    assert logged_in(world, "rival").get(f"/cases/{case.pk}").status_code == 404
    assert logged_in(world, "other").get(f"/cases/{case.pk}").status_code == 404


def test_a_refused_agreement_keeps_its_rows_and_says_what_the_sum_should_be(world: World) -> None:
    result = in_pool(world, empowered(world, registered(world)), "2025-08-08")
    case = world.open("use_first", "firm", INTENT, parent=result)
    world.go(case, "accept_intent", "lin")
    office = logged_in(world, "lin")
    posted = TERMS | {
        "transition": "propose", "seen": "2", "pay_mode": "instalments", "price": "100",
        "instalments-0-name": "首期", "instalments-0-months": "1", "instalments-0-amount": "50",
        "instalments-1-name": "尾款", "instalments-1-months": "6", "instalments-1-amount": "49.99",
    }  # fmt: skip
    refused = office.post(f"/cases/{case.pk}/move", posted)
    page = refused.content.decode()
    assert (refused.status_code, "合计 99.99，应为 100，相差 0.01" in page, 'value="49.99"' in page) == (
        422,
        True,
        True,
    )
    assert office.post(f"/cases/{case.pk}/move", posted | {"instalments-1-amount": "50"}).status_code == 302
    assert Case.objects.get(pk=case.pk).stage == "signing"


def test_a_result_of_another_university_cannot_be_asked_for_before_it_is_public(world: World) -> None:
    result = registered(world)
    assert logged_in(world, "firm").get(f"/processes/use_first/new?under={result.pk}").status_code == 404


def test_terms_that_come_back_are_written_on_and_what_is_struck_out_of_them_is_gone(world: World) -> None:
    result = in_pool(world, empowered(world, registered(world)), "2025-08-08")
    case = world.open("use_first", "firm", INTENT, parent=result)
    world.go(case, "accept_intent", "lin")
    first = TERMS | {"pay_mode": "instalments", "price": "100", "policy_no": "PICC-2025-1", "premium": "800", "insurer": world.uscc("insurer"),
                     "instalments": [{"name": "首期", "months": 1, "amount": "40"}, {"name": "尾款", "due": "2026-01-05", "amount": "60"}]}  # fmt: skip
    world.go(case, "propose", "lin", **first)
    world.go(case, "counter", "firm", counter="不要保险，一次付清")
    office = logged_in(world, "lin")
    page = office.get(f"/cases/{case.pk}").content.decode()
    for said in (TERMS["conditions"], 'value="PICC-2025-1"', 'value="2026-01-05"', 'value="首期"', 'value="40"'):
        assert said in page
    assert '<option value="instalments" selected>' in page
    # What is typed into it anew, and refused, stands in place of what was agreed on before.
    posted = TERMS | {
        "transition": "propose",
        "seen": str(case.events + 3),
        "pay_mode": "fixed",
        "price": "",
        "policy_no": "",
    }
    refused = office.post(f"/cases/{case.pk}/move", posted)
    assert (refused.status_code, "PICC-2025-1" in _form(refused.content.decode())) == (422, False)
    assert office.post(f"/cases/{case.pk}/move", posted | {"price": "100"}).status_code == 302
    held = queries.data(Case.objects.get(pk=case.pk))
    assert {n for n in ("policy_no", "premium", "instalments") if n in held} == set()
    assert (held["price"], held["purpose"]) == ("100", INTENT["purpose"])
    world.go(case, "sign", "firm", paper=True, agreement_no="XY-1")
    # Without the policy nobody claims on it.
    with pytest.raises(GuardRefused, match="协议里没有保单"):
        world.go(case, "use_file_claim", "firm", paper=True, claim_event="试验件断裂，停线两天", claim_amount="5000")


def _form(page: str) -> str:
    return page[page.index('id="propose"') :].partition("</form>")[0]
