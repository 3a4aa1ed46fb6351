"""What tallies add up: steps, several criteria of one, rows of a form, those that hold a value."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from pydantic import ValidationError

from rongtong.engine.pack.outcome import Tally
from rongtong.engine.pack.process import Process
from rongtong.engine.process import guard, tally
from rongtong.engine.process.check import check
from rongtong.engine.process.state import OPEN, Happened

ROWS = {"type": "array", "title": "单位", "items": {"type": "object", "properties": {
    "rank": {"type": "integer", "title": "排名"}, "kind": {"type": "string", "title": "类型"}}}}  # fmt: skip
SCORE = {"properties": {n: {"type": "integer", "title": n} for n in ("plan", "team")}}
TALLIES = [
    {"code": "judged", "name": "评分", "at": ["score"]},
    {"code": "mean", "name": "平均", "at": ["score"], "fields": ["plan", "team"], "take": "mean"},
    {"code": "least", "name": "最低", "at": ["score"], "fields": ["plan", "team"], "take": "min"},
    {"code": "best", "name": "最高", "at": ["score"], "field": "plan", "take": "max"},
    {"code": "firms", "name": "企业", "at": ["open"], "rows": "units", "only": {"kind": "firm"}},
    {"code": "rank", "name": "排名", "at": ["open"], "rows": "units", "only": {"kind": "firm"}, "field": "rank", "take": "min"},
    {"code": "all", "name": "单位", "at": ["open"], "rows": "units"},
]  # fmt: skip
SOUND: dict[str, Any] = {
    "code": "bid", "version": "1", "name": "申报", "about": "试验", "start": "asked", "opened_by": ["who"], "clock": "case",
    "form": {"properties": {"units": ROWS}}, "tallies": TALLIES,
    "roles": [{"code": "who", "name": "人", "held_by": ["reader"]}],
    "stages": [{"code": "asked", "name": "评审"}, {"code": "held", "name": "待决"}, {"code": "done", "name": "完", "outcome": "d"}],
    "transitions": [
        {"code": "score", "name": "评分", "at": ["asked"], "by": ["who"], "each": True, "form": SCORE},
        {"code": "hold", "name": "结束", "at": ["asked"], "to": "held", "by": ["who"]},
        {"code": "again", "name": "重评", "at": ["held"], "to": "asked", "by": ["who"]},
        {"code": "end", "name": "定", "at": ["held"], "to": "done", "by": ["who"], "when": "mean >= 20 and rank <= 3"},
    ],
}  # fmt: skip


def made(**changes: Any) -> Process:
    return Process.model_validate({**SOUND, **changes})


def happened(*steps: tuple[str, str, dict[str, Any]]) -> list[Happened]:
    return [Happened(n, code, who, date(2025, 7, 1), data) for n, (code, who, data) in enumerate(steps, 1)]


UNITS = [{"rank": 1, "kind": "school"}, {"rank": 4, "kind": "firm"}, {"rank": 2, "kind": "firm"}]
SCORES = [("score", "a", {"plan": 9, "team": 10}), ("score", "b", {"plan": 12, "team": 9}), ("score", "c", {"plan": 20, "team": 1})]  # fmt: skip


def test_criteria_are_added_for_each_before_their_mean_is_taken_and_the_mean_is_exact() -> None:
    found = tally.of_steps(made(), happened((OPEN, "x", {}), *SCORES))
    assert (found["judged"], found["mean"], found["least"], found["best"]) == (3, Fraction(61, 3), 19, 20)


def test_rows_are_counted_and_compared_by_what_they_hold() -> None:
    found = tally.of_steps(made(), happened((OPEN, "x", {"units": UNITS})))
    assert (found["firms"], found["rank"], found["all"]) == (2, 2, 3)
    without = tally.of_steps(made(), happened((OPEN, "x", {"units": UNITS[:1]})))
    assert (without["firms"], without["rank"]) == (0, None)
    assert tally.of_steps(made(), happened((OPEN, "x", {})))["all"] == 0


def test_scores_stay_when_the_review_ends_and_go_when_it_begins_anew() -> None:
    first = [(OPEN, "x", {"units": UNITS}), *SCORES, ("hold", "x", {})]
    assert tally.of_steps(made(), happened(*first))["judged"] == 3
    assert tally.of_steps(made(), happened(*first, ("again", "x", {})))["judged"] == 0


@pytest.mark.parametrize(("mean", "rank", "holds"), [(Fraction(61, 3), 2, True), (Fraction(59, 3), 2, False), (Fraction(61, 3), None, False)])  # fmt: skip
def test_a_guard_compares_a_mean_that_no_decimal_can_write(mean: Fraction, rank: int | None, holds: bool) -> None:
    process = made()
    step = process.transition("end")
    assert step is not None
    values = {"mean": mean, "rank": Fraction(rank) if rank else None}
    assert guard.holds(process, [step], values)["end"] is holds
    assert "mean = 约 " in guard.refusal(process, step, values)


def test_a_sound_definition_has_no_findings() -> None:
    assert check(made()) == []


@pytest.mark.parametrize(
    ("one", "said"),
    [
        ({"at": ["score"], "fields": ["plan", "looks"], "take": "sum"}, "取“looks”"),
        ({"at": ["open"], "rows": "people"}, "没有这样的行"),
        ({"at": ["open"], "rows": "units", "only": {"colour": "red"}}, "取“colour”"),
        ({"at": ["score"], "only": {"rank": 1}}, "取“rank”"),
    ],
)
def test_a_tally_of_what_is_not_there_is_found(one: dict[str, Any], said: str) -> None:
    found = [message for message, _ in check(made(tallies=[*TALLIES, {"code": "x", "name": "x", **one}]))]
    assert any(said in message for message in found), found


@pytest.mark.parametrize(
    "one",
    [
        {"at": ["score"], "field": "plan", "fields": ["plan"], "take": "sum"},
        {"at": ["score"], "take": "mean"},
        {"at": ["score"], "fields": ["plan"]},
        {"under": "bid", "rows": "units"},
    ],
)
def test_a_tally_that_makes_no_sense_is_refused(one: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Tally.model_validate({"code": "x", "name": "x", **one})
