"""Appending to the log. Only `actions.act` appends, inside its transaction."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rongtong.apps.records.models import Leaf, Log, Payload
from rongtong.engine.merkle import EMPTY_ROOT, SALT_BYTES, Frontier, canonical_json, commitment, leaf_hash
from rongtong.engine.tile import LONGEST_ENTRY

# Leaves written before format 2 hold usernames in clear; they stay and verify (decisions/0016).
FIRST_FORMAT, FORMAT = "rongtong-leaf-1", "rongtong-leaf-2"
# How a subject names an account; what follows is the username, and in a body the commitment to it.
ACCOUNT = "account:"


class LeafTooLong(ValueError):
    """A leaf that no bundle of the published log could hold; the message names its subject."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one leaf is made of. `payload` is a value that has a canonical JSON form."""

    recorded_at: datetime
    actor: str
    kind: str
    place: str = ""
    subject: str = ""
    payload: Mapping[str, object] = field(default_factory=dict)


def append(entries: Sequence[Entry]) -> list[Leaf]:
    """Append leaves in order under one lock and return them. Must run inside a transaction.

    Raises NotCanonical when a payload has no exact form, and LeafTooLong; then nothing has been written.
    """
    # Serialised before the lock is taken, so that a payload that cannot be written never waits for others.
    texts = [canonical_json(entry.payload) for entry in entries]
    log = _locked_log()
    frontier = read_frontier(log)
    leaves: list[Leaf] = []
    payloads: list[Payload] = []
    for entry, text in zip(entries, texts, strict=True):
        salt, actor_salt, subject_salt = (secrets.token_bytes(SALT_BYTES) for _ in range(3))
        named = entry.subject.startswith(ACCOUNT)
        subject = ACCOUNT + _named(subject_salt, entry.subject.removeprefix(ACCOUNT)) if named else entry.subject
        body = _body(frontier.size + 1, entry, _named(actor_salt, entry.actor), subject, commitment(salt, text))
        encoded = body.encode("utf-8")
        if len(encoded) > LONGEST_ENTRY:
            raise LeafTooLong(f"对象“{entry.subject[:50]}…”过长：一条留痕不能超过 {LONGEST_ENTRY} 字节。")
        digest = leaf_hash(encoded)
        frontier = frontier.append(digest)
        leaf = Leaf(
            sequence=frontier.size,
            recorded_at=entry.recorded_at,
            actor=entry.actor,
            actor_salt=actor_salt.hex(),
            kind=entry.kind,
            place=entry.place,
            subject=entry.subject,
            subject_salt=subject_salt.hex() if named else "",
            body=body,
            leaf_hash=digest.hex(),
        )
        leaves.append(leaf)
        payloads.append(Payload(leaf=leaf, text=text, salt=salt.hex()))
    Leaf.objects.bulk_create(leaves, batch_size=500)
    Payload.objects.bulk_create(payloads, batch_size=500)
    log.size, log.root = frontier.size, frontier.root().hex()
    log.frontier = " ".join(each.hex() for each in frontier.hashes)
    log.save()
    return leaves


def hold() -> None:
    """Let nobody else append until this transaction ends, so that what is read from here on still stands at its end.

    Take it first, before any other lock. Must run inside a transaction.
    """
    _locked_log()


def read_frontier(log: Log) -> Frontier:
    """The frontier that the row holds. Raises ValueError when the row is not one that `append` wrote."""
    return Frontier(log.size, tuple(bytes.fromhex(each) for each in log.frontier.split()))


def _locked_log() -> Log:
    # PostgreSQL locks the row until the transaction ends. SQLite ignores FOR UPDATE: its transaction is IMMEDIATE, so
    # there is one writer already.
    locked = Log.objects.select_for_update()
    found = locked.filter(pk=1).first()
    if found is None:
        Log.objects.get_or_create(pk=1, defaults={"root": EMPTY_ROOT.hex()})
        found = locked.get(pk=1)
    return found


def _named(salt: bytes, username: str) -> str:
    return commitment(salt, username).hex()


def _body(sequence: int, entry: Entry, actor: str, subject: str, committed: bytes) -> str:
    return canonical_json(
        {
            "format": FORMAT,
            "sequence": sequence,
            "recorded_at": entry.recorded_at.isoformat(),
            "actor": actor,
            "kind": entry.kind,
            "place": entry.place,
            "subject": subject,
            "payload": committed.hex(),
        }
    )
