"""Addresses of the pages of records."""

from __future__ import annotations

from django.urls import path

from rongtong.apps.records import views

urlpatterns = [
    path("audit/", views.audit, name="audit"),
    path("audit/verify", views.verify, name="audit-verify"),
    path("audit/export.csv", views.export, name="audit-export"),
    path("audit/<int:sequence>", views.leaf, name="audit-leaf"),
]
