"""One target to be split over cells, and everything that is demanded of the split (目标分解的提法).

A cell (格) is a place × a kind of subject; where a target goes to places only, the subject is the empty string.
All amounts of one problem are in one unit of measure and exact (`Fraction`); `Problem.unit` is the reporting unit
(取整单位), e.g. 1/10 where the figures are published in 0.1 亿元.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

Kind = Literal["fixed", "floor", "cap", "place_margin", "subject_margin", "total"]
CELL_KINDS = ("fixed", "floor", "cap")
KIND_WORDS: Mapping[str, str] = {
    "fixed": "固定为",
    "floor": "不低于",
    "cap": "不高于",
    "place_margin": "各类主体合计等于",
    "subject_margin": "各地合计等于",
    "total": "总额",
}
LARGEST_COUNT = 10**11


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One place × one kind of subject, by their codes. Ordered by code: place first, then subject."""

    place: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Constraint:
    """One demand on the split. `key` is a cell (固定、下限、上限), a place or subject code (边际合计), or "" (总额).

    `relaxable` (可放宽) says that a repair may move its value; `label` is the demand in words, made if left empty.
    """

    kind: Kind
    key: Cell | str
    value: Fraction
    relaxable: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class Remainder:
    """A named part of the total that no cell gets (余项, e.g. 机动余项): an exact amount, or a share of the total.

    A share is rounded down to the reporting unit; an amount stands as it is given.
    """

    name: str
    amount: Fraction | None = None
    share: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be split and how.

    A cell whose weight is zero gets exactly what its floor or fixed value demands, and nothing otherwise: the
    relative entropy allows it no more. `tie` names the figure the total comes from, where a city re-splits its
    own cell over its counties. `names` gives the words for codes, `measure` the unit in words (亿元).
    """

    total: Fraction
    unit: Fraction
    weights: Mapping[Cell, Fraction]
    constraints: tuple[Constraint, ...] = ()
    reserve: tuple[Remainder, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    measure: str = ""
    tie: str | None = None

    def __post_init__(self) -> None:
        check_amounts(self)
        check_reserve(self)
        check_constraints(self)


def growth_floor(base: Fraction, rate: Fraction) -> Fraction:
    """The floor that asks for growth of at least `rate` (0.08 for 8 %) over `base` (增速下限). base × (1 + rate)."""
    return Fraction(base) * (1 + Fraction(rate))


def check_amounts(problem: Problem) -> None:
    """Raise ValueError unless total, unit and weights are exact numbers in their ranges."""
    exact(problem.total, "总额")
    exact(problem.unit, "取整单位")
    if problem.unit <= 0:
        raise ValueError(f"取整单位应大于0，现为{problem.unit}。请改为如 1/10 的正数。")
    if problem.total < 0:
        raise ValueError(f"总额不能为负，现为{spoken(problem.total)}。请核对总额。")
    if problem.total / problem.unit > LARGEST_COUNT:
        raise ValueError(f"取整单位{problem.unit}相对总额{spoken(problem.total)}过小。请改用更大的取整单位。")
    if not problem.weights:
        raise ValueError("没有可分解的格：weights 为空。请至少给出一个格及其权重。")
    for cell, weight in problem.weights.items():
        exact(weight, f"{cell_words(problem, cell)}的权重")
        if weight < 0:
            raise ValueError(f"{cell_words(problem, cell)}的权重为{spoken(weight)}，权重不能为负。请改为0或正数。")


def check_reserve(problem: Problem) -> None:
    """Raise ValueError unless every remainder is named once and is either an amount or a share."""
    for part in problem.reserve:
        if not part.name:
            raise ValueError("余项没有名称。请写明名称，如“机动余项”。")
        if (part.amount is None) == (part.share is None):
            raise ValueError(f"余项“{part.name}”应只给数额或只给比例之一。请删去或补上一项。")
        value = exact(part.amount if part.share is None else part.share, f"余项“{part.name}”")
        if value < 0 or (part.share is not None and value > 1):
            raise ValueError(f"余项“{part.name}”为{spoken(value)}，数额不能为负，比例应在0与1之间。请核对。")
    for name, times in Counter(part.name for part in problem.reserve).items():
        if times > 1:
            raise ValueError(f"余项“{name}”出现了{times}次。请合并或改名。")


def check_constraints(problem: Problem) -> None:
    """Raise ValueError for a demand on something unknown, a negative value, or two demands of one kind on one key."""
    places = {cell.place for cell in problem.weights}
    subjects = {cell.subject for cell in problem.weights}
    for constraint in problem.constraints:
        kind, key = constraint.kind, constraint.key
        if kind not in KIND_WORDS:
            raise ValueError(f"不认识的要求种类“{kind}”，应为{'、'.join(KIND_WORDS)}之一。")
        known = {"place_margin": places, "subject_margin": subjects, "total": {""}}.get(kind, problem.weights)
        if isinstance(key, Cell) != (kind in CELL_KINDS) or key not in known:
            raise ValueError(
                f"要求“{constraint_words(problem, constraint)}”所指的{key!r}不在权重表的格、地区或主体之中。"
            )
        value = exact(constraint.value, f"要求“{constraint_words(problem, constraint)}”")
        if value < 0:
            raise ValueError(f"要求“{constraint_words(problem, constraint)}”的数值为负。请改为0或正数。")
        if value / problem.unit > LARGEST_COUNT:
            raise ValueError(f"要求“{constraint_words(problem, constraint)}”的数值过大。请核对数值与计量单位。")
        if kind == "total" and value != problem.total:
            raise ValueError(f"总额要求为{spoken(value)}，与总额{spoken(problem.total)}不一致。请改为一致。")
    for (kind, key), times in Counter((c.kind, c.key) for c in problem.constraints).items():
        if times > 1:
            where = cell_words(problem, key) if isinstance(key, Cell) else name_of(problem, key)
            raise ValueError(f"{where}“{KIND_WORDS[kind]}”的要求重复了{times}次。请只留一条。")


def exact(value: object, what: str) -> Fraction:
    """The value, if it is an exact number; floats are refused because sums of them are not exact."""
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        raise ValueError(f"{what}应为精确数（Fraction 或整数），现为{value!r}。请用 Fraction 给出。")
    return Fraction(value)


def all_constraints(problem: Problem) -> tuple[Constraint, ...]:
    """Every demand in a stable order: the total first, then margins, then cells by code."""
    rank = {"total": 0, "place_margin": 1, "subject_margin": 2, "fixed": 3, "floor": 4, "cap": 5}
    given = list(problem.constraints)
    if not any(constraint.kind == "total" for constraint in given):
        given.append(Constraint("total", "", problem.total))
    return tuple(sorted(given, key=lambda c: (rank[c.kind], c.key if isinstance(c.key, Cell) else Cell(c.key))))


def reserved(problem: Problem) -> tuple[tuple[str, Fraction], ...]:
    """Name and amount of every remainder the problem sets aside."""
    return tuple((part.name, reserved_amount(problem, part)) for part in problem.reserve)


def reserved_amount(problem: Problem, part: Remainder) -> Fraction:
    """The amount of one remainder; a share is rounded down to the reporting unit."""
    if part.amount is not None:
        return Fraction(part.amount)
    return (problem.total * Fraction(part.share or 0)) // problem.unit * problem.unit


def units_to_split(problem: Problem) -> int:
    """How many whole reporting units the cells share (negative where the remainders exceed the total)."""
    left = problem.total - sum((amount for _, amount in reserved(problem)), Fraction(0))
    return int(left // problem.unit)


def left_over(problem: Problem) -> Fraction:
    """What is left of the total under one reporting unit (取整余项); zero where the total is a multiple of it."""
    left = problem.total - sum((amount for _, amount in reserved(problem)), Fraction(0))
    return left % problem.unit


def name_of(problem: Problem, code: str) -> str:
    """The name of a place or subject, its code where no name is given."""
    return problem.names.get(code, code)


def cell_words(problem: Problem, cell: Cell) -> str:
    """A cell in words: 甲市·企业, or 甲市 where the target goes to places only."""
    return "·".join(name_of(problem, code) for code in (cell.place, cell.subject) if code)


def constraint_words(problem: Problem, constraint: Constraint) -> str:
    """A demand in words: its label, or a sentence made of kind, key and value."""
    if constraint.label:
        return constraint.label
    value = f"{spoken(constraint.value)}{problem.measure}"
    key = constraint.key
    if constraint.kind != "total":
        where = cell_words(problem, key) if isinstance(key, Cell) else name_of(problem, key)
        return f"{where}{KIND_WORDS[constraint.kind]}{value}"
    parts = [f"{name}{spoken(amount)}{problem.measure}" for name, amount in reserved(problem)]
    return f"总额{value}" + (f"（其中{'、'.join(parts)}不分解）" if parts else "")


def spoken(value: Fraction) -> str:
    """An exact number in decimal digits, or as a fraction where no finite decimal exists."""
    value = Fraction(value)
    digits = 0
    while digits < 18 and (value * 10**digits).denominator != 1:
        digits += 1
    scaled = value * 10**digits
    if scaled.denominator != 1:
        return f"{value.numerator}/{value.denominator}"
    text = f"{abs(scaled.numerator):0{digits + 1}d}"
    whole, part = (text[:-digits], text[-digits:]) if digits else (text, "")
    return ("-" if value < 0 else "") + whole + (f".{part}" if part else "")


def listed(words: Iterable[str]) -> str:
    """Demands as a numbered Chinese list in one sentence: ①…；②…。 After twenty only their number is told."""
    texts = list(words)
    shown = "；".join(f"{chr(0x2460 + n)}{text}" for n, text in enumerate(texts[:20]))
    return shown if len(texts) <= 20 else f"{shown}；……共{len(texts)}条"
