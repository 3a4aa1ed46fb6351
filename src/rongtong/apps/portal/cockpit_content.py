"""What the cockpit shows for a choice: the board's lines with their ranks, the map, the trend, and a sentence for each.

Everything is computed once per state of the figures; a warm page only reads the state and renders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from django.urls import reverse

from rongtong import clock
from rongtong.apps.observations import queries as observations
from rongtong.apps.packs import queries as packs
from rongtong.apps.papers.palette import Spec
from rongtong.apps.planning import queries
from rongtong.apps.portal import charts, cockpit, svg, trends
from rongtong.apps.portal.cockpit import Choice, State
from rongtong.engine.figure import Figure, Key, difference, ranks
from rongtong.engine.indicator import Board, Row
from rongtong.engine.pace import Lamp
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period

RANK = {"yoy": "yoy_rank", "value": "rank"}
LAMP_ORDER = (("green", "正常"), ("yellow", "滞后"), ("red", "严重滞后"), ("grey", "未报"))


@dataclass(frozen=True, slots=True)
class Move:
    """A change of rank since the period before: an arrow and the same in words."""

    sign: str
    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """A place as shown: its figures by measure, its rank by what is compared, where a click on it leads."""

    place: str
    name: str
    figures: Mapping[str, Figure]
    lamp: Lamp | None
    rank: int | None
    tied: bool
    move: Move | None
    address: str
    status: str


@dataclass(frozen=True, slots=True)
class Content:
    """The board of a choice with everything the page says about it."""

    choice: Choice
    board: Board
    comparisons: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    total: Line
    before: Period | None
    map: str
    map_said: str
    ranking_said: str
    trend: trends.Trend
    trend_svg: str
    cities: tuple[tuple[str, str], ...]
    chains: tuple[tuple[str, str], ...]
    source: str

    @property
    def synthetic(self) -> bool:
        return "synthetic" in (self.total.status, *(line.status for line in self.lines))


@lru_cache(maxsize=128)
def content(state: State, asked: Choice) -> Content:
    """The content of a choice. `state` keys what is kept. Raises queries.Unknown, PlaceError or FigureError."""
    pack = packs.current(asked.as_of)
    board = queries.monitor(asked.asked)
    choice = replace(asked, compare=_comparison(board, asked.compare))
    counties = _county_facts(pack, choice)
    before = _before(choice, state)
    lines = _lines(pack, board, choice, counties, before)
    total = _line(board.total, board, choice, None, False, None, counties)
    spec = charts.map_spec(
        board, pack, choice.compare, [ln.place for ln in lines], {ln.place: ln.address for ln in lines}
    )
    trend = trends.trend(choice)
    return Content(
        choice=choice,
        board=board,
        comparisons=tuple((m, charts.MEASURE_WORDS[m]) for m in _comparisons(board)),
        lines=lines,
        total=total,
        before=before.period if before else None,
        map=_map(spec, lines) if spec else "",
        map_said=_map_said(lines, total, choice),
        ranking_said=_ranking_said(board),
        trend=trend,
        trend_svg=_trend(trend, choice.wall),
        cities=tuple((c, pack.places.name(c)) for c in sorted(counties)),
        chains=_chains(pack, choice),
        source=_source(board),
    )


def _trend(item: trends.Trend, wall: bool) -> str:
    if not item.drawn:
        return ""
    size = charts.WALL_TREND_SIZE if wall else charts.TREND_SIZE
    return svg.embed(charts.svg(trends.spec(item, size)), label="trend")


def _map(spec: Spec, lines: tuple[Line, ...]) -> str:
    places = {line.address: line.place for line in lines}
    return svg.embed(charts.svg(spec), label="map", role="graphics-document", places=places)


def _comparisons(board: Board) -> list[str]:
    """What the places can be compared by, the usual one first: progress where there are goals, else growth."""
    have = {m for row in board.rows for m in row.figures}
    return [m for m in ("completion", "yoy", "value") if m in have] or ["value"]


def _comparison(board: Board, wished: str) -> str:
    found = _comparisons(board)
    return wished if wished in found else found[0]


def _county_facts(pack: Pack, choice: Choice) -> frozenset[str]:
    """The cities whose counties have values of the indicator for the period."""
    facts = observations.known([choice.indicator], [choice.period], choice.as_of or clock.today())
    tree = pack.places
    counties = {f.place for f in facts if f.chain == choice.chain and f.place in tree.places}
    return frozenset(p for c in counties if tree.get(c).level == "county" and (p := tree.parent(c)) is not None)


def _chains(pack: Pack, choice: Choice) -> tuple[tuple[str, str], ...]:
    """The industrial chains the indicator has values of for the period."""
    facts = observations.known([choice.indicator], [choice.period], choice.as_of or clock.today())
    codes = sorted({f.chain for f in facts if f.chain})
    return tuple((c, found.name if (found := pack.find("chains", c)) else c) for c in codes)


def _before(choice: Choice, state: State) -> Board | None:
    """The board of the last earlier cumulative period of the same year, else of last year's same span, if it has ranks."""
    known = cockpit.periods(state.facts, choice.indicator, choice.as_of or clock.today())
    now = choice.period
    same_year = [p for p in known if now.cumulative and p.cumulative and p.year == now.year and p.months < now.months]
    for period in (*same_year[:1], now.years_before()):
        if period in known:
            board = queries.monitor(replace(choice, period=period).asked)
            if _positions(board, choice.compare):
                return board
    return None


