"""Layouts (版式): from the cells of a file to readings, by the standard long format or by a pack's source.

The standard format has one value per row under known headings, Chinese or English, in any order, on any visible sheet.
A foreign workbook is described by a `Source` of the pack: which column is the place, which column is which card.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from rongtong.apps.observations.fields import Fields, Raw, Refused, exact_number
from rongtong.apps.observations.headings import headings, own_headings
from rongtong.engine.pack.model import Source, SourceColumn
from rongtong.engine.pack.read import Pack
from rongtong.engine.reading import HARD, Finding, Reading
from rongtong.engine.standard import COLUMNS, REQUIRED
from rongtong.engine.workbook import Sheet, Value, WorkbookError, heading, plain, read_book, shown

STANDARD = "standard"
# What says that a sheet is meant to be in the standard format, so that a missing column is named instead of "unknown".
TELLING = ("indicator", "place", "value")
HEADER_WITHIN = 15
PROBLEM_SHEET = "问题清单"
EXAMPLE = "(示例)"  # as `plain` writes it
_FIELD_OF = {name: field for field, names in COLUMNS.items() for name in names}
_REASON_HEADINGS = COLUMNS["reason"]


class UnknownLayout(WorkbookError):
    """A file that can be read, but in no layout that is known."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file as read: the rows that could be read, what was wrong with the others, by which layout, of which bytes."""

    rows: tuple[Reading, ...]
    findings: tuple[Finding, ...]
    source: str
    sha256: str


def read_import(
    data: bytes, file_name: str, pack: Pack, source: str | None = None, *, today: date, more: Iterable[Source] = ()
) -> Parsed:
    """Read a file by the standard format, by the named source, or by the only source whose columns are all there.

    `more` are sources beside the pack's; one of the same code stands in place of the pack's. Raises WorkbookError when the file cannot be read or no layout fits.
    """
    reader = Fields(pack, today)
    sha256 = hashlib.sha256(data).hexdigest()
    sheets = readable_sheets(data, file_name)
    if source in (None, STANDARD):
        headers = [(s, h) for s in sheets if (h := _standard_header(s)) is not None]
        if headers:
            return Parsed(tuple(_standard(headers, file_name, reader)), _once(reader.findings), STANDARD, sha256)
        if source == STANDARD:
            raise WorkbookError(f"{file_name}: 没有标准格式的表头。应有的列：{_required()}。")
    sources = {s.code: s for s in (*pack.all("sources"), *more)}
    chosen, sheet = _named(sheets, file_name, sources, source) if source else _detected(sheets, file_name, sources)
    rows = list(_foreign(chosen, sheet, file_name, reader))
    return Parsed(tuple(rows), _once(reader.findings), chosen.code, sha256)


def readable_sheets(data: bytes, file_name: str) -> list[Sheet]:
    """The sheets of a file that may hold data. Raises WorkbookError."""
    book = read_book(data, file_name)
    return [s for s in book.sheets if not s.hidden and s.name != PROBLEM_SHEET and s.rows]


def recognised(data: bytes, file_name: str, pack: Pack, more: Iterable[Source]) -> Source | None:
    """The layout a file would be read by; None for the standard format. Raises WorkbookError where none fits."""
    sheets = readable_sheets(data, file_name)
    if any(_standard_header(s) is not None for s in sheets):
        return None
    return _detected(sheets, file_name, {s.code: s for s in (*pack.all("sources"), *more)})[0]


def _once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    # One cell may feed several readings, such as the place of a row with ten indicators: it is named once.
    return tuple(dict.fromkeys(findings))


def _required() -> str:
    return "、".join(COLUMNS[name][0] for name in REQUIRED)


# --- the standard long format ---


@dataclass(frozen=True, slots=True)
class Header:
    """Where the headings are: the last row of the header and the column of each field."""

    row: int
    columns: Mapping[str, int]
    doubled: tuple[tuple[int, str], ...] = ()


def _standard_header(sheet: Sheet) -> Header | None:
    for row in list(sheet.rows)[:HEADER_WITHIN]:
        columns: dict[str, int] = {}
        doubled = []
        for column, value in sorted(sheet.rows[row].items()):
            field = _FIELD_OF.get(heading(value).rstrip("*").lower())
            if field is None or sheet.merged.get((row, column), (row, column))[1] != column:
                continue
            if field in columns:
                doubled.append((column, field))
            columns.setdefault(field, column)
        if all(name in columns for name in TELLING):
            return Header(_last_row(sheet, row, columns.values()), columns, tuple(doubled))
    return None


def _last_row(sheet: Sheet, row: int, columns: Iterable[int]) -> int:
    """The last row of a header whose cells are merged downwards."""
    tops = {sheet.merged.get((row, c), (row, c)) for c in columns}
    following = [r for (r, c), top in sheet.merged.items() if r > row and top in tops]
    return max(following, default=row)


