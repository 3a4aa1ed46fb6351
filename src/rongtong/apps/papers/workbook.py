"""A ledger (台账) as an .xlsx an office can sort, print and hand on; the same sheets give the same bytes.

Codes are text, so no leading zero is lost; a text that looks like a formula stays a text, in the file and when it is
edited; numbers keep their digits exactly. What the ledger is about travels in a hidden sheet.
"""

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from rongtong.apps.papers.ooxml import core_properties, fixed_zip
from rongtong.cells import put_text

__all__ = ["Cell", "Column", "Sheet", "ledger_bytes"]

Cell = str | int | Decimal | Fraction | dt.date | None

META_SHEET = "_meta"
EXACT_DIGITS = 15  # digits a spreadsheet's number can hold; a longer one is written as text
NAME_LIMIT = 31  # characters a sheet's name may hold
FORBIDDEN_IN_NAME = set("[]:*?/\\")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its head with the unit, what it holds, its width in characters, decimals of a number."""

    head: str
    kind: Literal["text", "code", "number", "date"] = "text"
    width: int = 12
    places: int = 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet. With a `title` the first line names the ledger; head and title stay in view while scrolling."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""


def _rounded(value: int | Decimal | Fraction, places: int) -> Decimal:
    """`value` at `places` decimals, half away from zero, in integer arithmetic; never through a float."""
    exact = Fraction(value)
    scaled = abs(exact) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    digits = tuple(int(digit) for digit in str(whole))
    return Decimal((1 if exact < 0 and whole else 0, digits, -places))


def _check(sheets: Sequence[Sheet]) -> None:
    names: set[str] = set()
    for sheet in sheets:
        if not sheet.name or len(sheet.name) > NAME_LIMIT or FORBIDDEN_IN_NAME & set(sheet.name):
            raise ValueError(f"工作表名“{sheet.name}”不能用：应为1至{NAME_LIMIT}个字，且不含 []:*?/\\")
        if sheet.name.lower() in names or sheet.name == META_SHEET:
            raise ValueError(f"工作表名“{sheet.name}”重复或为系统保留；请换一个")
        names.add(sheet.name.lower())
        for index, row in enumerate(sheet.rows, 1):
            if len(row) != len(sheet.columns):
                raise ValueError(
                    f"工作表“{sheet.name}”数据第{index}行有{len(row)}格，应为{len(sheet.columns)}格，与列数一致"
                )


def _put(cell: Any, value: Cell, column: Column) -> None:
    if value is None:
        return
    if isinstance(value, str):
        put_text(cell, value)
    elif column.kind in ("text", "code"):
        put_text(cell, value.isoformat() if isinstance(value, dt.date) else str(value))
    elif isinstance(value, dt.date):
        cell.value = value
        cell.number_format = "yyyy-mm-dd"
    elif column.kind == "date":
        raise ValueError(f"单元格{cell.coordinate}（{column.head}）是{value}，应为日期")
    else:
        number = _rounded(value, column.places)
        if len(number.as_tuple().digits) > EXACT_DIGITS:
            put_text(cell, f"{number:f}")
            return
        cell.value = number
        cell.number_format = "0" if not column.places else "0." + "0" * column.places


def _styles() -> dict[str, Any]:
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

    hairline = Side(style="thin", color="FFBFC7CE")
    return {
        "border": Border(left=hairline, right=hairline, top=hairline, bottom=hairline),
        "head": Font(name="等线", bold=True, size=11),
        "title": Font(name="等线", bold=True, size=14),
        "body": Font(name="等线", size=11),
        "fill": PatternFill("solid", fgColor="FFEAF1F8"),
        "middle": Alignment(horizontal="center", vertical="center", wrap_text=True),
        "text": Alignment(horizontal="left", vertical="top", wrap_text=True),
        "number": Alignment(horizontal="right", vertical="top"),
    }


def _head(target: Any, sheet: Sheet, styles: Mapping[str, Any]) -> int:
    """Write title and head; returns the head's row."""
    head = 1
    if sheet.title:
        put_text(target.cell(1, 1), sheet.title)
        target.cell(1, 1).font = styles["title"]
        head = 2
    for index, column in enumerate(sheet.columns, 1):
        cell = target.cell(head, index)
        put_text(cell, column.head)
        cell.font, cell.fill = styles["head"], styles["fill"]
        cell.alignment, cell.border = styles["middle"], styles["border"]
    return head


def _fill(target: Any, sheet: Sheet, styles: Mapping[str, Any]) -> None:
    from openpyxl.utils import get_column_letter

    head = _head(target, sheet, styles)
    for row, values in enumerate(sheet.rows, head + 1):
        for index, (value, column) in enumerate(zip(values, sheet.columns, strict=True), 1):
            cell = target.cell(row, index)
            _put(cell, value, column)
            cell.font, cell.border = styles["body"], styles["border"]
            cell.alignment = styles["number" if column.kind == "number" else "text"]
    for index, column in enumerate(sheet.columns, 1):
        target.column_dimensions[get_column_letter(index)].width = column.width
    last = f"{get_column_letter(max(1, len(sheet.columns)))}{head + len(sheet.rows)}"
    target.freeze_panes = f"A{head + 1}"
    target.auto_filter.ref = f"A{head}:{last}"
    target.print_title_rows = f"{head}:{head}"
    target.page_setup.orientation = "landscape"
    target.page_setup.paperSize = target.PAPERSIZE_A4
    target.page_setup.fitToWidth, target.page_setup.fitToHeight = 1, 0
    target.sheet_properties.pageSetUpPr.fitToPage = True


def ledger_bytes(sheets: Sequence[Sheet], *, meta: Mapping[str, str], day: dt.date) -> bytes:
    """`sheets` as one .xlsx dated `day`, with `meta` (版本, 期别, 单位, 来源) in a hidden sheet as key and value.

    Raises ValueError naming the sheet and row or the cell when a row's length, a sheet's name or a value cannot go in.
    """
    from openpyxl import Workbook
    from openpyxl.worksheet.properties import PageSetupProperties

    if not sheets:
        raise ValueError("台账没有工作表；至少给出一张")
    _check(sheets)
    book = Workbook()
    if book.active is not None:
        book.remove(book.active)
    styles = _styles()
    for sheet in sheets:
        target = book.create_sheet(sheet.name)
        target.sheet_properties.pageSetUpPr = PageSetupProperties()
        _fill(target, sheet, styles)
    hidden = book.create_sheet(META_SHEET)
    hidden.sheet_state = "veryHidden"
    for row, (key, value) in enumerate(meta.items(), 1):
        put_text(hidden.cell(row, 1), key)
        put_text(hidden.cell(row, 2), value)
    out = io.BytesIO()
    book.save(out)
    title = sheets[0].title or sheets[0].name
    return fixed_zip(out.getvalue(), {"docProps/core.xml": core_properties(title, "", "台账", day)})
