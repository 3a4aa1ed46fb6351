"""The people of the process of desk_world, for the tests of pages that look over many cases."""

from __future__ import annotations

from pathlib import Path

import pytest
from desk_world import load_process, people

from rongtong.apps.registry.models import Account


@pytest.fixture
def who(demo_store: Account, tmp_path: Path) -> dict[str, Account]:
    """An account of each sort, by name; the process is in force."""
    load_process(tmp_path, demo_store)
    return people(demo_store)
