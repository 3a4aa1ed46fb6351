"""What an amendment would move, before it is published: every lamp, rank and figure of the boards it reaches, the lamps of
the commitments ledger and of open 督办, whether targets are met, and the balances of targets.

Both packs are asked today's known facts; nothing is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache, partial
from typing import Any

from rongtong import clock
from rongtong.apps.cases import supervision_queries as supervision
from rongtong.apps.observations import queries as observations
from rongtong.apps.packs import queries as packs
from rongtong.apps.packs.amend_boards import LAMP, RANKS, Moved, Packs, moved
from rongtong.apps.packs.amend_queries import Laid
from rongtong.apps.planning import goals, pages_ledger
from rongtong.apps.planning import queries as planning
from rongtong.apps.registry.models import Account
from rongtong.engine.pace import Lamp
from rongtong.engine.period import Period
from rongtong.engine.target import Difference

MET = {True: "已达到", False: "未达到", None: "—"}


@dataclass(frozen=True, slots=True)
class Group:
    """What moves of one indicator, or of the ledger or the 督办, in one period."""

    about: str
    period: str
    rows: tuple[Moved, ...]


@dataclass(frozen=True, slots=True)
class Effect:
    """Everything that would move, which boards were looked at, and what could not be computed."""

    lamps: tuple[Moved, ...] = ()
    ranks: tuple[Moved, ...] = ()
    figures: tuple[Moved, ...] = ()
    boards: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        return not (self.lamps or self.ranks or self.figures or self.failed)

    @property
    def sections(self) -> tuple[tuple[str, int, tuple[Group, ...]], ...]:
        """(what, how many, by indicator and period) of lamps, ranks and figures, those of which any move."""
        all_three = ((LAMP, self.lamps), ("位次", self.ranks), ("数", self.figures))
        return tuple((word, len(rows), _grouped(rows)) for word, rows in all_three if rows)


def _grouped(rows: Iterable[Moved]) -> tuple[Group, ...]:
    groups: dict[tuple[str, str], list[Moved]] = {}
    for row in rows:
        groups.setdefault((row.about, row.period), []).append(row)
    return tuple(Group(*key, tuple(found)) for key, found in groups.items())


def effect(laid: Laid, reader: Account | None = None) -> Effect:
    """What moves between two packs; of 督办 what the reader may read. Nothing can be said of a pack that cannot be read."""
    if laid.after is None:
        return Effect(failed=("修订后的规则包读不出来，先改正检查指出的问题。",))
    both = Packs.of(laid.before, laid.after)
    state = f"{laid.before.fingerprint} {laid.after.fingerprint} {observations.state()} {goals.state()}"
    found, looked, failed = _computed(_Asked(state, clock.today(), both))
    return _effect([*found, *(_tasks(both, reader) if reader else ())], looked, failed)


def _effect(found: Iterable[Moved], looked: tuple[str, ...], failed: tuple[str, ...]) -> Effect:
    rows = list(found)
    return Effect(
        tuple(m for m in rows if m.measure == LAMP),
        tuple(m for m in rows if m.measure in RANKS),
        tuple(m for m in rows if m.measure != LAMP and m.measure not in RANKS),
        looked,
        failed,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the answer depends on; the packs themselves are named by their fingerprints in `state`."""

    state: str
    day: date
    both: Packs = field(compare=False, repr=False)


@lru_cache(maxsize=32)
def _computed(asked: _Asked) -> tuple[tuple[Moved, ...], tuple[str, ...], tuple[str, ...]]:
    both = asked.both
    found, looked, failed = moved(both, asked.day)
    for part in (_promises, _verdicts, _balances):
        try:
            found += part(both)
        except ValueError as error:  # an amended target in a unit that its indicator has not
            failed.append(str(error))
    return tuple(found), tuple(looked), tuple(dict.fromkeys(failed))


def _promises(both: Packs) -> Iterator[Moved]:
    """The lamps of the commitments ledger, and whether commitments are met."""
    was, now = _under(both, lambda: {e.item.id: e for e in pages_ledger.entries()})
    for code, entry in now.items():
        old = was.get(code)
        about, period = "承诺一本账", entry.period or "—"
        a, b = old.lamp if old else None, entry.lamp
        if _code(a) != _code(b):
            where = f"{code} {entry.name}"
            yield Moved(about, period, where, LAMP, str(a or "—"), str(b or "—"), "", a, b)


def _verdicts(both: Packs) -> Iterator[Moved]:
    """Whether targets are met by what is known, and the numbers of those that are no level of a year."""
    packs_of = (both.before, both.after)
    periods = [Period.parse(t.period) for p in packs_of for t in p.all("targets")]
    for year in sorted({y for p in periods for y in range(p.first_day.year, p.last_day.year + 1)}):
        was, now = _under(both, partial(_goals, year))
        for code in dict.fromkeys([*was, *now]):
            old, new = was.get(code), now.get(code)
            words = (new or was[code]).card.name, f"{year}年", f"目标 {code}"
            before, after = (MET[g.met] if g else "—" for g in (old, new))
            if before != after:
                yield Moved(*words, "是否达到", before, after)
            before, after = (f"{g.figure.text} {g.figure.unit}" if g and g.figure else "—" for g in (old, new))
            if before != after:
                yield Moved(*words, "目标值", before, after)


def _balances(both: Packs) -> Iterator[Moved]:
    """The differences between published totals and their published parts."""
    years = {Period.parse(b.period).year for p in (both.before, both.after) for b in p.all("balances")}
    for year in sorted(years):
        was, now = _under(both, partial(_sums, year))
        for code in dict.fromkeys([*was, *now]):
            both_ways = was.get(code), now.get(code)
            before, after = (f"{d.difference.text} {d.difference.unit}" if d else "—" for d in both_ways)
            if before != after:
                yield Moved("目标的合计与各项", f"{year}年", code, "差额", before, after)


def _tasks(both: Packs, reader: Account) -> Iterator[Moved]:
    """The lamps of the deadlines of open 督办."""
    if not both.codes("lamps"):
        return
    was, now = _under(both, lambda: {i.case.pk: i for i in supervision.ledger(reader)})
    for pk, item in now.items():
        a, b = was[pk].lamp, item.lamp
        if _code(a) != _code(b):
            where = f"{item.number} {item.case.title}"
            yield Moved("督办时限", "今天", where, LAMP, str(a or "—"), str(b or "—"), "", a, b)


def _goals(year: int) -> dict[str, planning.Goal]:
    return {g.target.code: g for g in planning.targets(year)}


def _sums(year: int) -> dict[str, Difference]:
    return {d.balance.code: d for d in planning.balances(year)}


def _under(both: Packs, ask: Callable[[], Mapping[Any, Any]]) -> list[dict[Any, Any]]:
    """The answers under the packs as they are and as amended."""
    found = []
    for pack in (both.before, both.after):
        with packs.supposing(pack):
            found.append(dict(ask()))
    return found


def _code(lamp: Lamp | None) -> str:
    return lamp.code if lamp else ""
