"""What observations do when a slice moves: what was approved becomes observations; the guards' facts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping

from django.urls import reverse

from rongtong.apps.cases.errors import GuardRefused
from rongtong.apps.cases.models import Case, Event
from rongtong.apps.observations.actions import plan_rows, store
from rongtong.apps.observations.models import Entry
from rongtong.apps.observations.slices import facts, read_slice
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.models import Account
from rongtong.engine.expression.evaluate import Value
from rongtong.engine.reading import HARD, real_reason


def approve(case: Case, event: Event, actor: Account) -> None:
    """Write the cells of a slice as observations known from today. Raises GuardRefused.

    Nobody who wrote a version of a cell approves it, whether or not it was this person who submitted. A value that is
    held with today's date already becomes a further revision; an earlier one stays as an earlier vintage.
    """
    if Entry.objects.filter(case=case, by=actor).exclude(origin="held").exists():
        raise GuardRefused(["这份表里有您填过的数，审核须由别人办理（填报与审核分离）"])
    rows = [cell.reading for cell in read_slice(case).cells if cell.reading is not None]
    plan = plan_rows(rows, (), packs.current(), again=True)
    # A soft finding without a reason came up after the submission, through figures of others: the approver has seen it,
    # and it is kept with the batch.
    blocking = [str(f) for f in plan.findings if f.severity == HARD]
    if blocking:
        raise GuardRefused(blocking)
    content = json.dumps([[r.indicator, r.value, r.unit.symbol] for r in rows], ensure_ascii=False)
    sha256 = hashlib.sha256(f"{case.pk}/{event.number} {content}".encode()).hexdigest()
    store(plan, f"填报 {case.pk} {case.title}"[:255], sha256, "collection", actor)


def reopen(case: Case, event: Event, actor: Account) -> None:
    """Unlock an approved slice; what it wrote stays until it is approved again. Raises GuardRefused without a reason."""
    if not real_reason(str(event.data.get("reason", ""))):
        raise GuardRefused(["解锁理由要写明具体原因，至少六个字；“核实无误”这样的话不算"])


EFFECTS: Mapping[str, Callable[[Case, Event, Account], None]] = {"approve": approve, "reopen": reopen}
FACTS: Mapping[str, Callable[[Case], Mapping[str, Value]]] = {"slice": facts}
PAGES: Mapping[str, Callable[[Case], str]] = {"collection": lambda case: reverse("collection-slice", args=[case.pk])}
