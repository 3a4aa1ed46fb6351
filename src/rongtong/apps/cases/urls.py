"""Addresses of the pages of cases."""

from __future__ import annotations

from django.urls import path

from rongtong.apps.cases import near_views, notices, opening, views
from rongtong.apps.cases.certificate_urls import urlpatterns as certificates
from rongtong.apps.cases.desk_urls import urlpatterns as desk
from rongtong.apps.cases.supervision_urls import urlpatterns as supervision

urlpatterns = [
    path("cases/", views.cases, name="cases"),
    path("cases/alike/<slug:process>", near_views.alike, name="cases-alike"),
    path("cases/<int:pk>", views.case, name="case"),
    path("cases/<int:pk>/move", views.move, name="case-move"),
    path("cases/evidence/<int:pk>", views.case_evidence, name="case-evidence"),
    path("notices/", notices.board, name="notices"),
    path("notices/<int:pk>", notices.notice, name="notice"),
    path("en/notices/", notices.board, {"language": "en"}, name="notices-en"),
    path("en/notices/<int:pk>", notices.notice, {"language": "en"}, name="notice-en"),
    path("processes/", views.processes, name="processes"),
    path("processes/<slug:code>", views.process, name="process"),
    path("processes/<slug:code>/new", opening.case_new, name="case-new"),
    *desk,
    *supervision,
    *certificates,
]
