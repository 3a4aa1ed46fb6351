"""Addresses of the pages of packs."""

from __future__ import annotations

from django.urls import path

from rongtong.apps.packs import views
from rongtong.apps.packs.dictionary_urls import urlpatterns as dictionary

urlpatterns = [
    path("amendments/", views.amendments, name="amendments"),
    path("amendments/new", views.amendment_new, name="amendment-new"),
    path("amendments/office.zip", views.office_pack, name="office-pack"),
    path("amendments/<int:pk>/", views.amendment, name="amendment"),
    path("amendments/<int:pk>/describe", views.amendment_describe, name="amendment-describe"),
    path("amendments/<int:pk>/rebase", views.amendment_rebase, name="amendment-rebase"),
    path("amendments/<int:pk>/pack.zip", views.amendment_pack, name="amendment-pack"),
    path("amendments/<int:pk>/<slug:kind>/", views.amendment_kind, name="amendment-kind"),
    path("amendments/<int:pk>/<slug:kind>/statement", views.amendment_statement, name="amendment-statement"),
    path("amendments/<int:pk>/<slug:kind>/remove", views.amendment_remove, name="amendment-remove"),
    path("amendments/<int:pk>/<slug:kind>/sheet.xlsx", views.amendment_sheet, name="amendment-sheet"),
    *dictionary,
]
