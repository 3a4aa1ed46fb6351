"""The pages of targets (目标): every reading of each, its pace period by period, forecast, lamps month by month."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from django.urls import reverse

from rongtong import clock
from rongtong.apps.observations import queries as observations
from rongtong.apps.packs import queries as packs
from rongtong.apps.papers.blocks_base import wide
from rongtong.apps.papers.blocks_goals import met_words
from rongtong.apps.planning import forecasting, goals, pages_cards, pages_chart, queries
from rongtong.apps.planning.models import Allocation, LampRecord
from rongtong.engine.figure import Figure, Key
from rongtong.engine.indicator import Row
from rongtong.engine.pace import baseline_words
from rongtong.engine.pack.model import Target
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period
from rongtong.engine.target import COMPARATOR_WORDS, KIND_WORDS, Difference

BASES = {"linear": "按月数", "last_year": "按上年同期份额", "milestones": "按里程碑"}
PROVENANCE = {"document": "文件写明", "office": "本单位设定", "placeholder": "占位，待定"}


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a target in words: what is, what it is held against, and whether it is met. `missing` stands in the place of `actual`."""

    words: str
    actual: Figure | None
    bar: Figure | None
    met: str
    missing: str


@dataclass(frozen=True, slots=True)
class Line:
    """A target as the list shows it."""

    target: Target
    name: str
    place: str
    period: str
    kind: str
    asked: str
    readings: tuple[Reading, ...]
    met: str
    figure: Figure | None
    address: str
    protected: bool


def years(pack: Pack) -> list[int]:
    """Every year a target is about, oldest first."""
    spans = [Period.parse(t.period) for t in pack.all("targets")]
    return sorted({y for p in spans for y in range(p.first_day.year, p.last_day.year + 1)})


def lines(pack: Pack, year: int) -> list[Line]:
    """The targets of a year with every reading."""
    return [line(pack, goal) for goal in queries.targets(year)]


def line(pack: Pack, goal: queries.Goal) -> Line:
    """A target in words."""
    t = goal.target
    words = met_words(t, clock.today())
    without = missing(t) if any(v.actual is None for v in goal.verdicts) else ""
    readings = tuple(Reading(_reading(pack, v.reading), v.actual, v.bar, words[v.met], without) for v in goal.verdicts)
    return Line(
        target=t,
        name=goal.card.name,
        place=pack.places.name(t.place),
        period=Period.parse(t.period).chinese,
        kind=KIND_WORDS[t.kind],
        asked=asked(pack, t, goal.figure),
        readings=readings,
        met=words[goal.met],
        figure=goal.figure,
        address=reverse("target", args=[t.code]),
        protected=goal.card.level != "L1",
    )


def missing(target: Target) -> str:
    """Why a reading has no actual, in words: a part of the target's year may be known before the whole is."""
    return "全年数未出" if any(p.months < 12 for p, _ in _totals(target)) else "没有数"


def asked(pack: Pack, target: Target, figure: Figure | None) -> str:
    """What a target asks for, in words."""
    words = COMPARATOR_WORDS[target.comparator]
    if figure is not None:
        return f"{words} {figure.text} {figure.unit}"
    if target.kind == "monotone":
        return f"{words}上年"
    reference = target.reference
    other = pack.find("indicators", reference.indicator) if reference and reference.indicator else None
    name = other.name if other else "参照值"
    margin = f" + {reference.margin} {reference.unit}" if reference and reference.margin not in (None, "0") else ""
    return f"增速{words}{name}增速{margin}" if target.kind == "relative" else f"{words}{name}"


def _reading(pack: Pack, words: str) -> str:
    """A reading with names in the place of codes."""
    place = pack.places.places.get(words)
    if place:
        return place.name
    if words.startswith("占 ") and words.endswith(" 之比"):
        card = pack.find("indicators", words[2:-3])
        return f"占{card.name}之比" if card else words
    return words


@dataclass(frozen=True, slots=True)
class Step:
    """How far a target was at the end of one period of its year."""

    period: str
    row: Row


def pace(target: Target) -> list[Step]:
    """Every cumulative period of the target's year known today, oldest first; none for targets that are not a level."""
    return [Step(p.chinese, row) for p, row in _totals(target)] if target.kind == "level" else []


def _totals(target: Target) -> list[tuple[Period, Row]]:
    """Every cumulative period of the target's year with a value of its place known today, oldest first."""
    year = Period.parse(target.period)
    if year.months != 12:
        return []
    known = [
        p for p in observations.periods_of(target.indicator, clock.today()) if p.whole_year == year and p.cumulative
    ]
    found = [(p, queries.monitor(queries.Asked(target.indicator, p)).total) for p in known]
    return [(p, row) for p, row in found if row.place == target.place and "value" in row.figures]


@dataclass(frozen=True, slots=True)
class Forecast:
    """The last stored forecast of the target's year at its place."""

    value: Figure
    low: Figure
    high: Figure
    probability: Figure | None


def forecast(target: Target) -> Forecast | None:
    """The stored forecast, or None when there is none for a single year."""
    period = Period.parse(target.period)
    if period.months != 12:
        return None
    found = forecasting.figures(target.indicator, period)

    def get(measure: str) -> Figure | None:
        return found.get(str(Key(target.indicator, target.place, period, measure)))

    value, low, high = get("forecast"), get("forecast_low"), get("forecast_high")
    return Forecast(value, low, high, get("probability")) if value and low and high else None


