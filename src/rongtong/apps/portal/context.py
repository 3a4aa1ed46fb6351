"""What every page knows of the instance: whether it is a demonstration, its pinned day, its place and its menu."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from rongtong.apps.packs import queries as packs
from rongtong.apps.portal.display import is_large
from rongtong.apps.portal.navigation import menu
from rongtong.languages import Language, language_of

SHELL: dict[Language, dict[str, str]] = {
    "zh": {
        "lang": "zh-Hans",
        "skip": "跳到正文",
        "nav": "主导航",
        "nav_folded": "主导航（折叠）",
        "folded": "导航",
        "usual": "标准字号",
        "large": "大字版",
        "login": "登录",
        "line": "融通 · 从条款到数，从数到条款",
        "api": "接口文档",
    },
    "en": {
        "lang": "en",
        "skip": "Skip to the text",
        "nav": "Navigation",
        "nav_folded": "Navigation (folded)",
        "folded": "Navigation",
        "usual": "Usual type",
        "large": "Large type",
        "login": "Log in (Chinese)",
        "line": "Rongtong · from the clause to the figure and back",
        "api": "API reference",
    },
}


def instance(request: HttpRequest) -> dict[str, object]:
    """Nothing here asks the database until a template shows it."""
    language = language_of(request)
    return {
        "english": language == "en",
        "shell": SHELL[language],
        "demo": settings.DEMO,
        "pinned": settings.PINNED_TODAY,
        "large": is_large(request),
        "menu": SimpleLazyObject(lambda: menu(request)),
        "whole_place": SimpleLazyObject(lambda: _place(language)),
    }


def _place(language: Language) -> str:
    try:
        pack = packs.current()
    except packs.NoPack:
        return ""
    place = pack.places.get(pack.manifest.root_place)
    return (place.name_en if language == "en" else "") or place.name
