"""The layers of a map: classes about the whole's own value, regions, labels that can be read, and the legend."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

from rongtong.apps.papers.form import em
from rongtong.apps.papers.palette import (
    ABOVE,
    BELOW,
    DARK,
    INK,
    MISSING,
    UNREPORTED,
    UNREPORTED_LINE,
    Shown,
    Spec,
    exact,
)

__all__ = ["classes", "map_layers", "region_label"]


def _shades(colours: Sequence[str], count: int) -> list[str]:
    """`count` shades from the middle outwards; few steps start stronger, so that they can be told apart."""
    start = 1 if count < 4 else 0
    return [colours[min(start + step, len(colours) - 1)] for step in range(count)]


def classes(breaks: Sequence[Shown], middle: Shown, whole: str) -> tuple[list[Fraction], dict[str, str]]:
    """(bounds, colour by class name from low to high): the whole's own value parts the two colours.

    A class holds its lower bound. Beyond the fifth step on one side the strongest colour stays.
    """
    named: dict[Fraction, str] = {}
    for shown in breaks:
        bound = exact(shown, "分档")
        if bound is not None:
            named[bound] = str(shown)
    own = exact(middle, whole)
    if own is not None:
        named[own] = f"{whole} {middle}"
    bounds = sorted(named)
    if not bounds:
        raise ValueError("分档为空，也没有全域值；至少给出一个分档界限")
    names = [f"低于 {named[bounds[0]]}"]
    names += [f"{named[low]} 至 {named[high]}" for low, high in pairwise(bounds)]
    names.append(f"{named[bounds[-1]]} 及以上")
    below = bounds.index(own) + 1 if own is not None else 0
    colours = [*reversed(_shades(BELOW, below)), *_shades(ABOVE, len(names) - below)]
    return bounds, dict(zip(names, colours, strict=True))


def region_label(at: tuple[float, float, float], scale: float, texts: tuple[str, str], fill: str) -> Spec:
    """One region's label: white on a dark fill; where the region is too small for it, ink with a white rim."""
    x, y, free = at
    room = max(em(texts[0]) * 13, em(texts[1]) * 12)
    tight = float(room) > free * scale * 4
    ink = "white" if fill in DARK and not tight else INK
    return {"x": round(x, 4), "y": round(y, 4), "name": texts[0], "value": texts[1], "ink": ink, "tight": tight}


def _labels(points: Sequence[Spec]) -> list[Spec]:
    """Text layers: a white rim under the tight ones, then name above value. Regions already speak; these are silent."""
    place = {
        "longitude": {"field": "x", "type": "quantitative"},
        "latitude": {"field": "y", "type": "quantitative"},
    }
    layers: list[Spec] = []
    for field, weight, size, offset in (("name", "bold", 13, -8), ("value", "normal", 12, 8)):
        mark: Spec = {"type": "text", "fontWeight": weight, "fontSize": size, "dy": offset, "aria": False}
        text: Spec = {**place, "text": {"field": field}}
        tight = [point for point in points if point["tight"]]
        if tight:
            rim = {**mark, "stroke": "white", "strokeWidth": 3, "strokeJoin": "round", "color": "white"}
            layers.append({"data": {"values": tight}, "mark": rim, "encoding": text})
        ink = {"field": "ink", "type": "nominal", "scale": None}
        layers.append({"data": {"values": points}, "mark": mark, "encoding": {**text, "color": ink}})
    return layers


def map_layers(shapes: Sequence[Spec], points: Sequence[Spec], steps: Mapping[str, str], unit: str) -> Spec:
    """Layers of the map, the legend from high to low with 未报 last where a region has no value."""
    names = list(reversed(list(steps)))
    colours = [steps[name] for name in names]
    if any(shape["properties"]["step"] == MISSING for shape in shapes):
        names, colours = [*names, MISSING], [*colours, UNREPORTED]
    legend = {"title": unit, "symbolType": "square", "symbolSize": 180, "symbolStrokeWidth": 0, "rowPadding": 3}
    encoding: Spec = {
        "fill": {
            "field": "properties.step",
            "type": "nominal",
            "scale": {"domain": names, "range": colours},
            "legend": legend,
        },
        "stroke": {
            "condition": {"test": f"datum.properties.step === '{MISSING}'", "value": UNREPORTED_LINE},
            "value": "white",
        },
        "strokeDash": {
            "condition": {"test": f"datum.properties.step === '{MISSING}'", "value": [3, 2]},
            "value": [1, 0],
        },
        "description": {"field": "properties.said"},
    }
    if any("link" in shape["properties"] for shape in shapes):
        encoding["href"] = {"condition": {"test": "datum.properties.link", "field": "properties.link"}, "value": ""}
    regions = {"data": {"values": shapes}, "mark": {"type": "geoshape", "strokeWidth": 0.8}, "encoding": encoding}
    return {"projection": {"type": "identity", "reflectY": True}, "layer": [regions, *_labels(points)]}
