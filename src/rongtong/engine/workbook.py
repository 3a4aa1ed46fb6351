"""Workbook (工作簿): the bytes of a CSV or XLSX file as cells with exact values.

The content decides what a file is, not its name. Nothing is guessed: a cell that cannot be read exactly (a formula
without a cached value, #DIV/0!, NaN) becomes a `Fault` at its place, so that the reader can point at the cell.
"""

from __future__ import annotations

import csv
import io
import math
import re
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from rongtong.engine.quantity import decimal_text

MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 100_000
# A workbook of the allowed size unpacks to less than this; more is a zip bomb or a sheet nobody filled by hand.
MAX_UNPACKED = 300 * 1024 * 1024
MAX_CELLS = 3_000_000
MAX_MERGED = 300_000


class WorkbookError(ValueError):
    """A file cannot be read at all; the message says what was found and what to do."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A cell without a usable value: what is in it and why that cannot be used."""

    found: str
    problem: str


Value = str | int | Fraction | date | Fault | None
Position = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet. `rows` maps a row number to its non-empty cells by column number, both from 1.

    `merged` maps every covered cell of a merged range to its top-left cell, whose value all of them have.
    The sheet of a CSV file has no name.
    """

    name: str
    rows: Mapping[int, Mapping[int, Value]]
    merged: Mapping[Position, Position]
    hidden: bool = False

    def a1(self, row: int, column: int) -> str:
        """Where a value stands, as `C7`; for a covered cell of a merged range, its top-left cell."""
        return a1(*self.merged.get((row, column), (row, column)))


@dataclass(frozen=True, slots=True)
class Book:
    """A file as read: `csv` or `xlsx`, and its sheets in order."""

    kind: str
    sheets: tuple[Sheet, ...]


def a1(row: int, column: int) -> str:
    """Row 7, column 3 is `C7`."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"


def shown(value: Value) -> str:
    """A cell's value as a person would see it."""
    if value is None:
        return ""
    if isinstance(value, Fault):
        return value.found
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Fraction):
        return decimal_text(value)
    return str(value)


def plain(value: Value) -> str:
    """A cell's text for looking up a word: NFKC, outer spaces removed."""
    return unicodedata.normalize("NFKC", shown(value)).strip()


def heading(value: Value) -> str:
    """A column heading as compared: NFKC, no white space or line breaks inside."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", shown(value)))


def read_book(data: bytes, file_name: str) -> Book:
    """The sheets of a file. Raises WorkbookError for what is no CSV or XLSX, or is too large."""
    if len(data) > MAX_BYTES:
        raise WorkbookError(f"{file_name}: 文件有 {len(data) / 1048576:.1f} MB，上限 20 MB。请拆成几个文件。")
    if not data.strip():
        raise WorkbookError(f"{file_name}: 文件是空的。")
    if data.startswith(b"PK\x03\x04"):
        return Book("xlsx", tuple(_xlsx(data, file_name)))
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise WorkbookError(
            f"{file_name}: 这是旧版 Excel（.xls）或加了密码的工作簿，读不了。"
            "请用 WPS 或 Excel 打开、去掉密码后另存为 .xlsx 再导入。"
        )
    return Book("csv", (_csv(data, file_name),))


def decode(data: bytes, file_name: str) -> str:
    """The text of a CSV file: UTF-8 with or without a byte order mark, else GB 18030. Raises WorkbookError."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise WorkbookError(f"{file_name}: 既不是 XLSX，也不是 UTF-8 或 GB 18030 编码的 CSV。请另存为 .xlsx 再导入。")


def _csv(data: bytes, file_name: str) -> Sheet:
    text = decode(data, file_name)
    if text.lstrip()[:1] == "<" or text.startswith("%PDF"):
        raise WorkbookError(f"{file_name}: 内容是网页、XML 或 PDF，不是 CSV。请用 WPS 或 Excel 打开后另存为 .xlsx。")
    rows: dict[int, dict[int, Value]] = {}
    try:
        for number, record in enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), start=1):
            cells: dict[int, Value] = {i: cell for i, cell in enumerate(record, start=1) if cell.strip()}
            if cells:
                rows[number] = cells
            if len(rows) > MAX_ROWS + 1:
                raise _too_many(file_name)
    except csv.Error as error:
        raise WorkbookError(
            f"{file_name}: 第 {number + 1 if rows else 1} 行起不是合法的 CSV（{error}）。请检查引号。"
        ) from error
    return Sheet("", rows, {})


def _too_many(file_name: str) -> WorkbookError:
    return WorkbookError(f"{file_name}: 超过 {MAX_ROWS:,} 行。请拆成几个文件。")


def _xlsx(data: bytes, file_name: str) -> Iterator[Sheet]:
    has_formulas = _inspect(data, file_name)
    values = _load(data, file_name, data_only=True)
    formulas = _load(data, file_name, data_only=False) if has_formulas else None
    for sheet in values.worksheets:
        yield _sheet(sheet, formulas[sheet.title] if formulas else None, file_name)


