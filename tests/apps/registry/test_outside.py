"""Accounts from outside the offices: a firm opens public pages, its account and its cases, and nothing of the offices."""

from __future__ import annotations

import pytest
from django.test import Client

from rongtong.apps.registry import outside
from rongtong.apps.registry.actions import create_account, grant
from rongtong.apps.registry.models import Account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]


def client_of(actor: Account, *roles: str) -> Client:
    account = create_account("firm-1", "某企业", actor=actor, demo=True).account
    for role in roles:
        grant(account, role, "330106", actor=actor)
    client = Client(HTTP_HOST="localhost")
    client.force_login(account)
    return client


@pytest.mark.parametrize("role", ["enterprise", "institution", "expert", "technology_manager", "handler"])
def test_a_role_from_outside_opens_its_cases_and_public_pages_only(demo_store: Account, role: str) -> None:
    client = client_of(demo_store, role)
    for address in ("/", "/map", "/work", "/cases/", "/processes/", "/account", "/indicators/"):
        assert client.get(address).status_code == 200, address
    for address in ("/collection/", "/supervision/", "/papers/", "/studio/", "/amendments/", "/uses/", "/accounts/"):
        answer = client.get(address)
        assert (answer.status_code, "科技管理部门" in answer.content.decode()) == (403, True), address
    assert client.get("/api/export.csv").status_code == 403
    assert client.post("/api/allocate", {}, content_type="application/json").status_code == 403
    menu = client.get("/work").content.decode()
    assert "我的办件" in menu
    assert 'href="/collection/"' not in menu


def test_who_also_holds_an_office_opens_its_pages(demo_store: Account) -> None:
    client = client_of(demo_store, "expert", "county_officer")
    assert client.get("/collection/").status_code == 200


def test_every_address_named_exists() -> None:
    from scope_world import patterns

    known = {name for name, _ in patterns()}
    assert sorted((outside.PUBLIC | outside.OWN) - known) == []
