"""Who may do what where. Every write asks `require`; every protected read asks `visible_places`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from rongtong import clock
from rongtong.apps.registry.models import Account, Grant
from rongtong.apps.registry.places import loaded_tree, within
from rongtong.apps.registry.roles import EVERYONE, OUTSIDE, ROLES, matches, role_name
from rongtong.engine.place import PlaceTree
from rongtong.once import once


class Denied(Exception):
    """An account may not do this there; the message says who, what and in which scope."""


@dataclass(frozen=True, slots=True)
class Denial:
    """A refusal of `require`: whose, of what kind of action, about which place."""

    actor: Account
    kind: str
    place: str


_denials: ContextVar[list[Denial] | None] = ContextVar("denials", default=None)


@contextmanager
def noted_denials() -> Iterator[list[Denial]]:
    """The refusals of known accounts within the block, also those that the block itself handles."""
    noted: list[Denial] = []
    token = _denials.set(noted)
    try:
        yield noted
    finally:
        _denials.reset(token)


@dataclass(frozen=True, slots=True)
class Visible:
    """The places whose protected rows an account reads: the topmost codes of its grants; the empty code is everywhere.

    `code in visible` tells whether a place lies within.
    """

    places: tuple[str, ...]
    tree: PlaceTree | None = field(default=None, repr=False, compare=False)

    @property
    def everywhere(self) -> bool:
        """Whether nothing is hidden."""
        return "" in self.places

    def __contains__(self, place: object) -> bool:
        return isinstance(place, str) and any(within(place, scope, self.tree) for scope in self.places)


def account_of(request: HttpRequest) -> Account:
    """The account of a request that has passed a login check."""
    assert isinstance(request.user, Account)
    return request.user


def require(actor: Account, kind: str, place: str = "") -> None:
    """Pass when the actor may do this kind of action about this place, else raise Denied.

    An action about no place ("") needs a grant for the whole instance.
    """
    if not may(actor, kind, place):
        note_denial(actor, kind, place)
        raise Denied(_refusal(actor, kind, place))


def note_denial(actor: Account, kind: str, place: str) -> None:
    """Remember a refusal for the log; the same one in a row counts once."""
    noted, denial = _denials.get(), Denial(actor, kind, place)
    if noted is not None and actor.is_authenticated and noted[-1:] != [denial]:
        noted.append(denial)


def may(actor: Account, kind: str, place: str = "") -> bool:
    """Whether an active account holds, today, a role that allows the action on the place or above it."""
    if not _active(actor):
        return False
    if matches(EVERYONE, kind):
        return True
    return any(ROLES[g.role].allowed(kind) and covers(g.place, place) for g in held_grants(actor))


def visible_places(account: Account) -> Visible:
    """Where the account reads: the places of its grants in force of roles that read, without those below another."""
    if not _active(account):
        return Visible(())
    tree = loaded_tree()
    scopes = sorted({g.place for g in held_grants(account) if g.role not in OUTSIDE})
    return Visible(tuple(s for s in scopes if not any(o != s and within(s, o, tree) for o in scopes)), tree)


def grants_in_force(account: Account) -> QuerySet[Grant]:
    """The grants of an account whose validity includes today."""
    return in_force().filter(account_id=account.pk).order_by("pk")


def in_force() -> QuerySet[Grant]:
    """The grants whose validity includes today."""
    today = clock.today()
    return Grant.objects.filter(
        Q(valid_from__isnull=True) | Q(valid_from__lte=today), Q(valid_to__isnull=True) | Q(valid_to__gte=today)
    )


@once
def held_grants(account: Account) -> tuple[Grant, ...]:
    """The grants of an account in force, asked once by a page that asks whether the account may do this and that."""
    return tuple(grants_in_force(account))


def covers(scope: str, place: str) -> bool:
    """Whether a grant on `scope` reaches `place`: the same place or below it in the loaded packs' tree of places."""
    if scope in ("", place) or not place:
        return scope in ("", place)
    return within(place, scope, loaded_tree())


@once
def _active(account: Account) -> bool:
    # Asked of the database: an account that was stopped a moment ago may still be in memory as active.
    return account.is_authenticated and Account.objects.filter(pk=account.pk, is_active=True).exists()


def _refusal(actor: Account, kind: str, place: str) -> str:
    who = f"{getattr(actor, 'name', '') or '未登录用户'}({getattr(actor, 'username', '') or '无账号'})"
    where = f"地区 {place}" if place else "全域（未限定地区）"
    if not _active(actor):
        return f"{who} 不能执行“{kind}”：账号未登录或已停用。请联系系统管理员。"
    held = "、".join(f"{role_name(g.role)}@{g.place or '全域'}" for g in held_grants(actor)) or "无"
    able = "、".join(r.name for r in ROLES.values() if r.allowed(kind))
    return (
        f"{who} 无权在{where}执行“{kind}”。现有授权：{held}；该操作需要其中之一：{able}，且范围包含{where}。"
        "请由安全管理员授权。"
    )
