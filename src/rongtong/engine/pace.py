"""Pace (序时进度) and lamps (亮灯): completion against a baseline chosen per target, judged by a rule that is data.

A lamp is colour, shape and word. Without a target or a named basis there is no lamp.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from rongtong.engine.expression.evaluate import Outcome, Value, evaluate
from rongtong.engine.expression.language import Variable, compile_expression
from rongtong.engine.figure import Figure, Key, derive
from rongtong.engine.quantity import Quantity, decimal_text, unit

if TYPE_CHECKING:
    from rongtong.engine.pack.model import LampRule, Target

SHAPES = {"green": "●", "yellow": "▲", "red": "■", "blue": "◆", "grey": "○"}
WORDS = {"green": "正常", "yellow": "滞后", "red": "严重滞后", "blue": "临期", "grey": "未报"}

# What a lamp rule may speak of; percentages are plain numbers (96 for 96 %).
VARIABLES = (
    Variable("reported", "flag"),
    Variable("overdue", "flag"),
    Variable("days_left", "number", "*", digits=6),
    Variable("completion", "number", "*", digits=34, quotient=True),
    Variable("baseline", "number", "*", digits=34, quotient=True),
    Variable("ratio", "number", "*", digits=34, quotient=True),
    Variable("gap", "number", "*", digits=34, quotient=True),
)


@dataclass(frozen=True, slots=True)
class Lamp:
    """A lamp and its why: the rule, the case that held, and the numbers it looked at."""

    code: str
    rule: str
    rule_from: str
    basis: str
    case: str
    numbers: tuple[tuple[str, str], ...] = ()
    mark: str = "proposed"

    @property
    def word(self) -> str:
        return WORDS[self.code]

    @property
    def shape(self) -> str:
        return SHAPES[self.code]

    def __str__(self) -> str:
        return f"{self.shape} {self.word}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a lamp rule looks at for one place: percentages as plain exact numbers, None when unknown."""

    reported: bool = True
    completion: Fraction | None = None
    baseline: Fraction | None = None
    gap: Fraction | None = None
    overdue: bool = False
    days_left: int | None = None

    @property
    def ratio(self) -> Fraction | None:
        if self.completion is None or not self.baseline:
            return None
        return self.completion / self.baseline

    def row(self) -> dict[str, Value]:
        return {
            "reported": self.reported,
            "overdue": self.overdue,
            "days_left": Fraction(self.days_left) if self.days_left is not None else None,
            "completion": self.completion,
            "baseline": self.baseline,
            "ratio": self.ratio,
            "gap": self.gap,
        }


def lamps(rule: LampRule, standings: Sequence[Standing], basis: str) -> list[Lamp]:
    """The lamp of each standing: the first case whose condition holds; grey when none can be decided.

    `basis` says in words what it is measured against. Raises ExpressionError for a rule that does not compile.
    """
    expressions = {f"c{i}": compile_expression(case.when, VARIABLES) for i, case in enumerate(rule.cases)}
    outcomes = evaluate(expressions, VARIABLES, [s.row() for s in standings])
    return [_lamp(rule, standing, found, basis) for standing, found in zip(standings, outcomes, strict=True)]


def _lamp(rule: LampRule, standing: Standing, found: Mapping[str, Outcome], basis: str) -> Lamp:
    numbers = tuple((k, decimal_text(v, 2)) for k, v in standing.row().items() if isinstance(v, Fraction))
    for index, case in enumerate(rule.cases):
        if found[f"c{index}"].value is True:
            return Lamp(case.lamp, rule.code, str(rule.valid_from), basis, case.when, numbers, rule.mark)
    return Lamp("grey", rule.code, str(rule.valid_from), basis, "没有一条成立，或所需的数缺失", numbers, rule.mark)


def baseline(
    method: str,
    key: Key,
    *,
    past_part: Figure | None = None,
    past_full: Figure | None = None,
    milestones: Mapping[str, str] | None = None,
) -> Figure | None:
    """The percentage of the target due by the end of the period, as a figure; None when what it needs is missing.

    linear: months gone ÷ 12. last_year: last year's value of the same span ÷ its full year. milestones: as set.
    """
    at = key.of("baseline")
    if method == "linear":
        share = Quantity(key.period.elapsed, unit("%"))
        return Figure(at, share, "", "actual", "baseline_linear", decimals=1)
    if method == "last_year":
        if past_part is None or past_full is None or past_full.quantity.amount <= 0:
            return None
        share = past_part.quantity.over(past_full.quantity)
        return derive(at, share, "baseline_last_year", (past_part, past_full), scope="", decimals=1)
    due = (milestones or {}).get(str(key.period))
    if due is None:
        return None
    return Figure(at, Quantity.of(due, "%"), "", "actual", "baseline_milestones", decimals=1)


def completion(key: Key, value: Figure, goal: Figure) -> Figure | None:
    """Cumulative value ÷ the year's goal, in percent; None for a goal of nothing."""
    if goal.quantity.amount <= 0:
        return None
    return derive(key.of("completion"), value.quantity.over(goal.quantity), "completion", (value, goal), decimals=1)


def baseline_words(target: Target) -> str:
    """The named basis of a pace lamp."""
    return {"linear": "序时进度（按月数）", "last_year": "上年同期完成份额", "milestones": "里程碑"}[target.baseline]
