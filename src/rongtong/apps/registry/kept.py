"""Drafts that survive a login's end: what was being sent is kept for a day for the same browser and account."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.sessions.backends.base import SessionBase
from django.db.models import Q
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from rongtong.apps.registry import moment
from rongtong.apps.registry.models import Account, Kept

FLOW = "kept"
LONGEST = timedelta(hours=24)
LARGEST = 1024 * 1024
MOST_FIELDS = 2000
# Drafts of nobody known: a form can be sent without ever having logged in, and must not fill the store.
MOST_UNKNOWN = 200
SECRET = ("password", "passwd", "口令", "密码", "secret", "csrfmiddlewaretoken", "_kept")
UNKEPT_PATHS = ("/login", "/logout", "/account/password", "/account/factor")


@dataclass(frozen=True, slots=True)
class Draft:
    """A kept form as its page shows it; `files` are the names of attachments that must be chosen again."""

    row: Kept
    fields: tuple[tuple[str, str], ...]
    files: tuple[str, ...]


def keep(request: HttpRequest, account: Account | None) -> bool:
    """Keep the fields of a form that arrived after the login had ended; files and passwords are not kept.

    The caller has seen that the form carried a valid CSRF token. Returns whether something was kept.
    """
    if request.method != "POST" or request.path.startswith(UNKEPT_PATHS):
        return False
    fields = [
        [name, value]
        for name in request.POST
        if not any(word in name.lower() for word in SECRET)
        for value in request.POST.getlist(name)
    ]
    text = json.dumps(fields, ensure_ascii=False)
    if not fields or len(fields) > MOST_FIELDS or len(text.encode()) > LARGEST:
        return False
    now = moment.now()
    Kept.objects.filter(expires_at__lt=now).delete()
    if account is None and Kept.objects.filter(account__isnull=True).count() >= MOST_UNKNOWN:
        return False
    token = request.session.setdefault(FLOW, secrets.token_urlsafe(24))
    Kept.objects.create(
        account=account,
        browser=_digest(token),
        path=request.get_full_path()[:500],
        fields=text,
        files=json.dumps([file.name for name in request.FILES for file in request.FILES.getlist(name)]),
        at=now,
        expires_at=now + LONGEST,
    )
    return True


def claim(session: SessionBase, account: Account) -> Kept | None:
    """After a login: the newest draft that this browser sent as this account or before anybody was known, if any."""
    token = session.get(FLOW)
    if not token:
        return None
    mine = Kept.objects.filter(browser=_digest(token), expires_at__gt=moment.now())
    found = mine.filter(Q(account=account) | Q(account__isnull=True)).first()
    if found is None:
        return None
    mine.filter(account__isnull=True).update(account=account)
    return found


def waits(session: SessionBase) -> bool:
    """Whether a draft of this browser waits for a login."""
    return FLOW in session and Kept.objects.filter(browser=_digest(session[FLOW]), expires_at__gt=moment.now()).exists()


def find(session: SessionBase, account: Account, pk: int) -> Draft:
    """A draft of this account and browser. Raises Kept.DoesNotExist for any other, as for one that is not there."""
    row = Kept.objects.get(pk=pk, account=account, browser=_digest(session.get(FLOW, "")), expires_at__gt=moment.now())
    return Draft(row, tuple((n, v) for n, v in json.loads(row.fields)), tuple(json.loads(row.files or "[]")))


def drop(session: SessionBase, account: Account, pk: int) -> None:
    """Throw a draft of this account and browser away; nothing happens for any other."""
    Kept.objects.filter(pk=pk, account=account, browser=_digest(session.get(FLOW, ""))).delete()


def _digest(token: str) -> str:
    return salted_hmac("rongtong.kept", token, algorithm="sha256").hexdigest()
