"""Opening a case from its definition alone: which processes an account may start, where, and the page that asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from rongtong import clock
from rongtong.apps.cases import access, actions, hooks, queries
from rongtong.apps.cases.models import Case
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.access import Denied, account_of
from rongtong.apps.registry.models import Account, Organisation
from rongtong.engine.pack.process import Process
from rongtong.engine.process import form

# Two who open a case at once may be given one number; the later one takes the next.
TRIES = 5


@dataclass(frozen=True, slots=True)
class Start:
    """A process that an account may start: in the name of its organisation, or at one of some places."""

    process: Process
    organisation: Organisation | None
    places: tuple[str, ...]


def starts(account: Account) -> tuple[Start, ...]:
    """What an account may start from a page of cases; processes with pages of their own start there."""
    pack = packs.current()
    newest = [pack.get("processes", code) for code in dict.fromkeys(p.code for p in pack.all("processes"))]
    found = (_start(account, p) for p in newest if not hooks.has_page(p))
    return tuple(s for s in found if s)


def _start(account: Account, process: Process) -> Start | None:
    who = access.reach(account)
    roles = [process.role(code) for code in process.opened_by]
    if account.organisation is not None and any(who.owns(r) for r in roles):
        return Start(process, account.organisation, (account.organisation.place,))
    pack = packs.current()
    places: set[str] = set()
    for role in roles:
        held = who.places(role)
        places |= pack.places.places.keys() if held is None else held
    inside = tuple(sorted(p for p in places if pack.places.is_within(p, pack.manifest.root_place)))
    return Start(process, None, inside) if inside else None


@login_required
def case_new(request: HttpRequest, code: str) -> HttpResponse:
    """The form a process is started with. Refused, it keeps what was typed."""
    account = account_of(request)
    start = next((s for s in starts(account) if s.process.code == code), None)
    if start is None:
        raise Http404("没有可由您开始的这个流程。")
    if request.method != "POST":
        return _page(request, start)
    place = request.POST.get("place", "") if start.organisation is None else start.places[0]
    if place not in start.places:
        return _page(request, start, 422, errors=[("place", "请选择地方。")])
    data = form.read(start.process.form, {name: request.POST.getlist(name) for name in request.POST})
    try:
        case = _open(account, start, place, data)
    except actions.FormRefused as error:
        wrong = [(f"open-{name}", words) for name, words in error.errors.items()]
        return _page(request, start, 422, errors=wrong, wrong=error.errors)
    except (actions.CaseError, Denied) as error:
        return _page(request, start, 409, errors=[("", str(error))])
    return redirect(queries.address(case))


def _open(account: Account, start: Start, place: str, data: dict[str, object]) -> Case:
    code, year = start.process.code, clock.today().year
    titled = str(data.get("title") or "")
    title = titled or "·".join(
        t for t in (start.process.name, start.organisation.name if start.organisation else "") if t
    )
    for attempt in range(TRIES):
        number = Case.objects.filter(process=code, key__startswith=f"{year}-").count() + 1 + attempt
        try:
            return actions.open_case(
                code, actor=account, place=place, key=f"{year}-{number:06d}", title=title, data=data,
                organisation=start.organisation,
            )  # fmt: skip
        except actions.CaseExists:
            continue
    raise actions.CaseError("同时有多人在开始这个流程，没有给到编号。请再提交一次。")


def _page(request: HttpRequest, start: Start, status: int = 200, **more: object) -> HttpResponse:
    tree = packs.current().places
    context = {
        "start": start,
        "process": start.process,
        "fields": form.fields(start.process.form),
        "places": [(p, tree.name(p)) for p in start.places] if start.organisation is None else [],
        "typed": {k: v for k, v in request.POST.items() if k != "csrfmiddlewaretoken"},
        "at": "open",
        **more,
    }
    return render(request, "cases/new.html", context, status=status)
