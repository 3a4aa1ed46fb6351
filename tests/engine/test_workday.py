"""Working days follow the notices known, say why, and admit where no notice is known yet."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.engine.workday import Calendar, CalendarError

NOTICE = "国办发明电〔2024〕12号"


def days(first: date, last: date) -> set[date]:
    return {first + timedelta(i) for i in range((last - first).days + 1)}


# 2025 as the State Council's notice sets it: spring festival, labour day, national day with mid-autumn.
HOLIDAYS = frozenset(
    days(date(2025, 1, 28), date(2025, 2, 4))
    | days(date(2025, 5, 1), date(2025, 5, 5))
    | days(date(2025, 10, 1), date(2025, 10, 8))
)
SHIFTED = frozenset({date(2025, 1, 26), date(2025, 2, 8), date(2025, 4, 27), date(2025, 9, 28), date(2025, 10, 11)})
YEAR_2025 = Calendar(HOLIDAYS, SHIFTED, date(2025, 12, 31), dict.fromkeys(HOLIDAYS | SHIFTED, NOTICE), date(2025, 1, 1))


def test_a_shifted_sunday_is_worked_and_a_holiday_thursday_is_not() -> None:
    assert YEAR_2025.is_workday(date(2025, 9, 28))
    assert not YEAR_2025.is_workday(date(2025, 10, 2))
    assert YEAR_2025.is_workday(date(2025, 10, 9))
    assert not YEAR_2025.is_workday(date(2025, 10, 12))


def test_five_working_days_across_national_day_skip_the_holiday_and_count_the_saturday() -> None:
    # 30 September is a Tuesday; 9, 10 and the shifted Saturday 11 October count, then Monday 13 and Tuesday 14.
    assert YEAR_2025.add_workdays(date(2025, 9, 30), 5) == date(2025, 10, 14)
    assert YEAR_2025.workdays_between(date(2025, 9, 30), date(2025, 10, 14)) == 5


def test_every_day_of_a_count_says_why_and_by_which_notice() -> None:
    walked = YEAR_2025.count(date(2025, 9, 30), 3)
    assert [each.day for each in walked] == sorted(days(date(2025, 10, 1), date(2025, 10, 11)))
    assert [each.day.day for each in walked if each.working] == [9, 10, 11]
    assert (walked[0].reason, walked[0].source) == ("法定节假日放假", NOTICE)
    assert (walked[-1].reason, walked[-1].source) == ("周六调休上班", NOTICE)
    assert (walked[8].reason, walked[8].source) == ("周四", "")
    assert not any(each.provisional for each in walked)


def test_beyond_the_known_years_weekends_decide_and_the_day_is_provisional() -> None:
    later = YEAR_2025.look(date(2026, 10, 1))
    assert later.working
    assert later.provisional
    assert not YEAR_2025.look(date(2026, 10, 3)).working
    assert YEAR_2025.look(date(2024, 10, 1)).provisional
    assert not YEAR_2025.look(date(2025, 12, 31)).provisional
    assert [each.provisional for each in YEAR_2025.count(date(2025, 12, 30), 2)] == [False, True]


def test_a_calendar_that_knows_nothing_is_provisional_throughout() -> None:
    assert Calendar().look(date(2025, 7, 15)).provisional


def test_no_days_added_is_the_same_day_even_on_a_sunday() -> None:
    assert YEAR_2025.add_workdays(date(2025, 7, 13), 0) == date(2025, 7, 13)
    assert YEAR_2025.count(date(2025, 7, 13), 0) == ()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Calendar(frozenset({date(2025, 2, 8)}), SHIFTED, date(2025, 12, 31)), "既列为放假又列为上班"),
        (lambda: Calendar(frozenset(), frozenset({date(2025, 7, 15)}), date(2025, 12, 31)), "2025-07-15 是周二"),
        (lambda: Calendar(HOLIDAYS, frozenset(), date(2025, 6, 30)), "2025-10-01 不在日历已知的范围"),
        (lambda: Calendar(HOLIDAYS, frozenset(), None), "不在日历已知的范围"),
        (lambda: YEAR_2025.add_workdays(date(2025, 7, 15), -1), "却是 -1"),
        (lambda: YEAR_2025.workdays_between(date(2025, 7, 15), date(2025, 7, 14)), "早于起始日"),
    ],
)
def test_contradictions_are_refused_and_named(make: object, says: str) -> None:
    with pytest.raises(CalendarError, match=says):
        make()  # type: ignore[operator]


@given(st.dates(date(2024, 6, 1), date(2026, 6, 1)), st.integers(1, 60))
def test_adding_and_counting_are_inverse(day: date, n: int) -> None:
    end = YEAR_2025.add_workdays(day, n)
    assert YEAR_2025.is_workday(end)
    assert YEAR_2025.workdays_between(day, end) == n
    assert YEAR_2025.workdays_between(day, end - timedelta(1)) == n - 1
