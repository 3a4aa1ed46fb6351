"""Pages of the administration of accounts, each duty for its own administrator (三员分立)."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from rongtong import clock
from rongtong.apps.registry import access, actions, entry, factor, handover, masking, queries, requests
from rongtong.apps.registry.access import account_of
from rongtong.apps.registry.actions import RegistryError
from rongtong.apps.registry.models import Account, Grant, GrantRequest, Organisation
from rongtong.apps.registry.places import loaded_tree
from rongtong.apps.registry.roles import OPERATOR, ROLES, TRIO, role_name
from rongtong.typed import number

PAGE = 50
STATES = {"": "全部", "active": "可用", "stopped": "已停用", "stale": "90 天未登录"}
GRANTABLE = tuple((role.code, role.name) for role in ROLES.values() if role.code != OPERATOR)
# Which field a refused change is about.
FIELDS = {"grant": "role", "ask": "role", "stop": "why", "reopen": "why", "factor": "why"}
DONE = {
    "granted": "已授权。",
    "revoked": "授权已收回。",
    "refused": "已退回，不予授权。",
    "stopped": "账号已停用。",
    "reopened": "账号已恢复，口令不变；原有的授权列入待授权，等安全管理员授权。",
    "unlocked": "账号已解锁。",
    "factor": "动态口令已重置，下次登录须重新设置。",
    "asked": "已提交，等安全管理员授权。",
}


@login_required
@require_safe
def accounts(request: HttpRequest) -> HttpResponse:
    """The list of accounts, with what waits for the reader."""
    duties = _duties(request)
    wanted = queries.Wanted(*(request.GET.get(name, "").strip() for name in ("words", "role", "place", "state")))
    found = queries.accounts(wanted)
    context = {
        "duties": duties,
        "wanted": wanted,
        "page_obj": Paginator(found, PAGE).get_page(request.GET.get("page")),
        "roles": GRANTABLE,
        "states": STATES,
        "places": _places(),
        "asked": queries.asked_grants(),
        "notice": DONE.get(request.GET.get("done", "")),
    }
    return render(request, "registry/accounts.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Create an account and ask for its first role; the one-time password is on the answer and nowhere else."""
    me = account_of(request)
    access.require(me, "registry.create_account")
    context: dict[str, Any] = {"roles": GRANTABLE, "places": _places(), "form": request.POST}
    context["organisations"] = Organisation.objects.order_by("name")
    if request.method != "POST":
        return render(request, "registry/new.html", context)
    form = request.POST
    try:
        first, last = _day(form.get("valid_from", "")), _day(form.get("valid_to", ""))
        made = actions.create_account(
            form.get("username", ""),
            form.get("name", ""),
            actor=me,
            organisation=Organisation.objects.filter(uscc=form.get("organisation", "")).first(),
            position=form.get("position", ""),
        )
        if form.get("role"):
            requests.request_grant(
                made.account, form["role"], form.get("place", ""), actor=me, valid_from=first, valid_to=last
            )
    except RegistryError as error:
        context["errors"] = [("username", str(error))]
        return render(request, "registry/new.html", context, status=422)
    return render(request, "registry/handed.html", {"made": [made], "title": "账号已创建"})


@login_required
@require_safe
def one(request: HttpRequest, username: str) -> HttpResponse:
    """An account: its grants and what the reader may do with it."""
    # Before the account is looked for: who may see none is not told which there are.
    _duties(request)
    return _one(request, _found(username), 200)


def _one(request: HttpRequest, account: Account, status: int, **more: Any) -> HttpResponse:
    duties, own = _duties(request), account.pk == request.user.pk
    context = {
        "duties": duties,
        "account": account,
        "by_command": not account.has_usable_password(),
        "changeable": duties.grant and not own and account.has_usable_password(),
        "held": queries.held(account),
        "asked": queries.asked_grants(account),
        "trio": next((role_name(g.role) for g in account.grants.all() if g.role in TRIO), ""),
        "locked": queries.locked_until(account),
        "enrolled": factor.enrolled(account),
        "roles": GRANTABLE,
        "places": _places(),
        "notice": DONE.get(request.GET.get("done", "")),
        "own": own,
        "masks": masking.shown(account.username, account.name, account.demo) != account.name,
        "form": request.POST,
        **more,
    }
    return render(request, "registry/one.html", context, status=status)


