"""Layouts: merged headers and cells, a pack's sources, which one is meant, and sums that are refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import openpyxl
import pytest
from sample_observations import HEADER, PACK, WRONG_SOURCES, as_csv, as_xlsx, row, to_bytes

from rongtong.apps.observations.actions import Report
from rongtong.apps.observations.mapping import read_import
from rongtong.apps.observations.models import Observation
from rongtong.engine.pack.read import Pack, combine, read_layer
from rongtong.engine.reading import HARD
from rongtong.engine.workbook import WorkbookError

Importer = Callable[..., Report]


def sheet(rows: list[list[Any]], merges: tuple[str, ...] = (), title: str = "数据") -> bytes:
    book = openpyxl.Workbook()
    first: Any = book.active
    first.title = title
    for each in rows:
        first.append(each)
    for merge in merges:
        first.merge_cells(merge)
    return to_bytes(book)


def stored() -> list[tuple[str, str, int]]:
    return list(Observation.objects.order_by("id").values_list("indicator", "place", "value"))


def test_a_title_a_header_of_two_rows_and_merged_places_are_understood(take_in: Importer) -> None:
    rows: list[list[Any]] = [
        ["二〇二四年技术交易情况"],
        list(HEADER),
        [None] * len(HEADER),
        row(period="2023", value=10),
        [*row(value=12)[:1], None, *row(value=12)[2:]],
    ]
    down = tuple(f"{column}2:{column}3" for column in "ABCDEFG")
    take_in(sheet(rows, ("A1:L1", "B4:B5", *down)), "a.xlsx")
    assert stored() == [("deals", "990100", 10_0000_0000_00), ("deals", "990100", 12_0000_0000_00)]


def test_a_fault_in_a_merged_cell_is_named_once_at_its_first_cell(take_in: Importer) -> None:
    rows = [list(HEADER), row(place="无此市"), row(place="", period="2023")]
    report = take_in(sheet(rows, ("B2:B3",)), "a.xlsx")
    assert [(f.severity, f.cell) for f in report.findings] == [(HARD, "B2")]


def test_every_visible_sheet_in_the_standard_format_is_read_and_hidden_ones_are_not(take_in: Importer) -> None:
    book = openpyxl.Workbook()
    for name, place, state in (("一", "甲市", "visible"), ("二", "乙市", "visible"), ("三", "丙市", "hidden")):
        page = book.create_sheet(name)
        page.append(list(HEADER))
        page.append(row(place=place))
        page.sheet_state = state
    take_in(to_bytes(book), "a.xlsx")
    assert [place for _, place, _ in stored()] == ["990100", "990200"]
    assert Observation.objects.last().evidence == "a.xlsx!二!D2"  # type: ignore[union-attr]


YEARBOOK: list[list[Any]] = [
    ["样例年鉴"],
    [None, "R&D经费", None],
    ["地区", "内部支出", "企业"],
    ["合计", 30.5, 20],
    ["甲", 10.25, 8],
    ["乙市", 20.25, None],
]


def test_a_foreign_workbook_is_recognised_by_its_columns(take_in: Importer) -> None:
    report = take_in(sheet(YEARBOOK, ("A1:C1", "B2:C2"), "表1"), "年鉴.xlsx")
    assert report.source == "yearbook"
    assert stored() == [("rd", "990100", 1025_00_00), ("rd_firms", "990100", 80_000_00), ("rd", "990200", 2025_00_00)]
    first = Observation.objects.first()
    assert first is not None
    assert (first.period, str(first.known_from), first.source, first.evidence) == (
        "2023", "2024-10-01", "样例年鉴", "年鉴.xlsx!表1!B5",
    )  # fmt: skip


def test_a_fault_in_the_place_of_a_foreign_row_is_named_once(take_in: Importer) -> None:
    report = take_in(sheet([*YEARBOOK[:3], ["无此市", 1, 2]], title="表1"), "年鉴.xlsx")
    assert [f.cell for f in report.findings] == ["A4"]


def test_columns_of_one_scope_may_be_added(take_in: Importer) -> None:
    header = ["单位所在地", "年度", "公布日", "页码", "上半年", "下半年"]
    take_in(as_csv([["甲市", "2023", "2024-02-01", "第3页", "1.5", "2.25"]], header=header))
    (found,) = Observation.objects.all()
    assert (found.value, found.chain, found.source) == (3_7500_0000_00, "chips", "同口径两列相加 第3页")
    assert found.evidence == "报表.csv!E2"


def wrong_pack() -> Pack:
    """The sample pack with sources that add what must not be added."""
    layer, problems = read_layer({name: text.encode() for name, text in {**PACK, **WRONG_SOURCES}.items()})
    assert layer is not None
    assert problems == []
    return combine([layer])


@pytest.mark.parametrize(
    ("header", "cell", "why"),
    [
        (["地区", "内部支出额", "外部支出额"], "C1", "把同一笔钱数了两遍"),
        (["地区", "R&D经费", "科技创新投入"], "C1", "科技创新投入按另一套范围统计"),
    ],
)
def test_columns_of_two_scopes_are_never_added(header: list[str], cell: str, why: str) -> None:
    parsed = read_import(as_csv([["甲市", "10", "5"]], header=header), "a.csv", wrong_pack(), today=date(2025, 7, 15))
    assert [(f.severity, f.cell) for f in parsed.findings] == [(HARD, cell)]
    assert why in parsed.findings[0].problem
    assert parsed.rows == ()


def test_a_file_that_two_sources_can_read_asks_which() -> None:
    data = as_csv([], header=["地区", "R&D经费", "科技创新投入", "内部支出额", "外部支出额"])
    with pytest.raises(WorkbookError, match=r"不止一个来源.*--source"):
        read_import(data, "a.csv", wrong_pack(), today=date(2025, 7, 15))
    assert read_import(data, "a.csv", wrong_pack(), "two_families", today=date(2025, 7, 15)).source == "two_families"


def test_a_file_that_no_layout_fits_says_what_was_expected(take_in: Importer) -> None:
    with pytest.raises(WorkbookError, match=r"认不出版式.*指标、地区、期.*yearbook"):
        take_in(as_csv([["1"]], header=["名称"]))


def test_a_named_source_says_which_columns_are_missing(take_in: Importer) -> None:
    with pytest.raises(WorkbookError, match=r"没有来源“样例年鉴”所需的列：地区、内部支出、企业"):
        take_in(as_xlsx([], title="表1"), "a.xlsx", source="yearbook")
    with pytest.raises(WorkbookError, match="没有来源“nope”"):
        take_in(as_csv([]), source="nope")
    with pytest.raises(WorkbookError, match="要读工作表“表1”，文件里有：数据"):
        take_in(as_xlsx([]), "a.xlsx", source="yearbook")
