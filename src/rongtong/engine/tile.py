"""The log as files: tiles of hashes and bundles of entries in the layout of C2SP tlog-tiles.

A tile holds up to 256 consecutive hashes of one level; those of level L are the roots of full subtrees of 256^L leaves.
A bundle holds the entries of a tile of level 0, each after its length in two bytes, the higher first. Files only ever come
anew: a full tile is never changed, a partial one (`.p/W`) is followed by a wider one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rongtong.engine.merkle import HASH_BYTES, SHA256, Frontier, Hash
from rongtong.engine.proof import consistency_proof, inclusion_proof, root

WIDTH, HEIGHT = 256, 8
LONGEST_ENTRY = 2**16 - 1
# Each tile in memory as a tree of its own takes 16 kB.
KEPT = 1024

Read = Callable[[str], bytes]


class TileRefused(ValueError):
    """A tile or a bundle is not what its name says; the message names it."""


def index_path(index: int) -> str:
    """An index as a path in groups of three digits: 1234067 is x001/x234/067."""
    groups = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03d}")
    return "/".join(groups)


def tile_path(level: int | str, index: int, width: int = WIDTH) -> str:
    """Where a tile lies (`level` a number) or a bundle (`level` is "entries")."""
    return f"tile/{level}/{index_path(index)}{'' if width == WIDTH else f'.p/{width}'}"


def shape(size: int) -> Iterator[tuple[int, int, int]]:
    """The tiles of a tree of `size` leaves as (level, index, width), level by level."""
    level = 0
    while size:
        full, rest = divmod(size, WIDTH)
        yield from ((level, index, WIDTH) for index in range(full))
        if rest:
            yield level, full, rest
        size, level = full, level + 1


def bundle(entries: Sequence[bytes]) -> bytes:
    """Entries in one file. Raises ValueError for an entry that is too long."""
    if any(len(entry) > LONGEST_ENTRY for entry in entries):
        raise ValueError(f"有一条超过 {LONGEST_ENTRY} 字节。")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


@dataclass(frozen=True, slots=True)
class Tile:
    """Consecutive hashes of one level, from one end of the tile on."""

    level: int
    index: int
    hashes: tuple[bytes, ...]

    @property
    def path(self) -> str:
        return tile_path(self.level, self.index, len(self.hashes))

    @property
    def content(self) -> bytes:
        return b"".join(self.hashes)


class Edge:
    """The right edge of a growing tree: the hashes of the tile that is not yet full, for each level."""

    def __init__(self, by: Hash = SHA256) -> None:
        self.by = by
        self.size = 0
        self.levels: list[list[bytes]] = []

    @staticmethod
    def read(size: int, read: Read, by: Hash = SHA256) -> Edge:
        """The edge of a stored tree. Raises what `read` raises, and TileRefused."""
        edge = Edge(by)
        edge.size = size
        while size:
            size, rest = divmod(size, WIDTH)
            path = tile_path(len(edge.levels), size, rest)
            edge.levels.append(list(hashes_of(path, read(path), rest)) if rest else [])
        return edge

    def append(self, leaf: bytes) -> Iterator[Tile]:
        """One more leaf hash; gives the tiles that it fills. Must be read to its end."""
        carry: bytes | None = leaf
        self.size += 1
        count, level = self.size, 0
        while carry is not None:
            if level == len(self.levels):
                self.levels.append([])
            hashes = self.levels[level]
            hashes.append(carry)
            carry = None
            if len(hashes) == WIDTH:
                count >>= HEIGHT
                yield Tile(level, count - 1, tuple(hashes))
                carry = folded(hashes, self.by)[HEIGHT][0]
                hashes.clear()
            level += 1

    def partials(self) -> Iterator[Tile]:
        """The tiles that are not full, as they are now."""
        count = self.size
        for level, hashes in enumerate(self.levels):
            count >>= HEIGHT
            if hashes:
                yield Tile(level, count, tuple(hashes))

    def frontier(self) -> Frontier:
        """The tree as a frontier, which knows its root."""
        found: list[bytes] = []
        for hashes in reversed(self.levels):
            begin = 0
            rows = folded(hashes, self.by)
            for height in range(HEIGHT - 1, -1, -1):
                if len(hashes) >> height & 1:
                    found.append(rows[height][begin >> height])
                    begin += 1 << height
        return Frontier(self.size, tuple(found), self.by)


def folded(hashes: Sequence[bytes], by: Hash = SHA256) -> list[list[bytes]]:
    """The full subtrees above consecutive hashes: row h has those over 2^h of them, up to row 8."""
    rows = [list(hashes)]
    for _ in range(HEIGHT):
        below = rows[-1]
        rows.append([by.node(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])
    return rows


def hashes_of(path: str, content: bytes, width: int) -> tuple[bytes, ...]:
    """The hashes in a tile. Raises TileRefused when it has not exactly `width` of them."""
    if len(content) != width * HASH_BYTES:
        raise TileRefused(f"{path}: 应有 {width} 个哈希（{width * HASH_BYTES} 字节），却有 {len(content)} 字节。")
    return tuple(content[i : i + HASH_BYTES] for i in range(0, len(content), HASH_BYTES))


class TileTree:
    """The tree of `size` leaves read from its tiles, each once; for proofs that need a few of them."""

    def __init__(self, size: int, read: Read, by: Hash = SHA256) -> None:
        self.size = size
        self.by = by
        self._read = read
        self._rows = lru_cache(KEPT)(self._load)

    def _load(self, level: int, index: int) -> list[list[bytes]]:
        width = min(WIDTH, (self.size >> HEIGHT * level) - index * WIDTH)
        path = tile_path(level, index, width)
        return folded(hashes_of(path, self._read(path), width), self.by)

    def subtree(self, height: int, index: int) -> bytes:
        """The root of one full subtree. Raises what `read` raises, and TileRefused."""
        level, within = divmod(height, HEIGHT)
        tile, place = divmod(index << within, WIDTH)
        return self._rows(level, tile)[within][place >> within]

    def root(self) -> bytes:
        return root(self.size, self.subtree, self.by)

    def inclusion(self, index: int) -> list[bytes]:
        """The proof that leaf `index`, counted from 0, is in the tree."""
        return inclusion_proof(index, self.size, self.subtree, self.by)

    def consistency(self, old: int) -> list[bytes]:
        """The proof that the tree begins with that of the first `old` leaves."""
        return consistency_proof(old, self.size, self.subtree, self.by)
