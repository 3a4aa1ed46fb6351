"""The commands `load` and `template`, as somebody at a shell meets them."""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sample_observations import as_csv, row

from rongtong.apps.observations import commands
from rongtong.apps.observations.models import Observation
from rongtong.apps.records.queries import head
from rongtong.cli import UsageError
from rongtong.engine.pack.read import Pack


def run(*arguments: str | Path) -> int:
    parser = argparse.ArgumentParser()
    commands.add(parser.add_subparsers())
    parsed = parser.parse_args([str(a) for a in arguments])
    code: int = parsed.run(parsed)
    return code


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "好.csv"
    path.write_bytes(as_csv([row()]))
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "坏.csv"
    path.write_bytes(as_csv([row(place="无此市"), row(value="十二")]))
    return path


def test_a_good_file_is_written_and_counted(pack: Pack, good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("load", good) == 0
    said = capsys.readouterr().out
    assert "新增 1 行，相同 0 行，补录 0 行" in said
    assert f"日志头 {head()}" in said
    assert run("load", good) == 0
    said = capsys.readouterr().out
    assert "新增 0 行，相同 1 行" in said
    assert "日志头" not in said


def test_a_dry_run_writes_nothing(pack: Pack, good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("load", good, "--dry-run") == 0
    assert "将新增 1 行" in capsys.readouterr().out
    assert Observation.objects.count() == 0


def test_a_bad_file_ends_with_one_and_a_line_per_cell_and_a_marked_copy(
    pack: Pack, bad: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "标注.xlsx"
    assert run("load", bad, "--marked", out) == 1
    said = capsys.readouterr().err
    assert "[强制性] B2 “无此市”" in said
    assert "[强制性] D3 “十二”" in said
    assert "2 处问题，一行也没有写入" in said
    assert openpyxl.load_workbook(out)["数据"]["B2"].comment is not None


def test_json_is_one_document_with_every_finding(pack: Pack, bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("load", bad, "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["written"], [f["cell"] for f in report["findings"]]) == (False, ["B2", "D3"])
    assert {"severity", "sheet", "cell", "found", "problem", "expected", "do", "blocks"} <= set(report["findings"][0])


def test_a_file_that_cannot_be_read_is_unusable_input(pack: Pack, tmp_path: Path) -> None:
    xls = tmp_path / "旧.xls"
    xls.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    with pytest.raises(UsageError, match=r"旧.xls.*另存为 \.xlsx"):
        run("load", xls)
    with pytest.raises(UsageError, match="打不开"):
        run("load", tmp_path / "没有.csv")


def test_loading_without_a_pack_says_what_to_do(system: Any, good: Path) -> None:
    with pytest.raises(UsageError, match="还没有载入规则包"):
        run("load", good)


def test_the_template_has_notes_drop_downs_text_codes_and_a_hidden_meta_sheet(pack: Pack, tmp_path: Path) -> None:
    out = tmp_path / "模板.xlsx"
    assert run("template", "-o", out) == 0
    book = openpyxl.load_workbook(out)
    sheet = book["数据"]
    assert [c.value for c in sheet[1]][:7] == ["指标*", "地区*", "期*", "数值*", "单位*", "状态*", "发布日期*"]
    assert all(c.comment for c in sheet[1])
    assert sheet.column_dimensions["B"].number_format == "@"
    assert {str(v.sqref).partition("2:")[0] for v in sheet.data_validations.dataValidation} == {"A", "E", "F", "J", "N"}
    assert (book["_版本"].sheet_state, book["_选项"].sheet_state) == ("hidden", "hidden")
    assert book["_版本"]["B1"].value == "rongtong-observations-1"


def test_an_untouched_template_holds_no_rows(pack: Pack, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "模板.xlsx"
    run("template", "-o", out)
    assert run("load", out) == 0
    assert "新增 0 行" in capsys.readouterr().out


def test_a_filled_template_goes_in(pack: Pack, tmp_path: Path) -> None:
    out = tmp_path / "模板.xlsx"
    run("template", "-o", out, "--indicator", "deals", "--period", "2025H1")
    book = openpyxl.load_workbook(io.BytesIO(out.read_bytes()))
    sheet = book["数据"]
    places = [sheet.cell(r, 2).value for r in range(3, 8)]
    assert places == ["990000", "990100", "990200", "990300", "990400"]
    for number in range(3, 8):
        sheet.cell(number, 4).value = 40 if number == 3 else 10.25 if number == 4 else 9
        sheet.cell(number, 6).value = "快报"
        sheet.cell(number, 7).value = "2025-07-10"
    book.save(out)
    assert run("load", out) == 0
    assert Observation.objects.get(place="990100").value == 10_2500_0000_00


def test_a_template_of_an_unknown_card_or_period_is_refused(pack: Pack, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="没有指标卡“nope”"):
        run("template", "-o", tmp_path / "a.xlsx", "--indicator", "nope")
    with pytest.raises(UsageError, match="不是期"):
        run("template", "-o", tmp_path / "a.xlsx", "--period", "今年")
