"""Blocks of judgement (研判): problems, what makes the change and the shortfall, praise and reminders, rules that fired."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rongtong.apps.papers.blocks_base import DEMO, NONE, UNREPORTED, Context, by_growth, join, listed, say, synthetic
from rongtong.apps.papers.document import Block, Inline, Paragraph, Table, Text, Words
from rongtong.engine import breakdown
from rongtong.engine.breakdown import Breakdown
from rongtong.engine.figure import Figure
from rongtong.engine.indicator import Board, Row
from rongtong.engine.pack.model import LampRule

FEW = 3


def _behind(board: Board) -> list[Row]:
    """Red rows first, then the slowest few, each once."""
    red = [r for r in board.rows if r.lamp and r.lamp.code == "red"]
    slow = by_growth(board.rows)[::-1][:FEW]
    return red + [r for r in slow if r not in red]


def problems(ctx: Context) -> Iterator[Block]:
    """存在问题: red lamps and the slowest three of each board; boards without places say so."""
    for board in ctx.boards:
        short = breakdown.shortfall(board)
        if not any("value" in r.figures for r in board.rows):
            continue
        red = [r for r in board.rows if r.lamp and r.lamp.code == "red"]
        goals = any("goal" in r.figures for r in board.rows)
        if synthetic(board) and not goals and ctx.brief:
            continue
        words: list[Words] = [ctx.title(board), "："]
        if red:
            words.append(join(f"{red[0].lamp}的有", "、".join(r.name for r in red), "。"))
        slow = by_growth(board.rows)[::-1][:FEW]
        words += ["增速后三位为", listed(_grown(ctx, r, lamp=False) for r in slow), "。"] if slow else []
        words += [_about(ctx, board, r, short) for r in red]
        yield Paragraph(join(*words))
    if ctx.unreported:
        names = "、".join(c.name for c in ctx.unreported)
        yield Paragraph(join(f"{names}{ctx.period.chinese}{UNREPORTED}，各地进度无从判断。"))


def _about(ctx: Context, board: Board, row: Row, short: Breakdown | None) -> Words:
    words = ctx.row_sentence("behind" if "completion" in row.figures else "city", board, row)
    gap = short.parts.get(row.place) if short else None
    if gap is not None and gap.number > 0:
        words = join(words, ctx.row_sentence("gap", board, row, {"shortfall": gap}))
    return words


def contributions(ctx: Context) -> Iterator[Block]:
    """差距来源: each place's contribution to growth and part of the shortfall; they add up with the rest."""
    columns: list[_Column] = []
    for board in ctx.boards:
        if not any("base" in r.figures for r in board.rows):
            continue
        grown, short = breakdown.contributions(board), breakdown.shortfall(board)
        goals = any("goal" in r.figures for r in board.rows)
        if synthetic(board) and not goals and ctx.wording.code == "dispatch":
            continue
        if not ctx.in_annex:
            if grown and not (goals and ctx.brief):
                yield Paragraph(join(_mark(board), _pulled(ctx, board, grown)))
            if short and goals and short.total.number > 0:
                yield Paragraph(join(_mark(board), _short(ctx, board, short)))
        found = [_Column(board, "拉动（百分点）", grown)] if grown else []
        found += [_Column(board, f"距应达差额（{board.card.unit}）", short)] if short and goals else []
        columns += found
        # Of parts without goals of places the sentence is enough.
        whole = goals or not board.card.part_of
        if found and whole and not ctx.brief and not ctx.in_annex:
            yield _breakdown_table(ctx, found)
    if columns and ctx.in_annex:
        yield _breakdown_table(ctx, columns)


def _mark(board: Board) -> tuple[Inline, ...]:
    return say("（演示数据）") if synthetic(board) else ()


def _name(board: Board, place: str) -> str:
    return next(r.name for r in board.rows if r.place == place)


def _pulled(ctx: Context, board: Board, grown: Breakdown) -> Words:
    ordered = sorted(grown.parts.items(), key=lambda kv: (-kv[1].number, kv[0]))
    up = [_amount(ctx, board, p, f, "百分点") for p, f in ordered[:FEW] if f.number > 0]
    down = [_amount(ctx, board, p, f, "百分点", absolute=True) for p, f in ordered[::-1] if f.number < 0]
    total = grown.total
    sign = "增长" if total.number >= 0 else "下降"
    words = join(
        f"{ctx.whole}{board.card.name}{board.period.chinese}同比{sign}", (ctx.number(total, absolute=True),), "%"
    )
    words = join(words, "，拉动较大的是", listed(up)) if up else words
    return join(words, "；下拉的是", listed(down), "。") if down else join(words, "。")


def _short(ctx: Context, board: Board, short: Breakdown) -> Words:
    ordered = sorted(short.parts.items(), key=lambda kv: (-kv[1].number, kv[0]))
    unit = board.card.unit
    most = [_amount(ctx, board, p, f, unit) for p, f in ordered[:FEW] if f.number > 0]
    words = join(
        f"按应达进度，{ctx.whole}{board.card.name}还差",
        (ctx.number(short.total),),
        f"{unit}，差额较大的是",
        listed(most),
    )
    ahead = [_amount(ctx, board, p, f, unit, absolute=True) for p, f in ordered[::-1][:FEW] if f.number < 0]
    if ahead and not ctx.brief:
        words = join(words, "；超出应达进度较多的是", listed(ahead))
    return join(words, "。")


def _amount(
    ctx: Context, board: Board, place: str, figure: Figure, unit: str, *, absolute: bool = False
) -> tuple[Inline, ...]:
    measure = "个百分点" if unit == "百分点" else unit
    return join(_name(board, place), (ctx.number(figure, absolute=absolute),), measure)


