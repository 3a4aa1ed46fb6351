"""The lamp of a 督办's deadline, day by day: on which days it changed, from the events that set the deadline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from rongtong import clock
from rongtong.apps.cases import queries
from rongtong.apps.cases.supervision_queries import Item, Stand, judged
from rongtong.apps.packs import queries as packs
from rongtong.engine.pace import Lamp


@dataclass(frozen=True, slots=True)
class Turned:
    """The day the lamp of the deadline became this, the deadline then and the working days to it (below 0: past it)."""

    day: date
    lamp: Lamp
    deadline: date
    left: int


def deadline_lamps(item: Item) -> tuple[Turned, ...]:
    """Every change of the lamp from the day of issue to today, or to the day it was closed; oldest first.

    On the days between being closed and being taken up again (重新督办) there was none.
    """
    steps = _deadlines(item)
    if not steps:
        return ()
    days: list[tuple[date, date, int]] = []
    for first, last in _open(item, steps[0][0]):
        for n in range((last - first).days + 1):
            day = first + timedelta(days=n)
            due = next(d for since, d in reversed(steps) if since <= day)
            days.append((day, due, queries.days_left(due, day)))
    fingerprint, stands = packs.current().fingerprint, tuple(sorted({_stand(left) for _, _, left in days}))
    found: list[Turned] = []
    for day, due, left in days:
        lamp = judged(fingerprint, day, stands).get(_stand(left))
        if lamp and (not found or found[-1].lamp.code != lamp.code):
            found.append(Turned(day, lamp, due, left))
    return tuple(found)


def _open(item: Item, since: date) -> list[tuple[date, date]]:
    """(first day, last day) of each time the item was open: up to being closed, and again from being taken up again."""
    found: list[tuple[date, date]] = []
    opened: date | None = since
    for entry in item.entries:
        day = entry.at.date()
        if entry.transition == "reopen":
            # Closed and taken up again on one day, it was open all along.
            opened = found.pop()[0] if found and found[-1][1] == day else day
        elif entry.transition == "close" and opened is not None:
            found.append((opened, day))
            opened = None
    return found if opened is None else [*found, (opened, clock.today())]


def _stand(left: int) -> Stand:
    return left < 0, max(left, 0)


def _deadlines(item: Item) -> list[tuple[date, date]]:
    """(from which day, the deadline) of the issue and of each extension granted; none without a deadline."""
    first = str(item.given.get("deadline") or "")
    steps = [(item.slips[0][1], date.fromisoformat(first) if first else item.case.deadline)]
    steps += [
        (e.at.date(), date.fromisoformat(str(e.data["granted_due"]))) for e in item.entries if e.data.get("granted_due")
    ]
    return [(since, due) for since, due in steps if due is not None]
