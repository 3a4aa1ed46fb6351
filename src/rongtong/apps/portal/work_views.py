"""The workbench (工作台) of the account that logged in."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from rongtong import clock
from rongtong.apps.cases import space
from rongtong.apps.observations import queries as observations
from rongtong.apps.portal import work_queries as bench
from rongtong.apps.registry.access import visible_places
from rongtong.apps.registry.models import Account
from rongtong.apps.registry.outside import is_outside
from rongtong.apps.registry.roles import TRIO


@login_required
def work(request: HttpRequest) -> HttpResponse:
    """What waits, what was done, what is red and how fresh the figures are."""
    assert isinstance(request.user, Account)  # login_required
    account = request.user
    roles = bench.held(account)
    business = any(r.code not in TRIO for r in roles)
    groups = bench.todo(account)
    unstarted = observations.unstarted(account) if business else ()
    visible = visible_places(account)
    fresh = bench.freshness() if business else ()
    context = {
        "today": clock.today(),
        "roles": roles,
        "groups": groups,
        "unstarted": unstarted,
        "many_places": len({u.place for u in unstarted}) > 1,
        "total": sum(g.count for g in groups) + len(unstarted),
        "late": sum(g.late for g in groups) + sum(u.late for u in unstarted),
        "reminders": observations.reminders(account) if business else (),
        "told": bench.told(account),
        "owed": [d for d in space.owed(account) if d.mine] if is_outside(account) else (),
        "done": bench.done(account),
        "started": bench.started(account),
        "lit": bench.lit(visible) if business else (),
        "fresh": [f for f in fresh if not f.dormant],
        "dormant": [f for f in fresh if f.dormant],
        "notices": bench.notices(account, visible),
        "business": business,
        "ways": bench.ways(roles),
    }
    return render(request, "portal/work.html", context)
