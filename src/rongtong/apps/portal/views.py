"""The plain page: map, ranking and table of one indicator, its chain, and the papers for who has logged in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from rongtong import clock
from rongtong.apps.observations import queries as observations
from rongtong.apps.packs import queries as packs
from rongtong.apps.planning import chain, queries
from rongtong.apps.portal import charts
from rongtong.engine.figure import FigureError, Key
from rongtong.engine.indicator import Board, Row
from rongtong.engine.pack.model import Indicator
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period, PeriodError
from rongtong.engine.place import PlaceError
from rongtong.engine.sentence import plain

LEVELS = {"city": "设区市", "county": "县（市、区）"}


def overview(request: HttpRequest) -> HttpResponse:
    """One indicator, one period: which places are behind, how far, why."""
    pack = packs.current()
    shown = _cards(pack, request)
    if not shown:
        return render(request, "portal/empty.html", status=503)
    try:
        asked = _asked(request, shown)
        board = queries.monitor(asked)
    except (queries.Unknown, PeriodError, PlaceError) as error:
        return render(request, "portal/refused.html", {"message": str(error)}, status=404)
    card = board.card
    context = {
        "board": board,
        "rows": [_line(r, board) for r in sorted(board.rows, key=_by_growth)],
        "total": _line(board.total, board),
        "sentence": plain(board.total.sentence),
        "summary": _summary(board),
        "synthetic": board.total.status == "synthetic" or any(r.status == "synthetic" for r in board.rows),
        "cards": shown,
        "periods": [(str(p), p.chinese) for p in reversed(observations.periods_of(card.code, clock.today()))],
        "levels": LEVELS,
        "level": asked.level,
        "map": charts.map_svg(board, pack, asked.level),
        "trend": charts.trend_svg(board),
        "source": _source(board),
        "balances": [
            (b, [(pack.get("indicators", f.key.indicator).name, f) for f in b.parts])
            for b in queries.balances(board.period.year)
        ],
        "scope": pack.find("scopes", card.scope),
        "papers": _papers() if request.user.is_authenticated else [],
    }
    return render(request, "portal/overview.html", context)


def _cards(pack: Pack, request: HttpRequest) -> list[Indicator]:
    """The cards a board can be shown for: those with values at places, and open to the reader."""
    have = set(observations.codes_with_values(clock.today()))
    order = [c for p in pack.all("papers") for c in (*p.real_indicators, *p.indicators)]
    codes = dict.fromkeys([c for c in order if c in have])
    found = [pack.find("indicators", c) for c in codes]
    return [
        c
        for c in found
        if c
        and not c.measure_of
        and c.aggregation.place == "sum"
        and (c.level == "L1" or request.user.is_authenticated)
    ]


def _asked(request: HttpRequest, shown: list[Indicator]) -> queries.Asked:
    code = request.GET.get("indicator") or shown[0].code
    if code not in {c.code for c in shown}:
        raise queries.Unknown(f"没有可看的指标“{code}”。")
    text = request.GET.get("period", "")
    known = observations.periods_of(code, clock.today())
    period = Period.parse(text) if text else max(known, key=lambda p: (p.last_day, p.months))
    if period not in known:
        # The reader changed the indicator and kept a period it does not have: show its latest instead.
        period = max(known, key=lambda p: (p.last_day, p.months))
    level = request.GET.get("level", "city")
    return queries.Asked(code, period, level if level in LEVELS else "city")


def _by_growth(row: Row) -> tuple[Any, ...]:
    rank = row.figures.get("yoy_rank")
    return (rank.number if rank else 10**6, row.place)


@dataclass(frozen=True, slots=True)
class Line:
    """A row as shown: the text of each measure, empty where there is none."""

    row: Row
    figure: str
    cells: dict[str, str]


def _line(row: Row, board: Board) -> Line:
    cells = {m: f.text for m, f in row.figures.items()}
    for signed in ("yoy", "gap"):
        if signed in cells and not cells[signed].startswith("-"):
            cells[signed] = "+" + cells[signed]
    return Line(row, str(Key(board.card.code, row.place, board.period, "value", board.chain)), cells)


def _summary(board: Board) -> str:
    """One sentence that says what the ranking shows."""
    lamps = [r.lamp.code for r in board.rows if r.lamp]
    if not lamps:
        return "没有目标，也没有指明的基准，不亮灯。"
    basis = next(r.lamp.basis for r in board.rows if r.lamp)
    counts = [
        (lamps.count(c), w) for c, w in (("green", "正常"), ("yellow", "滞后"), ("red", "严重滞后"), ("grey", "未报"))
    ]
    return (
        "、".join(f"{n} 地{w}" for n, w in counts if n)
        + f"；灯以{basis.removeprefix('以').removesuffix('为基准')}为基准，并列同位。"
    )


def _source(board: Board) -> str:
    cites = [c for r in (board.total, *board.rows) if "value" in r.figures for c in r.figures["value"].cites]
    return next((c.release for c in cites if c.release), "")


def _papers() -> list[str]:
    folder = Path(settings.HOME) / "out"
    return sorted(p.name for p in folder.glob("*") if p.suffix in (".docx", ".xlsx")) if folder.is_dir() else []


def why(request: HttpRequest, figure: str) -> HttpResponse:
    """A figure's chain: clause to consequence, and how the number came to be."""
    try:
        card = packs.current().find("indicators", Key.parse(figure).indicator)
        if card is not None and card.level != "L1" and not request.user.is_authenticated:
            raise queries.Unknown("请先登录。")
        data = chain.why(figure)
    except (queries.Unknown, FigureError, PeriodError, PlaceError) as error:
        return render(request, "portal/refused.html", {"message": str(error)}, status=404)
    lines = list(_walk(data, 0))
    return render(request, "portal/why.html", {"data": data, "lines": lines, "back": reverse("overview")})


def _walk(node: dict[str, Any], depth: int) -> Any:
    yield {**node, "depth": depth, "indent": depth * 24}
    for part in node["inputs"]:
        yield from _walk(part, depth + 1)


@login_required
def paper(request: HttpRequest, name: str) -> FileResponse:
    """Hand out a paper that was made; only names listed on the page exist."""
    if name not in _papers():
        raise Http404("没有这份材料。")
    return FileResponse((Path(settings.HOME) / "out" / name).open("rb"), as_attachment=True, filename=name)
