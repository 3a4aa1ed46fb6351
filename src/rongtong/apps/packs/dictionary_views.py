"""Pages of the data dictionary."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from rongtong.apps.packs import dictionary as words
from rongtong.cells import XLSX


@require_safe
def dictionary(request: HttpRequest) -> HttpResponse:
    """Every table and column, narrowed by words and level; and the indicator cards."""
    asked, level = request.GET.get("words", "").strip(), request.GET.get("level", "")
    found = words.narrowed(words.tables(), asked, level if level in words.LEVEL_WORDS else "")
    context = {
        "tables": found,
        "count": sum(len(table.columns) for table in found),
        "cards": [c for c in words.cards() if asked in c.name or asked in c.code],
        "levels": words.LEVEL_WORDS,
        "level": level,
        "words": asked,
    }
    return render(request, "packs/dictionary.html", context)


@require_safe
def dictionary_csv(request: HttpRequest) -> HttpResponse:
    """The whole dictionary as CSV."""
    response = HttpResponse("\ufeff" + words.csv_text(words.tables()), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="dictionary.csv"'
    return response


@require_safe
def dictionary_xlsx(request: HttpRequest) -> HttpResponse:
    """The whole dictionary as a workbook."""
    response = HttpResponse(words.workbook(words.tables(), words.cards()), content_type=XLSX)
    response["Content-Disposition"] = 'attachment; filename="dictionary.xlsx"'
    return response
