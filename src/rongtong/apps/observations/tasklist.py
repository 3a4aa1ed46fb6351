"""Task lists (填报任务表): who has filed what, by table and period, as far as an account may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Max, OuterRef, Subquery

from rongtong import clock
from rongtong.apps.cases import queries as cases
from rongtong.apps.cases.holding import reach
from rongtong.apps.cases.models import Case, Event
from rongtong.apps.observations.collecting import PROCESS, Task, own_places, tasks
from rongtong.apps.observations.models import Entry, Reminder
from rongtong.apps.observations.slices import FILLING, RETURNS, Slice, read_slice
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.access import grants_in_force, may, visible_places
from rongtong.apps.registry.models import Account
from rongtong.engine.place import PlaceTree

# state → its name and the colour of its chip; what is late gets a red chip of its own
STATES = {
    "none": ("未填报", ""),
    "filling": ("填报中", ""),
    "returned": ("退回待改", "yellow"),
    "city_review": ("待市级审", "blue"),
    "province_review": ("待省级审", "blue"),
    "approved": ("省级已审", "green"),
}
OPEN_STATES = ("none", "filling", "returned")


@dataclass(frozen=True, slots=True)
class Row:
    """One slice in a list; `case` is None where it was not opened yet."""

    task: Task
    place: str
    name: str
    state: str
    case: Case | None = None
    filled: int = 0
    reminded: datetime | None = None
    content: Slice | None = None
    above: str = ""

    @property
    def total(self) -> int:
        return len(self.task.collection.items)

    @property
    def state_name(self) -> str:
        return STATES[self.state][0]

    @property
    def colour(self) -> str:
        return STATES[self.state][1]

    @property
    def filing(self) -> bool:
        """Whether it still waits for the office that fills it."""
        return self.state in OPEN_STATES

    @property
    def late(self) -> bool:
        """Whether its office is past its day, or the city past both the table's day and the days its review has."""
        today = clock.today()
        if self.state != "city_review":
            return self.filing and today > self.task.due
        step = self.case.due if self.case else None
        return all(day is not None and today > day for day in (self.task.city_due, step or self.task.city_due))

    @property
    def days_left(self) -> int:
        """Working days to the day it is due; negative once it has passed."""
        return cases.days_left(self.task.due, clock.today())


@dataclass(frozen=True, slots=True)
class Summary:
    """A task with its slices counted by state."""

    task: Task
    rows: tuple[Row, ...]

    @property
    def counts(self) -> tuple[tuple[str, str, str, int], ...]:
        """(state, name, colour, number) of the states there are."""
        made = [(s, *STATES[s], sum(r.state == s for r in self.rows)) for s in STATES]
        return tuple(row for row in made if row[3])

    @property
    def late(self) -> int:
        return sum(r.late for r in self.rows)

    @property
    def done(self) -> int:
        return sum(not r.filing for r in self.rows)


def split(account: Account) -> tuple[tuple[Row, ...], tuple[Summary, ...]]:
    """The slices this account's own office fills, each with its cells checked, and the tasks of the other offices."""
    own, found = own_places(account), rows(account, tasks())
    mine = tuple(replace(r, content=read_slice(r.case)) if r.case else r for r in found if r.place in own)
    others = (Summary(t, tuple(r for r in found if r.task is t and r.place not in own)) for t in tasks())
    return mine, tuple(s for s in others if s.rows)


def rows(account: Account, wanted: Iterable[Task]) -> tuple[Row, ...]:
    """The slices of these tasks at the places the account sees, in order of task and place code."""
    asked = tuple(wanted)
    if not reach(account).grants:
        return ()  # administrators do no business, and see none
    visible, tree = visible_places(account), packs.current().places
    seen = {(t.key, p) for t in asked for p in t.places if p in visible}
    by_key = _cases(account, asked)
    filled = _filled(by_key.values())
    reminded = _reminded(asked)
    found = []
    for task in asked:
        for place in task.places:
            if (task.key, place) not in seen:
                continue
            case = by_key.get(task.slice_key(place))
            found.append(
                Row(
                    task,
                    place,
                    tree.name(place),
                    _state(case),
                    case,
                    filled.get(case.pk, 0) if case else 0,
                    reminded.get((task.collection.code, str(task.period), place)),
                    above=_city(tree, place, visible.everywhere),
                )
            )
    return tuple(found)


def reviews(account: Account) -> frozenset[str]:
    """The states in which a slice waits for this account's office, as a city or as the province."""
    stage = {"city_officer": "city_review", "provincial_officer": "province_review"}
    return frozenset(stage[g.role] for g in grants_in_force(account) if g.role in stage)


def may_remind(account: Account, task: Task) -> bool:
    """Whether the account may ask the offices it sees to file: it must act on the place above one of them."""
    tree, visible = packs.current().places, visible_places(account)
    above = {tree.parent(p, day=task.period.last_day) or "" for p in task.places if p in visible}
    return any(may(account, "observations.remind", place) for place in above)


def _city(tree: PlaceTree, place: str, wanted: bool) -> str:
    """The city of a county where the list runs over several."""
    above = tree.parent(place) if wanted else None
    return tree.name(above) if above and above != tree.root else ""


def _state(case: Case | None) -> str:
    if case is None:
        return "none"
    if case.stage == FILLING and getattr(case, "last_step", "") in RETURNS:
        return "returned"
    return case.stage if case.stage in STATES else FILLING


def _cases(account: Account, asked: Iterable[Task]) -> dict[str, Case]:
    periods = {str(t.period) for t in asked}
    last = Event.objects.filter(case=OuterRef("pk")).order_by("-number").values("transition")[:1]
    found = cases.visible(account, PROCESS).filter(period__in=periods).annotate(last_step=Subquery(last))
    return {case.key: case for case in found}


def _filled(found: Iterable[Case]) -> dict[int, int]:
    """How many cells of each case hold a value."""
    last: dict[tuple[int, str], str] = {}
    entries = Entry.objects.filter(case__in=[c.pk for c in found]).order_by("version")
    for pk, indicator, value in entries.values_list("case_id", "indicator", "value"):
        last[(pk, indicator)] = value
    counts: dict[int, int] = {}
    for (pk, _), value in last.items():
        counts[pk] = counts.get(pk, 0) + bool(value)
    return counts


def _reminded(asked: Iterable[Task]) -> Mapping[tuple[str, str, str], datetime]:
    found = Reminder.objects.filter(period__in={str(t.period) for t in asked})
    made = found.values_list("collection", "period", "place").annotate(last=Max("at")).order_by()
    return {(collection, period, place): last for collection, period, place, last in made}
