"""The pack's calendar is what two independent libraries say, and keeps what was known before a notice was amended."""

from __future__ import annotations

from datetime import date, timedelta

import chinese_calendar
import clock_cases
import holidays
import pytest
from sound_pack import SOUND

from rongtong.engine.pack.check import check
from rongtong.engine.pack.read import combine, read_layer
from rongtong.engine.workday import Calendar

FIRST, LAST = date(2007, 1, 1), date(2026, 12, 31)
DAYS = [FIRST + timedelta(i) for i in range((LAST - FIRST).days + 1)]
NOW = LAST
# Day → why a library differs from the notices. There is none: chinesecalendar 1.11.0 and holidays 0.109 agree on every
# day (holidays missed two worked Sundays of 2019 until early 2026, vacanza/holidays#3293).
DISAGREEMENTS: dict[date, str] = {}


def test_every_day_of_twenty_years_agrees_with_two_libraries() -> None:
    ours, china = clock_cases.calendars().as_known(NOW), holidays.country_holidays("CN", years=range(2006, 2028))
    differ = {
        day: (ours.is_workday(day), chinese_calendar.is_workday(day), china.is_working_day(day))
        for day in DAYS
        if len({ours.is_workday(day), chinese_calendar.is_workday(day), china.is_working_day(day)}) > 1
    }
    assert differ.keys() == DISAGREEMENTS.keys(), differ
    assert len(DAYS) == 7305


def test_every_row_names_its_notice_and_the_day_it_was_published() -> None:
    rows = clock_cases.statements()
    assert all(row.known_from and row.known_from < row.date for row in rows)
    assert all(row.source.startswith(("国办发明电〔", "国发明电〔")) for row in rows)
    of = {row.source: {r.known_from for r in rows if r.source == row.source} for row in rows}
    assert len(of) == 23
    assert all(len(published) == 1 for published in of.values())


@pytest.mark.parametrize(
    ("day", "eve", "before", "after"),
    [
        # 国办发明电〔2020〕1号: dated 26 January, published on the 27th; a worked Saturday becomes a day off.
        ("2020-02-01", "2020-01-26", True, False),
        ("2020-01-31", "2020-01-26", True, False),
        # 国办发明电〔2019〕3号: Labour Day of four days for two Sundays.
        ("2019-05-02", "2019-03-21", True, False),
        ("2019-05-05", "2019-03-21", False, True),
        # 国发明电〔2015〕1号: the seventieth anniversary of the victory.
        ("2015-09-03", "2015-05-12", True, False),
        ("2015-09-06", "2015-05-12", False, True),
        # The first notice after the reform of 2007: 清明 becomes a day off.
        ("2008-04-04", "2007-12-17", True, False),
    ],
)
def test_a_day_is_what_was_known_of_it(day: str, eve: str, before: bool, after: bool) -> None:
    known, when = clock_cases.calendars(), date.fromisoformat(eve)
    assert known.as_known(when).is_workday(date.fromisoformat(day)) is before
    assert known.as_known(when + timedelta(1)).is_workday(date.fromisoformat(day)) is after


def test_before_its_notice_a_year_is_provisional_and_afterwards_it_is_not() -> None:
    known = clock_cases.calendars()
    assert known.as_known(date(2025, 7, 15)).look(date(2026, 1, 2)).provisional
    assert not known.as_known(date(2025, 11, 4)).look(date(2026, 1, 2)).provisional
    # The notice for 2019 also speaks of the last days of 2018, and does not make 2018 known any less.
    assert known.as_known(date(2018, 12, 5)).is_known(date(2018, 12, 31))
    assert known.as_known(NOW).look(date(2027, 1, 1)).provisional
    assert known.as_known(date(2000, 1, 1)) == Calendar()


def test_sums_give_what_walking_gives_within_and_beyond_the_years_known() -> None:
    for calendar in (clock_cases.calendars().as_known(NOW), clock_cases.calendars().as_known(date(2020, 1, 26))):
        for start in [date(2006, 12, 20), *DAYS[::97], date(2026, 12, 28), date(2040, 2, 3)]:
            day, walked = start, 0
            for _ in range(40):
                day += timedelta(1)
                walked += calendar.is_workday(day)
                assert calendar.workdays_between(start, day) == walked
                if calendar.is_workday(day):
                    assert calendar.add_workdays(start, walked) == day


def problems(rows: str) -> list[str]:
    files = {**SOUND, "calendar.csv": "date,kind,name,source,known_from\n" + rows}
    layer, found = read_layer({path: text.encode() for path, text in files.items()})
    assert layer is not None
    return [str(p) for p in (*found, *check(combine([layer]))) if p.file.endswith("calendar.csv")]


def test_a_later_notice_about_a_day_is_a_row_of_its_own_after_the_first() -> None:
    first, second = "2020-02-01,workday,调休,甲,2019-11-21\n", "2020-02-01,holiday,春节,乙,2020-01-27\n"
    assert problems(first + second) == []
    assert "后一行应是更晚公布的通知" in problems(second + first)[0]
    assert "晚于这一天" in problems("2020-02-01,holiday,春节,乙,2020-02-02\n")[0]
