"""What cases add up to: facts of the indicators that processes measure (`measures`), as known on a day.

A flow (what happened within a period) has one source: its cases where there are any up to the period's end, else what was
observed, so that work done and typed figures are never added to one another. A stock (what there is by then) goes on from
the last stock observed before (期初存量): that, and the cases after its day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings
from django.db.models import Max, Min, QuerySet, Sum

from rongtong.apps.cases.models import Measured
from rongtong.apps.packs import queries as packs
from rongtong.engine.facts import Fact
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import MONTHS, Period
from rongtong.once import once


class _Row(NamedTuple):
    indicator: str
    place: str
    chain: str
    month: int
    value: int
    last: date


@once
def state() -> str:
    """A name of what has been measured: rows are only ever added, so the last one names all of them."""
    last = Measured.objects.order_by("-pk").values_list("pk", "event_id", "event__at").first()
    return "" if last is None else f"{last[0]}-{last[1]}-{last[2].timestamp()}"


Opening = Mapping[tuple[str, str], Sequence[Fact]]


def facts(indicators: Collection[str], periods: Collection[Period], as_of: date, opening: Opening) -> tuple[Fact, ...]:
    """A fact for every place with cases and every place above it, of the whole and of each chain.

    `opening` is (indicator, place) → the stocks observed there, the latest last.
    """
    pack = packs.current()
    codes = sorted(set(indicators) & measured(pack).keys())
    if not codes:
        return ()
    found = (
        Measured.objects.filter(indicator__in=codes, on__lte=as_of)
        .order_by()
        .values_list("indicator", "place", "chain", "month")
        .annotate(total=Sum("value"), last=Max("on"))
    )
    rows = [_Row(*row) for row in found]
    return tuple(fact for code in codes for period in periods for fact in _facts(pack, code, period, rows, opening))


def stocks(pack: Pack) -> frozenset[str]:
    """The indicators that processes measure and that say what there is by the end of a period."""
    return frozenset(c for c in measured(pack) if pack.get("indicators", c).aggregation.time == "last")


def _base(opening: Opening, code: str, place: str, period: Period) -> Fact | None:
    """The last stock observed there up to the month before the period ends, or for the period itself."""
    before = [f for f in opening.get((code, place), ()) if f.period.last_day <= period.last_day]
    return max(before, key=lambda f: f.period.last_day, default=None)


def _facts(pack: Pack, code: str, period: Period, rows: Iterable[_Row], opening: Opening) -> Iterator[Fact]:
    last_month = period.last_day.year * 100 + period.last_day.month
    stock = pack.get("indicators", code).aggregation.time == "last"
    first_month = 0 if stock else period.first_day.year * 100 + period.first_day.month
    sums: dict[tuple[str, str], int] = {}
    latest: dict[tuple[str, str], date] = {}
    bases: dict[str, Fact | None] = {}
    for row in rows:
        if row.indicator != code or not first_month <= row.month <= last_month:
            continue
        for place in _up(pack, row.place):
            if stock and place not in bases:
                bases[place] = _base(opening, code, place, period)
            for chain in {"", row.chain}:
                # What an observed stock holds already is not counted again; a chain has no opening of its own.
                base = bases.get(place) if not chain else None
                if base is not None and base.period != period:
                    # A stock stands until another is known, also where nothing came after it.
                    sums.setdefault((place, chain), 0)
                if base is None or row.month > base.period.last_day.year * 100 + base.period.last_day.month:
                    sums[place, chain] = sums.get((place, chain), 0) + row.value
                    latest[place, chain] = max(latest.get((place, chain), row.last), row.last)
    status = "synthetic" if settings.DEMO else "recorded"
    for (place, chain), value in sorted(sums.items()):
        source, base = f"{'、'.join(measured(pack)[code])}办件", bases.get(place) if not chain else None
        if base is None:
            yield Fact(code, place, period, value, status, latest[place, chain], source=source, chain=chain)
            continue
        stood = f"期初存量（{base.period.chinese}，{base.source or '观测值'}）"
        if (place, chain) not in latest:
            yield replace(base, period=period, source=f"{stood}，此后没有{source}")
            continue
        source, known = f"{stood}加此后的{source}", latest[place, chain]
        yield Fact(code, place, period, value + base.value, status, known, source=source, chain=chain)


def _up(pack: Pack, place: str) -> Iterator[str]:
    """A place and all above it, up to the place the pack is about."""
    here: str | None = place
    while here:
        yield here
        here = None if here == pack.manifest.root_place else pack.places.parent(here)


def periods(indicator: str, as_of: date) -> tuple[Period, ...]:
    """The periods an indicator has facts for: those of its card's frequency that are over, and the year to this month."""
    return periods_of_all(as_of, [indicator]).get(indicator, ())


def periods_of_all(as_of: date, indicators: Collection[str] | None = None) -> dict[str, tuple[Period, ...]]:
    """`periods` of all indicators that cases have added to, or of those given, in one query."""
    pack = packs.current()
    wanted = set(measured(pack)) if indicators is None else set(measured(pack)) & set(indicators)
    if not wanted:
        return {}
    rows = Measured.objects.filter(indicator__in=sorted(wanted), on__lte=as_of).order_by().values_list("indicator")
    return {code: _spans(pack, code, first, as_of) for code, first in rows.annotate(first=Min("on"))}


def _spans(pack: Pack, indicator: str, first: date, as_of: date) -> tuple[Period, ...]:
    lengths = {MONTHS[f] for f in pack.get("indicators", indicator).frequency if f in MONTHS}
    found = {Period(as_of.year, 1, as_of.month)}
    for year in range(first.year, as_of.year + 1):
        spans = [Period(year, start, months) for months in lengths for start in range(1, 13, months)]
        found |= {p for p in spans if first <= p.last_day <= as_of}
    return tuple(sorted(found))


def counted(as_of: date, chain: str = "") -> frozenset[str]:
    """The indicators that cases have added to, up to a day; of an industrial chain (产业链) those of that chain alone."""
    codes = measured(packs.current()).keys()
    rows = Measured.objects.filter(indicator__in=codes, on__lte=as_of).order_by().values_list("indicator", flat=True)
    if chain:
        rows = rows.filter(chain=chain)
    return frozenset(rows.distinct()) if codes else frozenset()


def measured(pack: Pack) -> Mapping[str, tuple[str, ...]]:
    """Indicator → the names of the processes in force that measure it."""
    return _measured(pack.fingerprint)


@lru_cache(maxsize=8)
def _measured(fingerprint: str) -> Mapping[str, tuple[str, ...]]:
    # The fingerprint keys the cache; the pack it names is the one in force.
    found: dict[str, list[str]] = {}
    for process in packs.current().all("processes"):
        for one in process.measures:
            names = found.setdefault(one.indicator, [])
            if process.name not in names:
                names.append(process.name)
    return {code: tuple(names) for code, names in found.items()}


def behind(indicator: str, place: str, period: Period, as_of: date, chain: str = "") -> QuerySet[Measured]:
    """The rows that a fact adds up, oldest first."""
    pack = packs.current()
    last = period.last_day.year * 100 + period.last_day.month
    rows = Measured.objects.filter(indicator=indicator, on__lte=as_of, month__lte=last)
    if pack.get("indicators", indicator).aggregation.time != "last":
        rows = rows.filter(month__gte=period.first_day.year * 100 + period.first_day.month)
    if chain:
        rows = rows.filter(chain=chain)
    inside = [p for p in pack.places.places if place in set(_up(pack, p))]
    return rows.filter(place__in=inside).exclude(value=0).select_related("case__definition").order_by("pk")
