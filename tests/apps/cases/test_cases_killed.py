"""Writers of cases are killed with no warning at any moment: what they were told is done is there, whole, with its leaf.

The writers open cases and move them on (killed_writer.py). What every table repeats of a case is then compared with what its
events fold to.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from killed_writer import own_database, run, write_and_kill

from packs import with_more
from rongtong.instance import write_instance

PROCESS = """\
- code: ask
  version: "1"
  name: 求助
  about: 试验
  start: asked
  opened_by: [county]
  labels: [kind]
  variables: {amount: number}
  clocks:
    - {code: reply, name: 期限, days: 5, starts: [open], stops: [answer], over: {tell: [county]}, mark: proposed}
  dues:
    - {code: pay, name: 付款, by: county, born: [answer], days: 30, amount: amount, met_by: [pay]}
  measures:
    - {indicator: use_first_transfers, at: [answer]}
  roles:
    - {code: county, name: 县科技局, held_by: [county_officer], at: self}
  form:
    type: object
    required: [kind, amount]
    properties: {kind: {type: string, title: 类别, enum: [甲, 乙]}, amount: {type: string, title: 金额, format: decimal}}
  stages:
    - {code: asked, name: 已申请, no_clock: 试验}
    - {code: quick, name: 已答复, no_clock: 试验}
    - {code: paying, name: 待付款, no_clock: 试验}
    - {code: done, name: 已办结, outcome: done}
  transitions:
    - {code: note, name: 备注, at: [asked], by: [county], optional: true}
    - {code: answer, name: 答复, at: [asked], to: quick, by: [county]}
    - {code: go, name: 转付款, at: [quick], to: paying, automatic: true}
    - {code: pay, name: 已付, at: [paying], to: done, by: [county]}
"""
SET_UP = """
import sys, django
django.setup()
from pathlib import Path
from django.core.management import call_command
call_command("migrate", verbosity=0)
from rongtong.apps.packs.actions import load
from rongtong.apps.registry.actions import create_account, grant, system_account
system = system_account()
load([Path(p) for p in sys.argv[1:]], system)
grant(create_account("county", "county", actor=system).account, "county_officer", "330106", actor=system)
"""
WRITER = """
import os, sys, django
django.setup()
from rongtong.apps.cases import actions
from rongtong.apps.registry.models import Account
who, number = Account.objects.get(username="county"), 0
def said(case):
    os.write(1, f"{case.pk} {case.events} {case.stage}\\n".encode())
while True:
    number += 1
    case = actions.open_case("ask", actor=who, place="330106", key=f"{sys.argv[1]}-{number}", data={"kind": "甲", "amount": "12.5"})
    said(case)
    for step in ("note", "answer", "pay"):
        case = actions.move(case.pk, step, actor=who, seen=case.events)
        said(case)
"""
AFTER = """
import django
django.setup()
from rongtong.apps.cases import queries
from rongtong.apps.cases.models import Case, Event, Label, Measured, Obligation
from rongtong.apps.records.models import Leaf
from rongtong.apps.records.queries import verify
for finding in verify():
    print("finding", finding.message)
for case in Case.objects.filter(process="ask").select_related("definition"):
    state = queries.state(case)
    answered = case.stage in ("paying", "done")
    whole = (
        (state.stage, state.number) == (case.stage, case.events)
        and case.stage != "quick"
        and Label.objects.filter(case=case, name="kind", value="甲").count() == 1
        and Measured.objects.filter(case=case).count() == answered
        and [o.open for o in Obligation.objects.filter(case=case)] == [case.stage == "paying"] * answered
    )
    print("case", case.pk, case.events, case.stage) if whole else print("finding", case.pk, "is not whole")
for event in Event.objects.filter(case__process="ask").select_related("leaf__payload"):
    fits = event.leaf is not None and event.leaf.subject == f"case:{event.case_id}" and event.leaf.kind.endswith(event.transition)
    print("event", event.leaf_id) if fits else print("finding", event.pk, "has no leaf of its own")
for sequence in Leaf.objects.filter(kind__startswith="cases.ask.").values_list("sequence", flat=True):
    print("leaf", sequence)
"""


def kill_and_look(home: Path, folder: Path) -> None:
    run(home, SET_UP, *(str(p) for p in with_more(folder, PROCESS)))
    acknowledged = write_and_kill(home, WRITER, 20261130)
    lines = [line.split(" ", 1) for line in run(home, AFTER).splitlines()]
    assert [rest for what, rest in lines if what == "finding"] == []
    stands = {(int(pk), int(events)) for what, rest in lines if what == "case" for pk, events, _ in [rest.split()]}
    last = dict(stands)
    # A case may have gone further than was acknowledged, by the step that was under way.
    for pk, events, _ in (line.split() for line in acknowledged):
        assert last[int(pk)] >= int(events)
    assert {rest for what, rest in lines if what == "leaf"} == {rest for what, rest in lines if what == "event"}
    assert sum(last.values()) == sum(what == "event" for what, _ in lines)


@pytest.mark.large
def test_no_step_that_was_acknowledged_is_lost_on_sqlite(tmp_path: Path) -> None:
    write_instance(tmp_path / "var", "demo", [])
    kill_and_look(tmp_path / "var", tmp_path)


@pytest.mark.large
def test_no_step_that_was_acknowledged_is_lost_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    with own_database(postgres_url) as url:
        write_instance(tmp_path / "var", "demo", [], database=url)
        kill_and_look(tmp_path / "var", tmp_path)
