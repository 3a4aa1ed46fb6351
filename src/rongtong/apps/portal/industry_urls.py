"""Addresses of the industrial chains."""

from __future__ import annotations

from django.urls import path

from rongtong.apps.portal import industry_views as views

urlpatterns = [
    path("chains/", views.chains, name="chains"),
    path("chains/<str:code>", views.chain, name="chain"),
]
