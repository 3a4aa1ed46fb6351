"""A form for a statement of a pack, made from its model: text, choices, lists, small parts; the rest as YAML.

Every control has a name of its own (`cases-0-when`), so the form works without a script and gives back exactly the
plain values the model reads.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from rongtong.apps.packs.amend_words import label, word
from rongtong.engine.nested import NestedError, read_yaml
from rongtong.engine.pack.read import Pack, explain, model_of
from rongtong.typed import number

LONG = frozenset({"definition", "note", "manual", "reason", "formula"})
SPARE = 2  # empty rows offered below the parts of a list
MOST = 4  # a part with more fields than this is written as YAML
HINTS = {
    "formula": "由别的指标算出的才写；代码相加减乘除",
    "when": "如 ratio >= 0.9；可用 reported、overdue、completion、ratio、gap",
    "lamp": "亮灯规则的代码",
    "period": "2025、2025H1、2025Q1、2025-03 或 2025-01..09",
    "blocks": "以顿号分开",
}


# Fields that name another statement by its code → the kind of statement offered by name.
NAMED = {
    "indicator": "indicators", "part_of": "indicators", "scope": "scopes", "lamp": "lamps", "place": "places",
    "document": "documents", "commitment": "commitments",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Control:
    """One control: `shape` is text, long, lines, choice, choices, tick, date or yaml; `listed` the kind it names."""

    name: str
    label: str
    shape: str
    value: str = ""
    options: tuple[tuple[str, str, bool], ...] = ()
    hint: str = ""
    required: bool = False
    error: str = ""
    listed: str = ""

    @property
    def rows(self) -> int:
        """Lines of a text area that hold its text."""
        return min(24, max(3, self.value.count("\n") + 2, len(self.value) // 60 + 1))


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a statement: a control, a group of controls, or a table of parts."""

    name: str
    label: str
    shape: str
    controls: tuple[Control, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[Control, ...], ...] = ()
    error: str = ""


def fields(kind: str, value: Mapping[str, Any], typed: Mapping[str, Any] | None = None) -> tuple[Field, ...]:
    """The form of a statement of a kind holding `value`. `typed` is {"errors": …, "raw": …} of a refused posting."""
    model, wrong = model_of(kind), dict((typed or {}).get("errors", {}))
    raw: Mapping[str, Any] = (typed or {}).get("raw", {})
    return tuple(_field(name, info, value.get(name), raw.get(name), wrong) for name, info in _infos(model))


def offered(form: Iterable[Field], pack: Pack) -> dict[str, list[tuple[str, str]]]:
    """Kind → (code, words) of its statements, for the kinds that controls of a form name."""
    controls = (c for f in form for row in (f.controls, *f.rows) for c in row)
    return {kind: _statements(kind, pack) for kind in dict.fromkeys(c.listed for c in controls if c.listed)}


def _statements(kind: str, pack: Pack) -> list[tuple[str, str]]:
    found = (
        (str(getattr(s, "code", "") or getattr(s, "id", "")), str(getattr(s, "name", "") or getattr(s, "title", "")))
        for s in pack.all(kind)
    )
    return list(dict(found).items())


