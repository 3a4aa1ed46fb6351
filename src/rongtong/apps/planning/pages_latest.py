"""The latest row of many indicators at once, for pages that list them: one read of the facts, then plain computing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from rongtong.apps.cases import measuring
from rongtong.apps.observations import queries as observations
from rongtong.apps.observations.models import Observation
from rongtong.apps.planning import goals, queries
from rongtong.engine.indicator import Board, Facts, Request, board
from rongtong.engine.pack.model import Indicator
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period
from rongtong.engine.target import as_figure


@dataclass(frozen=True, slots=True)
class Wanted:
    """An indicator of which the latest board is wanted; with a year only periods of that year are looked at."""

    code: str
    year: int | None = None


def last_periods(day: date) -> dict[str, tuple[Period, ...]]:
    """Every indicator's periods with a value known on a day, the last one first; of those that end together the longest."""
    rows = Observation.objects.filter(known_from__lte=day).order_by().values_list("indicator", "start", "months")
    found: dict[str, set[Period]] = {}
    for code, start, months in rows.distinct():
        found.setdefault(code, set()).add(Period(start // 100, start % 100, months))
    for code, spans in measuring.periods_of_all(day).items():
        found.setdefault(code, set()).update(spans)
    return {c: tuple(sorted(p, key=lambda x: (x.last_day, x.months), reverse=True)) for c, p in found.items()}


def latest(pack: Pack, wanted: Iterable[Wanted], day: date) -> dict[Wanted, Board]:
    """The board of the whole for each indicator wanted, for its last period known on a day.

    A year without any value gives the board of the year itself, in which nothing is reported.
    """
    known = last_periods(day)
    chosen: dict[Wanted, Period] = {}
    for one in wanted:
        period = _period(known.get(one.code, ()), one.year)
        if period is not None:
            chosen[one] = period
    all_cards = queries.cards(pack)
    periods = {q for p in chosen.values() for q in (p, p.years_before(), p.years_before().whole_year)}
    codes = {n for one in chosen for n in all_cards.needed(one.code)}
    facts = Facts.of(observations.known(codes, periods, day)) if codes else Facts.of(())
    return {
        one: board(_request(pack, all_cards.cards[one.code], period, facts, day), facts, all_cards, pack.places)
        for one, period in chosen.items()
    }


def _period(known: tuple[Period, ...], year: int | None) -> Period | None:
    if year is None:
        return next(iter(known), None)
    return next((p for p in known if p.year == year), Period(year, 1, 12))


def _request(pack: Pack, card: Indicator, period: Period, facts: Facts, day: date) -> Request:
    """What the board of the whole is asked: its own value, or the sum over the places where only they report."""
    root = pack.manifest.root_place
    target = goals.target_of(pack, card.code, root, period)
    figure = as_figure(target, card) if target else None
    rule = (target.lamp if target else "") or card.lamp
    summed = card.aggregation.place == "sum" and facts.get(card.code, root, period) is None
    return Request(
        card=card,
        period=period,
        as_of=day,
        places=pack.places.at_level("city", root) if summed else (),
        top=root,
        goals={root: figure} if figure else {},
        target=target,
        rule=goals.rule_of(pack, rule, day) if rule else None,
    )
