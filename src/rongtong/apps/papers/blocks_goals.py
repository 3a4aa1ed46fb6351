"""Blocks about targets: balances, structure, forecasts, fiscal rules, commitments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from rongtong.apps.papers.blocks_base import DEMO, NONE, UNREPORTED, Context, join, reported, say, synthetic, trimmed
from rongtong.apps.papers.document import Block, Paragraph, Table, Text, Words
from rongtong.apps.planning import forecasting, queries
from rongtong.engine.figure import Figure
from rongtong.engine.indicator import Board
from rongtong.engine.pack.check_words import LAMP_KINDS
from rongtong.engine.pack.model import Commitment, Target
from rongtong.engine.period import Period, PeriodError
from rongtong.engine.target import COMPARATOR_WORDS, Difference

VIEWS = {"funds": "按资金来源", "performer": "按执行主体"}
MET = {True: "达到", False: "未达到", None: "无数，未检验"}
RUNNING = "期未满，未检验"


def met_words(target: Target, day: date) -> dict[bool | None, str]:
    """Whether a target is met, in words; before its period has ended there is nothing to judge yet."""
    return dict.fromkeys(MET, RUNNING) if Period.parse(target.period).last_day >= day else MET


def share_of(item: Commitment, goals: Iterable[queries.Goal]) -> queries.Goal | None:
    """The share a commitment is about where its indicator only counts the part: its own target's, else the indicator's."""
    found = list(goals)
    own = [g for g in found if g.target.commitment == item.id]
    same = own or [g for g in found if (g.target.indicator, g.target.unit) == (item.indicator, item.unit)]
    shares = [g for g in same if g.target.kind == "share" and g.target.reference and g.target.reference.denominators]
    known = [g for g in shares if g.verdicts[0].actual]
    return next(reversed(known or shares), None)


def balance_table(ctx: Context) -> Iterator[Block]:
    """合计与各部分: published totals beside published parts, the difference on a line of its own with its readings."""
    year = ctx.period.year
    later = [year] if ctx.wording.code == "dispatch" else range(year, year + 4)
    found = [item for y in later for item in queries.balances(y, ctx.asked_as_of)]
    if found and all(Period.parse(item.balance.period).year != year for item in found):
        yield Paragraph(join(f"{year}年没有登记投入目标，以下列以后年度的目标。"))
    for item in found:
        readings = "；".join(f"{'一二三四五'[i]}是{r.rstrip('。')}" for i, r in enumerate(item.balance.readings[:5]))
        words = join("差额单列，不调平、不摊入任何一项。可能的读法：", readings, "。")
        yield _balance(ctx, item, words if ctx.brief else "")
        if not ctx.brief:
            yield Paragraph(words)
    if not found:
        yield Paragraph(join(f"{year}年没有登记合计与各部分并列的目标。"))


def _balance(ctx: Context, item: Difference, note: Words) -> Table:
    rows: list[tuple[Words, ...]] = []
    for words, figure in (("合计", item.total), *(("其中", f) for f in item.parts)):
        card = ctx.card(figure.key.indicator)
        view = VIEWS.get(card.view, "各类主体合计" if words == "合计" else NONE)
        clause = figure.cites[0].clause if figure.cites else ""
        name = f"{words}：{card.name}" if words == "其中" else card.name
        rows.append((say(name), say(view), ctx.cell(figure), say(clause or NONE)))
    rows.append((say("合计与各部分之差"), (Text(NONE),), ctx.cell(item.difference), (Text(NONE),)))
    return Table(
        ("项目", "口径", f"目标（{item.total.unit}）", "条款"),
        tuple(rows),
        caption=say(f"{Period.parse(item.balance.period).chinese}目标：合计与各部分并列"),
        note=note,
        total_rows=(0,),
    )


def structure_tables(ctx: Context) -> Iterator[Block]:
    """结构: by source of funds and by performer, two tables that never add up to one another."""
    cards = [c for c in ctx.pack.all("indicators") if c.view and c.part_of in ctx.wording.indicators]
    for view, words in VIEWS.items():
        boards = [ctx.board(c.code, ctx.period) for c in cards if c.view == view]
        if boards:
            yield _structure(ctx, words, boards)
    yield Paragraph(
        "两张表角度不同：一张看钱从哪里来，一张看钱由谁花。同一笔钱在两张表里各出现一次，两表的数不相加，也不相互抵减。"
    )


def _structure(ctx: Context, words: str, boards: list[Board]) -> Table:
    rows = []
    for b in boards:
        f = b.total.figures
        rows.append((
            say(b.card.name), ctx.cell(f.get("value"), UNREPORTED), ctx.cell(f.get("yoy")), ctx.cell(f.get("goal")),
            ctx.cell(f.get("completion")), ctx.cell(f.get("baseline")),
            say(str(b.total.lamp)) if b.total.lamp and reported(b) else (Text(NONE),),
        ))  # fmt: skip
    unit = boards[0].card.unit
    note = DEMO if any(synthetic(b) for b in boards) else ""
    head = ("部分", f"累计（{unit}）", "同比（%）", f"全年目标（{unit}）", "完成（%）", "应达（%）", "灯")
    heads, lines = trimmed(head, rows)
    return Table(
        heads,
        tuple(lines),
        caption=say(f"{words}（{ctx.period.chinese}）"),
        note=join(note, "没有公布去重办法，不列占总数的比重。"),
    )


def forecast_table(ctx: Context) -> Iterator[Block]:
    """年末预测: the whole on each indicator, then the places where they have goals."""
    year = ctx.period.whole_year
    if ctx.wording.code == "annual":
        year = year.years_before(-1)
    rows: list[tuple[Words, ...]] = []
    boards: list[tuple[Board, dict[str, Figure]]] = []
    for code in ctx.wording.indicators:
        found = forecasting.figures(code, year, ctx.asked_as_of)
        if found:
            board = ctx.board(code, _made_from(ctx, code, year))
            boards.append((board, found))
            rows.append((say(board.card.name), *_forecast(ctx, board, ctx.top, found)))
    if not rows:
        yield Paragraph(join(f"{year}年还没有可用的累计数，不作年末预测。"))
        return
    unit = boards[0][0].card.unit
    head = (f"累计（{unit}）", f"全年预测（{unit}）", "区间下限", "区间上限", f"全年目标（{unit}）", "达标可能（%）")
    made = {b.period.chinese for b, _ in boards}
    note = "演示数据，不是公布数。" if any(synthetic(b) for b, _ in boards) else ""
    words = (
        f"由{'、'.join(sorted(made))}累计数推算，区间为八成。“{NONE}”为历史不足三年或没有目标，不作区间或可能性判断。"
    )
    caption = f"{ctx.whole}{year}年年末预测"
    yield Table(("指标", *head), tuple(rows), caption=say(caption), note=join(note, words))
    for board, found in boards:
        if any("goal" in r.figures for r in board.rows):
            lines = [(say(r.name), *_forecast(ctx, board, r.place, found)) for r in (*board.rows, board.total)]
            yield Table(
                ("地方", *head),
                tuple(lines),
                caption=say(f"{board.card.name}{year}年年末预测"),
                note=join(note, words),
                total_rows=(len(lines) - 1,),
            )


def _made_from(ctx: Context, code: str, year: Period) -> Period:
    from rongtong.apps.observations.queries import periods_of

    parts = [p for p in periods_of(code, ctx.as_of) if p.cumulative and p.year == year.year and p.months < 12]
    return max(parts, key=lambda p: p.months, default=ctx.period)


def _forecast(ctx: Context, board: Board, place: str, found: dict[str, Figure]) -> tuple[Words, ...]:
    f = next((r.figures for r in (*board.rows, board.total) if r.place == place), {})
    parts = {x.key.measure: x for x in found.values() if x.key.place == place}
    measures = ("forecast", "forecast_low", "forecast_high")
    chance = ctx.cell(parts.get("probability"))
    return (ctx.cell(f.get("value")), *(ctx.cell(parts.get(m)) for m in measures), ctx.cell(f.get("goal")), chance)


def _section_of(clause: str) -> str:
    """The clause's section: its first two numbers."""
    return ".".join(clause.split(".")[:2])


