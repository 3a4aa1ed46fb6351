"""Public pages in two languages: a page that is named `x` in Chinese has the name `x-en` and its address in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from django.http import HttpRequest
from django.urls import reverse

Language = Literal["zh", "en"]
OTHER: Mapping[Language, Language] = {"zh": "en", "en": "zh"}


def named(page: str, language: Language) -> str:
    """The name of a page in a language."""
    return f"{page}-en" if language == "en" else page


def language_of(request: HttpRequest) -> Language:
    """The language of a page by its address: the English ones stand below `/en/`."""
    return "en" if request.path.startswith("/en/") else "zh"


def in_two(
    words: Mapping[Language, Mapping[str, str]], language: Language, page: str, *arguments: object
) -> dict[str, object]:
    """What the template of such a page reads: its words `w`, whether it is English `en`, the address of `other_page`."""
    return {
        "w": words[language],
        "en": language == "en",
        "other_page": reverse(named(page, OTHER[language]), args=arguments),
    }
