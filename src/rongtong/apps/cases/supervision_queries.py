"""Reading 督办: every item with what its events add up to, for the ledger, its page and its papers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from rongtong import clock
from rongtong.apps.cases import holding, queries
from rongtong.apps.cases.models import Attachment, Case, Event
from rongtong.apps.cases.supervision_forms import LAMPS, LEVELS, SOURCES
from rongtong.apps.packs import queries as packs
from rongtong.apps.planning.models import LampRecord
from rongtong.apps.registry.models import Account
from rongtong.clock import LOCAL
from rongtong.engine.figure import FigureError, Key
from rongtong.engine.pace import Lamp, Standing, lamps
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import PeriodError

PROCESS = "supervision"
# Whether the deadline has passed, and the working days left.
Stand = tuple[bool, int]
NO_STAND: Stand = (False, -1)


@dataclass(frozen=True, slots=True)
class Milestone:
    """A milestone (时间节点): when it is due and on which day it was reported done, None while it is not."""

    name: str
    due: date
    done: date | None = None

    @property
    def late(self) -> bool:
        return self.done is None and self.due < clock.today()


@dataclass(frozen=True, slots=True)
class File:
    """Evidence (佐证材料) as listed: the step it came with, its name, SHA-256 and size in bytes."""

    pk: int
    event: int
    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A step that says how the work goes, with its files. `percent` is a whole number as text, or empty."""

    number: int
    transition: str
    name: str
    who: str
    at: datetime
    data: Mapping[str, Any]
    files: tuple[File, ...] = ()

    @property
    def percent(self) -> str:
        return str(self.data.get("percent", ""))

    @property
    def said(self) -> str:
        """The report on the work: dynamics of a progress report, or the answer given."""
        return str(self.data.get("dynamics") or self.data.get("reply") or "")

    @property
    def level_word(self) -> str:
        """The level it was raised to, empty for other steps."""
        return LEVELS.get(str(self.data.get("level", "")), "")


@dataclass(frozen=True, slots=True)
class Item:
    """One 督办. `given` is what it was opened with, `lamp` that of its deadline, `left` working days to it.

    `slips` are the 督办单 issued: level and the day. `demo`: opened by an account of the demonstration.
    """

    case: Case
    stage_name: str
    given: Mapping[str, Any]
    level: str
    milestones: tuple[Milestone, ...]
    entries: tuple[Entry, ...]
    slips: tuple[tuple[str, date], ...]
    left: int | None
    demo: bool
    lamp: Lamp | None = None

    @property
    def number(self) -> str:
        return self.case.key

    @property
    def level_word(self) -> str:
        return LEVELS[self.level]

    @property
    def source(self) -> str:
        """Where it came from, in words; for a lamp, the one that it was."""
        source = str(self.given.get("source", ""))
        lamp = LAMPS.get(str(self.given.get("lamp", ""))) if source == "lamp" else None
        return lamp or SOURCES.get(source, "")

    @property
    def open(self) -> bool:
        return not self.case.outcome

    @property
    def late(self) -> bool:
        """Whether its deadline has passed while it is open."""
        return self.open and self.left is not None and self.left < 0

    @property
    def days_over(self) -> int:
        """Working days since the deadline, 0 in time."""
        return -self.left if self.left is not None and self.left < 0 else 0

    @property
    def percent(self) -> str:
        """The last percentage reported, 100 once closed, 0 before any report."""
        if not self.open:
            return "100"
        return next((e.percent for e in reversed(self.entries) if e.percent), "0")

    @property
    def latest(self) -> Entry | None:
        """The last report on the work."""
        return next((e for e in reversed(self.entries) if e.said), None)

    @property
    def units(self) -> tuple[str, ...]:
        """Every unit named: lead, responsible, cooperating."""
        named = (self.given.get("lead"), self.given.get("responsible"), self.given.get("support"))
        return tuple(dict.fromkeys(str(n) for n in named if n))

    def reported_in(self, month: str) -> str:
        """The last percentage reported in a month (`2025-07`), empty without a report."""
        return next((e.percent for e in reversed(self.entries) if e.percent and f"{e.at:%Y-%m}" == month), "")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the ledger is filtered by; an empty value does not filter. `late`: `yes` or `no`."""

    stage: str = ""
    level: str = ""
    unit: str = ""
    place: str = ""
    late: str = ""
    source: str = ""
    commitment: str = ""
    words: str = ""

    def takes(self, item: Item, pack: Pack) -> bool:
        """Whether an item is asked for; a unit by part of its name, a place with all within."""
        given = item.given
        return (
            (not self.stage or item.case.stage == self.stage or (self.stage == "open" and item.open))
            and (not self.level or item.level == self.level)
            and (not self.unit or any(self.unit in u for u in item.units))
            and (not self.place or pack.places.is_within(item.case.place, self.place))
            and (not self.late or item.late == (self.late == "yes"))
            and (not self.source or given.get("source") == self.source)
            and (not self.commitment or str(given.get("commitment", "")).partition("/")[0] == self.commitment)
            and (not self.words or self.words in f"{item.number}{item.case.title}")
        )


def ledger(account: Account, asked: Asked | None = None) -> tuple[Item, ...]:
    """The 督办 an account may read, those asked for, the open and most pressing first."""
    pack = packs.current()
    found = items(queries.visible(account, PROCESS))
    chosen = [i for i in found if asked is None or asked.takes(i, pack)]
    return tuple(sorted(chosen, key=lambda i: (not i.open, i.case.deadline or date.max, i.case.pk)))


def find(account: Account, pk: int) -> Item:
    """One 督办. Raises Case.DoesNotExist where it is absent or not this account's to read."""
    (found,) = items([queries.visible(account, PROCESS).get(pk=pk)])
    return found


