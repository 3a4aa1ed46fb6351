"""What JSON Schema cannot ask of a form exactly: bounds of decimals, and sums of the columns of its rows.

    price: {type: string, format: decimal, minimum: 0}
    splits: {type: array, sum: [{column: share, equals: "100"}, {column: amount, equals: price}], items: …}

`minimum` and `maximum` of a decimal are compared as exact numbers. `equals` is a number, or the name of a field: of the
same form or, where that lacks it, filled in before.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,6})?")


def errors(schema: Mapping[str, Any], data: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, str]:
    """Field → what is wrong with its numbers, in words; `before` is what earlier forms were filled with."""
    found: dict[str, str] = {}
    for name, spec in schema.get("properties", {}).items():
        if name in data:
            said = _bound(spec, data[name]) or next(_sums(schema, name, data, before), "")
            if said:
                found[name] = f"“{spec.get('title', name)}”{said}。"
    return found


def cells(schema: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[tuple[str, tuple[int, str], str]]:
    """(field, (row from 1, column), what is wrong there) of every decimal in a row that is out of its bounds."""
    for name, spec in schema.get("properties", {}).items():
        columns, value = spec.get("items", {}).get("properties", {}), data.get(name)
        for number, row in enumerate(value if columns and isinstance(value, list) else (), 1):
            for column, within in columns.items():
                said = _bound(within, row.get(column)) if isinstance(row, dict) else ""
                if said:
                    yield name, (number, column), f"第 {number} 行的“{within.get('title', column)}”{said}"


def _bound(spec: Mapping[str, Any], value: Any) -> str:
    """How a decimal is out of its bounds, and what it is; "" where it is not."""
    exact = _exact(value)
    if spec.get("format") != "decimal" or exact is None:
        return ""
    if "minimum" in spec and exact < Fraction(str(spec["minimum"])):
        return f"不小于 {spec['minimum']}，现为“{value}”"
    if "maximum" in spec and exact > Fraction(str(spec["maximum"])):
        return f"不大于 {spec['maximum']}，现为“{value}”"
    return ""


def _sums(schema: Mapping[str, Any], name: str, data: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[str]:
    spec = schema["properties"][name]
    for wanted in spec.get("sum", ()):
        column, equals = str(wanted["column"]), str(wanted["equals"])
        target = _exact(equals if NUMBER.fullmatch(equals) else data.get(equals, before.get(equals)))
        parts = [_exact(row.get(column)) for row in data[name] if isinstance(row, dict)]
        if target is None or not parts or None in parts:
            # A number that is missing or not written as one is refused for itself.
            continue
        total = sum((p for p in parts if p is not None), Fraction())
        if total != target:
            title = spec.get("items", {}).get("properties", {}).get(column, {}).get("title", column)
            yield f"各行的“{title}”合计 {_words(total)}，应为 {_words(target)}，相差 {_words(abs(total - target))}"


def _exact(value: Any) -> Fraction | None:
    if isinstance(value, bool) or not isinstance(value, int | str) or not NUMBER.fullmatch(str(value)):
        return None
    return Fraction(str(value))


def _words(number: Fraction) -> str:
    """A sum of decimals, which has no more than six places."""
    text = f"{Decimal(number.numerator) / Decimal(number.denominator):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def problem(schema: Mapping[str, Any], known: Collection[str]) -> str:
    """What is wrong with the sums a form asks for; `known` are the fields of all forms of the process. "" for nothing."""
    for name, spec in schema.get("properties", {}).items():
        for wanted in spec.get("sum", ()):
            column, equals = wanted.get("column"), str(wanted.get("equals", ""))
            columns = spec.get("items", {}).get("properties", {})
            if not _numeric(columns.get(column, {})):
                return f"“{name}”的 sum 写了列“{column}”，行里没有这个数字列"
            if not NUMBER.fullmatch(equals) and equals not in known:
                return f"“{name}”的 sum 应等于“{equals}”，它不是数字，也不是哪个表单里的项"
    return ""


def _numeric(spec: Mapping[str, Any]) -> bool:
    return spec.get("type") == "integer" or spec.get("format") == "decimal"
