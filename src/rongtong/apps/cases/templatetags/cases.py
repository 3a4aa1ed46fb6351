"""What the templates of cases ask: the line of stages, and what was typed into a refused form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from rongtong.apps.cases import queries
from rongtong.apps.cases.models import Case
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry import queries as registry
from rongtong.apps.registry.models import Account
from rongtong.engine.process.form import Field

register = template.Library()
# So many accounts are listed beside a field that names some.
MOST_NAMED = 100


@register.simple_tag
def case_line(case: Case) -> tuple[queries.StageMark, ...]:
    """The stages of a case's process in order, with those it has been through."""
    return queries.line(case)


@register.simple_tag
def chains() -> list[tuple[str, str]]:
    """The industrial chains (产业链) of the packs in force: code and name."""
    return [(c.code, c.name) for c in packs.current().all("chains")]


@register.simple_tag
def holders(role: str) -> tuple[list[Account], int]:
    """Whom a field may well name, the first of them, and how many there are more."""
    found = registry.holders(role)
    first = list(found[:MOST_NAMED])
    return first, found.count() - len(first) if len(first) == MOST_NAMED else 0


@register.simple_tag
def begun(begins: object, step: str, typed: object) -> object:
    """What the form of a step begins with: what the case holds, where it is to be filled in again, or what was typed."""
    return begins.get(step, typed) if isinstance(begins, Mapping) else typed


@register.filter
def typed(kept: object, name: str) -> str:
    """What was typed into a field, or said about it; "" where nothing was."""
    found = kept.get(name, "") if isinstance(kept, Mapping) else ""
    return str(found[-1] if isinstance(found, list) else found)


@register.filter
def ticked(kept: object, name: str) -> list[str]:
    """The choices that were ticked."""
    found = kept.get(name, []) if isinstance(kept, Mapping) else []
    return found if isinstance(found, list) else [str(found)]


@register.simple_tag
def rows(field: Field, kept: object) -> list[list[tuple[Field, str, str]]]:
    """The rows of a table field: each cell with its name and what was typed; empty rows for what is still to come."""
    given = kept if isinstance(kept, Mapping) else {}
    last = 0
    while any(typed(given, f"{field.name}-{last}-{c.name}") for c in field.columns) and last < 500:
        last += 1
    count = max(field.rows, last + 1)
    named = [[(c, f"{field.name}-{i}-{c.name}") for c in field.columns] for i in range(count)]
    return [[(c, name, typed(given, name)) for c, name in row] for row in named]


@register.simple_tag
def named(thing: object, en: bool = False, none: str = "") -> SafeString:
    """The name of something a pack states: in English where `en` and there is one, marked as Chinese where not."""
    if thing is None:
        return format_html("{}", none)
    english = getattr(thing, "name_en", "")
    if en and not english:
        return format_html('<span lang="zh-Hans">{}</span>', getattr(thing, "name", ""))
    return format_html("{}", english if en else getattr(thing, "name", ""))


@register.simple_tag
def names(things: Iterable[object], en: bool = False, none: str = "") -> SafeString:
    """Several names after one another, each once; `none` stands for what is None, such as the opening of a case."""
    shown = dict.fromkeys(named(thing, en, none) for thing in things)
    return format_html_join(", " if en else "、", "{}", ((one,) for one in shown))
