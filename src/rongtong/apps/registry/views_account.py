"""The pages of one's own account (我的账号): grants, deputies, password, one-time codes, logins, data, drafts."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from rongtong import clock
from rongtong.apps.registry import deputies, factor, kept, privacy, sessions
from rongtong.apps.registry.access import account_of
from rongtong.apps.registry.actions import RegistryError, set_password
from rongtong.apps.registry.labels import label
from rongtong.apps.registry.models import Grant, Kept
from rongtong.apps.registry.queries import held
from rongtong.typed import number

# The second factor that is being set up, in the session until its first code.
NONCE = "factor_nonce"
DONE = {
    "password": "口令已修改。其他设备上的登录已经退出。",
    "sessions": "其他登录已经退出。",
    "delegated": "代理已生效，双方的授权与留痕里都能看到。",
    "ended": "代理已收回。",
    "dropped": "已放弃保留的内容。",
}


@login_required
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """What the account is, may do, and has open."""
    return _account(request)


def _account(request: HttpRequest, status: int = 200, **more: Any) -> HttpResponse:
    me = account_of(request)
    context = {
        "grants": held(me),
        "delegable": deputies.delegable(me),
        "deputies": deputies.given_by(me),
        "today_text": clock.today().isoformat(),
        "enrolled": factor.enrolled(me),
        "factor_required": factor.required(me),
        "visits": sessions.open_visits(me),
        "here": request.session.session_key,
        "ends": sessions.end_of(request.session),
        "notice": DONE.get(request.GET.get("done", "")),
        **more,
    }
    return render(request, "registry/account.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Change one's own password; the others of one's logins end."""
    me = account_of(request)
    if request.method != "POST":
        return render(request, "registry/password.html")
    errors: list[tuple[str, str]] = []
    new = request.POST.get("new_password", "")
    if not me.check_password(request.POST.get("old_password", "")):
        errors.append(("old_password", "现在的口令不对。请填登录用的口令。"))
    elif me.check_password(new):
        errors.append(("new_password", "新口令与现在的相同。请换一个。"))
    if new != request.POST.get("new_password2", ""):
        errors.append(("new_password2", "两次填的新口令不一样。请重填。"))
    if not errors:
        try:
            set_password(me, new, actor=me)
        except RegistryError as error:
            errors.append(("new_password", str(error)))
    if errors:
        return render(request, "registry/password.html", {"errors": errors, "wrong": dict(errors)}, status=422)
    update_session_auth_hash(request, me)
    sessions.renew(request)
    return redirect("/account?done=password")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """Set one-time codes up: the key as a picture and as text, then a first code; recovery codes are shown once."""
    me = account_of(request)
    if factor.enrolled(me):
        codes = factor.renew_codes(me) if request.method == "POST" else ()
        return render(request, "registry/factor_done.html", {"codes": codes, "renewed": bool(codes)})
    begun = factor.prepared(me, request.session.setdefault(NONCE, factor.new_nonce()))
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        try:
            codes = factor.confirm(me, begun.nonce, request.POST.get("code", ""))
            del request.session[NONCE]
            return render(request, "registry/factor_done.html", {"codes": codes})
        except RegistryError as error:
            errors.append(("code", str(error)))
    key = factor.key_text(begun)
    context = {
        # Made by segno from our own text: no part of it comes from a reader.
        "qr": mark_safe(factor.qr_svg(begun)),
        "key": " ".join(key[i : i + 4] for i in range(0, len(key), 4)),
        "required": factor.required(me),
        "errors": errors,
    }
    return render(request, "registry/factor.html", context, status=422 if errors else 200)


@login_required
@require_POST
def end_sessions(request: HttpRequest) -> HttpResponse:
    """End one's other logins."""
    sessions.end_others(account_of(request), request.session.session_key, actor=account_of(request))
    return redirect("/account?done=sessions")


@login_required
@require_POST
def delegate(request: HttpRequest) -> HttpResponse:
    """Name a deputy for one of one's own grants."""
    me, form = account_of(request), request.POST
    try:
        own = Grant.objects.filter(pk=number(form.get("grant", "")) or 0, account=me).first()
        first, last = date.fromisoformat(form.get("valid_from", "")), date.fromisoformat(form.get("valid_to", ""))
    except ValueError:
        errors = [("valid_from", "请选一项授权，并填起止日期，如 2025-07-15。")]
        return _account(request, 422, errors=errors, form=form)
    try:
        if own is None:
            raise RegistryError("没有这项授权。请重新选择。")
        deputies.delegate(own, form.get("username", ""), first, last, actor=me)
    except RegistryError as error:
        return _account(request, 422, errors=[("deputy", str(error))], form=form)
    return redirect("/account?done=delegated")


@login_required
@require_POST
def end_delegation(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a deputyship back."""
    given = get_object_or_404(Grant, pk=pk, delegated_by=account_of(request))
    deputies.end(given, actor=account_of(request))
    return redirect("/account?done=ended")


@login_required
@require_safe
def own_data(request: HttpRequest) -> HttpResponse:
    """All that is stored about the account, as JSON (个人信息保护法第四十五条)."""
    me = account_of(request)
    text = json.dumps(privacy.export(me, actor=me), ensure_ascii=False, indent=1)
    response = HttpResponse(text, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{me.username}.json"'
    return response


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def kept_draft(request: HttpRequest, pk: int) -> HttpResponse:
    """What was being sent when the login ended: send it again, or throw it away."""
    me = account_of(request)
    try:
        draft = kept.find(request.session, me, pk)
    except Kept.DoesNotExist as error:
        raise Http404("没有这份保留的内容，或者已经过期。") from error
    if request.method == "POST":
        kept.drop(request.session, me, pk)
        return redirect("/account?done=dropped")
    context = {"draft": draft, "shown": [(label(name), name, value) for name, value in draft.fields if value.strip()]}
    return render(request, "registry/kept.html", context)
