"""Large type (大字版, 适老化): a choice of this browser, kept in a cookie and read by the frame of every page."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_safe

COOKIE, LARGE = f"{settings.COOKIE_PREFIX}size", "large"
A_YEAR = 365 * 24 * 60 * 60


def is_large(request: HttpRequest) -> bool:
    """Whether this browser has chosen large type."""
    return request.COOKIES.get(COOKIE) == LARGE


@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    """Take `size` (`large` or anything else for the usual) and go back to `next`, an address of this site."""
    wanted = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
        wanted = "/"
    response = HttpResponseRedirect(wanted)
    if request.GET.get("size") == LARGE:
        response.set_cookie(
            COOKIE, LARGE, max_age=A_YEAR, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
        )
    else:
        response.delete_cookie(COOKIE, samesite="Lax")
    return response
