"""An office's amendments as a further layer over its packs: the same schema, the same check, one pack to send.

packs as loaded            the nation's, the region's
+ what was published       office: every amendment in force on the day, later over earlier, statement by statement
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from rongtong.engine.pack.check import check
from rongtong.engine.pack.read import KINDS as READ
from rongtong.engine.pack.read import Layer, Pack, Problem, combine, model_of, read_layer

OFFICE = "office"
# kind → its words, and the file of the office's layer that holds its statements
KINDS: dict[str, tuple[str, str]] = {
    "indicators": ("指标卡", "indicators/office.yaml"),
    "lamps": ("亮灯规则", "lamps.yaml"),
    "targets": ("目标", "targets.yaml"),
    "papers": ("材料写法", "papers/office.yaml"),
    "uses": ("结果运用", "uses.yaml"),
    "sources": ("来源对照", "sources/office.yaml"),
}
# A changed lamp rule is a second rule of the same code; the former one ends the day before, so no past lamp changes.
SUPERSEDED = ("lamps",)


@dataclass(frozen=True, slots=True)
class Change:
    """One statement of an amendment: as it stood when drafting began (None: a new one) and as amended, as plain values."""

    kind: str
    code: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]


def parse(text: str) -> tuple[Change, ...]:
    """The changes a stored amendment lists."""
    return tuple(Change(i["kind"], i["code"], i["before"], i["after"]) for i in json.loads(text))


def dump(changes: Iterable[Change]) -> str:
    """The inverse of `parse`."""
    items = [{"kind": c.kind, "code": c.code, "before": c.before, "after": c.after} for c in changes]
    return json.dumps(items, ensure_ascii=False, sort_keys=True)


def plain(statement: Any) -> dict[str, Any]:
    """A statement as plain values, without what it leaves at its default."""
    found: dict[str, Any] = statement.model_dump(mode="json", exclude_defaults=True)
    return found


def loaded(pack: Pack) -> tuple[Layer, ...]:
    """The layers of a pack that were loaded from folders, without the office's."""
    return tuple(layer for layer in pack.layers if layer.manifest.code != OFFICE)


def statements(
    base: Pack, dated: Sequence[tuple[date, Sequence[Change]]]
) -> dict[str, dict[tuple[Any, ...], dict[str, Any]]]:
    """kind → key → statement of the office's layer: each set of changes over those before it, in force from its day."""
    out: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {kind: {} for kind in KINDS}
    for day, changes in dated:
        for change in changes:
            kind, after = change.kind, dict(change.after)
            mine = out[kind]
            if kind in SUPERSEDED:
                after["valid_from"] = day.isoformat()
                after.pop("valid_to", None)
                former = _newest(base, mine, kind, change.code)
                if former and str(former.get("valid_from", "")) < day.isoformat():
                    mine[_key(kind, former)] = {**former, "valid_to": (day - timedelta(days=1)).isoformat()}
            mine[_key(kind, after)] = after
    return out


def _newest(base: Pack, mine: Mapping[tuple[Any, ...], dict[str, Any]], kind: str, code: str) -> dict[str, Any] | None:
    own = [s for s in mine.values() if s["code"] == code]
    if own:
        return max(own, key=lambda s: str(s.get("valid_from", "")))
    found = base.find(kind, code)
    return plain(found) if found else None


def _key(kind: str, statement: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(statement.get(name) for name in READ[kind][2])


def files(
    base: Pack, dated: Sequence[tuple[date, Sequence[Change]]], code: str = OFFICE, version: str = ""
) -> dict[str, bytes]:
    """The files of the office's layer, the same bytes for the same changes."""
    import yaml

    manifest = {
        "code": code,
        "name": "本单位修订",
        "version": version or str(len(dated)),
        "extends": [base.layers[-1].manifest.code],
        "root_place": base.manifest.root_place,
    }
    made = {"pack.yaml": manifest}
    for kind, items in statements(base, dated).items():
        if items:
            made[KINDS[kind][1]] = list(items.values())  # type: ignore[assignment]
    return {
        path: yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=110).encode()
        for path, data in made.items()
    }


@dataclass(frozen=True, slots=True)
class Finding:
    """What the check says of an amendment: the statement it is about ("" where it is the whole) and the words."""

    kind: str
    code: str
    problem: Problem

    @property
    def blocking(self) -> bool:
        return self.problem.severity == "error"


def lay(
    layers: Sequence[Layer], dated: Sequence[tuple[date, Sequence[Change]]]
) -> tuple[Pack | None, tuple[Finding, ...]]:
    """The loaded layers with the office's over them, and what the pack's own check finds that the layers alone have not.

    The pack is None where a statement cannot even be read.
    """
    base = combine(layers)
    if not dated:
        return base, ()
    layer, problems = read_layer(files(base, dated))
    if layer is None or problems:
        return None, tuple(Finding(*_about(p.file, p.line, layer), p) for p in problems)
    pack = combine([*layers, layer])
    known = {(p.message, p.severity) for p in check(base)}
    found = [p for p in check(pack) if (p.message, p.severity) not in known]
    return pack, tuple(Finding(*_about(p.file.removeprefix(f"{OFFICE}/"), p.line, layer), p) for p in found)


def _about(file: str, line: int, layer: Layer | None) -> tuple[str, str]:
    """(kind, code) of the statement of the office's layer that stands at a line of a file."""
    kind = next((k for k, (_, path) in KINDS.items() if path == file), "")
    if layer is None or not kind:
        return kind, ""
    before = [
        (origin.line, str(key[0])) for (k, key), origin in layer.origins.items() if k == kind and origin.line <= line
    ]
    return kind, max(before)[1] if before else ""


def validated(kind: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """A statement read by its model and given back as plain values. Raises pydantic.ValidationError."""
    return plain(model_of(kind).model_validate(dict(value)))


def archive(content: Mapping[str, bytes], folder: str) -> bytes:
    """The files of a pack as a zip with one folder; the same bytes for the same files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for path in sorted(content):
            target.writestr(zipfile.ZipInfo(f"{folder}/{path}", (1980, 1, 1, 0, 0, 0)), content[path])
    return out.getvalue()
