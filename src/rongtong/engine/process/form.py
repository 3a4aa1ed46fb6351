"""Forms (表单) as JSON Schema: the fields a page shows, and what was filled in, checked.

Of JSON Schema's types a form uses `string`, `integer`, `boolean`, `array` and, inside an array, `object`: a number with
a fraction is a string of `format: decimal`, so that it stays exact. Labels are `title`, hints `description`; a choice
is `oneOf: [{const, title}]` or `enum`. An array of objects is a table of rows, posted as `NAME-ROW-COLUMN`; what its
columns have to add up to is said by `sum` (see `exact`), what a date may not be before or after by `not_before` and
`not_after` (see `days`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import Any

from rongtong.engine import cn_patent
from rongtong.engine.lazy import LazyModule
from rongtong.engine.process import days, exact, refusal

jsonschema: Any = LazyModule("jsonschema")
DECIMAL = re.compile(r"^[+-]?\d{1,18}(\.\d{1,6})?$")
LONG = 60
# A text of so many characters needs no word beforehand that it has to have them.
SHORT = 4
# Empty rows that a page offers beyond those asked for.
SPARE = 3
NAMED = ("date", "decimal", "place", "organisation", "office", "account", "case", "patent")


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `kind` is text, long, integer, decimal, date, yes, choice, choices, lines, rows, or what the text names:
    place (a code), organisation (统一社会信用代码), office (承办单位: either, or an organisation's name), account, case
    (a number), chain (产业链), patent (专利申请号).

    `columns` are the fields of a row, `rows` how many empty rows a page offers. `among`: the account role of those whom an
    account or lines of accounts may well name; a page lists them to whoever fills in the form. `least` and `most` are
    how many characters it has.
    """

    name: str
    label: str
    kind: str
    required: bool = False
    hint: str = ""
    options: tuple[tuple[str, str], ...] = ()
    default: str = ""
    most: int = 0
    columns: tuple[Field, ...] = ()
    rows: int = 0
    among: str = ""
    least: int = 0

    @property
    def note(self) -> str:
        """What a page says beside the field: its hint, and the length a text has to have where that is not short."""
        least = f"至少 {self.least} 个字" if self.least > SHORT and self.kind in ("text", "long") else ""
        return "；".join(said for said in (self.hint.removesuffix("。") if least else self.hint, least) if said)


def fields(schema: Mapping[str, Any]) -> tuple[Field, ...]:
    """The fields of a form in the order of the schema."""
    wanted = set(schema.get("required", ()))
    found = []
    for name, spec in schema.get("properties", {}).items():
        kind = _kind(spec)
        if kind:
            items = spec.get("items", {}) if kind == "choices" else spec
            found.append(
                Field(
                    name,
                    spec.get("title", name),
                    kind,
                    name in wanted,
                    spec.get("description", ""),
                    _options(items),
                    str(spec.get("default", "")),
                    spec.get("maxLength", 0),
                    fields(spec["items"]) if kind == "rows" else (),
                    spec.get("minItems", 0) + SPARE if kind == "rows" else 0,
                    spec.get("among", "") or spec.get("items", {}).get("among", ""),
                    spec.get("minLength", 0),
                )
            )
    return tuple(found)


def _kind(spec: Mapping[str, Any]) -> str:
    if spec.get("format") == "chain":
        return "chain"
    if _options(spec):
        return "choice"
    match spec.get("type"):
        case "integer":
            return "integer"
        case "boolean":
            return "yes"
        case "array":
            items = spec.get("items", {})
            rows = "rows" if items.get("type") == "object" else ""
            return "choices" if _options(items) else "lines" if items.get("type") == "string" else rows
        case "string":
            named = spec.get("format", "")
            if named in NAMED:
                return str(named)
            return "long" if named == "textarea" or spec.get("maxLength", 0) > LONG * 2 else "text"
    return ""


def typed(text: str) -> str:
    """A text as it was typed: a browser posts a line break as two characters, and whoever typed it counts one."""
    return text.replace("\r\n", "\n").strip()


