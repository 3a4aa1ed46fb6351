"""Loading packs; the office's published amendments stay on top of what is loaded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from rongtong import clock
from rongtong.apps.packs import amend_layer, queries
from rongtong.apps.packs.amend_layer import OFFICE, Change
from rongtong.apps.packs.models import Publication, Snapshot
from rongtong.apps.records.actions import act
from rongtong.apps.registry.models import Account
from rongtong.engine.pack.check import check
from rongtong.engine.pack.read import Layer, Pack, Problem, canonical, combine

Dated = tuple[date, Sequence[Change]]


class PackRefused(Exception):
    """A pack has errors; `problems` lists all of them and nothing was loaded."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(p) for p in problems))
        self.problems = tuple(problems)


def read_checked(folders: Sequence[Path]) -> Pack:
    """Read and check packs, base first. Raises PackRefused with every error."""
    layers, problems = [], []
    for folder in folders:
        layer, found = queries.read_folder(folder)
        problems += [Problem(f"{folder.name}/{p.file}", p.line, p.message, p.do, p.severity) for p in found]
        if layer:
            layers.append(layer)
    if not problems and layers:
        pack = combine(layers)
        problems = [p for p in check(pack) if p.severity == "error"]
        if not problems:
            return pack
    raise PackRefused(problems or [Problem("", 1, "没有给出规则包", "给出文件夹")])


def load(folders: Sequence[Path], actor: Account) -> tuple[Pack, bool]:
    """Store the packs as the snapshot in force from today, under the office's published amendments.

    Returns the pack in force and whether anything was new; loading the same content again changes nothing. Raises
    PackRefused, also where a published amendment does not fit the new packs; nothing is half-written.
    """
    read = read_checked(folders)
    if any(layer.manifest.code == OFFICE for layer in read.layers):
        raise PackRefused(
            [Problem(f"{OFFICE}/pack.yaml", 1, f"“{OFFICE}”是系统叠放本单位修订的名字", "给规则包另起 code")]
        )
    last = queries.newest()
    if last and _marks(amend_layer.loaded(last)) == _marks(read.layers):
        return queries.current(), False
    with act("packs.load", actor=actor, subject=read.fingerprint[:12]) as done:
        stored = store(read.layers, clock.today(), published())
        done.payload = {layer.manifest.code: layer.fingerprint for layer in stored.layers}
    return stored, True


def _marks(layers: Sequence[Layer]) -> list[str]:
    return [layer.fingerprint for layer in layers]


def published() -> list[Dated]:
    """What the office published, each with the day it is in force from, in order."""
    return [(p.in_force_from, amend_layer.parse(p.statements)) for p in Publication.objects.all()]


def store(layers: Sequence[Layer], day: date, changes: Sequence[Dated]) -> Pack:
    """Store the loaded layers with the office's changes over them from a day on. Returns the pack of that day.

    One snapshot for the day, and one for each later day from which changes are in force. Raises PackRefused. Called
    inside an act.
    """
    later = sorted({at for at, _ in changes if at > day})
    first: Pack | None = None
    for start in (day, *later):
        pack, found = amend_layer.lay(layers, [(at, those) for at, those in changes if at <= start])
        wrong = [f.problem for f in found if f.blocking]
        if pack is None or wrong:
            raise PackRefused(wrong)
        Snapshot.objects.create(
            fingerprint=pack.fingerprint, in_force_from=start, loaded_at=clock.now(), layers=_stored(pack)
        )
        first = first or pack
    assert first is not None  # the day itself is always stored
    return first


def _stored(pack: Pack) -> str:
    return json.dumps(
        [
            {
                "code": layer.manifest.code,
                "version": layer.manifest.version,
                "fingerprint": layer.fingerprint,
                "files": canonical(layer.files),
            }
            for layer in pack.layers
        ],
        ensure_ascii=False,
    )
