"""Where the sheets of a preview end: what stays together, and how a long table is parted."""

from __future__ import annotations

from fractions import Fraction

from django.utils.safestring import SafeString

from rongtong.apps.papers.paging import LINES, Grid, Item, paged


def text(height: int, shape: str = "body") -> Item:
    return Item(shape, height=Fraction(height))


def table(*heights: int) -> Item:
    rows = tuple((False, SafeString(f"<td>{i}</td>")) for i in range(len(heights)))
    grid = Grid(
        24, ("100.00",), (SafeString("头"),), rows, SafeString("题"), SafeString("注"),
        heights=tuple(map(Fraction, heights)), head_height=Fraction(1), note_height=Fraction(1),
    )  # fmt: skip
    return Item("table", height=grid.height, table=grid)


def shapes(*items: Item) -> list[list[str]]:
    return [[item.shape for item in page] for page in paged(items)]


def test_no_sheet_holds_more_than_a_page_also_when_the_rows_of_a_table_differ_in_height() -> None:
    pages = list(paged([text(3), table(*[1] * 6, *[4] * 9, *[1] * 20), text(5)]))
    assert all(sum(item.height for item in page) <= LINES for page in pages)
    rows = [row for page in pages for item in page if item.table for row in item.table.rows]
    assert rows == list(table(*[1] * 35).table.rows)  # type: ignore[union-attr]


def test_a_table_that_fits_without_its_note_takes_its_last_rows_along() -> None:
    _, last = paged([text(3), table(*[1] * 16)])
    grid = last[0].table
    assert grid is not None
    assert grid.rows
    assert grid.note


def test_a_heading_does_not_stay_behind_when_its_table_begins_the_next_sheet() -> None:
    assert shapes(text(18), text(1, "h1"), table(2, 2, 2)) == [["body"], ["h1", "table"]]


def test_a_table_does_not_begin_with_one_row_at_the_foot_of_a_sheet() -> None:
    assert shapes(text(18), table(1, 1, 1, 1)) == [["body"], ["table"]]
    assert shapes(text(17), table(1, 1, 1, 1)) == [["body", "table"], ["table"]]


def test_a_signature_takes_the_end_of_the_text_along() -> None:
    ends = text(2, "attachments"), text(3, "signature")
    assert shapes(text(15), text(1, "h1"), text(2), *ends) == [["body"], ["h1", "body", "attachments", "signature"]]
    assert shapes(text(10), text(8), *ends) == [["body"], ["body", "attachments", "signature"]]
    pages = list(paged([table(*[1] * 16), *ends]))
    assert [[i.shape for i in page] for page in pages] == [["table"], ["table", "attachments", "signature"]]
    assert [len(page[0].table.rows) for page in pages if page[0].table] == [14, 2]


def test_what_is_higher_than_a_page_has_one_for_itself_and_a_break_leaves_none_empty() -> None:
    assert shapes(text(2), text(40), text(2)) == [["body"], ["body"], ["body"]]
    assert shapes(text(0, "break"), text(2), text(0, "break"), text(2)) == [["body"], ["body"]]
