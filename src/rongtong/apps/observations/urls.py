"""Addresses of the pages of observations."""

from __future__ import annotations

from django.urls import path

from rongtong.apps.observations import uploads, views, wizard

urlpatterns = [
    path("collection/", views.index, name="collection"),
    path("collection/tasks/<str:collection>/<str:period>/", views.task, name="collection-task"),
    path("collection/tasks/<str:collection>/<str:period>/remind", views.remind, name="collection-remind"),
    path("collection/tasks/<str:collection>/<str:period>/<str:place>/start", views.start, name="collection-start"),
    path("collection/upload", uploads.upload, name="collection-upload"),
    path("collection/upload/template", uploads.standard_template, name="collection-upload-template"),
    path("collection/upload/<int:pk>", uploads.upload_preview, name="collection-upload-preview"),
    path("collection/upload/<int:pk>/marked", uploads.upload_marked, name="collection-upload-marked"),
    path("collection/sources/", wizard.sources, name="collection-sources"),
    path("collection/sources/new", wizard.new_source, name="collection-source-new"),
    path("collection/sources/new/<int:pk>", wizard.map_source, name="collection-source-map"),
    path("collection/sources/<str:code>.yaml", wizard.source_yaml, name="collection-source-yaml"),
    path("collection/<int:pk>", views.slice_page, name="collection-slice"),
    path("collection/<int:pk>/cell/<str:indicator>", views.cell, name="collection-cell"),
    path("collection/<int:pk>/review", views.review, name="collection-review"),
    path("collection/<int:pk>/evidence", views.attach, name="collection-attach"),
    path("collection/evidence/<int:pk>", views.evidence, name="collection-evidence"),
    path("collection/<int:pk>/history", views.history, name="collection-history"),
    path("collection/<int:pk>/template", uploads.slice_template, name="collection-slice-template"),
    path("collection/<int:pk>/upload", uploads.slice_upload, name="collection-slice-upload"),
    path("collection/<int:pk>/upload/<int:upload>", uploads.slice_preview, name="collection-slice-preview"),
    path("collection/<int:pk>/upload/<int:upload>/marked", uploads.slice_marked, name="collection-slice-marked"),
]
