"""Blocks about indicators: what they mean, how far the whole is, tables of places."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rongtong.apps.papers.blocks_base import (
    DEMO,
    NONE,
    UNREPORTED,
    Context,
    by_growth,
    join,
    listed,
    releases,
    say,
    synthetic,
    trimmed,
)
from rongtong.apps.papers.document import Block, Box, Heading, Inline, Paragraph, Table, Text, Words
from rongtong.apps.planning import forecasting
from rongtong.engine.figure import Figure
from rongtong.engine.indicator import Board, Row


def definitions(ctx: Context) -> Iterator[Block]:
    """口径与数据状态: what each indicator is, which are published, and as known on which day."""
    cards = {b.card.code: b.card for b in ctx.boards} | {c.code: c for c in ctx.unreported}
    scopes = {code: ctx.pack.get("scopes", code).name for code in dict.fromkeys(c.scope for c in cards.values())}
    apart = "不同口径的数分别列示，不相加、不互相替代。" if len(scopes) > 1 else ""
    if ctx.brief:
        named = {scope: "、".join(c.name for c in cards.values() if c.scope == scope) for scope in scopes}
        words = "；".join(f"{names}按{_scope(scopes[scope])}" for scope, names in named.items())
        yield Box("口径与数据状态", (Paragraph(join(words, "。", apart)), Paragraph(_state(ctx))))
        return
    paragraphs = [
        Paragraph(join(f"{c.name}（{_unit(c.unit)}，{_scope(scopes[c.scope])}）：", c.definition))
        for c in cards.values()
    ]
    last = [Paragraph(apart)] if apart else []
    yield Box("口径与数据状态", (*paragraphs, *last, Paragraph(_state(ctx))))


def _scope(name: str) -> str:
    return name if "口径" in name else f"{name}口径"


def _unit(symbol: str) -> str:
    return "指数" if symbol == "1" else symbol


def _state(ctx: Context) -> Words:
    words = [f"数据截至{ctx.as_of.year}年{ctx.as_of.month}月{ctx.as_of.day}日已知的情况。"]
    real = [b for b in ctx.boards if not synthetic(b)]
    made = [b.card.name for b in ctx.boards if synthetic(b)]
    words += [f"{b.card.name}为{b.period.chinese}公布数。" for b in real]
    if made:
        words.append(
            f"{'、'.join(made)}没有分{ctx.below}的公布数，本材料所列为演示数据，由系统按固定种子生成，不得引用。"
        )
    if ctx.unreported:
        words.append(f"{'、'.join(c.name for c in ctx.unreported)}{ctx.period.chinese}{UNREPORTED}，不作推算。")
    return join(*words)


def overall(ctx: Context) -> Iterator[Block]:
    """总体进展: the whole's published indicators, then its total with completion, forecast and lamp."""
    for board in ctx.published:
        if board.card.aggregation.place != "sum":
            continue
        yield Paragraph(join(ctx.row_sentence("overall", board, board.total), _spread(ctx, board), ctx.origin(board)))
    for board in ctx.planned:
        if not board.card.part_of:
            yield Paragraph(progress(ctx, board))
    if ctx.unreported:
        names = "、".join(c.name for c in ctx.unreported)
        yield Paragraph(join(f"{ctx.period.chinese}，{ctx.whole}{names}{UNREPORTED}，完成率、亮灯和年末预测均不列。"))


def progress(ctx: Context, board: Board) -> Words:
    """The whole on one planned indicator: level, growth, completion against what is due, lamp, forecast."""
    if "value" not in board.total.figures:
        return join(f"{board.period.chinese}，{ctx.whole}{board.card.name}{UNREPORTED}。")
    words = [say("（演示数据）") if synthetic(board) else (), ctx.row_sentence("overall", board, board.total)]
    lamp = board.total.lamp
    if lamp:
        words.append(join(f"亮灯为{lamp}（依据：{lamp.basis}）。"))
    year = board.period.whole_year
    found = forecasting.figures(board.card.code, year, ctx.asked_as_of)
    parts = {f.key.measure: f for f in found.values() if f.key.place == ctx.top}
    if board.period != year and {"forecast", "forecast_low", "forecast_high"} <= parts.keys():
        words.append(ctx.fill("forecast", parts, name=board.card.name, unit=board.card.unit))
    return join(*words)


