"""A pack of a made-up province, and files made of rows, for the tests of observations."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import openpyxl

CITIES = {"990100": "甲市", "990200": "乙市", "990300": "丙市", "990400": "丁市"}
HEADER = ("指标", "地区", "期", "数值", "单位", "状态", "发布日期", "来源", "说明", "口径", "区划版本", "核实说明")

_CARD = """
- code: {0}
  name: {1}
  definition: 样例定义
  scope: {2}
  unit: {3}
  frequency: [{4}]
  aggregation: {{place: sum, time: {5}}}
  part_of: "{6}"
  view: "{7}"
  basis: [{{document: sample-document}}]
"""
_CARDS = (
    ("rd", "R&D经费", "rd", "亿元", "year", "cumulative", "", ""),
    ("rd_firms", "企业R&D经费", "rd", "亿元", "year", "cumulative", "rd", "performer"),
    ("rd_institutes", "研究机构R&D经费", "rd", "亿元", "year", "cumulative", "rd", "performer"),
    ("rd_universities", "高校R&D经费", "rd", "亿元", "year", "cumulative", "rd", "performer"),
    ("rd_others", "其他R&D经费", "rd", "亿元", "year", "cumulative", "rd", "performer"),
    ("rd_basic", "基础研究", "rd", "亿元", "year", "cumulative", "rd", ""),
    ("rd_applied", "应用研究", "rd", "亿元", "year", "cumulative", "rd", ""),
    ("rd_development", "试验发展", "rd", "亿元", "year", "cumulative", "rd", ""),
    ("deals", "技术交易额", "trade", "亿元", "half, year", "cumulative", "", ""),
    ("zones", "高新技术企业", "count", "家", "month", "last", "", ""),
    ("rate", "占比", "ratio", '"%"', "year", "none", "", ""),
)
PACK: dict[str, str] = {
    "pack.yaml": "code: sample\nname: 样例\nversion: '1'\nroot_place: '990000'\n",
    "documents.yaml": (
        "- {code: sample-document, title: 样例文件, issuer: 样例厅, clauses: [{id: '1', about: 样例条款}]}\n"
    ),
    "scopes.yaml": """
- code: rd
  name: R&D经费内部支出
  definition: d
  parts_add: true
  never_with:
    rd_extramural: 外部支出在受托方那里又记一次内部支出,相加就把同一笔钱数了两遍。
    st_input: 科技创新投入按另一套范围统计,与R&D经费不相加。
- {code: rd_extramural, name: R&D经费外部支出, definition: d, never_with: {rd: 外部支出在受托方那里又记一次内部支出。}}
- {code: st_input, name: 科技创新投入, definition: d, never_with: {rd: 科技创新投入按另一套范围统计。}}
- {code: trade, name: 技术交易, definition: d}
- {code: count, name: 计数, definition: d}
- {code: ratio, name: 比例, definition: d}
""",
    "indicators/a.yaml": "".join(_CARD.format(*card) for card in _CARDS),
    "places.csv": (
        "code,name,short,level,valid_from,valid_to\n000000,全国,全国,nation,,\n990000,样例省,样例,province,,\n"
        + "".join(f"{code},{name},{name[0]},city,,\n" for code, name in CITIES.items())
        + "990103,旧区,旧,county,,2021-04-08\n990113,新区,新,county,2021-04-09,\n"
    ),
    "hierarchies.csv": (
        "hierarchy,place,parent\nadministrative,990000,000000\n"
        + "".join(f"administrative,{code},990000\n" for code in CITIES)
        + "administrative,990103,990100\nadministrative,990113,990100\n"
    ),
    "chains.csv": "code,name,scheme\nchips,集成电路,sample\n",
    "sources/yearbook.yaml": """
- code: yearbook
  name: 样例年鉴
  sheet: 表1
  header_row: 3
  place_column: 地区
  place_by: name
  place_names: {甲: '990100'}
  period: 2023
  known_from: 2024-10-01
  columns:
    - {column: 内部支出, indicator: rd, unit: 万元, scope: rd}
    - {column: 企业, indicator: rd_firms, unit: 万元, scope: rd}
  skip_rows: [合计]
""",
    "sources/two_columns.yaml": """
- code: two_columns
  name: 同口径两列相加
  place_column: 单位所在地
  period_column: 年度
  known_from_column: 公布日
  evidence_column: 页码
  columns:
    - {column: 上半年, indicator: deals, unit: 亿元, add: [下半年], add_scopes: [trade], chain: chips}
""",
}
# The check of packs refuses these, so that no import meets them; the import refuses them again.
WRONG_SOURCES: dict[str, str] = {
    "sources/intramural_extramural.yaml": """
- code: intramural_extramural
  name: 内外部支出相加
  place_column: 地区
  period: 2023
  known_from: 2024-10-01
  columns:
    - {column: 内部支出额, indicator: rd, unit: 万元, scope: rd, add: [外部支出额], add_scopes: [rd_extramural]}
""",
    "sources/two_families.yaml": """
- code: two_families
  name: 两个家族相加
  place_column: 地区
  period: 2023
  known_from: 2024-10-01
  columns:
    - {column: R&D经费, indicator: rd, unit: 万元, add: [科技创新投入], add_scopes: [st_input]}
""",
}


def write_pack(folder: Path) -> Path:
    """The sample pack as a folder."""
    for name, text in PACK.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def row(
    indicator: str = "技术交易额",
    place: str = "甲市",
    period: str = "2024",
    value: object = "12",
    unit: str = "亿元",
    *,
    status: str = "年报",
    known: object = "2025-03-01",
    scope: str = "",
    edition: str = "",
    reason: str = "",
) -> list[object]:
    """A row of the standard format."""
    return [indicator, place, period, value, unit, status, known, "样例公报", "", scope, edition, reason]


def as_csv(rows: Iterable[list[object]], encoding: str = "utf-8", header: Iterable[str] = HEADER) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([list(header), *rows])
    return out.getvalue().encode(encoding)


def as_xlsx(rows: Iterable[list[object]], header: Iterable[str] = HEADER, title: str = "数据") -> bytes:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = title
    for each in [list(header), *rows]:
        sheet.append(each)
    return to_bytes(book)


def to_bytes(book: Any) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