def _options(spec: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    if "oneOf" in spec:
        return tuple((str(o["const"]), str(o.get("title", o["const"]))) for o in spec["oneOf"])
    return tuple((str(o), str(o)) for o in spec.get("enum", ()))


def read(schema: Mapping[str, Any], posted: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What a posted form says, typed by the schema as far as it can be; an empty answer is no answer.

    A value that cannot be typed is kept as text, for `errors` to refuse.
    """
    found: dict[str, Any] = {}
    for field in fields(schema):
        if field.kind == "rows":
            if rows := _rows(field, posted):
                found[field.name] = rows
            continue
        texts = [typed(t) for t in posted.get(field.name, ()) if t.strip()]
        if field.kind == "yes":
            found[field.name] = bool(texts)
        elif texts:
            found[field.name] = _value(field, texts)
    return found


def _rows(field: Field, posted: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """The rows that hold anything, in their order."""
    named = re.compile(rf"{re.escape(field.name)}-(\d{{1,3}})-([a-z0-9_]+)")
    rows: dict[int, dict[str, Any]] = {}
    for name, texts in posted.items():
        match = named.fullmatch(name)
        column = next((c for c in field.columns if match and c.name == match[2]), None)
        filled = [typed(t) for t in texts if t.strip()]
        if match and column and filled:
            rows.setdefault(int(match[1]), {})[column.name] = True if column.kind == "yes" else _value(column, filled)
    return [rows[number] for number in sorted(rows)]


def posted(schema: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, list[str]]:
    """What a form posts that is filled in with `data`: `read` of it gives the fields of the form in `data` back."""
    found: dict[str, list[str]] = {}
    for field in fields(schema):
        value = data.get(field.name)
        if field.kind == "rows":
            for number, row in enumerate(value or ()):
                cells = {f"{field.name}-{number}-{c.name}": row.get(c.name) for c in field.columns}
                found |= {name: _texts(cell) for name, cell in cells.items() if _texts(cell)}
        elif field.kind == "lines":
            found |= {field.name: ["\n".join(value)]} if value else {}
        elif texts := _texts(value):
            found[field.name] = texts
    return found


def _texts(value: Any) -> list[str]:
    if value is None or value is False or value == "":
        return []
    return [str(one) for one in value] if isinstance(value, list) else ["1" if value is True else str(value)]


def _value(field: Field, texts: Sequence[str]) -> Any:
    if field.kind == "integer":
        return int(texts[-1]) if re.fullmatch(r"[+-]?\d{1,15}", texts[-1]) else texts[-1]
    if field.kind == "choices":
        return list(texts)
    if field.kind == "lines":
        return [line.strip() for line in texts[-1].splitlines() if line.strip()]
    if field.kind == "patent":
        return cn_patent.normalise(texts[-1])
    return texts[-1]


def errors(
    schema: Mapping[str, Any],
    data: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
    on: date | None = None,
    titles: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Field → what is wrong with it, in words. Empty when the data are as the form asks.

    `before` is what earlier forms were filled with, for sums that have to equal it and dates held against it, `titles` what
    their fields are called; `on` the day of the step, without which no date is held against today.
    """
    if not schema:
        return {name: f"这一步不收“{name}”。" for name in data}
    # JSON Schema takes 50.0 for an integer; a record keeps no binary fractions, whatever field they come in.
    found = {
        n: f'“{refusal.label(schema, n)}”不能是浮点数，小数请写成文字，如 "0.5"。'
        for n, v in data.items()
        if _has_float(v)
    }
    cells: dict[str, dict[tuple[int, str], str]] = {}
    for error in _validator(schema).iter_errors(dict(data)):
        if len(error.path) > 1:
            name, cell, words = refusal.in_row(schema, error)
            cells.setdefault(name, {}).setdefault(cell, words)
            continue
        for name, words in refusal.said(schema, error):
            found.setdefault(name, words)
    for name, cell, words in exact.cells(schema, data):
        cells.setdefault(name, {}).setdefault(cell, words)
    for name, wrong in cells.items():
        found.setdefault(name, f"“{refusal.label(schema, name)}”{refusal.named(wrong)}。")
    for name, words in _repeated(schema, data):
        found.setdefault(name, words)
    dates = days.errors(schema, data, before or {}, on, titles or {})
    return exact.errors(schema, data, before or {}) | dates | found


def by_system(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What the system fills a form in with when a clock has run out: `by_system` of each field, else its `default`."""
    given = {n: spec.get("by_system", spec.get("default")) for n, spec in schema.get("properties", {}).items()}
    return {name: value for name, value in given.items() if value is not None}


def _has_float(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_float(v) for v in value.values())
    if isinstance(value, list):
        return any(_has_float(v) for v in value)
    return isinstance(value, float)


# id of a schema → the schema, kept so that the id stays its own, and its validator: making one takes longer than a form.
_PREPARED: dict[int, tuple[Mapping[str, Any], Any]] = {}
MOST_PREPARED = 1024


def _validator(schema: Mapping[str, Any]) -> Any:
    found = _PREPARED.get(id(schema))
    if found is None:
        whole = {"type": "object", "additionalProperties": False, **schema}
        found = schema, jsonschema.Draft202012Validator(whole, format_checker=_formats())
        if len(_PREPARED) >= MOST_PREPARED:
            _PREPARED.clear()
        _PREPARED[id(schema)] = found
    return found[1]


@cache
def _formats() -> Any:
    checker = jsonschema.FormatChecker(formats=())
    checker.checks("date", raises=ValueError)(lambda v: not isinstance(v, str) or bool(date.fromisoformat(v)))
    checker.checks("decimal")(lambda v: not isinstance(v, str) or bool(DECIMAL.match(v)))
    checker.checks("patent")(lambda v: not isinstance(v, str) or cn_patent.check(v) is None)
    return checker


def _repeated(schema: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(field, what to say) of each list of texts, as of accounts or organisations, in which one stands twice."""
    for name, spec in schema.get("properties", {}).items():
        items, value = spec.get("items", {}), data.get(name)
        if items.get("type") != "string" or not isinstance(value, list):
            continue
        # The code of an organisation is looked up in either case of its letters.
        folded = items.get("format") in ("organisation", "office")
        texts = [str(one).upper() if folded else str(one) for one in value]
        twice = next((str(value[n]) for n, one in enumerate(texts) if one in texts[:n]), None)
        if twice is not None:
            words = refusal.cut(dict(_options(items)).get(twice, twice))
            yield name, f"“{refusal.label(schema, name)}”里“{words}”写了不止一次，请只写一次。"


def schema_problem(schema: Mapping[str, Any]) -> str:
    """What is wrong with a form as JSON Schema, or as a form a page can show; "" when nothing is."""
    if not schema:
        return ""
    if invalid := _invalid(json.dumps({"type": "object", **schema}, ensure_ascii=False, default=str)):
        return f"不是合法的 JSON Schema：{invalid}"
    if "properties" not in schema:
        return "没有 properties"
    unknown = sorted(set(schema.get("required", ())) - set(schema["properties"]))
    if unknown:
        return f"required 里的 {'、'.join(unknown)} 不在 properties 里"
    untitled = [n for n, spec in schema["properties"].items() if "title" not in spec]
    return f"{'、'.join(untitled)} 没有 title（中文标签）" if untitled else ""


@lru_cache(maxsize=4096)
def _invalid(schema: str) -> str:
    """What speaks against a JSON Schema; kept, because a pack has hundreds of forms and is read again and again."""
    try:
        jsonschema.Draft202012Validator.check_schema(json.loads(schema))
    except jsonschema.SchemaError as error:
        return str(error.message)
    return ""


def shown(
    schema: Mapping[str, Any], filled: Mapping[str, Any], place_name: Callable[[str], str] = str
) -> tuple[tuple[str, str, str], ...]:
    """(title, words, name) of everything filled in that is a field of the form, in the order of the form."""
    known = {f.name: f for f in fields(schema)}
    return tuple(
        (spec.get("title", name), _words(known.get(name), filled[name], place_name), name)
        for name, spec in schema.get("properties", {}).items()
        if filled.get(name) not in ("", [], None)
    )


def _words(field: Field | None, value: Any, place_name: Callable[[str], str]) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "\n".join(_words(field, v, place_name) for v in value)
    if isinstance(value, dict):
        columns = {c.name: c for c in field.columns} if field else {}
        named = [n for n in columns if n in value] + [n for n in value if n not in columns]
        return "，".join(
            f"{columns[n].label if n in columns else n} {_words(columns.get(n), value[n], place_name)}" for n in named
        )
    if field and field.kind in ("place", "chain"):
        return place_name(str(value))
    return dict(field.options).get(str(value), str(value)) if field else str(value)
