"""Dates of a form are held against the day of the step, against one another and against what was filled in before."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from packs import PACKS
from rongtong.apps.packs.resolve import combined
from rongtong.engine.process import form
from rongtong.engine.process.days import problem

ON = date(2025, 7, 15)


def day(title: str, **bounds: Any) -> dict[str, Any]:
    return {"type": "string", "title": title, "format": "date", **bounds}


CONTRACT: dict[str, Any] = {
    "properties": {
        "signed_on": day("签订日期", not_after="today"),
        "valid_until": day("有效期至", not_before=["signed_on", "today"]),
    }
}


def test_a_day_of_the_past_or_the_future_is_told_which_day_it_is() -> None:
    assert form.errors(CONTRACT, {"signed_on": "2025-07-15", "valid_until": "2025-07-15"}, on=ON) == {}
    assert form.errors(CONTRACT, {"signed_on": "2030-01-01", "valid_until": "2025-07-14"}, on=ON) == {
        "signed_on": "“签订日期”不能晚于今天（2025-07-15）。",
        "valid_until": "“有效期至”不能早于“签订日期”（2030-01-01）。",
    }
    assert form.errors(CONTRACT, {"valid_until": "2025-07-14"}, on=ON) == {
        "valid_until": "“有效期至”不能早于今天（2025-07-15）。"
    }


def test_a_day_is_held_against_one_filled_in_before_under_the_name_it_has_there() -> None:
    later = {"properties": {"ends_on": day("完成日", not_before="starts_on")}}
    said = form.errors(later, {"ends_on": "2025-06-30"}, {"starts_on": "2025-07-01"}, ON, {"starts_on": "起始日"})
    assert said == {"ends_on": "“完成日”不能早于“起始日”（2025-07-01）。"}
    assert form.errors(later, {"ends_on": "2025-07-01"}, {"starts_on": "2025-07-01"}, ON) == {}
    # Nobody has said a day: there is nothing to compare with.
    assert form.errors(later, {"ends_on": "2025-06-30"}, {}, ON) == {}


def test_what_is_no_day_is_refused_for_itself() -> None:
    said = form.errors(CONTRACT, {"signed_on": "昨天", "valid_until": "2025-02-30"}, on=ON)
    assert all("应为日期" in words for words in said.values())
    assert len(said) == 2


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"a": day("甲", not_before="b")}, "不是 today，也不是哪个表单里的日期"),
        ({"a": day("甲", not_after=["today", "note"])}, "不是 today，也不是哪个表单里的日期"),
        ({"a": {"type": "string", "title": "甲", "not_after": "today"}}, "它不是日期"),
        ({"a": {"type": "array", "title": "甲", "items": {"properties": {"due": day("到期", not_after="today")}}}}, "行里的日期"),
    ],
)  # fmt: skip
def test_a_bound_that_can_never_be_held_is_found_before_publication(properties: dict[str, Any], said: str) -> None:
    assert said in problem({"properties": properties}, {"a"})
    assert problem(CONTRACT, {"signed_on", "valid_until"}) == ""


@pytest.mark.parametrize(
    ("process", "field", "bounds"),
    [
        ("technology_contract", "signed_on", [("not_after", "today")]),
        ("technology_contract", "valid_until", [("not_before", "signed_on")]),
        ("demand", "closes_on", [("not_before", "today")]),
        ("demand", "wanted_by", [("not_before", "today")]),
        ("use_first", "trial_end", [("not_before", "trial_start")]),
        ("use_first", "received_on", [("not_after", "today")]),
        ("result_register", "converted_on", [("not_after", "today")]),
        ("major_project", "ends_on", [("not_before", "starts_on")]),
        ("major_project", "paid_on", [("not_after", "today")]),
    ],
)
def test_impossible_days_are_refused_in_every_form_that_asks_for_them(
    process: str, field: str, bounds: list[tuple[str, str]]
) -> None:
    one = SHIPPED[process]
    specs = [f["properties"][field] for f in forms(one) if field in f.get("properties", {})]
    assert specs
    for spec in specs:
        assert [(k, spec[k]) for k in ("not_before", "not_after") if k in spec] == bounds


def test_no_amount_of_money_may_be_negative() -> None:
    for code in ("technology_contract", "demand", "challenge_bid", "major_project"):
        for schema in forms(SHIPPED[code]):
            for name, spec in schema.get("properties", {}).items():
                if "元）" in spec["title"] or "元；" in spec["title"]:
                    assert name in form.errors(schema, {name: "-1"}), (code, name)


SHIPPED = {p.code: p for p in combined([PACKS / "china", PACKS / "zhejiang"]).all("processes")}


def forms(process: Any) -> list[dict[str, Any]]:
    return [process.form, *(t.form for t in process.transitions)]
