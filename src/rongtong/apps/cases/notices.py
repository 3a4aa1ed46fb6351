"""The notice board (公示公告): what stands in a stage with a notice is read by everybody; whoever may object does it here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.core.paginator import Paginator
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from rongtong.apps.cases import holding, opening, public, queries, views
from rongtong.apps.cases.models import Case, Event
from rongtong.apps.registry.access import account_of
from rongtong.apps.registry.models import Account
from rongtong.clock import LOCAL
from rongtong.engine.pack.process import Process
from rongtong.entering import takes_files
from rongtong.languages import Language, in_two, named

PER_PAGE, MOST_PAST = 50, 50
WORDS: dict[Language, dict[str, str]] = {
    "zh": {
        "title": "公示公告",
        "lead": "正在公示、公告的事项，不需要登录。公示期内可以提出异议：登录后在该事项的页面办理。",
        "now": "正在公示、公告的",
        "held": "有人提出异议、正在核查的",
        "past": "最近结束的",
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
        "over": "这一事项现在不在公示、公告中。",
        "received": "您 {on} 提出的异议已收到",
        "examining": "，核查中。",
        "answered": "，{on} 核查：{step}。",
        "stop": "。",
        "start": "可以由您开始的",
        "process": "流程说明",
        "notyours": "您现在没有可以在这里办的。",
        "open": "未定期限",
    },
    "en": {
        "title": "Public notices",
        "lead": "What is on public notice now. No login is needed. Objections are filed, after login, on the page of the item.",
        "now": "On notice now",
        "held": "Objected to, under examination",
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
        "over": "This is not on notice now.",
        "received": "Your objection of {on} was received",
        "examining": " and is being examined.",
        "answered": "; examined {on}: {step}.",
        "stop": ".",
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
    title: str
    name: str
    since: date
    until: date | None


def stages() -> Iterator[tuple[int, Process, tuple[str, ...]]]:
    """(definition, process, codes of its stages with a notice)"""
    for pk, process in holding.definition_numbers().items():
        codes = tuple(s.code for s in process.stages if s.notice)
        if codes:
            yield pk, process, codes


def standing() -> QuerySet[Case]:
    """The cases on public notice now, newest first: what everybody may know of."""
    now = Q(pk__in=())
    for pk, _, codes in stages():
        now |= Q(definition_id=pk, stage__in=codes)
    return Case.objects.filter(now).select_related("definition").order_by("-entered_at", "-pk")


def posted(cases: Iterable[Case], language: Language = "zh") -> list[Posted]:
    """Cases that are on notice as the board shows them."""
    return _posted([(c, c.stage, c.entered_at, c.due) for c in cases], language)


def _posted(rows: Sequence[tuple[Case, str, datetime, date | None]], language: Language) -> list[Posted]:
    names, found = public.names((case, stage) for case, stage, *_ in rows), []
    for case, stage, since, until in rows:
        notice = holding.process_of(case).stage(stage).notice
        assert notice is not None  # the stage was chosen for having one
        kind = notice.name_en if language == "en" and notice.name_en else notice.name
        found.append(Posted(case, names[case.pk, stage], kind, since.astimezone(LOCAL).date(), until))
    return found


def board(request: HttpRequest, language: Language = "zh") -> HttpResponse:
    """What is on notice now, newest first, what was objected to and is being examined, and what ended lately."""
    under, objected, past = Q(pk__in=()), Q(pk__in=()), Q(pk__in=())
    for pk, process, codes in stages():
        examined = public.examined_in(process)
        under |= Q(definition_id=pk, stage__in=examined)
        objected |= Q(case__definition_id=pk, to_stage__in=public.objected_to(process))
        past |= Q(case__definition_id=pk, to_stage__in=codes) & ~Q(case__stage__in=(*codes, *examined))
    # These few first: among all that was ever on notice they would take long to find.
    held = list(Case.objects.filter(under).order_by("-entered_at", "-pk").values_list("pk", flat=True)[:MOST_PAST])
    page = Paginator(standing(), PER_PAGE).get_page(request.GET.get("page"))
    context = _context(language, "notices") | {
        "page_obj": page,
        "posted": posted(page, language),
        "held": _left(objected & Q(case__in=held), language),
        "past": _left(past, language),
        "own": _objected_by(account_of(request)) if request.user.is_authenticated else (),
    }
    return render(request, "cases/notices.html", context)


def _left(condition: Q, language: Language) -> list[Posted]:
    """The notices that cases have left, each by the last time it was posted, newest first."""
    entered = Event.objects.exclude(from_stage="").exclude(from_stage=F("to_stage"))
    later = entered.filter(case=OuterRef("case"), to_stage=OuterRef("to_stage"), number__gt=OuterRef("number"))
    last = entered.filter(condition, ~Exists(later)).select_related("case__definition").order_by("-pk")
    return _posted([(e.case, e.to_stage, e.at, None) for e in last[:MOST_PAST]], language)


def _objected_by(account: Account) -> frozenset[int]:
    """The cases in which this account objected: nobody else is led to what became of it."""
    made = Q(pk__in=())
    for pk, process, _ in stages():
        made |= Q(case__definition_id=pk, transition__in=public.objecting(process))
    return frozenset(Event.objects.filter(made, actor=account).values_list("case_id", flat=True))


@takes_files
def notice(request: HttpRequest, pk: int, language: Language = "zh") -> HttpResponse:
    """One notice: what is published of the case, and what the reader may do about it.

    Whoever objected reads here what became of it, also when the case is not on notice any more.
    """
    one = Case.objects.select_related("definition").filter(pk=pk).first()
    if one is None or not (holding.on_notice(one) or _receipts(request, one)):
        raise Http404("没有这项公示。它可能已经期满。")
    if request.method == "POST" and request.user.is_authenticated and holding.on_notice(one):
        objects = request.POST.get("transition", "") in public.objecting(holding.process_of(one))
        return views.make(request, one, lambda r, c, status=200, **more: _show(r, c, language, status, **more),
                          request.path if objects else reverse("notices"))  # fmt: skip
    return _show(request, one, language, 409 if request.method == "POST" else 200)


def _receipts(request: HttpRequest, one: Case) -> tuple[public.Receipt, ...]:
    return public.receipts(account_of(request), one) if request.user.is_authenticated else ()


def _told(one: public.Receipt, language: Language) -> str:
    """What an objector is told of an objection, in words."""
    w = WORDS[language]
    after = w["examining"] if one.open else w["answered"] if one.answer else w["stop"]
    return w["received"].format(on=one.on) + after.format(on=one.answered, step=one.answer)


def _show(request: HttpRequest, one: Case, language: Language, status: int = 200, **more: object) -> HttpResponse:
    process = holding.process_of(one)
    stage = process.stage(one.stage)
    shown = posted([one], language)[0] if stage.notice else None
    account = account_of(request) if request.user.is_authenticated else None
    roles = {r.code for r in process.roles if r.at == "notice"}
    steps = {t.code for t in process.transitions if roles & set(t.by)}
    context = _context(language, "notice", one.pk) | {
        "case": one,
        "title": public.name(one),
        "process": process,
        "notice": shown,
        "shown": public.published(one) if shown else (),
        "receipts": [(_told(r, language), r.found) for r in _receipts(request, one)],
        "offers": [o for o in queries.offers(account, one) if o.transition in steps] if account else (),
        "below": opening.starts_under(account, one) if account else (),
        "post_to": request.path,
        **more,
    }
    return render(request, "cases/notice.html", context, status=status)


def _context(language: Language, page: str, *arguments: object) -> dict[str, object]:
    pages = {"one_page": named("notice", language), "board_page": named("notices", language)}
    return in_two(WORDS, language, page, *arguments) | pages
