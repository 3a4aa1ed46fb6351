"""Which demands cannot hold together (冲突集): as few as possible, each of them needed for the conflict.

Whole amounts exist exactly if no set of nodes is supplied with more than the arcs leaving it can carry (Hoffman's
theorem); the demands that enter such a cut are a conflict. Up to SMALLEST_UP_TO demands the cut with the fewest is
found by an integer program over the cuts; above that, one cut is thinned and then tried demand by demand.
"""

from collections.abc import Iterable
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Any

from rongtong.engine.allocation.flow import Blocked, Network, cheapest_flow
from rongtong.engine.allocation.grid import OTHER_PLACES, OTHER_SUBJECTS, Clash, Grid, grid_of, off_the_grid
from rongtong.engine.allocation.problem import Constraint, Problem, all_constraints, reserved, units_to_split

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SMALLEST_UP_TO = 40
SECONDS = 10.0
MOST_PARTS = 2**60


def is_feasible(problem: Problem, constraints: Iterable[Constraint]) -> bool:
    """Whether multiples of the unit meet these demands together; without the total among them it is free."""
    grid = grid_of(problem, constraints, problem.unit)
    return not isinstance(grid, Clash) and not isinstance(_any_flow(grid), Blocked)


def is_feasible_unrounded(problem: Problem) -> bool:
    """Whether amounts of any fineness meet all demands of the problem.

    False also where the demands have no common part of the unit that 64-bit whole numbers can count.
    """
    constraints = all_constraints(problem)
    left = problem.total - sum((amount for _, amount in reserved(problem)), Fraction(0))
    parts = lcm(*((c.value / problem.unit).denominator for c in constraints), (left / problem.unit).denominator)
    if parts * (left + sum(c.value for c in constraints)) / problem.unit >= MOST_PARTS:
        return False
    grid = grid_of(problem, constraints, problem.unit / parts, left)
    return not isinstance(grid, Clash) and not isinstance(_any_flow(grid), Blocked)


def conflict_set(problem: Problem) -> tuple[tuple[Constraint, ...], bool]:
    """Demands of an infeasible problem that conflict, and whether no smaller set does.

    Without any one of them the others can hold together. ValueError if the problem is feasible.
    """
    constraints = all_constraints(problem)
    alone = next((c for c in constraints if impossible_alone(problem, c)), None)
    if alone:
        return (alone,), True
    grid = grid_of(problem, constraints, problem.unit)
    if isinstance(grid, Clash):
        return grid.members, True
    cut = _any_flow(grid)
    if not isinstance(cut, Blocked):
        raise ValueError("各项要求可以同时成立，没有冲突。")
    if len(constraints) <= SMALLEST_UP_TO:
        fewest = _fewest_in_a_cut(grid, constraints)
        if fewest and not is_feasible(problem, fewest):
            return fewest, True
    return _needed_only(problem, _thinned_cut(grid, cut.inside)), False


def impossible_alone(problem: Problem, constraint: Constraint) -> bool:
    """Whether no split at all meets this one demand: not a multiple of the unit, or asked of zero-weight cells only."""
    if constraint.kind == "total":
        units = units_to_split(problem)
        return units < 0 or (units > 0 and not any(problem.weights.values()))
    if off_the_grid((constraint,), problem.unit):
        return True
    if constraint.kind == "place_margin":
        return constraint.value > 0 and not any(
            w for cell, w in problem.weights.items() if cell.place == constraint.key
        )
    if constraint.kind == "subject_margin":
        return constraint.value > 0 and not any(
            w for cell, w in problem.weights.items() if cell.subject == constraint.key
        )
    return False


def _any_flow(grid: Grid) -> Any:
    """A flow that meets bounds and supplies of the grid, or the cut against it."""
    import numpy as np

    left = grid.supply.copy()
    np.subtract.at(left, grid.row, grid.lower)
    np.add.at(left, grid.column, grid.lower)
    room = grid.upper - grid.lower
    return cheapest_flow(Network(grid.row, grid.column, room, np.zeros_like(room), left))


def _thinned_cut(grid: Grid, inside: "NDArray[np.bool_]") -> tuple[Constraint, ...]:
    """The demands that enter a violated cut, less the smallest lower bounds it stays violated without."""
    members: list[Constraint] = []
    others = OTHER_SUBJECTS if grid.total else OTHER_PLACES
    if grid.total and inside[OTHER_PLACES] != inside[OTHER_SUBJECTS]:
        members.append(grid.total)
    for node, margin in grid.margin.items():
        if inside[node] != inside[OTHER_PLACES if margin.kind == "place_margin" else others]:
            members.append(margin)
    surplus = int(grid.supply[inside].sum())
    lows: list[tuple[int, Constraint]] = []
    for k, bound in enumerate(grid.bounds.values()):
        crossing = int(inside[grid.row[k]]) - int(inside[grid.column[k]])
        if crossing > 0:
            surplus -= int(grid.upper[k])
            members += [bound.upper_by] if bound.upper_by else []
        if crossing < 0 and bound.lower_by and bound.lower:
            surplus += bound.lower
            lows.append((bound.lower, bound.lower_by))
    for low, constraint in sorted(lows, key=lambda pair: pair[0]):
        if surplus - low >= 1:
            surplus -= low
        else:
            members.append(constraint)
    return tuple(members)


