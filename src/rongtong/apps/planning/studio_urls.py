"""Addresses of the allocation studio."""

from __future__ import annotations

from django.urls import URLPattern, path

from rongtong.apps.planning import studio_views as views

urlpatterns: list[URLPattern] = [
    path("studio/", views.index, name="studio"),
    path("studio/new", views.new, name="studio-new"),
    path("studio/growth.svg", views.growth_map, name="studio-map"),
    path("studio/<str:code>/", views.plan, name="studio-plan"),
    path("studio/<str:code>/compare", views.compare, name="studio-compare"),
    path("studio/<str:code>/counter", views.counter, name="studio-counter"),
    path("studio/<str:code>/<int:version>.xlsx", views.workbook, name="studio-xlsx"),
    path("studio/<str:code>/<int:version>.csv", views.table, name="studio-csv"),
]
