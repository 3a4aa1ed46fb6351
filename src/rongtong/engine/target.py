"""Targets (目标) of six kinds, judged against actual figures, and balances of published parts with a published total.

Kinds: level; growth; relative (to another actual); share (its base pinned, every reading of it computed); for_all
(every unit); monotone (只增不减). No target and no data both mean no verdict, never zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from rongtong.engine import figure as fig
from rongtong.engine.figure import Citation, Figure, Key
from rongtong.engine.period import Period
from rongtong.engine.quantity import Quantity, UnitError, unit

if TYPE_CHECKING:
    from rongtong.engine.pack.model import Balance, Indicator, Target

Lookup = Callable[[str, str, Period], Figure | None]
"""The value of a card for a place and period, or None when it is not known."""

KIND_WORDS = {
    "level": "绝对量",
    "growth": "增速",
    "relative": "相对另一实绩",
    "share": "占比",
    "for_all": "逐个达标",
    "monotone": "只增不减",
}
COMPARATOR_WORDS = {"=": "达到", ">=": "不低于", ">": "高于", "<=": "不高于", "<": "低于"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One reading of a target: the actual, what it is held against, and whether it is met (None: not known)."""

    reading: str
    actual: Figure | None
    bar: Figure | None
    met: bool | None


@dataclass(frozen=True, slots=True)
class Units:
    """The units a for-all target quantifies over: their codes, and whether the list is known to be complete."""

    codes: tuple[str, ...]
    complete: bool = True


def as_figure(target: Target, card: Indicator) -> Figure | None:
    """The target's number as a figure citing its clause; None for a target without a number."""
    if target.value is None:
        return None
    shown = unit(target.unit or card.unit)
    return Figure(
        key=Key(target.indicator, target.place, Period.parse(target.period), "target"),
        quantity=Quantity.of(target.value, shown),
        scope=card.scope,
        status="target",
        operation="target",
        cites=(Citation(target.cite.document, target.cite.clause, note=target.commitment),),
        decimals=None,
        note=target.note,
    )


def holds(actual: Fraction, comparator: str, bar: Fraction) -> bool:
    """Whether actual meets the bar. A plain `=` in a plan is a promise to reach at least that much."""
    return {
        "=": actual >= bar,
        ">=": actual >= bar,
        ">": actual > bar,
        "<=": actual <= bar,
        "<": actual < bar,
    }[comparator]


def assess(
    target: Target, cards: Mapping[str, Indicator], lookup: Lookup, units: Units | None = None
) -> tuple[Verdict, ...]:
    """Every reading of a target against what is known. Raises UnitError when the bar and the actual differ in kind."""
    card = cards[target.indicator]
    period = Period.parse(target.period)
    bar = as_figure(target, card)
    judge = {
        "level": _level,
        "growth": _growth,
        "relative": _relative,
        "share": _share,
        "for_all": _for_all,
        "monotone": _monotone,
    }[target.kind]
    return judge(_Case(target, period, bar, lookup, units or Units((), False)))


@dataclass(frozen=True, slots=True)
class _Case:
    target: Target
    period: Period
    bar: Figure | None
    lookup: Lookup
    units: Units

    def value(self, code: str | None = None, place: str | None = None, period: Period | None = None) -> Figure | None:
        return self.lookup(code or self.target.indicator, place or self.target.place, period or self.period)

    def verdict(self, reading: str, actual: Figure | None, bar: Figure | None) -> Verdict:
        if actual is None or bar is None:
            return Verdict(reading, actual, bar, None)
        if actual.unit.dimension != bar.unit.dimension:
            raise UnitError(f"目标 {self.target.code} 的单位 {bar.unit} 与实绩的 {actual.unit} 不是同一种量。")
        return Verdict(reading, actual, bar, holds(actual.quantity.amount, self.target.comparator, bar.quantity.amount))

    def rate(self, code: str, place: str) -> Figure | None:
        now, then = self.value(code, place), self.value(code, place, self.period.years_before())
        return fig.growth(Key(code, place, self.period, "yoy"), now, then) if now and then else None


