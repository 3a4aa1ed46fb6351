"""Logins that last: how long at most, when they end, and which an account has open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.http import HttpRequest

from rongtong.apps.records.actions import act
from rongtong.apps.registry import access, moment
from rongtong.apps.registry.actions import account_subject
from rongtong.apps.registry.models import Account, Kept, Visit
from rongtong.apps.registry.roles import TRIO

IDLE = timedelta(minutes=30)
IDLE_ADMINISTRATORS = timedelta(minutes=15)
LONGEST = timedelta(hours=12)
# Being seen is written down at most so often: reading a page is not a write every time.
TICK = timedelta(seconds=60)
STARTED, SEEN, ALLOWED = "started", "seen", "idle"


@dataclass(frozen=True, slots=True)
class End:
    """When a login ends: after standing idle, and at the latest."""

    idle_at: datetime
    latest: datetime

    @property
    def at(self) -> datetime:
        """The earlier of the two."""
        return min(self.idle_at, self.latest)


def begin(request: HttpRequest) -> None:
    """Note that the login of this request's account begins now."""
    now, session, account = moment.now(), request.session, cast(Account, request.user)
    session[STARTED] = session[SEEN] = int(now.timestamp())
    session[ALLOWED] = int(_idle(account).total_seconds())
    if session.session_key is None:
        session.save()
    # What is left of logins that ended without anybody coming back (剩余信息清除).
    session.clear_expired()
    Visit.objects.filter(started_at__lt=now - LONGEST).delete()
    Kept.objects.filter(expires_at__lt=now).delete()
    Visit.objects.update_or_create(
        session_key=session.session_key,
        defaults={
            "account": account,
            "started_at": now,
            "seen_at": now,
            "address": request.META.get("REMOTE_ADDR", "")[:45],
            "agent": request.headers.get("User-Agent", "")[:200],
        },
    )


def end_of(session: SessionBase) -> End | None:
    """When the login of a session ends; None where nobody logged in."""
    if STARTED not in session:
        return None
    seen = datetime.fromtimestamp(session[SEEN], tz=UTC)
    started = datetime.fromtimestamp(session[STARTED], tz=UTC)
    return End(seen + timedelta(seconds=session[ALLOWED]), started + LONGEST)


def touch(request: HttpRequest) -> None:
    """Note that the account was seen now, and how long it may stand idle: roles may have changed."""
    now, session = moment.now(), request.session
    if STARTED not in session:
        begin(request)
    elif now.timestamp() - session[SEEN] >= TICK.total_seconds():
        session[SEEN] = int(now.timestamp())
        session[ALLOWED] = int(_idle(cast(Account, request.user)).total_seconds())
        Visit.objects.filter(session_key=session.session_key).update(seen_at=now)


def renew(request: HttpRequest) -> None:
    """Carry a login over to the session's new key, as after a change of password; the others have ended."""
    account = cast(Account, request.user)
    Visit.objects.filter(account=account).delete()
    started, seen = request.session[STARTED], request.session[SEEN]
    begin(request)
    request.session[STARTED], request.session[SEEN] = started, seen


def finish(session_key: str | None) -> None:
    """Forget a login that has ended."""
    Visit.objects.filter(session_key=session_key or "").delete()


def open_visits(account: Account) -> list[Visit]:
    """The logins of an account that have not ended, the last seen first."""
    visits = list(Visit.objects.filter(account=account, started_at__gt=moment.now() - LONGEST))
    living = set(
        Session.objects.filter(session_key__in=[v.session_key for v in visits]).values_list("session_key", flat=True)
    )
    return [visit for visit in visits if visit.session_key in living]


def end_others(account: Account, keep: str | None, *, actor: Account) -> int:
    """End the other logins of an account and return how many there were."""
    with act("registry.end_sessions", actor=actor, subject=account_subject(account)) as this:
        keys = [v.session_key for v in Visit.objects.filter(account=account) if v.session_key != keep]
        Session.objects.filter(session_key__in=keys).delete()
        Visit.objects.filter(session_key__in=keys).delete()
        this.payload["ended"] = len(keys)
    return len(keys)


def _idle(account: Account) -> timedelta:
    administers = access.grants_in_force(account).filter(role__in=TRIO).exists()
    return IDLE_ADMINISTRATORS if administers else IDLE
