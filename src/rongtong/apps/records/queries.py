"""Reading the log: its head, and whether it still is what was written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Subquery

from rongtong.apps.records.erased import ERASE, ERASE_PERSON, Erased, left, opened
from rongtong.apps.records.log import ACCOUNT, FIRST_FORMAT, FORMAT, read_frontier
from rongtong.apps.records.models import Leaf, Log, Payload
from rongtong.engine.merkle import EMPTY_ROOT, Frontier, leaf_hash

FIELDS = ("sequence", "recorded_at", "actor", "kind", "place", "subject")
PAGE = 2000


class HeadError(ValueError):
    """A text is not a head of a log."""


@dataclass(frozen=True, slots=True)
class Head:
    """How long a log is and its root in hexadecimal; written as `size:root`. Kept outside, it reveals a cut tail."""

    size: int
    root: str

    def __str__(self) -> str:
        return f"{self.size}:{self.root}"

    @staticmethod
    def parse(text: str) -> Head:
        """Raises HeadError for anything but `size:root`."""
        found = re.fullmatch(r"(0|[1-9][0-9]{0,17}):([0-9a-f]{64})", text.strip())
        if not found:
            raise HeadError(f"“{text.strip()[:100]}”不是日志头。应为“条数：64 位十六进制根”，由 rongtong head 给出。")
        return Head(int(found[1]), found[2])


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as written: a code for machines, the leaf it is about if any, and the reason in Chinese."""

    code: str
    sequence: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Examination:
    """What a check of the whole log found. `head` is computed from the leaves, not read; `erased` payloads are fine."""

    head: Head
    erased: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """A leaf with its payload, as the database has them."""

    sequence: int
    recorded_at: datetime
    actor: str
    kind: str
    place: str
    subject: str
    actor_salt: str
    subject_salt: str
    body: str
    leaf_hash: str
    text: str | None
    salt: str | None
    erased_at: datetime | None


def head() -> Head:
    """The head that the next leaf will build on."""
    log = Log.objects.filter(pk=1).first()
    return Head(log.size, log.root) if log else Head(0, EMPTY_ROOT.hex())


def verify(saved_head: str | None = None) -> list[Finding]:
    """Everything in the log that is not as it was written; empty when all is well.

    With a head that was saved outside (`size:root`) also whether the log was cut short or rewritten since.
    Raises HeadError when that head is not one.
    """
    return list(examine(saved_head).findings)


def examine(saved_head: str | None = None) -> Examination:
    """Read the log once from end to end, in constant memory apart from the findings, and check every hash.

    Raises HeadError when the saved head is not one.
    """
    saved = None if saved_head is None else Head.parse(saved_head)
    # Read before the leaves: leaves appended meanwhile lie beyond it and are not taken for a fault.
    stored = Log.objects.filter(pk=1).first() or Log(size=0, root=EMPTY_ROOT.hex())
    findings: list[Finding] = []
    frontier, expected, erased = Frontier(), 1, Erased()
    passed = EMPTY_ROOT if saved and saved.size == 0 else None
    for row in _rows(stored.size):
        if row.sequence != expected:
            findings.append(_gap(expected, row.sequence))
        expected = row.sequence + 1
        digest = leaf_hash(row.body.encode("utf-8"))
        findings.extend(_check_leaf(row, digest, erased))
        erased.hear(row.kind, row.subject, row.text or "")
        frontier = frontier.append(digest)
        if saved and frontier.size == saved.size:
            passed = frontier.root()
    findings.extend(Finding(*wrong) for wrong in _hear_late(erased, stored.size).wrong())
    findings.extend(_check_log(stored, frontier))
    if saved:
        findings.extend(_check_saved(saved, frontier.size, passed))
    return Examination(Head(frontier.size, frontier.root().hex()), len(erased.payloads), tuple(findings))


def _rows(size: int) -> Iterator[_Row]:
    # By pages of the primary key and not by one joined query: no planner, however wrong its statistics, can make this
    # slower than one pass over two indexes.
    last = 0
    while True:
        leaves = list(
            Leaf.objects.filter(sequence__gt=last, sequence__lte=size)
            .order_by("sequence")
            .values_list(*FIELDS, "actor_salt", "subject_salt", "body", "leaf_hash")[:PAGE]
        )
        if not leaves:
            return
        first, last = leaves[0][0], leaves[-1][0]
        payloads = {
            key: (text, salt, erased_at)
            for key, text, salt, erased_at in Payload.objects.filter(leaf_id__gte=first, leaf_id__lte=last).values_list(
                "leaf_id", "text", "salt", "erased_at"
            )
        }
        for leaf in leaves:
            yield _Row(*leaf, *payloads.get(leaf[0], (None, None, None)))


