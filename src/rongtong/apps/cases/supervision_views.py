"""Pages of 督办: the ledger in four views, one item, its steps with evidence, its 督办单."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from rongtong import clock, uploads
from rongtong.apps.cases import evidence as kept_evidence
from rongtong.apps.cases import holding, queries, supervision_actions, supervision_paper
from rongtong.apps.cases import supervision_queries as supervision
from rongtong.apps.cases.errors import CaseError, FormRefused, GuardRefused, Stale
from rongtong.apps.cases.models import Attachment, Case
from rongtong.apps.cases.supervision_forms import LEVELS, SOURCES
from rongtong.apps.cases.supervision_gantt import gantt
from rongtong.apps.cases.supervision_history import deadline_lamps
from rongtong.apps.cases.views import download
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.access import Denied, account_of
from rongtong.cells import XLSX
from rongtong.engine.figure import FigureError, Key
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period, PeriodError
from rongtong.engine.process import form
from rongtong.entering import takes_files
from rongtong.typed import number

PER_PAGE = 50
VIEWS = {"": "台账", "unit": "按单位", "month": "按月", "gantt": "甘特图"}
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def found(request: HttpRequest, pk: int) -> supervision.Item:
    """A 督办 this account may read. Raises Http404."""
    try:
        return supervision.find(account_of(request), pk)
    except Case.DoesNotExist as error:
        raise Http404("没有这件督办。") from error


def _asked(request: HttpRequest) -> supervision.Asked:
    names = ("stage", "level", "unit", "place", "late", "source", "commitment", "words")
    asked = {name: request.GET.get(name, "").strip() for name in names}
    if asked["place"] not in packs.current().places.places:
        asked["place"] = ""
    return supervision.Asked(**asked)


@login_required
def ledger(request: HttpRequest) -> HttpResponse:
    """The ledger of what this account reads: as a table, by unit, by month, or as a Gantt chart."""
    who, asked, pack = account_of(request), _asked(request), packs.current()
    everything = supervision.ledger(who)
    chosen = tuple(i for i in everything if asked.takes(i, pack))
    view = request.GET.get("view", "")
    context: dict[str, Any] = {
        "asked": asked,
        "view": view if view in VIEWS else "",
        "views": VIEWS,
        "levels": LEVELS,
        "sources": SOURCES,
        "stages": supervision.stages(),
        "places": _places(everything),
        "total": len(everything),
        "chosen": chosen,
        "counts": _counts(chosen),
        "may_open": bool(supervision.opening_places(who)),
        "lists": [c for c in pack.all("commitments") if c.kind == "measured" and c.unmeasured and c.unit == "项"],
    }
    if view == "unit":
        context["lines"] = supervision.by_unit(chosen)
    elif view == "month":
        months = supervision.months(chosen)
        context |= {"months": months, "grid": [(i, [i.reported_in(m) for m in months]) for i in chosen]}
    elif view == "gantt":
        context["gantt"] = gantt(chosen)
    else:
        context["page_obj"] = Paginator(chosen, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "cases/supervision.html", context)


def _places(items: tuple[supervision.Item, ...]) -> list[tuple[str, str]]:
    tree = packs.current().places
    return [(code, tree.name(code)) for code in sorted({i.case.place for i in items})]


def _counts(items: tuple[supervision.Item, ...]) -> dict[str, int]:
    opened = [i for i in items if i.open]
    return {
        "open": len(opened),
        "late": sum(i.late for i in opened),
        "soon": sum(i.left is not None and 0 <= i.left <= 10 for i in opened),
        "asked": sum(i.case.stage == "extension" for i in opened),
        "replied": sum(i.case.stage == "replied" for i in opened),
        "closed": len(items) - len(opened),
    }


@login_required
def export(request: HttpRequest) -> HttpResponse:
    """The ledger as .xlsx, filtered like the page it was asked from."""
    chosen = supervision.ledger(account_of(request), _asked(request))
    response = HttpResponse(supervision_paper.ledger(chosen), content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="supervision-{clock.today()}.xlsx"'
    return response


@login_required
def item(request: HttpRequest, pk: int) -> HttpResponse:
    """One 督办: where it stands, what it asks, how it goes, what may be done."""
    return show(request, found(request, pk))


def show(request: HttpRequest, one: supervision.Item, status: int = 200, **more: object) -> HttpResponse:
    """The page of an item, with what a refused step was filled with."""
    who, pack = account_of(request), packs.current()
    context = {
        "item": one,
        "case": one.case,
        "process": holding.process_of(one.case),
        "line": queries.line(one.case),
        "offers": queries.offers(who, one.case),
        "basis": supervision_paper.reference(one, pack),
        "document": pack.find("documents", str(one.given.get("reference", "")).partition("#")[0] or "-"),
        "commitment": str(one.given.get("commitment", "")).partition("/")[0],
        "promise": _promise(one, pack),
        "figure_words": _figure_words(one, pack),
        "deadline_lamps": deadline_lamps(one),
        "lamps": [(row, Period.parse(row.period).chinese) for row in supervision.lamp_history(one)],
        "slips": [(level, LEVELS[level]) for level, _ in one.slips],
        "wanted": next((e.data.get("new_due") for e in reversed(one.entries) if e.data.get("new_due")), ""),
        **more,
    }
    return render(request, "cases/supervision_item.html", context, status=status)


def _promise(one: supervision.Item, pack: Pack) -> str:
    """The commitment the item is linked to, by number and name; "" without one."""
    code, _, place_in_list = str(one.given.get("commitment", "")).partition("/")
    found = pack.find("commitments", code) if code else None
    if found is None:
        return ""
    return f"{code} {found.name}" + (f"，第 {place_in_list} 项" if place_in_list else "")


def _figure_words(one: supervision.Item, pack: Pack) -> str:
    """The linked figure as people call it: indicator, place, period; "" without one."""
    try:
        key = Key.parse(str(one.given.get("figure", "")))
    except (FigureError, PeriodError):
        return ""
    card = pack.find("indicators", key.indicator)
    return f"{card.name if card else key.indicator}，{pack.places.name(key.place)}，{key.period.chinese}"


@takes_files
@login_required
def step(request: HttpRequest, pk: int) -> HttpResponse:
    """Make one step, with its files. Refused, the page says why and keeps what was typed; reloaded it is the item."""
    one = found(request, pk)
    if request.method != "POST":
        return redirect("supervision-item", pk=pk)
    made = holding.process_of(one.case).transition(request.POST.get("transition", ""))
    seen = number(request.POST.get("seen", ""))
    if made is None or seen is None:
        return show(request, one, 400, refused=["没有这一步，请重新打开页面。"])
    data = form.read(made.form, {name: request.POST.getlist(name) for name in request.POST})
    data.pop("evidence", None)
    known = {m.name for m in one.milestones}
    done = [name for name in request.POST.getlist("done") if name in known]
    data = {**data, "done": done} if done else {k: v for k, v in data.items() if k != "done"}
    kept = {"at": made.code, "typed": {k: v for k, v in request.POST.items() if k not in ("seen", "transition")}}
    try:
        files = kept_evidence.received(request.FILES.getlist("files"))
        supervision_actions.step(pk, made.code, actor=account_of(request), seen=seen, data=data, files=files)
    except uploads.UploadRefused as error:
        return show(request, one, 422, errors=[(f"{made.code}-files", str(error))], wrong={"files": str(error)}, **kept)
    except FormRefused as error:
        errors = [(f"{made.code}-{name}", words) for name, words in error.errors.items()]
        return show(request, one, 422, errors=errors, wrong=error.errors, **kept)
    except Stale as error:
        return show(request, found(request, pk), 409, refused=[str(error)], **kept)
    except Denied as error:
        return show(request, one, 403, refused=[str(error)], **kept)
    except GuardRefused as error:
        return show(request, one, 422, refused=error.reasons, **kept)
    except CaseError as error:
        return show(request, one, 409, refused=[str(error)], **kept)
    return redirect("supervision-item", pk=pk)


@login_required
def evidence(request: HttpRequest, pk: int) -> FileResponse:
    """A file that came with a step, to whoever may read its 督办; always as a download."""
    try:
        one = Attachment.objects.get(pk=pk, case__in=queries.visible(account_of(request), supervision.PROCESS))
    except Attachment.DoesNotExist as error:
        raise Http404("没有这份佐证材料。") from error
    return download(one)


@login_required
def slip(request: HttpRequest, pk: int, level: str) -> HttpResponse:
    """The 督办单 of a level as a page to print."""
    one = found(request, pk)
    issued = supervision_paper.issued_on(one, level)
    if issued is None:
        raise Http404("没有发过这一级的督办单。")
    context = {
        "item": one, "level": level, "level_word": LEVELS[level], "issued": issued,
        "lines": supervision_paper.slip_lines(one, level, packs.current()),
    }  # fmt: skip
    return render(request, "cases/supervision_slip.html", context)


@login_required
def slip_docx(request: HttpRequest, pk: int, level: str) -> HttpResponse:
    """The 督办单 of a level as .docx in the layout of GB/T 9704."""
    one = found(request, pk)
    try:
        content = supervision_paper.slip(one, level)
    except LookupError as error:
        raise Http404(str(error)) from error
    response = HttpResponse(content, content_type=DOCX)
    response["Content-Disposition"] = f'attachment; filename="supervision-{pk}-{level}.docx"'
    return response