def _level(case: _Case) -> tuple[Verdict, ...]:
    return (case.verdict("绝对量", case.value(), case.bar),)


def _growth(case: _Case) -> tuple[Verdict, ...]:
    return (case.verdict("同比增速", case.rate(case.target.indicator, case.target.place), case.bar),)


def _relative(case: _Case) -> tuple[Verdict, ...]:
    """Own growth against another indicator's (or place's) growth plus a margin in 百分点."""
    reference = case.target.reference
    assert reference is not None
    own = case.rate(case.target.indicator, case.target.place)
    other = case.rate(reference.indicator or case.target.indicator, reference.place or case.target.place)
    bar = None
    if other is not None:
        margin = Fraction(reference.margin or "0") / 100
        bar = fig.derive(
            other.key.of("needed"),
            Quantity(other.quantity.amount + margin, other.unit),
            "formula",
            (other,),
            decimals=1,
            note=f"参照增速 + {reference.margin or 0} 个百分点",
        )
    return (case.verdict(f"增速 ≥ 参照增速 + {reference.margin or 0} 个百分点", own, bar),)


def _share(case: _Case) -> tuple[Verdict, ...]:
    """The share with each pinned base; the first base is the one shown, the rest are other readings."""
    reference = case.target.reference
    part = case.value()
    if reference is None or not reference.denominators:
        # The card itself is the share.
        return (case.verdict("占比", part, case.bar),)
    verdicts = []
    for code in reference.denominators:
        whole = case.value(code)
        share = (
            fig.ratio(
                Key(case.target.indicator, case.target.place, case.period, "share", base=code), part, whole, "share"
            )
            if part and whole
            else None
        )
        verdicts.append(case.verdict(f"占 {code} 之比", share, case.bar))
    return tuple(verdicts)


def _for_all(case: _Case) -> tuple[Verdict, ...]:
    """Each unit against the bar, or against the reference place's value; one verdict per unit, in order of code."""
    reference = case.target.reference
    verdicts = []
    for code in case.units.codes:
        bar = case.bar
        if reference is not None and reference.place:
            bar = case.value(reference.indicator or None, reference.place)
        verdicts.append(case.verdict(code, case.value(place=code), bar))
    return tuple(verdicts)


def _monotone(case: _Case) -> tuple[Verdict, ...]:
    now, then = case.value(), case.value(period=case.period.years_before())
    if now is None or then is None:
        return (Verdict("不低于上年", now, then, None),)
    return (
        Verdict(
            "不低于上年" if case.target.comparator in (">=", "=") else "高于上年",
            now,
            then,
            holds(now.quantity.amount, case.target.comparator, then.quantity.amount),
        ),
    )


def met_by_all(verdicts: Sequence[Verdict], units: Units | None = None) -> bool | None:
    """Whether every verdict is met: False as soon as one is not, None while any is unknown or the list is incomplete."""
    if any(v.met is False for v in verdicts):
        return False
    if not verdicts or any(v.met is None for v in verdicts) or (units and not units.complete):
        return None
    return True


@dataclass(frozen=True, slots=True)
class Difference:
    """A published total beside its published parts: total − Σ parts, with readings; nothing is fixed or absorbed."""

    balance: Balance
    total: Figure
    parts: tuple[Figure, ...]
    difference: Figure


def difference(balance: Balance, targets: Mapping[str, Figure]) -> Difference:
    """The difference of a balance. Raises KeyError for a target without a number."""
    total = targets[balance.total]
    parts = tuple(targets[code] for code in balance.parts)
    amount = total.quantity
    for part in parts:
        amount = amount - part.quantity
    key = Key(total.key.indicator, total.key.place, total.key.period, "difference")
    figure = fig.derive(
        key, amount, "difference", (total, *parts), status="target", note="公布的合计减去公布的各部分；差额单列，不调平"
    )
    return Difference(balance, total, parts, figure)
