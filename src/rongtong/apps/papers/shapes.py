"""Plane shapes for a map: GeoJSON on the globe to flat coordinates, and where a label stands inside a region.

Only drawing happens here, so floats are fine; no value shown or compared passes through.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["Flat", "flatten", "label_point"]

Ring = list[tuple[float, float]]
Flat = list[list[Ring]]  # polygons, each an outer ring and its holes
GRID = 11
SAMPLES = 48


def _polygons(geometry: Mapping[str, Any]) -> Sequence[Any]:
    if geometry["type"] == "Polygon":
        return [geometry["coordinates"]]
    if geometry["type"] == "MultiPolygon":
        return list(geometry["coordinates"])
    raise ValueError(f"图形类型是{geometry['type']}，应为 Polygon 或 MultiPolygon")


def flatten(features: Sequence[Mapping[str, Any]]) -> tuple[list[Flat], float]:
    """(the features' polygons with longitude shrunk by the cosine of the middle latitude, that cosine).

    Going flat before Vega also frees us from its rule that an outer ring run clockwise on the sphere.
    """
    latitudes = [
        point[1] for item in features for polygon in _polygons(item["geometry"]) for ring in polygon for point in ring
    ]
    if not latitudes:
        raise ValueError("地图没有任何图形；请给出至少一个带坐标的区域")
    shrink = math.cos(math.radians((min(latitudes) + max(latitudes)) / 2))
    flats = [
        [
            [[(round(point[0] * shrink, 4), round(float(point[1]), 4)) for point in ring] for ring in polygon]
            for polygon in _polygons(item["geometry"])
        ]
        for item in features
    ]
    return flats, shrink


def _area(ring: Ring) -> float:
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, [*ring[1:], ring[0]], strict=True))) / 2


def _inside(rings: Sequence[Ring], x: float, y: float) -> bool:
    """Even-odd rule over the outer ring and its holes."""
    inside = False
    for ring in rings:
        for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], ring[0]], strict=True):
            if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
                inside = not inside
    return inside


def _thin(ring: Ring) -> Ring:
    """At most about SAMPLES points of `ring`: enough to place a label, and 90 counties stay quick."""
    step = max(1, len(ring) // SAMPLES)
    return ring[::step]


def _distance(rings: Sequence[Ring], x: float, y: float) -> float:
    """Distance from a point to the nearest edge."""
    best = math.inf
    for ring in rings:
        for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], ring[0]], strict=True):
            dx, dy = x2 - x1, y2 - y1
            length = dx * dx + dy * dy
            t = min(1.0, max(0.0, ((x - x1) * dx + (y - y1) * dy) / length)) if length else 0.0
            best = min(best, math.hypot(x - x1 - t * dx, y - y1 - t * dy))
    return best


def _candidates(ring: Ring) -> Iterator[tuple[float, float]]:
    xs, ys = [p[0] for p in ring], [p[1] for p in ring]
    for i in range(1, GRID + 1):
        for j in range(1, GRID + 1):
            yield (
                min(xs) + (max(xs) - min(xs)) * i / (GRID + 1),
                min(ys) + (max(ys) - min(ys)) * j / (GRID + 1),
            )


def label_point(flat: Flat) -> tuple[float, float, float]:
    """(x, y, clearance) inside the largest polygon, as far from its edge as a label wants: twice as far sideways.

    Clearance is the free height above and below, in the shape's own unit; twice that is free to each side.
    """
    largest = max(flat, key=lambda polygon: _area(polygon[0]))
    squeezed = [[(x / 2, y) for x, y in _thin(ring)] for ring in largest]
    best = (squeezed[0][0][0], squeezed[0][0][1], 0.0)
    for x, y in _candidates(squeezed[0]):
        if _inside(squeezed, x, y):
            free = _distance(squeezed, x, y)
            if free > best[2]:
                best = (x, y, free)
    return best[0] * 2, best[1], best[2]
