"""The workbench (工作台): what waits for an account, what it did, what is red where it reads, how fresh the figures are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from django.db.models import Count, Max, Min, Q
from django.urls import NoReverseMatch, reverse

from rongtong import clock
from rongtong.apps.cases import access as case_access
from rongtong.apps.cases import holding, near, telling
from rongtong.apps.cases import queries as cases
from rongtong.apps.cases.models import Case, Event
from rongtong.apps.observations import queries as observations
from rongtong.apps.observations.models import Observation
from rongtong.apps.packs import queries as packs
from rongtong.apps.planning import queries as planning
from rongtong.apps.records.models import Leaf
from rongtong.apps.registry.access import Visible, grants_in_force
from rongtong.apps.registry.models import Account
from rongtong.apps.registry.outside import is_outside, open_to_outside
from rongtong.apps.registry.roles import AUDIT_ADMIN, OUTSIDE, ROLES, SECURITY_ADMIN, SYSTEM_ADMIN
from rongtong.clock import LOCAL
from rongtong.engine.indicator import Row
from rongtong.engine.pack.model import Indicator
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import MONTHS, Period, PeriodError
from rongtong.once import once

RECENT, MOST_RED, MOST_NOTICES = 8, 12, 8
TOLD_DAYS = 7
DORMANT_DAYS = 550
# What the log says of everybody's concern: the kind of a write → how a notice calls it.
NOTICES = {
    "packs.load": "载入规则包",
    "packs.publish": "规则修订已发布",
    "packs.attach_text": "文件原文已附上",
    "papers.release": "材料已发布",
    "planning.adopt": "目标分解已下达",
}
# The process whose cases the subjects of such a write name.
CASES = {"packs.publish": "amendment", "papers.release": "release", "planning.adopt": "allocation_signoff"}


def waiting(account: Account) -> int:
    """How much waits for this account, the number beside the workbench: open cases, and tables not begun."""
    return sum(n for _, n, *_ in _counted(account)) + len(observations.unstarted(account))


@once
def _counted(account: Account) -> tuple[tuple[str, int, int, datetime, date | None], ...]:
    """Of each process whose cases wait: how many, how many late, since when the oldest does, when the first is due."""
    rows = case_access.waiting(account).order_by().values_list("process")
    late = Count("pk", filter=Q(due__lt=clock.today()))
    return tuple(rows.annotate(n=Count("pk"), late=late, old=Min("entered_at"), first=Min("due")))


@dataclass(frozen=True, slots=True)
class Todo:
    """One case that waits, with the page where it is done; `doubtful`: it may be the same as another open one."""

    item: cases.Item
    address: str
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """The waiting cases of one process: how many, how many of them late, since when the one that waits longest does, in how
    many working days the next is due (None: nothing is); the most pressing in `todos`."""

    process: str
    name: str
    count: int
    late: int
    oldest: datetime
    soonest: int | None
    todos: tuple[Todo, ...]


def todo(account: Account) -> tuple[Group, ...]:
    """What waits, by process; the process with the most late cases first."""
    listed: dict[str, list[cases.Item]] = {}
    for item in cases.work(account):
        listed.setdefault(item.case.process, []).append(item)
    shown = [i.case for g in listed.values() for i in g]
    doubtful = frozenset[int]() if is_outside(account) else near.doubtful(account, shown)
    made = []
    for code, number, late, oldest, due in _counted(account):
        if code not in listed:  # it came to wait after the list was read
            continue
        todos = tuple(Todo(i, cases.address(i.case), i.case.pk in doubtful) for i in listed[code])
        soonest = cases.days_left(due, clock.today()) if due else None
        name = listed[code][0].process_name
        made.append(Group(code, name, number, late, oldest.astimezone(LOCAL), soonest, todos))
    return tuple(sorted(made, key=lambda g: (-g.late, -g.count, g.process)))


def told(account: Account) -> tuple[telling.Line, ...]:
    """What the daily job told this account in the last days."""
    return telling.told(account, clock.today() - timedelta(days=TOLD_DAYS))


@dataclass(frozen=True, slots=True)
class Done:
    """A step this account made."""

    name: str
    case: Case
    at: datetime
    address: str


def done(account: Account) -> tuple[Done, ...]:
    """The last steps this account made in cases that it may still read, newest first."""
    own = Event.objects.filter(actor=account).select_related("case__definition").defer("case__definition__body")
    made: list[Done] = []
    last, at_once = None, 4 * RECENT
    # From the newest on, some at a time: which of a year's cases it may read is not asked of all of them.
    while len(made) < RECENT:
        rows = list((own.filter(pk__lt=last) if last else own).order_by("-pk")[:at_once])
        readable = set(cases.visible(account).filter(pk__in={e.case_id for e in rows}).values_list("pk", flat=True))
        made += [_done(e) for e in rows if e.case_id in readable]
        if len(rows) < at_once:
            break
        last, at_once = rows[-1].pk, 8 * at_once
    return tuple(made[:RECENT])


def _done(event: Event) -> Done:
    step = holding.process_of(event.case).transition(event.transition)
    return Done(step.name if step else "发起", event.case, event.at.astimezone(LOCAL), cases.address(event.case))


def started(account: Account) -> tuple[Todo, ...]:
    """The open cases this account began and may still read, newest first."""
    rows = cases.visible(account).filter(by=account, outcome="").order_by("-pk")[:RECENT]
    return tuple(Todo(cases.item(c), cases.address(c)) for c in rows)


@dataclass(frozen=True, slots=True)
class Lit:
    """A place of a board whose lamp is red or yellow."""

    card: Indicator
    period: Period
    row: Row


def lit(visible: Visible) -> tuple[Lit, ...]:
    """The red and yellow rows within the places an account reads, of the indicators of dispatch; red ones first."""
    pack = packs.current()
    found = []
    latest = {f.card.code: f.period for f in freshness()}
    for card in _dispatched(pack, lamps=True):
        period = latest[card.code]
        if period is None:
            continue
        for level, within in _levels(pack, visible):
            board = planning.monitor(planning.Asked(card.code, period, level, within))
            found += [
                Lit(card, period, r)
                for r in board.rows
                if r.place in visible and r.lamp and r.lamp.code in ("red", "yellow") and "value" in r.figures
            ]
    return tuple(
        sorted(found, key=lambda x: (x.row.lamp is None or x.row.lamp.code != "red", x.card.code, x.row.place))[
            :MOST_RED
        ]
    )


def _dispatched(pack: Pack, *, lamps: bool = False) -> list[Indicator]:
    """The indicators the dispatch papers speak of, in their order; with `lamps` those that light any."""
    codes = dict.fromkeys(c for p in pack.all("papers") for c in (*p.real_indicators, *p.indicators))
    found = [pack.find("indicators", c) for c in codes]
    return [c for c in found if c and not c.measure_of and (c.lamp or not lamps)]


def _levels(pack: Pack, visible: Visible) -> list[tuple[str, str]]:
    """(level, within) of the boards to look at: cities for who reads everywhere, else the own places."""
    if visible.everywhere:
        return [("city", "")]
    found: dict[tuple[str, str], None] = {}
    for code in visible.places:
        level = pack.places.get(code).level
        if level == "city":
            found |= {("city", ""): None, ("county", code): None}
        elif level == "county":
            found[("county", pack.places.parent(code) or "")] = None
    return list(found)


@dataclass(frozen=True, slots=True)
class Fresh:
    """How fresh an indicator is: its last period, since when that is known, and the period that comes next.

    `overdue` says that the next period has ended and nothing of it is known.
    """

    card: Indicator
    period: Period | None
    known_from: date | None
    next: Period | None

    @property
    def overdue(self) -> bool:
        return self.next is not None and self.next.last_day < clock.today()

    @property
    def dormant(self) -> bool:
        """Whether its last period ended so long ago that nobody waits for the next one."""
        return self.period is None or (clock.today() - self.period.last_day).days > DORMANT_DAYS


def freshness() -> tuple[Fresh, ...]:
    """The indicators of the papers, in their order."""
    return _freshness(packs.current().fingerprint, observations.state(), clock.today())


@lru_cache(maxsize=4)
def _freshness(fingerprint: str, facts_state: str, today: date) -> tuple[Fresh, ...]:
    # The first two arguments are the state the answer depends on; they key the cache.
    cards = _dispatched(packs.current())
    rows = (
        Observation.objects.filter(indicator__in=[c.code for c in cards], known_from__lte=today)
        .order_by()
        .values_list("indicator", "start", "months")
        .annotate(known=Max("known_from"))
    )
    last: dict[str, tuple[Period, date]] = {}
    for code, start, months, known in rows:
        period = Period(start // 100, start % 100, months)
        before = last.get(code)
        if before is None or (period.last_day, period.months) > (before[0].last_day, before[0].months):
            last[code] = (period, known)
    return tuple(_fresh(c, last.get(c.code)) for c in cards)


def _fresh(card: Indicator, last: tuple[Period, date] | None) -> Fresh:
    return Fresh(card, last[0], last[1], _next(card, last)) if last else Fresh(card, None, None, None)


def _next(card: Indicator, last: tuple[Period, date]) -> Period | None:
    """The first period, by the card's shortest step, that ends after the last one known."""
    step = min((MONTHS[f] for f in card.frequency if f in MONTHS), default=0)
    if not step:
        return None
    end = last[0].last_day
    year, month = (end.year, end.month + 1) if end.month < 12 else (end.year + 1, 1)
    # Values of a year cumulate: the next one runs from January to the end of the step in which the last one ended.
    upto = -(-month // step) * step
    return Period(year, 1, upto) if upto <= 12 else None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something of everybody's concern, from the log: what happened, to what, when, and the page about it if any."""

    words: str
    about: str
    at: datetime
    address: str


def notices(account: Account, visible: Visible) -> tuple[Notice, ...]:
    """The newest writes that concern everybody who reads the place they are about."""
    rows = Leaf.objects.filter(kind__in=NOTICES).order_by("-sequence")[:100]
    root = packs.current().manifest.root_place
    shown = [r for r in rows if r.place in ("", root) or r.place in visible][:MOST_NOTICES]
    keys = {r.subject.rpartition(":")[2] for r in shown}
    rows_of = cases.visible(account).filter(process__in=set(CASES.values()), key__in=keys)
    found = {(c.process, c.key): c for c in rows_of}
    return tuple(_notice(r, found.get((CASES.get(r.kind, ""), r.subject.rpartition(":")[2]))) for r in shown)


def _notice(leaf: Leaf, case: Case | None) -> Notice:
    pack, at, words = packs.current(), leaf.recorded_at.astimezone(LOCAL), NOTICES[leaf.kind]
    document = pack.find("documents", leaf.subject)
    if document is not None:
        return Notice(words, document.title, at, reverse("document", args=[leaf.subject]))
    return Notice(words, case.title if case else _subject(pack, leaf), at, cases.address(case) if case else "")


def _subject(pack: Pack, leaf: Leaf) -> str:
    """What a write is about, in words, for who may not read its case; "" where only a code names it."""
    if leaf.kind == "planning.adopt":
        split = pack.find("allocations", leaf.subject)
        return split.name if split else pack.places.name(leaf.place) if leaf.place else ""
    if leaf.kind == "papers.release":
        code, _, rest = leaf.subject.partition("/")
        template = pack.find("papers", code)
        try:
            return f"{template.title} {Period.parse(rest.partition('/')[0]).chinese}" if template else ""
        except PeriodError:
            return ""
    return ""


@dataclass(frozen=True, slots=True)
class Held:
    """A role an account holds, in words, and where."""

    code: str
    name: str
    place: str


def held(account: Account) -> tuple[Held, ...]:
    """The roles an account holds today."""
    rows = grants_in_force(account).values_list("role", "place")
    return tuple(Held(code, ROLES[code].name if code in ROLES else code, place) for code, place in rows)


# What each administrator does, with the page for it.
CONSOLES: dict[str, Sequence[tuple[str, str]]] = {
    SYSTEM_ADMIN: (("建账号、停用账号", "accounts"), ("批量导入账号", "account-import"), ("数据字典", "dictionary")),
    SECURITY_ADMIN: (("授权、收回授权", "accounts"), ("交接办件", "account-handover")),
    AUDIT_ADMIN: (("查留痕日志、核验日志没有被改", "audit"), ("查看账号与授权", "accounts")),
}
FOR_READING = (("填报审核", "collection"), ("一张图", "cockpit"), ("指标与口径", "indicators"), ("承诺一本账", "commitments"), ("督办台账", "supervision"),
               ("材料", "papers"))  # fmt: skip


def ways(roles: Iterable[Held]) -> tuple[tuple[str, str], ...]:
    """Where an account that nothing waits for may go: its consoles, else what it can read; (words, address)."""
    held_codes = {r.code for r in roles}
    found = [entry for code in sorted(held_codes) for entry in CONSOLES.get(code, ())] or list(FOR_READING)
    if held_codes and held_codes <= set(OUTSIDE):
        found = [("我的办件", "space"), *(e for e in FOR_READING if open_to_outside(e[1], ""))]
    made = []
    for words, name in dict.fromkeys(found):
        try:
            made.append((words, reverse(name)))
        except NoReverseMatch:
            continue
    return tuple(made)
