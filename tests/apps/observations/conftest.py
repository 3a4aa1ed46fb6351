"""What the tests of observations need: the sample pack, loaded, and the importer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from sample_observations import write_pack

from rongtong.apps.observations.actions import Report, import_file
from rongtong.apps.packs import queries
from rongtong.apps.packs.actions import load
from rongtong.apps.registry.actions import system_account
from rongtong.apps.registry.models import Account
from rongtong.engine.pack.read import Pack

Importer = Callable[..., Report]


@pytest.fixture(autouse=True)
def pinned(settings: Settings) -> None:
    """Today is one day for all these tests."""
    settings.PINNED_TODAY = date(2025, 7, 15)


@pytest.fixture
def system(db: None) -> Account:
    return system_account()


@pytest.fixture
def pack(system: Account, tmp_path: Path) -> Pack:
    load([write_pack(tmp_path / "sample")], system)
    return queries.current()


@pytest.fixture
def take_in(pack: Pack, system: Account) -> Importer:
    """Import bytes as a file."""

    def run(data: bytes, name: str = "报表.csv", **more: Any) -> Report:
        return import_file(data, name, actor=system, **more)

    return run
