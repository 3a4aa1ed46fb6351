"""The cockpit (一张图): which places are behind, how far and why, on one page; and what it hands out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from rongtong import clock
from rongtong.apps.cases.supervision_queries import may_open
from rongtong.apps.packs import queries as packs
from rongtong.apps.papers import queries as papers
from rongtong.apps.planning import queries
from rongtong.apps.portal import charts, cockpit, cockpit_exports, cockpit_strip, cockpit_structure
from rongtong.apps.portal import cockpit_content as contents
from rongtong.apps.portal.cockpit import Choice, State
from rongtong.apps.portal.cockpit_content import Content
from rongtong.apps.portal.cockpit_structure import Structure
from rongtong.apps.registry.models import Account
from rongtong.engine.figure import STATUS_WORDS, FigureError, Key
from rongtong.engine.pack.model import Indicator
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import PeriodError
from rongtong.engine.place import LEVEL_NAMES, PlaceError
from rongtong.engine.sentence import plain

REFUSED = (queries.Unknown, FigureError, PeriodError, PlaceError)
SHOWN = {
    "yoy": ("value", "yoy", "share", "gap", "completion"),
    "completion": ("value", "goal", "completion", "baseline", "yoy"),
    "value": ("value", "share", "yoy", "completion"),
}
# Columns a narrow screen leaves out; the table view has them all.
LESS = {"yoy": ("share", "gap"), "completion": ("goal", "baseline", "yoy"), "value": ("yoy", "completion")}
CHARTS = {"map": "地图", "ranking": "位次", "trend": "走势", "structure": "构成"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request understood: the packs, the state, the cards open to the reader and the content of the choice.

    `everything`: the reader may see cards above L1.
    """

    pack: Pack
    state: State
    shown: list[Indicator]
    content: Content
    everything: bool

    @property
    def structure(self) -> Structure:
        return cockpit_structure.structure(self.state, self.content.choice, self.everything)


class Empty(Exception):
    """There is nothing to show yet."""


def _answer(request: HttpRequest, answer: Callable[[Asked], HttpResponse]) -> HttpResponse:
    """The answer to a request, or a page that says in words what is missing."""
    try:
        return answer(_asked(request))
    except Empty as error:
        return render(request, "portal/empty.html", {"message": str(error)}, status=503)
    except REFUSED as error:
        return render(request, "portal/refused.html", {"message": str(error)}, status=404)


def _asked(request: HttpRequest) -> Asked:
    as_of = cockpit.day(request.GET)
    try:
        pack = packs.current(as_of)
    except packs.NoPack as error:
        raise Empty(str(error)) from error
    shown = cockpit.cards(pack, request, as_of or clock.today())
    if not shown:
        raise Empty(f"截至 {as_of or clock.today()} 没有任何指标有各地的数。")
    choice = cockpit.choose(request.GET, pack, shown, as_of)
    state = cockpit.state(pack)
    return Asked(pack, state, shown, contents.content(state, choice), request.user.is_authenticated)


def page(request: HttpRequest) -> HttpResponse:
    """One indicator, one period: cards, map, ranking, structure and trend; or the same as tables."""

    def shown(asked: Asked) -> HttpResponse:
        red = may_open(request.user, [line.place for line in asked.content.lines])
        more = {"may_supervise": red, "meeting": _meeting(request, str(asked.content.choice.period))}
        unmet = cockpit.unmet(request.GET, asked.content.choice)
        return render(request, "portal/cockpit.html", _context(asked) | more | {"unmet": unmet})

    return _answer(request, shown)


def _meeting(request: HttpRequest, period: str) -> str:
    """Where the paper for the dispatch meeting is: the period's own once made, else the list; "" to who reads none."""
    if not isinstance(request.user, Account) or not papers.reads(request.user, ""):
        return ""
    made = papers.newest_issue("dispatch", period, "", "")
    return reverse("paper", args=["dispatch", period]) if made else f"{reverse('papers')}?kind=dispatch"


