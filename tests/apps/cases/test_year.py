"""A made-up year of problems: written as it happened, each clock as a walk day by day, each case found by who reads it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "bench"))
import year
import year_clocks
from rongtong.apps.cases import access, holding, queries
from rongtong.apps.cases.models import Band, Case, Event
from rongtong.apps.records.queries import verify
from rongtong.apps.registry.demo import demo_accounts
from rongtong.apps.registry.models import Account
from rongtong.engine.process.state import waits_for
from worlds import analyse, browser

CASES = 400
pytestmark = [pytest.mark.django_db, pytest.mark.large]


@pytest.fixture(scope="module")
def written(demo_store: Account, django_db_blocker: Any) -> Iterator[dict[str, float]]:
    """A small year, in the transaction of the store."""
    with django_db_blocker.unblock():
        demo_accounts()
        done = year.write(CASES)
        analyse()
        yield done


def test_every_clock_of_a_year_equals_the_walk(written: dict[str, float]) -> None:
    assert written["cases"] == Case.objects.filter(process=year.PROCESS).count() == CASES
    found = year_clocks.compared(process=year.PROCESS)
    assert (found["wrong"], found["first"]) == (0, [])
    assert found["clocks"] >= CASES * 5 * 2
    assert {"waiting", "running", "met", "met_late", "over"} <= set(found["states"])


def test_a_year_has_every_turn_a_problem_takes_in_most_counties(written: dict[str, float]) -> None:
    steps = set(Event.objects.filter(case__process=year.PROCESS).values_list("transition", flat=True))
    assert {"send_back", "merge", "supplement", "grant_extension", "raise_city", "rate_unsatisfied", "unrated"} <= steps
    assert len(set(Case.objects.filter(process=year.PROCESS).values_list("place", flat=True))) > 50
    assert Band.objects.filter(case__process=year.PROCESS).exists()
    assert not verify()


def reads(account: Account, case: Case) -> bool:
    """Whether an account reads a case, asked of the one case."""
    who, stage = holding.reach(account), holding.process_of(case).stage(case.stage)
    held = holding.roles_held(who, case)
    if who.operator or (held & set(stage.see)):
        return True
    scope = who.scope()
    board = {r.code for r in holding.process_of(case).roles if r.at == "notice"}
    return not stage.see and bool(held - board or scope is None or case.place in scope)


def readers() -> list[Account]:
    """Accounts of every sort: those of the demonstration, and of the largest county and its city."""
    place = Case.objects.filter(process=year.PROCESS).order_by("-pk").values_list("place", flat=True).first()
    own = Account.objects.filter(username__regex=rf"^n-(desk|bureau|firm)-{place}").order_by("pk")
    return [*Account.objects.filter(demo=True).exclude(username__startswith="n-"), *own[:6]]


def test_each_account_finds_the_cases_it_reads_and_those_that_wait_for_it(written: dict[str, float]) -> None:
    cases, seen = list(Case.objects.select_related("definition")), set()
    for account in readers():
        who = holding.reach(account)
        wanted = {c.pk for c in cases if reads(account, c)}
        assert set(access.visible(account).values_list("pk", flat=True)) == wanted, account.username
        only = {c.pk for c in cases if c.pk in wanted and c.process == year.PROCESS}
        assert set(queries.visible(account, year.PROCESS).values_list("pk", flat=True)) == only
        waits = {
            c.pk
            for c in cases
            if not c.outcome and holding.roles_held(who, c) & waits_for(holding.process_of(c), c.stage)
        }
        assert set(access.waiting(account).values_list("pk", flat=True)) == waits, account.username
        seen |= {len(wanted)}
    assert {0, len(cases)} < seen | {0, len(cases)}
    assert len(seen) >= 4


def test_the_list_goes_from_the_newest_to_the_oldest_and_shows_each_once(written: dict[str, float]) -> None:
    account = Account.objects.get(username="sheng")
    client = browser(account)
    shown: list[int] = []
    address = f"?process={year.PROCESS}"
    while address:
        page = client.get(f"/cases/{address}").content.decode()
        shown += [int(pk) for pk in re.findall(r'<th scope="row"><a href="/cases/(\d+)"', page)]
        older = re.search(r'rel="next" href="([^"]+)"', page)
        address = older[1].replace("&amp;", "&") if older else ""
    wanted = queries.visible(account, year.PROCESS).order_by("-pk")
    assert shown == list(wanted.values_list("pk", flat=True))
    assert len(shown) > 300
