"""The supervisor's wall (督查墙): each place and each process with what is open, late, done in time and rated well."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from fractions import Fraction
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from rongtong import clock
from rongtong.apps.cases import holding
from rongtong.apps.cases import wall_queries as walls
from rongtong.apps.packs import queries as packs
from rongtong.apps.papers import charts as pictures
from rongtong.apps.papers.palette import Spec
from rongtong.apps.portal import charts, svg
from rongtong.apps.registry.access import account_of
from rongtong.apps.registry.models import Account
from rongtong.cells import guarded_row
from rongtong.engine.sentence import WHOLE
from rongtong.typed import number

HEADS = ("本年受理", "在办", "其中逾期", "本年办结", "按时办结", "按时办结率 %", "已评价", "满意", "满意率 %")
# Ratio → its name, and the counts it is made of.
RATES = {"on_time_rate": ("按时办结率", "on_time", "closed"), "satisfaction": ("满意率", "satisfied", "rated")}
KINDS = {"svg": "image/svg+xml", "png": "image/png"}


@dataclass(frozen=True, slots=True)
class Choice:
    """What the wall is asked for: a place the account reads, a year, a process or all (""), and the places above it."""

    place: str
    year: int
    process: str
    crumbs: tuple[tuple[str, str], ...]

    def query(self, **changes: str) -> str:
        """The query string of another wall."""
        values = {"place": self.place, "year": str(self.year), "process": self.process} | changes
        return urlencode({name: value for name, value in values.items() if value})


@login_required
def wall(request: HttpRequest) -> HttpResponse:
    """By place and by process, with a way down to the counties."""
    who = account_of(request)
    choice = _choice(request, who)
    if choice is None:
        told = {
            "heading": "督查墙",
            "message": "督查墙按地方汇总，您的账号不按地方看办件。您的办件在工作台账里。",
            "back": reverse("desk"),
        }
        return render(request, "portal/refused.html", told, status=403)
    found = walls.wall(who, choice.place, choice.year, choice.process)
    context = {
        "wall": found,
        "at": found.at.astimezone(clock.LOCAL),
        "choice": choice,
        "years": walls.years(),
        "processes": [(r.code, r.name) for r in found.by_process],
        "rows": [(r, choice.query(place=r.drill) if r.drill else "") for r in found.by_place],
        "kinds": [(r, choice.query(process=r.code)) for r in found.by_process],
        "whole_query": choice.query(process=""),
        "here": choice.query(),
        "place_name": packs.current().places.name(choice.place),
        "process_name": next((r.name for r in found.by_process if r.code == choice.process), ""),
        "rates": [_rate(found, choice, name) for name in RATES],
    }
    return render(request, "portal/wall.html", context)


def _choice(request: HttpRequest, who: Account) -> Choice | None:
    """What is asked for, within what the account reads; None where it reads no place."""
    scope, tree = holding.reach(who).scope(), packs.current().places
    root = packs.current().manifest.root_place
    if scope is not holding.EVERYWHERE and not scope:
        return None
    everywhere = scope is holding.EVERYWHERE
    tops = [root] if everywhere else sorted(c for c in scope or () if tree.parent(c) not in (scope or ()))
    asked = request.GET.get("place", "")
    inside = asked in tree.places and (tree.is_within(asked, root) if everywhere else asked in (scope or ()))
    place = asked if inside else tops[0]
    year = number(request.GET.get("year", "")) or clock.today().year
    process = request.GET.get("process", "")
    return Choice(place, year if year in walls.years() else clock.today().year, process, _crumbs(place, tops))


def _crumbs(place: str, tops: list[str]) -> tuple[tuple[str, str], ...]:
    """(code, name) of the places above one, as far as the account reads."""
    tree, found, at = packs.current().places, list[tuple[str, str]](), place
    while at not in tops and (above := tree.parent(at)):
        found.append((above, tree.name(above)))
        at = above
    return tuple(reversed(found))


@dataclass(frozen=True, slots=True)
class Rate:
    """A ratio by place as a page shows it: the bars, "" where there are none, and the sentence beside them."""

    name: str
    title: str
    said: str
    picture: str


def _rate(found: walls.Wall, choice: Choice, name: str) -> Rate:
    spec = _spec(found, choice, name)
    return Rate(name, RATES[name][0], _said(found, name), svg.embed(charts.svg(spec), label=name) if spec else "")


def _ratio(tally: walls.Tally, name: str) -> tuple[int, int, str]:
    """Part, whole and the text of a ratio."""
    _, part, whole = RATES[name]
    return getattr(tally, part), getattr(tally, whole), getattr(tally, name)


def _spec(found: walls.Wall, choice: Choice, name: str) -> Spec | None:
    """The bars of a ratio; None where nothing makes it."""
    rows = [(r.name, text) for r in found.by_place if (text := _ratio(r.tally, name)[2])]
    if not rows:
        return None
    tree = packs.current().places
    title = f"{choice.year} 年{tree.name(choice.place)}{RATES[name][0]}"
    whole = WHOLE.get(tree.get(choice.place).level, "合计")
    return pictures.ranking_bars(rows, middle=_ratio(found.total, name)[2], title=title, unit="%", whole=whole)


def _said(found: walls.Wall, name: str) -> str:
    """The sentence beside the bars: the whole's ratio, and the place with the highest."""
    part, whole, text = _ratio(found.total, name)
    if not whole:
        return "还没有可以计算的办件。"
    best = max((r for r in found.by_place if _ratio(r.tally, name)[1]), key=lambda r: _exact(r.tally, name))
    first, all_, rate = _ratio(best.tally, name)
    return f"{part}/{whole}，{text}%；最高的是{best.name}（{first}/{all_}，{rate}%）。"


