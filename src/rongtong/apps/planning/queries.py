"""Monitoring (监测研判): boards, targets, balances, and the chain from a figure to clause and consequence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from rongtong import clock
from rongtong.apps.observations import queries as observations
from rongtong.apps.packs import queries as packs
from rongtong.apps.planning import goals
from rongtong.engine import breakdown
from rongtong.engine import figure as fig
from rongtong.engine import target as targeting
from rongtong.engine.figure import Figure, FigureError, Key
from rongtong.engine.indicator import Board, Cards, Facts, Request, board
from rongtong.engine.pack.model import Indicator, Target
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period

# The place of the line that belongs to no place of the level asked for.
UNALLOCATED = "unallocated"


class Unknown(ValueError):
    """What was asked for does not exist; the message names what does."""


def cards(pack: Pack) -> Cards:
    return Cards.of(pack.all("indicators"), pack.all("scopes"))


def card(pack: Pack, code: str) -> Indicator:
    """The card of this code. Raises Unknown, naming near codes."""
    found = pack.find("indicators", code)
    if found is None:
        from difflib import get_close_matches

        near = get_close_matches(code, [c.code for c in pack.all("indicators")], 3, 0.4)
        hint = f"是不是 {'、'.join(near)}?" if near else "rongtong cards 列出全部指标。"
        raise Unknown(f"没有指标“{code}”。{hint}")
    return found  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a board, as a person puts it."""

    indicator: str
    period: Period
    level: str = "city"
    within: str = ""
    chain: str = ""
    as_of: date | None = None
    engine: str = "duckdb"


def monitor(asked: Asked) -> Board:
    """The board of an indicator for a period. Raises Unknown, PlaceError, FigureError or ExpressionError."""
    as_of = asked.as_of or clock.today()
    pack = packs.current(asked.as_of)
    top = asked.within or pack.manifest.root_place
    card(pack, asked.indicator)
    if asked.chain and pack.find("chains", asked.chain) is None:
        raise Unknown(f"没有产业链“{asked.chain}”。rongtong cards --chains 列出全部。")
    pack.places.get(top)
    return _monitor(pack.fingerprint, observations.state(), goals.state(), asked, as_of, top)


@lru_cache(maxsize=256)
def _monitor(fingerprint: str, facts_state: str, goals_state: str, asked: Asked, as_of: date, top: str) -> Board:
    # The first three arguments are the state the answer depends on; they key the cache.
    pack = packs.current(asked.as_of)
    codes = cards(pack).needed(card(pack, asked.indicator).code)
    facts = Facts.of(observations.known(codes, periods_read(asked.period), as_of, asked.engine))
    return board_of(pack, asked, facts, as_of, top)


def periods_read(period: Period) -> set[Period]:
    """The periods whose facts a board of this one reads."""
    past = period.years_before()
    return {period, past, past.whole_year}


def board_of(pack: Pack, asked: Asked, facts: Facts, as_of: date, top: str) -> Board:
    """The board of a request by a pack, from facts that hold at least those of the card. Raises like `monitor`."""
    one, all_cards = card(pack, asked.indicator), cards(pack)
    target = goals.target_of(pack, one.code, pack.manifest.root_place, asked.period)
    rule_code = (target.lamp if target else "") or one.lamp
    places = _places(pack, asked.level, top)
    if not places and asked.level != "self":
        raise Unknown(f"{pack.places.name(top)}以下没有“{asked.level}”这一级。应为 city、county 或 children。")
    request = Request(
        card=one,
        period=asked.period,
        as_of=as_of,
        places=places,
        top=top,
        chain=asked.chain,
        goals=goals.goals(pack, one, asked.period, as_of) if not asked.chain else {},
        target=target,
        rule=goals.rule_of(pack, rule_code, as_of) if rule_code else None,
    )
    return board(request, facts, all_cards, pack.places)


def _places(pack: Pack, level: str, top: str) -> tuple[str, ...]:
    """The places of a board's rows: those of a level below `top`, its children, or none (`self`)."""
    if level == "self":
        return ()
    return pack.places.children(top) if level == "children" else pack.places.at_level(level, top)


