"""Logins end, and what was being sent when they did is kept for the same account and browser; refusals are recorded."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from rongtong.apps.records.models import Leaf
from rongtong.apps.registry import kept, moment
from rongtong.apps.registry.actions import create_account, grant, set_password
from rongtong.apps.registry.models import Account, Kept, Visit

PASSWORD = "correct horse battery"


class Time:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.value = timezone.now()

    def now(self) -> datetime:
        return self.value

    def pass_(self, **lengths: int) -> None:
        self.value += timedelta(**lengths)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    moving = Time()
    monkeypatch.setattr(moment, "now", moving.now)
    return moving


@pytest.fixture
def client() -> Client:
    """A browser: it carries cookies and must send the token of the form."""
    return Client(HTTP_HOST="localhost", enforce_csrf_checks=True)


@pytest.fixture
def admin(system: Account, pack: None) -> Account:
    return member(system, "xitong", "system_admin")


def member(system: Account, username: str, role: str = "", place: str = "") -> Account:
    account = create_account(username, f"姓名{username}", actor=system).account
    set_password(account, PASSWORD, actor=account)
    if role:
        grant(account, role, place, actor=system)
    return account


def token(client: Client, address: str = "/login") -> str:
    """The token of the form on a page, as a browser would send it."""
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get(address).content.decode())
    assert found
    return found[1]


def login(client: Client, username: str = "xitong") -> str:
    """Log in by the form; returns where it leads."""
    form = {"username": username, "password": PASSWORD, "csrfmiddlewaretoken": token(client)}
    response = client.post("/login", form)
    assert response.status_code == 302, response.content.decode()
    return response.headers["Location"]


def logged_in(client: Client) -> bool:
    return client.get("/account").status_code == 200


def test_a_login_that_stands_idle_ends_after_thirty_minutes(client: Client, system: Account, time: Time) -> None:
    member(system, "zhang")
    login(client, "zhang")
    for _ in range(3):
        time.pass_(minutes=29)
        assert logged_in(client)
    time.pass_(minutes=31)
    response = client.get("/account")
    assert response.headers["Location"] == "/login?next=/account"
    assert "登录已到期" in client.get("/login").content.decode()
    assert not Visit.objects.exists()


def test_that_of_an_administrator_ends_after_fifteen(client: Client, admin: Account, time: Time) -> None:
    login(client)
    time.pass_(minutes=14)
    assert logged_in(client)
    time.pass_(minutes=16)
    assert not logged_in(client)


def test_no_login_lasts_longer_than_twelve_hours(client: Client, system: Account, time: Time) -> None:
    member(system, "zhang")
    login(client, "zhang")
    for _ in range(28):
        time.pass_(minutes=25)
        assert logged_in(client)
    time.pass_(minutes=25)
    assert not logged_in(client)


def test_the_page_says_in_words_when_the_login_ends(client: Client, system: Account, time: Time) -> None:
    member(system, "zhang")
    login(client, "zhang")
    page = client.get("/account").content.decode()
    ends = timezone.localtime(time.now() + timedelta(minutes=30))
    assert f"{ends:%H:%M}</time> 结束" in page


FORM = {"username": "lisi", "name": "李四<b>", "position": "科长\n综合处", "role": "reader", "place": ""}


def expire_while_filling(client: Client, time: Time, **more: str) -> str:
    """Open the form, let the login expire, send the form; returns where that leads."""
    form = {**FORM, "csrfmiddlewaretoken": token(client, "/accounts/new"), **more}
    time.pass_(minutes=20)
    response = client.post("/accounts/new", form, headers={"referer": "http://localhost/accounts/new"})
    assert response.status_code == 302
    return response.headers["Location"]


def test_a_form_sent_after_the_login_expired_is_sent_again_after_the_next_login(
    client: Client, admin: Account, time: Time
) -> None:
    login(client)
    assert expire_while_filling(client, time) == "/login?next=%2Faccounts%2Fnew"
    assert not Account.objects.filter(username="lisi").exists()
    assert "替您留着" in client.get("/login").content.decode()
    address = login(client)
    assert re.fullmatch(r"/account/kept/\d+", address)
    page = client.get(address).content.decode()
    assert "李四&lt;b&gt;" in page
    assert "科长" in page
    again = resend(client, page)
    assert again.status_code == 200
    made = Account.objects.get(username="lisi")
    assert (made.name, made.position) == ("李四<b>", "科长\n综合处")
    assert not Kept.objects.exists()
    assert client.get(address).status_code == 404


def resend(client: Client, page: str) -> object:
    """Press 继续提交: send what the page's form holds, to where it says."""
    form = re.search(r'<form method="post" action="(/accounts/new)">(.*?)</form>', page, re.S)
    assert form
    inputs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[2])
    return client.post(form[1], {name: html.unescape(value) for name, value in inputs})


def test_a_form_is_kept_also_where_the_session_itself_is_gone(client: Client, admin: Account, time: Time) -> None:
    login(client)
    form = {**FORM, "csrfmiddlewaretoken": token(client, "/accounts/new")}
    del client.cookies["sessionid"]
    assert client.post("/accounts/new", form).headers["Location"] == "/login"
    assert Kept.objects.get().account is None
    page = client.get(login(client)).content.decode()
    assert "李四" in page
    assert Kept.objects.get().account == admin


