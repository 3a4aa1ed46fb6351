"""The public pages: what is published, what it means, how to take it. Nobody logs in here."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from rongtong.apps.packs import queries as packs
from rongtong.apps.portal import open_formats as formats
from rongtong.apps.portal import open_queries as queries
from rongtong.apps.portal.open_words import STATUSES, WORDS
from rongtong.engine.sentence import WHOLE
from rongtong.languages import Language, in_two, named

# The page shows this many periods; the files have all.
LONG = 40


def index(request: HttpRequest, language: Language = "zh") -> HttpResponse:
    """Every open indicator with its meaning, its latest value and its files."""
    found = queries.datasets()
    context = _words("open", language) | {"datasets": found, "synthetic": any(d.synthetic for d in found)}
    return render(request, "portal/open.html", context)


def indicator(request: HttpRequest, code: str, language: Language = "zh") -> HttpResponse:
    """One indicator: definition, latest values by place, values by period, files, citation."""
    try:
        data = queries.dataset(code)
    except queries.Unpublished as error:
        return _missing(request, error)
    own = [c for c in data.cells if data.latest and c.place == data.latest.place]
    context = _words("open-indicator", language, code) | {
        "data": data,
        "series": list(reversed(own))[:LONG],
        "synthetic": data.synthetic,
    }
    return render(request, "portal/open_indicator.html", context)


def api(request: HttpRequest, language: Language = "zh") -> HttpResponse:
    """How to ask the API, with commands to copy."""
    found = [d for d in queries.datasets() if d.latest]
    example = max(found, key=lambda d: len(d.newest), default=None)
    top = example.latest.place if example and example.latest else ""
    beside = [c.figure for c in example.newest if c.parent == top] if example else []
    context = _words("open-api", language) | {
        "site": request.build_absolute_uri("/")[:-1],
        "example": example,
        "pair": beside[:2] if len(beside) > 1 else None,
    }
    return render(request, "portal/open_api.html", context)


def plain(request: HttpRequest, code: str) -> HttpResponse:
    """The dataset as plain CSV."""
    return _file(request, code, "csv", formats.plain_csv, "text/csv; charset=utf-8")


def sdmx(request: HttpRequest, code: str) -> HttpResponse:
    """The dataset as SDMX-CSV 2.0."""
    media = "application/vnd.sdmx.data+csv; version=2.0.0; charset=utf-8"
    return _file(request, code, "sdmx.csv", formats.sdmx_csv, media)


def as_json(request: HttpRequest, code: str) -> HttpResponse:
    """The dataset as JSON."""
    try:
        return _json(formats.as_json(queries.dataset(code)))
    except queries.Unpublished as error:
        return _json({"error": str(error)}, 404)


def catalogue(request: HttpRequest) -> HttpResponse:
    """The catalogue of all datasets as JSON-LD (DCAT 3)."""

    def link(name: str, *arguments: str) -> str:
        return request.build_absolute_uri(reverse(name, args=arguments))

    return _json(formats.catalogue(queries.datasets(), packs.current(), link), media="application/ld+json")


def _file(request: HttpRequest, code: str, ending: str, write: Any, media: str) -> HttpResponse:
    try:
        data = queries.dataset(code)
    except queries.Unpublished as error:
        return _missing(request, error)
    # The mark at the start lets a spreadsheet read the Chinese names; SDMX readers expect none.
    text = write(data).encode("utf-8-sig" if ending == "csv" else "utf-8")
    headers = {"Content-Disposition": f'attachment; filename="{code}.{ending}"'}
    return HttpResponse(text, content_type=media, headers=headers)


def _json(data: dict[str, Any], status: int = 200, media: str = "application/json") -> HttpResponse:
    return JsonResponse(data, status=status, content_type=media, json_dumps_params={"ensure_ascii": False})


def _missing(request: HttpRequest, error: Exception) -> HttpResponse:
    return render(request, "portal/refused.html", {"message": str(error)}, status=404)


def _words(name: str, language: Language, *arguments: str) -> dict[str, object]:
    statuses = [(code, *(four[2:] if language == "en" else four[:2])) for code, four in STATUSES.items()]
    return in_two(WORDS, language, name, *arguments) | {
        "statuses": statuses,
        "whole": _whole(),
        "status_words": {code: word for code, word, _ in statuses},
        "index_page": named("open", language),
        "one_page": named("open-indicator", language),
        "api_page": named("open-api", language),
    }


def _whole() -> str:
    """The whole in a word: 全省."""
    pack = packs.current()
    return WHOLE.get(pack.places.get(pack.manifest.root_place).level, "")
