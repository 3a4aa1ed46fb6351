"""Writing whole histories at once (成批补写历史): what `actions` would have written step by step, in one transaction.

For moving from another system, and for demonstrations and measurements of a year's size. Every step is checked as when it is
made: form, stage, guard, separation of duties, role (by the grants of today). The leaves of the steps bear the moments of
the history, in their order; the leaf of the act itself, after them, says on which day and by whom they were written and
how many they are. All or nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, models

from rongtong.apps.cases.histories import History, Move, ReplayError, World
from rongtong.apps.cases.models import Band, Case, Event, Label, Link, Measured, Obligation, Participant
from rongtong.apps.cases.replayed import Left, Past
from rongtong.apps.cases.steps import subject
from rongtong.apps.packs import queries as packs
from rongtong.apps.records import log
from rongtong.apps.records.actions import act
from rongtong.apps.registry.actions import system_account
from rongtong.apps.registry.models import Account

KIND = "cases.replay"
BATCH = 2000


@dataclass(slots=True)
class Replayed:
    """What was written: cases, their steps, and the sequence of the first and last leaf of a step."""

    cases: int = 0
    events: int = 0
    first: int = 0
    last: int = 0


def replay(histories: Iterable[History], *, actor: Account, synthetic: bool = False) -> Replayed:
    """Write histories, which come in the order of their opening; `synthetic` marks every leaf of them as made up.

    They are taken one by one as their time comes, so that they may be made while they are written. The log is held from
    the first batch on. Raises ReplayError, naming the case and the step, and Denied.
    """
    with act(KIND, actor=actor) as this, packs.supposing(packs.current()):
        batch = _Batch(synthetic)
        world = World(system_account(), _numbers(Case), _numbers(Event))
        for past, move in _in_order(world, histories):
            batch.left += past.step(move)
            if len(batch.left) >= BATCH:
                batch.write()
            batch.moved(past)
        batch.write()
        done = batch.done
        this.payload |= {"cases": done.cases, "steps": done.events, "first": done.first, "last": done.last}
        this.payload["synthetic"] = synthetic
    return done


@dataclass(order=True, slots=True)
class _Next:
    """The next step of a history: by its moment, then by the order in which the histories began."""

    at: datetime
    number: int
    past: Past = field(compare=False)
    move: Move = field(compare=False)
    rest: Iterator[Move] = field(compare=False)


def _begun(world: World, histories: Iterable[History]) -> Iterator[_Next]:
    last = None
    for number, history in enumerate(histories):
        rest = iter(history.moves)
        first = next(rest, None)
        if first is None:
            raise ReplayError(f"{history.process} {history.key}：没有步骤。")
        if last is not None and first.at < last:
            raise ReplayError(f"{history.process} {history.key} 开始于 {first.at}，早于前一件 {last}；请按先后给出。")
        last = first.at
        yield _Next(first.at, number, Past(world, history), first, rest)


def _in_order(world: World, histories: Iterable[History]) -> Iterator[tuple[Past, Move]]:
    """Every step of every history in the order of their moments; `past.over` with the last of a case."""
    waiting: list[_Next] = []
    coming = _begun(world, histories)
    begun = next(coming, None)
    while begun is not None or waiting:
        while begun is not None and (not waiting or begun.at <= waiting[0].at):
            heapq.heappush(waiting, begun)
            begun = next(coming, None)
        now = heapq.heappop(waiting)
        move, after = now.move, next(now.rest, None)
        now.past.over = after is None
        yield now.past, move
        if after is not None:
            # A moment before this one is refused by the step itself.
            heapq.heappush(waiting, _Next(max(now.at, after.at), now.number, now.past, after, now.rest))


@dataclass(slots=True)
class _Batch:
    """Steps and cases that wait to be written."""

    synthetic: bool
    left: list[Left] = field(default_factory=list)
    over: list[Past] = field(default_factory=list)
    done: Replayed = field(default_factory=Replayed)

    def moved(self, past: Past) -> None:
        """A step of this case was made; the case is written after its last."""
        if past.over:
            past.close()
            self.over.append(past)

    def write(self) -> None:
        """Write what waits. Foreign keys are checked at the end of the transaction, so a case may come after its steps."""
        entries = [self._entry(each) for each in self.left]
        if entries:
            leaves = log.append(entries)
            for each, leaf in zip(self.left, leaves, strict=True):
                each.event.leaf_id = leaf.sequence
            self.done.first = self.done.first or leaves[0].sequence
            self.done.last = leaves[-1].sequence
        _create(Case, [p.case for p in self.over])
        _create(Event, [each.event for each in self.left])
        _create(Measured, [row for p in self.over for row in p.measured])
        _create(Obligation, [row for p in self.over for row in p.obligations])
        _create(Participant, [row for p in self.over for row in p.participants])
        _create(Link, [row for p in self.over for row in p.links])
        _create(Label, [row for p in self.over for row in p.label_rows()])
        _create(Band, [row for p in self.over for row in p.bands()])
        self.done.cases += len(self.over)
        self.done.events += len(self.left)
        self.left, self.over = [], []

    def _entry(self, left: Left) -> log.Entry:
        case = left.past.case
        if self.synthetic:
            left.payload["synthetic"] = True
        return log.Entry(left.event.at, left.actor, left.kind, case.place, subject(case), left.payload)


def _create(model: type[models.Model], rows: Sequence[models.Model]) -> None:
    model._base_manager.bulk_create(rows, batch_size=BATCH)


def _numbers(model: type[models.Model]) -> Callable[[], int]:
    """A source of primary keys that nobody else is given. Runs inside the transaction that writes them."""
    table = model._meta.db_table

    def numbers() -> Iterator[int]:
        if connection.vendor == "postgresql":
            while True:
                with connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, BATCH]
                    )
                    yield from (row[0] for row in cursor.fetchall())
        # The embedded store has one writer. Numbers of rows that were deleted are not given again.
        with connection.cursor() as cursor:
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
            row = cursor.fetchone()
        last = row[0] if row else 0
        while True:
            last += 1
            yield last

    source = numbers()
    return lambda: next(source)
