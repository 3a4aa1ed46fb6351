"""Charts of the pages and of the papers: one Vega-Lite description each, rendered here to SVG and PNG.

Every function takes plain data and gives a dict; nothing is computed by the renderer, so a label always says what it
was given. Values are shown text ("+8.8"), exact numbers, or None for 未报. A class or an order is decided on the shown
value with exact fractions; floats only set the length of a bar. White, ink and one blue; brown is below, grey is 未报.
"""

import functools
import json
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from rongtong.apps.papers.maplayers import classes, map_layers, region_label
from rongtong.apps.papers.palette import (
    ABOVE,
    BELOW,
    BLUE,
    HAIRLINE,
    INK,
    MISSING,
    MUTED,
    PARTS,
    UNREPORTED,
    Shown,
    Spec,
    exact,
)
from rongtong.apps.papers.shapes import Flat, flatten, label_point

__all__ = ["choropleth", "png", "ranking_bars", "stacked_bar", "svg", "trend"]

FONT = "Rongtong Sans, Noto Sans CJK SC, Microsoft YaHei, sans-serif"
FONT_DIRECTORY = Path(__file__).parent / "fonts"
CROWDED = 20  # with more regions than this a label that does not fit its region is left out
# vl-convert puts its own address before a relative link; ours goes out with an address of ours and comes back bare.
LINK_BASE = "https://link.invalid"
ROLES = {
    "group mark container": "图组",
    "shape mark container": "区域组",
    "rect mark container": "条形组",
    "line mark container": "折线",
    "area mark container": "区间",
    "symbol mark container": "数据点",
    "geoshape": "区域",
    "bar": "条形",
    "point": "数据点",
}


def _spec(title: str, description: str, width: int, height: int, body: Spec) -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": f"{title}。{description}",
        "width": width,
        "height": height,
        "background": "white",
        "config": {
            "font": FONT,
            "view": {"stroke": None},
            "axis": {
                "aria": False,
                "labelColor": INK,
                "titleColor": MUTED,
                "labelFontSize": 12,
                "titleFontSize": 12,
                "titleFontWeight": "normal",
                "domainColor": HAIRLINE,
                "tickColor": HAIRLINE,
                "gridColor": "#e8ecef",
                "labelLimit": 240,
            },
            # Axes and legends are silent: the whole and its marks speak, and the renderer would describe these in English.
            "legend": {"aria": False, "labelColor": INK, "titleColor": INK, "labelFontSize": 12, "titleFontSize": 12},
            "text": {"color": INK, "fontSize": 12},
        },
        **body,
    }


def _link(url: str) -> str:
    return url if re.match(r"https?://", url) else LINK_BASE + url


def _number(value: Fraction | None) -> float | None:
    """For lengths only; labels show the text they were given."""
    return None if value is None else float(value)


def choropleth(
    features: Mapping[str, Any],
    values: Mapping[str, Shown],
    *,
    breaks: Sequence[Shown],
    middle: Shown,
    title: str,
    unit: str,
    links: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    whole: str = "全省",
    description: str = "",
    width: int = 430,
    height: int = 420,
) -> Spec:
    """A map whose two colours part at the value of the `whole`, so better and worse are seen at a glance.

    `features` is a GeoJSON FeatureCollection with `code` and `name` (and, if wanted, `label_point` as longitude and
    latitude) per feature. A region without a value is grey and says 未报. `labels` names the regions to be labelled,
    all by default; on a crowded map only those whose label fits. `links` make a region a link.
    """
    items = list(features["features"])
    flats, shrink = flatten(items)
    bounds, steps = classes(breaks, middle, whole)
    names, scale = list(steps), _scale(flats, width, height)
    suffix = unit if unit in ("%", "‰") else ""
    shapes: list[Spec] = []
    points: list[Spec] = []
    sentences = [] if middle is None else [f"{whole}：{middle}{unit}"]
    for item, flat in zip(items, flats, strict=True):
        code, name = str(item["properties"]["code"]), str(item["properties"]["name"])
        shown = values.get(code)
        value = exact(shown, name)
        step = MISSING if value is None else names[sum(bound <= value for bound in bounds)]
        sentences.append(f"{name}：{MISSING}" if value is None else f"{name}：{shown}{unit}，{step}")
        properties = {"step": step, "said": sentences[-1]}
        if links and code in links:
            properties["link"] = _link(links[code])
        geometry = {"type": "MultiPolygon", "coordinates": flat}
        shapes.append({"type": "Feature", "properties": properties, "geometry": geometry})
        if labels is None or code in labels:
            x, y, free = label_point(flat)
            if given := item["properties"].get("label_point"):
                x, y = given[0] * shrink, given[1]
            label = (labels[code] if labels else name, MISSING if value is None else f"{shown}{suffix}")
            point = region_label((x, y, free), scale, label, steps.get(step, UNREPORTED))
            if not point["tight"] or len(items) <= CROWDED:
                points.append(point)
    layers = map_layers(shapes, points, steps, unit)
    return _spec(title, description or "；".join(sentences) + "。", width, height, layers)