@dataclass(frozen=True, slots=True)
class _Column:
    """One breakdown of a board as a column of a table."""

    board: Board
    head: str
    breakdown: Breakdown

    def cell(self, row: Row) -> Figure | None:
        return self.breakdown.total if row.place == self.board.total.place else self.breakdown.parts.get(row.place)


def _breakdown_table(ctx: Context, columns: list[_Column]) -> Table:
    """Breakdowns by place with the rest and the total. Of one board, its levels come first."""
    boards = list({c.board.card.code: c.board for c in columns}.values())
    first, one = boards[0], len(boards) == 1
    unit = first.card.unit
    levels = [("base", f"上年同期（{unit}）"), ("value", f"本期（{unit}）")] if one else []
    lines: list[tuple[Words, ...]] = []
    for row in (*first.rows, first.total):
        known = [ctx.cell(row.figures.get(m), UNREPORTED) for m, _ in levels]
        lines.append((say(row.name), *known, *(ctx.cell(c.cell(row), UNREPORTED) for c in columns)))
    empty: list[Words] = [(Text(NONE),) for _ in levels]
    lines.insert(-1, (say("未分到各地等"), *empty, *(ctx.cell(c.breakdown.rest) for c in columns)))
    heads = [c.head if one else f"{c.board.card.name}{c.head}" for c in columns]
    bases = [r.figures["base"] for b in boards for r in b.rows if "base" in r.figures]
    note = "上年同期由公布增速反推的，为测算数。" if any(f.status == "estimate" for f in bases) else ""
    if any("差额" in c.head for c in columns):
        note += "差额为负的是超出应达进度；“未分到各地等”含余项和各地应达进度不同的影响。"
    demo = [b.card.name for b in boards if synthetic(b)]
    return Table(
        ("地方", *(head for _, head in levels), *heads),
        tuple(lines),
        caption=join(ctx.title(first), "差距来源") if one else "差距来源",
        note=join(
            f"{'、'.join(demo)}为{DEMO}" if demo else "", "各行与“未分到各地等”之和等于合计，单行四舍五入。", note
        ),
        total_rows=(len(lines) - 1,),
        widths_mm=() if one else (24, *[132 // len(columns)] * len(columns)),
    )


def praise_remind(ctx: Context) -> Iterator[Block]:
    """表扬与提醒: the fastest three not behind, and the red ones with the slowest three; a draft list to be checked."""
    for board in ctx.boards:
        ranked = by_growth(board.rows)
        if not ranked:
            continue
        good = [r for r in ranked if not r.lamp or r.lamp.code in ("green", "blue")]
        praised = [r for r in good if r.figures["yoy_rank"].number <= FEW]
        remind = [r for r in _behind(board) if r not in praised]
        words: list[Words] = [ctx.title(board), "。拟表扬："]
        words += [listed(_grown(ctx, r) for r in praised) if praised else "无"]
        words += ["；拟提醒：", listed(_grown(ctx, r) for r in remind) if remind else "无", "。"]
        yield Paragraph(join(*words))
    if not ctx.boards:
        yield Paragraph("没有可排位的数，不列名单。")
    yield Paragraph("表扬为增速前三位且不亮黄灯、红灯的，提醒为亮红灯的和增速后三位的；办法为拟议，印发前核对。")


def _grown(ctx: Context, row: Row, *, lamp: bool = True) -> tuple[Inline, ...]:
    yoy = row.figures["yoy"]
    word = "增长" if yoy.number >= 0 else "下降"
    lit = f"（{row.lamp}）" if lamp and row.lamp and row.lamp.code in ("red", "yellow") else ""
    return join(f"{row.name}{word}", (ctx.number(yoy, absolute=True),), f"%{lit}")


def rule_hits(ctx: Context) -> Iterator[Block]:
    """规则触发: every yellow or red lamp with the case that held and the number it looked at."""
    rows: list[tuple[Words, ...]] = []
    for board in ctx.boards:
        for row in (*board.rows, board.total):
            if row.lamp and row.lamp.code in ("red", "yellow"):
                seen = row.figures.get("pace") or row.figures.get("gap")
                if row.lamp.rule and "gap" in dict(row.lamp.numbers) and "completion" not in row.figures:
                    seen = row.figures.get("gap")
                rule = _rule(ctx, row.lamp.rule, row.lamp.rule_from)
                reason = next((c.reason for c in rule.cases if c.when == row.lamp.case), "") if rule else ""
                measured = join(
                    ctx.cell(seen), "%" if seen and seen.key.measure == "pace" else "个百分点" if seen else ""
                )
                rows.append((
                    say(board.card.name), say(row.name), say(str(row.lamp)), say(reason or row.lamp.case), measured,
                ))  # fmt: skip
    if not rows:
        yield Paragraph("没有地方亮黄灯、红灯。")
        return
    note = "亮灯规则为拟议；“数值”一列，进度规则为完成率与应达进度之比，增速规则为与上一级增速之差。"
    demo = any(synthetic(b) and any(r.lamp for r in (*b.rows, b.total)) for b in ctx.boards)
    words = join("投入类指标为演示数据，不是公布数。" if demo else "", note)
    yield Table(("指标", "地方", "灯", "触发条件", "数值"), tuple(rows), note=words)


def _rule(ctx: Context, code: str, since: str) -> LampRule | None:
    return next((r for r in ctx.pack.all("lamps") if r.code == code and str(r.valid_from) == since), None)
