"""Tallies (计数、汇总): variables that add up the steps of a case, exactly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from rongtong.engine.process.state import OPEN, Happened

if TYPE_CHECKING:
    from rongtong.engine.pack.outcome import Tally
    from rongtong.engine.pack.process import Process


def of_steps(process: Process, events: Iterable[Happened]) -> dict[str, Fraction | None]:
    """Code → value of each tally over steps: each actor's latest, since the stage was entered in which they are made.

    Of the opening and a step that fills its form in anew, back at the start (补正后再报), the last counts alone.
    """
    made: dict[str, dict[str, Happened]] = {}
    opening = {t.code: _opening(process, t) for t in process.tallies}
    opened: dict[str, Happened] = {}
    stage = process.start
    for event in events:
        made.setdefault(event.transition, {})[event.actor] = event
        opened |= {code: event for code, steps in opening.items() if event.transition in steps}
        step = process.transition(event.transition)
        if step and step.to and step.to != stage:
            stage = step.to
            for again in process.transitions:
                if stage in again.at:
                    made.pop(again.code, None)
    found: dict[str, Fraction | None] = {}
    for tally in process.tallies:
        if tally.at:
            first = [opened[tally.code]] if tally.code in opened else []
            others = (made.get(a, {}).values() for a in tally.at if a not in opening[tally.code])
            found[tally.code] = _taken(tally, [*first, *(event for each in others for event in each)])
    return found


def _opening(process: Process, tally: Tally) -> frozenset[str]:
    """The opening and the steps of a tally that lead back to the start; none where it does not add up the opening."""
    back = (t.code for t in process.transitions if t.to == process.start and t.code in tally.at)
    return frozenset({OPEN, *back}) if OPEN in tally.at else frozenset()


def _taken(tally: Tally, events: Iterable[Happened]) -> Fraction | None:
    found = [one for event in events for one in _parts(tally, event)]
    if tally.take == "count":
        return Fraction(len(found))
    # What an answer leaves open is left out; of several that are added, those that are there are added.
    values = [
        sum((Fraction(str(one[n])) for n in filled), Fraction())
        for one in found
        if (filled := [n for n in tally.added if one.get(n) not in (None, "")])
    ]
    if tally.take == "sum":
        return sum(values, Fraction())
    if not values:
        return None
    if tally.take == "mean":
        return sum(values, Fraction()) / len(values)
    return min(values) if tally.take == "min" else max(values)


def _parts(tally: Tally, event: Happened) -> list[Mapping[str, Any]]:
    """What is added up of one step: itself, or its rows, where they hold what is asked."""
    rows: Any = (event.data.get(tally.rows) or []) if tally.rows else [event.data]
    return [row for row in rows if all(row.get(name) == value for name, value in tally.only.items())]


def steps_of(process: Process) -> frozenset[str]:
    """The steps a tally may add up: those of the process, and the opening."""
    return frozenset({OPEN, *(t.code for t in process.transitions)})
