"""The 督办单 in the layout of GB/T 9704, and the ledger (督办台账) as a workbook."""

from __future__ import annotations

import io
from datetime import date

from rongtong import clock
from rongtong.apps.cases.supervision_forms import LEVELS
from rongtong.apps.cases.supervision_queries import Entry, Item
from rongtong.apps.packs import queries as packs
from rongtong.apps.papers.document import Attachment, Name, Paper, Table, Words
from rongtong.apps.papers.layout import chinese_date, docx_bytes
from rongtong.apps.papers.ooxml import core_properties, fixed_zip
from rongtong.apps.papers.workbook import Cell, Column, Sheet, ledger_bytes
from rongtong.engine.pace import SHAPES
from rongtong.engine.pack.read import Pack

# Ink of the level's word, dark enough to read and to tell apart when printed.
INKS = {"blue": "0B57B0", "yellow": "8A5A00", "red": "A3221B"}
ROOM_MM = 90
# What stands two to a line, beside the number.
IN_PAIRS = ("督办级别", "责任单位", "牵头单位", "配合单位", "完成时限")


def reference(item: Item, pack: Pack) -> str:
    """What an item rests on, in words: the number and clause of a document, or as it was written."""
    text = str(item.given.get("reference", ""))
    code, _, clause = text.partition("#")
    document = pack.find("documents", code) if code else None
    if document is None:
        return text
    return f"{document.number or document.title}{f'（{clause}）' if clause else ''}"


def slip_lines(item: Item, level: str, pack: Pack) -> list[tuple[str, str]]:
    """What a 督办单 says, label and words."""
    given = item.given
    lines = [
        ("督办级别", f"{SHAPES[level]} {LEVELS[level]}"),
        ("督办事项", item.case.title),
        ("依据", "，".join(w for w in (item.source, reference(item, pack)) if w)),
        ("责任单位", str(given.get("responsible", ""))),
        ("牵头单位", str(given.get("lead", ""))),
        ("配合单位", str(given.get("support", "")) or "无"),
        ("目标", str(given.get("goal", ""))),
        ("交办要求", str(given.get("requirement", "")) or _why(item, level) or "按目标和时限办理，按时反馈。"),
        ("完成时限", chinese_date(item.case.deadline) if item.case.deadline else ""),
    ]
    if given.get("requirement") and _why(item, level):
        lines.append(("升级理由", _why(item, level)))
    return [line for line in lines if line[1]]


def _why(item: Item, level: str) -> str:
    """Why it was raised to this level, as written when it was."""
    found = [e.data for e in item.entries if e.data.get("level") == level]
    return str(found[-1].get("opinion", "")) if found else ""


def issued_on(item: Item, level: str) -> date | None:
    """The day the 督办单 of a level was issued, None where none was."""
    return dict(item.slips).get(level)


def slip(item: Item, level: str) -> bytes:
    """The 督办单 of a level as .docx. Raises LookupError where none was issued."""
    issued = issued_on(item, level)
    if issued is None:
        raise LookupError(f"{item.number}没有发过{LEVELS[level]}督办单。")
    said = dict(slip_lines(item, level, packs.current()))
    short = [("编号", item.number), *((name, said.pop(name, "")) for name in IN_PAIRS)]
    pairs = tuple(
        tuple(_words(text) for named in (short[n], short[n + 1]) for text in named) for n in range(0, len(short), 2)
    )
    if item.milestones:
        said["时间节点"] = "；".join(f"{chinese_date(m.due)}{m.name}" for m in item.milestones)
    said["反馈要求"] = "在时限前按所附反馈表书面反馈并附佐证材料；确需延期的，在时限前申请并写明理由。"
    rows = tuple((_words(label), _words(text)) for label, text in said.items())
    blocks = (
        Table((), pairs, ("center", "left", "center", "left"), (26, 52, 26, 52), min_row_mm=10),
        Table((), rows, ("center", "left"), (26, 130), min_row_mm=10),
    )
    answer = (
        Table((), ((_words("编号"), _words(item.number)), ("督办事项", _words(item.case.title))), ("center", "left"), (30, 126), min_row_mm=11),
        Table((), (("办理情况", ""),), ("center", "left"), (30, 126), min_row_mm=ROOM_MM),
        Table((), (("责任单位签章", "", "日期", ""),), ("center", "left", "center", "left"), (34, 62, 20, 40), min_row_mm=14),
    )  # fmt: skip
    paper = Paper(
        kind="督办单",
        title="督办单",
        subtitle=f"（{LEVELS[level]}）",
        number="",
        organisation=str(item.given.get("lead", "")),
        date=issued,
        blocks=blocks,
        notice="演示数据" if item.demo else "",
        attachments=(Attachment("办理反馈表", answer),),
        draft=False,
    )
    return _inked(docx_bytes(paper), paper, level)


