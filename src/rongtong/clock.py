"""The one place that reads the clock. Demo mode pins today, and every page says so."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

from django.conf import settings

LOCAL = timezone(timedelta(hours=8), "CST")


def now() -> datetime:
    """This moment in Beijing time; in demo mode the pinned day at the real time of day."""
    real = datetime.now(tz=UTC).astimezone(LOCAL)
    pinned = settings.PINNED_TODAY
    return (
        datetime.combine(pinned, time(real.hour, real.minute, real.second, real.microsecond), LOCAL) if pinned else real
    )


def today() -> date:
    """The local date; pinned in demo mode."""
    return now().date()


def real_today() -> date:
    """The real local date, also in demo mode: only to tell an impossible date in a file from a future one."""
    return datetime.now(tz=UTC).astimezone(LOCAL).date()
