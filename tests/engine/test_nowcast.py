"""The nowcast: what it answers, when it declines, how its lines add up, how it is scored."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rongtong.engine.nowcast import (
    INSUFFICIENT_HISTORY,
    SAME_SHARE,
    SHARE_LOGIT_T,
    Forecast,
    PastYear,
    Scenario,
    Series,
    nowcast,
    score,
    share,
)

F = Fraction


def place(code: str, percents: list[int], part: int = 50, first: int = 2020) -> Series:
    """A place whose past full years are 100 and whose parts are these percentages of them."""
    past = tuple(PastYear(first + k, F(percent), F(100)) for k, percent in enumerate(percents))
    return Series(code, past, F(part))


THREE = [place("a", [44, 46, 45, 47]), place("b", [40, 43, 41, 42], 30), place("c", [50, 51, 49, 52], 80)]


def by_place(lines: tuple[Forecast, ...]) -> dict[str, Forecast]:
    return {line.place: line for line in lines}


def filled(line: Forecast) -> tuple[Fraction, Fraction, Fraction]:
    assert line.low is not None
    assert line.value is not None
    assert line.high is not None
    return line.low, line.value, line.high


# --- one place, against the textbook


def test_one_place_has_the_textbook_t_interval_for_a_new_observation() -> None:
    (line,) = nowcast([place("a", [40, 50, 60])], targets={})
    spread = math.log(1.5)  # logits −log 1.5, 0, log 1.5: mean 0, standard deviation log 1.5
    quantile = 1.8856180831641267  # t, 2 degrees of freedom, 0.9: 4·0.4·√(2 / (4·0.9·0.1)) / 2
    half = quantile * spread * math.sqrt(1 + 1 / 3)
    low, value, high = filled(line)
    assert value == 100
    assert float(low) == pytest.approx(50 * (1 + math.exp(-half)), abs=0.005)
    assert float(high) == pytest.approx(50 * (1 + math.exp(half)), abs=0.005)
    assert (line.method, line.years_used) == (SHARE_LOGIT_T, (2020, 2021, 2022))


def test_a_target_at_the_median_is_met_with_probability_one_half() -> None:
    (line,) = nowcast([place("a", [40, 50, 60])], targets={"a": F(100)})
    assert line.probability == F(1, 2)


def test_a_target_at_the_ends_of_the_interval_has_the_probability_of_its_tails() -> None:
    (free,) = nowcast([place("a", [40, 50, 60])], targets={})
    low, _, high = filled(free)
    for target, expected in ((low, F(9, 10)), (high, F(1, 10))):
        (line,) = nowcast([place("a", [40, 50, 60])], targets={"a": target})
        assert line.probability == expected


def test_only_a_target_already_reached_is_certain() -> None:
    def chance(target: int) -> Fraction | None:
        return nowcast([place("a", [44, 46, 45])], targets={"a": F(target)})[0].probability

    assert chance(50) == 1
    assert chance(51) == F(999, 1000)
    assert chance(5000) == F(1, 1000)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=2, max_size=6, unique=True))
def test_a_higher_target_is_never_more_likely(targets: list[int]) -> None:
    chances = [nowcast(THREE, targets={"b": F(target)})[1].probability for target in sorted(targets)]
    assert all(chance is not None for chance in chances)
    assert chances == sorted(chances, key=lambda chance: -(chance or 0))


def test_a_higher_level_widens_the_interval_around_the_same_value() -> None:
    (narrow,), (wide,) = (nowcast([THREE[0]], targets={}, level=level) for level in (F(1, 2), F(19, 20)))
    assert narrow.value == wide.value
    assert filled(wide)[0] < filled(narrow)[0] < filled(narrow)[2] < filled(wide)[2]


def test_past_shares_that_repeat_exactly_give_their_share_and_no_width() -> None:
    lines = nowcast([place(code, [40, 40, 40], 20) for code in "abcde"], targets={}, total="t")
    assert [filled(line) for line in lines] == [(50, 50, 50)] * 5 + [(250, 250, 250)]


# --- shrinkage


def test_places_that_differ_by_chance_alone_are_pooled() -> None:
    noisy = [[40, 52, 46], [51, 41, 47], [47, 45, 43], [42, 47, 51], [50, 44, 41]]
    lines = nowcast([place(f"p{k}", shares) for k, shares in enumerate(noisy)], targets={})
    assert len({line.value for line in lines}) == 1


def test_places_that_truly_differ_keep_their_own_share() -> None:
    lines = nowcast([place(f"p{base}", [base, base + 1, base - 1], base) for base in (20, 35, 50, 65, 80)], targets={})
    assert all(abs(filled(line)[1] - 100) < 1 for line in lines)


def test_shrinkage_lies_between_the_own_and_the_pooled_share() -> None:
    shares = {"a": [40, 44, 48], "b": [48, 44, 46], "c": [50, 46, 42], "d": [44, 47, 50], "e": [54, 51, 57]}
    lines = by_place(nowcast([place(code, past) for code, past in shares.items()], targets={}))
    alone = {code: filled(nowcast([place(code, past)], targets={})[0])[1] for code, past in shares.items()}
    assert alone["e"] < filled(lines["e"])[1] < filled(lines["a"])[1] < alone["a"]


def test_a_balanced_table_has_the_closed_form_of_shrinkage_and_variance() -> None:
    logits = np.array([[-0.3, 0.1, -0.1], [0.2, 0.1, 0.3], [0.1, -0.1, 0.2], [-0.1, 0.2, 0.1], [0.3, 0.2, 0.1]])
    n, years = logits.shape
    means, effects = logits.mean(axis=1), logits.mean(axis=0) - logits.mean()
    year_square = n * float(effects @ effects) / (years - 1)
    rest_square = float(((logits - means[:, None] - effects) ** 2).sum()) / ((n - 1) * (years - 1))
    chance = rest_square / years
    kept = 1 - (n - 3) / (n - 1) * chance / float(means.var(ddof=1))
    assert 0.2 < kept < 0.9
    own = 1 + (kept**2 * (1 - 1 / n) + 1 / n) / years
    from_rest = (own - (1 + 1 / years) / n) * rest_square
    from_places = (1 - kept) ** 2 * (1 - 1 / n) * chance * kept / (1 - kept)
    variance = (1 + 1 / years) / n * year_square + from_rest + from_places
    fitted = share.fit([(i, j, float(logits[i, j])) for i in range(n) for j in range(years)])
    for i in range(n):
        one = share.combine(fitted, [float(k == i) for k in range(n)])
        assert one.centre == pytest.approx(means.mean() + kept * (means[i] - means.mean()))
        assert one.scale**2 == pytest.approx(variance)


def test_a_ragged_table_never_credits_the_total_with_less_than_the_places_own_noise() -> None:
    hits = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        kept = [rng.permutation(8)[:3] for _ in range(4)]
        table = share.fit([(i, int(year), float(rng.normal(0, 0.2))) for i, years in enumerate(kept) for year in years])
        weights = np.exp(-table.centre) / np.exp(-table.centre).sum()
        own = float(weights @ table.own @ weights)
        if own < float(weights @ table.common @ weights) / table.year_size and table.rest_df:
            hits += 1
            assert share.combine(table, [1.0] * 4).scale ** 2 > 0.999999 * own * table.rest_square
    assert hits >= 5


# --- too short a history


def test_two_past_years_give_scenarios_and_no_forecast() -> None:
    short = Series("a", (PastYear(2023, F(40), F(100)), PastYear(2024, F(60), F(120))), F(66))
    (line,) = nowcast([short], targets={"a": F(150)}, elapsed=F(1, 2))
    assert line.method == INSUFFICIENT_HISTORY
    assert (line.value, line.low, line.high, line.probability) == (None, None, None, None)
    assert line.scenarios == (
        Scenario("按时间进度线性外推", F(132), F(1, 10)),
        Scenario("按2023年同期占比", F(165), F(3, 8)),
        Scenario("按2024年同期占比", F(132), F(1, 10)),
        Scenario("恰好完成目标", F(150), F(1, 4)),
    )
    assert "只有2年历史" in line.note


def test_a_place_without_history_is_shown_the_share_of_the_others_but_the_others_stand_as_without_it() -> None:
    lines = by_place(nowcast([*THREE, Series("new", (), F(10))], targets={}))
    assert [case.label for case in lines["new"].scenarios] == ["按其他地区合计的同期占比"]
    assert lines["new"].scenarios[0].growth is None
    assert [lines[code] for code in "abc"] == list(nowcast(THREE, targets={}))


def test_a_total_with_a_place_too_short_rests_on_its_own_history_and_is_not_called_the_sum() -> None:
    own = Series("t", place("t", [45, 46, 44]).past, F(200))
    lines = by_place(nowcast([*THREE, place("new", [40, 45], 40), own], targets={"t": F(400)}, total="t"))
    assert lines["t"].method == SHARE_LOGIT_T
    assert lines["t"].value == nowcast([own], targets={})[0].value
    assert not any(line.adds_up for line in lines.values())
    assert "不等于各地之和" in lines["t"].note


def test_a_total_without_history_of_its_own_has_the_sums_of_its_places_scenarios() -> None:
    lines = by_place(nowcast([THREE[0], place("new", [40, 50], 40, 2022)], targets={}, total="t", elapsed=F(1, 2)))
    top = lines["t"]
    assert top.method == INSUFFICIENT_HISTORY
    found = {case.label: case.value for case in top.scenarios}
    assert found["按时间进度线性外推"] == 180
    assert found["各地之和（按2022年同期占比）"] == filled(lines["a"])[1] + 100


# --- adding up


MONEY = st.integers(1, 10**6).map(lambda cents: F(cents, 100))


@st.composite
def hierarchies(draw: st.DrawFn) -> list[Series]:
    """Two to six places with ragged histories, and the total's own part, which the places do not meet."""
    series = []
    for k in range(draw(st.integers(2, 6))):
        years = draw(st.lists(st.integers(2015, 2024), min_size=3, max_size=6, unique=True))
        past = tuple(PastYear(y, part := draw(MONEY), part + draw(MONEY)) for y in years)
        series.append(Series(f"p{k}", past, draw(MONEY)))
    parts = sum((item.part for item in series), F(0))
    rest = draw(st.sampled_from([F(0), F(31, 100), -min(parts / 2, F(7, 3))]))
    return [*series, Series("t", (), parts + rest)]


