"""The cockpit's map, ranking bars, structure and trend, from the same descriptions as the papers'."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any

from rongtong.apps.papers import charts
from rongtong.apps.papers.form import em
from rongtong.apps.papers.palette import INK, MUTED, Spec
from rongtong.engine.figure import Figure
from rongtong.engine.indicator import Board
from rongtong.engine.pack.read import Pack
from rongtong.engine.sentence import WHOLE

SHAPES = {"city": "shapes/cities.geojson", "county": "shapes/counties.geojson"}
MEASURE_WORDS = {"yoy": "同比", "completion": "完成率", "value": "数额"}
MAP_SIZE = (470, 430)
TREND_SIZE = (560, 150)
WALL_TREND_SIZE = (340, 190)
STRUCTURE_WIDTH = 270
# Shares of the map's width and height at which a corner is looked at.
SAMPLES = tuple((across, up) for across in (0.02, 0.14, 0.26) for up in (0.02, 0.17, 0.32))
TITLE_SIZE, FOOT_SIZE = 15, 11  # of a chart that is handed out
LABEL = (42, 30)  # pixels a label of two lines takes


def features(pack: Pack, level: str, order: Sequence[str]) -> dict[str, Any] | None:
    """The shapes of these places in this order: properties code, name and label_point. None when the packs have none."""
    data = pack.loose(SHAPES.get(level, "")).get(SHAPES.get(level, ""))
    if data is None:
        return None
    found: dict[str, Any] = json.loads(data)
    by_code = {str(item["properties"]["code"]): item for item in found["features"]}
    chosen = [by_code[code] for code in order if code in by_code]
    for item in chosen:
        p = item["properties"]
        p["name"] = pack.places.name(p["code"])
        if "label_lon" in p:
            p["label_point"] = [p["label_lon"], p["label_lat"]]
    return {**found, "features": chosen} if chosen else None


def title(board: Board, measure: str) -> str:
    return f"{board.period.chinese}{board.card.name}{MEASURE_WORDS[measure]}"


def shown(figure: Figure, measure: str) -> str:
    """The text of a measure, growth with its sign."""
    return f"+{figure.text}" if measure == "yoy" and Fraction(figure.text) > 0 else figure.text


def _unit(board: Board, measure: str) -> str:
    return board.card.unit if measure == "value" else "%"


def _whole(board: Board, pack: Pack, measure: str) -> tuple[str, str | None]:
    """The word for the whole and its own value, which parts the colours; a whole's amount parts nothing."""
    own = board.total.figures.get(measure) if measure != "value" else None
    return WHOLE[pack.places.get(board.total.place).level], own.text if own else None


def map_spec(board: Board, pack: Pack, measure: str, order: Sequence[str], links: Mapping[str, str]) -> Spec | None:
    """The map of a measure; `order` is the order of the regions and of their links. None without shapes or values."""
    values = {r.place: shown(r.figures[measure], measure) if measure in r.figures else None for r in board.rows}
    known = [Fraction(v) for v in values.values() if v is not None]
    level = pack.places.get(board.rows[0].place).level if board.rows else ""
    shapes = features(pack, level, order)
    if shapes is None or not known:
        return None
    whole, middle = _whole(board, pack, measure)
    width, height = MAP_SIZE
    spec = charts.choropleth(
        shapes,
        values,
        breaks=breaks(known, Fraction(middle) if middle else None),
        middle=middle,
        title=title(board, measure),
        unit=_unit(board, measure),
        links=links,
        whole=whole,
        width=width,
        height=height,
    )
    legend = spec["layer"][0]["encoding"]["fill"]["legend"]
    legend.update({"orient": free_corner(shapes["features"]), "title": None, "rowPadding": 2, "offset": 0})
    return thin_labels(spec)


def thin_labels(spec: Spec) -> Spec:
    """The map without labels that would lie on others; one that does not fit its region gives way first."""
    corners = [p for s in spec["layer"][0]["data"]["values"] for p in _points(s["geometry"]["coordinates"])]
    across = max(p[0] for p in corners) - min(p[0] for p in corners)
    up = max(p[1] for p in corners) - min(p[1] for p in corners)
    scale = min(spec["width"] / (across or 1), spec["height"] / (up or 1))
    kept: list[Spec] = []
    labels = {id(p): p for layer in spec["layer"][1:] for p in layer["data"]["values"]}
    for point in sorted(labels.values(), key=lambda p: bool(p["tight"])):
        near = [
            abs(point["x"] - k["x"]) * scale < LABEL[0] and abs(point["y"] - k["y"]) * scale < LABEL[1] for k in kept
        ]
        if not any(near):
            kept.append(point)
    shown = {id(p) for p in kept}
    for layer in spec["layer"][1:]:
        layer["data"]["values"] = [p for p in layer["data"]["values"] if id(p) in shown]
    return spec


