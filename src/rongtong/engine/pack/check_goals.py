"""Targets, balances and allocations: each kind of target has what it is judged by, and nothing is said twice."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from rongtong.engine.pack.check_base import Look, dimension_of, period_of
from rongtong.engine.pack.check_words import KIND_WORDS, LAMP_KINDS
from rongtong.engine.pack.read import Problem
from rongtong.engine.quantity import POINT, RATIO, Dimension, decimal_text
from rongtong.engine.target import KIND_WORDS as TARGET_WORDS

if TYPE_CHECKING:
    from rongtong.engine.pack import model as m

Finding = tuple[str, str]


def kinds(look: Look) -> Iterator[Problem]:
    """Each of the six kinds has its number, unit and reference."""
    for target in look.pack.all("targets"):
        card = look.card(target.indicator)
        if card is None or dimension_of(card.unit) is None or (target.unit and dimension_of(target.unit) is None):
            continue
        for message, do in _KINDS[target.kind](look, target, card):
            words = TARGET_WORDS[target.kind]
            yield look.at("targets", target, f"目标 {target.code}({words}){message}", do)
        if target.kind == "for_all" and target.value is not None and not (target.reference and target.reference.over):
            message = f"目标 {target.code}（逐个达标）没有写逐个判断的是哪些单位"
            yield look.at("targets", target, message, "写 reference.over，如 city", "warning")


def _level(look: Look, target: m.Target, card: m.Indicator) -> Iterator[Finding]:
    if target.value is None:
        yield "没有数值", "写上 value"
    yield from _unit_as_card(target, card)


def _unit_as_card(target: m.Target, card: m.Indicator) -> Iterator[Finding]:
    mine, wanted = dimension_of(target.unit or card.unit), dimension_of(card.unit)
    if mine and wanted and mine != wanted:
        yield (
            f"的单位 {target.unit}（{mine.chinese}）与指标卡 {card.code} 的 {card.unit}（{wanted.chinese}）不是同一种量",
            f"改用{wanted.chinese}的单位，如 {card.unit}",
        )


def _percent(target: m.Target, default: str = "") -> Iterator[Finding]:
    if target.value is None:
        yield "没有数值", "写上 value"
    elif dimension_of(target.unit or default or "元") != RATIO:
        yield f"的单位是 {target.unit or default or '空'}，应为 %", "单位写 %"


def _growth(look: Look, target: m.Target, card: m.Indicator) -> Iterator[Finding]:
    yield from _percent(target)


def _relative(look: Look, target: m.Target, card: m.Indicator) -> Iterator[Finding]:
    reference = target.reference
    if reference is None or reference.margin is None or not (reference.indicator or reference.place):
        yield "没有写清参照", "写 reference:indicator 或 place（与谁比）和 margin（高几个百分点）"
    elif reference.unit and dimension_of(reference.unit) not in (POINT, None):
        yield f"的 margin 单位是 {reference.unit}", "单位写 百分点"


def _share(look: Look, target: m.Target, card: m.Indicator) -> Iterator[Finding]:
    bases = target.reference.denominators if target.reference else ()
    yield from _percent(target, card.unit)
    if not bases and dimension_of(card.unit) != RATIO:
        yield f"没有分母，而指标卡 {card.code} 的单位 {card.unit} 不是 %", "写 reference.denominators，或换一张占比的卡"
    for code in bases:
        base = look.dimension(code)
        if base and base != dimension_of(card.unit):
            yield f"的分母 {code}（{base.chinese}）与 {card.code} 的 {card.unit} 不是同一种量", "换一个分母"


def _for_all(look: Look, target: m.Target, card: m.Indicator) -> Iterator[Finding]:
    reference = target.reference
    if target.value is None and not (reference and reference.place):
        yield "没有写达到多少", "写 value，或写 reference.place（与哪里的数比）和 reference.over"
    elif target.value is None and not (reference and reference.over):
        yield "没有写逐个判断的是哪些单位", "写 reference.over，如 city"
    if target.value is not None:
        yield from _unit_as_card(target, card)


def _monotone(look: Look, target: m.Target, card: m.Indicator) -> Iterator[Finding]:
    if target.value is not None:
        yield f"与上年比，不需要数值，却写了 {target.value}", "去掉 value，或改 kind"
    if target.comparator not in (">", ">=", "="):
        yield f"是只增不减，比较却写 {target.comparator}", "写 > 或 >="


_KINDS = {
    "level": _level,
    "growth": _growth,
    "relative": _relative,
    "share": _share,
    "for_all": _for_all,
    "monotone": _monotone,
}


def twice(look: Look) -> Iterator[Problem]:
    """One goal of a kind for one card, place and period."""
    first: dict[tuple[object, ...], m.Target] = {}
    for target in look.pack.all("targets"):
        key = (target.indicator, target.place, period_of(target.period) or target.period, target.kind)
        other = first.setdefault(key, target)
        if other is not target:
            what = f"{target.indicator} 在 {target.place} {target.period} 的{TARGET_WORDS[target.kind]}目标"
            message = f"目标 {target.code} 与 {other.code} 是同一个：{what}"
            yield look.at("targets", target, message, f"只留一个（另一个在 {look.place_of('targets', other)}）")


def commitments(look: Look) -> Iterator[Problem]:
    """A target hangs on the commitment of its own card; lamps only where the kind of commitment carries them."""
    for target in look.pack.all("targets"):
        item = look.pack.find("commitments", target.commitment) if target.commitment else None
        if item is None:
            continue
        if item.indicator and item.indicator != target.indicator:
            message = f"目标 {target.code} 说的是 {target.indicator}，它的承诺 {item.id} 说的是 {item.indicator}"
            yield look.at("targets", target, message, "改正其中一个")
        if target.lamp and item.kind not in LAMP_KINDS:
            message = f"目标 {target.code} 有灯，而承诺 {item.id} 是{KIND_WORDS[item.kind]}，不亮灯"
            yield look.at("targets", target, message, "去掉 lamp，或改承诺的 kind")


def balances(look: Look) -> Iterator[Problem]:
    """The parts of a balance stand beside a total of the same kind that is not among them; each has a number."""
    for balance in look.pack.all("balances"):
        what = f"并列表 {balance.code} "
        if balance.total in balance.parts:
            yield look.at("balances", balance, f"{what}的各部分里有合计 {balance.total} 自己", "从 parts 里去掉")
        doubled = sorted({c for c in balance.parts if balance.parts.count(c) > 1})
        if doubled:
            yield look.at("balances", balance, f"{what}的 {'、'.join(doubled)} 写了两次", "只留一次")
        found = [t for t in (look.pack.find("targets", c) for c in (balance.total, *balance.parts)) if t]
        for target in found:
            if target.value is None:
                message = f"{what}用了没有数值的目标 {target.code}"
                yield look.at("balances", balance, message, "换一个有数值的目标")
        units = {c: d for t in found if (d := _dimension(look, t)) for c in (t.code,)}
        if len(set(units.values())) > 1:
            shown = "、".join(f"{c} 是{d.chinese}" for c, d in units.items())
            yield look.at("balances", balance, f"{what}里不是同一种量：{shown}", "只并列同一种量")


def _dimension(look: Look, target: m.Target) -> Dimension | None:
    card = look.card(target.indicator)
    if card is None or (target.kind == "level" and list(_unit_as_card(target, card))):
        return None
    return dimension_of(target.unit or card.unit)


def splits(look: Look) -> Iterator[Problem]:
    """An allocation's total is a number of its card's 口径, its shares make a whole, its subjects are listed."""
    for split in look.pack.all("allocations"):
        target = look.pack.find("targets", split.total.target) if split.total.target else None
        what = f"分解方案 {split.code}"
        if target and target.value is None:
            yield look.at("allocations", split, f"{what}要分的目标 {target.code} 没有数值", "换一个有数值的目标")
        card, whole = look.card(split.indicator), look.card(target.indicator) if target else None
        if card and whole and card.scope != whole.scope:
            message = f"{what}的指标 {card.code}（{card.scope}）与要分的目标（{whole.scope}）口径不同"
            yield look.at("allocations", split, message, "换目标，或换指标")
        shares = sum((Fraction(w.share) for w in split.weights), Fraction(0))
        if shares != 1:
            message = f"{what}的权重份额合计 {decimal_text(shares)}，不是 1"
            yield look.at("allocations", split, message, "调整 share", "warning")
        listed = {s.code for s in split.subjects}
        entries = (*split.fixed, *split.floors, *split.caps, *split.margins, *split.counter_offers)
        for code in sorted({e.subject for e in entries if e.subject} - listed):
            yield look.at("allocations", split, f"{what}用了没有列出的主体“{code}”", "在 subjects 里列出")


CHECKS = (kinds, twice, commitments, balances, splits)
