"""The year-end value (全年预计值) from a part-year value (累计值), its interval and the chance to meet the target.

Known are this year's part and, for past years, the part of the same period and the full year. Their share (同期占比)
is modelled on the logit scale, places shrunk to the pooled mean, the interval is Student's t: see `share`. A total is
the sum of its places, and its interval knows that a late year is late everywhere. With fewer than three past years
there is no forecast, only scenarios.

Money goes in and out as exact fractions in one unit of the caller's choice; floats live inside, results are rounded
half-up at a declared step. No clock, no randomness: the same series give the same digits in any order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from rongtong.engine.nowcast import share
from rongtong.engine.nowcast.record import (
    INSUFFICIENT_HISTORY,
    SAME_SHARE,
    SHARE_LOGIT_T,
    Forecast,
    PastYear,
    Scenario,
    Score,
    Series,
    exact,
    listed,
    score,
    shown,
)

__all__ = [
    "INSUFFICIENT_HISTORY",
    "MIN_YEARS",
    "SAME_SHARE",
    "SHARE_LOGIT_T",
    "Forecast",
    "PastYear",
    "Scenario",
    "Score",
    "Series",
    "nowcast",
    "score",
]

MIN_YEARS = 3
_THOUSANDTH = Fraction(1, 1000)


@dataclass(frozen=True, slots=True)
class _Options:
    targets: Mapping[str, Fraction]
    level: Fraction
    quantum: Fraction
    elapsed: Fraction | None


def nowcast(
    series: Sequence[Series],
    *,
    targets: Mapping[str, Fraction],
    level: Fraction = Fraction(4, 5),
    quantum: Fraction = Fraction(1, 100),
    elapsed: Fraction | None = None,
    total: str | None = None,
    within: Forecast | None = None,
    unallocated: str = "unallocated",
) -> tuple[Forecast, ...]:
    """Forecasts by place in order of code, then the line not allocated (未分配) if there is one, then the total.

    targets      full-year targets by place code; a place without one gets no probability.
    level        nominal coverage of the intervals.
    quantum      step of every value given, in the unit of the values.
    elapsed      share of the year gone by (six months: 1/2), for the linear scenario.
    total        code of the total of the other series. It may have a series of its own; what its part holds beyond
                 its places (it may be negative) is the line `unallocated`, which moves with the total.
                 Point forecasts add up exactly.
    within       instead of `total`: the forecast of the parent given one level up. All lines shift by one amount on
                 the logit scale to add up to it exactly; it comes back unchanged as the last line.

    A place with fewer than MIN_YEARS past years has scenarios; the total then rests on its own series and is marked as
    not the sum, or has scenarios too. ValueError (Chinese) for inputs that contradict each other.
    """
    options = _Options(targets, level, quantum, elapsed)
    head = within.place if within else total
    _check(series, options, head)
    if within:
        _check_parent(within, total, series, quantum)
    places = sorted((item for item in series if item.place != head), key=lambda item: item.place)
    own = next((item for item in series if item.place == head), None)
    known = [item for item in places if len(item.past) >= MIN_YEARS]
    fitted = share.fit(_cells(known)) if known else None
    if head is None or fitted is None or len(known) < len(places):
        lines = _apart(places, known, fitted, options)
        if head is None:
            return lines
        top = within or _total_alone(head, own, lines, options)
        return (*(replace(line, adds_up=False) for line in lines), top)
    part = within.part if within else own.part if own else sum((item.part for item in known), Fraction(0))
    return _together(known, fitted, Series(head, (), part), within, unallocated, options)


def _apart(
    places: Sequence[Series], known: Sequence[Series], fitted: share.Fit | None, options: _Options
) -> tuple[Forecast, ...]:
    """Each place for itself; a place with too short a history has scenarios, one by the pooled share of the others."""
    row = {item.place: k for k, item in enumerate(known)}
    pooled = share.combine(fitted, [float(item.part) for item in known]) if fitted else None
    return tuple(
        _insufficient(item, options, pooled)
        if fitted is None or item.place not in row
        else _forecast(item, share.combine(fitted, _alone(known, row[item.place])), options)
        for item in places
    )


def _together(
    known: Sequence[Series],
    fitted: share.Fit,
    head: Series,
    within: Forecast | None,
    unallocated: str,
    options: _Options,
) -> tuple[Forecast, ...]:
    """All places, the line not allocated, and the total `head`, which they add up to."""
    rest = head.part - sum(item.part for item in known)
    if rest and any(item.place == unallocated for item in known):
        raise ValueError(
            f"{head.place}累计值{shown(head.part)}与各地之和相差{shown(rest)}，而“{unallocated}”已是一个序列：请核对，或为未分配部分另给代码。"
        )
    group = share.combine(fitted, [float(item.part) for item in known])
    shares = [share.combine(fitted, _alone(known, k)) for k in range(len(known))]
    if within and within.value is not None:
        shift = -math.log(float(within.value / within.part - 1)) - group.centre
        shares = [replace(item, centre=item.centre + shift) for item in shares]
        group = replace(group, centre=group.centre + shift)
    lines = [_forecast(item, one, options) for item, one in zip(known, shares, strict=True)]
    years = tuple(sorted({item.year for one in known for item in one.past}))
    if rest:
        lines.append(_same_share(unallocated, rest, group, years, options))
    if within and within.value is not None:
        return (*_adding_up_to(lines, within.value, options.quantum), within)
    value = sum((line.value for line in lines if line.value is not None), Fraction(0))
    note = f"各地预计值之和，区间计入各地共同的年度波动；{_years(years)}。"
    top = replace(_forecast(head, group, options), years_used=years, note=note)
    return (*lines, _moved(top, value))


def _forecast(series: Series, one: share.Share, options: _Options) -> Forecast:
    part, tail = float(series.part), float(1 - options.level) / 2
    years = tuple(item.year for item in series.past)
    target = options.targets.get(series.place)
    drawn = Forecast(
        place=series.place,
        method=SHARE_LOGIT_T,
        part=series.part,
        value=None,
        low=_rounded(one.full(part, tail), options.quantum),
        high=_rounded(one.full(part, 1 - tail), options.quantum),
        level=options.level,
        target=None if target is None else Fraction(target),
        probability=None if target is None else _probability(series.part, Fraction(target), one),
        scenarios=(),
        years_used=years,
        adds_up=True,
        note=f"按{_years(years)}推算。",
    )
    return _moved(drawn, _rounded(one.full(part), options.quantum))


def _same_share(place: str, part: Fraction, group: share.Share, years: tuple[int, ...], options: _Options) -> Forecast:
    """The line not allocated, at the share of the places together; `part` may be negative."""
    tail = float(1 - options.level) / 2
    ends = sorted(_rounded(group.full(float(part), at), options.quantum) for at in (tail, 1 - tail))
    drawn = Forecast(
        place=place,
        method=SAME_SHARE,
        part=part,
        value=None,
        low=ends[0],
        high=ends[1],
        level=options.level,
        target=None,
        probability=None,
        scenarios=(),
        years_used=years,
        adds_up=True,
        note="未分配到地区的部分，按各地合计的占比推算。",
    )
    return _moved(drawn, _rounded(group.full(float(part)), options.quantum))


def _insufficient(series: Series, options: _Options, pooled: share.Share | None) -> Forecast:
    last = series.past[-1].full if series.past else None
    target = options.targets.get(series.place)
    cases: list[tuple[str, Fraction]] = []
    if options.elapsed is not None:
        cases.append(("按时间进度线性外推", series.part / options.elapsed))
    cases += [(f"按{item.year}年同期占比", series.part * item.full / item.part) for item in series.past]
    if pooled is not None:
        cases.append(("按其他地区合计的同期占比", Fraction(pooled.full(float(series.part)))))
    if target is not None:
        cases.append(("恰好完成目标", Fraction(target)))
    values = [(label, _rounded(value, options.quantum)) for label, value in cases]
    return Forecast(
        place=series.place,
        method=INSUFFICIENT_HISTORY,
        part=series.part,
        value=None,
        low=None,
        high=None,
        level=options.level,
        target=None if target is None else Fraction(target),
        probability=None,
        scenarios=tuple(Scenario(label, value, value / last - 1 if last else None) for label, value in values),
        years_used=tuple(item.year for item in series.past),
        adds_up=True,
        note=f"只有{len(series.past)}年历史，不足{MIN_YEARS}年，不作预测，只列情景。",
    )


def _total_alone(head: str, own: Series | None, lines: Sequence[Forecast], options: _Options) -> Forecast:
    """The total where some place has no forecast: from its own history, else scenarios; never called the sum."""
    if own is None or len(own.past) < MIN_YEARS:
        series = own or Series(head, (), sum((line.part for line in lines), Fraction(0)))
        line = _insufficient(series, options, None)
        last = series.past[-1].full if series.past else None
        sums = tuple(Scenario(f"各地之和（{label}）", v, v / last - 1 if last else None) for label, v in _sums(lines))
        return replace(line, scenarios=line.scenarios + sums, adds_up=False)
    line = _forecast(own, share.combine(share.fit(_cells([own])), [float(own.part)]), options)
    note = f"部分地区历史不足{MIN_YEARS}年，按合计自身的{_years(line.years_used)}推算，不等于各地之和。"
    return replace(line, adds_up=False, note=note)


def _sums(lines: Sequence[Forecast]) -> list[tuple[str, Fraction]]:
    """Sums of the scenarios that every place without a forecast has; the other places enter with their forecast."""
    fixed = sum((line.value for line in lines if line.value is not None), Fraction(0))
    cases = [{case.label: case.value for case in line.scenarios} for line in lines if line.value is None]
    return [(label, fixed + sum(case[label] for case in cases)) for label in cases[0] if all(label in c for c in cases)]


def _adding_up_to(lines: Sequence[Forecast], value: Fraction, quantum: Fraction) -> list[Forecast]:
    """Lines moved by a step each, largest first, until they add up to a value they already meet but for rounding."""
    values = [line.value or Fraction(0) for line in lines]
    steps = int((value - sum(values)) / quantum)
    order = sorted(range(len(lines)), key=lambda k: (-abs(values[k]), k))
    for k in range(abs(steps)):
        values[order[k % len(order)]] += quantum if steps > 0 else -quantum
    return [_moved(line, new) for line, new in zip(lines, values, strict=True)]


def _moved(line: Forecast, value: Fraction) -> Forecast:
    """The line with this value, its interval holding it."""
    low, high = (end if end is not None else value for end in (line.low, line.high))
    return replace(line, value=value, low=min(low, value), high=max(high, value))


def _probability(part: Fraction, target: Fraction, one: share.Share) -> Fraction:
    if target <= part:
        return Fraction(1)
    raw = _rounded(one.reaches(float(target / part)), _THOUSANDTH)
    return min(max(raw, _THOUSANDTH), 1 - _THOUSANDTH)


def _cells(places: Sequence[Series]) -> list[tuple[int, int, float]]:
    """Places, years and logit shares, as `share.fit` takes them."""
    return [
        (k, item.year, math.log(item.part / (item.full - item.part)))
        for k, one in enumerate(places)
        for item in one.past
    ]


def _alone(places: Sequence[Series], k: int) -> list[float]:
    return [float(item.part) if row == k else 0.0 for row, item in enumerate(places)]


def _rounded(value: float | Fraction, quantum: Fraction) -> Fraction:
    """Half-up to a multiple of the quantum."""
    return math.floor(Fraction(value) / quantum + Fraction(1, 2)) * quantum


def _years(years: Sequence[int]) -> str:
    return f"{listed(years)}年同期占比"


def _check(series: Sequence[Series], options: _Options, head: str | None) -> None:
    codes = [item.place for item in series]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        raise ValueError(f"地区{listed(twice)}重复出现，每个地区只应有一个序列。")
    if not any(code != head for code in codes):
        raise ValueError("没有可推算的地区：请至少给出一个合计以外的地区序列。")
    stray = sorted(set(options.targets) - {*codes, head})
    if stray:
        raise ValueError(f"目标中的{listed(stray)}没有对应的序列，请核对地区代码。")
    for code, target in options.targets.items():
        if exact(target, f"{code}目标") <= 0:
            raise ValueError(f"{code}目标为{shown(target)}，应大于0。")
    if not 0 < exact(options.level, "区间置信水平") < 1:
        raise ValueError(f"区间置信水平为{shown(options.level)}，应在0与1之间，例如4/5。")
    if exact(options.quantum, "取整单位") <= 0:
        raise ValueError(f"取整单位为{shown(options.quantum)}，应大于0，例如1/100。")
    if options.elapsed is not None and not 0 < exact(options.elapsed, "已过时间占比") < 1:
        raise ValueError(f"已过时间占比为{shown(options.elapsed)}，应在0与1之间，例如上半年为1/2。")


def _check_parent(within: Forecast, total: str | None, series: Sequence[Series], quantum: Fraction) -> None:
    if total is not None:
        raise ValueError(f"已给出上级{within.place}的预测，不应再给合计代码{total}：二者只取其一。")
    if any(item.place == within.place for item in series):
        raise ValueError(f"已给出上级{within.place}的预测，序列中不应再有{within.place}：请删去该序列。")
    if within.value is None or within.value <= within.part:
        raise ValueError(f"上级{within.place}没有高于累计值的预计值，下级无从分解：请先推算上级，或改用合计代码。")
    if within.value % quantum:
        raise ValueError(
            f"上级{within.place}预计值{shown(within.value)}不是取整单位{shown(quantum)}的整数倍，请统一取整单位。"
        )
