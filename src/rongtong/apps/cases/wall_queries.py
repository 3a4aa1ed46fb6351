"""The supervisor's wall (督查墙): how many cases are open, late, closed in time and rated well, by place and by process.

One count over all cases gives the groups of definition, stage and place; what a reader sees of them is told by the same
rule as for a list. Ratios are ratios of sums, with both sums shown. Cases that somebody sees only because they take part
in them are not in the counts of places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from functools import lru_cache

from django.db.models import Count, Max, Q

from rongtong import clock
from rongtong.apps.cases import access, holding
from rongtong.apps.cases.models import Case, Label
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.models import Account
from rongtong.engine.place import PlaceTree
from rongtong.engine.process.state import waits_for_parties
from rongtong.once import once

# The field of the shared block 满意度 (blocks.yaml of the packs) and its answers that are no praise.
RATING, UNSATISFIED = "rating", "unsatisfied"
# With more cases than this the count is kept for the minute it was made in; with fewer it is always made anew.
ALWAYS_COUNTED = 20_000


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of cases: opened in the year, open today and of those late, closed in the year and of those in time, rated
    among the closed and of those not unsatisfied.

    A case whose stage waits for the parties alone is late by its clocks only: no office is charged with their delay.
    """

    opened: int = 0
    open: int = 0
    late: int = 0
    closed: int = 0
    on_time: int = 0
    rated: int = 0
    satisfied: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Tally)))

    @property
    def on_time_rate(self) -> str:
        """Closed in time of the closed, in per cent; "" where none was closed."""
        return percent(self.on_time, self.closed)

    @property
    def satisfaction(self) -> str:
        """Satisfied of the rated, in per cent; "" where none was rated."""
        return percent(self.satisfied, self.rated)


