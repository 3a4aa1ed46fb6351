"""Checks (审核) of reported data against one another: duplicates, conflicts, slips, parts and totals, growth, sums.

`check` compares new readings with one another and with those already held. All values are integers at the scale of
the unit's dimension, so every comparison is exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING

from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period
from rongtong.engine.quantity import Quantity, unit
from rongtong.engine.reading import FORECAST, HARD, SOFT, Finding, Key, Latest, Reading, Series, has_level
from rongtong.engine.slip import slips

if TYPE_CHECKING:
    from rongtong.engine.pack.model import Indicator


def check(new: Sequence[Reading], held: Iterable[Reading], pack: Pack) -> list[Finding]:
    """Every finding of comparing `new` with itself and with what is held.

    A reading with a hard finding is not used to judge others, so that one wrong cell gives one finding.
    """
    stored = list(held)
    findings: list[Finding] = []
    wrong: set[int] = set()
    for test in (_duplicates, _conflicts):
        for index, finding in test(new, stored):
            findings.append(finding)
            wrong.add(index)
    sound = [r for i, r in enumerate(new) if i not in wrong]
    slipped = dict(slips(sound, stored, pack))
    findings += slipped.values()
    sound = [r for i, r in enumerate(sound) if i not in slipped]
    findings += _parts(sound, stored, pack)
    findings += _growth(sound, stored, pack)
    findings += _falling(sound, stored, pack)
    findings += _sums(sound, stored, pack)
    return findings


def _duplicates(new: Sequence[Reading], _held: Sequence[Reading]) -> Iterable[tuple[int, Finding]]:
    first: dict[Key, Reading] = {}
    for index, reading in enumerate(new):
        before = first.setdefault(reading.key, reading)
        if before is not reading:
            where = f"{before.sheet}!{before.cells.get('value', '')}".lstrip("!")
            problem = f"与 {where} 重复：同一指标、地区、期、状态和发布日期"
            yield index, reading.finding(HARD, problem, "每个数只填一次", "删去一行")


def _conflicts(new: Sequence[Reading], held: Sequence[Reading]) -> Iterable[tuple[int, Finding]]:
    values = {r.key: r for r in held}
    for index, reading in enumerate(new):
        before = values.get(reading.key)
        if before is not None and before.value != reading.value:
            problem = f"系统里同一发布日期（{reading.known_from}）已有另一个值 {before.text()}"
            yield index, reading.finding(HARD, problem, before.text(), "核对；如系更正，请给出新的发布日期")


@dataclass(frozen=True, slots=True)
class Parts:
    """Cards that together make up another card in one view (按执行主体, 按资金来源, 按活动类型…)."""

    whole: Indicator
    name: str
    codes: tuple[str, ...]


_VIEWS = {"performer": "按执行主体", "funds": "按资金来源"}


def part_groups(pack: Pack) -> list[Parts]:
    """The sets of parts that must add up, for every scope whose parts add.

    The parts of a whole are grouped by `view`; those without a view by what stands before the last `.` of their code,
    so that `rd.type.basic` and `rd.cost.labour` belong to two views. Codes without `.` form one group. A group of one
    is no breakdown and is left out.
    """
    cards: dict[str, Indicator] = {card.code: pack.get("indicators", card.code) for card in pack.all("indicators")}
    groups: dict[tuple[str, str, str], list[str]] = {}
    for card in cards.values():
        whole = cards.get(card.part_of)
        scope = pack.find("scopes", card.scope)
        if whole is None or scope is None or not scope.parts_add or whole.scope != card.scope:
            continue
        prefix = "" if card.view else card.code.rpartition(".")[0]
        groups.setdefault((card.part_of, card.view, prefix), []).append(card.code)
    return [
        Parts(cards[whole], _VIEWS.get(view, "分项"), tuple(codes))
        for (whole, view, _), codes in groups.items()
        if len(codes) > 1
    ]


Point = tuple[str, str, str, str, str, Period, str]
_Versions = Mapping[tuple[str, Point], Sequence[Reading]]


def _point(reading: Reading) -> Point:
    return (*reading.series[1:], reading.period, reading.status)


def _parts(new: Sequence[Reading], held: Sequence[Reading], pack: Pack) -> Iterator[Finding]:
    """Parts against totals, on every day on which a new value of the whole or of a part becomes known.

    Values of one status are compared with one another: the parts of a flash estimate need not meet a revised total.
    """
    versions: dict[tuple[str, Point], list[Reading]] = {}
    for reading in sorted([*held, *new], key=lambda r: r.known_from):
        if reading.status != FORECAST:
            versions.setdefault((reading.indicator, _point(reading)), []).append(reading)
    for group in part_groups(pack):
        members = {group.whole.code, *group.codes}
        touched: dict[Point, list[Reading]] = {}
        for reading in new:
            if reading.indicator in members and reading.status != FORECAST:
                touched.setdefault(_point(reading), []).append(reading)
        for point, readings in touched.items():
            found = (
                _unequal(group, point, day, versions, readings) for day in sorted({r.known_from for r in readings})
            )
            first = next((f for f in found if f is not None), None)
            if first is not None:
                yield first


def _unequal(group: Parts, point: Point, day: date, versions: _Versions, new: Sequence[Reading]) -> Finding | None:
    known: dict[str, Reading] = {}
    for code in (group.whole.code, *group.codes):
        so_far = [r for r in versions.get((code, point), ()) if r.known_from <= day]
        if not so_far:
            return None
        known[code] = so_far[-1]
    whole = known.pop(group.whole.code)
    total = sum(part.value for part in known.values())
    if total == whole.value:
        return None
    at = whole if whole.cells else next(r for r in new if r.indicator in known)
    terms = " + ".join(part.text() for part in known.values())
    problem = f"{group.name}各项合计与“{group.whole.name}”不等：{terms} = {whole.text(total)}，总数为 {whole.text()}"
    expected = f"相差 {whole.text(whole.value - total)}，应为 0"
    return at.finding(HARD, problem, expected, "核对总数与各分项；更正总数时把分项放在同一个文件里")


def _soft_candidates(new: Sequence[Reading]) -> Iterator[Reading]:
    return (r for r in new if r.status != FORECAST)


def _additive(card: Indicator | None) -> bool:
    return card is not None and card.measure_of is None and has_level(unit(card.unit))


def _growth(new: Sequence[Reading], held: Sequence[Reading], pack: Pack) -> Iterator[Finding]:
    """Growth beyond ±50 % against the same period of last year."""
    latest = Latest.of(held, new)
    for reading in _soft_candidates(new):
        before = latest.for_(reading).get(reading.series, {}).get(reading.period.years_before())
        if before is None or before.value <= 0 or not _additive(pack.find("indicators", reading.indicator)):
            continue
        if abs(reading.value - before.value) * 2 > before.value:
            percent = Quantity(Fraction(reading.value - before.value, before.value), unit("%")).shown(1)
            problem = f"比上年同期（{before.text()}）变动 {percent}%，超过 ±50%"
            yield reading.finding(SOFT, problem, "变动在 ±50% 以内，或在“核实说明”写明原因", "核实后改数或写明原因")


def _falling(new: Sequence[Reading], held: Sequence[Reading], pack: Pack) -> Iterator[Finding]:
    """A cumulative value below an earlier cumulative value of the same year."""
    latest = Latest.of(held, new)
    for reading in _soft_candidates(new):
        card = pack.find("indicators", reading.indicator)
        if card is None or card.aggregation.time != "cumulative" or not reading.period.cumulative:
            continue
        line = latest.for_(reading).get(reading.series, {})
        same_year = [r for p, r in line.items() if p.cumulative and p.year == reading.period.year]
        earlier = [r for r in same_year if r.period.months < reading.period.months and r.value > reading.value]
        later = [
            r for r in same_year if r.period.months > reading.period.months and r.value < reading.value and not r.cells
        ]
        for other in (
            sorted(earlier, key=lambda r: r.period.months)[-1:] + sorted(later, key=lambda r: r.period.months)[:1]
        ):
            word = "小于" if other.period.months < reading.period.months else "大于"
            problem = f"累计数{word}{other.period.chinese}的累计数 {other.text()}"
            yield reading.finding(SOFT, problem, "同一年的累计数不减少，或在“核实说明”写明原因", "核实后改数或写明原因")


def _sums(new: Sequence[Reading], held: Sequence[Reading], pack: Pack) -> Iterator[Finding]:
    """The places below adding up to more than the place above, for cards whose values add over places."""
    latest = Latest.of(held, new)
    places = pack.places
    # Both walk every link of the hierarchy, so each is asked once per place and day.
    parent, children = cache(places.parent), cache(places.children)
    seen: set[Key] = set()
    for reading in _soft_candidates(new):
        card = pack.find("indicators", reading.indicator)
        if card is None or card.aggregation.place != "sum":
            continue
        day = reading.period.last_day
        pool = latest.for_(reading)
        for above in (reading.place, parent(reading.place, day=day)):
            whole = _at(pool, reading, above)
            if whole is None or whole.key in seen:
                continue
            seen.add(whole.key)
            below = [r for c in children(whole.place, day=day) if (r := _at(pool, reading, c))]
            total = sum(r.value for r in below)
            if total > whole.value:
                at = whole if whole.cells else max((r for r in below if r.cells), key=lambda r: r.value)
                name = places.name(whole.place)
                problem = f"下级 {len(below)} 个地区合计 {whole.text(total)}，大于{name}的 {whole.text()}"
                yield at.finding(
                    SOFT, problem, f"合计不大于 {whole.text()}，或在“核实说明”写明原因", "核实后改数或写明原因"
                )


def _at(pool: Mapping[Series, Mapping[Period, Reading]], like: Reading, place: str | None) -> Reading | None:
    if place is None:
        return None
    series = (like.indicator, place, like.chain, like.subject, like.funds, like.use)
    return pool.get(series, {}).get(like.period)