@login_required
@require_POST
def change(request: HttpRequest, username: str) -> HttpResponse:
    """One change to an account, named by the button `do`."""
    _duties(request)
    account = _found(username)
    try:
        done = _change(request, account, request.POST.get("do", ""))
    except RegistryError as error:
        return _one(request, account, 422, errors=[(FIELDS.get(request.POST.get("do", ""), ""), str(error))])
    if isinstance(done, actions.NewAccount):
        return render(request, "registry/handed.html", {"made": [done], "title": "口令已重置"})
    return redirect(f"/accounts/of/{account.username}?done={done}")


def _change(request: HttpRequest, account: Account, do: str) -> str | actions.NewAccount:
    me, form = account_of(request), request.POST
    why = form.get("why", "")
    if do == "reset":
        return actions.reset_password(account, actor=me)
    if do in ("grant", "ask"):
        give = actions.grant if do == "grant" else requests.request_grant
        give(
            account,
            form.get("role", ""),
            form.get("place", ""),
            actor=me,
            valid_from=_day(form.get("valid_from", "")),
            valid_to=_day(form.get("valid_to", "")),
        )
        return "granted" if do == "grant" else "asked"
    if do == "revoke":
        actions.revoke(get_object_or_404(Grant, pk=number(form.get("given", "")) or 0, account=account), actor=me)
        return "revoked"
    if do == "stop":
        actions.deactivate(account, why=why, actor=me)
        return "stopped"
    if do == "reopen":
        requests.reactivate(account, why=why, actor=me)
        return "reopened"
    if do == "unlock":
        entry.unlock(account, actor=me)
        return "unlocked"
    if do == "factor":
        factor.reset(account, actor=me, why=why)
        return "factor"
    raise RegistryError("没有这个操作。请刷新页面后重试。")


@login_required
@require_POST
def asked(request: HttpRequest, pk: int) -> HttpResponse:
    """Grant or refuse a role that was asked for."""
    me = account_of(request)
    found = get_object_or_404(GrantRequest.objects.select_related("account"), pk=pk)
    try:
        if request.POST.get("do") == "refuse":
            requests.refuse(found, actor=me, why=request.POST.get("why", ""))
            return redirect("/accounts/?done=refused")
        requests.accept(found, actor=me)
    except RegistryError as error:
        return _one(request, found.account, 422, errors=[("", str(error))])
    return redirect("/accounts/?done=granted")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def hand_over(request: HttpRequest) -> HttpResponse:
    """Give all roles and open cases of one account to another from a day."""
    me = account_of(request)
    access.require(me, "registry.hand_over")
    form = request.POST if request.method == "POST" else request.GET
    context: dict[str, Any] = {"form": form, "today": clock.today(), "accounts": queries.accounts()}
    if request.method != "POST":
        return render(request, "registry/handover.html", context)
    try:
        done = handover.hand_over(
            _named(form.get("giver", ""), "交出人"),
            _named(form.get("receiver", ""), "接收人"),
            _day(form.get("day", "")) or clock.today(),
            actor=me,
            why=form.get("why", ""),
            stop=bool(form.get("stop")),
        )
    except RegistryError as error:
        context["errors"] = [("giver", str(error))]
        return render(request, "registry/handover.html", context, status=422)
    return render(request, "registry/handover.html", context | {"done": done})


def _named(username: str, what: str) -> Account:
    found = Account.objects.filter(username=username.strip().lower()).exclude(username=actions.SYSTEM).first()
    if found is None:
        raise RegistryError(f"{what}“{username.strip()}”没有账号。请填用户名。")
    return found


def _found(username: str) -> Account:
    return get_object_or_404(
        Account.objects.select_related("organisation").prefetch_related("grants"), username=username
    )


def _duties(request: HttpRequest) -> queries.Duties:
    """The reader's duties. Raises Denied for who administers nothing."""
    found = queries.duties(account_of(request))
    if not found.any:
        raise access.Denied("账号与授权只对系统、安全、审计三员开放。自己的授权、口令和代理，请看“我的账号”。")
    return found


def _places() -> list[tuple[str, str]]:
    tree = loaded_tree()
    if tree is None:
        return []
    levels = [code for level in ("province", "city", "county") for code in tree.at_level(level)]
    return [(code, f"{tree.name(code)}（{code}）") for code in levels]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError as error:
        raise RegistryError(f"“{text[:20]}”不是日期。请写成 2025-07-15 的样子。") from error
