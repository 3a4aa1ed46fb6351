"""Opening a case for another system: by process, place and answers, in the name of an organisation; once for a key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from rongtong.apps.cases import access, actions, holding, hooks
from rongtong.apps.cases.errors import CaseError, CaseExists, FormRefused
from rongtong.apps.cases.models import Case, Event
from rongtong.apps.packs import queries as packs
from rongtong.apps.records.actions import act
from rongtong.apps.records.models import Leaf
from rongtong.apps.registry.models import Account, Organisation
from rongtong.engine import gb32100

# Two who open a case at once may be given one number; the later one takes the next.
TRIES = 5
# The kind of the record that an account sent a key.
KIND = "cases.receive"


class NoProcess(LookupError):
    """There is no process of this code; the message says so."""


class _Sent(Exception):
    """The account sent this key before; `leaf` is the record of it."""

    def __init__(self, leaf: Leaf) -> None:
        super().__init__(leaf.subject)
        self.leaf = leaf


def open_once(
    account: Account,
    key: str,
    process: str,
    place: str,
    data: Mapping[str, Any],
    uscc: str = "",
    parent: Case | None = None,
) -> tuple[Case, bool]:
    """As `open_for`, but where the account sent this key before nothing is opened: the case of then, and False.

    So a request whose answer was lost may be sent again. An empty key is none. Raises CaseError too where the key was sent
    with something else, or where the account no longer reads the case.
    """
    if not key:
        return open_for(account, process, place, data, uscc, parent), True
    subject = f"sha256:{hashlib.sha256(f'{account.pk}:{key}'.encode()).hexdigest()}"
    try:
        with transaction.atomic(), act(KIND, actor=account, place=place, subject=subject, rule=lambda *_: None) as this:
            _not_sent(subject)
            made = open_for(account, process, place, data, uscc, parent)
            # Asked again, with the log locked by the case: whoever sent the same at the same moment is through or waits.
            _not_sent(subject)
            this.payload = {"case": made.pk}
            return made, True
    except _Sent as sent:
        case = access.visible(account).filter(pk=json.loads(sent.leaf.payload.text)["case"]).first()
    if case is None:
        raise CaseError("这个 Idempotency-Key 的一件已开过，您现在看不到它；没有再开。")
    if (case.process, case.place, case.parent) != (process, place, parent) or not data.items() <= _opening(
        case
    ).items():
        raise CaseError(
            f"这个 Idempotency-Key 已用于“{case.title}”（{case.key}），内容不同，没有再开。新的一件请换一个。"
        )
    return case, False


def _not_sent(subject: str) -> None:
    found = Leaf.objects.filter(subject=subject, kind=KIND).select_related("payload").order_by("sequence").first()
    if found is not None:
        raise _Sent(found)


def _opening(case: Case) -> dict[str, Any]:
    return Event.objects.select_related("leaf__payload").get(case=case, number=1).data


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
