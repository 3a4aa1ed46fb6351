"""What the tests of the registry need."""

from __future__ import annotations

from pathlib import Path

import pytest

from rongtong.apps.packs.actions import load
from rongtong.apps.registry.actions import system_account
from rongtong.apps.registry.models import Account

PACK = {
    "pack.yaml": "code: sample\nname: 样例\nversion: '1'\nroot_place: '990000'\n",
    "places.csv": (
        "code,name,short,level\n"
        "990000,样例省,样例,province\n"
        "990100,甲市,甲市,city\n"
        "990200,乙市,乙市,city\n"
        "990101,甲一区,甲一,county\n"
        "990221,乙一县,乙一,county\n"
        "990299,托管区,托管,county\n"
        "Z990101-01,甲一高新区,甲高新,zone\n"
    ),
    # 990299 has a code of the second city and is run by the first: only the tree tells.
    "hierarchies.csv": (
        "hierarchy,place,parent\n"
        "administrative,990100,990000\n"
        "administrative,990200,990000\n"
        "administrative,990101,990100\n"
        "administrative,990221,990200\n"
        "administrative,990299,990100\n"
        "administrative,Z990101-01,990101\n"
    ),
}


@pytest.fixture
def system(db: None) -> Account:
    return system_account()


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """The folder of a pack with a province of two cities, three county-level units and a functional zone."""
    folder = tmp_path / "sample"
    folder.mkdir()
    for name, text in PACK.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def pack(system: Account, sample: Path) -> None:
    """That pack, loaded."""
    load([sample], system)
