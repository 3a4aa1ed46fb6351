"""Addresses of 督办."""

from __future__ import annotations

from django.urls import path

from rongtong.apps.cases import supervision_opening as opening
from rongtong.apps.cases import supervision_views as views

urlpatterns = [
    path("supervision/", views.ledger, name="supervision"),
    path("supervision/ledger.xlsx", views.export, name="supervision-export"),
    path("supervision/new", opening.new, name="supervision-new"),
    path("supervision/red", opening.red, name="supervision-red"),
    path("supervision/import", opening.import_, name="supervision-import"),
    path("supervision/template.xlsx", opening.template, name="supervision-template"),
    path("supervision/lines/<str:code>", opening.lines, name="supervision-lines"),
    path("supervision/evidence/<int:pk>", views.evidence, name="supervision-evidence"),
    path("supervision/<int:pk>", views.item, name="supervision-item"),
    path("supervision/<int:pk>/step", views.step, name="supervision-step"),
    path("supervision/<int:pk>/slip/<str:level>.docx", views.slip_docx, name="supervision-slip-docx"),
    path("supervision/<int:pk>/slip/<str:level>", views.slip, name="supervision-slip"),
]
