"""Reading what was told (提醒): of the cases an account reads, in the roles it holds in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_

from rongtong.apps.cases import access, holding, queries
from rongtong.apps.cases.models import Case, Obligation, Told
from rongtong.apps.registry.models import Account

MOST = 50


@dataclass(frozen=True, slots=True)
class Line:
    """A reminder: the case and its page, which clock or due it is about, since when it stands, a lamp and its word."""

    case: Case
    address: str
    about: str
    on: date
    due: date
    lamp: str
    word: str


def told(account: Account, since: date) -> tuple[Line, ...]:
    """What was told to an account after a day, the newest first; a clock or due told again stands once, as told last."""
    recent = Told.objects.filter(on__gt=since).exclude(role="")
    pairs: dict[int, set[str]] = {}
    for definition, role in recent.order_by().values_list("case__definition", "role").distinct():
        pairs.setdefault(definition, set()).add(role)
    mine = [access.told_as(account, definition, frozenset(roles)) for definition, roles in sorted(pairs.items())]
    if not mine:
        return ()
    rows = recent.filter(reduce(or_, mine), case__in=access.visible(account)).select_related("case__definition")
    found: dict[tuple[int, str], Told] = {}
    for row in rows.order_by("-on", "-pk")[: 2 * MOST]:
        found.setdefault((row.case_id, about(row.key)), row)
    names = _due_names(found.values())
    lines = []
    for row in list(found.values())[:MOST]:
        process = holding.process_of(row.case)
        one = next((c for c in process.reminding if c.code == about(row.key)), None)
        name = one.name if one else names.get((row.case_id, about(row.key))) or process.stage(row.case.stage).name
        lapsed = one is not None and one.lapses
        lamp, word = ("blue", "临期") if row.kind == "warn" else ("grey", "期满") if lapsed else ("red", "已超期")
        lines.append(Line(row.case, queries.address(row.case), name, row.on, row.due, lamp, word))
    return tuple(lines)


def about(key: str) -> str:
    """The clock, or `due:` and the number of the due, that the key of a reminder is of."""
    return key.partition("/")[0]


def _due_names(rows: Iterable[Told]) -> dict[tuple[int, str], str]:
    """(case, `due:NUMBER`) → the name of the due, for the rows that are about one."""
    cases = {r.case_id for r in rows if r.key.startswith("due:")}
    found = Obligation.objects.filter(case_id__in=cases).values_list("case_id", "number", "name") if cases else ()
    return {(case, f"due:{number}"): name for case, number, name in found}
