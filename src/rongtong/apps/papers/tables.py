"""Tables of a paper: how wide, how large, which way set; then as elements."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

from rongtong.apps.papers.document import Name, Number, Table, Words, inlines, plain
from rongtong.apps.papers.form import Form, em, twips
from rongtong.apps.papers.ooxml import element

__all__ = ["alignments", "fit", "head_lines", "table_element"]

PADDING = 57  # 1 mm on each side of a cell
SLACK = 40  # twips for the lines between columns and for rounding
BROADER = Fraction(13, 10)  # the digits of DejaVu Serif against those of Times New Roman
WRAP = 14  # em: a cell wider than this may take several lines
SHORT = 4  # em: a cell up to this, such as a place or a change of rank, stays on one line
TOKEN = re.compile(r"[!-~]+")  # a number or code within words
Runs = Callable[[Words, str | None, int | None], list[Any]]


def _columns(table: Table) -> int:
    return len(table.head) or max((len(row) for row in table.rows), default=0)


def alignments(table: Table) -> tuple[str, ...]:
    """left, center or right for each column: as given, else numbers to the right and bare ordinals in the middle."""
    if table.align:
        return table.align
    sides = []
    for column in range(_columns(table)):
        pieces = [piece for row in table.rows for piece in inlines(row[column])]
        if any(isinstance(piece, Number) for piece in pieces):
            sides.append("right")
        else:
            ordinals = bool(pieces) and all(isinstance(piece, Name) and piece.text.isdigit() for piece in pieces)
            sides.append("center" if ordinals else "left")
    return tuple(sides)


def _width(text: str) -> Fraction:
    """em width of `text` with the quarter em some programs put between Chinese and digits even when told not to."""
    changes = sum((ord(a) < 0x2000) != (ord(b) < 0x2000) for a, b in pairwise(text))
    return em(text) + Fraction(changes, 4)


def _split_head(words: Words) -> tuple[Words, Words]:
    """A head as (name, unit in brackets), so that a line ends before the bracket and not inside it."""
    pieces = inlines(words)
    for index, piece in enumerate(pieces):
        at = piece.text.find("（")
        if at > 0 or (at == 0 and index):
            name = (*pieces[:index], replace(piece, text=piece.text[:at]))
            return name, (replace(piece, text=piece.text[at:]), *pieces[index + 1 :])
    return words, ""


@dataclass(frozen=True, slots=True)
class _Need:
    """What a column needs in em: `hard` breaks no number, code or short name, `full` breaks nothing.

    `safe` is `hard` where the digit font is missing and a broader one takes its place.
    """

    hard: Fraction
    safe: Fraction
    least: Fraction
    full: Fraction


def _hard(text: str, align: str) -> Fraction:
    """The least width at which a cell breaks only where it may: between the characters of running words."""
    whole = _width(text)
    if align == "right" or whole <= SHORT:
        return whole
    return min(max((_width(t) for t in TOKEN.findall(text)), default=Fraction(0)), Fraction(WRAP))


def _needs(table: Table) -> list[_Need]:
    needs = []
    for column, align in enumerate(alignments(table)):
        cells = [plain(row[column]) for row in table.rows]
        widest = max(map(_width, cells), default=Fraction(0))
        # A head may take two lines and its unit one more.
        name, unit = _split_head(table.head[column]) if table.head else ("", "")
        head = max(_width(plain(name)) / 2, _width(plain(unit)))
        hard = max([Fraction(2), *(_hard(cell, align) for cell in cells)])
        safe = max([hard, *(_hard(cell, align) * BROADER for cell in cells if cell.isascii())])
        least = max(safe, head, min(widest, Fraction(WRAP)))
        needs.append(_Need(hard, safe, least, max(widest, _width(plain(name)), head, safe)))
    return needs


def fit(table: Table, form: Form) -> tuple[int, tuple[int, ...]]:
    """(size in half-points, column widths in twips): the largest of the form's table sizes that breaks no number.

    Widths add up to the type area unless they are given. At the smallest size running words give way first.
    """
    needs = _needs(table)
    given = tuple(twips(width) for width in table.widths_mm)
    size = form.table_sizes[-1]
    for candidate in form.table_sizes:
        least = [_twips(need.least, candidate) for need in needs]
        room = given or (form.text_width,)
        if all(a <= b for a, b in zip(least if given else [sum(least)], room, strict=True)):
            size = candidate
            break
    return size, given or _shared(needs, size, form.text_width)


def _twips(need: Fraction, size: int) -> Fraction:
    """The width of a column whose contents need so many em."""
    return need * size * 10 + 2 * PADDING + SLACK


def _shared(needs: Sequence[_Need], size: int, room: int) -> tuple[int, ...]:
    """Columns that share `room`: first what may not break, then what had better not, then what would still wrap."""
    steps = [[_twips(getattr(need, step), size) for need in needs] for step in ("hard", "safe", "least", "full")]
    shares = steps[0]
    for step in steps[1:]:
        wants = [wanted - has for wanted, has in zip(step, shares, strict=True)]
        given = min(max(room - sum(shares), Fraction(0)), sum(wants))
        total = sum(wants) or Fraction(1)
        shares = [has + want * given / total for has, want in zip(shares, wants, strict=True)]
    # What is left over, or missing even so, all share alike in proportion to what they hold.
    widths = [int(share * room / sum(shares)) for share in shares]
    widths[-1] += room - sum(widths)
    return tuple(widths)


def _cell(width: int, align: str, words: Sequence[Any]) -> Any:
    return element(
        "w:tc",
        None,
        element(
            "w:tcPr",
            None,
            element("w:tcW", {"w:w": width, "w:type": "dxa"}),
            element("w:vAlign", {"w:val": "center"}),
        ),
        element(
            "w:p",
            None,
            element("w:pPr", None, element("w:pStyle", {"w:val": "Cell"}), element("w:jc", {"w:val": align})),
            *words,
        ),
    )


def _row(cells: Sequence[Any], *, head: bool = False, height: int = 0) -> Any:
    properties = [element("w:cantSplit")]
    if height:
        properties.append(element("w:trHeight", {"w:val": height, "w:hRule": "atLeast"}))
    if head:
        properties.append(element("w:tblHeader"))
    return element("w:tr", None, element("w:trPr", None, *properties), *cells)


def frame(widths: Sequence[int], size: int, *, padding: int = PADDING, inner: bool = True) -> Any:
    """An empty table of fixed `widths` with hairlines (`size` in eighths of a point) and no style of its own."""
    sides = ("top", "left", "bottom", "right", *(("insideH", "insideV") if inner else ()))
    line: dict[str, str | int] = {"w:val": "single", "w:sz": size, "w:space": 0, "w:color": "000000"}
    margins = [
        element(f"w:{side}", {"w:w": width, "w:type": "dxa"})
        for side, width in (("top", 28), ("left", padding), ("bottom", 28), ("right", padding))
    ]
    return element(
        "w:tbl",
        None,
        element(
            "w:tblPr",
            None,
            element("w:tblW", {"w:w": sum(widths), "w:type": "dxa"}),
            element("w:jc", {"w:val": "center"}),
            element("w:tblBorders", None, *(element(f"w:{side}", line) for side in sides)),
            element("w:tblLayout", {"w:type": "fixed"}),
            element("w:tblCellMar", None, *margins),
        ),
        element("w:tblGrid", None, *(element("w:gridCol", {"w:w": width}) for width in widths)),
    )


def head_lines(words: Words, width: int, size: int) -> tuple[Words, ...]:
    """A head as it is set in a column: whole, or its unit on a line of its own where both do not fit on one."""
    name, unit = _split_head(words)
    fits = not unit or _width(plain(words)) * size * 10 <= width - 2 * PADDING
    return (words,) if fits else (name, unit)


def _head_runs(words: Words, width: int, size: int, form: Form, runs: Runs) -> list[Any]:
    name, *unit = head_lines(words, width, size)
    if not unit:
        return runs(words, form.strong_font, size)
    pause = element("w:r", None, element("w:br"))
    return [*runs(name, form.strong_font, size), pause, *runs(unit[0], form.strong_font, size)]


def table_element(table: Table, form: Form, runs: Runs) -> Any:
    """The `w:tbl`: head repeated on each page, no row broken across pages, numbers set right."""
    size, widths = fit(table, form)
    made = frame(widths, 4)
    if table.head:
        heads = [
            _cell(width, "center", _head_runs(words, width, size, form, runs))
            for words, width in zip(table.head, widths, strict=True)
        ]
        made.append(_row(heads, head=True))
    sides = alignments(table)
    height = twips(table.min_row_mm)
    for index, row in enumerate(table.rows):
        font = form.strong_font if index in table.total_rows else None
        cells = [
            _cell(width, side, runs(words, font, size)) for words, width, side in zip(row, widths, sides, strict=True)
        ]
        made.append(_row(cells, height=height))
    return made
