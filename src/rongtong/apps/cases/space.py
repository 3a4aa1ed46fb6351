"""The space of an organisation (单位空间): what it is, what it may start, its cases, what falls due, what it was given.

Everything is asked through what the account may read; nothing here knows a process by its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import BooleanField, Count, ExpressionWrapper, F, Q, Window
from django.db.models.functions import RowNumber
from django.urls import reverse

from rongtong import clock
from rongtong.apps.cases import access, holding, notices, public, queries
from rongtong.apps.cases.holding import Reach
from rongtong.apps.cases.models import Case, Certificate, Obligation
from rongtong.apps.cases.opening import Start, starts, starts_anywhere_under
from rongtong.apps.cases.sheet import DueLine, due_line
from rongtong.apps.registry.models import Account, Organisation
from rongtong.apps.registry.roles import role_name
from rongtong.engine.pack.process import Process
from rongtong.engine.process.state import waits_for

# How many cases of a process, days, certificates and notices a page lists; how many days ahead dues are listed.
MOST_CASES, MOST_DAYS, MOST_CERTIFICATES, MOST_NOTICES = 15, 40, 30, 20
AHEAD = timedelta(days=365)
# All cases that an account reads.
ALL = access.Part()
# Working days up to which a term is said to be due soon (临期).
SOON = 3


@dataclass(frozen=True, slots=True)
class Lamp:
    """How a term stands: a lamp of the design with its own word; no lamp where there is no term."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Colleague:
    """Who has an account of the organisation, and with which roles."""

    name: str
    position: str
    roles: str


@dataclass(frozen=True, slots=True)
class Line:
    """A case: where it is, whose turn it is (`mine`: this account's), until when; `below`: readable cases under it."""

    case: Case
    stage: str
    turn: str
    mine: bool
    lamp: Lamp
    address: str
    below: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """The cases of a process: how many in each stage, and the most pressing of them."""

    process: Process
    open: int
    closed: int
    stages: tuple[tuple[str, int], ...]
    lines: tuple[Line, ...]

    @property
    def more(self) -> int:
        """How many cases are not listed."""
        return self.open + self.closed - len(self.lines)


@dataclass(frozen=True, slots=True)
class Day:
    """What falls due on a day: the term of a stage, or a due; `mine` what this account's organisation is to do itself."""

    day: date
    what: str
    who: str
    mine: bool
    amount: str
    lamp: Lamp
    case: Case
    address: str


@dataclass(frozen=True, slots=True)
class Proof:
    """A certificate with its name and whether it still stands."""

    certificate: Certificate
    name: str
    issued: date
    state: str
    address: str


@dataclass(frozen=True, slots=True)
class Chance:
    """A case on public notice under which something may be started; `begun`: the organisation has begun it already."""

    case: Case
    name: str
    start: Start
    until: date | None
    begun: bool
    address: str


def lamp(due: date | None) -> Lamp:
    """How a last day stands today."""
    if due is None:
        return Lamp("", "没有期限")
    left = queries.days_left(due, clock.today())
    if left < 0:
        return Lamp("red", f"已超 {-left} 个工作日")
    return Lamp("blue" if left <= SOON else "green", f"还有 {left} 个工作日")


def colleagues(organisation: Organisation) -> tuple[Colleague, ...]:
    """Who has an account of an organisation."""
    rows = Account.objects.filter(organisation=organisation, is_active=True).prefetch_related("grants").order_by("pk")
    return tuple(
        Colleague(a.name, a.position, "、".join(dict.fromkeys(role_name(g.role) for g in a.grants.all()))) for a in rows
    )


def groups(account: Account) -> tuple[Group, ...]:
    """The cases this account reads by process, those with most that is open first."""
    seen = access.seen(account, ALL).order_by()
    counted = seen.values_list("process", "definition_id", "stage", "outcome").annotate(n=Count("pk"))
    processes = holding.definition_numbers()
    kept: dict[str, Process] = {}
    stages: dict[str, list[tuple[int, str, int]]] = {}
    opened: dict[str, list[int]] = {}
    for code, definition, stage, outcome, number in sorted(counted):
        kept[code] = processes[definition]
        stages.setdefault(code, []).append((definition, stage, number))
        opened.setdefault(code, [0, 0])[1 if outcome else 0] += number
    lines = _lines(account)
    made = [
        Group(p, opened[code][0], opened[code][1], queries.by_stage(stages[code]), tuple(lines[code]))
        for code, p in kept.items()
    ]
    return tuple(sorted(made, key=lambda g: (-g.open, g.process.code)))


def _lines(account: Account) -> dict[str, list[Line]]:
    """The most pressing cases of each process: open before closed, the nearest term first."""
    closed = ExpressionWrapper(~Q(outcome=""), output_field=BooleanField())
    order = ("closed", F("due").asc(nulls_last=True), F("pk").desc())
    ranked = access.seen(account, ALL).annotate(closed=closed)
    ranked = ranked.annotate(rank=Window(RowNumber(), partition_by=[F("process")], order_by=order))
    cases = list(ranked.filter(rank__lte=MOST_CASES).order_by("process", "rank"))
    held = holding.roles_in(holding.reach(account), cases)
    under = access.visible(account).filter(parent__in=[c.pk for c in cases]).order_by()
    below = dict(under.values_list("parent").annotate(n=Count("pk")))
    found: dict[str, list[Line]] = {}
    for case in cases:
        found.setdefault(case.process, []).append(line(case, held[case.pk], below.get(case.pk, 0)))
    return found


