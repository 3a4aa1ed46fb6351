"""Failed logins: after five in fifteen minutes a username is locked for fifteen; an address may fail more often.

Guesses at the codes of certificates are counted for each address in the same way.

Usernames that nobody has are counted like the others, so that a lock does not tell which exist. Keys are keyed hashes:
what was typed, which may be a password in the wrong field, is kept nowhere.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.crypto import salted_hmac

from rongtong.apps.registry import moment
from rongtong.apps.registry.models import Failure

WINDOW = timedelta(minutes=15)
ACCOUNT_FAILURES = 5
ADDRESS_FAILURES = 50
# A code is one of 31^8: at this rate one address would try all of them in more than a million years.
GUESSES = 20
KEEP = timedelta(days=1)


def account_key(username: str) -> str:
    """The key under which the failures of a username are counted."""
    return _key("account", username.strip().lower())


def address_key(address: str) -> str:
    """The key under which the failures from an address are counted."""
    return _key("address", address)


def guess_key(address: str) -> str:
    """The key under which wrong codes of certificates from an address are counted."""
    return _key("certificate", address)


def locked_until(key: str, most: int = ACCOUNT_FAILURES) -> datetime | None:
    """Until when a key is locked, or None: `most` failures within the window lock it for as long from the last one."""
    latest = list(Failure.objects.filter(key=key).order_by("-at").values_list("at", flat=True)[:most])
    if len(latest) < most or latest[0] - latest[-1] > WINDOW:
        return None
    until = latest[0] + WINDOW
    return until if until > moment.now() else None


def fail(key: str) -> None:
    """Count a failure."""
    now = moment.now()
    Failure.objects.filter(at__lt=now - KEEP).delete()
    Failure.objects.create(key=key, at=now)


def forget(key: str) -> None:
    """Count from nothing again: after a login that went well, or when a lock is lifted."""
    Failure.objects.filter(key=key).delete()


def _key(kind: str, text: str) -> str:
    return salted_hmac(f"rongtong.throttle.{kind}", text, algorithm="sha256").hexdigest()