def _scale(flats: Sequence[Flat], width: int, height: int) -> float:
    """Pixels per unit at which the whole map fits."""
    corners = [point for flat in flats for polygon in flat for point in polygon[0]]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return min(width / (max(xs) - min(xs)), height / (max(ys) - min(ys)))


def _names(names: Sequence[str]) -> Spec:
    axis = {"ticks": False, "domain": False}
    return {"field": "name", "type": "nominal", "sort": list(names), "title": None, "axis": axis}


def _lengths(unit: str, values: Sequence[float]) -> Spec:
    """The axis of the bars, with room at both ends for the value written there."""
    low, high = min([0, *values]), max([0, *values])
    room = (high - low) / 8 or 1
    scale = {"domain": [low - room if low < 0 else 0, high + room], "nice": False}
    axis = {"grid": True, "tickCount": 5, "format": "~f"}
    return {"field": "value", "type": "quantitative", "title": unit, "axis": axis, "scale": scale}


def _end_labels(data: Sequence[Spec], place: Spec, side: str, dx: int, test: str) -> list[Spec]:
    """Values at the ends of the bars, on a white rim so that no line runs through them."""
    mark: Spec = {"type": "text", "align": side, "dx": dx, "aria": False}
    rim = {**mark, "color": "white", "stroke": "white", "strokeWidth": 4, "strokeJoin": "round"}
    text = {**place, "text": {"field": "text"}}
    shared = {"data": {"values": list(data)}, "transform": [{"filter": test}], "encoding": text}
    return [{**shared, "mark": rim}, {**shared, "mark": mark}]


def _bars(
    rows: Sequence[tuple[str, Shown]], own: Fraction | None, unit: str, rest: tuple[str, str] | None
) -> list[Spec]:
    """The rows of a bar chart in their order, each with its colour and what is said of it."""
    known = [(name, shown, value) for name, shown in rows if (value := exact(shown, name)) is not None]
    known.sort(key=lambda row: -row[2])
    data: list[Spec] = []
    for name, shown, value in known:
        fill = BELOW[2] if own is not None and value < own else ABOVE[2]
        data.append({"name": name, "value": _number(value), "text": f"{shown}", "fill": fill})
        data[-1]["said"] = f"{name}：{shown}{unit}"
    for name, shown in rows:
        if shown is None:
            data.append({"name": name, "value": 0, "text": MISSING, "fill": UNREPORTED, "said": f"{name}：{MISSING}"})
    if rest:
        name, text = rest
        said = f"{name}：{text}{unit}"
        data.append({"name": name, "value": _number(exact(text, name)), "text": text, "fill": PARTS[0], "said": said})
    return data


