"""Addresses of the public pages, in both languages, and of the files they offer."""

from __future__ import annotations

from django.urls import path

from rongtong.apps.portal import open_views as views

urlpatterns = [
    path("open/", views.index, name="open"),
    path("open/api", views.api, name="open-api"),
    path("open/catalogue.json", views.catalogue, name="open-catalogue"),
    path("open/<str:code>.sdmx.csv", views.sdmx, name="open-sdmx"),
    path("open/<str:code>.csv", views.plain, name="open-csv"),
    path("open/<str:code>.json", views.as_json, name="open-json"),
    path("open/<str:code>", views.indicator, name="open-indicator"),
    path("en/open/", views.index, {"language": "en"}, name="open-en"),
    path("en/open/api", views.api, {"language": "en"}, name="open-api-en"),
    path("en/open/<str:code>", views.indicator, {"language": "en"}, name="open-indicator-en"),
]
