"""Marks in an official text: where a commitment's number or name stands in the words of its clause."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from fractions import Fraction

from rongtong.apps.planning.pages_ledger import Entry
from rongtong.engine.quantity import decimal_text

NUMERALS = "一二三四五六七八九十"
# How far around a number its commitment's words are looked for, and how much of a name must stand there to mark it.
BEFORE, AFTER = 40, 20
SHORTEST_NAME = 6
_NOT_WORDS = re.compile(r"[\s《》“”()（）、，,。;；:：]")


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of a text; with an entry it states that commitment's number or name."""

    text: str
    entry: Entry | None = None


def marked(text: str, entries: Sequence[Entry]) -> tuple[Segment, ...]:
    """The text cut so that every number and name of these commitments found in it is a segment of its own."""
    spans: list[tuple[int, int, Entry]] = []
    for start, end, entry in (*_numbers(text, entries), *_names(text, entries)):
        if all(end <= s or e <= start for s, e, _ in spans):
            spans.append((start, end, entry))
    out, at = [], 0
    for start, end, entry in sorted(spans, key=lambda s: s[0]):
        out += [Segment(text[at:start]), Segment(text[start:end], entry)]
        at = end
    return tuple(s for s in (*out, Segment(text[at:])) if s.text)


def _numbers(text: str, entries: Sequence[Entry]) -> Iterator[tuple[int, int, Entry]]:
    """Each number with its unit; of several commitments with the same, the one whose words stand nearest."""
    wanted: dict[tuple[Fraction, str], list[Entry]] = {}
    for entry in entries:
        if entry.item.value is not None and entry.item.unit:
            wanted.setdefault((Fraction(entry.item.value), entry.item.unit), []).append(entry)
    for (value, unit), candidates in wanted.items():
        left = list(candidates)
        for found in _pattern(value, unit).finditer(text):
            around = text[max(0, found.start() - BEFORE) : found.end() + AFTER]
            best = max(left or candidates, key=lambda e: _overlap(e.item.name, around))
            if best in left:
                left.remove(best)
            yield found.start(), found.end(), best


def _pattern(value: Fraction, unit: str) -> re.Pattern[str]:
    """The ways a number is written: 7200亿元, 7,200 亿元, 80％; small whole ones also as 三张 and two as 两批."""
    whole, _, decimals = decimal_text(value).partition(".")
    grouped = f"{int(whole):,}".replace(",", "[,，]?")
    ways = [rf"(?<![\d.,]){grouped}" + (rf"\.{decimals}0*" if decimals else r"(?:\.0+)?")]
    if not decimals and 1 <= int(whole) <= len(NUMERALS):
        ways.append(f"(?<![{NUMERALS}])" + NUMERALS[int(whole) - 1])
        ways += ["两"] if whole == "2" else []
    sign = "[%％]" if unit == "%" else re.escape(unit)
    more = "|全覆盖" if unit == "%" and value == 100 else ""
    return re.compile(rf"(?:{'|'.join(ways)})\s?(?:余|多)?{sign}{more}")


def _overlap(name: str, around: str) -> int:
    """How many pairs of neighbouring characters of a name stand in the words around."""
    bare = _NOT_WORDS.sub("", name)
    return sum(bare[i : i + 2] in around for i in range(len(bare) - 1))


def _names(text: str, entries: Sequence[Entry]) -> Iterator[tuple[int, int, Entry]]:
    """The name of each commitment without a number, as far as it stands word for word in the text."""
    for entry in entries:
        if entry.item.value is not None:
            continue
        name = entry.item.name
        found = SequenceMatcher(None, text, name, autojunk=False).find_longest_match()
        if found.size >= max(SHORTEST_NAME, len(name) * 3 // 5):
            yield found.a, found.a + found.size, entry
