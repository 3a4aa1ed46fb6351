"""Pages of cases in general. Mechanisms with pages of their own link here for the steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from rongtong import clock, uploads
from rongtong.apps.cases import access, actions, evidence, holding, near, queries
from rongtong.apps.cases.counting import counted
from rongtong.apps.cases.errors import CaseError, FormRefused, GuardRefused, Stale
from rongtong.apps.cases.models import Attachment, Case
from rongtong.apps.cases.opening import newest, starts, starts_under
from rongtong.apps.cases.sheet import sheet
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.access import account_of
from rongtong.apps.registry.models import Account
from rongtong.apps.registry.outside import is_outside
from rongtong.engine.process import form
from rongtong.entering import takes_files
from rongtong.typed import number

PER_PAGE = 50


def found(request: HttpRequest, pk: int) -> Case:
    """A case this account may read. Raises Http404, the same for an absent and an invisible one."""
    try:
        return queries.find(account_of(request), pk)
    except Case.DoesNotExist as error:
        raise Http404("没有这件。") from error


def download(one: Attachment) -> FileResponse:
    """A piece of evidence, always as a download. The caller has seen to it that its case may be read. Raises Http404."""
    if one.removed_why:
        raise Http404(f"这份佐证材料已除去：{one.removed_why}。哈希 {one.sha256} 仍在。")
    path = evidence.path(one.sha256)
    if not path.is_file():
        raise Http404("这份佐证材料的文件不在了，请联系系统管理员从备份恢复。")
    return FileResponse(path.open("rb"), as_attachment=True, filename=one.name, content_type="application/octet-stream")


@login_required
def case(request: HttpRequest, pk: int) -> HttpResponse:
    """A case: where it stands, what may be done, what happened; on the page of its process where it has one.

    `?step=` opens the form of a step, filled with what else the address says; nothing is done before it is posted.
    """
    one = found(request, pk)
    own = queries.address(one)
    return redirect(own) if own != request.path else show(request, one, **_filled(request))


def _filled(request: HttpRequest) -> dict[str, Any]:
    step = request.GET.get("step", "")
    given = {name: request.GET.getlist(name) for name in request.GET if name != "step"}
    return {"at": step, "typed": given} if step else {}


def show(request: HttpRequest, one: Case, status: int = 200, **more: object) -> HttpResponse:
    """The page of a case, with what a refused step was filled with."""
    who = account_of(request)
    steps = queries.history(one, who)
    beside, offers = sheet(who, one, steps), queries.offers(who, one)
    # What was typed into a refused form goes before what the case holds.
    at = more.get("at") if more.get("typed") else ""
    begins = {code: given for code, given in queries.refilled(one, steps).items() if code != at}
    context = {
        "case": one,
        "item": queries.item(one),
        "process": holding.process_of(one),
        "offers": offers,
        "begins": begins,
        "just": "" if more else _just(one, steps, who),
        "turn": "" if one.outcome else queries.turn(one, any(not (o.optional or o.refused) for o in offers)),
        "steps": steps,
        "sheet": beside,
        "counted": counted(one) if beside.whole else (),
        "below": starts_under(who, one),
        "clocks": queries.clocks(one),
        "near": () if one.outcome or is_outside(who) else near.candidates(who, one),
        **more,
    }
    return render(request, "cases/case.html", context, status=status)


# So long the page says of the reader's own step that it was made.
JUST = timedelta(minutes=1)


def _just(one: Case, steps: Sequence[queries.Step], who: Account) -> str:
    """What the reader did a moment ago, in words; "" where that was somebody else, or longer ago."""
    last = steps[-1]
    if last.actor != who.username or not timedelta() <= clock.now() - last.at <= JUST:
        return ""
    if last.number == 1:
        return f"已提交，编号 {one.key}。"
    return f"“{last.name}”已办，现在“{holding.process_of(one).stage(one.stage).name}”。"


@takes_files
@login_required
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """Make one step. Refused, the page says why and keeps what was typed. Opened without a form it is the case."""
    one = found(request, pk)
    if request.method != "POST":
        return redirect(queries.address(one))
    return make(request, one, show, _next(request) or reverse("case", args=[pk]))


Show = Callable[..., HttpResponse]


def make(request: HttpRequest, one: Case, show: Show, to: str) -> HttpResponse:
    """Make the step that was posted and go to an address; refused, the page that `show` makes."""
    step = holding.process_of(one).transition(request.POST.get("transition", ""))
    seen = number(request.POST.get("seen", ""))
    if step is None or seen is None:
        return show(request, one, 400, refused=["没有这一步，请重新打开页面。"])
    data = form.read(step.form, {name: request.POST.getlist(name) for name in request.POST})
    kept = {"at": step.code, "typed": typed(request)}
    try:
        files = evidence.received(request.FILES.getlist("files")) if step.files else ()
        actions.move(one.pk, step.code, actor=account_of(request), seen=seen, data=data, files=files)
    except uploads.UploadRefused as error:
        return show(request, one, 422, errors=[(f"{step.code}-files", str(error))], wrong={"files": str(error)}, **kept)
    except Case.DoesNotExist as error:
        raise Http404("没有这件。") from error
    except FormRefused as error:
        errors = [(f"{step.code}-{name}", words) for name, words in error.errors.items()]
        return show(request, one, 422, errors=errors, wrong=error.errors, **kept)
    except Stale as error:
        one.refresh_from_db()
        return show(request, one, 409, refused=[str(error)], **kept)
    except GuardRefused as error:
        return show(request, one, 422, refused=error.reasons, **kept)
    except CaseError as error:
        return show(request, one, 409, refused=[str(error)], **kept)
    # Whoever is out by the step (an expert who declares a conflict) has no page of the case to go back to.
    out = to == reverse("case", args=[one.pk]) and not queries.visible(account_of(request)).filter(pk=one.pk).exists()
    # Not `redirect`, which takes a word without a slash for the name of a page.
    return HttpResponseRedirect(reverse("work") if out else to)


def typed(request: HttpRequest) -> dict[str, list[str]]:
    """What was typed into a form, to be shown again."""
    hidden = ("seen", "transition", "csrfmiddlewaretoken")
    return {name: request.POST.getlist(name) for name in request.POST if name not in hidden}


@login_required
def case_evidence(request: HttpRequest, pk: int) -> FileResponse:
    """A file that came with a step, to whoever reads what was filled in with it; always as a download."""
    who = account_of(request)
    one = Attachment.objects.select_related("case__definition").filter(pk=pk).first()
    if one is not None and queries.visible(who).filter(pk=one.case_id).exists():
        steps = queries.history(one.case, who)
        if any(f.pk == one.pk for f in sheet(who, one.case, steps).files):
            return download(one)
    raise Http404("没有这份佐证材料。")


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    return wanted if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()) else ""


@login_required
def cases(request: HttpRequest) -> HttpResponse:
    """The cases this account may read, newest first, of one process or all."""
    process = request.GET.get("process", "")
    who, wanted = account_of(request), False if request.GET.get("open") else None
    part = access.Part(process=process, closed=wanted, walk=access.sees_much(who))
    rows = access.seen(who, part).order_by("-pk")
    before = number(request.GET.get("before", ""))
    if before is not None:
        rows = rows.filter(pk__lt=before)
    # The numbers first, and no count of all: to sort a year's cases whole, or to count them, takes longer than the page.
    pks = list(rows.values_list("pk", flat=True)[: PER_PAGE + 1])
    found = Case.objects.select_related("definition").defer("definition__body").in_bulk(pks[:PER_PAGE])
    one = packs.current().find("processes", process) if process else None
    context = {
        "items": [queries.item(found[pk]) for pk in pks[:PER_PAGE] if pk in found],
        "older": pks[PER_PAGE - 1] if len(pks) > PER_PAGE else None,
        "newest": before is not None,
        "processes": newest(),
        "process": process,
        "open": request.GET.get("open", ""),
        "starts": starts(account_of(request)),
        "alike": bool(one and one.alike) and not is_outside(account_of(request)),
    }
    return render(request, "cases/cases.html", context)
