"""Controlled rounding: exact margins, least total deviation, ties by order."""

import itertools
import random

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from rongtong.engine.allocation.flow import Blocked, Flow, Network, cheapest_flow
from rongtong.engine.allocation.rounding import Rounded, controlled_rounding

SCALE = 10


def table(seed: int, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Amounts in tenths, bounds, and margins of some table within the bounds that may lie far from the amounts."""
    dice = random.Random(seed)
    size = rows * columns
    q = np.array([dice.choice([0, 5, 10, dice.randint(0, 40)]) for _ in range(size)], dtype=np.int64)
    truth = np.array([max(0, q[k] // SCALE + dice.choice([0, 0, 1, 1, -1, 2])) for k in range(size)], dtype=np.int64)
    lower = np.array([max(0, t - dice.randint(0, 2)) for t in truth], dtype=np.int64)
    upper = np.array([t + dice.randint(0, 2) for t in truth], dtype=np.int64)
    square = truth.reshape(rows, columns)
    return q, lower, upper, np.concatenate([square.sum(axis=1), -square.sum(axis=0)])


def ends(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    row, column = np.divmod(np.arange(rows * columns), columns)
    return row, column + rows


def test_rounding_is_the_best_of_all_tables_and_the_first_in_order_among_equals() -> None:
    rows, columns = 2, 3
    row, column = ends(rows, columns)
    for seed in range(150):
        q, lower, upper, supply = table(seed, rows, columns)
        ways = itertools.product(*(range(lo, hi + 1) for lo, hi in zip(lower.tolist(), upper.tolist(), strict=True)))
        fits = [
            x
            for x in ways
            if (np.array(x).reshape(rows, columns).sum(axis=1) == supply[:rows]).all()
            and (np.array(x).reshape(rows, columns).sum(axis=0) == -supply[rows:]).all()
        ]
        best = min(fits, key=lambda x: (sum(abs(SCALE * v - w) for v, w in zip(x, q, strict=True)), [-v for v in x]))
        answer = controlled_rounding(q, SCALE, lower, upper, row, column, supply)
        assert isinstance(answer, Rounded)
        assert answer.values == list(best), seed
        assert answer.deviation == sum(abs(SCALE * v - w) for v, w in zip(best, q, strict=True))


@pytest.mark.parametrize("seed", range(30))
def test_rounding_has_the_optimum_of_an_integer_program(seed: int) -> None:
    rows, columns = 7, 5
    row, column = ends(rows, columns)
    size = rows * columns
    q, lower, upper, supply = table(seed, rows, columns)
    answer = controlled_rounding(q, SCALE, lower, upper, row, column, supply)
    assert isinstance(answer, Rounded)
    margins = np.zeros((rows + columns, 2 * size))
    margins[row, np.arange(size)] = 1
    margins[column, np.arange(size)] = 1
    eye = np.eye(size)
    program = milp(
        np.concatenate([np.zeros(size), np.ones(size)]),
        integrality=np.concatenate([np.ones(size), np.zeros(size)]),
        bounds=Bounds(np.concatenate([lower, np.zeros(size)]), np.concatenate([upper, np.full(size, np.inf)])),
        constraints=[
            LinearConstraint(margins, np.abs(supply), np.abs(supply)),
            LinearConstraint(np.hstack([SCALE * eye, -eye]), -np.inf, q),
            LinearConstraint(np.hstack([SCALE * eye, eye]), q, np.inf),
        ],
        options={"mip_rel_gap": 0.0},
    )
    assert answer.deviation == round(program.fun)
    square = np.array(answer.values).reshape(rows, columns)
    assert (square.sum(axis=1) == supply[:rows]).all()
    assert (square.sum(axis=0) == -supply[rows:]).all()
    assert (np.array(answer.values) >= lower).all()
    assert (np.array(answer.values) <= upper).all()


def test_a_cell_is_moved_by_several_units_where_the_margins_force_it() -> None:
    q = np.array([0, 0, 0, 0])
    row, column = ends(2, 2)
    supply = np.array([7, 0, -7, 0])
    answer = controlled_rounding(q, SCALE, np.zeros(4, dtype=np.int64), np.full(4, 9), row, column, supply)
    assert isinstance(answer, Rounded)
    assert answer.values == [7, 0, 0, 0]


def test_margins_out_of_reach_of_the_bounds_are_reported_as_blocked() -> None:
    row, column = ends(2, 2)
    supply = np.array([7, 0, -7, 0])
    answer = controlled_rounding(np.zeros(4), SCALE, np.zeros(4, dtype=np.int64), np.full(4, 6), row, column, supply)
    assert isinstance(answer, Blocked)
    assert supply[answer.inside].sum() > 0


def test_a_cheapest_flow_proves_itself_by_its_potentials() -> None:
    for seed in range(60):
        dice = np.random.default_rng(seed)
        nodes, arcs = 8, 30
        tail, head = dice.integers(0, nodes, arcs), dice.integers(0, nodes, arcs)
        capacity, cost = dice.integers(0, 20, arcs), dice.integers(-50, 50, arcs)
        carried = dice.integers(0, capacity + 1)
        supply = np.bincount(tail, carried, nodes) - np.bincount(head, carried, nodes)
        answer = cheapest_flow(Network(tail, head, capacity, cost, supply.astype(np.int64)))
        assert isinstance(answer, Flow)
        reduced = cost - answer.potential[tail] + answer.potential[head]
        assert (answer.flow[reduced > 0] == 0).all()
        assert (answer.flow[reduced < 0] == capacity[reduced < 0]).all()
        assert (np.bincount(tail, answer.flow, nodes) - np.bincount(head, answer.flow, nodes) == supply).all()


def test_supplies_that_do_not_add_up_to_zero_are_refused() -> None:
    one = np.array([0])
    with pytest.raises(ValueError, match="供给之和应为0，现为1"):
        cheapest_flow(Network(one, one + 1, one, one, np.array([1, 0])))