@settings(max_examples=60, deadline=None)
@given(hierarchies(), st.sampled_from([F(1, 100), F(1), F(3, 7)]))
def test_points_add_up_to_the_total_exactly_with_the_line_not_allocated(
    series: list[Series], quantum: Fraction
) -> None:
    *lines, top = nowcast(series, targets={}, total="t", quantum=quantum)
    assert sum(filled(line)[1] for line in lines) == top.value
    assert sum(line.part for line in lines) == top.part
    assert all(filled(line)[0] <= filled(line)[1] <= filled(line)[2] for line in [*lines, top])
    assert all(number % quantum == 0 for line in [*lines, top] for number in filled(line))


@settings(max_examples=40, deadline=None)
@given(hierarchies(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_no_digit(series: list[Series], shuffle: random.Random) -> None:
    targets = {item.place: item.part * 2 for item in series}
    first = nowcast(series, targets=targets, total="t")
    mixed = [Series(item.place, tuple(shuffle.sample(item.past, len(item.past))), item.part) for item in series]
    shuffle.shuffle(mixed)
    assert nowcast(mixed, targets=dict(reversed(targets.items())), total="t") == first


def test_what_is_not_allocated_stands_as_a_line_with_the_share_of_the_total() -> None:
    lines = by_place(nowcast([*THREE, Series("t", (), F(16031, 100))], targets={}, total="t", unallocated="rest"))
    assert lines["rest"].method == SAME_SHARE
    assert lines["rest"].part == F(31, 100)
    assert float(filled(lines["rest"])[1] / lines["rest"].part) == pytest.approx(
        float(filled(lines["t"])[1] / lines["t"].part), rel=0.02
    )


@settings(max_examples=40, deadline=None)
@given(hierarchies(), st.integers(1, 300))
def test_lines_below_a_forecast_given_one_level_up_add_up_to_it(series: list[Series], percent: int) -> None:
    *below, top = series
    part = F(round(top.part * 100), 100)
    value = F(round(part * (100 + percent)), 100) + F(1, 100)
    (upper,) = nowcast([place("t", [40, 50, 60])], targets={})
    upper = Forecast(**{**{name: getattr(upper, name) for name in Forecast.__slots__}, "part": part, "value": value})
    *lines, last = nowcast(below, targets={}, within=upper)
    assert last is upper
    assert sum(filled(line)[1] for line in lines) == value
    assert sum(line.part for line in lines) == part


def test_what_is_not_allocated_below_grows_as_the_forecast_above() -> None:
    upper = nowcast([Series("t", place("t", [30, 31, 32]).past, F(260))], targets={})[0]
    lines = by_place(nowcast(THREE, targets={}, within=upper))
    assert lines["unallocated"].part == 100
    assert upper.value is not None
    assert abs(filled(lines["unallocated"])[1] - 100 * upper.value / 260) <= F(1, 100)


def test_a_place_moves_with_the_forecast_above_it() -> None:
    def chance(percents: list[int]) -> Fraction:
        upper = nowcast([Series("t", place("t", percents).past, F(160))], targets={})[0]
        line = nowcast(THREE, targets={"a": F(110)}, within=upper)[0]
        assert line.probability is not None
        return line.probability

    assert chance([50, 52, 51]) < chance([45, 46, 47]) < chance([40, 41, 42])


# --- scores


def test_a_forecast_inside_its_interval_scores_its_width() -> None:
    (line,) = nowcast([place("a", [40, 50, 60])], targets={"a": F(90)})
    low, value, high = filled(line)
    result = score(line, F(101))
    assert (result.error, result.relative_error) == (F(-1), F(-1, 101))
    assert value == 100
    assert result.inside
    assert result.interval_score == high - low
    assert line.probability is not None
    assert result.brier == (1 - line.probability) ** 2


def test_a_figure_outside_the_interval_costs_ten_times_its_distance_at_80_percent() -> None:
    (line,) = nowcast([place("a", [40, 50, 60])], targets={"a": F(400)})
    low, _, high = filled(line)
    above, below = score(line, high + 7), score(line, low - 3)
    assert not above.inside
    assert above.interval_score == high - low + 70
    assert below.interval_score == high - low + 30
    assert below.brier == (line.probability or 0) ** 2


def test_scenarios_cannot_be_scored_as_a_forecast() -> None:
    (line,) = nowcast([place("a", [40, 50])], targets={})
    with pytest.raises(ValueError, match="不能评分"):
        score(line, F(100))


# --- refusals


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: PastYear(2023, F(101), F(100)), "2023年同期累计值101大于全年值100"),
        (lambda: PastYear(2023, F(100), F(100)), "占比恰为1"),
        (lambda: PastYear(2023, F(0), F(100)), "2023年同期累计值为0，应大于0"),
        (lambda: PastYear(2023, F(-1, 2), F(100)), "为-0.5，应大于0"),
        (lambda: PastYear(2023, 0.5, F(1)), "不要用浮点数"),  # type: ignore[arg-type]
        (lambda: place("a", [40], 0), "a本年累计值为0，应大于0"),
        (lambda: Series("a", (PastYear(2023, F(1), F(2)),) * 2, F(1)), "a的2023年重复出现"),
        (lambda: nowcast([THREE[0], THREE[0]], targets={}), "地区a重复出现"),
        (lambda: nowcast([], targets={}), "没有可推算的地区"),
        (lambda: nowcast(THREE, targets={"z": F(1)}), "目标中的z没有对应的序列"),
        (lambda: nowcast(THREE, targets={"a": F(0)}), "a目标为0，应大于0"),
        (lambda: nowcast(THREE, targets={}, level=F(1)), "区间置信水平为1"),
        (lambda: nowcast(THREE, targets={}, quantum=F(0)), "取整单位为0"),
        (lambda: nowcast(THREE, targets={}, elapsed=F(6)), "已过时间占比为6"),
        (lambda: nowcast([*THREE, Series("t", (), F(999))], targets={}, total="t", unallocated="a"), "相差839"),
        (lambda: nowcast(THREE, targets={}, within=nowcast([place("t", [40])], targets={})[0]), "没有高于累计值"),
        (lambda: nowcast(THREE, targets={}, total="x", within=nowcast([THREE[0]], targets={})[0]), "二者只取其一"),
        (lambda: nowcast(THREE, targets={}, within=nowcast([THREE[0]], targets={})[0]), "请删去该序列"),
        (lambda: score(nowcast([THREE[0]], targets={})[0], F(0)), "正式数为0"),
    ],
)
def test_contradictory_input_is_refused_with_what_was_found(act: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        act()
