"""Addresses that only take forms: opened directly they say on a page what to do; the API answers with JSON."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from rongtong.apps.registry.actions import create_account, grant
from rongtong.apps.registry.models import Account
from rongtong.middleware import owner

pytestmark = pytest.mark.django_db


def browser(system: Account, role: str) -> Client:
    account = create_account(f"method-{role.replace('_', '-')}", "试验", actor=system, demo=True).account
    grant(account, role, "", actor=system)
    client = Client(HTTP_HOST="localhost")
    client.force_login(account)
    return client


@pytest.mark.parametrize(
    ("role", "address", "page"),
    [
        ("provincial_officer", "/logout", "/"),
        ("audit_admin", "/audit/verify", "/audit/"),
        ("security_admin", "/accounts/asked/7", "/accounts/"),
        ("provincial_officer", "/studio/enterprise_2025/counter", "/studio/enterprise_2025/"),
        ("provincial_officer", "/papers/dispatch/2025H1/send", "/papers/dispatch/2025H1/"),
        (
            "provincial_officer",
            "/collection/tasks/county_input/2025H1/remind",
            "/collection/tasks/county_input/2025H1/",
        ),
    ],
)
def test_an_address_of_a_form_opened_directly_leads_to_the_page_of_the_form(
    real_store: Account, role: str, address: str, page: str
) -> None:
    client = browser(real_store, role)
    answer = client.get(address)
    text = answer.content.decode()
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "这个地址不能直接打开" in text
    assert 'aria-label="主导航"' in text
    assert f'<a class="button" href="{page}">' in text
    assert client.get(page).status_code == 200


def test_nobody_in_particular_is_answered_in_the_same_way(real_store: Account) -> None:
    answer = Client(HTTP_HOST="localhost").get("/logout")
    assert (answer.status_code, "这个地址不能直接打开" in answer.content.decode()) == (405, True)


def test_the_api_stays_with_json(real_store: Account) -> None:
    answer: Any = Client(HTTP_HOST="localhost").get("/api/allocate")
    assert answer.status_code == 405
    assert "<html" not in answer.content.decode()


def test_an_address_with_nothing_above_it_belongs_to_the_front_page() -> None:
    assert owner("/logout") == "/"
    assert owner("/nothing/of/this") == "/"
