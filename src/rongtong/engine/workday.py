"""Working days (工作日) by dated calendars: weekends, public holidays (法定节假日) and shifted working days (调休).

A `Calendar` is one state of knowledge. `Calendars` keeps every state there has been, because notices come late in the
year before and are amended: what was promised on a day is counted with what was known that day. A day that no notice
covers follows the weekend rule alone and is flagged provisional (暂按周末规则).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rongtong.engine.pack.model import Holiday

WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
SATURDAY = 5
ONE_DAY = timedelta(days=1)


class CalendarError(ValueError):
    """A calendar contradicts itself or a count is asked backwards; the message says which day and what was expected."""


@dataclass(frozen=True, slots=True)
class DayCounted:
    """One day of a count: whether it counts as a working day, why, by which notice, and whether that may still change."""

    day: date
    working: bool
    reason: str
    source: str
    provisional: bool


@dataclass(frozen=True, slots=True)
class Calendar:
    """What notices say about days between `known_from` and `known_until`, both included.

    `holidays` are days off (those on a weekend may be listed or not), `workdays` weekend days that are worked, `sources`
    the notice of a day. `known_from` None: known from the beginning; `known_until` None: no day is known.
    Raises CalendarError when a day is both off and worked, a shifted working day is no weekend day, or a day lies
    outside what is known.
    """

    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    known_until: date | None = None
    sources: Mapping[date, str] = field(default_factory=dict)
    known_from: date | None = None
    # The days that differ from the week, as ordinals; for each, how many working days more than the week gives there
    # are up to it (one entry more, for before the first), and how many working days there are up to it.
    _marks: list[int] = field(init=False, repr=False, compare=False)
    _shifts: list[int] = field(init=False, repr=False, compare=False)
    _counts: list[int] = field(init=False, repr=False, compare=False)

    @classmethod
    def of(cls, days: Iterable[Holiday]) -> Calendar:
        """The calendar a pack's statements make: known for every year they speak of, weekends deciding the other days.

        Where two speak of a day, the later one holds.
        """
        said = {d.date: d for d in days}
        return cls(
            frozenset(d for d, each in said.items() if each.kind == "holiday"),
            frozenset(d for d, each in said.items() if each.kind == "workday"),
            date(max(said).year, 12, 31) if said else None,
            {d: each.source for d, each in said.items()},
            date(min(said).year, 1, 1) if said else None,
        )

    def __post_init__(self) -> None:
        both = sorted(self.holidays & self.workdays)
        if both:
            raise CalendarError(f"{both[0]} 既列为放假又列为上班。请按通知改正。")
        for day in sorted(self.workdays):
            if day.weekday() < SATURDAY:
                raise CalendarError(
                    f"{day} 是{WEEKDAYS[day.weekday()]}，列为调休上班；调休上班应为周末。请按通知改正。"
                )
        for day in sorted(self.holidays | self.workdays):
            if not self.is_known(day):
                raise CalendarError(
                    f"{day} 不在日历已知的范围（{self.known_from or '起初'} 至 {self.known_until}）内。请改正起止日期。"
                )
        turned = {d.toordinal(): -1 for d in self.holidays if d.weekday() < SATURDAY}
        turned |= {d.toordinal(): 1 for d in self.workdays}
        marks, shifts = sorted(turned), [0]
        for mark in marks:
            shifts.append(shifts[-1] + turned[mark])
        object.__setattr__(self, "_marks", marks)
        object.__setattr__(self, "_shifts", shifts)
        object.__setattr__(self, "_counts", [_weekdays(m) + s for m, s in zip(marks, shifts[1:], strict=True)])

    def is_known(self, day: date) -> bool:
        """Whether a notice covers the day."""
        after = self.known_from is None or self.known_from <= day
        return after and self.known_until is not None and day <= self.known_until

    def look(self, day: date) -> DayCounted:
        """What the day is and why."""
        weekday = WEEKDAYS[day.weekday()]
        source = self.sources.get(day, "")
        if day in self.holidays:
            return DayCounted(day, False, "法定节假日放假", source, False)
        if day in self.workdays:
            return DayCounted(day, True, f"{weekday}调休上班", source, False)
        return DayCounted(day, day.weekday() < SATURDAY, weekday, source, not self.is_known(day))

    def is_workday(self, day: date) -> bool:
        """Whether the day is worked."""
        return day in self.workdays or (day.weekday() < SATURDAY and day not in self.holidays)

    def worked(self, day: int) -> int:
        """How many working days there are up to and including a day given as its ordinal, counted from year 1."""
        return _weekdays(day) + self._shifts[bisect_right(self._marks, day)]

    def nth(self, count: int) -> int:
        """The ordinal of the day on which `worked` reaches this count: always a working day."""
        at = bisect_left(self._counts, count)
        day = _weekday(count - self._shifts[at])
        return day if at == len(self._marks) else min(day, self._marks[at])

    def add_workdays(self, day: date, n: int) -> date:
        """The n-th working day after `day`, which itself never counts (期间开始之日不计入); `day` for n = 0.

        Raises CalendarError for a negative n.
        """
        if n < 0:
            raise CalendarError(f"工作日数应为 0 或更多，却是 {n}。")
        return date.fromordinal(self.nth(self.worked(day.toordinal()) + n)) if n else day

    def count(self, day: date, n: int) -> tuple[DayCounted, ...]:
        """The working of `add_workdays`: every day walked after `day` up to the n-th working day, counted or skipped.

        Raises CalendarError for a negative n.
        """
        return self.days_between(day, self.add_workdays(day, n))

    def workdays_between(self, start: date, end: date) -> int:
        """How many working days lie after `start` up to and including `end`.

        Raises CalendarError when `end` is before `start`.
        """
        if end < start:
            raise CalendarError(f"截止日 {end} 早于起始日 {start}。请对调或改正。")
        return self.worked(end.toordinal()) - self.worked(start.toordinal())

    def days_between(self, start: date, end: date) -> tuple[DayCounted, ...]:
        """The working of `workdays_between`: every day after `start` up to and including `end`.

        Raises CalendarError when `end` is before `start`.
        """
        if end < start:
            raise CalendarError(f"截止日 {end} 早于起始日 {start}。请对调或改正。")
        return tuple(self.look(start + ONE_DAY * i) for i in range(1, (end - start).days + 1))


@dataclass(frozen=True, slots=True)
class Calendars:
    """Every state the calendar has been known in, one for each day on which a notice was published.

    `published` are those days in order. Of two notices about a day the later in `days` holds, once it is known.
    """

    days: tuple[Holiday, ...]
    published: tuple[date, ...]
    _turns: list[int] = field(init=False, repr=False, compare=False)
    _made: dict[int, Calendar] = field(init=False, repr=False, compare=False)

    @classmethod
    def of(cls, days: Iterable[Holiday]) -> Calendars:
        """The calendars a pack's statements make; a statement without `known_from` was always known."""
        kept = tuple(days)
        return cls(kept, tuple(sorted({d.known_from for d in kept if d.known_from})))

    def __post_init__(self) -> None:
        object.__setattr__(self, "_turns", [d.toordinal() for d in self.published])
        object.__setattr__(self, "_made", {})

    def as_known(self, on: date) -> Calendar:
        """The calendar as it was known on a day: notices published by then, that day included."""
        return self.as_known_at(on.toordinal())

    def as_known_at(self, on: int) -> Calendar:
        """`as_known` on a day given as its ordinal."""
        at = bisect_right(self._turns, on)
        made = self._made.get(at)
        if made is None:
            made = self._made[at] = Calendar.of(self._until(at))
        return made

    def _until(self, at: int) -> Iterator[Holiday]:
        last = self.published[at - 1] if at else date.min
        return (d for d in self.days if d.known_from is None or d.known_from <= last)


def _weekdays(day: int) -> int:
    """Mondays to Fridays up to and including an ordinal; 1 January of year 1 was a Monday."""
    weeks, rest = divmod(day, 7)
    return 5 * weeks + min(rest, 5)


def _weekday(count: int) -> int:
    """The ordinal of the day on which `_weekdays` reaches a count."""
    weeks, rest = divmod(count - 1, 5)
    return 7 * weeks + rest + 1