def _standard(headers: Iterable[tuple[Sheet, Header]], file_name: str, reader: Fields) -> Iterator[Reading]:
    for sheet, header in headers:
        if not _complete(sheet, header, reader):
            continue
        for row, cells in sheet.rows.items():
            if row <= header.row:
                continue
            values = {field: cells.get(column) for field, column in header.columns.items()}
            if all(v is None for v in values.values()) or plain(values["indicator"]).startswith(EXAMPLE):
                continue
            places = {field: sheet.a1(row, column) for field, column in header.columns.items()}
            reading = reader.reading(Raw(sheet.name, values, places, _evidence(file_name, sheet, places["value"])))
            if reading is not None:
                yield reading


def _complete(sheet: Sheet, header: Header, reader: Fields) -> bool:
    missing = [COLUMNS[name][0] for name in REQUIRED if name not in header.columns]
    at = sheet.a1(header.row, min(header.columns.values()))
    if missing:
        problem = f"表头缺少列：{'、'.join(missing)}"
        reader.findings.append(Finding(HARD, sheet.name, at, "", problem, _required(), "补上这些列"))
    for column, field in header.doubled:
        name = COLUMNS[field][0]
        place = sheet.a1(header.row, column)
        reader.findings.append(Finding(HARD, sheet.name, place, name, f"“{name}”列出现两次", "每列一次", "删去或改名"))
    return not missing and not header.doubled


def _evidence(file_name: str, sheet: Sheet, cell: str) -> str:
    return "!".join(part for part in (file_name, sheet.name, cell) if part)


# --- a pack's source ---


def _wanted(source: Source) -> list[str]:
    names = [source.place_column, source.period_column, source.known_from_column, source.evidence_column]
    for column in source.columns:
        names += [column.column, *column.add]
    return [name for name in dict.fromkeys(names) if name]


def _headings(sheet: Sheet, row: int) -> dict[str, list[int]]:
    """The columns by heading, each under its own words and under those with the groups above."""
    found: dict[str, list[int]] = {}
    for column, words in dict.fromkeys([*own_headings(sheet, row), *headings(sheet, row)]):
        found.setdefault(words, []).append(column)
    return found


def _missing(source: Source, sheet: Sheet) -> list[str]:
    there = _headings(sheet, source.header_row)
    return [name for name in _wanted(source) if heading(name) not in there]


def _sheet_of(source: Source, sheets: list[Sheet]) -> Sheet | None:
    if source.sheet:
        # A CSV file is its only sheet and has no name to compare.
        return next((s for s in sheets if s.name in ("", source.sheet)), None)
    return sheets[0] if sheets else None


def _named(sheets: list[Sheet], file_name: str, sources: Mapping[str, Source], code: str) -> tuple[Source, Sheet]:
    source = sources.get(code)
    if source is None:
        known = "、".join(sources) or "无"
        raise WorkbookError(f"{file_name}: 规则包里没有来源“{code}”。现有来源：{known}。")
    sheet = _sheet_of(source, sheets)
    if sheet is None:
        names = "、".join(s.name for s in sheets) or "无"
        raise WorkbookError(f"{file_name}: 来源“{source.name}”要读工作表“{source.sheet}”，文件里有：{names}。")
    missing = _missing(source, sheet)
    if missing:
        raise WorkbookError(
            f"{file_name}: 第 {source.header_row} 行表头里没有来源“{source.name}”所需的列：{'、'.join(missing)}。"
            "请核对文件，或在规则包的 sources/ 里改列名。"
        )
    return source, sheet


def _detected(sheets: list[Sheet], file_name: str, sources: Mapping[str, Source]) -> tuple[Source, Sheet]:
    found: list[tuple[Source, Sheet]] = []
    for source in sources.values():
        sheet = _sheet_of(source, sheets)
        if sheet is not None and not _missing(source, sheet):
            found.append((source, sheet))
    if len(found) == 1:
        return found[0]
    if found:
        rivals = "、".join(f"{s.code}({s.name})" for s, _ in found)
        raise WorkbookError(f"{file_name}: 不止一个来源读得了这个文件：{rivals}。请用 --source 指明。")
    known = "、".join(f"{s.code}({s.name})" for s in sources.values()) or "无"
    raise UnknownLayout(
        f"{file_name}: 认不出版式。标准格式的表头应有：{_required()}；规则包里的来源：{known}。"
        "请用 rongtong template 取标准模板，或在规则包的 sources/ 里加一个来源。"
    )


@dataclass(frozen=True, slots=True)
class Layout:
    """A source laid on a sheet: the column number of each heading it names."""

    source: Source
    sheet: Sheet
    columns: Mapping[str, int]
    reason: int | None

    def column(self, name: str) -> int:
        return self.columns[heading(name)]

    def cell(self, row: int, name: str) -> tuple[Value, str]:
        """The value under a heading and where it stands; nothing under no heading."""
        if not name:
            return None, ""
        column = self.column(name)
        return self.sheet.rows[row].get(column), self.sheet.a1(row, column)


