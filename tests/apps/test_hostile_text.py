"""No text breaks a page: every address, parameter and field of the site is given what people do not usually type.

Marked large: it asks some thousands of times. `make test-all` runs it on both databases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

import pytest
from django.db import transaction
from django.test import Client
from scope_world import patterns

from crawl import Answer, Fetch, name_of, reach
from rongtong import demo
from rongtong.apps.registry.demo import demo_accounts
from rongtong.apps.registry.models import Account
from worlds import analyse

pytestmark = [pytest.mark.django_db, pytest.mark.large, pytest.mark.usefixtures("demo_store")]

# Together they reach every page; the others reach some of the same.
ACCOUNTS = ("", "sheng", "xian-330102", "anquan")
# As a form or an address carries them after decoding.
TEXTS = {
    "a superscript": "²",
    "NUL": "a\0b",
    "ten thousand characters": "长" * 10_000,
    "a negative number": "-1",
    "a number no column holds": "9" * 21,
    "a pictograph": "😀",
}
# Left alone: the token of the form, and what would end the login of the asker.
KEPT = ("csrfmiddlewaretoken",)
PASSED = ("logout", "account-sessions", "account-password")
PARAMETER = re.compile(r"<(?:\w+:)?\w+>|{(?:\w+:)?\w+}")


class _Forms(HTMLParser):
    """The forms of a page: (method, action, fields with what they hold), and the addresses it links to."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, str, dict[str, str]]] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given.get("method", "get").lower(), given.get("action", ""), {}))
        elif tag == "a" and given.get("href"):
            self.links.append(given["href"])
        elif tag in ("input", "select", "textarea", "button") and given.get("name") and self.forms:
            self.forms[-1][2].setdefault(given["name"], given.get("value", ""))


@pytest.fixture(scope="module")
def clients(demo_store: Account) -> dict[str, Client]:
    """The demonstration with everything under way, and a login of each account."""
    demo_accounts()
    demo.seed()
    analyse()
    found = {}
    for username in ACCOUNTS:
        found[username] = Client(HTTP_HOST="localhost", raise_request_exception=False)
        if username:
            found[username].force_login(Account.objects.get(username=username))
    return found


def _asked(client: Client, method: str, path: str, fields: dict[str, str] | None = None) -> tuple[int, str, str, str]:
    """Ask, and undo what that wrote: a refused write must not break the next question."""
    with transaction.atomic():
        answer = client.post(path, fields) if method == "post" else client.get(path, follow=True)
        kind = str(answer.headers.get("Content-Type", ""))
        body = answer.content.decode() if not answer.streaming and "text/html" in kind else ""
        chain = getattr(answer, "redirect_chain", None)
        transaction.set_rollback(True)
    return answer.status_code, chain[-1][0] if chain else path, kind, body


def _fetch(client: Client) -> Fetch:
    def fetch(path: str) -> Answer:
        return _asked(client, "get", path)

    return fetch


def _questions(client: Client, account: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """(method, address, fields) of every form and every address with parameters; of each set of names one."""
    seen = set()
    for page in reach(_fetch(client), account, most=1):
        if page.dead:
            continue
        reader = _Forms()
        reader.feed(_asked(client, "get", page.path)[3])
        asked = [
            *((method, urljoin(page.path, action), fields) for method, action, fields in reader.forms),
            *(("get", urljoin(page.path, link), {}) for link in [*reader.links, page.path]),
        ]
        for method, address, fields in asked:
            parts = urlsplit(address)
            known = {**dict(parse_qsl(parts.query, keep_blank_values=True)), **fields}
            name = name_of(parts.path)
            key = (method, name, frozenset(known))
            if parts.netloc or not name or not known or name in PASSED or key in seen:
                continue
            seen.add(key)
            yield method, parts.path, known


@pytest.mark.parametrize("account", ACCOUNTS)
def test_no_parameter_and_no_field_breaks_a_page(clients: dict[str, Client], account: str) -> None:
    client, broken = clients[account], []
    done = set()
    for method, path, known in list(_questions(client, account)):
        for field in known:
            if field in KEPT or (method, name_of(path), field) in done:
                continue
            done.add((method, name_of(path), field))
            for what, text in TEXTS.items():
                fields = {**known, field: text}
                address = path if method == "post" else f"{path}?{urlencode(fields)}"
                status = _asked(client, method, address, fields)[0]
                if status >= 500:
                    broken.append(f"{account or 'nobody'}: {method} {path} {field} = {what}: {status}")
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("account", ["", "sheng", "anquan"])
def test_no_part_of_an_address_breaks_a_page(clients: dict[str, Client], account: str) -> None:
    client, broken = clients[account], []
    for name, route in patterns():
        parameters = len(PARAMETER.findall(route))
        for at in range(parameters):
            for what, text in TEXTS.items():
                # The others are a number, which is a code, a period and a key as well.
                values = iter("2025" if i != at else quote(text, safe="") for i in range(parameters))
                path = "/" + PARAMETER.sub(lambda _, v=values: next(v), route).lstrip("^").rstrip("$")
                for method in ("get", "post"):
                    status = _asked(client, method, path, {} if method == "post" else None)[0]
                    if status >= 500 and name not in PASSED:
                        broken.append(f"{account or 'nobody'}: {method} {route} with {what}: {status}")
    assert not broken, "\n".join(broken)
