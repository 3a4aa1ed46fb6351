"""Addresses of the cockpit (一张图) and of what it hands out."""

from __future__ import annotations

from django.urls import path

from rongtong.apps.portal import cockpit_views as views

urlpatterns = [
    path("map", views.page, name="cockpit"),
    path("map/table.csv", views.table, name="cockpit-table"),
    path("map/chart/<str:name>.<str:kind>", views.chart, name="cockpit-chart"),
]
