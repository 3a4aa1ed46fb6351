"""The six kinds of targets, and the differences that no one may fix."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from packs import cards, shipped
from rongtong.engine.figure import Figure, Key
from rongtong.engine.pack.model import Cite, Reference, Target
from rongtong.engine.period import Period
from rongtong.engine.quantity import Quantity, UnitError
from rongtong.engine.target import Units, as_figure, assess, difference, met_by_all

PACK = shipped("china", "zhejiang")
CARDS = cards(PACK).cards
VALUES: dict[tuple[str, str, str], str] = {}


def target(kind: str, comparator: str = ">=", value: str | None = None, unit: str = "", **more: object) -> Target:
    data = {
        "code": "t", "indicator": "input_enterprise", "place": "330000", "period": "2025", "kind": kind,
        "comparator": comparator, "value": value, "unit": unit, "cite": Cite(document="d"), **more,
    }  # fmt: skip
    return Target.model_validate(data)


def known(**values: str) -> None:
    """Values as `indicator__place__period="number"` in 亿元."""
    VALUES.clear()
    VALUES.update({tuple(k.split("__")): v for k, v in values.items()})  # type: ignore[misc]


def lookup(code: str, place: str, period: Period) -> Figure | None:
    value = VALUES.get((code, place, str(period)))
    if value is None:
        return None
    return Figure(
        Key(code, place, period),
        Quantity.of(value, CARDS[code].unit),
        CARDS[code].scope,
        "actual",
        "observed",
        known_from=date(2026, 1, 1),
    )


def met(one: Target, units: Units | None = None) -> bool | None:
    return met_by_all(assess(one, CARDS, lookup, units), units)


def test_a_level_is_met_from_the_bar_on_and_unknown_without_data() -> None:
    one = target("level", value="5650", unit="亿元")
    known(input_enterprise__330000__2025="5650")
    assert met(one) is True
    known(input_enterprise__330000__2025="5649.99")
    assert met(one) is False
    known()
    assert met(one) is None


def test_a_plain_number_in_a_plan_is_a_promise_to_reach_it() -> None:
    known(input_enterprise__330000__2025="5700")
    assert met(target("level", "=", "5650", "亿元")) is True


def test_growth_is_taken_from_levels() -> None:
    one = target("growth", value="10", unit="%")
    known(input_enterprise__330000__2025="110", input_enterprise__330000__2024="100")
    assert met(one) is True
    known(input_enterprise__330000__2025="109.99", input_enterprise__330000__2024="100")
    assert met(one) is False


def test_a_relative_target_moves_with_the_other_actual() -> None:
    one = target("relative", reference=Reference(indicator="input_total", margin="2", unit="百分点"))
    known(
        input_enterprise__330000__2025="110",
        input_enterprise__330000__2024="100",
        input_total__330000__2025="108",
        input_total__330000__2024="100",
    )
    assert met(one) is True
    VALUES["input_total", "330000", "2025"] = "108.01"
    assert met(one) is False


def test_a_share_is_computed_on_every_base_it_may_mean() -> None:
    one = target("share", value="70", unit="%", reference=Reference(denominators=("input_total", "input_government")))
    known(input_enterprise__330000__2025="72", input_total__330000__2025="100", input_government__330000__2025="110")
    readings = assess(one, CARDS, lookup)
    assert [(v.actual.text if v.actual else None, v.met) for v in readings] == [("72.0", True), ("65.5", False)]
    assert len({v.actual.id for v in readings if v.actual}) == 2


def test_a_for_all_target_fails_with_one_unit_and_is_unknown_while_one_is_missing() -> None:
    one = target("for_all", value="50", unit="亿元", reference=Reference(over="city"))
    units = Units(("330100", "330200"))
    known(input_enterprise__330100__2025="60")
    assert met(one, units) is None
    VALUES["input_enterprise", "330200", "2025"] = "49"
    assert met(one, units) is False
    VALUES["input_enterprise", "330200", "2025"] = "50"
    assert met(one, units) is True
    assert met(one, Units(("330100", "330200"), complete=False)) is None


def test_a_for_all_target_can_hold_every_unit_against_another_places_figure() -> None:
    one = target("for_all", ">", reference=Reference(over="city", place="000000"))
    known(input_enterprise__330100__2025="60", input_enterprise__000000__2025="60")
    assert met(one, Units(("330100",))) is False
    VALUES["input_enterprise", "330100", "2025"] = "60.01"
    assert met(one, Units(("330100",))) is True


def test_monotone_means_no_lower_than_last_year() -> None:
    known(input_enterprise__330000__2025="100", input_enterprise__330000__2024="100")
    assert met(target("monotone", ">=")) is True
    assert met(target("monotone", ">")) is False
    VALUES["input_enterprise", "330000", "2025"] = "99"
    assert met(target("monotone", ">=")) is False


def test_a_bar_in_another_kind_of_unit_is_refused() -> None:
    known(input_enterprise__330000__2025="100")
    with pytest.raises(UnitError, match="不是同一种量"):
        met(target("level", value="5", unit="%"))


@pytest.mark.parametrize(("code", "expected"), [("input_2025", "350"), ("input_2027", "-400")])
def test_published_parts_that_do_not_meet_the_total_leave_a_named_difference(code: str, expected: str) -> None:
    figures = {}
    for one in PACK.all("targets"):
        figure = as_figure(one, CARDS[one.indicator])
        if figure:
            figures[one.code] = figure
    found = difference(PACK.get("balances", code), figures)
    assert found.difference.text == expected
    assert found.difference.key.measure == "difference"
    assert found.total.number - sum((p.number for p in found.parts), Fraction(0)) == Fraction(expected)
    assert len(found.balance.readings) >= 2
