"""Reading accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from rongtong import clock
from rongtong.apps.registry import access, moment, throttle
from rongtong.apps.registry.models import Account, Grant, GrantRequest
from rongtong.apps.registry.places import loaded_tree, within
from rongtong.apps.registry.roles import AUDIT_ADMIN, OPERATOR, SECOND_FACTOR, SECURITY_ADMIN, SYSTEM_ADMIN, role_name

STALE = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Listed:
    """An account as lists show it; `grants` are (role in Chinese, place or "") in the order they were given.

    `stale`: usable and not logged in for ninety days; `by_command`: nobody can log in with it.
    """

    username: str
    name: str
    organisation: str
    position: str
    active: bool
    demo: bool
    grants: tuple[tuple[str, str], ...]
    last_login: datetime | None = None
    stale: bool = False
    by_command: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which accounts a list shows: `words` in username, name or position; a role; a place and all below it."""

    words: str = ""
    role: str = ""
    place: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Duties:
    """Which parts of the administration of accounts an account may do, and whether it may look at all."""

    create: bool
    grant: bool
    audit: bool

    @property
    def any(self) -> bool:
        """Whether the pages of administration are open to the account."""
        return self.create or self.grant or self.audit


def duties(account: Account) -> Duties:
    """The duties of an account, by its administering role in force (三员分立)."""
    held = set(access.grants_in_force(account).values_list("role", flat=True)) if account.is_authenticated else set()
    everything = OPERATOR in held
    return Duties(
        create=everything or SYSTEM_ADMIN in held,
        grant=everything or SECURITY_ADMIN in held,
        audit=everything or AUDIT_ADMIN in held,
    )


def accounts(wanted: Wanted | None = None) -> list[Listed]:
    """Every account with its grants, by username; with `wanted` only those."""
    found = Account.objects.select_related("organisation").prefetch_related("grants").order_by("username")
    listed = [_listed(account) for account in _narrowed(found, wanted)] if wanted else [_listed(a) for a in found]
    if wanted and wanted.state == "stale":
        return [each for each in listed if each.stale]
    return listed


def _narrowed(found: QuerySet[Account], wanted: Wanted) -> list[Account]:
    if wanted.words:
        words = wanted.words.strip()
        found = found.filter(Q(username__icontains=words) | Q(name__icontains=words) | Q(position__icontains=words))
    if wanted.role:
        found = found.filter(grants__role=wanted.role).distinct()
    if wanted.state in ("active", "stale"):
        found = found.filter(is_active=True)
    elif wanted.state == "stopped":
        found = found.filter(is_active=False)
    if not wanted.place:
        return list(found)
    tree = loaded_tree()
    return [a for a in found if any(g.place and within(g.place, wanted.place, tree) for g in a.grants.all())]


def _listed(account: Account) -> Listed:
    return Listed(
        username=account.username,
        name=account.name,
        organisation=account.organisation.name if account.organisation else "",
        position=account.position,
        active=account.is_active,
        demo=account.demo,
        grants=tuple((role_name(g.role), g.place) for g in sorted(account.grants.all(), key=lambda g: g.pk)),
        last_login=account.last_login,
        stale=_stale(account),
        by_command=not account.has_usable_password(),
    )


def _stale(account: Account) -> bool:
    """Whether a usable account has not logged in for ninety days, or never did."""
    if not account.is_active or not account.has_usable_password():
        return False
    return account.last_login is None or moment.now() - account.last_login >= STALE


def holders(role: str) -> QuerySet[Account]:
    """The accounts in use whose grant of a role is in force, with their organisations, by name."""
    held = access.in_force().filter(role=role)
    found = Account.objects.filter(is_active=True, pk__in=held.values("account"))
    return found.select_related("organisation").order_by("name", "username")


@dataclass(frozen=True, slots=True)
class Held:
    """A grant as pages show it: `state` is 有效, 未生效 or 已过期 on today's date."""

    grant: Grant
    name: str
    state: str


def held(account: Account) -> list[Held]:
    """All grants of an account, each with how it stands today."""
    return [Held(g, role_name(g.role), _state(g)) for g in held_grants(account)]


def held_grants(account: Account) -> QuerySet[Grant]:
    """All grants of an account, with who gave those of a deputy."""
    return Grant.objects.filter(account=account).select_related("delegated_by").order_by("pk")


def _state(given: Grant) -> str:
    today = clock.today()
    if given.valid_from and given.valid_from > today:
        return "未生效"
    return "已过期" if given.valid_to and given.valid_to < today else "有效"


def asked_grants(account: Account | None = None) -> QuerySet[GrantRequest]:
    """The roles asked for and not yet granted (待授权), of one account or of all."""
    found = GrantRequest.objects.select_related("account", "asked_by").order_by("pk")
    return found.filter(account=account) if account else found


def locked_until(account: Account) -> datetime | None:
    """Until when the account is locked after failed logins, or None."""
    return throttle.locked_until(throttle.account_key(account.username))


def demo_accounts_in_use() -> tuple[str, ...]:
    """The usernames of demo accounts that can still act. Production does not start while there is one."""
    found = Account.objects.filter(demo=True, is_active=True).order_by("username")
    return tuple(found.values_list("username", flat=True))


def signers_without_factor() -> tuple[str, ...]:
    """The usernames of active accounts that sign or administer and have no one-time codes set up."""
    found = Account.objects.filter(is_active=True, grants__role__in=SECOND_FACTOR).exclude(
        second_factor__confirmed_at__isnull=False
    )
    return tuple(found.distinct().order_by("username").values_list("username", flat=True))