def _words(text: str) -> Words:
    # Words of the officer who opened the item, with the digits they wrote; they sign the sheet.
    return (Name(text.replace("\n", " ")),) if text else ""


def _inked(data: bytes, paper: Paper, level: str) -> bytes:
    """The same file with the level's words in the level's colour."""
    from docx import Document
    from docx.shared import RGBColor

    document = Document(io.BytesIO(data))
    marks = (f"{SHAPES[level]} {LEVELS[level]}", paper.subtitle)
    paragraphs = [
        *document.paragraphs,
        *(p for t in document.tables for row in t.rows for c in row.cells for p in c.paragraphs),
    ]
    for paragraph in paragraphs:
        if paragraph.text in marks:
            for run in paragraph.runs:
                run.font.color.rgb = RGBColor.from_string(INKS[level])
                run.font.bold = True
    out = io.BytesIO()
    document.save(out)
    core = core_properties(paper.title, paper.organisation, paper.kind, paper.date)
    return fixed_zip(out.getvalue(), {"docProps/core.xml": core})


def ledger(items: tuple[Item, ...]) -> bytes:
    """The ledger of these items as .xlsx: one line each, and one line per report on the second sheet."""
    pack, today = packs.current(), clock.today()
    columns = (
        Column("编号", "code", 15), Column("级别", "text", 9), Column("督办事项", "text", 36), Column("来源", "text", 8),
        Column("依据", "text", 24), Column("责任地方", "text", 10), Column("责任单位", "text", 18),
        Column("牵头单位", "text", 16), Column("配合单位", "text", 18), Column("可衡量的目标", "text", 36),
        Column("时间节点", "text", 34), Column("完成时限", "date", 12), Column("环节", "text", 14),
        Column("进度（%）", "number", 9), Column("距时限（工作日）", "number", 10), Column("期限灯", "text", 10),
        Column("最近动态", "text", 40), Column("问题", "text", 24), Column("需协调事项", "text", 24),
        Column("资金安排", "text", 18), Column("佐证材料", "text", 24), Column("相关的数", "code", 34),
    )  # fmt: skip
    rows = tuple(_line(i, pack) for i in items)
    reports = tuple(_report(i, e) for i in items for e in i.entries)
    sheets = (
        Sheet("督办台账", columns, rows, f"督办台账（{chinese_date(today)}）"),
        Sheet("办理过程", (
            Column("编号", "code", 15), Column("督办事项", "text", 36), Column("日期", "date", 12),
            Column("环节动作", "text", 12), Column("经办", "text", 18), Column("进度（%）", "text", 9),
            Column("内容", "text", 60), Column("佐证材料", "text", 30),
        ), reports, "办理过程"),
    )  # fmt: skip
    meta = {"版本": pack.fingerprint, "期别": str(today), "单位": "见各列", "来源": f"{today} 的督办办件"}
    return ledger_bytes(sheets, meta=meta, day=today)


def _line(item: Item, pack: Pack) -> tuple[Cell, ...]:
    given, latest = item.given, item.latest
    said = dict(latest.data) if latest else {}
    marks = "；".join(f"{m.due} {m.name}{'（已完成）' if m.done else ''}" for m in item.milestones)
    files = "；".join(f.name for e in item.entries for f in e.files)
    return (
        item.number, f"{SHAPES[item.level]} {item.level_word}", item.case.title, item.source, reference(item, pack),
        pack.places.name(item.case.place), str(given.get("responsible", "")), str(given.get("lead", "")),
        str(given.get("support", "")), str(given.get("goal", "")), marks, item.case.deadline, item.stage_name,
        int(item.percent), item.left if item.open else None, _lamp(item),
        latest.said if latest else "", str(said.get("problems", "")),
        str(said.get("requests", "")), str(given.get("funds", "")), files, str(given.get("figure", "")),
    )  # fmt: skip


def _lamp(item: Item) -> str:
    """The lamp of an item's deadline with the word that its page has."""
    if item.lamp is None:
        return ""
    return f"{item.lamp.shape} 逾期" if item.late else str(item.lamp)


def _report(item: Item, entry: Entry) -> tuple[Cell, ...]:
    said = [str(entry.data[n]) for n in ("dynamics", "reply", "problems", "reason", "opinion") if entry.data.get(n)]
    files = "；".join(f.name for f in entry.files)
    return (
        item.number, item.case.title, entry.at.date(), entry.name, entry.who, entry.percent, "；".join(said), files
    )  # fmt: skip
