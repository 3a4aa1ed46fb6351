"""Addresses of the pages."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from rongtong.apps.portal import views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("why/<str:figure>", views.why, name="why"),
    path("papers/<str:name>", views.paper, name="paper"),
    path("login", LoginView.as_view(template_name="portal/login.html"), name="login"),
    path("logout", LogoutView.as_view(next_page="/"), name="logout"),
]
