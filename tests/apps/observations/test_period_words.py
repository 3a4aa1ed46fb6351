"""Periods typed as offices write them."""

from __future__ import annotations

import pytest

from rongtong.apps.observations.period_words import period_code
from rongtong.engine.period import Period


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("2025年", "2025"),
        ("2025年上半年", "2025H1"),
        ("2025年一季度", "2025Q1"),
        ("２０２５年第3季度", "2025Q3"),
        ("2025年6月", "2025-06"),
        ("2025 年 1—6 月", "2025H1"),
        ("2025年1月至9月", "2025-01..09"),
        ("2025-06", "2025-06"),
    ],
)
def test_a_period_may_be_typed_as_it_is_spoken(words: str, code: str) -> None:
    assert Period.parse(period_code(words)) == Period.parse(code)


@pytest.mark.parametrize("period", ["2025", "2025H1", "2025Q2", "2025-06", "2025-01..05", "2025-01..09"])
def test_what_the_pages_show_may_be_typed(period: str) -> None:
    assert Period.parse(period_code(Period.parse(period).chinese)) == Period.parse(period)


@pytest.mark.parametrize("words", ["去年", "6月", "2025年十二月份", "", "2025年2—6月"])
def test_other_words_are_left_to_be_refused(words: str) -> None:
    assert period_code(words) == words
