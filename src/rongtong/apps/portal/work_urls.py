"""Address of the workbench."""

from __future__ import annotations

from django.urls import path

from rongtong.apps.portal import work_views as views

urlpatterns = [path("work", views.work, name="work")]
