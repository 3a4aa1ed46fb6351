"""Tallies (计数、汇总): variables that add up the steps of a case, exactly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from rongtong.engine.process.state import OPEN, Happened

if TYPE_CHECKING:
    from rongtong.engine.pack.outcome import Tally
    from rongtong.engine.pack.process import Process


def of_steps(process: Process, events: Iterable[Happened]) -> dict[str, Fraction | None]:
    """Code → value of each tally over steps: each actor's latest, since the stage was entered in which they are made."""
    made: dict[str, dict[str, Happened]] = {}
    stage = process.start
    for event in events:
        step = process.transition(event.transition)
        if step is None:
            continue
        made.setdefault(event.transition, {})[event.actor] = event
        if step.to and step.to != stage:
            stage = step.to
            for again in process.transitions:
                if stage in again.at:
                    made.pop(again.code, None)
    return {t.code: _taken(t, [e for a in t.at for e in made.get(a, {}).values()]) for t in process.tallies if t.at}


def _taken(tally: Tally, events: Sequence[Happened]) -> Fraction | None:
    if tally.take == "count":
        return Fraction(len(events))
    values = [Fraction(str(e.data[tally.field])) for e in events if e.data.get(tally.field) not in (None, "")]
    if tally.take == "sum":
        return sum(values, Fraction())
    if not values:
        return None
    if tally.take == "mean":
        return sum(values, Fraction()) / len(values)
    return min(values) if tally.take == "min" else max(values)


def steps_of(process: Process) -> frozenset[str]:
    """The steps a tally may add up: those of the process, and the opening."""
    return frozenset({OPEN, *(t.code for t in process.transitions)})
