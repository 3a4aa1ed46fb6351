"""What an import needs to know of the observations that are stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rongtong.apps.observations.models import Observation
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period
from rongtong.engine.quantity import UnitError, unit
from rongtong.engine.reading import Reading

_FIELDS = (
    "indicator",
    "place",
    "period",
    "value",
    "unit",
    "status",
    "known_from",
    "chain",
    "subject",
    "funds",
    "use",
    "edition",
)


def held(indicators: Iterable[str], pack: Pack, places: Iterable[str] | None = None) -> Iterator[Reading]:
    """The stored values of these cards and of the cards that are parts or wholes of them, everywhere or at `places`.

    Rows whose unit no longer measures what the card does are left out: they compare with nothing.
    """
    periods: dict[str, Period] = {}
    dimensions = {card.code: unit(card.unit).dimension for card in pack.all("indicators")}
    rows = Observation.objects.filter(indicator__in=_family(set(indicators), pack)).order_by("known_from", "id")
    if places is not None:
        rows = rows.filter(place__in=set(places))
    for indicator, place, period, value, symbol, *rest in rows.values_list(*_FIELDS).iterator(chunk_size=5000):
        try:
            measured = unit(symbol)
        except UnitError:
            continue
        if measured.dimension != dimensions.get(indicator):
            continue
        if period not in periods:
            periods[period] = Period.parse(period)
        yield Reading(indicator, place, periods[period], value, measured, *rest)


def reported_periods(indicators: Iterable[str]) -> set[tuple[str, str]]:
    """The (card, period) pairs that some batch has already stored a value for."""
    rows = Observation.objects.filter(indicator__in=set(indicators)).order_by()
    return set(rows.values_list("indicator", "period").distinct())


def _family(codes: set[str], pack: Pack) -> set[str]:
    cards = pack.all("indicators")
    wholes = codes | {card.part_of for card in cards if card.code in codes and card.part_of}
    return wholes | {card.code for card in cards if card.part_of in wholes}
