"""Forecasts (年末预测) of a target from the part-year values known on a day, as vintages that are scored later."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from rongtong import clock
from rongtong.apps.observations import queries as observations
from rongtong.apps.packs import queries as packs
from rongtong.apps.planning import goals, queries
from rongtong.apps.planning.models import ForecastRecord
from rongtong.engine import nowcast as engine
from rongtong.engine.facts import Fact
from rongtong.engine.figure import Citation, Figure, Key
from rongtong.engine.nowcast.record import METHOD_WORDS
from rongtong.engine.pack.model import Indicator, Target
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period
from rongtong.engine.quantity import Quantity, Unit, decimal_text, unit

HISTORY_YEARS = 8


@dataclass(frozen=True, slots=True)
class Outlook:
    """The forecasts of a target's indicator for its year, made from one part-year period as known on a day."""

    target: Target
    card: Indicator
    period: Period
    made_from: Period
    as_of: date
    forecasts: tuple[engine.Forecast, ...]
    synthetic: bool
    vintage: date


def outlook(target_code: str, as_of: date | None = None) -> Outlook:
    """Compute the forecasts of a target. Raises queries.Unknown when there is no target or no part-year value."""
    pack = packs.current(as_of)
    target = pack.find("targets", target_code)
    if target is None:
        raise queries.Unknown(f"没有目标“{target_code}”。rongtong targets --year 年份 列出全部。")
    return _outlook(pack, target, as_of or clock.today())


def _outlook(pack: Pack, target: Target, as_of: date) -> Outlook:
    card, year = queries.card(pack, target.indicator), Period.parse(target.period)
    top = target.place
    parts = [
        p for p in observations.periods_of(card.code, as_of)
        if p.cumulative and p.year == year.year and p.months < 12 and observations.known([card.code], [p], as_of)
    ]  # fmt: skip
    if not parts:
        raise queries.Unknown(f"{card.name}在 {year} 年还没有截至 {as_of} 已知的累计值，无从预测。")
    part = max(parts, key=lambda p: p.months)
    years = [part.years_before(n) for n in range(HISTORY_YEARS)]
    facts = observations.known([card.code], [*years, *(p.whole_year for p in years)], as_of)
    by_key = {(f.place, f.period): f for f in facts if not f.subject and not f.chain}
    places = pack.places.at_level("city", top) or pack.places.children(top)
    series = [s for s in (_series(card, p, part, by_key) for p in (*places, top)) if s is not None]
    goal = goals.goals(pack, card, year, as_of)
    shown = unit(card.unit)
    forecasts = engine.nowcast(
        series,
        targets={p: g.quantity.amount / shown.factor for p, g in goal.items() if any(s.place == p for s in series)},
        elapsed=part.elapsed,
        total=top,
        quantum=Fraction(1, 10**card.decimals),
        unallocated=queries.UNALLOCATED,
    )
    vintage = max(f.known_from for f in facts)
    return Outlook(target, card, year, part, as_of, forecasts, any(f.status == "synthetic" for f in facts), vintage)


def _series(card: Indicator, place: str, part: Period, facts: dict[tuple[str, Period], Fact]) -> engine.Series | None:
    """A place's past years that have both the part and the full year, and this year's part."""
    now = facts.get((place, part))
    if now is None:
        return None
    shown = unit(card.unit)

    def number(fact: Fact) -> Fraction:
        return Quantity.stored(fact.value, shown).number

    past = []
    for back in range(1, HISTORY_YEARS):
        before = part.years_before(back)
        some, full = facts.get((place, before)), facts.get((place, before.whole_year))
        if some and full:
            past.append(engine.PastYear(before.year, number(some), number(full)))
    return engine.Series(place, tuple(past), number(now))


def shape(item: Outlook) -> dict[str, Any]:
    """The outlook as JSON; exact numbers as strings, probabilities between 0 and 1."""
    pack = packs.current()
    rows = [_row(f, item, pack) for f in item.forecasts]
    top = item.target.place
    return {
        "target": item.target.code,
        "indicator": item.card.code,
        "period": str(item.period),
        "made_from": str(item.made_from),
        "as_of": item.as_of.isoformat(),
        "unit": item.card.unit,
        "status": "synthetic" if item.synthetic else "forecast",
        "rows": [r for r in rows if r["place"] != top],
        "total": next((r for r in rows if r["place"] == top), None),
        "scores": scores(item.card, item.period, item.as_of),
    }


