"""Dates of a form held against today and one another: `not_before` and `not_after` of a field of `format: date`.

    valid_until: {type: string, format: date, not_before: signed_on}
    starts_on: {type: string, format: date, not_before: [today, signed_on], not_after: ends_on}

Each says `today`, the day of the step, or the name of a field: of the same form or, where that lacks it, filled in before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

TODAY = "today"
BOUNDS = {"not_before": "早于", "not_after": "晚于"}


def errors(
    schema: Mapping[str, Any],
    data: Mapping[str, Any],
    before: Mapping[str, Any],
    on: date | None,
    titles: Mapping[str, str],
) -> dict[str, str]:
    """Field → what is wrong with its day, in words; `before` is what earlier forms were filled with, `on` the day of the step.

    `titles` are what fields of earlier forms are called. Where `on` is not given nothing is held against today.
    """
    found: dict[str, str] = {}
    for name, spec in schema.get("properties", {}).items():
        day = _day(data.get(name))
        for keyword, other in _bounds(spec):
            bound = on if other == TODAY else _day(data.get(other, before.get(other)))
            if day is None or bound is None or not (day < bound if keyword == "not_before" else day > bound):
                continue
            its = schema["properties"].get(other, {}).get("title", titles.get(other, other))
            what = "今天" if other == TODAY else f"“{its}”"
            found.setdefault(name, f"“{spec.get('title', name)}”不能{BOUNDS[keyword]}{what}（{bound}）。")
    return found


def _bounds(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(keyword, `today` or the name of a field) of each bound of a field."""
    for keyword in BOUNDS:
        named = spec.get(keyword, ())
        yield from ((keyword, str(one)) for one in ([named] if isinstance(named, str) else named))


def _day(value: Any) -> date | None:
    """A day; None for what is no day, which is refused for itself."""
    try:
        return date.fromisoformat(str(value or ""))
    except ValueError:
        return None


def problem(schema: Mapping[str, Any], known: Collection[str]) -> str:
    """What is wrong with the bounds a form sets to its dates; `known` are the dates of all forms of the process. "" for nothing."""
    for name, spec in schema.get("properties", {}).items():
        for keyword, other in _bounds(spec):
            if spec.get("format") != "date":
                return f"“{name}”写了 {keyword}，它不是日期（format: date）"
            if other != TODAY and other not in known:
                return f"“{name}”的 {keyword} 写了“{other}”，它不是 today，也不是哪个表单里的日期"
        for column, within in spec.get("items", {}).get("properties", {}).items():
            if any(_bounds(within)):
                return f"“{name}”的列“{column}”写了 not_before 或 not_after，行里的日期不能这样限"
    return ""
