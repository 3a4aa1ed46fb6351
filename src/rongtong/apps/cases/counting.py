"""What a case counted for (计入): each step that added to an indicator, with the figures it went into."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.urls import reverse

from rongtong import clock
from rongtong.apps.cases.models import Case
from rongtong.apps.packs import queries as packs
from rongtong.engine.figure import Key
from rongtong.engine.period import Period
from rongtong.engine.quantity import Quantity, unit


@dataclass(frozen=True, slots=True)
class Counted:
    """What one step added to an indicator, or took back; `figures` are (place, address) of what it went into."""

    indicator: str
    name: str
    words: str
    on: date
    period: Period
    figures: tuple[tuple[str, str], ...]


def counted(case: Case) -> tuple[Counted, ...]:
    """What a case counted for, in the order of its steps: in the year of the step, at its place and for the whole."""
    pack, today = packs.current(), clock.today()
    found = []
    for row in case.measured.order_by("pk"):
        card = pack.find("indicators", row.indicator)
        if card is None:
            continue
        period = Period(row.on.year, 1, today.month if row.on.year == today.year else 12)
        amount = Quantity.stored(row.value, unit(card.unit))
        found.append(
            Counted(
                row.indicator,
                card.name,
                f"+{amount}" if row.value > 0 else str(amount),
                row.on,
                period,
                tuple(
                    (pack.places.name(place), reverse("why", args=[str(Key(row.indicator, place, period))]))
                    for place in dict.fromkeys((row.place, pack.manifest.root_place))
                ),
            )
        )
    return tuple(found)
