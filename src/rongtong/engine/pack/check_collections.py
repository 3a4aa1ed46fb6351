"""Collections (填报表): what they ask for is observed, not computed, of the card's kind, and reported that often."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rongtong.engine.pack.check_base import Look, dimension_of, period_of
from rongtong.engine.pack.read import Problem
from rongtong.engine.quantity import UnitError, unit

PROCESS = "collection"

if TYPE_CHECKING:
    from rongtong.engine.pack import model as m
    from rongtong.engine.pack import plan


def items(look: Look) -> Iterator[Problem]:
    """Every item can be filled in as a collection asks for it."""
    for collection in look.pack.all("collections"):
        for item in collection.items:
            card = look.card(item.indicator)
            if card is None:
                continue  # a missing card is said by the references
            what = f"填报表 {collection.code} 的 {item.indicator}"
            for message, do in _wrong(collection, item, card):
                yield look.at("collections", collection, f"{what}{message}", do)


def _wrong(collection: plan.Collection, item: plan.CollectionItem, card: m.Indicator) -> Iterator[tuple[str, str]]:
    if card.formula:
        yield "由公式算出，不能填报", "改填公式所用的指标，或去掉这一项"
        return
    try:
        measured = unit(item.unit)
    except UnitError as error:
        yield f"的单位“{item.unit}”不能用：{error}", "改写单位"
        return
    wanted = dimension_of(card.unit)
    if wanted is not None and measured.dimension != wanted:
        yield f"的单位“{item.unit}”是{measured.dimension.chinese}，指标卡是{wanted.chinese}", "改写单位"
    if card.frequency and collection.frequency not in card.frequency and "once" not in card.frequency:
        yield f"不按 {collection.frequency} 报送（指标卡的频度 {'、'.join(card.frequency)}）", "核对频度或去掉这一项"


def first_period(look: Look) -> Iterator[Problem]:
    """The first period is one of the collection's frequency."""
    for collection in look.pack.all("collections"):
        period = period_of(collection.since)
        if period is None or period.kind != collection.frequency:
            message = f"填报表 {collection.code} 的 since“{collection.since}”不是频度 {collection.frequency} 的期"
            yield look.at("collections", collection, message, "改写期，如 2025H1、2025-06")


def process(look: Look) -> Iterator[Problem]:
    """What is collected can be filed: there is the process that carries it from filling to approval."""
    first = next(iter(look.pack.all("collections")), None)
    if first is not None and look.pack.find("processes", PROCESS) is None:
        message = f"有填报表而没有流程“{PROCESS}”，填报打不开"
        yield look.at("collections", first, message, "在 extends 里写 china，或把它的 processes/ 抄来", "warning")


CHECKS = (items, first_period, process)
