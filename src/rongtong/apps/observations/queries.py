"""Reading observations: a Parquet snapshot of them, the facts known on a day, and who was reminded to file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from django.conf import settings

from rongtong import clock
from rongtong.apps.cases import measuring
from rongtong.apps.cases import queries as cases
from rongtong.apps.cases.models import Case
from rongtong.apps.observations.collecting import PROCESS, Task, own_places, tasks
from rongtong.apps.observations.models import Observation, Reminder
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.models import Account
from rongtong.clock import LOCAL
from rongtong.engine import facts
from rongtong.engine.facts import Fact
from rongtong.engine.period import Period
from rongtong.once import once

ENGINES = ("duckdb", "spark")


@once
def state() -> str:
    """A name of the table's content and of what cases measured: rows are only ever added, so the last ones name all.

    The moments are part of the name, because numbers come again after a rollback.
    """
    counted = measuring.state()
    return _observed() + (f"-{counted}" if counted else "")


@once
def _observed() -> str:
    last = Observation.objects.order_by("-pk").values_list("pk", "batch__sha256", "batch__recorded_at").first()
    if last is None:
        return "empty"
    return f"{last[0]}-" + sha256(f"{last}{settings.DATABASES['default']['NAME']}".encode()).hexdigest()[:16]


def _rows() -> Iterator[tuple[object, ...]]:
    for o in Observation.objects.order_by("pk").iterator(chunk_size=5000):
        yield (
            o.pk, o.indicator, o.place, o.chain, o.subject, o.funds, o.use, o.start, o.months, o.value, o.status,
            o.known_from.isoformat(), o.recorded_at.astimezone(LOCAL).date().isoformat(), o.late,
            o.evidence, o.source,
        )  # fmt: skip


def snapshot() -> Path:
    """The Parquet file of all observations, written once per state of the table."""
    path = Path(settings.HOME) / "snapshots" / f"facts-{_observed()}.parquet"
    if not path.exists():
        facts.write_parquet(_rows(), path)
        for old in path.parent.glob("facts-*.parquet"):
            if old != path:
                old.unlink(missing_ok=True)
    return path


def known(
    indicators: Iterable[str], periods: Iterable[Period], as_of: date, engine: str = "duckdb"
) -> tuple[Fact, ...]:
    """The facts known on `as_of` for these indicators and periods, by the engine named; the same digits on each.

    Where cases measured a flow up to a period, they are its only source for that period; a stock goes on from the last one
    observed.
    """
    codes, spans = tuple(sorted(set(indicators))), tuple(sorted(set(periods)))
    observed = _known(snapshot(), codes, spans, as_of, engine)
    if not measuring.counted(as_of).intersection(codes):
        return observed
    stocks = measuring.stocks(packs.current())
    counted = measuring.facts(codes, spans, as_of, _opening(tuple(c for c in codes if c in stocks), as_of, engine))
    own = {(f.indicator, f.period, f.place if f.indicator in stocks else "") for f in counted}
    kept = (f for f in observed if (f.indicator, f.period, f.place if f.indicator in stocks else "") not in own)
    return tuple(sorted((*kept, *counted), key=_order))


def _opening(codes: tuple[str, ...], as_of: date, engine: str) -> measuring.Opening:
    """(indicator, place) → the stocks observed there, as known on a day."""
    found: dict[tuple[str, str], list[Fact]] = {}
    spans = tuple(sorted({p for code in codes for p in _periods_of(_observed(), code, as_of)}))
    for fact in _known(snapshot(), codes, spans, as_of, engine) if spans else ():
        if not fact.chain and not fact.subject:
            found.setdefault((fact.indicator, fact.place), []).append(fact)
    return found


@lru_cache(maxsize=256)
def _known(
    path: Path, indicators: tuple[str, ...], periods: tuple[Period, ...], as_of: date, engine: str
) -> tuple[Fact, ...]:
    query = facts.known("facts", as_of=as_of, indicators=indicators, periods=periods)
    run = {"duckdb": facts.run_duckdb, "spark": facts.run_spark}[engine]
    return tuple(sorted((facts.as_fact(row) for row in run(query, path)), key=_order))


def _order(fact: Fact) -> tuple[object, ...]:
    return (fact.indicator, fact.place, fact.chain, fact.subject, fact.period, fact.known_from)


def latest_period(indicator: str, as_of: date) -> Period | None:
    """The last period the indicator has a value for, as known on `as_of`; of one that cases add to, the year so far."""
    if indicator in measuring.counted(as_of):
        return Period(as_of.year, 1, as_of.month)
    row = (
        Observation.objects.filter(indicator=indicator, known_from__lte=as_of)
        .order_by("-start", "-months")
        .values_list("start", "months")
        .first()
    )
    return Period(row[0] // 100, row[0] % 100, row[1]) if row else None


def periods_of(indicator: str, as_of: date) -> tuple[Period, ...]:
    """Every period the indicator has a value for, as known on `as_of`, oldest first."""
    return tuple(sorted(_periods_of(_observed(), indicator, as_of).union(measuring.periods(indicator, as_of))))


@lru_cache(maxsize=512)
def _periods_of(observed: str, indicator: str, as_of: date) -> frozenset[Period]:
    # The first argument is the state the answer depends on; it keys the cache.
    rows = (
        Observation.objects.filter(indicator=indicator, known_from__lte=as_of)
        .order_by()
        .values_list("start", "months")
        .distinct()
    )
    return frozenset(Period(start // 100, start % 100, months) for start, months in rows)


def of_chain(chain: str, as_of: date) -> dict[str, Period]:
    """The indicators with a value for an industrial chain (产业链) known on a day, by code, each with the last period of one."""
    rows = (
        Observation.objects.filter(chain=chain, known_from__lte=as_of)
        .order_by("start", "months")
        .values_list("indicator", "start", "months")
        .distinct()
    )
    found = {code: Period(start // 100, start % 100, months) for code, start, months in rows}
    return dict(
        sorted((found | dict.fromkeys(measuring.counted(as_of, chain), Period(as_of.year, 1, as_of.month))).items())
    )


def codes_with_values(as_of: date) -> tuple[str, ...]:
    """The indicators that have any value known on a day."""
    rows = Observation.objects.filter(known_from__lte=as_of).order_by().values_list("indicator", flat=True).distinct()
    return tuple(sorted({*rows, *measuring.counted(as_of)}))


@dataclass(frozen=True, slots=True)
class Reminded:
    """An office was asked to file and has not: what, where, by whom, and the case if the slice was opened."""

    task: Task
    place: str
    by: str
    at: datetime
    note: str
    case: Case | None


@dataclass(frozen=True, slots=True)
class Unstarted:
    """A table whose window has opened and that an office has not begun to fill; `days_left` counts working days."""

    task: Task
    place: str
    days_left: int

    @property
    def late(self) -> bool:
        return self.days_left < 0


def unstarted(account: Account) -> tuple[Unstarted, ...]:
    """The tables this account's own office has still to begin, the one due first leading."""
    own = own_places(account)
    asked = [(t, p) for t in tasks() for p in t.places if p in own] if own else []
    if not asked:
        return ()
    begun = set(Case.objects.filter(process=PROCESS, place__in=own).values_list("key", flat=True))
    left = [(t, p) for t, p in asked if t.slice_key(p) not in begun]
    made = [Unstarted(t, p, cases.days_left(t.due, clock.today())) for t, p in left]
    return tuple(sorted(made, key=lambda u: (u.task.due, u.task.key, u.place)))


def reminders(account: Account) -> tuple[Reminded, ...]:
    """What this account's own office was reminded of and has not submitted, the latest reminder of each slice."""
    own = own_places(account)
    if not own:
        return ()
    open_tasks = {t.key: t for t in tasks()}
    last: dict[str, Reminder] = {}
    for row in Reminder.objects.filter(place__in=own).select_related("by").order_by("pk"):
        if f"{row.collection}/{row.period}" in open_tasks:
            last[f"{row.collection}/{row.period}/{row.place}"] = row
    found = {c.key: c for c in Case.objects.filter(process=PROCESS, key__in=last)}
    made = []
    for key, row in last.items():
        case = found.get(key)
        if case is None or case.stage == "filling":
            task = open_tasks[f"{row.collection}/{row.period}"]
            made.append(Reminded(task, row.place, row.by.name, row.at, row.note, case))
    return tuple(made)
