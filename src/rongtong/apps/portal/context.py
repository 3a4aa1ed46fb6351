"""What every page knows of the instance: whether it is a demonstration, its pinned day, its place and its menu."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from rongtong.apps.packs import queries as packs
from rongtong.apps.portal.display import is_large
from rongtong.apps.portal.navigation import menu


def instance(request: HttpRequest) -> dict[str, object]:
    """Nothing here asks the database until a template shows it."""
    return {
        "demo": settings.DEMO,
        "pinned": settings.PINNED_TODAY,
        "large": is_large(request),
        "menu": SimpleLazyObject(lambda: menu(request)),
        "whole_place": SimpleLazyObject(_place),
    }


def _place() -> str:
    try:
        pack = packs.current()
    except packs.NoPack:
        return ""
    return str(pack.places.get(pack.manifest.root_place).name)
