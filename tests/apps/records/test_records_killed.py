"""Writers are killed with no warning at any moment: what they were told is written is there, each row with its leaf."""

from __future__ import annotations

from pathlib import Path

import pytest
from killed_writer import own_database, run, write_and_kill

from rongtong.instance import write_instance

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


def kill_and_look(home: Path) -> None:
    run(home, MIGRATE)
    acknowledged = write_and_kill(home, WRITER, 20261122)
    lines = [line.partition(" ") for line in run(home, AFTER).splitlines()]
    rows = {rest for what, _, rest in lines if what == "row"}
    leaves = {rest for what, _, rest in lines if what == "leaf"}
    assert [rest for what, _, rest in lines if what == "finding"] == []
    assert set(acknowledged) <= leaves
    assert {leaf.split()[0] for leaf in leaves} == rows
    assert len(leaves) == len(rows)


@pytest.mark.large
def test_nothing_acknowledged_is_lost_on_sqlite(tmp_path: Path) -> None:
    write_instance(tmp_path, "demo", [])
    kill_and_look(tmp_path)


@pytest.mark.large
def test_nothing_acknowledged_is_lost_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    with own_database(postgres_url) as url:
        write_instance(tmp_path, "demo", [], database=url)
        kill_and_look(tmp_path)
