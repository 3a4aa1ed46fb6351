"""Pages of collection: the task list, the slices of a task, and one slice from filling to approval."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from rongtong import uploads
from rongtong.apps.cases import actions as case_actions
from rongtong.apps.cases import evidence as kept_evidence
from rongtong.apps.cases import queries as cases
from rongtong.apps.cases.errors import CaseError, FormRefused, GuardRefused
from rongtong.apps.cases.models import Attachment, Case
from rongtong.apps.cases.views import download
from rongtong.apps.observations import filing, past, slices, tasklist
from rongtong.apps.observations.collecting import PROCESS, NoTask, own_places
from rongtong.apps.observations.forms import (
    case_of,
    errors_of,
    lines,
    refused,
    returned_cells,
    review_lines,
    task_of,
    typed,
    unready,
)
from rongtong.apps.observations.models import Entry
from rongtong.apps.registry.access import Denied, account_of, visible_places
from rongtong.entering import takes_files
from rongtong.typed import number

SUBMIT_OF = {"county": "submit", "city": "submit_city"}
NOTICES = {
    "saved": "草稿已保存。",
    "submitted": "已提交，审核前不能再改。",
    "accept": "已通过市级审核，转省级审核。",
    "approve": "已通过省级审核：数已成为观测值，图表随之更新，本表锁定。",
    "return": "已退回，填报单位在对应的格能看到意见。",
    "return_province": "已退回，填报单位在对应的格能看到意见。",
    "reopen": "已解锁，填报单位可以改数重报；已批准的数在重新批准前不变。",
    "imported": "文件里的数已填入草稿。",
    "attached": "佐证材料已附上，审核人能看到。",
}


@login_required
def index(request: HttpRequest) -> HttpResponse:
    """What this office fills, and how far the offices below are."""
    who = account_of(request)
    own, summaries = tasklist.split(who)
    context = {"own": own, "summaries": summaries, "offices": own_places(who)}
    return render(request, "observations/tasks.html", context)


@login_required
def task(request: HttpRequest, collection: str, period: str) -> HttpResponse:
    """The slices of one table and period: who has filed, who has not."""
    found, who = task_of(collection, period), account_of(request)
    rows = tasklist.rows(who, [found])
    if not rows:
        raise Http404("没有您能看的填报。")
    state = request.GET.get("state", "")
    kept = [r for r in rows if state in ("", r.state) or (state == "late" and r.late)]
    reminded = number(request.GET.get("reminded", ""))
    context = {
        "task": found,
        "summary": tasklist.Summary(found, rows),
        "rows": kept,
        "state": state,
        "reviews": tasklist.reviews(who),
        "remind": tasklist.may_remind(who, found) and any(r.filing for r in kept),
        "notice": f"已向 {reminded} 个单位发出催报，对方工作台能看到。" if reminded is not None else "",
        "nobody": request.GET.get("nobody") == "1",
    }
    return render(request, "observations/task.html", context)


@login_required
@require_POST
def remind(request: HttpRequest, collection: str, period: str) -> HttpResponse:
    """Ask the ticked offices to file."""
    found, who = task_of(collection, period), account_of(request)
    visible = visible_places(who)
    places = [p for p in request.POST.getlist("place") if p in visible]
    try:
        number = filing.remind(found, places, actor=who, note=request.POST.get("note", ""))
    except Denied as error:
        raise refused(error) from error
    except NoTask as error:
        raise Http404(str(error)) from error
    done = f"reminded={number}" if number else "nobody=1"
    return redirect(f"{reverse('collection-task', args=[collection, period])}?{done}")


@login_required
@require_POST
def start(request: HttpRequest, collection: str, period: str, place: str) -> HttpResponse:
    """Open a slice and go to it."""
    found, who = task_of(collection, period), account_of(request)
    if place not in visible_places(who):
        raise Http404("没有这份填报。")
    try:
        case = filing.open_slice(found, place, actor=who)
    except Denied as error:
        raise refused(error) from error
    except NoTask as error:
        raise Http404("没有这份填报。") from error
    return redirect("collection-slice", pk=case.pk)


@login_required
def slice_page(request: HttpRequest, pk: int) -> HttpResponse:
    """A slice: the grid to fill, to review, or to read; a post saves the draft and may submit it."""
    case = case_of(request, pk)
    if request.method == "POST":
        return _save(request, case)
    return show(request, case, notice=NOTICES.get(request.GET.get("done", ""), ""))


def show(request: HttpRequest, case: Case, status: int = 200, **more: object) -> HttpResponse:
    """The page of a slice with what a refused step was filled with."""
    who = account_of(request)
    shown = slices.read_slice(case)
    offers = cases.offers(who, case)
    given = more.pop("given", {})
    assert isinstance(given, dict)
    filling = case.stage == slices.FILLING and any(o.transition in slices.SUBMITS for o in offers)
    context = {
        "case": case,
        "slice": shown,
        "lines": review_lines(shown, given, past.last_return(case)),
        "filling": filling,
        "returned": past.returned(case) if case.stage == slices.FILLING else None,
        "moves": [o for o in offers if o.transition not in slices.SUBMITS],
        "reviewing": any(o.transition in slices.RETURNS for o in offers),
        "filled_by_me": case.stage == "province_review" and Entry.objects.filter(case=case, by=who).exists(),
        "given": given,
        "files": case.attachments.select_related("by"),
        "attaching": slices.may_attach(who, case),
        **more,
    }
    return render(request, "observations/slice.html", context, status=status)


def _save(request: HttpRequest, case: Case) -> HttpResponse:
    who, given = account_of(request), typed(request)
    try:
        done = filing.save(case, given, actor=who)
    except Denied as error:
        return show(request, case, 409, errors=[("", str(error))], lost=[t for t in given if t.value])
    shown = slices.read_slice(case)
    found = lines(shown, done, given, past.last_return(case))
    if done.errors or done.clashes:
        said = f"其余 {len(done.entries)} 格已保存。" if done.entries else ""
        return show(request, case, 409 if done.clashes else 422, lines=found, errors=errors_of(found), notice=said)
    if request.POST.get("then") == "submit":
        if blocking := unready(shown):
            return show(request, case, 422, errors=blocking)
        return _step(request, case, SUBMIT_OF[shown.task.collection.level], {}, done="submitted")
    return redirect(f"{reverse('collection-slice', args=[case.pk])}?done=saved")


def _step(
    request: HttpRequest, case: Case, transition: str, data: dict[str, object], *, done: str, **kept: object
) -> HttpResponse:
    seen = number(request.POST.get("seen", ""))
    try:
        if seen is None:
            raise CaseError("页面已过期，请看过现在的内容再办。")
        case_actions.move(case.pk, transition, actor=account_of(request), seen=seen, data=data)
    except Denied as error:
        raise refused(error) from error
    except FormRefused as error:
        return show(request, case, 422, errors=list(error.errors.items()), **kept)
    except GuardRefused as error:
        return show(request, case, 422, errors=[("", words) for words in error.reasons], **kept)
    except CaseError as error:
        return show(request, case_of(request, case.pk), 409, errors=[("", str(error))], **kept)
    return redirect(f"{reverse('collection-slice', args=[case.pk])}?done={done}")


@login_required
@require_POST
def cell(request: HttpRequest, pk: int, indicator: str) -> HttpResponse:
    """Save one row of the grid and answer with that row and the state of the slice."""
    case = case_of(request, pk)
    given = typed(request, [indicator])
    try:
        done = filing.save(case, given, actor=account_of(request))
    except Denied as error:
        raise refused(error) from error
    shown = slices.read_slice(case)
    line = next((x for x in lines(shown, done, given, past.last_return(case)) if x.code == indicator), None)
    if line is None:
        raise Http404("没有这一格。")
    context = {"case": case, "slice": shown, "line": line, "filling": True, "swap": True}
    return render(request, "observations/_saved.html", context)


@login_required
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept, approve, return or reopen a slice; opened without a form, as after a reload, the slice itself."""
    case = case_of(request, pk)
    if request.method != "POST":
        return redirect("collection-slice", pk=pk)
    transition = request.POST.get("transition", "")
    if transition in slices.RETURNS:
        cells = returned_cells(request.POST, slices.read_slice(case))
        data: dict[str, object] = {"reason": request.POST.get("reason", "").strip(), "cells": cells}
    elif transition == "reopen":
        data = {"reason": request.POST.get("reason", "").strip()}
    elif transition in ("accept", "approve"):
        data = {}
    else:
        raise Http404("没有这一步。")
    kept = {name: words for name, words in request.POST.items() if name[:2] in ("c.", "b.") or name == "reason"}
    return _step(request, case, transition, data, done=transition, given=kept)


