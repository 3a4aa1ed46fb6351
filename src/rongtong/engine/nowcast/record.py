"""What a nowcast takes and gives: series of past years, forecasts and their scores; all values exact fractions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

SHARE_LOGIT_T = "share_logit_t"
SAME_SHARE = "same_share_as_total"
INSUFFICIENT_HISTORY = "insufficient_history"
METHOD_WORDS = {
    SHARE_LOGIT_T: "按近年同期完成份额推算",
    SAME_SHARE: "与合计同一份额",
    INSUFFICIENT_HISTORY: "历史不足，不作预测",
}


@dataclass(frozen=True, slots=True)
class PastYear:
    """A past year: value of the same period (同期累计值) and of the full year; ValueError unless 0 < part < full."""

    year: int
    part: Fraction
    full: Fraction

    def __post_init__(self) -> None:
        part = exact(self.part, f"{self.year}年同期累计值")
        full = exact(self.full, f"{self.year}年全年值")
        if part <= 0:
            raise ValueError(
                f"{self.year}年同期累计值为{shown(part)}，应大于0：占比为0或为负时无法推算，请核对或剔除该年。"
            )
        if part > full:
            raise ValueError(f"{self.year}年同期累计值{shown(part)}大于全年值{shown(full)}，请核对单位和口径。")
        if part == full:
            raise ValueError(
                f"{self.year}年同期累计值与全年值同为{shown(full)}，占比恰为1，应小于1：请确认同期值未误填为全年值。"
            )
        object.__setattr__(self, "part", part)
        object.__setattr__(self, "full", full)


@dataclass(frozen=True, slots=True)
class Series:
    """One place: its past years, put in order, and this year's part; ValueError: a year twice, a part not above 0."""

    place: str
    past: tuple[PastYear, ...]
    part: Fraction

    def __post_init__(self) -> None:
        part = exact(self.part, f"{self.place}本年累计值")
        if part <= 0:
            raise ValueError(
                f"{self.place}本年累计值为{shown(part)}，应大于0：没有累计值的地区请不要参与推算，可并入未分配部分。"
            )
        years = [item.year for item in self.past]
        twice = sorted({year for year in years if years.count(year) > 1})
        if twice:
            raise ValueError(f"{self.place}的{listed(twice)}年重复出现，每年只应有一行，请删去重复的行。")
        object.__setattr__(self, "part", part)
        object.__setattr__(self, "past", tuple(sorted(self.past, key=lambda item: item.year)))


@dataclass(frozen=True, slots=True)
class Scenario:
    """A labelled what-if (情景) where no forecast can be made; `growth` is over the last full year, if known."""

    label: str
    value: Fraction
    growth: Fraction | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """The forecast of one place as it is stored (a vintage).

    method       SHARE_LOGIT_T; SAME_SHARE for a line not allocated; INSUFFICIENT_HISTORY, then `value`, `low`, `high`
                 and `probability` are None and `scenarios` are given instead.
    value        the median; `low` and `high` bound the interval of nominal coverage `level`.
    probability  that the full year reaches `target`, in thousandths; 0 and 1 only where the part already settles it.
    adds_up      False on a total that is not the sum of its places, and on places that do not add up to the total.
    """

    place: str
    method: str
    part: Fraction
    value: Fraction | None
    low: Fraction | None
    high: Fraction | None
    level: Fraction
    target: Fraction | None
    probability: Fraction | None
    scenarios: tuple[Scenario, ...]
    years_used: tuple[int, ...]
    adds_up: bool
    note: str


@dataclass(frozen=True, slots=True)
class Score:
    """How a forecast did, exactly. `interval_score` is Winkler's (1972), in the unit of the values, smaller is better.

    `error` is forecast less actual; `brier` is None for a forecast without a probability.
    """

    error: Fraction
    relative_error: Fraction
    inside: bool
    interval_score: Fraction
    brier: Fraction | None


def score(forecast: Forecast, actual: Fraction) -> Score:
    """Compare a forecast with the official figure; ValueError if it has no value or the figure is not above 0."""
    if forecast.value is None or forecast.low is None or forecast.high is None:
        raise ValueError(f"{forecast.place}历史不足三年，没有预计值，不能评分；只有情景可供对照。")
    actual = exact(actual, f"{forecast.place}正式数")
    if actual <= 0:
        raise ValueError(f"{forecast.place}正式数为{shown(actual)}，应大于0，请核对。")
    error = forecast.value - actual
    outside = max(forecast.low - actual, actual - forecast.high, Fraction(0))
    interval_score = forecast.high - forecast.low + 2 / (1 - forecast.level) * outside
    brier = None
    if forecast.probability is not None and forecast.target is not None:
        brier = (forecast.probability - int(actual >= forecast.target)) ** 2
    return Score(error, error / actual, outside == 0, interval_score, brier)


def exact(value: object, name: str) -> Fraction:
    """The value as a fraction; ValueError for anything but an integer or a fraction."""
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        raise ValueError(f"{name}为{value!r}，应为整数或精确分数；请从文本或整数（分）换算，不要用浮点数。")
    return Fraction(value)


def shown(value: Fraction) -> str:
    """A value as it stands in a message: in decimals where they end soon, else as a fraction."""
    scaled = value * 10**6
    if scaled.denominator != 1:
        return str(value)
    sign = "-" if scaled < 0 else ""
    units, decimals = divmod(abs(scaled.numerator), 10**6)
    return f"{sign}{units}.{decimals:06d}".rstrip("0").rstrip(".")


def listed(items: Iterable[object]) -> str:
    """Items as a Chinese list."""
    return "、".join(str(item) for item in items)
