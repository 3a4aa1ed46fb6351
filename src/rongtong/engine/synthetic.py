"""Generated figures (演示数据): a fixed seed, scaled exactly to given totals, status `synthetic` on every row.

They stand in where no figure is public, so that the main job can be shown. Each year's total is split over places by
published weights with noise, each part-year value by the year's phases; what belongs to no place stays unallocated.
"""

from __future__ import annotations

import csv
import io
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from rongtong.engine.period import Period
from rongtong.engine.quantity import decimal_text
from rongtong.engine.standard import REQUIRED

if TYPE_CHECKING:
    from rongtong.engine.pack.model import Synthetic

STEP = Fraction(1, 100)
HEADER = (*REQUIRED, "source")


@dataclass(frozen=True, slots=True)
class Value:
    """One generated value in the unit of its specification."""

    place: str
    period: Period
    number: Fraction


def period_of(year: int, phase: str) -> Period:
    """`H1` of 2024 is 2024H1, `01..09` is 2024-01..09."""
    return Period.parse(f"{year}-{phase}" if ".." in phase else f"{year}{phase}")


def split_exactly(total: Fraction, weights: Sequence[float], step: Fraction = STEP) -> list[Fraction]:
    """`total` over weights in multiples of `step`, exact (largest remainder, ties by order)."""
    units = total / step
    if units.denominator != 1:
        raise ValueError(f"合计 {total} 不是 {step} 的整数倍。")
    whole = math.fsum(weights)
    ideal = [units.numerator * w / whole for w in weights]
    found = [int(x) for x in ideal]
    order = sorted(range(len(ideal)), key=lambda i: (found[i] - ideal[i], i))
    for i in order[: units.numerator - sum(found)]:
        found[i] += 1
    return [n * step for n in found]


def city_values(spec: Synthetic, top: str, weights: Mapping[str, Fraction]) -> list[Value]:
    """Values of the total and its places for every year and phase of the specification.

    `weights` gives each place's published weight. Cumulative values of a year never fall.
    """
    rng = random.Random(spec.seed)
    noise, free = float(spec.noise), Fraction(spec.unallocated)
    places = sorted(weights)
    lean = {p: rng.gauss(0, noise) for p in places}
    out: list[Value] = []
    shares = {p: float(weights[p]) for p in places}
    for year in spec.totals:
        drift = {p: rng.gauss(0, noise / 2) for p in places}
        full = _rounded(Fraction(year.value))
        for phase, share in (*spec.phases.items(), ("", "1")):
            early = 0.0 if not phase else 1 - float(share)
            whole = full if not phase else _rounded(full * Fraction(share) * _jitter(rng, noise / 5))
            tilt = [shares[p] * math.exp(drift[p] + early * (lean[p] + rng.gauss(0, noise / 2))) for p in places]
            period = period_of(year.year, phase) if phase else Period(year.year, 1, 12)
            out += _spread(top, places, period, whole, free, tilt)
    pulls = {p: rng.gauss(0, 1.4 * noise) for p in places}
    for text, amount in spec.current.items():
        period = Period.parse(text)
        early = 1 - float(period.elapsed)
        tilt = [shares[p] * math.exp(pulls[p] + early * lean[p]) for p in places]
        out += _spread(top, places, period, _rounded(Fraction(amount)), free, tilt)
    return out


def county_values(
    spec: Synthetic, cities: Sequence[Value], children: Mapping[str, Sequence[str]], since: date | None = None
) -> list[Value]:
    """Each city's values split over its counties by weights drawn once; sums equal the city's exactly.

    Periods that start before `since`, the day the list of counties came to be as it is, are left out.
    """
    rng = random.Random(spec.seed)
    drawn = {city: [math.exp(rng.gauss(0, 0.6)) for _ in counties] for city, counties in sorted(children.items())}
    out = []
    for value in cities:
        counties = children.get(value.place)
        if not counties or (since and value.period.first_day < since):
            continue
        tilt = [w * math.exp(rng.gauss(0, float(spec.noise) / 2)) for w in drawn[value.place]]
        out += [Value(c, value.period, n) for c, n in zip(counties, split_exactly(value.number, tilt), strict=True)]
    return out


def _spread(
    top: str, places: Sequence[str], period: Period, whole: Fraction, free: Fraction, tilt: Sequence[float]
) -> Iterator[Value]:
    yield Value(top, period, whole)
    for place, number in zip(places, split_exactly(_rounded(whole * (1 - free)), tilt), strict=True):
        yield Value(place, period, number)


def _rounded(value: Fraction) -> Fraction:
    return Fraction(round(value / STEP)) * STEP


def _jitter(rng: random.Random, size: float) -> Fraction:
    return Fraction(round(math.exp(rng.gauss(0, size)) * 10**6), 10**6)


def csv_file(spec: Synthetic, values: Sequence[Value]) -> bytes:
    """The values as an ordinary import file in the standard long format."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for v in values:
        known = v.period.last_day + timedelta(days=spec.known_after_days)
        writer.writerow(
            [
                spec.indicator,
                v.place,
                v.period,
                decimal_text(v.number),
                spec.unit,
                "synthetic",
                known,
                f"演示数据（生成，种子 {spec.seed}）",
            ]
        )
    return out.getvalue().encode()
