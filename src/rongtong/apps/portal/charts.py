"""The page's map and trend, from the same descriptions as the papers'."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

from django.urls import reverse

from rongtong import clock
from rongtong.apps.observations import queries as observations
from rongtong.apps.papers import charts
from rongtong.apps.planning import forecasting, queries
from rongtong.engine.figure import Key
from rongtong.engine.indicator import Board
from rongtong.engine.pack.read import Pack
from rongtong.engine.sentence import WHOLE

SHAPES = {"city": "shapes/cities.geojson", "county": "shapes/counties.geojson"}
TREND_POINTS = 12


def features(pack: Pack, level: str) -> dict[str, Any] | None:
    """The shapes of a level: properties code, name and label_point. None when the packs have none."""
    data = pack.loose(SHAPES.get(level, "")).get(SHAPES.get(level, ""))
    if data is None:
        return None
    found: dict[str, Any] = json.loads(data)
    for item in found["features"]:
        p = item["properties"]
        p["name"] = pack.places.name(p["code"])
        if "label_lon" in p:
            p["label_point"] = [p["label_lon"], p["label_lat"]]
    return found


def map_svg(board: Board, pack: Pack, level: str) -> str:
    """The map of growth, or of completion where there are goals; each region a link to its chain. "" without shapes."""
    measure = "completion" if any("completion" in r.figures for r in board.rows) else "yoy"
    values = {r.place: r.figures[measure].text if measure in r.figures else None for r in board.rows}
    known = [Fraction(v) for v in values.values() if v is not None]
    shapes = features(pack, level)
    if shapes is None or not known:
        return ""
    key = tuple(sorted(values.items()))
    middle = board.total.figures[measure].text if measure in board.total.figures else None
    whole = WHOLE[pack.places.get(board.total.place).level]
    links = tuple(
        (p, reverse("why", args=[str(Key(board.card.code, p, board.period, "value", board.chain))])) for p in values
    )
    title = f"{board.period.chinese}{board.card.name}{'完成率' if measure == 'completion' else '同比'}"
    return _map(pack.fingerprint, level, key, middle, title, whole, links, json.dumps(shapes, sort_keys=True))


def breaks(values: list[Fraction], middle: Fraction | None) -> list[str]:
    """Class bounds on round numbers around the whole's own value."""
    low, high = min(values), max(values)
    span = high - low
    step = next((s for s in (1, 2, 5, 10, 20, 50) if span / s <= 5), 100)
    first = (low // step + 1) * step
    bounds = [first + i * step for i in range(8) if first + i * step < high]
    own = middle if middle is not None else (low + high) / 2
    return [str(b) for b in bounds if abs(b - own) >= Fraction(step, 3)]


@lru_cache(maxsize=64)
def _map(
    fingerprint: str,
    level: str,
    values: tuple[tuple[str, str | None], ...],
    middle: str | None,
    title: str,
    whole: str,
    links: tuple[tuple[str, str], ...],
    shapes: str,
) -> str:
    known = [Fraction(v) for _, v in values if v is not None]
    return charts.svg(
        charts.choropleth(
            json.loads(shapes),
            dict(values),
            breaks=breaks(known, Fraction(middle) if middle else None),
            middle=middle,
            title=title,
            unit="%",
            links=dict(links),
            whole=whole,
            width=470,
            height=470,
        )
    )


def trend_svg(board: Board) -> str:
    """The total's full years and this year's forecast, or its last periods of the same span. "" with one point."""
    code, top, today = board.card.code, board.total.place, clock.today()
    periods = [p for p in observations.periods_of(code, today) if p.months == 12] or [board.period]
    points = []
    for period in periods[-TREND_POINTS:]:
        value = queries.monitor(queries.Asked(code, period)).total.figures.get("value")
        if value:
            points.append((str(period), value.text))
    year = board.period.whole_year
    forecast: Mapping[str, Any] = forecasting.figures(code, year)
    ids = [str(Key(code, top, year, m)) for m in ("forecast_low", "forecast", "forecast_high")]
    band = [(f"{year}", *(forecast[i].text for i in ids))] if all(i in forecast for i in ids) else []
    if len(points) + len(band) < 3:
        return ""
    return _trend(tuple(points), tuple(band), f"{board.card.name}历年与全年预测", board.card.unit)


@lru_cache(maxsize=64)
def _trend(
    points: tuple[tuple[str, str], ...], band: tuple[tuple[str, str, str, str], ...], title: str, unit: str
) -> str:
    return charts.svg(charts.trend(points, band, title=title, unit=unit, width=1100, height=150))
