"""Cases of any process in a workbook: the columns its opening form makes, the template, and a filled one read by the form.

A field that is a table of rows has no column: such a case is opened on its page, and where the field is required the
process takes no workbook.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rongtong import clock
from rongtong.apps.cases.opening import Start
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.models import Account, Organisation
from rongtong.apps.registry.sheets import CellError
from rongtong.cells import put_text
from rongtong.engine import gb32100
from rongtong.engine.pack.process import Process
from rongtong.engine.process import form
from rongtong.engine.workbook import Book, Fault, Sheet, Value, WorkbookError, a1, heading, plain, read_book, shown

MOST_ROWS = 500
NUMBER, PLACE, UNIT, EXAMPLE = "序号", "地方", "单位统一社会信用代码", "示例"
LISTS = "选项"
YES, NO = "是", "否"
# Between several choices or lines in one cell.
BETWEEN = re.compile(r"[、;；\n]+")
DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
FORBIDDEN_IN_NAME = re.compile(r"[\[\]:*?/\\]")


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """A column: its heading, the field it fills in, whether it must be filled, and the words a cell may hold, if only some
    may."""

    head: str
    field: form.Field
    required: bool
    words: tuple[tuple[str, str], ...] = ()

    @property
    def expected(self) -> str:
        """What a cell of the column should hold, in words."""
        named = {
            "integer": "整数", "decimal": "数字，至多 6 位小数", "date": "日期，如 2025-07-31", "yes": f"{YES}或{NO}",
            "organisation": "已登记单位的统一社会信用代码（18 位）", "account": "启用的账号名", "case": "办件编号",
            "place": "地方的名称或代码", "choices": f"所列选项，多个用顿号分开：{_few(self.words)}", "lines": "文字，多项用顿号分开",
        }  # fmt: skip
        if self.field.kind in ("choice", "chain"):
            return f"所列选项之一：{_few(self.words)}"
        return named.get(self.field.kind, f"文字，至多 {self.field.most} 个字" if self.field.most else "文字")


@dataclass(frozen=True, slots=True)
class Draft:
    """A row as a case to be opened: the row's number in the sheet, its place, organisation and answers."""

    row: int
    place: str
    organisation: Organisation | None
    data: Mapping[str, Any]


def _few(words: tuple[tuple[str, str], ...]) -> str:
    names = [word for _, word in words]
    return "、".join(names[:8]) + ("…" if len(names) > 8 else "")


def unfit(process: Process) -> str:
    """Why the cases of a process cannot be opened from a workbook; "" where they can."""
    tables = [f.label for f in form.fields(process.form) if f.kind == "rows" and f.required]
    if tables:
        return f"“{process.name}”要填表格“{'、'.join(tables)}”，一格写不下，请逐件在页面上开始。"
    return f"“{process.name}”须从它所属的办件开始，不能成批导入。" if process.under else ""


def columns(start: Start) -> tuple[SheetColumn, ...]:
    """The columns of the sheet after the number: place, organisation, then the fields of the opening form."""
    tree = packs.current().places
    found = []
    if start.organisation is None:
        places = tuple((code, tree.name(code)) for code in start.places)
        found.append(SheetColumn(PLACE, form.Field("", PLACE, "place", True), True, places))
        if not start.process.of and any(r.at == "own" for r in start.process.roles):
            found.append(SheetColumn(UNIT, form.Field("", UNIT, "organisation"), False))
    taken = {c.head for c in found} | {NUMBER}
    for one in form.fields(start.process.form):
        if one.kind != "rows":
            head = one.label if one.label not in taken else f"{one.label}（{one.name}）"
            taken.add(head)
            found.append(SheetColumn(head, one, one.required, _words(one)))
    return tuple(found)


def _words(one: form.Field) -> tuple[tuple[str, str], ...]:
    if one.kind == "yes":
        return (("1", YES), ("", NO))
    if one.kind == "chain":
        return tuple((c.code, c.name) for c in packs.current().all("chains"))
    return one.options