def _foreign(source: Source, sheet: Sheet, file_name: str, reader: Fields) -> Iterator[Reading]:
    there = _headings(sheet, source.header_row)
    for name in _wanted(source):
        for again in there[heading(name)][1:]:
            at = sheet.a1(source.header_row, again)
            problem = f"“{name}”列出现两次，不知道该读哪一列"
            reader.findings.append(Finding(HARD, sheet.name, at, name, problem, "每列一次", "删去或改名"))
    if source.known_from is None and not source.known_from_column:
        at = sheet.a1(source.header_row, min(sheet.rows[source.header_row]))
        problem = f"来源“{source.name}”没有给出发布日期"
        do = "在规则包的来源里写 known_from 或 known_from_column"
        reader.findings.append(Finding(HARD, sheet.name, at, "", problem, "known_from 或 known_from_column", do))
    reason = next((there[n][0] for n in _REASON_HEADINGS if n in there), None)
    layout = Layout(source, sheet, {name: columns[0] for name, columns in there.items()}, reason)
    usable = [column for column in source.columns if _allowed(layout, column, reader)]
    if reader.findings:
        return
    skipped = {plain(word) for word in source.skip_rows}
    for row in sheet.rows:
        if row <= source.header_row or _left_out(layout, row, skipped):
            continue
        for column in usable:
            raw = _raw(layout, row, column, file_name, reader)
            reading = reader.reading(raw) if raw is not None else None
            if reading is not None:
                yield reading


def _left_out(layout: Layout, row: int, skipped: set[str]) -> bool:
    """Whether a row holds no readings: its place is a word to skip, or it has no number and says who filled it in."""
    place = plain(layout.cell(row, layout.source.place_column)[0])
    if place and ":" not in place:
        return place in skipped
    return not any(_is_number(layout.cell(row, c.column)[0]) for c in layout.source.columns)


def _is_number(value: Value) -> bool:
    try:
        exact_number(value)
    except Refused:
        return False
    return True


def _allowed(layout: Layout, column: SourceColumn, reader: Fields) -> bool:
    """Whether a column may stand under its card: the card exists, and all that is added is of the card's 口径."""
    at = layout.sheet.a1(layout.source.header_row, layout.column(column.column))

    def refuse(cell: str, found: str, why: Refused) -> bool:
        reader.findings.append(Finding(HARD, layout.sheet.name, cell, found, why.problem, why.expected, why.do))
        return False

    try:
        card = reader.indicator(column.indicator)
        reader.unit(column.unit, card)
        if column.scope:
            reader.scope(column.scope, card)
    except Refused as why:
        return refuse(at, column.column, why)
    if len(column.add) != len(column.add_scopes):
        expected = "add_scopes 与 add 一一对应"
        return refuse(at, column.column, Refused("相加的列没有逐个写明口径", expected, "在规则包的来源里补全"))
    for name, scope in zip(column.add, column.add_scopes, strict=True):
        try:
            reader.scope(scope or "?", card)
        except Refused as why:
            cell = layout.sheet.a1(layout.source.header_row, layout.column(name))
            problem = f"不能把“{name}”加到“{column.column}”：{why.problem}"
            return refuse(cell, name, Refused(problem, why.expected, "在规则包的来源里去掉这一列，分别导入"))
    return True


def _raw(layout: Layout, row: int, column: SourceColumn, file_name: str, reader: Fields) -> Raw | None:
    """The value of one row under one column; None where the cells are empty or their sum was refused."""
    source, sheet = layout.source, layout.sheet
    terms = [layout.cell(row, name) for name in (column.column, *column.add)]
    place, place_at = layout.cell(row, source.place_column)
    # A remark merged over the whole row has no values.
    if all(value is None or at == place_at for value, at in terms):
        return None
    value = terms[0][0]
    if column.add:
        total = Fraction(0)
        for term, at in terms:
            try:
                total += exact_number(term)
            except Refused as why:
                reader.findings.append(Finding(HARD, sheet.name, at, shown(term), why.problem, why.expected, why.do))
                return None
        value = total
    period, period_at = layout.cell(row, source.period_column)
    known, known_at = layout.cell(row, source.known_from_column)
    evidence, _ = layout.cell(row, source.evidence_column)
    header = sheet.a1(source.header_row, layout.column(column.column))
    at = terms[0][1]
    values: dict[str, Value] = {
        "indicator": column.indicator,
        "place": source.place_names.get(plain(place), place),
        "period": period if source.period_column else source.period,
        "value": value,
        "unit": column.unit,
        "status": source.status,
        "known_from": known if source.known_from_column else source.known_from,
        "source": " ".join(part for part in (source.evidence or source.name, shown(evidence)) if part),
        "chain": column.chain,
        "subject": column.subject,
        "funds": column.funds,
        "use": column.use,
        "reason": sheet.rows[row].get(layout.reason) if layout.reason else None,
    }
    cells = {"indicator": header, "unit": header, "place": place_at, "value": at}
    cells |= {"period": period_at or header, "known_from": known_at or header}
    return Raw(sheet.name, values, cells, _evidence(file_name, sheet, at))
