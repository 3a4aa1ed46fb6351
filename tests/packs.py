"""The shipped packs and their published figures, read once, for tests of the engine without a database."""

from __future__ import annotations

import csv
import io
from datetime import date
from functools import cache
from pathlib import Path

from rongtong.engine.facts import Fact
from rongtong.engine.indicator import Cards, Facts
from rongtong.engine.pack.read import Pack, combine, read_layer
from rongtong.engine.period import Period
from rongtong.engine.quantity import Quantity, parse_number

PACKS = Path(__file__).parent.parent / "packs"
SHIPPED = (PACKS / "china", PACKS / "zhejiang")
MORE = 'code: more\nname: 再加流程\nversion: "1"\nextends: [zhejiang]\nroot_place: "330000"\n'


def with_more(folder: Path, processes: str, *, blocks: str = "", published: str = "") -> list[Path]:
    """The folders of the shipped packs and of one more, written into `folder`, that holds these processes."""
    made = folder / "more"
    files = {
        "pack.yaml": MORE,
        "blocks.yaml": blocks,
        "processes/more.yaml": processes,
        "processes/published.csv": published,
    }
    for name, content in files.items():
        if content:
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            (made / name).write_text(content, encoding="utf-8")
    return [*SHIPPED, made]


@cache
def shipped(*names: str) -> Pack:
    """The packs of these folders, base first; they must read without a problem."""
    layers = []
    for name in names:
        folder = PACKS / name
        files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        layer, problems = read_layer(files)
        assert layer is not None, problems
        assert problems == []
        layers.append(layer)
    return combine(layers)


def cards(pack: Pack) -> Cards:
    return Cards.of(pack.all("indicators"), pack.all("scopes"))


def facts_of(pack: Pack, file: str, *, known_on: date = date.max) -> Facts:
    """The rows of one of the pack's data files as facts."""
    text = pack.loose("data/*")[f"data/{file}"].decode("utf-8-sig")
    found = []
    for number, row in enumerate(csv.DictReader(io.StringIO(text)), 2):
        known = date.fromisoformat(row["known_from"])
        if known <= known_on:
            value = Quantity.of(parse_number(row["value"]), row["unit"]).to_stored()
            evidence = f"{file}!D{number}"
            found.append(
                Fact(
                    row["indicator"],
                    row["place"],
                    Period.parse(row["period"]),
                    value,
                    row["status"],
                    known,
                    evidence=evidence,
                    source=row["source"],
                )
            )
    return Facts.of(found)
