"""A paper as sheets of HTML: the same blocks as the file, in the measures of GB/T 9704, numbers linked to their chain.

Where a sheet ends is reckoned from the form's own measures (22 lines of 28 characters), close to but not by the word
processor that will set the file; a sheet that holds more grows.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from math import ceil

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from rongtong import clock
from rongtong.apps.papers import writing
from rongtong.apps.papers.document import (
    Block,
    Box,
    Heading,
    Manual,
    Number,
    Paper,
    Paragraph,
    Picture,
    Table,
    Words,
    figures,
    inlines,
    plain,
)
from rongtong.apps.papers.form import GBT_9704, em
from rongtong.apps.papers.layout import TRACING, chinese_date, chinese_ordinal
from rongtong.apps.papers.paging import Grid, Item, paged
from rongtong.apps.papers.queries import Title
from rongtong.apps.papers.tables import PADDING, alignments, fit, head_lines
from rongtong.apps.papers.titleline import title_lines
from rongtong.apps.records import models as records
from rongtong.engine.period import Period
from rongtong.engine.workbook import read_book
from rongtong.engine.workbook import shown as cell_text

FORM = GBT_9704
CELL = '<td class="{}">{}</td>'
LONG = 18  # characters from which a column of a workbook is shown wide
BREAK = SafeString("<br>")
LINE_PT = Fraction(FORM.line_pitch, 20)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page of paper."""

    number: int
    items: tuple[Item, ...]

    @property
    def left(self) -> bool:
        """Even pages have their number on the left."""
        return self.number % 2 == 0


@dataclass(frozen=True, slots=True)
class Shown:
    """A paper to look at: the paper itself, its sheets, and its pictures by name."""

    paper: Paper
    sheets: tuple[Sheet, ...]
    pictures: dict[str, bytes] = field(repr=False)


def shown(title: Title) -> Shown:
    """The paper as it would be made now. Raises what `writing.compose` raises.

    Kept until the next write that is not about accounts: the log names everything a paper depends on.
    """
    return _shown(*_state(), title)


def _state() -> tuple[str, str]:
    """The last write that a paper may depend on, which is any but those about accounts, and today."""
    writes = records.Leaf.objects.exclude(kind__startswith="registry.").order_by("-sequence")
    return writes.values_list("leaf_hash", flat=True).first() or "", str(clock.today())


@lru_cache(maxsize=24)
def _shown(log: str, today: str, title: Title) -> Shown:
    # The first two arguments are the state the paper depends on; they key the cache.
    paper = writing.compose(title.kind, Period.parse(title.period), None, title.place, title.use)
    pictures = {_name(b): b.png for b in _all(paper) if isinstance(b, Picture)}
    return Shown(paper, tuple(sheets(paper)), pictures)


def _all(paper: Paper) -> Iterator[Block]:
    yield from paper.blocks
    for attachment in paper.attachments:
        yield from attachment.blocks


def _name(block: Picture) -> str:
    return hashlib.sha256(block.png).hexdigest()[:20]


def sheets(paper: Paper) -> Iterator[Sheet]:
    """The pages of a paper in order."""
    number = 1
    for part in _parts(paper):
        for items in paged(part):
            yield Sheet(number, tuple(items))
            number += 1


def _parts(paper: Paper) -> Iterator[Iterator[Item]]:
    """The body and each attachment, each starting a page."""
    yield _body(paper)
    titles = [a.title for a in paper.attachments]
    for index, attachment in enumerate(paper.attachments, 1):
        if attachment.blocks:
            label = f"附件{index}" if len(titles) + bool(paper.sources) > 1 else "附件"
            yield _attachment(label, attachment.title, attachment.blocks)


def _body(paper: Paper) -> Iterator[Item]:
    if paper.number:
        yield Item("centred", format_html("{}", paper.number), Fraction(2))
    yield _title(paper.title)
    if paper.subtitle:
        yield Item("subtitle", format_html("{}", paper.subtitle), Fraction(2))
    yield from _items(paper.blocks)
    names = [plain(a.title) for a in paper.attachments] + ([TRACING] if paper.sources else [])
    if names:
        one = len(names) == 1
        lines = tuple(format_html("{}{}", "" if one else f"{i}. ", name) for i, name in enumerate(names, 1))
        yield Item("attachments", height=Fraction(len(names) + 1), lines=lines)
    signed = (format_html("{}", paper.organisation), format_html("{}", chinese_date(paper.date)))
    yield Item("signature", height=Fraction(3), lines=signed)


