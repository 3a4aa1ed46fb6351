"""Guessing the layout of a foreign workbook: header row, place column, period column, and which column is which card."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from rongtong.apps.observations.headings import JOINT, headings
from rongtong.engine.pack.model import Indicator
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period, PeriodError
from rongtong.engine.place import PlaceError
from rongtong.engine.quantity import UnitError, unit
from rongtong.engine.workbook import Sheet, Value, heading, plain, shown

LOOK_WITHIN = 15
SAMPLES = 3
TOTALS = ("合计", "总计", "小计", "全省合计", "全市合计", "平均", "注", "备注", "填表人", "单位负责人")
_SUBTOTALS = ("合计", "总计", "小计")
_PERIODS = ("期", "月份", "年度", "年份", "时间", "报告期", "所属期", "period")
_KNOWN = ("发布日期", "公布日", "报送日期", "填报日期", "日期")
_UNIT_IN = re.compile(r"[（(]\s*([^（）()]{1,6})\s*[)）]")
_UNIT_SAID = re.compile(r"单位[:：]\s*([^\s，。；、（）()]{1,6})")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sheet: its heading, what stands below it, and what it seems to be."""

    number: int
    heading: str
    samples: tuple[str, ...]
    indicator: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Guess:
    """What a sheet seems to hold; empty where nothing was recognised."""

    header_row: int
    columns: tuple[Column, ...]
    place_column: str
    period_column: str
    known_from_column: str
    skip: tuple[str, ...]
    unknown: tuple[str, ...]


def guess(sheet: Sheet, pack: Pack, header_row: int = 0, place_column: str = "") -> Guess:
    """The layout of a sheet, with the header row and place column given or guessed."""
    row = header_row or guess_header_row(sheet)
    said = _said_units(sheet, row)
    found = [_column(sheet, row, number, words, pack, said) for number, words in headings(sheet, row)]
    known = {p.name for p in pack.places.places.values()} | {p.short for p in pack.places.places.values()}
    known |= set(pack.places.places)
    place = next((c for c in found if c.heading == heading(place_column)), None) or max(
        found, key=lambda c: _known_share(sheet, row, c.number, known), default=None
    )
    name = place.heading if place else ""
    words = _distinct(sheet, row, place.number) if place else []
    skip = tuple(w for w in words if w.startswith(TOTALS) or w.endswith(_SUBTOTALS))
    unknown = tuple(w for w in words if w not in skip and not _resolves(w, pack))
    period = next((c.heading for c in found if _is(c.heading, _PERIODS) or _all_periods(c.samples)), "")
    known_from = next((c.heading for c in found if _is(c.heading, _KNOWN)), "")
    return Guess(row, tuple(c for c in found if c.heading != name), name, period, known_from, skip, unknown)


def guess_header_row(sheet: Sheet) -> int:
    """The row with the most headings that have numbers below them; the lower of two that are equal."""
    rows = list(sheet.rows)
    best, most = rows[0] if rows else 1, -1
    for at, row in enumerate(rows[:LOOK_WITHIN]):
        words = {heading(v) for v in sheet.rows[row].values() if not _number(v)}
        below = sheet.rows[rows[at + 1]] if at + 1 < len(rows) else {}
        score = len(words) + 2 * sum(_number(v) and c in sheet.rows[row] for c, v in below.items())
        if any(_number(v) for v in sheet.rows[row].values()):
            score = 0
        if score >= most:
            best, most = row, score
    return best


def _column(sheet: Sheet, row: int, number: int, words: str, pack: Pack, said: tuple[str, ...]) -> Column:
    samples = [shown(sheet.rows[r].get(number)) for r in sheet.rows if r > row]
    kept = tuple(s for s in samples if s)[:SAMPLES]
    card = guess_card(words, pack.all("indicators")) if any(_is_number(s) for s in kept) else None
    if card is None:
        return Column(number, words, kept)
    return Column(
        number,
        words,
        kept,
        card.code,
        guess_unit(words, card) or next((u for word in said if (u := _fits(word, card))), card.unit),
    )


def guess_card(words: str, cards: Iterable[Indicator]) -> Indicator | None:
    """The observed card whose name a heading resembles most, or None."""
    bare = _UNIT_IN.sub("", words.replace(JOINT, ""))
    growth = any(w in words for w in ("同比", "增速", "增长"))
    best, most = None, 0.6
    for card in cards:
        if card.formula or growth != (card.measure_of is not None):
            continue
        name = _UNIT_IN.sub("", plain(card.name))
        ratio = 1.0 if bare == name else difflib.SequenceMatcher(None, bare, name).ratio()
        if bare and (bare in name or name in bare):
            ratio = max(ratio, 0.7 + ratio / 4)
        if ratio > most:
            best, most = card, ratio
    return best


def guess_unit(words: str, card: Indicator) -> str:
    """The unit a heading names in brackets, if it measures what the card does."""
    return next((u for found in _UNIT_IN.findall(words) if (u := _fits(found, card))), "")


def _fits(symbol: str, card: Indicator) -> str:
    try:
        return symbol if symbol and unit(symbol).dimension == unit(card.unit).dimension else ""
    except UnitError:
        return ""


def _said_units(sheet: Sheet, row: int) -> tuple[str, ...]:
    """What lines above the headings state for the whole table (单位：万元), the words of 编制单位： among it."""
    above = [shown(v) for r in sheet.rows if r < row for v in sheet.rows[r].values()]
    return tuple(word for text in above for word in _UNIT_SAID.findall(text))


def _known_share(sheet: Sheet, row: int, number: int, known: set[str]) -> Fraction:
    words = _distinct(sheet, row, number)
    return Fraction(sum(w in known for w in words), len(words)) if words else Fraction(-1)


def _distinct(sheet: Sheet, row: int, number: int) -> list[str]:
    """The words of a column in the rows that hold a number: others are remarks."""
    rows = [cells for r, cells in sheet.rows.items() if r > row and any(_number(v) for v in cells.values())]
    return list(dict.fromkeys(w for cells in rows if (w := plain(cells.get(number)))))


def _resolves(word: str, pack: Pack) -> bool:
    try:
        pack.places.resolve(word)
    except PlaceError:
        return False
    return True


def _is(words: str, names: tuple[str, ...]) -> bool:
    return any(words.lower() == name or (len(name) > 1 and name in words) for name in names)


def _all_periods(samples: tuple[str, ...]) -> bool:
    def is_period(text: str) -> bool:
        try:
            Period.parse(text)
        except PeriodError:
            return False
        return True

    return bool(samples) and all(is_period(s) for s in samples)


def _number(value: Value) -> bool:
    """Whether a cell holds a number, as a number or as a text."""
    return isinstance(value, int | Fraction) or (isinstance(value, str) and _is_number(plain(value)))


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"-?[\d,]+(\.\d+)?", text))