def _spread(ctx: Context, board: Board) -> tuple[Inline, ...]:
    """Which places grow faster than the whole, which slower, which fall."""
    ranked = by_growth(r for r in board.rows if "gap" in r.figures)
    above = [r.name for r in ranked if r.figures["gap"].number >= 0]
    below = [r.name for r in ranked if r.figures["gap"].number < 0]
    if not above or not below:
        return ()
    return say(f"增速不低于{ctx.whole}的有{'、'.join(above)}；低于{ctx.whole}的有{'、'.join(below)}。")


def by_field(ctx: Context) -> Iterator[Block]:
    """分领域: one line per indicator of the whole, and a sentence on each part."""
    boards = [b for b in ctx.boards if "value" in b.total.figures]
    if boards:
        yield _field_table(ctx, boards)
    parts = [b for b in boards if b.card.part_of]
    if ctx.brief and parts:
        demo = say("（演示数据）") if any(map(synthetic, parts)) else ()
        words = listed((_field(ctx, b) for b in parts), "；")
        yield Paragraph(join(demo, f"{parts[0].period.chinese}，{ctx.whole}", words, "。"))
    known = {b.card.code for b in ctx.boards}
    other = [ctx.card(c) for c in ctx.wording.real_indicators if c not in known and ctx.card(c).measure_of is None]
    points = [p for card in other for p in _points(ctx, card.code)]
    if points and not ctx.brief:
        head = ("指标", "地方", "期", "数值", "单位")
        note = join(f"没有{ctx.whole}数，只列已公布的地方。来源：", "、".join(releases(f for _, f in points)), "。")
        yield Table(head, tuple(line for line, _ in points), caption=f"已公布的分{ctx.below}数", note=note)
    # A brief paper says once, at its head, what is not reported.
    missing = [c.name for c in (*(() if ctx.brief else ctx.unreported), *other)]
    if missing:
        yield Paragraph(join(f"以下指标在本期前一年内没有{ctx.whole}的公布数或报送数，不列：{'、'.join(missing)}。"))


def _points(ctx: Context, code: str) -> list[tuple[tuple[Words, ...], Figure]]:
    """What single places published of an indicator the whole has no value for, the latest period."""
    for period in ctx.recent(code):
        board = ctx.board(code, period)
        found = [(r, r.figures["value"]) for r in board.rows if "value" in r.figures]
        if found:
            name, unit = board.card.name, _unit(board.card.unit)
            return [((say(name), say(r.name), say(period.chinese), ctx.cell(f), say(unit)), f) for r, f in found]
    return []


def _field(ctx: Context, board: Board) -> tuple[Inline, ...]:
    lamp = f"（{board.total.lamp}）" if board.total.lamp else ""
    return join(ctx.row_sentence("field", board, board.total), lamp)


def _field_table(ctx: Context, boards: list[Board]) -> Table:
    rows = []
    for b in boards:
        f = b.total.figures
        rows.append((
            say(b.card.name), say(b.period.chinese), ctx.cell(f.get("value")), say(_unit(b.card.unit)), ctx.cell(f.get("yoy")),
            ctx.cell(f.get("goal")), ctx.cell(f.get("completion")), ctx.cell(f.get("baseline")),
            say(str(b.total.lamp) if b.total.lamp else NONE), say("演示" if synthetic(b) else "公布"),
        ))  # fmt: skip
    head = ("指标", "期", "数值", "单位", "同比（%）", "全年目标", "完成（%）", "应达（%）", "灯", "数据")
    heads, lines = trimmed(head, rows)
    return Table(heads, tuple(lines), caption=f"{ctx.whole}各项指标进展", note=_lamp_note(boards))


def _lamp_note(boards: list[Board]) -> Words:
    bases = {b.total.lamp.basis for b in boards if b.total.lamp}
    lamps = f"亮灯依据：{'、'.join(sorted(bases))}。" if bases else ""
    return join(f"{lamps}没有目标的不亮灯。", "“演示”为演示数据，不是公布数。" if any(map(synthetic, boards)) else "")