def _inspect(data: bytes, file_name: str) -> bool:
    """Refuse what is no workbook or unpacks to too much, before anything is built; whether there are formulas."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = archive.infolist()
        names = {m.filename for m in members}
        if "xl/workbook.xml" not in names:
            raise WorkbookError(f"{file_name}: 是压缩文件，但不是 .xlsx 工作簿。请另存为 .xlsx 再导入。")
        if sum(m.file_size for m in members) > MAX_UNPACKED:
            raise WorkbookError(f"{file_name}: 解开后超过 300 MB，不予读取。请删去空白格式后另存，或拆成几个文件。")
        sheets = [archive.read(name) for name in names if name.startswith("xl/worksheets/") and name.endswith(".xml")]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise WorkbookError(f"{file_name}: 文件已损坏（{error}）。请重新导出或另存。") from error
    if sum(len(re.findall(rb"<(?:\w+:)?c[ />]", sheet)) for sheet in sheets) > MAX_CELLS:
        raise WorkbookError(f"{file_name}: 单元格超过 {MAX_CELLS:,} 个。请删去空白格式后另存，或拆成几个文件。")
    # openpyxl builds every covered cell of a merged range, so a range over a whole sheet would never end.
    if sum(_area(reference.decode()) for sheet in sheets for reference in _MERGED.findall(sheet)) > MAX_MERGED:
        raise WorkbookError(f"{file_name}: 合并单元格覆盖超过 {MAX_MERGED:,} 格。请取消整行整列的合并后另存。")
    return any(re.search(rb"<(?:\w+:)?f[ />]", sheet) for sheet in sheets)


_MERGED = re.compile(rb"<(?:\w+:)?mergeCell[^>]*\bref=[\"']([A-Z0-9:$]{1,30})")


def _area(reference: str) -> int:
    """How many cells `A1:C3` covers."""
    corners = [re.fullmatch(r"([A-Z]{1,3})(\d{1,7})", part) for part in reference.replace("$", "").split(":")]
    if len(corners) != 2 or None in corners:
        return 1
    (left, top), (right, bottom) = (corner.groups() for corner in corners if corner)
    return (_column(right) - _column(left) + 1) * (int(bottom) - int(top) + 1)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _load(data: bytes, file_name: str, *, data_only: bool) -> Any:
    import openpyxl

    try:
        return openpyxl.load_workbook(io.BytesIO(data), data_only=data_only)
    except Exception as error:  # openpyxl raises whatever its XML, zip and type layers raise on a broken file
        raise WorkbookError(
            f"{file_name}: 工作簿读不出来（{error}）。请用 WPS 或 Excel 打开后另存为 .xlsx。"
        ) from error


def _sheet(sheet: Any, formulas: Any | None, file_name: str) -> Sheet:
    rows: dict[int, dict[int, Value]] = {}
    # `_cells` holds the cells that are in the file; iter_rows would create every empty one up to a stray last row.
    for (row, column), cell in sheet._cells.items():
        value = _value(cell.value, cell.data_type)
        if value is None and formulas is not None:
            formula = formulas._cells.get((row, column))
            if formula is not None and formula.data_type == "f":
                text = str(getattr(formula.value, "text", formula.value))
                value = Fault(text if text.startswith("=") else f"={text}", "公式没有保存计算结果，无法取值")
        if value is not None:
            rows.setdefault(row, {})[column] = value
    if len(rows) > MAX_ROWS + 1:
        raise _too_many(file_name)
    merged = _spread(rows, [r.bounds for r in sheet.merged_cells.ranges])
    ordered = {row: rows[row] for row in sorted(rows)}
    return Sheet(sheet.title, ordered, merged, hidden=sheet.sheet_state != "visible")


def _spread(rows: dict[int, dict[int, Value]], ranges: list[tuple[int, int, int, int]]) -> dict[Position, Position]:
    """Give every cell of a merged range the value of its top-left cell, within the part of the sheet that is used."""
    last_row = max(rows, default=0)
    last_column = max((c for cells in rows.values() for c in cells), default=0)
    merged: dict[Position, Position] = {}
    for left, top, right, bottom in ranges:
        value = rows.get(top, {}).get(left)
        if value is None:
            continue
        # A title merged far to the right needs no copies beyond the columns that hold something.
        for row in range(top, min(bottom, last_row) + 1):
            for column in range(left, min(right, last_column) + 1):
                if (row, column) != (top, left):
                    rows.setdefault(row, {})[column] = value
                    merged[(row, column)] = (top, left)
    return merged


def _value(value: object, kind: str) -> Value:
    if value is None:
        return None
    if kind == "e":
        return Fault(str(value), "单元格是错误值")
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return _exact(value)
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = str(value)
    return text if text.strip() else None


def _exact(value: float) -> Value:
    """The decimal a spreadsheet shows for a binary number: its shortest form, and at most its 15 digits of precision.

    206.94 is read as 206.94; 30782.899999999998, the noise of a sum, as the 30782.9 that the sheet shows.
    """
    if not math.isfinite(value):
        return Fault(str(value), "不是有限的数")
    text = repr(value)
    digits = re.sub(r"e.*|[-.]", "", text).strip("0")
    exact = Fraction(format(value, ".15g") if len(digits) > 15 else text)
    return int(exact) if exact.denominator == 1 else exact
