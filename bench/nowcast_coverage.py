"""How often the nowcast's 80 % interval holds: on simulated histories, and on the national R&D totals.

    python bench/nowcast_coverage.py [--replications 2000] [--years 3 4 5 6]

Simulated: eleven cities, the largest with 35 % of the whole, half-year shares around 0.45, logit share = mean + city +
year + rest. Every replication draws new cities, years and noise from a fixed seed. National: see `back_test`.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from rongtong.engine.nowcast import SHARE_LOGIT_T, Forecast, PastYear, Series, nowcast, score

NATIONAL = Path(__file__).parents[1] / "tests" / "engine" / "data" / "nowcast_backtest.csv"
SIZES = (3500, 1900, 1300, 800, 700, 600, 450, 300, 250, 120, 80)
TOTAL = "total"


@dataclass(frozen=True)
class World:
    """Standard deviations on the logit scale: between cities, of the year all share, and of a city's own year."""

    name: str
    city: float
    year: float
    rest: float
    gaps: bool = False  # every city has a random three or more of the past years
    uneven: float = 0.0  # a city's own deviation grows as (mean size ÷ size) to this power


WORLDS = (
    World("mixed", city=0.20, year=0.10, rest=0.15),
    World("years alike in all cities", city=0.20, year=0.20, rest=0.05),
    World("cities on their own", city=0.20, year=0.02, rest=0.20),
    World("cities alike", city=0.03, year=0.08, rest=0.15),
    World("histories with gaps", city=0.10, year=0.10, rest=0.15, gaps=True),
)
UNEVEN = World("small cities noisier", city=0.20, year=0.08, rest=0.12, uneven=0.25)  # against the model's assumption


def draw(world: World, years: int, seed: int) -> tuple[list[Series], dict[str, Fraction]]:
    """Series of eleven cities with so many past years, and the true full years of the current one, total included."""
    rng = np.random.default_rng(seed)
    means = -0.2 + rng.normal(0, world.city, len(SIZES))
    noise = rng.normal(0, world.rest, (len(SIZES), years + 1)) * (np.mean(SIZES) / SIZES)[:, None] ** world.uneven
    logits = means[:, None] + rng.normal(0, world.year, years + 1) + noise
    growth = rng.normal(0.09, 0.04, (len(SIZES), years + 1))
    fulls = np.array(SIZES)[:, None] * np.cumprod(1 + growth, axis=1)
    parts = fulls / (1 + np.exp(-logits))

    def money(value: float) -> Fraction:
        return Fraction(round(float(value) * 100), 100)

    series, truth = [], {}
    for k in range(len(SIZES)):
        kept = rng.permutation(years)[: rng.integers(3, years + 1)] if world.gaps else range(years)
        past = tuple(PastYear(2000 + int(j), money(parts[k, j]), money(fulls[k, j])) for j in kept)
        series.append(Series(f"city{k:02}", past, money(parts[k, years])))
        truth[f"city{k:02}"] = money(fulls[k, years])
    truth[TOTAL] = sum(truth.values(), Fraction(0))
    return series, truth


@dataclass(frozen=True)
class Coverage:
    """Share of intervals that held, and mean width of the total's interval ÷ its value."""

    cities: float
    largest: float
    smallest: float
    total: float
    width: float


def coverage(world: World, years: int, replications: int, level: Fraction = Fraction(4, 5)) -> Coverage:
    """Coverage over replications seeded 0, 1, 2, …"""
    held: dict[str, list[bool]] = {}
    widths = []
    for seed in range(replications):
        series, truth = draw(world, years, seed)
        for line in nowcast(series, targets={}, level=level, total=TOTAL):
            held.setdefault(line.place, []).append(score(line, truth[line.place]).inside)
        widths.append(_width(line))
    rate = {place: float(np.mean(inside)) for place, inside in held.items()}
    total = rate.pop(TOTAL)
    places = list(rate.values())
    return Coverage(float(np.mean(places)), places[0], places[-1], total, float(np.mean(widths)))


@dataclass(frozen=True)
class Trial:
    """A year forecast from the years before it, its official figure, and what repeating last year's share gives."""

    test: str
    year: int
    past_years: int
    forecast: Forecast
    actual: Fraction
    naive: Fraction


