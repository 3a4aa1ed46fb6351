"""A made-up year of problems is written as it happened, and each of its clocks equals a walk day by day."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "bench"))
import year
import year_clocks
from packs import PACKS
from rongtong.apps.cases.models import Case, Event
from rongtong.apps.packs import queries as packs
from rongtong.apps.packs.actions import load
from rongtong.apps.records.queries import verify
from rongtong.apps.registry.models import Account

ROOT, CASES = Path(__file__).parents[3], 300
pytestmark = [pytest.mark.django_db, pytest.mark.large]


def test_every_clock_of_a_year_equals_the_walk(demo_store: Account) -> None:
    if packs.current().find("processes", year.PROCESS) is None:
        load([PACKS / "china", PACKS / "zhejiang", ROOT / "bench" / "year_pack"], demo_store)
    done = year.write(CASES)
    assert done["cases"] == Case.objects.filter(process=year.PROCESS).count() == CASES
    found = year_clocks.compared(process=year.PROCESS)
    assert (found["wrong"], found["first"]) == (0, [])
    assert found["clocks"] >= CASES * 5 * 2
    assert {"waiting", "running", "met", "met_late", "over"} <= set(found["states"])
    steps = set(Event.objects.filter(case__process=year.PROCESS).values_list("transition", flat=True))
    assert {"send_back", "merge", "supplement", "grant_extension", "raise_city", "rate_unsatisfied", "unrated"} <= steps
    places = Case.objects.filter(process=year.PROCESS).values_list("place", flat=True)
    assert len(set(places)) > 50
    assert not verify()
