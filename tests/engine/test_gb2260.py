"""行政区划代码 tell their level and what they lie in (GB/T 2260)."""

from __future__ import annotations

import pytest

from rongtong.engine.gb2260 import gb2260_level, gb2260_within


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("330000", "province"),
        ("330100", "prefecture"),
        ("330106", "district"),
        ("330120", "district"),
        ("330121", "county"),
        ("330122", "county"),
        ("330180", "county"),
        ("330181", "county_city"),
        ("330182", "county_city"),
        ("429004", "county_city"),
        ("429021", "county"),
        ("330006", None),
        ("000000", None),
        ("33010", None),
        ("Z330702-01", None),
        ("330106001", None),
        ("", None),
    ],
)
def test_the_digits_tell_the_level(code: str, level: str | None) -> None:
    assert gb2260_level(code) == level


@pytest.mark.parametrize(
    ("code", "ancestor", "inside"),
    [
        ("330106", "330000", True),
        ("330106", "330100", True),
        ("330106", "330106", True),
        ("330106001000", "330106", True),
        ("330106001", "330100", True),
        ("330100", "330106", False),
        ("330000", "330100", False),
        ("330206", "330100", False),
        ("340100", "330000", False),
        ("331000", "330100", False),
        ("330107", "330106", False),
        ("Z330702-01", "330700", False),
        ("Z330702-01", "Z330702-01", True),
        ("330106", "33", False),
        ("330106", "", False),
        ("33010", "330000", False),
    ],
)
def test_a_place_lies_in_what_its_first_pairs_name(code: str, ancestor: str, inside: bool) -> None:
    assert gb2260_within(code, ancestor) is inside
