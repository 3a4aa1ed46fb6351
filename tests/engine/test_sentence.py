"""Sentences in the field's pattern: every number keeps its figure, and what is missing leaves no hole."""

from __future__ import annotations

import pytest

from rongtong.engine.figure import Figure, Key
from rongtong.engine.period import Period
from rongtong.engine.quantity import Quantity
from rongtong.engine.sentence import MONITORING, Piece, Sentence, TemplateError, change, distance, fill, number, plain

Q1 = Period.parse("2025Q1")
GIVEN = {"period": "2025年一季度", "place": "嘉兴", "name": "研发费用", "whole": "全省", "tied": "居"}


def figure(measure: str, value: str, unit: str, decimals: int = 1) -> Figure:
    return Figure(
        Key("rd", "330400", Q1, measure), Quantity.of(value, unit), "rd", "actual", "observed", decimals=decimals
    )


def narrow(sentence: Sentence) -> str:
    """The sentence as text; which width its commas have is not what is tested here."""
    return plain(sentence).replace("，", ",")


FIGURES = {
    "value": figure("value", "106.94", "亿元", 2),
    "yoy": figure("yoy", "-2.8", "%"),
    "yoy_rank": figure("yoy_rank", "11", "位次", 0),
    "share": figure("share", "12.6", "%"),
    "gap": figure("gap", "-10.5", "百分点"),
}


def test_the_whole_pattern_reads_as_an_office_writes_it() -> None:
    assert narrow(fill(MONITORING, FIGURES, GIVEN)) == (
        "2025年一季度,嘉兴研发费用106.94亿元,同比下降2.8%,增速居全省第11位,占全省12.6%,低于全省增速10.5个百分点。"
    )


def test_a_part_in_brackets_goes_when_its_figure_is_missing() -> None:
    some = {k: v for k, v in FIGURES.items() if k in ("value", "share")}
    assert narrow(fill(MONITORING, some, GIVEN)) == "2025年一季度,嘉兴研发费用106.94亿元,占全省12.6%。"


def test_every_number_carries_its_figure_and_words_with_digits_are_names() -> None:
    pieces = fill(MONITORING, FIGURES, GIVEN)
    assert [(p.text, p.figure) for p in pieces if p.figure][:2] == [
        ("106.94", "rd@330400@2025Q1"),
        ("2.8", "rd.yoy@330400@2025Q1"),
    ]
    assert all(p.figure or p.name for p in pieces if any(c.isdigit() for c in p.text))
    assert pieces[0] == Piece("2025年一季度", name=True)


@pytest.mark.parametrize(
    ("value", "words"), [("7.7", "增长7.7%"), ("-2.8", "下降2.8%"), ("0", "持平"), ("-0.04", "持平")]
)
def test_a_change_is_said_in_words_judged_on_what_is_shown(value: str, words: str) -> None:
    assert plain(change(figure("yoy", value, "%"))) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [("1.3", "高于全省增速1.3个百分点"), ("-1.3", "低于全省增速1.3个百分点"), ("0.04", "与全省增速持平")],
)
def test_a_distance_names_what_it_is_from(value: str, words: str) -> None:
    assert plain(distance(figure("gap", value, "百分点"), "全省")) == words


def test_a_plain_number_keeps_its_sign() -> None:
    assert number(FIGURES["yoy"]).text == "-2.8"
    assert plain(fill("{yoy}%", FIGURES, {})) == "-2.8%"


def test_the_unit_is_that_of_the_value_or_the_given_one() -> None:
    assert plain(fill("{value}{unit}", FIGURES, {"unit": "万元"})) == "106.94亿元"
    assert plain(fill("{share}{unit}", {"share": FIGURES["share"]}, {"unit": "%"})) == "12.6%"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{place}[,{yoy~}", "少了一个"),
        ("{place}]", "多了一个"),
        ("[[{yoy}]]", "不能套"),
        ("{nothing}", "没有值"),
        ("{place}{Value}", "第 8 个字符"),
        ("{place", "写法不对"),
    ],
)
def test_a_template_that_is_wrong_says_where(template: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        fill(template, FIGURES, GIVEN)
