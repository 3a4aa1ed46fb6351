"""Reading cases: what waits for whom, what may be done, what happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any

from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber
from django.urls import reverse

from rongtong import clock
from rongtong.apps.cases import access, holding, hooks
from rongtong.apps.cases.models import Case, Event
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.models import Account
from rongtong.clock import LOCAL
from rongtong.engine.deadline import Reading, moments, run
from rongtong.engine.expression.evaluate import Value
from rongtong.engine.pack.outcome import Tally
from rongtong.engine.pack.process import Process, Transition
from rongtong.engine.period import Period, PeriodError
from rongtong.engine.process import form, guard
from rongtong.engine.process.known import known
from rongtong.engine.process.state import Happened, State, barred, filled, fold, possible, waits_for
from rongtong.engine.workday import Calendar
from rongtong.once import once


@dataclass(frozen=True, slots=True)
class Offer:
    """A step an account may make now. `refused` says what still speaks against it, empty where nothing does; `ends`: the
    case is over with it, though nothing is asked for and nobody waits for it (撤回)."""

    transition: str
    name: str
    fields: tuple[form.Field, ...]
    refused: str = ""
    optional: bool = False
    files: str = ""
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """A case in a work list. `days_left` counts working days to `case.due`, negative when late, None without one."""

    case: Case
    stage_name: str
    process_name: str
    days_left: int | None
    address: str

    @property
    def late(self) -> bool:
        return self.days_left is not None and self.days_left < 0

    @property
    def days_over(self) -> int:
        """Working days since the day it was due; 0 while it is not late."""
        return max(0, -(self.days_left or 0))

    @property
    def period(self) -> str:
        """The period of the case in words; "—" where it is about none."""
        try:
            return Period.parse(self.case.period).chinese if self.case.period else "—"
        except PeriodError:
            return self.case.period


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a case as people read it. `shown` is what was filled in, by label; not `readable`: there is more than
    this reader is shown."""

    number: int
    transition: str
    name: str
    actor: str
    actor_name: str
    at: datetime
    from_stage: str
    to_stage: str
    data: Mapping[str, Any]
    shown: tuple[tuple[str, str], ...]
    readable: bool = True


@dataclass(frozen=True, slots=True)
class StageMark:
    """A stage on the line of a case: passed, present or still to come."""

    code: str
    name: str
    passed: bool
    current: bool


def visible(account: Account, process: str = "") -> QuerySet[Case]:
    """The cases an account may read, of one process or all."""
    found = access.visible(account)
    return found.filter(process=process) if process else found


def find(account: Account, pk: int) -> Case:
    """One case. Raises Case.DoesNotExist where it is absent or not this account's to read: the answer is the same."""
    return access.visible(account).get(pk=pk)


def by_stage(counted: Iterable[tuple[int, str, int]]) -> tuple[tuple[str, int], ...]:
    """Of numbers of cases by definition and stage: stage name and number, in the order of the process."""
    processes = holding.definition_numbers()
    order = {(d, stage.code): n for d, p in processes.items() for n, stage in enumerate(p.stages)}
    found: dict[str, int] = {}
    for definition, stage, number in sorted(counted, key=lambda c: (c[0], order[c[0], c[1]])):
        name = processes[definition].stage(stage).name
        found[name] = found.get(name, 0) + number
    return tuple(found.items())


def by_key(process: str, key: str) -> Case | None:
    """The case of a process about this key."""
    return Case.objects.select_related("definition").filter(process=process, key=key).first()


def state(case: Case) -> State:
    """The state of a case, folded from its events."""
    # A step that sets the deadline anew comes out last either way, so the present one is the one to start from.
    return fold(holding.process_of(case), happened(case), case.deadline)


def happened(case: Case) -> list[Happened]:
    """The events of a case as the engine takes them."""
    return [Happened(e.number, e.transition, e.actor.username, _day(e.at), e.data) for e in _events(case)]


def readings(process: Process, events: Iterable[Happened], on: date) -> tuple[Reading, ...]:
    """Each clock of a process after these events, read on a day."""
    if not process.clocks:
        return ()
    been, known = moments(process, events), packs.calendars(packs.current())
    return tuple(run(one, been, known, on) for one in process.clocks)