def ranking_bars(
    rows: Sequence[tuple[str, Shown]],
    *,
    middle: Shown,
    title: str,
    unit: str,
    links: Mapping[str, str] | None = None,
    whole: str = "全省",
    description: str = "",
    width: int = 420,
    rest: tuple[str, str] | None = None,
) -> Spec:
    """One bar per (name, shown value), highest first, 未报 last; the whole's own value is a dashed line.

    Equal values keep the order given. `links` are by name. `rest`: what belongs to none of them, below all, pale.
    """
    own = exact(middle, whole)
    data = _bars(rows, own, unit, rest)
    for row in data:
        if links and row["name"] in links:
            row["link"] = _link(links[row["name"]])
    names = [row["name"] for row in data]
    y = _names(names)
    x = _lengths(unit, [row["value"] for row in data])
    bar: Spec = {"y": y, "x": x, "fill": {"field": "fill", "type": "nominal", "scale": None}}
    bar["description"] = {"field": "said"}
    if any("link" in row for row in data):
        bar["href"] = {"condition": {"test": "datum.link", "field": "link"}, "value": ""}
    layers: list[Spec] = [{"data": {"values": data}, "mark": {"type": "bar", "height": 14}, "encoding": bar}]
    if own is not None:
        line = {"values": [{"value": _number(own), "text": f"{whole} {middle}"}]}
        rule = {"type": "rule", "color": INK, "strokeDash": [4, 3], "aria": False}
        layers.append({"data": line, "mark": rule, "encoding": {"x": x}})
        note = {"type": "text", "y": -7, "aria": False}
        layers.append({"data": line, "mark": note, "encoding": {"x": x, "text": {"field": "text"}}})
    for side, dx, test in (("left", 4, "datum.value >= 0"), ("right", -4, "datum.value < 0")):
        layers += _end_labels(data, {"y": y, "x": x}, side, dx, test)
    said = "；".join(str(row["said"]) for row in data) + "。"
    return _spec(title, description or said, width, 22 * max(1, len(data)), {"layer": layers})


def _periods(labels: Sequence[str]) -> Spec:
    """The axis of the periods; of "2025 Q1" the year stands below the quarter, once a year."""
    shown = []
    for before, label in zip(["", *labels], labels, strict=False):
        year, _, part = label.partition(" ")
        shown.append([label] if not part else [part] if before.startswith(f"{year} ") else [part, year])
    words = json.dumps(shown, ensure_ascii=False)
    axis = {"labelExpr": f"{words}[datum.value]", "labelAngle": 0, "labelOverlap": True}
    scale = {"domain": list(range(len(labels)))}
    return {"field": "at", "type": "ordinal", "title": None, "axis": axis, "scale": scale}


def _forecast(band: Sequence[tuple[str, Shown, Shown, Shown]], start: int, last: Sequence[Spec]) -> list[Spec]:
    """Rows of the forecast from place `start` on, tied to the last known point."""
    if not band:
        return []
    rows: list[Spec] = [{"at": row["at"], **dict.fromkeys(("low", "value", "high"), row["value"])} for row in last]
    for i, (label, low, expected, high) in enumerate(band, start):
        bounds = {key: _number(exact(v, label)) for key, v in (("low", low), ("value", expected), ("high", high))}
        rows.append({"at": i, "said": f"{label}：预测{expected}，区间{low}至{high}", **bounds})
    return rows


def trend(
    points: Sequence[tuple[str, Shown]],
    band: Sequence[tuple[str, Shown, Shown, Shown]] = (),
    *,
    title: str,
    unit: str,
    description: str = "",
    width: int = 520,
    height: int = 130,
) -> Spec:
    """A line through (label, shown value), broken where a value is missing, then a forecast.

    A label such as "2025 Q1" is split at its space, and the year written once.
    `band` holds (label, low, expected, high): a dashed line from the last known point inside a pale band.
    """
    actual = [
        {"at": i, "value": _number(exact(shown, label)), "said": f"{label}：{MISSING if shown is None else shown}"}
        for i, (label, shown) in enumerate(points)
    ]
    known = [row for row in actual if row["value"] is not None]
    forecast = _forecast(band, len(points), known[-1:])
    x = _periods([label for label, _ in points] + [row[0] for row in band])
    left = {"tickCount": 4, "grid": True, "domain": False, "format": "~f"}
    y = {"field": "value", "type": "quantitative", "title": unit, "axis": left, "scale": {"zero": False}}
    layers: list[Spec] = []
    if forecast:
        area = {"type": "area", "color": BLUE, "opacity": 0.14, "aria": False}
        ends = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}
        dashes = {"type": "line", "color": BLUE, "strokeDash": [5, 4], "strokeWidth": 2, "aria": False}
        layers.append({"data": {"values": forecast}, "mark": area, "encoding": ends})
        layers.append({"data": {"values": forecast}, "mark": dashes, "encoding": {"x": x, "y": y}})
    solid = {
        "type": "line",
        "color": INK,
        "strokeWidth": 1.8,
        "invalid": "break-paths-show-path-domains",
        "aria": False,
    }
    layers.append({"data": {"values": actual}, "mark": solid, "encoding": {"x": x, "y": y}})
    dots = {"type": "point", "filled": True, "size": 34, "color": INK, "opacity": 1}
    spoken = {"x": x, "y": y, "description": {"field": "said"}}
    layers.append({"data": {"values": known}, "mark": dots, "encoding": spoken})
    said = "；".join(str(row["said"]) for row in [*actual, *forecast] if "said" in row) + f"。单位：{unit}。"
    return _spec(title, description or said, width, height, {"layer": layers})


