"""Loading packs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rongtong import clock
from rongtong.apps.packs import queries
from rongtong.apps.packs.models import Snapshot
from rongtong.apps.records.actions import act
from rongtong.apps.registry.models import Account
from rongtong.engine.pack.check import check
from rongtong.engine.pack.read import Pack, Problem, canonical, combine


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
    """Store the packs as the snapshot in force from today. Returns the pack and whether anything was new.

    Loading the same content again changes nothing. Raises PackRefused; nothing is half-written.
    """
    pack = read_checked(folders)
    last = Snapshot.objects.order_by("-in_force_from", "-id").first()
    if last and last.fingerprint == pack.fingerprint:
        return pack, False
    with act("packs.load", actor=actor, subject=pack.fingerprint[:12]) as done:
        Snapshot.objects.create(
            fingerprint=pack.fingerprint,
            in_force_from=clock.today(),
            loaded_at=clock.now(),
            layers=json.dumps(
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
            ),
        )
        done.payload = {layer.manifest.code: layer.fingerprint for layer in pack.layers}
    return pack, True
