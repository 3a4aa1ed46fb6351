"""What the templates of cases ask: the line of stages, and what was typed into a refused form."""

from __future__ import annotations

from collections.abc import Mapping

from django import template

from rongtong.apps.cases import queries
from rongtong.apps.cases.models import Case

register = template.Library()


@register.simple_tag
def case_line(case: Case) -> tuple[queries.StageMark, ...]:
    """The stages of a case's process in order, with those it has been through."""
    return queries.line(case)


@register.filter
def typed(kept: object, name: str) -> str:
    """What was typed into a field, or said about it; "" where nothing was."""
    return str(kept.get(name, "")) if isinstance(kept, Mapping) else ""
