"""Addresses of the pages of cases."""

from __future__ import annotations

from django.urls import path

from rongtong.apps.cases import library_views, near_views, notices, opening, space_views, views
from rongtong.apps.cases.certificate_urls import urlpatterns as certificates
from rongtong.apps.cases.desk_urls import urlpatterns as desk
from rongtong.apps.cases.supervision_urls import urlpatterns as supervision

urlpatterns = [
    path("cases/", views.cases, name="cases"),
    path("cases/alike/<slug:process>", near_views.alike, name="cases-alike"),
    path("cases/<int:pk>", views.case, name="case"),
    path("cases/<int:pk>/move", views.move, name="case-move"),
    path("cases/evidence/<int:pk>", views.case_evidence, name="case-evidence"),
    path("space/", space_views.home, name="space"),
    path("space/report", space_views.report, name="space-report"),
    path("space/report.xlsx", space_views.report_xlsx, name="space-report-xlsx"),
    path("notices/", notices.board, name="notices"),
    path("notices/<int:pk>", notices.notice, name="notice"),
    path("en/notices/", notices.board, {"language": "en"}, name="notices-en"),
    path("en/notices/<int:pk>", notices.notice, {"language": "en"}, name="notice-en"),
    path("processes/", library_views.processes, name="processes"),
    path("processes/<slug:code>", library_views.process, name="process"),
    path("en/processes/", library_views.processes, {"language": "en"}, name="processes-en"),
    path("en/processes/<slug:code>", library_views.process, {"language": "en"}, name="process-en"),
    path("processes/<slug:code>/new", opening.case_new, name="case-new"),
    *desk,
    *supervision,
    *certificates,
]
