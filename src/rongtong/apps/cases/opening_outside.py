"""Opening a case for another system: by process, place and answers, in the name of an organisation; once for a key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
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


class _Known(Exception):
    """The account sent this key before; `leaf` is the record of it."""

    def __init__(self, leaf: Leaf) -> None:
        super().__init__(leaf.subject)
        self.leaf = leaf


@dataclass(frozen=True, slots=True)
class Sent:
    """A case that another system sends: what its opening form asks for is in `data`; `uscc` is the code of the organisation
    whose case it is, "" for the account's own; `parent` the case it belongs under."""

    process: str
    place: str
    data: Mapping[str, Any]
    uscc: str = ""
    parent: Case | None = None

    def is_of(self, case: Case) -> bool:
        """Whether this is what a case was opened with."""
        if (case.process, case.place, case.parent) != (self.process, self.place, self.parent):
            return False
        under = holding.process_of(case).under
        opening = Event.objects.select_related("leaf__payload").get(case=case, number=1).data
        # What the case above gives counts, whatever is sent.
        return all(opening.get(k) == v for k, v in self.data.items() if not under or k not in under.takes)


def open_once(account: Account, sent: Sent, key: str = "") -> tuple[Case, bool]:
    """Open a case, and True; where the account sent this key before open nothing: the case of then, and False.

    So a request whose answer was lost may be sent again. An empty key is none. Raises NoProcess, FormRefused for a place or
    organisation there is not, Denied, CaseError, also where the key was sent with something else or the account no longer
    reads the case; then nothing was opened.
    """
    if not key:
        return _open(account, sent), True
    subject = f"sha256:{hashlib.sha256(f'{account.pk}:{key}'.encode()).hexdigest()}"
    try:
        with (
            transaction.atomic(),
            act(KIND, actor=account, place=sent.place, subject=subject, rule=lambda *_: None) as this,
        ):
            _not_sent(subject)
            made = _open(account, sent)
            # Asked again, with the log locked by the case: whoever sent the same at the same moment is through or waits.
            _not_sent(subject)
            this.payload = {"case": made.pk}
            return made, True
    except _Known as known:
        case = access.visible(account).filter(pk=json.loads(known.leaf.payload.text)["case"]).first()
    if case is None:
        raise CaseError("这个 Idempotency-Key 的一件已开过，您现在看不到它；没有再开。")
    if not sent.is_of(case):
        raise CaseError(f"这个 Idempotency-Key 已用于“{case.title}”（{case.key}），内容不同，没有再开。请换一个。")
    return case, False


def _not_sent(subject: str) -> None:
    found = Leaf.objects.filter(subject=subject, kind=KIND).select_related("payload").order_by("sequence").first()
    if found is not None:
        raise _Known(found)


def _open(account: Account, sent: Sent) -> Case:
    definition = packs.current().find("processes", sent.process)
    if definition is None:
        raise NoProcess(f"没有流程“{sent.process[:64]}”。")
    if hooks.has_page(definition):
        raise CaseError(f"“{definition.name}”从它自己的页面开始，不从这里开始。")
    if sent.place not in packs.current().places.places:
        raise FormRefused({"place": f"没有地方“{sent.place[:32]}”。应为规则包里的地方代码。"})
    organisation = _organisation(sent.uscc)
    who = holding.reach(account)
    if organisation is None and any(who.owns(definition.role(code)) for code in definition.opened_by):
        organisation = account.organisation
    for attempt in range(TRIES):
        try:
            return actions.open_case(
                sent.process, actor=account, place=sent.place, data=sent.data, organisation=organisation,
                parent=sent.parent,
            )  # fmt: skip
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
