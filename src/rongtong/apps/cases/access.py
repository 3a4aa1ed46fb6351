"""Who takes part in which case, and who reads it: by the roles of the process, seen from the place of the case."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_

from django.db.models import Q, QuerySet

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
        own = [place or packs.current().manifest.root_place for held, place in self.grants if held in role.held_by]
        named = Q(account_id=self.account)
        if places := [p for p in own if p]:
            named |= Q(place__in=places)
        if own and self.organisation:
            named |= Q(organisation_id=self.organisation)
        return Q(role=role.code) & named

    def owns(self, role: ProcessRole) -> bool:
        """Whether the account holds this role in the cases of its own organisation."""
        held = any(held in role.held_by for held, _ in self.grants)
        return role.at == "own" and self.organisation is not None and held


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


def roles_in(who: Reach, cases: Iterable[Case]) -> dict[int, frozenset[str]]:
    """`roles_held` in many cases by their number, with at most one query."""
    found: dict[int, set[str]] = {}
    named: dict[int, Q] = {}
    for case in cases:
        process = process_of(case)
        held = {r.code for r in process.roles if (p := who.places(r)) is EVERYWHERE or case.place in p}
        if on_notice(case):
            has = {held_role for held_role, _ in who.grants}
            held |= {r.code for r in process.roles if r.at == "notice" and has & set(r.held_by)}
        if case.organisation_id is not None and case.organisation_id == who.organisation:
            held |= {r.code for r in process.roles if who.owns(r)}
        found[case.pk] = held
        if case.definition_id not in named:
            parts = [who.takes_part(r) for r in process.roles if r.at == "participant"]
            if parts:
                named[case.definition_id] = Q(case__definition_id=case.definition_id) & reduce(or_, parts)
    if named:
        rows = Participant.objects.filter(reduce(or_, named.values()), case_id__in=found)
        for pk, role in rows.values_list("case_id", "role"):
            found[pk].add(role)
    return {pk: frozenset(held) for pk, held in found.items()}


def visible(account: Account) -> QuerySet[Case]:
    """The cases an account may read: by the roles their stage shows itself to, or by the place where nothing is said."""
    who = reach(account)
    cases = Case.objects.select_related("definition")
    return cases if who.operator else cases.filter(_shown(who, lambda process, stage: stage.see))


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
    return who.operator or reads_whole(who, case, roles_held(who, case))


def reads_whole(who: Reach, case: Case, roles: frozenset[str]) -> bool:
    """`reads_all` of an account that reads the case and holds these roles in it."""
    process = process_of(case)
    scope = who.scope() if not process.stage(case.stage).see else frozenset[str]()
    shown = any(not process.role(code).head_only for code in roles)
    return shown or who.operator or scope is EVERYWHERE or case.place in scope


def waiting(account: Account) -> QuerySet[Case]:
    """The open cases whose present stage waits for a role this account holds, whether or not a guard still forbids."""
    return Case.objects.select_related("definition").filter(_shown(reach(account), _awaited), outcome="")


def told_as(account: Account, definition: int, roles: frozenset[str]) -> Q:
    """The rows about cases of a definition, with `case` and `role`, whose role is one of these and held by the account."""
    who, process = reach(account), dict(definitions())[definition]
    alike: dict[_Sight, list[str]] = {}
    for role in sorted(roles & {r.code for r in process.roles}):
        if (sight := _sight(who, process, (role,))) is not None:
            alike.setdefault(sight, []).append(role)
    found = Q(pk__in=())
    for sight, codes in alike.items():
        cases = Case.objects.filter(_sees(who, process, sight), definition_id=definition)
        found |= Q(role__in=codes, case__in=cases)
    return found


def _awaited(process: Process, stage: Stage) -> tuple[str, ...] | None:
    """The roles a stage waits for; None where it waits for nobody."""
    return (tuple(sorted(waits_for(process, stage.code))) or None) if not stage.outcome else None


def _shown(who: Reach, roles_of: Callable[[Process, Stage], tuple[str, ...] | None]) -> Q:
    """The cases in a stage that one of the roles given for it sees: () is whoever reads the place, None nobody.

    Stages with the same sight make one condition: this is asked for every page, and conditions are what it costs.
    """
    shown = Q(pk__in=())
    for definition, process in definitions():
        sights: dict[tuple[str, ...], list[str]] = {}
        for stage in process.stages:
            if (roles := roles_of(process, stage)) is not None:
                sights.setdefault(roles, []).append(stage.code)
        alike: dict[_Sight, list[str]] = {}
        for roles, stages in sights.items():
            if (sight := _sight(who, process, roles)) is not None:
                alike.setdefault(sight, []).extend(stages)
        for sight, stages in alike.items():
            shown |= Q(definition_id=definition, stage__in=stages) & _sees(who, process, sight)
    return shown


@once
def definitions() -> tuple[tuple[int, Process], ...]:
    """Every version that a case ever ran on, with its number."""
    rows = Definition.objects.order_by("pk").values_list("pk", "sha256")
    return tuple((pk, read_definition(pk, sha256)) for pk, sha256 in rows)


@dataclass(frozen=True, slots=True)
class _Sight:
    """By what an account sees cases: their places, its organisation, the roles it is named in as a participant."""

    places: Places
    own: bool = False
    named: tuple[str, ...] = ()


def _sight(who: Reach, process: Process, see: tuple[str, ...]) -> _Sight | None:
    roles = [r for r in process.roles if not see or r.code in see]
    places = _joined([*(who.places(r) for r in roles), *(() if see else (who.scope(),))])
    if places is EVERYWHERE:
        return _Sight(EVERYWHERE)
    own, named = any(who.owns(r) for r in roles), tuple(r.code for r in roles if r.at == "participant")
    return _Sight(places, own, named) if places or own or named else None


def _sees(who: Reach, process: Process, sight: _Sight) -> Q:
    if sight.places is EVERYWHERE:
        return Q()
    found = Q(place__in=sorted(sight.places)) if sight.places else Q(pk__in=())
    if sight.own:
        found |= Q(organisation_id=who.organisation)
    if sight.named:
        rows = [who.takes_part(process.role(code)) for code in sight.named]
        found |= Q(pk__in=Participant.objects.filter(reduce(or_, rows)).values("case_id"))
    return found


def require_role(account: Account, process: Process, roles: Iterable[str], held: frozenset[str], what: str) -> None:
    """Pass when one of the roles is held. Raises Denied, naming who could."""
    wanted = tuple(roles)
    if held & frozenset(wanted):
        return
    names = "、".join(
        f"{process.role(r).name}（{'、'.join(role_name(h) for h in process.role(r).held_by)}）" for r in wanted
    )
    raise Denied(f"{account.name or account.username}不能“{what}”：这一步由{names or '系统'}办理。")
