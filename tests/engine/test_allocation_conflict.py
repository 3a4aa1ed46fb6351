"""Demands that cannot hold together: named, needed, as few as possible, and repaired at the least cost."""

import itertools
import random
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from rongtong.engine.allocation import allocate
from rongtong.engine.allocation.conflict import conflict_set, is_feasible
from rongtong.engine.allocation.problem import (
    Cell,
    Constraint,
    Problem,
    Remainder,
    all_constraints,
    left_over,
    units_to_split,
)
from rongtong.engine.allocation.repair import apply_repair
from rongtong.engine.allocation.solution import Infeasible, Solution

TENTH = Fraction(1, 10)


def refused(problem: Problem) -> Infeasible:
    answer = allocate(problem)
    assert isinstance(answer, Infeasible), answer
    return answer


def random_problem(seed: int, most: int, zeros: bool = True) -> Problem:
    """A small problem with up to `most` demands drawn without regard to each other: mostly infeasible."""
    dice = random.Random(seed)
    unit = dice.choice([Fraction(1), TENTH])
    cells = [Cell(p, s) for p in "abc"[: dice.randint(1, 3)] for s in "xyz"[: dice.randint(1, 3)]]
    weights = {cell: Fraction(dice.choice([0, 1, 2] if zeros else [1, 2, 3])) for cell in cells}
    keys: list[tuple[str, Cell | str]] = [(kind, cell) for kind in ("fixed", "floor", "cap") for cell in cells]
    keys += [("place_margin", p) for p in sorted({c.place for c in cells})]
    keys += [("subject_margin", s) for s in sorted({c.subject for c in cells})]
    chosen = dice.sample(keys, min(len(keys), dice.randint(1, most)))
    demands = []
    for kind, key in chosen:
        value = Fraction(dice.randint(0, 12 if isinstance(key, Cell) else 25)) + dice.choice(
            [0, 0, 0, 0, 0, Fraction(1, 20)]
        )
        demands.append(Constraint(kind, key, value, relaxable=dice.random() < 0.6))
    total = Fraction(dice.randint(0, 40))
    if dice.random() < 0.3:
        demands.append(Constraint("total", "", total, relaxable=True))
    return Problem(total, unit, weights, tuple(demands))