def stacked_bar(
    rows: Sequence[tuple[str, Mapping[str, Shown]]],
    *,
    parts: Sequence[str],
    totals: Mapping[str, str],
    title: str,
    unit: str,
    description: str = "",
    width: int = 420,
) -> Spec:
    """How each total came about: one bar per name from its `parts`, in order; what is taken off runs to the left.

    `totals` is the shown total per name, written beside the bar.
    """
    names = [name for name, _ in rows]
    data: list[Spec] = []
    ends: list[Spec] = []
    sentences = []
    for name, held in rows:
        left, right, spoken = Fraction(0), Fraction(0), []
        for order, part in enumerate(parts):
            value = exact(held.get(part), f"{name}的{part}")
            if not value:
                continue
            right += max(value, Fraction(0))
            left += max(-value, Fraction(0))
            spoken.append(f"{part}{held[part]}")
            said = f"{name}，{part}：{held[part]}{unit}"
            data.append({"name": name, "part": part, "order": order, "value": _number(value), "said": said})
        end = {"name": name, "value": float(right), "left": float(left), "text": totals.get(name, MISSING)}
        ends.append(end)
        sentences.append(f"{name}：{'，'.join(spoken)}，合计{totals.get(name, MISSING)}{unit}")
    y = _names(names)
    x = _lengths(unit, [row["value"] for row in ends] + [-row["left"] for row in ends])
    colours = [PARTS[i % len(PARTS)] for i in range(len(parts))]
    legend = {"title": None, "orient": "bottom", "symbolType": "square"}
    fill = {"field": "part", "type": "nominal", "scale": {"domain": list(parts), "range": colours}, "legend": legend}
    bar = {"y": y, "x": {**x, "stack": "zero"}, "fill": fill, "order": {"field": "order", "type": "quantitative"}}
    bar["description"] = {"field": "said"}
    bars = {"data": {"values": data}, "mark": {"type": "bar", "height": 14}, "encoding": bar}
    layers = [bars, *_end_labels(ends, {"y": y, "x": x}, "left", 4, "true")]
    said = "；".join(sentences) + "。"
    return _spec(title, description or said, width, 22 * max(1, len(rows)), {"layer": layers})


@functools.cache
def _renderer() -> Any:
    """vl-convert with our font registered: charts are right on a machine without any Chinese font."""
    import vl_convert

    vl_convert.register_font_directory(str(FONT_DIRECTORY))
    return vl_convert


def svg(spec: Spec) -> str:
    """`spec` as SVG text: regions are links, the whole and its marks say in Chinese what they are, no script needed."""
    drawn = str(_renderer().vegalite_to_svg(json.dumps(spec, ensure_ascii=False), allowed_base_urls=[]))
    drawn = drawn.replace(f'"{LINK_BASE}', '"')
    for role, word in ROLES.items():
        drawn = drawn.replace(f'aria-roledescription="{role}"', f'aria-roledescription="{word}"')
    label = quoteattr(str(spec["description"]))
    return drawn.replace("<svg ", f'<svg role="graphics-document" aria-roledescription="图" aria-label={label} ', 1)


def png(spec: Spec, scale: float = 2) -> bytes:
    """`spec` as PNG; scale 1 is 72 dpi, so 3 suits paper."""
    return bytes(_renderer().vegalite_to_png(json.dumps(spec, ensure_ascii=False), scale=scale, allowed_base_urls=[]))
