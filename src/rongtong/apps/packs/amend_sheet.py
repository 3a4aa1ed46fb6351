"""The statements of a kind as a workbook and back: one row each, one column a field, nested parts as JSON.

What comes back is compared with what the pack says; only rows that differ become changes. Every fault names its cell.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from rongtong.apps.packs import amend_fields, amend_layer
from rongtong.apps.packs.amend_layer import Change
from rongtong.apps.packs.amend_words import label
from rongtong.cells import put_text
from rongtong.engine.nested import NestedError, read_json
from rongtong.engine.pack.read import Pack, model_of
from rongtong.engine.workbook import Sheet, a1, plain, read_book, shown

HEAD = 2  # row 1 holds the words, row 2 the names of the fields
WIDE = frozenset({"definition", "note", "cases", "sections", "columns", "sentences", "basis"})


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a cell of a workbook that came back."""

    cell: str
    message: str


def workbook(pack: Pack, kind: str, changes: Mapping[str, Mapping[str, Any]]) -> bytes:
    """The statements of a kind as XLSX, with a draft's own wordings in place of the pack's."""
    import openpyxl
    from openpyxl.styles import Alignment, Font, PatternFill

    names = list(model_of(kind).model_fields)
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = amend_layer.KINDS[kind][0]
    for column, name in enumerate(names, 1):
        for row, text in ((1, label(name)), (HEAD, name)):
            cell = sheet.cell(row, column, text)
            cell.font, cell.fill = Font(bold=row == 1), PatternFill("solid", fgColor="EAF1F8")
        letter = sheet.cell(1, column).column_letter
        sheet.column_dimensions[letter].width = 44 if name in WIDE else 16
    for row, value in enumerate(rows(pack, kind, changes), HEAD + 1):
        for column, name in enumerate(names, 1):
            cell = sheet.cell(row, column)
            # Text, or a spreadsheet turns 2025-03 into a date and a formula-like text into a formula.
            put_text(cell, _cell(value.get(name)))
            cell.alignment = Alignment(vertical="top", wrap_text=name in WIDE)
    sheet.freeze_panes = sheet.cell(HEAD + 1, 2)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def rows(pack: Pack, kind: str, changes: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The newest statement of each code of a kind, a draft's in place of the pack's, and the draft's new ones."""
    codes = dict.fromkeys([*(s.code for s in pack.all(kind)), *changes])
    return [changes[c] if c in changes else amend_layer.plain(pack.get(kind, c)) for c in codes]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def read(data: bytes, file_name: str, pack: Pack, kind: str) -> tuple[tuple[Change, ...], tuple[Fault, ...]]:
    """The changes a workbook makes to the pack, or every fault by cell. Raises WorkbookError for what is no workbook."""
    sheet = read_book(data, file_name).sheets[0]
    names = {column: plain(value) for column, value in sheet.rows.get(HEAD, {}).items()}
    known = model_of(kind).model_fields
    faults = [
        Fault(a1(HEAD, column), f"不认识的列“{name}”。应为 {'、'.join(known)} 之一；请保留导出时的第 {HEAD} 行。")
        for column, name in names.items()
        if name not in known
    ]
    if "code" not in names.values():
        faults.append(Fault(a1(HEAD, 1), f"第 {HEAD} 行没有 code 这一列。请用本页导出的工作簿改。"))
    if faults:
        return (), tuple(faults)
    changes: list[Change] = []
    seen: dict[str, int] = {}
    for row in sorted(r for r in sheet.rows if r > HEAD):
        value, wrong = _row(sheet, row, names)
        faults += wrong
        if not value or wrong:
            continue
        code = str(value.get("code", ""))
        if code in seen:
            faults.append(Fault(_at(row, names, "code"), f"代码 {code} 在第 {seen[code]} 行写过。请删去一行。"))
            continue
        seen[code] = row
        found = list(_faults(kind, value, row, names))
        faults += found
        if not found:
            changes += _change(pack, kind, code, value)
    return (() if faults else tuple(changes)), tuple(faults)


def _row(sheet: Sheet, row: int, names: Mapping[int, str]) -> tuple[dict[str, Any], list[Fault]]:
    value: dict[str, Any] = {}
    faults = []
    for column, name in names.items():
        held = sheet.rows[row].get(column)
        text = held.isoformat() if isinstance(held, date) else shown(held).strip()
        if not text:
            continue
        try:
            value[name] = _parsed(name, text)
        except NestedError as error:
            faults.append(Fault(a1(row, column), f"“{label(name)}”{error}"))
    return value, faults


def _parsed(name: str, text: str) -> Any:
    if text[0] in "[{" or name == "decimals" or name == "header_row":
        return read_json(text)
    return text


def _faults(kind: str, value: Mapping[str, Any], row: int, names: Mapping[int, str]) -> Iterator[Fault]:
    for field, message in amend_fields.errors(kind, value).items():
        if field in names.values():
            yield Fault(_at(row, names, field), message)
        elif "-" not in field:
            yield Fault(a1(row, 1), message)


def _at(row: int, names: Mapping[int, str], field: str) -> str:
    return a1(row, next(c for c, n in names.items() if n == field))


def _change(pack: Pack, kind: str, code: str, value: Mapping[str, Any]) -> list[Change]:
    now = pack.find(kind, code)
    before = amend_layer.plain(now) if now else None
    after = amend_layer.validated(kind, value)
    return [] if before == after else [Change(kind, code, before, after)]
