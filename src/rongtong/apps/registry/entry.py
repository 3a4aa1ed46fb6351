"""Logging in: password, one-time code, locks; every outcome is a leaf."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth import authenticate
from django.contrib.auth import login as start
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from rongtong.apps.records.actions import act
from rongtong.apps.registry import factor, kept, moment, sessions, throttle
from rongtong.apps.registry.actions import RegistryError, account_subject, system_account
from rongtong.apps.registry.models import Account, Kept

PENDING = "pending"
# Between the password and the code.
PENDING_FOR = timedelta(minutes=5)
BACKEND = "django.contrib.auth.backends.ModelBackend"


class LoginRefused(Exception):
    """Nobody was logged in; the message is the same whether the account exists or not."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An account whose password was right and whose code is awaited."""

    account: Account


def check_password(request: HttpRequest, username: str, password: str) -> Account:
    """The active account of this username and password. Raises LoginRefused, also while either is locked."""
    address = _address(request)
    _refuse_locked(username, address)
    account = authenticate(request, username=username.strip().lower(), password=password)
    if not isinstance(account, Account):
        raise _failed(username, address, "password")
    # Asked again: others may have failed while this password was being hashed.
    _refuse_locked(username, address)
    return account


def await_code(request: HttpRequest, account: Account) -> None:
    """Remember whose code is awaited; nobody is logged in yet."""
    request.session.cycle_key()
    request.session[PENDING] = [account.pk, int(moment.now().timestamp())]


def waiting(request: HttpRequest) -> Waiting | None:
    """Whose code is awaited by this browser, for five minutes after the password."""
    pending = request.session.get(PENDING)
    if not pending or moment.now().timestamp() - pending[1] > PENDING_FOR.total_seconds():
        return None
    account = Account.objects.filter(pk=pending[0], is_active=True).first()
    return Waiting(account) if account else None


def check_code(request: HttpRequest, account: Account, code: str) -> str:
    """How the code was right: "totp" or "recovery". Raises LoginRefused; a wrong code counts like a wrong password."""
    address = _address(request)
    _refuse_locked(account.username, address)
    how = factor.verify(account, code)
    if not how:
        raise _failed(account.username, address, "code")
    return how


def admit(request: HttpRequest, account: Account, how: str) -> Kept | None:
    """Log the account in and return the draft that was kept when its last login ended, if any."""
    with act("registry.login", actor=account, subject=account_subject(account)) as this:
        this.payload |= {"address": _address(request), "how": how}
        throttle.forget(throttle.account_key(account.username))
    request.session.pop(PENDING, None)
    start(request, account, backend=BACKEND)
    sessions.begin(request)
    return kept.claim(request.session, account)


def leave(request: HttpRequest, account: Account) -> None:
    """Note that the account logs out."""
    with act("registry.logout", actor=account, subject=account_subject(account)):
        sessions.finish(request.session.session_key)


def unlock(account: Account, *, actor: Account) -> None:
    """Lift the lock of a username. Raises RegistryError when it is not locked, and Denied."""
    key = throttle.account_key(account.username)
    with act("registry.unlock", actor=actor, subject=account_subject(account)):
        if throttle.locked_until(key) is None:
            raise RegistryError(f"“{account.username}”没有被锁定。")
        throttle.forget(key)


def _refuse_locked(username: str, address: str) -> None:
    until = throttle.locked_until(throttle.address_key(address), throttle.ADDRESS_FAILURES)
    if until is not None:
        # Nothing more is written down: whoever hammers at the door must not fill the log.
        raise LoginRefused(f"这个网络地址失败次数太多，{timezone.localtime(until):%H:%M} 之后再试。")
    until = throttle.locked_until(throttle.account_key(username))
    if until is not None:
        throttle.fail(throttle.address_key(address))
        _note("registry.login_failed", username, address, "locked")
        raise LoginRefused(_locked_words(until))


def _failed(username: str, address: str, what: str) -> LoginRefused:
    """Count the failure, write it down, and say it in the same words whether the account exists or not."""
    account_key, address_key = throttle.account_key(username), throttle.address_key(address)
    with transaction.atomic():
        throttle.fail(account_key)
        throttle.fail(address_key)
        _note("registry.login_failed", username, address, what)
        until = throttle.locked_until(account_key)
        if until is not None:
            _note("registry.locked", username, address, what)
    if until is not None:
        return LoginRefused(_locked_words(until))
    wrong = "用户名或口令不对" if what == "password" else "动态码或恢复码不对，或已经用过"
    return LoginRefused(f"{wrong}。请重新填写；15 分钟内连错 {throttle.ACCOUNT_FAILURES} 次，这个用户名锁定 15 分钟。")


def _locked_words(until: object) -> str:
    return (
        f"15 分钟内连错 {throttle.ACCOUNT_FAILURES} 次，这个用户名锁定到 {timezone.localtime(until):%H:%M}。"  # type: ignore[arg-type]
        "到时再试，或请安全管理员解锁。"
    )


def _note(kind: str, username: str, address: str, what: str) -> None:
    """A leaf by `system`: nobody is logged in. A username nobody has is not written down; it may be a password."""
    known = Account.objects.filter(username=username.strip().lower()).first()
    with act(kind, actor=system_account(), subject=account_subject(known) if known else "") as this:
        this.payload |= {"address": address, "what": what, "known": known is not None}


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))
