"""Quantity (量): an exact amount with its unit. Money, counts, persons, ratios, 百分点.

An amount is a `Fraction` of the dimension's base unit (元, 家, 人, 1), so sums and comparisons are exact. Adding or
comparing across dimensions is refused with the reason. Facts are stored as integers at the dimension's scale
(money in 分). Chinese magnitudes (万, 亿, 万亿) are parsed and printed.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Literal

COUNT_WORDS = [
    "家",
    "项",
    "个",
    "台",
    "次",
    "件",
    "支",
    "所",
    "张",
    "条",
    "批",
    "类",
    "种",
    "位",
    "场",
    "篇",
    "宗",
    "笔",
]
PERSON_WORDS = ["人", "名"]
Comparator = Literal["=", ">=", ">", "<=", "<", "~"]
_PREFIXES = (("万亿", 10**12), ("亿", 10**8), ("万", 10**4), ("千", 10**3), ("百", 10**2))
_QUALIFIERS: dict[str, Comparator] = {
    "超过": ">", "超": ">", "突破": ">", "余": ">", "多": ">", "以上": ">=", "不低于": ">=", "不少于": ">=", "达": ">=", "达到": ">=",
    "近": "~", "约": "~", "左右": "~", "不超过": "<=", "以内": "<=",
}  # fmt: skip


class UnitError(ValueError):
    """Quantities of different dimensions were added or compared, or a unit is unknown."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """What is measured. `scale`: decimals of the base unit kept when a fact is stored (money 2: 分)."""

    name: str
    chinese: str
    scale: int


MONEY = Dimension("money", "金额", 2)
RATIO = Dimension("ratio", "比率", 8)
POINT = Dimension("point", "百分点", 8)
PERSON = Dimension("person", "人数", 0)
PERSON_YEAR = Dimension("person_year", "人年", 2)
RANK = Dimension("rank", "位次", 0)
YEAR = Dimension("year", "年数", 0)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: `factor` base units of `dimension` (亿元 = 10**8 元; % = 1/100)."""

    symbol: str
    dimension: Dimension
    factor: Fraction

    def __str__(self) -> str:
        return self.symbol


_PLAIN = {
    "元": Unit("元", MONEY, Fraction(1)),
    "分": Unit("分", MONEY, Fraction(1, 100)),
    "%": Unit("%", RATIO, Fraction(1, 100)),
    "‰": Unit("‰", RATIO, Fraction(1, 1000)),
    "1": Unit("1", RATIO, Fraction(1)),
    "百分点": Unit("百分点", POINT, Fraction(1, 100)),
    "人年": Unit("人年", PERSON_YEAR, Fraction(1)),
    "人/年": Unit("人/年", Dimension("person/year", "每年人数", 0), Fraction(1)),
    "次/年": Unit("次/年", Dimension("count:次/year", "每年次数", 0), Fraction(1)),
    "位次": Unit("位次", RANK, Fraction(1)),
    "年": Unit("年", YEAR, Fraction(1)),
    "周岁": Unit("周岁", Dimension("age", "年龄", 0), Fraction(1)),
}


@cache
def unit(symbol: str) -> Unit:
    """The unit written `symbol`, with any magnitude: 亿元, 万家, 百分点, %, 万人.

    Raises UnitError for a word that is no unit.
    """
    text = unicodedata.normalize("NFKC", symbol).strip()
    if text in _PLAIN:
        return _PLAIN[text]
    if text in COUNT_WORDS:
        return Unit(text, Dimension(f"count:{text}", f"数量（{text}）", 0), Fraction(1))
    if text in PERSON_WORDS:
        return Unit(text, PERSON, Fraction(1))
    for prefix, factor in _PREFIXES:
        if text.startswith(prefix) and text != prefix:
            base = unit(text[len(prefix) :])
            return Unit(text, base.dimension, base.factor * factor)
    raise UnitError(
        f"不认识的单位“{symbol}”。应为金额（元、万元、亿元、万亿元）、%、百分点、人、人年或量词（{'、'.join(COUNT_WORDS)}）。"
    )


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """`amount` base units of `unit.dimension`, meant to be shown in `unit`. 1 亿元 equals 10000 万元."""

    amount: Fraction
    unit: Unit

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and (self.amount, self.unit.dimension) == (
            other.amount,
            other.unit.dimension,
        )

    def __hash__(self) -> int:
        return hash((self.amount, self.unit.dimension))

    @staticmethod
    def of(number: int | str | Fraction, symbol: str | Unit) -> Quantity:
        """`number` in the unit `symbol`; a string keeps its decimals exactly. Floats are refused."""
        if isinstance(number, float):
            raise UnitError(f"{number!r} 是浮点数，精确值应以整数、分数或字符串给出。")
        u = symbol if isinstance(symbol, Unit) else unit(symbol)
        return Quantity(Fraction(number) * u.factor, u)

    @staticmethod
    def stored(value: int, u: Unit) -> Quantity:
        """The quantity stored as the integer `value` at the dimension's scale."""
        return Quantity(Fraction(value, 10**u.dimension.scale), u)

    def to_stored(self) -> int:
        """The integer at the dimension's scale. Raises UnitError if it would lose digits."""
        scaled = self.amount * 10**self.unit.dimension.scale
        if scaled.denominator != 1:
            raise UnitError(
                f"{self} 的小数位超过{self.unit.dimension.chinese}的记录精度（小数 {self.unit.dimension.scale} 位）。"
            )
        return int(scaled.numerator)

    @property
    def number(self) -> Fraction:
        """The amount in `unit`."""
        return self.amount / self.unit.factor

    def _same(self, other: Quantity, verb: str) -> None:
        if self.unit.dimension != other.unit.dimension:
            mine, theirs = self.unit, other.unit
            raise UnitError(
                f"不能{verb}:{mine}（{mine.dimension.chinese}）与 {theirs}（{theirs.dimension.chinese}）不是同一种量。"
            )

    def __add__(self, other: Quantity) -> Quantity:
        self._same(other, "相加")
        return Quantity(self.amount + other.amount, self.unit)

    def __sub__(self, other: Quantity) -> Quantity:
        """The difference; of two percentages it is in 百分点."""
        self._same(other, "相减")
        u = unit("百分点") if self.unit.dimension == RATIO else self.unit
        return Quantity(self.amount - other.amount, u)

    def __mul__(self, factor: Fraction | int) -> Quantity:
        return Quantity(self.amount * factor, self.unit)

    def over(self, other: Quantity) -> Quantity:
        """self ÷ other as a percentage. Raises UnitError across dimensions, ZeroDivisionError for a zero base."""
        self._same(other, "相除")
        return Quantity(self.amount / other.amount, unit("%"))

    def __lt__(self, other: Quantity) -> bool:
        self._same(other, "比较")
        return self.amount < other.amount

    def __le__(self, other: Quantity) -> bool:
        self._same(other, "比较")
        return self.amount <= other.amount

    def shown(self, decimals: int | None = None) -> str:
        """The number alone in `unit`: all its decimals if finite, else rounded half up to `decimals` (default 2)."""
        return decimal_text(self.number, decimals)

    def __str__(self) -> str:
        space = " " if self.unit.symbol.isascii() else ""
        return f"{self.shown()}{space}{self.unit}"