def find(figure_id: str, as_of: date | None = None) -> tuple[Figure, Board | None]:
    """The figure of an id and the board it stands on, if any. Raises Unknown when there is none."""
    key = Key.parse(figure_id)
    pack = packs.current(as_of)
    if key.place != UNALLOCATED:
        pack.places.get(key.place)
    card(pack, key.indicator)
    kept = {
        "target": _target_figure,
        "allocated": _allocated_figure,
        "difference": _difference_figure,
        **dict.fromkeys(("part_share", "part_rest", "part_rest_share"), _part_figure),
        **dict.fromkeys(("forecast", "forecast_low", "forecast_high", "probability"), _forecast_figure),
    }
    if key.base or key.measure == "needed":
        return _reading_figure(pack, key, as_of), None
    if key.measure in kept:
        return kept[key.measure](pack, key, as_of), None
    found_on = monitor(Asked(key.indicator, key.period, *_stand(pack, key.place), key.chain, as_of))
    figures = found_on.figures()
    for made in (breakdown.contributions(found_on), breakdown.shortfall(found_on)):
        figures.update(made.figures() if made else {})
    alone = breakdown.unallocated_share(found_on)
    figures.update({alone.id: alone} if alone else {})
    for figure in list(figures.values()):
        for part in figure.walk():
            figures.setdefault(part.id, part)
    if str(key) not in figures:
        day = found_on.as_of
        raise Unknown(
            f"没有 {key}：截至 {day} 这个指标、地方和期没有这个数（未报或不适用）。"
            f"rongtong figures --indicator {key.indicator} --period {key.period} 列出有的。"
        )
    return figures[str(key)], found_on


def _allocated_figure(pack: Pack, key: Key, as_of: date | None) -> Figure:
    goal = goals.goals(pack, card(pack, key.indicator), key.period, as_of or clock.today()).get(key.place)
    if goal is None or goal.key != key:
        raise Unknown(f"没有 {key}：{key.period} 年还没有分解到这个地方。rongtong allocate 方案 --save 存为目标。")
    return goal


def _difference_figure(pack: Pack, key: Key, as_of: date | None) -> Figure:
    for item in balances(key.period.year, as_of):
        if item.difference.key == key:
            return item.difference
    raise Unknown(f"没有 {key} 这个差额。rongtong targets --year {key.period.year} 列出有的。")


def _part_figure(pack: Pack, key: Key, as_of: date | None) -> Figure:
    from rongtong.apps.planning import parts

    find_stated = parts.holding if key.measure == "part_share" else parts.stated
    stated = find_stated(pack, key.indicator, key.period.year)
    made = parts.composition(stated, key.period, key.place, key.chain, as_of).figures() if stated else {}
    if str(key) not in made:
        raise Unknown(f"没有 {key}：规则包没有写明这个指标的构成，或者合计、部分未报。")
    return made[str(key)]


def _forecast_figure(pack: Pack, key: Key, as_of: date | None) -> Figure:
    from rongtong.apps.planning.forecasting import figures

    found = figures(key.indicator, key.period, as_of).get(str(key))
    if found is None:
        raise Unknown(f"{key} 还没有预测。rongtong nowcast 目标 --save 存一版。")
    return found


def _stand(pack: Pack, place: str) -> tuple[str, str]:
    """(level, within) of the board a place's figures stand on: a county's on its city's, where its share is taken."""
    root = pack.manifest.root_place
    if place == root:
        return "city", ""
    if not pack.places.is_within(place, root):
        return "self", place
    level = pack.places.get(place).level
    return level, (pack.places.parent(place) or "") if level == "county" else ""


def _target_figure(pack: Pack, key: Key, as_of: date | None) -> Figure:
    for target in pack.all("targets"):
        if (target.indicator, target.place, Period.parse(target.period)) == (key.indicator, key.place, key.period):
            figure = targeting.as_figure(target, card(pack, key.indicator))
            if figure:
                return figure
    raise Unknown(f"没有 {key} 这个目标。rongtong targets --year {key.period.year} 列出有的。")


