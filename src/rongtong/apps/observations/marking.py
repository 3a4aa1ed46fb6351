"""The marked copy (标注件): the user's own workbook with every cell at fault filled, commented and listed."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rongtong.apps.observations.mapping import PROBLEM_SHEET
from rongtong.cells import TEXT_LIMIT, put_text
from rongtong.engine.reading import HARD, Finding
from rongtong.engine.workbook import Book, read_book, shown

_FILLS = {True: "FFC7CE", False: "FFEB9C"}
_LIST = ("序号", "级别", "工作表", "单元格", "填写的值", "问题", "应为", "怎么办", "已写的核实说明", "能否导入")
_WIDTHS = (6, 9, 14, 9, 20, 50, 30, 34, 24, 10)
_CSV_SHEET = "数据"


def marked_copy(data: bytes, file_name: str, findings: Sequence[Finding]) -> bytes:
    """The file as XLSX with the findings marked, and a sheet 问题清单 that lists them with a link to each cell.

    A CSV file becomes a workbook of text cells. Raises WorkbookError when the file cannot be read.
    """
    book = read_book(data, file_name)
    workbook = _converted(book) if book.kind == "csv" else _opened(data)
    sheet_names = {"": _CSV_SHEET} if book.kind == "csv" else {}
    by_cell: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        by_cell.setdefault((sheet_names.get(finding.sheet, finding.sheet), finding.cell), []).append(finding)
    for (sheet, cell), found in by_cell.items():
        if sheet in workbook.sheetnames and cell:
            _mark(workbook[sheet][cell], found)
    _list(workbook, findings, sheet_names)
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def _opened(data: bytes) -> Any:
    import openpyxl

    workbook = openpyxl.load_workbook(io.BytesIO(data))
    if PROBLEM_SHEET in workbook.sheetnames:
        del workbook[PROBLEM_SHEET]
    return workbook


def _converted(book: Book) -> Any:
    import openpyxl

    workbook = openpyxl.Workbook()
    sheet: Any = workbook.active
    sheet.title = _CSV_SHEET
    for row, cells in book.sheets[0].rows.items():
        for column, value in cells.items():
            put_text(sheet.cell(row, column), shown(value)[:TEXT_LIMIT])
    return workbook


def _mark(cell: Any, findings: Iterable[Finding]) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import PatternFill

    found = list(findings)
    text = "\n\n".join(_comment(f) for f in found)
    if cell.comment is not None:
        text = f"{cell.comment.text}\n\n{text}"
    colour = _FILLS[any(f.severity == HARD for f in found)]
    cell.fill = PatternFill("solid", fgColor=colour)
    cell.comment = Comment(text, "融通", height=160, width=320)


def _comment(finding: Finding) -> str:
    lines = [f"[{finding.severity}] {finding.problem}"]
    if finding.expected:
        lines.append(f"应为：{finding.expected}")
    if finding.do:
        lines.append(f"请{finding.do}")
    return "\n".join(lines)


def _list(workbook: Any, findings: Sequence[Finding], sheet_names: Mapping[str, str]) -> None:
    from openpyxl.styles import Alignment, Font

    sheet = workbook.create_sheet(PROBLEM_SHEET)
    for column, (heading, width) in enumerate(zip(_LIST, _WIDTHS, strict=True), start=1):
        cell = sheet.cell(1, column, heading)
        cell.font = Font(bold=True)
        sheet.column_dimensions[cell.column_letter].width = width
    for number, finding in enumerate(findings, start=1):
        name = sheet_names.get(finding.sheet, finding.sheet)
        passes = "不能" if finding.blocks else "可以"
        row = (
            str(number),
            finding.severity,
            name,
            finding.cell,
            finding.found,
            finding.problem,
            finding.expected,
            finding.do,
            finding.reason,
            passes,
        )
        for column, text in enumerate(row, start=1):
            cell = sheet.cell(number + 1, column)
            put_text(cell, text[:TEXT_LIMIT])
            cell.alignment = Alignment(wrap_text=True, vertical="top")
        if finding.cell:
            quoted = name.replace("'", "''")
            sheet.cell(number + 1, 4).hyperlink = f"#'{quoted}'!{finding.cell}"
    sheet.freeze_panes = "A2"
