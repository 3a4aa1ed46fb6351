"""What makes a change and a shortfall: the parts and the rest add up exactly, and nothing is hidden in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packs import cards, facts_of, shipped
from rongtong.engine.breakdown import Breakdown, composition, contributions, shortfall, unallocated_share
from rongtong.engine.facts import Fact
from rongtong.engine.figure import Figure, Key
from rongtong.engine.indicator import Board, Facts, Request, board
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period
from rongtong.engine.quantity import Quantity

AS_OF = date(2025, 7, 15)
H1 = Period.parse("2025H1")
CITIES = ("330100", "330200", "330300")
ROOT = "330000"


@pytest.fixture(scope="module")
def pack() -> Pack:
    return shipped("china", "zhejiang")


def real_board(pack: Pack) -> Board:
    card = pack.get("indicators", "industrial_rd_expense")
    request = Request(card, Period.parse("2025Q1"), AS_OF, pack.places.at_level("city"), ROOT)
    return board(request, facts_of(pack, "industrial_rd_expense_2025q1.csv"), cards(pack), pack.places)


def made_board(pack: Pack, values: dict[str, tuple[int, int, int]], goals: dict[str, int]) -> Board:
    """`values`: place → this half, last half, last year, in 分; `goals` in 亿元."""
    card = pack.get("indicators", "input_enterprise")
    periods = (H1, H1.years_before(), Period.parse("2024"))
    facts = [
        Fact(card.code, place, period, value, "actual", AS_OF)
        for place, row in values.items()
        for period, value in zip(periods, row, strict=True)
    ]
    figures = {
        place: Figure(
            Key(card.code, place, H1.whole_year, "target"), Quantity.of(v, "亿元"), card.scope, "target", "target"
        )
        for place, v in goals.items()
    }
    target = pack.get("targets", "input_enterprise_2025")
    request = Request(card, H1, AS_OF, CITIES, ROOT, goals=figures, target=target)
    return board(request, Facts.of(facts), cards(pack), pack.places)


def amount(found: Breakdown) -> Fraction:
    rest = found.rest.quantity.amount if found.rest else Fraction(0)
    return sum((f.quantity.amount for f in found.parts.values()), rest)


def test_contributions_of_the_real_quarter_add_up_to_the_published_growth(pack: Pack) -> None:
    found = contributions(real_board(pack))
    assert found is not None
    assert found.total.id == "industrial_rd_expense.yoy@330000@2025Q1"
    assert amount(found) == Fraction("0.077")
    assert (found.parts["330200"].text, found.parts["330400"].text) == ("1.75", "-0.39")
    assert str(found.parts["330200"].unit) == "百分点"
    assert found.rest is not None
    assert found.rest.text == "-0.01"


def test_a_place_not_reported_is_named_and_stays_within_the_rest(pack: Pack) -> None:
    whole = real_board(pack)
    rows = tuple(replace(r, figures={}) if r.place == "330100" else r for r in whole.rows)
    found = contributions(replace(whole, rows=rows))
    assert found is not None
    assert found.missing == ("330100",)
    assert "330100" not in found.parts
    assert amount(found) == Fraction("0.077")


def test_without_a_base_there_is_no_breakdown_of_growth(pack: Pack) -> None:
    whole = real_board(pack)
    top = {k: v for k, v in whole.total.figures.items() if k != "base"}
    assert contributions(replace(whole, total=replace(whole.total, figures=top))) is None


def test_a_shortfall_is_what_is_due_less_what_is_there(pack: Pack) -> None:
    yi = 10**10
    values = {ROOT: (45 * yi, 40 * yi, 100 * yi), "330100": (20 * yi, 25 * yi, 50 * yi)}
    found = shortfall(made_board(pack, values, {ROOT: 120, "330100": 60}))
    assert found is not None
    # 120 × 40/100 − 45 = 3; 60 × 25/50 − 20 = 10; the rest is ahead by 7.
    assert (found.total.text, found.parts["330100"].text) == ("3.00", "10.00")
    assert found.rest is not None
    assert found.rest.text == "-7.00"
    assert [f.key.measure for f in found.parts["330100"].inputs] == ["value", "target", "baseline"]


def test_without_a_goal_there_is_no_shortfall(pack: Pack) -> None:
    assert shortfall(real_board(pack)) is None


levels = st.integers(1, 10**14)


@given(st.dictionaries(st.sampled_from((*CITIES, ROOT)), st.tuples(levels, levels, levels)), st.data())
def test_both_breakdowns_add_up_exactly_for_any_levels(
    values: dict[str, tuple[int, int, int]], data: st.DataObject
) -> None:
    places = data.draw(st.sets(st.sampled_from((*CITIES, ROOT))))
    goals = {place: data.draw(st.integers(1, 10**5)) for place in sorted(places)}
    made = made_board(shipped("china", "zhejiang"), values, goals)
    for found in (contributions(made), shortfall(made)):
        if found is not None:
            assert amount(found) == found.total.quantity.amount
            assert all(f.inputs for f in found.figures().values())
            assert set(found.parts) | set(found.missing) == set(CITIES)


def test_a_whole_is_its_parts_and_the_rest_and_the_shares_add_up(pack: Pack) -> None:
    found = {row.place: row.figures["value"] for row in real_board(pack).rows}
    whole = real_board(pack).total.figures["value"]
    made = composition(whole, found)
    assert made.rest
    assert made.rest_share
    assert made.rest.quantity.amount == whole.quantity.amount - sum(f.quantity.amount for f in found.values())
    assert sum(f.quantity.amount for f in made.shares.values()) + made.rest_share.quantity.amount == 1
    assert set(made.figures()) == {f.id for f in (*made.shares.values(), made.rest, made.rest_share)}


def test_parts_above_the_whole_leave_a_negative_rest(pack: Pack) -> None:
    top = real_board(pack).total.figures["value"]
    made = composition(top, {"a": top, "b": top})
    assert made.rest
    assert made.rest.quantity.amount == -top.quantity.amount


def test_an_unknown_part_or_whole_leaves_no_rest(pack: Pack) -> None:
    top = real_board(pack).total.figures["value"]
    part = composition(top, {"a": top, "b": None})
    assert (part.rest, part.rest_share, set(part.shares)) == (None, None, {"a"})
    assert composition(None, {"a": top}).figures() == {}


def test_what_belongs_to_no_place_has_a_share_of_the_total(pack: Pack) -> None:
    share = unallocated_share(real_board(pack))
    assert share
    assert share.id == "industrial_rd_expense.unallocated_share@330000@2025Q1"
    assert share.text == "0.0"
