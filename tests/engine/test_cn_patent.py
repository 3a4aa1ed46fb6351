"""专利申请号 carry the check digit of ZC 0006-2003."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.engine.cn_patent import check, check_digit, normalise

VALID = [
    # Published applications.
    "201710601862.3",
    "95115608.X",
    # Fictitious, one of each kind and with small serial numbers.
    "202510000001.4",
    "202520000002.4",
    "202530000003.4",
    "202510000010.3",
    "202510000016.0",
]


@pytest.mark.parametrize("number", VALID)
def test_a_right_number_has_nothing_against_it(number: str) -> None:
    assert check(number) is None


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("201710601862.4", "按前 12 位应为“3”"),
        ("95115608.1", "按前 8 位应为“X”"),
        ("202540000001.4", "第 5 位是专利种类"),
        ("95415608.X", "第 3 位是专利种类"),
        ("ZL201710601862.3", "应为专利申请号"),
        ("2017106018623", "应为专利申请号"),
        ("", "应为专利申请号"),
        ("20171060186２.3", "应为专利申请号"),
    ],
)
def test_a_wrong_number_is_refused_saying_what_it_should_be(number: str, said: str) -> None:
    assert said in str(check(number))


@pytest.mark.parametrize(
    "typed",
    [
        "ZL 2017 1 0601862.3",
        "ＺＬ２０１７１０６０１８６２．３",
        "cn201710601862.3",
        "2017106018623",
        " 201710601862.3\n",
    ],
)
def test_a_number_is_kept_one_way_however_it_is_typed(typed: str) -> None:
    assert normalise(typed) == "201710601862.3"


def test_the_old_number_with_a_small_x_is_the_same_number() -> None:
    assert normalise("zl95115608.x") == "95115608.X"


@given(st.text(alphabet="0123456789", min_size=12, max_size=12), st.integers(0, 11), st.integers(1, 9))
def test_one_digit_wrong_is_always_found(digits: str, at: int, more: int) -> None:
    other = digits[:at] + str((int(digits[at]) + more) % 10) + digits[at + 1 :]
    assert check_digit(other) != check_digit(digits)
