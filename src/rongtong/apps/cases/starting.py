"""A case is opened: what it may be opened under, whose it is, what it is called, and its first event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction

from rongtong import clock
from rongtong.apps.cases import access, holding, public, queries
from rongtong.apps.cases.errors import CaseError, CaseExists, FormRefused
from rongtong.apps.cases.models import Case, Definition, Event, Participant
from rongtong.apps.cases.steps import CHAIN, Made, follow, read_clocks, subject
from rongtong.apps.records.actions import act
from rongtong.apps.registry.models import Account, Organisation
from rongtong.engine.pack.process import Process
from rongtong.engine.process import guard
from rongtong.engine.process.state import OPEN, Happened, State

# The field that says what a case is called.
TITLE, LONGEST_TITLE = "title", 300


@dataclass(frozen=True, slots=True)
class Part:
    """Somebody who takes part in a case: a place, an account or an organisation, in a role of the process."""

    role: str
    place: str = ""
    account: Account | None = None
    organisation: Organisation | None = None


@dataclass(frozen=True, slots=True)
class New:
    """A case about to be opened."""

    process: Process
    actor: Account
    place: str
    key: str
    title: str
    period: str
    chain: str
    given: dict[str, Any]
    due: date | None = None
    parts: tuple[Part, ...] = ()
    organisation: Organisation | None = None
    parent: Case | None = None


def organisation_of(process: Process, given: Mapping[str, Any]) -> Organisation | None:
    """The organisation that the opening form names as the one whose case it is. Raises FormRefused."""
    uscc = str(given.get(process.of, "")) if process.of else ""
    if not uscc:
        return None
    found = Organisation.objects.filter(uscc=uscc.upper()).first()
    if found is None:
        raise FormRefused({process.of: f"没有登记统一社会信用代码为“{uscc}”的单位。请核对，或先登记单位。"})
    return found


def within_reach(actor: Account, parent: Case) -> Case:
    """The case as it is now, locked. Raises CaseError where the actor neither reads it nor finds it on notice."""
    locked = Case.objects.select_for_update().get(pk=parent.pk)
    if holding.on_notice(locked) or access.reachable(actor, locked):
        return locked
    # The same words whether there is no such case or one that is not for this account.
    raise CaseError("没有可以在其下开始的这一件，或它已不在公示。")


def check_parent(process: Process, parent: Case | None) -> None:
    """Raises CaseError where the process belongs under a case that is missing or does not take it now."""
    if process.under is None:
        if parent is not None:
            raise CaseError(f"“{process.name}”不能开在别的办件之下。")
        return
    if parent is None:
        raise CaseError(f"“{process.name}”须从它所属的办件开始。")
    locked = Case.objects.select_for_update().get(pk=parent.pk)
    if locked.process != process.under.process or locked.stage not in process.under.at:
        raise CaseError(f"“{public.name_under(locked)}”现在不能开始“{process.name}”。")
    above = holding.process_of(locked)
    if process.under.when and not guard.true(above, process.under.when, queries.values(above, locked)):
        why = process.under.refusal or f"条件不成立：{process.under.when}"
        raise CaseError(f"“{public.name_under(locked)}”不能开始“{process.name}”：{why}。")


def begin(new: New, may: Callable[..., None]) -> tuple[Case, State]:
    """Write down a case that was just opened, and its first event; returns it with its state. Raises CaseError, Denied."""
    process, given, now = new.process, new.given, clock.now()
    key = new.key or _next_key(process.code)
    _not_yet(process.code, key)
    happened = Happened(1, OPEN, new.actor.username, clock.today(), given)
    state = State(process.start, 1, happened.on, new.due, given, {OPEN: frozenset({new.actor.username})})
    title = titled(process, new.title, given, new.organisation, new.parent)
    case = Case(
        definition=stored(process), process=process.code, version=process.version, key=key, title=title,
        place=new.place, organisation=new.organisation, parent=new.parent, period=new.period,
        chain=new.chain or str(given.get(CHAIN, "")) or (new.parent.chain if new.parent else ""),
        stage=process.start, opened_at=now, entered_at=now, deadline=new.due, by=new.actor,
    )  # fmt: skip
    read_clocks(case, process, state, [happened])
    with act(f"cases.{process.code}.{OPEN}", actor=new.actor, place=new.place, rule=may) as this:
        try:
            with transaction.atomic():
                case.save()
        except IntegrityError:
            # Somebody opened it at the same moment, after we looked.
            _not_yet(process.code, key)
            raise
        Participant.objects.bulk_create(
            Participant(case=case, role=p.role, place=p.place, account=p.account, organisation=p.organisation)
            for p in new.parts
        )
        this.subject = subject(case)
        this.payload = {"key": key, "title": title, "stage": case.stage, "number": 1, "data": given}
        event = Event(case=case, number=1, transition=OPEN, to_stage=case.stage, actor=new.actor, at=now)
        event.given = given
        event.save()
        follow(Made(case, process, event, state, given, new.actor), this, process.parts, process.form, process.links)
    event.leaf = this.leaf
    event.save(update_fields=["leaf"])
    return case, state


def titled(
    process: Process,
    title: str,
    given: Mapping[str, Any],
    organisation: Organisation | None,
    parent: Case | None = None,
) -> str:
    """What a case is called: as given, as its form says, or by its process, the case above and its organisation."""
    about = (process.name, public.name_under(parent) if parent else "", organisation.name if organisation else "")
    return (title or str(given.get(TITLE) or "") or "·".join(t for t in about if t))[:LONGEST_TITLE]


def retitled(title: str, given: Mapping[str, Any]) -> str:
    """What a case is called after a step: by the name its form gives it anew, or as before."""
    return str(given.get(TITLE) or "")[:LONGEST_TITLE] or title


def _next_key(process: str) -> str:
    """The next number of the year: 2025-000012."""
    year = clock.today().year
    found = Case.objects.filter(process=process, key__gte=f"{year}-", key__lt=f"{year + 1}-")
    last = found.order_by("-key").values_list("key", flat=True).first()
    return f"{year}-{int(last.rpartition('-')[2]) + 1 if last else 1:06d}"


def _not_yet(process: str, key: str) -> None:
    found = Case.objects.filter(process=process, key=key).select_related("definition").first()
    if found is not None:
        raise CaseExists(found)


def stored(process: Process) -> Definition:
    """The stored text of a process, kept with the first case that runs on it."""
    found, _ = Definition.objects.get_or_create(
        process=process.code, version=process.version, sha256=process.fingerprint, defaults={"body": process.text}
    )
    return found
