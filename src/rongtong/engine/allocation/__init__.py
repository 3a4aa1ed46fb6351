"""目标分解: one target split over places × kinds of subjects, exactly, with reasons for every cell.

`allocate` answers a `Problem` with a `Solution`, or with an `Infeasible` that names a conflict and the cheapest
repair. The real split is the one closest to the weights in relative entropy; it is then rounded to the reporting
unit with total and margins exact. See docs/decisions/0005-allocation.md.
"""

import math
from dataclasses import replace
from fractions import Fraction

from rongtong.engine.allocation.conflict import conflict_set, is_feasible, is_feasible_unrounded
from rongtong.engine.allocation.entropy import margin_split, proportional_split, whole_weights
from rongtong.engine.allocation.flow import Blocked
from rongtong.engine.allocation.grid import Clash, Grid, cell_bounds, cells_in_order, grid_of
from rongtong.engine.allocation.problem import (
    Cell,
    Constraint,
    Problem,
    all_constraints,
    cell_words,
    constraint_words,
    exact,
    left_over,
    listed,
    name_of,
    reserved,
    spoken,
    units_to_split,
)
from rongtong.engine.allocation.repair import least_relaxation
from rongtong.engine.allocation.rounding import Rounded, controlled_rounding
from rongtong.engine.allocation.solution import (
    CellValue,
    CounterOffer,
    Infeasible,
    Left,
    Repair,
    Solution,
    Step,
)

ROUNDING_REMAINDER = "取整余项"
FINEST = 6
SIXTEENTHS = 16
STAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("base", ("total",)),
    ("fixed", ("total", "fixed")),
    ("floors", ("total", "fixed", "floor")),
    ("caps", ("total", "fixed", "floor", "cap")),
)


def allocate(problem: Problem) -> Solution | Infeasible:
    """Split the total over the cells, or say which demands conflict. Feasibility is that of the rounded problem."""
    constraints = all_constraints(problem)
    grid = grid_of(problem, constraints, problem.unit)
    if isinstance(grid, Clash) or units_to_split(problem) < 0:
        return infeasible(problem)
    parts = fine_parts(grid)
    stages = staged_splits(problem, constraints, parts)
    if stages is None:
        return infeasible(problem)
    want = stages[-1][1]
    rounded = controlled_rounding(want, parts, grid.lower, grid.upper, grid.row, grid.column, grid.supply)
    if isinstance(rounded, Blocked):
        return infeasible(problem)
    return explained(problem, stages, rounded, parts)


def fine_parts(grid: Grid) -> int:
    """Into how many parts of a unit the splits before rounding are cut: 10^6, less for sums of very many units."""
    digits = FINEST
    while digits and grid.plenty * 10**digits >= 2**52:
        digits -= 1
    return int(10**digits)


def staged_splits(
    problem: Problem, constraints: tuple[Constraint, ...], parts: int
) -> list[tuple[str, list[int]]] | None:
    """The splits under the total alone, then with one class of demands more each, in 1/parts of a unit.

    A stage that cannot be met by itself (nothing but zero-weight cells is left to take the total) repeats the one
    before it. None where the last stage, with all demands, cannot be met.
    """
    step = problem.unit / parts
    amount = units_to_split(problem) * parts
    weights = whole_weights([problem.weights[cell] for cell in cells_in_order(problem)])
    split: list[int] | None = None
    last = [0] * len(weights)
    stages: list[tuple[str, list[int]]] = []
    for name, kinds in STAGES:
        bounds = cell_bounds(problem, tuple(c for c in constraints if c.kind in kinds), step)
        if isinstance(bounds, Clash):
            return None
        lower = [b.lower for b in bounds.values()]
        upper = [max(amount, b.lower) if b.upper is None else b.upper for b in bounds.values()]
        split = proportional_split(amount, weights, lower, upper)
        last = last if split is None else split
        stages.append((name, last))
    if any(c.kind in ("place_margin", "subject_margin") for c in constraints):
        split = with_margins(problem, constraints, step, weights)
    if split is None:
        return None
    return [*stages, ("margins", split)]


def with_margins(
    problem: Problem, constraints: tuple[Constraint, ...], step: Fraction, weights: list[int]
) -> list[int] | None:
    """The split under all demands in whole steps, margins exact; None where there is none."""
    import numpy as np

    grid = grid_of(problem, constraints, step)
    if isinstance(grid, Clash):
        return None
    everything = max(sum(weights), 1)
    amounts = margin_split(grid, np.array([weight / everything for weight in weights]))
    if amounts is None:
        return None
    # Sixteenths of a step hide the noise of floating point, so that equal cells tie and the order decides.
    want = np.rint(amounts * SIXTEENTHS).astype(np.int64)
    exactly = controlled_rounding(want, SIXTEENTHS, grid.lower, grid.upper, grid.row, grid.column, grid.supply)
    return exactly.values if isinstance(exactly, Rounded) else None


