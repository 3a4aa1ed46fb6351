"""What was erased from the log, and whether the log says so: payloads, what is left of them, and names (decisions/0016)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from rongtong.engine.merkle import SALT_BYTES, commitment

# One payload was erased; a person was erased.
ERASE, ERASE_PERSON = "records.erase", "records.erase_person"
LEAF = "leaf:"
# The columns of a leaf that hold a username, each with a salt beside it.
PARTS = ("actor", "subject")

Name = tuple[str, int]


def erasure_subject(sequence: int) -> str:
    """How the leaf of an erasure names the leaf whose payload it erased."""
    return f"{LEAF}{sequence}"


def left(salt: str, text: str) -> str:
    """The commitment to what is left of a payload, in hexadecimal; "" where nothing is. A salt that is none gives "?"."""
    if not text:
        return ""
    found = opened(salt, text)
    return "?" if found is None else found


def opened(salt: str, text: str) -> str | None:
    """The commitment that a salt in hexadecimal and a text open, in hexadecimal; None for a salt that is none."""
    try:
        raw = bytes.fromhex(salt)
    except ValueError:
        return None
    return commitment(raw, text).hex() if len(raw) == SALT_BYTES else None


def ranges(numbers: Iterable[int]) -> str:
    """Numbers as text, in order: 1, 2, 3 and 7 are `1-3,7`."""
    spans: list[list[int]] = []
    for n in sorted(set(numbers)):
        if spans and spans[-1][1] == n - 1:
            spans[-1][1] = n
        else:
            spans.append([n, n])
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in spans)


def numbers(text: str) -> Iterator[int]:
    """The numbers that `ranges` wrote. Raises ValueError for what it did not write."""
    for span in text.split(",") if text else ():
        first, _, last = span.partition("-")
        yield from range(int(first), int(last or first) + 1)


@dataclass(slots=True)
class Erased:
    """What a check of the log sees erased (`payloads`: sequence → what is left, `names`: part and sequence → pseudonym),
    and what the leaves of erasures say was."""

    payloads: dict[int, str] = field(default_factory=dict)
    names: dict[Name, str] = field(default_factory=dict)
    said_payloads: dict[int, str] = field(default_factory=dict)
    said_names: dict[Name, str] = field(default_factory=dict)

    def hear(self, kind: str, subject: str, text: str) -> None:
        """Take in a leaf of the log: only those of erasures say anything."""
        if kind == ERASE and subject.startswith(LEAF) and subject[len(LEAF) :].isdecimal():
            self.said_payloads[int(subject[len(LEAF) :])] = ""
        elif kind == ERASE_PERSON:
            try:
                self._hear_person(json.loads(text))
            except (ValueError, TypeError, KeyError, AttributeError):
                # A payload that is none says nothing; that it was changed is found by its commitment.
                return

    def _hear_person(self, said: Mapping[str, object]) -> None:
        for part in PARTS:
            self.said_names.update({(part, n): str(said["pseudonym"]) for n in numbers(str(said[part]))})
        payloads = said["payloads"]
        if isinstance(payloads, Mapping):
            self.said_payloads.update({int(n): str(what) for n, what in payloads.items()})

    def unsaid(self) -> bool:
        """Whether anything is erased of which no leaf heard so far says so."""
        return any(n not in self.said_payloads for n in self.payloads) or any(
            n not in self.said_names for n in self.names
        )

    def wrong(self) -> Iterator[tuple[str, int, str]]:
        """What is erased otherwise than the log says: code, sequence and the reason in Chinese."""
        for n, what in sorted(self.payloads.items()):
            said = self.said_payloads.get(n)
            if said is None:
                yield "erased_without_record", n, f"第 {n} 条的内容已被删除，但日志中没有删除记录。"
            elif said != what:
                yield "left_changed", n, f"第 {n} 条删去个人信息后留下的内容，与删除记录所说的不符：被改过。"
        for (part, n), name in sorted(self.names.items()):
            if self.said_names.get((part, n)) != name:
                yield "erased_without_record", n, f"第 {n} 条的 {part} 已换成“{name}”，但日志中没有相应的删除记录。"
