"""Units and formulas: every unit is one, what is compared or added is of one kind, no card rests on itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rongtong.engine.expression.language import ExpressionError, compile_expression
from rongtong.engine.indicator import Cards, card_variable, formula_names
from rongtong.engine.pack.check_base import Look, dimension_of, name
from rongtong.engine.pack.read import Problem
from rongtong.engine.quantity import POINT, RATIO, UnitError, unit

if TYPE_CHECKING:
    from rongtong.engine.pack import model as m

SHARES = ("growth", "share", "relative")
Links = Mapping[str, tuple[str, ...]]


def units(look: Look) -> Iterator[Problem]:
    """Every unit that is written is a unit."""
    for kind, statement, where, symbol in _symbols(look):
        try:
            unit(symbol)
        except UnitError as error:
            yield look.at(kind, statement, f"{name(statement)} 的 {where}“{symbol}”不能用：{error}", "改写单位")


def _symbols(look: Look) -> Iterator[tuple[str, m.Statement, str, str]]:
    for kind in ("indicators", "commitments", "targets", "synthetic", "allocations"):
        for statement in look.pack.all(kind):
            if statement.unit:
                yield kind, statement, "unit", statement.unit
    for target in look.pack.all("targets"):
        if target.reference and target.reference.unit:
            yield "targets", target, "reference.unit", target.reference.unit
    for source in look.pack.all("sources"):
        for column in source.columns:
            yield "sources", source, f"columns“{column.column}”", column.unit


def same_kind(look: Look) -> Iterator[Problem]:
    """What is measured by a card is of the card's kind: columns, demonstrations, allocations, parts."""
    for source in look.pack.all("sources"):
        for column in source.columns:
            yield from _differs(
                look, "sources", source, f"来源 {source.code} 的列“{column.column}”", column.unit, column.indicator
            )
    for spec in look.pack.all("synthetic"):
        yield from _differs(look, "synthetic", spec, "演示数据", spec.unit, spec.indicator)
    for split in look.pack.all("allocations"):
        yield from _differs(look, "allocations", split, f"分解方案 {split.code}", split.unit, split.indicator)
    for card in look.pack.all("indicators"):
        if card.part_of and dimension_of(card.unit):
            yield from _differs(look, "indicators", card, f"指标卡 {card.code}", card.unit, card.part_of, "整体")


def _differs(
    look: Look, kind: str, statement: m.Statement, what: str, symbol: str, code: str, role: str = "指标卡"
) -> Iterator[Problem]:
    mine, wanted = dimension_of(symbol), look.dimension(code)
    card = look.card(code)
    if card and mine and wanted and mine != wanted:
        yield look.at(
            kind,
            statement,
            f"{what}的单位 {symbol}（{mine.chinese}）与{role} {code} 的 {card.unit}（{wanted.chinese}）不是同一种量",
            f"改用{wanted.chinese}的单位，如 {card.unit}，或换一张卡",
        )


def measures(look: Look) -> Iterator[Problem]:
    """A card that publishes the growth or share of another is in percent, and is the only one that does."""
    first: dict[tuple[str, str], m.Indicator] = {}
    for card in look.pack.all("indicators"):
        if card.measure_of is None:
            continue
        found = dimension_of(card.unit)
        if found and found != RATIO:
            yield look.at(
                "indicators",
                card,
                f"指标卡 {card.code} 是 {card.measure_of.indicator} 的增速或占比，单位却是 {card.unit}",
                "单位写 %",
            )
        key = (card.measure_of.indicator, card.measure_of.measure)
        other = first.setdefault(key, card)
        if other.code != card.code:
            message = f"指标卡 {card.code} 与 {other.code} 都是 {key[0]} 的 {key[1]}"
            yield look.at("indicators", card, message, "只留一张卡的 measure_of")


def commitments(look: Look) -> Iterator[Problem]:
    """A commitment is written in the unit of its card; a share or growth may be promised of any card."""
    relative = {t.indicator for t in look.pack.all("targets") if t.kind in SHARES}
    for item in look.pack.all("commitments"):
        card = look.card(item.indicator) if item.indicator else None
        mine, wanted = dimension_of(item.unit) if item.unit else None, look.dimension(item.indicator)
        if card is None or mine is None or wanted is None:
            continue
        if mine != wanted and not (mine in (RATIO, POINT) and card.code in relative):
            yield look.at(
                "commitments",
                item,
                f"承诺 {item.id} 的单位 {item.unit}（{mine.chinese}）与指标卡 {card.code} 的 {card.unit}({wanted.chinese})"
                "不是同一种量",
                "改单位，换一张卡，或用 share、growth、relative 类目标说明它说的是占比或增速",
            )


