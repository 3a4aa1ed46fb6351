"""The board of the one real part-year figure by city that is public, and what must never be computed otherwise."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from packs import cards, facts_of, shipped
from rongtong.engine.facts import Fact
from rongtong.engine.figure import Figure, FigureError, Key, total
from rongtong.engine.indicator import Board, Facts, Request, board, formula_names
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period
from rongtong.engine.sentence import plain

AS_OF = date(2025, 7, 15)
Q1 = Period.parse("2025Q1")


@pytest.fixture(scope="module")
def pack() -> Pack:
    return shipped("china", "zhejiang")


def real_board(pack: Pack, facts: Facts | None = None) -> Board:
    card = pack.get("indicators", "industrial_rd_expense")
    rule = pack.get("lamps", card.lamp)
    request = Request(card, Q1, AS_OF, pack.places.at_level("city"), "330000", rule=rule)
    return board(request, facts or facts_of(pack, "industrial_rd_expense_2025q1.csv"), cards(pack), pack.places)


def test_the_province_grows_by_the_published_rate_and_the_check_comes_from_levels(pack: Pack) -> None:
    found = real_board(pack)
    assert found.total.figures["value"].text == "851.36"
    assert found.total.figures["yoy"].text == "7.7"
    assert found.check is not None
    assert found.check.text == "7.72"
    rates = [r.figures["yoy"].number for r in found.rows]
    assert round(float(sum(rates) / len(rates)), 1) == 9.7, "the mean of rates, which is wrong, would be 9.7"


def test_cities_sum_to_less_than_the_province_and_the_rest_is_a_line_of_its_own(pack: Pack) -> None:
    found = real_board(pack)
    assert sum(r.figures["value"].number for r in found.rows) == Fraction("851.05")
    assert found.unallocated is not None
    assert found.unallocated.text == "0.31"


def test_ranks_show_ties_and_skip_the_place_after_them(pack: Pack) -> None:
    ranks = {r.place: int(r.figures["yoy_rank"].number) for r in real_board(pack).rows}
    assert ranks["331100"] == 1
    assert ranks["330300"] == ranks["330600"] == 3
    assert ranks["331000"] == 5
    assert ranks["330500"] == ranks["330800"] == 7
    assert ranks["330400"] == 11


def test_the_gap_to_the_province_is_in_percentage_points(pack: Pack) -> None:
    gaps = {r.place: r.figures["gap"] for r in real_board(pack).rows}
    assert gaps["330400"].text == "-10.5"
    assert str(gaps["330400"].unit) == "百分点"


def test_the_sentence_follows_the_pattern_of_the_field(pack: Pack) -> None:
    rows = {r.place: plain(r.sentence) for r in real_board(pack).rows}
    assert (
        rows["330400"]
        == "2025年一季度，嘉兴规上工业研发费用106.94亿元，同比下降2.8%，增速居全省第11位，占全省12.6%，低于全省增速10.5个百分点。"
    )
    assert "增速并列全省第3位" in rows["330300"]


def test_a_base_implied_by_a_published_rate_is_an_estimate_that_shows_its_inputs(pack: Pack) -> None:
    row = next(r for r in real_board(pack).rows if r.place == "330100")
    base = row.figures["base"]
    assert base.status == "estimate"
    assert base.number == Fraction("206.94") / Fraction("1.064")
    assert [f.id for f in base.inputs] == [
        "industrial_rd_expense@330100@2025Q1",
        "industrial_rd_expense.yoy@330100@2025Q1",
    ]


def test_lamps_name_their_basis_and_the_total_has_none_without_a_target(pack: Pack) -> None:
    found = real_board(pack)
    lamps = {r.place: r.lamp for r in found.rows}
    assert lamps["331100"] is not None
    assert lamps["331100"].code == "green"
    assert lamps["330400"] is not None
    assert lamps["330400"].code == "red"
    assert "全省增速" in lamps["330400"].basis
    assert found.total.lamp is None


def test_every_figure_walks_back_to_cells_of_a_file(pack: Pack) -> None:
    for figure in real_board(pack).figures().values():
        leaves = [f for f in figure.walk() if not f.inputs]
        assert leaves
        assert all(any(c.file for c in leaf.cites) for leaf in leaves), figure.id


def test_a_city_that_has_not_reported_is_left_out_of_ranks_and_nothing_is_invented(pack: Pack) -> None:
    facts = dict(facts_of(pack, "industrial_rd_expense_2025q1.csv").by_key)
    for key in [k for k in facts if k[1] == "330400"]:
        del facts[key]
    found = real_board(pack, Facts(facts))
    row = next(r for r in found.rows if r.place == "330400")
    assert row.figures == {}
    assert plain(row.sentence) == "2025年一季度，嘉兴规上工业研发费用未报。"
    assert found.unallocated is None, "with a city missing the rest cannot be told from the city"
    assert found.check is None
    assert max(int(r.figures["yoy_rank"].number) for r in found.rows if r.figures) == 10


def test_without_a_published_total_the_sum_of_all_places_stands_in_and_says_so(pack: Pack) -> None:
    facts = {k: f for k, f in facts_of(pack, "industrial_rd_expense_2025q1.csv").by_key.items() if k[1] != "330000"}
    found = real_board(pack, Facts(facts))
    top = found.total.figures["value"]
    assert (top.operation, top.text) == ("sum", "851.05")
    assert found.total.figures["yoy"].text == "7.7"
    assert len(top.inputs) == 11
    assert found.unallocated is None


def test_rd_and_st_input_are_never_added_and_the_refusal_says_why(pack: Pack) -> None:
    def one(code: str, place: str) -> Figure:
        fact = Fact(code, place, Period.parse("2024"), 100, "actual", AS_OF, evidence="x.csv!D2")
        card = pack.get("indicators", code)
        request = Request(card, Period.parse("2024"), AS_OF, (), place)
        return board(request, Facts.of([fact]), cards(pack), pack.places).total.figures["value"]

    figures = [one("rd_total", "330000"), one("input_total", "330000")]
    with pytest.raises(FigureError, match=r"不能相加：.*两套口径"):
        total(Key("rd_total", "330000", Period.parse("2024")), figures, cards(pack).reasons, cards(pack).scope_names)


def test_a_formula_card_is_a_ratio_of_levels_with_both_as_inputs(pack: Pack) -> None:
    card = pack.get("indicators", "rd_intensity")
    year = Period.parse("2023")
    facts = Facts.of(
        Fact(code, "330000", year, value, "actual", AS_OF, evidence="x.csv!D2")
        for code, value in (("rd_total", 264_000_000_000_00), ("gdp", 8_255_300_000_000_00))
    )
    found = board(Request(card, year, AS_OF, (), "330000"), facts, cards(pack), pack.places).total.figures["value"]
    assert found.quantity.amount == Fraction(264_000_000_000, 8_255_300_000_000)
    assert {f.key.indicator for f in found.inputs} == set(formula_names(card.formula)) == {"rd_total", "gdp"}


def test_the_place_that_covers_a_report_is_the_lowest_one_above_all_of_it(pack: Pack) -> None:
    tree = pack.places
    assert tree.covering(["330102", "330106"]) == "330100"
    assert tree.covering(["330102"]) == "330102"
    assert tree.covering(["330102", "330203"]) == "330000"
    assert tree.covering([]) is None


def test_where_less_is_better_the_least_ranks_first_and_its_value_stays_what_it_is(pack: Pack) -> None:
    card = pack.get("indicators", "industrial_rd_expense").model_copy(update={"direction": "down"})
    request = Request(card, Q1, AS_OF, pack.places.at_level("city"), "330000")
    found = board(request, facts_of(pack, "industrial_rd_expense_2025q1.csv"), cards(pack), pack.places)
    rows = {r.place: r.figures for r in found.rows}
    assert int(rows["330400"]["yoy_rank"].number) == 1
    assert int(rows["331100"]["rank"].number) == 1
    assert rows["331100"]["rank"].inputs[0].text == "18.14"
