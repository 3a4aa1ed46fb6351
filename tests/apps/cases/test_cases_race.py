"""Two hundred attempts at one step at the same moment: one wins, the others are told, on SQLite and on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from packs import PACKS
from rongtong.instance import write_instance

SET_UP = """
from pathlib import Path
from rongtong.apps.cases import actions
from rongtong.apps.packs.actions import load
from rongtong.apps.registry.actions import create_account, grant, system_account
from django.core.management import call_command
call_command("migrate", verbosity=0, skip_checks=True)
system = system_account()
load([Path({china!r}), Path({zhejiang!r})], system)
"""
OPEN = """
officer = create_account("officer", "officer", actor=system).account
grant(officer, "city_officer", "330100", actor=system)
case = actions.open_case("supervision", actor=system, place="330100", key="race", title="抢着签收",
                         data={{"title": "抢着签收", "level": "blue", "source": "manual"}})
print(case.pk)
"""
RACE = """
import threading
from concurrent.futures import ThreadPoolExecutor
from django.db import connection
from rongtong.apps.cases import actions
from rongtong.apps.cases.errors import Stale
from rongtong.apps.cases.models import Event
from rongtong.apps.records.models import Leaf
from rongtong.apps.registry.models import Account

officer = Account.objects.get(username="officer")
start = threading.Barrier(40)

def attempt(number):
    try:
        if number < 40:
            start.wait(30)
        actions.move({pk}, "receive", actor=officer, seen=1)
        return "won"
    except Stale:
        return "told"
    finally:
        connection.close()

with ThreadPoolExecutor(40) as pool:
    results = list(pool.map(attempt, range(200)))
print(results.count("won"), results.count("told"), Event.objects.filter(case_id={pk}).count(),
      Leaf.objects.filter(kind="cases.supervision.receive").count())
"""


def race(home: Path, script: object) -> str:
    pk = script(home, (SET_UP + OPEN).format(china=str(PACKS / "china"), zhejiang=str(PACKS / "zhejiang")))  # type: ignore[operator]
    return script(home, RACE.format(pk=int(pk)))  # type: ignore[operator,no-any-return]


def test_of_two_hundred_attempts_at_once_one_wins_on_sqlite(tmp_path: Path, script: object) -> None:
    write_instance(tmp_path / "var", "demo", [], today=None)
    assert race(tmp_path / "var", script).split() == ["1", "199", "2", "1"]


@pytest.mark.large
def test_of_two_hundred_attempts_at_once_one_wins_on_postgresql(
    tmp_path: Path, script: object, postgres_url: str
) -> None:
    write_instance(tmp_path / "var", "demo", [], today=None, database=postgres_url)
    assert race(tmp_path / "var", script).split() == ["1", "199", "2", "1"]


OPENINGS = """
import threading
from concurrent.futures import ThreadPoolExecutor
from django.db import connection
from rongtong.apps.cases import actions, opening_outside
from rongtong.apps.cases.errors import CaseExists
from rongtong.apps.cases.models import Case
from rongtong.apps.registry.actions import system_account

system, start = system_account(), threading.Barrier(8)

def attempt(number):
    try:
        start.wait(30)
        actions.open_case("supervision", actor=system, place="330100", key="twice", title="同时开始",
                          data={"title": "同时开始", "level": "blue", "source": "manual"})
        return "opened"
    except CaseExists:
        return "told"
    finally:
        connection.close()

def send(number):
    try:
        start.wait(30)
        data = {"title": "同一个编号同时发来", "category": "other", "situation": "发送方没有收到答复，又发", "channel": "api"}
        sent = opening_outside.Sent("enterprise_problem", "330106", data)
        case, new = opening_outside.open_once(system, sent, "hotline-7")
        return case.pk, new
    finally:
        connection.close()

with ThreadPoolExecutor(8) as pool:
    results = list(pool.map(attempt, range(8)))
    sent = list(pool.map(send, range(8)))
print(results.count("opened"), results.count("told"), Case.objects.filter(key="twice").count())
print(len({pk for pk, _ in sent}), [new for _, new in sent].count(True),
      Case.objects.filter(process="enterprise_problem").count())
"""


def openings(home: Path, script: object) -> str:
    script(home, SET_UP.format(china=str(PACKS / "china"), zhejiang=str(PACKS / "zhejiang")))  # type: ignore[operator]
    return script(home, OPENINGS)  # type: ignore[operator,no-any-return]


def test_a_case_opened_eight_times_at_once_is_opened_once_on_sqlite(tmp_path: Path, script: object) -> None:
    write_instance(tmp_path / "var", "demo", [], today=None)
    assert openings(tmp_path / "var", script).split() == ["1", "7", "1", "1", "1", "1"]


@pytest.mark.large
def test_a_case_opened_eight_times_at_once_is_opened_once_on_postgresql(
    tmp_path: Path, script: object, postgres_url: str
) -> None:
    write_instance(tmp_path / "var", "demo", [], today=None, database=postgres_url)
    assert openings(tmp_path / "var", script).split() == ["1", "7", "1", "1", "1", "1"]
