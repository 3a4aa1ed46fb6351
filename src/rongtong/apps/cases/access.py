"""Who takes part in which case, and who reads it: by the roles of the process, seen from the place of the case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_

from django.db.models import F, Q, QuerySet
from django.db.models.lookups import Exact

from rongtong.apps.cases.models import Case, Definition, Participant
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.access import Denied, grants_in_force
from rongtong.apps.registry.models import Account
from rongtong.apps.registry.places import within
from rongtong.apps.registry.roles import OPERATOR, OUTSIDE, TRIO, role_name
from rongtong.engine.pack.process import Process, ProcessRole, Stage
from rongtong.engine.process.state import waits_for
from rongtong.once import once

EVERYWHERE = None
Places = frozenset[str] | None


@lru_cache(maxsize=64)
def read_definition(pk: int, sha256: str) -> Process:
    """The process of a stored definition; the hash keys the cache, since numbers come again after a rollback."""
    return Process.model_validate_json(Definition.objects.get(pk=pk).body)


def process_of(case: Case) -> Process:
    """The definition a case runs on."""
    return read_definition(case.definition_id, case.definition.sha256)


@dataclass(frozen=True, slots=True)
class Reach:
    """An account, its organisation and its grants in force as (role, place), without the administrators', who do no
    business."""

    account: int
    grants: tuple[tuple[str, str], ...]
    organisation: int | None = None

    @property
    def operator(self) -> bool:
        return any(role == OPERATOR for role, _ in self.grants)

    def places(self, role: ProcessRole) -> Places:
        """The places of the cases in which the account holds a role; None is everywhere. Participants come on top."""
        if self.operator:
            return EVERYWHERE
        return _joined(_places(role.at, place) for held, place in self.grants if held in role.held_by)

    def scope(self) -> Places:
        """The places the account reads."""
        if self.operator:
            return EVERYWHERE
        return _joined(_places("covering", place) for held, place in self.grants if held not in OUTSIDE)

    def takes_part(self, role: ProcessRole) -> Q:
        """The rows of Participant that stand for this account in a role."""
        own = self._held_for(role)
        named = Q(account_id=self.account)
        if places := [p for p in own if p]:
            named |= Q(place__in=places)
        if own and self.organisation:
            named |= Q(organisation_id=self.organisation)
        return Q(role=role.code) & named

    def is_named(self, role: ProcessRole, one: Participant) -> bool:
        """Whether a row of Participant is one of `takes_part`."""
        own = self._held_for(role)
        by_place = bool(one.place) and one.place in own
        by_organisation = bool(own) and self.organisation is not None and one.organisation_id == self.organisation
        return one.role == role.code and (one.account_id == self.account or by_place or by_organisation)

    def _held_for(self, role: ProcessRole) -> list[str]:
        """The places of the grants that make the account one of those a role is held by."""
        return [place or packs.current().manifest.root_place for held, place in self.grants if held in role.held_by]

    def owns(self, role: ProcessRole) -> bool:
        """Whether the account holds this role in the cases of its own organisation."""
        return role.at == "own" and self._for_organisation(role)

    def owns_above(self, role: ProcessRole) -> bool:
        """Whether the account holds this role in the cases opened under those of its own organisation."""
        return role.at == "parent_own" and self._for_organisation(role)

    def of_organisations(self, process: Process, own: int | None, above: int | None) -> frozenset[str]:
        """The roles held in a case of the organisation `own`, opened under one of the organisation `above`."""
        found = {r.code for r in process.roles if own is not None and own == self.organisation and self.owns(r)}
        if above is not None and above == self.organisation:
            found |= {r.code for r in process.roles if self.owns_above(r)}
        return frozenset(found)

    def _for_organisation(self, role: ProcessRole) -> bool:
        return self.organisation is not None and any(held in role.held_by for held, _ in self.grants)


@once
def reach(account: Account) -> Reach:
    """What an account brings along. An inactive or anonymous one brings nothing."""
    if not (account.is_authenticated and account.is_active):
        return Reach(0, ())
    rows = grants_in_force(account).filter(account__is_active=True).values_list("role", "place")
    grants = tuple((role, place) for role, place in rows if role not in TRIO)
    return Reach(account.pk, grants, account.organisation_id)


def _joined(parts: Iterable[Places]) -> Places:
    found: frozenset[str] = frozenset()
    for part in parts:
        if part is EVERYWHERE:
            return EVERYWHERE
        found |= part
    return found


def _places(at: str, place: str) -> Places:
    pack = packs.current()
    return _places_in(pack.fingerprint, at, place)


@lru_cache(maxsize=512)
def _places_in(fingerprint: str, at: str, place: str) -> Places:
    # The fingerprint keys the cache: the tree of places is the pack's.
    pack = packs.current()
    tree, root = pack.places, pack.manifest.root_place
    here = place or root
    if at == "self":
        return frozenset({here})
    if at == "parent":
        return frozenset(tree.children(here))
    if at == "root":
        return EVERYWHERE if here == root else frozenset()
    if at == "covering":
        return EVERYWHERE if not place else frozenset(c for c in tree.places if within(c, place, tree))
    if at == "below":
        return frozenset(c for c in tree.places if within(here, c, tree))
    return frozenset()


def roles_held(who: Reach, case: Case) -> frozenset[str]:
    """The process roles an account holds in a case."""
    return roles_in(who, [case])[case.pk]


def roles_in(who: Reach, cases: Iterable[Case]) -> Mapping[int, frozenset[str]]:
    """Case number → the process roles an account holds in it; asks the store at most twice for all of them."""
    found: dict[int, set[str]] = {}
    named: dict[tuple[int, str], ProcessRole] = {}
    many = list(cases)
    above = _organisations_above(who, many)
    for case in many:
        process = process_of(case)
        held = {r.code for r in process.roles if (p := who.places(r)) is EVERYWHERE or case.place in p}
        if on_notice(case):
            has = {held_role for held_role, _ in who.grants}
            held |= {r.code for r in process.roles if r.at == "notice" and has & set(r.held_by)}
        held |= who.of_organisations(process, case.organisation_id, above.get(case.parent_id))
        named |= {(case.pk, r.code): r for r in process.roles if r.at == "participant" and r.code not in held}
        found[case.pk] = held
    if named:
        for one in Participant.objects.filter(case_id__in={pk for pk, _ in named}):
            role = named.get((one.case_id, one.role))
            if role is not None and who.is_named(role, one):
                found[one.case_id].add(one.role)
    return {pk: frozenset(held) for pk, held in found.items()}


def _organisations_above(who: Reach, cases: Iterable[Case]) -> Mapping[int | None, int | None]:
    """Number of the case above → the organisation whose case that is, where the account could hold a role by it."""
    parents = {c.parent_id for c in cases if c.parent_id and any(who.owns_above(r) for r in process_of(c).roles)}
    return dict(Case.objects.filter(pk__in=parents).values_list("pk", "organisation_id")) if parents else {}


def visible(account: Account) -> QuerySet[Case]:
    """The cases an account may read: by the roles their stage shows itself to, or by the place where nothing is said."""
    who = reach(account)
    return rows() if who.operator else rows().filter(_shown(who, lambda process, stage: stage.see))


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


def seen(account: Account, part: Part) -> QuerySet[Case]:
    """That part of `visible`."""

    def roles_of(process: Process, stage: Stage) -> tuple[str, ...] | None:
        return stage.see if part.takes(process, stage) else None

    found = rows().filter(_shown(reach(account), roles_of, part))
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


def reads_at(account: Account) -> Callable[[int, str, str], bool]:
    """Whether the account reads the cases of a definition in a stage at a place by its grants, whoever takes part in them:
    what counts by place are filtered with."""
    who = reach(account)
    seen_at: dict[tuple[int, str], Places] = {}
    for definition, process in _definitions():
        for stage in process.stages:
            sight = _sight(who, process, stage.see)
            seen_at[definition, stage.code] = sight.places if sight else frozenset[str]()

    def reads(definition: int, stage: str, place: str) -> bool:
        places = seen_at.get((definition, stage), frozenset())
        return places is EVERYWHERE or place in places

    return reads


def definition_numbers() -> Mapping[int, Process]:
    """Number → process of every definition that cases run on."""
    return dict(_definitions())


def on_notice(case: Case) -> bool:
    """Whether a case is on public notice now."""
    return process_of(case).stage(case.stage).notice is not None


def reachable(account: Account, case: Case) -> bool:
    """Whether an account may ask for a step of a case: it reads it, or may object to its notice."""
    if visible(account).filter(pk=case.pk).exists():
        return True
    return on_notice(case) and bool(roles_held(reach(account), case))


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


def waiting(account: Account, part: Part | None = None) -> QuerySet[Case]:
    """The open cases whose present stage waits for a role this account holds, whether or not a guard still forbids."""
    chosen = part or Part()

    def roles_of(process: Process, stage: Stage) -> tuple[str, ...] | None:
        return _awaited(process, stage) if chosen.takes(process, stage) else None

    return rows().filter(_shown(reach(account), roles_of, chosen))


def told_as(account: Account, definition: int, roles: frozenset[str]) -> Q:
    """The rows about cases of a definition, with `case` and `role`, whose role is one of these and held by the account."""
    who, process = reach(account), dict(_definitions())[definition]
    alike: dict[_Sight, list[str]] = {}
    for role in sorted(roles & {r.code for r in process.roles}):
        if (sight := _sight(who, process, (role,))) is not None:
            alike.setdefault(sight, []).append(role)
    found = Q(pk__in=())
    for sight, codes in alike.items():
        for index, condition in _sees(who, process, sight):
            cases = Case.objects.filter(_of(definition, index) & condition)
            found |= Q(role__in=codes, case__in=cases.values("pk"))
    return found


def _awaited(process: Process, stage: Stage) -> tuple[str, ...] | None:
    """The roles a stage waits for; None where it waits for nobody."""
    return (tuple(sorted(waits_for(process, stage.code))) or None) if not stage.outcome else None


def _shown(who: Reach, roles_of: Callable[[Process, Stage], tuple[str, ...] | None], part: Part | None = None) -> Q:
    """The cases in a stage that one of the roles given for it sees: () is whoever reads the place, None nobody.

    Stages with the same sight make one condition: this is asked for every page, and conditions are what it costs. Of a
    part that is walked through no condition offers itself to an index; of one read whole, roles that read the head of a
    case only do not count.
    """
    chosen = part or Part()
    shown = Q(pk__in=())
    for definition, process in _definitions():
        sights: dict[tuple[str, ...], list[str]] = {}
        for stage in process.stages:
            if (roles := roles_of(process, stage)) is not None:
                sights.setdefault(roles, []).append(stage.code)
        alike: dict[_Sight, list[str]] = {}
        for roles, stages in sights.items():
            if (sight := _sight(who, process, roles, whole=chosen.whole)) is not None:
                alike.setdefault(sight, []).extend(stages)
        for sight, stages in alike.items():
            for index, condition in _sees(who, process, sight):
                shown |= _of(definition, index and not chosen.walk) & Q(stage__in=stages) & condition
    return shown


def _of(definition: int, index: bool) -> Q:
    """The cases of a definition, found by the index of definition, stage and place, or by other conditions."""
    return Q(definition_id=definition) if index else Q(Exact(F("definition_id") + 0, definition))


def definitions() -> tuple[Process, ...]:
    """Every definition that cases run on, the oldest first."""
    return tuple(process for _, process in _definitions())


@once
def _definitions() -> tuple[tuple[int, Process], ...]:
    """Every version that a case ever ran on, with its number."""
    rows = Definition.objects.order_by("pk").values_list("pk", "sha256")
    return tuple((pk, read_definition(pk, sha256)) for pk, sha256 in rows)


@dataclass(frozen=True, slots=True)
class _Sight:
    """By what an account sees cases: their places, its organisation as theirs or as that of the case above, the roles it
    is named in as a participant."""

    places: Places
    own: bool = False
    above: bool = False
    named: tuple[str, ...] = ()


def _sight(who: Reach, process: Process, see: tuple[str, ...], *, whole: bool = False) -> _Sight | None:
    roles = [r for r in process.roles if (not see or r.code in see) and not (whole and r.head_only)]
    places = _joined([*(who.places(r) for r in roles), *(() if see else (who.scope(),))])
    if who.operator or places is EVERYWHERE:
        return _Sight(EVERYWHERE)
    own, above = any(who.owns(r) for r in roles), any(who.owns_above(r) for r in roles)
    named = tuple(r.code for r in roles if r.at == "participant")
    return _Sight(places, own, above, named) if places or own or above or named else None


def _sees(who: Reach, process: Process, sight: _Sight) -> Iterator[tuple[bool, Q]]:
    """The conditions of a sight, any of which suffices, each with whether the index of places finds its cases."""
    if sight.places is EVERYWHERE:
        yield True, Q()
        return
    if sight.places:
        yield True, Q(place__in=sorted(sight.places))
    if sight.own:
        yield False, Q(organisation_id=who.organisation)
    if sight.above and who.organisation is not None:
        # Not through the join, which every other row of the list would have to make too.
        yield False, Q(parent__in=Case.objects.filter(organisation_id=who.organisation).values("pk"))
    if sight.named:
        parts = [who.takes_part(process.role(code)) for code in sight.named]
        yield False, Q(pk__in=Participant.objects.filter(reduce(or_, parts)).values("case_id"))


def knows(process: Process, role: str, held: frozenset[str]) -> bool:
    """Whether somebody who holds these roles of a case learns who else has a role in it."""
    wanted = next((r.known_to for r in process.roles if r.code == role), ())
    return not wanted or bool(held & set(wanted))


def require_role(account: Account, process: Process, roles: Iterable[str], held: frozenset[str], what: str) -> None:
    """Pass when one of the roles is held. Raises Denied, naming who could."""
    wanted = tuple(roles)
    if held & frozenset(wanted):
        return
    names = "、".join(
        f"{process.role(r).name}（{'、'.join(role_name(h) for h in process.role(r).held_by)}）" for r in wanted
    )
    raise Denied(f"{account.name or account.username}不能“{what}”：这一步由{names or '系统'}办理。")
