"""What every page knows of the login: when it ends."""

from __future__ import annotations

from django.http import HttpRequest

from rongtong.apps.registry import moment, sessions


def login(request: HttpRequest) -> dict[str, object]:
    """`login_ends`: when the login ends unless something is done, and `login_now`; for who is logged in."""
    session = getattr(request, "session", None)
    user = getattr(request, "user", None)
    if session is None or user is None or not user.is_authenticated:
        return {}
    return {"login_ends": sessions.end_of(session), "login_now": moment.now()}
