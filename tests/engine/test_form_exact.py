"""Forms ask for what JSON Schema cannot say exactly: columns that add up, bounds of decimals, numbers with a check digit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rongtong.engine.process import form
from rongtong.engine.process.exact import problem

SPLIT: dict[str, Any] = {
    "type": "object",
    "required": ["splits"],
    "properties": {
        "net": {"type": "string", "title": "净收入", "format": "decimal", "minimum": 0},
        "splits": {
            "type": "array",
            "title": "分配",
            "sum": [{"column": "share", "equals": "100"}, {"column": "amount", "equals": "net"}],
            "items": {
                "type": "object",
                "required": ["who", "share"],
                "properties": {
                    "who": {"type": "string", "title": "得到人"},
                    "share": {"type": "string", "title": "比例", "format": "decimal", "minimum": 0, "maximum": 100},
                    "amount": {"type": "string", "title": "金额", "format": "decimal"},
                },
            },
        },
    },
}


def rows(*shares: str, amounts: tuple[str, ...] = ()) -> list[dict[str, str]]:
    found = [{"who": f"{i}", "share": share} for i, share in enumerate(shares)]
    return [row | ({"amount": amounts[i]} if amounts else {}) for i, row in enumerate(found)]


def test_shares_that_add_to_a_hundred_pass_and_others_are_told_the_difference() -> None:
    assert form.errors(SPLIT, {"splits": rows("33.333333", "33.333333", "33.333334")}) == {}
    said = form.errors(SPLIT, {"splits": rows("33.33", "33.33", "33.33")})
    assert said == {"splits": "“分配”各行的“比例”合计 99.99，应为 100，相差 0.01。"}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=8))
def test_a_sum_is_exact_however_it_is_cut(parts: list[int]) -> None:
    amounts = tuple(f"{p // 100}.{p % 100:02d}" for p in parts)
    net = f"{sum(parts) // 100}.{sum(parts) % 100:02d}"
    shares = ("0",) * (len(parts) - 1) + ("100",)
    data = {"net": net, "splits": rows(*shares, amounts=amounts)}
    assert form.errors(SPLIT, data) == {}
    assert "splits" in form.errors(SPLIT, {**data, "net": f"{net[:-1]}{(int(net[-1]) + 1) % 10}"})


def test_a_sum_may_have_to_equal_what_was_filled_in_before() -> None:
    data = {"splits": rows("100", amounts=("90",))}
    assert "合计 90，应为 100" in form.errors(SPLIT, data, {"net": "100"})["splits"]
    assert form.errors(SPLIT, data, {"net": "90.00"}) == {}
    # Nobody has said a number: there is nothing to compare with.
    assert form.errors(SPLIT, data) == {}


def test_what_is_filled_in_now_goes_before_what_was() -> None:
    data = {"net": "90", "splits": rows("100", amounts=("90",))}
    assert form.errors(SPLIT, data, {"net": "100"}) == {}


def test_a_negative_part_cannot_make_up_for_one_too_large() -> None:
    assert form.errors(SPLIT, {"splits": rows("-10", "110")}) == {
        "splits": "“分配”第 1 行的“比例”不小于 0，现为“-10”；第 2 行的“比例”不大于 100，现为“110”。"
    }
    assert form.errors(SPLIT, {"net": "-0.01", "splits": rows("100")}) == {"net": "“净收入”不小于 0，现为“-0.01”。"}


def test_a_part_that_is_no_number_is_refused_for_itself() -> None:
    assert "应为数字" in form.errors(SPLIT, {"splits": rows("一百")})["splits"]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"column": "who", "equals": "100"}, "没有这个数字列"),
        ({"column": "part", "equals": "100"}, "没有这个数字列"),
        ({"column": "share", "equals": "total"}, "不是数字，也不是哪个表单里的项"),
    ],
)
def test_a_sum_over_what_is_not_there_is_found_before_publication(wanted: dict[str, str], said: str) -> None:
    bad = {"properties": {"splits": {**SPLIT["properties"]["splits"], "sum": [wanted]}}}
    assert said in problem(bad, {"splits", "net"})
    assert problem(SPLIT, {"splits", "net"}) == ""


PATENT: dict[str, Any] = {
    "properties": {
        "no": {"type": "string", "title": "申请号", "format": "patent"},
        "ipc": {"type": "string", "title": "分类号", "description": "如 G06F 16/00", "pattern": "^[A-H]"},
    }
}


def test_a_wrong_check_digit_is_refused_saying_which_it_should_be() -> None:
    assert form.errors(PATENT, {"no": "201710601862.3"}) == {}
    said = form.errors(PATENT, {"no": "201710601862.8"})["no"]
    assert "应为“3”" in said
    assert "现为“201710601862.8”" in said


def test_a_posted_patent_number_is_kept_as_the_standard_writes_it() -> None:
    assert form.read(PATENT, {"no": ["ZL ２０１７ 1 0601862.3"]}) == {"no": "201710601862.3"}


def test_what_is_written_otherwise_than_asked_is_told_how() -> None:
    assert "（如 G06F 16/00）" in form.errors(PATENT, {"ipc": "Z01"})["ipc"]
