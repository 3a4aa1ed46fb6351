"""The page of groups of cases alike (同类问题), from which an officer opens a common problem."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from rongtong import clock
from rongtong.apps.cases import near
from rongtong.apps.cases.bearing import linked_process
from rongtong.apps.cases.opening import starts
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.access import account_of, visible_places
from rongtong.apps.registry.models import Account

# The days a page looks back where nothing is asked.
DAYS = 90


@login_required
def alike(request: HttpRequest, process: str) -> HttpResponse:
    """The groups of a process's cases in a place and between two days. A day that is none is the usual one."""
    one = packs.current().find("processes", process)
    if one is None or not one.alike:
        raise Http404("没有这个流程，或它没有写按哪些项找同类。")
    today = clock.today()
    since, until = _day(request, "since", today - timedelta(days=DAYS)), _day(request, "until", today)
    account, tree = account_of(request), packs.current().places
    places = visible_places(account).places
    place = request.GET.get("place", "")
    place = place if place in places else ""
    opener = _opener(account, process)
    context = {
        "process": one,
        "groups": [(g, _opens(opener, g)) for g in near.clusters(account, process, since, until, place)],
        "since": since,
        "until": until,
        "place": place,
        "places": [(p, tree.name(p)) for p in sorted(places)],
        "least": near.LEAST_MEMBERS,
        "most": near.MOST_GROUPED,
    }
    return render(request, "cases/alike.html", context)


def _opener(account: Account, process: str) -> tuple[str, str] | None:
    """(process, field) of what this account may start from several cases of a process."""
    found = [(s.process, field) for s in starts(account) for field in s.process.links.values()]
    return next(((p.code, field) for p, field in found if linked_process(p.form, field) == process), None)


def _opens(opener: tuple[str, str] | None, group: near.Group) -> str:
    """The address that starts it with the members of a group filled in; "" where the account may start none."""
    if opener is None:
        return ""
    code, field = opener
    filled = {"title": group.title, field: "\n".join(c.key for c in group.members), "place": group.place}
    return f"{reverse('case-new', args=[code])}?{urlencode(filled)}"


def _day(request: HttpRequest, name: str, usual: date) -> date:
    try:
        return date.fromisoformat(request.GET.get(name, ""))
    except ValueError:
        return usual
