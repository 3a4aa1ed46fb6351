"""Deputies (代理): an officer lets another account act in the officer's own role and place for at most thirty days."""

from __future__ import annotations

from datetime import date, timedelta

from django.db.models import QuerySet

from rongtong import clock
from rongtong.apps.records.actions import act
from rongtong.apps.registry import access
from rongtong.apps.registry.actions import RegistryError, account_subject, validity_problem
from rongtong.apps.registry.models import Account, Grant
from rongtong.apps.registry.roles import OPERATOR, TRIO, role_name

LONGEST = timedelta(days=30)


def delegable(account: Account) -> QuerySet[Grant]:
    """The grants that the account may let a deputy use: its own, neither administration nor itself a deputy's."""
    return access.grants_in_force(account).filter(delegated_by__isnull=True).exclude(role__in=(*TRIO, OPERATOR))


def given_by(account: Account) -> QuerySet[Grant]:
    """The grants of the account's deputies, also those still to begin and those that ran out."""
    return Grant.objects.filter(delegated_by=account).select_related("account").order_by("valid_from", "pk")


def delegate(own: Grant, username: str, valid_from: date, valid_to: date, *, actor: Account) -> Grant:
    """Let an account act in `own` role and place for these days.

    Raises RegistryError for a grant that is not the actor's to pass on, an unknown, stopped or own account, days in the
    wrong order, past, over thirty or beyond the own grant's, and a role held there already.
    """
    with act("registry.delegate", actor=actor, place=own.place, subject=f"account:{username.strip().lower()}") as this:
        if own not in delegable(actor):
            raise RegistryError("只能把本人正在行使的业务角色交人代理；三员和代理所得的角色不能转交。")
        deputy = Account.objects.filter(username=username.strip().lower(), is_active=True).first()
        if deputy is None:
            raise RegistryError(f"没有可用的账号“{username.strip()}”。请填代理人的用户名。")
        problem = _problem(own, deputy, valid_from, valid_to, actor)
        if problem:
            raise RegistryError(problem)
        # A deputyship that ran out makes room for a new one.
        Grant.objects.filter(
            account=deputy, role=own.role, place=own.place, delegated_by__isnull=False, valid_to__lt=clock.today()
        ).delete()
        if Grant.objects.filter(account=deputy, role=own.role, place=own.place).exists():
            raise RegistryError(f"“{deputy.username}”在该地区已有“{role_name(own.role)}”，不需要代理。")
        this.payload |= {
            "role": own.role,
            "place": own.place,
            "valid_from": valid_from.isoformat(),
            "valid_to": valid_to.isoformat(),
        }
        return Grant.objects.create(
            account=deputy,
            role=own.role,
            place=own.place,
            valid_from=valid_from,
            valid_to=valid_to,
            delegated_by=actor,
        )


def end(given: Grant, *, actor: Account) -> None:
    """Take a deputyship back before its end. Raises RegistryError for one that is not the actor's."""
    with act("registry.end_delegation", actor=actor, place=given.place, subject=account_subject(given.account)) as this:
        if given.delegated_by_id != actor.pk or not Grant.objects.filter(pk=given.pk).exists():
            raise RegistryError("这项代理不是您给出的，或者已经收回。")
        this.payload |= {"role": given.role, "place": given.place}
        given.delete()


def _problem(own: Grant, deputy: Account, valid_from: date, valid_to: date, actor: Account) -> str | None:
    if deputy.pk == actor.pk:
        return "不能由本人代理本人。请填另一个账号。"
    problem = validity_problem(valid_from, valid_to)
    if problem:
        return problem
    if valid_to < clock.today():
        return f"截止日期 {valid_to} 已经过去。请填今天或以后的日期。"
    if valid_to - valid_from >= LONGEST:
        return f"代理最长 {LONGEST.days} 天，现为 {(valid_to - valid_from).days + 1} 天。请缩短，到期可再交。"
    if own.valid_to and valid_to > own.valid_to:
        return f"您的授权到 {own.valid_to} 为止，代理不能更长。请改截止日期。"
    return None
