"""A store with the shipped packs and all their data, made once; what a module writes into it is taken back after it.

Tests that use it are marked `django_db` as well: each then runs in a savepoint of its own. They come last of all
(`pytest_collection_modifyitems` of tests/conftest.py), since from its first user on the store holds the demonstration.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from packs import SHIPPED
from rongtong import demo
from rongtong.apps.cases import wall_queries
from rongtong.apps.packs.actions import load
from rongtong.apps.registry.actions import system_account
from rongtong.apps.registry.models import Account
from worlds import analyse, rolled_back


@pytest.fixture(scope="session", autouse=True)
def every_count_anew() -> Iterator[None]:
    """No count is kept for a minute: PostgreSQL gives no number twice, so a few cases soon look like many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wall_queries, "ALWAYS_COUNTED", 10**9)
        yield


@pytest.fixture(scope="session")
def demonstration(django_db_setup: None, django_db_blocker: Any) -> Iterator[Account]:
    """What `demo_store` begins with."""
    yield from _store(django_db_blocker, synthetic=True)


@pytest.fixture(scope="module")
def demo_store(demonstration: Account, django_db_blocker: Any) -> Iterator[Account]:
    """Packs, published and generated figures, the shipped allocation, lamps and forecasts; yields the system account."""
    with rolled_back(django_db_blocker):
        yield demonstration


@pytest.fixture(scope="module")
def real_store(django_db_setup: None, django_db_blocker: Any) -> Iterator[Account]:
    """The same with published figures only (--real-only)."""
    yield from _store(django_db_blocker, synthetic=False)


def _store(django_db_blocker: Any, *, synthetic: bool) -> Iterator[Account]:
    with rolled_back(django_db_blocker):
        actor = system_account()
        load(SHIPPED, actor)
        demo.load_published(actor)
        if synthetic:
            demo.load_synthetic(actor)
        demo.plan(actor)
        analyse()
        yield actor
