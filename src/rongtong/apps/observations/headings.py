"""Headings of a table: the words above each column, in one row or in several where groups stand above the columns."""

from __future__ import annotations

from rongtong.engine.workbook import Position, Sheet, heading

GROUP_ROWS = 3
JOINT = "·"


def headings(sheet: Sheet, row: int) -> list[tuple[int, str]]:
    """The columns that have a heading in a row, by number, each with the groups above it (财政科技支出·本月数)."""
    own = own_headings(sheet, row)
    groups = _group_rows(sheet, row, own)
    return [(c, JOINT.join([*_above(sheet, row, c, groups), words])) for c, words in own]


def own_headings(sheet: Sheet, row: int) -> list[tuple[int, str]]:
    """The columns that have a heading in a row, by number, without the groups above.

    A heading merged over several columns names the first of them, not each.
    """
    cells = sheet.rows.get(row, {})
    own = ((c, heading(v)) for c, v in sorted(cells.items()) if _top(sheet, row, c)[1] == c)
    return [(c, words) for c, words in own if words]


def _top(sheet: Sheet, row: int, column: int) -> Position:
    return sheet.merged.get((row, column), (row, column))


def _group_rows(sheet: Sheet, row: int, own: list[tuple[int, str]]) -> list[int]:
    """The rows that group the columns of a row, from the top down."""
    found: list[int] = []
    for above in range(row - 1, max(row - 1 - GROUP_ROWS, 0), -1):
        if not (
            _tied(sheet, above, own) or _spans_some(sheet, above, own) or (not found and _tells(sheet, above, own))
        ):
            break
        found.insert(0, above)
    return found


def _tied(sheet: Sheet, above: int, own: list[tuple[int, str]]) -> bool:
    """Whether a heading reaches over both rows."""
    return any(_top(sheet, above + 1, c)[0] <= above for c, _ in own)


def _spans_some(sheet: Sheet, above: int, own: list[tuple[int, str]]) -> bool:
    """Whether a cell above spans several of the columns; a title spans them all, and what says 单位： is no group."""
    tops = [_top(sheet, above, c) for c, _ in own if _group(sheet, above, c)]
    return any(1 < tops.count(top) < len(own) for top in tops)


def _tells(sheet: Sheet, above: int, own: list[tuple[int, str]]) -> bool:
    """Whether columns of one heading have different words above them."""
    words = [w for _, w in own]
    alike = [(w, _group(sheet, above, c)) for c, w in own if words.count(w) > 1]
    return bool(alike) and all(above for _, above in alike) and len(set(alike)) == len(alike)


def _group(sheet: Sheet, row: int, column: int) -> str:
    """The words of a group's cell; "" where there are none or they state something of the whole table."""
    words = heading(sheet.rows.get(row, {}).get(column))
    return "" if ":" in words else words


def _above(sheet: Sheet, row: int, column: int, groups: list[int]) -> list[str]:
    own = _top(sheet, row, column)
    tops = dict.fromkeys(_top(sheet, r, column) for r in groups)
    return [words for top in tops if top != own and (words := _group(sheet, *top))]
