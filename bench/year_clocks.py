"""Every clock of every case of a written year against a walk day by day (the oracle of tests/engine/test_deadline_oracle.py).

    RONGTONG_HOME=… python bench/year_clocks.py [--every 1]

Reads the events back from the store, reads each clock as of today and as of the day of a middle event, and compares with the
walk, which keeps no sums. Prints how many were compared and how many are wrong; exits 1 where any is.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "engine"))
import django

CHUNK = 1000


def compared(every: int = 1, process: str = "enterprise_problem") -> dict[str, Any]:
    """How many clocks were read, in which states, and the first that differ."""
    from test_deadline_oracle import told

    from rongtong import clock
    from rongtong.apps.cases import access
    from rongtong.apps.cases.models import Case
    from rongtong.apps.packs import queries as packs
    from rongtong.engine.deadline import moments, run

    known, today = packs.calendars(packs.current()), clock.today()
    states: Counter[str] = Counter()
    wrong, start = [], time.process_time()
    for case, happened in _cases(process, every):
        running = access.process_of(case)
        been = moments(running, happened)
        for one in running.clocks:
            for on in (today, happened[len(happened) // 2].on):
                reading, wanted = run(one, been, known, on), told(one, been, on)
                states[reading.state] += 1
                if (found := {name: getattr(reading, name) for name in wanted}) != wanted:
                    wrong.append(f"{case.key} {one.code} {on}: {found} {wanted}")
    return {
        "cases": Case.objects.filter(process=process).count(),
        "clocks": sum(states.values()),
        "states": dict(sorted(states.items())),
        "wrong": len(wrong),
        "first": wrong[:3],
        "cpu_seconds": round(time.process_time() - start, 1),
    }


def _cases(process: str, every: int) -> Iterator[tuple[Any, list[Any]]]:
    from rongtong.apps.cases.models import Case, Event
    from rongtong.clock import LOCAL
    from rongtong.engine.process.state import Happened

    pks = list(Case.objects.filter(process=process).order_by("pk").values_list("pk", flat=True))[::every]
    for at in range(0, len(pks), CHUNK):
        part = pks[at : at + CHUNK]
        cases = Case.objects.select_related("definition").in_bulk(part)
        seen: dict[int, list[Happened]] = {}
        for e in Event.objects.filter(case_id__in=part).select_related("leaf__payload").order_by("case_id", "number"):
            day = e.at.astimezone(LOCAL).date()
            seen.setdefault(e.case_id, []).append(Happened(e.number, e.transition, "", day, e.data))
        yield from ((cases[pk], seen[pk]) for pk in part)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="compare only each so many-th case")
    args = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rongtong.settings")
    django.setup()
    found = compared(args.every)
    print(json.dumps(found, ensure_ascii=False, default=str))
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
