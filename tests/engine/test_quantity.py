"""Quantities are exact, know their unit, and refuse what may not be done with them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.engine.quantity import (
    Quantity,
    UnitError,
    decimal_text,
    finite_decimals,
    humane,
    parse,
    parse_number,
    round_half_up,
    unit,
)


@pytest.mark.parametrize(
    ("text", "comparator", "amount", "symbol"),
    [
        ("突破4.7万家", ">", 47000, "万家"),
        ("超2500次", ">", 2500, "次"),
        ("3.2万亿元", "=", 3_200_000_000_000, "万亿元"),
        ("1.9万余台", ">", 19000, "万台"),
        ("近2000项", "~", 2000, "项"),
        ("约1.5亿元", "~", 150_000_000, "亿元"),
        ("2个百分点以上", ">=", Fraction(2, 100), "百分点"),
        ("不低于80%", ">=", Fraction(80, 100), "%"),
        ("不超过35周岁", "<=", 35, "周岁"),
        ("达到100家", ">=", 100, "家"),
        ("7,200 亿元", "=", 720_000_000_000, "亿元"),
        ("１２．５％", "=", Fraction(125, 1000), "%"),
        ("13 万家", "=", 130_000, "万家"),
        ("下降2.8%", "=", Fraction(-28, 1000), "%"),
        ("多晶硅3台", "=", 3, "台"),
    ],
)
def test_a_phrase_is_read_with_its_comparison_and_magnitude(
    text: str, comparator: str, amount: Fraction, symbol: str
) -> None:
    found, quantity = parse(text)
    assert (found, quantity.amount, str(quantity.unit)) == (comparator, amount, symbol)


@pytest.mark.parametrize("text", ["若干家", "", "大幅增长"])
def test_a_phrase_without_a_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="没有数"):
        parse(text)


@pytest.mark.parametrize("text", ["12亩", "3.5"])
def test_a_phrase_without_a_unit_is_refused(text: str) -> None:
    with pytest.raises(UnitError, match="不认识的单位"):
        parse(text)


def test_a_cell_s_number_may_be_full_width_and_have_separators() -> None:
    assert parse_number("１，２３４．５６") == Fraction("1234.56")
    assert parse_number(" -0.5 ") == Fraction(-1, 2)
    for text in ("约30", "12家", "1,23", ""):
        with pytest.raises(ValueError, match="不是数"):
            parse_number(text)


@pytest.mark.parametrize(
    ("symbol", "factor", "dimension"),
    [
        ("亿元", 10**8, "money"),
        ("万亿元", 10**12, "money"),
        ("万家", 10**4, "count:家"),
        ("万人", 10**4, "person"),
        ("名", 1, "person"),
        ("%", Fraction(1, 100), "ratio"),
        ("％", Fraction(1, 100), "ratio"),
        ("百分点", Fraction(1, 100), "point"),
        ("人年", 1, "person_year"),
        ("千件", 1000, "count:件"),
    ],
)
def test_a_unit_has_its_factor_and_dimension(symbol: str, factor: Fraction, dimension: str) -> None:
    assert (unit(symbol).factor, unit(symbol).dimension.name) == (factor, dimension)


@pytest.mark.parametrize(
    ("left", "right", "reason"),
    [
        (("1", "亿元"), ("1", "家"), "金额"),
        (("1", "家"), ("1", "项"), "数量"),
        (("1", "%"), ("1", "百分点"), "百分点"),
        (("1", "人"), ("1", "人年"), "人年"),
    ],
)
def test_different_kinds_are_not_added_compared_or_divided(
    left: tuple[str, str], right: tuple[str, str], reason: str
) -> None:
    a, b = Quantity.of(*left), Quantity.of(*right)
    for attempt in (lambda: a + b, lambda: a - b, lambda: a < b, lambda: a <= b, lambda: a.over(b)):
        with pytest.raises(UnitError, match=reason):
            attempt()


def test_one_kind_is_added_across_magnitudes_and_shown_in_the_first() -> None:
    both = Quantity.of("1.5", "亿元") + Quantity.of("5000", "万元")
    assert str(both) == "2亿元"
    assert Quantity.of(99, "万元") < Quantity.of("0.01", "亿元")


def test_the_difference_of_two_percentages_is_in_points() -> None:
    gap = Quantity.of("6.4", "%") - Quantity.of("7.7", "%")
    assert str(gap) == "-1.3百分点"


def test_a_float_is_refused() -> None:
    with pytest.raises(UnitError, match="浮点数"):
        Quantity.of(0.1, "亿元")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [
        ("2.5", 0, "3"),
        ("-2.5", 0, "-3"),
        ("0.125", 2, "0.13"),
        ("-0.125", 2, "-0.13"),
        ("7.65", 1, "7.7"),
        ("1.005", 2, "1.01"),
        ("-0.04", 1, "0.0"),
        ("0.05", 1, "0.1"),
        ("1234", 2, "1234.00"),
    ],
)
def test_halves_are_rounded_away_from_zero(value: str, decimals: int, shown: str) -> None:
    assert decimal_text(Fraction(value), decimals) == shown


@given(st.fractions(max_denominator=10**6), st.integers(0, 6))
def test_rounding_is_never_off_by_more_than_a_half(value: Fraction, decimals: int) -> None:
    rounded = round_half_up(value, decimals)
    assert abs(rounded - value) <= Fraction(1, 2 * 10**decimals)
    assert round_half_up(-value, decimals) == -rounded
    assert Fraction(decimal_text(value, decimals)) == rounded


def test_a_number_without_end_is_shown_to_two_places() -> None:
    assert decimal_text(Fraction(1, 3)) == "0.33"
    assert decimal_text(Fraction(1, 8)) == "0.125"
    assert finite_decimals(Fraction(1, 3)) is None


def test_facts_are_stored_as_integers_at_the_scale_of_their_kind() -> None:
    assert Quantity.of("851.36", "亿元").to_stored() == 8_513_600_000_000
    assert Quantity.stored(8_513_600_000_000, unit("亿元")) == Quantity.of("851.36", "亿元")
    assert Quantity.of("7.7", "%").to_stored() == 7_700_000
    with pytest.raises(UnitError, match="记录精度"):
        Quantity.of("0.001", "元").to_stored()
    with pytest.raises(UnitError, match="记录精度"):
        Quantity.of("1.5", "家").to_stored()


@given(st.integers(-(10**15), 10**15), st.sampled_from(["元", "亿元", "%", "人", "万家", "人年", "百分点"]))
def test_what_is_stored_comes_back(value: int, symbol: str) -> None:
    assert Quantity.stored(value, unit(symbol)).to_stored() == value


@pytest.mark.parametrize(
    ("number", "symbol", "shown"),
    [
        ("32000", "亿元", "3.2万亿元"),
        ("19000", "台", "1.9万台"),
        ("12535", "家", "12535家"),
        ("0.5", "亿元", "5000万元"),
        ("150", "万元", "150万元"),
        ("4.7", "万家", "4.7万家"),
        ("7.7", "%", "7.7 %"),
        ("0", "亿元", "0元"),
    ],
)
def test_a_quantity_is_told_in_the_magnitude_people_read(number: str, symbol: str, shown: str) -> None:
    assert str(humane(Quantity.of(number, symbol))) == shown


def test_the_count_of_years_and_ranks_keep_their_unit() -> None:
    assert str(humane(Quantity.of("20000", "位次"))) == "20000位次"


def test_equal_amounts_are_equal_in_any_magnitude_but_not_across_dimensions() -> None:
    assert Quantity.of("1", "亿元") == Quantity.of("10000", "万元")
    assert hash(Quantity.of("1", "亿元")) == hash(Quantity.of("10000", "万元"))
    assert Quantity.of("1", "家") != Quantity.of("1", "项")
