"""A process drawn as SVG: stages in one column in the order of the definition, so that twenty are as readable as four.

A step to the next stage runs straight down. One that skips stages runs down on the right, one that goes back up on the
left; all that lead to one stage on a side share a line, each labelled where it leaves. Only presentation attributes are
used, so that a page may forbid inline styles; text takes the page's font.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rongtong.engine.pack.process import Process, Stage, Transition

# Pixels: a box, the column of labels beside it, the way between two lines, the height of a line of text.
WIDE, LABEL, LANE, TEXT, MARGIN = 190, 190, 16, 15, 14
# How many characters (of a square each) fit into a line: in a box, beside it, below it.
IN_BOX, BESIDE, BELOW = 13, 15, 22
INK, MUTED, LINE, BLUE = "#17222b", "#566470", "#8795a1", "#0b4f9e"
RIGHT, LEFT = 1, -1
Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Arrow:
    """The steps from one stage to another, by their places in the column. `side` is 0 where it runs straight down."""

    start: int
    end: int
    words: Words

    @property
    def side(self) -> int:
        return 0 if self.end == self.start + 1 else RIGHT if self.end > self.start else LEFT


@dataclass(frozen=True, slots=True)
class Row:
    """A stage: its words, those of the steps that stay in it, where its box stands and how high it is."""

    stage: Stage
    name: Words
    stays: Words
    top: int
    high: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Where everything stands. `lanes`: (side, stage they lead to) → number of their line, 1 nearest to the boxes."""

    rows: tuple[Row, ...]
    arrows: tuple[Arrow, ...]
    lanes: dict[tuple[int, int], int]

    def most(self, side: int) -> int:
        """How many lines run on a side."""
        return max((lane for (s, _), lane in self.lanes.items() if s == side), default=0)

    @property
    def left(self) -> int:
        """The left edge of the boxes."""
        return MARGIN + (LABEL + self.most(LEFT) * LANE if self.most(LEFT) else 0)

    @property
    def width(self) -> int:
        straight = any(len(line) > 6 for a in self.arrows if not a.side for line in a.words)
        beside = LABEL + self.most(RIGHT) * LANE if self.most(RIGHT) else LABEL if straight else 0
        return self.left + WIDE + beside + MARGIN

    def lane_x(self, side: int, end: int) -> int:
        away = LABEL + self.lanes[side, end] * LANE
        return self.left + WIDE + away if side == RIGHT else self.left - away


def draw(process: Process, *, english: bool = False) -> str:
    """The drawing, with a sentence for whoever cannot see it; in English where there are English names."""
    plan = _plan(process, english)
    last = plan.rows[-1]
    width, height = plan.width, last.top + last.high + MARGIN
    name = process.name_en if english and process.name_en else process.name
    said = "; ".join(
        f"{_joined(plan.rows[a.start].name)} → {_joined(plan.rows[a.end].name)}: {_joined(a.words)}"
        for a in plan.arrows
    )  # fmt: skip
    drawn = [pair for a in plan.arrows for pair in ([_straight(a, plan)] if not a.side else [_around(a, plan)])]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' role="img" aria-label="{escape(name)}: {escape(said)}" font-size="13">'
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0 0 8 4 0 8z" fill="{LINE}"/></marker></defs>'
        + "".join(line for line, _ in drawn)
        + "".join(_box(process, row, plan.left) for row in plan.rows)
        + "".join(words for _, words in drawn)
        + "</svg>"
    )


def _plan(process: Process, english: bool) -> Plan:
    arrows = tuple(_arrows(process, english))
    lanes = _lanes(arrows)
    rows: list[Row] = []
    top = MARGIN
    for index, stage in enumerate(process.stages):
        name = _wrapped(_name(stage, english), IN_BOX)
        stays = [t for t in process.transitions if stage.code in t.at and t.to in ("", stage.code)]
        loops = _wrapped("↻ " + _list((_name(t, english) for t in stays), english), IN_BOX + 2) if stays else ()
        inside = TEXT * (len(name) + len(loops)) + 22
        high = max(inside, *(_ports_height(index, side, arrows) for side in (LEFT, RIGHT)))
        rows.append(Row(stage, name, loops, top, high))
        below = next((a.words for a in arrows if not a.side and a.start == index), ())
        top += high + max(30, TEXT * len(below) + 16)
    return Plan(tuple(rows), arrows, lanes)


def _name(thing: Stage | Transition, english: bool) -> str:
    return thing.name_en if english and thing.name_en else thing.name


def _list(names: Iterator[str], english: bool) -> str:
    return (", " if english else "、").join(dict.fromkeys(names))


def _joined(words: Words) -> str:
    return "".join(words)


def _arrows(process: Process, english: bool) -> Iterator[Arrow]:
    order = {s.code: i for i, s in enumerate(process.stages)}
    named: dict[tuple[int, int], list[str]] = {}
    for t in process.transitions:
        for at in t.at:
            if t.to and t.to != at:
                named.setdefault((order[at], order[t.to]), []).append(_name(t, english))
    for (start, end), names in named.items():
        room = BELOW if end == start + 1 else BESIDE
        yield Arrow(start, end, _wrapped(_list(iter(names), english), room))


