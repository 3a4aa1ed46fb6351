"""Writers are killed with no warning at any moment: what they were told is written is there, each row with its leaf.

Two processes write at once and are killed (SIGKILL) again and again until a thousand writes have been acknowledged.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psycopg
import pytest

from rongtong.instance import write_instance

ACKNOWLEDGED, SHORTEST, LONGEST = 1000, 40, 120

MIGRATE = "import django; django.setup(); from django.core.management import call_command; call_command('migrate', verbosity=0)"
WRITER = """
import os, sys, django
django.setup()
from rongtong.apps.records.actions import act
from rongtong.apps.registry.actions import system_account
from rongtong.apps.registry.models import Organisation
system, number = system_account(), 0
while True:
    number += 1
    name = f"{sys.argv[1]}-{number}"
    with act("registry.register_organisation", actor=system, subject=f"organisation:{name}") as this:
        Organisation.objects.create(uscc=name, name=name)
        this.payload["name"] = name
    os.write(1, f"{name} {this.leaf.sequence}\\n".encode())
"""
AFTER = """
import django
django.setup()
from rongtong.apps.records.models import Leaf
from rongtong.apps.records.queries import verify
from rongtong.apps.registry.models import Organisation
for finding in verify():
    print("finding", finding.message)
for name in Organisation.objects.values_list("uscc", flat=True):
    print("row", name)
for sequence, subject in Leaf.objects.filter(kind="registry.register_organisation").values_list("sequence", "subject"):
    print("leaf", subject.removeprefix("organisation:"), sequence)
"""


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "RONGTONG_HOME": str(home), "DJANGO_SETTINGS_MODULE": "rongtong.settings"}


def write_until_killed(home: Path, number: int, wanted: int, dice: random.Random) -> list[str]:
    """Two writers, killed soon after so many acknowledgements; returns all that were given."""
    reader, writer = os.pipe()
    started = [
        subprocess.Popen([sys.executable, "-c", WRITER, f"w{number}{name}"], env=environment(home), stdout=writer)
        for name in "ab"
    ]
    os.close(writer)
    said = b""
    try:
        while said.count(b"\n") < wanted:
            content = os.read(reader, 65536)
            assert content, "the writers ended by themselves"
            said += content
        # Anywhere in a write, not only right after one.
        time.sleep(dice.uniform(0, 0.03))
    finally:
        for process in started:
            process.send_signal(signal.SIGKILL)
            process.wait()
    while content := os.read(reader, 65536):
        said += content
    os.close(reader)
    assert said.endswith(b"\n")
    return said.decode().splitlines()


def kill_and_look(home: Path) -> None:
    done = subprocess.run([sys.executable, "-c", MIGRATE], env=environment(home), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    dice, acknowledged, kills = random.Random(20261122), [], 0
    while len(acknowledged) < ACKNOWLEDGED:
        acknowledged += write_until_killed(home, kills, dice.randint(SHORTEST, LONGEST), dice)
        kills += 1
    after = subprocess.run(
        [sys.executable, "-c", AFTER], env=environment(home), capture_output=True, text=True, check=False
    )
    assert after.returncode == 0, after.stderr
    lines = [line.partition(" ") for line in after.stdout.splitlines()]
    rows = {rest for what, _, rest in lines if what == "row"}
    leaves = {rest for what, _, rest in lines if what == "leaf"}
    assert [rest for what, _, rest in lines if what == "finding"] == []
    assert set(acknowledged) <= leaves
    assert {leaf.split()[0] for leaf in leaves} == rows
    assert len(leaves) == len(rows)
    assert kills >= 8


@pytest.mark.large
def test_nothing_acknowledged_is_lost_on_sqlite(tmp_path: Path) -> None:
    write_instance(tmp_path, "demo", [])
    kill_and_look(tmp_path)


@pytest.mark.large
def test_nothing_acknowledged_is_lost_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    name = f"killed_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    try:
        write_instance(tmp_path, "demo", [], database=postgres_url.rpartition("/")[0] + f"/{name}")
        kill_and_look(tmp_path)
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]
