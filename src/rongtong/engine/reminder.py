"""Who is told about a clock, and on which day (预警、超期提醒).

Reminders are made as a working day begins: from the events of the days before it and the calendar known on it. So nobody
is told on a day off, and the hour at which the job runs does not matter. A threshold of a `Warn` is told on the first
working day on which no more than its days are left, or will be before the next working day: one that falls on a day off
is told the working day before. That the last day has passed is told on the first working day after it. Each is told
once for a round of the clock, and once more after each extension; not while the clock is paused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from rongtong.engine.deadline import Moment, Reading, run
from rongtong.engine.workday import Calendar, Calendars

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rongtong.engine.pack.clock import Clock


@dataclass(frozen=True, slots=True)
class Reminder:
    """A telling: `warn` when no more than `left` days were left, `over` once `due` had passed.

    `tell` are process roles; `make` is the transition the system makes, "" for none. `key` is the same whenever the
    reminder is computed, so that whoever sends it knows whether it was sent.
    """

    key: str
    kind: Literal["warn", "over"]
    on: date
    due: date
    left: int
    tell: tuple[str, ...]
    make: str = ""


def reminders(clock: Clock, events: Sequence[Moment], calendars: Calendars, on: date) -> tuple[Reminder, ...]:
    """Every reminder up to a day, in order; those whose `on` is that day are to be sent on it. Raises DeadlineError."""
    found: dict[str, Reminder] = {}
    for first, last in _spells(events, calendars, on):
        reading = run(clock, [e for e in events if e.on < first], calendars, last)
        for each in _within(clock, reading, calendars.as_known(first), first, last):
            found.setdefault(each.key, each)
    return tuple(sorted(found.values(), key=lambda r: (r.on, r.kind == "over", -r.left)))


def _spells(events: Sequence[Moment], calendars: Calendars, on: date) -> Iterator[tuple[date, date]]:
    """The stretches of days, up to `on`, that begin with the same events and the same calendar known."""
    changes = {e.on + timedelta(1) for e in events}
    changes |= {d for d in calendars.published if changes and d > min(changes)}
    starts = sorted(d for d in changes if d <= on)
    yield from zip(starts, [*(d - timedelta(1) for d in starts[1:]), on], strict=False)


def _within(clock: Clock, reading: Reading, known: Calendar, first: date, last: date) -> Iterator[Reminder]:
    """The reminders of a stretch of days by the reading of its last: while a clock runs, its last day stands."""
    if reading.due is None or reading.started is None or reading.state not in ("running", "over"):
        return
    due, begin = reading.due.toordinal(), known.worked(first.toordinal() - 1) + 1
    given = sum(1 for e in reading.extended if e.days)
    round_ = f"{clock.code}/{reading.started}/{given}"
    for warn in () if reading.paused_in else clock.warn:
        reached = known.worked(due) - warn.left if clock.calendar == "working" else known.worked(due - warn.left)
        day = known.nth(max(reached, begin))
        if day <= min(due, last.toordinal()):
            told = date.fromordinal(day)
            yield Reminder(f"{round_}/warn{warn.left}", "warn", told, reading.due, warn.left, warn.tell)
    if clock.over:
        day = known.nth(max(known.worked(due) + 1, begin))
        if day <= last.toordinal():
            told = date.fromordinal(day)
            yield Reminder(f"{round_}/over", "over", told, reading.due, 0, clock.over.tell, clock.over.make)
