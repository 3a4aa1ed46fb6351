"""What steps of a case do in papers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.urls import reverse

from rongtong.apps.papers import actions, queries
from rongtong.engine.expression.evaluate import Value

if TYPE_CHECKING:
    from rongtong.apps.cases.models import Case, Event
    from rongtong.apps.registry.models import Account


def release(case: Case, event: Event, actor: Account) -> None:
    """发布: the file of the issue is kept for ever."""
    actions.release(queries.issue_of(case), actor)


def issue(case: Case) -> Mapping[str, Value]:
    """`newest`: no later issue of the paper was made; `alone`: no other issue of it is under review."""
    own = queries.issue_of(case)
    title = queries.title_of(own)
    last = queries.newest_issue(title.kind, title.period, title.place, title.use)
    other = queries.case_in_review(title)
    return {"newest": last is not None and last.pk == own.pk, "alone": other is None or other.pk == case.pk}


EFFECTS = {"release": release}
FACTS: dict[str, Callable[[Case], Mapping[str, Value]]] = {"issue": issue}


def page(case: Case) -> str:
    """The page of the paper a release is about."""
    kind, period, place, use, _ = case.key.split("/")
    named = urlencode({k: v for k, v in (("place", place), ("use", use)) if v})
    return reverse("paper", args=[kind, period]) + (f"?{named}" if named else "")


PAGES: dict[str, Callable[[Case], str]] = {"release": page}
