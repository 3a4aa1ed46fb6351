"""Addresses of the pages that compose several apps, each family in a module of its own."""

from __future__ import annotations

from django.urls import path

from rongtong.apps.portal import (
    cockpit_urls,
    display,
    document_urls,
    industry_urls,
    open_urls,
    wall_urls,
    work_urls,
)

urlpatterns = [
    *document_urls.urlpatterns,
    *work_urls.urlpatterns,
    *cockpit_urls.urlpatterns,
    *industry_urls.urlpatterns,
    *open_urls.urlpatterns,
    *wall_urls.urlpatterns,
    path("display", display.choose, name="display"),
]
