"""Making the store's own files forget what was erased: free pages, write-ahead log, statistics (decisions/0016).

A row that was changed leaves its old bytes behind: in SQLite on free pages and in `-wal`, in PostgreSQL as dead rows, in
the statistics of the planner and in WAL segments. Nothing here needs to know what was erased, so it can be done later and
again. It must not run inside a transaction.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection

from rongtong import clock
from rongtong.apps.records.actions import act
from rongtong.apps.records.models import Erasure
from rongtong.apps.registry.actions import system_account

SCRUB = "records.scrub"
# How long PostgreSQL may wait for others to let go of a table.
WAIT = "60s"


class NotScrubbed(Exception):
    """The store's files could not be cleaned now; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """`erasures` are now done to the last byte; `stay` are files that somebody must look at; `undone` is what the
    store's server would not let us do, in words."""

    erasures: int
    stay: tuple[str, ...]
    undone: tuple[str, ...]


def waiting() -> int:
    """How many erasures wait for the store's files to be cleaned."""
    return Erasure.objects.filter(scrubbed_at__isnull=True).count()


def at_once() -> None:
    """Right after an erasure remove its files, and scrub where that is quick.

    PostgreSQL locks whole tables for it: there it is a command.
    """
    _remove(Erasure.objects.filter(scrubbed_at__isnull=True))
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    try:
        scrub()
    except NotScrubbed as error:
        # The erasure itself stands; `rongtong doctor` says that this is still to do.
        logging.getLogger(__name__).warning("%s", error)


def scrub() -> Scrubbed:
    """Remove the files that erasures left to remove, clean the store's files and note that.

    Raises NotScrubbed, for instance while others read; what was done until then stays done.
    """
    if connection.in_atomic_block:
        raise NotScrubbed("事务之中不能清除库文件的残留。请单独运行 rongtong scrub。")
    rows = list(Erasure.objects.filter(scrubbed_at__isnull=True).order_by("pk"))
    _remove(rows)
    stay = [path for row in rows for path in json.loads(row.files)["stay"]]
    try:
        undone = tuple(_sqlite() if connection.vendor == "sqlite" else _postgresql())
    except DatabaseError as error:
        raise NotScrubbed(f"库文件的残留还没有清除（{error}）。请在没有人使用时运行 rongtong scrub。") from error
    with act(SCRUB, actor=system_account()) as this:
        Erasure.objects.filter(pk__in=[row.pk for row in rows]).update(scrubbed_at=clock.now())
        this.payload |= {"erasures": [row.pk for row in rows], "undone": list(undone), "stay": len(stay)}
    return Scrubbed(len(rows), tuple(stay), undone)


def _remove(rows: Iterable[Erasure]) -> None:
    for row in rows:
        for path in json.loads(row.files)["remove"]:
            (Path(settings.HOME) / path).unlink(missing_ok=True)


def _sqlite() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA secure_delete = ON")
        # All that is live is written anew, and nothing else; then the file is replaced from the WAL and that emptied.
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        busy, _, _ = cursor.fetchone()
    if busy:
        raise DatabaseError("有人正在读，-wal 没有清空")
    yield from ()


def _postgresql() -> Iterator[str]:
    tables = sorted(m._meta.db_table for m in apps.get_models(include_auto_created=True) if m._meta.managed)
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{WAIT}'")
        try:
            for table in tables:
                # With ANALYZE, because the statistics hold the most common values of each column.
                cursor.execute(f"VACUUM (FULL, ANALYZE) {connection.ops.quote_name(table)}")
        finally:
            cursor.execute("SET lock_timeout = DEFAULT")
        for words, statements in _SERVER:
            try:
                for statement in statements:
                    cursor.execute(statement)
            except DatabaseError as error:
                yield f"{words}（{str(error).strip().splitlines()[0]}）"


# What needs a superuser; without one, an administrator of the database does it.
_SERVER = (
    ("统计信息表里的旧行没有清除：VACUUM FULL pg_statistic", ("VACUUM FULL pg_catalog.pg_statistic",)),
    (
        "WAL 段没有换掉：设 wal_recycle = off，pg_switch_wal()，CHECKPOINT 两次",
        (
            # A recycled segment keeps its old bytes under a new name until they are written over: so none is recycled.
            "ALTER SYSTEM SET wal_recycle = off",
            "SELECT pg_reload_conf()",
            "SELECT pg_switch_wal()",
            "CHECKPOINT",
            "SELECT pg_switch_wal()",
            "CHECKPOINT",
            "ALTER SYSTEM RESET wal_recycle",
            "SELECT pg_reload_conf()",
        ),
    ),
)
