"""The split: closest to the weights, exact in every sum, and explained cell by cell."""

import math
import random
from fractions import Fraction

import numpy as np
import pytest

from rongtong.engine.allocation import ROUNDING_REMAINDER, allocate
from rongtong.engine.allocation.entropy import margin_split
from rongtong.engine.allocation.grid import Grid, grid_of
from rongtong.engine.allocation.problem import (
    Cell,
    Constraint,
    Problem,
    Remainder,
    all_constraints,
    growth_floor,
    reserved,
)
from rongtong.engine.allocation.solution import STEP_WORDS, Solution

TENTH = Fraction(1, 10)


def solved(problem: Problem) -> Solution:
    answer = allocate(problem)
    assert isinstance(answer, Solution), answer
    return answer


def random_feasible(seed: int) -> Problem:
    """A problem built around a split that satisfies it, with any mix of demands, zero weights and remainders."""
    dice = random.Random(seed)
    unit = dice.choice([Fraction(1), Fraction(1, 10), Fraction(1, 100), Fraction(5), Fraction(1, 3)])
    rows, columns = dice.randint(1, 6), dice.randint(1, 4)
    cells = [Cell(f"p{i}", f"s{j}") for i in range(rows) for j in range(columns)]
    weights = {cell: Fraction(dice.choice([0, 1, 1, dice.randint(1, 999), dice.randint(1, 9)]), 7) for cell in cells}
    truth = {cell: dice.choice([0, dice.randint(0, 9), dice.randint(0, 2000)]) * unit for cell in cells}
    demands = []
    for cell, amount in truth.items():
        chance = dice.random()
        if not weights[cell]:
            demands += [Constraint("fixed" if chance < 0.5 else "floor", cell, amount)] if amount else []
            continue
        if chance < 0.1:
            demands.append(Constraint("fixed", cell, amount))
        if 0.1 < chance < 0.5:
            demands.append(Constraint("floor", cell, amount * Fraction(dice.randint(0, 100), 100)))
        if 0.3 < chance < 0.7:
            demands.append(Constraint("cap", cell, amount * Fraction(dice.randint(100, 140), 100)))
    for kind, codes in (("place_margin", {c.place for c in cells}), ("subject_margin", {c.subject for c in cells})):
        share = dice.choice([0, 0.5, 1])
        for code in sorted(codes):
            if dice.random() < share:
                demands.append(Constraint(kind, code, sum(v for c, v in truth.items() if code in (c.place, c.subject))))
    dice.shuffle(demands)
    kept = Fraction(dice.choice([0, 50, Fraction(7, 3)]))
    odd = unit * Fraction(dice.choice([0, 0, dice.randint(1, 99)]), 100)
    free = not any(weights.values())
    total = sum(truth.values()) + kept + (Fraction(0) if free else odd)
    return Problem(total, unit, weights, tuple(demands), (Remainder("机动余项", kept),) if kept else ())


