"""The workbook of accounts (账号导入模板): its columns, the template, and reading what somebody filled in."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from rongtong.apps.registry.models import Organisation
from rongtong.apps.registry.roles import OPERATOR, ROLES

VERSION = "rongtong-accounts-1"
VERSION_SHEET = "_版本"
LARGEST_FILE = 5 * 1024 * 1024
LARGEST_UNPACKED = 100 * 1024 * 1024
MOST_ROWS = 5000
GRANTABLE = tuple(role.name for role in ROLES.values() if role.code != OPERATOR)
KINDS = tuple(str(label) for label in Organisation.Kind.labels)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sheet: its heading, whether it must be filled, a note for the cell, the words it may hold."""

    heading: str
    required: bool
    note: str
    choices: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The heading as the sheet has it: with a star when it must be filled."""
        return self.heading + ("*" if self.required else "")


ORGANISATIONS, ACCOUNTS = "单位", "账号"
SHEETS: dict[str, tuple[Column, ...]] = {
    ORGANISATIONS: (
        Column("统一社会信用代码", True, "18 位，按文本填写。已登记的单位可不再列。"),
        Column("单位名称", True, "与证照一致。"),
        Column("单位类别", True, "从下拉中选。", KINDS),
        Column("地区代码", True, "单位所在地的行政区划代码，6 位，按文本填写。"),
    ),
    ACCOUNTS: (
        Column("用户名", True, "2–64 个小写字母、数字、点、下划线或连字符。会永久留在日志中，请勿用身份证号、手机号。"),
        Column("姓名", True, "使用人姓名。"),
        Column("单位统一社会信用代码", False, "须已登记，或列在“单位”表中。"),
        Column("职务", False, ""),
        Column("角色", True, "从下拉中选一个；多个角色用顿号分开。三员一人只能任其一。", GRANTABLE),
        Column("地区代码", False, "角色的管辖地区及其下级；留空为全域。三员须留空。"),
        Column("起始日期", False, "如 2025-07-01；留空为立即生效。"),
        Column("截止日期", False, "如 2026-06-30；留空为长期。"),
    ),
}


@dataclass(frozen=True, slots=True)
class CellError:
    """One thing wrong in a workbook: where, what was found, and what to do."""

    sheet: str
    cell: str
    value: str
    problem: str

    def __str__(self) -> str:
        found = f"“{self.value}”" if self.value else ""
        return f"{self.sheet}!{self.cell} {found}{self.problem}"


@dataclass(frozen=True, slots=True)
class Row:
    """A filled row: its sheet and number, and the text of each cell by heading."""

    sheet: str
    number: int
    cells: dict[str, str]

    def error(self, heading: str, problem: str) -> CellError:
        """An error at the cell below this heading."""
        index = [column.heading for column in SHEETS[self.sheet]].index(heading)
        return CellError(self.sheet, f"{chr(ord('A') + index)}{self.number}", self.cells[heading], problem)


def accounts_template() -> bytes:
    """An empty workbook to fill in: required columns starred, drop-downs, a note on each heading, codes as text."""
    from openpyxl import Workbook
    from openpyxl.comments import Comment
    from openpyxl.styles import Font
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    book.remove(book.worksheets[0])
    for name, columns in SHEETS.items():
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for number, column in enumerate(columns, start=1):
            cell = sheet.cell(1, number, column.shown)
            cell.font = Font(bold=True)
            letter = cell.column_letter
            sheet.column_dimensions[letter].width = 24
            if column.note:
                cell.comment = Comment(column.note, "融通")
            for row in range(2, 202):
                sheet.cell(row, number).number_format = "@"
            if column.choices:
                # Roles may be several in one cell, so their list advises and does not block.
                choice = DataValidation(
                    type="list",
                    formula1='"' + ",".join(column.choices) + '"',
                    allow_blank=not column.required,
                    showErrorMessage=column.heading != "角色",
                )
                choice.add(f"{letter}2:{letter}{MOST_ROWS + 1}")
                sheet.add_data_validation(choice)
    hidden = book.create_sheet(VERSION_SHEET)
    hidden["A1"] = VERSION
    hidden.sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read_workbook(data: bytes) -> tuple[list[Row], list[CellError]]:
    """The filled rows of both sheets, and what is wrong with the file's form; rows are complete only without errors."""
    problem = _file_problem(data)
    if problem:
        return [], [CellError("文件", "", "", problem)]
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(io.BytesIO(data), data_only=True)
    except (InvalidFileException, KeyError, ValueError, zipfile.BadZipFile, SyntaxError) as error:
        return [], [CellError("文件", "", "", f"打不开：{error}。请用 WPS 或 Excel 另存为 .xlsx 后再传。")]
    version = book[VERSION_SHEET]["A1"].value if VERSION_SHEET in book.sheetnames else None
    if version != VERSION:
        return [], [CellError("文件", "", str(version or ""), "不是当前的账号导入模板。请重新下载模板填写。")]
    rows: list[Row] = []
    errors: list[CellError] = []
    for name in SHEETS:
        if name not in book.sheetnames:
            errors.append(CellError(name, "", "", "缺少这张表。请用模板，不要删表或改表名。"))
            continue
        found, wrong = _read_sheet(name, book[name])
        rows += found
        errors += wrong
    if not rows and not errors:
        errors.append(CellError(ACCOUNTS, "A2", "", "没有填写任何一行。"))
    return rows, errors


