"""The store as text, one JSON line for each row: the form that goes between SQLite and PostgreSQL without loss.

`migrations.json` says which migrations had been applied; `TABLE.jsonl` has the column names first, then each row as a
list. Tables are those of the applied migrations and not of today's code, so an older store is written and read as is.
Django's own serialiser is not used: it cuts moments to milliseconds.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any

from django.apps.registry import Apps
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.db.migrations.executor import MigrationExecutor

MIGRATIONS = "migrations.json"
BATCH = 500


class RowsError(Exception):
    """Rows cannot be read into this store; the message says why and what to do."""


@contextmanager
def one_state() -> Iterator[None]:
    """All reads within see the store as it was at one moment."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def dump(folder: Path) -> None:
    """Write every row of the store into a new folder. Call it within `one_state`."""
    folder.mkdir(parents=True)
    executor = MigrationExecutor(connection)
    applied = sorted(executor.loader.applied_migrations)
    (folder / MIGRATIONS).write_text(json.dumps(applied, indent=0), encoding="utf-8")
    for model in _models(executor, applied):
        columns = [field.attname for field in _fields(model)]
        with (folder / f"{model._meta.db_table}.jsonl").open("w", encoding="utf-8") as file:
            print(json.dumps(columns), file=file)
            rows = model._base_manager.order_by("pk").values_list(*columns)
            for row in rows.iterator(chunk_size=2000):
                print(json.dumps([_to_json(value) for value in row], ensure_ascii=False), file=file)


def load(folder: Path, *, force: bool = False) -> None:
    """Make the tables as they were when the rows were written, and fill them; all or nothing but for empty tables.

    With `force` tables of ours that are there are dropped first. Raises RowsError when there are some without `force`,
    or when the rows are those of a newer version.
    """
    applied = [(app, name) for app, name in json.loads((folder / MIGRATIONS).read_text(encoding="utf-8"))]
    executor = MigrationExecutor(connection)
    unknown = [f"{app}.{name}" for app, name in applied if (app, name) not in executor.loader.graph.nodes]
    if unknown:
        raise RowsError(f"备份来自更新的版本（本版本没有迁移 {unknown[0]}）。请用那个版本或更新的版本恢复。")
    there = _our_tables(executor)
    if there and not force:
        raise RowsError(
            f"目标库里已有表 {there[0]} 等 {len(there)} 张，不覆盖。请换一个空库，或用 --force（删去这些表）。"
        )
    with connection.cursor() as cursor:
        for table in there:
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)} CASCADE")
    executor = MigrationExecutor(connection)
    executor.migrate(_targets(executor, applied))
    models_then = _models(executor, applied)
    # Foreign keys are checked at the end of the transaction, so the order of tables does not matter.
    with transaction.atomic(), connection.cursor() as cursor:
        for model in models_then:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")
        for model in models_then:
            _fill(cursor, model, folder / f"{model._meta.db_table}.jsonl")
        for statement in connection.ops.sequence_reset_sql(no_style(), models_then):
            cursor.execute(statement)


def _fill(cursor: Any, model: type[models.Model], path: Path) -> None:
    quote = connection.ops.quote_name
    with path.open(encoding="utf-8") as file:
        by_name = {field.attname: field for field in _fields(model)}
        fields = [by_name[name] for name in json.loads(next(file))]
        columns = ", ".join(quote(str(field.column)) for field in fields)
        marks = ", ".join(["%s"] * len(fields))
        statement = f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({marks})"
        while batch := [json.loads(line) for line in islice(file, BATCH)]:
            cursor.executemany(
                statement, [[_from_json(f, value) for f, value in zip(fields, row, strict=True)] for row in batch]
            )


def _to_json(value: object) -> object:
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | float | str | list | dict) else str(value)


def _from_json(field: models.Field[Any, Any], value: object) -> object:
    return field.get_db_prep_save(None if value is None else field.to_python(value), connection)


def _targets(executor: MigrationExecutor, applied: list[tuple[str, str]]) -> list[tuple[str, str]]:
    graph, had = executor.loader.graph, set(applied)
    return [key for key in applied if not any(c.key in had for c in graph.node_map[key].children if c.key[0] == key[0])]


def _models(executor: MigrationExecutor, applied: list[tuple[str, str]]) -> list[type[models.Model]]:
    """The models with a table of their own, as the applied migrations left them, by table."""
    known = [key for key in applied if key in executor.loader.graph.nodes]
    then: Apps = executor.loader.project_state(_targets(executor, known)).apps
    found = then.get_models(include_auto_created=True)
    return sorted((m for m in found if m._meta.managed and not m._meta.proxy), key=lambda m: m._meta.db_table)


def _fields(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    return [field for field in model._meta.local_concrete_fields if not field.generated]


def _our_tables(executor: MigrationExecutor) -> list[str]:
    graph = executor.loader.graph
    newest = {model._meta.db_table for model in _models(executor, sorted(graph.nodes))}
    applied = {model._meta.db_table for model in _models(executor, sorted(executor.loader.applied_migrations))}
    there = set(connection.introspection.table_names())
    return sorted(there & (newest | applied | {"django_migrations"}))
