"""What bounds a case besides its guards: what it takes from the case above it, who may not be named in it, how many there
may be (限项)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Q

from rongtong import clock
from rongtong.apps.cases import queries
from rongtong.apps.cases.models import Case, Participant
from rongtong.apps.registry.models import Account, Organisation
from rongtong.engine.pack.outcome import Limit
from rongtong.engine.pack.process import Process, ProcessRole, Transition
from rongtong.engine.process.state import Happened

# What `under.takes` calls the organisation whose case the one above is.
ORGANISATION = "organisation"


class Beyond(ValueError):
    """A limit is reached; the message is what the process says about it."""


def taken(process: Process, parent: Case | None) -> dict[str, Any]:
    """The fields of the opening form that the case above gives."""
    if parent is None or process.under is None:
        return {}
    held = queries.data(parent)
    if parent.organisation is not None:
        held[ORGANISATION] = parent.organisation.uscc
    takes = process.under.takes.items()
    return {field: held[own] for field, own in takes if held.get(own) not in (None, "", [])}


def taken_again(process: Process, case: Case, step: Transition) -> dict[str, Any]:
    """The fields of a later form (补正后再报) that the case above gives, as it gave them at the opening."""
    asked = step.form.get("properties", {})
    if process.under is None or not asked.keys() & process.under.takes.keys():
        return {}
    return {field: value for field, value in taken(process, case.parent).items() if field in asked}


def kept_apart(case: Case, process: Process, role: ProcessRole, account: Account, given: Mapping[str, Any]) -> bool:
    """Whether an account has to stay out of a role (回避): it has one of the roles the role is apart from, or belongs to an
    organisation that has one or that a form names."""
    own = account.organisation.uscc if account.organisation is not None else ""
    filled = {**queries.data(case), **given}
    for name in role.apart:
        other = next((r for r in process.roles if r.code == name), None)
        near = _with_role(case, other) if other else [(None, uscc) for uscc in _named(filled, name)]
        if any(who == account.pk or (own and uscc.upper() == own) for who, uscc in near):
            return True
    return False


def _with_role(case: Case, role: ProcessRole) -> Iterator[tuple[int | None, str]]:
    """(account, its 统一社会信用代码) of all that have a role in a case."""
    if role.at == "own" and case.organisation is not None:
        yield None, case.organisation.uscc
    rows = Participant.objects.filter(case=case, role=role.code).select_related("organisation", "account__organisation")
    for row in rows:
        unit = row.organisation or (row.account.organisation if row.account else None)
        yield row.account_id, unit.uscc if unit else ""


def _named(filled: Mapping[str, Any], name: str) -> Iterator[str]:
    """The texts in a field, or in a column of its rows."""
    field, _, column = name.partition(".")
    value = filled.get(field)
    for one in value if isinstance(value, list) else [value]:
        text = one.get(column) if column and isinstance(one, dict) else one
        if text not in (None, ""):
            yield str(text)


def check(case: Case, process: Process, before: str, named: Mapping[str, str]) -> None:
    """Ask the limits a case comes under by its stage, having left `before` ("" on opening), and by whom a step has named.

    Raises Beyond. Whoever is limited is locked, so that of two cases at once one is counted by the other.
    """
    for limit in process.limits:
        inside = not limit.stages or case.stage in limit.stages
        entered = not before or (bool(limit.stages) and before not in limit.stages) or limit.role in named
        if inside and entered:
            for who in _limited(case, process.role(limit.role)):
                _count(case, limit, who)


def _limited(case: Case, role: ProcessRole) -> Iterator[Q]:
    if role.at == "own":
        if case.organisation_id is not None:
            Organisation.objects.select_for_update().get(pk=case.organisation_id)
            yield Q(organisation_id=case.organisation_id)
        return
    for row in Participant.objects.filter(case=case, role=role.code):
        same = Participant.objects.filter(role=role.code)
        if row.account_id is not None:
            Account.objects.select_for_update().get(pk=row.account_id)
            same = same.filter(account_id=row.account_id)
        elif row.organisation_id is not None:
            Organisation.objects.select_for_update().get(pk=row.organisation_id)
            same = same.filter(organisation_id=row.organisation_id)
        else:
            same = same.filter(place=row.place)
        yield Q(pk__in=same.values("case_id"))


def _count(case: Case, limit: Limit, who: Q) -> None:
    others = Case.objects.filter(who, process=case.process).exclude(pk=case.pk)
    if limit.stages:
        others = others.filter(stage__in=limit.stages)
    if limit.per == "year":
        others = others.filter(opened_at__year=case.opened_at.astimezone(clock.LOCAL).year)
    if limit.per == "parent":
        others = others.filter(parent_id=case.parent_id)
    if others.count() >= limit.most:
        raise Beyond(limit.refusal)


def present(case: Case, number: int, transition: str, actor: Account, given: Mapping[str, Any]) -> list[Happened]:
    """The events of a case up to the one that is being made, which has no leaf yet."""
    past = [e for e in queries.happened(case) if e.number < number]
    return [*past, Happened(number, transition, actor.username, clock.today(), given)]
