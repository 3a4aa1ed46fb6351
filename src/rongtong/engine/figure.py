"""Figure (数): a value that knows how it came to be. The joint that holds the platform together.

A figure is frozen: unit, 口径, place, chain, period, status, vintage, and its derivation: operation, input figures,
citations. Indicator values, targets, allocation cells, forecasts and lamps' ratios are all figures. `why` walks
derivations and nothing else. Figures of two 口径 are never added; the refusal gives the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any

from rongtong.engine.period import Period
from rongtong.engine.quantity import Quantity, Unit, UnitError, decimal_text, unit

# Worst first: a derived figure carries the weakest status among its inputs.
STATUSES = ("synthetic", "forecast", "estimate", "flash", "recorded", "preliminary", "actual", "revised")
STATUS_WORDS = {
    "synthetic": "演示数据",
    "forecast": "预测",
    "estimate": "测算",
    "flash": "快报",
    "recorded": "办件",
    "preliminary": "初步",
    "actual": "已公布",
    "revised": "修订",
    "target": "目标",
    "allocated": "分解",
}
OPERATION_WORDS = {
    "observed": "观测值",
    "base_from_growth": "上年同期 = 本期 ÷（1 + 公布增速）",
    "sum": "相加",
    "difference": "相减",
    "growth": "同比 = 本期 ÷ 上年同期 - 1",
    "share": "占比 = 部分 ÷ 全体",
    "gap": "与上级增速之差",
    "rank": "位次 = 1 + 比它大的个数",
    "completion": "完成率 = 累计 ÷ 全年目标",
    "baseline_linear": "基准 = 已过月数 ÷ 12",
    "baseline_last_year": "基准 = 上年同期累计 ÷ 上年全年",
    "baseline_milestones": "基准 = 里程碑",
    "pace": "进度比 = 完成率 ÷ 基准",
    "target": "文件目标",
    "allocated": "目标分解",
    "forecast": "年末预测",
    "formula": "公式",
}
MEASURES = ("value", "yoy", "share", "rank", "yoy_rank", "gap", "base", "check", "completion", "baseline", "pace",
            "target", "allocated", "parts", "parts_base", "forecast", "forecast_low", "forecast_high", "probability", "unallocated",
            "difference", "needed", "growth", "contribution", "contribution_rest", "shortfall", "shortfall_rest",
            "rank_change", "part_share", "part_rest", "part_rest_share", "unallocated_share")  # fmt: skip


class FigureError(ValueError):
    """Figures were combined that may not be, or an id names none."""


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a figure comes from: a clause of a document, a cell of a file, or a release."""

    document: str = ""
    clause: str = ""
    file: str = ""
    release: str = ""
    note: str = ""

    def as_dict(self) -> dict[str, str]:
        return {k: v for k, v in {"document": self.document, "clause": self.clause, "file": self.file,
                                  "release": self.release, "note": self.note}.items() if v}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Key:
    """What a figure is about; its text is the figure's id: `code[.measure[:base]][#chain]@place@period`.

    `base`: the indicator that a share is of, where it is not the same one's whole.
    """

    indicator: str
    place: str
    period: Period
    measure: str = "value"
    chain: str = ""
    base: str = ""

    _FORM = re.compile(
        r"(?P<code>[A-Za-z0-9_\-]+)(\.(?P<measure>[a-z_]+)(:(?P<base>[A-Za-z0-9_\-]+))?)?(#(?P<chain>[^@]+))?@(?P<place>[^@]+)@(?P<period>[^@]+)"
    )

    def __str__(self) -> str:
        measure = "" if self.measure == "value" else f".{self.measure}"
        measure += f":{self.base}" if self.base else ""
        chain = f"#{self.chain}" if self.chain else ""
        return f"{self.indicator}{measure}{chain}@{self.place}@{self.period}"

    @staticmethod
    def parse(text: str) -> Key:
        """The key written `text`. Raises FigureError with the form expected."""
        match = Key._FORM.fullmatch(text.strip())
        if match is None:
            raise FigureError(f"“{text}”不是数的编号。应为 指标代码@地方代码@期，如 input_enterprise@330100@2025H1。")
        part = match.groupdict()
        measure = part["measure"] or "value"
        if measure not in MEASURES:
            raise FigureError(f"“{text}”里的“{measure}”不是量度。应为 {'、'.join(MEASURES)} 之一。")
        period, chain, base = Period.parse(part["period"]), part["chain"] or "", part["base"] or ""
        if base and measure != "share":
            raise FigureError(f"“{text}”里的“:{base}”是占比的分母，只有占比（share）才有。")
        return Key(part["code"], part["place"], period, measure, chain, base)

    def of(self, measure: str) -> Key:
        """The same subject's other measure."""
        return replace(self, measure=measure)


