"""What steps of a case do in papers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.urls import reverse

from rongtong.apps.papers import actions, queries

if TYPE_CHECKING:
    from rongtong.apps.cases.models import Case, Event
    from rongtong.apps.registry.models import Account


def release(case: Case, event: Event, actor: Account) -> None:
    """发布: the file of the issue is kept for ever."""
    actions.release(queries.issue_of(case), actor)


EFFECTS = {"release": release}


def page(case: Case) -> str:
    """The page of the paper a release is about."""
    kind, period, place, use, _ = case.key.split("/")
    named = urlencode({k: v for k, v in (("place", place), ("use", use)) if v})
    return reverse("paper", args=[kind, period]) + (f"?{named}" if named else "")


PAGES: dict[str, Callable[[Case], str]] = {"release": page}
