"""Pace and lamps: the baseline is chosen per target, the rule is data, and no target means no lamp."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from rongtong.engine.expression.language import ExpressionError
from rongtong.engine.figure import Figure, Key
from rongtong.engine.pace import SHAPES, Standing, baseline, completion, lamps
from rongtong.engine.pack.model import LampCase, LampRule
from rongtong.engine.period import Period
from rongtong.engine.quantity import Quantity

H1 = Key("x", "330100", Period.parse("2025H1"))


def rule(*cases: tuple[str, str], start: date = date(2025, 1, 1)) -> LampRule:
    made = tuple(LampCase.model_validate({"lamp": lamp, "when": when}) for lamp, when in cases)
    return LampRule(code="pace", name="进度", basis="pace", cases=made, valid_from=start)


DEFAULT = rule(("grey", "not reported"), ("green", "ratio >= 1"), ("yellow", "ratio >= 0.85"), ("red", "ratio < 0.85"))


def money(key: Key, amount: str) -> Figure:
    return Figure(key, Quantity.of(amount, "亿元"), "s", "actual", "observed")


def standing(done: str, due: Figure | None) -> Standing:
    return Standing(completion=Fraction(done), baseline=due.number if due else None)


def test_48_percent_at_mid_year_is_yellow_on_the_linear_baseline_and_green_on_last_years_40() -> None:
    past = Period.parse("2024H1")
    linear = baseline("linear", H1)
    last_year = baseline(
        "last_year",
        H1,
        past_part=money(Key("x", "330100", past), "40"),
        past_full=money(Key("x", "330100", past.whole_year), "100"),
    )
    assert linear is not None
    assert linear.text == "50.0"
    assert last_year is not None
    assert last_year.text == "40.0"
    found = lamps(DEFAULT, [standing("48", linear), standing("48", last_year)], "x")
    assert [lamp.code for lamp in found] == ["yellow", "green"]


@pytest.mark.parametrize(
    ("done", "lamp"),
    [("50", "green"), ("49.999999999999", "yellow"), ("42.5", "yellow"), ("42.499999999999", "red"), ("0", "red")],
)
def test_a_value_on_the_threshold_belongs_to_the_better_lamp_exactly(done: str, lamp: str) -> None:
    assert lamps(DEFAULT, [standing(done, baseline("linear", H1))], "x")[0].code == lamp


def test_a_place_that_did_not_report_is_grey() -> None:
    assert lamps(DEFAULT, [Standing(reported=False)], "x")[0].code == "grey"


def test_a_missing_baseline_gives_grey_not_a_guess() -> None:
    found = lamps(DEFAULT, [standing("48", None)], "上年同期完成份额")[0]
    assert found.code == "grey"
    assert "缺失" in found.case


def test_milestones_say_what_is_due_by_the_period_and_nothing_for_others() -> None:
    due = baseline("milestones", H1, milestones={"2025H1": "45"})
    assert due is not None
    assert due.text == "45.0"
    assert baseline("milestones", H1, milestones={"2025Q1": "20"}) is None


def test_completion_is_value_over_goal_and_undefined_for_no_goal() -> None:
    goal = money(H1.of("target"), "5650")
    found = completion(H1, money(H1, "2655"), goal)
    assert found is not None
    assert found.text == "47.0"
    assert [f.id for f in found.inputs] == [str(H1), str(H1.of("target"))]
    assert completion(H1, money(H1, "1"), money(H1.of("target"), "0")) is None


def test_a_lamp_carries_the_rule_its_date_and_the_numbers_it_saw() -> None:
    lamp = lamps(DEFAULT, [standing("48", baseline("linear", H1))], "序时进度(按月数)")[0]
    assert (lamp.rule, lamp.rule_from, lamp.case) == ("pace", "2025-01-01", "ratio >= 0.85")
    assert dict(lamp.numbers) == {"completion": "48.00", "baseline": "50.00", "ratio": "0.96"}
    assert lamp.shape == SHAPES["yellow"] == "▲"


def test_a_rule_that_names_something_unknown_is_refused() -> None:
    with pytest.raises(ExpressionError, match="mood"):
        lamps(rule(("green", "mood > 1")), [Standing()], "x")
