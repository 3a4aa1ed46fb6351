"""Working days (工作日) by a dated calendar: weekends, public holidays (法定节假日) and shifted working days (调休).

The calendar is the one known at the time of asking; whoever holds several editions chooses. A day that no notice
covers follows the weekend rule alone and is flagged provisional (暂按周末规则), because the notice for the next year
comes late in the year before.
"""

from __future__ import annotations

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

    @classmethod
    def of(cls, days: Iterable[Holiday]) -> Calendar:
        """The calendar a pack's statements make: known for every year they speak of, weekends deciding the other days."""
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
        return self.look(day).working

    def add_workdays(self, day: date, n: int) -> date:
        """The n-th working day after `day`, which itself never counts (期间开始之日不计入); `day` for n = 0.

        Raises CalendarError for a negative n.
        """
        walked = self.count(day, n)
        return walked[-1].day if walked else day

    def count(self, day: date, n: int) -> tuple[DayCounted, ...]:
        """The working of `add_workdays`: every day walked after `day` up to the n-th working day, counted or skipped.

        Raises CalendarError for a negative n.
        """
        if n < 0:
            raise CalendarError(f"工作日数应为 0 或更多，却是 {n}。")
        walked: list[DayCounted] = []
        left = n
        for each in self._after(day):
            if left == 0:
                break
            walked.append(each)
            left -= each.working
        return tuple(walked)

    def workdays_between(self, start: date, end: date) -> int:
        """How many working days lie after `start` up to and including `end`.

        Raises CalendarError when `end` is before `start`.
        """
        return sum(each.working for each in self.days_between(start, end))

    def days_between(self, start: date, end: date) -> tuple[DayCounted, ...]:
        """The working of `workdays_between`: every day after `start` up to and including `end`.

        Raises CalendarError when `end` is before `start`.
        """
        if end < start:
            raise CalendarError(f"截止日 {end} 早于起始日 {start}。请对调或改正。")
        return tuple(self.look(start + ONE_DAY * i) for i in range(1, (end - start).days + 1))

    def _after(self, day: date) -> Iterator[DayCounted]:
        while True:
            day += ONE_DAY
            yield self.look(day)
