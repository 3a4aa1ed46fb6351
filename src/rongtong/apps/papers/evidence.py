"""Evidence sheets (证据表): for one place and one use of the result, the figures, and what no document settles."""

from __future__ import annotations

from collections.abc import Iterator

from rongtong.apps.papers.blocks_base import NONE, UNREPORTED, Context, join, say, synthetic, trimmed
from rongtong.apps.papers.document import Block, Paragraph, Table, Text, Words, plain
from rongtong.apps.planning import queries
from rongtong.engine.indicator import Row

ORDINALS = "一二三四五六七八九"


def sheets(ctx: Context) -> list[tuple[str, str]]:
    """(place, use) of each sheet: every place below the whole and every use of the pack, unless one is asked for.

    Raises queries.Unknown for a use the pack does not name, and for the whole itself.
    """
    uses = [u.code for u in ctx.pack.all("uses")]
    if ctx.use and ctx.use not in uses:
        raise queries.Unknown(f"没有结果运用“{ctx.use}”。应为 {'、'.join(uses)} 之一。")
    places = ctx.pack.places.at_level(ctx.level, ctx.top)
    if ctx.place and ctx.place not in places:
        raise queries.Unknown(f"{ctx.place} 不是{ctx.whole}分列的地方。应为 {'、'.join(places)} 之一。")
    return [(p, u) for p in ([ctx.place] if ctx.place else places) for u in ([ctx.use] if ctx.use else uses)]


def evidence_rows(ctx: Context) -> Iterator[Block]:
    """证据: the place's figures on the use's indicators and on the accompanying published ones."""
    use = ctx.pack.get("uses", ctx.use)
    rows: list[tuple[Words, ...]] = []
    demo = False
    boards = {b.card.code: b for b in ctx.boards}
    chosen = [b.card.code for b in ctx.published] + [c for c in use.indicators if c not in boards or _planned(ctx, c)]
    for code in chosen:
        board = boards.get(code)
        row = next((r for r in board.rows if r.place == ctx.place), None) if board else None
        if board is None or row is None:
            rows.append((say(ctx.card(code).name), say(ctx.period.chinese), (Text(UNREPORTED),), *[(Text(NONE),)] * 6))
            continue
        demo = demo or synthetic(board)
        rows.append(_line(ctx, board.card.name, board.period.chinese, board.card.unit, row, synthetic(board)))
    head = ("指标", "期", "数值", "同比（%）", "位次（增速）", "完成（%）", "应达（%）", "灯", "数据")
    note = "“演示”为演示数据，不是公布数，不得作为证据使用。" if demo else ""
    heads, lines = trimmed(head, rows)
    ranked = "位次是单项指标的增速位次。" if "位次（增速）" in map(plain, heads) else ""
    lit = "没有目标、也没有指明基准的不亮灯；亮灯规则为拟议。"
    yield Table(heads, tuple(lines), note=join(note, lit, ranked))


def _planned(ctx: Context, code: str) -> bool:
    """Whether the indicator is one of the paper's own, not an accompanying published one."""
    return any(b.card.code == code for b in ctx.planned)


def _line(ctx: Context, name: str, period: str, unit: str, row: Row, demo: bool) -> tuple[Words, ...]:
    f = row.figures
    value = join(ctx.cell(f.get("value"), UNREPORTED), unit if "value" in f else "")
    measures = ("yoy", "yoy_rank", "completion", "baseline")
    lamp = str(row.lamp) if row.lamp else NONE
    return (
        say(name),
        say(period),
        value,
        *(ctx.cell(f.get(m)) for m in measures),
        say(lamp),
        say("演示" if demo else "公布"),
    )


def fiscal_evidence(ctx: Context) -> Iterator[Block]:
    """财政投入规则: what is known of the place on each rule that compares actual figures."""
    words: list[Words | str] = []
    unknown: list[str] = []
    for target in ctx.pack.all("targets"):
        same = target.cite.document == (ctx.wording.cite.document if ctx.wording.cite else "")
        if target.kind not in ("monotone", "relative") or not same:
            continue
        card = ctx.card(target.indicator)
        board = ctx.board(card.code, ctx.period.whole_year)
        row = next((r for r in board.rows if r.place == ctx.place), None)
        f = row.figures if row else {}
        item = ctx.pack.find("commitments", target.commitment)
        name = item.name if item else card.name
        if "value" not in f:
            unknown.append(name)
            continue
        then = join("，上年", (ctx.number(f["base"]),), card.unit) if "base" in f else ()
        words.append(join(f"{name}：本年", (ctx.number(f["value"]),), card.unit, then, "。"))
    if unknown:
        words.append(f"{'、'.join(unknown)}，本地无数，未检验。")
    if words:
        yield Paragraph(join(*words))


def open_points(ctx: Context) -> Iterator[Block]:
    """尚未明确: what no document settles about the use."""
    use = ctx.pack.get("uses", ctx.use)
    points = [f"{ORDINALS[i]}是{p.rstrip('。')}" for i, p in enumerate(use.open_points[:9])]
    yield Paragraph(join("；".join(points), "。"))