def scores(card: Indicator, period: Period, as_of: date) -> list[dict[str, Any]]:
    """How each kept forecast of a year did, once the year's own value is known; empty before that."""
    actual = {f.place: f for f in observations.known([card.code], [period], as_of) if not f.subject and not f.chain}
    kept = ForecastRecord.objects.filter(indicator=card.code, period=str(period), as_of__lte=as_of, value__isnull=False)
    out = []
    for record in kept.order_by("as_of", "place"):
        fact = actual.get(record.place)
        if fact is not None:
            found = engine.score(_kept(record, unit(card.unit)), Quantity.stored(fact.value, unit(card.unit)).number)
            out.append(
                {
                    "place": record.place,
                    "as_of": record.as_of.isoformat(),
                    "error": decimal_text(found.error, card.decimals),
                    "relative_error": decimal_text(found.relative_error * 100, 2),
                    "inside": found.inside,
                    "interval_score": decimal_text(found.interval_score, card.decimals),
                }
            )
    return out


def _kept(record: ForecastRecord, shown: Unit) -> engine.Forecast:
    """A kept vintage as the engine's record."""

    def number(value: int | None) -> Fraction | None:
        return None if value is None else Quantity.stored(value, shown).number

    body = json.loads(record.body)
    return engine.Forecast(
        place=record.place,
        method=record.method,
        part=Fraction(body["part"]),
        value=number(record.value),
        low=number(record.low),
        high=number(record.high),
        level=Fraction(record.level),
        target=Fraction(body["target"]) if body["target"] else None,
        probability=Fraction(record.probability) if record.probability else None,
        scenarios=(),
        years_used=tuple(body["years_used"]),
        adds_up=body["adds_up"],
        note=body["note"],
    )


def _row(f: engine.Forecast, item: Outlook, pack: Pack) -> dict[str, Any]:
    def text(value: Fraction | None) -> str | None:
        return None if value is None else decimal_text(value, item.card.decimals)

    return {
        "figure": str(Key(item.card.code, f.place, item.period, "forecast")),
        "place": f.place,
        "name": "未分到市" if f.place == queries.UNALLOCATED else pack.places.name(f.place),
        "method": f.method,
        "part": text(f.part),
        "value": text(f.value),
        "low": text(f.low),
        "high": text(f.high),
        "level": decimal_text(f.level),
        "target": text(f.target),
        "probability": None if f.probability is None else decimal_text(f.probability),
        "scenarios": [
            {
                "label": s.label,
                "value": text(s.value),
                "growth": None if s.growth is None else decimal_text(s.growth * 100, 1),
            }
            for s in f.scenarios
        ],
        "years_used": list(f.years_used),
        "adds_up": f.adds_up,
        "note": f.note,
    }


def figures(indicator: str, period: Period, as_of: date | None = None) -> dict[str, Figure]:
    """The last stored forecast's figures by id: value, low, high and probability of each place."""
    day = as_of or clock.today()
    pack = packs.current(as_of)
    card = queries.card(pack, indicator)
    rows = ForecastRecord.objects.filter(indicator=indicator, period=str(period), as_of__lte=day).order_by(
        "-as_of", "place"
    )
    newest = rows.first()
    if newest is None:
        return {}
    found: dict[str, Figure] = {}
    for record in rows.filter(as_of=newest.as_of):
        for figure in _record_figures(record, card, period):
            found[figure.id] = figure
    return found


def _record_figures(record: ForecastRecord, card: Indicator, period: Period) -> list[Figure]:
    shown = unit(card.unit)
    body = json.loads(record.body)
    status = "synthetic" if body.get("status") == "synthetic" else "forecast"
    made_from, method = Period.parse(record.made_from).chinese, METHOD_WORDS.get(record.method, record.method)
    cites = (Citation(note=f"由{made_from}的数推算，{record.as_of}，方法：{method}"),)
    out = []
    values = {"forecast": record.value, "forecast_low": record.low, "forecast_high": record.high}
    for measure, value in values.items():
        if value is not None:
            key = Key(card.code, record.place, period, measure)
            out.append(
                Figure(
                    key,
                    Quantity.stored(value, shown),
                    card.scope,
                    status,
                    "forecast",
                    cites=cites,
                    decimals=card.decimals,
                    known_from=record.as_of,
                )
            )
    if record.probability:
        key = Key(card.code, record.place, period, "probability")
        out.append(
            Figure(
                key,
                Quantity(Fraction(record.probability), unit("%")),
                "",
                status,
                "forecast",
                cites=cites,
                decimals=1,
                known_from=record.as_of,
            )
        )
    return out
