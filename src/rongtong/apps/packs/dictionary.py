"""The data dictionary (数据字典): every table and column of the apps, and every indicator card, with its level."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.apps import apps
from django.db.models import Field, Model

from rongtong.apps.packs.dictionary_words import EXCEPTIONS, LEVELS, PERSONAL, TABLES, WORDS
from rongtong.apps.packs.queries import NoPack, current
from rongtong.cells import guarded_row, put_row

OWN = "rongtong.apps."
UNNAMED = "（未登记）"
LEVEL_WORDS = {"L1": "公开", "L2": "内部", "L3": "敏感", "L4": "核心"}
APP_WORDS = {
    "packs": "规则包",
    "registry": "账号与单位",
    "records": "留痕",
    "cases": "办件",
    "observations": "观测值",
    "planning": "目标",
    "papers": "材料",
}
TYPE_WORDS = {
    "BigAutoField": "整数",
    "BigIntegerField": "整数",
    "IntegerField": "整数",
    "PositiveBigIntegerField": "整数",
    "PositiveIntegerField": "整数",
    "PositiveSmallIntegerField": "整数",
    "SmallIntegerField": "整数",
    "BooleanField": "是否",
    "CharField": "文本",
    "TextField": "长文本",
    "DateField": "日期",
    "DateTimeField": "时刻",
    "BinaryField": "文件",
    "JSONField": "JSON",
    "ForeignKey": "引用",
    "OneToOneField": "引用（唯一）",
}
HEADINGS = ("表", "表名", "列", "名称", "类型", "可空", "密级", "个人信息的处理目的")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its word, type, level, and for personal data what they are processed for."""

    name: str
    words: str
    type: str
    empty: bool
    level: str
    purpose: str

    @property
    def level_words(self) -> str:
        """The level with its word."""
        return f"{self.level} {LEVEL_WORDS[self.level]}"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of an app with its columns in order."""

    app: str
    name: str
    words: str
    columns: tuple[Column, ...]

    @property
    def app_words(self) -> str:
        """The app in Chinese."""
        return APP_WORDS.get(self.app, self.app)

    @property
    def highest(self) -> str:
        """The highest level among the columns."""
        return max(column.level for column in self.columns)


@dataclass(frozen=True, slots=True)
class Card:
    """An indicator card as the dictionary lists it."""

    code: str
    name: str
    unit: str
    level: str

    @property
    def level_words(self) -> str:
        """The level with its word."""
        return f"{self.level} {LEVEL_WORDS[self.level]}"


def tables() -> list[Table]:
    """Every table of our apps, in the order of the apps."""
    return [_table(model) for model in apps.get_models() if model.__module__.startswith(OWN)]


def narrowed(found: Iterable[Table], words: str, level: str) -> list[Table]:
    """The tables with columns of this level, and words in a name; a table whose own name has the words stays whole."""
    kept = []
    for table in found:
        whole = words in table.words or words in table.name
        columns = tuple(
            c
            for c in table.columns
            if (not level or c.level == level) and (whole or words in c.words or words in c.name)
        )
        if columns:
            kept.append(Table(table.app, table.name, table.words, columns))
    return kept


def cards() -> list[Card]:
    """Every indicator card of the packs in force; none before a pack is loaded."""
    try:
        pack = current()
    except NoPack:
        return []
    return [Card(c.code, c.name, c.unit, c.level) for c in pack.all("indicators")]


def rows(found: Sequence[Table]) -> list[tuple[str, ...]]:
    """The columns as rows for an export, beneath HEADINGS."""
    return [
        (t.words, t.name, c.name, c.words, c.type, "是" if c.empty else "否", c.level_words, c.purpose)
        for t in found
        for c in t.columns
    ]


def csv_text(found: Sequence[Table]) -> str:
    """The dictionary as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    writer.writerows(guarded_row(row) for row in rows(found))
    return out.getvalue()


def workbook(found: Sequence[Table], listed: Sequence[Card]) -> bytes:
    """The dictionary as a workbook: a sheet of columns, a sheet of indicator cards."""
    from openpyxl import Workbook
    from openpyxl.styles import Font

    book = Workbook()
    book.remove(book.worksheets[0])
    cards_as_rows = [(c.code, c.name, c.unit, c.level_words) for c in listed]
    sheets = (("数据列", HEADINGS, rows(found)), ("指标", ("代码", "名称", "计量单位", "密级"), cards_as_rows))
    for name, headings, body in sheets:
        sheet = book.create_sheet(name)
        sheet.append(headings)
        for number, row in enumerate(body, start=2):
            put_row(sheet, number, row)
        for cell in sheet[1]:
            cell.font = Font(bold=True)
            sheet.column_dimensions[cell.column_letter].width = 24
        sheet.freeze_panes = "A2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _table(model: type[Model]) -> Table:
    meta = model._meta
    words, level = TABLES.get(meta.db_table, (UNNAMED, "L2"))
    columns = tuple(_column(meta.db_table, field, level) for field in meta.concrete_fields)
    return Table(meta.app_label, meta.db_table, words, columns)


def _column(table: str, field: Field[object, object], level: str) -> Column:
    name = field.column or field.name
    key = f"{table}.{name}"
    length = f"({field.max_length})" if field.max_length else ""
    kind = field.get_internal_type()
    return Column(
        name=name,
        words=EXCEPTIONS.get(key) or WORDS.get(name) or UNNAMED,
        type=TYPE_WORDS.get(kind, kind) + length,
        empty=bool(field.null or (field.blank and not field.primary_key)),
        level=LEVELS.get(key, level),
        purpose=PERSONAL.get(key, ""),
    )
