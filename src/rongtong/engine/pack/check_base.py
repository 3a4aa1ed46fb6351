"""What every check of a pack shares: a combined pack with the questions the checks ask of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rongtong.engine.expression.language import ExpressionError
from rongtong.engine.indicator import formula_names
from rongtong.engine.lazy import LazyModule
from rongtong.engine.pack.read import Pack, Problem
from rongtong.engine.period import Period, PeriodError
from rongtong.engine.quantity import Dimension, UnitError, unit

if TYPE_CHECKING:
    from rongtong.engine.pack import model as m
else:
    m = LazyModule("rongtong.engine.pack.model")

# kind → what a reader calls a statement of it
WORDS = {
    "documents": "文件",
    "places": "地方",
    "hierarchies": "隶属关系",
    "bridges": "区划变更对照",
    "groups": "地方组合",
    "chains": "产业链",
    "departments": "部门",
    "scopes": "口径",
    "indicators": "指标卡",
    "commitments": "承诺",
    "targets": "目标",
    "balances": "并列表",
    "lamps": "亮灯规则",
    "uses": "结果运用",
    "sources": "来源",
    "synthetic": "演示数据",
    "calendar": "日历",
    "allocations": "分解方案",
    "papers": "材料",
    "collections": "填报表",
    "processes": "流程",
    "examples": "演示办件",
    "published": "已发布的流程",
}


@dataclass(frozen=True)
class Look:
    """A combined pack under inspection. The same wrong thing is found once: who depends on it stays silent."""

    pack: Pack

    def at(self, kind: str, statement: m.Statement, message: str, do: str = "", severity: str = "error") -> Problem:
        """A finding about a statement, where it stands."""
        origin = self.pack.origin(kind, statement)
        return Problem(f"{origin.pack}/{origin.file}", origin.line, message, do, severity)

    def place_of(self, kind: str, statement: m.Statement) -> str:
        """`pack/file:line` of a statement, for naming it in another's finding."""
        origin = self.pack.origin(kind, statement)
        return f"{origin.pack}/{origin.file}:{origin.line}"

    def card(self, code: str) -> m.Indicator | None:
        """The newest card of this code."""
        card = self.pack.find("indicators", code)
        return card if isinstance(card, m.Indicator) else None

    def dimension(self, code: str) -> Dimension | None:
        """The dimension of a card, or None where the card or its unit is unknown (said elsewhere)."""
        card = self.card(code)
        return dimension_of(card.unit) if card else None

    @cached_property
    def layer_of(self) -> dict[str, int]:
        """Code of a pack → how far up it lies; 0 is the base."""
        return {layer.manifest.code: i for i, layer in enumerate(self.pack.layers)}

    @cached_property
    def place_codes(self) -> frozenset[str]:
        return frozenset(self.pack.places.places)

    @cached_property
    def formulas(self) -> dict[str, tuple[str, ...]]:
        """Card → the cards its formula names. A formula that does not parse names none; it is said elsewhere."""
        found = {}
        for card in self.pack.all("indicators"):
            if card.formula:
                try:
                    found[card.code] = formula_names(card.formula)
                except ExpressionError:
                    found[card.code] = ()
        return found

    @cached_property
    def files(self) -> dict[str, tuple[str, bytes]]:
        """Path → (pack, bytes) of every raw file in force."""
        return {path: (layer.manifest.code, data) for layer in self.pack.layers for path, data in layer.files.items()}


Check = Callable[[Look], Iterator[Problem]]


def dimension_of(symbol: str) -> Dimension | None:
    """The dimension of a unit, or None where it is no unit."""
    try:
        return unit(symbol).dimension
    except UnitError:
        return None


def period_of(text: str) -> Period | None:
    """The period written, or None where it is none."""
    try:
        return Period.parse(text)
    except PeriodError:
        return None


def name(statement: Any) -> str:
    """How a statement is called in a finding: its code, or the key fields it has instead."""
    for field in ("code", "id", "indicator", "place", "old", "date"):
        value = getattr(statement, field, None)
        if value:
            return str(value)
    return type(statement).__name__


def reference_head(text: str) -> tuple[str, str]:
    """(card, period) of `indicator[.measure]@period`, the form of weights and bases."""
    head, _, period = text.partition("@")
    return head.partition(".")[0], period
