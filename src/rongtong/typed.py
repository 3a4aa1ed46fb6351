"""What people type: whole numbers, and text that the store and its columns can hold."""

from __future__ import annotations

import re

from django.db.models import Model

# So many digits fit every integer column of the store.
MOST_DIGITS = 18
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def number(text: str) -> int | None:
    """The whole number that a text states in ASCII digits, at most 18 of them; None for any other text.

    `isdigit` takes `²`, which `int` refuses, and `int` takes 4,000 digits, which no column holds.
    """
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS else None


def too_long(model: type[Model], field: str, text: str, words: str) -> str:
    """What to say of a text that is longer than its column, which is called `words`; "" of one that fits.

    PostgreSQL refuses such a row, SQLite takes it: neither is an answer to who typed it.
    """
    most = getattr(model._meta.get_field(field), "max_length", None)
    if most is None or len(text) <= most:
        return ""
    return f"{words}有 {len(text)} 个字，最多 {most} 个。请缩短。"


def storable(text: str) -> bool:
    """Whether every store holds the text: PostgreSQL takes no NUL, and nothing writes half a surrogate pair."""
    return _UNSTORABLE.search(text) is None
