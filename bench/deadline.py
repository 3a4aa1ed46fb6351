"""Due dates per second against numpy and chinesecalendar: `python bench/deadline.py [--repeats 7] [--cases 140000]`.

Every case asks for the n-th working day after a day of 2007 to 2026. Peers: `chinese_calendar.find_workday`, which walks;
`numpy.busday_offset` with every day off as a holiday of a seven-day week (it has no worked weekends), one call for each
case and one for all. Equal answers first, over all cases (the walk over every hundredth), or exit 1; then turn by turn.
Below: a whole clock read from the events of a case (state, last day, promise, days left), plain and with a pause and an
extension, and with its working shown; no peer reads one. CPU seconds of the process. Exit 1 below 100,000 due dates/s or
below 20 × the walk.
"""

import argparse
import csv
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import chinese_calendar
import numpy as np

from rongtong.engine.deadline import Moment, run
from rongtong.engine.pack.clock import Clock
from rongtong.engine.pack.model import Holiday
from rongtong.engine.workday import Calendars

CALENDAR = Path(__file__).resolve().parent.parent / "packs" / "china" / "calendar.csv"
FIRST, LAST = date(2007, 1, 1), date(2026, 12, 31)
WANTED, WANTED_RATIO, STEP = 100_000, 20, 100
Case = tuple[date, int]
CLOCK = Clock.model_validate(
    {
        "code": "reply", "name": "答复", "days": 10, "starts": ["assign"], "stops": ["answer"], "pauses": ["mending"],
        "extends": [{"transition": "grant", "field": "days", "at_most": 1, "at_most_days": 10}],
    }
)  # fmt: skip


def calendars() -> Calendars:
    """Every state of the pack's calendar."""
    with CALENDAR.open(encoding="utf-8") as file:
        return Calendars.of(Holiday.model_validate(row) for row in csv.DictReader(file))


def cases(count: int) -> list[Case]:
    """Days and terms, the last of which ends before the years known do."""
    dice, span = Random(2025), (LAST - FIRST).days - 90
    return [
        (FIRST + timedelta(dice.randrange(span)), dice.choice((1, 2, 3, 5, 7, 10, 15, 20, 30))) for _ in range(count)
    ]


def histories(asked: Sequence[Case], full: bool) -> list[tuple[list[Moment], date]]:
    """Opened and assigned, or also asked to mend, mended, extended and answered; and the day of asking, 20 days on."""
    made = []
    for day, _ in asked:
        after = [day + timedelta(d) for d in (1, 3, 7, 8, 15)]
        events = [Moment("open", day, "new"), Moment("assign", after[0], "doing")]
        if full:
            events += [Moment("ask", after[1], "mending"), Moment("mended", after[2], "doing")]
            events += [Moment("grant", after[3], "doing", {"days": 5}), Moment("answer", after[4], "done")]
        made.append((events, day + timedelta(20)))
    return made


def speed_of(work: Callable[..., object], items: Sequence[tuple[Any, Any]], at_once: bool) -> float:
    """Cases a CPU second; nothing that is made is kept."""
    start = time.process_time()
    for one, other in items[:1] if at_once else items:
        work(one, other)
    return len(items) / (time.process_time() - start)


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--cases", type=int, default=140_000)
    wanted = parser.parse_args()
    known, asked = calendars(), cases(wanted.cases)
    now, few = known.as_known(LAST), asked[::STEP]
    off = [d for i in range((LAST - FIRST).days + 1) if not now.is_workday(d := FIRST + timedelta(i))]
    week = np.busdaycalendar("1111111", np.array(off, dtype="datetime64[D]"))
    days, terms = np.array([d for d, _ in asked], dtype="datetime64[D]"), np.array([n for _, n in asked])
    plain, full = histories(asked, False), histories(asked, True)
    work: dict[str, tuple[Callable[..., object], Sequence[tuple[Any, Any]]]] = {
        "add_workdays (ours)": (now.add_workdays, asked),
        "numpy, one call a case": (lambda d, n: np.busday_offset(d, n, "backward", busdaycal=week).item(), few),
        "chinese_calendar, walk": (_walked, few),
        "clock, 2 events": (lambda events, on: run(CLOCK, events, known, on), plain),
        "clock, 6 events": (lambda events, on: run(CLOCK, events, known, on), full),
        "clock with its working": (lambda events, on: run(CLOCK, events, known, on).days, full[::STEP]),
        "numpy, one call for all": (lambda *_: np.busday_offset(days, terms, "backward", busdaycal=week), asked),
    }
    ours = [now.add_workdays(d, n) for d, n in asked]
    if ours != np.busday_offset(days, terms, "backward", busdaycal=week).tolist():
        raise SystemExit("numpy answers otherwise")
    if ours[::STEP] != [_walked(d, n) for d, n in few]:
        raise SystemExit("chinese_calendar answers otherwise")
    print(
        f"numpy {np.__version__}, chinesecalendar {version('chinesecalendar')}, {os.cpu_count()} CPUs, {len(asked)} cases"
    )
    print("load before: " + " ".join(f"{part:.2f}" for part in os.getloadavg()) + "; answers equal")
    taken: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(wanted.repeats):
        for name, (each, items) in work.items():
            taken[name].append(speed_of(each, items, at_once=name.endswith("for all")))
    for name, speeds in taken.items():
        print(f"{name:<24} {statistics.median(speeds):>12,.0f}/s  ({min(speeds):,.0f} to {max(speeds):,.0f})")
    speed = {name: statistics.median(speeds) for name, speeds in taken.items()}
    print("load after: " + " ".join(f"{part:.2f}" for part in os.getloadavg()))
    enough = speed["add_workdays (ours)"] >= WANTED
    return 0 if enough and speed["add_workdays (ours)"] >= WANTED_RATIO * speed["chinese_calendar, walk"] else 1


def _walked(day: date, n: int) -> date:
    # The peer's day 0 is the next working day, that day included; ours never counts the day itself.
    found: date = chinese_calendar.find_workday(n - 1, day + timedelta(1))
    return found


if __name__ == "__main__":
    sys.exit(main())