@dataclass(frozen=True, slots=True)
class Group:
    """The tally of one definition, stage and place."""

    definition: int
    stage: str
    place: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the wall: a place or a process. `drill` is the place it opens into, "" where there is nothing below."""

    code: str
    name: str
    tally: Tally
    drill: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True)
class Wall:
    """The wall of a place and year: by the places below it, by process, and all of it. `at` is when it was counted."""

    place: str
    year: int
    by_place: tuple[Row, ...]
    by_process: tuple[Row, ...]
    total: Tally
    at: datetime


def percent(part: int, whole: int) -> str:
    """A ratio of two counts in per cent with one decimal, half up; "" of nothing."""
    if not whole:
        return ""
    tenths = (part * 2000 + whole) // (2 * whole)
    return f"{tenths // 10}.{tenths % 10}"


def wall(account: Account, place: str, year: int, process: str = "") -> Wall:
    """What an account sees of a place; with a process, of its cases only by place."""
    return made(place, year, access.reads_at(account), process)


def made(place: str, year: int, counts: Callable[[int, str, str], bool], process: str = "") -> Wall:
    """The wall of the groups that count."""
    at, groups = counted(year)
    code = {pk: one.code for pk, one in holding.definition_numbers().items()}
    tree = packs.current().places
    below = _below(packs.current().fingerprint, place)
    inside = [g for g in groups if g.place in below and g.definition in code and counts(g.definition, g.stage, g.place)]
    chosen = [g for g in inside if not process or code[g.definition] == process]
    by_place = _sums((below[g.place], g.tally) for g in chosen)
    by_process = _sums((code[g.definition], g.tally) for g in inside)
    names = {p.code: p.name for p in packs.current().all("processes")} | {
        one.code: one.name for one in holding.definition_numbers().values()
    }
    return Wall(
        place,
        year,
        tuple(_place_row(tree, place, c, by_place.get(c, Tally())) for c in _rows(tree, place, by_place)),
        tuple(Row(c, names.get(c, c), t) for c, t in sorted(by_process.items())),
        sum((g.tally for g in chosen), Tally()),
        at,
    )


def _sums(rows: Iterable[tuple[str, Tally]]) -> dict[str, Tally]:
    found: dict[str, Tally] = {}
    for code, tally in rows:
        found[code] = found.get(code, Tally()) + tally
    return found


def _rows(tree: PlaceTree, place: str, known: Mapping[str, Tally]) -> list[str]:
    """The places directly below, and the place itself where it has cases of its own."""
    children = list(tree.children(place))
    retired = sorted(set(known) - {place, *children})
    return [*children, *retired, *([place] if place in known else [])]


def _place_row(tree: PlaceTree, place: str, code: str, tally: Tally) -> Row:
    if code == place:
        return Row(code, f"{tree.name(code)}本级", tally, own=True)
    return Row(code, tree.name(code), tally, drill=code if tree.children(code) else "")


@lru_cache(maxsize=256)
def _below(fingerprint: str, place: str) -> Mapping[str, str]:
    """Each place within one, with the place directly below that it belongs to; the place itself belongs to itself."""
    # The fingerprint keys the cache: the tree of places is the pack's.
    tree = packs.current().places
    return {
        code: child
        for code in tree.places
        for child in [place if code == place else next((c for c in _up(tree, code, place)), "")]
        if child
    }


def _up(tree: PlaceTree, code: str, place: str) -> Iterable[str]:
    """The place directly below `place` on the way up from one; nothing where the way does not lead there."""
    at, seen = code, 0
    while seen < 10:
        above = tree.parent(at) or next((p.parent for p in tree.parents if p.place == at), None)
        if above is None:
            return
        if above == place:
            yield at
            return
        at, seen = above, seen + 1


@once
def counted(year: int) -> tuple[datetime, tuple[Group, ...]]:
    """Every group, and when it was counted."""
    now = clock.now()
    if (Case.objects.aggregate(last=Max("pk"))["last"] or 0) <= ALWAYS_COUNTED:
        return now, _count(year)
    return _kept(year, now.replace(second=0, microsecond=0))


@lru_cache(maxsize=8)
def _kept(year: int, minute: datetime) -> tuple[datetime, tuple[Group, ...]]:
    # The minute keys the cache, so that a count is a minute old at most.
    return clock.now(), _count(year)


def _count(year: int) -> tuple[Group, ...]:
    first, after = date(year, 1, 1), date(year + 1, 1, 1)
    start, end = (datetime.combine(day, time(), clock.LOCAL) for day in (first, after))
    ended = Q(closed_on__gte=first, closed_on__lt=after)
    over = Q(late=True) | Q(due__lt=clock.today())
    rows = (
        Case.objects.order_by()
        .values_list("definition_id", "stage", "place")
        .annotate(
            every=Count("pk"),
            charged=Count("pk", filter=Q(late=True)),
            over=Count("pk", filter=over),
            opened=Count("pk", filter=Q(opened_at__gte=start, opened_at__lt=end)),
            closed=Count("pk", filter=ended),
            on_time=Count("pk", filter=ended & Q(late=False)),
        )
    )
    rated: dict[tuple[int, str, str], list[int]] = {}
    for definition, stage, place, value, number in (
        Label.objects.filter(name=RATING, case__closed_on__gte=first, case__closed_on__lt=after)
        .order_by()
        .values_list("case__definition_id", "case__stage", "case__place", "value")
        .annotate(n=Count("pk"))
    ):
        pair = rated.setdefault((definition, stage, place), [0, 0])
        pair[0] += number
        pair[1] += 0 if value == UNSATISFIED else number
    stages = [(pk, one, s) for pk, one in holding.definition_numbers().items() for s in one.stages]
    ends = {(pk, s.code) for pk, _, s in stages if s.outcome}
    theirs = {(pk, s.code) for pk, one, s in stages if waits_for_parties(one, s.code)}
    made = []
    for definition, stage, place, every, charged, over, opened, closed, on_time in rows:
        alive = (definition, stage) not in ends
        behind = charged if (definition, stage) in theirs else over
        praise = rated.get((definition, stage, place), (0, 0))
        tally = Tally(opened, every if alive else 0, behind if alive else 0, closed, on_time, *praise)
        made.append(Group(definition, stage, place, tally))
    return tuple(made)


def years() -> tuple[int, ...]:
    """The years that cases were opened in, the present one first; at most ten."""
    first = Case.objects.order_by("pk").values_list("opened_at", flat=True).first()
    last = clock.today().year
    return tuple(range(last, max(first.astimezone(clock.LOCAL).year if first else last, last - 9) - 1, -1))


# What is published: a count below this, of a place below the whole, is not shown (as in the open data).
SMALLEST = 3
COUNTS = ("opened", "open", "closed", "on_time", "rated", "satisfied")


@dataclass(frozen=True, slots=True)
class Published:
    """A line of the public wall: counts, None where one is withheld, and ratios of counts that are shown.

    `beside` are the counts withheld because of another one only.
    """

    code: str
    name: str
    name_en: str
    counts: Mapping[str, int | None]
    drill: str = ""
    beside: frozenset[str] = frozenset()

    @property
    def on_time_rate(self) -> str:
        return self._ratio("on_time", "closed")

    @property
    def satisfaction(self) -> str:
        return self._ratio("satisfied", "rated")

    def _ratio(self, part: str, whole: str) -> str:
        above, below = self.counts[part], self.counts[whole]
        return percent(above, below) if above is not None and below is not None else ""


def for_firms(definition: int, stage: str, place: str) -> bool:
    """Whether the cases of a definition count on the public wall: those that organisations bring for themselves."""
    one = holding.definition_numbers().get(definition)
    return one is not None and any(role.at == "own" for role in one.roles)


def published(place: str, year: int) -> tuple[tuple[Published, ...], Published, datetime]:
    """The lines of the places below one, all of them together, and when they were counted.

    Counts below three are withheld; where one alone of a column is, the next smallest is too, so that no sum tells it. What
    is withheld of a place on the page above it is withheld on its own page altogether.
    """
    found = made(place, year, for_firms)
    above = _above(place, year)
    hidden = {name: _withheld([getattr(r.tally, name) for r in found.by_place]) for name in COUNTS}
    lines = []
    for position, row in enumerate(found.by_place):
        away = {n for n in COUNTS if position in hidden[n] or n in above}
        lines.append(_line(row, {n: None if n in away else getattr(row.tally, n) for n in COUNTS}))
    small = {n for n in COUNTS if getattr(found.total, n) < SMALLEST}
    counts = {n: None if n in above | small else getattr(found.total, n) for n in COUNTS}
    return tuple(lines), _line(Row(place, packs.current().places.name(place), found.total), counts), found.at


def _above(place: str, year: int) -> frozenset[str]:
    """The counts of a place that are withheld on the page of the place above it."""
    pack = packs.current()
    parent = pack.places.parent(place) if place != pack.manifest.root_place else None
    if parent is None:
        return frozenset()
    own = next((line for line in published(parent, year)[0] if line.code == place), None)
    return frozenset(n for n in COUNTS if own is None or own.counts[n] is None)


def _line(row: Row, counts: Mapping[str, int | None]) -> Published:
    known = packs.current().places.places.get(row.code)
    english = (known.name_en if known else "") or row.name
    beside = frozenset(n for n in COUNTS if counts[n] is None and getattr(row.tally, n) >= SMALLEST)
    return Published(row.code, row.name, f"{english} itself" if row.own else english, counts, row.drill, beside)


def _withheld(counts: list[int]) -> set[int]:
    """The positions of the counts that are not shown."""
    order = sorted(range(len(counts)), key=lambda i: counts[i])
    small = [i for i in order if counts[i] < SMALLEST]
    return set(order[:2]) if len(small) == 1 else set(small)
