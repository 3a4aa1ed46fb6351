"""The people of desk_world and contract_world, each made once for a module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from desk_world import load_process, people

from contract_world import World, make_world
from rongtong.apps.registry.models import Account
from worlds import rolled_back


@pytest.fixture(scope="module")
def who(demo_store: Account, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Account]:
    """An account of each sort, by name; the process is in force."""
    load_process(tmp_path_factory.mktemp("pack"), demo_store)
    return people(demo_store)


@pytest.fixture(scope="module")
def contracts(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """The packs in force, and everybody through whose hands contracts go."""
    with rolled_back(django_db_blocker):
        yield make_world()
