"""Proofs over the tree of the log: that a leaf is in it (inclusion), and that it only grew (consistency).

Made by RFC 6962 sections 2.1.1 and 2.1.2, checked by RFC 9162 sections 2.1.3.2 and 2.1.4.2. A proof is a list of 32-byte
hashes, that nearest the leaf first. Leaves are counted from 0. Where the hashes come from is the caller's business: memory
(`Levels`) or tiles (`tile.TileTree`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rongtong.engine.merkle import HASH_BYTES, SHA256, Hash, joined

# (height, index): the root of the full subtree over the leaves from index * 2^height on, 2^height of them.
Subtree = Callable[[int, int], bytes]


class ProofRefused(ValueError):
    """A proof does not prove what it should; the message says what does not fit."""


class Levels:
    """All full subtrees of a tree in memory: 64 bytes a leaf, an append costs O(1) on average."""

    def __init__(self, leaf_hashes: Iterable[bytes] = (), by: Hash = SHA256) -> None:
        self.by = by
        self.heights: list[list[bytes]] = [[]]
        for each in leaf_hashes:
            self.append(each)

    def __len__(self) -> int:
        return len(self.heights[0])

    def append(self, leaf: bytes) -> None:
        """One more leaf, given by its leaf hash."""
        height = 0
        self.heights[0].append(leaf)
        while not len(self.heights[height]) & 1:
            left, right = self.heights[height][-2:]
            height += 1
            if height == len(self.heights):
                self.heights.append([])
            self.heights[height].append(self.by.node(left, right))

    def subtree(self, height: int, index: int) -> bytes:
        """The root of one full subtree. Raises IndexError beyond the tree."""
        return self.heights[height][index]


def root(size: int, subtree: Subtree, by: Hash = SHA256) -> bytes:
    """The root of the first `size` leaves."""
    return joined(_pieces(0, size, subtree), by)


def inclusion_proof(index: int, size: int, subtree: Subtree, by: Hash = SHA256) -> list[bytes]:
    """That leaf `index` is in the tree of the first `size` leaves. Raises ValueError unless 0 <= index < size."""
    if not 0 <= index < size:
        raise ValueError(f"树有 {size} 片叶，没有第 {index} 片（从 0 数）。")
    path, begin, end = [], 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(joined(_pieces(middle, end, subtree), by))
            end = middle
        else:
            path.append(joined(_pieces(begin, middle, subtree), by))
            begin = middle
    return path[::-1]


def consistency_proof(old: int, size: int, subtree: Subtree, by: Hash = SHA256) -> list[bytes]:
    """That the tree of the first `size` leaves begins with that of the first `old`. Raises ValueError if old > size."""
    if not 0 <= old <= size:
        raise ValueError(f"树有 {size} 片叶，不能与 {old} 片叶的树相比。")
    path, begin, end = [], 0, size
    while old and old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append(joined(_pieces(middle, end, subtree), by))
            end = middle
        else:
            path.append(joined(_pieces(begin, middle, subtree), by))
            begin = middle
    # The old tree is a full subtree from the first leaf on: who checks has its root.
    if begin:
        path.append(joined(_pieces(begin, end, subtree), by))
    return path[::-1]


def root_by_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], by: Hash = SHA256) -> bytes:
    """The root that a proof leads to from a leaf hash. Raises ProofRefused when its length does not fit."""
    if not 0 <= index < size:
        raise ProofRefused(f"树有 {size} 片叶，没有第 {index} 片（从 0 数）。")
    _whole(proof)
    at, last, found = index, size - 1, leaf
    for each in proof:
        if last == 0:
            raise ProofRefused("包含证明过长。")
        if at & 1 or at == last:
            found = by.node(each, found)
            at, last = _risen(at, last)
        else:
            found = by.node(found, each)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise ProofRefused("包含证明过短。")
    return found


def check_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], wanted: bytes, by: Hash = SHA256
) -> None:
    """Raises ProofRefused unless the proof leads from the leaf hash to the wanted root."""
    if root_by_inclusion(index, size, leaf, proof, by) != wanted:
        raise ProofRefused("包含证明得出的根与检查点的根不符。")


def check_consistency(
    old: int, size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes], by: Hash = SHA256
) -> None:
    """Raises ProofRefused unless the proof leads to both roots: the tree of `size` leaves begins with that of `old`.

    Stricter than RFC 9162, which asks nothing of the root of no leaves: it must be the hash of nothing.
    """
    if not 0 <= old <= size:
        raise ProofRefused(f"后一棵树有 {size} 片叶，少于前一棵的 {old} 片。")
    _whole(proof)
    if old in (0, size):
        _check_trivial(old, old_root, new_root if old == size else None, proof, by)
        return
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        raise ProofRefused("一致性证明过短。")
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = path[0]
    for each in path[1:]:
        if last == 0:
            raise ProofRefused("一致性证明过长。")
        if at & 1 or at == last:
            before, after = by.node(each, before), by.node(each, after)
            at, last = _risen(at, last)
        else:
            after = by.node(after, each)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise ProofRefused("一致性证明过短。")
    if before != old_root:
        raise ProofRefused("一致性证明得不出前一棵树的根。")
    if after != new_root:
        raise ProofRefused("一致性证明得不出后一棵树的根。")


def _check_trivial(old: int, old_root: bytes, same: bytes | None, proof: Sequence[bytes], by: Hash) -> None:
    """Of no leaves, or of as many as before: no proof is needed, and none is taken."""
    if proof:
        raise ProofRefused("一致性证明过长。")
    if old == 0 and old_root != by.of(b""):
        raise ProofRefused("空树的根不对。")
    if same is not None and same != old_root:
        raise ProofRefused("条数相同而根不同。")


def _risen(at: int, last: int) -> tuple[int, int]:
    """Past the heights at which the node is the last of its row and alone."""
    while at and not at & 1:
        at, last = at >> 1, last >> 1
    return at, last


def _whole(proof: Sequence[bytes]) -> None:
    for n, each in enumerate(proof, 1):
        if len(each) != HASH_BYTES:
            raise ProofRefused(f"证明的第 {n} 项应为 {HASH_BYTES} 字节，却有 {len(each)} 字节。")


def _split(count: int) -> int:
    """The largest power of two below the count (RFC 6962 section 2.1), which must be over 1."""
    return 1 << (count - 1).bit_length() - 1


def _pieces(begin: int, end: int, subtree: Subtree) -> list[bytes]:
    """The full subtrees that make up the leaves from begin to end, the largest first; begin is aligned to the first."""
    pieces = []
    while begin < end:
        height = (end - begin).bit_length() - 1
        pieces.append(subtree(height, begin >> height))
        begin += 1 << height
    return pieces
