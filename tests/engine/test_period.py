"""A period has one name, knows its kind and neighbours, and says what it is in Chinese."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.engine.period import Period, PeriodError


@pytest.mark.parametrize(
    ("text", "name", "kind", "chinese", "elapsed"),
    [
        ("2025", "2025", "year", "2025年", Fraction(1)),
        ("2025年", "2025", "year", "2025年", Fraction(1)),
        ("2025H1", "2025H1", "half", "2025年上半年", Fraction(1, 2)),
        ("2025-01..06", "2025H1", "half", "2025年上半年", Fraction(1, 2)),
        ("2025H2", "2025H2", "half", "2025年下半年", Fraction(1)),
        ("2025q1", "2025Q1", "quarter", "2025年一季度", Fraction(1, 4)),
        ("2025Q4", "2025Q4", "quarter", "2025年四季度", Fraction(1)),
        ("2025-03", "2025-03", "month", "2025年3月", Fraction(1, 4)),
        ("2025-01", "2025-01", "month", "2025年1月", Fraction(1, 12)),
        ("2025-01..03", "2025Q1", "quarter", "2025年一季度", Fraction(1, 4)),
        ("2025-01..09", "2025-01..09", "cumulative", "2025年1—9月", Fraction(3, 4)),
        ("2025-01..02", "2025-01..02", "cumulative", "2025年1—2月", Fraction(1, 6)),
        ("2025-01..12", "2025", "year", "2025年", Fraction(1)),
        ("2025-04..09", "2025-04..09", "span", "2025年4—9月", Fraction(3, 4)),
        ("2021..2025", "2021..2025", "plan", "2021—2025年", Fraction(1)),
        ("2025..2025", "2025", "year", "2025年", Fraction(1)),
    ],
)
def test_every_form_is_read_to_one_name(text: str, name: str, kind: str, chinese: str, elapsed: Fraction) -> None:
    period = Period.parse(text)
    assert (str(period), period.kind, period.chinese, period.elapsed) == (name, kind, chinese, elapsed)


@pytest.mark.parametrize(
    "text", ["", "二〇二五", "25", "2025H3", "2025Q5", "2025-13", "2025-00", "2025-09..01", "2025-01..13", "2025..2021",
             "2025-3", "2025-1..9", "1800", "2025 H1", "2025H1 累计"]
)  # fmt: skip
def test_what_is_no_period_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(PeriodError, match=r"2025-01\.\.09"):
        Period.parse(text)


def test_only_spans_from_january_within_a_year_are_cumulative() -> None:
    assert [Period.parse(t).cumulative for t in ("2025Q1", "2025H1", "2025-01..09", "2025", "2025Q2", "2021..2025")] == [
        True, True, True, True, False, False,
    ]  # fmt: skip


def test_the_same_span_a_year_earlier_and_the_whole_year_are_known() -> None:
    half = Period.parse("2025H1")
    assert str(half.years_before()) == "2024H1"
    assert str(half.years_before(3)) == "2022H1"
    assert str(half.whole_year) == "2025"


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024Q1", date(2024, 1, 1), date(2024, 3, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2025-02", date(2025, 2, 1), date(2025, 2, 28)),
        ("2025H2", date(2025, 7, 1), date(2025, 12, 31)),
        ("2021..2025", date(2021, 1, 1), date(2025, 12, 31)),
    ],
)
def test_a_period_knows_its_first_and_last_day(text: str, first: date, last: date) -> None:
    assert (Period.parse(text).first_day, Period.parse(text).last_day) == (first, last)


@given(st.integers(1900, 2200), st.integers(1, 12), st.integers(1, 12))
def test_a_name_is_read_back_to_the_same_period(year: int, month: int, months: int) -> None:
    if month + months <= 13:
        period = Period(year, month, months)
        assert Period.parse(str(period)) == period