def holds(problem: Problem, demands: Sequence[Constraint]) -> bool:
    """The same question put to a linear program in whole units (its matrix is totally unimodular)."""
    cells = sorted(problem.weights)
    low, high = dict.fromkeys(cells, 0), dict.fromkeys(cells, 10**6)
    rows, sums = [], []
    for demand in demands:
        units = demand.value / problem.unit
        if isinstance(demand.key, Cell):
            if demand.kind != "cap":
                low[demand.key] = max(low[demand.key], int(-(-units // 1)))
            if demand.kind != "floor":
                high[demand.key] = min(high[demand.key], int(units // 1))
            continue
        if units.denominator != 1 and demand.kind != "total":
            return False
        rows.append([float(demand.key in ("", c.place, c.subject)) for c in cells])
        sums.append(units_to_split(problem) if demand.kind == "total" else int(units))
    if any(low[c] > high[c] for c in cells):
        return False
    high.update((c, low[c]) for c in cells if not problem.weights[c])
    if not rows:
        return True
    answer = linprog(np.zeros(len(cells)), A_eq=rows, b_eq=sums, bounds=[(low[c], high[c]) for c in cells])
    return bool(answer.status == 0)


def infeasible_problems(count: int, most: int, zeros: bool = True) -> list[Problem]:
    found: list[Problem] = []
    for seed in itertools.count():
        problem = random_problem(seed, most, zeros)
        if not holds(problem, all_constraints(problem)):
            found.append(problem)
        if len(found) == count:
            return found
    return found


def test_a_problem_is_refused_exactly_where_no_whole_split_exists() -> None:
    for seed in range(100):
        problem = random_problem(seed, 8)
        assert isinstance(allocate(problem), Solution) == holds(problem, all_constraints(problem)), seed


def test_every_member_of_a_conflict_is_needed() -> None:
    for problem in infeasible_problems(50, 12):
        conflicts = refused(problem).conflicts
        assert not holds(problem, conflicts)
        assert not is_feasible(problem, conflicts)
        for demand in conflicts:
            rest = [c for c in conflicts if c is not demand]
            assert holds(problem, rest)
            assert is_feasible(problem, rest)


def test_no_smaller_set_conflicts() -> None:
    for problem in infeasible_problems(25, 8):
        answer = refused(problem)
        assert answer.smallest
        for size in range(len(answer.conflicts)):
            for some in itertools.combinations(all_constraints(problem), size):
                assert holds(problem, some), (problem, some)


def test_a_conflict_among_many_demands_is_thinned_until_each_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rongtong.engine.allocation.conflict.SMALLEST_UP_TO", 0)
    for problem in infeasible_problems(50, 12):
        conflicts, _ = conflict_set(problem)
        assert not holds(problem, conflicts)
        assert all(holds(problem, [c for c in conflicts if c is not demand]) for demand in conflicts)


def test_more_than_forty_demands_are_answered_with_a_conflict_of_which_each_is_needed() -> None:
    weights = {Cell(f"p{k:02d}"): Fraction(1) for k in range(60)}
    problem = Problem(
        Fraction(100),
        Fraction(1),
        weights,
        tuple(Constraint("floor", c, Fraction(2 + c.place.count("5"))) for c in weights),
    )
    answer = refused(problem)
    assert not answer.smallest
    assert f"……共{len(answer.conflicts)}条。" in answer.words
    assert not is_feasible(problem, answer.conflicts)
    assert all(is_feasible(problem, [c for c in answer.conflicts if c is not d]) for d in answer.conflicts)


def least_size(problem: Problem) -> Fraction | None:
    """The least total relaxation by an integer program: whole units per cell, one slack per relaxable demand."""
    cells = sorted(problem.weights)
    demands = all_constraints(problem)
    cost = np.array([0.0] * len(cells) + [1.0] * len(demands))
    rows, low, high = [], [], []
    for k, demand in enumerate(demands):
        line = [float(problem.unit) * (demand.key in ("", c, c.place, c.subject)) for c in cells]
        slack = [float(n == k and demand.relaxable) for n in range(len(demands))]
        value = float(units_to_split(problem) * problem.unit if demand.kind == "total" else demand.value)
        if demand.kind != "cap":
            rows.append(line + slack)
            low.append(value)
            high.append(np.inf)
        if demand.kind != "floor":
            rows.append(line + [-s for s in slack])
            low.append(-np.inf)
            high.append(value)
    answer = milp(
        cost,
        integrality=[1] * len(cells) + [0] * len(demands),
        bounds=Bounds(0, np.inf),
        constraints=LinearConstraint(rows, low, high),
        options={"mip_rel_gap": 0.0},
    )
    return None if answer.x is None else Fraction(round(answer.fun * 1000), 1000)


def test_a_repair_is_the_least_and_makes_the_split_possible() -> None:
    repaired = 0
    for problem in infeasible_problems(50, 10, zeros=False):
        repair = refused(problem).repair
        assert (repair.size if repair else None) == least_size(problem), problem
        if repair:
            repaired += 1
            assert all(change.constraint.relaxable for change in repair.changes)
            assert isinstance(allocate(apply_repair(problem, repair)), Solution)
    assert repaired > 12


def test_a_repair_works_where_weights_are_zero_and_the_total_is_no_multiple_of_the_unit() -> None:
    repaired = 0
    for number, problem in enumerate(infeasible_problems(50, 10)):
        odd = Problem(
            problem.total + Fraction(3, 100),
            problem.unit,
            problem.weights,
            tuple(c for c in problem.constraints if c.kind != "total")
            + ((Constraint("total", "", problem.total + Fraction(3, 100), relaxable=True),) if number % 2 else ()),
            (Remainder("机动余项", share=Fraction(1, 20)),),
        )
        answer = allocate(odd)
        if isinstance(answer, Infeasible) and answer.repair:
            repaired += 1
            assert left_over(odd) > 0
            assert isinstance(allocate(apply_repair(odd, answer.repair)), Solution)
    assert repaired > 12


def test_a_repair_touches_equal_demands_alike_rather_than_emptying_the_first() -> None:
    weights = {Cell(p): Fraction(1) for p in "abc"}
    problem = Problem(
        Fraction(60), Fraction(1), weights, tuple(Constraint("floor", c, Fraction(40), relaxable=True) for c in weights)
    )
    repair = refused(problem).repair
    assert repair is not None
    assert repair.size == 60
    assert sorted(change.value for change in repair.changes) == [20, 20, 20]


def test_a_conflict_is_told_in_words() -> None:
    weights = {Cell("a"): Fraction(1), Cell("b"): Fraction(1)}
    demands = (
        Constraint("floor", Cell("a"), Fraction("60.5")),
        Constraint("floor", Cell("b"), Fraction(45), relaxable=True),
        Constraint("cap", Cell("b"), Fraction(90)),
    )
    names = {"a": "甲市", "b": "乙市"}
    answer = refused(
        Problem(Fraction(110), TENTH, weights, demands, (Remainder("机动余项", Fraction(10)),), names, "亿元", "f")
    )
    assert [c.kind for c in answer.conflicts] == ["total", "floor", "floor"]
    assert answer.shortfall == Fraction("5.5")
    assert answer.tie == "f"
    assert answer.words == (
        "下列3条要求不能同时成立，去掉其中任何一条，其余即可成立：①总额110亿元（其中机动余项10亿元不分解）；"
        "②甲市不低于60.5亿元；③乙市不低于45亿元。差额5.5亿元。"
        "最小放宽：①乙市不低于45亿元，改为39.5亿元。合计放宽5.5亿元。"
    )


def test_what_only_rounding_forbids_is_said_to_be_so() -> None:
    weights = {Cell("a"): Fraction(1), Cell("b"): Fraction(1)}
    demands = (Constraint("floor", Cell("a"), Fraction("5.01")), Constraint("floor", Cell("b"), Fraction("4.91")))
    answer = refused(Problem(Fraction(10), TENTH, weights, demands))
    assert answer.only_by_rounding
    assert "不取整时可以成立，但各格须为0.1的整数倍" in answer.words
    fixed = refused(Problem(Fraction(10), TENTH, weights, (Constraint("fixed", Cell("a"), Fraction("5.01")),)))
    assert fixed.only_by_rounding
    assert fixed.words.startswith("这条要求本身不能成立：①a固定为5.01。")
    real = refused(Problem(Fraction(10), TENTH, weights, (Constraint("floor", Cell("a"), Fraction(11)),)))
    assert not real.only_by_rounding


def test_a_floor_above_a_cap_is_a_conflict_of_the_two() -> None:
    weights = {Cell("a"): Fraction(1), Cell("b"): Fraction(1)}
    demands = (Constraint("floor", Cell("a"), Fraction(6)), Constraint("cap", Cell("a"), Fraction(5)))
    assert set(refused(Problem(Fraction(10), TENTH, weights, demands)).conflicts) == set(demands)


def test_remainders_above_the_total_leave_nothing_to_split() -> None:
    answer = refused(Problem(Fraction(10), TENTH, {Cell("a"): Fraction(1)}, (), (Remainder("机动余项", Fraction(12)),)))
    assert [c.kind for c in answer.conflicts] == ["total"]
    assert "机动余项12不分解" in answer.words


def test_zero_weights_are_named_as_a_reason() -> None:
    weights = {Cell("a", "x"): Fraction(0), Cell("b", "x"): Fraction(1)}
    answer = refused(Problem(Fraction(10), Fraction(1), weights, (Constraint("place_margin", "a", Fraction(4)),)))
    assert [c.kind for c in answer.conflicts] == ["place_margin"]
    assert "权重为0" in answer.words


def test_demands_that_may_not_be_relaxed_leave_no_repair_and_say_so() -> None:
    weights = {Cell("a"): Fraction(1), Cell("b"): Fraction(1)}
    rigid = Constraint("floor", Cell("a"), Fraction(11))
    answer = refused(Problem(Fraction(10), Fraction(1), weights, (rigid,)))
    assert answer.repair is None
    assert "没有标为可放宽的要求" in answer.words
    soft = Constraint("floor", Cell("b"), Fraction(5), relaxable=True)
    answer = refused(Problem(Fraction(10), Fraction(1), weights, (rigid, soft)))
    assert answer.repair is None
    assert "全部放宽，仍不能成立" in answer.words
