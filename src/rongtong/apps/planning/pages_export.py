"""The ledger and the latest values as files: CSV with cells no spreadsheet runs as a formula, and XLSX."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from rongtong import clock
from rongtong.apps.papers.blocks_base import wide
from rongtong.apps.papers.workbook import Cell, Column, Sheet, ledger_bytes
from rongtong.apps.planning.pages_ledger import Entry
from rongtong.cells import XLSX, guarded_row
from rongtong.engine.figure import STATUS_WORDS, Figure

COLUMNS = (
    Column("编号", "code", 8), Column("依据", "text", 18), Column("条款", "code", 8), Column("类别", "text", 10),
    Column("事项", "text", 34), Column("要求", "text", 16), Column("完成时间", "text", 14),
    Column("责任单位", "text", 16), Column("责任单位（推断）", "text", 18), Column("状态", "text", 8),
    Column("指标", "text", 22), Column("最新值", "number", 12, 2), Column("单位", "text", 8),
    Column("最新值的期", "text", 14), Column("数据状态", "text", 10), Column("完成率（%）", "number", 10, 1),
    Column("应达（%）", "number", 10, 1), Column("灯", "text", 12), Column("是否达到", "text", 12),
    Column("没有数或没有灯的原因", "text", 40), Column("说明", "text", 46), Column("数的编号", "code", 40),
)  # fmt: skip


def _number(figure: Figure | None) -> Decimal | None:
    return Decimal(figure.text) if figure else None


def _row(entry: Entry) -> tuple[Cell, ...]:
    item, value = entry.item, entry.figure
    return (
        item.id, entry.document, item.clause, entry.kind, entry.name, entry.requirement, entry.due,
        entry.department, item.department_inferred, entry.status, entry.card.name if entry.card else "",
        _number(value), str(value.unit) if value else "", entry.period,
        STATUS_WORDS.get(value.status, value.status) if value else "",
        _number(entry.completion), _number(entry.baseline),
        str(entry.lamp) if entry.lamp else "", entry.met, entry.remark, wide(item.note), value.id if value else "",
    )  # fmt: skip


def ledger_csv(found: Iterable[Entry]) -> HttpResponse:
    """The entries as CSV, numbers with the digits shown."""
    rows = [["" if c is None else str(c) for c in _row(e)] for e in found]
    return table_csv(f"承诺一本账_{clock.today()}.csv", [c.head for c in COLUMNS], rows)


def ledger_xlsx(found: Iterable[Entry], *, source: str) -> HttpResponse:
    """The entries as one sheet; `source` names the packs it was made from."""
    day = clock.today()
    rows = tuple(_row(e) for e in found)
    sheet = Sheet("承诺一本账", COLUMNS, rows, f"承诺一本账（截至 {day}）")
    meta = {"版本": source, "期别": str(day.year), "单位": "见各行", "来源": f"{day} 已知的情况"}
    return _file(ledger_bytes((sheet,), meta=meta, day=day), f"承诺一本账_{day}.xlsx", XLSX)


def table_csv(name: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> HttpResponse:
    """A table as CSV in UTF-8 with a mark that spreadsheets need to read Chinese."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows(guarded_row(row) for row in rows)
    return _file(out.getvalue().encode("utf-8-sig"), name, "text/csv; charset=utf-8")


def _file(data: bytes, name: str, kind: str) -> HttpResponse:
    answer = HttpResponse(data, content_type=kind)
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    return answer
