"""The audit page finds leaves by an index, however long the log is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from rongtong import clock
from rongtong.apps.records import leaves
from rongtong.apps.records.leaves import Wanted
from rongtong.apps.records.models import Leaf

pytestmark = pytest.mark.django_db
LONG = 3000


@pytest.fixture
def log(db: None) -> None:
    """A log of many actors and places over many days, told to the planner."""
    start = clock.now() - timedelta(days=LONG)
    Leaf.objects.bulk_create(
        Leaf(
            sequence=10_000 + i, recorded_at=start + timedelta(days=i), actor=f"a{i % 300}", place=f"{i % 100}",
            kind="registry.login", subject=f"account:{i}", body="{}", leaf_hash="0" * 64,
        )
        for i in range(LONG)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Wanted(actor="a7"), "leaf_actor"),
        (Wanted(place="7"), "leaf_place"),
        (
            Wanted(first=clock.today() - timedelta(days=2000), last=clock.today() - timedelta(days=1999)),
            "leaf_recorded",
        ),
    ],
)
def test_leaves_are_found_by_an_index(log: None, wanted: Wanted, index: str) -> None:
    assert index in leaves.narrowed(wanted).order_by("-sequence")[: leaves.PAGE].explain()
    assert leaves.page(wanted).leaves
