"""What a form that is filled in wrong says: everything at once, briefly, and of lengths how long the text is."""

from __future__ import annotations

from typing import Any

import pytest

from packs import PACKS
from rongtong.apps.packs.resolve import combined
from rongtong.engine.process import form

FORM: dict[str, Any] = {
    "required": ["reason"],
    "properties": {
        "reason": {"type": "string", "title": "理由", "minLength": 10, "maxLength": 2000, "format": "textarea"},
        "number": {"type": "string", "title": "编号", "pattern": "^[0-9]+$"},
        "experts": {"type": "array", "title": "专家", "minItems": 3, "items": {"type": "string", "format": "account"}},
        "units": {"type": "array", "title": "单位", "items": {"type": "string", "format": "organisation"}},
        "ways": {"type": "array", "title": "方式", "items": {"type": "string", "oneOf": [{"const": "a", "title": "许可"}]}},
        "rows": {
            "type": "array",
            "title": "各期",
            "items": {
                "type": "object",
                "required": ["name", "amount"],
                "properties": {
                    "name": {"type": "string", "title": "期次", "maxLength": 4},
                    "amount": {"type": "string", "title": "金额", "format": "decimal", "minimum": 0},
                    "due": {"type": "string", "title": "到期日", "format": "date"},
                },
            },
        },
        "promise": {"type": "string", "title": "承诺", "const": "我承诺以上属实并保密"},
    },
}  # fmt: skip


def said(**data: Any) -> dict[str, str]:
    return form.errors(FORM, {"reason": "理由写在这里，够长了。"} | data)


def test_a_line_break_counts_once_as_whoever_typed_it_sees_it() -> None:
    text = "理由\r\n" * 500 + "完"
    data = form.read(FORM, {"reason": [text], "rows-0-name": ["一\r\n二"]})
    assert data == {"reason": "理由\n" * 500 + "完", "rows": [{"name": "一\n二"}]}
    lines = "\r\n".join(["甲" * 1000, "乙" * 999])
    assert form.errors(FORM, form.read(FORM, {"reason": [lines]})) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("长" * 2345, "“理由”至多 2000 个字，现有 2345 个。"),
        ("太短了", "“理由”至少 10 个字，现有 3 个。"),
    ],
)
def test_of_a_text_too_long_or_short_it_is_said_how_long_it_is(text: str, words: str) -> None:
    assert said(reason=text) == {"reason": words}


def test_no_refusal_quotes_a_long_text_whole() -> None:
    words = said(number="字" * 5000)["number"]
    assert len(words) < 100
    assert words.endswith("字…”。")


def test_a_length_that_is_not_short_is_said_beside_the_field() -> None:
    texts = {
        "long": {"type": "string", "title": "甲", "minLength": 10, "maxLength": 500, "description": "写清楚。"},
        "bare": {"type": "string", "title": "乙", "minLength": 6},
        "short": {"type": "string", "title": "丙", "minLength": 4, "description": "随便写。"},
        "code": {"type": "string", "title": "丁", "minLength": 18, "format": "organisation"},
    }
    notes = {f.name: f.note for f in form.fields({"properties": texts})}
    assert notes == {"long": "写清楚；至少 10 个字", "bare": "至少 6 个字", "short": "随便写。", "code": ""}


def test_whoever_is_named_twice_is_not_two() -> None:
    assert said(experts=["zhang", "li", "wang"]) == {}
    assert said(experts=["zhang", "li", "zhang"]) == {"experts": "“专家”里“zhang”写了不止一次，请只写一次。"}
    codes = ["91330106MA27XYQ95X", "91330106ma27xyq95x"]
    assert said(units=codes) == {"units": f"“单位”里“{codes[1]}”写了不止一次，请只写一次。"}
    assert said(ways=["a", "a"]) == {"ways": "“方式”里“许可”写了不止一次，请只写一次。"}


def test_every_wrong_cell_and_every_wrong_field_is_named_at_once() -> None:
    rows = [
        {"name": "首期", "amount": "-1", "due": "明天"},
        {"name": "二期", "amount": "1"},
        {"amount": "-2"},
        {"name": "尾款和其他", "amount": "一"},
    ]
    assert said(reason="短", rows=rows) == {
        "reason": "“理由”至少 10 个字，现有 1 个。",
        "rows": (
            "“各期”第 1 行的“到期日”应为日期，如 2025-07-31，现为“明天”；第 1 行的“金额”不小于 0，现为“-1”；"
            "第 3 行还没有填“期次”；第 3 行的“金额”不小于 0，现为“-2”；"
            "第 4 行的“期次”至多 4 个字，现有 5 个；第 4 行的“金额”应为数字，至多 6 位小数，现为“一”。"
        ),
    }


def test_of_very_many_wrong_cells_ten_are_named_and_the_rest_counted() -> None:
    words = said(rows=[{"name": "期", "amount": "-1"}] * 12)["rows"]
    assert words.count("不小于 0") == 10
    assert words.endswith("第 10 行的“金额”不小于 0，现为“-1”；等 12 处。")


def test_a_promise_is_that_very_sentence() -> None:
    assert said(promise="我承诺以上属实并保密") == {}
    assert said(promise="一二三四五六七八") == {"promise": "请照写“我承诺以上属实并保密”，现为“一二三四五六七八”。"}
    pack = combined([PACKS / "china", PACKS / "zhejiang"])
    for process in (pack.get("processes", code) for code in ("demand", "challenge_bid")):
        declare = process.transition("declare")
        assert declare is not None
        assert "promise" in form.errors(declare.form, {"promise": "一二三四五六七八"})
        assert "promise" not in form.errors(declare.form, {"promise": "我承诺以上属实并保密"})


def test_what_the_system_fills_in_is_not_what_a_page_begins_with() -> None:
    schema = {
        "properties": {
            "reason": {"type": "string", "title": "理由", "by_system": "期限已过"},
            "level": {"type": "string", "title": "级别", "default": "a", "by_system": "b"},
            "kind": {"type": "string", "title": "类别", "default": "c"},
            "note": {"type": "string", "title": "说明"},
        }
    }
    assert form.by_system(schema) == {"reason": "期限已过", "level": "b", "kind": "c"}
    assert [f.default for f in form.fields(schema)] == ["", "a", "c", ""]