def _attachment(label: str, title: Words, blocks: Sequence[Block]) -> Iterator[Item]:
    yield Item("label", format_html("{}", label), Fraction(2))
    yield _title(plain(title))
    yield from _items(blocks)


def _title(title: str) -> Item:
    lines = title_lines(title, Fraction(FORM.text_width, FORM.title_size * 10))
    return Item("title", height=Fraction(len(lines) + 2), lines=tuple(format_html("{}", line) for line in lines))


def _items(blocks: Iterable[Block]) -> Iterator[Item]:
    counts = [0, 0, 0, 0]
    for block in blocks:
        if isinstance(block, Heading):
            counts[block.level - 1] += 1
            counts[block.level :] = [0] * (4 - block.level)
            words = format_html("{}{}", _ordinal(block.level, counts[block.level - 1]), html(block.words))
            yield Item(f"h{block.level}", words, _lines(plain(block.words)))
        else:
            yield _item(block)


def _ordinal(level: int, number: int) -> str:
    if level == 1:
        return f"{chinese_ordinal(number)}、"
    return f"（{chinese_ordinal(number)}）" if level == 2 else f"{number}." if level == 3 else f"（{number}）"


def _item(block: Block) -> Item:
    match block:
        case Paragraph():
            return Item("body", html(block.words), _lines(plain(block.words)))
        case Manual():
            texts = [line for line in block.text.splitlines() if line.strip()] or ["（待填写）"]
            height = sum((_lines(t) for t in texts), Fraction(0))
            return Item(
                "manual", height=height, section=block.section, lines=tuple(format_html("{}", t) for t in texts)
            )
        case Box():
            texts = [plain(p.words) for p in block.paragraphs]
            height = sum((_lines(t, FORM.table_sizes[0]) for t in texts), Fraction(2))
            return Item("box", html(block.title), height, lines=tuple(html(p.words) for p in block.paragraphs))
        case Table():
            return _table(block)
        case Picture():
            return _picture(block)
        case _:
            return Item("break", height=Fraction(0))


def _lines(text: str, size: int = FORM.body_size) -> Fraction:
    """Lines of the page a paragraph of this size (half-points) takes, its two characters of indent counted."""
    per_line = Fraction(FORM.text_width, size * 10)
    count = max(1, ceil((em(text) + 2) / per_line))
    return count * (Fraction(1) if size == FORM.body_size else Fraction(size, 2) * Fraction(13, 10) / LINE_PT)


def _picture(block: Picture) -> Item:
    wide, high = struct.unpack(">II", block.png[16:24])
    tall = Fraction(block.width_mm * high, wide) * Fraction(72, 1) / Fraction(254, 10)
    numbers = format_html_join("、", "{}", ((html((n,)),) for n in block.shown))
    return Item(
        "picture", html(block.caption), tall / LINE_PT + 1, picture=_name(block), pixels=(wide, high), width=block.width_mm,
        alt=plain(block.alt), numbers=numbers,
    )  # fmt: skip


def _table(block: Table) -> Item:
    size, widths = fit(block, FORM)
    sides, whole = alignments(block), sum(widths)
    rows = tuple(
        (index in block.total_rows, format_html_join("", CELL, zip(sides, map(html, row), strict=True)))
        for index, row in enumerate(block.rows)
    )
    heads = [head_lines(words, width, size) for words, width in zip(block.head, widths, strict=bool(block.head))]
    note = _lines(plain(block.note), FORM.note_size) + Fraction(1, 4) if plain(block.note) else Fraction(0)
    grid = Grid(
        size, tuple(f"{float(Fraction(100 * w, whole)):.2f}" for w in widths),
        tuple(format_html_join(BREAK, "{}", ((html(line),) for line in lines)) for lines in heads), rows,
        html(block.caption), html(block.note),
        heights=tuple(_row_height([(cell,) for cell in row], widths, size) for row in block.rows),
        head_height=_row_height(heads, widths, size) if heads else Fraction(0),
        note_height=note,
    )  # fmt: skip
    return Item("table", height=grid.height, table=grid)


