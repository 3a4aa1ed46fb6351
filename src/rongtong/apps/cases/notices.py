"""The notice board (公示公告): what stands in a stage with a notice is read by everybody; whoever may object does it here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from rongtong.apps.cases import holding, opening, queries, views
from rongtong.apps.cases.models import Case, Definition, Event
from rongtong.apps.registry.access import account_of
from rongtong.clock import LOCAL
from rongtong.engine.pack.process import Process
from rongtong.engine.process import form
from rongtong.entering import takes_files
from rongtong.languages import Language, in_two, named

PER_PAGE, MOST_PAST = 50, 50
WORDS: dict[Language, dict[str, str]] = {
    "zh": {
        "title": "公示公告",
        "lead": "正在公示、公告的事项，不需要登录。公示期内可以提出异议：登录后在该事项的页面办理。",
        "now": "正在公示、公告的",
        "past": "最近期满的",
        "what": "事项",
        "kind": "类别",
        "place": "地方",
        "since": "自",
        "until": "至",
        "none": "现在没有公示、公告的事项。",
        "other": "English",
        "shown": "公开的内容",
        "object": "可以办的",
        "login": "要提出异议或报名，请先登录。",
        "over": "这一事项的公示、公告已经期满。",
        "start": "可以由您开始的",
        "process": "流程说明",
        "notyours": "您现在没有可以在这里办的。",
        "open": "未定期限",
    },
    "en": {
        "title": "Public notices",
        "lead": "What is on public notice now. No login is needed. Objections are filed, after login, on the page of the item.",
        "now": "On notice now",
        "past": "Recently ended",
        "what": "Item",
        "kind": "Kind",
        "place": "Place",
        "since": "From",
        "until": "To",
        "none": "Nothing is on notice now.",
        "other": "中文",
        "shown": "What is published",
        "object": "What you can do",
        "login": "Log in to object or to apply.",
        "over": "This notice has ended.",
        "start": "You may start",
        "process": "About the process",
        "notyours": "There is nothing for you to do here now.",
        "open": "open",
    },
}


@dataclass(frozen=True, slots=True)
class Posted:
    """A notice as the board shows it, from the day it was posted to its last day (None: open)."""

    case: Case
    name: str
    since: date
    until: date | None
    shown: tuple[tuple[str, str], ...] = ()


def stages() -> Iterator[tuple[int, Process, tuple[str, ...]]]:
    """(definition, process, codes of its stages with a notice)"""
    for pk, sha256 in Definition.objects.order_by("pk").values_list("pk", "sha256"):
        process = holding.read_definition(pk, sha256)
        codes = tuple(s.code for s in process.stages if s.notice)
        if codes:
            yield pk, process, codes


def standing() -> QuerySet[Case]:
    """The cases on public notice now, newest first: what everybody may know of."""
    now = Q(pk__in=())
    for pk, _, codes in stages():
        now |= Q(definition_id=pk, stage__in=codes)
    return Case.objects.filter(now).select_related("definition").order_by("-entered_at", "-pk")


def posted(case: Case, language: Language = "zh") -> Posted:
    """A case that is on notice as the board shows it."""
    return _posted(case, case.stage, case.entered_at, case.due, language)


def _posted(case: Case, stage: str, since: datetime, until: date | None, language: Language) -> Posted:
    notice = holding.process_of(case).stage(stage).notice
    assert notice is not None  # the stage was chosen for having one
    name = notice.name_en if language == "en" and notice.name_en else notice.name
    return Posted(case, name, since.astimezone(LOCAL).date(), until)


def board(request: HttpRequest, language: Language = "zh") -> HttpResponse:
    """What is on notice now, newest first, and what ended lately."""
    past = Q(pk__in=())
    for pk, _, codes in stages():
        past |= Q(case__definition_id=pk, to_stage__in=codes) & ~Q(case__stage__in=codes)
    page = Paginator(standing(), PER_PAGE).get_page(request.GET.get("page"))
    ended = Event.objects.filter(past).exclude(from_stage="").select_related("case__definition").order_by("-pk")
    context = _context(language, "notices") | {
        "page_obj": page,
        "posted": [posted(c, language) for c in page],
        "past": [_posted(e.case, e.to_stage, e.at, None, language) for e in ended[:MOST_PAST]],
    }
    return render(request, "cases/notices.html", context)


@takes_files
def notice(request: HttpRequest, pk: int, language: Language = "zh") -> HttpResponse:
    """One notice: what is published of the case, and what the reader may do about it."""
    one = Case.objects.select_related("definition").filter(pk=pk).first()
    if one is None or not holding.on_notice(one):
        raise Http404("没有这项公示。它可能已经期满。")
    if request.method == "POST" and request.user.is_authenticated:
        return views.make(request, one, lambda r, c, status=200, **more: _show(r, c, language, status, **more),
                          reverse("notices"))  # fmt: skip
    return _show(request, one, language)


def _show(request: HttpRequest, one: Case, language: Language, status: int = 200, **more: object) -> HttpResponse:
    process = holding.process_of(one)
    stage = process.stage(one.stage)
    shown = posted(one, language) if stage.notice else None
    account = account_of(request) if request.user.is_authenticated else None
    roles = {r.code for r in process.roles if r.at == "notice"}
    steps = {t.code for t in process.transitions if roles & set(t.by)}
    context = _context(language, "notice", one.pk) | {
        "case": one,
        "process": process,
        "notice": shown,
        "shown": published(one) if shown else (),
        "offers": [o for o in queries.offers(account, one) if o.transition in steps] if account else (),
        "below": opening.starts_under(account, one) if account else (),
        "post_to": request.path,
        **more,
    }
    return render(request, "cases/notice.html", context, status=status)


def published(case: Case) -> tuple[tuple[str, str], ...]:
    """(title, words) of the fields that the notice of the present stage names, as they stand now."""
    process = holding.process_of(case)
    notice = process.stage(case.stage).notice
    data = queries.data(case)
    chosen = {name: data[name] for name in (notice.fields if notice else ()) if name in data}
    found: dict[str, str] = {}
    for schema in (process.form, *(t.form for t in process.transitions)):
        found |= {title: words for title, words, _ in form.shown(schema, chosen, queries.place_name)}
    return tuple(found.items())


def _context(language: Language, page: str, *arguments: object) -> dict[str, object]:
    pages = {"one_page": named("notice", language), "board_page": named("notices", language)}
    return in_two(WORDS, language, page, *arguments) | pages
