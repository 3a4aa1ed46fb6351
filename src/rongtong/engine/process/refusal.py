"""What is said of a form that is not filled in as its JSON Schema asks: errors of a field, of a cell of its rows, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rongtong.engine import cn_patent

# More of a text than this is not repeated to whoever typed it.
QUOTED = 60
# Wrong cells of one table of rows that are named; of more it is said how many there are.
MOST_NAMED = 10


def label(schema: Mapping[str, Any], name: str) -> str:
    """What a field is called."""
    return str(schema.get("properties", {}).get(name, {}).get("title", name))


def said(schema: Mapping[str, Any], error: Any) -> list[tuple[str, str]]:
    """(field, what is wrong with it) of an error that is not in a row."""
    properties, wanted = schema.get("properties", {}), error.validator_value
    if error.validator == "required":
        return [(n, f"请填写“{label(schema, n)}”。") for n in wanted if n not in error.instance]
    if error.validator == "additionalProperties":
        return [(n, f"这一步不收“{n}”。") for n in error.instance if n not in properties]
    name = str(error.path[0]) if error.path else ""
    if error.validator == "const" and isinstance(wanted, str):
        return [(name, f"请照写“{wanted}”{_held(error)}。")]
    return [(name, f"“{label(schema, name)}”{_expected(error)}{_held(error)}。")]


def in_row(schema: Mapping[str, Any], error: Any) -> tuple[str, tuple[int, str], str]:
    """The field, the cell (row from 1, column) and what is wrong there, of an error in a row, with the title of its column."""
    name, row = str(error.path[0]), int(error.path[1]) + 1
    columns = schema.get("properties", {}).get(name, {}).get("items", {}).get("properties", {})
    if error.validator == "required":
        empty = "、".join(columns.get(n, {}).get("title", n) for n in error.validator_value if n not in error.instance)
        return name, (row, ""), f"第 {row} 行还没有填“{empty}”"
    column = str(error.path[2]) if len(error.path) > 2 else ""
    if title := columns.get(column, {}).get("title", ""):
        return name, (row, column), f"第 {row} 行的“{title}”{_expected(error)}{_held(error)}"
    return name, (row, f"{column}?"), f"第 {row} 行：{_expected(error)}"


def named(wrong: Mapping[tuple[int, str], str]) -> str:
    """The wrong cells of a table in the order of its rows; of very many the first, and how many there are."""
    listed = [words for _, words in sorted(wrong.items(), key=lambda one: one[0][0])]
    return "；".join(listed[:MOST_NAMED]) + (f"；等 {len(listed)} 处" if len(listed) > MOST_NAMED else "")


def _held(error: Any) -> str:
    """What a field has in place of what is expected: how much of a text or list that is too short or long."""
    value = error.instance
    if error.validator in ("minLength", "maxLength"):
        return f"，现有 {len(value)} 个"
    if error.validator in ("minItems", "maxItems"):
        return f"，现有 {len(value)} 项"
    return "" if isinstance(value, bool | list | dict) else f"，现为“{cut(str(value))}”"


def cut(text: str) -> str:
    """The text, or the beginning of a long one."""
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}…"


def _expected(error: Any) -> str:
    wanted = error.validator_value
    words = {
        "minLength": f"至少 {wanted} 个字",
        "maxLength": f"至多 {wanted} 个字",
        "minimum": f"不小于 {wanted}",
        "maximum": f"不大于 {wanted}",
        "minItems": f"至少 {wanted} 项",
        "maxItems": f"至多 {wanted} 项",
        "uniqueItems": "里有重复的",
        "oneOf": "应为所列的选项之一",
        "enum": "应为所列的选项之一",
        "anyOf": "还缺一项（见说明）",
        "const": "应选“是”" if wanted is True else f"应为“{wanted}”",
        "pattern": f"写法不对{_hint(error)}",
        "type": {"integer": "应为整数", "string": "应为文字", "boolean": "应为是或否"}.get(str(wanted), "写法不对"),
        "format": {"date": "应为日期，如 2025-07-31", "decimal": "应为数字，至多 6 位小数"}.get(
            str(wanted), "写法不对"
        ),
    }
    if (error.validator, wanted) == ("format", "patent"):
        return cn_patent.check(str(error.instance)) or "写法不对"
    return words.get(error.validator, "写法不对")


def _hint(error: Any) -> str:
    """How a pattern wants it written, as the field's own hint says."""
    hint = error.schema.get("description", "")
    return f"（{hint}）" if hint else ""
