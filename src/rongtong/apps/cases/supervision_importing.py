"""Opening 督办 from a workbook: the template, and a filled one read with every problem at its cell; all or none."""

from __future__ import annotations

import io
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass

from rongtong import clock
from rongtong.apps.cases.supervision_forms import BY_NAME, FIELDS, Draft, Field, check, lines_of
from rongtong.apps.cases.supervision_prefill import from_commitment
from rongtong.cells import put_text
from rongtong.engine.pack.model import Commitment
from rongtong.engine.pack.read import Pack
from rongtong.engine.workbook import Book, Fault, Sheet, WorkbookError, a1, heading, plain, read_book, shown

SHEET, MOST_ROWS = "督办事项", 500
NUMBER = "序号"
WIDTHS = {"title": 36, "goal": 40, "requirement": 40, "milestones": 36, "figure": 30}


@dataclass(frozen=True, slots=True)
class CellProblem:
    """One thing wrong in a workbook: the cell, what was found there, and what to do."""

    cell: str
    found: str
    message: str


def template(commitment: Commitment | None = None) -> bytes:
    """The workbook to fill in; for a commitment known by its count only, with one numbered line for each item."""
    from openpyxl import Workbook
    from openpyxl.comments import Comment
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = SHEET
    sheet.freeze_panes = "C2"
    sheet.cell(1, 1, NUMBER)
    for column, field in enumerate(FIELDS, start=2):
        cell = sheet.cell(1, column, field.label + ("*" if field.required else ""))
        letter = cell.column_letter
        sheet.column_dimensions[letter].width = WIDTHS.get(field.name, 18)
        if field.hint:
            cell.comment = Comment(field.hint, "融通")
        if field.choices:
            words = ",".join(word for _, word in field.choices)
            listed = DataValidation(type="list", formula1=f'"{words}"', allow_blank=True, showErrorMessage=True)
            listed.add(f"{letter}2:{letter}{MOST_ROWS + 1}")
            sheet.add_data_validation(listed)
        for row in range(2, 102):
            sheet.cell(row, column).number_format = "@"
            sheet.cell(row, column).alignment = Alignment(wrap_text=True, vertical="top")
    for head in sheet[1]:
        head.font, head.fill = Font(bold=True), PatternFill("solid", fgColor="FFEAF1F8")
    for number in range(1, (lines_of(commitment) if commitment else 0) + 1):
        _numbered(sheet, number, commitment)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _numbered(sheet: object, number: int, commitment: Commitment | None) -> None:
    """One line of a list known by its count: the number and what the document does say, nothing else."""
    assert commitment is not None  # only lists have numbered lines
    cell = sheet.cell  # type: ignore[attr-defined]
    cell(number + 1, 1, number)
    known = from_commitment(commitment.id, str(number))
    said = {name: known[name] for name in ("source", "reference", "commitment", "lead", "responsible") if known[name]}
    for column, field in enumerate(FIELDS, start=2):
        text = said.get(field.name, "")
        put_text(cell(number + 1, column), dict(field.choices).get(text, text))


def read(
    data: bytes, file_name: str, pack: Pack, places: Container[str]
) -> tuple[tuple[Draft, ...], tuple[CellProblem, ...]]:
    """The drafts of a filled workbook, or every problem in it; never both. Lines without a title are left out."""
    try:
        book = read_book(data, file_name)
    except WorkbookError as error:
        return (), (CellProblem("", "", str(error)),)
    sheet = _sheet(book)
    columns, problems = _columns(sheet)
    if problems:
        return (), tuple(problems)
    drafts: list[Draft] = []
    rows = [(number, cells) for number, cells in sorted(sheet.rows.items()) if number > 1]
    for number, cells in rows:
        texts = {name: _text(BY_NAME[name], cells.get(column)) for name, column in columns.items()}
        if not texts.get("title"):
            continue
        faults = [
            CellProblem(a1(number, column), value.found, value.problem)
            for column in columns.values()
            if isinstance(value := cells.get(column), Fault)
        ]
        draft, errors = check(texts, pack, places, clock.today())
        problems += faults or [
            CellProblem(a1(number, columns[name]), texts.get(name, ""), message) for name, message in errors
        ]
        if draft is not None and not faults:
            drafts.append(draft)
    if not drafts and not problems:
        problems.append(CellProblem("B2", "", "没有填写任何一行：每行至少要有“督办事项”。"))
    if len(drafts) > MOST_ROWS:
        problems.append(CellProblem("", str(len(drafts)), f"一次至多导入 {MOST_ROWS} 件，请分批。"))
    return ((), tuple(problems)) if problems else (tuple(drafts), ())


def _sheet(book: Book) -> Sheet:
    return next((s for s in book.sheets if s.name == SHEET), book.sheets[0])


def _columns(sheet: Sheet) -> tuple[Mapping[str, int], list[CellProblem]]:
    """field name → its column, from the first row; what is missing there."""
    names = {heading(f.label): f.name for f in FIELDS}
    found: dict[str, int] = {}
    for column, value in sheet.rows.get(1, {}).items():
        name = names.get(heading(value).rstrip("*"))
        if name:
            found[name] = column
    missing = [f.label for f in FIELDS if f.name not in found]
    if missing:
        return {}, [CellProblem("1:1", "", f"第一行缺少列：{'、'.join(missing)}。请用模板，不要改表头。")]
    return found, []


def _text(field: Field, value: object) -> str:
    """A cell as the form would send it: choices by code, dates as 2025-08-15."""
    text = shown(value).strip()  # type: ignore[arg-type]
    if field.choices:
        word = plain(value)  # type: ignore[arg-type]
        return next((code for code, label in field.choices if word in (code, label)), word)
    if field.kind == "date":
        match = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", text)
        return f"{int(match[1]):04}-{int(match[2]):02}-{int(match[3]):02}" if match else text
    return text