def template(start: Start) -> bytes:
    """The workbook to fill in: starred headings are required, choices drop down, the first row is an example."""
    from openpyxl import Workbook
    from openpyxl.comments import Comment
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = sheet_name(start.process)
    lists = book.create_sheet(LISTS)
    lists.sheet_state = "hidden"
    put_text(sheet.cell(1, 1), NUMBER)
    put_text(sheet.cell(2, 1), EXAMPLE)
    for number, column in enumerate(columns(start), start=2):
        head = sheet.cell(1, number)
        put_text(head, column.head + ("*" if column.required else ""))
        head.comment = Comment(f"{column.field.note}\n{column.expected}".strip(), "融通")
        sheet.column_dimensions[get_column_letter(number)].width = 32 if column.field.kind in ("long", "lines") else 20
        put_text(sheet.cell(2, number), _example(column))
        for row in range(3, 103):
            sheet.cell(row, number).number_format = "@"
            sheet.cell(row, number).alignment = Alignment(wrap_text=True, vertical="top")
        if column.words:
            _list(sheet, lists, number, column)
    for head in sheet[1]:
        head.font, head.fill = Font(bold=True), PatternFill("solid", fgColor="FFEAF1F8")
    for cell in sheet[2]:
        cell.font = Font(italic=True, color="FF55636F")
    sheet.freeze_panes = "B2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _list(sheet: Any, lists: Any, number: int, column: SheetColumn) -> None:
    """The words of a column below one another in the hidden sheet, and the drop-down that offers them."""
    from openpyxl.worksheet.datavalidation import DataValidation

    for row, (_, word) in enumerate(column.words, start=1):
        put_text(lists.cell(row, number), word)
    letter = sheet.cell(1, number).column_letter
    # Several choices may stand in one cell, so there the list advises and does not block.
    listed = DataValidation(
        type="list",
        formula1=f"{LISTS}!${letter}$1:${letter}${len(column.words)}",
        allow_blank=True,
        showErrorMessage=column.field.kind != "choices",
    )
    listed.add(f"{letter}2:{letter}{MOST_ROWS + 2}")
    sheet.add_data_validation(listed)


def _example(column: SheetColumn) -> str:
    if column.words:
        return column.words[0][1]
    samples = {
        "integer": "1",
        "decimal": "12.5",
        "date": clock.today().isoformat(),
        "organisation": "91330100799655058B",
    }
    return samples.get(column.field.kind, "（填写时另起一行，本行不读）" if column.required else "")


def sheet_name(process: Process) -> str:
    """The name of the sheet: the process's, as far as a workbook takes it."""
    return FORBIDDEN_IN_NAME.sub("", process.name)[:31] or process.code[:31]


