"""A process drawn as SVG: stages in one row in the order of the definition, a step to the next stage straight, one that
skips stages above the row, one that goes back below it.

Only presentation attributes are used, so that a page may forbid inline styles; text takes the page's font.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rongtong.engine.pack.process import Process, Stage

WIDE, HIGH, GAP, LANE, MARGIN = 132, 48, 96, 30, 14
INK, MUTED, LINE, BLUE = "#17222b", "#566470", "#8795a1", "#0b4f9e"


@dataclass(frozen=True, slots=True)
class Arrow:
    """The steps from one stage to another by their places in the row. `lane` counts away from the row: 0 runs in it,
    above it is positive, below negative."""

    start: int
    end: int
    words: str
    lane: int = 0

    @property
    def span(self) -> tuple[int, int]:
        return min(self.start, self.end), max(self.start, self.end)


def draw(process: Process) -> str:
    """The drawing, with a sentence for whoever cannot see it."""
    arrows = _lanes(_arrows(process))
    above = max((a.lane for a in arrows), default=0)
    below = -min((a.lane for a in arrows), default=0)
    top = MARGIN + above * LANE + (8 if above else 0)
    width = 2 * MARGIN + len(process.stages) * (WIDE + GAP) - GAP
    height = top + HIGH + below * LANE + (12 if below else 0) + MARGIN
    names = [s.name for s in process.stages]
    said = "；".join(f"{names[a.start]}经{a.words}到{names[a.end]}" for a in arrows)
    drawn = [_arrow(a, top, arrows) for a in arrows]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' role="img" aria-label="{escape(process.name)}：{escape(said)}" font-size="13">'
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0 0 8 4 0 8z" fill="{LINE}"/></marker></defs>'
        + "".join(line for line, _ in drawn)
        + "".join(_box(process, i, s, top) for i, s in enumerate(process.stages))
        + "".join(words for _, words in drawn)
        + "</svg>"
    )


def _arrows(process: Process) -> list[Arrow]:
    order = {s.code: i for i, s in enumerate(process.stages)}
    words: dict[tuple[int, int], list[str]] = {}
    for t in process.transitions:
        for at in t.at:
            if t.to and t.to != at:
                words.setdefault((order[at], order[t.to]), []).append(t.name)
    return [Arrow(start, end, "、".join(dict.fromkeys(names))) for (start, end), names in words.items()]


def _lanes(arrows: Sequence[Arrow]) -> list[Arrow]:
    """Give every arrow that does not run straight the innermost lane on its side that is free over its span."""
    placed: list[Arrow] = []
    for a in sorted(arrows, key=lambda a: (a.span[1] - a.span[0], a.span)):
        if a.end == a.start + 1:
            placed.append(a)
            continue
        side, lane = (1 if a.end > a.start else -1), 1
        while any(p.lane == side * lane and p.span[0] < a.span[1] and a.span[0] < p.span[1] for p in placed):
            lane += 1
        placed.append(Arrow(a.start, a.end, a.words, side * lane))
    return placed


def _middle(index: int) -> int:
    return MARGIN + index * (WIDE + GAP) + WIDE // 2


def _port(index: int, a: Arrow, arrows: Sequence[Arrow]) -> int:
    """Where an arrow meets the top or bottom of a box: those that meet there share it out, none on another."""
    same = [p for p in arrows if p.lane * a.lane > 0 and index in (p.start, p.end)]
    same.sort(key=lambda p: (p.start + p.end - index, abs(p.lane) * (1 if p.start + p.end > 2 * index else -1)))
    return _middle(index) + (same.index(a) * 2 - len(same) + 1) * min(14, WIDE // 2 // len(same))


def _arrow(a: Arrow, top: int, arrows: Sequence[Arrow]) -> tuple[str, str]:
    """(the line, its words)"""
    if a.lane == 0:
        y = top + HIGH // 2
        x1, x2 = _middle(a.start) + WIDE // 2, _middle(a.end) - WIDE // 2 - 2
        path, at = f"M{x1} {y}H{x2}", ((x1 + x2) // 2, y - 6)
    else:
        edge = top if a.lane > 0 else top + HIGH
        y = edge - a.lane * LANE
        x1, x2 = _port(a.start, a, arrows), _port(a.end, a, arrows)
        path = f"M{x1} {edge}V{y}H{x2}V{edge - (2 if a.lane > 0 else -2)}"
        at = ((x1 + x2) // 2, y - 5)
    return (
        f'<path d="{path}" fill="none" stroke="{LINE}" marker-end="url(#head)"/>',
        f'<text x="{at[0]}" y="{at[1]}" text-anchor="middle" fill="{MUTED}" stroke="#fff" stroke-width="4"'
        f' paint-order="stroke" font-size="12">{escape(a.words)}</text>',
    )


def _box(process: Process, index: int, stage: Stage, top: int) -> str:
    stays = [t.name for t in process.transitions if stage.code in t.at and t.to in ("", stage.code)]
    x, y = _middle(index), top + HIGH // 2
    inner = (
        f'<text x="{x}" y="{y - 4 if stays else y + 5}" text-anchor="middle" fill="{INK}">{escape(stage.name)}</text>'
    )
    if stays:
        words = escape("、".join(stays))
        inner += f'<text x="{x}" y="{y + 14}" text-anchor="middle" fill="{MUTED}" font-size="11">↻ {words}</text>'
    return (
        f'<rect x="{x - WIDE // 2}" y="{top}" width="{WIDE}" height="{HIGH}" rx="{HIGH // 2 if stage.outcome else 4}"'
        f' fill="#fff" stroke="{BLUE if stage.code == process.start else LINE}"/>{inner}'
    )
