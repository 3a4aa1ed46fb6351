"""What the sign-off of an allocation (目标分解会签) does, and the facts its guards ask for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from django.urls import reverse

from rongtong.apps.cases.errors import GuardRefused
from rongtong.apps.planning import actions
from rongtong.apps.planning.models import Allocation
from rongtong.apps.registry import access
from rongtong.engine.expression.evaluate import Value

if TYPE_CHECKING:
    from rongtong.apps.cases.models import Case, Event
    from rongtong.apps.registry.models import Account


def pending(code: str) -> Allocation | None:
    """The version a sign-off is about: the newest of its code, unless it is adopted already."""
    newest = Allocation.objects.filter(code=code).order_by("-version").first()
    return newest if newest and newest.adopted_from is None else None


def adopt(case: Case, event: Event, actor: Account) -> None:
    """Put the version signed in force. Raises GuardRefused where all are in force already."""
    run = pending(case.key)
    if run is None:
        raise GuardRefused([f"方案 {case.key} 没有待下达的新版本：最新一版已经下达。请先改方案，存为新版本。"])
    actions.adopt(run, actor=actor, case=case.key)


def run_facts(case: Case) -> Mapping[str, Value]:
    """`sums_meet`: there is a version to sign, and its cells and remainder add up to its total exactly."""
    run = pending(case.key)
    if run is None:
        return {"sums_meet": False}
    body = json.loads(run.result)
    parts = [Fraction(c["value"]) for c in body["cells"]] + [Fraction(r["value"]) for r in body["remainder"]]
    return {"sums_meet": sum(parts, Fraction(0)) == Fraction(body["total"])}


def counter(case: Case, event: Event, actor: Account) -> None:
    """A counter-offer is for a place of the plan that is the actor's own. Raises GuardRefused."""
    place = str(event.data["place"])
    if place not in access.visible_places(actor) or not case.participants.filter(place=place).exists():
        raise GuardRefused(["只能为自己的地方提反提案。"])


EFFECTS: dict[str, Callable[[Case, Event, Account], None]] = {"adopt": adopt, "counter": counter}
FACTS: dict[str, Callable[[Case], Mapping[str, Value]]] = {"run": run_facts}
PAGES: dict[str, Callable[[Case], str]] = {"allocation_signoff": lambda case: reverse("studio-plan", args=[case.key])}
