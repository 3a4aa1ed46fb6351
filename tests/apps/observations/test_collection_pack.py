"""What a pack says of collections: checked before it is loaded, and turned into tasks with their days."""

from __future__ import annotations

from datetime import date

import pytest
from pytest_django import Settings

from packs import PACKS
from rongtong.apps.observations import collecting
from rongtong.apps.packs.actions import load
from rongtong.apps.registry.actions import system_account
from rongtong.engine.pack.check import check
from rongtong.engine.pack.read import Layer, combine, read_layer


def layer(name: str, old: str = "", new: str = "") -> Layer:
    folder = PACKS / name
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    if old:
        assert old in files["collections.yaml"].decode()
        files["collections.yaml"] = files["collections.yaml"].decode().replace(old, new, 1).encode()
    found, problems = read_layer(files)
    assert found is not None
    assert problems == []
    return found


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("{indicator: new_hte, unit: 家}", "{indicator: nothing, unit: 家}", "没有这一项"),
        ("{indicator: new_hte, unit: 家}", "{indicator: new_hte, unit: 万元}", "指标卡是数量"),
        ("{indicator: new_hte, unit: 家}", "{indicator: rd_intensity, unit: '%'}", "由公式算出"),
        ("{indicator: hte_stock, unit: 家}", "{indicator: new_hte, unit: 家}", "不按 month 报送"),
        ("since: 2025H1", "since: 2025-06", "不是频度 half 的期"),
    ],
)
def test_a_collection_that_cannot_be_filled_in_is_found(old: str, new: str, words: str) -> None:
    found = [
        str(p) for p in check(combine([layer("china"), layer("zhejiang", old, new)])) if "collections.yaml" in p.file
    ]
    assert len(found) == 1
    assert words in found[0]
    assert "collections.yaml:" in found[0]


def test_shipped_collections_have_no_findings() -> None:
    assert [str(p) for p in check(combine([layer("china"), layer("example")])) if "collections.yaml" in p.file] == []
    (alone,) = [p for p in check(combine([layer("example")])) if "collections.yaml" in p.file]
    assert (alone.severity, "没有流程“collection”" in alone.message) == ("warning", True)


@pytest.mark.django_db
def test_a_window_opens_and_closes_by_working_days_with_the_cities_later(settings: Settings) -> None:
    load([PACKS / "china", PACKS / "zhejiang"], system_account())
    settings.PINNED_TODAY = date(2025, 6, 30)
    assert collecting.tasks() == ()
    settings.PINNED_TODAY = date(2025, 7, 1)
    found = {t.key: (t.opens, t.due, t.city_due) for t in collecting.tasks()}
    assert found["county_input/2025H1"] == (date(2025, 7, 1), date(2025, 7, 16), date(2025, 7, 23))
    assert found["county_firms/2025-06"] == (date(2025, 7, 1), date(2025, 7, 7), date(2025, 7, 10))
    assert found["city_transfer/2025H1"][2] is None
    # The second half of a cumulative table is asked for as the whole year.
    settings.PINNED_TODAY = date(2026, 1, 5)
    assert "county_input/2025" in {t.key for t in collecting.tasks()}
