"""What is published: the L1 indicators with what was observed, and no cell that could point at somebody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Literal

from rongtong import clock
from rongtong.apps.observations import queries as observations
from rongtong.apps.packs import queries as packs
from rongtong.apps.planning import pages_cards
from rongtong.apps.planning import queries as planning
from rongtong.apps.portal.open_words import UNITS_EN
from rongtong.engine.facts import Fact
from rongtong.engine.figure import Key
from rongtong.engine.pack.model import Cite, Document, Indicator
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period
from rongtong.engine.quantity import PERSON, PERSON_YEAR, Quantity, unit

LEVEL = "L1"
# A count below this, of one place below the whole, is shown as "<3".
SMALLEST = 3
PUBLIC_LEVELS = ("nation", "province")
Hidden = Literal["", "small", "secondary"]


class Unpublished(LookupError):
    """No published data of this name; the same answer for what is unknown and what is not open."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One published value: the newest known of a place and period. `hidden` says why its number is not given."""

    place: str
    name: str
    parent: str
    period: Period
    quantity: Quantity
    decimals: int
    status: str
    known_from: date
    source: str
    figure: str
    name_en: str = ""
    hidden: Hidden = ""

    @property
    def exact(self) -> str:
        """The number with all its digits in the card's unit; empty where it is hidden."""
        return "" if self.hidden else self.quantity.shown()

    @property
    def text(self) -> str:
        """The number as shown on a page."""
        if self.hidden:
            return f"<{SMALLEST}" if self.hidden == "small" else "…"
        return self.quantity.shown(self.decimals)


@dataclass(frozen=True, slots=True)
class Dataset:
    """An L1 card with its cells, oldest period first; `latest` is the newest of the whole, or of a place above it.

    None where values are known of some places below the whole only: no one of them stands for it.
    """

    card: Indicator
    scope: str
    documents: tuple[tuple[Cite, Document | None], ...]
    cells: tuple[Cell, ...]
    latest: Cell | None

    @property
    def unit_en(self) -> str:
        """The unit in English; what is counted in firms, items or cases is a number."""
        return UNITS_EN.get(self.card.unit, "number")

    @property
    def synthetic(self) -> bool:
        """Whether any cell was generated for the demonstration."""
        return any(c.status == "synthetic" for c in self.cells)

    @property
    def modified(self) -> date:
        return max(c.known_from for c in self.cells)

    @property
    def span(self) -> tuple[date, date]:
        """The first day of the first period and the last day of the last."""
        return min(c.period.first_day for c in self.cells), max(c.period.last_day for c in self.cells)

    @property
    def newest(self) -> tuple[Cell, ...]:
        """The cells of the latest period, the widest place first."""
        period = (self.latest or self.cells[-1]).period
        return tuple(c for c in self.cells if c.period == period)


def datasets() -> tuple[Dataset, ...]:
    """Every published dataset as known today, in the order of the pack. Raises NoPack."""
    pack = packs.current()
    return _datasets(pack.fingerprint, observations.state(), clock.today())


def dataset(code: str) -> Dataset:
    """The published dataset of a card. Raises Unpublished."""
    found = next((d for d in datasets() if d.card.code == code), None)
    if found is None:
        raise Unpublished(f"没有公开的指标“{code}”。")
    return found


@lru_cache(maxsize=4)
def _datasets(fingerprint: str, state: str, today: date) -> tuple[Dataset, ...]:
    # The first two arguments are the state the answer depends on; they key the cache.
    pack = packs.current()
    have = set(observations.codes_with_values(today))
    cards = [c for c in pack.all("indicators") if c.level == LEVEL and c.code in have]
    facts: dict[str, list[Fact]] = {c.code: [] for c in cards}
    for fact in observations.known(facts, (), today) if cards else ():
        if not fact.subject and not fact.chain:
            facts[fact.indicator].append(fact)
    return tuple(_dataset(pack, c, facts[c.code]) for c in cards if facts[c.code])


def _dataset(pack: Pack, card: Indicator, facts: Iterable[Fact]) -> Dataset:
    cells = [_cell(pack, card, f) for f in facts]
    if unit(card.unit).dimension in (PERSON, PERSON_YEAR) or unit(card.unit).dimension.name.startswith("count:"):
        cells = _suppressed(cells, {p.code for p in pack.all("places") if p.level in PUBLIC_LEVELS})
    order = {p.code: i for i, p in enumerate(pack.all("places"))} | {pack.manifest.root_place: -1}

    def width(cell: Cell) -> int:
        return order.get(cell.place, len(order))

    cells.sort(key=lambda c: (c.period.last_day, c.period.months, width(c)))
    scope = pack.find("scopes", card.scope)
    documents = tuple((cite, pack.find("documents", cite.document)) for cite in card.basis)
    return Dataset(card, scope.name if scope else "", documents, tuple(cells), _latest(pack, card, cells))


def _latest(pack: Pack, card: Indicator, cells: list[Cell]) -> Cell | None:
    """The cell of the last period of the whole, of a place above where the whole never is known, or the sum of all cities."""
    period = pages_cards.whole_period(pack, card, [(c.place, c.period) for c in cells])
    there = [c for c in cells if c.period == period]
    root = pack.manifest.root_place
    own = [c for c in there if c.place == root] or [c for c in there if not pack.places.is_within(c.place, root)]
    if own or period is None:
        return next(iter(own), None)
    value = planning.monitor(planning.Asked(card.code, period)).total.figures.get("value")
    if value is None:
        return None
    return replace(
        there[0], place=root, name=pack.places.name(root), name_en=_english(pack, root), parent=pack.places.parent(root) or "", quantity=value.quantity,
        status=value.status, known_from=max(c.known_from for c in there), source="", figure=value.id, hidden="",
    )  # fmt: skip


def _cell(pack: Pack, card: Indicator, fact: Fact) -> Cell:
    return Cell(
        place=fact.place,
        name=pack.places.name(fact.place),
        parent=pack.places.parent(fact.place) or "",
        period=fact.period,
        quantity=Quantity.stored(fact.value, unit(card.unit)),
        decimals=card.decimals,
        status=fact.status,
        known_from=fact.known_from,
        source=fact.source,
        figure=str(Key(card.code, fact.place, fact.period)),
        name_en=_english(pack, fact.place),
    )


def _english(pack: Pack, place: str) -> str:
    found = pack.places.places.get(place)
    return found.name_en if found else ""


def _suppressed(cells: list[Cell], public: set[str]) -> list[Cell]:
    """Small counts hidden, and beside a single one among its siblings the next smallest, so that no sum gives it away."""
    found: list[Cell] = []
    groups: dict[tuple[Period, str], list[Cell]] = {}
    for cell in cells:
        if cell.place in public:
            found.append(cell)
        else:
            groups.setdefault((cell.period, cell.parent), []).append(cell)
    for group in groups.values():
        group.sort(key=lambda c: c.quantity.amount)
        small = sum(1 for c in group if c.quantity.amount < SMALLEST)
        for position, cell in enumerate(group):
            hidden: Hidden = "small" if position < small else "secondary" if (position, small) == (1, 1) else ""
            found.append(replace(cell, hidden=hidden))
    return found
