"""Loose files: published figures in the standard layout, and shapes of the places."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

from rongtong.engine.figure import STATUSES
from rongtong.engine.pack.check_base import Look, dimension_of, period_of
from rongtong.engine.pack.read import Problem
from rongtong.engine.place import LEVEL_NAMES, PlaceError
from rongtong.engine.quantity import parse_number
from rongtong.engine.standard import COLUMNS, REQUIRED

_FIELD = {heading: field for field, names in COLUMNS.items() for heading in names}
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Table:
    """A data file as text: where it stands, its header by field, and its rows with their lines."""

    file: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def cells(self) -> Iterator[tuple[int, dict[str, str]]]:
        fields = [_FIELD.get(h.strip().rstrip("*").lower(), h) for h in self.header]
        for line, row in self.rows:
            yield line, {f: v.strip() for f, v in zip(fields, row, strict=False)}

    @property
    def standard(self) -> bool:
        return {"indicator", "place", "value"} <= {_FIELD.get(h.strip().rstrip("*").lower()) for h in self.header}


def _tables(look: Look) -> Iterator[Table | Problem]:
    for path, (pack, data) in look.files.items():
        if fnmatch(path, "data/*.csv"):
            try:
                reader = csv.reader(io.StringIO(data.decode("utf-8-sig")))
                rows = tuple((reader.line_num, tuple(row)) for row in reader if any(row))
            except (UnicodeDecodeError, csv.Error) as error:
                yield Problem(f"{pack}/{path}", 1, f"读不出来：{error}", "另存为 UTF-8 的 CSV")
                continue
            yield Table(f"{pack}/{path}", rows[0][1] if rows else (), rows[1:])


def card_words(look: Look) -> Iterator[str]:
    """The codes of every card that a data file fills."""
    codes = _card_codes(look)
    for table in _tables(look):
        if isinstance(table, Table) and table.standard:
            for _, cells in table.cells():
                yield codes.get(cells.get("indicator", ""), "")


def _card_codes(look: Look) -> dict[str, str]:
    cards = look.pack.all("indicators")
    return {c.name: c.code for c in cards} | {c.code: c.code for c in cards}


def data(look: Look) -> Iterator[Problem]:
    """Every data file has the standard header (or a source's columns), and every row's words are known."""
    for table in _tables(look):
        if isinstance(table, Problem):
            yield table
        elif not table.standard and _foreign(look, table):
            continue
        else:
            header = list(_header(table))
            yield from header
            if not header:
                yield from _rows(look, table)


def _foreign(look: Look, table: Table) -> bool:
    lines = (table.header, *(row for _, row in table.rows[:14]))
    for source in look.pack.all("sources"):
        wanted = {source.place_column, *(c.column for c in source.columns)}
        if any(wanted <= {cell.strip() for cell in line} for line in lines):
            return True
    return False


def _header(table: Table) -> Iterator[Problem]:
    fields = [_FIELD.get(h.strip().rstrip("*").lower()) for h in table.header]
    unknown = [h for h, f in zip(table.header, fields, strict=True) if f is None]
    missing = [COLUMNS[f][1] for f in REQUIRED if f not in fields]
    if unknown:
        shown = "、".join(names[1] for names in COLUMNS.values())
        yield Problem(
            table.file, 1, f"不认识的列 {'、'.join(unknown)}；应为 {shown}", "改列名，或写一份 sources/*.yaml"
        )
    elif missing:
        yield Problem(table.file, 1, f"缺少列 {'、'.join(missing)}", "补上")


def _rows(look: Look, table: Table) -> Iterator[Problem]:
    codes = _card_codes(look)
    wrong: dict[tuple[str, str], list[int]] = {}
    for line, cells in table.cells():
        for fault in _faults(look, codes, cells):
            wrong.setdefault(fault, []).append(line)
    for (message, do), lines in wrong.items():
        more = f"（另有 {len(lines) - 1} 行，如第 {lines[1]} 行）" if len(lines) > 1 else ""
        yield Problem(table.file, lines[0], message + more, do)


def _faults(look: Look, codes: dict[str, str], cells: dict[str, str]) -> Iterator[tuple[str, str]]:
    card = look.card(codes.get(cells["indicator"], ""))
    if card is None:
        yield f"没有指标“{cells['indicator']}”", "改正代码，或在 indicators/ 里补上这张卡"
    try:
        look.pack.places.resolve(cells["place"])
    except PlaceError as error:
        yield str(error).split("。")[0], "改正代码，或在 places.csv 里补上"
    if period_of(cells["period"]) is None:
        yield f"“{cells['period']}”不是期", "写作 2025、2025H1、2025Q1、2025-03 或 2025-01..09"
    try:
        parse_number(cells["value"])
    except ValueError as error:
        yield str(error).split("。")[0], "只写数字"
    found, wanted = dimension_of(cells["unit"]), dimension_of(card.unit) if card else None
    if found is None:
        yield f"不认识的单位“{cells['unit']}”", "改写单位"
    elif card and wanted and found != wanted:
        yield f"单位 {cells['unit']} 与指标卡 {card.code} 的 {card.unit} 不是同一种量", f"改用{wanted.chinese}的单位"
    # What cases add up to is counted, never loaded.
    loaded = [s for s in STATUSES if s != "recorded"]
    if cells["status"] not in loaded:
        yield f"不认识的状态“{cells['status']}”", f"应为 {'、'.join(loaded)} 之一"
    if not _ISO.fullmatch(cells["known_from"]):
        yield f"发布日期“{cells['known_from']}”不是日期", "写作 YYYY-MM-DD"


def shapes(look: Look) -> Iterator[Problem]:
    """Shapes are of known places, and every city and county of today has one."""
    drawn: set[str] = set()
    files: list[str] = []
    for path, (pack, raw) in look.files.items():
        if not fnmatch(path, "shapes/*.geojson"):
            continue
        file = f"{pack}/{path}"
        files.append(file)
        try:
            text = raw.decode("utf-8")
            codes = [str(f["properties"]["code"]) for f in json.loads(text)["features"]]
        except (ValueError, KeyError, TypeError) as error:
            message = f"不是可用的 GeoJSON:{type(error).__name__} {error}"
            yield Problem(file, 1, message, "写成 FeatureCollection，每个图形在 properties 里有 code")
            continue
        drawn |= set(codes)
        for code in sorted(set(codes) - look.place_codes):
            yield Problem(file, _line(text, code), f"图形的代码 {code} 不在 places.csv 里", "改正代码，或删去图形")
    yield from _undrawn(look, drawn, files)


def _line(text: str, code: str) -> int:
    found = re.search(rf'"code"\s*:\s*"?{re.escape(code)}"?', text)
    return text.count("\n", 0, found.start()) + 1 if found else 1


def _undrawn(look: Look, drawn: set[str], files: Sequence[str]) -> Iterator[Problem]:
    tree = look.pack.places
    for level in ("city", "county"):
        missing = [c for c in tree.at_level(level) if c not in drawn]
        if missing:
            shown = "、".join(f"{c} {tree.name(c)}" for c in missing[:5]) + ("…" if len(missing) > 5 else "")
            file = files[-1] if files else f"{look.pack.manifest.code}/pack.yaml"
            message = f"{len(missing)} 个{LEVEL_NAMES[level]}没有图形，地图上会缺：{shown}"
            yield Problem(file, 1, message, "在 shapes/ 里补上", "warning")


CHECKS = (data, shapes)