def _exact(tally: walls.Tally, name: str) -> tuple[Fraction, int]:
    part, whole, _ = _ratio(tally, name)
    return Fraction(part, whole), whole


@login_required
def chart(request: HttpRequest, name: str, kind: str) -> HttpResponse:
    """The bars of a ratio as SVG or PNG."""
    who = account_of(request)
    choice = _choice(request, who)
    if choice is None or kind not in KINDS or name not in RATES:
        raise Http404("没有这张图。")
    spec = _spec(walls.wall(who, choice.place, choice.year, choice.process), choice, name)
    if spec is None:
        raise Http404("还没有可以计算的办件，没有图。")
    body = charts.svg(spec) if kind == "svg" else charts.png(spec)
    headers = {"Content-Disposition": f'attachment; filename="wall-{name}-{choice.place}-{choice.year}.{kind}"'}
    return HttpResponse(body, content_type=KINDS[kind], headers=headers)


@login_required
def csv_file(request: HttpRequest) -> HttpResponse:
    """Both tables as CSV."""
    who = account_of(request)
    choice = _choice(request, who)
    if choice is None:
        raise Http404("没有可以导出的。")
    found = walls.wall(who, choice.place, choice.year, choice.process)
    out = io.StringIO()
    write = csv.writer(out).writerow
    write(["表", "代码", "名称", *HEADS])
    for table, rows in (("地方", found.by_place), ("流程", found.by_process)):
        for row in rows:
            write(guarded_row([table, row.code, row.name, *cells(row.tally)]))
    write(guarded_row(["合计", choice.place, packs.current().places.name(choice.place), *cells(found.total)]))
    headers = {"Content-Disposition": f'attachment; filename="wall-{choice.place}-{choice.year}.csv"'}
    return HttpResponse(out.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8", headers=headers)


def cells(t: walls.Tally) -> list[object]:
    """A tally in the order of HEADS; a ratio of nothing stays empty."""
    return [t.opened, t.open, t.late, t.closed, t.on_time, t.on_time_rate, t.rated, t.satisfied, t.satisfaction]
