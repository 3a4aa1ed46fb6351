"""Marks in an official text: where a commitment's number or name stands in the words of its clause."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from rongtong.apps.planning.pages_ledger import Entry
from rongtong.engine.quantity import decimal_text

NUMERALS = "一二三四五六七八九十"
# How far around a number its commitment's words are looked for, and how much of a name must stand there to mark it.
BEFORE, AFTER = 40, 20
SHORTEST_NAME = 6
# Where a number can begin: a digit, a numeral, 全覆盖 for 100 %.
_BEGINS = re.compile(rf"(?<![\d.,])[-\d]|[{NUMERALS}两]|全(?=覆盖)")
# (name, number, unit) of a commitment, and (start, end, which of them) of a place in a text.
Asked = tuple[str, str | None, str]
Span = tuple[int, int, int]
_NOT_WORDS = re.compile(r"[\s《》“”()（）、，,。;；:：]")


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of a text; with an entry it states that commitment's number or name."""

    text: str
    entry: Entry | None = None


def marked(text: str, entries: Sequence[Entry]) -> tuple[Segment, ...]:
    """The text cut so that every number and name of these commitments found in it is a segment of its own."""
    asked = tuple((e.item.name, e.item.value, e.item.unit) for e in entries)
    out, at = [], 0
    for start, end, which in _spans(text, asked):
        out += [Segment(text[at:start]), Segment(text[start:end], entries[which])]
        at = end
    return tuple(s for s in (*out, Segment(text[at:])) if s.text)


@lru_cache(maxsize=512)
def _spans(text: str, asked: tuple[Asked, ...]) -> tuple[Span, ...]:
    """Where what is asked for stands, in the order of the text; of two that overlap the first found. Kept by its words."""
    spans: list[Span] = []
    for start, end, which in (*_numbers(text, asked), *_names(text, asked)):
        if all(end <= s or e <= start for s, e, _ in spans):
            spans.append((start, end, which))
    return tuple(sorted(spans))


def _numbers(text: str, asked: Sequence[Asked]) -> Iterator[Span]:
    """Each number with its unit; of several commitments with the same, the one whose words stand nearest."""
    wanted: dict[tuple[Fraction, str], list[int]] = {}
    for which, (_, value, unit) in enumerate(asked):
        if value is not None and unit:
            wanted.setdefault((Fraction(value), unit), []).append(which)
    found = _written(text, [_ways(*key) for key in wanted])
    for candidates, places in zip(wanted.values(), found, strict=True):
        left = list(candidates)
        for start, end in places:
            around = text[max(0, start - BEFORE) : end + AFTER]
            best = max(left or candidates, key=lambda which: _overlap(asked[which][0], around))
            if best in left:
                left.remove(best)
            yield start, end, best


def _written(text: str, ways: Sequence[tuple[re.Pattern[str], str]]) -> list[list[tuple[int, int]]]:
    """Where each way of writing matches: the text is gone through once, and those are tried that begin as it does."""
    found: list[list[tuple[int, int]]] = [[] for _ in ways]
    by_first: dict[str, list[int]] = {}
    for which, (_, firsts) in enumerate(ways):
        for first in firsts:
            by_first.setdefault(first, []).append(which)
    for begin in _BEGINS.finditer(text) if ways else ():
        for which in by_first.get(begin[0], ()):
            match = ways[which][0].match(text, begin.start())
            if match and (not found[which] or found[which][-1][1] <= match.start()):
                found[which].append(match.span())
    return found


@lru_cache(maxsize=1024)
def _ways(value: Fraction, unit: str) -> tuple[re.Pattern[str], str]:
    """The ways a number is written, and the characters they begin with: 7200亿元, 7,200 亿元, 80％; small whole ones
    also as 三张 and two as 两批.
    """
    whole, _, decimals = decimal_text(value).partition(".")
    grouped = f"{int(whole):,}".replace(",", "[,，]?")
    firsts = grouped[0]
    ways = [rf"(?<![\d.,]){grouped}" + (rf"\.{decimals}0*" if decimals else r"(?:\.0+)?")]
    if not decimals and 1 <= int(whole) <= len(NUMERALS):
        ways.append(f"(?<![{NUMERALS}])" + NUMERALS[int(whole) - 1])
        ways += ["两"] if whole == "2" else []
        firsts += NUMERALS[int(whole) - 1] + ("两" if whole == "2" else "")
    sign = "[%％]" if unit == "%" else re.escape(unit)
    more = "|全覆盖" if unit == "%" and value == 100 else ""
    return re.compile(rf"(?:{'|'.join(ways)})\s?(?:余|多)?{sign}{more}"), firsts + more[1:2]


def _overlap(name: str, around: str) -> int:
    """How many pairs of neighbouring characters of a name stand in the words around."""
    bare = _NOT_WORDS.sub("", name)
    return sum(bare[i : i + 2] in around for i in range(len(bare) - 1))


def _names(text: str, asked: Sequence[Asked]) -> Iterator[Span]:
    """The name of each commitment without a number, as far as it stands word for word in the text."""
    names = [(which, name) for which, (name, value, _) in enumerate(asked) if value is None]
    places: dict[str, list[int]] = {}
    if names:
        for at in range(len(text) - SHORTEST_NAME + 1):
            places.setdefault(text[at : at + SHORTEST_NAME], []).append(at)
    for which, name in names:
        size, start = _longest(text, places, name)
        if size >= max(SHORTEST_NAME, len(name) * 3 // 5):
            yield start, start + size, which


def _longest(text: str, places: dict[str, list[int]], name: str) -> tuple[int, int]:
    """(length, place in the text) of the longest part of a name that stands in the text, the first of several."""
    best = (0, 0)
    for at in range(len(name) - SHORTEST_NAME + 1):
        for start in places.get(name[at : at + SHORTEST_NAME], ()):
            size = SHORTEST_NAME
            while name[at + size : at + size + 1] == text[start + size : start + size + 1] != "":
                size += 1
            best = max(best, (size, -start))
    return best[0], -best[1]
