"""A morning before the nine-o'clock dispatch meeting (分析调度会), told in the commands an officer types.

Each scenario runs on a copy of one demonstration instance, made as `make demo` makes it.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from packs import PACKS

Command = Callable[..., CompletedProcess[str]]
HEADER = "指标,地区,期,数值,单位,状态,发布日期,来源,说明,口径\n"


@pytest.fixture(scope="module")
def made(command: Command, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The demonstration instance and what making it printed."""
    home = tmp_path_factory.mktemp("demo") / "var"
    packs = [f"--pack={PACKS / name}" for name in ("china", "zhejiang")]
    done = command(home, "demo", *packs, "--no-serve")
    return home, done.stdout


@pytest.fixture
def home(made: tuple[Path, str], tmp_path: Path) -> Path:
    """An instance of this scenario's own."""
    return Path(shutil.copytree(made[0], tmp_path / "var"))


def answer(command: Command, home: Path, *words: str, code: int = 0) -> dict[str, object]:
    found: dict[str, object] = json.loads(command(home, *words, "--json", code=code).stdout)
    return found


def test_the_demonstration_prints_both_tables_the_papers_and_the_accounts(made: tuple[Path, str]) -> None:
    home, printed = made
    for words in (
        "规上工业研发费用  2025Q1",
        "851.36",
        "7.72",
        "0.31",
        "企业科技创新投入  2025H1",
        "演示数据",
        "达标可能",
        "127.0.0.1",
        "演示·省厅综合处",
    ):
        assert words in printed, words
    papers = sorted(p.suffix for p in (home / "out").iterdir())
    assert papers.count(".docx") >= 5
    assert ".xlsx" in papers


def test_made_again_it_changes_nothing(command: Command, home: Path) -> None:
    before = command(home, "head").stdout
    command(home, "demo", "--no-serve")
    assert command(home, "head").stdout == before


def test_the_officer_sees_which_city_is_behind_and_walks_to_the_clause(command: Command, home: Path) -> None:
    board = answer(command, home, "figures", "--indicator", "industrial_rd_expense", "--period", "2025Q1")
    rows = board["rows"]
    assert isinstance(rows, list)
    red = [r for r in rows if r["lamp"] == "red"]
    assert [r["name"] for r in red] == ["嘉兴"]
    why = answer(command, home, "why", red[0]["figure"])
    chain = why["chain"]
    assert isinstance(chain, list)
    assert any(link["step"] == "clause" and link["clause"] == "2.4.3" for link in chain)
    assert any(link["step"] == "observation" and "industrial_rd_expense_2025q1.csv" in link["file"] for link in chain)


def test_the_differences_of_2025_and_2027_are_named(command: Command, home: Path) -> None:
    for year, expected in (("2025", "350"), ("2027", "-400")):
        (balance,) = answer(command, home, "targets", "--year", year)["balances"]  # type: ignore[misc]
        assert balance["difference"] == expected
        assert Fraction(balance["total"]) - sum(Fraction(p["value"]) for p in balance["parts"]) == Fraction(expected)


def test_a_workbook_with_five_faults_comes_back_marked_and_mended_loads_once(
    command: Command, home: Path, tmp_path: Path
) -> None:
    good = [
        "industrial_rd_expense,330100,2025H1,431.20,亿元,actual,2025-07-14,省统计局,,rd_expense",
        "industrial_rd_expense,330200,2025H1,330.15,亿元,actual,2025-07-14,省统计局,,rd_expense",
        "industrial_rd_expense,330300,2025H1,131.07,亿元,actual,2025-07-14,省统计局,,rd_expense",
        "industrial_rd_expense,330400,2025H1,221.90,亿元,actual,2025-07-14,省统计局,,rd_expense",
        "industrial_rd_expense,330500,2025H1,105.60,亿元,actual,2025-07-14,省统计局,,rd_expense",
    ]
    bad = [
        good[0].replace("330100", "339999"),
        good[1].replace("330.15", "3301500"),
        good[2].replace("亿元", "家"),
        good[3].replace("221.90", "约222"),
        good[4].replace("rd_expense\n", "").removesuffix("rd_expense") + "st_input",
    ]
    faulty, mended, marked = tmp_path / "五处错.csv", tmp_path / "改好.csv", tmp_path / "标注.xlsx"
    faulty.write_text(HEADER + "\n".join(bad) + "\n", encoding="utf-8")
    mended.write_text(HEADER + "\n".join(good) + "\n", encoding="utf-8")
    head = command(home, "head").stdout
    report = answer(command, home, "load", str(faulty), "--marked", str(marked), code=1)
    findings = report["findings"]
    assert isinstance(findings, list)
    assert [f["cell"] for f in findings] == ["B2", "D3", "E4", "D5", "J6"]
    assert all(f["problem"] and f["do"] for f in findings)
    assert marked.stat().st_size > 0
    assert command(home, "head").stdout == head, "nothing is half-written"
    assert answer(command, home, "load", str(mended))["rows_new"] == 5
    again = answer(command, home, "load", str(mended))
    assert (again["rows_new"], again["rows_same"]) == (0, 5)