def test_another_account_in_the_same_browser_does_not_see_it(
    client: Client, admin: Account, system: Account, time: Time
) -> None:
    member(system, "other", "system_admin")
    login(client)
    expire_while_filling(client, time)
    assert login(client, "other") == "/work"
    assert client.get(f"/account/kept/{Kept.objects.get().pk}").status_code == 404


def test_the_same_account_in_another_browser_does_not_see_it(client: Client, admin: Account, time: Time) -> None:
    login(client)
    expire_while_filling(client, time)
    other = Client(HTTP_HOST="localhost", enforce_csrf_checks=True)
    assert login(other) == "/work"
    assert other.get(f"/account/kept/{Kept.objects.get().pk}").status_code == 404


def test_it_is_thrown_away_by_its_owner_and_after_a_day(client: Client, admin: Account, time: Time) -> None:
    login(client)
    expire_while_filling(client, time)
    address = login(client)
    client.post(address, {"csrfmiddlewaretoken": token(client, address)})
    assert not Kept.objects.exists()
    expire_while_filling(client, time)
    time.pass_(hours=25)
    assert login(client) == "/work"


def test_passwords_and_files_are_never_kept(client: Client, admin: Account, time: Time) -> None:
    login(client)
    expire_while_filling(client, time, new_password="geheim", secret_note="geheim")
    assert "geheim" not in Kept.objects.get().fields
    Kept.objects.all().delete()
    login(client)
    form = {
        "old_password": PASSWORD,
        "new_password": "x",
        "note": "geheim",
        "csrfmiddlewaretoken": token(client, "/account/password"),
    }
    time.pass_(minutes=20)
    client.post("/account/password", form)
    assert not Kept.objects.exists()


def test_more_than_a_megabyte_is_not_kept(client: Client, admin: Account, time: Time) -> None:
    login(client)
    expire_while_filling(client, time, note='"' * 600_000)  # each is two characters as it is kept
    assert not Kept.objects.exists()


def test_a_form_without_the_token_of_this_site_is_not_kept(client: Client, admin: Account, time: Time) -> None:
    login(client)
    time.pass_(minutes=20)
    assert client.post("/accounts/new", {**FORM, "csrfmiddlewaretoken": "x" * 64}).status_code == 403
    assert client.post("/accounts/new", FORM, headers={"origin": "https://evil.example"}).status_code == 403
    assert not Kept.objects.exists()


def test_a_form_from_before_a_login_in_another_tab_is_kept_too(client: Client, admin: Account) -> None:
    login(client)
    stale = token(client, "/accounts/new")
    client.post("/logout", {"csrfmiddlewaretoken": stale})
    login(client)  # in the other tab; the token of the first one is stale now
    form = {**FORM, "csrfmiddlewaretoken": "a" * 64}
    response = client.post("/accounts/new", form, headers={"origin": "http://localhost"})
    assert re.fullmatch(r"/account/kept/\d+", response.headers["Location"])


def test_drafts_of_nobody_cannot_fill_the_store(monkeypatch: pytest.MonkeyPatch, admin: Account) -> None:
    monkeypatch.setattr(kept, "MOST_UNKNOWN", 2)
    for _ in range(4):
        browser = Client(HTTP_HOST="localhost")
        browser.post("/accounts/new", FORM)
    assert Kept.objects.count() == 2


def test_a_fragment_is_not_replaced_by_the_login_page(client: Client, admin: Account, time: Time) -> None:
    login(client)
    time.pass_(minutes=20)
    response = client.get("/account", headers={"hx-request": "true"})
    assert (response.status_code, response.headers["HX-Redirect"]) == (204, "/login?next=/account")


def test_one_sees_and_ends_ones_other_logins(client: Client, admin: Account, time: Time) -> None:
    other = Client(HTTP_HOST="localhost", HTTP_USER_AGENT="另一台电脑")
    other.post("/login", {"username": "xitong", "password": PASSWORD})
    login(client)
    assert "另一台电脑" in client.get("/account").content.decode()
    client.post("/account/sessions", {"csrfmiddlewaretoken": token(client, "/account")})
    assert other.get("/account").status_code == 302
    assert logged_in(client)


def test_a_refused_write_is_answered_in_words_and_recorded(client: Client, system: Account, pack: None) -> None:
    member(system, "zhang", "reader")
    login(client, "zhang")
    response = client.get("/accounts/new")
    assert response.status_code == 403
    assert "无权" in response.content.decode()
    leaf = Leaf.objects.latest("sequence")
    assert (leaf.kind, leaf.actor, leaf.subject) == ("registry.denied", "zhang", "registry.create_account")


def test_a_flood_of_refused_writes_is_cut_off(client: Client, system: Account, pack: None) -> None:
    member(system, "zhang", "reader")
    login(client, "zhang")
    for _ in range(15):
        client.get("/accounts/new")
    assert Leaf.objects.filter(kind="registry.denied").count() == 10