def items(cases: Iterable[Case]) -> tuple[Item, ...]:
    """The items of cases, in their order; two queries, however many there are."""
    listed = list(cases)
    events: dict[int, list[Event]] = {c.pk: [] for c in listed}
    rows = Event.objects.filter(case_id__in=events).select_related("actor", "leaf__payload")
    for event in rows.order_by("case_id", "number"):
        events[event.case_id].append(event)
    files: dict[tuple[int, int], list[File]] = {}
    for a in Attachment.objects.filter(case_id__in=events).order_by("pk"):
        files.setdefault((a.case_id, a.event), []).append(File(a.pk, a.event, a.name, a.sha256, a.size))
    return _with_lamps([_item(c, events[c.pk], files) for c in listed])


def _item(case: Case, events: list[Event], files: Mapping[tuple[int, int], list[File]]) -> Item:
    process = holding.process_of(case)
    given = events[0].data
    entries = []
    for e in events[1:]:
        step = process.transition(e.transition)
        made = tuple(files.get((case.pk, e.number), ()))
        entries.append(
            Entry(e.number, e.transition, step.name if step else e.transition, e.actor.name, e.at.astimezone(LOCAL), e.data, made)
        )  # fmt: skip
    raised = [(str(e.data["level"]), e.at.date()) for e in entries if e.data.get("level")]
    slips = ((str(given.get("level", "blue")), events[0].at.astimezone(LOCAL).date()), *raised)
    left = queries.days_left(case.deadline, clock.today()) if case.deadline else None
    return Item(
        case=case,
        stage_name=process.stage(case.stage).name,
        given=given,
        level=slips[-1][0],
        milestones=_milestones(given, entries),
        entries=tuple(entries),
        slips=slips,
        left=left,
        demo=events[0].actor.demo,
    )


def _milestones(given: Mapping[str, Any], entries: Iterable[Entry]) -> tuple[Milestone, ...]:
    done: dict[str, date] = {}
    for entry in entries:
        for name in entry.data.get("done", ()):
            done.setdefault(str(name), entry.at.date())
    return tuple(
        Milestone(str(m["name"]), date.fromisoformat(str(m["due"])), done.get(str(m["name"])))
        for m in given.get("milestones", ())
    )


def _with_lamps(found: list[Item]) -> tuple[Item, ...]:
    """The items with the lamp of their deadline by the packs' rule for deadlines; closed ones have none."""
    stands = {i.case.pk: (i.late, max(i.left or 0, 0)) for i in found if i.open and i.left is not None}
    lit = judged(packs.current().fingerprint, clock.today(), tuple(sorted(set(stands.values()))))
    return tuple(replace(i, lamp=lit.get(stands.get(i.case.pk, NO_STAND))) for i in found)


