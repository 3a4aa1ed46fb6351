"""How often the nowcast's intervals hold, on simulated histories and on national figures."""

from __future__ import annotations

import importlib.util
import math
import sys
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import pytest

from rongtong.engine.nowcast import INSUFFICIENT_HISTORY, Forecast, nowcast, score

F = Fraction


def _load_bench() -> ModuleType:
    path = Path(__file__).parents[2] / "bench" / "nowcast_coverage.py"
    spec = importlib.util.spec_from_file_location("nowcast_coverage", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["nowcast_coverage"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


BENCH = _load_bench()


def filled(line: Forecast) -> tuple[Fraction, Fraction, Fraction]:
    assert line.low is not None
    assert line.value is not None
    assert line.high is not None
    return line.low, line.value, line.high


def test_the_total_is_less_uncertain_than_if_places_erred_together_and_more_than_if_each_erred_alone() -> None:
    series, _ = BENCH.draw(BENCH.WORLDS[0], 6, seed=1)
    *lines, top = nowcast(series, targets={}, total="t")
    widths = [float(filled(line)[2] - filled(line)[0]) for line in lines]
    width = float(filled(top)[2] - filled(top)[0])
    assert math.sqrt(sum(one**2 for one in widths)) < width < sum(widths)


def _holds(world: int, years: int, replications: int) -> None:
    found = BENCH.coverage(BENCH.WORLDS[world], years, replications)
    assert 0.75 <= found.cities <= 0.85
    assert 0.75 <= found.total <= 0.85


@pytest.mark.parametrize("years", [3, 4, 5, 6])
def test_80_percent_intervals_hold_for_75_to_85_percent_of_cities_and_totals(years: int) -> None:
    _holds(0, years, 400)


def test_80_percent_intervals_hold_where_past_years_are_missing_here_and_there() -> None:
    _holds(4, 6, 400)


@pytest.mark.large
@pytest.mark.parametrize("years", [3, 4, 5, 6])
@pytest.mark.parametrize("world", range(len(BENCH.WORLDS)), ids=[world.name for world in BENCH.WORLDS])
def test_80_percent_intervals_hold_in_every_simulated_world(world: int, years: int) -> None:
    _holds(world, years, 1000)


@pytest.mark.large
def test_where_small_cities_are_noisier_the_average_holds_and_the_total_errs_on_the_careful_side() -> None:
    found = BENCH.coverage(BENCH.UNEVEN, 4, 1000)
    assert 0.75 <= found.cities <= 0.85
    assert 0.80 <= found.total <= 0.88
    assert found.smallest < 0.75 < 0.85 < found.largest  # the known weakness of one variance for all


def test_cities_alike_are_forecast_better_together_than_each_alone() -> None:
    together = alone = 0.0
    for seed in range(60):
        series, truth = BENCH.draw(BENCH.WORLDS[3], 3, seed)
        for item, line in zip(series, nowcast(series, targets={}), strict=True):
            together += float(score(line, truth[item.place]).relative_error) ** 2
            alone += float(score(nowcast([item], targets={})[0], truth[item.place]).relative_error) ** 2
    assert together < 0.95 * alone


# --- the national figures


NATIONAL = BENCH.read_national()


def test_every_national_figure_names_its_source() -> None:
    lines = BENCH.NATIONAL.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "test,place,year,part,full,source"
    assert all(len(line.split(",", 5)[5]) > 10 for line in lines[1:])


def test_flash_and_final_of_one_past_year_are_no_ground_for_a_forecast() -> None:
    (trial,) = BENCH.back_test("flash", NATIONAL)
    assert (trial.year, trial.forecast.method) == (2024, INSUFFICIENT_HISTORY)
    (case,) = trial.forecast.scenarios
    assert (case.label, case.value, trial.actual) == ("按2017年同期占比", F("36349.1"), F("36326.8"))


# year: official figure, forecast, interval, in 亿元; each from the years before it
GROWTH_TRIALS = {
    2018: ("19677.9", "19456.4", "18900.3", "20251.3", True),
    2019: ("22143.6", "21805.2", "21307.7", "22454.5", True),
    2020: ("24393.1", "24609.2", "24085.2", "25274.5", True),
    2021: ("27956.3", "27068.0", "26558.2", "27697.7", False),
    2022: ("30782.9", "31150.1", "30443.4", "32057.6", True),
    2023: ("33357.1", "34246.3", "33521.3", "35163.3", False),
    2024: ("36326.8", "36988.4", "36156.6", "38067.3", True),
}


def test_the_national_total_from_the_year_before_is_forecast_digit_by_digit() -> None:
    trials = BENCH.back_test("previous_year", NATIONAL)
    assert [trial.year for trial in trials if trial.forecast.method == INSUFFICIENT_HISTORY] == [2016, 2017]
    found = {}
    for trial in BENCH.scored(trials):
        low, value, high = filled(trial.forecast)
        found[trial.year] = (trial.actual, value, low, high, score(trial.forecast, trial.actual).inside)
    assert found == {year: (*map(F, row[:4]), row[4]) for year, row in GROWTH_TRIALS.items()}


def test_the_national_total_by_activity_adds_up_and_eleven_of_twelve_intervals_hold() -> None:
    trials = BENCH.scored(BENCH.back_test("by_activity", NATIONAL))
    assert len(trials) == 12
    missed = [(t.year, t.forecast.place) for t in trials if not score(t.forecast, t.actual).inside]
    assert missed == [(2023, "applied")]
    values = {(t.year, t.forecast.place): filled(t.forecast)[1] for t in trials}
    # The published parts of 2021 exceed the published total by 2.0; forward at the total's share that is 2.2.
    for year, rest in ((2022, F("-2.2")), (2023, F(0)), (2024, F(0))):
        parts = sum(values[year, code] for code in ("basic", "applied", "experimental"))
        assert values[year, "total"] == parts + rest
