"""Addresses of the supervisor's wall and of its public version in both languages."""

from __future__ import annotations

from django.urls import path

from rongtong.apps.portal import wall_public, wall_views

urlpatterns = [
    path("wall/", wall_views.wall, name="wall"),
    path("wall/figures.csv", wall_views.csv_file, name="wall-csv"),
    path("wall/public/", wall_public.page, name="wall-public"),
    path("en/wall/public/", wall_public.page, {"language": "en"}, name="wall-public-en"),
    path("wall/public.csv", wall_public.csv_file, name="wall-public-csv"),
    path("wall/<str:name>.<str:kind>", wall_views.chart, name="wall-chart"),
]