@dataclass(frozen=True, slots=True)
class Figure:
    """One exact value and its derivation. `decimals`: how many are shown; the value itself stays exact."""

    key: Key
    quantity: Quantity
    scope: str
    status: str
    operation: str
    inputs: tuple[Figure, ...] = ()
    cites: tuple[Citation, ...] = ()
    decimals: int | None = None
    known_from: date | None = None
    late: bool = False
    note: str = ""

    @property
    def id(self) -> str:
        return str(self.key)

    @property
    def number(self) -> Fraction:
        """The exact number in the unit shown."""
        return self.quantity.number

    @property
    def text(self) -> str:
        """The number as shown, without unit."""
        return decimal_text(self.number, self.decimals)

    @property
    def unit(self) -> Unit:
        return self.quantity.unit

    def walk(self) -> Iterator[Figure]:
        """This figure and everything it was made from, each once, nearest first."""
        seen: set[str] = set()
        queue: list[Figure] = [self]
        while queue:
            figure = queue.pop(0)
            if figure.id in seen:
                continue
            seen.add(figure.id)
            yield figure
            queue.extend(figure.inputs)

    def as_dict(self, *, deep: bool = True) -> dict[str, Any]:
        """The derivation as plain data, numbers as strings."""
        data: dict[str, Any] = {
            "figure": self.id,
            "value": self.text,
            "exact": str(self.number),
            "unit": str(self.unit),
            "status": self.status,
            "scope": self.scope,
            "operation": self.operation,
            "operation_words": OPERATION_WORDS.get(self.operation, self.operation),
            "cites": [c.as_dict() for c in self.cites],
        }
        if self.known_from:
            data["known_from"] = self.known_from.isoformat()
        if self.late:
            data["late"] = True
        if self.note:
            data["note"] = self.note
        if deep:
            data["inputs"] = [f.as_dict() for f in self.inputs]
        return data


ScopeReasons = Mapping[str, Mapping[str, str]]


def scope_conflict(
    first: str, second: str, reasons: ScopeReasons, names: Mapping[str, str] | None = None, verb: str = "相加"
) -> str | None:
    """Why figures of two 口径 may not be added (or compared), or None if they are one. `reasons`: scope → scope → why."""
    if first == second:
        return None
    why = reasons.get(first, {}).get(second) or reasons.get(second, {}).get(first) or "两者口径不同"
    shown = names or {}
    return f"{shown.get(first, first)}与{shown.get(second, second)}不能{verb}：{why.rstrip('。')}"


def weakest(figures: Sequence[Figure]) -> str:
    """The weakest status among figures; targets and allocations do not weaken an observation."""
    ranks = [STATUSES.index(f.status) for f in figures if f.status in STATUSES]
    return STATUSES[min(ranks)] if ranks else (figures[0].status if figures else "actual")


def _latest(figures: Sequence[Figure]) -> date | None:
    return max((f.known_from for f in figures if f.known_from), default=None)


