"""The Merkle tree over the log (RFC 6962), canonical JSON and salted commitments.

Hashes are raw 32-byte values, of SHA-256 unless another is named; hexadecimal is the caller's business.
Sources: RFC 6962 section 2.1 (hashes of leaves, nodes and trees), GB/T 32905-2016 (SM3), RFC 8785 (canonical JSON), of
which only the exact part is used: strings, integers, booleans, null, arrays and objects.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

HASH_BYTES = 32
SALT_BYTES = 32
# Integers beyond this are not the same number in every reader of JSON (RFC 8785 section 3.2.2.3, I-JSON).
LARGEST_INTEGER = 2**53 - 1


class NotCanonical(ValueError):
    """A value has no exact canonical form; the message names its path, the value and what to write instead."""


@dataclass(frozen=True, slots=True)
class Hash:
    """A hash function of 32 bytes as `hashlib` has it, and the three hashes of RFC 6962 section 2.1 made of it."""

    name: str
    start: Callable[[bytes], Any]

    def usable(self) -> bool:
        """Whether this machine's OpenSSL has it: SM3 is left out of some."""
        try:
            self.of(b"")
        except ValueError:
            return False
        return True

    def of(self, data: bytes) -> bytes:
        """The hash of the data alone. Raises ValueError where the function is not usable."""
        made: bytes = self.start(data).digest()
        return made

    def leaf(self, leaf: bytes) -> bytes:
        """H(0x00 || leaf): the hash of one entry."""
        made: bytes = self.start(b"\x00" + leaf).digest()
        return made

    def node(self, left: bytes, right: bytes) -> bytes:
        """H(0x01 || left || right): the hash of an inner node."""
        made: bytes = self.start(b"\x01" + left + right).digest()
        return made


SHA256, SM3 = Hash("sha256", hashlib.sha256), Hash("sm3", partial(hashlib.new, "sm3"))
EMPTY_ROOT = SHA256.of(b"")
leaf_hash, node_hash = SHA256.leaf, SHA256.node


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that is needed to go on with a tree: its size and the roots of its full subtrees, the largest first.

    A tree of 13 = 8 + 4 + 1 leaves keeps three hashes; appending a leaf costs O(log size).
    Raises ValueError when the number of hashes does not fit the size.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()
    by: Hash = SHA256

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise ValueError(
                f"大小为 {self.size} 的树应有 {self.size.bit_count() if self.size >= 0 else 0} 个子树根，"
                f"却有 {len(self.hashes)} 个。"
            )

    def append(self, leaf: bytes) -> Frontier:
        """The frontier after one more leaf, given by its leaf hash."""
        hashes = self.hashes
        carry = leaf
        # Every trailing one bit of the size is a full subtree that the new leaf completes to twice its size.
        size = self.size
        while size & 1:
            carry = self.by.node(hashes[-1], carry)
            hashes = hashes[:-1]
            size >>= 1
        return Frontier(self.size + 1, (*hashes, carry), self.by)

    def root(self) -> bytes:
        """The Merkle tree hash of RFC 6962 section 2.1."""
        return joined(self.hashes, self.by)


def joined(subtrees: Sequence[bytes], by: Hash = SHA256) -> bytes:
    """The root over full subtrees side by side, each larger than the next; of none the hash of nothing."""
    if not subtrees:
        return by.of(b"")
    root = subtrees[-1]
    for left in reversed(subtrees[:-1]):
        root = by.node(left, root)
    return root


def tree_root(leaf_hashes: Iterable[bytes], by: Hash = SHA256) -> bytes:
    """The root over leaf hashes in order; the root of no leaves is the hash of nothing."""
    frontier = Frontier(by=by)
    for each in leaf_hashes:
        frontier = frontier.append(each)
    return frontier.root()


def canonical_json(value: object) -> str:
    """The one text of a value: keys sorted by UTF-16 code units, no spaces, nothing escaped that need not be.

    Raises NotCanonical for floats, Decimals, Fractions, dates, integers beyond 2^53 - 1, keys that are not text and
    text that is not valid Unicode. The caller writes exact numbers as strings.
    """
    return json.dumps(_sorted(value, "$"), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _sorted(value: object, path: str) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, path)
    if isinstance(value, int):
        if abs(value) > LARGEST_INTEGER:
            raise NotCanonical(f"{path}: 整数 {value} 超过 2^53-1，请写成字符串。")
        return int(value)
    if isinstance(value, list | tuple):
        return [_sorted(each, f"{path}[{i}]") for i, each in enumerate(value)]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise NotCanonical(f"{path}: 键 {key!r} 不是字符串。")
            _text(key, path)
        # Of ASCII keys the code points stand in the same order, which is found sooner.
        plain = all(key.isascii() for key in value)
        ordered = sorted(value) if plain else sorted(value, key=lambda key: key.encode("utf-16-be"))
        return {key: _sorted(value[key], f"{path}.{key}") for key in ordered}
    if isinstance(value, float):
        raise NotCanonical(f"{path}: 浮点数 {value!r} 没有唯一写法，请用整数或写成字符串。")
    raise NotCanonical(f"{path}: {type(value).__name__} 类型的值 {value!r} 没有规范写法，请先写成字符串。")


def _text(value: str, path: str) -> str:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotCanonical(f"{path}: 文本第 {error.start + 1} 个字符不是合法的 Unicode。") from error
    return value


def commitment(salt: bytes, payload: str) -> bytes:
    """SHA-256(salt || payload): binds a canonical payload without telling it.

    The salt has 32 random bytes, so that an erased payload cannot be guessed from what remains. Raises ValueError for
    a salt of another length.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"盐应为 {SALT_BYTES} 字节，却有 {len(salt)} 字节。")
    return hashlib.sha256(salt + payload.encode("utf-8")).digest()
