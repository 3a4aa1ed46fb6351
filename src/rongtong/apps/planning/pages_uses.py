"""Uses of the result (结果运用): what a document names, and per place what is known for it and what is not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from rongtong import clock
from rongtong.apps.observations import queries as observations
from rongtong.apps.packs import queries as packs
from rongtong.apps.papers.blocks_base import wide
from rongtong.apps.planning import pages_cards, queries
from rongtong.apps.registry.access import Visible
from rongtong.engine.figure import Figure
from rongtong.engine.indicator import Row
from rongtong.engine.pack.model import Indicator, Target, Use
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period

# A published figure whose period ended longer ago is not set beside this year's.
RECENT = timedelta(days=366)


def places(pack: Pack, visible: Visible) -> list[tuple[str, str]]:
    """(code, name) of the places an account may see sheets of: the cities it reads, or else its own counties."""
    for level in ("city", "county"):
        found = [(p, pack.places.name(p)) for p in pack.places.at_level(level) if p in visible]
        if found:
            return found
    return []


def named(pack: Pack, code: str) -> Use:
    """The use of this code. Raises queries.Unknown."""
    use = pack.find("uses", code)
    if use is None:
        known = "、".join(u.code for u in pack.all("uses"))
        raise queries.Unknown(f"没有结果运用“{code}”。应为 {known} 之一。")
    return use  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One line of an evidence sheet; without a row the place has no value there."""

    card: Indicator
    period: str
    row: Row | None
    published: bool


def evidence(pack: Pack, use: Use, place: str) -> list[Evidence]:
    """The place's figures on the use's indicators, then on the published ones that papers set beside them."""
    beside = [c for p in pack.all("papers") for c in p.real_indicators if c not in use.indicators]
    chosen = [*((c, False) for c in use.indicators), *((c, True) for c in dict.fromkeys(beside))]
    found = [_evidence(pack, code, place, published) for code, published in chosen]
    return [e for e in found if not e.published or e.row]


def _evidence(pack: Pack, code: str, place: str, published: bool) -> Evidence:
    card = queries.card(pack, code)
    known = observations.periods_of(code, clock.today())
    if not known:
        return Evidence(card, "", None, published)
    period = max(known, key=lambda p: (p.last_day, p.months))
    if published and (card.measure_of or clock.today() - period.last_day > RECENT):
        return Evidence(card, period.chinese, None, published)
    row = _row(pack, code, place, period)
    return Evidence(card, period.chinese, row if row and "value" in row.figures else None, published)


def _row(pack: Pack, code: str, place: str, period: Period) -> Row | None:
    county = pack.places.get(place).level == "county"
    asked = queries.Asked(
        code, period, "county" if county else "city", (pack.places.parent(place) or "") if county else ""
    )
    return next((r for r in queries.monitor(asked).rows if r.place == place), None)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A rule that compares actual figures, as far as the place has them."""

    target: Target
    name: str
    now: Figure | None
    then: Figure | None


def comparisons(pack: Pack, use: Use, place: str) -> list[Comparison]:
    """What is known of the place on each rule of the use's document that compares actual figures."""
    chosen = [
        t for t in pack.all("targets") if t.kind in ("monotone", "relative") and t.cite.document == use.cite.document
    ]
    return [_comparison(pack, t, place) for t in chosen]


def _comparison(pack: Pack, target: Target, place: str) -> Comparison:
    item = pack.find("commitments", target.commitment)
    name = item.name if item else queries.card(pack, target.indicator).name
    row = _row(pack, target.indicator, place, Period.parse(target.period))
    figures = row.figures if row else {}
    return Comparison(target, wide(name), figures.get("value"), figures.get("base"))


def sheet(code: str, place: str) -> dict[str, object]:
    """Everything the evidence sheet of a place for a use shows. Raises queries.Unknown or PlaceError."""
    pack = packs.current()
    use = named(pack, code)
    lines = evidence(pack, use, place)
    rules = comparisons(pack, use, place)
    return {
        "use": use,
        "place": place,
        "name": pack.places.get(place).name,
        "basis": pages_cards.basis(pack, use.cite),
        "lines": lines,
        "synthetic": any(e.row and e.row.status == "synthetic" for e in lines),
        "rules": [r for r in rules if r.now],
        "unknown": [r for r in rules if not r.now],
        "points": [wide(p) for p in use.open_points],
        "as_of": clock.today(),
    }


def overview(pack: Pack) -> Iterable[tuple[Use, pages_cards.Basis, list[Indicator]]]:
    """Every use with its clause and indicators."""
    return [
        (u, pages_cards.basis(pack, u.cite), [queries.card(pack, c) for c in u.indicators]) for u in pack.all("uses")
    ]