def free_corner(items: Sequence[Mapping[str, Any]]) -> str:
    """Where the legend covers no region: a corner of the map, or "right" of it when none is free."""
    points = [(p[0], p[1]) for item in items for p in _points(item["geometry"]["coordinates"])]
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    outlines = [ring for item in items for ring in _rings(item["geometry"]["coordinates"])]
    taken = {
        f"{end}-{side}": sum(
            _inside(outlines, west + (east - west) * (left + across), south + (north - south) * (low + up))
            for across, up in SAMPLES
        )
        for side, left in (("right", 0.72), ("left", 0.0))
        for end, low in (("bottom", 0.0), ("top", 0.66))
    }
    best = min(taken, key=lambda corner: taken[corner])
    return best if taken[best] <= 2 else "right"


def _rings(coordinates: Any) -> Iterable[Sequence[Sequence[float]]]:
    if isinstance(coordinates[0][0], int | float):
        yield coordinates
        return
    for part in coordinates:
        yield from _rings(part)


def _inside(rings: Iterable[Sequence[Sequence[float]]], x: float, y: float) -> bool:
    """Whether a point lies in the regions; even-odd over all rings."""
    inside = False
    for ring in rings:
        for a, b in pairwise(ring):
            if (a[1] > y) != (b[1] > y) and x < (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0]:
                inside = not inside
    return inside


def _points(coordinates: Any) -> Iterable[Sequence[float]]:
    if isinstance(coordinates[0], int | float):
        yield coordinates
        return
    for part in coordinates:
        yield from _points(part)


def breaks(values: list[Fraction], middle: Fraction | None) -> list[str]:
    """Class bounds on round numbers around the whole's own value."""
    low, high = min(values), max(values)
    span = high - low
    step = next((s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000) if span / s <= 5), 5000)
    first = (low // step + 1) * step
    bounds = [first + i * step for i in range(8) if first + i * step < high]
    own = middle if middle is not None else low - step
    return [str(b) for b in bounds if abs(b - own) >= Fraction(step, 3)] or ([] if middle is not None else [str(low)])


def ranking_spec(board: Board, pack: Pack, measure: str, order: Sequence[str]) -> Spec:
    """One bar per place with its shown value, for what is handed out."""
    rows = {r.place: (r.name, r.figures[measure].text if measure in r.figures else None) for r in board.rows}
    whole, middle = _whole(board, pack, measure)
    name = f"{title(board, measure)}位次"
    return charts.ranking_bars(
        [rows[p] for p in order], middle=middle, title=name, unit=_unit(board, measure), whole=whole
    )


def structure_spec(rows: Sequence[tuple[str, str | None]], rest: tuple[str, str] | None, name: str, unit: str) -> Spec:
    """One bar per part with its shown value, and what is in none of them below."""
    return charts.ranking_bars(rows, middle=None, title=name, unit=unit, rest=rest, width=STRUCTURE_WIDTH)


def trend_spec(
    points: Sequence[tuple[str, str | None]],
    band: Sequence[tuple[str, str, str, str]],
    name: str,
    unit: str,
    size: tuple[int, int],
) -> Spec:
    """A line through the shown values, and the forecast's band."""
    width, height = size
    spec = charts.trend(points, band, title=name, unit=unit, width=width, height=height)
    for layer in spec["layer"]:
        if layer["mark"]["type"] == "area":
            layer["mark"]["opacity"] = 0.3
    return spec


def framed(spec: Spec, name: str, foot: str) -> Spec:
    """A description that stands alone, as in somebody's document: its name above, a line of small print below."""
    around = {key: spec[key] for key in ("$schema", "background", "config")}
    inner = {key: value for key, value in spec.items() if key not in (*around, "description")}
    below = _broken(foot, spec["width"], FOOT_SIZE)
    small = {"align": "left", "baseline": "top", "x": 0, "y": 0, "fontSize": FOOT_SIZE, "color": MUTED, "aria": False}
    line = {
        "data": {"values": [{}]},
        "width": spec["width"],
        "height": FOOT_SIZE * 4 / 3 * len(below),
        "mark": {"type": "text", "text": below, "lineHeight": FOOT_SIZE * 4 / 3, **small},
    }
    title = {"text": _broken(name, spec["width"], TITLE_SIZE), "anchor": "start", "fontSize": TITLE_SIZE, "color": INK}
    description = f"{name}。{spec['description']}{foot}"
    return {**around, "description": description, "title": title, "padding": 12, "vconcat": [inner, line]}


def _broken(text: str, width: int, size: int) -> list[str]:
    """`text` in lines of at most so many pixels, at this size."""
    lines = [""]
    for piece in re.findall(r"[!-~]+|.", text):
        if lines[-1] and em(lines[-1] + piece) * size > width and piece not in "，。；：）、":
            lines.append("")
        lines[-1] += piece
    return lines


def svg(spec: Spec) -> str:
    """A description as SVG text, kept by what it says."""
    return _svg(json.dumps(spec, ensure_ascii=False))


def png(spec: Spec) -> bytes:
    """A description as PNG at twice the size of the page."""
    return charts.png(spec)


@lru_cache(maxsize=128)
def _svg(spec: str) -> str:
    return charts.svg(json.loads(spec))
