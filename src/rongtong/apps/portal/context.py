"""What every page knows of the instance: whether it is a demonstration, and its pinned day."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def instance(request: HttpRequest) -> dict[str, object]:
    return {"demo": settings.DEMO, "pinned": settings.PINNED_TODAY}
