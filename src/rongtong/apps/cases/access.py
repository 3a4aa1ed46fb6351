"""Who reads which case: by the roles its stage shows itself to, or by its place where nothing is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Case as Either
from django.db.models import Q, QuerySet, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.lookups import Exact

from rongtong.apps.cases.holding import (
    EVERYWHERE,
    Naming,
    Places,
    Reach,
    definition_hashes,
    definition_numbers,
    joined,
    on_notice,
    process_of,
    reach,
    roles_held,
)
from rongtong.apps.cases.models import Case, Participant
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.models import Account
from rongtong.engine.pack.process import Process, Stage
from rongtong.engine.process.state import waits_for
from rongtong.once import reading


@reading()
def visible(account: Account) -> QuerySet[Case]:
    """The cases an account may read: by the roles their stage shows itself to, or by the place where nothing is said.

    For questions about some cases. Whatever goes through all that it may read asks `seen`.
    """
    who = reach(account)
    return rows() if who.operator else rows().filter(_shown(who, Part(), gather=False))


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the cases an account sees: of a process, in a stage, open or closed (None: both); "" is any.

    `whole`: only those of which it reads what was filled in as well. `walk`: the store is to go through them in the order
    asked for until a page is full, instead of gathering all that the account sees and sorting them; quick for who sees one
    in a hundred or more.
    """

    process: str = ""
    stage: str = ""
    closed: bool | None = None
    whole: bool = False
    walk: bool = False

    def takes(self, process: Process, stage: Stage) -> bool:
        """Whether cases of a process in a stage belong to it."""
        of_stage = self.stage in ("", stage.code) and self.closed in (None, bool(stage.outcome))
        return self.process in ("", process.code) and of_stage


@reading()
def seen(account: Account, part: Part) -> QuerySet[Case]:
    """That part of `visible`."""
    found = rows().filter(_shown(reach(account), part, gather=not part.walk))
    if part.walk and part.closed is not None:
        # Said again only where it helps: given a choice, SQLite takes the index of the due days and reads every open case.
        return found.filter(~Q(outcome="") if part.closed else Q(outcome=""))
    return found


# Whoever reads more places than this meets with cases wherever one looks.
FEW_PLACES = 3


def sees_much(account: Account) -> bool:
    """Whether a page of an account's cases is found soonest by walking through all of them (`Part.walk`)."""
    scope = reach(account).scope()
    return scope is EVERYWHERE or len(scope) > FEW_PLACES


def rows() -> QuerySet[Case]:
    """Cases as lists read them: without the text of their definitions, which are kept in memory."""
    return Case.objects.select_related("definition").defer("definition__body")


@reading()
def reads_at(account: Account) -> Callable[[int, str, str], bool]:
    """Whether the account reads the cases of a definition in a stage at a place by its grants, whoever takes part in them:
    what counts by place are filtered with."""
    who = reach(account)
    seen_at: dict[tuple[int, str], Places] = {}
    for definition, process in definition_numbers().items():
        for stage in process.stages:
            by_place = [way.places for way in _ways(who, process, stage.see) if way.by_place]
            seen_at[definition, stage.code] = by_place[0] if by_place else frozenset[str]()

    def reads(definition: int, stage: str, place: str) -> bool:
        places = seen_at.get((definition, stage), frozenset())
        return places is EVERYWHERE or place in places

    return reads


@reading()
def reachable(account: Account, case: Case) -> bool:
    """Whether an account may ask for a step of a case: it reads it, or may object to its notice."""
    if visible(account).filter(pk=case.pk).exists():
        return True
    return on_notice(case) and bool(roles_held(reach(account), case))


@reading()
def reads_all(account: Account, case: Case) -> bool:
    """Whether what was filled in is shown to an account that reads the case, not only what it is and who takes part."""
    who = reach(account)
    return who.operator or is_whole(who, case, roles_held(who, case))


def is_whole(who: Reach, case: Case, codes: Iterable[str]) -> bool:
    """`reads_all` of an account that holds these process roles in a case."""
    process = process_of(case)
    held = [process.role(code) for code in codes]
    stage = process.stage(case.stage)
    scope = who.scope() if not stage.see else frozenset[str]()
    # A notice shows its board only, also to somebody who reads the head of the case for another reason.
    return any(not r.head_only and r.at != "notice" for r in held) or scope is EVERYWHERE or case.place in scope


@reading()
def waiting(account: Account, part: Part | None = None) -> QuerySet[Case]:
    """The open cases whose present stage waits for a role this account holds, whether or not a guard still forbids."""
    return rows().filter(_shown(reach(account), part or Part(), waits=True))


def told_as(account: Account, definition: int, roles: frozenset[str]) -> Q:
    """The rows about cases of a definition, with `case` and `role`, whose role is one of these and held by the account."""
    who, process = reach(account), definition_numbers()[definition]
    alike: dict[_Way, list[str]] = {}
    for role in sorted(roles & {r.code for r in process.roles}):
        for way in _ways(who, process, (role,)):
            alike.setdefault(way, []).append(role)
    found = Q(pk__in=())
    for way, codes in alike.items():
        told = Q(role__in=codes)
        if way.named is None:
            found |= told & Q(case__in=Case.objects.filter(_condition(way), definition_id=definition).values("pk"))
        else:
            stands_for = Q(who.stands_for(way.named.places), role=way.named.role, case__definition=definition)
            found |= told & Q(case__in=Participant.objects.filter(stands_for).values("case_id"))
    return found


def _shown(who: Reach, part: Part, *, waits: bool = False, gather: bool = True) -> Q:
    """The cases of a part that somebody sees, or those that wait for them.

    Gathered, the ways of seeing are one set of numbers: of one condition with an "or" PostgreSQL makes a walk through all
    cases as soon as one way asks another table.
    """
    if not (definitions := definition_hashes()):
        return Q(pk__in=())  # no case was ever opened; there may not even be a rule pack yet
    return _put_together(who, part, waits, gather, definitions, packs.current().fingerprint)


