"""The charts of planning's pages, from the same descriptions as the papers'."""

from __future__ import annotations

import re
from functools import lru_cache

from rongtong.apps.papers import charts

_STYLE = re.compile(r'\sstyle="[^"]*"')

Point = tuple[str, str | None]
Band = tuple[str, str, str, str]


@lru_cache(maxsize=128)
def trend(points: tuple[Point, ...], band: tuple[Band, ...], title: str, unit: str, width: int = 620) -> str:
    """A line through the points and the forecast's band as SVG with presentation attributes only; "" below two points."""
    if sum(1 for _, shown in points if shown is not None) + len(band) < 2:
        return ""
    return _STYLE.sub("", charts.svg(charts.trend(points, band, title=title, unit=unit, width=width, height=150)))
