"""Addresses of the pages of registry: logging in, one's own account, the administration of accounts."""

from __future__ import annotations

from django.urls import path

from rongtong.apps.registry import views_account, views_accounts, views_import, views_login, views_privacy

urlpatterns = [
    path("login", views_login.login, name="login"),
    path("login/code", views_login.code, name="login-code"),
    path("logout", views_login.logout, name="logout"),
    path("account", views_account.account, name="account"),
    path("account/password", views_account.password, name="account-password"),
    path("account/factor", views_account.second_factor, name="account-factor"),
    path("account/sessions", views_account.end_sessions, name="account-sessions"),
    path("account/deputies", views_account.delegate, name="account-delegate"),
    path("account/deputies/<int:pk>", views_account.end_delegation, name="account-delegate-end"),
    path("account/data.json", views_account.own_data, name="account-data"),
    path("account/kept/<int:pk>", views_account.kept_draft, name="kept"),
    path("account/requests", views_privacy.own_requests, name="personal"),
    path("privacy", views_privacy.notice, name="privacy"),
    path("privacy/register", views_privacy.register, name="privacy-register"),
    path("privacy/register.csv", views_privacy.register_csv, name="privacy-register-csv"),
    path("accounts/", views_accounts.accounts, name="accounts"),
    path("accounts/new", views_accounts.new, name="account-new"),
    path("accounts/handover", views_accounts.hand_over, name="account-handover"),
    path("accounts/import", views_import.upload, name="account-import"),
    path("accounts/import/confirm", views_import.confirm, name="account-import-confirm"),
    path("accounts/import/marked", views_import.marked, name="account-import-marked"),
    path("accounts/template.xlsx", views_import.template, name="account-template"),
    path("accounts/asked/<int:pk>", views_accounts.asked, name="account-asked"),
    path("accounts/of/<str:username>", views_accounts.one, name="account-one"),
    path("accounts/of/<str:username>/reveal", views_privacy.reveal, name="account-reveal"),
    path("accounts/of/<str:username>/change", views_accounts.change, name="account-change"),
]