def _needed_only(problem: Problem, members: tuple[Constraint, ...]) -> tuple[Constraint, ...]:
    """Leave out every demand the rest conflict without, halves first, then one after another until none is left.

    The members are those of a thinned cut: with the total but no margin among them, they are needed as they are.
    """
    if all(problem.weights.values()) and not any(c.kind in ("place_margin", "subject_margin") for c in members):
        return members
    halved = tuple(_halved(problem, (), False, members))
    members = members if is_feasible(problem, halved) else halved
    if len(members) == len(halved) and all(problem.weights.values()):
        return members
    left_out = True
    while left_out:
        left_out = False
        for constraint in members:
            rest = tuple(c for c in members if c is not constraint)
            if not is_feasible(problem, rest):
                members, left_out = rest, True
    return members


def _halved(
    problem: Problem, kept: tuple[Constraint, ...], grown: bool, members: tuple[Constraint, ...]
) -> tuple[Constraint, ...]:
    """The demands of `members` needed for a conflict with `kept`; `grown` if `kept` has grown since last tried.

    Source: U. Junker, QuickXplain, AAAI 2004. A demand on a zero-weight cell may break its assumption that more
    demands never help, hence the caller checks.
    """
    if grown and not is_feasible(problem, kept):
        return ()
    if len(members) == 1:
        return members
    first, second = members[: len(members) // 2], members[len(members) // 2 :]
    of_second = _halved(problem, kept + first, True, second)
    of_first = _halved(problem, kept + of_second, bool(of_second), first)
    return of_first + of_second


def _fewest_in_a_cut(grid: Grid, constraints: tuple[Constraint, ...]) -> tuple[Constraint, ...]:
    """The demands of a violated cut with the fewest demands; of several, those that come first in order.

    Variables: a node lies inside the cut or not; a demand counts if the cut uses it. Empty if none is found in time.
    """
    from scipy.optimize import LinearConstraint, milp

    program = _CutProgram(grid, constraints)
    matrix, low, high = program.rows()
    answer = milp(
        program.cost,
        integrality=[1] * len(program.cost),
        bounds=(0, 1),
        constraints=LinearConstraint(matrix, low, high),
        options={"mip_rel_gap": 0.0, "time_limit": SECONDS},
    )
    if answer.x is None or answer.status != 0:
        return ()
    return tuple(c for k, c in enumerate(constraints) if answer.x[program.nodes + k] > 0.5)


class _CutProgram:
    """min number of demands used, over cuts that are over-supplied by at least one unit.

    Columns: nodes (inside the cut: 1), then demands (used: 1), then one per cell demand used from the other end.
    """

    def __init__(self, grid: Grid, constraints: tuple[Constraint, ...]) -> None:
        self.grid, self.nodes = grid, len(grid.supply)
        self.column = {id(c): self.nodes + k for k, c in enumerate(constraints)}
        count = len(constraints)
        self.cost = [0.0] * self.nodes + [1 + k / (count * (count + 1)) for k in range(count)]
        self.entries: list[dict[int, float]] = []
        self.most: list[float] = []
        self.surplus: dict[int, float] = {v: float(s) for v, s in enumerate(grid.supply.tolist())}
        self.margins()
        for cell in range(len(grid.cells)):
            self.bounds_of(cell)

    def at_most(self, entries: dict[int, float], most: float) -> None:
        """Demand Σ entries ≤ most."""
        self.entries.append(entries)
        self.most.append(most)

    def margins(self) -> None:
        """A margin, or the total, is used where its node is on the other side than the group it was taken from."""
        pairs = [(OTHER_PLACES, OTHER_SUBJECTS, self.grid.total)]
        for node, margin in self.grid.margin.items():
            pairs.append((node, OTHER_PLACES if margin.kind == "place_margin" else OTHER_SUBJECTS, margin))
        for one, other, constraint in pairs:
            if constraint:
                used = self.column[id(constraint)]
                self.at_most({one: 1.0, other: -1.0, used: -1.0}, 0.0)
                self.at_most({one: -1.0, other: 1.0, used: -1.0}, 0.0)

    def bounds_of(self, cell: int) -> None:
        """An arc out of the cut costs its upper bound, an arc into the cut brings its lower bound if that is used."""
        grid = self.grid
        row, column = int(grid.row[cell]), int(grid.column[cell])
        bound = grid.bounds[grid.cells[cell]]
        if bound.upper is None:
            self.at_most({row: 1.0, column: -1.0}, 0.0)
        elif bound.upper_by:
            used = self.side(bound.upper_by)
            self.at_most({row: 1.0, column: -1.0, used: -1.0}, 0.0)
            self.surplus[used] = -float(bound.upper)
        if bound.lower_by and bound.lower:
            used = self.side(bound.lower_by)
            self.at_most({used: 1.0, column: -1.0}, 0.0)
            self.at_most({used: 1.0, row: 1.0}, 1.0)
            self.surplus[used] = float(bound.lower)

    def side(self, constraint: Constraint) -> int:
        """A column of its own for one end of a cell demand, which counts the demand as used."""
        self.cost.append(0.0)
        self.at_most({len(self.cost) - 1: 1.0, self.column[id(constraint)]: -1.0}, 0.0)
        return len(self.cost) - 1

    def rows(self) -> tuple[Any, list[float], list[float]]:
        """All demands on the cut as a sparse matrix with row bounds."""
        import numpy as np
        from scipy.sparse import csr_array

        entries = [*self.entries, self.surplus]
        row = [k for k, line in enumerate(entries) for _ in line]
        column = [c for line in entries for c in line]
        value = [v for line in entries for v in line.values()]
        matrix = csr_array((value, (row, column)), shape=(len(entries), len(self.cost)))
        return matrix, [-np.inf] * len(self.entries) + [1.0], [*self.most, np.inf]
