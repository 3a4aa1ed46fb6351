"""The daily job of cases (每日例行): steps that time brings, reminders, escalations, the days that lists are sorted by.

Safe to run at any hour and again: a reminder is told once, a step is made where it is possible. A day on which it did not
run is caught up with on the next: of each clock everybody is told the most pressing thing not told yet. Nobody is told, and
nothing escalated, on a day off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Q

from rongtong import clock
from rongtong.apps.cases import actions, holding, queries
from rongtong.apps.cases.errors import GuardRefused
from rongtong.apps.cases.models import Case, Obligation, Told
from rongtong.apps.cases.steps import read_clocks, subject
from rongtong.apps.packs import queries as packs
from rongtong.apps.records.actions import act
from rongtong.apps.registry.actions import system_account
from rongtong.engine.deadline import moments, run
from rongtong.engine.pack.process import Process
from rongtong.engine.process.state import Happened
from rongtong.engine.reminder import Reminder, reminders

# How many calendar days before a due it is told (建议值).
DUE_SOON = 10
# The role of the note that the system made the step of a reminder: nobody's, so that no list shows it.
SYSTEM_ROLE = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """A case whose turn was undone, and why."""

    case: int
    title: str
    why: str


@dataclass(slots=True)
class Ticked:
    """What a run did: cases looked at, steps made by the system, people told, days put right, cases that failed."""

    cases: int = 0
    steps: int = 0
    told: int = 0
    refreshed: int = 0
    failed: list[Failed] = field(default_factory=list)


def tick() -> Ticked:
    """Look at every open case, and every due not met, as of today; each case in a transaction of its own."""
    today, done = clock.today(), Ticked()
    soon = Obligation.objects.filter(met=None, waived=None, due__lte=today + timedelta(days=DUE_SOON))
    wanted = Case.objects.filter(Q(outcome="") | Q(pk__in=soon.values("case_id"))).order_by("pk")
    # The packs of the moment it began, for all of it: asked anew for each case they would be read again each time.
    with packs.supposing(packs.current()):
        for pk, title in list(wanted.values_list("pk", "title")):
            before = (done.steps, done.told, done.refreshed)
            try:
                with transaction.atomic():
                    _one(pk, today, done)
            except Exception as error:
                # Whatever is wrong with one case must not keep the others from being looked at.
                done.steps, done.told, done.refreshed = before
                done.failed.append(Failed(pk, title, f"{type(error).__name__}: {error}"))
            done.cases += 1
    return done


def _one(pk: int, today: date, done: Ticked) -> None:
    case = Case.objects.select_for_update(of=("self",)).select_related("definition").get(pk=pk)
    process, first = holding.process_of(case), case.events
    if not case.outcome and any(t.automatic and case.stage in t.at for t in process.transitions):
        actions.automatic(case, process, queries.state(case))
    if queries.calendar().is_workday(today):
        done.told += _Telling(case, process, today).tell()
    done.steps += case.events - first
    done.refreshed += _refresh(case, process)


class _Telling:
    """What is told of one case on a day, and the steps the system makes with it."""

    def __init__(self, case: Case, process: Process, today: date) -> None:
        self.case, self.process, self.today = case, process, today
        self.told = set(Told.objects.filter(case=case).values_list("key", "role"))
        self.said: list[Told] = []

    def tell(self) -> int:
        """Keep what is told now, with a leaf that says so; to how many roles."""
        case = self.case
        for each in _pressing(self.process, queries.happened(case), self.today) if not case.outcome else ():
            self._say(each.key, each.tell, each.kind, each.due)
            if each.make and (each.key, SYSTEM_ROLE) not in self.told and self._escalate(each.make):
                self._say(each.key, (SYSTEM_ROLE,), each.kind, each.due)
        still = case.obligations.filter(met=None, waived=None, due__lte=self.today + timedelta(days=DUE_SOON))
        for due in still.order_by("due", "number"):
            kind = "over" if due.due < self.today else "warn"
            self._say(due_key(due.number, due.due, kind), (due.role,), kind, due.due)
        if self.said:
            with act(
                f"cases.{case.process}.tell", actor=system_account(), place=case.place, subject=subject(case)
            ) as this:
                Told.objects.bulk_create(self.said)
                this.payload["told"] = [
                    {"key": t.key, "role": t.role, "kind": t.kind, "due": t.due.isoformat()} for t in self.said
                ]
        return sum(t.role != SYSTEM_ROLE for t in self.said)

    def _say(self, key: str, roles: Iterable[str], kind: str, due: date) -> None:
        for role in roles:
            if (key, role) not in self.told:
                self.told.add((key, role))
                self.said.append(Told(case=self.case, key=key, role=role, kind=kind, on=self.today, due=due))

    def _escalate(self, transition: str) -> bool:
        """Make the step a clock that ran out calls for; where it is not possible now, perhaps tomorrow."""
        step = self.process.transition(transition)
        if step is None or self.case.outcome or self.case.stage not in step.at:
            return False
        try:
            with transaction.atomic():
                actions.by_system(self.case, self.process, step)
        except GuardRefused:
            return False
        return True


def _pressing(process: Process, events: Sequence[Happened], today: date) -> Iterator[Reminder]:
    """The reminders to tell: those of today, and for each role the latest of the present round, told or not.

    A clock that was met or stands still by now has none: to warn of it would be untrue.
    """
    been, known = moments(process, events), packs.calendars(packs.current())
    for one in process.reminding:
        reading = run(one, been, known, today)
        if reading.state not in ("running", "over"):
            continue
        round_ = f"{one.code}/{reading.started}/{sum(1 for e in reading.extended if e.days)}/"
        found = [r for r in reminders(one, been, known, today) if r.key.startswith(round_)]
        latest = {role: r.key for r in found for role in r.tell}
        for each in found:
            tell = tuple(role for role in each.tell if each.on == today or latest[role] == each.key)
            if tell or each.make:
                yield replace(each, tell=tell)


def due_key(number: int, due: date, kind: str) -> str:
    """The key of what is told of a due; the colon keeps it apart from the keys of clocks."""
    return f"due:{number}/{due}/{kind}"


def _refresh(case: Case, process: Process) -> bool:
    """Put right the columns that repeat what the clocks say, where a day has changed them; whether one was changed."""
    if case.outcome:
        return False
    was = (case.due, case.late)
    read_clocks(case, process, queries.state(case), queries.happened(case) if process.clocks else ())
    if (case.due, case.late) == was:
        return False
    case.save(update_fields=["due", "late"])
    return True
