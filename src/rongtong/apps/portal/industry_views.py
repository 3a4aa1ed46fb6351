"""Pages of the industrial chains (产业链)."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from rongtong.apps.packs import queries as packs
from rongtong.apps.portal import industry_queries
from rongtong.apps.registry.models import Account


@require_safe
def chains(request: HttpRequest) -> HttpResponse:
    """Every chain of the packs."""
    user = request.user
    context = {"schemes": industry_queries.entries(packs.current(), user), "known": isinstance(user, Account)}
    return render(request, "portal/industries.html", context)


@require_safe
def chain(request: HttpRequest, code: str) -> HttpResponse:
    """One chain: figures, notices, and for whoever has logged in the cases they may read."""
    one = industry_queries.find(code)
    if one is None:
        raise Http404("没有这条产业链。")
    context = industry_queries.page(packs.current(), one, request.user)
    return render(request, "portal/industry.html", context | {"known": isinstance(request.user, Account)})