def scopes(look: Look) -> Iterator[Problem]:
    """A part is of the 口径 of its whole; a column is of the 口径 of its card, with what is added to it."""
    for card in look.pack.all("indicators"):
        whole = look.card(card.part_of) if card.part_of else None
        if whole and whole.scope != card.scope:
            message = (
                f"指标卡 {card.code} 的口径 {card.scope} 与整体 {whole.code} 的 {whole.scope} 不同，不是它的一部分"
            )
            yield look.at("indicators", card, message, "改口径，或去掉 part_of")
    for source in look.pack.all("sources"):
        for column in source.columns:
            yield from _column(look, source, column)


def _column(look: Look, source: m.Source, column: m.SourceColumn) -> Iterator[Problem]:
    card = look.card(column.indicator)
    if card is None:
        return
    what = f"来源 {source.code} 的列“{column.column}”"
    if column.scope and column.scope != card.scope:
        message = f"{what}写的口径 {column.scope} 与指标卡 {card.code} 的 {card.scope} 不同"
        yield look.at("sources", source, message, "换一张卡，或改口径")
    if column.add_scopes and len(column.add_scopes) != len(column.add):
        message = f"{what}有 {len(column.add)} 个要加的列，却写了 {len(column.add_scopes)} 个口径"
        yield look.at("sources", source, message, "逐个写明")
    for other in sorted(set(column.add_scopes) - {card.scope}):
        why = _reasons(look).get(card.scope, {}).get(other, "两者口径不同")
        message = f"{what}要加上口径 {other} 的列，不能加到 {card.scope} 上：{why}"
        yield look.at("sources", source, message, "去掉这一列")


def _reasons(look: Look) -> dict[str, dict[str, str]]:
    return {s.code: s.never_with for s in look.pack.all("scopes")}


def cycles(look: Look) -> Iterator[Problem]:
    """No formula leads back to its own card, no part to itself as a whole, no chain to itself as a parent."""
    wholes: Links = {c.code: (c.part_of,) for c in look.pack.all("indicators") if c.part_of}
    chains: Links = {c.code: (c.parent,) for c in look.pack.all("chains") if c.parent}
    for kind, word, links in (
        ("indicators", "公式", look.formulas),
        ("indicators", "part_of", wholes),
        ("chains", "parent", chains),
    ):
        for ring in rings(links):
            path = " → ".join((*ring, ring[0]))
            yield look.at(kind, look.pack.get(kind, ring[0]), f"{word}绕回自己：{path}", "断开其中一环")


def rings(links: Links) -> list[tuple[str, ...]]:
    """Every ring of a graph once, from the node it was first entered at."""
    found: list[tuple[str, ...]] = []
    done: set[str] = set()

    def walk(code: str, path: tuple[str, ...]) -> None:
        if code in path:
            found.append(path[path.index(code) :])
            return
        if code in done:
            return
        for after in links.get(code, ()):
            walk(after, (*path, code))
        done.add(code)

    for start in links:
        walk(start, ())
    return found


def formulas(look: Look) -> Iterator[Problem]:
    """Every formula compiles over the cards it names and gives what its card is measured in."""
    cards = Cards.of(look.pack.all("indicators"), look.pack.all("scopes"))
    looping = {code for ring in rings(look.formulas) for code in ring}
    for card in look.pack.all("indicators"):
        if card.formula and card.code not in looping:
            yield from _formula(look, cards, card)


def _formula(look: Look, cards: Cards, card: m.Indicator) -> Iterator[Problem]:
    try:
        parts = [look.card(code) for code in formula_names(card.formula)]
        if any(p is None or dimension_of(p.unit) is None for p in parts) or dimension_of(card.unit) is None:
            return
        variables = [card_variable(p) for p in parts if p]
        compiled = compile_expression(card.formula, variables, reasons=cards.reasons, scope_names=cards.scope_names)
    except ExpressionError as error:
        yield look.at("indicators", card, f"指标卡 {card.code} 的公式：{error}", "改公式，或改所用的卡")
        return
    wanted, found = unit(card.unit).dimension, compiled.root.dimension
    if compiled.root.kind != "number":
        message = f"指标卡 {card.code} 的公式“{card.formula}”得到的不是数"
        yield look.at("indicators", card, message, "写成算式")
    elif found not in (wanted.name, "*"):
        message = (
            f"指标卡 {card.code} 的公式“{card.formula}”得到的是 {found}，而单位 {card.unit} 是{wanted.chinese}"
            f"({wanted.name})"
        )
        yield look.at("indicators", card, message, "改单位，或改公式")


CHECKS = (units, same_kind, measures, commitments, scopes, cycles, formulas)
