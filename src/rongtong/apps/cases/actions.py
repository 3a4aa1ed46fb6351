"""Everything cases write: a case is opened, and moved one step at a time; each is one leaf of the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction

from rongtong import clock
from rongtong.apps.cases import access, following, hooks, queries
from rongtong.apps.cases.models import Case, Definition, Event, Participant
from rongtong.apps.packs import queries as packs
from rongtong.apps.records.actions import act
from rongtong.apps.registry.actions import system_account
from rongtong.apps.registry.models import Account, Organisation
from rongtong.engine.pack.process import Process, Transition
from rongtong.engine.process import form, guard
from rongtong.engine.process.state import OPEN, Happened, State, after, barred, due

# More automatic steps than this in a row are a definition that goes in circles.
MOST_AUTOMATIC = 20
# The field that says which industrial chain (产业链) a case is about.
CHAIN = "chain"
# The role of whom a case is about (本人): such a part goes to nobody else when an officer moves.
SUBJECT = "subject"


class CaseError(Exception):
    """A case cannot be opened or moved as asked; the message says why and what to do."""


class CaseExists(CaseError):
    """There is a case of this process about this key already; `case` is it."""

    def __init__(self, case: Case) -> None:
        super().__init__(f"“{case.title}”已在办理（{case.key}）。")
        self.case = case


class Stale(CaseError):
    """Somebody moved the case since it was read; `steps` are what happened, and nothing was done."""

    def __init__(self, steps: Sequence[queries.Step]) -> None:
        said = "；".join(f"{s.actor_name}于 {s.at:%m-%d %H:%M} {s.name}" for s in steps)
        super().__init__(f"您打开之后已有变化：{said}。您填写的内容还在，请看过再办。")
        self.steps = tuple(steps)


class GuardRefused(CaseError):
    """A guard or the separation of duties forbids the step; `reasons` say why."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("；".join(reasons))
        self.reasons = tuple(reasons)


