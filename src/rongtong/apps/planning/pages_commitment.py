"""The page of one commitment: its chain, its target and readings, its lamps, and the supervision cases about it."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.urls import NoReverseMatch, reverse

from rongtong import clock
from rongtong.apps.cases import queries as case_queries
from rongtong.apps.cases.holding import process_of
from rongtong.apps.cases.models import Case as CaseRow
from rongtong.apps.cases.supervision_queries import may_open
from rongtong.apps.packs import queries as packs
from rongtong.apps.papers.blocks_base import wide
from rongtong.apps.planning import deadlines, goals, pages_cards, pages_ledger, pages_targets, queries
from rongtong.apps.registry.models import Account
from rongtong.engine.pack.model import Target
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period


@dataclass(frozen=True, slots=True)
class Case:
    """A supervision case about a commitment."""

    title: str
    stage: str
    due: date | None
    address: str
    place: str


def page(code: str, reader: Account | AnonymousUser) -> dict[str, object]:
    """Everything the page of a commitment shows to a reader. Raises queries.Unknown."""
    pack = packs.current()
    (entry,) = pages_ledger.shown((pages_ledger.entry(code),), protected=reader.is_authenticated)
    item, target = entry.item, entry.target
    shown = not entry.protected or reader.is_authenticated
    goal = next((g for g in _goals(target) if g.target.code == target.code), None) if target else None
    same = [e for e in pages_ledger.entries() if (e.item.document, e.item.clause) == (item.document, item.clause)]
    root = pack.manifest.root_place
    year = Period.parse(target.period).year if target else clock.today().year
    return {
        "entry": entry,
        "item": item,
        "name": entry.name,
        "note": wide(item.note),
        "inferred": item.department_inferred,
        "document": pack.find("documents", item.document),
        "shown": shown,
        "target_line": pages_targets.line(pack, goal) if goal and shown else None,
        "allocated": _allocated(target) if target else False,
        "uses": [u for u in pack.all("uses") if item.indicator and item.indicator in u.indicators],
        "rule": pages_cards.rule(pack, entry.lamp.rule, clock.today()) if entry.lamp else None,
        "last_day": deadlines.last_day(item),
        "lamps": pages_targets.lamps(pack, item.indicator, root, year) if item.indicator and shown else [],
        "same": [e for e in same if e.item.id != code],
        "cases": cases(reader, code),
        "issue": _issue(pack, code) if may_open(reader, [pack.manifest.root_place]) else "",
    }


def _allocated(target: Target) -> bool:
    """Whether the target is split to places by an allocation in force."""
    return bool(goals.in_force(target.indicator, Period.parse(target.period), clock.today(), target.place))


def _goals(target: Any) -> tuple[queries.Goal, ...]:
    return queries.targets(Period.parse(target.period).first_day.year)


def cases(reader: Account | AnonymousUser, commitment: str) -> list[Case]:
    """The supervision cases about a commitment that a reader sees, newest first."""
    return about(reader, {"commitment": {commitment}})


def about(reader: Account | AnonymousUser, wanted: Mapping[str, Container[str]]) -> list[Case]:
    """The supervision cases in which a field of the form holds one of the values wanted of it, newest first."""
    if not isinstance(reader, Account):
        return []
    rows = list(case_queries.visible(reader, "supervision").order_by("-pk"))
    filled = case_queries.data_of(rows)
    found = [c for c in rows if any(filled[c.pk].get(name) in values for name, values in wanted.items())]
    return [Case(c.title, _stage(c), c.deadline, reverse("case", args=[c.pk]), c.place) for c in found]


def _stage(case: CaseRow) -> str:
    return process_of(case).stage(case.stage).name


def _issue(pack: Pack, commitment: str) -> str:
    """The address of the form that issues a supervision case about a commitment."""
    try:
        return f"{reverse('supervision-new')}?commitment={commitment}"
    except NoReverseMatch:
        return ""
