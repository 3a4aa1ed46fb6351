"""Breakdowns (分解分析): which places make a change and which make a shortfall, adding up exactly.

    growth of the total    = Σ contribution of each place + the rest        (拉动, 百分点)
    shortfall of the total = Σ shortfall of each place + the rest           (距应达进度差额, the board's unit)

The rest is what no place's figures explain: what is not allocated to a place, a reserve, places not reported. It is a
line of its own. Shown values are rounded one by one; the exact ones add up.

    a whole = Σ its parts as a pack states them + the rest          (构成, by card; the rest is never spread)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rongtong.engine.figure import Figure, derive, ratio
from rongtong.engine.indicator import Board
from rongtong.engine.quantity import Quantity, unit

CONTRIBUTION_DECIMALS = 2


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A total and its parts by place code. `rest`: total − Σ parts, None only when it is exactly nothing.

    `missing`: places that have no part because a figure of theirs is not known; what they add is within the rest.
    """

    total: Figure
    parts: Mapping[str, Figure]
    rest: Figure | None
    missing: tuple[str, ...] = ()

    def figures(self) -> dict[str, Figure]:
        """Every figure of the breakdown by id."""
        found = {f.id: f for f in (self.total, *self.parts.values())}
        if self.rest:
            found[self.rest.id] = self.rest
        return found


def contributions(board: Board) -> Breakdown | None:
    """Each place's contribution to the total's growth: (value − base) ÷ the total's base, in 百分点.

    The growth broken down is that of levels; where the published rate is the same number it is the published figure
    itself. None when the total has no value or base, or its base is not positive.
    """
    top = board.total.figures
    if not {"value", "base"} <= top.keys() or top["base"].quantity.amount <= 0:
        return None
    whole = top["base"].quantity.amount
    change = (top["value"].quantity.amount - whole) / whole
    total = top.get("yoy")
    if total is None or total.quantity.amount != change:
        key = top["value"].key.of("growth")
        total = derive(key, Quantity(change, unit("%")), "growth", (top["value"], top["base"]), decimals=2)
    parts: dict[str, Figure] = {}
    for row in board.rows:
        f = row.figures
        if {"value", "base"} <= f.keys():
            share = (f["value"].quantity.amount - f["base"].quantity.amount) / whole
            parts[row.place] = derive(
                f["value"].key.of("contribution"),
                Quantity(share, unit("百分点")),
                "formula",
                (f["value"], f["base"], top["base"]),
                decimals=CONTRIBUTION_DECIMALS,
                note="拉动 = （本期 - 上年同期）÷ 全体上年同期",
            )
    return _with_rest(board, total, parts, "contribution_rest", Quantity(change, unit("百分点")), CONTRIBUTION_DECIMALS)


def shortfall(board: Board) -> Breakdown | None:
    """How far each place is behind what is due: goal × baseline − value; a place ahead has a negative one.

    None when the total has no value, goal or baseline.
    """
    total = _behind(board.total.figures)
    if total is None:
        return None
    found = {row.place: _behind(row.figures) for row in board.rows}
    parts = {place: figure for place, figure in found.items() if figure is not None}
    return _with_rest(board, total, parts, "shortfall_rest", total.quantity, total.decimals)


def _behind(f: Mapping[str, Figure]) -> Figure | None:
    if not {"value", "goal", "baseline"} <= f.keys():
        return None
    goal, due, value = f["goal"], f["baseline"], f["value"]
    amount = Quantity(goal.quantity.amount * due.quantity.amount, value.unit) - value.quantity
    note = "距应达进度差额 = 全年目标 × 应达进度 - 累计"
    return derive(value.key.of("shortfall"), amount, "formula", (value, goal, due), decimals=value.decimals, note=note)


def _with_rest(
    board: Board, total: Figure, parts: Mapping[str, Figure], measure: str, whole: Quantity, decimals: int | None
) -> Breakdown:
    rest = whole
    for part in parts.values():
        rest = rest - part.quantity
    missing = tuple(row.place for row in board.rows if row.place not in parts)
    figure = None
    if rest.amount:
        key = board.total.figures["value"].key.of(measure)
        figure = derive(key, rest, "formula", (total, *parts.values()), decimals=decimals, note="全体 - 各地之和")
    return Breakdown(total, parts, figure, missing)


@dataclass(frozen=True, slots=True)
class Composition:
    """A whole beside its parts by card code, None where a figure is not known, with each part's share of the whole.

    `rest`: the whole less all parts, also when it is nothing; None while the whole or a part is not known.
    """

    whole: Figure | None
    parts: Mapping[str, Figure | None]
    shares: Mapping[str, Figure]
    rest: Figure | None
    rest_share: Figure | None

    def figures(self) -> dict[str, Figure]:
        """Every figure made here by id."""
        return {f.id: f for f in (*self.shares.values(), self.rest, self.rest_share) if f}


def composition(whole: Figure | None, parts: Mapping[str, Figure | None]) -> Composition:
    """How a whole comes apart. Raises UnitError for parts of another kind of quantity."""
    if whole is None:
        return Composition(None, parts, {}, None, None)
    shares = {c: ratio(f.key.of("part_share"), f, whole, "share") for c, f in parts.items() if f}
    rest = None
    known = [f for f in parts.values() if f]
    if len(known) == len(parts):
        rest = _less(whole, known)
    return Composition(
        whole,
        parts,
        {c: f for c, f in shares.items() if f},
        rest,
        ratio(rest.key.of("part_rest_share"), rest, whole, "share") if rest else None,
    )


def _less(whole: Figure, parts: Iterable[Figure]) -> Figure:
    held = tuple(parts)
    amount = whole.quantity
    for part in held:
        amount = amount - part.quantity
    note = "合计减去各部分；差额单列，不调平"
    return derive(whole.key.of("part_rest"), amount, "difference", (whole, *held), decimals=whole.decimals, note=note)


def unallocated_share(board: Board) -> Figure | None:
    """What belongs to no place as a share of the total; None where the board has no such line."""
    rest, total = board.unallocated, board.total.figures.get("value")
    return ratio(rest.key.of("unallocated_share"), rest, total, "share") if rest and total else None