@dataclass(frozen=True, slots=True)
class ClockLine:
    """A clock of a case as people read it, with the working of its count."""

    reading: Reading
    state: str
    paused_in: str


CLOCK_STATES = {
    "waiting": "未开始",
    "running": "计时中",
    "paused": "停计",
    "met": "按时办到",
    "met_late": "超期办到",
    "over": "已超期",
}
# Of a clock that lapses: nobody was late.
TERM_STATES = CLOCK_STATES | {"met": "期内结束", "met_late": "期满", "over": "期满"}


def clocks(case: Case) -> tuple[ClockLine, ...]:
    """The clocks of a case that have started, read today."""
    process = holding.process_of(case)
    found = readings(process, happened(case), clock.today()) if process.clocks else ()
    return tuple(
        ClockLine(r, words[r.state], process.stage(r.paused_in).name if r.paused_in else "")
        for r in found
        for words in [TERM_STATES if r.clock.lapses else CLOCK_STATES]
        if r.started
    )


def data(case: Case) -> dict[str, Any]:
    """What the forms of a case were filled with, later answers in place of earlier ones."""
    return data_of([case])[case.pk]


def data_of(cases: Iterable[Case]) -> dict[int, dict[str, Any]]:
    """`data` of many cases by their number, in one query."""
    found: dict[int, dict[str, Any]] = {c.pk: {} for c in cases}
    rows = Event.objects.filter(case_id__in=found).select_related("leaf__payload", "case__definition")
    for event in rows.defer("case__definition__body").order_by("case_id", "number"):
        step = holding.process_of(event.case).transition(event.transition)
        found[event.case_id] = filled(step, found[event.case_id], event.data)
    return found


def values(
    process: Process, case: Case, holds: Mapping[str, Any] | None = None, events: Sequence[Happened] | None = None
) -> Mapping[str, Value]:
    """The values of a process's variables for a case; `holds` is what its forms hold and `events` are its events, where
    one is just being made."""
    found = known(
        process, State(case.stage, case.events, _day(case.entered_at), case.deadline),
        packs.calendars(packs.current()), clock.today(),
        data=lambda: data(case) if holds is None else holds,
        events=lambda: happened(case) if events is None else events,
        dues=lambda: list(case.obligations.all()),
    )  # fmt: skip
    found |= {t.code: Fraction(_below(case, t)) for t in process.tallies if t.under}
    if process.facts:
        found |= hooks.facts(process.facts)(case)
    return found


def _below(case: Case, one: Tally) -> int:
    rows = case.below.filter(process=one.under)
    return (rows.filter(stage__in=one.stages) if one.stages else rows).count()


def offers(account: Account, case: Case) -> tuple[Offer, ...]:
    """The steps an account may make, each with what still speaks against it."""
    process = holding.process_of(case)
    held = holding.roles_held(holding.reach(account), case)
    steps = [t for t in possible(process, case.stage) if held & set(t.by)]
    if not steps:
        return ()
    now = state(case)
    known = values(process, case) if any(t.when for t in steps) else {}
    open_ = guard.holds(process, steps, known)
    # What the case above gives is not asked for.
    given = process.under.takes if process.under else {}
    found = []
    for step in steps:
        other = barred(step, now, account.username)
        if other == step.code:
            why = "您已办过这一步"
        elif other:
            why = f"“{process.step_name(other)}”由您办理，这一步须由别人办理（职责分离）"
        else:
            judged = open_[step.code] or guard.asks_itself(process, step)
            why = "" if judged else guard.refusal(process, step, known)
        asked = tuple(f for f in form.fields(step.form) if f.name not in given)
        ends = step.optional and not asked and bool(step.to and process.stage(step.to).outcome)
        found.append(Offer(step.code, step.name, asked, why, step.optional, step.files, ends))
    return tuple(found)


def turn(case: Case, mine: bool) -> str:
    """Whose turn it is, in words; `mine` is whether it is the reader's."""
    process = holding.process_of(case)
    if case.outcome:
        return "—"
    if mine:
        return "轮到您"
    waits = waits_for(process, case.stage)
    if names := "、".join(r.name for r in process.roles if r.code in waits):
        return f"等{names}"
    return "到时自动往下走" if any(t.automatic and case.stage in t.at for t in process.transitions) else "没有人要等"


# How many cases of a process a work list shows; the desk has all.
MOST_WAITING = 12