def fiscal_rule(ctx: Context) -> Iterator[Block]:
    """财政投入规则: the rules of the clause's section that compare actual figures, and what they find."""
    section = _section_of(ctx.wording.cite.clause) if ctx.wording.cite else ""
    year = max(ctx.period.year, min((Period.parse(t.period).year for t in ctx.pack.all("targets")), default=0))
    rows = []
    for goal in queries.targets(year, ctx.asked_as_of):
        t = goal.target
        if t.kind not in ("monotone", "relative") or t.place != ctx.top or _section_of(t.cite.clause) != section:
            continue
        commitment = ctx.pack.find("commitments", t.commitment)
        name = commitment.name if commitment else goal.card.name
        for verdict in goal.verdicts:
            rows.append((
                say(name), say(t.cite.clause), ctx.cell(verdict.actual, "无数"),
                ctx.cell(verdict.bar, "无数"), say(met_words(t, ctx.as_of)[verdict.met]),
            ))  # fmt: skip
    if not rows:
        yield Paragraph(join(f"{year}年没有登记财政投入比较规则。"))
        return
    yield Table(
        ("规则", "条款", "实绩", "对照", "结论"),
        tuple(rows),
        caption=say(f"财政投入规则检验（{year}年）"),
        note=join(
            "" if year == ctx.period.year else f"规则自{year}年起登记，{ctx.period.year}年没有登记。",
            "缺少任何一方的数都不作结论。比较基数、增幅口径没有公布的，按指标卡说明的拟议办法。",
        ),
    )


