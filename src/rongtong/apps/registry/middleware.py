"""What every request passes: the end of logins, drafts that survive it, steps owed after a login, refused writes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode

from rongtong import clock, refusal
from rongtong.apps.records.actions import act
from rongtong.apps.records.models import Leaf
from rongtong.apps.registry import access, factor, kept, moment, outside, sessions
from rongtong.apps.registry.models import Account
from rongtong.typed import number, too_long

Next = Callable[[HttpRequest], HttpResponse]
EXPIRED = "expired"
# The account of the session was seen to have codes set up; taking them away ends its sessions.
ENROLLED = "enrolled"
# Reached while a step after the login is still owed.
OPEN_WHILE_OWED = ("login", "logout", "account-password", "account-factor", "privacy")
DENIALS_PER_MINUTE = 10


class Logins:
    """Ends logins that stood idle or lasted too long, keeps what was being sent, and asks for the steps that are owed.

    Must come after the middleware of sessions, CSRF and authentication.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        ended = _ended(request)
        if ended is None and request.user.is_authenticated:
            sessions.touch(request)
        request.ended_account = ended  # type: ignore[attr-defined]
        with access.noted_denials() as denials:
            response = self.get_response(request)
        _record(request, denials)
        return _after(request, response, ended)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Called once the CSRF token was found valid."""
        request.csrf_passed = True  # type: ignore[attr-defined]
        if not request.user.is_authenticated:
            if request.ended_account is not None and request.method == "POST":  # type: ignore[attr-defined]
                return None if request.path in _open() else _to_login(request)
            return None
        return _owed(request, request.user) or _closed(request, request.user)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A refusal in words; who is not logged in is asked to do that first."""
        if not isinstance(error, access.Denied):
            return None
        if not request.user.is_authenticated:
            return _to_login(request)
        return render(request, "registry/denied.html", {"message": str(error)}, status=403)


def _ended(request: HttpRequest) -> Account | None:
    """The account whose login has just been ended, or None."""
    end = sessions.end_of(request.session)
    if end is None or end.at > moment.now():
        return None
    account = request.user if request.user.is_authenticated else None
    flow = request.session.get(kept.FLOW)
    sessions.finish(request.session.session_key)
    logout(request)
    if flow:
        request.session[kept.FLOW] = flow
    request.session[EXPIRED] = True
    return account


def _owed(request: HttpRequest, account: Account) -> HttpResponse | None:
    """The step that the account owes before anything else, as a redirect; None when there is none."""
    name = request.resolver_match.url_name if request.resolver_match else ""
    if name in OPEN_WHILE_OWED:
        return None
    if account.password_is_initial:
        return _step(request, "account-password", "请先修改初始口令。")
    # Whether codes are required is asked every time: a role that signs may have been granted since the login.
    if request.session.get(ENROLLED) or not factor.required(account):
        return None
    if not factor.enrolled(account):
        return _step(request, "account-factor", "请先设置动态口令。")
    request.session[ENROLLED] = True
    return None


def _closed(request: HttpRequest, account: Account) -> HttpResponse | None:
    """The refusal of a page of the offices to an account from outside; None where the page is open to it."""
    name = (request.resolver_match.url_name or "") if request.resolver_match else ""
    if outside.open_to_outside(name, request.path) or not outside.is_outside(account):
        return None
    words = "这一页供科技管理部门使用，您的账号不能打开。请从“工作台”进入您的办件。"
    if request.path.startswith("/api/"):
        return JsonResponse(refusal.body(words, refusal.NOT_ALLOWED), status=403)
    return render(request, "registry/denied.html", {"message": words}, status=403)


def _step(request: HttpRequest, name: str, words: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse(refusal.body(words, refusal.FIRST_STEPS), status=403)
    return HttpResponseRedirect(reverse(name))


def _after(request: HttpRequest, response: HttpResponse, ended: Account | None) -> HttpResponse:
    to_login = response.status_code == 302 and response.get("Location", "").split("?")[0] == settings.LOGIN_URL
    known = request.user.is_authenticated
    if to_login and request.method != "GET":
        response["Location"] = _login_address(request)
    if to_login and not known and getattr(request, "csrf_passed", False) and kept.keep(request, ended):
        request.session[EXPIRED] = True
    if known and request.method == "POST" and response.status_code < 400 and "_kept" in request.POST:
        draft = number(request.POST["_kept"])
        if draft is not None:
            kept.drop(request.session, cast(Account, request.user), draft)
    if to_login and request.headers.get("HX-Request"):
        # A fragment must not be replaced by the login page: the whole page goes there.
        whole = HttpResponse(status=204)
        whole["HX-Redirect"] = response["Location"]
        return whole
    return response


def _to_login(request: HttpRequest) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse(refusal.body("请先登录。", refusal.LOG_IN), status=401)
    return HttpResponseRedirect(_login_address(request))


def _login_address(request: HttpRequest) -> str:
    """The login page, and after it the page asked for; after a form the page it stood on, which can be opened again."""
    back = request.get_full_path()
    if request.method not in ("GET", "HEAD"):
        referer = urlsplit(request.headers.get("Referer", ""))
        back = referer._replace(scheme="", netloc="").geturl() if referer.netloc == request.get_host() else ""
    return f"{settings.LOGIN_URL}?{urlencode({'next': back})}" if back else settings.LOGIN_URL


def _open() -> tuple[str, ...]:
    return (reverse("login"), reverse("login-code"), reverse("logout"))


def _record(request: HttpRequest, denials: list[access.Denial]) -> None:
    """Leaves of what was refused, outside the transactions that were rolled back; a flood is cut off."""
    for denial in denials:
        account = denial.actor
        if not access.may(account, "registry.denied") or _flooding(account):
            continue
        # A place that was asked for is any text; one longer than a place's code is none.
        place = "" if too_long(Leaf, "place", denial.place, "") else denial.place
        with act("registry.denied", actor=account, place=place, subject=denial.kind) as this:
            this.payload |= {"kind": denial.kind, "path": request.path[:200], "method": request.method or ""}


def _flooding(account: Account) -> bool:
    recent = Leaf.objects.filter(kind="registry.denied", actor=account.username).order_by("-sequence")
    moments = list(recent.values_list("recorded_at", flat=True)[:DENIALS_PER_MINUTE])
    return len(moments) == DENIALS_PER_MINUTE and timedelta() <= clock.now() - moments[-1] < timedelta(minutes=1)
