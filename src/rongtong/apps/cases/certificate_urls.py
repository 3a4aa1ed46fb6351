"""Addresses of the public pages of certificates, in both languages."""

from __future__ import annotations

from django.urls import path

from rongtong.apps.cases import certificate_views as views

ENGLISH = {"language": "en"}
# A code is eight capitals and digits, so none is the last word of a longer address.
urlpatterns = [
    path("verify/", views.verify, name="verify"),
    path("verify/<path:number>/<slug:code>/paper", views.paper, name="certificate-paper"),
    path("verify/<path:number>/<slug:code>/proof.json", views.proof_file, name="certificate-file"),
    path("verify/<path:number>/<slug:code>", views.certificate, name="certificate"),
    path("en/verify/", views.verify, ENGLISH, name="verify-en"),
    path("en/verify/<path:number>/<slug:code>", views.certificate, ENGLISH, name="certificate-en"),
]
