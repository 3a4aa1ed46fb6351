"""Collection tasks (填报任务): which tables are open for which periods, from when to when, and who fills them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from django.conf import settings

from rongtong import clock
from rongtong.apps.cases.holding import reach
from rongtong.apps.cases.queries import calendar
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.models import Account
from rongtong.engine.pack.plan import Collection
from rongtong.engine.period import MONTHS, Period

PROCESS = "collection"
FREQUENCIES = {"month": "月", "quarter": "季", "half": "半年", "year": "年"}


class NoTask(Exception):
    """There is no such table or its window is not open; the message says so."""


@dataclass(frozen=True, slots=True)
class Task:
    """One table for one period: filled from `opens` to `due`, reviewed by the cities to `city_due` (county tables)."""

    collection: Collection
    period: Period
    opens: date
    due: date
    city_due: date | None

    @property
    def key(self) -> str:
        return f"{self.collection.code}/{self.period}"

    @property
    def window(self) -> str:
        """The days from and to which it is filled, as shown beside each of its places: 01-31 至 02-15."""
        return f"{self.opens:%m-%d} 至 {self.due:%m-%d}"

    @property
    def frequency(self) -> str:
        return FREQUENCIES[self.collection.frequency]

    @property
    def status(self) -> str:
        """The status of what is approved. In a demonstration every filed figure is a demonstration figure."""
        return "synthetic" if settings.DEMO else self.collection.status

    @property
    def places(self) -> tuple[str, ...]:
        """The places that fill it, in order of code."""
        return _places(packs.current().fingerprint, self.collection.level, self.period.last_day)

    def slice_key(self, place: str) -> str:
        """The key of the case of one place."""
        return f"{self.key}/{place}"


@lru_cache(maxsize=64)
def _places(fingerprint: str, level: str, day: date) -> tuple[str, ...]:
    # The fingerprint keys the cache: the tree of places is the pack's.
    return packs.current().places.at_level(level, day=day)


def tasks() -> tuple[Task, ...]:
    """Every task whose window has opened by today, the newest period first."""
    return _tasks(packs.current().fingerprint, clock.today())


@lru_cache(maxsize=8)
def _tasks(fingerprint: str, today: date) -> tuple[Task, ...]:
    found = [t for c in packs.current().all("collections") for t in _of(c, today)]
    return tuple(sorted(found, key=lambda t: t.period.last_day, reverse=True))


def _of(collection: Collection, today: date) -> list[Task]:
    found = []
    step, at = MONTHS[collection.frequency], Period.parse(collection.since)
    days = calendar()
    while (opens := at.last_day + timedelta(days=collection.opens_after_days)) <= today:
        asked = Period(at.year, 1, at.month + at.months - 1) if collection.cumulative else at
        city = collection.level == "county"
        found.append(
            Task(
                collection,
                asked,
                opens,
                days.add_workdays(at.last_day, collection.due_workdays),
                days.add_workdays(at.last_day, collection.city_due_workdays) if city else None,
            )
        )
        month = at.year * 12 + at.month - 1 + step
        at = Period(month // 12, month % 12 + 1, step)
    return found


def task(collection: str, period: str) -> Task:
    """The open task of a table and period. Raises NoTask."""
    found = next((t for t in tasks() if t.key == f"{collection}/{period}"), None)
    if found is None:
        raise NoTask(f"没有“{collection}”{period} 的填报任务，或还没有到填报日期。")
    return found


def task_of_key(key: str) -> Task:
    """The task of a slice's key. Raises NoTask."""
    collection, _, rest = key.partition("/")
    return task(collection, rest.partition("/")[0])


def asking(indicator: str, place: str, period: Period) -> Collection | None:
    """The table by which this place files this indicator for this period, open yet or not; None where none asks."""
    pack = packs.current()
    tables: tuple[Collection, ...] = pack.all("collections")
    for found in tables:
        if not _asks_for(found, period) or all(item.indicator != indicator for item in found.items):
            continue
        if place in _places(pack.fingerprint, found.level, period.last_day):
            return found
    return None


def _asks_for(collection: Collection, period: Period) -> bool:
    first, step = Period.parse(collection.since), MONTHS[collection.frequency]
    end, first_end = (p.year * 12 + p.month + p.months for p in (period, first))
    regular = end >= first_end and (end - first_end) % step == 0
    return regular and (period.cumulative if collection.cumulative else period.months == step)


def own_places(account: Account) -> frozenset[str]:
    """The places an account fills for: those it holds an office of, not those below them."""
    offices = ("county_officer", "city_officer")
    return frozenset(place for role, place in reach(account).grants if role in offices) - {""}
