"""Cells of exported tables: text that no spreadsheet runs as a formula."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar

Value = TypeVar("Value")

# OWASP "CSV Injection": these begin a formula. Programs set to Chinese or Japanese take the full-width forms as well.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NUMBER = re.compile(r"[+-]?[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?%?")


def guard(value: Value) -> Value | str:
    """The value as a CSV or XLSX cell may hold it: text that begins like a formula is preceded by an apostrophe.

    Numbers stay as they are, also those written as text (`-2.8`, `+7.7%`), and so does whatever is not text.
    """
    if isinstance(value, str) and value.startswith(FORMULA_STARTS) and not NUMBER.fullmatch(value):
        return "'" + value
    return value


def guarded_row(values: Iterable[object]) -> list[object]:
    """A row for a CSV writer, each cell guarded."""
    return [guard(value) for value in values]
