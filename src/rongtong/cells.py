"""Cells of exported tables, in CSV and XLSX: text that no spreadsheet runs as a formula."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeVar

Value = TypeVar("Value")

# OWASP "CSV Injection": these begin a formula. Programs set to Chinese or Japanese take the full-width forms as well.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# The media type of a workbook.
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TEXT_LIMIT = 32767  # characters a cell of a workbook may hold
NUMBER = re.compile(r"[+-]?[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?%?")


def guard(value: Value) -> Value | str:
    """The value as a CSV cell may hold it: text that begins like a formula is preceded by an apostrophe.

    Numbers stay as they are, also those written as text (`-2.8`, `+7.7%`), and so does whatever is not text.
    """
    if isinstance(value, str) and value.startswith(FORMULA_STARTS) and not NUMBER.fullmatch(value):
        return "'" + value
    return value


def guarded_row(values: Iterable[object]) -> list[object]:
    """A row for a CSV writer, each cell guarded."""
    return [guard(value) for value in values]


def put_text(cell: Any, text: str) -> None:
    """Write `text` into a cell of a workbook as text whatever it looks like, which it stays when edited.

    Raises ValueError naming the cell for a text longer than a cell holds.
    """
    if len(text) > TEXT_LIMIT:
        raise ValueError(f"单元格{cell.coordinate}有{len(text)}字，超过{TEXT_LIMIT}字的上限；请缩短或改为附件")
    # The value first: openpyxl takes the type from it, and a text that begins with = for a formula.
    cell.value = xml_text(text)
    cell.data_type = "s"
    cell.number_format = "@"
    if text.startswith(FORMULA_STARTS):
        cell.quotePrefix = True


def put_row(sheet: Any, row: int, texts: Iterable[str]) -> None:
    """Write texts into a row of a sheet; what is longer than a cell holds is cut."""
    for column, text in enumerate(texts, start=1):
        put_text(sheet.cell(row, column), text[:TEXT_LIMIT])


def xml_text(text: str) -> str:
    """`text` with characters XML forbids shown as U+FFFD, so that a stray control character cannot break a file."""
    return "".join(
        c if c in "\t\n\r" or "\x20" <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000" else "\ufffd"
        for c in text
    )
