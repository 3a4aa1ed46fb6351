"""Parts (构成): which cards a pack states as the parts of another, and how a whole comes apart into them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from rongtong.apps.packs import queries as packs
from rongtong.apps.planning import queries
from rongtong.engine import breakdown
from rongtong.engine.figure import Figure
from rongtong.engine.pack.model import Balance, Indicator
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period

# Where cards name their whole in several ways, the first of these is shown.
VIEWS = {"performer": "执行主体分", "funds": "资金来源分", "": "类别分"}


@dataclass(frozen=True, slots=True)
class Stated:
    """A whole and its parts by card code, how they are told apart in words, and the balance that says so, if one does."""

    whole: str
    parts: tuple[str, ...]
    by: str
    balance: Balance | None = None


def stated(pack: Pack, code: str, year: int) -> Stated | None:
    """The parts the pack states for a card, else those it is one of; of several balances the one nearest the year."""
    return _wholes(pack, year).get(code) or holding(pack, code, year)


def holding(pack: Pack, code: str, year: int) -> Stated | None:
    """The statement a card is a part of."""
    return next((one for one in _wholes(pack, year).values() if code in one.parts), None)


def _wholes(pack: Pack, year: int) -> dict[str, Stated]:
    """One statement per whole, and no part in two, so that a share or a difference is of one statement only."""
    found: dict[str, Stated] = {}
    for one in (*_balances(pack, year), *_groups(pack)):
        if one.whole not in found and not any(set(one.parts) & set(other.parts) for other in found.values()):
            found[one.whole] = one
    return found


def _balances(pack: Pack, year: int) -> Iterator[Stated]:
    """Balances of targets as statements about the cards of these targets."""

    def distance(balance: Balance) -> tuple[int, int]:
        own = Period.parse(balance.period).year
        return abs(own - year), own

    for balance in sorted(pack.all("balances"), key=distance):
        targets = [pack.get("targets", code) for code in (balance.total, *balance.parts)]
        whole, *parts = (t.indicator for t in targets)
        words = f"{Period.parse(balance.period).chinese}目标所列的部分"
        yield Stated(whole, tuple(parts), words, balance)


def _groups(pack: Pack) -> Iterator[Stated]:
    """Cards that name one whole from one view; a single one is no breakdown."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    cards: Iterable[Indicator] = pack.all("indicators")
    for card in cards:
        if card.part_of:
            prefix = "" if card.view else card.code.rpartition(".")[0]
            groups.setdefault((card.part_of, card.view, prefix), []).append(card.code)
    order = list(VIEWS)
    for (whole, view, _), codes in sorted(groups.items(), key=lambda item: order.index(item[0][1])):
        if len(codes) > 1:
            yield Stated(whole, tuple(codes), VIEWS[view])


def composition(
    one: Stated, period: Period, place: str, chain: str = "", as_of: date | None = None
) -> breakdown.Composition:
    """The whole and its parts at a place as known on a day. Raises queries.Unknown, PlaceError or FigureError."""
    root = packs.current(as_of).manifest.root_place
    where = ("city", "") if place == root else ("self", place)

    def value(code: str) -> Figure | None:
        board = queries.monitor(queries.Asked(code, period, *where, chain, as_of))
        return board.total.figures.get("value")

    return breakdown.composition(value(one.whole), {code: value(code) for code in one.parts})
