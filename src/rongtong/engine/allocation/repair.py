"""The least total relaxation that makes a split possible (最小放宽), by a min-cost flow with elastic arcs.

A relaxable bound lets its cell pass at a cost of one per unit; a relaxable margin or total is an arc between its
node and the group it is taken from. All ends are whole units, so the cheapest flow is a repair in whole units.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from math import lcm

from rongtong.engine.allocation.flow import Blocked, Network, cheapest_flow
from rongtong.engine.allocation.grid import OTHER_PLACES, OTHER_SUBJECTS, cells_in_order
from rongtong.engine.allocation.problem import (
    CELL_KINDS,
    Cell,
    Constraint,
    Problem,
    Remainder,
    left_over,
    reserved,
    units_to_split,
)
from rongtong.engine.allocation.solution import Change, Repair

FINEST_COST = 10**6
# Equal in size, a repair that touches several demands a little is preferred to one that empties the first: each
# demand's relaxation is cut into this many pieces of rising order.
PIECES = 20
MOST_IN_PIECES = 400
# Beyond this many units the order of pieces would no longer fit 64-bit costs; then any least repair is as good.
MOST_UNITS_IN_PIECES = 2**24


@dataclass(slots=True)
class _Arcs:
    """Arcs under construction, and which of them belong to which cell or demand."""

    rows: list[tuple[int, int, int, int]] = field(default_factory=list)
    owner: list[tuple[Cell | Constraint, int]] = field(default_factory=list)

    def add(self, tail: int, head: int, capacity: int, cost: int, owner: Cell | Constraint, way: int = 1) -> None:
        """An arc; `way` −1 counts its flow as a decrease of the owner's value."""
        if capacity > 0:
            self.rows.append((tail, head, capacity, cost))
            self.owner.append((owner, way))


def least_relaxation(problem: Problem, constraints: Iterable[Constraint]) -> tuple[tuple[Change, ...], Fraction] | None:
    """The cheapest changes to relaxable demands that let all demands hold in whole units, and their total size.

    None where the demands that are not relaxable conflict by themselves. Without the total among the demands it is
    free. Zero-weight cells may take no more than the largest value that is demanded of them.
    """
    constraints = tuple(constraints)
    model = _Model(problem, constraints)
    if not model.possible:
        return None
    amounts = model.solve()
    if amounts is None:
        return None
    changes = []
    for constraint in constraints:
        value = model.value_after(constraint, amounts)
        if value != constraint.value:
            changes.append(Change(constraint, value))
    return tuple(changes), sum((abs(change.value - change.constraint.value) for change in changes), Fraction(0))


def apply_repair(problem: Problem, repair: Repair) -> Problem:
    """The problem with the repair's values. Remainders keep the amounts they have now, also those given as a share."""
    new = {(change.constraint.kind, change.constraint.key): change.value for change in repair.changes}
    total = new.get(("total", ""), problem.total)
    constraints = tuple(replace(c, value=new.get((c.kind, c.key), c.value), label="") for c in problem.constraints)
    reserve = tuple(Remainder(name, amount) for name, amount in reserved(problem))
    return replace(problem, total=total, constraints=constraints, reserve=reserve)