def test_an_impossible_split_is_answered_with_the_conflict_and_the_repair(
    command: Command, home: Path, tmp_path: Path
) -> None:
    spec = (PACKS / "zhejiang" / "allocations" / "enterprise_2025.yaml").read_text(encoding="utf-8")
    shipped, impossible = tmp_path / "shipped.yaml", tmp_path / "impossible.yaml"
    shipped.write_text(spec, encoding="utf-8")
    impossible.write_text(spec.replace('value: "1045"', 'value: "3045"'), encoding="utf-8")
    data = answer(command, home, "allocate", str(shipped))
    cells = data["cells"]
    assert isinstance(cells, list)
    assert sum(Fraction(c["value"]) for c in cells) + 50 == 5650
    assert all(sum(Fraction(e["amount"]) for e in c["explanation"]) == Fraction(c["value"]) for c in cells)
    refused = answer(command, home, "allocate", str(impossible), code=3)
    assert refused["conflicts"]
    assert refused["repair"]


def test_adding_two_yardsticks_is_refused_with_the_reason(command: Command, home: Path) -> None:
    refused = answer(command, home, "sum", "rd_total@000000@2022", "input_enterprise@330000@2024", code=2)
    assert "不能相加" in str(refused["error"])


def test_the_forecast_carries_an_interval_and_a_probability(command: Command, home: Path) -> None:
    total = answer(command, home, "nowcast", "input_enterprise_2025", "--as-of", "2025-07-15")["total"]
    assert isinstance(total, dict)
    assert Fraction(total["low"]) < Fraction(total["value"]) < Fraction(total["high"])
    assert 0 <= Fraction(total["probability"]) <= 1


def test_a_changed_byte_in_the_log_is_found(command: Command, home: Path) -> None:
    command(home, "verify")
    with sqlite3.connect(home / "rongtong.sqlite3") as store:
        store.execute(
            "UPDATE records_leaf SET body = replace(body, 'packs.load', 'packs.lost') WHERE sequence = (SELECT min(sequence) FROM records_leaf WHERE body LIKE '%packs.load%')"
        )
    store.close()
    command(home, "verify", code=1)


def test_what_was_exported_can_be_loaded_again_without_change(command: Command, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    command(home, "export", "-o", str(file))
    report = answer(command, home, "load", str(file))
    assert report["rows_new"] == 0


def test_words_the_platform_does_not_know_end_with_exit_code_2(command: Command, home: Path) -> None:
    command(home, "figures", "--indicator", "nothing", "--period", "2025Q1", code=2)
    command(home, "figures", "--indicator", "input_total", "--period", "someday", code=2)
    command(home, "why", "nothing", code=2)
    command(home, "allocate", "nowhere.yaml", code=2)
    command(home, "load", "nowhere.csv", code=2)


@pytest.mark.large
def test_spark_gives_the_digits_duckdb_gives(command: Command, home: Path) -> None:
    pytest.importorskip("pyspark", reason="pyspark is not installed: make test-all installs it")
    words = ("figures", "--indicator", "industrial_rd_expense", "--period", "2025Q1")
    assert answer(command, home, *words, "--engine", "spark") == answer(command, home, *words)


def test_a_region_made_only_from_the_how_to_runs_the_main_job_without_code(command: Command, tmp_path: Path) -> None:
    home = tmp_path / "var"
    printed = command(home, "demo", f"--pack={PACKS / 'example'}", "--no-serve").stdout
    assert "没有生成" not in printed
    assert "企业科技创新投入  2025H1" in printed
    assert len(list((home / "out").iterdir())) == 6
