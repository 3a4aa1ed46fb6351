"""The block model: every shown number stands on a figure, and what does not is named."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.apps.papers.document import (
    Attachment,
    Block,
    Box,
    Heading,
    Manual,
    Name,
    Number,
    Paper,
    Paragraph,
    Picture,
    Source,
    Table,
    Text,
    check,
    figures,
    plain,
)

YOY = Number("7.7%", "rd.yoy@000000@2025Q1")


def paper(*blocks: Block) -> Paper:
    return Paper("简报", "2025年1—6月研发投入情况", "", "", "某厅", dt.date(2025, 7, 5), blocks)


def test_a_paper_whose_numbers_have_figures_passes() -> None:
    words = (Name("2025年1季度"), Text("，同比增长"), YOY, Text("。"))
    assert check(paper(Heading(1, "总体"), Paragraph(words))) == []


@pytest.mark.parametrize(
    "block",
    [
        Heading(1, "增长7.7%"),
        Paragraph((Text("增长7.7%"),)),
        Paragraph("增长７．７％"),
        Table(("位次1",), (("甲",),)),
        Table(("位次",), (("1",),)),
        Table(("位次",), (("甲",),), caption="表1"),
        Table(("位次",), (("甲",),), note="注1"),
        Picture(b"", 100, "丽水最高，18.8%"),
        Picture(b"", 100, "地图", caption="图1"),
        Box("第1版", ()),
        Box("口径", (Paragraph("第1版"),)),
    ],
)
def test_a_digit_among_plain_words_is_a_problem_wherever_it_stands(block: Block) -> None:
    problems = check(paper(block))
    assert len(problems) == 1
    assert "含有数字" in problems[0]
    assert problems[0].startswith("正文第1块")


def test_the_attachments_and_the_notice_are_checked_too() -> None:
    given = replace(
        paper(), notice="演示数据2", attachments=(Attachment("附表1", (Paragraph("增长3"),)), Attachment("名词解释"))
    )
    assert [problem.split("：")[0] for problem in check(given)] == ["附件1第1块（段落）", "附件1标题", "提示语"]


@pytest.mark.parametrize("figure", ["", " ", "rd yoy"])
def test_a_number_without_a_figure_is_a_problem(figure: str) -> None:
    assert "指标编号" in check(paper(Paragraph((Number("7.7", figure),))))[0]


def test_a_number_drawn_in_a_picture_needs_a_figure_as_well() -> None:
    picture = Picture(b"", 100, "地图", shown=(Number("18.8", ""), YOY))
    assert len(check(paper(picture))) == 1
    assert ("rd.yoy@000000@2025Q1", "7.7%") in figures(paper(picture))


def test_a_title_may_name_a_period_but_not_a_value() -> None:
    assert check(replace(paper(), title="2025年1季度通报", subtitle="〔2025〕第3期")) == []
    assert "标题中不写数值" in check(replace(paper(), title="研发投入增长7.7%"))[0]


def test_an_officers_own_words_are_not_checked() -> None:
    assert check(paper(Manual("problems", "2024年以来下降3.5%"))) == []


def test_two_officer_sections_of_one_name_are_a_problem() -> None:
    assert "无法保留" in check(paper(Manual("a", "甲"), Manual("a", "乙")))[0]
    assert "无法保留" in check(paper(Manual("节" * 65, "甲")))[0]


def test_a_table_must_be_rectangular_and_fit_the_page() -> None:
    problems = check(paper(Table(("甲", "乙"), (("一",),), align=("left", "up"), widths_mm=(100, 60))))
    assert [p.split("：")[1][:4] for p in problems] == ["表第1行", "对齐方式", "列宽合计"]


def test_a_table_without_columns_is_a_problem() -> None:
    assert "没有任何一列" in check(paper(Table((), ())))[0]


def test_a_picture_needs_words_and_a_width_within_the_page() -> None:
    assert len(check(paper(Picture(b"", 157, "")))) == 2


def test_with_a_tracing_annex_every_number_is_in_it_with_the_same_digits() -> None:
    traced = replace(paper(Paragraph((YOY,))), sources=(Source(YOY.figure, "7.70%", "统计局"),))
    assert "缺少" in check(traced)[0]
    assert check(replace(traced, sources=(Source(YOY.figure, YOY.text, "统计局"),))) == []


def test_figures_come_in_reading_order_each_pair_once() -> None:
    other = Number("8", "cities@000000@2025Q1")
    found = figures(paper(Paragraph((YOY, other)), Table(("同比",), (((other,),), ((YOY,),)))))
    assert found == ((YOY.figure, YOY.text), (other.figure, other.text))


@given(st.text(max_size=20))
def test_plain_text_passes_exactly_when_it_has_no_digit(text: str) -> None:
    has_digit = any(c in "0123456789０１２３４５６７８９" for c in text)
    assert bool(check(paper(Paragraph((Text(text),))))) == has_digit
    assert plain((Text(text), Name("1"))) == text + "1"
