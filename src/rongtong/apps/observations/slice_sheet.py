"""A slice as a workbook (填报模板): written with what is held, read back cell by cell."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from rongtong import clock
from rongtong.apps.observations.fields import Fields, Refused
from rongtong.apps.observations.mapping import read_import
from rongtong.apps.observations.slices import Cell, Slice
from rongtong.apps.observations.sourcing import office_sources
from rongtong.apps.observations.template import META_SHEET
from rongtong.apps.packs import queries as packs
from rongtong.cells import put_text
from rongtong.engine.quantity import Quantity, decimal_text, unit
from rongtong.engine.reading import HARD, Finding
from rongtong.engine.workbook import Book, Sheet, WorkbookError, plain, read_book, shown

LAYOUT = "rongtong-slice-1"
SHEET = "填报"
HEADER_ROW = 3
HEADINGS = ("指标代码", "指标", "单位", "上期", "上年同期", "本期", "核实说明", "填写提示")
CODE, _, UNIT, _, _, VALUE, REASON, _ = range(1, 9)
WIDTHS = (22, 34, 9, 14, 14, 16, 34, 40)
MONEY_UNITS = ("元", "万元", "亿元")


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a file says of one cell: the exact number in the cell's unit, the reason, and where both stand."""

    indicator: str
    value: str
    reason: str
    sheet: str
    at: str


@dataclass(slots=True)
class Read:
    """A file as read for a slice: its cells, what is wrong with it, and how many rows are not the slice's."""

    cells: list[Proposed] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    foreign: int = 0


def write(slice_: Slice) -> bytes:
    """The slice as XLSX: one row a figure, units to choose from, the key of the slice hidden in it."""
    import openpyxl
    from openpyxl.styles import Font, PatternFill

    workbook = openpyxl.Workbook()
    sheet: Any = workbook.active
    sheet.title = SHEET
    task = slice_.task
    place = packs.current().places.get(slice_.case.place).name
    put_text(sheet.cell(1, 1), f"{task.collection.number} {task.collection.name}　{place}　{task.period.chinese}")
    sheet.cell(1, 1).font = Font(bold=True, size=14)
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(HEADINGS))
    sheet.cell(2, 1, "只填“本期”和“核实说明”；没有数就留空，不要填 0；换单位请在“单位”下拉中选。")
    sheet.merge_cells(start_row=2, start_column=1, end_row=2, end_column=len(HEADINGS))
    for column, (words, width) in enumerate(zip(HEADINGS, WIDTHS, strict=True), start=1):
        cell = sheet.cell(HEADER_ROW, column, words)
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="DDEBF7" if column in (VALUE, REASON) else "F2F2F2")
        sheet.column_dimensions[cell.column_letter].width = width
    for row, cell in enumerate(slice_.cells, start=HEADER_ROW + 1):
        _line(sheet, row, cell)
    sheet.freeze_panes = sheet.cell(HEADER_ROW + 1, 3)
    _meta(workbook, slice_)
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def _line(sheet: Any, row: int, cell: Cell) -> None:
    from openpyxl.worksheet.datavalidation import DataValidation

    hint = ("必填。" if cell.item.required else "选填。") + cell.item.note
    texts = (
        cell.item.indicator,
        cell.card.name,
        cell.item.unit,
        cell.before_text,
        cell.last_year_text,
        cell.value,
        cell.reason,
        hint,
    )
    for column, text in enumerate(texts, start=1):
        put_text(sheet.cell(row, column), text)
    measured = unit(cell.item.unit).dimension
    choices = MONEY_UNITS if measured.name == "money" else (cell.item.unit,)
    units = DataValidation(
        type="list", formula1=f'"{",".join(choices)}"', errorTitle="请核对", error="请在下拉中选单位"
    )
    units.add(f"C{row}")
    sheet.add_data_validation(units)


def _meta(workbook: Any, slice_: Slice) -> None:
    sheet = workbook.create_sheet(META_SHEET)
    sheet.sheet_state = "hidden"
    rows = [("layout", LAYOUT), ("key", slice_.case.key), ("made_at", clock.now().isoformat(timespec="minutes"))]
    for number, pair in enumerate([*rows, *((c.item.indicator, str(c.version)) for c in slice_.cells)], start=1):
        sheet.cell(number, 1, pair[0])
        sheet.cell(number, 2, pair[1])


def read(data: bytes, name: str, slice_: Slice) -> Read:
    """What a file says of a slice: its own template, or any layout the importer reads, of which only its rows count.

    Raises WorkbookError when it cannot be read, or is the template of another slice.
    """
    book = read_book(data, name)
    meta = _read_meta(book)
    if meta.get("layout") != LAYOUT:
        return _from_import(data, name, slice_)
    if meta.get("key") != slice_.case.key:
        raise WorkbookError(
            f"{name}: 这是另一张表、另一个期或另一个地方的模板（{meta.get('key', '')}）。请下载本表的模板再填。"
        )
    sheet = next((s for s in book.sheets if s.name == SHEET), None)
    if sheet is None:
        raise WorkbookError(f"{name}: 没有“{SHEET}”工作表。请不要改工作表的名字。")
    found = Read()
    for row in sheet.rows:
        if row > HEADER_ROW:
            _read_line(sheet, row, slice_, found)
    return found


def _read_meta(book: Book) -> dict[str, str]:
    sheet = next((s for s in book.sheets if s.name == META_SHEET), None)
    return {plain(cells.get(1)): plain(cells.get(2)) for cells in sheet.rows.values()} if sheet else {}


def _read_line(sheet: Sheet, row: int, slice_: Slice, found: Read) -> None:
    cells = sheet.rows[row]
    code = plain(cells.get(CODE))
    try:
        cell = slice_.cell(code)
    except KeyError:
        found.foreign += 1
        return
    at, reader = sheet.a1(row, VALUE), Fields(packs.current(), clock.real_today())
    value, reason = cells.get(VALUE), shown(cells.get(REASON)).strip()
    if value is None:
        found.cells.append(Proposed(code, "", reason, sheet.name, at))
        return
    try:
        measured = reader.unit(cells.get(UNIT) or cell.item.unit, cell.card)
        stored = reader.value(value, measured)
    except Refused as why:
        found.findings.append(Finding(HARD, sheet.name, at, shown(value), why.problem, why.expected, why.do))
        return
    found.cells.append(Proposed(code, _text(Quantity.stored(stored, measured), cell), reason, sheet.name, at))


def _from_import(data: bytes, name: str, slice_: Slice) -> Read:
    parsed = read_import(data, name, packs.current(), today=clock.real_today(), more=office_sources())
    found = Read(findings=list(parsed.findings))
    wanted = {c.item.indicator: c for c in slice_.cells}
    for r in parsed.rows:
        split = r.chain or r.subject or r.funds or r.use
        if r.indicator not in wanted or r.place != slice_.case.place or r.period != slice_.task.period or split:
            found.foreign += 1
            continue
        value = _text(Quantity.stored(r.value, r.unit), wanted[r.indicator])
        found.cells.append(Proposed(r.indicator, value, r.reason, r.sheet, r.cells.get("value", "")))
    return found


def _text(quantity: Quantity, cell: Cell) -> str:
    number: Fraction = quantity.amount / unit(cell.item.unit).factor
    return decimal_text(number)
