"""The choke point of writes: check permission, apply, append a leaf, all in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import transaction

from rongtong import clock
from rongtong.apps.records import log
from rongtong.apps.records.erased import ERASE, erasure_subject
from rongtong.apps.records.models import Leaf, Payload
from rongtong.apps.registry import access
from rongtong.apps.registry.models import Account


class RecordError(Exception):
    """A record cannot be changed as asked; the message says why and what to do."""


@dataclass(slots=True)
class Act:
    """A write in progress. The block fills `payload` and may set `subject`; `leaf` is there once the block has ended.

    `payload` takes what canonical JSON takes: text, integers, booleans, None, lists and dicts. Exact numbers and dates
    are written as text. Personal data belong here and nowhere else, because a payload can be erased.
    """

    kind: str
    actor: Account
    place: str = ""
    subject: str = ""
    payload: dict[str, object] = field(default_factory=dict)
    leaf: Leaf | None = None


Rule = Callable[[Account, str, str], None]


@contextmanager
def act(kind: str, *, actor: Account, place: str = "", subject: str = "", rule: Rule = access.require) -> Iterator[Act]:
    """One write by `actor` about `place`: `with act("registry.grant", actor=me, place=code) as this: ...`.

    `rule` decides whether the actor may, by raising registry.access.Denied: the roles' patterns, unless a process
    definition says who may make a step.
    The leaf is appended when the block ends without an exception; with one, nothing of the block is kept. An act within
    an act joins its transaction and has its own leaf, which comes first. The log is locked from the first leaf of a
    transaction to its end, so long work comes before, not after, an inner act.
    Raises registry.access.Denied before the block runs, and NotCanonical for a payload without an exact form.
    """
    with transaction.atomic():
        try:
            rule(actor, kind, place)
        except access.Denied:
            access.note_denial(actor, kind, place)
            raise
        this = Act(kind=kind, actor=actor, place=place, subject=subject)
        yield this
        entry = log.Entry(clock.now(), actor.username, kind, place, this.subject, this.payload)
        (this.leaf,) = log.append([entry])


def erase_payload(sequence: int, *, why: str, actor: Account) -> Leaf:
    """Erase what a leaf commits to (个人信息删除) and record that; every proof over the leaf stays valid.

    Returns the leaf of the erasure. Raises RecordError when there is no such leaf, it is erased already or no reason is
    given.
    """
    if not why.strip():
        raise RecordError("删除内容须写明理由。")
    with act(ERASE, actor=actor, subject=erasure_subject(sequence)) as this:
        payload = Payload.objects.select_for_update().filter(leaf_id=sequence).first()
        if payload is None:
            raise RecordError(f"日志中没有第 {sequence} 条。")
        if payload.erased_at is not None and not payload.text:
            raise RecordError(f"第 {sequence} 条的内容已于 {payload.erased_at.astimezone(clock.LOCAL):%Y-%m-%d} 删除。")
        payload.text = payload.salt = ""
        payload.erased_at, payload.erased_why = clock.now(), why.strip()
        payload.save()
        this.payload["why"] = why.strip()
    assert this.leaf is not None  # set when the block ended without an exception
    return this.leaf
