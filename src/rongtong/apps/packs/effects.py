"""What steps of a case do in packs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from django.urls import reverse

from rongtong.apps.packs import amend_actions, amend_queries
from rongtong.engine.expression.evaluate import Value

if TYPE_CHECKING:
    from rongtong.apps.cases.models import Case, Event
    from rongtong.apps.registry.models import Account


def publish(case: Case, event: Event, actor: Account) -> None:
    """审签生效: the amendment goes in force from its day."""
    amend_actions.publish(amend_queries.of_case(case), actor)


def amendment(case: Case) -> Mapping[str, Value]:
    """`obstacle`: why the amendment cannot be put in force as it stands, in words; empty where nothing speaks against."""
    return {"obstacle": "；".join(amend_queries.obstacles(amend_queries.of_case(case)))}


EFFECTS = {"publish": publish}
FACTS: dict[str, Callable[[Case], Mapping[str, Value]]] = {"amendment": amendment}
PAGES: dict[str, Callable[[Case], str]] = {"amendment": lambda case: reverse("amendment", args=[int(case.key)])}
