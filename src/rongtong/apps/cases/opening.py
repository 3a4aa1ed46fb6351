"""Opening a case from its definition alone: which processes an account may start, where, and the page that asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from rongtong.apps.cases import access, actions, holding, hooks, public, queries
from rongtong.apps.cases.errors import CaseError, CaseExists, FormRefused
from rongtong.apps.cases.models import Case
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.access import Denied, account_of
from rongtong.apps.registry.models import Account, Organisation
from rongtong.engine.pack.process import Process
from rongtong.engine.process import form
from rongtong.typed import number

# Two who open a case at once may be given one number; the later one takes the next.
TRIES = 5


@dataclass(frozen=True, slots=True)
class Start:
    """A process that an account may start: in the name of its organisation, or at one of some places."""

    process: Process
    organisation: Organisation | None
    places: tuple[str, ...]
    parent: Case | None = None

    @property
    def above(self) -> str:
        """What the case above is called; "" without one."""
        return public.name_under(self.parent) if self.parent else ""


def starts(account: Account) -> tuple[Start, ...]:
    """What an account may start from a page of cases; processes with pages of their own start there."""
    found = (_start(account, p) for p in newest() if p.under is None and not hooks.has_page(p))
    return tuple(s for s in found if s)


def starts_under(account: Account, parent: Case) -> tuple[Start, ...]:
    """What an account may start under a case in the stage it is in: at its place, or at that of its own organisation."""
    found = []
    for process in newest():
        if process.under and process.under.process == parent.process and parent.stage in process.under.at:
            start = _start(account, process)
            if start and (start.organisation or parent.place in start.places):
                found.append(Start(process, start.organisation, (_place_under(process, start, parent),), parent))
    return tuple(found)


def _place_under(process: Process, start: Start, parent: Case) -> str:
    """Where a case under another is: at its place, or at the own one of the organisation that opens it, inside the root."""
    own, pack = start.organisation, packs.current()
    if process.under and process.under.place == "own" and own and own.place in pack.places.places:
        return own.place if pack.places.is_within(own.place, pack.manifest.root_place) else parent.place
    return parent.place


def starts_anywhere_under(account: Account) -> tuple[Start, ...]:
    """What an account may start under a case of another process, whichever case that is."""
    found = (_start(account, p) for p in newest() if p.under is not None)
    return tuple(s for s in found if s)


def newest() -> list[Process]:
    """Each process in force, in its newest version."""
    pack = packs.current()
    return [pack.get("processes", code) for code in dict.fromkeys(p.code for p in pack.all("processes"))]


def _start(account: Account, process: Process) -> Start | None:
    who = holding.reach(account)
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
    """The form a process is started with, under a case where it belongs under one. Refused, it keeps what was typed."""
    account = account_of(request)
    start = next((s for s in _offered(request, account) if s.process.code == code), None)
    if start is None:
        raise Http404("没有可由您开始的这个流程。")
    if request.method != "POST":
        # What the address says stands in the fields, as the members of a common problem.
        given = {name: request.GET.getlist(name) for name in request.GET}
        return _page(request, start, typed={**_prefilled(account, start), **given})
    single = len(start.places) == 1
    place = start.places[0] if single else request.POST.get("place", "")
    if place not in start.places:
        return _page(request, start, 422, errors=[("place", "请选择地方。")])
    data = form.read(start.process.form, {name: request.POST.getlist(name) for name in request.POST})
    try:
        case = open_next(account, start, place, data)
    except FormRefused as error:
        wrong = [(f"open-{name}", words) for name, words in error.errors.items()]
        return _page(request, start, 422, errors=wrong, wrong=error.errors)
    except (CaseError, Denied) as error:
        return _page(request, start, 409, errors=[("", str(error))])
    return redirect(queries.address(case))


def _offered(request: HttpRequest, account: Account) -> tuple[Start, ...]:
    """What may be started here: under the case that the address names, which is readable or on public notice."""
    under = number(request.GET.get("under", ""))
    if under is None:
        return starts(account)
    parent = Case.objects.select_related("definition").filter(pk=under).first()
    if parent is None or not (holding.on_notice(parent) or access.visible(account).filter(pk=under).exists()):
        raise Http404("没有这件。")
    return starts_under(account, parent)


def open_next(account: Account, start: Start, place: str, data: dict[str, object]) -> Case:
    """Open the case under the next free number. Raises what `actions.open_case` raises."""
    for _ in range(TRIES):
        try:
            return actions.open_case(
                start.process.code, actor=account, place=place, data=data, organisation=start.organisation,
                parent=start.parent,
            )  # fmt: skip
        except CaseExists:
            continue
    raise CaseError("同时有多人在开始这个流程，没有给到编号。请再提交一次。")


def _prefilled(account: Account, start: Start) -> dict[str, str]:
    """What is known of whoever starts, for the fields that ask for it."""
    own = start.organisation or account.organisation
    known = {"account.name": account.name}
    if own is not None:
        known |= {"organisation.name": own.name, "organisation.uscc": own.uscc, "organisation.place": own.place}
    return {field: known[what] for field, what in start.process.prefill.items() if what in known}


def asked(process: Process) -> tuple[form.Field, ...]:
    """The fields of the opening form, without those that the case above gives."""
    given = process.under.takes if process.under else {}
    return tuple(f for f in form.fields(process.form) if f.name not in given)


def _page(request: HttpRequest, start: Start, status: int = 200, **more: object) -> HttpResponse:
    tree = packs.current().places
    context = {
        "start": start,
        "process": start.process,
        "fields": asked(start.process),
        "places": [(p, tree.name(p)) for p in start.places] if len(start.places) > 1 else [],
        "typed": {name: request.POST.getlist(name) for name in request.POST if name != "csrfmiddlewaretoken"},
        "at": "open",
        **more,
    }
    return render(request, "cases/new.html", context, status=status)
