"""The pack's calendar, and made-up clocks with histories: what the tests of deadlines run on."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random

from rongtong.engine.deadline import Moment
from rongtong.engine.pack.clock import Clock
from rongtong.engine.pack.model import Holiday
from rongtong.engine.workday import Calendars

CALENDAR = Path(__file__).parents[2] / "packs" / "china" / "calendar.csv"
STAGES = ("doing", "doing", "doing", "waiting", "fixing")
SORTS = ("simple", "ordinary", "hard")
# Where the calendar changes while cases run: the 2007 reform, May 2019, spring 2020, a year end before its notice.
TURNS = (
    date(2007, 12, 1),
    date(2015, 5, 1),
    date(2019, 3, 10),
    date(2019, 4, 20),
    date(2020, 1, 10),
    date(2025, 10, 20),
)


@lru_cache
def statements() -> tuple[Holiday, ...]:
    """The rows of the pack's calendar."""
    with CALENDAR.open(encoding="utf-8") as file:
        return tuple(Holiday.model_validate(row) for row in csv.DictReader(file))


@lru_cache
def calendars() -> Calendars:
    """Every state the pack's calendar was known in."""
    return Calendars.of(statements())


def clock(dice: Random) -> Clock:
    """A clock with any mixture of what a clock can have."""
    unit = dice.choice(("working", "working", "calendar"))
    months = unit == "calendar" and dice.random() < 0.4
    days = dice.choice((0, 1, 2, 5, 7, 10, 20, 30))
    sorts = {"field": "sort", "days": {"simple": dice.choice((0, 1, 3)), "hard": dice.choice((15, 25))}}
    lefts = sorted({dice.randrange(0, max(1, days)) for _ in range(2)}) if months or days else []
    extends = [
        {
            "transition": "longer",
            "field": "n",
            "at_most": dice.choice((None, 1, 2)),
            "at_most_days": dice.choice((None, 5)),
        },
        {
            "transition": "until",
            "field": "day",
            "at_most": dice.choice((None, 1)),
            "at_most_days": dice.choice((None, 10)),
        },
        {"transition": "fixed", "at_most_days": 3},
    ]
    return Clock.model_validate(
        {
            "code": "c",
            "name": "答复",
            **({"months": dice.choice((1, 2, 12))} if months else {"days": days}),
            "days_by": sorts if not months and dice.random() < 0.5 else None,
            "calendar": unit,
            "starts": ("open", "again") if dice.random() < 0.8 else ("again",),
            "restarts": dice.random() < 0.5,
            "stops": ("answer",),
            "pauses": dice.choice(((), ("waiting",), ("waiting", "fixing"))),
            "extends": extends,
            "warn": [{"left": left, "tell": ["officer"]} for left in lefts],
            "over": {"tell": ["head"], "make": "raise"},
            "holds": unit == "calendar" and dice.random() < 0.5,
        }
    )


def history(dice: Random) -> list[Moment]:
    """The events of a case in their order, some on one day, some across months."""
    near = dice.choice(TURNS) if dice.random() < 0.6 else date(2007, 1, 5) + timedelta(dice.randrange(7200))
    day = near + timedelta(dice.randrange(40))
    events = [Moment("open", day, dice.choice(STAGES), {"sort": dice.choice(SORTS)} if dice.random() < 0.6 else {})]
    for _ in range(dice.randrange(9)):
        day += timedelta(dice.choice((0, 0, 1, 1, 2, 3, 5, 9, 30)))
        step = dice.choice(("other", "other", "longer", "until", "fixed", "again", "other", "other", "answer"))
        data: dict[str, object] = {
            "n": dice.choice((-1, 0, 2, 5, 9)),
            "day": str(day + timedelta(dice.randrange(-3, 40))),
        }
        if dice.random() < 0.15:
            data["sort"] = dice.choice(SORTS)
        events.append(Moment(step, day, dice.choice(STAGES), data))
    return events
