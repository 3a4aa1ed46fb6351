"""From a split's specification (目标分解方案) to the engine's problem: figures looked up, bounds made exact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from rongtong.apps.packs import queries as packs
from rongtong.apps.planning import queries
from rongtong.engine.allocation.problem import Cell, Constraint, Kind, Problem, Remainder, growth_floor
from rongtong.engine.figure import Figure, Key
from rongtong.engine.pack.plan import Bound, Split
from rongtong.engine.pack.read import Pack
from rongtong.engine.place import LEVEL_NAMES
from rongtong.engine.quantity import Quantity, decimal_text, unit
from rongtong.engine.target import as_figure


class SplitError(ValueError):
    """A specification cannot be turned into a problem; the message names the entry and what to do."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A problem with what it was made of: the whole as a figure, weights' figures by place, and notes on what was left out."""

    split: Split
    problem: Problem
    places: tuple[str, ...]
    top: str
    whole: Figure | None
    sources: tuple[Figure, ...]
    notes: tuple[str, ...]


def prepare(split: Split, as_of: date | None = None) -> Prepared:
    """Look up every figure the specification names. Raises SplitError, queries.Unknown or PlaceError."""
    pack = packs.current(as_of)
    shown = unit(split.unit)
    top = _top(split, pack)
    places = _places(split, pack, top)
    weights, sources = _weights(split, places, as_of)
    whole, total = _total(split, pack, as_of)
    notes: list[str] = []
    cells = _cells(split, places, weights)
    constraints = [*_bounds(split, pack, places, as_of, notes), *_margins(split, pack)]
    names = {p: pack.places.name(p) for p in places} | {s.code: s.name for s in split.subjects}
    problem = _problem(
        total=total.amount / shown.factor,
        unit=Fraction(split.rounding),
        weights=cells,
        constraints=tuple(constraints),
        reserve=tuple(
            Remainder(r.name, Fraction(r.amount) if r.amount else None, Fraction(r.share) if r.share else None)
            for r in split.reserve
        ),
        names=names,
        measure=split.unit,
        tie=whole.id if whole else None,
    )
    return Prepared(split, problem, places, top, whole, tuple(sources), tuple(notes))


def _problem(**parts: Any) -> Problem:
    try:
        return Problem(**parts)
    except ValueError as error:
        raise SplitError(str(error)) from error


def _top(split: Split, pack: Pack) -> str:
    if split.places.within:
        return pack.places.resolve(split.places.within)
    return Key.parse(split.total.figure).place if split.total.figure else pack.manifest.root_place


def _places(split: Split, pack: Pack, top: str) -> tuple[str, ...]:
    if split.places.codes:
        return tuple(sorted(pack.places.resolve(c) for c in split.places.codes))
    if split.places.level == "children":
        found = pack.places.children(top)
    else:
        found = pack.places.at_level(split.places.level, top)
    if not found:
        level = LEVEL_NAMES.get(split.places.level, "下一级")
        raise SplitError(f"{pack.places.name(top)}以下没有{level}，无处可分。请改 places。")
    return found


def _total(split: Split, pack: Pack, as_of: date | None) -> tuple[Figure | None, Quantity]:
    whole: Figure | None = None
    if split.total.target:
        target = pack.find("targets", split.total.target)
        whole = as_figure(target, queries.card(pack, target.indicator)) if target else None
        if whole is None:
            raise SplitError(f"total.target:没有目标“{split.total.target}”，或它没有数值。rongtong targets 列出全部。")
    elif split.total.figure:
        whole, _ = queries.find(split.total.figure, as_of)
    quantity = whole.quantity if whole else Quantity.of(split.total.value or "0", split.unit)
    if quantity.unit.dimension != unit(split.unit).dimension:
        raise SplitError(f"total 的单位 {quantity.unit} 与方案的单位 {split.unit} 不是同一种量。")
    if whole and whole.scope != queries.card(pack, split.indicator).scope:
        raise SplitError(f"total 取自口径“{whole.scope}”，与指标 {split.indicator} 的口径不同。")
    return whole, quantity


