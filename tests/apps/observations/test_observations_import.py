"""Taking in files: all rows or none, every fault at its cell, the same file twice changes nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import openpyxl
import pytest
from django.db import transaction
from sample_observations import CITIES, HEADER, as_csv, as_xlsx, row, to_bytes

from rongtong import clock
from rongtong.apps.observations import actions
from rongtong.apps.observations.actions import Report
from rongtong.apps.observations.marking import marked_copy
from rongtong.apps.observations.models import Batch, Observation
from rongtong.apps.records.models import Leaf
from rongtong.apps.registry.models import Account
from rongtong.engine.reading import HARD, SOFT
from rongtong.engine.workbook import WorkbookError

Importer = Callable[..., Report]


def cells(report: Report) -> list[tuple[str, str]]:
    return [(f.severity, f.cell) for f in report.findings]


def problems(report: Report) -> str:
    return "\n".join(str(f) for f in report.findings)


def test_a_row_becomes_an_observation_with_its_evidence_and_a_leaf(take_in: Importer, system: Account) -> None:
    before = Leaf.objects.count()
    report = take_in(as_xlsx([row(value=206.94, reason="备注留存")]), "某市.xlsx")
    (stored,) = Observation.objects.all()
    assert (report.rows_new, report.rows_same, report.findings) == (1, 0, ())
    assert (stored.indicator, stored.place, stored.period, stored.start, stored.months) == (
        "deals",
        "990100",
        "2024",
        202401,
        12,
    )
    assert (stored.value, stored.unit, stored.status, stored.known_from) == (
        206_94000000_00,
        "亿元",
        "actual",
        date(2025, 3, 1),
    )
    assert (stored.evidence, stored.source, stored.late) == ("某市.xlsx!数据!D2", "样例公报", False)
    assert stored.recorded_at.astimezone(clock.LOCAL).date() == date(2025, 7, 15)
    assert stored.batch == report.batch
    assert Leaf.objects.count() == before + 1
    leaf = Leaf.objects.get(kind="observations.import")
    assert json.loads(leaf.payload.text) == {
        "file": "某市.xlsx", "sha256": report.sha256, "rows_new": 1, "rows_same": 0, "source": "standard",
    }  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_is_read_in_every_encoding_and_names_its_cells(take_in: Importer, encoding: str) -> None:
    take_in(as_csv([row(place="990200", value="1,２34.5")], encoding))
    stored = Observation.objects.get()
    assert (stored.value, stored.evidence) == (1234_5000_0000_00, "报表.csv!D2")


def test_english_headings_in_any_order_are_understood(take_in: Importer) -> None:
    header = [
        "status",
        "value",
        "unit",
        "period",
        "place",
        "known_from",
        "indicator",
        "chain",
        "subject",
        "funds",
        "use",
    ]
    take_in(
        as_csv(
            [["flash", "3", "家", "2025-05", "990100", "2025-06-10", "zones", "集成电路", "企业", "政府", "平台"]],
            header=header,
        )
    )
    stored = Observation.objects.get()
    assert (stored.chain, stored.subject, stored.funds, stored.use) == ("chips", "企业", "政府", "平台")
    assert (stored.status, stored.value, stored.months) == ("flash", 3, 1)


# --- five planted faults ---


def five_faults() -> list[list[object]]:
    """A year of good rows per city and five rows with one fault each."""
    good = [
        row(place=place, period=period, value=100 + n) for n, place in enumerate(CITIES) for period in ("2022", "2023")
    ]
    return [
        *good,
        row(place="不存在市", value=101),
        row(place="乙市", value=104.5, unit="万元"),
        row(place="丙市", value=103, unit="家"),
        row(place="丁市", value="约104"),
        row("R&D经费", "甲市", "2023", 30, scope="R&D经费外部支出"),
    ]


FAULTY = ["B10", "D11", "E12", "D13", "J14"]


def mended() -> list[list[object]]:
    rows = five_faults()
    rows[8][1], rows[9][4], rows[10][4], rows[11][3], rows[12][9] = "甲市", "亿元", "亿元", 104, "R&D经费内部支出"
    return rows


def test_five_planted_faults_give_five_findings_at_their_cells_and_nothing_is_written(take_in: Importer) -> None:
    report = take_in(as_xlsx(five_faults()), "五处错.xlsx")
    assert sorted(cells(report)) == sorted((HARD, cell) for cell in FAULTY)
    assert all(f.problem and f.expected and f.do and f.sheet == "数据" for f in report.findings)
    assert {f.cell: f.expected for f in report.findings}["D11"].replace(" ", "") == "104.5亿元"
    assert "把同一笔钱数了两遍" in problems(report)
    assert (report.batch, Batch.objects.count(), Observation.objects.count()) == (None, 0, 0)
    assert not Leaf.objects.filter(kind="observations.import").exists()


def test_the_marked_copy_is_the_same_workbook_with_five_marked_cells_and_a_list(take_in: Importer) -> None:
    data = as_xlsx(five_faults())
    copy = openpyxl.load_workbook(io.BytesIO(marked_copy(data, "五处错.xlsx", take_in(data, "五处错.xlsx").findings)))
    marked = [c.coordinate for line in copy["数据"].iter_rows() for c in line if c.comment is not None]
    filled = [c.coordinate for line in copy["数据"].iter_rows() for c in line if c.fill.fgColor.rgb == "00FFC7CE"]
    assert sorted(marked) == sorted(filled) == sorted(FAULTY)
    assert copy["数据"]["D11"].value == 104.5
    assert [r[3].value for r in copy["问题清单"].iter_rows(min_row=2)] == [
        f.cell for f in take_in(data, "x.xlsx").findings
    ]


def test_the_mended_workbook_goes_in_and_the_second_time_changes_nothing(take_in: Importer) -> None:
    data = as_xlsx(mended())
    first = take_in(data, "改好.xlsx")
    assert (first.rows_new, first.rows_same, first.findings) == (13, 0, ())
    before = (Batch.objects.count(), Observation.objects.count(), Leaf.objects.count())
    second = take_in(data, "改好.xlsx")
    assert (second.rows_new, second.rows_same, second.batch, second.findings) == (0, 13, None, ())
    assert (Batch.objects.count(), Observation.objects.count(), Leaf.objects.count()) == before


def test_a_marked_copy_that_was_mended_is_taken_in_as_it_is(take_in: Importer) -> None:
    data = as_xlsx(five_faults())
    copy = openpyxl.load_workbook(io.BytesIO(marked_copy(data, "a.xlsx", take_in(data, "a.xlsx").findings)))
    for number, line in enumerate(mended(), start=2):
        for column, value in enumerate(line, start=1):
            copy["数据"].cell(number, column).value = value
    assert take_in(to_bytes(copy), "a.xlsx").rows_new == 13


def test_a_marked_csv_becomes_a_workbook_whose_text_is_never_a_formula(take_in: Importer) -> None:
    data = as_csv([row(value="=1+1"), row(place="@SUM(A1)")])
    copy = openpyxl.load_workbook(io.BytesIO(marked_copy(data, "a.csv", take_in(data, "a.csv").findings)))
    marked = [c.coordinate for line in copy["数据"].iter_rows() for c in line if c.comment is not None]
    assert marked == ["D2", "B3"]
    assert {c.data_type for sheet in copy for line in sheet.iter_rows() for c in line if c.value is not None} == {"s"}


# --- every hard check of a row ---


@pytest.mark.parametrize(
    ("bad", "cell", "words"),
    [
        (row("不存在的指标"), "A2", "不认识的指标"),
        (row(place=""), "B2", "没有填地区"),
        (row(period="今年"), "C2", "不是期"),
        (row(period="2024-03"), "C2", "不按这样的期报送"),
        (row(period="2021..2025"), "C2", "不按这样的期报送"),
        (row(value=""), "D2", "没有填数值"),
        (row(value="12亿"), "D2", "不是数"),
        (row(value="NaN"), "D2", "不是数"),
        (row(value="1e3"), "D2", "不是数"),
        (row(value="0.00000000001"), "D2", "小数位过多"),
        (row(value="-1"), "D2", "不能为负"),
        (row("zones", period="2024-03", value="-1", unit="家"), "D2", "不能为负"),
        (row("zones", period="2024-03", value="1.5", unit="家"), "D2", "小数位过多"),
        (row(value="99999999999999999999"), "D2", "数值过大"),
        (row(unit=""), "E2", "没有填单位"),
        (row(unit="斤"), "E2", "不认识的单位"),
        (row(unit="%"), "E2", "单位是比率"),
        (row(status="定了"), "F2", "不认识的状态"),
        (row(known="明天"), "G2", "不是日期"),
        (row(known=""), "G2", "没有填发布日期"),
        (row(known="2025-02-30"), "G2", "不是日期"),
        (row(known="2999-01-01"), "G2", "在今天之后"),
        (row("R&D经费", scope="科技创新投入"), "J2", "科技创新投入按另一套范围统计"),
        (row(scope="没有的口径"), "J2", "不认识的口径"),
        (row(place="990103", period="2021"), "B2", "没有这个地区"),
        (row(place="新区", period="2020"), "B2", "没有这个地区"),
        (row(edition="旧版"), "K2", "区划版本不是日期"),
    ],
)  # fmt: skip
def test_each_fault_of_a_row_is_named_at_its_cell(take_in: Importer, bad: list[object], cell: str, words: str) -> None:
    report = take_in(as_csv([bad, row(place="丁市")]))
    assert cells(report) == [(HARD, cell)]
    assert words in problems(report)
    assert Observation.objects.count() == 0


def test_a_place_of_an_older_list_is_accepted_with_the_edition_of_that_list(take_in: Importer) -> None:
    take_in(as_csv([row(place="990103", period="2021", edition="2021-03-31")]))
    assert Observation.objects.get().edition == "2021-03-31"


def test_all_faults_of_a_file_are_named_at_once(take_in: Importer) -> None:
    report = take_in(as_csv([row("?", "?", "?", "?", "?", status="?", known="?")]))
    assert [f.cell for f in report.findings] == ["A2", "B2", "C2", "D2", "E2", "F2", "G2"]


def test_a_period_that_the_spreadsheet_made_a_date_is_explained(take_in: Importer) -> None:
    report = take_in(as_xlsx([row(period=date(2025, 3, 1))]), "a.xlsx")  # type: ignore[arg-type]
    assert "Excel 把期变成了日期" in problems(report)


def test_a_formula_without_a_cached_value_is_named(take_in: Importer) -> None:
    report = take_in(as_xlsx([row(value="=1+2")]), "a.xlsx")
    assert cells(report) == [(HARD, "D2")]
    assert "公式没有保存计算结果" in problems(report)


def test_a_missing_or_doubled_column_is_named(take_in: Importer) -> None:
    assert "缺少列：单位、发布日期" in problems(take_in(as_csv([], header=["指标", "地区", "期", "数值", "状态"])))
    assert "“数值”列出现两次" in problems(take_in(as_csv([], header=[*HEADER, "value"])))


def test_an_old_xls_is_refused_whatever_its_name(take_in: Importer) -> None:
    with pytest.raises(WorkbookError, match=r"旧版 Excel.*另存为 \.xlsx"):
        take_in(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512, "报表.xlsx")


# --- against what is stored ---


def test_another_value_of_the_same_day_is_refused_and_of_a_later_day_is_a_new_vintage(take_in: Importer) -> None:
    take_in(as_csv([row(value="12")]))
    report = take_in(as_csv([row(value="13")]))
    assert cells(report) == [(HARD, "D2")]
    assert "更正，请给出新的发布日期" in problems(report)
    take_in(as_csv([row(value="13", known="2025-04-01")]))
    assert list(Observation.objects.values_list("value", flat=True)) == [12_0000_0000_00, 13_0000_0000_00]


def test_a_row_known_before_today_for_a_period_already_reported_is_late(take_in: Importer) -> None:
    first = take_in(as_csv([row()]))
    second = take_in(
        as_csv([row(place="乙市"), row(place="丙市", period="2023"), row(place="丁市", known="2025-07-15")])
    )
    assert (first.late, [r.place for r in second.late]) == ((), ["990200"])
    assert list(Observation.objects.filter(late=True).values_list("place", flat=True)) == ["990200"]


def test_a_soft_finding_needs_a_real_reason_which_is_kept(take_in: Importer) -> None:
    take_in(as_csv([row(period="2023", value="10")]))
    for reason in ("", "核实无误", "无误", "已核实"):
        report = take_in(as_csv([row(value="20", reason=reason)]))
        assert cells(report) == [(SOFT, "D2")]
        assert (report.batch, Observation.objects.count()) == (None, 1)
    report = take_in(as_csv([row(value="20", reason="两家龙头企业整体迁入")]))
    assert report.batch is not None
    assert Observation.objects.get(period="2024").reason == "两家龙头企业整体迁入"
    assert [f["reason"] for f in json.loads(report.batch.findings)] == ["两家龙头企业整体迁入"]


def national(**changed: str) -> list[list[object]]:
    published = {
        "rd": "30782.9", "rd_firms": "23878.6", "rd_institutes": "3814.4", "rd_universities": "2412.4",
        "rd_others": "677.5", "rd_basic": "2023.5", "rd_applied": "3482.5", "rd_development": "25276.9",
    }  # fmt: skip
    return [row(code, "全国", "2022", value, known="2023-09-18") for code, value in {**published, **changed}.items()]


def test_the_national_figures_of_2022_go_in_and_with_one_digit_changed_do_not(take_in: Importer) -> None:
    report = take_in(as_csv(national(rd_others="677.6")))
    assert cells(report) == [(HARD, "D2")]
    assert "23878.6亿元 + 3814.4亿元 + 2412.4亿元 + 677.6亿元" in problems(report).replace(" 亿元", "亿元")
    assert Observation.objects.count() == 0
    assert take_in(as_csv(national())).rows_new == 8


def test_a_dry_run_says_what_would_happen_and_writes_nothing(take_in: Importer) -> None:
    report = take_in(as_csv([row()]), dry_run=True)
    assert (report.rows_new, report.batch, Observation.objects.count()) == (1, None, 0)


def test_a_name_with_a_path_keeps_only_the_file(take_in: Importer) -> None:
    assert take_in(as_csv([row()]), "C:\\桌面\\报表.csv").batch.file_name == "报表.csv"  # type: ignore[union-attr]


def test_twenty_thousand_rows_go_in_at_once(take_in: Importer) -> None:
    days = [(date(2024, 1, 1) + timedelta(days=n)).isoformat() for n in range(500)]
    rows = [
        row("高新技术企业", city, f"2023-{month:02d}", str(100 + month), "家", known=day)
        for city in CITIES for month in range(1, 11) for day in days
    ]  # fmt: skip
    report = take_in(as_csv(rows))
    assert (report.rows_new, Observation.objects.count()) == (20_000, 20_000)


def test_a_failure_while_writing_leaves_nothing(take_in: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch, transaction.atomic():
        patch.setattr("rongtong.apps.records.log.append", broken)
        with pytest.raises(OSError, match="disk full"):
            take_in(as_csv([row()]))
    assert (Batch.objects.count(), Observation.objects.count()) == (0, 0)


def test_a_file_that_somebody_else_takes_in_at_the_same_moment_is_counted_as_the_same(
    take_in: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = actions._plan
    raced: list[Report] = []

    def plan_then_lose_the_race(*arguments: Any, **more: Any) -> Any:
        plan = planned(*arguments, **more)
        if not raced:
            monkeypatch.setattr(actions, "_plan", planned)
            raced.append(take_in(as_csv([row()])))
        return plan

    monkeypatch.setattr(actions, "_plan", plan_then_lose_the_race)
    report = take_in(as_csv([row(), row(place="乙市")]))
    assert raced[0].rows_new == 1
    assert (report.rows_new, report.rows_same) == (1, 1)
    assert Observation.objects.count() == 2
