"""Reading a clock (期限) from the events of a case: until when, how many days are left, and the working day by day.

Nothing is stored: a reading is computed from the events and the calendar as it is known on the day of asking. What was
promised when the term was last set or moved is counted with the calendar known on that day (`promised`); where a later
notice, or a pause that still lasts, has moved the last day since, both are kept and `Reading.why` says which notice. A
clock that has stopped is read with the calendar known on the day it stopped, so that no later notice rewrites it.
How days count is written on `rongtong.engine.pack.clock.Clock`.
"""

from __future__ import annotations

import calendar as months
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from rongtong.engine.process.state import Happened
from rongtong.engine.workday import Calendar, Calendars, DayCounted

if TYPE_CHECKING:
    from rongtong.engine.pack.clock import Clock, Extension
    from rongtong.engine.pack.process import Process

State = Literal["waiting", "running", "paused", "met", "met_late", "over"]

WHILE_PAUSED = "停计"
FIRST_DAY = "开始之日不计入"
MOVED_ON = "末日不是工作日，顺延"


class DeadlineError(ValueError):
    """Events and clock do not fit together; the message names the event, what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One event as a clock sees it: the transition (`open` for the first), its day, the stage the case is in after it."""

    transition: str
    on: date
    stage: str = ""
    data: Mapping[str, object] = field(default_factory=dict)


def moments(process: Process, events: Iterable[Happened]) -> tuple[Moment, ...]:
    """The events of a case as its clocks see them, in their order."""
    stage, seen = process.start, []
    for event in events:
        step = process.transition(event.transition)
        stage = (step.to or stage) if step else stage
        seen.append(Moment(event.transition, event.on, stage, event.data))
    return tuple(seen)


@dataclass(frozen=True, slots=True)
class Extended:
    """An extension as it happened: the days it gave (0: none, and `remark` says why) or the new last day `until`.

    `late`: the last day had already passed. `remark` also says when more was asked than may be granted. `sort`: not an
    extension, but another value of the field that the days go by; `days` are those more, or fewer.
    """

    on: date
    transition: str
    days: int
    until: date | None = None
    late: bool = False
    remark: str = ""
    sort: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    """One day of the working: its number in the count, 0 where it was skipped; why, and by which notice.

    `stage` is the stage in which the clock stood still on that day.
    """

    day: date
    number: int
    reason: str
    source: str = ""
    provisional: bool = False
    stage: str = ""


@dataclass(slots=True)
class Term:
    """The present round of a clock while its events are read. Days are ordinals.

    The last day is `need` days after `anchor`; `given` is the day on which an extension to a date set the anchor, and
    `pauses` are (day entered, day left, stage) of pauses that are over. `set_on`: when it was last set or moved.
    """

    started: int
    anchor: int
    need: int
    set_on: int
    given: int | None = None
    pauses: list[tuple[int, int, str]] = field(default_factory=list)
    paused: int | None = None
    stage: str = ""
    stopped: int | None = None
    extended: list[Extended] = field(default_factory=list)

    def pauses_until(self, day: int) -> list[tuple[int, int, str]]:
        """The pauses up to a day, with the one that still lasts as if it ended on it."""
        if self.pauses and self.pauses[-1][1] > day:
            return [(enter, min(leave, day), stage) for enter, leave, stage in self.pauses if enter < day]
        if self.paused is None or day <= self.paused:
            return self.pauses
        return [*self.pauses, (self.paused, day, self.stage)]


@dataclass(frozen=True, slots=True)
class Reading:
    """A clock on a day.

    `due` is the last day, by the calendar known `on` that day (or on the day it stopped); while the clock is paused, the
    one it would have if it went on tomorrow. `promised` is what it was when it was last set or moved, on `promised_on`.
    `days_left` counts to `due` from `on`, or from the day it stopped, in the clock's own days; late days are negative,
    at least one. `paused_in`: the stage it stands still in. `provisional`: no notice covers the year of the last day yet.
    """

    clock: Clock
    on: date
    state: State
    started: date | None = None
    due: date | None = None
    days_left: int | None = None
    stopped_on: date | None = None
    promised: date | None = None
    promised_on: date | None = None
    paused_in: str = ""
    extended: tuple[Extended, ...] = ()
    provisional: bool = False
    _term: Term | None = field(default=None, repr=False, compare=False)
    _now: Calendar = field(default_factory=Calendar, repr=False, compare=False)
    _then: Calendar = field(default_factory=Calendar, repr=False, compare=False)

    @property
    def days(self) -> tuple[Counted, ...]:
        """The working: every day from the one it started to the last day, counted or skipped, with its reason."""
        return _working(self, self._term) if self._term else ()

    @property
    def moved(self) -> tuple[DayCounted, ...]:
        """The days that notices published since the promise have turned, as they are now."""
        if self.started is None or self.due is None or self.promised is None or self._now is self._then:
            return ()
        if self.clock.calendar == "calendar" and not self.clock.holds:
            return ()
        last = max(self.due, self.promised)
        days = (self.started + timedelta(i) for i in range(1, (last - self.started).days + 1))
        return tuple(self._now.look(d) for d in days if self._now.is_workday(d) != self._then.is_workday(d))

    @property
    def why(self) -> str:
        """Why `due` differs from what was promised; "" where it does not."""
        if self._term is None or self.due == self.promised:
            return ""
        notices: dict[str, list[str]] = {}
        for each in self.moved:
            notices.setdefault(each.source or "日历", []).append(f"{each.day} 改为{'上班' if each.working else '放假'}")
        said = [f"{notice}：{'、'.join(turned)}" for notice, turned in notices.items()]
        return "；".join([*said, *(["停计期间顺延"] if self._term.paused is not None else [])])


