"""What people type as a number, and how long it may be."""

from __future__ import annotations

import pytest

from rongtong.apps.registry.models import Account, Organisation
from rongtong.typed import number, storable, too_long


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("007", 7), ("2025", 2025), ("9" * 18, 10**18 - 1)])
def test_ascii_digits_are_a_number(text: str, value: int) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["", "²", "１", "٣", "-1", "--5", "+1", "1.0", " 1", "1_0", "9" * 19, "9" * 5000])
def test_nothing_else_is(text: str) -> None:
    assert number(text) is None


def test_a_text_longer_than_its_column_is_told_in_words() -> None:
    assert too_long(Account, "name", "长" * 101, "姓名") == "姓名有 101 个字，最多 100 个。请缩短。"
    assert too_long(Account, "name", "长" * 100, "姓名") == ""
    assert too_long(Organisation, "id", "长" * 100, "序号") == ""


def test_a_nul_and_half_a_pair_are_not_storable() -> None:
    assert not storable("a\0b")
    assert not storable("\ud800")
    assert storable("融通 😀\n")