def read(data: bytes, file_name: str, start: Start) -> tuple[tuple[Draft, ...], tuple[CellError, ...]]:
    """The drafts of a filled workbook, or every problem in it; never both. Examples and empty rows are left out."""
    try:
        sheet = _sheet(read_book(data, file_name), start.process)
    except WorkbookError as error:
        return (), (CellError("", "", "", str(error)),)
    places, problems = _places(sheet, columns(start))
    if problems:
        return (), tuple(problems)
    drafts: list[Draft] = []
    for row, cells in sorted(sheet.rows.items()):
        if row == 1 or plain(cells.get(places.number)) == EXAMPLE or not any(c in cells for c in places.columns):
            continue
        draft, wrong = _row(sheet, start, places, row, cells)
        problems += wrong
        drafts += [draft] if draft else []
    if not drafts and not problems:
        problems.append(CellError(sheet.name, "A3", "", "没有填写任何一行。请在示例行下面一行一件填写。"))
    if len(drafts) > MOST_ROWS:
        words = f"有 {len(drafts)} 行，一次至多 {MOST_ROWS} 件。请分成几个文件。"
        problems.append(CellError(sheet.name, "", str(len(drafts)), words))
    return ((), tuple(problems)) if problems else (tuple(drafts), ())


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the columns stand: that of the number (0: none), and number → column of the rest."""

    number: int
    columns: Mapping[int, SheetColumn]


def _sheet(book: Book, process: Process) -> Sheet:
    return next((s for s in book.sheets if s.name == sheet_name(process)), book.sheets[0])


def _places(sheet: Sheet, wanted: tuple[SheetColumn, ...]) -> tuple[_Places, list[CellError]]:
    heads = {heading(c.head): c for c in wanted}
    found, number, problems = dict[int, SheetColumn](), 0, list[CellError]()
    for position, value in sheet.rows.get(1, {}).items():
        head = heading(value).rstrip("*")
        if head == NUMBER:
            number = position
        elif head in heads and heads[head] not in found.values():
            found[position] = heads[head]
        else:
            words = "不认识这一列，或重复了。应为模板的表头。请用模板，不要改、增、重复表头。"
            problems.append(CellError(sheet.name, a1(1, position), shown(value), words))
    missing = [c.head for c in wanted if c not in found.values()]
    if missing:
        words = f"第一行缺少列：{'、'.join(missing)}。应为模板的全部表头。请下载模板再填。"
        problems.append(CellError(sheet.name, "A1", "", words))
    return _Places(number, found), problems


def _row(
    sheet: Sheet, start: Start, places: _Places, row: int, cells: Mapping[int, Value]
) -> tuple[Draft | None, list[CellError]]:
    """The draft of a row, or what is wrong with its cells."""
    wrong: dict[int, str] = {}
    texts: dict[str, list[str]] = {}
    place, organisation = (start.places[0] if start.organisation else ""), start.organisation
    at = {column.field.name: number for number, column in places.columns.items() if column.field.name}
    for number, column in places.columns.items():
        value = cells.get(number)
        if isinstance(value, Fault):
            wrong[number] = f"{value.problem}。"
        elif column.head == PLACE and not column.field.name:
            place = _code(column, plain(value))
            if not place:
                wrong[number] = "请选择地方。" if value is None else "不是您可以开始这个流程的地方。"
        elif column.head == UNIT and not column.field.name:
            organisation, words = _organisation(plain(value))
            wrong |= {number: words} if words else {}
        else:
            texts[column.field.name] = _texts(column, value)
    data = form.read(start.process.form, texts)
    for name, words in _errors(start.process, data, at, places).items():
        wrong.setdefault(at.get(name, min(places.columns)), words)
    if not wrong:
        return Draft(row, place, organisation, data), []
    return None, [_problem(sheet, row, n, places.columns[n], cells.get(n), w) for n, w in sorted(wrong.items())]


def _errors(process: Process, data: Mapping[str, Any], at: Mapping[str, int], places: _Places) -> dict[str, str]:
    """Field → what is wrong with its answer, by the form and by what there is."""
    found = form.errors(process.form, data, on=clock.today()) if process.form else {}
    for name, number in at.items():
        one = places.columns[number].field
        value = data.get(name)
        if name in found or value in (None, ""):
            continue
        if one.kind == "organisation" and (words := _organisation(str(value))[1]):
            found[name] = words
        elif one.kind == "account" and not Account.objects.filter(username=str(value), is_active=True).exists():
            found[name] = f"没有启用的账号“{value}”。"
        elif one.kind == "place" and value not in packs.current().places.places:
            found[name] = f"没有地方“{value}”。"
        elif one.kind == "chain" and packs.current().find("chains", str(value)) is None:
            found[name] = f"没有产业链“{value}”。"
    return found


def _problem(sheet: Sheet, row: int, number: int, column: SheetColumn, value: Value, words: str) -> CellError:
    """What is wrong with a cell: what was found, what was expected, what to do."""
    do = "补上" if value is None else "改正"
    return CellError(
        sheet.name, sheet.a1(row, number), shown(value), f"{words}应为{column.expected}。请{do}后重新上传。"
    )


def _organisation(text: str) -> tuple[Organisation | None, str]:
    """The registered organisation of a code, and what is wrong with the code; neither for an empty one."""
    if not text:
        return None, ""
    code = gb32100.normalise(text)
    if problem := gb32100.check(code):
        return None, problem
    found = Organisation.objects.filter(uscc=code).first()
    return found, "" if found else f"没有登记统一社会信用代码为“{code}”的单位，请先登记。"


def _texts(column: SheetColumn, value: Value) -> list[str]:
    """A cell as the form would send it: choices by code, dates as 2025-08-15, one text for each choice."""
    text = shown(value).strip()
    if not text:
        return []
    match column.field.kind:
        case "choices":
            return [_code(column, part) or part for part in map(str.strip, BETWEEN.split(text)) if part]
        case "choice" | "chain":
            return [_code(column, plain(value)) or text]
        case "yes":
            return ["1"] if plain(value) in (YES, "TRUE", "1", "√", "Y") else []
        case "lines":
            return ["\n".join(part.strip() for part in BETWEEN.split(text))]
        case "place":
            tree = packs.current().places
            return [next((c for c, p in tree.places.items() if plain(value) in (c, p.name, p.short)), text)]
        case "date":
            day = DATE.fullmatch(text)
            return [f"{int(day[1]):04}-{int(day[2]):02}-{int(day[3]):02}" if day else text]
        case "organisation":
            return [gb32100.normalise(text)]
    return [text]


def _code(column: SheetColumn, word: str) -> str:
    """The code of a word of the column, of a code itself, or of a place by its full name; "" of anything else."""
    found = next((code for code, shown_word in column.words if word in (code, shown_word)), "")
    if not found and column.field.kind == "place":
        known = packs.current().places.places
        found = next((code for code, _ in column.words if code in known and known[code].name == word), "")
    return found
