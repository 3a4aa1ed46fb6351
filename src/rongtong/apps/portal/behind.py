"""Behind a figure (数的背后): the cases it adds up, those the reader may read by name, the others as a count by place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Max, Sum

from rongtong import clock
from rongtong.apps.cases import access, holding, measuring, queries
from rongtong.apps.cases.models import Case
from rongtong.apps.packs import queries as packs
from rongtong.apps.portal.open_queries import SMALLEST
from rongtong.apps.registry.models import Account
from rongtong.engine.figure import Figure
from rongtong.engine.quantity import Quantity, unit

MOST = 50
# A count that is not shown to whoever has not logged in: it is small, or would give a small one away.
HIDDEN = "…"


@dataclass(frozen=True, slots=True)
class Added:
    """A case with what it added to the figure, in all its steps, and the day of the last."""

    case: Case
    words: str
    on: date
    stage: str
    address: str


@dataclass(frozen=True, slots=True)
class Behind:
    """The cases of a figure: `listed` of the `readable` ones, the others by place; `opening` is what no case accounts for."""

    readable: int
    listed: tuple[Added, ...]
    others: tuple[tuple[str, str], ...]
    opening: str

    @property
    def more(self) -> int:
        return self.readable - len(self.listed)


def behind(figure: Figure, reader: Account | AnonymousUser) -> Behind | None:
    """What a value that comes from cases adds up; None for any other figure."""
    key, pack = figure.key, packs.current()
    if key.measure != "value" or key.indicator not in measuring.measured(pack):
        return None
    if key.place not in pack.places.places or key.indicator not in measuring.counted(clock.today()):
        return None
    rows = measuring.behind(key.indicator, key.place, key.period, clock.today(), key.chain).order_by()
    total = rows.aggregate(total=Sum("value"))["total"]
    if total is None:
        return None
    seen = access.visible(reader) if isinstance(reader, Account) else Case.objects.none()
    mine = rows.filter(case__in=seen.values("pk"))
    sums = list(mine.values_list("case_id").annotate(added=Sum("value"), last=Max("on")).order_by("-last", "-case_id"))
    cases = {c.pk: c for c in Case.objects.filter(pk__in=[s[0] for s in sums[:MOST]]).select_related("definition")}
    card = pack.get("indicators", key.indicator)
    listed = tuple(
        Added(
            cases[pk],
            signed(Quantity.stored(added, unit(card.unit))),
            last,
            holding.process_of(cases[pk]).stage(cases[pk].stage).name,
            queries.address(cases[pk]),
        )
        for pk, added, last in sums[:MOST]
    )
    rest = rows.exclude(case__in=seen.values("pk")).values_list("place").annotate(n=Count("case", distinct=True))
    counts = [(pack.places.name(place), number) for place, number in sorted(rest)]
    others = [(name, str(n)) for name, n in counts] if isinstance(reader, Account) else _coarse(counts)
    opening = figure.quantity - Quantity.stored(total, unit(card.unit))
    return Behind(len(sums), listed, tuple(others), signed(opening) if opening.amount else "")


def signed(quantity: Quantity) -> str:
    """A quantity with the sign of what is added."""
    return f"+{quantity}" if quantity.number > 0 else str(quantity)


def _coarse(counts: list[tuple[str, int]]) -> list[tuple[str, str]]:
    """Counts for everybody: a small one is not told, nor, beside a single small one, the next smallest."""
    small = sum(1 for _, n in counts if n < SMALLEST)
    hidden = {name for name, _ in sorted(counts, key=lambda c: (c[1], c[0]))[: 2 if small == 1 else small]}
    return [(name, HIDDEN if name in hidden else str(n)) for name, n in counts]