@takes_files
@login_required
def attach(request: HttpRequest, pk: int) -> HttpResponse:
    """Add evidence to a slice; opened without a form, as after a reload, the slice itself."""
    case = case_of(request, pk)
    if request.method != "POST":
        return redirect("collection-slice", pk=pk)
    try:
        files = kept_evidence.received(request.FILES.getlist("files"))
        filing.attach(case, files, actor=account_of(request))
    except uploads.UploadRefused as error:
        return show(request, case, 422, errors=[("files", str(error))], unkept=str(error))
    except Denied as error:
        raise refused(error) from error
    return redirect(f"{reverse('collection-slice', args=[pk])}?done=attached")


@login_required
def evidence(request: HttpRequest, pk: int) -> FileResponse:
    """A file kept with a slice, to whoever may read the slice; always as a download."""
    try:
        one = Attachment.objects.get(pk=pk, case__in=cases.visible(account_of(request), PROCESS))
    except Attachment.DoesNotExist as error:
        raise Http404("没有这份佐证材料。") from error
    return download(one)


@login_required
def history(request: HttpRequest, pk: int) -> HttpResponse:
    """Every version of every cell, what changed between submissions, and the steps."""
    case = case_of(request, pk)
    shown = slices.read_slice(case)
    context = {
        "case": case,
        "slice": shown,
        "versions": past.versions(case, shown),
        "rounds": past.rounds(case, shown),
        "steps": past.steps(case, shown),
    }
    return render(request, "observations/history.html", context)
