"""Reading files: the content decides what a file is, values are exact, and what cannot be read says where and why."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from fractions import Fraction
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.engine import workbook
from rongtong.engine.workbook import Fault, WorkbookError, a1, heading, read_book, shown


def saved(book: Any) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def sheet_of(data: bytes, name: str = "a.xlsx") -> workbook.Sheet:
    return read_book(data, name).sheets[0]


def xlsx(rows: list[list[Any]], merges: tuple[str, ...] = ()) -> bytes:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in rows:
        sheet.append(row)
    for each in merges:
        sheet.merge_cells(each)
    return saved(book)


@pytest.mark.parametrize(
    ("row", "column", "text"), [(1, 1, "A1"), (7, 3, "C7"), (2, 26, "Z2"), (2, 27, "AA2"), (1, 703, "AAA1")]
)
def test_cells_are_named_as_a_spreadsheet_names_them(row: int, column: int, text: str) -> None:
    assert a1(row, column) == text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_reads_the_same_in_every_encoding(encoding: str) -> None:
    sheet = sheet_of("指标,数值\n甲,１２\n".encode(encoding), "a.csv")
    assert sheet.rows == {1: {1: "指标", 2: "数值"}, 2: {1: "甲", 2: "１２"}}
    assert sheet.name == ""


def test_empty_rows_of_a_csv_keep_the_numbers_of_the_rows_below_them() -> None:
    assert list(sheet_of(b"a\n\n,,\nb\n", "a.csv").rows) == [1, 4]


def test_a_quoted_line_break_does_not_shift_the_rows() -> None:
    assert sheet_of(b'a,"x\ny"\nb,c\n', "a.csv").rows[2] == {1: "b", 2: "c"}


def test_numbers_of_a_workbook_are_the_decimals_that_were_typed() -> None:
    sheet = sheet_of(xlsx([[206.94, 1000, 0.1, 1e-7, 123456789012345.0, -3.5]]))
    assert sheet.rows[1] == {
        1: Fraction("206.94"), 2: 1000, 3: Fraction("0.1"), 4: Fraction("0.0000001"), 5: 123456789012345, 6: Fraction("-3.5"),
    }  # fmt: skip


@given(st.integers(-(10**13), 10**13), st.integers(0, 6))
def test_every_number_of_up_to_fifteen_digits_is_read_exactly(digits: int, decimals: int) -> None:
    exact = Fraction(digits, 10**decimals)
    assert workbook._value(float(exact), "n") == exact


def test_the_binary_noise_of_a_sum_is_read_as_the_sheet_shows_it() -> None:
    assert sheet_of(xlsx([[0.1 + 0.2]])).rows[1][1] == Fraction("0.3")


def test_codes_keep_their_zeros_when_they_are_text() -> None:
    assert sheet_of(xlsx([["000000", 330100]])).rows[1] == {1: "000000", 2: 330100}


def test_dates_stay_dates() -> None:
    assert sheet_of(xlsx([[date(2025, 3, 1)]])).rows[1][1] == date(2025, 3, 1)


def test_the_value_of_a_merged_range_stands_in_all_its_cells_and_is_named_by_its_first() -> None:
    sheet = sheet_of(xlsx([["甲", 1], [None, 2], [None, 3]], ("A1:A3",)))
    assert [sheet.rows[r][1] for r in (1, 2, 3)] == ["甲"] * 3
    assert (sheet.a1(3, 1), sheet.a1(3, 2)) == ("A1", "B3")


def test_a_title_merged_beyond_the_last_column_has_no_copies_there() -> None:
    sheet = sheet_of(xlsx([["标题", None], ["a", "b"]], ("A1:Z1",)))
    assert sheet.rows == {1: {1: "标题", 2: "标题"}, 2: {1: "a", 2: "b"}}


def test_a_merge_over_a_whole_sheet_is_refused_before_its_cells_are_built() -> None:
    with pytest.raises(WorkbookError, match="合并单元格"):
        read_book(
            edited(b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="B2:XFD1048576"/></mergeCells>'), "a.xlsx"
        )


def test_a_formula_without_a_cached_value_is_a_fault_at_its_cell() -> None:
    found = sheet_of(xlsx([[1, 2, "=A1+B1"]])).rows[1][3]
    assert found == Fault("=A1+B1", "公式没有保存计算结果，无法取值")


def edited(old: bytes, new: bytes) -> bytes:
    """A workbook of one cell whose sheet has been changed in the file."""
    source = zipfile.ZipFile(io.BytesIO(xlsx([[1]])))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "xl/worksheets/sheet1.xml":
                assert old in data
                data = data.replace(old, new)
            target.writestr(name, data)
    return out.getvalue()


def with_cell(xml: str) -> bytes:
    """A workbook whose first cell is the given XML."""
    return edited(b'<c r="A1" t="n"><v>1</v></c>', xml.encode())


def test_a_formula_with_a_cached_value_gives_that_value() -> None:
    assert sheet_of(with_cell('<c r="A1"><f>SUM(B1:B9)</f><v>30782.899999999998</v></c>')).rows[1][1] == Fraction(
        "30782.9"
    )


def test_an_error_value_is_a_fault() -> None:
    assert sheet_of(with_cell('<c r="A1" t="e"><f>1/0</f><v>#DIV/0!</v></c>')).rows[1][1] == Fault(
        "#DIV/0!", "单元格是错误值"
    )


@pytest.mark.parametrize("text", ["NaN", "INF", "1e999"])
def test_what_is_no_finite_number_is_never_a_number(text: str) -> None:
    try:
        value = sheet_of(with_cell(f'<c r="A1"><v>{text}</v></c>')).rows[1][1]
    except WorkbookError:
        return
    assert not isinstance(value, int | Fraction)


def test_hidden_sheets_are_known_as_such() -> None:
    book = openpyxl.Workbook()
    first: Any = book.active
    first["A1"] = "a"
    hidden = book.create_sheet("_meta")
    hidden["A1"] = "b"
    hidden.sheet_state = "hidden"
    assert [s.hidden for s in read_book(saved(book), "a.xlsx").sheets] == [False, True]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, ".xls"),
        (b"", "空"),
        (b"  \n ", "空"),
        (b"<html><table></table></html>", "网页"),
        (b"%PDF-1.7\n1 0 obj", "PDF"),
        (b"\xff\xfea\0b\0", "GB 18030"),
        (b"a\0b", "GB 18030"),
        (b"PK\x03\x04broken", "损坏"),
        (b'a,"b\nc', "引号"),
    ],
)
def test_what_is_no_table_is_refused_whatever_its_name(data: bytes, words: str) -> None:
    with pytest.raises(WorkbookError, match=words.replace(".", r"\.")) as caught:
        read_book(data, "报表.xlsx")
    assert str(caught.value).startswith("报表.xlsx: ")


def test_an_xlsx_named_csv_is_still_an_xlsx() -> None:
    assert read_book(xlsx([["a"]]), "a.csv").kind == "xlsx"


def test_a_zip_that_is_no_workbook_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    with pytest.raises(WorkbookError, match=r"不是 \.xlsx 工作簿"):
        read_book(out.getvalue(), "a.xlsx")


def test_files_over_the_limits_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WorkbookError, match="上限 20 MB"):
        read_book(b"a" * (workbook.MAX_BYTES + 1), "a.csv")
    monkeypatch.setattr(workbook, "MAX_ROWS", 10)
    assert len(sheet_of(b"h\n" + b"a\n" * 10, "a.csv").rows) == 11
    with pytest.raises(WorkbookError, match="超过 10 行"):
        read_book(b"h\n" + b"a\n" * 11, "a.csv")
    with pytest.raises(WorkbookError, match="超过 10 行"):
        read_book(xlsx([["a"]] * 12), "a.xlsx")
    monkeypatch.setattr(workbook, "MAX_UNPACKED", 100)
    with pytest.raises(WorkbookError, match="解开后"):
        read_book(xlsx([["a"]]), "a.xlsx")


def test_headings_are_compared_without_spaces_breaks_and_width() -> None:
    assert heading(" R&D经费\n(万元) ") == "R&D经费(万元)"
    assert shown(Fraction("206.94")) == "206.94"