def derive(
    key: Key,
    quantity: Quantity,
    operation: str,
    inputs: Sequence[Figure],
    *,
    scope: str = "",
    status: str = "",
    decimals: int | None = None,
    note: str = "",
    cites: tuple[Citation, ...] = (),
) -> Figure:
    """A figure made from others: weakest status, latest vintage, late if any input is."""
    return Figure(
        key=key,
        quantity=quantity,
        scope=scope or (inputs[0].scope if inputs else ""),
        status=status or weakest(inputs),
        operation=operation,
        inputs=tuple(inputs),
        cites=cites,
        decimals=decimals,
        known_from=_latest(inputs),
        late=any(f.late for f in inputs),
        note=note,
    )


def total(key: Key, figures: Sequence[Figure], reasons: ScopeReasons, names: Mapping[str, str] | None = None) -> Figure:
    """Σ figures. Raises FigureError across 口径 or units, and for figures of overlapping chains."""
    if not figures:
        raise FigureError("没有可以相加的数。")
    first = figures[0]
    for other in figures[1:]:
        conflict = scope_conflict(first.scope, other.scope, reasons, names)
        if conflict:
            raise FigureError(f"{first.id} 与 {other.id}：{conflict}。")
    chains = {f.key.chain for f in figures if f.key.chain}
    if len(chains) > 1:
        raise FigureError(f"产业链 {'、'.join(sorted(chains))} 相互交叉，不能直接相加；请先说明交叉部分。")
    try:
        quantity = first.quantity
        for other in figures[1:]:
            quantity = quantity + other.quantity
    except UnitError as error:
        raise FigureError(str(error)) from error
    return derive(key, quantity, "sum", figures, decimals=first.decimals)


def growth(key: Key, current: Figure, base: Figure, decimals: int = 1) -> Figure | None:
    """current ÷ base − 1 in percent, from levels; None when the base is not positive (no rate is defined)."""
    if base.quantity.amount <= 0:
        return None
    rate = current.quantity.over(base.quantity).amount - 1
    return derive(key, Quantity(rate, unit("%")), "growth", (current, base), decimals=decimals)


def ratio(key: Key, part: Figure, whole: Figure, operation: str, decimals: int = 1) -> Figure | None:
    """part ÷ whole in percent; None when the whole is not positive."""
    if whole.quantity.amount <= 0:
        return None
    return derive(key, part.quantity.over(whole.quantity), operation, (part, whole), decimals=decimals)


def difference(
    key: Key, left: Figure, right: Figure, operation: str = "difference", decimals: int | None = None
) -> Figure:
    """left − right; of two percentages in 百分点."""
    return derive(key, left.quantity - right.quantity, operation, (left, right), decimals=decimals)


def base_from_growth(key: Key, level: Figure, rate: Figure) -> Figure | None:
    """The base a published growth rate implies: level ÷ (1 + rate), status `estimate`; None for rates ≤ −100 %."""
    factor = 1 + rate.quantity.amount
    if factor <= 0:
        return None
    quantity = Quantity(level.quantity.amount / factor, level.unit)
    status = "synthetic" if "synthetic" in (level.status, rate.status) else "estimate"
    return derive(key, quantity, "base_from_growth", (level, rate), status=status, decimals=level.decimals)


def ranks(figures: Mapping[str, Figure], measure: str, *, smallest_first: bool = False) -> dict[str, Figure]:
    """Place → its rank among those with data, largest first, ties sharing a rank (1, 2, 2, 4). Exact comparison."""
    result: dict[str, Figure] = {}
    sign = -1 if smallest_first else 1
    for place, figure in figures.items():
        ahead = sum(sign * (other.quantity.amount - figure.quantity.amount) > 0 for other in figures.values())
        tied = sum(other.quantity.amount == figure.quantity.amount for other in figures.values()) > 1
        result[place] = derive(
            figure.key.of(measure),
            Quantity.of(ahead + 1, "位次"),
            "rank",
            (figure,),
            decimals=0,
            note=f"{len(figures)} 个有数的地方里" + ("并列" if tied else ""),
        )
    return result
