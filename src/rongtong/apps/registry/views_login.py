"""Pages of logging in and out."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import logout as stop
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from rongtong.apps.registry import entry, factor, kept
from rongtong.apps.registry.entry import LoginRefused
from rongtong.apps.registry.middleware import EXPIRED
from rongtong.apps.registry.models import Account, Kept

NEXT = "next"


@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """Username and password; then a code where one is set up."""
    if request.method != "POST":
        if request.user.is_authenticated:
            return HttpResponseRedirect(_safe(request, request.GET.get("next", "")))
        context = {
            "next": request.GET.get("next", ""),
            "expired": request.session.pop(EXPIRED, False),
            "kept": kept.waits(request.session),
        }
        return render(request, "registry/login.html", context)
    username = request.POST.get("username", "")
    target = request.POST.get("next", "")
    try:
        account = entry.check_password(request, username, request.POST.get("password", ""))
    except LoginRefused as refused:
        context = {"next": target, "username": username, "errors": [("username", str(refused))]}
        return render(request, "registry/login.html", context, status=403)
    if factor.enrolled(account):
        entry.await_code(request, account)
        request.session[NEXT] = target
        return redirect("login-code")
    return _admitted(request, account, entry.admit(request, account, "password"), target)


@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """The one-time code, or a recovery code."""
    waiting = entry.waiting(request)
    if waiting is None:
        return redirect("login")
    if request.method != "POST":
        return render(request, "registry/login_code.html")
    try:
        how = entry.check_code(request, waiting.account, request.POST.get("code", ""))
    except LoginRefused as refused:
        return render(request, "registry/login_code.html", {"errors": [("code", str(refused))]}, status=403)
    target = str(request.session.pop(NEXT, ""))
    return _admitted(request, waiting.account, entry.admit(request, waiting.account, how), target)


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """Log out and forget the session."""
    if request.user.is_authenticated:
        entry.leave(request, request.user)
    stop(request)
    return redirect("/")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token is stale, as after a login in another tab: what came from our own page is kept, not lost."""
    ours = request.headers.get("Origin", "") == f"{request.scheme}://{request.get_host()}"
    if not ours:
        return render(request, "403_csrf.html", status=403)
    if not request.user.is_authenticated:
        kept.keep(request, None)
        return redirect("login")
    draft = kept.claim(request.session, request.user) if kept.keep(request, request.user) else None
    return redirect("kept", draft.pk) if draft else render(request, "403_csrf.html", status=403)


def _admitted(request: HttpRequest, account: Account, draft: Kept | None, target: str) -> HttpResponse:
    return redirect("kept", draft.pk) if draft else HttpResponseRedirect(_safe(request, target))


def _safe(request: HttpRequest, target: str) -> str:
    """The address to go on to: one of ours, else the first page. Not for `redirect`, which may take it for a page's name."""
    fine = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if fine else settings.LOGIN_REDIRECT_URL
