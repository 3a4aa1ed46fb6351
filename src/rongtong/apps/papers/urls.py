"""Addresses of the pages of papers."""

from __future__ import annotations

from django.urls import path

from rongtong.apps.papers import views

urlpatterns = [
    path("papers/", views.papers, name="papers"),
    path("papers/new", views.paper_new, name="paper-new"),
    path("papers/files/<str:name>", views.generated_file, name="paper-file"),
    path("papers/releases/<str:sha256>", views.released_file, name="paper-release"),
    path("papers/<slug:kind>/<str:period>/", views.paper, name="paper"),
    path("papers/<slug:kind>/<str:period>/notes", views.paper_notes, name="paper-notes"),
    path("papers/<slug:kind>/<str:period>/make", views.paper_make, name="paper-make"),
    path("papers/<slug:kind>/<str:period>/send", views.paper_send, name="paper-send"),
    path("papers/<slug:kind>/<str:period>/draft", views.paper_draft, name="paper-draft"),
    path("papers/<slug:kind>/<str:period>/compare", views.paper_compare, name="paper-compare"),
    path("papers/<slug:kind>/<str:period>/pictures/<slug:name>.png", views.paper_picture, name="paper-picture"),
]
