"""Pages about personal data: the notice, one's own requests, the register of processing, a name shown in full."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from rongtong.apps.registry import access, masking, personal, privacy, processing, queries
from rongtong.apps.registry.access import account_of
from rongtong.apps.registry.actions import RegistryError
from rongtong.apps.registry.models import Account, Organisation

SHOWN = 20


@require_safe
def notice(request: HttpRequest) -> HttpResponse:
    """Which personal data are kept, what for, for how long (隐私告知)."""
    return render(request, "registry/privacy.html", {"purposes": privacy.PURPOSES})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def own_requests(request: HttpRequest) -> HttpResponse:
    """Ask to have one's own data corrected or erased, and see what became of earlier requests."""
    from rongtong.apps.cases.errors import FormRefused

    me = account_of(request)
    if request.method != "POST":
        return _requests(request, me)
    form = {name: request.POST.get(name, "") for name in ("matter", *personal.FIELDS, "reason")}
    try:
        case = personal.ask(me, form)
    except FormRefused as error:
        return _requests(request, me, 422, form=form, errors=list(error.errors.items()), wrong=error.errors)
    except RegistryError as error:
        return _requests(request, me, 422, form=form, errors=[("name", str(error))])
    return redirect("case", case.pk)


def _requests(request: HttpRequest, me: Account, status: int = 200, **more: Any) -> HttpResponse:
    from rongtong.apps.cases import queries as cases

    context = {
        "items": [cases.item(case) for case in personal.requests(me)[:SHOWN]],
        "organisations": Organisation.objects.order_by("name"),
        **more,
    }
    return render(request, "registry/personal.html", context, status=status)


@login_required
@require_safe
def register(request: HttpRequest) -> HttpResponse:
    """The register of processing activities (处理活动登记)."""
    _administers(request)
    context = {"entries": processing.entries(), "requests": processing.requests(), "given_out": processing.GIVEN_OUT}
    return render(request, "registry/processing.html", context)


@login_required
@require_safe
def register_csv(request: HttpRequest) -> HttpResponse:
    """The register as CSV."""
    _administers(request)
    response = HttpResponse("\ufeff" + processing.csv_text(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="processing.csv"'
    return response


@login_required
@require_POST
def reveal(request: HttpRequest, username: str) -> HttpResponse:
    """The name of an account in full, for a reason that is logged. It is on this answer and nowhere else."""
    access.require(account_of(request), masking.REVEAL)
    account, why = get_object_or_404(Account, username=username), request.POST.get("why", "")
    context: dict[str, Any] = {"account": account, "why": why}
    try:
        context["name"] = masking.reveal(account, why=why, actor=account_of(request))
    except RegistryError as error:
        return render(request, "registry/reveal.html", context | {"errors": [("why", str(error))]}, status=422)
    return render(request, "registry/reveal.html", context)


def _administers(request: HttpRequest) -> None:
    if not queries.duties(account_of(request)).any:
        raise access.Denied("处理活动登记只对系统、安全、审计三员开放。系统登记您的哪些信息，请看“隐私告知”。")
