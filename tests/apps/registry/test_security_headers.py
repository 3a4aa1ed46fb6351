"""The headers that browsers need stand on every kind of answer, and a proxy is believed only where it is trusted."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from rongtong.apps.registry import views_privacy
from rongtong.apps.registry.actions import create_account, set_password
from rongtong.apps.registry.models import Account
from rongtong.instance import InstanceError, read_instance
from rongtong.middleware import CONTENT_SECURITY_POLICY, Headers

PASSWORD = "correct horse battery"
EVERYWHERE = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
KINDS = {
    "page": "/privacy",
    "login": "/login",
    "api": "/api/openapi.json",
    "static": "/static/portal/page.css",
    "redirect": "/account",
    "missing": "/nothing/here",
}


@pytest.fixture
def client() -> Client:
    return Client(HTTP_HOST="localhost", raise_request_exception=False)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_answer_carries_the_headers(client: Client, pack: None, kind: str) -> None:
    response = client.get(KINDS[kind])
    assert {name: response.headers.get(name) for name in EVERYWHERE} == EVERYWHERE
    assert "geolocation=()" in response.headers["Permissions-Policy"]


def test_so_does_an_answer_to_a_wrong_host_and_one_to_a_fault(
    client: Client, pack: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {n: client.get("/", HTTP_HOST="evil.example").headers.get(n) for n in EVERYWHERE} == EVERYWHERE

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(views_privacy, "render", broken)
    response = client.get("/privacy")
    assert response.status_code == 500
    assert {name: response.headers.get(name) for name in EVERYWHERE} == EVERYWHERE


def test_the_policy_lets_nothing_in_but_our_own_files() -> None:
    rules = dict(rule.split(" ", 1) for rule in CONTENT_SECURITY_POLICY.split("; "))
    assert rules == {
        "default-src": "'self'",
        "style-src": "'self'",
        "script-src": "'self'",
        "img-src": "'self' data:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "form-action": "'self'",
    }


def test_pages_of_who_is_logged_in_are_kept_by_no_cache_and_static_files_may_be(
    client: Client, system: Account, pack: None
) -> None:
    new = create_account("zhang", "张三", actor=system)
    set_password(new.account, PASSWORD, actor=new.account)
    client.post("/login", {"username": "zhang", "password": PASSWORD})
    for address in ("/account", "/privacy", "/api/openapi.json", "/nothing"):
        assert client.get(address).headers["Cache-Control"] == "no-store, private", address
    assert "no-store" not in client.get("/static/portal/page.css").headers.get("Cache-Control", "")
    assert "no-store" not in Client(HTTP_HOST="localhost").get("/privacy").headers.get("Cache-Control", "")


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(client: Client, system: Account, pack: None) -> None:
    new = create_account("zhang", "张三", actor=system)
    client.get("/login")
    client.post("/login", {"username": "zhang", "password": new.password})
    assert set(client.cookies) == {"sessionid", "csrftoken"}
    for cookie in client.cookies.values():
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"


PRODUCTION = 'mode = "production"\npacks = []\nsecret = "{secret}"\n'


def production(home: Path, more: str = "") -> None:
    text = PRODUCTION.format(secret="abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJ") + more
    (home / "instance.toml").write_text(text, encoding="utf-8")


def test_production_sends_cookies_over_tls_only_under_names_bound_to_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    production(tmp_path)
    monkeypatch.setenv("RONGTONG_HOME", str(tmp_path))
    spec = importlib.util.find_spec("rongtong.settings")
    assert spec
    assert spec.loader
    fresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fresh)
    assert fresh.SESSION_COOKIE_SECURE
    assert fresh.CSRF_COOKIE_SECURE
    assert fresh.SESSION_COOKIE_NAME == "__Host-sessionid"
    assert fresh.CSRF_COOKIE_NAME == "__Host-csrftoken"
    assert fresh.SECURE_HSTS_SECONDS >= 180 * 24 * 3600
    assert fresh.SECOND_FACTOR == "required"


def test_the_instance_says_whether_codes_are_asked_for(tmp_path: Path) -> None:
    production(tmp_path)
    assert read_instance(tmp_path).second_factor == "required"
    production(tmp_path, 'second_factor = "optional"\nproxies = ["10.0.0.1"]\n')
    assert read_instance(tmp_path).second_factor == "optional"
    assert read_instance(tmp_path).proxies == ("10.0.0.1",)
    production(tmp_path, 'second_factor = "sometimes"\n')
    with pytest.raises(InstanceError, match="second_factor"):
        read_instance(tmp_path)


def test_over_tls_the_browser_is_told_to_stay_there(client: Client, pack: None, settings: Settings) -> None:
    settings.SECURE_HSTS_SECONDS = 1000
    assert (
        "max-age=1000"
        in Client(HTTP_HOST="localhost").get("/privacy", secure=True).headers["Strict-Transport-Security"]
    )
    assert "Strict-Transport-Security" not in Client(HTTP_HOST="localhost").get("/privacy").headers


@pytest.mark.parametrize(
    ("sender", "forwarded", "seen"),
    [
        ("10.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", "6.6.6.6, 203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", "203.0.113.5, 10.0.0.1", "203.0.113.5"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("198.51.100.7", "203.0.113.5", "198.51.100.7"),
    ],
)
def test_only_a_trusted_proxy_is_believed_about_the_client(
    settings: Settings, sender: str, forwarded: str, seen: str
) -> None:
    settings.PROXIES = ("10.0.0.1",)
    met: list[HttpRequest] = []

    def view(request: HttpRequest) -> HttpResponse:
        met.append(request)
        return HttpResponse()

    request = RequestFactory().get("/", REMOTE_ADDR=sender, headers={"x-forwarded-proto": "https"})
    if forwarded:
        request.META["HTTP_X_FORWARDED_FOR"] = forwarded
    Headers(view)(request)
    assert met[0].META["REMOTE_ADDR"] == seen
    assert met[0].is_secure() is (sender == "10.0.0.1")
