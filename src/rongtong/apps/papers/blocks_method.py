"""The method annex and the tracing annex: how each number was made, from what, as known on which day."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rongtong.apps.papers.blocks_base import Context, join, releases, say
from rongtong.apps.papers.document import Block, Paragraph, Source, Table, Words
from rongtong.apps.planning import naming
from rongtong.engine.figure import Figure

METHODS = (
    (
        "同比",
        "有公布增速的用公布增速，没有的由本期与上年同期的水平值计算；合计的增速由水平值计算，不取各地增速的平均。",
    ),
    ("上年同期", "没有公布水平值的，由本期水平值除以一加公布增速反推，标为测算。"),
    ("占比、位次", "占比为本地与合计之比；位次只在有数的地方之间排，相同的并列。"),
    ("完成率、应达", "完成率为累计与全年目标之比；应达按目标选定的基准，可为月数、上年同期完成份额或里程碑。"),
    ("亮灯", "● 正常、▲ 滞后、■ 严重滞后、◆ 临期、○ 未报，形状与文字并用；没有目标或指明的基准不亮灯；规则为拟议。"),
    ("年末预测", "由近年同期完成份额推算，给出八成区间；不足三年历史的不给区间。"),
    ("差额", "公布的合计与各部分之差、未分到各地的数都单列，不调平。"),
)
SHORT = {
    "growth": "算：本期与上年同期之比减一",
    "base_from_growth": "测算：本期除以一加公布增速",
    "share": "算：部分与合计之比",
    "gap": "算：本地增速减合计增速",
    "rank": "算：有数的地方之间排位",
    "sum": "算：各地相加",
    "difference": "算：相减",
    "completion": "算：累计与全年目标之比",
    "baseline_linear": "算：已过月数占全年",
    "baseline_last_year": "算：上年同期占上年全年",
    "baseline_milestones": "目标里程碑",
    "pace": "算：完成率与应达之比",
}
BY_MEASURE = {
    "contribution": "算：增量与合计上年同期之比",
    "contribution_rest": "算：合计增速减各地拉动之和",
    "shortfall": "算：目标乘应达减累计",
    "shortfall_rest": "算：合计差额减各地之和",
    "unallocated": "算：合计减各地之和",
    "difference": "算：合计减各部分",
    "rank_change": "算：上期位次减本期位次",
}


def method_annex(ctx: Context) -> Iterator[Block]:
    """方法与数据版本: methods in words, the packs' fingerprint, the releases used. Comes last, so that it knows all."""
    day = f"{ctx.as_of.year}年{ctx.as_of.month}月{ctx.as_of.day}日"
    rows: list[tuple[Words, ...]] = [(say(name), say(words)) for name, words in METHODS]
    rows.append((say("数据版本"), say(f"{day}已知的情况；规则包版本{ctx.pack.fingerprint[:12]}。")))
    used = releases(ctx.shown.values())
    demo = (
        "演示数据由系统按固定种子生成，不得引用。" if any(f.status == "synthetic" for f in ctx.shown.values()) else ""
    )
    rows.append((say("数据来源"), say(("；".join(used) + "。" if used else "没有用到公布数。") + demo)))
    caption = "方法与数据版本" if ctx.wording.code == "dispatch" else ""
    yield Table(("项目", "说明"), tuple(rows), align=("left", "left"), widths_mm=(28, 128), caption=caption)


def use_basis(ctx: Context) -> Iterator[Block]:
    """用途与依据: the clause that names the use, and that no document gives a score rule."""
    for use in ctx.pack.all("uses"):
        if not ctx.use or use.code == ctx.use:
            yield Paragraph(join(use_words(ctx, use.code)))


def use_words(ctx: Context, code: str) -> str:
    """One sentence on a use: its name, the clause, the rule or that none is given."""
    use = ctx.pack.get("uses", code)
    document = ctx.pack.find("documents", use.cite.document)
    title = (document.number or document.title) if document else use.cite.document
    rule = f"评分规则：{use.rule}。" if use.rule else "文件未给出评分规则，本表只列证据，不打分、不作综合排名。"
    return f"用途：{use.name}。依据：{title}第{use.cite.clause}条。{rule}"


def source_words(ctx: Context, figure: Figure) -> str:
    """Where a figure came from, in a few words: the release, the file, the clause or the derivation."""
    demo = "；演示" if figure.status == "synthetic" else ""
    cite = figure.cites[0] if figure.cites else None
    if figure.operation == "observed":
        if demo:
            return "演示数据（生成）"
        named = "、".join(releases([figure]))
        title = re.search(r"《.*》", named)
        return title.group() if title else named or (cite.file if cite else "")
    if figure.operation == "target" and cite:
        document = ctx.pack.find("documents", cite.document)
        return f"目标：{(document.number or document.title) if document else cite.document} {cite.clause}".strip()
    if figure.operation == "forecast" and cite:
        return f"预测：{cite.note.split(',')[0].replace(' ', '')}{demo}"
    if figure.operation == "allocated" and cite:
        return cite.note
    words = BY_MEASURE.get(figure.key.measure) or SHORT.get(figure.operation) or f"算：{figure.note}"
    return f"{words}{demo}"


def sources(ctx: Context, figures: tuple[tuple[str, str], ...]) -> tuple[Source, ...]:
    """One line per printed figure and text, in order of figure id."""
    return tuple(
        Source(f, shown, source_words(ctx, ctx.shown[f]), *naming.about(ctx.pack, ctx.shown[f].key))
        for f, shown in sorted(figures)
    )
