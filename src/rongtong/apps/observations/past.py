"""The past of a slice: every version of its cells, and what changed from one submission to the next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from rongtong.apps.cases import queries as cases
from rongtong.apps.cases.models import Case, Event
from rongtong.apps.cases.queries import Step
from rongtong.apps.observations.models import Entry
from rongtong.apps.observations.slices import RETURNS, SUBMITS, Cell, Slice

# How the form of a return calls the cells.
CELLS = "要改的格"


@dataclass(frozen=True, slots=True)
class Change:
    """A cell that differs between two submissions."""

    cell: Cell
    before: str
    after: str
    reason: str


@dataclass(frozen=True, slots=True)
class Round:
    """One submission: its number from 1, who and when, and what it changed against the one before."""

    number: int
    event: Event
    changes: tuple[Change, ...]


def returned(case: Case) -> Step | None:
    """The last step of a slice if that sent it back to its office."""
    last = cases.history(case)[-1]
    return last if last.transition in (*RETURNS, "reopen") else None


def steps(case: Case, shown: Slice) -> list[Step]:
    """What happened to a slice, with the cells that were sent back by name."""
    names = {c.item.indicator: c.card.name for c in shown.cells}
    found = []
    for step in cases.history(case):
        cells = step.data.get("cells") or []
        said = "；".join(f"{names.get(c['indicator'], c['indicator'])}：{c.get('comment', '')}" for c in cells)
        lines = tuple((label, said if label == CELLS else words) for label, words in step.shown)
        found.append(replace(step, shown=lines))
    return found


def last_return(case: Case) -> datetime | None:
    """When the slice was last sent back, or None."""
    found = case.steps.filter(transition__in=(*RETURNS, "reopen")).order_by("-number").values_list("at", flat=True)
    return found.first()


def versions(case: Case, shown: Slice) -> list[tuple[Cell, list[Entry]]]:
    """Each cell with its versions, the latest first."""
    by_code: dict[str, list[Entry]] = {}
    for entry in Entry.objects.filter(case=case).select_related("by").order_by("-version"):
        by_code.setdefault(entry.indicator, []).append(entry)
    return [(cell, by_code.get(cell.item.indicator, [])) for cell in shown.cells]


def rounds(case: Case, shown: Slice) -> list[Round]:
    """The submissions of a slice, oldest first, each with what it changed."""
    entries = list(Entry.objects.filter(case=case).order_by("at", "version"))
    found, before = [], _as_of(entries, None)
    submissions = case.steps.filter(transition__in=SUBMITS).select_related("actor").order_by("number")
    for number, event in enumerate(submissions, start=1):
        after = _as_of(entries, event.at)
        changes = tuple(
            Change(cell, before.get(code, ("", ""))[0], *after[code])
            for cell in shown.cells
            if (code := cell.item.indicator) in after and before.get(code) != after[code]
        )
        found.append(Round(number, event, changes))
        before = after
    return found


def _as_of(entries: Iterable[Entry], moment: datetime | None) -> dict[str, tuple[str, str]]:
    """Value and reason of each cell as they stood at a moment; nothing before the first."""
    return {e.indicator: (e.value, e.reason) for e in entries if moment is not None and e.at <= moment}
