"""What a figure is called: its place, and its period, indicator and measure."""

from __future__ import annotations

from rongtong.apps.planning import queries
from rongtong.engine.figure import Key
from rongtong.engine.pack.read import Pack

MEASURE_WORDS = {
    "yoy": "同比", "share": "占比", "rank": "位次", "yoy_rank": "增速位次", "gap": "与上级增速之差", "base": "上年同期",
    "check": "由各地水平值核对的增速", "completion": "完成率", "baseline": "应达进度", "pace": "进度比", "target": "目标",
    "allocated": "分解目标", "parts": "各地合计", "parts_base": "各地上年同期合计", "forecast": "年末预测",
    "forecast_low": "预测下限", "forecast_high": "预测上限", "probability": "完成目标的可能", "unallocated": "未分到下一级",
    "difference": "合计与各部分之差", "needed": "应达增速", "growth": "增速", "contribution": "对变动的贡献",
    "contribution_rest": "其余的贡献", "shortfall": "缺口", "shortfall_rest": "其余的缺口", "rank_change": "位次变化",
    "part_share": "占合计之比", "part_rest": "合计与各部分之差", "part_rest_share": "差额占合计之比",
    "unallocated_share": "未分到下一级的占比",
}  # fmt: skip


def about(pack: Pack, key: Key) -> tuple[str, str]:
    """(place, what of it): 某市, 2025年一季度某指标同比."""
    place = "未分到下一级" if key.place == queries.UNALLOCATED else pack.places.name(key.place)
    card = pack.find("indicators", key.indicator)
    chained = pack.find("chains", key.chain) if key.chain else None
    words = f"{key.period.chinese}{card.name if card else key.indicator}"
    base = pack.find("indicators", key.base) if key.base else None
    measure = f"占{base.name}之比" if base else MEASURE_WORDS.get(key.measure, "")
    return place, words + (f"（{chained.name}）" if chained else "") + measure
