"""Histories of cases as they are given for writing at once, and what they share while they are replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple

from rongtong.apps.cases import holding
from rongtong.apps.cases.models import Case, Definition, Measured, Participant
from rongtong.apps.cases.starting import stored
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.models import Account, Organisation
from rongtong.engine.pack.process import Process


class ReplayError(Exception):
    """A history that cannot have happened, or that replaying does not know how to write; the message says why."""


@dataclass(frozen=True, slots=True)
class Move:
    """A step of a history: which, by whom, when, what its form was filled with."""

    transition: str
    actor: Account
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class History:
    """A case as it went. The first of `moves` is `open`; they may be made as they are asked for.

    Automatic steps whose guard holds after a step follow by themselves; others, that time brought, are moves of the system
    account. Without a `key` it takes the next number of its year.
    """

    process: str
    place: str
    moves: Iterable[Move]
    key: str = ""
    title: str = ""
    period: str = ""
    chain: str = ""
    organisation: Organisation | None = None
    deadline: date | None = None


class Stands(NamedTuple):
    """Whose a case is that another may be linked to, and how it ended."""

    organisation: int | None
    outcome: str


class World:
    """What histories share: who holds what, which cases there are, of what something is known."""

    def __init__(self, system: Account, new_case: Callable[[], int], new_event: Callable[[], int]) -> None:
        self.system, self.new_case, self.new_event = system, new_case, new_event
        self.calendars = packs.calendars(packs.current())
        self.reach = cache(holding.reach)
        self.places = cache(lambda who, role: who.places(role))
        self.definition = cache(self._definition)
        self.keys: dict[str, dict[str, int]] = {}
        self.stands: dict[int, Stands] = {}
        self.last: dict[tuple[str, int], int] = {}
        self.facts: dict[str, set[tuple[int, str, str]]] = {}
        self.named: dict[tuple[str, str, str], Participant] = {}

    def process(self, code: str) -> Process:
        """The process in force. Raises ReplayError where there is none, or its steps leave what is not replayed."""
        found: Process | None = packs.current().find("processes", code)
        if found is None:
            raise ReplayError(f"没有流程“{code}”。")
        left = {
            "effects": any(t.effects for t in found.transitions),
            "opens": any(t.opens for t in found.transitions),
            "certificates": found.certificates,
            "facts": found.facts,
            "under": found.under or any(t.under for t in found.tallies),
            "limits": found.limits,
            "apart": any(r.apart for r in found.roles),
            "distinct": any(m.distinct != "case" for m in found.measures),
        }
        if wrong := [name for name, there in left.items() if there]:
            raise ReplayError(f"流程“{found.name}”有 {'、'.join(wrong)}，成批补写还写不出。请逐件办理。")
        return found

    def _definition(self, code: str) -> tuple[Process, Definition]:
        found = self.process(code)
        return found, stored(found)

    def taken(self, process: str) -> dict[str, int]:
        """Key → number of every case of a process, those of this replay too."""
        if process not in self.keys:
            rows = Case.objects.filter(process=process).values_list("key", "pk", "organisation_id", "outcome")
            self.keys[process] = {key: pk for key, pk, _, _ in rows}
            self.stands |= {pk: Stands(organisation, outcome) for _, pk, organisation, outcome in rows}
        return self.keys[process]

    def known(self, indicator: str) -> set[tuple[int, str, str]]:
        """(month, place, chain) of which something is known of an indicator by cases, those of this replay too."""
        if indicator not in self.facts:
            rows = Measured.objects.filter(indicator=indicator).order_by().values_list("month", "place", "chain")
            self.facts[indicator] = set(rows.distinct())
        return self.facts[indicator]

    def next_key(self, process: str, year: int) -> str:
        """The next number of the year, as `actions` gives it."""
        if (process, year) not in self.last:
            ours = [k for k in self.taken(process) if f"{year}-" <= k < f"{year + 1}-"]
            self.last[process, year] = int(max(ours).rpartition("-")[2]) if ours else 0
        self.last[process, year] += 1
        return f"{year}-{self.last[process, year]:06d}"
