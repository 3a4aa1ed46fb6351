"""The papers where only published figures exist: nothing is invented, what is not reported is said; blocks by name."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from rongtong.apps.papers import blocks, blocks_base, writing
from rongtong.apps.papers.document import Paper, Paragraph, Table, check, figures, plain
from rongtong.apps.papers.layout import docx_bytes
from rongtong.apps.planning.queries import Unknown
from rongtong.engine.figure import Key
from rongtong.engine.pack.plan import Section
from rongtong.engine.period import Period

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("real_store")]

H1 = Period.parse("2025H1")


def texts(made: Paper) -> str:
    paragraphs = [plain(b.words) for b in made.blocks if isinstance(b, Paragraph)]
    tables = [b for b in made.blocks if isinstance(b, Table)]
    return "\n".join(paragraphs + [plain(cell) for t in tables for row in t.rows for cell in row])


@pytest.mark.parametrize(
    ("kind", "period"),
    [
        ("dispatch", "2025H1"),
        ("half_year", "2025H1"),
        ("annual", "2024"),
        ("bulletin", "2025H1"),
        ("evidence", "2025H1"),
    ],
)
def test_without_generated_figures_every_paper_is_made_and_says_what_is_not_reported(kind: str, period: str) -> None:
    made = writing.compose(kind, Period.parse(period))
    assert check(made) == []
    assert docx_bytes(made)
    assert made.notice == ""
    assert "未报" in texts(made)
    assert "演示" not in texts(made)
    about_input = {Key.parse(f).measure for f, _ in figures(made) if f.startswith("input_")}
    assert about_input <= {"target", "difference"}, "of the inputs only the document's targets are known"


def test_all_papers_are_written_without_generated_figures_too(tmp_path: Path) -> None:
    assert len(writing.write_all(tmp_path)) == len(writing.KINDS)


@pytest.mark.parametrize(("day", "said"), [(None, "期未满，未检验"), (date(2026, 1, 1), "无数，未检验")])
def test_a_rule_without_figures_is_not_judged(day: date | None, said: str) -> None:
    ctx = writing.context("half_year", H1, day, "", "")
    (table,) = blocks.block("fiscal_rule", ctx)
    assert isinstance(table, Table)
    assert {plain(row[-1]) for row in table.rows} == {said}


def test_without_a_part_year_value_no_forecast_is_made() -> None:
    ctx = writing.context("half_year", H1, None, "", "")
    (words,) = blocks.block("forecast_table", ctx)
    assert isinstance(words, Paragraph)
    assert "不作年末预测" in plain(words.words)


def test_breakdown_rows_and_the_rest_stand_beside_the_published_total() -> None:
    ctx = writing.context("half_year", H1, None, "", "")
    table = next(b for b in blocks.block("contributions", ctx) if isinstance(b, Table))
    assert [plain(table.rows[-2][0]), plain(table.rows[-1][0])] == ["未分到各地等", "全省"]
    assert (plain(table.rows[-2][-1]), plain(table.rows[-1][-1])) == ("-0.01", "7.7")


def test_every_block_the_pack_names_exists() -> None:
    for kind in writing.KINDS:
        ctx = writing.context(kind, Period.parse("2025") if kind in ("annual", "ledger") else H1, None, "", "")
        assert {name for s in ctx.wording.sections for name in s.blocks} <= set(blocks.BLOCKS)


def test_an_unknown_block_names_the_file() -> None:
    ctx = writing.context("dispatch", H1, None, "", "")
    with pytest.raises(Unknown, match=r"zhejiang/papers/dispatch\.yaml.*weather.*balance_table"):
        blocks.block("weather", ctx)


@pytest.mark.parametrize("template", ["{nothing}", "[{value}"])
def test_a_sentence_that_is_wrong_names_the_file(template: str) -> None:
    ctx = writing.context("dispatch", H1, None, "", "")
    ctx.wording = ctx.wording.model_copy(update={"sentences": {"overall": template}})
    with pytest.raises(Unknown, match=r"zhejiang/papers/dispatch\.yaml"):
        blocks.block("overall", ctx)


def test_a_packs_own_sentence_replaces_the_usual_one() -> None:
    ctx = writing.context("dispatch", H1, None, "", "")
    ctx.wording = ctx.wording.model_copy(update={"sentences": {"overall": "{name}共{value}{unit}。"}})
    first = next(iter(blocks.block("overall", ctx)))
    assert isinstance(first, Paragraph)
    assert plain(first.words).startswith("规上工业研发费用共851.36亿元。")


def test_headings_lose_the_ordinal_the_pack_wrote() -> None:
    assert writing.heading(Section(key="a", heading="一、总体进展")) == "总体进展"
    assert writing.heading(Section(key="a", heading="附件 方法")) == "方法"
    assert writing.heading(Section(key="a", heading="分领域")) == "分领域"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("完成,未报;甲(乙):丙", "完成，未报；甲（乙）：丙"),
        ("2025年,同比(%)", "2025年，同比（%）"),
        ("条款2.4.1;2,345", "条款2.4.1；2,345"),
        (",", "，"),
        ("2025-07-15,2:1", "2025-07-15,2:1"),
    ],
)
def test_punctuation_is_that_of_chinese_text(text: str, shown: str) -> None:
    assert blocks_base.wide(text) == shown
