"""Addresses of the living document and of the chain."""

from __future__ import annotations

from django.urls import path

from rongtong.apps.portal import document_views as views

urlpatterns = [
    path("", views.home, name="home"),
    path("documents/<str:code>", views.document, name="document"),
    path("documents/<str:code>/text", views.attach, name="document-text"),
    path("documents/<str:code>/<str:clause>", views.clause, name="clause"),
    path("why/<str:figure>", views.why, name="why"),
]