@lru_cache(maxsize=2048)
def _put_together(
    who: Reach, part: Part, waits: bool, gather: bool, definitions: tuple[tuple[int, str], ...], fingerprint: str
) -> Q:
    # The last two arguments are what the answer depends on besides; they key the cache. Every page asks for it, and to put
    # it together takes longer than the rest of many a page.
    ways = _seen_by(who, _awaited if waits else _shown_to, part)
    if not gather or len(ways) < 2:
        return reduce(or_, ways, Q(pk__in=()))
    first, *others = (Case.objects.filter(way).order_by().values("pk") for way in ways)
    return Q(pk__in=_compiled(first.union(*others, all=True)))


def _compiled(numbers: QuerySet[Any, Any]) -> RawSQL:
    """A query of one column as the text that it is in SQL: Django translates a query anew whenever a page asks it."""
    try:
        return RawSQL(*numbers.query.sql_with_params())
    except EmptyResultSet:  # it can be seen that nothing meets it, and Django writes no text for that
        return RawSQL("SELECT 0 WHERE 1 = 0", ())


def _shown_to(_process: Process, stage: Stage) -> tuple[str, ...] | None:
    """The roles a stage shows its cases to; () is whoever reads the place."""
    return stage.see


def _awaited(process: Process, stage: Stage) -> tuple[str, ...] | None:
    """The roles a stage waits for; None where it waits for nobody."""
    return (tuple(sorted(waits_for(process, stage.code))) or None) if not stage.outcome else None


def _seen_by(who: Reach, roles_of: Callable[[Process, Stage], tuple[str, ...] | None], part: Part) -> list[Q]:
    """The ways of seeing, each a condition on cases in a stage that one of the roles given for it sees (None: nobody).

    Stages seen in the same way make one condition, the store has that many fewer to plan. Of a
    part that is walked through no condition offers itself to an index; of one read whole, roles that read the head of a
    case only do not count.
    """
    found: dict[_Way, dict[int, list[str]]] = {}
    for definition, process in definition_numbers().items():
        sights: dict[tuple[str, ...], list[str]] = {}
        for stage in process.stages:
            if part.takes(process, stage) and (roles := roles_of(process, stage)) is not None:
                sights.setdefault(roles, []).append(stage.code)
        for roles, stages in sights.items():
            for way in _ways(who, process, roles, whole=part.whole):
                found.setdefault(way, {}).setdefault(definition, []).extend(stages)
    shown: list[Q] = []
    named: dict[tuple[str, ...], Q] = {}
    for way, of in found.items():
        if way.named is None:
            shown.append(_by(way, of, part))
        else:
            each = (Q(role=way.named.role, case__definition=d, case__stage__in=codes) for d, codes in of.items())
            named[way.named.places] = reduce(or_, each, named.get(way.named.places, Q(pk__in=())))
    for places, rows_of in named.items():
        # One query for all roles that the account stands for alike.
        of_roles = Participant.objects.filter(who.stands_for(places), _unindexed(rows_of))
        shown.append(Q(pk__in=_compiled(of_roles.values("case_id"))))
    return shown


def _by(way: _Way, of: Mapping[int, list[str]], part: Part) -> Q:
    """The cases seen in a way, of each of these definitions in its stages."""
    condition = _condition(way)
    if way.by_place and not part.walk:
        # One by one: each is found by the index of definition, stage and place.
        return reduce(or_, (Q(definition_id=d, stage__in=codes) & condition for d, codes in of.items()))
    known = definition_numbers()
    whole = [d for d, codes in of.items() if len(codes) == len(known[d].stages)]
    parts = (Q(definition_id=d, stage__in=codes) for d, codes in of.items() if d not in whole)
    return _unindexed(reduce(or_, parts, Q(definition_id__in=whole))) & condition


def _unindexed(condition: Q) -> Q:
    """The same condition, of which no part offers itself to an index."""
    return Q(Exact(Either(When(condition, then=Value(1)), default=Value(0)), 1))


@dataclass(frozen=True, slots=True)
class _Way:
    """A way in which an account sees cases: by their place (None: wherever they are), as those of an organisation, as those
    under one of an organisation, or as a participant in a role."""

    by_place: bool = False
    places: Places = None
    own: int | None = None
    above: int | None = None
    named: Naming | None = None


def _ways(who: Reach, process: Process, see: tuple[str, ...], *, whole: bool = False) -> Iterator[_Way]:
    """The ways in which an account sees cases shown to some roles, () being whoever reads the place; any one suffices."""
    roles = [r for r in process.roles if (not see or r.code in see) and not (whole and r.head_only)]
    places = joined([*(who.places(r) for r in roles), *(() if see else (who.scope(),))])
    if places is EVERYWHERE or who.operator:
        yield _Way(by_place=True)
        return
    if places:
        yield _Way(by_place=True, places=places)
    if any(who.owns(r) for r in roles):
        yield _Way(own=who.organisation)
    if any(who.owns_above(r) for r in roles):
        yield _Way(above=who.organisation)
    yield from (_Way(named=who.naming(r)) for r in roles if r.at == "participant")


def _condition(way: _Way) -> Q:
    if way.by_place:
        return Q() if way.places is EVERYWHERE else Q(place__in=sorted(way.places))
    if way.above is not None:
        # Not through the join, which every other row of the list would have to make too.
        return Q(parent__in=_compiled(Case.objects.filter(organisation_id=way.above).values("pk")))
    assert way.own is not None  # neither by place nor above, and nobody is named
    return Q(organisation_id=way.own)
