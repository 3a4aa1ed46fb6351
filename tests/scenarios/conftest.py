"""A store with the shipped packs alone, and the people of the scenarios about firms, each with an office or a firm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings
from story import Story

from packs import PACKS


@pytest.fixture(scope="module")
def packs_store(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The packs loaded, rolled back after the module."""
    from rongtong.apps.packs.actions import load
    from rongtong.apps.registry.actions import system_account

    with django_db_blocker.unblock():
        block = transaction.atomic()
        block.__enter__()
        try:
            load([PACKS / "china", PACKS / "zhejiang"], system_account())
            yield
        finally:
            transaction.set_rollback(True)
            block.__exit__(None, None, None)


@pytest.fixture
def story(db: None, packs_store: None, settings: Settings) -> Iterator[Story]:
    """A story with its own people; the clock is put back after it."""
    kept = settings.PINNED_TODAY
    yield Story.begin(settings)
    settings.PINNED_TODAY = kept