def round_half_up(value: Fraction, decimals: int) -> Fraction:
    """`value` rounded to `decimals`, halves away from zero (四舍五入), by integer arithmetic."""
    scaled = abs(value) * 10**decimals
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Fraction(whole if value >= 0 else -whole, 10**decimals)


def decimal_text(value: Fraction, decimals: int | None = None) -> str:
    """`value` as a plain decimal. With `decimals` None a finite expansion is shown in full, another to 2 places."""
    if decimals is None:
        decimals = finite_decimals(value)
        if decimals is None:
            decimals = 2
    rounded = round_half_up(value, decimals)
    whole, rest = divmod(abs(rounded.numerator) * 10**decimals // rounded.denominator, 10**decimals)
    sign = "-" if rounded < 0 else ""
    return f"{sign}{whole}.{rest:0{decimals}d}" if decimals else f"{sign}{whole}"


def finite_decimals(value: Fraction, most: int = 12) -> int | None:
    """How many decimals write `value` exactly, or None if no finite number up to `most` does."""
    for places in range(most + 1):
        if (value * 10**places).denominator == 1:
            return places
    return None


def humane(quantity: Quantity, decimals: int = 2) -> Quantity:
    """The same quantity in the magnitude people read: 32000 亿元 as 3.2 万亿元, 19000 台 as 1.9 万台."""
    dimension = quantity.unit.dimension
    if dimension in (RATIO, POINT, RANK, YEAR):
        return quantity
    base = quantity.unit.symbol.lstrip("百千万亿") or quantity.unit.symbol
    for prefix, factor in _PREFIXES[:3]:
        if abs(quantity.amount) >= factor and finite_decimals(quantity.amount / factor, decimals) is not None:
            return Quantity(quantity.amount, unit(prefix + base))
    return Quantity(quantity.amount, unit(base))


_NUMBER = re.compile(r"([+-]?\d+(?:,\d{3})*(?:\.\d+)?)")
_PHRASE = re.compile(
    r"(?P<before>不低于|不少于|不超过|超过|突破|超|达到|达|近|约)?(?P<fall>负增长|下降)?(?P<number>[+-]?\d+(?:,\d{3})*(?:\.\d+)?)"
    r"(?P<magnitude>万亿|亿|万|千|百)?(?P<after>余|多)?(?P<unit>.*?)(?P<end>以上|左右|以内)?$"
)


def parse_number(text: str) -> Fraction:
    """The exact number in a cell's text; full-width digits and thousands separators are understood.

    Raises ValueError with what was found.
    """
    clean = unicodedata.normalize("NFKC", text).replace(" ", "")
    if not _NUMBER.fullmatch(clean):
        raise ValueError(f"“{text}”不是数。应为如 1234.56 的数字，不带单位和文字。")
    return Fraction(clean.replace(",", ""))


def parse(text: str) -> tuple[Comparator, Quantity]:
    """What a phrase like 突破4.7万家, 1.9万余台, 不低于80%, 3.2万亿元, 2个百分点以上, 下降2.8% says.

    A qualifier counts only where it stands before the number, after it and its magnitude, or at the end.
    Raises UnitError or ValueError when there is no number or no unit.
    """
    clean = unicodedata.normalize("NFKC", text).replace(" ", "")
    match = _PHRASE.search(clean)
    if match is None:
        raise ValueError(f"“{text}”里没有数。应为如 突破4.7万家、不低于80% 的说法。")
    part = match.groupdict()
    comparator: Comparator = next((_QUALIFIERS[w] for w in (part["before"], part["after"], part["end"]) if w), "=")
    sign = "-" if part["fall"] else ""
    symbol = ((part["magnitude"] or "") + part["unit"]).replace("个百分点", "百分点")
    return comparator, Quantity.of(sign + part["number"].replace(",", ""), symbol)