Columns = list[tuple[str, Callable[[Row], Words]]]


def _columns(ctx: Context, board: Board) -> Columns:
    """The columns of a table of places: only those of which anything is known."""
    rows = (*board.rows, board.total)
    unit = board.card.unit
    share = ctx.companion(board, "share_of_revenue")
    shares = {r.place: r.figures.get("value") for r in (*share.rows, share.total)} if share else {}

    def known(measure: str) -> bool:
        return any(measure in r.figures for r in rows)

    def of(measure: str) -> Callable[[Row], Words]:
        return lambda r: ctx.cell(r.figures.get(measure), UNREPORTED if measure == "value" else NONE)

    goals = any("goal" in r.figures for r in board.rows)
    wanted = [("value", f"累计（{unit}）"), ("yoy", "同比（%）"), ("yoy_rank", "位次（增速）")]
    wanted += [("goal", f"全年目标（{unit}）"), ("completion", "完成（%）"), ("baseline", "应达（%）")] if goals else []
    wanted += [("share", f"占{ctx.whole}（%）")]
    wanted += [] if goals or ctx.in_annex else [("gap", f"与{ctx.whole}差（百分点）")]
    columns: Columns = [(head, of(measure)) for measure, head in wanted if known(measure)]
    if shares and not goals:
        columns.append(("占营收（%）", lambda r: ctx.cell(shares.get(r.place))))
    if any(r.lamp for r in board.rows):
        columns.append(("灯", lambda r: say(str(r.lamp)) if r.lamp else (Text(NONE),)))
    return columns


def place_table(ctx: Context, board: Board) -> Table:
    """A board as a table of places, then the whole, then what is not allocated to a place."""
    columns = _columns(ctx, board)
    lines = [(say(r.name), *(make(r) for _, make in columns)) for r in (*board.rows, board.total)]
    total = len(board.rows)
    if board.unallocated and board.unallocated.number:
        rest = tuple((Text(NONE),) for _ in columns[1:])
        lines.append((say(f"未分到{ctx.below}"), ctx.cell(board.unallocated), *rest))
    return Table(
        ("地方", *(head for head, _ in columns)),
        tuple(lines),
        caption=ctx.title(board),
        note=join(ctx.origin(board), _table_note(board)),
        total_rows=(total,),
    )


def _joint_table(ctx: Context, boards: list[Board]) -> Table:
    """Boards whose places have no goals beside one another, to save room; their values are never added."""
    head, measures = ["地方"], ("value", "yoy", "yoy_rank", "share")
    for b in boards:
        head += [f"{b.card.name}（{b.card.unit}）", "同比（%）", "位次（增速）", f"占{ctx.whole}（%）"]
    places = [r.place for r in boards[0].rows] + [ctx.top]
    lines: list[tuple[Words, ...]] = []
    for place in places:
        rows = [next(r for r in (*b.rows, b.total) if r.place == place) for b in boards]
        cells = [ctx.cell(r.figures.get(m), UNREPORTED if m == "value" else NONE) for r in rows for m in measures]
        lines.append((say(rows[0].name), *cells))
    rest: list[Words] = [c for b in boards for c in (ctx.cell(b.unallocated), *[(Text(NONE),)] * (len(measures) - 1))]
    if any(b.unallocated and b.unallocated.number for b in boards):
        lines.append((say(f"未分到{ctx.below}"), *rest))
    period = boards[0].period.chinese
    return Table(
        tuple(head),
        tuple(lines),
        caption=say(f"没有分解到{ctx.below}的投入（{period}，演示数据）"),
        note=join(DEMO, "各地没有分解目标，不亮灯。", "各项不相加。" if len(boards) > 1 else ""),
        total_rows=(len(places) - 1,),
    )


def _table_note(board: Board) -> str:
    bases = {r.lamp.basis for r in board.rows if r.lamp}
    lamps = f"亮灯依据：{'、'.join(sorted(bases))}（规则为拟议）。" if bases else "各地没有分解目标，不亮灯。"
    tied = "位次相同为并列。" if any(r.tied for r in board.rows) else ""
    return lamps + tied


