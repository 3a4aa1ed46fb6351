"""Tables for a terminal, with Chinese characters counted as two columns."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import east_asian_width


def width(text: str) -> int:
    """How many terminal columns a text takes."""
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def _is_number(text: str) -> bool:
    return bool(text) and text.lstrip("+-").replace(".", "", 1).isdigit()


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under a head; columns that hold only numbers are right-aligned."""
    widths = [max(width(str(line[i])) for line in (head, *rows)) for i in range(len(head))]
    right = [
        any(_is_number(r[i]) for r in rows) and all(not r[i] or _is_number(r[i]) for r in rows)
        for i in range(len(head))
    ]

    def line(cells: Sequence[str]) -> str:
        padded = [
            (" " * (w - width(c)) + c) if r else (c + " " * (w - width(c)))
            for c, w, r in zip(cells, widths, right, strict=True)
        ]
        return "  ".join(padded).rstrip()

    print(line(head))
    print("  ".join("-" * w for w in widths))
    for row in rows:
        print(line(row))
