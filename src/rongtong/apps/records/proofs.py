"""Proof files: that a leaf is in a signed log, or that the log only grew. They hold all that is needed to check them offline."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from rongtong import clock
from rongtong.apps.records import leaves
from rongtong.apps.records.log import ACCOUNT
from rongtong.apps.records.models import Leaf, Payload
from rongtong.apps.records.publishing import CHECKPOINT, TREES, PublishError, folder, published
from rongtong.apps.registry.models import Account
from rongtong.engine.note import Checkpoint, PublicKey
from rongtong.engine.proof import ProofRefused, check_consistency, check_inclusion
from rongtong.engine.tile import TileRefused, TileTree

PROOF, CONSISTENCY = "rongtong-proof-1", "rongtong-consistency-1"


def prove(
    home: Path, sequence: int, *, key: PublicKey, payload_for: Account | None = None, names: bool = False
) -> dict[str, Any]:
    """The proof that a leaf is in the log of the published checkpoint, checked before it is given.

    With `payload_for` the payload and its salt are in it: reading them is an act of that account and leaves a leaf.
    With `names` it says who acted and on whose account, as far as that is not erased, and proves that too.
    Raises PublishError, and registry.access.Denied.
    """
    checkpoint = _published(home, key)
    if not 1 <= sequence <= checkpoint.size:
        raise PublishError(
            f"已签检查点有 {checkpoint.size} 条，不含第 {sequence} 条。较新的请先运行 rongtong log checkpoint。"
        )
    leaf = Leaf.objects.filter(sequence=sequence).first()
    if leaf is None:
        raise PublishError(f"库中缺第 {sequence} 条。请运行 rongtong verify。")
    document: dict[str, Any] = {"format": PROOF, "sequence": sequence, "leaf": leaf.body, "inclusion": {}}
    for tree, root in _trees(home, checkpoint):
        try:
            path = tree.inclusion(sequence - 1)
            check_inclusion(sequence - 1, tree.size, tree.by.leaf(leaf.body.encode("utf-8")), path, root, tree.by)
        except (ProofRefused, TileRefused, OSError) as error:
            raise PublishError(f"第 {sequence} 条证明不了（{error}）。请运行 rongtong verify。") from error
        document["inclusion"][tree.by.name] = [each.hex() for each in path]
    document["checkpoint"] = (folder(home) / CHECKPOINT).read_text(encoding="utf-8")
    if names:
        document["names"] = _names(leaf)
    if payload_for is not None:
        _, payload = leaves.read_payload(sequence, actor=payload_for)
        if payload.erased_at is not None:
            raise PublishError(
                f"第 {sequence} 条的内容已于 {payload.erased_at.astimezone(clock.LOCAL):%Y-%m-%d} 删除，只能证明留痕本身。"
            )
        document["payload"] = {"text": payload.text, "salt": payload.salt}
    return document


def _names(leaf: Leaf) -> dict[str, dict[str, str]]:
    """What opens the commitments of a leaf to usernames: each with its salt. Leaves of the first format have none."""
    given = {"actor": (leaf.actor, leaf.actor_salt), "subject": (leaf.subject, leaf.subject_salt)}
    return {part: {"text": text.removeprefix(ACCOUNT), "salt": salt} for part, (text, salt) in given.items() if salt}


def prove_opened(home: Path, payload: Payload, *, key: PublicKey) -> dict[str, Any]:
    """The proof of a leaf with its payload and salt, for whoever holds what lets them read it, such as a certificate.

    Raises PublishError, also where any of the payload was erased.
    """
    if payload.erased_at is not None:
        raise PublishError(
            f"所载内容已于 {payload.erased_at.astimezone(clock.LOCAL):%Y-%m-%d} 依申请删除，不再有证明文件。"
        )
    return prove(home, payload.leaf_id, key=key) | {"payload": {"text": payload.text, "salt": payload.salt}}


def prove_consistency(home: Path, old: Checkpoint, old_text: str, *, key: PublicKey) -> dict[str, Any]:
    """The proof that the published log begins with the log of an older checkpoint. Raises PublishError when it does not."""
    checkpoint = _published(home, key)
    if old.size > checkpoint.size:
        raise PublishError(
            f"已发布的检查点只有 {checkpoint.size} 条，给出的有 {old.size} 条：检查点过时，或尾部被截断。"
        )
    document: dict[str, Any] = {"format": CONSISTENCY, "old": old_text, "consistency": {}}
    for tree, root in _trees(home, checkpoint):
        before = old.sm3 if tree.by.name == "sm3" else old.root
        if before is None:
            continue
        try:
            path = tree.consistency(old.size)
            check_consistency(old.size, tree.size, before, root, path, tree.by)
        except (ProofRefused, TileRefused, OSError) as error:
            raise PublishError(f"已发布的日志与给出的检查点不一致（{error}）：历史被改写或分叉。") from error
        document["consistency"][tree.by.name] = [each.hex() for each in path]
    document["checkpoint"] = (folder(home) / CHECKPOINT).read_text(encoding="utf-8")
    return document


def as_text(document: dict[str, Any]) -> str:
    """A proof file."""
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _published(home: Path, key: PublicKey) -> Checkpoint:
    checkpoint = published(home, key)
    if checkpoint is None:
        raise PublishError("还没有检查点。请先运行 rongtong log checkpoint。")
    return checkpoint


def _trees(home: Path, checkpoint: Checkpoint) -> list[tuple[TileTree, bytes]]:
    roots = {"": checkpoint.root, "sm3/": checkpoint.sm3}
    found = []
    for prefix, by in TREES.items():
        root, place = roots[prefix], folder(home) / prefix
        if root is not None:
            found.append((TileTree(checkpoint.size, partial(_read, place), by), root))
    return found


def _read(place: Path, path: str) -> bytes:
    return (place / path).read_bytes()