def explained(problem: Problem, stages: list[tuple[str, list[int]]], rounded: Rounded, parts: int) -> Solution:
    """The rounded split with, per cell, what every stage added."""
    step = problem.unit / parts
    lines = [*stages, ("rounding", [value * parts for value in rounded.values])]
    cells = []
    for k, cell in enumerate(cells_in_order(problem)):
        so_far = [0, *(split[k] for _, split in lines)]
        steps = tuple(Step(name, (so_far[n + 1] - so_far[n]) * step) for n, (name, _) in enumerate(lines))
        cells.append(CellValue(cell, rounded.values[k] * problem.unit, steps))
    remainder = [Left(name, amount) for name, amount in reserved(problem)]
    if left_over(problem):
        remainder.append(Left(ROUNDING_REMAINDER, left_over(problem)))
    return Solution(
        total=Fraction(problem.total),
        cells=tuple(cells),
        remainder=tuple(remainder),
        deviation=rounded.deviation * step,
        divergence=divergence(problem, rounded.values),
        tie=problem.tie,
    )


def divergence(problem: Problem, values: list[int]) -> float:
    """Σ x·ln(x / share by weight) over the cells with weight, x in the problem's measure."""
    weights = [problem.weights[cell] for cell in cells_in_order(problem)]
    amount, everything = sum(values), sum(weights)
    pairs = [(x, float(w * amount / everything)) for x, w in zip(values, weights, strict=True) if x and w]
    return float(problem.unit) * math.fsum(x * math.log(x / share) for x, share in pairs)


def infeasible(problem: Problem) -> Infeasible:
    """Which demands conflict, in words, and the cheapest repair."""
    conflicts, smallest = conflict_set(problem)
    freed = least_relaxation(problem, [replace(c, relaxable=True) for c in conflicts])
    shortfall = freed[1] if freed else Fraction(0)
    only_by_rounding = is_feasible_unrounded(problem)
    repaired = least_relaxation(problem, all_constraints(problem))
    words = conflict_words(problem, conflicts, shortfall, only_by_rounding)
    repair = None
    if repaired:
        changes = [
            f"{constraint_words(problem, c.constraint)}，改为{spoken(c.value)}{problem.measure}" for c in repaired[0]
        ]
        size = f"{spoken(repaired[1])}{problem.measure}"
        repair = Repair(*repaired, words=f"最小放宽：{listed(changes)}。合计放宽{size}。")
        words += repair.words
    elif any(c.relaxable for c in all_constraints(problem)):
        words += "把标为可放宽的要求全部放宽，仍不能成立。"
    else:
        words += "没有标为可放宽的要求，无法给出放宽办法。"
    return Infeasible(conflicts, words, only_by_rounding, shortfall, smallest, repair, problem.tie)


def conflict_words(
    problem: Problem, conflicts: tuple[Constraint, ...], shortfall: Fraction, only_by_rounding: bool
) -> str:
    """The conflict as one or two Chinese sentences."""
    items = listed(constraint_words(problem, c) for c in conflicts)
    if len(conflicts) == 1:
        words = f"这条要求本身不能成立：{items}。"
    else:
        words = f"下列{len(conflicts)}条要求不能同时成立，去掉其中任何一条，其余即可成立：{items}。"
    if shortfall:
        words += f"差额{spoken(shortfall)}{problem.measure}。"
    if only_by_rounding:
        words += f"不取整时可以成立，但各格须为{spoken(problem.unit)}{problem.measure}的整数倍，取不到。"
    weighted = replace(problem, weights={cell: weight or Fraction(1) for cell, weight in problem.weights.items()})
    if is_feasible(weighted, conflicts):
        words += "冲突还因为有的格权重为0，除对它的要求外不分得数额。"
    return words


def counter_offer(
    problem: Problem, where: Cell | str, value: Fraction, before: Solution | None = None
) -> CounterOffer | Infeasible:
    """Re-solve with one cell, or one place over all its cells, held at `value`; what that costs every other place.

    A value already fixed there is replaced; every other demand stays. `before` saves solving the problem as it was.
    Infeasible where either problem has no split. ValueError for an unknown cell or place.
    """
    words = cell_words(problem, where) if isinstance(where, Cell) else name_of(problem, where)
    amount = exact(value, "反提案")
    held = Constraint(
        "fixed" if isinstance(where, Cell) else "place_margin",
        where,
        amount,
        label=f"反提案：{words}为{spoken(amount)}{problem.measure}",
    )
    others = tuple(c for c in problem.constraints if (c.kind, c.key) != (held.kind, where))
    first = allocate(problem) if before is None else before
    if isinstance(first, Infeasible):
        return first
    after = allocate(replace(problem, constraints=(*others, held)))
    if isinstance(after, Infeasible):
        return after
    place = where.place if isinstance(where, Cell) else where
    was, now = first.place_totals(), after.place_totals()
    return CounterOffer(
        before=first,
        after=after,
        change=now[place] - was[place],
        cost={code: now[code] - was[code] for code in now if code != place},
        cells={new.cell: new.value - old.value for new, old in zip(after.cells, first.cells, strict=True)},
    )
