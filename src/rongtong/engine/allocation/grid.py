"""A problem in whole steps of one size: integer bounds, and the margins as nodes of a network.

Every cell belongs to one row node (its place, or "the other places" where the place has no margin) and to one column
node (its subject likewise), so that total and margins together are supplies of a network with an arc per cell.
Bounds that are no multiple of the step are pulled inward.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from rongtong.engine.allocation.problem import CELL_KINDS, Cell, Constraint, Problem, units_to_split

if TYPE_CHECKING:
    from rongtong.engine.allocation.flow import Ints

OTHER_PLACES, OTHER_SUBJECTS = 0, 1


@dataclass(frozen=True, slots=True)
class Bounds:
    """The whole steps a cell may take, and the demands the two ends come from (None: nothing demands it)."""

    lower: int
    upper: int | None
    lower_by: Constraint | None
    upper_by: Constraint | None


@dataclass(frozen=True, slots=True)
class Clash:
    """Demands that no multiple of the step meets, by themselves: one off the grid, or two on one cell."""

    members: tuple[Constraint, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Cells in code order with bounds and nodes; `margin` gives the demand behind a node, `total` the one in force.

    `upper` is capped at `plenty`, more than any solution needs. Without a total, node 0 stands for both groups.
    """

    cells: tuple[Cell, ...]
    lower: "Ints"
    upper: "Ints"
    row: "Ints"
    column: "Ints"
    supply: "Ints"
    margin: Mapping[int, Constraint]
    bounds: Mapping[Cell, Bounds]
    plenty: int
    total: Constraint | None


def cells_in_order(problem: Problem) -> tuple[Cell, ...]:
    """All cells by code: place first, then subject."""
    return tuple(sorted(problem.weights, key=lambda cell: (cell.place, cell.subject)))


def grid_of(
    problem: Problem, constraints: Iterable[Constraint], step: Fraction, amount: Fraction | None = None
) -> Grid | Clash:
    """The cells under these demands in steps of the given size (the unit, or an exact part of it).

    `amount` is what the cells share, a multiple of the step; the whole units of the total less remainders by default.
    """
    import numpy as np

    constraints = tuple(constraints)
    clash = off_the_grid(constraints, step)
    if clash:
        return clash
    cells = cells_in_order(problem)
    bounds = cell_bounds(problem, constraints, step)
    if isinstance(bounds, Clash):
        return bounds
    total = next((c for c in constraints if c.kind == "total"), None)
    to_split = int((units_to_split(problem) * problem.unit if amount is None else amount) / step)
    margins = [c for c in constraints if c.kind in ("place_margin", "subject_margin")]
    nodes = {(c.kind, c.key): number for number, c in enumerate(margins, start=2)}
    supply = np.zeros(len(margins) + 2, dtype=np.int64)
    for number, margin in enumerate(margins, start=2):
        value = int(margin.value / step)
        supply[number] = value if margin.kind == "place_margin" else -value
    if total is None:
        supply[OTHER_PLACES] = -int(supply.sum())
    else:
        supply[OTHER_PLACES] = to_split - int(supply[supply > 0].sum())
        supply[OTHER_SUBJECTS] = -to_split - int(supply[2:][supply[2:] < 0].sum())
    others = OTHER_SUBJECTS if total else OTHER_PLACES
    plenty = abs(to_split) + sum(int(c.value / step) + 1 for c in constraints if c.kind != "total") + 1
    tops = [plenty if b.upper is None else min(b.upper, plenty) for b in bounds.values()]
    return Grid(
        cells=cells,
        lower=np.array([b.lower for b in bounds.values()], dtype=np.int64),
        upper=np.array(tops, dtype=np.int64),
        row=np.array([nodes.get(("place_margin", c.place), OTHER_PLACES) for c in cells], dtype=np.int64),
        column=np.array([nodes.get(("subject_margin", c.subject), others) for c in cells], dtype=np.int64),
        supply=supply,
        margin=dict(enumerate(margins, start=2)),
        bounds=bounds,
        plenty=plenty,
        total=total,
    )


def off_the_grid(constraints: tuple[Constraint, ...], step: Fraction) -> Clash | None:
    """The first demand for an exact amount that is no multiple of the step."""
    for constraint in constraints:
        if constraint.kind in ("fixed", "place_margin", "subject_margin") and constraint.value % step:
            return Clash((constraint,))
    return None


def cell_bounds(problem: Problem, constraints: tuple[Constraint, ...], step: Fraction) -> dict[Cell, Bounds] | Clash:
    """Bounds per cell in code order, pulled inward; a clash where one demand's end lies above another's."""
    demands: dict[Cell, dict[str, Constraint]] = {}
    for constraint in constraints:
        if constraint.kind in CELL_KINDS and isinstance(constraint.key, Cell):
            demands.setdefault(constraint.key, {})[constraint.kind] = constraint
    bounds: dict[Cell, Bounds] = {}
    free, shut = Bounds(0, None, None, None), Bounds(0, 0, None, None)
    for cell in cells_in_order(problem):
        of_cell = demands.get(cell)
        if not of_cell:
            bounds[cell] = free if problem.weights[cell] else shut
            continue
        lowers = [(-(-c.value // step), c) for c in (of_cell.get("fixed"), of_cell.get("floor")) if c]
        uppers = [(c.value // step, c) for c in (of_cell.get("fixed"), of_cell.get("cap")) if c]
        lower, lower_by = max(lowers, key=lambda end: end[0], default=(0, None))
        upper, upper_by = min(uppers, key=lambda end: end[0], default=(None, None))
        if upper is not None and lower > upper and lower_by and upper_by:
            return Clash((lower_by, upper_by))
        if not problem.weights[cell]:
            upper, upper_by = lower, None
        bounds[cell] = Bounds(int(lower), None if upper is None else int(upper), lower_by, upper_by)
    return bounds