def work(account: Account) -> tuple[Item, ...]:
    """The open cases that wait for this account, the most pressing first; of each process so many at most."""
    order = (F("due").asc(nulls_last=True), F("pk").asc())
    place = Window(RowNumber(), partition_by=[F("process")], order_by=order)
    first = access.waiting(account).annotate(place_in_process=place).filter(place_in_process__lte=MOST_WAITING)
    found = [item(case) for case in first]
    return tuple(sorted(found, key=lambda i: (i.case.due or date.max, i.case.pk)))


def address(case: Case) -> str:
    """The page where a case is worked on: its process's own, or the page of cases in general."""
    return hooks.page(holding.process_of(case), case) or reverse("case", args=[case.pk])


def item(case: Case) -> Item:
    """A case as a work list shows it."""
    process = holding.process_of(case)
    left = days_left(case.due, clock.today()) if case.due else None
    return Item(case, process.stage(case.stage).name, process.name, left, address(case))


@lru_cache(maxsize=1024)
def _days_left(fingerprint: str, due: date, today: date) -> int:
    days = calendar()
    return days.workdays_between(today, due) if due >= today else -days.workdays_between(due, today) or -1


def days_left(due: date, today: date) -> int:
    """Working days from today to a day; negative once it has passed."""
    return _days_left(packs.current().fingerprint, due, today)


def history(case: Case, reader: Account | None = None) -> tuple[Step, ...]:
    """What happened, oldest first. For a reader, without what was filled in that it does not read."""
    process = holding.process_of(case)
    whole = reader is None or access.reads_all(reader, case)
    held = holding.roles_held(holding.reach(reader), case) if reader else frozenset()
    found = []
    for e in _events(case):
        made = process.transition(e.transition)
        schema = made.form if made else process.form
        name = made.name if made else f"开始{process.name}"
        sealed = made is not None and made.read_by and not held & set(made.read_by)
        own = reader is None or e.actor_id == reader.pk or holding.reach(reader).operator
        read = e.data if own or (whole and not sealed) else {}
        veiled = "" if own or made is None else _veil(process, made, held)
        actor, actor_name = ("", veiled) if veiled else (e.actor.username, e.actor.name)
        found.append(
            Step(
                e.number, e.transition, name, actor, actor_name, e.at.astimezone(LOCAL), e.from_stage,
                e.to_stage, read, tuple((t, w) for t, w, _ in form.shown(schema, read, place_name)),
                bool(read) or not e.data,
            )
        )  # fmt: skip
    return tuple(found)


def refilled(case: Case, steps: Iterable[Step]) -> dict[str, dict[str, list[str]]]:
    """Step → what its form begins with, of what the reader of these steps reads: only of steps that refill theirs."""
    process, holds = holding.process_of(case), dict[str, Any]()
    wanted = [t for t in possible(process, case.stage) if t.refill]
    for step in steps if wanted else ():
        holds = filled(process.transition(step.transition), holds, step.data)
    return {t.code: form.posted(t.form, holds) for t in wanted}


def _veil(process: Process, step: Transition, held: frozenset[str]) -> str:
    """The name of the role in which a step was made, where those who hold the roles `held` do not learn by whom; else ""."""
    known = not step.by or any(holding.knows(process, role, held) for role in step.by)
    return "" if known else process.role(step.by[0]).name


def place_name(code: str) -> str:
    """The name of a place or an industrial chain; the code where there is none."""
    pack = packs.current()
    if code in pack.places.places:
        return pack.places.name(code)
    chain = pack.find("chains", code)
    return str(chain.name) if chain is not None else code


def line(case: Case) -> tuple[StageMark, ...]:
    """The stages of a case's process in order, with those it has been through."""
    process = holding.process_of(case)
    been = {e.to_stage for e in _events(case)}
    return tuple(StageMark(s.code, s.name, s.code in been, s.code == case.stage) for s in process.stages)


def calendar() -> Calendar:
    """The calendar of the packs in force, as it is known today."""
    return packs.calendars(packs.current()).as_known(clock.today())


@once
def _events(case: Case) -> tuple[Event, ...]:
    return tuple(case.steps.select_related("actor", "leaf__payload").order_by("number"))


def _day(moment: datetime) -> date:
    return moment.astimezone(LOCAL).date()
