"""An import that is killed while it writes leaves nothing, and the next one starts afresh."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from datetime import date
from pathlib import Path

from sample_observations import CITIES, as_csv, row, write_pack

from rongtong.instance import write_instance

_SET_UP = """
import sys
from pathlib import Path
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0, skip_checks=True)
from rongtong.apps.packs.actions import load
from rongtong.apps.registry.actions import system_account
load([Path(sys.argv[1])], system_account())
"""
_IMPORT = """
import os, signal, sys
from pathlib import Path
import django
django.setup()
from django.db import connection
from rongtong.apps.observations.actions import import_file
from rongtong.apps.registry.actions import system_account

written = 0

def kill_in_the_middle(execute, sql, params, many, context):
    global written
    result = execute(sql, params, many, context)
    if sql.startswith("INSERT INTO \\"observations_observation\\""):
        written += 1
        if sys.argv[2] == "kill" and written == 3:
            print("killed while writing", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    return result

with connection.execute_wrapper(kill_in_the_middle):
    report = import_file(Path(sys.argv[1]).read_bytes(), "a.csv", actor=system_account())
print(report.rows_new, report.rows_same)
"""


def run(code: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "RONGTONG_HOME": str(home), "DJANGO_SETTINGS_MODULE": "rongtong.settings"}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def counts(home: Path) -> dict[str, int]:
    """Rows as another program sees them in the file."""
    connection = sqlite3.connect(home / "rongtong.sqlite3")
    tables = ("observations_observation", "observations_batch", "records_leaf", "records_payload")
    try:
        return {table: connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in tables}
    finally:
        connection.close()


def test_a_killed_import_leaves_nothing_and_can_be_repeated(tmp_path: Path) -> None:
    home = tmp_path / "home"
    write_instance(home, "demo", [], today=date(2025, 7, 15))
    ready = run(_SET_UP, home, str(write_pack(tmp_path / "sample")))
    assert ready.returncode == 0, ready.stderr
    file = tmp_path / "a.csv"
    months = [f"{year}-{month:02d}" for year in range(2015, 2025) for month in range(1, 13)]
    file.write_bytes(as_csv([row("zones", city, month, "100", "家") for city in CITIES for month in months]))
    before = counts(home)
    assert before["records_leaf"] > 0

    killed = run(_IMPORT, home, str(file), "kill")
    assert (killed.returncode, killed.stdout.strip()) == (-signal.SIGKILL, "killed while writing")
    assert counts(home) == before

    again = run(_IMPORT, home, str(file), "finish")
    assert again.stdout.split() == ["480", "0"], again.stderr
    after = counts(home)
    assert after["observations_observation"] == 480
    assert after["records_leaf"] == before["records_leaf"] + 1
