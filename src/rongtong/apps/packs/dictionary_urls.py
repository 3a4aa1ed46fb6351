"""Addresses of the pages of the data dictionary."""

from __future__ import annotations

from django.urls import path

from rongtong.apps.packs import dictionary_views as views

urlpatterns = [
    path("dictionary/", views.dictionary, name="dictionary"),
    path("dictionary/export.csv", views.dictionary_csv, name="dictionary-csv"),
    path("dictionary/export.xlsx", views.dictionary_xlsx, name="dictionary-xlsx"),
]
