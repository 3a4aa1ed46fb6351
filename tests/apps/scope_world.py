"""Who asks for what in the scope matrix: accounts of each role at each place, and the things that lie at places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from rongtong.apps.cases import access as case_access
from rongtong.apps.cases.models import Case
from rongtong.apps.records.models import Leaf
from rongtong.apps.registry import access
from rongtong.apps.registry.actions import create_account, grant, system_account
from rongtong.apps.registry.models import Account, Failure, Kept, Visit
from rongtong.apps.registry.roles import OUTSIDE

# (role, place); "" is the whole instance. The city and county of the demonstration, and neighbours of both.
HELD = (
    *((role, "") for role in ("provincial_officer", "planner", "editor", "approver", "reader")),
    *((role, "") for role in ("system_admin", "security_admin", "audit_admin")),
    *((role, "330100") for role in ("city_officer", "approver", "reader")),
    *((role, "330102") for role in ("county_officer", "reader")),
    ("city_officer", "330200"),
    ("county_officer", "330203"),
    *((role, "330102") for role in OUTSIDE),
)
# A refusal is written down too; it is no change.
DENIED = "registry.denied"
PASSING = (Session, Visit, Failure, Kept)


@dataclass(frozen=True)
class Asker:
    """Somebody who asks: nobody, or an account with one role at one place."""

    name: str
    account: Account | None
    client: Client

    @property
    def user(self) -> Account | AnonymousUser:
        return self.account or AnonymousUser()

    @cached_property
    def places(self) -> access.Visible:
        return access.visible_places(self.user)  # type: ignore[arg-type]

    @property
    def outside(self) -> bool:
        """Whether the account is from outside the offices."""
        return self.account is not None and self.name.rsplit("-", 1)[0].replace("-", "_") in OUTSIDE

    def reads(self, place: str) -> bool:
        """Whether the place lies within what the account reads; "" is the whole."""
        return self.places.everywhere if place == "" else place in self.places

    def may(self, kind: str, place: str = "") -> bool:
        return access.may(self.user, kind, place)  # type: ignore[arg-type]

    def granted(self, place: str) -> bool:
        """Whether one of the account's grants is for the place or one above: who is from outside reads no place, but the
        cases of a mechanism in which it has a part there."""
        assert self.account is not None
        return any(g.place == "" or access.covers(g.place, place) for g in self.account.grants.all())

    def beside(self, place: str) -> bool:
        """Whether the account's places and this one lie in different branches: neither holds the other."""
        own = self.places
        return not any(p == "" or access.covers(p, place) or access.covers(place, p) for p in own.places)


def askers() -> tuple[Asker, ...]:
    """Nobody, and an account for each role and place."""
    found, system = [Asker("nobody", None, client())], system_account()
    for role, place in HELD:
        name = f"{role}-{place or 'whole'}".replace("_", "-")
        account = create_account(name, name, actor=system, demo=True).account
        grant(account, role, place, actor=system)
        own = client()
        own.force_login(account)
        found.append(Asker(name, account, own))
    return tuple(found)


def client() -> Client:
    return Client(HTTP_HOST="localhost", raise_request_exception=False)


def patterns(resolver: URLResolver | None = None, before: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    """(name, route) of every address the site knows; a name of the API stands after `api:`."""
    for one in (resolver or get_resolver()).url_patterns:
        if isinstance(one, URLResolver):
            yield from patterns(one, before + str(one.pattern), f"{one.namespace}:" if one.namespace else space)
        elif isinstance(one, URLPattern):
            yield f"{space}{one.name}", before + str(one.pattern)


def state() -> dict[str, int]:
    """How many rows each table has, and how many leaves the log, refusals and logins aside."""
    counted = {m._meta.label: m.objects.count() for m in apps.get_models() if m not in PASSING and m is not Leaf}
    counted.pop("records.Payload", None)
    return counted | {"leaves": Leaf.objects.exclude(kind=DENIED).count()}


@dataclass(frozen=True, slots=True)
class Thing:
    """An address about something, and the place that it lies at ("" is the whole)."""

    address: str
    place: str
    case: int = 0


def cases(process: str, name: str, *more: str) -> list[Thing]:
    """The pages of one name about the cases of a process: one case of each place, so that own, child and neighbour occur."""
    by_place: dict[str, Case] = {}
    for case in Case.objects.filter(process=process).order_by("pk") if process else Case.objects.order_by("pk"):
        by_place.setdefault(case.place, case)
    return [Thing(reverse(name, args=[c.pk, *more]), c.place, c.pk) for c in by_place.values()]


def sees(asker: Asker, thing: Thing) -> bool:
    """Whether the case is one the account may read."""
    return asker.account is not None and case_access.visible(asker.account).filter(pk=thing.case).exists()
