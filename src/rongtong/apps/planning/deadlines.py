"""Deadlines (期限): the lamp of what must be issued or set up by a day, counted in working days."""

from __future__ import annotations

from datetime import date

from rongtong.apps.packs.queries import calendars
from rongtong.engine.pace import Lamp, Standing, lamps
from rongtong.engine.pack.model import Commitment
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period, PeriodError


def lamp(pack: Pack, item: Commitment, day: date) -> Lamp | None:
    """The lamp of an open deliverable or strive-for on a day; None when it is done or its document states no deadline."""
    last = last_day(item)
    rules = [r for r in pack.all("lamps") if any("days_left" in c.when for c in r.cases) and r.valid_from <= day]
    if item.kind not in ("deliverable", "strive") or item.status == "done" or last is None or not rules:
        return None
    overdue = day > last
    left = 0 if overdue else calendars(pack).as_known(day).workdays_between(day, last)
    rule = max(rules, key=lambda r: r.valid_from)
    (found,) = lamps(rule, [Standing(overdue=overdue, days_left=left)], f"期限 {last}")
    return found


def last_day(item: Commitment) -> date | None:
    """The last day of a commitment's period; None when the document states none."""
    try:
        return Period.parse(item.period).last_day if item.period else None
    except PeriodError:
        return None