def run(clock: Clock, events: Sequence[Moment], calendars: Calendars, on: date) -> Reading:
    """The clock on a day: events after it are not looked at. Raises DeadlineError."""
    term = _fold(clock, events, calendars, on.toordinal())
    if term is None:
        return Reading(clock, on, "waiting")
    at = on.toordinal() if term.stopped is None else term.stopped
    now, then = calendars.as_known_at(at), calendars.as_known_at(term.set_on)
    last = due = _due(clock, term, now, at)
    if then is not now or term.paused is not None:
        last = _due(clock, term, then, term.set_on)
    counts = now if clock.calendar == "working" else None
    left = _between(counts, at, due) if at <= due else -max(1, _between(counts, due, at))
    if term.stopped is not None:
        state: State = "met" if at <= due else "met_late"
    elif at > due:
        state = "over"
    else:
        state = "running" if term.paused is None else "paused"
    started, due_day = date.fromordinal(term.started), date.fromordinal(due)
    return Reading(
        clock,
        on,
        state,
        started,
        due_day,
        left,
        None if term.stopped is None else date.fromordinal(term.stopped),
        due_day if last == due else date.fromordinal(last),
        date.fromordinal(term.set_on),
        term.stage if term.paused is not None and term.stopped is None else "",
        tuple(term.extended),
        (counts is not None or clock.holds) and not (now.is_known(due_day) and now.is_known(started)),
        term,
        now,
        then,
    )


def _fold(clock: Clock, events: Sequence[Moment], calendars: Calendars, until: int) -> Term | None:
    term, before, days, agreed = None, 0, clock.days, ""
    starts, stops, restarts, by = clock.starts, clock.stops, clock.restarts, clock.days_by
    for event in events:
        day = event.on.toordinal()
        if day < before:
            raise DeadlineError(f"{clock.name}：“{event.transition}”在 {event.on}，早于前一个事件。请按先后排列。")
        if day > until:
            break
        before, code = day, event.transition
        was = days
        if by is not None and by.field in event.data:
            days = by.days.get(str(event.data[by.field]), clock.days)
        agreed = str(event.data.get(clock.until) or agreed) if clock.until else ""
        if code in starts and (term is None or restarts):
            term = _started(clock, event, days, agreed)
            _pause(clock, term, event, day)
        elif term is None or term.stopped is not None:
            continue
        elif code in stops:
            term.stopped = day
        else:
            # Not with the step that stops the clock: nobody makes a late answer timely by what is said with it.
            _change(term, (days or 0) - (was or 0), event, by.field if by else "")
            _pause(clock, term, event, day)
            for extension in clock.extends:
                if extension.transition == code:
                    _extend(clock, extension, term, event, calendars.as_known(event.on))
    return term


def _change(term: Term, more: int, event: Moment, field_: str) -> None:
    """Make a term longer or shorter, as its field says now; one that was extended to a date keeps it."""
    if more and term.given is None:
        term.need, term.set_on = term.need + more, event.on.toordinal()
        term.extended.append(Extended(event.on, event.transition, more, sort=str(event.data[field_])))


def _started(clock: Clock, event: Moment, days: int | None, agreed: str) -> Term:
    """A term begun by an event: so long, or up to the date the parties agreed (one that has passed ends it at once)."""
    day = event.on.toordinal()
    if not clock.until:
        return Term(day, day, _length(clock, event.on, days), day)
    try:
        last = date.fromisoformat(agreed).toordinal()
    except ValueError:
        said = f"到“{event.transition}”时“{clock.until}”是“{agreed}”"
        raise DeadlineError(f"{clock.name}：{event.on} {said}，应为日期。") from None
    return Term(day, max(day, last), 0, day, given=day)


