"""A figure knows its id, its sources and its weakest status, and refuses to be added where it may not."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.engine import figure as fig
from rongtong.engine.figure import Citation, Figure, FigureError, Key
from rongtong.engine.period import Period
from rongtong.engine.quantity import Quantity

HALF = Period.parse("2025H1")
REASONS = {"rd": {"input": "两套口径互有交叉"}}
NAMES = {"rd": "研发经费", "input": "科技创新投入"}


def observed(
    code: str,
    number: str,
    symbol: str = "亿元",
    *,
    place: str = "990100",
    scope: str = "input",
    status: str = "actual",
    chain: str = "",
    known: date | None = None,
    late: bool = False,
    decimals: int | None = None,
) -> Figure:
    key = Key(code, place, HALF, "value", chain)
    return Figure(
        key, Quantity.of(number, symbol), scope, status, "observed", known_from=known, late=late, decimals=decimals
    )


TOTAL = Key("input", "990000", HALF)


@pytest.mark.parametrize(
    "text",
    [
        "input@990100@2025H1",
        "input.yoy@990100@2025-01..09",
        "input#415x-1@990100@2025Q1",
        "input.share#415x-1@990100@2025",
        "hte_stock.rank@X10000@2021..2025",
        "led.share:joined@990100@2025",
        "led.share:joined#415x-1@990100@2025",
        "a-b.yoy_rank@p@2025",
    ],
)
def test_an_id_is_read_back_to_itself(text: str) -> None:
    assert str(Key.parse(text)) == text


def test_an_id_takes_the_period_s_one_name() -> None:
    assert str(Key.parse(" input@990100@2025-01..06 ")) == "input@990100@2025H1"
    assert Key.parse("input.value@990100@2025") == Key.parse("input@990100@2025")


@given(
    st.from_regex(r"[A-Za-z0-9_\-]{1,20}", fullmatch=True),
    st.sampled_from(fig.MEASURES),
    st.sampled_from(["", "415x-1", "群A"]),
    st.sampled_from(["990000", "Z330702-01"]),
)
def test_every_key_has_an_id_of_its_own(code: str, measure: str, chain: str, place: str) -> None:
    key = Key(code, place, HALF, measure, chain)
    assert Key.parse(str(key)) == key


@pytest.mark.parametrize("text", ["", "input", "input@990100", "@990100@2025", "in put@990100@2025"])
def test_what_is_no_id_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(FigureError, match="input_enterprise@"):
        Key.parse(text)


def test_an_unknown_measure_is_refused_with_those_there_are() -> None:
    with pytest.raises(FigureError, match=r"speed.*yoy"):
        Key.parse("input.speed@990100@2025")


def test_only_a_share_is_of_another_indicator() -> None:
    with pytest.raises(FigureError, match="只有占比"):
        Key.parse("led.yoy:joined@990100@2025")


def test_figures_of_two_scopes_are_not_added_and_the_reason_is_given() -> None:
    one, other = observed("input", "10"), observed("rd", "3", scope="rd")
    with pytest.raises(FigureError, match="科技创新投入与研发经费不能相加：两套口径互有交叉"):
        fig.total(TOTAL, [one, other], REASONS, NAMES)
    with pytest.raises(FigureError, match="口径不同"):
        fig.total(TOTAL, [one, observed("gdp", "3", scope="economy")], REASONS, NAMES)


def test_the_refusal_holds_whichever_side_gives_the_reason() -> None:
    assert fig.scope_conflict("input", "rd", REASONS) == fig.scope_conflict("input", "rd", {"input": REASONS["rd"] | {"rd": "两套口径互有交叉"}})  # fmt: skip
    assert fig.scope_conflict("rd", "rd", REASONS) is None


def test_overlapping_chains_are_not_added() -> None:
    parts = [observed("input", "1", chain="415x-1"), observed("input", "2", chain="415x-2")]
    with pytest.raises(FigureError, match="415x-1、415x-2 相互交叉"):
        fig.total(TOTAL, parts, {})
    assert fig.total(TOTAL, [parts[0], parts[0]], {}).number == 2


def test_different_units_are_not_added() -> None:
    with pytest.raises(FigureError, match="不是同一种量"):
        fig.total(TOTAL, [observed("input", "1"), observed("input", "2", "家")], {})
    with pytest.raises(FigureError, match="没有可以相加的数"):
        fig.total(TOTAL, [], {})


def test_a_sum_is_exact_in_the_unit_of_its_first_part() -> None:
    found = fig.total(TOTAL, [observed("input", "0.1"), observed("input", "2000", "万元", place="990200")], {})
    assert (found.number, str(found.unit), found.operation) == (Fraction("0.3"), "亿元", "sum")
    assert [f.id for f in found.inputs] == ["input@990100@2025H1", "input@990200@2025H1"]


@pytest.mark.parametrize(
    ("statuses", "weak"),
    [
        (("actual", "revised"), "actual"),
        (("actual", "preliminary"), "preliminary"),
        (("flash", "preliminary"), "flash"),
        (("actual", "estimate", "flash"), "estimate"),
        (("forecast", "estimate"), "forecast"),
        (("actual", "synthetic", "forecast"), "synthetic"),
        (("actual", "target"), "actual"),
        (("synthetic", "allocated"), "synthetic"),
        (("target", "target"), "target"),
    ],
)
def test_a_derived_figure_is_as_weak_as_its_weakest_part(statuses: tuple[str, ...], weak: str) -> None:
    parts = [observed("input", "1", place=str(n), status=s) for n, s in enumerate(statuses)]
    assert fig.total(TOTAL, parts, {}).status == weak


def test_a_derived_figure_is_known_when_its_last_part_is_and_late_if_any_is() -> None:
    early = observed("input", "1", known=date(2025, 7, 1))
    later = observed("input", "2", place="990200", known=date(2025, 7, 9), late=True)
    found = fig.total(TOTAL, [early, later], {})
    assert (found.known_from, found.late) == (date(2025, 7, 9), True)
    assert fig.total(TOTAL, [early], {}).late is False


def test_growth_of_a_sum_comes_from_levels_not_from_rates() -> None:
    """Places growing by 10 % and 50 % grow together by 14 %, not by 30 %."""
    now = fig.total(TOTAL, [observed("input", "99"), observed("input", "15", place="990200")], {})
    then = fig.total(TOTAL, [observed("input", "90"), observed("input", "10", place="990200")], {})
    rate = fig.growth(TOTAL.of("yoy"), now, then)
    assert rate is not None
    assert (rate.number, rate.text, str(rate.unit)) == (14, "14.0", "%")
    assert [f.number for f in rate.inputs] == [114, 100]


def test_no_growth_is_defined_over_nothing() -> None:
    assert fig.growth(TOTAL, observed("input", "1"), observed("input", "0")) is None
    assert fig.ratio(TOTAL, observed("input", "1"), observed("input", "-1"), "share") is None


def test_a_base_follows_exactly_from_a_level_and_its_published_growth() -> None:
    level, rate = observed("input", "107.7"), observed("input_yoy", "7.7", "%", scope="ratio")
    base = fig.base_from_growth(TOTAL.of("base"), level, rate)
    assert base is not None
    assert (base.number, base.status, base.scope) == (100, "estimate", "input")
    assert base.inputs == (level, rate)


def test_a_base_made_from_generated_figures_says_so() -> None:
    made = observed("input", "10", status="synthetic")
    base = fig.base_from_growth(TOTAL.of("base"), made, observed("input_yoy", "5", "%", status="synthetic"))
    assert base is not None
    assert base.status == "synthetic"


@pytest.mark.parametrize("rate", ["-100", "-120"])
def test_no_base_follows_from_a_fall_of_everything(rate: str) -> None:
    assert fig.base_from_growth(TOTAL, observed("input", "1"), observed("input_yoy", rate, "%")) is None


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_base_and_growth_are_inverse(now: int, then: int) -> None:
    level, base = observed("input", str(now)), observed("input", str(then))
    rate = fig.growth(TOTAL.of("yoy"), level, base)
    assert rate is not None
    back = fig.base_from_growth(TOTAL.of("base"), level, rate)
    assert back is not None
    assert back.number == then


def test_a_gap_of_percentages_is_in_points() -> None:
    gap = fig.difference(TOTAL.of("gap"), observed("x", "6.4", "%"), observed("x", "7.7", "%"), "gap", 1)
    assert (gap.text, str(gap.unit), gap.operation) == ("-1.3", "百分点", "gap")


def test_ranks_share_a_place_and_skip_the_next() -> None:
    values = {"a": "9", "b": "7", "c": "7", "d": "1"}
    found = fig.ranks({p: observed("input", v, place=p) for p, v in values.items()}, "rank")
    assert {p: f.text for p, f in found.items()} == {"a": "1", "b": "2", "c": "2", "d": "4"}
    assert [("并列" in found[p].note) for p in "abcd"] == [False, True, True, False]
    assert found["a"].id == "input.rank@a@2025H1"


def test_ranks_compare_exactly_what_is_shown_alike() -> None:
    close = {
        "a": observed("input", "1.001", place="a", decimals=1),
        "b": observed("input", "1.002", place="b", decimals=1),
    }
    assert close["a"].text == close["b"].text
    assert {p: f.text for p, f in fig.ranks(close, "rank").items()} == {"a": "2", "b": "1"}


def test_why_walks_everything_once_nearest_first() -> None:
    part = observed("input", "1")
    whole = fig.total(TOTAL, [part, observed("input", "3", place="990200")], {})
    share = fig.ratio(part.key.of("share"), part, whole, "share")
    assert share is not None
    assert [f.id for f in share.walk()] == [
        "input.share@990100@2025H1",
        "input@990100@2025H1",
        "input@990000@2025H1",
        "input@990200@2025H1",
    ]


def test_a_figure_tells_its_derivation_as_plain_data() -> None:
    cited = Figure(
        TOTAL, Quantity.of("1/3", "亿元"), "input", "actual", "observed",
        cites=(Citation(document="plan", clause="2.4"),), decimals=2, known_from=date(2025, 7, 1), late=True,
    )  # fmt: skip
    data = fig.total(TOTAL.of("parts"), [cited], {}).as_dict()
    assert (data["value"], data["exact"], data["unit"]) == ("0.33", "1/3", "亿元")
    assert data["inputs"][0]["cites"] == [{"document": "plan", "clause": "2.4"}]
    assert (data["inputs"][0]["known_from"], data["inputs"][0]["late"]) == ("2025-07-01", True)
    assert "inputs" not in cited.as_dict(deep=False)
