"""Headings over several rows: groups merged above columns name them, titles and remarks do not."""

from __future__ import annotations

import io
from typing import Any

import openpyxl

from rongtong.apps.observations.headings import headings
from rongtong.engine.workbook import Sheet, read_book


def sheet(rows: list[list[Any]], *merges: str) -> Sheet:
    book = openpyxl.Workbook()
    page: Any = book.active
    for row in rows:
        page.append(row)
    for merge in merges:
        page.merge_cells(merge)
    out = io.BytesIO()
    book.save(out)
    return read_book(out.getvalue(), "a.xlsx").sheets[0]


def test_columns_of_one_name_are_told_apart_by_their_group() -> None:
    rows = [["表一"], ["地区", "企业", None, "政府", None], [None, "金额", "增速", "金额", "增速"]]
    found = headings(sheet(rows, "A1:E1", "A2:A3", "B2:C2", "D2:E2"), 3)
    assert [words for _, words in found] == ["地区", "企业·金额", "企业·增速", "政府·金额", "政府·增速"]


def test_units_below_the_headings_are_joined_to_them_also_unmerged() -> None:
    found = headings(sheet([["地区", "企业投入", "政府投入"], [None, "万元", "万元"], ["甲市", 1, 2]]), 2)
    assert [words for _, words in found] == ["企业投入·万元", "政府投入·万元"]


def test_a_title_and_what_is_said_of_the_whole_table_name_no_column() -> None:
    rows = [["各市情况"], ["编制：某局", None, "单位：万元", None], ["地区", "甲", "乙", "丙"]]
    found = headings(sheet(rows, "A1:D1", "A2:B2", "C2:D2"), 3)
    assert [words for _, words in found] == ["地区", "甲", "乙", "丙"]