class _Model:
    """The elastic network of one problem, in whole units; costs in 1/`scale` of a unit."""

    def __init__(self, problem: Problem, constraints: tuple[Constraint, ...]) -> None:
        self.problem, self.unit = problem, problem.unit
        self.amount = units_to_split(problem)
        sizes = [c.value / self.unit for c in constraints]
        over = left_over(problem) / self.unit
        self.scale = min(lcm(over.denominator, *(size.denominator for size in sizes)), FINEST_COST)
        self.plenty = abs(self.amount) + sum(int(size) + 1 for size in sizes)
        soft = sum(c.relaxable for c in constraints)
        self.pieces = PIECES if 0 < soft <= MOST_IN_PIECES and self.plenty < MOST_UNITS_IN_PIECES else 0
        # One unit of size outweighs all order of pieces together.
        self.heavy = self.plenty * self.pieces + 1
        self.arcs = _Arcs()
        self.base: dict[Cell | Constraint, int] = {}
        self.possible = True
        margins = [c for c in constraints if c.kind in ("place_margin", "subject_margin")]
        self.node = {(c.kind, c.key): k for k, c in enumerate(margins, start=2)}
        self.supply = [self.amount, -self.amount] + [0] * len(margins)
        self.total(next((c for c in constraints if c.kind == "total"), None), over)
        for margin in margins:
            self.margin(margin)
        demands: dict[Cell, list[Constraint]] = {}
        for constraint in constraints:
            if constraint.kind in CELL_KINDS and isinstance(constraint.key, Cell):
                demands.setdefault(constraint.key, []).append(constraint)
        for cell in cells_in_order(problem):
            self.cell(cell, demands.get(cell, []))

    def total(self, constraint: Constraint | None, over: Fraction) -> None:
        """Arcs by which the amount to be split grows or shrinks; the first unit up needs only what `over` lacks."""
        if constraint and not constraint.relaxable:
            return
        owner = constraint or Constraint("total", "", self.problem.total)
        self.base[owner] = self.amount
        up = (OTHER_SUBJECTS, OTHER_PLACES)
        if constraint is None:
            self.arcs.add(*up, self.plenty, 0, owner)
            self.arcs.add(up[1], up[0], self.plenty, 0, owner, -1)
            return
        self.arcs.add(*up, 1, int(self.scale * (1 - over)) * self.heavy, owner)
        self.away(up, max(self.amount, 0), owner)

    def away(self, up: tuple[int, int], base: int, owner: Constraint) -> None:
        """Arcs that raise a margin or total without end, and lower it to zero, in pieces of rising order."""
        size = max(base // max(self.pieces, 1), 1)
        for piece in range(self.pieces + 1):
            cost = self.scale * self.heavy + piece
            last = piece == self.pieces
            self.arcs.add(*up, self.plenty if last else size, cost, owner)
            self.arcs.add(
                up[1], up[0], max(base - piece * size, 0) if last else min(size, base - piece * size), cost, owner, -1
            )

    def margin(self, constraint: Constraint) -> None:
        """Supply of a margin's node, and arcs from and to the group it is taken from if it may move."""
        size = constraint.value / self.unit
        base, part = int(size // 1), size % 1
        node = self.node[constraint.kind, constraint.key]
        of_place = constraint.kind == "place_margin"
        group = OTHER_PLACES if of_place else OTHER_SUBJECTS
        self.supply[node] += base if of_place else -base
        self.supply[group] -= base if of_place else -base
        self.base[constraint] = base
        if not constraint.relaxable:
            self.possible &= part == 0
            return
        up = (group, node) if of_place else (node, group)
        if part:
            self.arcs.add(*up, 1, int(self.scale * (1 - 2 * part)) * self.heavy, constraint)
        self.away(up, base, constraint)

    def cell(self, cell: Cell, demands: list[Constraint]) -> None:
        """The arcs of a cell: one per stretch in which the cost of its relaxed demands rises evenly."""
        low, high = 0, self.plenty
        soft = [c for c in demands if c.relaxable]
        for constraint in demands:
            size = constraint.value / self.unit
            if not constraint.relaxable:
                low = max(low, int(-(-size // 1))) if constraint.kind != "cap" else low
                high = min(high, int(size // 1)) if constraint.kind != "floor" else high
        if self.problem.weights[cell] == 0:
            asked = [int(-(-(c.value / self.unit) // 1)) for c in demands if c.kind != "cap"]
            high = min(high, max(asked, default=0))
        self.possible &= low <= high
        ends = {low, high}
        for constraint in soft:
            size = constraint.value / self.unit
            pieces = [size * piece // self.pieces for piece in range(1, 2 * self.pieces + 1)]
            ends |= {int(end) for end in (*pieces, size // 1, -(-size // 1)) if low < end < high}
        row = self.node.get(("place_margin", cell.place), OTHER_PLACES)
        column = self.node.get(("subject_margin", cell.subject), OTHER_SUBJECTS)
        self.base[cell] = low
        stops = sorted(ends)
        for start, end in pairwise(stops):
            self.arcs.add(row, column, end - start, sum(self.slope(c, start) for c in soft), cell)
        self.supply[row] -= low
        self.supply[column] += low

    def slope(self, constraint: Constraint, start: int) -> int:
        """What the demand's relaxation costs more at start + 1 units than at start."""
        here, there = (excess(constraint, units * self.unit) for units in (start, start + 1))
        rise = int((there - here) / self.unit * self.scale) * self.heavy
        depth = max(here, there) * self.pieces / constraint.value if constraint.value else Fraction(0)
        order = min(int(-(-depth // 1)), self.pieces)
        return rise + (order if there > here else -order)

    def solve(self) -> dict[Cell | Constraint, int] | None:
        """Whole units per cell and per movable margin or total after the cheapest relaxation; None if none helps."""
        import numpy as np

        tail, head, capacity, cost = np.array(self.arcs.rows, dtype=np.int64).reshape(-1, 4).T
        answer = cheapest_flow(Network(tail, head, capacity, cost, np.array(self.supply, dtype=np.int64)))
        if isinstance(answer, Blocked):
            return None
        amounts = dict(self.base)
        for (owner, way), carried in zip(self.arcs.owner, answer.flow.tolist(), strict=True):
            amounts[owner] += way * carried
        return amounts

    def value_after(self, constraint: Constraint, amounts: dict[Cell | Constraint, int]) -> Fraction:
        """The value of a demand under which these amounts satisfy it; its own where they do already."""
        if not constraint.relaxable:
            return constraint.value
        if isinstance(constraint.key, Cell):
            reached = amounts[constraint.key] * self.unit
            return reached if excess(constraint, reached) else constraint.value
        if constraint.kind != "total":
            return amounts[constraint] * self.unit
        more = amounts[constraint] - self.amount
        return constraint.value + more * self.unit - (left_over(self.problem) if more > 0 else 0)


def excess(constraint: Constraint, amount: Fraction) -> Fraction:
    """By how much an amount misses a demand on its cell."""
    if constraint.kind == "floor":
        return max(constraint.value - amount, Fraction(0))
    if constraint.kind == "cap":
        return max(amount - constraint.value, Fraction(0))
    return abs(amount - constraint.value)
