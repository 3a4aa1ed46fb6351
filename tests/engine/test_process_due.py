"""Dues whose terms were agreed before they are born: instalments by months, a delay in months, dates, a formula."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from rongtong.engine.pack.process import Process
from rongtong.engine.process.check import check
from rongtong.engine.process.due import born, fen, later

DAY = date(2025, 8, 31)
ROWS = {"type": "object", "properties": {
    "name": {"type": "string", "title": "期次"}, "months": {"type": "integer", "title": "月"},
    "due": {"type": "string", "title": "日", "format": "date"},
    "amount": {"type": "string", "title": "元", "format": "decimal"},
}}  # fmt: skip
AGREED = {
    "type": "object",
    "properties": {
        "parts": {"type": "array", "title": "各期", "items": ROWS},
        "delay": {"type": "integer", "title": "几个月"},
        "day": {"type": "string", "title": "日", "format": "date"},
        "rate": {"type": "string", "title": "提成", "format": "decimal"},
    },
}


def process(due: dict[str, Any], done: dict[str, Any] | None = None) -> Process:
    return Process.model_validate({
        "code": "deal", "version": "1", "name": "交易", "about": "试验", "start": "talk", "opened_by": ["a"],
        "variables": {"rate": "number", "income": "number"},
        "roles": [{"code": "a", "name": "甲", "held_by": ["enterprise"], "at": "own"}],
        "stages": [{"code": "talk", "name": "谈", "no_clock": "试"}, {"code": "end", "name": "完", "outcome": "end"}],
        "transitions": [
            {"code": "agree", "name": "约定", "at": ["talk"], "by": ["a"], "form": AGREED},
            {"code": "report", "name": "报告", "at": ["talk"], "by": ["a"], "form": {
                "properties": {"income": {"type": "string", "title": "收入", "format": "decimal"}}}},
            {"code": "done", "name": "满意", "at": ["talk"], "to": "end", "by": ["a"], "form": done or {}},
        ],
        "dues": [{"code": "fee", "name": "费", "by": "a", "met_by": ["report"], "born": ["done"], **due}],
    })  # fmt: skip


def test_instalments_agreed_in_months_fall_due_from_the_step_that_bears_them() -> None:
    found = process({"each": "parts"})
    agreed = {"parts": [{"name": "首期", "months": 6, "amount": "0.1"}, {"name": "尾款", "due": "2027-01-05"}]}
    first, last = born(found, "done", DAY, {}, {}, agreed)
    # Six months after 31 August is the last day of February.
    assert (first.name, first.on, first.amount) == ("首期", date(2026, 2, 28), 10)
    assert (last.name, last.on, last.amount) == ("尾款", date(2027, 1, 5), None)
    with pytest.raises(ValueError, match="第 1 行没有写哪一天到期"):
        born(found, "done", DAY, {}, {}, {"parts": [{"name": "首期"}]})


def test_a_delay_agreed_in_months_and_a_date_agreed_before() -> None:
    (fee,) = born(process({"months_in": "delay"}), "done", DAY, {}, {}, {"delay": 18})
    assert fee.on == date(2027, 2, 28)
    (fee,) = born(process({"on": "day"}), "done", DAY, {}, {}, {"day": "2026-03-01"})
    assert fee.on == date(2026, 3, 1)
    with pytest.raises(ValueError, match="没有写几个月后到期"):
        born(process({"months_in": "delay"}), "done", DAY, {}, {})


def test_a_field_that_the_step_asks_for_itself_is_not_taken_from_before() -> None:
    asked = {"properties": {"day": {"type": "string", "title": "日", "format": "date"}}}
    found = process({"on": "day"}, asked)
    assert born(found, "done", DAY, {}, {}, {"day": "2026-03-01"}) == ()
    (fee,) = born(found, "done", DAY, {"day": "2026-05-01"}, {}, {"day": "2026-03-01"})
    assert fee.on == date(2026, 5, 1)


@pytest.mark.parametrize(
    ("income", "rate", "owed"),
    [("123456.78", "3.5", 432_099), ("0.10", "5", 1), ("0.09", "5", 0), ("333333.33", "0.333333", 111_111)],
)
def test_a_share_of_the_income_is_exact_to_the_fen_half_up(income: str, rate: str, owed: int) -> None:
    found = process({"born": ["report"], "met_by": ["done"], "days": 30, "amount": "income * rate / 100"})
    values = {"income": Fraction(income), "rate": Fraction(rate)}
    (royalty,) = born(found, "report", DAY, {}, values)
    assert royalty.amount == owed == fen(Fraction(income) * Fraction(rate) / 100)


@pytest.mark.parametrize(
    ("due", "said"),
    [
        ({"months_in": "rate"}, "不是表单里的整数"),
        ({"on": "delay"}, "不是表单里的日期"),
        ({"each": "delay"}, "的行里没有 name、due 或 months"),
    ],
)
def test_terms_that_no_form_asks_for_are_found_before_publication(due: dict[str, Any], said: str) -> None:
    assert [m for m, _ in check(process(due)) if said in m] != []
    assert check(process({"each": "parts"})) == []


def test_the_last_day_of_a_longer_month_stays_the_last() -> None:
    assert later(date(2024, 1, 31), 1) == date(2024, 2, 29)