def _infos(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    model.model_rebuild()
    yield from model.model_fields.items()


def _field(name: str, info: FieldInfo, value: Any, raw: Any, wrong: Mapping[str, str]) -> Field:
    if value is None and not info.is_required():
        value = _default(info)
    shape, inner = _shape(info)
    error = wrong.get(name, "")
    if shape == "group":
        given = value if isinstance(value, dict) else {}
        parts = tuple(
            replace(c, required=c.required and info.is_required())
            for c in (_control(f"{name}-{n}", n, i, given.get(n), wrong) for n, i in _infos(inner))
        )
        return Field(name, label(name), shape, controls=parts, error=error)
    if shape == "table":
        items = list(value or [])
        empty: list[dict[str, Any]] = [{} for _ in range(SPARE)]
        rows = tuple(
            tuple(_control(f"{name}-{row}-{n}", n, i, item.get(n), wrong, bare=True) for n, i in _infos(inner))
            for row, item in enumerate([*items, *empty])
        )
        return Field(name, label(name), shape, head=tuple(label(n) for n, _ in _infos(inner)), rows=rows, error=error)
    control = _control(name, name, info, value if raw is None else raw, wrong)
    return Field(name, label(name), "one", controls=(control,), error=error)


def _default(info: FieldInfo) -> Any:
    found = info.get_default(call_default_factory=True)
    if isinstance(found, BaseModel):
        return found.model_dump(mode="json")
    return list(found) if isinstance(found, tuple) else found


def _bare(annotation: Any) -> Any:
    """An annotation without None and without what is annotated."""
    if get_origin(annotation) in (Union, types.UnionType):
        return _bare(next(a for a in get_args(annotation) if a is not type(None)))
    if hasattr(annotation, "__metadata__"):
        return _bare(get_args(annotation)[0])
    return annotation


def _shape(info: FieldInfo) -> tuple[str, Any]:
    kind = _bare(info.annotation)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return ("group", kind) if _small(kind) else ("yaml", kind)
    if get_origin(kind) is tuple:
        item = _bare(get_args(kind)[0])
        if isinstance(item, type) and issubclass(item, BaseModel):
            return ("table", item) if _small(item) else ("yaml", item)
        return ("choices" if get_origin(item) is Literal else "lines"), item
    if get_origin(kind) is dict or kind is dict:
        return "yaml", kind
    if get_origin(kind) is Literal:
        return "choice", kind
    return {bool: "tick", date: "date"}.get(kind, "text"), kind


def _small(model: type[BaseModel]) -> bool:
    shapes = [_shape(info)[0] for _, info in _infos(model)]
    return len(shapes) <= MOST and not {"yaml", "group", "table", "choices"} & set(shapes)


def _control(
    name: str, field: str, info: FieldInfo, value: Any, wrong: Mapping[str, str], *, bare: bool = False
) -> Control:
    shape, kind = _shape(info)
    if shape == "text" and field in LONG:
        shape = "long"
    if shape == "lines" and bare:
        shape = "text"
    options: tuple[tuple[str, str, bool], ...] = ()
    if shape in ("choice", "choices"):
        held = value if isinstance(value, list) else [value]
        empty = [("", "（不填）", False)] if shape == "choice" and (bare or not info.is_required()) else []
        # What is chosen comes first, in its own order, so that a form left alone gives back the same list.
        allowed = [str(v) for v in get_args(kind) if v != ""]
        choices = dict.fromkeys([*(v for v in held if v in allowed), *allowed]) if shape == "choices" else allowed
        options = (*empty, *((v, word(v), v in held) for v in choices))
    return Control(
        name, label(field), shape, _text(value, shape, bare), options, HINTS.get(field, ""),
        info.is_required() and not bare, wrong.get(name, wrong.get(name.replace("-", "."), "")),
        NAMED.get(field, "") if shape == "text" else "",
    )  # fmt: skip


def _text(value: Any, shape: str, bare: bool) -> str:
    if value is None or value == "" or shape in ("choice", "choices"):
        return ""
    if isinstance(value, str):
        return value
    if shape == "yaml":
        return _yaml(value)
    if isinstance(value, list):
        return ("、" if bare else "\n").join(str(v) for v in value)
    return "1" if value is True else "" if value is False else str(value)


def _yaml(value: Any) -> str:
    import yaml

    return str(yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=90)) if value else ""


def read(kind: str, posted: Any) -> tuple[dict[str, Any], dict[str, str], dict[str, Any]]:
    """(plain values, errors by control, what was typed and could not be read) of a posted form."""
    wrong: dict[str, str] = {}
    raw: dict[str, Any] = {}
    out: dict[str, Any] = {}
    for name, info in _infos(model_of(kind)):
        value = _read(name, info, posted, wrong, raw)
        if value not in (None, "", [], {}):
            out[name] = value
    if not wrong:
        wrong = errors(kind, out)
    return out, wrong, raw


def errors(kind: str, value: Mapping[str, Any]) -> dict[str, str]:
    """control name → what is wrong with a statement, in words; a control of a part is named by its path."""
    try:
        model_of(kind).model_validate(dict(value))
    except ValidationError as error:
        found: dict[str, str] = {}
        for where, message in explain(error):
            head = where.split(".")[0]
            name = where.replace(".", "-")
            said = message.replace(f"“{where}”", f"“{label(head)}”")
            found.setdefault(name, said)
            found.setdefault(head, said)
        return found
    return {}


def _read(name: str, info: FieldInfo, posted: Any, wrong: dict[str, str], raw: dict[str, Any]) -> Any:
    shape, inner = _shape(info)
    if shape == "group":
        found = {n: v for n, i in _infos(inner) if (v := _plain(f"{name}-{n}", i, posted)) not in (None, "", [])}
        return found or None
    if shape == "table":
        return list(_rows(name, inner, posted))
    if shape == "yaml":
        return _parsed(name, str(posted.get(name, "")), wrong, raw)
    return _plain(name, info, posted)


def _rows(name: str, inner: type[BaseModel], posted: Any) -> Iterator[dict[str, Any]]:
    row = 0
    while any(f"{name}-{row}-{n}" in posted for n, _ in _infos(inner)):
        pairs = ((n, _plain(f"{name}-{row}-{n}", i, posted, bare=True)) for n, i in _infos(inner))
        found = {n: v for n, v in pairs if v not in (None, "", [])}
        if found:
            yield found
        row += 1


def _plain(name: str, info: FieldInfo, posted: Any, *, bare: bool = False) -> Any:
    shape, kind = _shape(info)
    if shape == "choices":
        return posted.getlist(name)
    text = str(posted.get(name, "")).strip().replace("\r\n", "\n")
    if shape == "tick":
        return text == "1"
    if shape == "lines":
        parts = text.replace("，", "、").replace(",", "、").split("、") if bare else text.split("\n")
        return [p.strip() for p in parts if p.strip()]
    if kind is int and (whole := number(text.removeprefix("-"))) is not None:
        return -whole if text.startswith("-") else whole
    return text


def _parsed(name: str, text: str, wrong: dict[str, str], raw: dict[str, Any]) -> Any:
    try:
        return read_yaml(text) if text.strip() else None
    except NestedError as error:
        wrong[name] = f"“{label(name)}”{error}"
        raw[name] = text
        return None
