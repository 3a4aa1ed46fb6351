"""Finding leaves (审计): by day, actor, kind, place and subject, by pages of the sequence; reading one; exporting them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import QuerySet

from rongtong import clock
from rongtong.apps.records.actions import act
from rongtong.apps.records.models import Leaf, Payload
from rongtong.apps.records.queries import Examination, examine
from rongtong.apps.registry import access
from rongtong.apps.registry.models import Account
from rongtong.cells import guarded_row

READ, READ_PAYLOAD, EXPORT, VERIFY = "records.read", "records.read_payload", "records.export", "records.verify"
PAGE = 50
MOST_EXPORTED = 100_000
HEADINGS = ("序号", "时刻", "操作者", "操作", "地区", "对象", "叶哈希")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which leaves: days inclusive; `kind` and `subject` are a beginning, the others exact. Empty is any."""

    first: date | None = None
    last: date | None = None
    actor: str = ""
    kind: str = ""
    place: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Leaves from the newest to the oldest; `older` and `newer` are the sequences that the next pages go on from."""

    leaves: tuple[Leaf, ...]
    older: int | None
    newer: int | None


def page(wanted: Wanted, *, before: int | None = None, after: int | None = None) -> Page:
    """The fifty leaves below `before`, or above `after`, or the newest: by key, as fast on the last page as on the first."""
    found = narrowed(wanted)
    if after is not None:
        leaves = list(found.filter(sequence__gt=after).order_by("sequence")[:PAGE])[::-1]
    else:
        leaves = list((found.filter(sequence__lt=before) if before else found).order_by("-sequence")[:PAGE])
    if not leaves:
        return Page((), None, None)
    older = found.filter(sequence__lt=leaves[-1].sequence).exists()
    newer = found.filter(sequence__gt=leaves[0].sequence).exists()
    return Page(tuple(leaves), leaves[-1].sequence if older else None, leaves[0].sequence if newer else None)


def kinds() -> list[str]:
    """The kinds that occur, for choosing among them."""
    return list(Leaf.objects.order_by("kind").values_list("kind", flat=True).distinct())


def read_payload(sequence: int, *, actor: Account) -> tuple[Leaf, Payload]:
    """A leaf and what it commits to; that it was read is itself a leaf. Raises Leaf.DoesNotExist and Denied."""
    with act(READ_PAYLOAD, actor=actor, subject=f"leaf:{sequence}"):
        leaf = Leaf.objects.select_related("payload").get(sequence=sequence)
    return leaf, leaf.payload


def verify(*, actor: Account, saved_head: str = "") -> Examination:
    """Check the whole log and note that, and what was found. Raises HeadError and Denied."""
    access.require(actor, VERIFY)
    found = examine(saved_head or None)
    with act(VERIFY, actor=actor) as this:
        this.payload |= {"head": str(found.head), "findings": len(found.findings), "against": saved_head}
    return found


def export(wanted: Wanted, *, actor: Account) -> str:
    """The leaves as CSV, oldest first, without payloads; that it was exported is a leaf. Raises Denied."""
    with act(EXPORT, actor=actor) as this:
        rows = list(narrowed(wanted).order_by("sequence")[:MOST_EXPORTED])
        this.payload |= {"rows": len(rows), "filter": {k: str(v) for k, v in _named(wanted)}}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for leaf in rows:
        moment = leaf.recorded_at.astimezone(clock.LOCAL).isoformat()
        writer.writerow(
            guarded_row((leaf.sequence, moment, leaf.actor, leaf.kind, leaf.place, leaf.subject, leaf.leaf_hash))
        )
    return out.getvalue()


def narrowed(wanted: Wanted) -> QuerySet[Leaf]:
    """The leaves wanted, in no order yet."""
    found = Leaf.objects.all()
    if wanted.first:
        found = found.filter(recorded_at__gte=_midnight(wanted.first))
    if wanted.last:
        found = found.filter(recorded_at__lt=_midnight(wanted.last + timedelta(days=1)))
    if wanted.actor:
        found = found.filter(actor=wanted.actor)
    if wanted.kind:
        found = found.filter(kind__startswith=wanted.kind)
    if wanted.place:
        found = found.filter(place=wanted.place)
    if wanted.subject:
        found = found.filter(subject__startswith=wanted.subject)
    return found


def _named(wanted: Wanted) -> Iterator[tuple[str, object]]:
    for name in Wanted.__dataclass_fields__:
        value = getattr(wanted, name)
        if value:
            yield name, value


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), clock.LOCAL)
