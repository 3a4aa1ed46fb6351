"""Roles asked for (待授权): a system administrator creates accounts and asks, a security administrator grants."""

from __future__ import annotations

from datetime import date

from rongtong import clock
from rongtong.apps.records.actions import act
from rongtong.apps.registry.actions import (
    PSEUDONYM,
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


def reactivate(account: Account, *, why: str, actor: Account) -> int:
    """Open a stopped account again; its roles are asked for anew and come back when they are granted.

    Returns how many roles were asked for: those that still run, without those of a deputy. Raises RegistryError without
    a reason or for an account in use; and Denied.
    """
    with act("registry.reactivate", actor=actor, subject=account_subject(account)) as this:
        if not why.strip():
            raise RegistryError("恢复账号须写明理由。")
        if Account.objects.select_for_update().get(pk=account.pk).is_active:
            raise RegistryError(f"“{account.username}”没有停用，不用恢复。")
        if account.username.startswith(PSEUDONYM):
            raise RegistryError(f"“{account.username}”是已注销的账号，不能恢复。本人再来时请另建账号。")
        account.is_active = True
        account.save(update_fields=["is_active"])
        held = list(account.grants.all())
        asked = [g for g in held if g.delegated_by_id is None and (g.valid_to is None or g.valid_to >= clock.today())]
        account.grants.all().delete()
        for one in asked:
            GrantRequest.objects.get_or_create(
                account=account, role=one.role, place=one.place,
                defaults={
                    "valid_from": one.valid_from, "valid_to": one.valid_to, "asked_by": actor, "at": clock.now(),
                },
            )  # fmt: skip
        this.payload |= {"why": why.strip(), "asked": [[g.role, g.place] for g in asked]}
    return len(asked)


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
