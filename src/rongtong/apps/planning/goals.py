"""Goals (目标值) of a year by place: the document's targets and the allocations made of them."""

from __future__ import annotations

import json
from datetime import date

from django.db.models import Count, Max

from rongtong.apps.planning.models import Allocation, AllocationCell
from rongtong.engine.figure import Citation, Figure, Key
from rongtong.engine.pack.model import Indicator, LampRule, Target
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period
from rongtong.engine.quantity import Quantity, unit
from rongtong.engine.target import as_figure
from rongtong.once import once


def target_of(pack: Pack, indicator: str, place: str, period: Period) -> Target | None:
    """The level target of an indicator at a place for the year of a period."""
    for target in pack.all("targets"):
        same = (target.indicator, target.place, target.kind) == (indicator, place, "level")
        if same and Period.parse(target.period) == period.whole_year:
            return target  # type: ignore[no-any-return]
    return None


def in_force(indicator: str, period: Period, as_of: date, place: str | None = None) -> list[Allocation]:
    """The version last adopted of each allocation of an indicator for a year, as of a day; drafts do not count."""
    rows = Allocation.objects.filter(indicator=indicator, period=str(period.whole_year), adopted_from__lte=as_of)
    if place is not None:
        rows = rows.filter(place=place)
    last: dict[str, Allocation] = {}
    for row in rows.order_by("code", "adopted_from", "version"):
        last[row.code] = row
    return list(last.values())


@once
def state() -> str:
    """A name of what is saved and adopted: whatever is derived from allocations in force depends on it.

    The moment of the last version is part of it, because numbers come again after a rollback.
    """
    found = Allocation.objects.aggregate(top=Max("pk"), last=Max("recorded_at"), adopted=Count("adopted_from"))
    return f"{found['top']} {found['last']} {found['adopted']}"


def cell_figure(cell: AllocationCell, allocation: Allocation, card: Indicator, whole: Figure | None) -> Figure:
    """An allocated goal as a figure made from the target it was split from; known from the day it is in force."""
    day = allocation.adopted_from or allocation.known_from
    named = f"{json.loads(allocation.spec)['name']}（{allocation.code}）第 {allocation.version} 版"
    return Figure(
        key=Key(allocation.indicator, cell.place, Period.parse(allocation.period), "allocated"),
        quantity=Quantity.stored(cell.value, unit(card.unit)),
        scope=card.scope,
        status="allocated",
        operation="allocated",
        inputs=(whole,) if whole else (),
        cites=(Citation(note=f"目标分解：{named}"),),
        decimals=None,
        known_from=day,
        note=f"分解方案：{named}，{day}",
    )


def goals(pack: Pack, card: Indicator, period: Period, as_of: date) -> dict[str, Figure]:
    """place → the year's goal: targets of documents first, then cells of the allocations in force.

    Cells of several subject kinds at one place are added.
    """
    found: dict[str, Figure] = {}
    for target in pack.all("targets"):
        if (
            target.indicator == card.code
            and target.kind == "level"
            and Period.parse(target.period) == period.whole_year
        ):
            figure = as_figure(target, card)
            if figure is not None:
                found[target.place] = figure
    for allocation in sorted(in_force(card.code, period, as_of), key=lambda a: (bool(a.parent_figure), a.code)):
        whole = found.get(allocation.place)
        sums: dict[str, AllocationCell] = {}
        for cell in allocation.cells.order_by("place", "subject"):
            if cell.place in sums:
                sums[cell.place].value += cell.value
            else:
                sums[cell.place] = cell
        for place, cell in sums.items():
            found.setdefault(place, cell_figure(cell, allocation, card, whole))
    return found


def rule_of(pack: Pack, code: str, day: date) -> LampRule | None:
    """The lamp rule of this code in force on a day."""
    rules = [
        r
        for r in pack.all("lamps")
        if r.code == code and r.valid_from <= day and (r.valid_to is None or day <= r.valid_to)
    ]
    return max(rules, key=lambda r: r.valid_from) if rules else None
