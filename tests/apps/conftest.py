"""A store with the shipped packs and all their data, made once per module and rolled back after it.

Tests that use it are marked `django_db` as well: each then runs in a savepoint of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from packs import SHIPPED
from rongtong import demo
from rongtong.apps.packs.actions import load
from rongtong.apps.registry.actions import system_account
from rongtong.apps.registry.models import Account
from worlds import rolled_back


def _load(*, synthetic: bool) -> Account:
    actor = system_account()
    load(SHIPPED, actor)
    demo.load_published(actor)
    if synthetic:
        demo.load_synthetic(actor)
    demo.plan(actor)
    return actor


def _store(django_db_blocker: Any, *, synthetic: bool) -> Iterator[Account]:
    with rolled_back(django_db_blocker):
        yield _load(synthetic=synthetic)


@pytest.fixture(scope="module")
def demo_store(django_db_setup: None, django_db_blocker: Any) -> Iterator[Account]:
    """Packs, published and generated figures, the shipped allocation, lamps and forecasts; yields the system account."""
    yield from _store(django_db_blocker, synthetic=True)


@pytest.fixture(scope="module")
def real_store(django_db_setup: None, django_db_blocker: Any) -> Iterator[Account]:
    """The same with published figures only (--real-only)."""
    yield from _store(django_db_blocker, synthetic=False)
