"""Opening a case for another system: by process, place and answers, in the name of an organisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rongtong.apps.cases import actions, holding, hooks
from rongtong.apps.cases.errors import CaseError, CaseExists, FormRefused
from rongtong.apps.cases.models import Case
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.models import Account, Organisation
from rongtong.engine import gb32100

# Two who open a case at once may be given one number; the later one takes the next.
TRIES = 5


class NoProcess(LookupError):
    """There is no process of this code; the message says so."""


def open_for(
    account: Account,
    process: str,
    place: str,
    data: Mapping[str, Any],
    uscc: str = "",
    parent: Case | None = None,
) -> Case:
    """Open a case of a process at a place. Raises NoProcess, FormRefused for a place or organisation there is not,
    CaseError, Denied; then nothing was opened."""
    definition = packs.current().find("processes", process)
    if definition is None:
        raise NoProcess(f"没有流程“{process[:64]}”。")
    if hooks.has_page(definition):
        raise CaseError(f"“{definition.name}”从它自己的页面开始，不从这里开始。")
    if place not in packs.current().places.places:
        raise FormRefused({"place": f"没有地方“{place[:32]}”。应为规则包里的地方代码。"})
    organisation = _organisation(uscc)
    who = holding.reach(account)
    if organisation is None and any(who.owns(definition.role(code)) for code in definition.opened_by):
        organisation = account.organisation
    for attempt in range(TRIES):
        try:
            return actions.open_case(
                process, actor=account, place=place, data=data, organisation=organisation, parent=parent
            )
        except CaseExists:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


def _organisation(uscc: str) -> Organisation | None:
    """The organisation of a code; None for no code. Raises FormRefused."""
    if not uscc:
        return None
    found = Organisation.objects.filter(uscc=gb32100.normalise(uscc)).first()
    if found is None:
        raise FormRefused({"organisation": f"没有登记统一社会信用代码为“{uscc[:32]}”的单位。请先登记单位。"})
    return found