def figures_by_place(text: str, places: tuple[str, ...], as_of: date | None) -> dict[str, Figure]:
    """`indicator[.measure]@period` for each place that has it."""
    head, _, period = text.partition("@")
    found: dict[str, Figure] = {}
    for place in places:
        try:
            found[place], _ = queries.find(f"{head}@{place}@{period}", as_of)
        except queries.Unknown:
            continue
    return found


def _weights(split: Split, places: tuple[str, ...], as_of: date | None) -> tuple[dict[str, Fraction], list[Figure]]:
    """Σ share × place's part of the figures' sum, over the named shares."""
    weights = dict.fromkeys(places, Fraction(0))
    sources: list[Figure] = []
    for entry in split.weights:
        figures = figures_by_place(entry.figure, places, as_of)
        missing = [p for p in places if p not in figures]
        if missing:
            raise SplitError(
                f"weights:{entry.figure} 缺少 {'、'.join(missing)} 的数，不能作权重。请先导入，或换一个指标。"
            )
        negative = [f.id for f in figures.values() if f.quantity.amount < 0]
        if negative:
            raise SplitError(f"weights:{negative[0]} 为负，不能作权重。")
        whole = sum((f.quantity.amount for f in figures.values()), Fraction(0))
        if whole == 0:
            raise SplitError(f"weights:{entry.figure} 合计为零，不能作权重。")
        for place, figure in figures.items():
            weights[place] += Fraction(entry.share) * figure.quantity.amount / whole
        sources += figures.values()
    return weights, sources


def _cells(split: Split, places: tuple[str, ...], weights: dict[str, Fraction]) -> dict[Cell, Fraction]:
    if not split.subjects:
        return {Cell(p): weights[p] for p in places}
    return {Cell(p, s.code): weights[p] * Fraction(s.weight) for p in places for s in split.subjects}


def _bounds(
    split: Split, pack: Pack, places: tuple[str, ...], as_of: date | None, notes: list[str]
) -> Iterator[Constraint]:
    lists: tuple[tuple[Kind, tuple[Bound, ...]], ...] = (
        ("fixed", split.fixed),
        ("floor", split.floors),
        ("cap", split.caps),
    )
    for kind, bounds in lists:
        for bound in bounds:
            chosen = places if bound.place == "all" else (pack.places.resolve(bound.place),)
            outside = [p for p in chosen if p not in places]
            if outside:
                raise SplitError(f"{kind}:{outside[0]} 不在分解范围内。")
            bases = figures_by_place(bound.over, chosen, as_of) if bound.growth is not None else {}
            for place in chosen:
                yield from _bound(split, kind, bound, (place, pack.places.name(place)), bases, notes)


def _bound(
    split: Split, kind: Kind, bound: Bound, where: tuple[str, str], bases: dict[str, Figure], notes: list[str]
) -> Iterator[Constraint]:
    """One demand on one place (code and name), in words that name the place."""
    place, name = where
    label = bound.label
    if bound.value is not None:
        value = Fraction(bound.value)
    elif place in bases:
        base = bases[place].quantity.amount / unit(split.unit).factor
        value = growth_floor(base, Fraction(bound.growth or "0"))
        verb = {"floor": "不低于", "cap": "不高于"}.get(kind, "等于")
        label = label or f"{name}比 {bound.over} 的增长{verb}{decimal_text(Fraction(bound.growth or '0') * 100)}%"
    elif bound.if_missing == "skip":
        notes.append(f"{name}没有 {bound.over}，略去对它的要求。")
        return
    else:
        raise SplitError(f"{kind}：{name}没有 {bound.over} 的数。请先导入，或写 if_missing: skip。")
    yield Constraint(kind, Cell(place, bound.subject), value, bound.relaxable, label)


def _margins(split: Split, pack: Pack) -> Iterator[Constraint]:
    for margin in split.margins:
        if bool(margin.place) == bool(margin.subject):
            raise SplitError("margins:每条应只给 place 或 subject 之一。")
        kind: Kind = "place_margin" if margin.place else "subject_margin"
        key = pack.places.resolve(margin.place) if margin.place else margin.subject
        yield Constraint(kind, key, Fraction(margin.value), margin.relaxable, margin.label)
