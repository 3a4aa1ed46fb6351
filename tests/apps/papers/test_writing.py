"""The papers on a store with generated figures: numbers equal to the API's, marks where they belong, texts kept."""

from __future__ import annotations

import argparse
import io
import json
import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rongtong.apps.packs.queries import current
from rongtong.apps.papers import actions, blocks_charts, commands, evidence, queries, writing
from rongtong.apps.papers.document import (
    Block,
    Box,
    Manual,
    Number,
    PageBreak,
    Paper,
    Paragraph,
    Picture,
    Table,
    check,
    figures,
    inlines,
    plain,
)
from rongtong.apps.papers.layout import docx_bytes, manual_texts
from rongtong.apps.papers.models import Issue, Note
from rongtong.apps.planning import forecasting, shapes
from rongtong.apps.planning import queries as planning
from rongtong.apps.records.models import Leaf
from rongtong.apps.registry.models import Account
from rongtong.engine import breakdown
from rongtong.engine.figure import Key
from rongtong.engine.period import Period

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]

PERIODS = {"dispatch": "2025H1", "half_year": "2025H1", "annual": "2024", "bulletin": "2025H1", "evidence": "2025H1"}
EVERY = pytest.mark.parametrize("kind", PERIODS)


@cache
def paper(kind: str) -> Paper:
    return writing.compose(kind, Period.parse(PERIODS[kind]))


def every_block(made: Paper) -> Iterator[Block]:
    yield from made.blocks
    for attachment in made.attachments:
        yield from attachment.blocks


def words(block: Block) -> str:
    """Everything a block prints."""
    match block:
        case Paragraph(text):
            return plain(text)
        case Table():
            cells = "\n".join(plain(cell) for row in (block.head, *block.rows) for cell in row)
            return f"{plain(block.caption)}\n{cells}\n{plain(block.note)}"
        case Picture():
            return plain(block.caption)
        case Box():
            return plain(block.title) + "".join(plain(p.words) for p in block.paragraphs)
        case Manual(_, text):
            return text
        case PageBreak():
            return ""
        case _:
            return plain(block.words)


def printed(made: Paper) -> str:
    return "\n".join(words(block) for block in every_block(made))


def numbers(block: Block) -> list[Number]:
    groups: list[Any] = []
    if isinstance(block, Paragraph):
        groups = [block.words]
    elif isinstance(block, Table):
        groups = [block.caption, block.note, *(cell for row in block.rows for cell in row)]
    elif isinstance(block, Picture):
        groups = [block.shown]
    return [piece for group in groups for piece in inlines(group) if isinstance(piece, Number)]


ROW = {
    "value": "value", "yoy": "yoy", "share": "share", "rank": "rank", "yoy_rank": "yoy_rank", "gap": "gap_to_mean",
    "completion": "completion", "baseline": "baseline",
}  # fmt: skip


