"""The cockpit's structure: the parts of what is chosen, each with its share, and the difference as a row of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from rongtong.apps.packs import queries as packs
from rongtong.apps.papers.palette import MISSING, Spec
from rongtong.apps.planning import parts, queries
from rongtong.apps.planning.parts import Stated
from rongtong.apps.portal import charts, svg
from rongtong.apps.portal.cockpit import Choice, State
from rongtong.engine import breakdown
from rongtong.engine.figure import STATUS_WORDS, Figure
from rongtong.engine.indicator import Board
from rongtong.engine.pack.model import Cite
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period
from rongtong.engine.place import LEVEL_NAMES

DIFFERENCE = "差额（单列，不调平）"
UNALLOCATED = "未分到下一级"


@dataclass(frozen=True, slots=True)
class Item:
    """One row: a part, the whole or the difference. `here` marks the indicator chosen; `goal` is the year's target."""

    name: str
    value: Figure | None
    share: Figure | None = None
    goal: Figure | None = None
    here: bool = False


@dataclass(frozen=True, slots=True)
class Structure:
    """A whole beside its parts. `goals`: the year whose targets stand beside the values; `by_place`: no parts stated."""

    title: str
    said: str
    unit: str
    head: str
    place: str
    period: Period
    whole: Item
    items: tuple[Item, ...]
    rest: Item | None
    by_place: bool
    goals: Period | None = None
    readings: tuple[str, ...] = ()
    clauses: tuple[Cite, ...] = ()

    @property
    def rows(self) -> tuple[Item, ...]:
        return (*self.items, self.rest) if self.rest else self.items

    @property
    def drawn(self) -> bool:
        """Whether there is a value to draw."""
        return any(item.value for item in self.items)

    @property
    def synthetic(self) -> bool:
        return any(i.value is not None and i.value.status == "synthetic" for i in (self.whole, *self.rows))

    @property
    def picture(self) -> str:
        """The chart as a page holds it; "" where there is nothing to draw."""
        drawn = spec(self)
        return svg.embed(charts.svg(drawn), label="structure") if drawn else ""


def structure(state: State, choice: Choice, everything: bool) -> Structure:
    """The structure of a choice; `everything` tells that the reader may see cards above L1. Raises like the board."""
    return _structure(state, replace(choice, compare="", dated=False, table=False, wall=False), everything)


@lru_cache(maxsize=128)
def _structure(state: State, choice: Choice, everything: bool) -> Structure:
    # The state is not read here: it keys what is kept.
    pack = packs.current(choice.as_of)
    one = parts.stated(pack, choice.indicator, choice.period.year)
    if one is None:
        return _of_places(pack, choice, f"规则包没有写明{_name(pack, choice.indicator)}由哪些部分构成")
    if not everything and any(pack.get("indicators", c).level != "L1" for c in (one.whole, *one.parts)):
        return _of_places(pack, choice, "各部分登录后可看")
    place = choice.within or pack.manifest.root_place
    made = parts.composition(one, choice.period, place, choice.chain, choice.as_of)
    if made.whole is None or not made.shares:
        return _of_places(pack, choice, f"{_name(pack, one.whole)}的合计或各部分这一期未报")
    return _of_parts(pack, choice, one, made)


def _name(pack: Pack, code: str) -> str:
    return str(pack.get("indicators", code).name)