def requirement(item: Commitment) -> str:
    """What the clause asks for, in its own comparator, value and unit."""
    if item.value is None:
        return NONE
    words = COMPARATOR_WORDS.get(item.comparator, "约" if item.comparator == "~" else "")
    return f"{words}{item.value}{item.unit}"


def department(item: Commitment) -> str:
    """The unit responsible as stated; an inferred one says 推断; else 未明确."""
    if item.department:
        return item.department
    return f"未明确（推断：{item.department_inferred}）" if item.department_inferred else "未明确"


def due(item: Commitment) -> str:
    """The period of a commitment in words; without one the document states none."""
    try:
        return Period.parse(item.period).chinese if item.period else "未明确"
    except PeriodError:
        return item.period


def commitment_table(ctx: Context) -> Iterator[Block]:
    """任务清单: the commitments of the clause's section that carry a lamp, with unit and date."""
    section = _section_of(ctx.wording.cite.clause) if ctx.wording.cite else ""
    chosen = [
        c
        for c in ctx.pack.all("commitments")
        if c.kind in LAMP_KINDS and c.status != "done" and _section_of(c.clause) == section
    ]
    if not chosen:
        yield Paragraph(join(f"第{section}条没有登记需跟踪的任务。"))
        return
    targets = {t.commitment: t for t in ctx.pack.all("targets") if t.kind == "level"}
    goals = {g.target.code: g.figure for g in queries.targets(ctx.period.year, ctx.asked_as_of)}
    rows = []
    for item in chosen:
        target = targets.get(item.id)
        figure = goals.get(target.code) if target else None
        asked: Words = say(requirement(item))
        if figure is not None:
            words = COMPARATOR_WORDS.get(item.comparator, "")
            asked = join(words, (ctx.number(figure),), str(figure.unit))
        rows.append((say(item.id), say(item.name), asked, say(department(item)), say(due(item))))
    yield Table(
        ("编号", "任务", "要求", "责任单位", "完成时间"),
        tuple(rows),
        align=("left", "left", "left", "left", "left"),
        caption=say(f"第{section}条需跟踪的任务"),
        note="责任单位、完成时间以文件写明的为准；文件没有写明的列“未明确”，括号内为推断，待核定。",
    )
