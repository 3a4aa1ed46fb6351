"""Who takes part in which case: the roles of its process that an account holds in it, seen from the place of the case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from django.db.models import Q

from rongtong.apps.cases.models import Case, Definition, Participant
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.access import Denied, grants_in_force
from rongtong.apps.registry.models import Account
from rongtong.apps.registry.places import within
from rongtong.apps.registry.roles import OPERATOR, OUTSIDE, TRIO, role_name
from rongtong.engine.pack.process import Process, ProcessRole
from rongtong.once import once, reading

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
class Naming:
    """A role in which an account may be a participant: by its number, or by a place or its organisation where one of its
    grants makes it one of those the role is held by. `places` are those of these grants."""

    role: str
    places: tuple[str, ...]


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
        return joined(_places(role.at, place) for held, place in self.grants if held in role.held_by)

    def scope(self) -> Places:
        """The places the account reads."""
        if self.operator:
            return EVERYWHERE
        return joined(_places("covering", place) for held, place in self.grants if held not in OUTSIDE)

    def naming(self, role: ProcessRole) -> Naming:
        """How a participant in a role may be named that this account stands for."""
        root = packs.current().manifest.root_place
        return Naming(role.code, tuple(sorted(place or root for held, place in self.grants if held in role.held_by)))

    def stands_for(self, places: tuple[str, ...]) -> Q:
        """The rows of Participant, whatever their role, that stand for an account with a naming of these places."""
        found = Q(account_id=self.account)
        if places:
            found |= Q(place__in=places)
        if places and self.organisation:
            found |= Q(organisation_id=self.organisation)
        return found

    def is_named(self, role: ProcessRole, one: Participant) -> bool:
        """Whether a row of Participant stands for this account in a role."""
        naming = self.naming(role)
        by_place = bool(one.place) and one.place in naming.places
        own = self.organisation if naming.places else None
        by_organisation = own is not None and one.organisation_id == own
        return one.role == naming.role and (one.account_id == self.account or by_place or by_organisation)

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


def joined(parts: Iterable[Places]) -> Places:
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


@reading()
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


def on_notice(case: Case) -> bool:
    """Whether a case is on public notice now."""
    return process_of(case).stage(case.stage).notice is not None


@once
def definition_numbers() -> Mapping[int, Process]:
    """Number → process of every version that a case ever ran on, the oldest first."""
    return {pk: read_definition(pk, sha256) for pk, sha256 in definition_hashes()}


@once
def definition_hashes() -> tuple[tuple[int, str], ...]:
    """The number of each of these versions, with the hash of its text."""
    return tuple(Definition.objects.order_by("pk").values_list("pk", "sha256"))


def definitions() -> tuple[Process, ...]:
    """Every definition that cases run on, the oldest first."""
    return tuple(definition_numbers().values())


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
