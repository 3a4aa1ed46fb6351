"""Pages of the process library, in Chinese and in English; nobody needs a login to read what happens to their case."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from rongtong.apps.cases import library
from rongtong.apps.cases.library_words import WORDS
from rongtong.apps.cases.opening import newest, starts
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.models import Account
from rongtong.engine.process.drawing import draw
from rongtong.languages import Language, in_two, named


def processes(request: HttpRequest, language: Language = "zh") -> HttpResponse:
    """The library of processes in force: first the mechanisms, then what the platform runs itself by."""
    entries = library.entries(packs.current(), newest(), language, protected=request.user.is_authenticated)
    context = _context(language, "processes") | {
        "groups": (
            ("mechanisms", [e for e in entries if not e.inner]),
            ("platform", [e for e in entries if e.inner]),
        ),
    }
    return render(request, "cases/processes.html", context)


def process(request: HttpRequest, code: str, language: Language = "zh") -> HttpResponse:
    """One process: what it counts towards, its drawing, terms, steps and forms, and what of it is only proposed."""
    pack, user = packs.current(), request.user
    one = pack.find("processes", code)
    if one is None:
        raise Http404("没有这个流程。")
    context = _context(language, "process", code) | library.page(pack, one, language, protected=user.is_authenticated)
    context |= {
        "drawing": draw(one, english=language == "en"),
        "origin": pack.origin("processes", one),
        "may_start": isinstance(user, Account) and any(s.process.code == code for s in starts(user)),
    }
    return render(request, "cases/process.html", context)


def _context(language: Language, page: str, *arguments: object) -> dict[str, object]:
    pages = {"one_page": named("process", language), "list_page": named("processes", language)}
    return in_two(WORDS, language, page, *arguments) | pages
