"""统一社会信用代码 are checked as GB 32100-2015 says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.engine.gb32100 import ALPHABET, WEIGHTS, check, check_character, normalise

VALID = [
    "91350100M000100Y43",  # the worked example of the standard, with its check character corrected
    # Fictitious: no region 339999 exists.
    "91339999000000019C",
    "913399990000000277",
    "913399990000000A20",
    "123399990000000357",
    "52339999000000043X",
    "113399990000000510",
    # Published codes that the checks of other libraries agree on.
    "91110000600037341L",
    "91440300708461136T",
    "91110108551385082Q",
    "91110105771583283D",
    "91110000802100433B",
    "91110108740084270C",
    "112302070019030687",
    "91110108735106340Y",
    "911101077776591113",
    "51610700305332460K",
    "91440300359143307G",
    "11610923MB2900168E",
]


@pytest.mark.parametrize("code", VALID)
def test_a_right_code_has_nothing_against_it(code: str) -> None:
    assert check(code) is None


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("91350100M000100Y4Z", "第 18 位「Z」不在允许的字符内"),
        ("91310115MA1H8R7C6D", "应为「7」"),
        ("91350200M000000510", "校验位不符"),
        ("91350128M00000019A", "校验位不符"),
        ("91350100M000100Y4", "有 17 位"),
        ("", "有 0 位"),
        ("91350100M0O0100Y43", "第 11 位「O」"),
    ],
)
def test_a_wrong_code_is_refused_with_the_reason(code: str, reason: str) -> None:
    assert reason in str(check(code))


def test_the_weights_are_those_printed_in_the_standard() -> None:
    assert WEIGHTS == (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def test_a_remainder_of_nothing_is_shown_as_0() -> None:
    assert check_character("0" * 17) == "0"
    assert check("0" * 18) is None


def test_the_code_of_an_abolished_region_stays_valid() -> None:
    first = "91330103" + "M000100Y4"
    assert check(first + check_character(first)) is None


@given(st.text(ALPHABET, min_size=17, max_size=17), st.integers(0, 16), st.sampled_from(ALPHABET))
def test_one_mistyped_character_is_always_noticed(first: str, position: int, other: str) -> None:
    code = first + check_character(first)
    wrong = code[:position] + other + code[position + 1 :]
    assert check(code) is None
    assert (check(wrong) is None) == (wrong == code)


def test_what_was_typed_is_made_half_width_capital_and_without_spaces() -> None:
    assert normalise("  913501 00m000100y43\u3000") == "91350100M000100Y43"
    assert normalise("913501\u00a000 M000100Y43\n") == "91350100M000100Y43"