def _row_height(row: Sequence[Sequence[Words]], widths: Sequence[int], size: int) -> Fraction:
    """Of a row whose cells are pieces that each begin a line; a line that runs on is not filled to its end."""
    most = 1
    for pieces, width in zip(row, widths, strict=True):
        room = max(1, width - 2 * PADDING)
        needs = [em(plain(piece)) * size * 10 for piece in pieces]
        most = max(most, sum(1 if need <= room else ceil(need / max(1, room - size * 5)) for need in needs))
    return (most * Fraction(size, 2) * Fraction(135, 100) + Fraction(36, 10)) / LINE_PT


def html(words: Words) -> SafeString:
    """Typed words as HTML: a number links to its chain, whose address shows its id."""
    return format_html_join("", "{}", ((_inline(piece),) for piece in inlines(words)))


def _inline(piece: object) -> SafeString:
    if isinstance(piece, Number):
        return format_html('<a class="num" href="{}">{}</a>', reverse("why", args=[piece.figure]), piece.text)
    return format_html("{}", getattr(piece, "text", ""))


@dataclass(frozen=True, slots=True)
class Leaf:
    """A sheet of a workbook: its name, the row of headings, and the rows below it as (needs room, text) cells."""

    name: str
    head: tuple[str, ...]
    rows: tuple[tuple[tuple[bool, str], ...], ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the page of a paper shows of it as it is now: pages or tables, its figures, the officers' texts as printed.

    A page is a sheet with what stands on it as HTML.
    """

    notice: str
    figures: tuple[tuple[str, str], ...]
    sections: tuple[str, ...]
    texts: dict[str, str]
    pages: tuple[tuple[Sheet, SafeString], ...] = ()
    tables: tuple[Leaf, ...] = ()
    sha256: str = ""


def seen(title: Title, *, editing: bool = False) -> Seen:
    """A paper to look at, the ledger as tables. Raises what `writing.make_file` raises.

    For who is `editing`, each of the officers' paragraphs links to its field.
    """
    return _ledger(*_state(), title) if title.kind == "ledger" else _seen(*_state(), title, editing)


@lru_cache(maxsize=24)
def _seen(log: str, today: str, title: Title, editing: bool) -> Seen:
    shown = _shown(log, today, title)
    manual = [b for b in shown.paper.blocks if isinstance(b, Manual)]
    texts = {b.section: "\n".join(x for x in b.text.splitlines() if x.strip()) for b in manual}
    context = {"title": title, "editing": editing}
    pages = tuple((s, render_to_string("papers/_items.html", context | {"items": s.items})) for s in shown.sheets)
    return Seen(shown.paper.notice, figures(shown.paper), tuple(b.section for b in manual), texts, pages)


@lru_cache(maxsize=4)
def _ledger(log: str, today: str, title: Title) -> Seen:
    made = writing.make_file(title.kind, Period.parse(title.period))
    tables = []
    for sheet in read_book(made.data, made.file_name).sheets:
        if not sheet.hidden:
            wide = max((c for row in sheet.rows.values() for c in row), default=0)
            rows = [tuple(cell_text(sheet.rows[r].get(c)) for c in range(1, wide + 1)) for r in sorted(sheet.rows)]
            # A sheet may begin with a title, alone in its row.
            first = 1 if len(rows) > 1 and sum(bool(cell) for cell in rows[0]) == 1 else 0
            below = rows[first + 1 :]
            room = [any(len(row[c]) > LONG for row in below) for c in range(wide)]
            cells = tuple(tuple(zip(room, row, strict=True)) for row in below)
            tables.append(Leaf(sheet.name, rows[first], cells))
    return Seen("", made.figures, made.manual, {}, (), tuple(tables), made.sha256)
