"""Whole histories written at once are the rows that steps made one by one leave; one that cannot have happened is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from django.db import transaction
from pytest_django import Settings
from replay_world import START, Office, made_people, rows, undone

from rongtong import clock
from rongtong.apps.cases import actions
from rongtong.apps.cases.histories import History, Move, ReplayError
from rongtong.apps.cases.models import Case
from rongtong.apps.cases.replaying import replay
from rongtong.apps.records.models import Leaf
from rongtong.apps.records.queries import verify
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.models import Account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]
NOW = date(2025, 12, 10)


@pytest.fixture(scope="module")
def people(demo_store: Account, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> dict[str, Account]:
    """Made once, in the transaction of the store."""
    with django_db_blocker.unblock():
        return made_people(demo_store, tmp_path_factory.mktemp("pack"))


@pytest.fixture(autouse=True)
def now(people: dict[str, Account], settings: Settings) -> Iterator[None]:
    """The day on which histories are written."""
    pinned, settings.PINNED_TODAY = settings.PINNED_TODAY, NOW
    yield
    settings.PINNED_TODAY = pinned


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    with monkeypatch.context() as moved:
        yield moved


def test_fifty_random_histories_leave_what_fifty_cases_at_work_left(
    people: dict[str, Account], kept: pytest.MonkeyPatch
) -> None:
    office = Office(people, Random(20250715), kept)
    made = undone(office, 50)
    assert not Case.objects.filter(process="whole").exists()
    kept.undo()
    done = replay(office.histories.values(), actor=people["system"])
    again = rows()
    assert (done.cases, done.events) == (len(made["cases"]), len(made["events"]))
    for name in made:
        assert again[name] == made[name], name
    # Of everything there was enough to tell.
    assert done.cases == 50
    assert done.events > 200
    seen = {e["transition"] for e in made["events"]}
    assert {"merge", "longer", "mended", "give_up", "quick", "notice_over", "again", "pay", "deliver", "cancel",
            "escalate", "score", "close"} <= seen  # fmt: skip
    assert all(len(made[name]) > 1 for name in ("participants", "bands", "labels", "measured", "dues", "links"))
    assert {bool(o["met"]) or 2 * bool(o["waived"]) for o in made["dues"]} == {0, 1, 2}
    assert {(m["value"] > 0) - (m["value"] < 0) for m in made["measured"]} == {1, 0, -1}
    assert {c["late"] for c in made["cases"]} == {True, False}
    assert not verify()


def test_what_comes_after_goes_on_from_what_was_replayed(people: dict[str, Account], kept: pytest.MonkeyPatch) -> None:
    office = Office(people, Random(5), kept)
    undone(office, 8)
    kept.undo()
    replay(list(office.histories.values())[:5], actor=people["system"])
    case = actions.open_case("whole", actor=people["西湖一"], place="330106", data={"kind": "研发", "amount": "1"})
    assert case.key == "2025-000006"
    alone = [pk for pk, moves in office.moves.items() if all(m.transition != "merge" for m in moves)]
    done = replay([replace(office.histories[max(alone)], key="另一件")], actor=people["system"])
    assert done.cases == 1
    assert not verify()


def test_the_leaves_say_when_it_happened_and_one_more_when_it_was_written(people: dict[str, Account]) -> None:
    who = people["西湖一"]
    move = Move("open", who, START, {"kind": "研发", "amount": "1"})
    replay([History("whole", "330106", [move])], actor=people["system"], synthetic=True)
    step, act = Leaf.objects.order_by("-sequence")[:2][::-1]
    assert (step.recorded_at, step.actor, json.loads(step.payload.text)["synthetic"]) == (START, who.username, True)
    assert act.kind == "cases.replay"
    assert act.recorded_at.astimezone(clock.LOCAL).date() == clock.today()
    assert json.loads(act.payload.text) == {
        "cases": 1, "steps": 1, "first": step.sequence, "last": step.sequence, "synthetic": True
    }  # fmt: skip


def wrong(people: dict[str, Account]) -> dict[str, tuple[list[Move], str]]:
    """Name → a history that cannot have happened, and what is said."""
    county, other, day = people["西湖一"], people["西湖二"], timedelta(days=1)
    office = people["局一"].organisation
    assert office is not None
    opened = Move("open", county, START, {"kind": "研发", "amount": "1"})
    assigned = Move("assign", county, START + day, {"offices": [office.uscc]})
    answered = Move("answer", people["局一"], START + 2 * day)
    over = Move("notice_over", people["system"], START + 30 * day)
    later = START + 31 * day
    return {
        "form": ([replace(opened, data={"kind": "研发"})], "请填写“金额（万元）”"),
        "day": ([replace(opened, data={**opened.data, "asked_on": "2025-07-17"})], "不能晚于今天（2025-07-16）"),
        "chain": ([replace(opened, data={**opened.data, "chain": "没有"})], "没有产业链"),
        "start": ([assigned], "应从“open”开始"),
        "opener": ([replace(opened, actor=people["上城"])], "不能“开始一应俱全”"),
        "stage": ([opened, answered], "不能在“已申请”时办理"),
        "step": ([opened, replace(assigned, transition="nothing")], "没有步骤“nothing”"),
        "role": ([opened, replace(assigned, actor=people["甲"])], "不能“交办”"),
        "participant": ([opened, assigned, replace(answered, actor=people["局二"])], "不能“答复”"),
        "named": ([opened, replace(assigned, data={"offices": ["91330106MA27XYQ95X"]})], "没有登记"),
        "guard": ([opened, assigned, answered, replace(over, at=START + 3 * day)], "overdue"),
        "system": ([opened, assigned, answered, replace(over, actor=county)], "由系统办"),
        "duties": ([opened, assigned, answered, over, Move("again", county, later)], "职责分离"),
        "due": ([opened, assigned, answered, over, Move("pay", other, later)], "open_dues"),
        "order": ([opened, replace(assigned, at=START - day)], "早于前一步"),
        "future": ([opened, replace(assigned, at=clock.now() + day)], "还没有到"),
        "link": ([opened, Move("merge", county, START, {"main_case": "9"})], "没有办件“9”"),
        "other": ([opened, Move("merge", county, START, {"main_case": "supervision:9"})], "不是“whole”的办件"),
        "nothing": ([], "没有步骤"),
    }


@pytest.mark.parametrize("name", [
    "form", "day", "chain", "start", "opener", "stage", "step", "role", "participant", "named", "guard", "system", "duties",
    "due", "order", "future", "link", "other", "nothing",
])  # fmt: skip
def test_a_history_that_cannot_have_happened_is_refused_and_nothing_is_written(
    people: dict[str, Account], name: str
) -> None:
    moves, said = wrong(people)[name]
    right = History("whole", "330106", [moves_right(people)])
    leaves = Leaf.objects.count()
    with pytest.raises(ReplayError, match=said), transaction.atomic():
        replay([right, History("whole", "330106", moves)], actor=people["system"])
    assert not Case.objects.filter(process="whole").exists()
    assert Leaf.objects.count() == leaves


def moves_right(people: dict[str, Account]) -> Move:
    return Move("open", people["西湖一"], START, {"kind": "研发", "amount": "1"})


def test_a_process_that_leaves_more_is_not_replayed(people: dict[str, Account]) -> None:
    with pytest.raises(ReplayError, match="facts"):
        replay([History("supervision", "330106", [moves_right(people)])], actor=people["system"])


def test_histories_come_in_their_order_and_a_number_is_given_once(people: dict[str, Account]) -> None:
    first = History("whole", "330106", [moves_right(people)], key="一")
    early = History("whole", "330106", [replace(moves_right(people), at=START - timedelta(days=1))])
    for second, said in ((early, "按先后给出"), (first, "编号“一”已有")):
        with pytest.raises(ReplayError, match=said), transaction.atomic():
            replay([first, second], actor=people["system"])


def test_only_who_may_write_everything_replays(people: dict[str, Account]) -> None:
    with pytest.raises(Denied):
        replay([History("whole", "330106", [moves_right(people)])], actor=people["西湖一"])