def _of_parts(pack: Pack, choice: Choice, one: Stated, made: breakdown.Composition) -> Structure:
    goals, total_goal, rest_goal = _goals(one, choice)
    place = pack.places.name(choice.within or pack.manifest.root_place)
    items = [
        Item(_name(pack, c), figure, made.shares.get(c), goals.get(c), c == choice.indicator)
        for c, figure in made.parts.items()
    ]
    unit = pack.get("indicators", one.whole).unit
    rest = f"差额 {made.rest.text}{unit}，单列" if made.rest else "有部分未报，不算差额"
    amount = made.whole.text if made.whole else MISSING
    cites: dict[Cite, None] = {}
    if one.balance:
        found = (pack.find("targets", code) for code in (one.balance.total, *one.balance.parts))
        cites = dict.fromkeys(t.cite for t in found if t)
    return Structure(
        title=_name(pack, one.whole),
        said=f"{place}{choice.period.chinese}{_name(pack, one.whole)} {amount}{unit}，按{one.by}；{rest}。",
        unit=unit,
        head="部分",
        place=place,
        period=choice.period,
        whole=Item("合计", made.whole, None, total_goal, one.whole == choice.indicator),
        items=_ordered(items),
        rest=Item(DIFFERENCE, made.rest, made.rest_share, rest_goal),
        by_place=False,
        goals=Period.parse(one.balance.period) if one.balance and total_goal else None,
        readings=tuple(one.balance.readings) if one.balance else (),
        clauses=tuple(cites),
    )


def _ordered(items: list[Item]) -> tuple[Item, ...]:
    """The largest first as in the chart, those unreported last."""
    return tuple(sorted(items, key=lambda i: (i.value is None, -i.value.number if i.value else 0)))


def _goals(one: Stated, choice: Choice) -> tuple[dict[str, Figure], Figure | None, Figure | None]:
    """(targets of the parts by card, of the whole, their difference): the whole's own, of the year chosen."""
    year = choice.period.year
    if one.balance is None or choice.within or choice.chain or Period.parse(one.balance.period).year != year:
        return {}, None, None
    found = next(b for b in queries.balances(year, choice.as_of) if b.balance.code == one.balance.code)
    return {f.key.indicator: f for f in found.parts}, found.total, found.difference


def _of_places(pack: Pack, choice: Choice, why: str) -> Structure:
    """The shares of the places next below the whole, where no parts can be shown; `why` says so."""
    level = "county" if choice.within else "city"
    board: Board = queries.monitor(replace(choice, level=level).asked)
    total = board.total.figures.get("value")
    items = [Item(r.name, r.figures.get("value"), r.figures.get("share")) for r in board.rows]
    rest = board.unallocated
    line = Item(UNALLOCATED, rest, breakdown.unallocated_share(board)) if rest else None
    said = "各地合计多出" if rest and rest.number < 0 else UNALLOCATED
    words = f"；{said} {rest.text.lstrip('-')}{board.card.unit}，单列" if rest else ""
    return Structure(
        title=board.card.name,
        said=f"{why}，这里列各{LEVEL_NAMES[level]}的占比{words}。",
        unit=board.card.unit,
        head=LEVEL_NAMES[level],
        place=pack.places.name(board.total.place),
        period=board.period,
        whole=Item(board.total.name, total, None, None, True),
        items=_ordered(items),
        rest=line,
        by_place=True,
    )


def spec(item: Structure) -> Spec | None:
    """The description of the chart, one bar per part and the difference below them; None without a value."""
    if not item.drawn:
        return None
    rest = (item.rest.name.partition("（")[0], item.rest.value.text) if item.rest and item.rest.value else None
    return charts.structure_spec(
        [(i.name, i.value.text if i.value else None) for i in item.items],
        rest,
        f"{item.place}{item.period.chinese}{item.title}构成",
        item.unit,
    )


def table(item: Structure) -> list[list[object]]:
    """The rows as text under a head: the whole, its parts, the difference."""
    goal = [f"{item.goals.chinese}目标（{item.unit}）"] if item.goals else []
    rows: list[list[object]] = [
        [item.head, "期", "指标", "地方", f"数额（{item.unit}）", "占比 %", *goal, "性质", "数的编号"]
    ]
    for one in (item.whole, *item.rows):
        value = one.value
        held: list[object] = [value.text if value else "", one.share.text if one.share else ""]
        if item.goals:
            held.append(one.goal.text if one.goal else "")
        status = STATUS_WORDS.get(value.status, value.status) if value else MISSING
        where = [one.name, item.period.chinese, item.title, item.place]
        rows.append([*where, *held, status, value.id if value else ""])
    return rows
