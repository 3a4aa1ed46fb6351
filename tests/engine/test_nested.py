"""Nested values written as text are read within bounds; what is beyond them is refused in words."""

from __future__ import annotations

import pytest

from rongtong.engine.nested import DEEPEST, LONGEST, NestedError, read_json, read_yaml

BOMB = "a: &a [x, x]\n" + "".join(f"{c}: &{c} [*{p}, *{p}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True))


def test_a_plain_value_is_read_with_dates_as_text() -> None:
    assert read_yaml("{2025H1: '40', by: 2025-06-30, more: [1, {a: b}]}") == {
        "2025H1": "40", "by": "2025-06-30", "more": [1, {"a": "b"}],
    }  # fmt: skip
    assert read_json('{"a": [1, "x"]}') == {"a": [1, "x"]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 2025-13-45", "写得像日期"),
        ("&a [*a]", "第 1 行用了引用"),
        (BOMB, "第 2 行用了引用"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), f"超过 {DEEPEST} 层"),
        ("[" * 9000, f"超过 {DEEPEST} 层"),
        ("x" * (LONGEST + 1), f"最多 {LONGEST} 个"),
        ("a: [1", "不是合法的 YAML"),
        ("a: !!python/object:os.system x", "不是合法的 YAML"),
        ('a: "\\0"', "空字符"),
        ('a: "\\ud800"', "不是合法的 YAML"),
        ("a: " + "9" * 5000, "不是"),
    ],
)
def test_a_yaml_text_beyond_its_bounds_is_refused(text: str, said: str) -> None:
    with pytest.raises(NestedError, match=said):
        read_yaml(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 15_000 + "]" * 3_000, "层"),
        ("[" * (DEEPEST + 2) + "]" * (DEEPEST + 2), f"超过 {DEEPEST} 层"),
        ("{", "不是合法的 JSON"),
        ("9" * 5000, "过长的数"),
        ('["\\ud800"]', "存不下"),
    ],
)
def test_a_json_text_beyond_its_bounds_is_refused(text: str, said: str) -> None:
    with pytest.raises(NestedError, match=said):
        read_json(text)
