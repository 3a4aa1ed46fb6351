"""Addresses: the API under /api/, everything a person opens under the portal."""

from django.urls import include, path

from rongtong.api import api

urlpatterns = [
    path("api/", api.urls),
    path("", include("rongtong.apps.portal.urls")),
]