def read_national(path: Path = NATIONAL) -> dict[tuple[str, str], list[PastYear]]:
    """National figures in 亿元 by (test, place), years in order."""
    found: dict[tuple[str, str], list[PastYear]] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            year = PastYear(int(row["year"]), Fraction(row["part"]), Fraction(row["full"]))
            found.setdefault((row["test"], row["place"]), []).append(year)
    return found


def back_test(test: str, history: Mapping[tuple[str, str], Sequence[PastYear]]) -> list[Trial]:
    """Every year of a test forecast from the years before it.

    flash           part: flash estimate (初步测算), full: bulletin (公报). Two years known: no forecast can be made.
    previous_year   part: the bulletin of the year before, full: the bulletin. Minus the logit of the share is then the
                    logarithm of growth: the same machinery on real figures, though not a part of a year.
    by_activity     as previous_year, for basic, applied and experimental research, whose sum is the national total;
                    what published parts and total differ by (2021: −2.0) is the line not allocated.
    """
    places = {place: years for (name, place), years in history.items() if name == test}
    totals = {item.year: item for item in history["previous_year", "national"]} if len(places) > 1 else {}
    count = len(next(iter(places.values())))
    trials = []
    for k in range(1, count):
        series = [Series(place, tuple(years[:k]), years[k].part) for place, years in places.items()]
        actual = {place: years[k].full for place, years in places.items()}
        last = {place: years[k].part * years[k - 1].full / years[k - 1].part for place, years in places.items()}
        year = next(iter(places.values()))[k].year
        if totals:
            series.append(Series(TOTAL, (), totals[year].part))
            actual[TOTAL] = totals[year].full
            last[TOTAL] = sum(last.values(), Fraction(0))
        lines = nowcast(series, targets={}, quantum=Fraction(1, 10), total=TOTAL if totals else None)
        trials += [
            Trial(test, year, k, line, actual[line.place], last[line.place]) for line in lines if line.place in actual
        ]
    return trials


def scored(trials: Iterable[Trial]) -> list[Trial]:
    """Trials that have a forecast."""
    return [trial for trial in trials if trial.forecast.method == SHARE_LOGIT_T]


def _width(line: Forecast) -> float:
    assert line.value is not None
    assert line.low is not None
    assert line.high is not None
    return float((line.high - line.low) / line.value)


def _print_back_test() -> None:
    history = read_national()
    for test in ("flash", "previous_year", "by_activity"):
        trials = back_test(test, history)
        print(f"\nback-test {test}: {len(trials)} trials, {len(scored(trials))} with three past years or more")
        for trial in trials:
            line = trial.forecast
            head = f"{trial.year} {line.place:<13}{trial.past_years} past, official {float(trial.actual):>9.1f}"
            if line.value is None or line.low is None or line.high is None:
                shown = "；".join(f"{case.label} {float(case.value):.1f}" for case in line.scenarios)
                print(f"{head}  {line.method}: {shown}")
                continue
            result = score(line, trial.actual)
            print(
                f"{head}  forecast {float(line.value):>9.1f} [{float(line.low):.1f}, {float(line.high):.1f}]"
                f"  error {float(result.relative_error):+.2%}  {'inside' if result.inside else 'OUTSIDE'}"
            )
        _print_summary(scored(trials))


def _print_summary(trials: Sequence[Trial]) -> None:
    if not trials:
        return
    results = [score(trial.forecast, trial.actual) for trial in trials]
    ours = sum(abs(result.relative_error) for result in results) / len(results)
    naive = sum((abs(trial.naive / trial.actual - 1) for trial in trials), Fraction(0)) / len(trials)
    print(
        f"{sum(result.inside for result in results)} of {len(results)} inside; mean absolute error {float(ours):.2%}, "
        f"repeating last year's share {float(naive):.2%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replications", type=int, default=2000)
    parser.add_argument("--years", type=int, nargs="+", default=[3, 4, 5, 6])
    arguments = parser.parse_args()
    print(f"coverage of the 80 % interval, {arguments.replications} replications of 11 cities")
    print(
        f"{'world':<28}{'past years':>11}{'cities':>9}{'largest':>9}{'smallest':>9}{'total':>9}{'width of total':>16}"
    )
    for world in (*WORLDS, UNEVEN):
        for years in arguments.years:
            found = coverage(world, years, arguments.replications)
            rates = (found.cities, found.largest, found.smallest, found.total)
            print(f"{world.name:<28}{years:>11}{''.join(f'{rate:>9.3f}' for rate in rates)}{found.width:>16.3f}")
    _print_back_test()


if __name__ == "__main__":
    main()
