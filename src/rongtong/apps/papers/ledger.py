"""The ledger (台账): every commitment with what is known of it, the targets and the balances, as a workbook."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from rongtong.apps.observations.queries import latest_period
from rongtong.apps.papers.blocks_base import Context, reported, synthetic, wide
from rongtong.apps.papers.blocks_goals import VIEWS, department, due, met_words, requirement, share_of
from rongtong.apps.papers.workbook import Cell, Column, Sheet, ledger_bytes
from rongtong.apps.planning import deadlines, queries
from rongtong.engine.figure import STATUS_WORDS, Figure
from rongtong.engine.indicator import Board
from rongtong.engine.pack.check_words import KIND_WORDS, LAMP_KINDS
from rongtong.engine.pack.model import Commitment, Target
from rongtong.engine.period import Period
from rongtong.engine.target import COMPARATOR_WORDS
from rongtong.engine.target import KIND_WORDS as TARGET_WORDS

STATUS = {"done": "已完成", "open": "未完成", "": ""}
NO_LAMP = "—"


@dataclass(slots=True)
class _Shown:
    """The figures written into the workbook."""

    pairs: dict[tuple[str, str], None] = field(default_factory=dict)

    def put(self, figure: Figure | None) -> str | None:
        """A figure's text for a cell, noted."""
        if figure is None:
            return None
        self.pairs[(figure.id, figure.text)] = None
        return figure.text

    def value(self, figure: Figure | None) -> Decimal | None:
        """The same as a number with the digits shown."""
        text = self.put(figure)
        return None if text is None else Decimal(text)


def workbook(ctx: Context) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    """The ledger of a year as .xlsx bytes, and (figure id, text) of every figure in it."""
    shown = _Shown()
    goals = queries.targets(ctx.period.year, ctx.asked_as_of)
    title = f"{ctx.wording.title}（{ctx.period.chinese}）"
    sheets = (
        _commitments(ctx, shown, title, goals),
        _targets(ctx, shown, goals),
        _balances(ctx, shown),
        _lamps(ctx, shown),
        _remarks(ctx),
    )
    meta = {
        "版本": ctx.pack.fingerprint,
        "期别": str(ctx.period),
        "单位": "见各行",
        "来源": f"{ctx.as_of} 已知的情况",
    }
    return ledger_bytes(sheets, meta=meta, day=ctx.as_of), tuple(shown.pairs)


def _latest_board(ctx: Context, code: str) -> Board | None:
    """The indicator's board for the last period known, not after the ledger's year."""
    period = latest_period(code, ctx.as_of)
    if period is None or period.year > ctx.period.year:
        return None
    board = ctx.board(code, period)
    return board if reported(board) else None


def _commitments(ctx: Context, shown: _Shown, title: str, goals: tuple[queries.Goal, ...]) -> Sheet:
    columns = (
        Column("编号", "code", 8), Column("依据", "text", 18), Column("条款", "code", 8), Column("类别", "text", 10),
        Column("事项", "text", 34), Column("要求", "text", 16), Column("完成时间", "text", 14),
        Column("责任单位", "text", 22), Column("指标", "text", 22), Column("最新值", "text", 12),
        Column("单位", "text", 8), Column("最新值的期", "text", 14), Column("数据状态", "text", 10),
        Column("完成率（%）", "number", 10, 1), Column("应达（%）", "number", 10, 1), Column("灯", "text", 12),
        Column("现况与说明", "text", 46), Column("数的编号", "code", 40),
    )  # fmt: skip
    levels = {t.commitment: t for t in ctx.pack.all("targets") if t.kind == "level" and t.period == str(ctx.period)}
    rows = [
        _commitment(ctx, shown, item, levels.get(item.id), share_of(item, goals))
        for item in ctx.pack.all("commitments")
    ]
    return Sheet("任务台账", columns, tuple(rows), title)


def _commitment(
    ctx: Context, shown: _Shown, item: Commitment, target: Target | None, share: queries.Goal | None
) -> tuple[Cell, ...]:
    document = ctx.pack.find("documents", item.document)
    board = _latest_board(ctx, item.indicator) if item.indicator else None
    total = board.total if board else None
    f = total.figures if total else {}
    value = share.verdicts[0].actual if share else f.get("value")
    lamp = str(total.lamp) if total and total.lamp and target else NO_LAMP
    if target and item.kind in LAMP_KINDS and value is None:
        lamp = "○ 未报"
    if lamp == NO_LAMP and not target:
        lamp = str(deadlines.lamp(ctx.pack, item, ctx.as_of) or NO_LAMP)
    same_year = board is not None and board.period.whole_year == ctx.period
    progress = [shown.value(f.get(m)) if target and same_year else None for m in ("completion", "baseline")]
    return (
        item.id, (document.number or document.title) if document else item.document, item.clause,
        KIND_WORDS[item.kind], item.name, requirement(item), due(item), department(item),
        ctx.card(item.indicator).name if item.indicator else "", shown.put(value),
        str(value.unit) if value else "", value.key.period.chinese if value else "",
        STATUS_WORDS.get(value.status, value.status) if value else "", *progress, lamp,
        _remark(item, value), value.id if value else "",
    )  # fmt: skip


