"""The ledger as a workbook: codes stay text, formulas stay words, numbers stay exact, bytes stay the same."""

import datetime as dt
import io
import zipfile
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rongtong.apps.papers.workbook import Cell, Column, Sheet, ledger_bytes

DAY = dt.date(2025, 7, 5)
COLUMNS = (
    Column("编号", "code", 10),
    Column("事项", "text", 40),
    Column("经费（万元）", "number", 14, 2),
    Column("完成时限", "date", 12),
)


def made(*rows: tuple[Cell, ...], title: str = "督办台账") -> bytes:
    return ledger_bytes([Sheet("台账", COLUMNS, rows, title)], meta={"版本": "1", "期别": "2025Q2"}, day=DAY)


def read(data: bytes):  # type: ignore[no-untyped-def]
    from openpyxl import load_workbook

    return load_workbook(io.BytesIO(data))


def test_codes_keep_their_zeros_and_are_text() -> None:
    cell = read(made(("0012", "甲", 1, DAY)))["台账"]["A3"]
    assert (cell.value, cell.data_type, cell.number_format) == ("0012", "s", "@")


@pytest.mark.parametrize("text", ["=1+1", "+86", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")'])
def test_what_looks_like_a_formula_is_a_text_and_stays_one_when_edited(text: str) -> None:
    data = made(("1", text, 1, DAY))
    cell = read(data)["台账"]["B3"]
    assert (cell.data_type, cell.value, cell.quotePrefix) == ("s", text, True)
    sheet = zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet


def test_a_formula_in_a_head_a_title_or_the_meta_sheet_is_a_text_too() -> None:
    columns = (Column("=1"),)
    data = ledger_bytes([Sheet("台账", columns, (), "=2")], meta={"=3": "=4"}, day=DAY)
    book = read(data)
    cells = [book["台账"]["A1"], book["台账"]["A2"], book["_meta"]["A1"], book["_meta"]["B1"]]
    assert [(c.value, c.data_type) for c in cells] == [("=2", "s"), ("=1", "s"), ("=3", "s"), ("=4", "s")]


@settings(max_examples=15, deadline=None)
@given(st.fractions(min_value=-(10**6), max_value=10**6))
def test_a_number_is_rounded_half_away_from_zero_and_kept_to_the_digit(value: Fraction) -> None:
    shown = Fraction(str(read(made(("1", "甲", value, DAY)))["台账"]["C3"].value))
    half = Fraction(1, 200)
    assert abs(shown - value) <= half
    if abs(shown - value) == half:
        assert abs(shown) > abs(value)


def test_a_number_longer_than_a_spreadsheet_can_hold_is_written_out_as_text() -> None:
    cell = read(made(("1", "甲", Decimal("12345678901234567.89"), DAY)))["台账"]["C3"]
    assert (cell.value, cell.data_type) == ("12345678901234567.89", "s")


def test_numbers_and_dates_carry_their_format() -> None:
    sheet = read(made(("1", "甲", Fraction(2, 3), DAY)))["台账"]
    assert (sheet["C3"].value, sheet["C3"].number_format) == (0.67, "0.00")
    assert (sheet["D3"].value, sheet["D3"].number_format) == (dt.datetime(2025, 7, 5), "yyyy-mm-dd")  # noqa: DTZ001


def test_the_head_is_frozen_filtered_and_printed_on_each_page() -> None:
    sheet = read(made(("1", "甲", 1, DAY)))["台账"]
    assert sheet.freeze_panes == "A3"
    assert sheet.auto_filter.ref == "A2:D3"
    assert sheet.print_title_rows == "$2:$2"
    assert [sheet.column_dimensions[letter].width for letter in "ABCD"] == [10, 40, 14, 12]


def test_the_meta_sheet_is_there_and_out_of_sight() -> None:
    book = read(made())
    assert book["_meta"].sheet_state == "veryHidden"
    assert [[cell.value for cell in row] for row in book["_meta"].iter_rows()] == [["版本", "1"], ["期别", "2025Q2"]]


def test_the_same_sheets_give_the_same_bytes_dated_as_the_ledger() -> None:
    assert made(("1", "甲", 1, DAY)) == made(("1", "甲", 1, DAY))
    assert read(made()).properties.modified.date() == DAY


def test_a_control_character_does_not_break_the_file() -> None:
    assert read(made(("1", "甲\x00乙", 1, DAY)))["台账"]["B3"].value == "甲\ufffd乙"


@pytest.mark.parametrize(
    ("sheets", "said"),
    [
        ([], "没有工作表"),
        ([Sheet("a/b", COLUMNS, ())], "工作表名“a/b”不能用"),
        ([Sheet("甲", COLUMNS, ()), Sheet("甲", COLUMNS, ())], "重复"),
        ([Sheet("甲", COLUMNS, (("1", "x"),))], "数据第1行有2格，应为4格"),
        ([Sheet("甲", COLUMNS, (("1", "x", 1, 5),))], "D2（完成时限）是5，应为日期"),
        ([Sheet("甲", COLUMNS, (("1", "x" * 40000, 1, DAY),))], "B2有40000字"),
    ],
)
def test_what_cannot_go_into_a_workbook_is_named_with_its_place(sheets: list[Sheet], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ledger_bytes(sheets, meta={}, day=DAY)
