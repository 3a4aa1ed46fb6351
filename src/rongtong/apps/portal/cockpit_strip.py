"""The strip of key figures above the map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from rongtong import clock
from rongtong.apps.packs import queries as packs
from rongtong.apps.planning import queries
from rongtong.apps.portal import cockpit, trends
from rongtong.apps.portal.cockpit import Choice, State
from rongtong.engine.figure import Figure
from rongtong.engine.pace import Lamp
from rongtong.engine.period import Period

RECENT = 4


@dataclass(frozen=True, slots=True)
class Card:
    """A key figure: the whole's value of one indicator, how far it is, and what is expected of the year.

    `share` and `rest` (what belongs to no place) are given where there is no goal to speak of.
    """

    name: str
    unit: str
    period: Period
    address: str
    current: bool
    figures: Mapping[str, Figure]
    lamp: Lamp | None
    outlook: Mapping[str, Figure]
    share: Figure | None
    rest: Figure | None

    @property
    def synthetic(self) -> bool:
        return any(f.status == "synthetic" for f in (*self.figures.values(), *self.outlook.values()))


@lru_cache(maxsize=64)
def strip(state: State, choice: Choice, codes: tuple[str, ...]) -> tuple[Card, ...]:
    """The cards of these indicators: for the period chosen where they have it, else for their own latest."""
    return tuple(_card(state, choice, code) for code in codes)


def _card(state: State, choice: Choice, code: str) -> Card:
    known = cockpit.periods(state.facts, code, choice.as_of or clock.today())
    current = code == choice.indicator
    wanted = (choice.period,) if (choice.dated or current) and choice.period in known else known[:RECENT]
    views = [Choice(code, p, choice.dated, as_of=choice.as_of, wall=choice.wall, table=choice.table) for p in wanted]
    boards = ((view, queries.monitor(view.asked)) for view in views)
    # A period may have values of some places only; the card is about the whole.
    view, board = next(
        (b for b in boards if "value" in b[1].total.figures), (views[0], queries.monitor(views[0].asked))
    )
    period = view.period
    figures = board.total.figures
    latest = period == max((p for p in known if p.cumulative and p.year == period.year), default=None)
    return Card(
        name=board.card.name,
        unit=board.card.unit,
        period=period,
        address=view.address(),
        current=current,
        figures=figures,
        lamp=board.total.lamp,
        outlook=trends.outlook(code, board.total.place, period, choice.as_of) if latest else {},
        share=None if "goal" in figures else _share_of_revenue(code, period, choice.as_of),
        rest=None if "goal" in figures else board.unallocated,
    )


def _share_of_revenue(code: str, period: Period, as_of: date | None) -> Figure | None:
    """The whole's published share of revenue, where a card holds it."""
    found = queries.cards(packs.current(as_of)).companion(code, "share_of_revenue")
    if found is None:
        return None
    return queries.monitor(queries.Asked(found.code, period, as_of=as_of)).total.figures.get("value")
