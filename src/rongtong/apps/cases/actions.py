"""Everything cases write: a case is opened, and moved one step at a time; each is one leaf of the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction

from rongtong import clock
from rongtong.apps.cases import access, bearing, bounds, evidence, following, holding, hooks, near, queries
from rongtong.apps.cases.evidence import Upload
from rongtong.apps.cases.models import Case, Definition, Event, Participant
from rongtong.apps.packs import queries as packs
from rongtong.apps.records.actions import Act, act
from rongtong.apps.registry.actions import system_account
from rongtong.apps.registry.models import Account, Organisation
from rongtong.engine.deadline import DeadlineError
from rongtong.engine.pack.process import Process, Transition
from rongtong.engine.process import form, guard
from rongtong.engine.process.state import OPEN, Happened, State, after, barred, due

# More automatic steps than this in a row are a definition that goes in circles.
MOST_AUTOMATIC = 20
# The field that says which industrial chain (产业链) a case is about.
CHAIN = "chain"


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
    check_form(definition.form, given)
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
            parent = _within_reach(actor, parent)
        _check_parent(definition, parent)
        new = _New(definition, actor, place, key, title, period, chain, given, due, taking, organisation, parent)
        return _open(new, may)


@dataclass(frozen=True, slots=True)
class _New:
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


def _within_reach(actor: Account, parent: Case) -> Case:
    """The case as it is now, locked. Raises CaseError where the actor neither reads it nor finds it on notice."""
    locked = Case.objects.select_for_update().get(pk=parent.pk)
    if holding.on_notice(locked) or access.reachable(actor, locked):
        return locked
    # The same words whether there is no such case or one that is not for this account.
    raise CaseError("没有可以在其下开始的这一件，或它已不在公示。")


def _check_parent(process: Process, parent: Case | None) -> None:
    """Raises CaseError where the process belongs under a case that is missing or does not take it now."""
    if process.under is None:
        if parent is not None:
            raise CaseError(f"“{process.name}”不能开在别的办件之下。")
        return
    if parent is None:
        raise CaseError(f"“{process.name}”须从它所属的办件开始。")
    locked = Case.objects.select_for_update().get(pk=parent.pk)
    if locked.process != process.under.process or locked.stage not in process.under.at:
        raise CaseError(f"“{parent.title}”现在不能开始“{process.name}”。")
    above = holding.process_of(locked)
    if process.under.when and not guard.true(above, process.under.when, queries.values(above, locked)):
        why = process.under.refusal or f"条件不成立：{process.under.when}"
        raise CaseError(f"“{parent.title}”不能开始“{process.name}”：{why}。")


def _open(new: _New, may: Callable[..., None]) -> Case:
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
        _follow(_Made(case, process, event, state, given, new.actor), this, process.parts, process.form, process.links)
    event.leaf = this.leaf
    event.save(update_fields=["leaf"])
    automatic(case, process, state)
    return case


def titled(
    process: Process,
    title: str,
    given: Mapping[str, Any],
    organisation: Organisation | None,
    parent: Case | None = None,
) -> str:
    """What a case is called: as given, as its form says, or by its process, the case above and its organisation."""
    about = (process.name, parent.title if parent else "", organisation.name if organisation else "")
    return (title or str(given.get("title") or "") or "·".join(t for t in about if t))[:300]


def _next_key(process: str) -> str:
    """The next number of the year: 2025-000012."""
    year = clock.today().year
    found = Case.objects.filter(process=process, key__gte=f"{year}-", key__lt=f"{year + 1}-")
    last = found.order_by("-key").values_list("key", flat=True).first()
    return f"{year}-{int(last.rpartition('-')[2]) + 1 if last else 1:06d}"


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
            raise Stale([s for s in queries.history(case, actor) if s.number > seen])
        if case.stage not in step.at:
            raise CaseError(f"“{step.name}”不能在“{process.stage(case.stage).name}”时办理。")
        given, state = dict(data or {}), queries.state(case)
        check_form(step.form, given, state.data)
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


def _not_yet(process: str, key: str) -> None:
    found = Case.objects.filter(process=process, key=key).select_related("definition").first()
    if found is not None:
        raise CaseExists(found)


def subject(case: Case) -> str:
    """How the log names a case."""
    return f"case:{case.pk}"


def _make(
    case: Case,
    process: Process,
    step: Transition,
    state: State,
    actor: Account,
    given: Mapping[str, Any],
    files: Sequence[Upload] = (),
) -> State:
    """Carry out one step whose form and duties are in order: guard, event, state, what follows, effects, leaf."""
    if step.when:
        values = queries.values(process, case, given)
        if not guard.holds(process, [step], values)[step.code]:
            raise GuardRefused([guard.refusal(process, step, values)])

    def may(*_: object) -> None:
        if not step.automatic:
            holding.require_role(actor, process, step.by, holding.roles_held(holding.reach(actor), case), step.name)

    now, before = clock.now(), case.stage
    happened = Happened(case.events + 1, step.code, actor.username, clock.today(), given)
    new = after(process, state, happened)
    with act(
        f"cases.{case.process}.{step.code}", actor=actor, place=case.place, subject=subject(case), rule=may
    ) as this:
        case.stage, case.events, case.deadline = new.stage, new.number, new.deadline
        case.chain = str(given.get(CHAIN, "")) or case.chain
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
        _follow(_Made(case, process, event, new, given, actor), this, step.parts, step.form, step.links)
        _open_below(case, step, queries.data(case) | dict(given), actor)
        for name in step.effects:
            hooks.effect(name)(case, event, actor)
    event.leaf = this.leaf
    event.save(update_fields=["leaf"])
    return new


@dataclass(frozen=True, slots=True)
class _Made:
    """A step that was just made, and the state after it."""

    case: Case
    process: Process
    event: Event
    state: State
    given: Mapping[str, Any]
    actor: Account


def _follow(
    made: _Made, this: Act, parts: Mapping[str, str], schema: Mapping[str, Any], links: Mapping[str, str]
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


def _open_below(case: Case, step: Transition, data: Mapping[str, Any], actor: Account) -> None:
    """Open the cases that a step opens under its own."""
    for opens in step.opens:
        process = packs.current().get("processes", opens.process)
        given = {field: data[own] for field, own in opens.fields.items() if data.get(own) not in (None, "", [])}
        given |= bounds.taken(process, case)
        check_form(process.form, given)
        owner = organisation_of(process, given) or case.organisation
        if opens.organisation:
            owner = Organisation.objects.filter(uscc=str(data.get(opens.organisation, "")).upper()).first() or owner
        _check_parent(process, case if process.under else None)
        new = _New(
            process, actor, case.place, "", str(data.get("title") or case.title), case.period, case.chain, given,
            organisation=owner, parent=case,
        )  # fmt: skip
        _open(new, lambda *_: None)


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
    """Make a step as the system, when a clock has run out; its form takes its defaults. The caller has locked the case.

    Raises FormRefused, GuardRefused, CaseError.
    """
    given = {n: spec["default"] for n, spec in step.form.get("properties", {}).items() if "default" in spec}
    state = queries.state(case)
    check_form(step.form, given, state.data)
    state = _make(case, process, step, state, system_account(), given)
    automatic(case, process, state)


def check_form(schema: Mapping[str, Any], given: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> None:
    """Raises FormRefused where a form is not filled as asked; `before` is what earlier steps were filled with."""
    wrong = form.errors(schema, given, before)
    chain = given.get(CHAIN)
    if chain and CHAIN not in wrong and packs.current().find("chains", str(chain)) is None:
        wrong[CHAIN] = f"没有产业链“{str(chain)[:64]}”。请从列出的产业链中选。"
    if wrong:
        raise FormRefused(wrong)


def _check_duties(process: Process, step: Transition, state: State, actor: Account) -> None:
    other = barred(step, state, actor.username)
    if other == step.code:
        raise GuardRefused([f"您已办过“{step.name}”，每人办一次"])
    if other:
        made = process.step_name(other)
        raise GuardRefused([f"同一件的“{made}”由您办理，“{step.name}”须由别人办理（职责分离）"])


def read_clocks(case: Case, process: Process, state: State, events: Iterable[Happened], on: date | None = None) -> None:
    """Put on the case what its clocks say on a day (today): the next day something has to be done by, whether one ran out."""
    today = on or clock.today()
    case.outcome = process.stage(state.stage).outcome
    case.closed_on = today if case.outcome else None
    try:
        found = queries.readings(process, events, today)
    except DeadlineError as error:
        raise CaseError(str(error)) from error
    case.late = any(r.state in ("over", "met_late") for r in found)
    if case.outcome:
        case.due = None
        return
    running = (r.due for r in found if r.state in ("running", "over"))
    days = (due(process, state, packs.calendars(packs.current()).as_known(today)), *running)
    case.due = min((day for day in days if day), default=None)


def stored(process: Process) -> Definition:
    """The stored text of a process, kept with the first case that runs on it."""
    found, _ = Definition.objects.get_or_create(
        process=process.code, version=process.version, sha256=process.fingerprint, defaults={"body": process.text}
    )
    return found
