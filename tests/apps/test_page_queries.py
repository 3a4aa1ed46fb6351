"""How often each page asks the database: a bound for every page, so that no page asks once for each row it shows."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crawl import Answer, Fetch, Found, reach
from rongtong import demo
from rongtong.apps.registry.demo import demo_accounts
from rongtong.apps.registry.models import Account
from worlds import analyse

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]

ACCOUNTS = ("", "sheng", "shi-330100", "xian-330102", "anquan", "shenji")
# Name of the page → queries of a warm page at most, session and account among them.
LIMITS: dict[str, int] = {
    "notice": 14,
    "notice-en": 14,
    "notices": 14,
    "notices-en": 14,
    "supervision-red": 25,
    "chain": 25,
    "chains": 15,
    "space": 35,
    "space-report": 25,
    **dict.fromkeys(("login",), 5),
    **dict.fromkeys(
        (
            "account-password",
            "collection-source-new",
            "dictionary",
            "login-code",
            "privacy",
            "process",
            "process-en",
            "processes",
            "processes-en",
            "verify",
            "verify-en",
        ),
        10,
    ),
    **dict.fromkeys(
        (
            "account-delegate",
            "account-factor",
            "account-handover",
            "account-import",
            "accounts",
            "amendment-new",
            "certificate",
            "certificate-en",
            "certificate-paper",
            "clause",
            "cockpit",
            "collection-source-map",
            "collection-upload",
            "collection-upload-preview",
            "commitments",
            "document",
            "home",
            "indicator",
            "indicators",
            "kept",
            "open",
            "open-api",
            "open-api-en",
            "open-en",
            "open-indicator",
            "open-indicator-en",
            "personal",
            "studio-compare",
            "supervision-import",
            "supervision-month",
            "supervision-new",
            "supervision-slip",
            "targets",
            "uses",
            "case-import",
            "wall",
            "wall-public",
            "wall-public-en",
        ),
        15,
    ),
    **dict.fromkeys(
        (
            "account",
            "account-one",
            "amendments",
            "audit",
            "audit-leaf",
            "cases",
            "case-new",
            "cases-alike",
            "collection-history",
            "collection-slice-upload",
            "desk",
            "desk-together",
            "collection-sources",
            "commitment",
            "paper-new",
            "papers",
            "privacy-register",
            "supervision",
            "supervision-lines",
            "target",
            "why",
        ),
        20,
    ),
    **dict.fromkeys(
        (
            "collection",
            "collection-slice",
            "collection-slice-preview",
            "paper-compare",
            "studio-new",
            "supervision-item",
        ),
        25,
    ),
    **dict.fromkeys(("amendment-kind", "amendment-statement", "case", "paper", "studio", "work"), 30),
    **dict.fromkeys(("amendment", "studio-plan", "use"), 35),
    **dict.fromkeys(("collection-task",), 45),
}


@pytest.fixture(scope="module")
def counted(demo_store: Account) -> dict[str, tuple[int, Found]]:
    """Name of the page → the most queries of any account's second visit, and the page."""
    demo_accounts()
    demo.seed()
    analyse()
    most: dict[str, tuple[int, Found]] = {}
    for username in ACCOUNTS:
        client = Client(HTTP_HOST="localhost")
        if username:
            client.force_login(Account.objects.get(username=username))
        for page in reach(over(client), username, most=1):
            if page.dead:
                continue
            with CaptureQueriesContext(connection) as queries:
                client.get(page.path)
            most[page.name] = max(most.get(page.name, (-1, page)), (len(queries), page), key=lambda pair: pair[0])
    return most


def test_every_page_has_a_bound(counted: dict[str, tuple[int, Found]]) -> None:
    unbounded = sorted(set(counted) - set(LIMITS))
    assert not unbounded, f"give a bound in LIMITS: {[(name, counted[name][0]) for name in unbounded]}"


def test_no_page_asks_the_database_more_often_than_its_bound(counted: dict[str, tuple[int, Found]]) -> None:
    over = [
        f"{name}: {number} queries, at most {LIMITS[name]}: {page.path} ({page.account or 'nobody'})"
        for name, (number, page) in sorted(counted.items())
        if number > LIMITS.get(name, number)
    ]
    assert not over, "\n".join(over)


def over(client: Client) -> Fetch:
    """Ask Django's test client, redirects followed."""

    def fetch(path: str) -> Answer:
        answer = client.get(path, follow=True)
        landed = answer.redirect_chain[-1][0] if answer.redirect_chain else path
        kind = answer.headers.get("Content-Type", "")
        return answer.status_code, landed, kind, answer.content.decode() if "text/html" in kind else ""

    return fetch
