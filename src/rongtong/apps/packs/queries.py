"""Which packs are in force."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from functools import lru_cache
from pathlib import Path

from rongtong import clock
from rongtong.apps.packs.models import Snapshot
from rongtong.engine.pack.read import Files, Layer, Pack, Problem, combine, from_canonical, read_layer
from rongtong.engine.workday import Calendars
from rongtong.once import once


class NoPack(Exception):
    """No pack has been loaded."""


def folder_files(folder: Path) -> dict[str, bytes]:
    """The files of a pack folder by relative path, without hidden ones."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)
    }


def read_folder(folder: Path) -> tuple[Layer | None, list[Problem]]:
    """Read a pack folder; file names in problems are relative to it."""
    if not folder.is_dir():
        return None, [Problem(str(folder), 1, "没有这个文件夹", "给出含有 pack.yaml 的文件夹")]
    return read_layer(folder_files(folder))


_SUPPOSED: ContextVar[Pack | None] = ContextVar("supposed", default=None)


@contextmanager
def supposing(pack: Pack) -> Iterator[None]:
    """Within the block `current` answers with this pack, whatever day is asked: to see what it would change."""
    token = _SUPPOSED.set(pack)
    try:
        yield
    finally:
        _SUPPOSED.reset(token)


def current(as_of: date | None = None) -> Pack:
    """The pack in force on `as_of` (today when left out).

    A day before the first snapshot gets the first one, since no earlier wording is known. Raises NoPack.
    """
    supposed = _SUPPOSED.get()
    if supposed is not None:
        return supposed
    return _in_force(as_of or clock.today())


@once
def _in_force(day: date) -> Pack:
    rows = Snapshot.objects.defer("layers").order_by("-in_force_from", "-id")
    found = rows.filter(in_force_from__lte=day).first() or rows.last()
    if found is None:
        raise NoPack("还没有载入规则包。请运行 make demo，或 rongtong pack load 文件夹…。")
    return _pack(found.pk, found.fingerprint)


def with_fingerprint(fingerprint: str) -> Pack:
    """The pack of this fingerprint as it was loaded or published. Raises NoPack."""
    found = Snapshot.objects.filter(fingerprint=fingerprint).order_by("-id").first()
    if found is None:
        raise NoPack(f"没有规则包快照 {fingerprint[:12]}。")
    return _pack(found.pk, found.fingerprint)


def newest() -> Pack | None:
    """The pack stored last, also where it is in force only from a later day; None before any was loaded."""
    found = Snapshot.objects.order_by("-id").first()
    return _pack(found.pk, found.fingerprint) if found else None


@lru_cache(maxsize=16)
def _pack(key: int, fingerprint: str) -> Pack:
    layers = []
    for item in json.loads(Snapshot.objects.get(pk=key).layers):
        files: Files = from_canonical(item["files"])
        layer, problems = read_layer(files)
        if layer is None or any(p.severity == "error" for p in problems):
            raise NoPack(f"规则包快照 {fingerprint[:12]} 读不出来：{problems[0]}")
        layers.append(layer)
    return combine(layers)


# By the pack's fingerprint: to compare the days themselves takes longer than most that is asked of them.
_CALENDARS: dict[str, Calendars] = {}
MOST_CALENDARS = 16


def calendars(pack: Pack) -> Calendars:
    """The calendar a pack states, in every edition that was ever known."""
    found = _CALENDARS.get(pack.fingerprint)
    if found is None:
        if len(_CALENDARS) >= MOST_CALENDARS:
            _CALENDARS.clear()
        found = _CALENDARS[pack.fingerprint] = Calendars.of(pack.all("calendar"))
    return found