def _reading_figure(pack: Pack, key: Key, as_of: date | None) -> Figure:
    """What a reading of a target holds against another: a share of a base, or the growth that another's asks for."""
    chosen = [t for t in pack.all("targets") if key.indicator in _codes(t) and Period.parse(t.period) == key.period]
    for goal in _assessed(pack, chosen, as_of or clock.today()):
        for figure in (f for v in goal.verdicts for f in (v.actual, v.bar) if f is not None):
            if figure.key == key:
                return figure
    raise Unknown(
        f"没有 {key}：没有目标这样读，或者它用到的数未报。rongtong targets --year {key.period.year} 列出有的。"
    )


@dataclass(frozen=True, slots=True)
class Goal:
    """A target of a year with its number as a figure and every reading of it against what is known."""

    target: Target
    card: Indicator
    figure: Figure | None
    verdicts: tuple[targeting.Verdict, ...]

    @property
    def met(self) -> bool | None:
        return targeting.met_by_all(self.verdicts)


def targets(year: int, as_of: date | None = None) -> tuple[Goal, ...]:
    """Every target whose period is the year or covers it, in the order of the pack."""
    pack = packs.current(as_of)
    day = as_of or clock.today()
    chosen = [
        t
        for t in pack.all("targets")
        if Period.parse(t.period).first_day.year <= year <= Period.parse(t.period).last_day.year
    ]
    return _assessed(pack, chosen, day)


def _assessed(pack: Pack, chosen: Sequence[Target], day: date) -> tuple[Goal, ...]:
    """Targets with every reading of each against what is known on a day."""
    wanted = {p for t in chosen for p in (Period.parse(t.period), Period.parse(t.period).years_before())}
    codes = {c for t in chosen for c in _codes(t)}
    all_cards = cards(pack)
    needed = {n for c in codes if c in all_cards.cards for n in all_cards.needed(c)}
    facts = Facts.of(observations.known(needed, wanted, day))

    def lookup(code: str, place: str, period: Period) -> Figure | None:
        if code not in all_cards.cards:
            return None
        one = Request(all_cards.cards[code], period, day, (), place)
        return board(one, facts, all_cards, pack.places).total.figures.get("value")

    out = []
    for target in chosen:
        one = card(pack, target.indicator)
        units = None
        if target.reference and target.reference.over in ("city", "county"):
            units = targeting.Units(pack.places.at_level(target.reference.over))
        out.append(
            Goal(
                target, one, targeting.as_figure(target, one), targeting.assess(target, all_cards.cards, lookup, units)
            )
        )
    return tuple(out)


def _codes(target: Target) -> Iterable[str]:
    yield target.indicator
    if target.reference:
        if target.reference.indicator:
            yield target.reference.indicator
        yield from target.reference.denominators


def balances(year: int, as_of: date | None = None) -> tuple[targeting.Difference, ...]:
    """The balances of a year: published totals beside published parts."""
    pack = packs.current(as_of)
    figures = {}
    for target in pack.all("targets"):
        figure = targeting.as_figure(target, card(pack, target.indicator))
        if figure:
            figures[target.code] = figure
    chosen = [b for b in pack.all("balances") if Period.parse(b.period).year == year]
    return tuple(targeting.difference(b, figures) for b in chosen)


def add(figure_ids: Iterable[str], as_of: date | None = None) -> Figure:
    """The sum of figures, or FigureError with the reason they may not be added."""
    found = [find(i, as_of)[0] for i in figure_ids]
    if len(found) < 2:
        raise FigureError("相加至少要两个数。")
    all_cards = cards(packs.current(as_of))
    views = {all_cards.cards[f.key.indicator].view for f in found} - {""}
    wholes = {f.key.indicator for f in found} & {all_cards.cards[f.key.indicator].part_of for f in found}
    if len(views) > 1:
        raise FigureError("按资金来源的数与按执行主体的数不能相加：同一笔钱会算两次。")
    if wholes:
        raise FigureError(f"{'、'.join(sorted(wholes))} 是合计，不能再与它的部分相加。")
    one = found[0].key
    return fig.total(one.of("parts"), found, all_cards.reasons, all_cards.scope_names)
