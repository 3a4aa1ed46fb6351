"""What a split answers: the cells with their explanation, or the demands that conflict and the cheapest repair."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from rongtong.engine.allocation.problem import Cell, Constraint

STEP_WORDS: Mapping[str, str] = {
    "base": "按权重",
    "fixed": "固定格",
    "floors": "下限",
    "caps": "上限",
    "margins": "合计平衡",
    "rounding": "取整",
}


@dataclass(frozen=True, slots=True)
class Step:
    """What one class of demands added to a cell: the solution with it less the solution before it, exact."""

    name: str
    amount: Fraction


@dataclass(frozen=True, slots=True)
class CellValue:
    """A cell's amount, a multiple of the unit, and the steps that add up to it, in the order of STEP_WORDS."""

    cell: Cell
    value: Fraction
    explanation: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """A part of the total that no cell holds, by name (余项)."""

    name: str
    amount: Fraction


@dataclass(frozen=True, slots=True)
class Solution:
    """The split in code order. Total = Σ cells + Σ remainder, exactly.

    `deviation` is Σ|value − amount before rounding|, exact; `divergence` is Σ value·ln(value / share by weight)
    over the cells with weight, a float for comparison of runs only. `tie` is the figure the total comes from.
    """

    total: Fraction
    cells: tuple[CellValue, ...]
    remainder: tuple[Left, ...]
    deviation: Fraction
    divergence: float
    tie: str | None

    def value(self, cell: Cell) -> Fraction:
        """The amount of one cell. KeyError if there is no such cell."""
        for held in self.cells:
            if held.cell == cell:
                return held.value
        raise KeyError(cell)

    def place_totals(self) -> dict[str, Fraction]:
        """Amount per place, over all kinds of subjects."""
        totals: dict[str, Fraction] = {}
        for held in self.cells:
            totals[held.cell.place] = totals.get(held.cell.place, Fraction(0)) + held.value
        return totals

    def subject_totals(self) -> dict[str, Fraction]:
        """Amount per kind of subject, over all places."""
        totals: dict[str, Fraction] = {}
        for held in self.cells:
            totals[held.cell.subject] = totals.get(held.cell.subject, Fraction(0)) + held.value
        return totals


@dataclass(frozen=True, slots=True)
class Change:
    """One demand and the value it would need."""

    constraint: Constraint
    value: Fraction


@dataclass(frozen=True, slots=True)
class Repair:
    """The changes of least total size to relaxable demands that make the split possible (最小放宽)."""

    changes: tuple[Change, ...]
    size: Fraction
    words: str


@dataclass(frozen=True, slots=True)
class Infeasible:
    """Why there is no split: demands of which each is needed for the conflict, in words, and the cheapest repair.

    `only_by_rounding`: with finer amounts there would be a split, in multiples of the unit there is none.
    `shortfall` is the least total by which the conflicting demands miss each other. `smallest`: no smaller set
    conflicts (proved for up to 40 demands).
    """

    conflicts: tuple[Constraint, ...]
    words: str
    only_by_rounding: bool
    shortfall: Fraction
    smallest: bool
    repair: Repair | None
    tie: str | None


@dataclass(frozen=True, slots=True)
class CounterOffer:
    """The split re-solved with one cell or place held at a proposed value (反提案), beside the split before.

    `change` is what the place gains, `cost` the difference per other place: Σ cost = −change exactly.
    """

    before: Solution
    after: Solution
    change: Fraction
    cost: Mapping[str, Fraction]
    cells: Mapping[Cell, Fraction]
