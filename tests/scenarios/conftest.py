"""A store with the shipped packs alone, and the people of the scenarios about firms and about results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import challenge_world
import pytest
import transfer_people
from pytest_django.fixtures import Settings
from story import Story

from packs import SHIPPED
from rongtong.apps.packs.actions import load
from rongtong.apps.registry.actions import system_account
from rongtong.apps.registry.models import Account
from worlds import rolled_back


@pytest.fixture(scope="module")
def packs_store(django_db_setup: None, django_db_blocker: Any) -> Iterator[Account]:
    """The packs loaded, rolled back after the module; yields the system account."""
    with rolled_back(django_db_blocker):
        actor = system_account()
        load(SHIPPED, actor)
        yield actor


@pytest.fixture
def story(db: None, packs_store: Account, settings: Settings) -> Iterator[Story]:
    """A story with its own people; the clock is put back after it."""
    kept = settings.PINNED_TODAY
    yield Story.begin(settings)
    settings.PINNED_TODAY = kept


@pytest.fixture
def world(db: None, packs_store: Account, settings: Settings) -> transfer_people.World:
    """Who takes part in the scenarios of results."""
    return transfer_people.make_world(packs_store, settings)


@pytest.fixture(scope="module")
def challenge_store(django_db_setup: None, django_db_blocker: Any) -> Iterator[challenge_world.World]:
    """Who takes part in the scenarios of challenges, with the packs, rolled back after the module."""
    with rolled_back(django_db_blocker):
        yield challenge_world.make_world()


@pytest.fixture
def challenges(challenge_store: challenge_world.World, settings: Settings) -> challenge_world.World:
    """The same, on Tuesday 15 July 2025."""
    settings.PINNED_TODAY = challenge_world.day("2025-07-15")
    return challenge_store
