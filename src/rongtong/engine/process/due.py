"""Dues (到期义务) born of a step: what is owed, by which day, how much in 分."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from rongtong.engine.process import guard

if TYPE_CHECKING:
    from rongtong.engine.expression.evaluate import Value
    from rongtong.engine.pack.outcome import Due
    from rongtong.engine.pack.process import Process

FEN = 100


@dataclass(frozen=True, slots=True)
class Owed:
    """One thing owed: the `code` of its due, its name, the process role that owes it, the last day, 分 or None."""

    code: str
    name: str
    by: str
    on: date
    amount: int | None = None


def born(
    process: Process,
    transition: str,
    on: date,
    given: Mapping[str, Any],
    values: Mapping[str, Value],
    before: Mapping[str, Any] | None = None,
) -> tuple[Owed, ...]:
    """The dues a step of the day `on` brings forth, filled in with `given`, where its conditions hold.

    `before` is what earlier steps were filled with, for fields that the form of this one lacks. Raises ValueError for an
    amount or a day that is not known, and for an amount that is negative.
    """
    step = process.transition(transition)
    own = (step.form if step else process.form).get("properties", {})
    known = {n: v for n, v in (before or {}).items() if n not in own} | dict(given)
    found: list[Owed] = []
    for due in process.dues:
        if transition in due.born and guard.true(process, due.when, values):
            found += _rows(due, on, known) if due.each else _dated(process, due, on, known, values)
    return tuple(found)


def _rows(due: Due, on: date, given: Mapping[str, Any]) -> Iterator[Owed]:
    for number, row in enumerate(given.get(due.each) or (), 1):
        amount = row.get("amount")
        if not row.get("due") and not isinstance(row.get("months"), int):
            raise ValueError(f"“{due.name}”第 {number} 行没有写哪一天到期。请补齐。")
        yield Owed(
            due.code,
            str(row.get("name") or due.name),
            due.by,
            date.fromisoformat(str(row["due"])) if row.get("due") else later(on, row["months"]),
            fen(Fraction(str(amount))) if amount not in (None, "") else None,
        )


def _dated(
    process: Process, due: Due, on: date, given: Mapping[str, Any], values: Mapping[str, Value]
) -> Iterator[Owed]:
    amount = None
    if due.amount:
        yuan = guard.number(process, due.amount, values)
        if yuan is None or yuan < 0:
            raise ValueError(f"“{due.name}”的金额算不出来（{due.amount}）。请补齐它用到的各项，且不为负。")
        amount = fen(yuan)
    if due.months_in:
        months = given.get(due.months_in)
        if not isinstance(months, int):
            raise ValueError(f"“{due.name}”没有写几个月后到期（{due.months_in}）。请补齐。")
        yield Owed(due.code, due.name, due.by, later(on, months), amount)
    elif due.months:
        several = len(due.months) > 1
        for months in due.months:
            yield Owed(
                due.code, f"{due.name}（{months} 个月）" if several else due.name, due.by, later(on, months), amount
            )
    elif due.days is not None:
        yield Owed(due.code, due.name, due.by, on + timedelta(days=due.days), amount)
    elif given.get(due.on):
        yield Owed(due.code, due.name, due.by, date.fromisoformat(str(given[due.on])), amount)


def later(day: date, months: int) -> date:
    """The day of the same number so many months later, or that month's last (民法典 第二百零二条)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def fen(yuan: Fraction) -> int:
    """Yuan as 分, half up."""
    return (yuan * FEN * 2 + 1) // 2
