"""Who reads and writes what: every address of the site × every role at every place × every verb × own, child, neighbour, absent.

`scope_rules` says for each address who may. One that is not there fails, so a new page has to say whom it is for. Whoever
may not is told the same about what exists and what does not, and whatever they send changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from scope_rules import RULES, Rule, anybody
from scope_world import Asker, Thing, askers, patterns, state

from rongtong import demo
from rongtong.apps.cases import access, holding, queries
from rongtong.apps.cases.models import Case
from rongtong.apps.planning.models import Allocation
from rongtong.apps.registry.demo import demo_accounts
from rongtong.apps.registry.models import Account
from worlds import analyse

pytestmark = [pytest.mark.django_db, pytest.mark.large]

REFUSALS = (401, 403, 404, 405, 429)
NAMES = sorted({name for name, _ in patterns()})
# What differs from one answer to the next, or repeats what was asked for.
# Who may read a page may post to it in vain: it is shown again, or says what is wrong. That nothing changes is asked apart.
HARMLESS = (200, 302, 400, 409, 422)
# Where everybody is treated alike these stand for all.
FEW = ("nobody", "provincial-officer-whole", "county-officer-330102")
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"|<p class="note" id="session".*?</p>', re.DOTALL)


@pytest.fixture(scope="module")
def made(demo_store: Account) -> tuple[Asker, ...]:
    """The demonstration with its accounts and everything under way, and those who ask."""
    demo_accounts()
    demo.seed()
    analyse()
    return askers()


@pytest.fixture
def world(made: tuple[Asker, ...]) -> tuple[Asker, ...]:
    """Everybody logged in afresh: a test that logs them out, or a run longer than a login, leaves the next one whole."""
    for asker in made:
        asker.client.cookies.clear()
        if asker.account is not None:
            asker.client.force_login(asker.account)
    return made


def test_every_address_says_whom_it_is_for() -> None:
    undeclared = [name for name in NAMES if name not in RULES]
    assert not undeclared, f"declare in scope_rules who may read and post: {undeclared}"
    gone = [name for name in RULES if name not in NAMES]
    assert not gone, f"there is no such address any more: {gone}"


@pytest.mark.parametrize("name", [n for n in NAMES if n in RULES])
def test_nobody_reads_outside_their_scope(world: tuple[Asker, ...], name: str) -> None:
    rule, absent, wrong = RULES[name], dict[str, HttpResponse](), []
    for asker, thing in every(world, name, rule):
        answer = asker.client.get(thing.address)
        if answer.status_code < 500 and rule.perhaps(asker, thing):
            continue
        if rule.read(asker, thing):
            if refused(answer) or answer.status_code >= 400:
                wrong.append(f"{asker.name} may read {thing.address}: {told(answer)}")
        elif not refused(answer):
            wrong.append(f"{asker.name} may not read {thing.address}: {told(answer)}")
        elif rule.absent:
            nothing = absent.setdefault(asker.name, absent.get(asker.name) or asker.client.get(rule.absent()))
            if not alike(answer, nothing, thing.address, rule.absent()):
                wrong.append(f"{asker.name} can tell that {thing.address} exists: {told(answer)}, {told(nothing)}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", [n for n in NAMES if n in RULES])
def test_nobody_changes_anything_outside_their_scope(world: tuple[Asker, ...], name: str) -> None:
    rule = RULES[name]
    wrong, before = [], state()
    absent: dict[tuple[str, str], HttpResponse] = {}
    for asker, thing in every(world, name, rule):
        for verb in ("put", "patch", "delete") if asker.name in FEW else ():
            answer = getattr(asker.client, verb)(thing.address)
            if answer.status_code >= 500:
                wrong.append(f"{asker.name} {verb} {thing.address}: {told(answer)}")
        wrong += survives(asker, thing) if rule.write(asker, thing) else intrudes(asker, thing, rule, absent)
    changed = [f"{table}: {before.get(table)} → {rows}" for table, rows in state().items() if before.get(table) != rows]
    assert not wrong + changed, "\n".join(wrong + changed)


def test_no_case_of_a_neighbour_is_readable(world: tuple[Asker, ...]) -> None:
    wrong = [
        f"{asker.name} reads {case} of {case.place}"
        for asker in world
        if asker.account is not None
        for case in access.visible(asker.account)
        if asker.beside(case.place) and not asker.granted(case.place) and not case.participants.exists()
    ]
    assert not wrong, "\n".join(wrong)


def test_the_file_of_a_split_holds_only_the_rows_that_the_reader_sees(world: tuple[Asker, ...]) -> None:
    """Of a split in force a city sees the whole, a county its own row; of a draft, whoever sees it, the own row only."""
    read, asked = 0, []
    for asker in world:
        if asker.account is None or asker.places.everywhere:
            continue
        for run in Allocation.objects.all():
            answer = asker.client.get(reverse("studio-csv", args=[run.code, run.version]))
            rows = set(re.findall(r"\b33\d{4}\b", answer.content.decode())) if answer.status_code == 200 else set()
            county = not any(p.endswith("00") for p in asker.places.places)
            beside = {code for code in rows if asker.beside(code)} if county or not run.adopted_from else set()
            assert not beside, f"{asker.name} is given the rows of {sorted(beside)} of {run}"
            read += bool(rows)
            asked.append(f"{asker.name} {run}: {answer.status_code}")
    assert read, "\n".join(asked)


def test_a_step_that_is_not_offered_changes_nothing(world: tuple[Asker, ...]) -> None:
    before, wrong = state(), []
    for case in first_of_each_stage():
        for asker in world:
            offers = queries.offers(asker.account, case) if asker.account else ()
            open_to = {o.transition for o in offers if not o.refused}
            for step in holding.process_of(case).transitions:
                if step.code not in open_to:
                    filled = {"reason": "越权", "opinion": "越权"}
                    data = {"transition": step.code, "seen": case.events, "data": filled}
                    answer = send(asker, reverse("api:move", args=[case.pk]), data)
                    if not refused(answer) and answer.status_code not in (400, 409, 422):
                        wrong.append(f"{asker.name} {step.code} {case}: {told(answer)}")
                    if answer.status_code == 404:
                        break  # to whoever may not read the case there is none, whatever the step
    assert not wrong, "\n".join(wrong)
    assert state() == before


def first_of_each_stage() -> list[Case]:
    """One case of each process and stage."""
    found: dict[tuple[str, str], Case] = {}
    for case in Case.objects.order_by("pk").select_related("definition"):
        found.setdefault((case.process, case.stage), case)
    return list(found.values())


def every(world: tuple[Asker, ...], name: str, rule: Rule) -> Iterator[tuple[Asker, Thing]]:
    """Everybody with every thing of the rule; a few where it is for anybody."""
    things = list(rule.things()) if rule.things else [Thing(reverse(name), "")]
    assert things, f"nothing to ask for at {name}: seed one"
    for asker in world:
        if rule.read is not anybody or asker.name in FEW:
            for thing in things:
                yield asker, thing


def survives(asker: Asker, thing: Thing) -> list[str]:
    """What is wrong when somebody who may post sends an empty form; taken back afterwards."""
    with transaction.atomic():
        answer = send(asker, thing.address, {})
        transaction.set_rollback(True)
    return [f"{asker.name} posts an empty form to {thing.address}: {told(answer)}"] if answer.status_code >= 500 else []


def intrudes(asker: Asker, thing: Thing, rule: Rule, absent: dict[tuple[str, str], HttpResponse]) -> list[str]:
    """What is wrong when somebody who may not posts an empty form, or what one who may would send. `absent` keeps what each
    asker was told of a thing that is not there."""
    wrong = []
    for data in (rule.sent,) if thing.address.startswith("/api/") else ({}, rule.sent):
        answer = send(asker, thing.address, data)
        if (rule.read(asker, thing) or rule.perhaps(asker, thing)) and answer.status_code in HARMLESS:
            continue
        if refused(answer) and rule.perhaps(asker, thing):
            continue
        if not refused(answer):
            wrong.append(f"{asker.name} may not post to {thing.address}: {told(answer)}")
        elif rule.absent and answer.status_code not in (403, 405):
            key = asker.name, repr(data)
            nothing = absent.get(key) or absent.setdefault(key, send(asker, rule.absent(), data))
            if not alike(answer, nothing, thing.address, rule.absent()):
                wrong.append(f"{asker.name} can tell that {thing.address} exists: {told(answer)}, {told(nothing)}")
    return wrong


def send(asker: Asker, address: str, data: dict[str, Any]) -> HttpResponse:
    """Post as a form, and to the API as JSON."""
    kind = {"content_type": "application/json"} if address.startswith("/api/") else {}
    return asker.client.post(address, data, **kind)


def refused(answer: HttpResponse) -> bool:
    """Whether the answer turns the asker away: to the login, or with a status that says so."""
    to_login = answer.status_code == 302 and answer["Location"].startswith("/login")
    return to_login or answer.status_code in REFUSALS


def alike(answer: HttpResponse, other: HttpResponse, address: str, absent: str) -> bool:
    """Whether two answers say the same, what was asked for aside."""
    own = set(re.split(r"[/?=&]", address)) ^ set(re.split(r"[/?=&]", absent))
    return answer.status_code == other.status_code and plain(answer, own, address) == plain(other, own, absent)


def plain(answer: HttpResponse, asked: set[str], address: str) -> str:
    """The text of an answer without its token, its own address and the parts in which the two addresses differ."""
    text = TOKEN.sub("", answer.get("Location", "") or answer.content.decode("utf-8", "replace"))
    for own in (address, address.partition("?")[0]):
        text = text.replace(escape(own), "·").replace(quote(own, safe=""), "·")
    parts = "|".join(sorted((re.escape(p) for p in asked if p), key=len, reverse=True))
    text = re.sub(rf"(?<![\w-])({parts})(?![\w-])", "·", text) if parts else text
    # A reader who is sent to the login is told where to come back to, with what the address asked for.
    return re.sub(r"(·|%3F|\?)[^\s\"<&]*", "·", text)


def told(answer: HttpResponse) -> str:
    return f"{answer.status_code} {answer.get('Location', '')}".strip()
