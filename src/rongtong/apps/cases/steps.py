"""What opening a case and moving it have in common: its form is checked, its clocks are read, what follows is written.

Whatever is written here is written within the act of the step that it follows from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from rongtong import clock
from rongtong.apps.cases import bearing, bounds, following, near, queries
from rongtong.apps.cases.errors import CaseError, FormRefused, GuardRefused
from rongtong.apps.cases.models import Case, Event
from rongtong.apps.packs import queries as packs
from rongtong.apps.records.actions import Act
from rongtong.apps.registry.models import Account
from rongtong.engine.deadline import DeadlineError
from rongtong.engine.pack.process import Process
from rongtong.engine.process import form
from rongtong.engine.process.state import Happened, State, due

# The field that says which industrial chain (产业链) a case is about.
CHAIN = "chain"


def subject(case: Case) -> str:
    """How the log names a case."""
    return f"case:{case.pk}"


def check_form(
    process: Process,
    schema: Mapping[str, Any],
    given: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
    on: date | None = None,
) -> None:
    """Raises FormRefused where a form of a process is not filled as asked on a day (today).

    `before` is what earlier steps were filled with.
    """
    wrong = form.errors(schema, given, before, on or clock.today(), process.titles)
    chain = given.get(CHAIN)
    if chain and CHAIN not in wrong and packs.current().find("chains", str(chain)) is None:
        wrong[CHAIN] = f"没有产业链“{str(chain)[:64]}”。请从列出的产业链中选。"
    if wrong:
        raise FormRefused(wrong)


def read_clocks(case: Case, process: Process, state: State, events: Iterable[Happened], on: date | None = None) -> None:
    """Put on the case what its clocks say on a day (today): the next day something has to be done by, whether one ran out."""
    today = on or clock.today()
    case.outcome = process.stage(state.stage).outcome
    case.closed_on = state.entered if case.outcome else None
    try:
        found = queries.readings(process, events, today)
    except DeadlineError as error:
        raise CaseError(str(error)) from error
    case.late = any(r.state in ("over", "met_late") and not r.clock.lapses for r in found)
    if case.outcome:
        case.due = None
        return
    running = (r.due for r in found if r.state in ("running", "over"))
    days = (due(process, state, packs.calendars(packs.current()).as_known(today)), *running)
    case.due = min((day for day in days if day), default=None)


@dataclass(frozen=True, slots=True)
class Made:
    """A step that was just made, and the state after it."""

    case: Case
    process: Process
    event: Event
    state: State
    given: Mapping[str, Any]
    actor: Account


def follow(
    made: Made, this: Act, parts: Mapping[str, str], schema: Mapping[str, Any], links: Mapping[str, str]
) -> None:
    """Everything a step leaves behind besides its event; what the log keeps of it goes into the act's payload."""
    case, process, event, today = made.case, made.process, made.event, clock.today()
    try:
        following.parts(case, process, parts, schema, made.given)
        bounds.check(case, process, event.from_stage, parts)
        naming = bearing.Naming(links, schema, bool(process.stage(event.to_stage).outcome))
        if linked := bearing.links(case, naming, event, made.given, made.actor):
            this.payload["links"] = linked
        following.labels(case, process, made.given)
        near.keep(case, process, made.given, made.state.data)
        needs = [d for d in process.dues if event.transition in (*d.born, *d.met_by, *d.waived_by)]
        counts = any(event.transition in (*m.at, *m.undone_by) for m in process.measures)
        events = bounds.present(case, event.number, event.transition, made.actor, made.given) if needs or counts else []
        values = queries.values(process, case, made.state.data, events) if events else {}
        if needs and (born := bearing.dues(case, process, event, today, made.given, values, made.state.data)):
            this.payload["dues"] = born
        if counts:
            following.measure(case, process, event, today, values)
        bearing.certificates(case, process, event, today, made.state.data, made.actor)
    except bounds.Beyond as error:
        raise GuardRefused([str(error)]) from error
    except (following.NoSuchParticipant, bearing.NotBorne) as error:
        if not error.field:
            raise CaseError(str(error)) from error
        raise FormRefused({error.field: str(error)}) from error