def _context(asked: Asked) -> dict[str, object]:
    content, choice = asked.content, asked.content.choice
    board = content.board
    value = content.total.figures.get("value")
    day = choice.as_of or clock.today()
    known = cockpit.periods(asked.state.facts, choice.indicator, day)
    codes = cockpit.strip(asked.pack, asked.shown)
    structure = asked.structure
    return {
        "content": content,
        "choice": choice,
        "board": board,
        "total": content.total,
        "cards": cockpit_strip.strip(asked.state, choice, codes),
        "structure": structure,
        "indicators": asked.shown,
        "periods": [(str(p), p.chinese) for p in known],
        "sentence": plain(board.total.sentence),
        "word": charts.MEASURE_WORDS[choice.compare],
        "shown": _shown(content),
        "less": () if choice.table else LESS[choice.compare],
        "areas": _areas(content, asked.pack),
        "level_name": LEVEL_NAMES[choice.level],
        "place_full": asked.pack.places.get(choice.within).name if choice.within else "",
        "chain_name": dict(content.chains).get(choice.chain, choice.chain),
        "period_code": str(board.period),
        "total_figure": str(Key(board.card.code, content.total.place, board.period, "value", board.chain)),
        "scope": asked.pack.find("scopes", board.card.scope),
        "status": STATUS_WORDS.get(content.total.status, content.total.status) if value else "未报",
        "known_from": value.known_from if value else None,
        "edition": f"{asked.pack.manifest.name} {asked.pack.manifest.version}",
        "up": replace(choice, within="", level="city").address() if choice.within else "",
        "table_view": replace(choice, table=not choice.table).address(),
        "wall_view": replace(choice, wall=not choice.wall, table=False).address(),
        "exports": _exports(content, structure),
        "today": clock.today(),
    }


def _shown(content: Content) -> list[tuple[str, str]]:
    """(measure, head) of the ranking: all there are in the table view, else those of the comparison."""
    known = cockpit_exports.columns(content)
    if content.choice.table:
        return known
    have = {"value", *(m for line in content.lines for m in line.figures)}
    wanted = [m for m in SHOWN[content.choice.compare] if m in have]
    return sorted(((m, head) for m, head in known if m in wanted), key=lambda column: wanted.index(column[0]))


def _areas(content: Content, pack: Pack) -> list[tuple[str, str]]:
    """(value, words) of the selector of places: the levels, and the cities whose counties have values."""
    found = [("city", f"各{LEVEL_NAMES['city']}")]
    if content.cities or content.choice.level == "county":
        found.append(("county", f"各{LEVEL_NAMES['county']}"))
    cities = dict(content.cities)
    if content.choice.within:
        cities.setdefault(content.choice.within, pack.places.name(content.choice.within))
    return [*found, *((code, f"{name}各县（市、区）") for code, name in sorted(cities.items()))]


def _exports(content: Content, structure: Structure) -> list[tuple[str, str]]:
    """(words, address) of everything that is handed out for the view."""
    choice: Choice = replace(content.choice, table=False, wall=False)
    found = [("位次表 CSV", choice.address("cockpit-table"))]
    drawn = {"map": bool(content.map), "ranking": bool(content.lines), "trend": content.trend.drawn}
    drawn["structure"] = structure.drawn
    for name, word in CHARTS.items():
        if drawn[name]:
            found += [
                (f"{word} {kind.upper()}", choice.address("cockpit-chart", name, kind)) for kind in ("png", "svg")
            ]
    if content.trend.drawn:
        found.append(("走势 CSV", choice.address("cockpit-chart", "trend", "csv")))
    found.append(("构成 CSV", choice.address("cockpit-chart", "structure", "csv")))
    return found


def table(request: HttpRequest) -> HttpResponse:
    """The ranking with every measure as CSV."""

    def answer(asked: Asked) -> HttpResponse:
        text = cockpit_exports.csv_text(cockpit_exports.table(asked.content))
        return cockpit_exports.handed_out(text, "csv", asked.content, "位次表")

    return _answer(request, answer)


def chart(request: HttpRequest, name: str, kind: str) -> HttpResponse:
    """A chart as SVG or PNG, or what it is drawn from as CSV."""
    if name not in CHARTS or kind not in cockpit_exports.TYPES:
        raise Http404(f"没有图“{name}.{kind}”。有 {'、'.join(CHARTS)}，格式 {'、'.join(cockpit_exports.TYPES)}。")

    def answer(asked: Asked) -> HttpResponse:
        content = asked.content
        if kind == "csv":
            return cockpit_exports.handed_out(cockpit_exports.csv_text(_rows(asked, name)), kind, content, CHARTS[name])
        body = cockpit_exports.picture(asked.state, content.choice, name, kind, asked.everything)
        if body is None:
            raise queries.Unknown(f"没有可画的{CHARTS[name]}：缺少图形，或者数太少。")
        return cockpit_exports.handed_out(body, kind, content, CHARTS[name])

    return _answer(request, answer)


def _rows(asked: Asked, name: str) -> list[list[object]]:
    """What a chart is drawn from, as rows under a head."""
    if name == "structure":
        return cockpit_structure.table(asked.structure)
    return cockpit_exports.trend_table(asked.content) if name == "trend" else cockpit_exports.table(asked.content)
