"""Addresses: the API under /api/, everything a person opens under the apps' own pages."""

from django.urls import include, path

from rongtong.api import api

APPS = ("registry", "records", "observations", "planning", "cases", "papers", "packs", "portal")

urlpatterns = [
    path("api/", api.urls),
    *(path("", include(f"rongtong.apps.{app}.urls")) for app in APPS),
]