def chart(target: Target, name: str, unit: str, ahead: Forecast | None) -> str:
    """Full years so far and the forecast of the target's year as SVG, or "" where there is too little."""
    known = [p for p in observations.periods_of(target.indicator, clock.today()) if p.months == 12]
    points = []
    for period in known[-12:]:
        value = queries.monitor(queries.Asked(target.indicator, period)).total.figures.get("value")
        points.append((str(period), value.text if value else None))
    band = ((target.period, ahead.low.text, ahead.value.text, ahead.high.text),) if ahead else ()
    return pages_chart.trend(tuple(points), band, f"{name}历年与 {target.period} 年预测", unit)


@dataclass(frozen=True, slots=True)
class LampMonth:
    """A lamp as judged in a month, with the rule then in force."""

    record: LampRecord
    period: str
    rule: str
    reason: str
    numbers: tuple[str, ...]


NUMBERS = {
    "completion": ("完成率", "%"),
    "baseline": ("应达", "%"),
    "ratio": ("进度比", ""),
    "gap": ("增速差", " 个百分点"),
}


def number_words(numbers: Mapping[str, str]) -> tuple[str, ...]:
    """The numbers a lamp rule looked at, in words."""
    return tuple(f"{NUMBERS[k][0]} {v}{NUMBERS[k][1]}" if k in NUMBERS else f"{k} {v}" for k, v in numbers.items())


def lamps(pack: Pack, indicator: str, place: str, year: int) -> list[LampMonth]:
    """The lamps of an indicator at a place in a year, month by month, newest first; a later rule never repaints them."""
    records = LampRecord.objects.filter(indicator=indicator, place=place, period__startswith=str(year))
    return [
        LampMonth(
            record,
            Period.parse(record.period).chinese,
            next((r.name for r in pack.all("lamps") if r.code == record.rule), record.rule),
            case_reason(pack, record.rule, record.case),
            number_words(json.loads(record.numbers)),
        )
        for record in records.order_by("-month", "-period")
    ]


def case_reason(pack: Pack, code: str, case: str) -> str:
    """The condition that gave a lamp, in the words of its rule; as written where the rule does not say."""
    rules = [r for r in pack.all("lamps") if r.code == code]
    return wide(next((c.reason for r in rules for c in r.cases if c.when == case and c.reason), case))


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of an allocation in force."""

    place: str
    subject: str
    figure: Figure


def allocations(pack: Pack, target: Target) -> list[tuple[Allocation, list[Cell]]]:
    """The allocations of the target's indicator in force today, with their cells as figures."""
    card = queries.card(pack, target.indicator)
    out = []
    for run in goals.in_force(target.indicator, Period.parse(target.period), clock.today(), target.place):
        cells = run.cells.order_by("place", "subject")
        found = [Cell(pack.places.name(c.place), c.subject, goals.cell_figure(c, run, card, None)) for c in cells]
        out.append((run, found))
    return out


VIEWS = {"funds": "按资金来源", "performer": "按执行主体"}


@dataclass(frozen=True, slots=True)
class Part:
    """A published part of a balance: its name, how it is counted, its target."""

    name: str
    view: str
    figure: Figure


@dataclass(frozen=True, slots=True)
class Balanced:
    """A published total beside its published parts, with the difference's readings."""

    item: Difference
    period: str
    name: str
    parts: tuple[Part, ...]
    readings: tuple[str, ...]


def balanced(pack: Pack, year: int) -> list[Balanced]:
    """The balances of a year in words."""
    return [_balanced(pack, item) for item in queries.balances(year)]


def _balanced(pack: Pack, item: Difference) -> Balanced:
    cards = [queries.card(pack, f.key.indicator) for f in item.parts]
    return Balanced(
        item=item,
        period=Period.parse(item.balance.period).chinese,
        name=queries.card(pack, item.total.key.indicator).name,
        parts=tuple(Part(c.name, VIEWS.get(c.view, ""), f) for c, f in zip(cards, item.parts, strict=True)),
        readings=tuple(wide(r) for r in item.balance.readings),
    )


def page(code: str) -> dict[str, object]:
    """Everything the page of a target shows. Raises queries.Unknown."""
    pack = packs.current()
    target = pack.find("targets", code)
    if target is None:
        raise queries.Unknown(f"没有目标“{code}”。目标一页列出全部目标。")
    year = Period.parse(target.period).first_day.year
    goal = next(g for g in queries.targets(year) if g.target.code == code)
    ahead, steps = forecast(target), pace(target)
    return {
        "target": target,
        "card": goal.card,
        "line": line(pack, goal),
        "year": year,
        "commitment": pack.find("commitments", target.commitment) if target.commitment else None,
        "basis": pages_cards.basis(pack, target.cite),
        "baseline": baseline_words(target) if target.kind == "level" else "",
        "provenance": PROVENANCE[target.provenance],
        "note": wide(target.note),
        "steps": steps,
        "now": steps[-1] if steps else None,
        "forecast": ahead,
        "chart": chart(target, goal.card.name, goal.card.unit, ahead) if target.kind == "level" else "",
        "rule": pages_cards.rule(pack, target.lamp, clock.today()) if target.lamp else None,
        "lamps": lamps(pack, target.indicator, target.place, year),
        "allocations": allocations(pack, target),
        "balances": [b for b in balanced(pack, year) if code in (b.item.balance.total, *b.item.balance.parts)],
    }
