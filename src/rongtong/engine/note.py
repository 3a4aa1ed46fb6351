"""Signed notes and checkpoints of a log, as C2SP signed-note and tlog-checkpoint write them.

Whether a signature is genuine is asked of a function that is given: the engine has no keys and no cipher of its own.
A checkpoint names the log, its size and its root; an extension line `sm3 …` holds the root of the same leaves by SM3.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from rongtong.engine.merkle import HASH_BYTES

ED25519 = b"\x01"
ID_BYTES = 4
MARK = "\u2014 "
MOST_SIGNATURES = 64

# (public key, signature, message): whether the signature is genuine.
Genuine = Callable[[bytes, bytes, bytes], bool]


class NoteRefused(ValueError):
    """A note, key or checkpoint is not well-formed or not genuine; `code` says which, the message says it in words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def key_id(name: str, public: bytes) -> bytes:
    """SHA-256(name || 0x0A || 0x01 || public key)[:4]: the id of an Ed25519 key (C2SP signed-note)."""
    return hashlib.sha256(name.encode("utf-8") + b"\n" + ED25519 + public).digest()[:ID_BYTES]


def is_name(text: str) -> bool:
    """Whether a text may name a key: not empty, no spaces, no plus, no control characters."""
    return bool(text) and "+" not in text and not any(c.isspace() or ord(c) < 32 for c in text)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Who checks needs this and nothing else: `name+id+key`, as other verifiers of signed notes read it."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        return key_id(self.name, self.public)

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(ED25519 + self.public).decode()}"

    @staticmethod
    def parse(text: str) -> PublicKey:
        """Raises NoteRefused for anything but a well-formed Ed25519 key whose id is right."""
        name, _, rest = text.strip().partition("+")
        found, _, key = rest.partition("+")
        decoded = _decoded(key)
        if not is_name(name) or decoded is None or len(decoded) != 33 or decoded[:1] != ED25519:
            raise NoteRefused("key_malformed", f"“{text.strip()[:100]}”不是公钥。应为“名称+编号+Base64”。")
        made = PublicKey(name, decoded[1:])
        if made.id.hex() != found:
            raise NoteRefused(
                "key_malformed", f"公钥的编号 {found[:20]} 与公钥不符，应为 {made.id.hex()}：公钥抄错了。"
            )
        return made


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: the name and id of the key, and the signature itself."""

    name: str
    id: bytes
    value: bytes

    def __str__(self) -> str:
        return f"{MARK}{self.name} {base64.b64encode(self.id + self.value).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends in a newline, and its signatures."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(map(str, self.signatures))

    @staticmethod
    def parse(text: str) -> Note:
        """Raises NoteRefused for what is no signed note."""
        body, blank, tail = text.rpartition("\n\n")
        lines = tail.split("\n")
        if not blank or lines[-1] or len(lines) < 2 or len(lines) > MOST_SIGNATURES + 1:
            raise NoteRefused("note_malformed", "不是签名文本：应为正文、空行和签名行，末尾换行。")
        if any(ord(c) < 32 and c != "\n" for c in text):
            raise NoteRefused("note_malformed", "签名文本里有控制字符。")
        return Note(body + "\n", tuple(_signature(line) for line in lines[:-1]))

    def opened(self, key: PublicKey, genuine: Genuine) -> str:
        """The text, once a signature by this key has proved genuine. Raises NoteRefused otherwise."""
        own = [s for s in self.signatures if (s.name, s.id) == (key.name, key.id)]
        if not own:
            names = "、".join(f"{s.name}（{s.id.hex()}）" for s in self.signatures)
            raise NoteRefused("key_unknown", f"没有用公钥 {key.name}（{key.id.hex()}）签的名，只有 {names} 的。")
        message = self.text.encode("utf-8")
        if not all(genuine(key.public, s.value, message) for s in own):
            raise NoteRefused("signature_wrong", f"{key.name} 的签名不对：正文或签名被改过。")
        return self.text


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log was at one moment: its origin, how many leaves, their root by SHA-256, and by SM3 where it was made."""

    origin: str
    size: int
    root: bytes
    sm3: bytes | None = None

    @property
    def text(self) -> str:
        """The text that is signed."""
        lines = [self.origin, str(self.size), base64.b64encode(self.root).decode()]
        if self.sm3 is not None:
            lines.append(f"sm3 {base64.b64encode(self.sm3).decode()}")
        return "".join(f"{line}\n" for line in lines)

    @staticmethod
    def parse(text: str) -> Checkpoint:
        """Raises NoteRefused for what is no checkpoint; extension lines of others are passed over."""
        lines = text.split("\n")
        root = _decoded(lines[2]) if len(lines) >= 4 else None
        if root is None or len(root) != HASH_BYTES or not all(lines[:-1]) or lines[-1]:
            raise NoteRefused("checkpoint_malformed", "检查点应依次有日志名称、条数和 Base64 的根各一行。")
        if not re.fullmatch(r"0|[1-9][0-9]{0,17}", lines[1]):
            raise NoteRefused("checkpoint_malformed", f"检查点的条数“{lines[1][:30]}”不是数。")
        seconds = [_decoded(line[4:]) for line in lines[3:-1] if line.startswith("sm3 ")]
        if len(seconds) > 1 or any(each is None or len(each) != HASH_BYTES for each in seconds):
            raise NoteRefused("checkpoint_malformed", "检查点的 SM3 行不对。")
        return Checkpoint(lines[0], int(lines[1]), root, seconds[0] if seconds else None)


def open_checkpoint(text: str, key: PublicKey, genuine: Genuine) -> Checkpoint:
    """The checkpoint in a note that this key has signed, of the log that bears the key's name. Raises NoteRefused."""
    found = Checkpoint.parse(Note.parse(text).opened(key, genuine))
    if found.origin != key.name:
        raise NoteRefused("origin_differs", f"检查点是日志 {found.origin} 的，公钥是 {key.name} 的。")
    return found


def _signature(line: str) -> Signature:
    name, space, value = line.removeprefix(MARK).partition(" ")
    decoded = _decoded(value)
    if not line.startswith(MARK) or not space or not is_name(name) or decoded is None or len(decoded) <= ID_BYTES:
        raise NoteRefused("note_malformed", f"签名行“{line[:60]}”不对。")
    return Signature(name, decoded[:ID_BYTES], decoded[ID_BYTES:])


def _decoded(text: str) -> bytes | None:
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    # One text for one value: the last character of Base64 has bits that nothing reads.
    return decoded if base64.b64encode(decoded).decode() == text else None