def line(case: Case, held: frozenset[str], below: int = 0) -> Line:
    """A case as the page lists it, for whoever holds these roles in it and reads so many cases under it."""
    process = holding.process_of(case)
    mine = not case.outcome and bool(waits_for(process, case.stage) & held)
    term = Lamp("", "已办结") if case.outcome else lamp(case.due)
    return Line(
        case, process.stage(case.stage).name, queries.turn(case, mine), mine, term, queries.address(case), below
    )


def days(account: Account) -> tuple[Day, ...]:
    """The terms of open cases and the open dues, the earliest first."""
    cases = list(access.seen(account, ALL).filter(outcome="", due__isnull=False).order_by("due", "pk")[:MOST_DAYS])
    dues, who = _dues(account), holding.reach(account)
    held = holding.roles_in(who, {c.pk: c for c in (*cases, *(o.case for o in dues))}.values())
    found = []
    for case in cases:
        one = line(case, held[case.pk])
        assert case.due is not None  # asked for
        found.append(Day(case.due, f"{one.stage}", one.turn, one.mine, "", one.lamp, case, one.address))
    found += [_owed(o, who, held[o.case_id]) for o in dues if access.is_whole(who, o.case, held[o.case_id])]
    return tuple(sorted(found, key=lambda d: (d.day, d.case.pk))[:MOST_DAYS])


def owed(account: Account) -> tuple[Day, ...]:
    """The open dues of the cases that the account reads in full, the earliest first."""
    dues, who = _dues(account), holding.reach(account)
    held = holding.roles_in(who, {o.case_id: o.case for o in dues}.values())
    return tuple(_owed(o, who, held[o.case_id]) for o in dues if access.is_whole(who, o.case, held[o.case_id]))


def _dues(account: Account) -> list[Obligation]:
    rows = Obligation.objects.filter(
        case__in=access.seen(account, ALL).values("pk"), met=None, waived=None, due__lte=clock.today() + AHEAD
    )
    return list(rows.select_related("case__definition").order_by("due", "pk")[:MOST_DAYS])


def _owed(one: Obligation, who: Reach, held: frozenset[str]) -> Day:
    shown: DueLine = due_line(one, holding.process_of(one.case))
    mine = one.role in held
    whose = "本单位应履行" if mine else f"{shown.who}应履行"
    return Day(one.due, one.name, whose, mine, shown.amount, lamp(one.due), one.case, queries.address(one.case))


def proofs(account: Account) -> tuple[Proof, ...]:
    """The certificates of the cases that the account reads in full, the latest first."""
    rows = list(
        Certificate.objects.filter(case__in=access.visible(account))
        .select_related("case__definition", "event")
        .order_by("-pk")[:MOST_CERTIFICATES]
    )
    return readable_proofs(account, rows)


def readable_proofs(account: Account, rows: Sequence[Certificate]) -> tuple[Proof, ...]:
    """Those of some certificates, of cases that the account reads, whose cases it reads in full."""
    who = holding.reach(account)
    held = holding.roles_in(who, {c.case_id: c.case for c in rows}.values())
    return tuple(proof(c) for c in rows if access.is_whole(who, c.case, held[c.case_id]))


def proof(one: Certificate) -> Proof:
    """A certificate with its name and state."""
    named = {c.code: c.name for c in holding.process_of(one.case).certificates}
    state = "有效" if one.ended_id is None else "已换发" if one.replaced else "已撤销"
    issued = one.event.at.astimezone(clock.LOCAL).date()
    return Proof(one, named.get(one.code, one.code), issued, state, queries.address(one.case))


def chances(account: Account) -> tuple[Chance, ...]:
    """What stands on public notice under which this account may start something (揭榜、先用后转), the first to end leading."""
    offered = [s for s in starts_anywhere_under(account) if s.process.under]
    posted = {pk: codes for pk, _, codes in notices.stages()}
    wanted = Q(pk__in=())
    for start in offered:
        under = start.process.under
        assert under is not None  # chosen for it
        for pk, codes in posted.items():
            if at := sorted(set(codes) & set(under.at)):
                here = Q(process=under.process, definition_id=pk, stage__in=at)
                wanted |= here if start.organisation else here & Q(place__in=start.places)
    cases = Case.objects.filter(wanted).select_related("definition").order_by("due", "-pk")[:MOST_NOTICES]
    own = account.organisation_id
    begun = set(
        Case.objects.filter(parent__in=list(cases), organisation_id=own).values_list("parent_id", "process")
        if own
        else ()
    )
    names = public.names((c, c.stage) for c in cases)
    return tuple(
        Chance(c, names[c.pk, c.stage], s, c.due, (c.pk, s.process.code) in begun, f"{reverse('case-new', args=[s.process.code])}?under={c.pk}")
        for c in cases
        for s in offered
        if s.process.under and c.process == s.process.under.process and c.stage in s.process.under.at
        and (s.organisation or c.place in s.places)
    )  # fmt: skip


def page(account: Account) -> dict[str, object]:
    """Everything the page of an account's organisation shows."""
    own = account.organisation
    return {
        "organisation": own,
        "kind": Organisation.Kind(own.kind).label if own else "",
        "colleagues": colleagues(own) if own else (),
        "starts": starts(account),
        "groups": groups(account),
        "days": days(account),
        "proofs": proofs(account),
        "chances": chances(account),
        "report": own is not None,
        "transfer": own is not None and own.kind in TRANSFERS,
    }


# The kinds of organisation whose yearly report is that of the transfer of results (科技成果转化年度报告).
TRANSFERS = (Organisation.Kind.UNIVERSITY, Organisation.Kind.INSTITUTE, Organisation.Kind.HOSPITAL)
