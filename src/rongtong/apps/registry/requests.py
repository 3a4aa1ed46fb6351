"""Roles asked for (待授权): a system administrator creates accounts and asks, a security administrator grants."""

from __future__ import annotations

from datetime import date

from rongtong import clock
from rongtong.apps.records.actions import act
from rongtong.apps.registry.actions import (
    RegistryError,
    account_subject,
    grant,
    grant_problem,
    validity_problem,
)
from rongtong.apps.registry.models import Account, Grant, GrantRequest


def request_grant(
    account: Account,
    role: str,
    place: str = "",
    *,
    actor: Account,
    valid_from: date | None = None,
    valid_to: date | None = None,
) -> GrantRequest:
    """Ask for a role on a place. Raises RegistryError for what could not be granted or was asked before; and Denied."""
    with act("registry.request_grant", actor=actor, subject=account_subject(account)) as this:
        problem = grant_problem(account, role, place, actor) or validity_problem(valid_from, valid_to)
        if problem is None and GrantRequest.objects.filter(account=account, role=role, place=place).exists():
            problem = f"“{account.username}”的这一角色已在待授权清单中。"
        if problem:
            raise RegistryError(problem)
        this.payload |= {"role": role, "place": place}
        return GrantRequest.objects.create(
            account=account,
            role=role,
            place=place,
            valid_from=valid_from,
            valid_to=valid_to,
            asked_by=actor,
            at=clock.now(),
        )


def accept(asked: GrantRequest, *, actor: Account) -> Grant:
    """Grant what was asked for. Raises RegistryError where that is no longer possible, and Denied."""
    given = grant(
        asked.account, asked.role, asked.place, actor=actor, valid_from=asked.valid_from, valid_to=asked.valid_to
    )
    asked.delete()
    return given


def refuse(asked: GrantRequest, *, actor: Account, why: str) -> None:
    """Refuse what was asked for. Raises RegistryError without a reason, and Denied."""
    with act("registry.refuse_grant", actor=actor, subject=account_subject(asked.account)) as this:
        if not why.strip():
            raise RegistryError("不予授权须写明理由。")
        this.payload |= {"role": asked.role, "place": asked.place, "why": why.strip()}
        asked.delete()
