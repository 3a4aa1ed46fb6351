"""Counter-offers, re-splitting below, and what a problem may not be."""

from dataclasses import replace
from fractions import Fraction

import pytest

from rongtong.engine.allocation import allocate, counter_offer
from rongtong.engine.allocation.problem import Cell, Constraint, Problem, Remainder, spoken
from rongtong.engine.allocation.solution import CounterOffer, Infeasible, Solution

CITIES = {Cell(p): Fraction(w) for p, w in (("a", 50), ("b", 30), ("c", 20))}
TABLE = {Cell(p, s): Fraction(w) for (p, s), w in {("a", "x"): 5, ("a", "y"): 3, ("b", "x"): 2, ("b", "y"): 9}.items()}


def offered(problem: Problem, where: Cell | str, value: Fraction) -> CounterOffer:
    answer = counter_offer(problem, where, value)
    assert isinstance(answer, CounterOffer), answer
    return answer


def test_a_counter_offer_costs_the_others_exactly_what_it_gains() -> None:
    problem = Problem(Fraction(1000), Fraction(1, 10), CITIES)
    offer = offered(problem, Cell("a"), Fraction("472.3"))
    assert offer.after.value(Cell("a")) == Fraction("472.3")
    assert offer.change == Fraction("-27.7")
    assert offer.cost == {"b": Fraction("16.6"), "c": Fraction("11.1")}
    assert sum(offer.cost.values()) == -offer.change
    assert offer.before == allocate(problem)


def test_a_counter_offer_for_a_place_leaves_its_inner_split_free() -> None:
    offer = offered(Problem(Fraction(190), Fraction(1), TABLE), "a", Fraction(100))
    assert offer.after.place_totals() == {"a": 100, "b": 90}
    assert offer.cost == {"b": Fraction(-20)}
    assert sum(offer.cells.values()) == 0
    assert offer.after.value(Cell("a", "x")) == 63


def test_a_counter_offer_inside_a_fixed_place_costs_no_other_place() -> None:
    problem = Problem(Fraction(190), Fraction(1), TABLE, (Constraint("place_margin", "a", Fraction(80)),))
    offer = offered(problem, Cell("a", "x"), Fraction(60))
    assert offer.change == 0
    assert offer.cost == {"b": Fraction(0)}
    assert offer.cells[Cell("a", "y")] == -offer.cells[Cell("a", "x")]


def test_a_counter_offer_replaces_the_value_fixed_before() -> None:
    problem = Problem(Fraction(1000), Fraction(1), CITIES, (Constraint("fixed", Cell("a"), Fraction(400)),))
    assert offered(problem, Cell("a"), Fraction(420)).change == 20


def test_a_counter_offer_against_other_demands_is_answered_with_the_conflict() -> None:
    problem = Problem(
        Fraction(1000), Fraction(1), CITIES, (Constraint("floor", Cell("a"), Fraction(450)),), names={"a": "甲市"}
    )
    answer = counter_offer(problem, Cell("a"), Fraction(440))
    assert isinstance(answer, Infeasible)
    assert "反提案：甲市为440" in answer.words


def test_a_counter_offer_for_an_unknown_place_is_refused() -> None:
    with pytest.raises(ValueError, match="不在权重表"):
        counter_offer(Problem(Fraction(1000), Fraction(1), CITIES), Cell("z"), Fraction(1))


def test_a_city_splits_its_own_cell_over_its_counties() -> None:
    above = allocate(Problem(Fraction(1000), Fraction(1, 10), CITIES))
    assert isinstance(above, Solution)
    counties = {Cell(f"a{k}"): Fraction(k + 1) for k in range(3)}
    below = allocate(Problem(above.value(Cell("a")), Fraction(1, 10), counties, tie="allocation/a"))
    assert isinstance(below, Solution)
    assert sum(held.value for held in below.cells) == above.value(Cell("a"))
    assert below.tie == "allocation/a"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"total": Fraction(-1)}, "总额不能为负，现为-1"),
        ({"total": 10.5}, "总额应为精确数"),
        ({"total": float("nan")}, "总额应为精确数"),
        ({"unit": Fraction(0)}, "取整单位应大于0"),
        ({"unit": Fraction(1, 10**12)}, "过小"),
        ({"weights": {}}, "没有可分解的格"),
        ({"weights": {Cell("a"): Fraction(-2)}}, "a的权重为-2，权重不能为负"),
        ({"weights": {Cell("a"): 0.5}}, "a的权重应为精确数"),
        ({"reserve": (Remainder("机动余项"),)}, "只给数额或只给比例"),
        ({"reserve": (Remainder("机动余项", Fraction(1), Fraction(1, 2)),)}, "只给数额或只给比例"),
        ({"reserve": (Remainder("", Fraction(1)),)}, "没有名称"),
        ({"reserve": (Remainder("机动余项", Fraction(1)), Remainder("机动余项", Fraction(2)))}, "出现了2次"),
        ({"reserve": (Remainder("机动余项", share=Fraction(3, 2)),)}, "比例应在0与1之间"),
        ({"constraints": (Constraint("floor", Cell("z"), Fraction(1)),)}, "z不低于1.*不在权重表"),
        ({"constraints": (Constraint("floor", "a", Fraction(1)),)}, "不在权重表"),
        ({"constraints": (Constraint("place_margin", "z", Fraction(1)),)}, "不在权重表"),
        ({"constraints": (Constraint("fixed", Cell("a"), Fraction(-1)),)}, "为负"),
        ({"constraints": (Constraint("cap", Cell("a"), Fraction(10**30)),)}, "数值过大"),
        ({"constraints": (Constraint("total", "", Fraction(7)),)}, "与总额1000不一致"),
        (
            {"constraints": (Constraint("cap", Cell("a"), Fraction(1)), Constraint("cap", Cell("a"), Fraction(2)))},
            "重复了2次",
        ),
        ({"constraints": (Constraint("least", Cell("a"), Fraction(1)),)}, "不认识的要求种类“least”"),
    ],
)
def test_a_problem_that_makes_no_sense_is_refused_in_words(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(Problem(Fraction(1000), Fraction(1), CITIES), **change)


def test_amounts_are_spoken_in_exact_decimals() -> None:
    assert [spoken(Fraction(v)) for v in ("0", "-0.05", "1200", "12.30", "1/3")] == [
        "0",
        "-0.05",
        "1200",
        "12.3",
        "1/3",
    ]
