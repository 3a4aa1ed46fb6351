"""Who takes part in which case, and who reads it: by the roles of the process, seen from the place of the case."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Concat

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

    def stands_for(self, role: ProcessRole, place: str, account: int | None, organisation: int | None) -> bool:
        """Whether a participant of this place, account or organisation in a role is this account: as `takes_part`."""
        own = {place or packs.current().manifest.root_place for held, place in self.grants if held in role.held_by}
        if account == self.account or (place and place in own):
            return True
        return bool(own) and organisation is not None and organisation == self.organisation

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
    process = process_of(case)
    held = {r.code for r in process.roles if (p := who.places(r)) is EVERYWHERE or case.place in p}
    if on_notice(case):
        has = {held_role for held_role, _ in who.grants}
        held |= {r.code for r in process.roles if r.at == "notice" and has & set(r.held_by)}
    above = case.parent if any(who.owns_above(r) for r in process.roles) else None
    held |= who.of_organisations(process, case.organisation_id, above.organisation_id if above else None)
    named = [r for r in process.roles if r.at == "participant" and r.code not in held]
    if named:
        rows = Q(pk__in=())
        for role in named:
            rows |= who.takes_part(role)
        held |= set(Participant.objects.filter(rows, case_id=case.pk).values_list("role", flat=True))
    return frozenset(held)


def visible(account: Account, process: str = "") -> QuerySet[Case]:
    """The cases an account may read, of one process or all: by the roles their stage shows itself to, or by the place where nothing is said."""
    who = reach(account)
    if who.operator:
        return _rows().filter(process=process) if process else _rows()
    return _filtered(who, lambda _, stage: stage.see, process)


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
    who, process = reach(account), process_of(case)
    if who.operator:
        return True
    held = [process.role(code) for code in roles_held(who, case)]
    stage = process.stage(case.stage)
    scope = who.scope() if not stage.see else frozenset[str]()
    # A notice shows its board only, also to somebody who reads the head of the case for another reason.
    return any(not r.head_only and r.at != "notice" for r in held) or scope is EVERYWHERE or case.place in scope


def waiting(account: Account) -> QuerySet[Case]:
    """The open cases whose present stage waits for a role this account holds, whether or not a guard still forbids."""
    return _filtered(reach(account), _awaited).filter(outcome="")


def told_as(account: Account, definition: int, roles: frozenset[str]) -> Q:
    """The rows about cases of a definition, with `case` and `role`, whose role is one of these and held by the account."""
    who, process = reach(account), dict(_definitions())[definition]
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


def _rows() -> QuerySet[Case]:
    """Cases with their definitions, but for the texts of these, which are read once and kept."""
    return Case.objects.select_related("definition").defer("definition__body")


# An account whose places are fewer than one in so many of all is looked for by them; others are found soon anyway.
FEW = 20


def _filtered(who: Reach, roles_of: Callable[[Process, Stage], tuple[str, ...] | None], of: str = "") -> QuerySet[Case]:
    """The cases in a stage that one of the roles given for it sees: () is whoever reads the place, None nobody.

    Stages with the same sight make one condition: this is asked for every page, and conditions are what it costs. Whoever
    sees few places has these, its organisation and its participations said once more for all together: by them a
    database finds its cases among a year's. Others are met with wherever one looks, so there the newest are looked
    through; definition and place are hidden in expressions in the conditions, lest they be looked for.
    """
    places: Places = frozenset()
    shown, own, above, named = Q(pk__in=()), False, False, list[Q]()
    for definition, process in _definitions():
        if of not in ("", process.code):
            continue
        sights: dict[tuple[str, ...], list[str]] = {}
        for stage in process.stages:
            if (roles := roles_of(process, stage)) is not None:
                sights.setdefault(roles, []).append(stage.code)
        alike: dict[_Sight, list[str]] = {}
        for roles, stages in sights.items():
            if (sight := _sight(who, process, roles)) is not None:
                alike.setdefault(sight, []).extend(stages)
        for sight, stages in alike.items():
            shown |= Q(of_definition=definition, stage__in=stages) & _sees(who, process, sight, "of_place")
            places = _joined((places, sight.places))
            own, above = own or sight.own, above or sight.above
            named += [who.takes_part(process.role(code)) for code in sight.named]
    hidden = {"of_definition": F("definition_id") + 0, "of_place": Concat("place", Value(""))}
    rows = _rows().alias(**hidden).filter(shown)
    if places is EVERYWHERE or len(places) * FEW > len(packs.current().places.places):
        return rows.filter(process=of) if of else rows
    few = Q(place__in=sorted(places)) if places else Q(pk__in=())
    if own:
        few |= Q(organisation_id=who.organisation)
    if above:
        few |= _under_own(who)
    if named:
        few |= Q(pk__in=Participant.objects.filter(reduce(or_, named)).values("case_id"))
    return rows.filter(few)


@once
def _definitions() -> tuple[tuple[int, Process], ...]:
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


def _sight(who: Reach, process: Process, see: tuple[str, ...]) -> _Sight | None:
    roles = [r for r in process.roles if not see or r.code in see]
    places = _joined([*(who.places(r) for r in roles), *(() if see else (who.scope(),))])
    if places is EVERYWHERE:
        return _Sight(EVERYWHERE)
    own, above = any(who.owns(r) for r in roles), any(who.owns_above(r) for r in roles)
    named = tuple(r.code for r in roles if r.at == "participant")
    return _Sight(places, own, above, named) if places or own or above or named else None


def _sees(who: Reach, process: Process, sight: _Sight, place: str = "place") -> Q:
    if sight.places is EVERYWHERE:
        return Q()
    found = Q((f"{place}__in", sorted(sight.places))) if sight.places else Q(pk__in=())
    if sight.own:
        found |= Q(organisation_id=who.organisation)
    if sight.above:
        found |= _under_own(who)
    if sight.named:
        rows = [who.takes_part(process.role(code)) for code in sight.named]
        found |= Q(pk__in=Participant.objects.filter(reduce(or_, rows)).values("case_id"))
    return found


def _under_own(who: Reach) -> Q:
    """The cases under those of an account's organisation, which it has; not through the join, which every other row of
    the list would have to make too."""
    return Q(parent__in=Case.objects.filter(organisation_id=who.organisation).values("pk"))


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
