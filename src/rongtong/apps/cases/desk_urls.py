"""Addresses of the pages over many cases: the desk, steps made together, and cases from a workbook."""

from __future__ import annotations

from django.urls import path

from rongtong.apps.cases import desk_together, desk_views
from rongtong.apps.cases import sheet_views as sheets

urlpatterns = [
    path("desk/", desk_views.desk, name="desk"),
    path("desk/export.xlsx", desk_views.export, name="desk-export"),
    path("desk/together", desk_together.together, name="desk-together"),
    path("processes/<slug:code>/template.xlsx", sheets.template, name="case-template"),
    path("processes/<slug:code>/import", sheets.import_, name="case-import"),
    path("processes/<slug:code>/import/marked.xlsx", sheets.marked, name="case-import-marked"),
]
