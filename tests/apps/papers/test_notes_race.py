"""Two officers save the same section at the same moment: one text stands, the other officer is told, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from packs import PACKS
from rongtong.instance import write_instance

RACE = """
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from django.core.management import call_command
from django.db import connection
from rongtong.apps.packs.actions import load
from rongtong.apps.papers import actions, queries
from rongtong.apps.papers.models import Note
from rongtong.apps.registry.actions import system_account
call_command("migrate", verbosity=0, skip_checks=True)
system = system_account()
load([Path({china!r}), Path({zhejiang!r})], system)
start = threading.Barrier(8)
slowly = queries.newest_notes

def newest_notes(paper, period):
    found = slowly(paper, period)
    threading.Event().wait(0.2)
    return found

queries.newest_notes = newest_notes

def attempt(number):
    try:
        start.wait(30)
        actions.save_notes("dispatch", "2025H1", {{"problems": f"第{{number}}人的话"}}, system, seen={{"problems": 0}})
        return "won"
    except actions.StaleNote:
        return "told"
    finally:
        connection.close()

with ThreadPoolExecutor(8) as pool:
    results = list(pool.map(attempt, range(8)))
print(results.count("won"), results.count("told"), Note.objects.count())
"""


def race(home: Path, script: object) -> list[str]:
    text = RACE.format(china=str(PACKS / "china"), zhejiang=str(PACKS / "zhejiang"))
    return str(script(home, text)).split()  # type: ignore[operator]


def test_of_eight_texts_saved_at_once_one_stands_on_sqlite(tmp_path: Path, script: object) -> None:
    write_instance(tmp_path / "var", "demo", [], today=None)
    assert race(tmp_path / "var", script) == ["1", "7", "1"]


@pytest.mark.large
def test_of_eight_texts_saved_at_once_one_stands_on_postgresql(
    tmp_path: Path, script: object, postgres_url: str
) -> None:
    write_instance(tmp_path / "var", "demo", [], today=None, database=postgres_url)
    assert race(tmp_path / "var", script) == ["1", "7", "1"]
