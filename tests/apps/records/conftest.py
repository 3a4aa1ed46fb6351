"""What the tests of the log need."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from django.db import connection, connections

from rongtong.apps.registry.actions import system_account
from rongtong.apps.registry.models import Account

T = TypeVar("T")
InThread = Callable[[Callable[[], T]], T]


@pytest.fixture
def system(db: None) -> Account:
    return system_account()


@pytest.fixture
def in_thread(transactional_db: None, tmp_path: Path) -> Iterator[InThread[object]]:
    """Run a function in a thread of its own, on a connection of its own, and return what it returns.

    SQLite tests run in memory, where threads would share one lock table instead of waiting for one another as they do
    on the file of an instance: so threads get a file.
    """
    # A patch of its own: the shared one is undone only after the database has been emptied.
    patch = pytest.MonkeyPatch()
    if connection.vendor == "sqlite":
        path = tmp_path / "threads.sqlite3"
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(path)])
        patch.setitem(connections.settings["default"], "NAME", str(path))

    def run(function: Callable[[], object]) -> object:
        results: list[object] = []
        errors: list[BaseException] = []

        def body() -> None:
            try:
                results.append(function())
            except BaseException as error:
                errors.append(error)
            finally:
                connection.close()

        thread = threading.Thread(target=body)
        thread.start()
        thread.join()
        if errors:
            raise errors[0]
        return results[0]

    yield run
    patch.undo()