def _hear_late(erased: Erased, size: int) -> Erased:
    """With the leaves of erasures that were appended while the check ran."""
    if erased.unsaid():
        late = Leaf.objects.filter(sequence__gt=size, kind__in=(ERASE, ERASE_PERSON)).order_by("sequence")
        for said in late.values_list("kind", "subject", "payload__text"):
            erased.hear(*said)
    return erased


def _gap(expected: int, found: int) -> Finding:
    missing = f"第 {expected} 条" if found == expected + 1 else f"第 {expected} 至 {found - 1} 条"
    return Finding("gap", expected, f"日志中缺{missing}。")


def _check_leaf(row: _Row, digest: bytes, erased: Erased) -> Iterator[Finding]:
    n = row.sequence
    if digest.hex() != row.leaf_hash:
        yield Finding("leaf_changed", n, f"第 {n} 条的正文与其哈希不符：正文或哈希被改过。")
    body = _parsed(row.body)
    if body is None or body.get("format") not in (FIRST_FORMAT, FORMAT):
        yield Finding("leaf_unreadable", n, f"第 {n} 条的正文不是 {FORMAT} 或 {FIRST_FORMAT} 格式的 JSON。")
        return
    for name in FIELDS:
        column, said = getattr(row, name), body.get(name)
        if name in ("actor", "subject") and body["format"] == FORMAT:
            same = _same_name(row, name, str(said), erased)
        else:
            same = _same_moment(said, column) if name == "recorded_at" else said == column
        if not same:
            yield Finding("column_changed", n, f"第 {n} 条的 {name} 列为“{column}”，与正文所载“{said}”不符。")
    yield from _check_payload(row, str(body.get("payload")), erased)


def _same_name(row: _Row, part: str, said: str, erased: Erased) -> bool:
    """Whether the column opens what the body commits to. A name without a salt was erased: that is checked at the end."""
    column, salt = (row.actor, row.actor_salt) if part == "actor" else (row.subject, row.subject_salt)
    if part == "subject":
        if not said.startswith(ACCOUNT):
            return (column, salt) == (said, "")
        if not column.startswith(ACCOUNT):
            return False
        column, said = column.removeprefix(ACCOUNT), said.removeprefix(ACCOUNT)
    if not salt:
        erased.names[part, row.sequence] = column
        return True
    return opened(salt, column) == said


def _check_payload(row: _Row, committed: str, erased: Erased) -> Iterator[Finding]:
    n = row.sequence
    if row.text is None or row.salt is None:
        yield Finding("payload_missing", n, f"第 {n} 条的内容行不见了（正常的删除会留下空行与理由）。")
    elif row.erased_at is not None:
        erased.payloads[n] = left(row.salt, row.text)
    elif opened(row.salt, row.text) != committed:
        yield Finding("payload_changed", n, f"第 {n} 条的内容或盐与正文中的承诺不符：被改过。")


def _check_log(stored: Log, frontier: Frontier) -> Iterator[Finding]:
    if (stored.size, stored.root) != (frontier.size, frontier.root().hex()):
        yield Finding(
            "head_differs",
            None,
            f"日志头为 {stored.size}:{stored.root}，按各条重算为 {frontier.size}:{frontier.root().hex()}。",
        )
    else:
        try:
            kept = read_frontier(stored)
        except ValueError:
            kept = None
        if kept != frontier:
            yield Finding("frontier_differs", None, "日志头保存的子树根与各条重算的不符：被改过。")
    # In one statement, so that a leaf appended at this moment is not taken for one without a head.
    size = Subquery(Log.objects.filter(pk=1).values("size"))
    beyond = Leaf.objects.filter(sequence__gt=size) if Log.objects.filter(pk=1).exists() else Leaf.objects.all()
    first = beyond.order_by("sequence").values_list("sequence", flat=True).first()
    if first is not None:
        yield Finding("beyond_head", first, f"第 {first} 条在日志头之后：不是由系统写入的。")


def _check_saved(saved: Head, size: int, passed: bytes | None) -> Iterator[Finding]:
    if passed is None:
        yield Finding("truncated", size + 1, f"保存的日志头有 {saved.size} 条，现只有 {size} 条：尾部被截断。")
    elif passed.hex() != saved.root:
        yield Finding("rewritten", None, f"前 {saved.size} 条的根与保存的日志头不符：历史被改写。")


def _parsed(body: str) -> dict[str, object] | None:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _same_moment(text: object, moment: datetime) -> bool:
    try:
        return isinstance(text, str) and datetime.fromisoformat(text) == moment
    except (ValueError, TypeError):
        return False