def city_table(ctx: Context) -> Iterator[Block]:
    """各设区市: each board a table; a brief paper leaves those without goals of places to its annex."""
    known = [b for b in ctx.boards if any("value" in r.figures for r in b.rows)]
    first = [b for b in known if not synthetic(b) or any("goal" in r.figures for r in b.rows)]
    rest = [b for b in known if b not in first]
    if ctx.in_annex and rest:
        yield _joint_table(ctx, rest)
    if not ctx.in_annex:
        for board in first if ctx.brief else known:
            yield place_table(ctx, board)
    if not ctx.brief and not ctx.in_annex and ctx.unreported:
        names = "、".join(c.name for c in ctx.unreported)
        yield Paragraph(join(f"各地{ctx.period.chinese}{names}{UNREPORTED}。"))


def previous(ctx: Context, board: Board) -> Board | None:
    """The board of the last earlier cumulative period of the same year, or of the year before, if it has ranks."""
    earlier = [p for p in ctx.recent(board.card.code) if p.last_day < board.period.last_day and p.cumulative]
    for period in earlier:
        found = ctx.board(board.card.code, period)
        if any("yoy_rank" in r.figures for r in found.rows):
            return found
    return None


def ranked_table(ctx: Context) -> Iterator[Block]:
    """位次表: places by growth, with the change of rank since the period before where there is one."""
    for board in ctx.boards:
        if not by_growth(board.rows):
            continue
        before = previous(ctx, board)
        yield Heading(2, ctx.title(board))
        yield _ranked(ctx, board, before)
    if ctx.unreported:
        yield Paragraph(join(f"{'、'.join(c.name for c in ctx.unreported)}{ctx.period.chinese}{UNREPORTED}，不排位。"))


def _ranked(ctx: Context, board: Board, before: Board | None) -> Table:
    then = {r.place: r.figures.get("yoy_rank") for r in before.rows} if before else {}
    rows = []
    for r in by_growth(board.rows):
        f = r.figures
        rows.append((
            ctx.cell(f["yoy_rank"]), say(r.name), ctx.cell(f["value"]), ctx.cell(f["yoy"]), ctx.cell(f.get("gap")),
            ctx.cell(f.get("completion")), ctx.cell(then.get(r.place)), _moved(ctx, f["yoy_rank"], then.get(r.place)),
            say(str(r.lamp)) if r.lamp else (Text(NONE),),
        ))  # fmt: skip
    f = board.total.figures
    rows.append((
        (Text(NONE),), say(board.total.name), ctx.cell(f.get("value")), ctx.cell(f.get("yoy")), (Text(NONE),),
        ctx.cell(f.get("completion")), (Text(NONE),), (Text(NONE),),
        say(str(board.total.lamp)) if board.total.lamp else (Text(NONE),),
    ))  # fmt: skip
    unit = board.card.unit
    gap = f"与{ctx.whole}差（百分点）"
    head = ("位次", "地方", f"累计（{unit}）", "同比（%）", gap, "完成（%）", "上期位次", "变化", "灯")
    note = f"上期为{before.period.chinese}。" if before else "没有可比的上期，位次变化不列。"
    missing = [r.name for r in board.rows if "yoy_rank" not in r.figures]
    note += f"{'、'.join(missing)}{UNREPORTED}，不排位。" if missing else ""
    # A column of which nothing is known of any place is left out, but that there is no change of rank is said.
    keep = [i for i in range(len(head)) if i in (0, 1, 7) or any(row[i] != (Text(NONE),) for row in rows[:-1])]
    return Table(
        tuple(head[i] for i in keep),
        tuple(tuple(row[i] for i in keep) for row in rows),
        align=tuple("left" if i == 1 else "center" if i in (0, 7, 8) else "right" for i in keep),
        note=join(ctx.origin(board), "按同比增速排，位次相同为并列。", note),
        total_rows=(len(rows) - 1,),
    )


def _moved(ctx: Context, now: Figure, then: Figure | None) -> Words:
    from rongtong.engine import figure as fig

    if then is None:
        return (Text(NONE),)
    change = fig.difference(now.key.of("rank_change"), then, now, decimals=0)
    if not change.number:
        return (Text("不变"),)
    return (Text("升" if change.number > 0 else "降"), ctx.number(change, absolute=True))