@cache
def board_shape(code: str, period: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    data = shapes.board(planning.monitor(planning.Asked(code, Period.parse(period))))
    return data, {r["place"]: r for r in (*data["rows"], data["total"])}


def api_text(figure: str) -> str:
    """What the API says for a figure id; for what only the papers derive, what the engine derives anew."""
    key = Key.parse(figure)
    if key.measure in ROW:
        return str(board_shape(key.indicator, str(key.period))[1][key.place][ROW[key.measure]])
    if key.measure == "unallocated":
        return str(board_shape(key.indicator, str(key.period))[0]["unallocated"])
    if key.measure == "allocated":
        return str(board_shape(key.indicator, "2025H1")[1][key.place]["goal"])
    if key.measure == "difference":
        found = [shapes.balance(b) for b in planning.balances(key.period.year)]
        return next(str(b["difference"]) for b in found if b["difference_figure"] == figure)
    if key.measure == "target":
        goals = [shapes.goal(g) for g in planning.targets(key.period.year)]
        return next(str(g["value"]) for g in goals if g["figure"] == figure)
    if key.measure.startswith("forecast"):
        shape = forecasting.shape(forecasting.outlook(f"{key.indicator}_{key.period}"))
        row = next(r for r in (*shape["rows"], shape["total"]) if r["place"] == key.place)
        return str(row[{"forecast": "value", "forecast_low": "low", "forecast_high": "high"}[key.measure]])
    made = planning.monitor(planning.Asked(key.indicator, key.period))
    parts = [breakdown.contributions(made), breakdown.shortfall(made)]
    derived = {i: f.text for part in parts if part for i, f in part.figures().items()}
    return derived.get(figure) or planning.find(figure)[0].text


def rank_change(figure: str, before: str) -> str:
    key = Key.parse(figure)
    ranks = [int(board_shape(key.indicator, p)[1][key.place]["yoy_rank"]) for p in (before, str(key.period))]
    return str(ranks[0] - ranks[1])


@EVERY
def test_every_number_in_every_paper_is_the_text_the_api_gives_for_the_same_figure(kind: str) -> None:
    found = figures(paper(kind))
    assert len(found) > 100
    for figure, text in found:
        given = rank_change(figure, "2025Q1") if ".rank_change@" in figure else api_text(figure)
        # Words such as 下降 carry the sign.
        assert text in (given, given.lstrip("-")), figure


@EVERY
def test_no_number_stands_without_a_figure_and_each_has_a_line_in_the_tracing_annex(kind: str) -> None:
    made = paper(kind)
    assert check(made) == []
    listed = {(s.figure, s.shown): s.source for s in made.sources}
    assert set(figures(made)) == set(listed)
    assert all(listed.values())


@EVERY
def test_the_tracing_annex_names_figures_methods_and_splits_in_words(kind: str) -> None:
    for source in paper(kind).sources:
        assert source.place, source
        assert not re.search("[a-z_]{3}", source.name), source
        assert not re.search("[a-z]_", re.sub("（[^（）]*）", "", source.source)), source


@EVERY
def test_whatever_holds_a_generated_number_says_so(kind: str) -> None:
    made = paper(kind)
    assert made.notice == writing.NOTICE
    traced = {s.figure: s.source for s in made.sources}
    for block in every_block(made):
        if any("演示" in traced[n.figure] for n in numbers(block)):
            assert "演示" in words(block), words(block)


@EVERY
def test_a_paper_made_again_from_the_same_state_has_the_same_bytes(kind: str) -> None:
    period = Period.parse(PERIODS[kind])
    first = writing.make_file(kind, period)
    planning._monitor.cache_clear()
    blocks_charts._drawn.cache_clear()
    assert writing.make_file(kind, period).data == first.data


def test_the_real_part_comes_first_with_its_source_and_the_generated_part_after_it() -> None:
    text = printed(paper("dispatch"))
    assert "2025年一季度，全省规上工业研发费用851.36亿元，同比增长7.7%。" in text
    assert "来源：浙江省科学技术厅《2025年一季度浙江省科技活动相关数据》。" in text
    assert text.index("851.36") < text.index("（演示数据）2025年上半年，全省全社会科技创新投入")
    assert "低于全省的有金华、杭州、嘉兴" in text


def test_the_difference_of_published_parts_is_a_row_of_its_own_with_its_readings() -> None:
    table = next(b for b in paper("dispatch").blocks if isinstance(b, Table) and "合计与各部分" in plain(b.caption))
    assert plain(table.rows[-1][0]) == "合计与各部分之差"
    assert plain(table.rows[-1][2]) == "350"
    assert "可能的读法" in plain(table.note)


def test_what_is_spent_by_whom_and_by_whose_money_are_two_tables() -> None:
    tables = [b for b in paper("half_year").blocks if isinstance(b, Table)]
    views = [t for t in tables if plain(t.caption).startswith("按")]
    assert [plain(t.caption).split("（")[0] for t in views] == ["按资金来源", "按执行主体"]
    for table in views:
        assert "合计" not in "".join(plain(row[0]) for row in table.rows)
    assert "未报" in plain(views[1].rows[1][1]), "no figure exists for institutions"


def test_lamps_have_shape_and_word_and_none_burns_without_a_goal_or_a_named_basis() -> None:
    made = paper("half_year")
    tables = {plain(b.caption): b for b in made.blocks if isinstance(b, Table)}
    lit = tables["企业科技创新投入（2025年上半年，演示数据）"]
    assert {plain(row[-1]) for row in lit.rows[:-2]} == {"● 正常", "▲ 滞后", "■ 严重滞后"}
    dark = tables["全社会科技创新投入（2025年上半年，演示数据）"]
    assert "灯" not in [plain(cell) for cell in dark.head]
    assert "不亮灯" in plain(dark.note)


def test_the_bulletin_shows_ties_and_the_change_of_rank_where_there_is_an_earlier_period() -> None:
    real, generated = [b for b in paper("bulletin").blocks if isinstance(b, Table)][:2]
    assert [plain(row[0]) for row in real.rows][:5] == ["1", "2", "3", "3", "5"]
    assert {plain(row[-2]) for row in real.rows} == {"—"}
    assert "没有可比的上期" in plain(real.note)
    assert any(plain(row[-1])[0] in "升降" for row in generated.rows)
    assert "上期为2025年一季度" in plain(generated.note)


def test_there_is_one_evidence_sheet_for_each_city_and_use_on_a_page_of_its_own() -> None:
    made = paper("evidence")
    assert sum(isinstance(b, PageBreak) for b in made.blocks) == 11 * 4 - 1
    assert printed(made).count("文件未给出评分规则") == 44
    one = writing.compose("evidence", Period.parse("2025H1"), place="330400", use="ding")
    assert one.subtitle == "（嘉兴，2025年上半年）"
    assert "嘉兴市：科技创新鼎评选" in printed(one)
    assert not any(isinstance(b, PageBreak) for b in one.blocks)
    lit = next(b for b in one.blocks if isinstance(b, Table))
    assert "位次（增速）" in map(plain, lit.head)
    assert "没有目标、也没有指明基准的不亮灯" in plain(lit.note)
    assert "位次是单项指标的增速位次" in plain(lit.note)
    assert "不打分、不作综合排名" in printed(one)
    with pytest.raises(planning.Unknown, match="innovation_zhejiang"):
        writing.compose("evidence", Period.parse("2025H1"), use="nothing")


def test_what_an_officer_wrote_survives_when_the_paper_is_made_again(demo_store: Account) -> None:
    period = Period.parse("2025H1")
    assert "〔待填：需会上协调的事项、涉及单位〕" in printed(paper("dispatch"))
    actions.save_notes("dispatch", "2025H1", {"coordination": "请财政厅明确2025年口径。"}, demo_store)
    assert actions.save_notes("dispatch", "2025H1", {"coordination": "请财政厅明确2025年口径。"}, demo_store) == 0
    actions.save_notes("dispatch", "2025H1", {"coordination": "请财政厅、统计局会商。"}, demo_store)
    texts = manual_texts(docx_bytes(writing.compose("dispatch", period)))
    assert texts["coordination"] == "请财政厅、统计局会商。"
    assert texts["next"].startswith("〔待填")
    assert Note.objects.filter(section="coordination").count() == 2
    assert Leaf.objects.filter(kind="papers.note").count() == 2
    assert queries.notes("dispatch", "2024H1") == {}


def test_a_paper_made_is_on_record_once_for_each_content(demo_store: Account) -> None:
    made = writing.make_file("bulletin", Period.parse("2025H1"))
    issue = actions.make(made, demo_store)
    assert actions.make(made, demo_store).pk == issue.pk
    assert (issue.sha256, issue.as_of, issue.pack) == (made.sha256, date(2025, 7, 15), current().fingerprint)
    assert ["industrial_rd_expense@330000@2025Q1", "851.36"] in json.loads(issue.figures)
    actions.save_notes("bulletin", "2025H1", {"requirements": "请各市于月底前反馈。"}, demo_store)
    actions.make(writing.make_file("bulletin", Period.parse("2025H1")), demo_store)
    assert Issue.objects.filter(paper="bulletin").count() == 2


def test_the_ledger_holds_every_commitment_with_what_is_known_of_it() -> None:
    from openpyxl import load_workbook

    made = writing.make_file("ledger", Period.parse("2025"))
    book = load_workbook(io.BytesIO(made.data))
    assert book.sheetnames == ["任务台账", "目标", "合计与部分", "亮灯", "说明", "_meta"]
    sheet = book["任务台账"]
    assert sheet.freeze_panes == "A3"
    rows = {row[0]: row for row in sheet.iter_rows(min_row=3, values_only=True)}
    assert len(rows) == len(current().all("commitments"))
    assert rows["T050"][5] == "不低于1200亿元"
    assert rows["T050"][9:16] == ("552.00", "亿元", "2025年上半年", "演示数据", 46, 44.9, "● 正常")
    assert rows["D012"][7] == "未明确（推断：省科技厅）"
    assert rows["D012"][15] == rows["T048"][15] == "—", "no lamp without a target or a deadline"
    assert rows["T054"][15] == "● 正常", "open, and its year has not ended"
    differences = [r[3] for r in book["合计与部分"].iter_rows(values_only=True) if r[1] == "合计与各部分之差"]
    assert differences == [350, -400]
    for figure, text in made.figures:
        assert text == api_text(figure), figure


@pytest.mark.parametrize(
    ("kind", "period", "message"),
    [
        ("half_year", "2025Q1", "应为半年"),
        ("annual", "2025H1", "应为年"),
        ("dispatch", "2025Q2", "年初累计"),
        ("dispatch", "2021..2025", "年初累计"),
        ("dispatch", "2030H1", "没有可写进调度会材料的数"),
        ("weekly", "2025H1", "没有“weekly”"),
    ],
)
def test_a_paper_that_cannot_be_made_says_why(kind: str, period: str, message: str) -> None:
    with pytest.raises(planning.Unknown, match=message):
        writing.compose(kind, Period.parse(period))


def test_a_paper_as_known_on_an_earlier_day_does_not_know_the_later_half_year() -> None:
    made = writing.compose("dispatch", Period.parse("2025H1"), as_of=date(2025, 7, 1))
    assert made.date == date(2025, 7, 1)
    assert not any(f.startswith("input_") and f.endswith("@2025H1") for f, _ in figures(made))
    assert "未报" in printed(made)


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    commands.add(parser.add_subparsers())
    args = parser.parse_args(["report", *arguments])
    return int(args.run(args))


def test_the_command_writes_the_file_and_lists_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes, out = tmp_path / "notes.yaml", tmp_path / "材料.docx"
    notes.write_text("coordination: 请会商。\n", encoding="utf-8")
    assert run("dispatch", "--period", "2025H1", "-o", str(out), "--notes", str(notes), "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["file"] == str(out)
    assert {"figure": "industrial_rd_expense@330000@2025Q1", "text": "851.36"} in data["figures"]
    assert data["sections"][0] == {"key": "overall", "heading": "总体进展"}
    assert manual_texts(out.read_bytes())["coordination"] == "请会商。"
    assert run("dispatch", "--period", "2025H1", "-o", str(out)) == 0
    assert manual_texts(out.read_bytes())["coordination"] == "请会商。"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dispatch", "--period", "去年", "-o", "a.docx"), "不是期"),
        (("weekly", "--period", "2025H1", "-o", "a.docx"), "half-year"),
        (("ledger", "--period", "2025", "-o", "a.docx"), ".xlsx"),
        (("dispatch", "--period", "2025H1", "-o", "/nowhere/a.docx"), "没有文件夹"),
        (("dispatch", "--period", "2025H1", "-o", "a.docx", "--place", "330100"), "只用于证据表"),
        (("evidence", "--period", "2025H1", "-o", "a.docx", "--place", "999999"), "999999"),
        (("evidence", "--period", "2025H1", "-o", "a.docx", "--place", "330102"), "不是全省分列的地方"),
    ],
)
def test_the_command_refuses_with_two_and_a_reason(
    arguments: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [("- a\n", "对照"), ("a: 1\n", "应为文字"), ("a: [\n", "YAML"), ("nothing: 甲\n", "没有要人工填写的节")],
)
def test_a_notes_file_that_does_not_fit_is_refused_and_nothing_is_kept(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = tmp_path / "notes.yaml"
    notes.write_text(text, encoding="utf-8")
    out = str(tmp_path / "a.docx")
    assert run("dispatch", "--period", "2025H1", "-o", out, "--notes", str(notes)) == 2
    assert message in capsys.readouterr().err
    assert not Note.objects.exists()
    assert not Path(out).exists()


def test_all_papers_are_written_under_their_chinese_names(tmp_path: Path) -> None:
    written = writing.write_all(tmp_path)
    assert [path.name for path in written] == [
        "调度会材料_2025H1.docx",
        "半年度分析报告_2025H1.docx",
        "年度综合研判_2024.docx",
        "通报_2025H1.docx",
        "证据表_2025H1.docx",
        "重点任务台账_2025.xlsx",
    ]
    assert Issue.objects.count() == 6
    writing.write_all(tmp_path)
    assert Issue.objects.count() == 6


def test_a_sheet_needs_a_city_of_the_pack() -> None:
    ctx = writing.context("evidence", Period.parse("2025H1"), None, "杭州", "ding")
    assert evidence.sheets(ctx) == [("330100", "ding")]


def test_the_ledger_of_a_part_year_is_the_years() -> None:
    half, year = (writing.make_file("ledger", Period.parse(p)) for p in ("2025H1", "2025"))
    assert half.data == year.data
    assert half.period == "2025"
