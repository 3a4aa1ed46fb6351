"""Opening the cases of a workbook: all of them or none, and none twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from rongtong import clock
from rongtong.apps.cases import actions
from rongtong.apps.cases.case_sheets import Draft
from rongtong.apps.cases.errors import CaseError
from rongtong.apps.cases.models import Case
from rongtong.apps.cases.opening import Start
from rongtong.apps.records.actions import act
from rongtong.apps.records.models import Leaf
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.models import Account


class ImportRefused(Exception):
    """A workbook opens nothing; `row` is the row that stands against it, 0 where it is the whole."""

    def __init__(self, message: str, row: int = 0) -> None:
        super().__init__(message)
        self.row = row


@dataclass(frozen=True, slots=True)
class Earlier:
    """The import that opened the same rows before."""

    leaf: Leaf

    def __str__(self) -> str:
        return f"同样的内容已由 {self.leaf.actor} 于 {self.leaf.recorded_at.astimezone(clock.LOCAL):%Y-%m-%d %H:%M} 导入，没有再开。"


def digest(start: Start, drafts: Sequence[Draft]) -> str:
    """SHA-256 of what the rows say, whatever the file they came in: process, places, organisations, answers."""
    said = [[d.place, d.organisation.uscc if d.organisation else "", dict(d.data)] for d in drafts]
    text = json.dumps([start.process.code, said], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def earlier(start: Start, drafts: Sequence[Draft]) -> Earlier | None:
    """The import of the same rows, if there was one."""
    found = Leaf.objects.filter(subject=_subject(start, drafts), kind=_kind(start)).order_by("sequence").first()
    return Earlier(found) if found else None


def _kind(start: Start) -> str:
    return f"cases.{start.process.code}.import"


def _subject(start: Start, drafts: Sequence[Draft]) -> str:
    return f"sha256:{digest(start, drafts)}"


def open_all(start: Start, drafts: Sequence[Draft], file_name: str, *, actor: Account) -> list[Case]:
    """Open a case for each row, in one transaction. Raises ImportRefused; then nothing was opened."""
    with (
        transaction.atomic(),
        act(_kind(start), actor=actor, subject=_subject(start, drafts), rule=lambda *_: None) as this,
    ):
        made = [_open(start, draft, actor) for draft in drafts]
        # Asked now, with the log locked by the first case: whoever sent the same at the same moment is through or waits.
        if before := earlier(start, drafts):
            raise ImportRefused(str(before))
        this.payload = {"file": file_name[-200:], "cases": [case.pk for case in made]}
    return made


def _open(start: Start, draft: Draft, actor: Account) -> Case:
    try:
        return actions.open_case(
            start.process.code, actor=actor, place=draft.place, data=draft.data, organisation=draft.organisation
        )
    except (CaseError, Denied) as error:
        raise ImportRefused(str(error), draft.row) from error