def _remark(item: Commitment, value: Figure | None) -> str:
    words = [STATUS[item.status]]
    if item.unmeasured:
        words.append(item.unmeasured)
    elif value is None:
        words.append("有指标，截至日没有数")
    words.append(item.note)
    return wide("；".join(w.strip("。；;") for w in words if w))


def _targets(ctx: Context, shown: _Shown, goals: tuple[queries.Goal, ...]) -> Sheet:
    columns = (
        Column("代码", "code", 28), Column("指标", "text", 30), Column("地方", "text", 8), Column("期", "text", 10),
        Column("类型", "text", 12), Column("要求", "text", 18), Column("读法", "text", 28),
        Column("实绩", "text", 12), Column("对照", "text", 12), Column("单位", "text", 8),
        Column("是否达到", "text", 12), Column("条款", "code", 12), Column("说明", "text", 46),
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for goal in goals:
        t = goal.target
        words = met_words(t, ctx.as_of)
        asked = f"{COMPARATOR_WORDS[t.comparator]}{shown.put(goal.figure) or ''}{t.unit if goal.figure else ''}"
        for verdict in goal.verdicts:
            unit = verdict.actual.unit if verdict.actual else verdict.bar.unit if verdict.bar else _unit(goal)
            rows.append((
                t.code, goal.card.name, ctx.pack.places.name(t.place), Period.parse(t.period).chinese,
                TARGET_WORDS[t.kind], asked if goal.figure else TARGET_WORDS[t.kind], _reading(ctx, verdict.reading),
                shown.put(verdict.actual), shown.put(verdict.bar), str(unit), words[verdict.met], t.cite.clause, wide(t.note),
            ))  # fmt: skip
    return Sheet("目标", columns, tuple(rows), f"{ctx.period.chinese}目标")


def _unit(goal: queries.Goal) -> str:
    """The unit a target is judged in: rates for growth, relative and share targets."""
    return "%" if goal.target.kind in ("growth", "relative", "share") else goal.card.unit


def _reading(ctx: Context, reading: str) -> str:
    """A reading with names for the codes in it."""
    for card in sorted(ctx.pack.all("indicators"), key=lambda c: -len(c.code)):
        reading = reading.replace(f"占 {card.code} 之比", f"占{card.name}之比")
    place = ctx.pack.places.places.get(reading)
    return place.name if place else reading


def _balances(ctx: Context, shown: _Shown) -> Sheet:
    columns = (
        Column("目标年度", "text", 12), Column("项目", "text", 40), Column("口径", "text", 14),
        Column("目标", "number", 12), Column("单位", "text", 8), Column("可能的读法", "text", 80),
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for year in range(ctx.period.year, ctx.period.year + 4):
        for item in queries.balances(year, ctx.asked_as_of):
            when, unit = Period.parse(item.balance.period).chinese, str(item.total.unit)
            rows.append((when, ctx.card(item.total.key.indicator).name, "合计", shown.value(item.total), unit, ""))
            for part in item.parts:
                card = ctx.card(part.key.indicator)
                rows.append((when, f"其中：{card.name}", VIEWS.get(card.view, ""), shown.value(part), unit, ""))
            readings = wide("；".join(r.rstrip("。") for r in item.balance.readings))
            rows.append((when, "合计与各部分之差", "", shown.value(item.difference), unit, readings))
    return Sheet("合计与部分", columns, tuple(rows), "公布的合计与各部分并列，差额单列，不调平")


def _lamps(ctx: Context, shown: _Shown) -> Sheet:
    columns = (
        Column("指标", "text", 26), Column("地方", "text", 10), Column("期", "text", 14), Column("灯", "text", 12),
        Column("依据", "text", 22), Column("成立的条件", "text", 34), Column("累计", "number", 12, 2),
        Column("完成率（%）", "number", 10, 1), Column("应达（%）", "number", 10, 1), Column("与上级增速差（百分点）", "number", 14, 1),
        Column("数据", "text", 10),
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for code in (*ctx.wording.real_indicators, *ctx.wording.indicators):
        board = _latest_board(ctx, code)
        for row in (*board.rows, board.total) if board else ():
            if board and row.lamp:
                f = row.figures
                measured = (shown.value(f.get(m)) for m in ("value", "completion", "baseline", "gap"))
                rows.append((
                    board.card.name, row.name, board.period.chinese, str(row.lamp), row.lamp.basis, _case(ctx, row.lamp),
                    *measured, "演示数据" if synthetic(board) else "公布",
                ))  # fmt: skip
    return Sheet("亮灯", columns, tuple(rows), "亮灯情况（规则为拟议，没有目标或指明的基准不亮灯）")


def _case(ctx: Context, lamp: object) -> str:
    code, case = getattr(lamp, "rule", ""), getattr(lamp, "case", "")
    rule = ctx.pack.find("lamps", code)
    found = next((c.reason for c in rule.cases if c.when == case), case) if rule else str(case)
    return wide(found)


def _remarks(ctx: Context) -> Sheet:
    """What an officer wrote, or is asked to write."""
    rows = [
        (s.heading, ctx.notes.get(s.key) or f"〔待填：{s.manual.rstrip('。')}〕")
        for s in ctx.wording.sections
        if s.manual
    ]
    return Sheet("说明", (Column("节", "text", 16), Column("内容", "text", 100)), tuple(rows))
