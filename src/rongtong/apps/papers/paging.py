"""The pieces of a paper's preview put on pages: what stays with what, and where a long table is parted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from django.utils.safestring import SafeString

from rongtong.apps.papers.form import GBT_9704

EMPTY = SafeString("")
LINES = Fraction(GBT_9704.lines) - Fraction(1, 2)  # what a reckoned page holds: reckoning is not setting
HEADINGS = ("h1", "h2", "h3", "h4")
ENDS = ("attachments", "signature")
FEW_ROWS = 2  # a table begins with no fewer rows before a page ends, and no fewer go with a signature


@dataclass(frozen=True, slots=True)
class Item:
    """A piece of a sheet: what it is, its words, and for tables rows and columns. `height` is in lines of the page."""

    shape: str
    words: SafeString = EMPTY
    height: Fraction = Fraction(1)
    section: str = ""
    lines: tuple[SafeString, ...] = ()
    table: Grid | None = None
    picture: str = ""
    pixels: tuple[int, int] = (0, 0)
    width: int = 0
    alt: str = ""
    numbers: SafeString = EMPTY


@dataclass(frozen=True, slots=True)
class Grid:
    """A table or the part of it that stands on one sheet; widths in percent, a row as (total, its cells).

    Heights are in lines of the page, `heights` one per row.
    """

    size: int
    widths: tuple[str, ...]
    head: tuple[SafeString, ...]
    rows: tuple[tuple[bool, SafeString], ...]
    caption: SafeString = EMPTY
    note: SafeString = EMPTY
    heights: tuple[Fraction, ...] = ()
    head_height: Fraction = Fraction(0)
    note_height: Fraction = Fraction(0)

    @property
    def height(self) -> Fraction:
        note = self.note_height if self.note else Fraction(0)
        return sum(self.heights, self.head_height + bool(self.caption) + note + Fraction(1, 2))

    def parted(self, rows: int) -> tuple[Grid, Grid]:
        """The first `rows` rows under the caption, and the rest with the head repeated and the note."""
        first = replace(self, rows=self.rows[:rows], heights=self.heights[:rows], note=EMPTY)
        rest = replace(self, rows=self.rows[rows:], heights=self.heights[rows:], caption=EMPTY)
        return first, rest


def paged(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Items by page: a heading stays with what follows it, a signature with the end of the text, and a long table
    goes on with its head repeated. What is higher than a page has one for itself."""
    page: list[Item] = []
    for item in items:
        rest = item
        if item.shape == "break":
            if page:
                yield page
            page = []
            continue
        if page and item.height > LINES - _height(page):
            first, rest = _parted(item, LINES - _height(page), force=all(i.shape in HEADINGS for i in page))
            moved = [] if first else _moved(page, item)
            yield [*page, first] if first else page
            page = moved
        while rest.height > LINES - _height(page):
            first, rest = _parted(rest, LINES - _height(page), force=True)
            if first is None:
                break
            yield [*page, first]
            page = []
        page.append(rest)
    if page:
        yield page


def _height(page: Iterable[Item]) -> Fraction:
    return sum((item.height for item in page), Fraction(0))


def _parted(item: Item, room: Fraction, *, force: bool) -> tuple[Item | None, Item]:
    """What of a table fits into `room`, and the rest; None when nothing does. `force`: one row does in any case."""
    grid = item.table
    if grid is None:
        return None, item
    fits = max((n for n in range(len(grid.rows)) if grid.parted(n)[0].height <= room), default=0)
    fits = max(fits, 1) if force else fits if fits >= FEW_ROWS else 0
    if not 0 < fits < len(grid.rows):
        return None, item
    return _cut(item, fits)


def _cut(item: Item, rows: int) -> tuple[Item, Item]:
    """A table's item parted after so many rows."""
    assert item.table is not None
    first, rest = item.table.parted(rows)
    return replace(item, table=first, height=first.height), replace(item, table=rest, height=rest.height)


def _moved(page: list[Item], item: Item) -> list[Item]:
    """Takes off a page what must stand with `item` on the next: the text's end with a signature, and headings."""
    moved: list[Item] = []
    if item.shape in ENDS:
        while len(page) > 1 and page[-1].shape in ENDS:
            moved.insert(0, page.pop())
        grid = page[-1].table
        if grid and len(grid.rows) >= 2 * FEW_ROWS:
            page[-1], rest = _cut(page[-1], len(grid.rows) - FEW_ROWS)
            return [rest, *moved]
        if len(page) > 1 and _height([page[-1], *moved, item]) <= LINES:
            moved.insert(0, page.pop())
    while len(page) > 1 and page[-1].shape in HEADINGS:
        moved.insert(0, page.pop())
    return moved