class FormRefused(CaseError):
    """A form is not filled as asked; `errors` is field → what is wrong."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("".join(errors.values()))
        self.errors = dict(errors)


@dataclass(frozen=True, slots=True)
class Part:
    """Somebody who takes part in a case: a place, an account or an organisation, in a role of the process."""

    role: str
    place: str = ""
    account: Account | None = None
    organisation: Organisation | None = None


def open_case(
    process: str,
    *,
    actor: Account,
    place: str,
    key: str,
    title: str,
    period: str = "",
    chain: str = "",
    data: Mapping[str, Any] | None = None,
    due: date | None = None,
    parts: Iterable[Part] = (),
    organisation: Organisation | None = None,
) -> Case:
    """Open a case of a process in force; `due` is its own deadline, `organisation` the one whose case it is.

    Raises Denied, CaseExists, FormRefused, CaseError for a process that does not exist.
    """
    definition = packs.current().find("processes", process)
    if definition is None:
        there = "、".join(sorted({p.code for p in packs.current().all("processes")}))
        raise CaseError(f"没有流程“{process}”。规则包里有：{there}。")
    given, taking = dict(data or {}), tuple(parts)
    _check_form(definition.form, given)
    with transaction.atomic():
        _not_yet(process, key)
        now = clock.now()
        case = Case(
            definition=_stored(definition), process=process, version=definition.version, key=key, title=title[:300],
            place=place, organisation=organisation, period=period, chain=chain or str(given.get(CHAIN, "")),
            stage=definition.start, opened_at=now, entered_at=now, deadline=due, by=actor,
        )  # fmt: skip
        happened = Happened(1, OPEN, actor.username, clock.today(), given)
        state = State(definition.start, 1, happened.on, due, given, {OPEN: frozenset({actor.username})})
        case.due = _due(definition, state, [happened])

        def may(*_: object) -> None:
            who = access.reach(actor)
            held = {r.code for r in definition.roles if (p := who.places(r)) is None or place in p}
            if organisation is not None and organisation.pk == who.organisation:
                held |= {r.code for r in definition.roles if who.owns(r)}
            held |= {p.role for p in taking if p.account is not None and p.account.pk == actor.pk}
            access.require_role(actor, definition, definition.opened_by, frozenset(held), f"开始{definition.name}")

        with act(f"cases.{process}.{OPEN}", actor=actor, place=place, rule=may) as this:
            try:
                with transaction.atomic():
                    case.save()
            except IntegrityError:
                # Somebody opened it at the same moment, after we looked.
                _not_yet(process, key)
                raise
            Participant.objects.bulk_create(
                Participant(case=case, role=p.role, place=p.place, account=p.account, organisation=p.organisation)
                for p in taking
            )
            _name_parts(case, definition.parts, definition.form, given)
            this.subject = subject(case)
            this.payload = {"key": key, "title": title, "stage": case.stage, "number": 1, "data": given}
        event = Event(case=case, number=1, transition=OPEN, to_stage=case.stage, actor=actor, at=now, leaf=this.leaf)
        event.save()
        _follow(case, definition, event, state, given)
        _automatic(case, definition, state)
    return case


def move(case_id: int, transition: str, *, actor: Account, seen: int, data: Mapping[str, Any] | None = None) -> Case:
    """Make one step of a case. `seen` is the number of the last event the actor knew.

    Of any number of attempts at once one wins; the others are told what happened. Raises Case.DoesNotExist where the
    actor may not even read the case, Denied, Stale, FormRefused, GuardRefused, CaseError; then nothing has changed.
    """
    with transaction.atomic():
        case = Case.objects.select_for_update().filter(pk=case_id).first()
        if case is None or not access.visible(actor).filter(pk=case_id).exists():
            raise Case.DoesNotExist(f"没有 {case_id} 这件。")
        process = access.process_of(case)
        step = process.transition(transition)
        if step is None or step.automatic:
            raise CaseError(f"{process.name}没有“{transition}”这一步。")
        if case.events != seen:
            raise Stale([s for s in queries.history(case) if s.number > seen])
        if case.stage not in step.at:
            raise CaseError(f"“{step.name}”不能在“{process.stage(case.stage).name}”时办理。")
        given = dict(data or {})
        _check_form(step.form, given)
        state = queries.state(case)
        _check_duties(process, step, state, actor)
        state = _make(case, process, step, state, actor, given)
        _automatic(case, process, state)
    return case


def _not_yet(process: str, key: str) -> None:
    found = Case.objects.filter(process=process, key=key).select_related("definition").first()
    if found is not None:
        raise CaseExists(found)


def subject(case: Case) -> str:
    """How the log names a case."""
    return f"case:{case.pk}"


def hand_over(giver: Account, taker: Account, *, actor: Account) -> int:
    """Put one account in place of another where open cases name it (交接). Returns in how many."""
    rows = list(Participant.objects.filter(account=giver, case__outcome="").exclude(role=SUBJECT))
    if not rows:
        return 0
    with act("registry.hand_over", actor=actor, subject=f"account:{giver.username}") as this:
        held = set(Participant.objects.filter(account=taker).values_list("case_id", "role"))
        for row in rows:
            if (row.case_id, row.role) in held:
                continue
            row.account = taker
            row.save(update_fields=["account"])
        this.payload = {"to": taker.username, "cases": [row.case_id for row in rows]}
    return len(rows)


def _make(
    case: Case, process: Process, step: Transition, state: State, actor: Account, given: Mapping[str, Any]
) -> State:
    """Carry out one step whose form and duties are in order: guard, event, state, effects, leaf."""
    if step.when:
        values = queries.values(process, case, given)
        if not guard.holds(process, [step], values)[step.code]:
            raise GuardRefused([guard.refusal(process, step, values)])

    def may(*_: object) -> None:
        if not step.automatic:
            access.require_role(actor, process, step.by, access.roles_held(access.reach(actor), case), step.name)

    now, before = clock.now(), case.stage
    happened = Happened(case.events + 1, step.code, actor.username, clock.today(), given)
    new = after(process, state, happened)
    with act(
        f"cases.{case.process}.{step.code}", actor=actor, place=case.place, subject=subject(case), rule=may
    ) as this:
        case.stage, case.events, case.deadline = new.stage, new.number, new.deadline
        past = [*queries.happened(case), happened] if process.clocks else []
        case.due, case.outcome = _due(process, new, past), process.stage(new.stage).outcome
        case.chain = str(given.get(CHAIN, "")) or case.chain
        if new.stage != before:
            case.entered_at = now
        case.save()
        event = Event(
            case=case,
            number=new.number,
            transition=step.code,
            from_stage=before,
            to_stage=new.stage,
            actor=actor,
            at=now,
        )
        event.given = dict(given)
        event.save()
        this.payload = {"from": before, "to": new.stage, "number": new.number, "data": dict(given)}
        _name_parts(case, step.parts, step.form, given)
        _follow(case, process, event, new, given)
        for name in step.effects:
            hooks.effect(name)(case, event, actor)
    event.leaf = this.leaf
    event.save(update_fields=["leaf"])
    return new


def _name_parts(case: Case, named: Mapping[str, str], schema: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    try:
        following.parts(case, named, schema, given)
    except following.NoSuchParticipant as error:
        raise FormRefused({error.field: str(error)}) from error


def _follow(case: Case, process: Process, event: Event, state: State, given: Mapping[str, Any]) -> None:
    following.labels(case, process, given)
    if any(event.transition in (*m.at, *m.undone_by) for m in process.measures):
        following.measure(case, process, event, clock.today(), guard.filled(process, state.data))


def _automatic(case: Case, process: Process, state: State) -> None:
    for _ in range(MOST_AUTOMATIC):
        steps = [t for t in process.transitions if t.automatic and case.stage in t.at]
        open_ = guard.holds(process, steps, queries.values(process, case)) if steps else {}
        step = next((t for t in steps if open_[t.code]), None)
        if step is None:
            return
        state = _make(case, process, step, state, system_account(), {})
    raise CaseError(f"{process.name}在“{case.stage}”自动走了 {MOST_AUTOMATIC} 步还没有停下，定义里有环。")


def _check_form(schema: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    wrong = form.errors(schema, given)
    chain = given.get(CHAIN)
    if chain and CHAIN not in wrong and packs.current().find("chains", str(chain)) is None:
        wrong[CHAIN] = f"没有产业链“{str(chain)[:64]}”。请从列出的产业链中选。"
    if wrong:
        raise FormRefused(wrong)


def _check_duties(process: Process, step: Transition, state: State, actor: Account) -> None:
    other = barred(step, state, actor.username)
    if other:
        made = process.transition(other)
        raise GuardRefused([f"同一件的“{made.name if made else other}”由您办理，“{step.name}”须由别人办理（职责分离）"])


def _due(process: Process, state: State, events: Iterable[Happened]) -> date | None:
    """The next day something has to be done by: the stage's, or that of the clock that runs out first."""
    if process.stage(state.stage).outcome:
        return None
    running = (r.due for r in queries.readings(process, events, clock.today()) if r.state in ("running", "over"))
    return min((day for day in (due(process, state, queries.calendar()), *running) if day), default=None)


def _stored(process: Process) -> Definition:
    found, _ = Definition.objects.get_or_create(
        process=process.code, version=process.version, sha256=process.fingerprint, defaults={"body": process.body}
    )
    return found
