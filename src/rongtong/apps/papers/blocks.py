"""The blocks a pack may name in a section of a paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rongtong.apps.papers import blocks_boards, blocks_charts, blocks_goals, blocks_judge, blocks_method, evidence
from rongtong.apps.papers.blocks_base import Context
from rongtong.apps.papers.document import Block
from rongtong.apps.planning.queries import Unknown

Maker = Callable[[Context], Iterator[Block]]

BLOCKS: dict[str, Maker] = {
    "overall": blocks_boards.overall,
    "by_field": blocks_boards.by_field,
    "definitions": blocks_boards.definitions,
    "balance_table": blocks_goals.balance_table,
    "city_table": blocks_boards.city_table,
    "map": blocks_charts.map_,
    "ranking_chart": blocks_charts.ranking_chart,
    "problems": blocks_judge.problems,
    "contributions": blocks_judge.contributions,
    "forecast_table": blocks_goals.forecast_table,
    "structure_tables": blocks_goals.structure_tables,
    "fiscal_rule": blocks_goals.fiscal_rule,
    "method_annex": blocks_method.method_annex,
    "ranked_table": blocks_boards.ranked_table,
    "praise_remind": blocks_judge.praise_remind,
    "rule_hits": blocks_judge.rule_hits,
    "commitment_table": blocks_goals.commitment_table,
    "use_basis": blocks_method.use_basis,
    "evidence_rows": evidence.evidence_rows,
    "fiscal_evidence": evidence.fiscal_evidence,
    "open_points": evidence.open_points,
}


def block(name: str, ctx: Context) -> tuple[Block, ...]:
    """What a block puts into the paper. Raises queries.Unknown naming the file for a name that is none."""
    maker = BLOCKS.get(name)
    if maker is None:
        raise Unknown(f"{ctx.file}：没有“{name}”这种内容块。应为 {'、'.join(sorted(BLOCKS))} 之一。")
    return tuple(maker(ctx))