def judged(fingerprint: str, day: date, stands: tuple[Stand, ...]) -> Mapping[Stand, Lamp]:
    """The lamps of deadlines by the rule of the packs that was in force on a day; none without such a rule."""
    about_days = [r for r in packs.current().all("lamps") if any("days_left" in c.when for c in r.cases)]
    in_force = [r for r in about_days if r.valid_from <= day and (r.valid_to is None or day <= r.valid_to)]
    return _judged(fingerprint, max(r.valid_from for r in in_force), stands) if in_force and stands else {}


@lru_cache(maxsize=64)
def _judged(fingerprint: str, since: date, stands: tuple[Stand, ...]) -> Mapping[Stand, Lamp]:
    # The fingerprint keys the cache: the rule is the pack's.
    rules = [r for r in packs.current().all("lamps") if any("days_left" in c.when for c in r.cases)]
    rule = next(r for r in rules if r.valid_from == since)
    standings = [Standing(overdue=overdue, days_left=left) for overdue, left in stands]
    return dict(zip(stands, lamps(rule, standings, "完成时限"), strict=True))


def lamp_history(item: Item) -> tuple[LampRecord, ...]:
    """The lamps of the linked indicator at its place, month by month, oldest first; none without a linked figure."""
    try:
        key = Key.parse(str(item.given.get("figure", "")))
    except (FigureError, PeriodError):
        return ()
    rows = LampRecord.objects.filter(indicator=key.indicator, place=key.place)
    return tuple(rows.order_by("month", "period"))


@dataclass(frozen=True, slots=True)
class UnitLine:
    """One unit's items: how many open, late, closed, and open ones by level."""

    unit: str
    open: int
    late: int
    closed: int
    levels: tuple[tuple[str, int], ...]


def by_unit(found: Iterable[Item]) -> tuple[UnitLine, ...]:
    """Items by responsible unit, the unit with the most late and open ones first."""
    groups: dict[str, list[Item]] = {}
    for item in found:
        groups.setdefault(str(item.given.get("responsible", "")), []).append(item)
    lines = []
    for unit, group in groups.items():
        levels = tuple((level, sum(i.open and i.level == level for i in group)) for level in LEVELS)
        opened = sum(i.open for i in group)
        lines.append(UnitLine(unit, opened, sum(i.late for i in group), len(group) - opened, levels))
    return tuple(sorted(lines, key=lambda line: (-line.late, -line.open, line.unit)))


def months(found: Iterable[Item]) -> tuple[str, ...]:
    """The months from the first item's opening to today, at most the last twelve."""
    first = min((i.slips[0][1] for i in found), default=None)
    if first is None:
        return ()
    today, at, listed = clock.today(), first.replace(day=1), []
    while at <= today:
        listed.append(f"{at:%Y-%m}")
        at = at.replace(year=at.year + at.month // 12, month=at.month % 12 + 1)
    return tuple(listed[-12:])


def about(account: Account, figures: Iterable[str]) -> dict[str, Case]:
    """figure id → the open 督办 about it, of those the account may read."""
    wanted = set(figures)
    open_cases = queries.visible(account, PROCESS).filter(outcome="")
    given = queries.data_of(open_cases)
    by_pk = {c.pk: c for c in open_cases}
    return {str(d["figure"]): by_pk[pk] for pk, d in given.items() if d.get("figure") in wanted}


def stages() -> tuple[tuple[str, str], ...]:
    """The stages of the process in force as (code, name)."""
    process = packs.current().find("processes", PROCESS)
    return tuple((s.code, s.name) for s in process.stages) if process else ()


def opening_places(account: Account) -> frozenset[str]:
    """The places an account may open a 督办 for."""
    pack = packs.current()
    process = pack.find("processes", PROCESS)
    if process is None:
        return frozenset()
    who = holding.reach(account)
    found: set[str] = set()
    for role in process.roles:
        if role.code in process.opened_by:
            reached = who.places(role)
            found |= set(pack.places.places) if reached is None else reached
    return frozenset(found)


def may_open(user: object, places: Iterable[str]) -> bool:
    """Whether a reader may open a 督办 for any of these places; nobody may without a login."""
    return isinstance(user, Account) and not opening_places(user).isdisjoint(places)
