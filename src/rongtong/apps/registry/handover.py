"""Hand-over (交接): when an officer moves, all roles and open cases go to another account from a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from rongtong import clock
from rongtong.apps.records.actions import act
from rongtong.apps.registry.actions import RegistryError, account_subject, deactivate
from rongtong.apps.registry.models import Account, Grant
from rongtong.apps.registry.roles import OPERATOR, TRIO, role_name


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What went over: roles as (name, place), those the receiver held already, and how many open cases."""

    moved: tuple[tuple[str, str], ...]
    held: tuple[tuple[str, str], ...]
    cases: int


def hand_over(
    giver: Account, receiver: Account, day: date, *, actor: Account, why: str, stop: bool = False
) -> HandedOver:
    """Give the grants of one account to another from `day` on; its own end the day before.

    Open cases go over when the day is today. With `stop` the giver's account is stopped, which also needs the day to be
    today. Raises RegistryError for accounts or days that cannot be and for 三员 that would meet in one person; Denied.
    """
    with act("registry.hand_over", actor=actor, subject=account_subject(giver)) as this:
        problem = _problem(giver, receiver, day, actor, why, stop)
        if problem:
            raise RegistryError(problem)
        moved: list[tuple[str, str]] = []
        held: list[tuple[str, str]] = []
        for given in giver.grants.filter(delegated_by__isnull=True).exclude(role=OPERATOR).order_by("pk"):
            if given.valid_to and given.valid_to < day:
                continue
            named = (role_name(given.role), given.place)
            (moved if _move(given, receiver, day) else held).append(named)
        Grant.objects.filter(delegated_by=giver).delete()
        cases = _cases(giver, receiver, actor) if day <= clock.today() else 0
        this.payload |= {
            "to": receiver.username,
            "from_day": day.isoformat(),
            "roles": [f"{role}@{place}" for role, place in moved],
            "held_already": [f"{role}@{place}" for role, place in held],
            "cases": cases,
            "why": why.strip(),
        }
        if stop:
            deactivate(giver, why=f"交接给 {receiver.username}：{why.strip()}", actor=actor)
    return HandedOver(tuple(moved), tuple(held), cases)


def _move(given: Grant, receiver: Account, day: date) -> bool:
    """Let one grant begin with the receiver and end with the giver; False where the receiver held it already."""
    role, place, last = given.role, given.place, given.valid_to
    begin = max(day, given.valid_from) if given.valid_from else day
    eve = day - timedelta(days=1)
    if day <= clock.today() or (given.valid_from and given.valid_from > eve):
        given.delete()
    else:
        given.valid_to = eve
        given.save(update_fields=["valid_to"])
    if Grant.objects.filter(account=receiver, role=role, place=place).exists():
        return False
    Grant.objects.create(
        account=receiver,
        role=role,
        place=place,
        valid_from=begin,
        valid_to=last,
        trio_account=receiver if role in TRIO else None,
    )
    return True


def _problem(giver: Account, receiver: Account, day: date, actor: Account, why: str, stop: bool) -> str | None:
    if not why.strip():
        return "交接须写明理由（如调任、退休的文号）。"
    if giver.pk == receiver.pk:
        return "交出人与接收人是同一个账号。请填另一个账号。"
    if actor.pk in (giver.pk, receiver.pk):
        return "不能为本人办理交接。请由另一位安全管理员办理。"
    if not receiver.is_active:
        return f"接收账号“{receiver.username}”已停用。请换一个账号。"
    if day < clock.today():
        return f"交接日 {day} 已经过去。请填今天或以后的日期。"
    if stop and day > clock.today():
        return "交接日在今天之后，还不能停用交出人的账号。请到交接日再停用。"
    mine = giver.grants.filter(role__in=TRIO).first()
    other = receiver.grants.filter(role__in=TRIO).first()
    if mine and other and mine.role != other.role:
        return (
            f"“{receiver.username}”已是{role_name(other.role)}，不能再接{role_name(mine.role)}："
            "三员（系统、安全、审计）一人只能任其一。"
        )
    return None


def _cases(giver: Account, receiver: Account, actor: Account) -> int:
    """Hand the giver's open cases over and return how many."""
    # Imported late: cases build on registry.
    from rongtong.apps.cases import handing_over as cases

    return cases.hand_over(giver, receiver, actor=actor)