def _length(clock: Clock, start: date, days: int | None) -> int:
    """How many days the term is; of months, the calendar days to the day of the same number, or the month's last."""
    if days is not None:
        return days
    year, month = divmod(start.year * 12 + start.month - 1 + (clock.months or 0), 12)
    last = months.monthrange(year, month + 1)[1]
    return (date(year, month + 1, min(start.day, last)) - start).days


def _pause(clock: Clock, term: Term, event: Moment, day: int) -> None:
    stands = event.stage in clock.pauses
    if term.paused is not None and (not stands or event.stage != term.stage):
        if day > term.paused:
            term.pauses.append((term.paused, day, term.stage))
        if not stands and term.pauses and term.pauses[-1][1] == day:
            term.set_on = day
        term.paused = None
    if stands and term.paused is None:
        term.paused, term.stage = day, event.stage


def _extend(clock: Clock, extension: Extension, term: Term, event: Moment, known: Calendar) -> None:
    counts = known if clock.calendar == "working" else None
    day = event.on.toordinal()
    pauses = term.pauses_until(day)
    last = _last(term, counts, pauses)
    late = day > _due(clock, term, known, day)
    asked = _asked(clock, extension, event)
    used = sum(1 for e in term.extended if e.transition == event.transition and e.days and not e.sort)
    longest, most, until, remark = extension.at_most_days, extension.at_most, None, ""
    days = asked if isinstance(asked, int) else _between(counts, last, asked.toordinal())
    if days <= 0:
        days, remark = 0, f"延至 {asked} 没有多出一天" if isinstance(asked, date) else f"延期 {asked} 日，应为正数"
    elif most is not None and used >= most:
        days, remark = 0, f"已延期 {used} 次，最多 {most} 次"
    elif longest is not None and days > longest:
        days, remark = longest, f"要求延期 {days} 日，最多 {longest} 日"
    if days:
        term.set_on = day
        if isinstance(asked, date):
            cut = bool(remark)
            term.anchor, term.need, term.given = (_after(counts, last, days) if cut else asked.toordinal()), 0, day
            until = date.fromordinal(term.anchor)
        else:
            term.need += days
    term.extended.append(Extended(event.on, event.transition, days, until, late, remark))


def _asked(clock: Clock, extension: Extension, event: Moment) -> int | date:
    if not extension.field:
        return extension.at_most_days or 0
    value = event.data.get(extension.field)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        found = f"“{extension.field}”是“{value}”"
        raise DeadlineError(f"{clock.name}：{event.on} 的“{event.transition}”里{found}，应为整数或日期。") from None


def _due(clock: Clock, term: Term, known: Calendar, until: int) -> int:
    """The last day with everything up to `until`, moved to a working day where the clock says so."""
    last = _last(term, known if clock.calendar == "working" else None, term.pauses_until(until))
    return known.nth(known.worked(last - 1) + 1) if clock.holds else last


def _last(term: Term, counts: Calendar | None, pauses: Sequence[tuple[int, int, str]]) -> int:
    at, need = term.anchor, term.need
    if term.given is not None:
        for enter, leave, _ in pauses:
            start, end = max(enter, term.given), min(leave, at)
            need += _between(counts, start, end) if end > start else 0
    if not need:
        return at
    for enter, leave, _ in pauses:
        if leave <= at:
            continue
        counted = _between(counts, at, enter) if enter > at else 0
        if need <= counted:
            break
        need -= counted
        at = leave
    return _after(counts, at, need)


def _between(counts: Calendar | None, start: int, end: int) -> int:
    """Days that count after `start` up to and including `end`: working days, or without a calendar all."""
    return end - start if counts is None else counts.worked(end) - counts.worked(start)


def _after(counts: Calendar | None, start: int, need: int) -> int:
    return start + need if counts is None else counts.nth(counts.worked(start) + need)


def _working(reading: Reading, term: Term) -> tuple[Counted, ...]:
    clock, known = reading.clock, reading._now
    until = (reading.stopped_on or reading.on).toordinal()
    pauses = term.pauses_until(until)
    last = _last(term, known if clock.calendar == "working" else None, pauses)
    due = _due(clock, term, known, until)
    rows, number = [Counted(date.fromordinal(term.started), 0, FIRST_DAY)], 0
    for day in range(term.started + 1, due + 1):
        look = known.look(date.fromordinal(day))
        stage = next((stage for enter, leave, stage in pauses if enter < day <= leave), "")
        counts = not stage and day <= last and (look.working or clock.calendar == "calendar")
        number += counts
        reason = WHILE_PAUSED if stage else MOVED_ON if day > last else look.reason
        provisional = look.provisional and (clock.calendar == "working" or clock.holds)
        rows.append(Counted(look.day, number if counts else 0, reason, look.source, provisional, stage))
    return tuple(rows)
