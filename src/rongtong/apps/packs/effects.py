"""What steps of a case do in packs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.urls import reverse

from rongtong.apps.packs import amend_actions, amend_queries

if TYPE_CHECKING:
    from rongtong.apps.cases.models import Case, Event
    from rongtong.apps.registry.models import Account


def publish(case: Case, event: Event, actor: Account) -> None:
    """审签生效: the amendment goes in force from its day."""
    amend_actions.publish(amend_queries.of_case(case), actor)


EFFECTS = {"publish": publish}
PAGES: dict[str, Callable[[Case], str]] = {"amendment": lambda case: reverse("amendment", args=[int(case.key)])}
