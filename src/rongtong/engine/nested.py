"""Nested values that a person wrote as text, in YAML or JSON: read within bounds, or refused in words."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from rongtong.engine.lazy import LazyModule

yaml: Any = LazyModule("yaml")

# The longest text and the deepest nesting; the statements of the shipped packs stay far below both.
LONGEST, DEEPEST = 20_000, 20


class NestedError(ValueError):
    """The text cannot be read; the message says where and what to do."""


def read_yaml(text: str) -> Any:
    """The plain value of a YAML text, dates as text. Aliases are refused: a few lines of them stand for a million.

    Raises NestedError.
    """
    _short(text)
    try:
        # The events come one after another, so that no depth or alias is followed before it is refused.
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if isinstance(event, yaml.AliasEvent):
                raise NestedError(f"第 {event.start_mark.line + 1} 行用了引用（*）。请把内容照写一遍。")
            if depth > DEEPEST:
                raise _too_deep()
        value = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        # What is missing at the end stands, for the parser, on a line below the last.
        at = f"第 {min(mark.line, text.count(chr(10))) + 1} 行" if mark else ""
        raise NestedError(f"{at}不是合法的 YAML。请改正缩进、冒号或引号。") from error
    except NestedError:
        raise
    except ValueError as error:
        raise NestedError(f"里有写得像日期或数、却不是的内容（{error}）。请改正，或加上引号。") from error
    return _plain(value)


def read_json(text: str) -> Any:
    """The value of a JSON text. Raises NestedError."""
    _short(text)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise NestedError(f"不是合法的 JSON（第 {error.colno} 个字起）。请照导出的写法改。") from error
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise NestedError("里有过长的数。请改正。") from error
    return _plain(value)


def _short(text: str) -> None:
    if len(text) > LONGEST:
        raise NestedError(f"有 {len(text)} 个字，最多 {LONGEST} 个。请缩短。")


def _too_deep() -> NestedError:
    return NestedError(f"嵌套超过 {DEEPEST} 层。请照现有条目的写法改。")


def _plain(value: Any, depth: int = 0) -> Any:
    """The value as a stored statement has it. Raises NestedError for what is too deep or no store holds."""
    if depth > DEEPEST:
        raise _too_deep()
    if isinstance(value, dict):
        return {_plain(str(k)): _plain(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list | set):
        return [_plain(v, depth + 1) for v in value]
    if isinstance(value, str) and ("\0" in value or any("\ud800" <= c <= "\udfff" for c in value)):
        raise NestedError("里有空字符或不成对的代理码位，存不下。请删去。")
    return value.isoformat() if isinstance(value, date) else value