def _positions(board: Board, measure: str) -> dict[str, Figure]:
    """Place → the figure of its rank; the ranks of progress are taken from the completion itself."""
    if measure in RANK:
        return {r.place: r.figures[RANK[measure]] for r in board.rows if RANK[measure] in r.figures}
    return ranks({r.place: r.figures[measure] for r in board.rows if measure in r.figures}, "rank")


def _lines(
    pack: Pack, board: Board, choice: Choice, counties: frozenset[str], before: Board | None
) -> tuple[Line, ...]:
    now = _positions(board, choice.compare)
    then = _positions(before, choice.compare) if before else {}
    held = [int(rank.number) for rank in now.values()]
    lines = []
    for row in board.rows:
        rank = now.get(row.place)
        move = _move(rank, then.get(row.place), before.period) if rank and before else None
        tied = rank is not None and held.count(int(rank.number)) > 1
        lines.append(_line(row, board, choice, rank, tied, move, counties))
    return tuple(sorted(lines, key=lambda line: (line.rank is None, line.rank or 0, line.place)))


def _line(
    row: Row,
    board: Board,
    choice: Choice,
    rank: Figure | None,
    tied: bool,
    move: Move | None,
    counties: frozenset[str],
) -> Line:
    why = reverse("why", args=[str(Key(board.card.code, row.place, board.period, "value", board.chain))])
    drills = choice.level == "city" and row.place in counties and row is not board.total
    address = choice.drilled(row.place).address() if drills else why
    number = int(rank.number) if rank else None
    return Line(row.place, row.name, row.figures, row.lamp, number, tied, move, address, row.status)


def _move(now: Figure, then: Figure | None, period: Period) -> Move | None:
    if then is None:
        return None
    steps = difference(now.key.of("rank_change"), then, now, decimals=0).number
    if not steps:
        return Move("—", f"与{period.chinese}相同")
    arrow, word = ("↑", "上升") if steps > 0 else ("↓", "下降")
    return Move(f"{arrow}{abs(steps)}", f"比{period.chinese}{word} {abs(steps)} 位")


def _map_said(lines: tuple[Line, ...], total: Line, choice: Choice) -> str:
    """One sentence: how many places are above the whole, which is highest and which lowest."""
    measure, word = choice.compare, charts.MEASURE_WORDS[choice.compare]
    known = [(line.name, line.figures[measure]) for line in lines if measure in line.figures]
    if not known:
        return "各地都未报。"
    own = total.figures.get(measure) if measure != "value" else None
    high, low = max(known, key=lambda k: k[1].number), min(known, key=lambda k: k[1].number)
    unit = "%" if measure != "value" else str(high[1].unit)
    ends = f"最高{high[0]} {high[1].text}{unit}，最低{low[0]} {low[1].text}{unit}"
    if own is None:
        return f"{len(known)} 地{word}：{ends}。"
    above = sum(f.number > own.number for _, f in known)
    below = sum(f.number < own.number for _, f in known)
    level = len(known) - above - below
    equal = f"，{level} 地持平" if level else ""
    return f"{above} 地高于{total.name} {own.text}%，{below} 地低于{equal}；{ends}。"


def _ranking_said(board: Board) -> str:
    """One sentence: how many lamps of which colour, and what they are measured against."""
    lamps = [r.lamp for r in board.rows if r.lamp]
    if not lamps:
        return "没有下达到各地的目标，也没有指明的基准，不亮灯；并列同位。"
    codes = [lamp.code for lamp in lamps]
    counts = "、".join(f"{codes.count(code)} 地{word}" for code, word in LAMP_ORDER if code in codes)
    basis = lamps[0].basis.removeprefix("以").removesuffix("为基准")
    return f"{counts}；灯以{basis}为基准，并列同位。"


def _source(board: Board) -> str:
    cites = [c for r in (board.total, *board.rows) if "value" in r.figures for c in r.figures["value"].cites]
    return next((c.release for c in cites if c.release), "")
