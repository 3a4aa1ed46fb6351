"""The cockpit's trend: cumulative values at the ends of the quarters (or years), and the forecast of the year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from rongtong import clock
from rongtong.apps.observations import queries as observations
from rongtong.apps.papers.palette import MISSING, Spec
from rongtong.apps.planning import forecasting, queries
from rongtong.apps.portal import charts
from rongtong.apps.portal.cockpit import Choice
from rongtong.engine.figure import Figure, Key
from rongtong.engine.period import Period

POINTS = 12
QUARTER_ENDS = (3, 6, 9, 12)
LEAST = 3


@dataclass(frozen=True, slots=True)
class Point:
    """One period of the line: its label on the axis (year, a space, the part) and its figure, None when unreported."""

    label: str
    period: Period
    figure: Figure | None


@dataclass(frozen=True, slots=True)
class Trend:
    """The line of one place and its forecast: `low`, `middle` and `high` of the year, or nothing."""

    name: str
    unit: str
    kind: str
    points: tuple[Point, ...]
    forecast: Mapping[str, Figure]
    year: Period

    @property
    def drawn(self) -> bool:
        """Whether there is enough for a line."""
        return len([p for p in self.points if p.figure]) + bool(self.forecast) >= LEAST

    @property
    def synthetic(self) -> bool:
        shown = (*(p.figure for p in self.points), *self.forecast.values())
        return any(figure is not None and figure.status == "synthetic" for figure in shown)

    @property
    def said(self) -> str:
        """One sentence that says what the line shows."""
        known = [p for p in self.points if p.figure]
        if not self.drawn or not known:
            return f"{self.name}全域的数只有 {len(known)} 期，不足 {LEAST} 期不画走势。"
        last = known[-1]
        text = f"{self.kind}，到{last.period.chinese}为 {last.figure.text if last.figure else MISSING}{self.unit}。"
        if self.forecast:
            low, high = self.forecast["low"], self.forecast["high"]
            text += f"虚线与色带是{self.year.chinese}全年预测，八成区间 {low.text}—{high.text}{self.unit}。"
        return text


def trend(choice: Choice) -> Trend:
    """The trend of the whole that the choice shows."""
    known = observations.periods_of(choice.indicator, choice.as_of or clock.today())
    quarters = [p for p in known if p.cumulative and p.months in QUARTER_ENDS]
    quarterly = any(p.months < 12 for p in quarters) and len(quarters) >= LEAST
    chosen = quarters if quarterly else [p for p in known if p.months == 12]
    regular = len(chosen) >= LEAST
    chosen = sorted(chosen if regular else known, key=lambda p: (p.last_day, p.months))[-POINTS:]
    year = choice.period.whole_year
    wholes = {p: queries.monitor(_asked(choice, p)) for p in chosen}
    values = {p: board.total.figures.get("value") for p, board in wholes.items()}
    board = next(iter(wholes.values()))
    complete = values.get(year) is not None
    forecast = {} if complete or choice.chain else outlook(choice.indicator, board.total.place, year, choice.as_of)
    grid = _grid(chosen[-1], quarterly, year if forecast else None) if regular else chosen
    points = [Point(f"{p.year} {p.months}月" if quarterly else str(p), p, values.get(p)) for p in grid]
    while len(points) > 1 and points[0].figure is None:
        points.pop(0)
    kind = ("各季末累计值" if quarterly else "各年全年值") if regular else "已有各期的值"
    forecast = forecast if regular else {}
    return Trend(board.card.name, board.card.unit, kind, tuple(points), forecast, year)


def _asked(choice: Choice, period: Period) -> queries.Asked:
    return queries.Asked(choice.indicator, period, "self", choice.within, choice.chain, choice.as_of)


def _grid(last: Period, quarterly: bool, year: Period | None) -> list[Period]:
    """The last periods up to `last`, gaps kept, and those from there to before the end of the forecast's year."""
    if not quarterly:
        return [Period(y, 1, 12) for y in range(last.year - POINTS + 1, last.year + 1)]
    end = last.year * 4 + last.months // 3 - 1
    stop = year.year * 4 + 3 if year else end + 1
    steps = range(end - POINTS + 1, max(stop, end + 1))
    return [Period(n // 4, 1, 3 * (n % 4) + 3) for n in steps]


def outlook(code: str, place: str, period: Period, as_of: date | None) -> dict[str, Figure]:
    """The stored forecast of the period's year: low, middle, high, and the probability of meeting the goal."""
    year = period.whole_year
    found = forecasting.figures(code, year, as_of)
    names = {"low": "forecast_low", "middle": "forecast", "high": "forecast_high", "probability": "probability"}
    kept = {k: found[i] for k, m in names.items() if (i := str(Key(code, place, year, m))) in found}
    return kept if {"low", "middle", "high"} <= kept.keys() else {}


def spec(item: Trend, size: tuple[int, int] = charts.TREND_SIZE) -> Spec:
    """The description of the trend's chart; `size` is width and height in pixels."""
    points = [(p.label, p.figure.text if p.figure else None) for p in item.points]
    band = []
    if item.forecast:
        label = f"{item.year.year} 12月" if " " in item.points[-1].label else str(item.year)
        low, middle, high = (item.forecast[k].text for k in ("low", "middle", "high"))
        band = [(label, low, middle, high)]
    return charts.trend_spec(points, band, f"{item.name}{item.kind}", item.unit, size)