def assert_exact(problem: Problem, answer: Solution) -> None:
    """Every sum, bound, multiple and explanation holds without any tolerance."""
    values = {held.cell: held.value for held in answer.cells}
    assert list(values) == sorted(problem.weights)
    assert sum(values.values()) + sum(part.amount for part in answer.remainder) == problem.total
    assert [(p.name, p.amount) for p in answer.remainder if p.name != ROUNDING_REMAINDER] == list(reserved(problem))
    assert all(0 <= p.amount < problem.unit for p in answer.remainder if p.name == ROUNDING_REMAINDER)
    floors = {c.key: c.value for c in problem.constraints if c.kind in ("fixed", "floor")}
    for held in answer.cells:
        assert isinstance(held.value, Fraction)
        assert held.value >= 0
        assert held.value % problem.unit == 0
        assert tuple(step.name for step in held.explanation) == tuple(STEP_WORDS)
        assert sum(step.amount for step in held.explanation) == held.value
        assert (
            problem.weights[held.cell]
            or held.value == -(-floors.get(held.cell, Fraction(0)) // problem.unit) * problem.unit
        )
    for demand in problem.constraints:
        if isinstance(demand.key, Cell):
            value = values[demand.key]
            assert value >= demand.value or demand.kind == "cap"
            assert value <= demand.value or demand.kind == "floor"
        elif demand.kind == "place_margin":
            assert answer.place_totals()[demand.key] == demand.value
        else:
            assert answer.subject_totals()[demand.key] == demand.value


def before_rounding(answer: Solution) -> dict[Cell, Fraction]:
    return {held.cell: held.value - held.explanation[-1].amount for held in answer.cells}


def possible_gain(problem: Problem, amounts: dict[Cell, Fraction]) -> float:
    """How far a linear program around the amounts could still lower the relative entropy (zero at the optimum)."""
    from scipy.optimize import linprog

    cells = sorted(problem.weights)
    x = np.array([float(amounts[cell]) for cell in cells])
    weight = np.array([float(problem.weights[cell]) for cell in cells])
    slope = np.log(np.maximum(x, 1e-9)) - np.log(np.maximum(weight, 1e-9))
    bounds = {cell: [0.0, None if problem.weights[cell] else 0.0] for cell in cells}
    rows, sums = [np.ones(len(cells))], [x.sum()]
    for c in problem.constraints:
        if isinstance(c.key, Cell):
            low, high = bounds[c.key]
            bounds[c.key] = [
                max(low, float(c.value)) if c.kind != "cap" else low,
                float(c.value) if c.kind == "fixed" or not problem.weights[c.key] else high,
            ]
            if c.kind == "cap":
                bounds[c.key][1] = float(c.value) if high is None else min(high, float(c.value))
        else:
            rows.append(np.array([float(c.key in (cell.place, cell.subject)) for cell in cells]))
            sums.append(float(c.value))
    best = linprog(slope, A_eq=np.array(rows), b_eq=sums, bounds=[bounds[cell] for cell in cells])
    if best.status != 0:  # an unrounded zero-weight floor or cap lies within 1e-6 of a unit of the grid
        return math.nan
    return float(slope @ x - best.fun)


def cities(places: int = 11) -> dict[Cell, Fraction]:
    return {Cell(f"c{k:02d}"): Fraction(700 - 55 * k) for k in range(places)}


def test_a_target_with_a_fixed_city_growth_floors_and_a_reserve_is_split_exactly() -> None:
    weights = cities()
    base = {cell: weight * Fraction(12, 10) for cell, weight in weights.items()}
    demands = [Constraint("fixed", Cell("c03"), Fraction(640))]
    demands += [
        Constraint("floor", cell, growth_floor(base[cell], Fraction(7, 100))) for cell in base if cell.place > "c05"
    ]
    problem = Problem(
        Fraction(5650),
        TENTH,
        weights,
        tuple(demands),
        (Remainder("机动余项", Fraction(50)),),
        measure="亿元",
        tie="figure:1",
    )
    answer = solved(problem)
    assert_exact(problem, answer)
    assert sum(held.value for held in answer.cells) == 5600
    assert answer.value(Cell("c03")) == 640
    assert [(part.name, part.amount) for part in answer.remainder] == [("机动余项", Fraction(50))]
    assert answer.tie == "figure:1"


def test_growth_floor_is_the_base_grown_by_the_rate() -> None:
    assert growth_floor(Fraction("123.4"), Fraction("0.073")) == Fraction("132.4082")


def test_without_demands_the_split_is_proportional_to_the_weights() -> None:
    answer = solved(
        Problem(Fraction(60), TENTH, {Cell("a"): Fraction(1), Cell("b"): Fraction(2), Cell("c"): Fraction(3)})
    )
    assert [held.value for held in answer.cells] == [10, 20, 30]
    assert [step.amount for step in answer.cells[0].explanation] == [10, 0, 0, 0, 0, 0]


def test_every_class_of_demand_shows_its_own_step() -> None:
    weights = {Cell(p): Fraction(1) for p in "abcd"}
    demands = (
        Constraint("fixed", Cell("a"), Fraction(10)),
        Constraint("floor", Cell("b"), Fraction(50)),
        Constraint("cap", Cell("c"), Fraction(15)),
        Constraint("place_margin", "d", Fraction(24)),
    )
    answer = solved(Problem(Fraction(100), Fraction(1), weights, demands[:3]))
    assert [[s.amount for s in held.explanation] for held in answer.cells] == [
        [25, -15, 0, 0, 0, 0],
        [25, 5, 20, 0, 0, 0],
        [25, 5, -10, -5, 0, 0],
        [25, 5, -10, 5, 0, 0],
    ]
    answer = solved(Problem(Fraction(100), Fraction(1), weights, demands))
    assert [[held.value, held.explanation[4].amount] for held in answer.cells] == [[10, 0], [51, 1], [15, 0], [24, -1]]


def test_equal_claims_on_the_last_unit_go_to_the_earlier_code() -> None:
    weights = {Cell(p): Fraction(1) for p in ("b", "c", "a")}
    assert [h.value for h in solved(Problem(Fraction(100), Fraction(1), weights)).cells] == [34, 33, 33]
    assert [h.value for h in solved(Problem(Fraction(101), Fraction(1), weights)).cells] == [34, 34, 33]


def test_equal_claims_within_margins_go_to_the_earlier_code() -> None:
    weights = {Cell(p, s): Fraction(1) for p in "abc" for s in "xyz"}
    demands = tuple(Constraint("place_margin", p, Fraction(1)) for p in "abc") + tuple(
        Constraint("subject_margin", s, Fraction(1)) for s in "xyz"
    )
    answer = solved(Problem(Fraction(3), Fraction(1), weights, demands))
    assert [held.cell for held in answer.cells if held.value] == [Cell("a", "x"), Cell("b", "y"), Cell("c", "z")]


def test_the_order_of_weights_and_demands_does_not_change_the_answer() -> None:
    for seed in range(20):
        problem = random_feasible(seed)
        turned = Problem(
            problem.total,
            problem.unit,
            dict(reversed(problem.weights.items())),
            problem.constraints[::-1],
            problem.reserve,
        )
        assert allocate(turned) == allocate(problem)


def test_what_is_less_than_a_unit_stands_as_a_named_remainder() -> None:
    answer = solved(Problem(Fraction("100.07"), TENTH, cities(), (), (Remainder("预留", share=Fraction(1, 10)),)))
    assert [(part.name, part.amount) for part in answer.remainder] == [
        ("预留", Fraction(10)),
        (ROUNDING_REMAINDER, Fraction("0.07")),
    ]
    assert sum(held.value for held in answer.cells) == 90


def test_a_cell_without_weight_gets_only_what_is_demanded_for_it() -> None:
    weights = {Cell("a"): Fraction(0), Cell("b"): Fraction(0), Cell("c"): Fraction(5), Cell("d"): Fraction(0)}
    demands = (Constraint("floor", Cell("a"), Fraction("3.04")), Constraint("fixed", Cell("b"), Fraction(2)))
    answer = solved(Problem(Fraction(10), TENTH, weights, demands))
    assert [held.value for held in answer.cells] == [Fraction("3.1"), 2, Fraction("4.9"), 0]
    alone = solved(
        Problem(Fraction(5), Fraction(1), {Cell("a"): Fraction(0)}, (Constraint("fixed", Cell("a"), Fraction(5)),))
    )
    assert [step.amount for step in alone.cells[0].explanation] == [0, 5, 0, 0, 0, 0]


def test_a_demand_may_lie_between_two_units() -> None:
    weights = {Cell("a"): Fraction(1), Cell("b"): Fraction(1)}
    demands = (Constraint("floor", Cell("a"), Fraction("5.01")), Constraint("cap", Cell("b"), Fraction("4.99")))
    assert [h.value for h in solved(Problem(Fraction(10), TENTH, weights, demands)).cells] == [
        Fraction("5.1"),
        Fraction("4.9"),
    ]


@pytest.mark.parametrize("start", range(3))
def test_a_random_feasible_problem_is_met_exactly(start: int) -> None:
    for seed in range(100 * start, 100 * start + 100):
        problem = random_feasible(seed)
        assert_exact(problem, solved(problem))


@pytest.mark.large
@pytest.mark.parametrize("start", range(10))
def test_ten_thousand_random_feasible_problems_are_met_exactly(start: int) -> None:
    for seed in range(1000 * start + 10_000, 1000 * start + 11_000):
        problem = random_feasible(seed)
        assert_exact(problem, solved(problem))


def test_no_split_before_rounding_is_closer_to_the_weights() -> None:
    sharp = 0
    for seed in range(80):
        problem = random_feasible(seed)
        amounts = before_rounding(solved(problem))
        gain = possible_gain(problem, amounts)
        # Amounts are cut to millionths of the unit, which moves the slope ln(x / w) by millionths / x.
        cut = float(problem.unit) / 1e6 / min((float(x) for x in amounts.values() if x), default=1.0)
        if not math.isnan(gain):
            assert gain <= (cut + 1e-8) * float(problem.total) + 1e-9, seed
            sharp += cut < 1e-4
    assert sharp > 45


def test_the_split_under_tight_bounds_and_margins_is_optimal_to_floating_point() -> None:
    dice = random.Random(1)
    cells = [Cell(f"p{i:02d}", f"s{j:02d}") for i in range(20) for j in range(12)]
    weights = {cell: Fraction(int(10 ** dice.uniform(0, 9))) for cell in cells}
    truth = {cell: Fraction(dice.choice([0, 1, dice.randint(0, 5000)]), 10) for cell in cells}
    demands = []
    for kind, codes in (("place_margin", {c.place for c in cells}), ("subject_margin", {c.subject for c in cells})):
        for code in sorted(codes):
            demands.append(Constraint(kind, code, sum(v for c, v in truth.items() if code in (c.place, c.subject))))
    for cell in cells:
        if dice.random() < 0.6:
            demands.append(Constraint("floor", cell, truth[cell] * Fraction(dice.randint(80, 100), 100)))
        if dice.random() < 0.6:
            demands.append(Constraint("cap", cell, truth[cell] * Fraction(dice.randint(100, 120), 100)))
    problem = Problem(sum(truth.values()), TENTH, weights, tuple(demands))
    step = TENTH / 10**6
    grid = grid_of(problem, all_constraints(problem), step)
    assert isinstance(grid, Grid)
    amounts = margin_split(grid, np.array([float(weights[cell]) for cell in grid.cells]))
    assert amounts is not None
    split = {cell: Fraction(float(x)) * step for cell, x in zip(grid.cells, amounts, strict=True)}
    assert abs(possible_gain(problem, split)) < 1e-9 * float(problem.total)
    assert_exact(problem, solved(problem))


def test_the_split_agrees_with_a_general_optimiser() -> None:
    from scipy.optimize import LinearConstraint, minimize

    weights = {
        Cell(p, s): Fraction(w)
        for (p, s), w in zip([(p, s) for p in "abc" for s in "xy"], (5, 1, 2, 8, 3, 3), strict=True)
    }
    demands = (
        Constraint("place_margin", "a", Fraction(40)),
        Constraint("subject_margin", "x", Fraction(50)),
        Constraint("cap", Cell("a", "x"), Fraction(25)),
        Constraint("floor", Cell("b", "x"), Fraction(15)),
    )
    ours = before_rounding(solved(Problem(Fraction(100), Fraction(1), weights, demands)))
    w = np.array([float(v) for v in weights.values()])
    sums = LinearConstraint([[1] * 6, [1, 1, 0, 0, 0, 0], [1, 0, 1, 0, 1, 0]], [100, 40, 50], [100, 40, 50])
    bounds = [(1e-6, 25), (1e-6, None), (15, None), (1e-6, None), (1e-6, None), (1e-6, None)]
    theirs = minimize(
        lambda x: float((x * np.log(x / w)).sum()),
        np.full(6, 100 / 6),
        jac=lambda x: np.log(x / w) + 1,
        bounds=bounds,
        constraints=[sums],
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert np.allclose([float(v) for v in ours.values()], theirs.x, atol=1e-4)


def test_ninety_counties_by_forty_kinds_with_all_margins_and_demands_are_met_exactly() -> None:

    dice = random.Random(4)
    cells = [Cell(f"p{i:02d}", f"s{j:02d}") for i in range(90) for j in range(40)]
    weights = {cell: Fraction(dice.randint(1, 10**6), 1000) for cell in cells}
    everything = sum(weights.values())
    truth = {c: int(w * dice.randint(8, 12) * 5600 / everything) * TENTH for c, w in weights.items()}
    demands = []
    for kind, codes in (("place_margin", {c.place for c in cells}), ("subject_margin", {c.subject for c in cells})):
        for code in sorted(codes):
            demands.append(Constraint(kind, code, sum(v for c, v in truth.items() if code in (c.place, c.subject))))
    for cell in dice.sample(cells, 1500):
        kind, factor = dice.choice([("fixed", 100), ("floor", 97), ("cap", 104)])
        demands.append(Constraint(kind, cell, truth[cell] * Fraction(factor, 100)))
    problem = Problem(sum(truth.values()), TENTH, weights, tuple(demands))
    assert_exact(problem, solved(problem))
    assert len(all_constraints(problem)) == 1631
