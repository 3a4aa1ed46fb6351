"""Reading accounts."""

from __future__ import annotations

from dataclasses import dataclass

from rongtong.apps.registry.models import Account
from rongtong.apps.registry.roles import role_name


@dataclass(frozen=True, slots=True)
class Listed:
    """An account as lists show it; `grants` are (role in Chinese, place or "") in the order they were given."""

    username: str
    name: str
    organisation: str
    position: str
    active: bool
    demo: bool
    grants: tuple[tuple[str, str], ...]


def accounts() -> list[Listed]:
    """Every account with its grants, by username."""
    found = Account.objects.select_related("organisation").prefetch_related("grants").order_by("username")
    return [
        Listed(
            username=account.username,
            name=account.name,
            organisation=account.organisation.name if account.organisation else "",
            position=account.position,
            active=account.is_active,
            demo=account.demo,
            grants=tuple((role_name(g.role), g.place) for g in sorted(account.grants.all(), key=lambda g: g.pk)),
        )
        for account in found
    ]


def demo_accounts_in_use() -> tuple[str, ...]:
    """The usernames of demo accounts that can still act. Production does not start while there is one."""
    found = Account.objects.filter(demo=True, is_active=True).order_by("username")
    return tuple(found.values_list("username", flat=True))
