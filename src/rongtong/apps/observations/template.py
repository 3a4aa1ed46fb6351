"""The standard workbook (标准模板): headings with notes, drop-downs, text codes, and a sample row that is not imported."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

from rongtong.apps.observations.mapping import EXAMPLE
from rongtong.apps.observations.models import STATUSES
from rongtong.cells import put_text
from rongtong.engine.pack.model import Indicator
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period
from rongtong.engine.standard import COLUMNS, REQUIRED

VERSION = "rongtong-observations-1"
DATA_SHEET, HELP_SHEET, META_SHEET, LIST_SHEET = "数据", "填写说明", "_版本", "_选项"
_LAST_ROW = 2000
_NOTES = {
    "indicator": "指标卡的名称或代码，从下拉中选。",
    "place": "六位代码（按文本填写）或名称。",
    "period": "按文本填写：2025、2025H1、2025Q1、2025-03、2025-01..09（1—9月累计）。",
    "value": "只填数字，不带单位。没有数据就删去这一行，不要填 0。",
    "unit": "与数值对应的单位，如 亿元、万元、%、家、人。",
    "status": "从下拉中选：" + "、".join(STATUSES.values()) + "。",
    "known_from": "公布或批准的日期，如 2025-07-15。更正已报的数，请给出新的发布日期。",
    "source": "数字出自哪份报表、公报或文件。",
    "note": "其他需要说明的事。",
    "chain": "产业链代码或名称，不分产业链时留空。",
    "subject": "主体类型，不分主体时留空。",
    "funds": "资金来源，不分来源时留空。",
    "use": "用途，不分用途时留空。",
    "scope": "可留空；填写时须与指标卡的口径一致。",
    "edition": "数字按哪一天的行政区划统计，如 2021-03-31；现行区划留空。",
    "reason": "核实性问题的具体原因。只写“核实无误”不能通过。",
}
_WIDTHS = {"indicator": 26, "place": 14, "source": 24, "note": 24, "reason": 30}


def template(pack: Pack, today: date, indicator: Indicator | None = None, period: Period | None = None) -> bytes:
    """The workbook as XLSX. With a card and a period its rows are filled in for the root and each place below it."""
    import openpyxl

    workbook = openpyxl.Workbook()
    sheet: Any = workbook.active
    sheet.title = DATA_SHEET
    _headings(sheet)
    _rows(sheet, pack, today, indicator, period)
    _choices(workbook, sheet, pack)
    _help(workbook)
    _meta(workbook, pack, indicator, period)
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def _headings(sheet: Any) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import Font, PatternFill

    for column, (field, names) in enumerate(COLUMNS.items(), start=1):
        required = field in REQUIRED
        cell = sheet.cell(1, column, names[0] + ("*" if required else ""))
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="DDEBF7" if required else "F2F2F2")
        cell.comment = Comment(("必填。" if required else "选填。") + _NOTES[field], "融通", height=110, width=260)
        letter = cell.column_letter
        sheet.column_dimensions[letter].width = _WIDTHS.get(field, 12)
        if field != "value":
            # Text, or a spreadsheet turns 2025-03 into a date and drops the leading zero of a code.
            sheet.column_dimensions[letter].number_format = "@"
    sheet.freeze_panes = "A2"


def _rows(sheet: Any, pack: Pack, today: date, indicator: Indicator | None, period: Period | None) -> None:
    root = pack.places.root
    cards = pack.all("indicators")
    card = indicator or (cards[0] if cards else None)
    about = str(period or Period(today.year - 1, 1, 12))
    sample = {
        "indicator": EXAMPLE + (card.name if card else "指标名称"),
        "place": root,
        "period": about,
        "value": "1234.56",
        "unit": card.unit if card else "亿元",
        "status": STATUSES["flash"],
        "known_from": today.isoformat(),
        "source": "示例行，不会导入，可以删去",
    }
    rows = [sample]
    if indicator is not None:
        for place in (root, *pack.places.children(root)):
            filled = {"indicator": indicator.code, "place": place, "unit": indicator.unit}
            rows.append(filled | ({"period": about} if period else {}) | {"note": pack.places.name(place)})
    names = list(COLUMNS)
    for number, row in enumerate(rows, start=2):
        for field, text in row.items():
            put_text(sheet.cell(number, names.index(field) + 1), text)


def _choices(workbook: Any, sheet: Any, pack: Pack) -> None:
    from openpyxl.worksheet.datavalidation import DataValidation

    options = workbook.create_sheet(LIST_SHEET)
    options.sheet_state = "hidden"
    cards = list(dict.fromkeys(card.name for card in pack.all("indicators") if not card.formula))
    units = dict.fromkeys(card.unit for card in pack.all("indicators"))
    lists = {
        "indicator": cards,
        "unit": list(dict.fromkeys([*units, "亿元", "万元"])),
        "status": list(STATUSES.values()),
        "chain": list(dict.fromkeys(chain.name for chain in pack.all("chains"))),
        "scope": [scope.name for scope in pack.all("scopes")],
    }
    names = list(COLUMNS)
    for column, (field, words) in enumerate(lists.items(), start=1):
        if not words:
            continue
        for row, word in enumerate(words, start=1):
            cell = options.cell(row, column)
            put_text(cell, word)
        letter = cell.column_letter
        # A warning, not a stop: a code may be written where the list has names.
        choice = DataValidation(
            type="list",
            formula1=f"='{LIST_SHEET}'!${letter}$1:${letter}${len(words)}",
            allow_blank=True,
            errorStyle="stop" if field == "status" else "warning",
            errorTitle="请核对",
            error="不在下拉列表中。" + _NOTES[field],
        )
        target = sheet.cell(1, names.index(field) + 1).column_letter
        choice.add(f"{target}2:{target}{_LAST_ROW}")
        sheet.add_data_validation(choice)


def _help(workbook: Any) -> None:
    from openpyxl.styles import Alignment

    sheet = workbook.create_sheet(HELP_SHEET)
    lines = [("列", "怎么填")]
    lines += [(names[0] + ("（必填）" if f in REQUIRED else ""), _NOTES[f]) for f, names in COLUMNS.items()]
    lines += [
        ("整个文件", "有一处强制性问题，整个文件不导入；改好后重新上传整个文件，已导入的相同行不会重复。"),
        ("核实性问题", "在“核实说明”写明具体原因后可以通过，原因与数据一并保存。"),
    ]
    for number, (what, how) in enumerate(lines, start=1):
        sheet.cell(number, 1, what)
        sheet.cell(number, 2, how).alignment = Alignment(wrap_text=True, vertical="top")
    sheet.column_dimensions["A"].width = 18
    sheet.column_dimensions["B"].width = 80


def _meta(workbook: Any, pack: Pack, indicator: Indicator | None, period: Period | None) -> None:
    sheet = workbook.create_sheet(META_SHEET)
    sheet.sheet_state = "hidden"
    rows = (
        ("layout", VERSION),
        ("pack", pack.manifest.code),
        ("fingerprint", pack.fingerprint),
        ("indicator", indicator.code if indicator else ""),
        ("period", str(period) if period else ""),
    )
    for number, (key, value) in enumerate(rows, start=1):
        sheet.cell(number, 1, key)
        put_text(sheet.cell(number, 2), value)
