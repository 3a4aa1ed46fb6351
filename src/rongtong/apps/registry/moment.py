"""The moving clock. Sessions, locks and one-time codes are about elapsed time, which a pinned day does not have."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone


def now() -> datetime:
    """This moment, also where a demonstration pins today."""
    return timezone.now()
