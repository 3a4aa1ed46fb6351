"""Addresses of the pages of planning."""

from __future__ import annotations

from django.urls import URLPattern, path

from rongtong.apps.planning import studio_urls, views

urlpatterns: list[URLPattern] = [
    path("indicators/", views.indicators, name="indicators"),
    path("indicators/<str:code>", views.indicator, name="indicator"),
    path("commitments/", views.commitments, name="commitments"),
    path("commitments/<str:code>", views.commitment, name="commitment"),
    path("targets/", views.targets, name="targets"),
    path("targets/<str:code>", views.target, name="target"),
    path("uses/", views.uses, name="uses"),
    path("uses/<str:code>/<str:place>", views.use, name="use"),
    *studio_urls.urlpatterns,
]
