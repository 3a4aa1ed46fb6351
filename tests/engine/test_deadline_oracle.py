"""Every clock equals a day-by-day oracle that walks the calendar and keeps no sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from random import Random

import clock_cases
import pytest

from rongtong.engine.deadline import Moment, run
from rongtong.engine.pack.clock import Clock, Extension
from rongtong.engine.reminder import reminders

ONE = timedelta(1)
HISTORIES = 6000


@lru_cache(maxsize=4096)
def said(on: date) -> dict[date, str]:
    """What notices published by a day say."""
    return {h.date: h.kind for h in clock_cases.statements() if h.known_from is None or h.known_from <= on}


def works(day: date, known: date) -> bool:
    return said(known).get(day, "workday" if day.weekday() < 5 else "holiday") == "workday"


@dataclass
class Grant:
    """An extension that counts: the day it was made, the days it gave or the date it set."""

    on: date
    transition: str
    days: int
    until: date | None


class Oracle:
    """A round of a clock, walked day by day."""

    def __init__(self, clock: Clock, events: Sequence[Moment], on: date) -> None:
        self.clock = clock
        past = [e for e in events if e.on <= on]
        starts = [i for i, e in enumerate(past) if e.transition in clock.starts]
        first = (starts[-1] if clock.restarts else starts[0]) if starts else len(past)
        self.events = past[first:]
        self.start = self.events[0].on if self.events else None
        self.days = self.sorted_as(past[: first + 1])
        stops = [i for i, e in enumerate(self.events) if e.transition in clock.stops]
        self.stop = self.events[stops[0]].on if stops else None
        if stops:
            self.events = self.events[: stops[0]]
        self.grants: list[Grant] = []
        self.changed: list[date] = []
        for i, event in enumerate(self.events):
            # A term that was extended to a date keeps it whatever the case is said to be later.
            if (days := self.sorted_as(past[: first + i + 1])) != self.days and not any(g.until for g in self.grants):
                self.days = days
                self.changed.append(event.on)
            for extension in clock.extends:
                if i and extension.transition == event.transition:
                    self.grant(extension, event)

    def sorted_as(self, events: Sequence[Moment]) -> int:
        """The days of the term by what the field that decides was last filled in with."""
        by = self.clock.days_by
        said = [e.data[by.field] for e in events if by and by.field in e.data]
        own = self.clock.days or 0
        return by.days.get(str(said[-1]), own) if by and said else own

    def counts(self, day: date, known: date) -> bool:
        return self.clock.calendar == "calendar" or works(day, known)

    def paused(self, day: date, until: date) -> bool:
        """Whether the case stood still as the day began; after `until` nothing is known, and it goes on."""
        before = [e for e in self.events if e.on < day]
        return day <= until and bool(before) and before[-1].stage in self.clock.pauses

    def walk(self, day: date, need: int, known: date, until: date) -> date:
        while need:
            day += ONE
            need -= self.counts(day, known) and not self.paused(day, until)
        return day

    def unmoved(self, known: date, until: date) -> date:
        """The last day before it moves off a day off."""
        assert self.start is not None
        dated = [i for i, g in enumerate(self.grants) if g.until]
        if not dated:
            return self.walk(self.start, self.term() + sum(g.days for g in self.grants), known, until)
        given = self.grants[dated[-1]]
        assert given.until is not None
        owed, day = sum(g.days for g in self.grants[dated[-1] + 1 :]), given.on
        while day < given.until:
            day += ONE
            owed += self.counts(day, known) and self.paused(day, until)
        return self.walk(given.until, owed, known, until)

    def due(self, known: date, until: date) -> date:
        day = self.unmoved(known, until)
        while self.clock.holds and not works(day, known):
            day += ONE
        return day

    def term(self) -> int:
        """The days of the term; of months, found by leafing through them."""
        if self.clock.months is None:
            return self.days
        assert self.start is not None
        day, turned, passed = self.start, 0, 0
        while True:
            day += ONE
            passed += 1
            turned += day.day == 1
            end_of_month = (day + ONE).day == 1
            if turned == self.clock.months and (
                day.day == self.start.day or (end_of_month and day.day < self.start.day)
            ):
                return passed

    def grant(self, extension: Extension, event: Moment) -> None:
        before = self.unmoved(event.on, event.on)
        used = sum(g.transition == event.transition for g in self.grants)
        if extension.at_most is not None and used >= extension.at_most:
            return
        value = event.data[extension.field] if extension.field else extension.at_most_days
        if isinstance(value, int):
            days = min(value, extension.at_most_days or value)
            if days > 0:
                self.grants.append(Grant(event.on, event.transition, days, None))
            return
        until, day, gained = date.fromisoformat(str(value)), before, 0
        while day < until and gained != (extension.at_most_days or -1):
            day += ONE
            gained += self.counts(day, event.on)
        # Cut short it ends on the last day it may; in full it ends on the day asked for, whatever day that is.
        rest = sum(self.counts(day + ONE * i, event.on) for i in range(1, (until - day).days + 1))
        if gained:
            self.grants.append(Grant(event.on, event.transition, gained, day if rest else until))

    def set_on(self) -> date:
        """The day on which the last day was set or moved: the start, an extension, another sort, the end of a pause."""
        assert self.start is not None
        days, since = [self.start, *self.changed, *(g.on for g in self.grants)], None
        for event in self.events:
            if event.stage in self.clock.pauses:
                since = since or event.on
            elif since is not None:
                days += [event.on] if event.on > since else []
                since = None
        return max(days)


def told(clock: Clock, events: Sequence[Moment], on: date) -> dict[str, object]:
    """What the oracle says of a clock on a day."""
    oracle = Oracle(clock, events, on)
    if oracle.start is None:
        return {
            "state": "waiting",
            "started": None,
            "due": None,
            "promised": None,
            "days_left": None,
            "stopped_on": None,
        }
    at = oracle.stop or on
    due = oracle.due(at, at)
    promise = Oracle(clock, [e for e in events if e.on <= oracle.set_on()], on)
    promised = promise.due(oracle.set_on(), oracle.set_on())
    between = [min(at, due) + ONE * i for i in range(1, abs((due - at).days) + 1)]
    left = sum(oracle.counts(d, at) for d in between)
    still = oracle.events[-1].stage in clock.pauses
    if oracle.stop:
        state = "met" if at <= due else "met_late"
    else:
        state = "over" if at > due else "paused" if still else "running"
    return {
        "state": state,
        "started": oracle.start,
        "due": due,
        "promised": promised,
        "days_left": left if at <= due else -max(1, left),
        "stopped_on": oracle.stop,
    }


@pytest.mark.parametrize("seed", range(4))
def test_every_reading_equals_the_walk(seed: int) -> None:
    dice, seen = Random(seed), set()
    for _ in range(HISTORIES // 4):
        clock, events = clock_cases.clock(dice), clock_cases.history(dice)
        on = events[0].on + timedelta(dice.choice((-1, 0, 3, 10, 25, 60, 120)))
        reading, wanted = run(clock, events, clock_cases.calendars(), on), told(clock, events, on)
        assert {name: getattr(reading, name) for name in wanted} == wanted, (clock, events, on)
        seen |= {(reading.state, bool(reading.extended), reading.due != reading.promised)}
    assert {s for s, _, _ in seen} == {"waiting", "running", "paused", "met", "met_late", "over"}
    assert {True, False} == {m for _, _, m in seen}


def test_the_working_shown_gives_the_last_day_and_every_skipped_day_its_reason() -> None:
    dice = Random(7)
    for _ in range(800):
        clock, events = clock_cases.clock(dice), clock_cases.history(dice)
        on = events[-1].on + timedelta(dice.randrange(30))
        reading, oracle = run(clock, events, clock_cases.calendars(), on), Oracle(clock, events, on)
        if oracle.start is None:
            continue
        at = oracle.stop or on
        rows = reading.days
        assert (rows[0].day, rows[-1].day) == (oracle.start, reading.due)
        assert all(r.reason for r in rows)
        assert [r.number for r in rows if r.number] == [*range(1, sum(bool(r.number) for r in rows) + 1)]
        last = oracle.unmoved(at, at)
        for row in rows[1:]:
            counted = row.day <= last and oracle.counts(row.day, at) and not oracle.paused(row.day, at)
            assert bool(row.number) == counted
            assert bool(row.stage) == oracle.paused(row.day, at)


def mornings(clock: Clock, events: Sequence[Moment], on: date) -> dict[str, tuple[str, int, date]]:
    """Every reminder, found by asking anew on every working day as it begins."""
    sent: dict[str, tuple[str, int, date]] = {}
    day = events[0].on
    while day < on:
        day += ONE
        if not works(day, day):
            continue
        reading = run(clock, [e for e in events if e.on < day], clock_cases.calendars(), day)
        eve = day
        while not works(eve + ONE, day):
            eve += ONE
        if reading.due is None or reading.state not in ("running", "over"):
            continue
        key = f"c/{reading.started}/{sum(1 for e in reading.extended if e.days)}"
        if reading.state == "over":
            sent.setdefault(f"{key}/over", ("over", 0, day))
            continue
        ahead = [day + ONE * i for i in range(1, (reading.due - day).days + 1)]
        left = sum(works(d, day) for d in ahead) if clock.calendar == "working" else (reading.due - eve).days
        for warn in clock.warn:
            if left <= warn.left:
                sent.setdefault(f"{key}/warn{warn.left}", ("warn", warn.left, day))
    return sent


def test_reminders_are_those_of_asking_every_morning_and_none_is_on_a_day_off() -> None:
    dice, kinds = Random(11), set()
    for _ in range(500):
        clock, events = clock_cases.clock(dice), clock_cases.history(dice)
        on = events[-1].on + timedelta(dice.randrange(40))
        found = reminders(clock, events, clock_cases.calendars(), on)
        assert {r.key: (r.kind, r.left, r.on) for r in found} == mornings(clock, events, on), (clock, events, on)
        assert all(works(r.on, r.on) and r.on <= on for r in found)
        assert [r.on for r in found] == sorted(r.on for r in found)
        kinds |= {r.kind for r in found}
    assert kinds == {"warn", "over"}
