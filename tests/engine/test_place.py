"""Places come and go, lie in several hierarchies, and are restated across a re-division only as far as is known."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from rongtong.engine.pack.model import Bridge, Parent, Place, PlaceGroup
from rongtong.engine.place import PlaceError, PlaceTree

CHANGE = date(2021, 4, 9)
BEFORE, AFTER = date(2021, 4, 8), date(2021, 4, 9)


def _place(code: str, name: str, level: str, start: date | None = None, end: date | None = None) -> Place:
    return Place(code=code, name=name, short=name[:-1], level=level, valid_from=start, valid_to=end)  # type: ignore[arg-type]


def _parent(place: str, parent: str, hierarchy: str = "administrative", start: date | None = None, end: date | None = None) -> Parent:  # fmt: skip
    return Parent(hierarchy=hierarchy, place=place, parent=parent, valid_from=start, valid_to=end)


def _tree(weights: dict[tuple[str, str], str | None]) -> PlaceTree:
    """A city whose districts A, B, C, D were re-divided into A (grown), E (of B and part of C) and F (new)."""
    return PlaceTree.build(
        places=[
            _place("990000", "云省", "province"),
            _place("990100", "江市", "city"),
            _place("990200", "海市", "city"),
            _place("990101", "甲区", "county"),
            _place("990102", "乙区", "county", end=BEFORE),
            _place("990103", "丙区", "county", end=BEFORE),
            _place("990104", "丁区", "county"),
            _place("990105", "戊区", "county", AFTER),
            _place("990114", "己区", "county", AFTER),
            _place("990201", "甲县", "county"),
            _place("990281", "海市", "county"),
        ],
        parents=[
            _parent("990100", "990000"),
            _parent("990200", "990000"),
            _parent("990101", "990100"),
            _parent("990102", "990100", end=BEFORE),
            _parent("990103", "990100", end=BEFORE),
            _parent("990104", "990100"),
            _parent("990105", "990100", start=AFTER),
            _parent("990114", "990100", start=AFTER),
            _parent("990201", "990200"),
            _parent("990281", "990200"),
            _parent("990100", "990000", "fiscal"),
            _parent("990281", "990000", "fiscal"),
            _parent("990201", "990200", "fiscal"),
        ],
        bridges=[Bridge(date=CHANGE, old=old, new=new, weight=w) for (old, new), w in weights.items()],
        groups=[PlaceGroup(code="inland", name="内陆", places=("990100",))],
        root="990000",
    )


UNKNOWN = _tree(
    {("990101", "990101"): "1", ("990102", "990105"): "1", ("990103", "990101"): None, ("990103", "990114"): None}
)
KNOWN = _tree(
    {("990101", "990101"): "1", ("990102", "990105"): "1", ("990103", "990101"): "0.7", ("990103", "990114"): "0.3"}
)
OLD = {"990101": Fraction(10), "990102": Fraction(20), "990103": Fraction(40), "990104": Fraction(5)}


def test_places_of_a_level_are_those_of_the_day() -> None:
    assert UNKNOWN.at_level("city") == ("990100", "990200")
    assert UNKNOWN.at_level("county", "990100") == ("990101", "990104", "990105", "990114")
    assert UNKNOWN.at_level("county", "990100", BEFORE) == ("990101", "990102", "990103", "990104")
    assert UNKNOWN.children("990100", day=AFTER) == ("990101", "990104", "990105", "990114")


def test_a_hierarchy_has_its_own_parents() -> None:
    """省直管县: one county reports to its city, its money comes from the province."""
    assert UNKNOWN.hierarchies() == ("administrative", "fiscal")
    assert UNKNOWN.parent("990281") == "990200"
    assert UNKNOWN.parent("990281", "fiscal") == "990000"
    assert UNKNOWN.children("990000", "fiscal") == ("990100", "990281")
    assert UNKNOWN.is_within("990281", "990200")
    assert not UNKNOWN.is_within("990281", "990200", "fiscal")
    assert UNKNOWN.parent("990000") is None


def test_a_retired_place_keeps_the_parent_it_last_had() -> None:
    assert UNKNOWN.parent("990102") is None
    assert UNKNOWN.is_within("990102", "990100")
    assert UNKNOWN.is_within("990102", "990000")
    assert not UNKNOWN.is_within("990102", "990200")


def test_a_group_is_a_named_set_of_places() -> None:
    assert UNKNOWN.groups["inland"].places == ("990100",)


def test_a_word_means_a_code_a_name_or_a_short_name() -> None:
    assert UNKNOWN.resolve("990104") == "990104"
    assert UNKNOWN.resolve(" 丁区 ") == "990104"
    assert UNKNOWN.resolve("丁") == "990104"
    assert UNKNOWN.resolve("乙") == "990102"


@pytest.mark.parametrize(("word", "rivals"), [("甲", "990101 甲区、990201 甲县"), ("海市", "990200 海市、990281 海市")])
def test_a_word_for_two_places_is_refused_naming_both(word: str, rivals: str) -> None:
    with pytest.raises(PlaceError, match=rivals):
        UNKNOWN.resolve(word)


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(PlaceError, match="南市"):
        UNKNOWN.resolve("南市")
    with pytest.raises(PlaceError, match="990999"):
        UNKNOWN.get("990999")
    assert UNKNOWN.name("990999") == "990999"


def test_with_published_weights_every_new_place_has_its_value() -> None:
    values, unknown = KNOWN.restate(OLD, CHANGE)
    assert values == {
        "990101": Fraction(38),
        "990105": Fraction(20),
        "990114": Fraction(12),
        "990104": Fraction(5),
    }
    assert unknown == ()


def test_without_weights_only_the_sum_over_the_change_is_known() -> None:
    values, unknown = UNKNOWN.restate(OLD, CHANGE)
    assert values == {"990101+990114": Fraction(50), "990105": Fraction(20), "990104": Fraction(5)}
    assert unknown == ("990101", "990114")


@pytest.mark.parametrize("tree", [KNOWN, UNKNOWN], ids=["weights", "no weights"])
def test_the_sum_over_a_change_is_kept_exactly_both_ways(tree: PlaceTree) -> None:
    values, _ = tree.restate(OLD, CHANGE)
    assert sum(values.values()) == sum(OLD.values())
    new = {"990101": Fraction(33), "990105": Fraction(21), "990114": Fraction(17), "990104": Fraction(5)}
    back, unknown = tree.restate(new, CHANGE, forward=False)
    assert back == {"990101+990103": Fraction(50), "990102": Fraction(21), "990104": Fraction(5)}
    assert unknown == ("990101", "990103")


def test_a_restatement_with_a_missing_part_is_refused() -> None:
    with pytest.raises(PlaceError, match="990103"):
        UNKNOWN.restate({k: v for k, v in OLD.items() if k != "990103"}, CHANGE)


def test_a_change_without_a_bridge_is_refused() -> None:
    with pytest.raises(PlaceError, match=r"2020-01-01.*bridges\.csv"):
        UNKNOWN.restate(OLD, date(2020, 1, 1))


def test_places_outside_the_change_keep_their_values() -> None:
    values, unknown = UNKNOWN.restate({"990104": Fraction(5)}, CHANGE)
    assert (values, unknown) == ({"990104": Fraction(5)}, ())