def _file_problem(data: bytes) -> str | None:
    if data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return "是 .xls（或加密）文件。请用 WPS 或 Excel 另存为不加密的 .xlsx 后再传。"
    if len(data) > LARGEST_FILE:
        return f"有 {len(data)} 字节，超过上限 {LARGEST_FILE} 字节。请分批导入。"
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(item.file_size for item in archive.infolist())
    except zipfile.BadZipFile:
        return "不是 .xlsx 文件。请用模板填写并存为 .xlsx。"
    return f"解压后有 {size} 字节，超过上限 {LARGEST_UNPACKED} 字节。" if size > LARGEST_UNPACKED else None


def _read_sheet(name: str, sheet: Any) -> tuple[list[Row], list[CellError]]:
    columns = SHEETS[name]
    headings = [str(sheet.cell(1, number).value or "").strip() for number in range(1, len(columns) + 1)]
    wrong = [
        CellError(name, f"{chr(ord('A') + i)}1", headings[i], f"表头应为“{column.shown}”。请用模板，不要改列。")
        for i, column in enumerate(columns)
        if headings[i] != column.shown
    ]
    if wrong:
        return [], wrong
    if sheet.max_row > MOST_ROWS + 1:
        return [], [CellError(name, f"A{MOST_ROWS + 2}", "", f"超过 {MOST_ROWS} 行。请分批导入，并删去多余的空行。")]
    rows: list[Row] = []
    errors: list[CellError] = []
    for number, values in enumerate(sheet.iter_rows(2, max_col=len(columns), values_only=True), start=2):
        if all(value is None or str(value).strip() == "" for value in values):
            continue
        row = Row(name, number, {c.heading: _text(v) for c, v in zip(columns, values, strict=True)})
        errors += _cell_errors(row, values)
        rows.append(row)
    return rows, errors


def _cell_errors(row: Row, values: tuple[Any, ...]) -> Iterator[CellError]:
    for column, value in zip(SHEETS[row.sheet], values, strict=True):
        if column.required and not row.cells[column.heading]:
            yield row.error(column.heading, f"“{column.heading}”为必填，却是空的。请填写。")
        elif isinstance(value, float) or (isinstance(value, int) and abs(value) >= 10**15):
            # Excel keeps fifteen digits of a number, so a long code typed as a number is already damaged.
            yield row.error(column.heading, "是数字格式，可能已丢失位数。请把单元格设为文本后重新填写。")


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value).strip()
