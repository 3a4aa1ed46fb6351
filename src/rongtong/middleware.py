"""The headers that every answer carries, whom to believe about where a request came from, and answers to a wrong method."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    )
)
PERMISSIONS_POLICY = "camera=(), microphone=(), geolocation=(), payment=(), usb=()"


class Headers:
    """Sets the headers on pages, API answers, static files and errors alike; must be the outermost middleware.

    Django's SecurityMiddleware adds the rest (nosniff, Referrer-Policy, COOP, HSTS over TLS).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        _believe_proxy(request)
        response = self.get_response(request)
        response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response["Permissions-Policy"] = PERMISSIONS_POLICY
        # Static files are answered before there is a session, and may be kept by anybody.
        if hasattr(request, "session") and settings.SESSION_COOKIE_NAME in request.COOKIES | response.cookies:
            response.setdefault("Cache-Control", "no-store, private")
        return response


class WrongMethod:
    """Says on a page what to do at an address that only takes forms; below /api/ the answer stays JSON.

    Must come after the middleware of sessions and authentication, which the page asks.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED or request.path.startswith("/api/"):
            return response
        page = render(request, "405.html", {"owner": owner(request.path)}, status=response.status_code)
        page["Allow"] = response["Allow"]
        return page


def owner(path: str) -> str:
    """The nearest page above an address, which its form stands on; "/" where there is none."""
    parts = path.strip("/").split("/")
    for length in range(len(parts) - 1, 0, -1):
        above = "/" + "/".join(parts[:length])
        for candidate in (f"{above}/", above):
            try:
                resolve(candidate)
            except Resolver404:
                continue
            return candidate
    return "/"


def _believe_proxy(request: HttpRequest) -> None:
    """Take client and scheme from a trusted reverse proxy; from anybody else those headers are worth nothing."""
    if request.META.get("REMOTE_ADDR") not in settings.PROXIES:
        return
    chain = [a.strip() for a in request.headers.get("X-Forwarded-For", "").split(",") if a.strip()]
    outside = [a for a in chain if a not in settings.PROXIES]
    if outside:
        request.META["REMOTE_ADDR"] = outside[-1][:45]
    if request.headers.get("X-Forwarded-Proto") == "https":
        request.META["wsgi.url_scheme"] = "https"
