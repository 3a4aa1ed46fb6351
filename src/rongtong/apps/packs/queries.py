"""Which packs are in force."""

from __future__ import annotations

import json
from datetime import date
from functools import lru_cache
from pathlib import Path

from rongtong.apps.packs.models import Snapshot
from rongtong.engine.pack.read import Files, Layer, Pack, Problem, combine, from_canonical, read_layer


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


def current(as_of: date | None = None) -> Pack:
    """The pack in force: the last snapshot loaded, or the last in force on `as_of`.

    A day before the first snapshot gets the first one, since no earlier wording is known. Raises NoPack.
    """
    rows = Snapshot.objects.order_by("-in_force_from", "-id")
    found = (rows.filter(in_force_from__lte=as_of).first() if as_of else rows.first()) or rows.last()
    if found is None:
        raise NoPack("还没有载入规则包。请运行 make demo，或 rongtong pack load 文件夹…。")
    return _pack(found.pk, found.fingerprint)


@lru_cache(maxsize=8)
def _pack(key: int, fingerprint: str) -> Pack:
    layers = []
    for item in json.loads(Snapshot.objects.get(pk=key).layers):
        files: Files = from_canonical(item["files"])
        layer, problems = read_layer(files)
        if layer is None or any(p.severity == "error" for p in problems):
            raise NoPack(f"规则包快照 {fingerprint[:12]} 读不出来：{problems[0]}")
        layers.append(layer)
    return combine(layers)