def _wrapped(text: str, most: int) -> Words:
    """A text in lines of at most so many square characters, broken after 、 and spaces where that can be."""
    lines, line, room = [], "", 0
    for piece in _pieces(text):
        wide = _wide(piece)
        if line and room + wide > 2 * most:
            lines.append(line)
            line, room = "", 0
        line, room = line + piece, room + wide
    return (*lines, line)


def _pieces(text: str) -> Iterator[str]:
    """Words of Latin letters whole, everything else a character at a time, its 、 kept with it."""
    piece = ""
    for char in text:
        if piece and not (piece[-1].isascii() and piece[-1] != " " and char.isascii()) and char not in "、，。）":
            yield piece
            piece = ""
        piece += char
    yield piece


def _wide(text: str) -> int:
    """The width of a text in halves of a square character."""
    return sum(1 if char.isascii() else 2 for char in text)


def _lanes(arrows: Sequence[Arrow]) -> dict[tuple[int, int], int]:
    """For all that lead to a stage on a side, the innermost line that is free over their span, the shortest first."""
    spans: dict[tuple[int, int], tuple[int, int]] = {}
    for a in arrows:
        if a.side:
            low, high = spans.get((a.side, a.end), (a.end, a.end))
            spans[a.side, a.end] = (min(low, a.start), max(high, a.start))
    placed: dict[tuple[int, int], int] = {}
    for (side, end), (low, high) in sorted(spans.items(), key=lambda one: (one[1][1] - one[1][0], one[1], one[0])):
        lane = 1
        while any(
            (s, n) == (side, lane) and spans[s, e][0] < high and low < spans[s, e][1] for (s, e), n in placed.items()
        ):
            lane += 1
        placed[side, end] = lane
    return placed


def _leaving(index: int, side: int, arrows: Sequence[Arrow], lanes: dict[tuple[int, int], int]) -> list[Arrow]:
    """The arrows that leave a box on a side from top to bottom, so that none crosses another that leaves there."""
    found = [a for a in arrows if a.start == index and a.side == side]
    return sorted(found, key=lambda a: -side * lanes[side, a.end])


def _ports_height(index: int, side: int, arrows: Sequence[Arrow]) -> int:
    leaving = sum(TEXT * len(a.words) + 8 for a in arrows if a.start == index and a.side == side)
    arriving = any(a.end == index and a.side == side for a in arrows)
    return 8 + leaving + (16 if arriving else 0)


def _arrival(index: int, side: int, plan: Plan) -> int:
    """Where a line from a side meets a box: at the top what comes from above, at the bottom what comes from below."""
    row = plan.rows[index]
    return row.top + 12 if side == RIGHT else row.top + row.high - 12


def _departure(a: Arrow, plan: Plan) -> int:
    """Where an arrow leaves its box on its side."""
    row = plan.rows[a.start]
    y = row.top + 4 + (16 if a.side == RIGHT and (RIGHT, a.start) in plan.lanes else 0)
    for one in _leaving(a.start, a.side, plan.arrows, plan.lanes):
        y += TEXT * len(one.words) + 4
        if one == a:
            return y
        y += 4
    return y


def _straight(a: Arrow, plan: Plan) -> tuple[str, str]:
    """(the line, its words)"""
    x, above, below = plan.left + WIDE // 2, plan.rows[a.start], plan.rows[a.end]
    y, end = above.top + above.high, below.top
    middle = (y + end - TEXT * len(a.words)) // 2 + TEXT - 4
    return f'<path d="M{x} {y}V{end - 2}" {_stroke()}/>', _text(a.words, x + 8, middle, "start")


def _around(a: Arrow, plan: Plan) -> tuple[str, str]:
    edge = plan.left + (WIDE if a.side == RIGHT else 0)
    y, end, lane = _departure(a, plan), _arrival(a.end, a.side, plan), plan.lane_x(a.side, a.end)
    path = f"M{edge} {y}H{lane}V{end}H{edge + 2 * a.side}"
    first = y - 5 - TEXT * (len(a.words) - 1)
    return (
        f'<path d="{path}" {_stroke()}/>',
        _text(a.words, edge + 8 * a.side, first, "start" if a.side == RIGHT else "end"),
    )


def _stroke() -> str:
    return f'fill="none" stroke="{LINE}" marker-end="url(#head)"'


def _text(words: Words, x: int, y: int, anchor: str, fill: str = MUTED, size: int = 12) -> str:
    lines = "".join(f'<tspan x="{x}" y="{y + i * TEXT}">{escape(w)}</tspan>' for i, w in enumerate(words))
    return (
        f'<text text-anchor="{anchor}" fill="{fill}" stroke="#fff" stroke-width="4" paint-order="stroke"'
        f' font-size="{size}">{lines}</text>'
    )


def _box(process: Process, row: Row, left: int) -> str:
    middle = left + WIDE // 2
    first = row.top + (row.high - TEXT * (len(row.name) + len(row.stays))) // 2 + TEXT - 3
    return (
        f'<rect x="{left}" y="{row.top}" width="{WIDE}" height="{row.high}"'
        f' rx="{min(row.high // 2, 22) if row.stage.outcome else 4}"'
        f' fill="#fff" stroke="{BLUE if row.stage.code == process.start else LINE}"/>'
        + _text(row.name, middle, first, "middle", INK, 13)
        + (_text(row.stays, middle, first + TEXT * len(row.name), "middle", MUTED, 11) if row.stays else "")
    )
