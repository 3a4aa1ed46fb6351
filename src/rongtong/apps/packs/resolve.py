"""Finding the packs a folder extends, so that a pack can be checked alone by naming its folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rongtong.apps.packs.queries import NoPack, read_folder
from rongtong.engine.pack.check import check
from rongtong.engine.pack.read import Layer, Pack, Problem, combine


def check_folders(folders: Sequence[Path]) -> list[Problem]:
    """Every finding about the packs in these folders; packs they extend are looked for beside them.

    Findings name files as `folder/file` where several folders are read.
    """
    layers, problems = _layers(folders)
    if problems or not layers:
        return problems
    return check(combine(list(layers)))


def combined(folders: Sequence[Path]) -> Pack:
    """The packs in these folders, with those they extend, laid over one another. Raises NoPack with what cannot be read."""
    layers, problems = _layers(folders)
    if problems or not layers:
        raise NoPack("\n".join(str(p) for p in problems) or "没有给出规则包的文件夹。")
    return combine(layers)


def _layers(folders: Sequence[Path]) -> tuple[list[Layer], list[Problem]]:
    layers: dict[str, Layer] = {}
    problems: list[Problem] = []
    for folder in folders:
        _read(folder, layers, problems)
    return list(layers.values()), problems


def _read(folder: Path, layers: dict[str, Layer], problems: list[Problem]) -> None:
    layer, found = read_folder(folder)
    problems += [Problem(f"{folder.name}/{p.file}", p.line, p.message, p.do, p.severity) for p in found]
    if layer is None or layer.manifest.code in layers:
        return
    for base in layer.manifest.extends:
        if base in layers:
            continue
        beside = folder.resolve().parent / base
        if (beside / "pack.yaml").is_file():
            _read(beside, layers, problems)
        else:
            problems.append(
                Problem(
                    f"{folder.name}/pack.yaml",
                    1,
                    f"所扩展的规则包“{base}”不在 {beside}",
                    "把它放在旁边，或先给出它的文件夹",
                )
            )
    layers[layer.manifest.code] = layer
