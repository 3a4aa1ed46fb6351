"""Splitting the shipped target, and what a specification may not ask."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from rongtong.apps.packs.queries import current
from rongtong.apps.planning import actions, shapes, splitting
from rongtong.apps.planning.commands import read_split
from rongtong.apps.planning.models import Allocation
from rongtong.apps.registry.models import Account
from rongtong.engine.allocation import allocate
from rongtong.engine.allocation.solution import Infeasible, Solution
from rongtong.engine.pack.plan import Split

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]


def shipped() -> Split:
    split: Split = current().get("allocations", "enterprise_2025")
    return split


def changed(**changes: Any) -> Split:
    return Split.model_validate({**shipped().model_dump(), **changes})


def solved(split: Split) -> tuple[splitting.Prepared, Solution | Infeasible]:
    prepared = splitting.prepare(split)
    return prepared, allocate(prepared.problem)


def test_the_2025_target_is_split_exactly_with_a_named_reserve() -> None:
    prepared, found = solved(shipped())
    assert isinstance(found, Solution)
    data = shapes.solution(prepared, found)
    cells = [Fraction(c["value"]) for c in data["cells"]]
    assert len(cells) == 11
    assert sum(cells) + 50 == 5650
    assert data["remainder"] == [{"name": "省级机动余项", "value": "50"}]
    assert data["check"]["difference"] == "0"
    assert next(c for c in data["cells"] if c["place"] == "330200")["value"] == "1045"
    for cell in data["cells"]:
        assert sum(Fraction(e["amount"]) for e in cell["explanation"]) == Fraction(cell["value"])
        assert [e["step"] for e in cell["explanation"]] == ["base", "fixed", "floors", "caps", "margins", "rounding"]


def test_every_city_gets_at_least_its_growth_floor() -> None:
    prepared, found = solved(shipped())
    assert isinstance(found, Solution)
    floors = {c.key: c.value for c in prepared.problem.constraints if c.kind == "floor"}
    assert len(floors) == 11
    assert all(found.value(cell) >= floor for cell, floor in floors.items())  # type: ignore[arg-type]


def test_an_impossible_split_names_the_conflict_and_the_repair_makes_it_possible() -> None:
    prepared, found = solved(changed(fixed=[{"place": "330200", "value": "3000"}]))
    assert isinstance(found, Infeasible)
    data = shapes.infeasible(prepared, found)
    assert data["conflicts"]
    assert data["repair"] is not None
    assert data["repair"]["changes"]
    assert "宁波" in data["words"]


def test_a_city_resplits_its_cell_to_its_counties_tied_to_it() -> None:
    split = changed(
        code="hangzhou_2025",
        total={"figure": "input_enterprise.allocated@330100@2025"},
        places={"within": "330100", "level": "children"},
        weights=[{"figure": "input_enterprise@2024", "share": "1"}],
        fixed=[],
        floors=[],
        reserve=[],
    )
    prepared, found = solved(split)
    assert isinstance(found, Solution)
    assert prepared.top == "330100"
    assert found.tie == "input_enterprise.allocated@330100@2025"
    assert len(found.cells) == 13
    assert sum(c.value for c in found.cells) == prepared.problem.total


def test_saving_the_same_split_twice_keeps_one_version_and_a_change_makes_the_next(demo_store: Account) -> None:
    assert Allocation.objects.filter(code="enterprise_2025").count() == 1
    actions.allocate(shipped(), actor=demo_store)
    assert Allocation.objects.filter(code="enterprise_2025").count() == 1
    _, run = actions.allocate(changed(reserve=[{"name": "省级机动余项", "amount": "40"}]), actor=demo_store)
    assert run.version == 2
    assert run.cells.count() == 11


def test_a_weight_without_figures_is_refused_by_name() -> None:
    with pytest.raises(splitting.SplitError, match="hightech_output@2024"):
        splitting.prepare(changed(weights=[{"figure": "hightech_output@2024", "share": "1"}]))


def test_a_total_of_another_scope_is_refused() -> None:
    with pytest.raises(splitting.SplitError, match="口径"):
        splitting.prepare(changed(total={"target": "rd_total_2027"}))


def test_a_bad_specification_names_file_line_and_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    data = shipped().model_dump(mode="json", exclude_defaults=True)
    path.write_text(
        yaml.safe_dump({**data, "rounding": 0.1, "wieghts": []}, allow_unicode=True, sort_keys=False), encoding="utf-8"
    )
    with pytest.raises(splitting.SplitError) as error:
        read_split(path)
    message = str(error.value)
    assert "wieghts" in message
    assert "加引号" in message
    assert "spec.yaml:" in message
