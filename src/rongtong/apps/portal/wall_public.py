"""The public wall: how the places handle what organisations bring, as counts and ratios, in both languages."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from rongtong import clock
from rongtong.apps.cases import wall_queries as walls
from rongtong.apps.packs import queries as packs
from rongtong.cells import guarded_row
from rongtong.languages import Language, in_two, named
from rongtong.typed import number

WORDS: dict[Language, dict[str, str]] = {
    "zh": {
        "title": "办理情况",
        "lead": "各地办理企业、高校院所等单位所提事项的情况，按地方汇总。不需要登录。",
        "other": "English",
        "place": "地方",
        "opened": "本年受理",
        "open": "在办",
        "closed": "本年办结",
        "on_time": "按时办结",
        "on_time_rate": "按时办结率 %",
        "rated": "已评价",
        "satisfied": "满意",
        "satisfaction": "满意率 %",
        "all": "合计",
        "year": "年度",
        "show": "查看",
        "file": "下载 CSV",
        "at": "截至",
        "rule": "小于 3 的数不公布，写作 <3；一列只有一个时，次小的也不公布，写作 …，以免由合计推出。比率为两数之比；有一个不公布的，不算比率，写作“—”。",
        "meaning": "按时办结：办结时各项期限都没有超过。满意：评价不是“不满意”的；一件以最后一次评价为准。",
        "up": "上一级",
        "synthetic": "演示数据",
        "synthetic_note": "演示实例里的办件是为演示生成的，不得引用。",
        "empty": "还没有可以公布的办件。",
    },
    "en": {
        "title": "How cases are handled",
        "lead": "How the places handle what firms, universities and institutes bring to them, by place. No login needed.",
        "other": "中文",
        "place": "Place",
        "opened": "Received this year",
        "open": "Open",
        "closed": "Closed this year",
        "on_time": "Closed in time",
        "on_time_rate": "In time, %",
        "rated": "Rated",
        "satisfied": "Satisfied",
        "satisfaction": "Satisfied, %",
        "all": "All",
        "year": "Year",
        "show": "Show",
        "file": "Download CSV",
        "at": "As of",
        "rule": "A count below 3 is not published and stands as <3; where one alone of a column is, the next smallest stands as …, so that no "
        "total tells it. A ratio is that of its two counts; where one of them is withheld it stands as —.",
        "meaning": "Closed in time: no deadline had passed when the case was closed. Satisfied: not rated unsatisfied; the last rating counts.",
        "up": "One level up",
        "synthetic": "demonstration",
        "synthetic_note": "The cases of this demonstration were generated; do not cite them.",
        "empty": "There are no cases to publish yet.",
    },
}
SMALL, BESIDE = f"<{walls.SMALLEST}", "…"


def page(request: HttpRequest, language: Language = "zh") -> HttpResponse:
    """The places below one, each with its counts and ratios."""
    place, year = _asked(request)
    lines, total, at = walls.published(place, year)
    tree = packs.current().places
    english = language == "en"
    two = in_two(WORDS, language, "wall-public")
    above = tree.parent(place) if place != packs.current().manifest.root_place else None
    context = two | {
        "own_page": reverse(named("wall-public", language)),
        "other_page": f"{two['other_page']}?place={place}&year={year}",
        "file": f"{reverse('wall-public-csv')}?place={place}&year={year}",
        "lines": [_shown(line, english) for line in lines],
        "total": _shown(total, english),
        "heads": [WORDS[language][name] for name in ORDER],
        "place": place,
        "place_name": total.name_en if english else total.name,
        "above": above,
        "year": year,
        "years": walls.years(),
        "at": at.astimezone(clock.LOCAL),
        "any": any(line.counts["opened"] or line.counts["closed"] for line in (*lines, total)),
    }
    return render(request, "portal/wall_public.html", context)


ORDER = ("opened", "open", "closed", "on_time", "on_time_rate", "rated", "satisfied", "satisfaction")


def _asked(request: HttpRequest) -> tuple[str, int]:
    """The place and year asked for; the whole and this year where they name none."""
    tree, root = packs.current().places, packs.current().manifest.root_place
    place = request.GET.get("place", "")
    year = number(request.GET.get("year", ""))
    known = place in tree.places and tree.is_within(place, root)
    return place if known else root, year if year in walls.years() else clock.today().year


def _shown(line: walls.Published, english: bool) -> dict[str, Any]:
    return {"name": line.name_en if english else line.name, "drill": line.drill, "cells": list(_cells(line))}


def _cells(line: walls.Published) -> Iterator[str]:
    for name in ORDER:
        if name in walls.COUNTS:
            count = line.counts[name]
            yield (BESIDE if name in line.beside else SMALL) if count is None else str(count)
        else:
            yield getattr(line, name) or "—"


def csv_file(request: HttpRequest) -> HttpResponse:
    """The same as CSV, names in both languages; a count that is withheld is empty."""
    place, year = _asked(request)
    lines, total, at = walls.published(place, year)
    out = io.StringIO()
    write = csv.writer(out).writerow
    write(["year", "as_of", "code", "name", "name_en", *ORDER])
    for line in (*lines, total):
        counts = [line.counts[n] if n in walls.COUNTS else getattr(line, n) for n in ORDER]
        cells = ["" if c is None else c for c in counts]
        write(guarded_row([year, f"{at.astimezone(clock.LOCAL):%Y-%m-%d}", line.code, line.name, line.name_en, *cells]))
    headers = {"Content-Disposition": f'attachment; filename="handled-{place}-{year}.csv"'}
    return HttpResponse(out.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8", headers=headers)
