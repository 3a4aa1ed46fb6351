"""A firm finds a result on the public board, asks for it there, and is owed an answer: on pages nobody wrote for it."""

from __future__ import annotations

import pytest
from django.test import Client
from transfer_people import INTENT, TERMS, World, empowered, in_pool, registered

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
