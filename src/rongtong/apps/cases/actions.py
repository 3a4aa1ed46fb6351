"""A case is opened (starting.py has how), and moved one step at a time; each step is one leaf of the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.db import transaction

from rongtong import clock
from rongtong.apps.cases import access, bounds, evidence, following, holding, hooks, queries
from rongtong.apps.cases.errors import CaseError, FormRefused, GuardRefused, Stale
from rongtong.apps.cases.evidence import Upload
from rongtong.apps.cases.models import Case, Event
from rongtong.apps.cases.starting import New, Part, begin, check_parent, organisation_of, retitled, within_reach
from rongtong.apps.cases.steps import CHAIN, Made, check_form, follow, read_clocks, subject
from rongtong.apps.packs import queries as packs
from rongtong.apps.records.actions import act
from rongtong.apps.registry.actions import system_account
from rongtong.apps.registry.models import Account, Organisation
from rongtong.engine.pack.process import Process, Transition
from rongtong.engine.process import form, guard
from rongtong.engine.process.state import Happened, State, after, barred, filled

# More automatic steps than this in a row are a definition that goes in circles.
MOST_AUTOMATIC = 20


def open_case(
    process: str,
    *,
    actor: Account,
    place: str,
    key: str = "",
    title: str = "",
    period: str = "",
    chain: str = "",
    data: Mapping[str, Any] | None = None,
    due: date | None = None,
    parts: Iterable[Part] = (),
    organisation: Organisation | None = None,
    parent: Case | None = None,
) -> Case:
    """Open a case of a process in force; `due` is its own deadline, `organisation` the one whose case it is, `parent` the
    case it is opened under. Without a `key` it takes the next number of the year.

    A parent is one that the actor may reach, or one on public notice, whoever reads the rest of it. Raises Denied,
    CaseExists, FormRefused, CaseError for a parent out of reach and for a process that does not exist.
    """
    definition = packs.current().find("processes", process)
    if definition is None:
        there = "、".join(sorted({p.code for p in packs.current().all("processes")}))
        raise CaseError(f"没有流程“{process}”。规则包里有：{there}。")
    given, taking = {**(data or {}), **bounds.taken(definition, parent)}, tuple(parts)
    check_form(definition, definition.form, given)
    organisation = organisation or organisation_of(definition, given)

    def may(*_: object) -> None:
        who = holding.reach(actor)
        held = {r.code for r in definition.roles if (p := who.places(r)) is None or place in p}
        above = parent.organisation_id if parent else None
        held |= who.of_organisations(definition, organisation.pk if organisation else None, above)
        held |= {p.role for p in taking if p.account is not None and p.account.pk == actor.pk}
        holding.require_role(actor, definition, definition.opened_by, frozenset(held), f"开始{definition.name}")

    with transaction.atomic():
        if parent is not None:
            parent = within_reach(actor, parent)
        check_parent(definition, parent)
        case, state = begin(
            New(definition, actor, place, key, title, period, chain, given, due, taking, organisation, parent), may
        )
        automatic(case, definition, state)
    return case


def move(
    case_id: int,
    transition: str,
    *,
    actor: Account,
    seen: int,
    data: Mapping[str, Any] | None = None,
    files: Sequence[Upload] = (),
) -> Case:
    """Make one step of a case, with the evidence that comes with it. `seen` is the number of the last event known.

    Of any number of attempts at once one wins; the others are told what happened. Raises Case.DoesNotExist where the
    actor may not even read the case, Denied, Stale, FormRefused, GuardRefused, CaseError; then nothing has changed.
    """
    with transaction.atomic():
        case = Case.objects.select_for_update().filter(pk=case_id).first()
        if case is None or not access.reachable(actor, case):
            raise Case.DoesNotExist(f"没有 {case_id} 这件。")
        process = holding.process_of(case)
        step = process.transition(transition)
        if step is None or step.automatic:
            raise CaseError(f"{process.name}没有“{transition}”这一步。")
        if case.events != seen:
            # Whoever knows a case by its notice alone learns that it has changed, and neither what was done nor by whom.
            reads = queries.visible(actor).filter(pk=case.pk).exists()
            raise Stale([s for s in queries.history(case, actor) if s.number > seen] if reads else [])
        if case.stage not in step.at:
            raise CaseError(f"“{step.name}”不能在“{process.stage(case.stage).name}”时办理。")
        given, state = {**(data or {}), **bounds.taken_again(process, case, step)}, queries.state(case)
        check_form(process, step.form, given, filled(step, state.data, {}))
        _check_files(step, files)
        _check_duties(process, step, state, actor)
        state = _make(case, process, step, state, actor, given, files)
        automatic(case, process, state)
    return case


def _check_files(step: Transition, files: Sequence[Upload]) -> None:
    wrong = evidence.problem(files) if files else ""
    if step.files == "required" and not files:
        wrong = f"“{step.name}”要有佐证材料，请选择文件。"
    if wrong:
        raise FormRefused({"files": wrong})


def _make(
    case: Case,
    process: Process,
    step: Transition,
    state: State,
    actor: Account,
    given: Mapping[str, Any],
    files: Sequence[Upload] = (),
) -> State:
    """Carry out one step whose form and duties are in order: right, guard, event, state, what follows, effects, leaf."""

    def may(*_: object) -> None:
        if not step.automatic:
            holding.require_role(actor, process, step.by, holding.roles_held(holding.reach(actor), case), step.name)

    now, before = clock.now(), case.stage
    happened = Happened(case.events + 1, step.code, actor.username, clock.today(), given)
    new = after(process, state, happened)
    with act(
        f"cases.{case.process}.{step.code}", actor=actor, place=case.place, subject=subject(case), rule=may
    ) as this:
        # After the right: what a guard met is not for somebody who knows the case by its notice alone.
        _check_guard(process, step, case, state, given)
        case.stage, case.events, case.deadline = new.stage, new.number, new.deadline
        case.chain = str(given.get(CHAIN, "")) or case.chain
        case.title = retitled(case.title, given)
        if new.stage != before:
            case.entered_at = now
        past = [*queries.happened(case), happened] if process.clocks else []
        read_clocks(case, process, new, past)
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
        if files:
            evidence.keep(case, event.number, files, actor=actor)
            this.payload["files"] = [{"name": f.own_name, "sha256": f.sha256} for f in files]
        if step.takes:
            following.take(case, step, actor)
        follow(Made(case, process, event, new, given, actor), this, step.parts, step.form, step.links)
        _open_below(case, step, queries.data(case) | dict(given), actor)
        for name in step.effects:
            hooks.effect(name)(case, event, actor)
    event.leaf = this.leaf
    event.save(update_fields=["leaf"])
    return new


def _open_below(case: Case, step: Transition, data: Mapping[str, Any], actor: Account) -> None:
    """Open the cases that a step opens under its own."""
    for opens in step.opens:
        process = packs.current().get("processes", opens.process)
        given = {field: data[own] for field, own in opens.fields.items() if data.get(own) not in (None, "", [])}
        given |= bounds.taken(process, case)
        check_form(process, process.form, given)
        owner = organisation_of(process, given) or case.organisation
        if opens.organisation:
            owner = Organisation.objects.filter(uscc=str(data.get(opens.organisation, "")).upper()).first() or owner
        check_parent(process, case if process.under else None)
        new = New(
            process, actor, case.place, "", str(data.get("title") or case.title), case.period, case.chain, given,
            organisation=owner, parent=case,
        )  # fmt: skip
        below, state = begin(new, lambda *_: None)
        automatic(below, process, state)


def automatic(case: Case, process: Process, state: State) -> None:
    """Make the automatic steps whose guard holds, one after the other. The caller has locked the case. Raises CaseError."""
    for _ in range(MOST_AUTOMATIC):
        steps = [t for t in process.transitions if t.automatic and case.stage in t.at]
        open_ = guard.holds(process, steps, queries.values(process, case)) if steps else {}
        step = next((t for t in steps if open_[t.code]), None)
        if step is None:
            return
        state = _make(case, process, step, state, system_account(), {})
    raise CaseError(f"{process.name}在“{case.stage}”自动走了 {MOST_AUTOMATIC} 步还没有停下，定义里有环。")


def by_system(case: Case, process: Process, step: Transition) -> None:
    """Make a step as the system, when a clock has run out; its form says what it fills in. The caller has locked the case.

    Raises FormRefused, GuardRefused, CaseError.
    """
    given, state = form.by_system(step.form), queries.state(case)
    check_form(process, step.form, given, filled(step, state.data, {}))
    state = _make(case, process, step, state, system_account(), given)
    automatic(case, process, state)


def _check_guard(process: Process, step: Transition, case: Case, state: State, given: Mapping[str, Any]) -> None:
    if step.when:
        values = queries.values(process, case, filled(step, state.data, guard.answers(step, given)))
        if not guard.holds(process, [step], values)[step.code]:
            raise GuardRefused([guard.refusal(process, step, values)])


def _check_duties(process: Process, step: Transition, state: State, actor: Account) -> None:
    other = barred(step, state, actor.username)
    if other == step.code:
        raise GuardRefused([f"您已办过“{step.name}”，每人办一次"])
    if other:
        made = process.step_name(other)
        raise GuardRefused([f"同一件的“{made}”由您办理，“{step.name}”须由别人办理（职责分离）"])
