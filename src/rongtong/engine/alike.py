"""Problems that may be the same (疑似重复) and common problems (同类问题): short Chinese texts alike in characters.

Nothing is merged here, nor by whoever calls: two problems that differ only in the firm, the place or the amount are
nearly alike as texts and are two problems all the same. What is found is a candidate with its likeness, shown to an
officer who decides. Likeness 1 does not even say that the texts are equal (22 and 222 have the same pairs of
characters). Likeness is of words, not of meaning: one problem told in quite other words is not found.

A text is the set of its shingles, runs of `SIZE` characters; the likeness of two is shared ÷ all shingles (Jaccard), an
exact fraction. Of each set a sketch of `HASHES` minima is kept; two sketches agree at a place as often as their texts
are alike. `ROWS` places make a band: texts of likeness s share one of the `BANDS` or more with probability
1 − (1 − s^ROWS)^BANDS (0.65 at 0.4, 0.92 at 0.5, 0.996 at 0.6), so that a table of (case, band) with an index on band
gives the candidates in one query, and `near` compares these alone. Sketch and bands are integers only, the same on every
machine and Python; changing a constant that they come from, or `normalised`, makes kept ones worthless. How size, bands
and thresholds were chosen: bench/alike.py, bench/README.md.
Sources: Broder, On the resemblance and containment of documents (1997); Indyk and Motwani, Approximate nearest
neighbors (1998); Aslam, Pelekhov and Rus, The star clustering algorithm (2004).
"""

from __future__ import annotations

import re
import struct
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from hashlib import blake2b
from itertools import groupby
from typing import TYPE_CHECKING, Generic, TypeVar

# The database of Unicode 3.2, which every Python has for internet names, so that all versions read a text alike.
from unicodedata import ucd_3_2_0 as unicode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIZE = 2
HASHES, ROWS = 160, 4
BANDS = HASHES // ROWS
# Likeness from which a problem is shown as a possible duplicate, and from which problems are grouped as common ones.
NEAR, COMMON = Fraction(2, 5), Fraction(3, 10)
MOST_TERMS = 5
MILLION = 10**6
# A point stays only within a number: 1.5 is not 15.
POINT = re.compile(r"(?<![0-9])\.|\.(?![0-9])")

Key = TypeVar("Key", int, str)


@dataclass(frozen=True, slots=True)
class Cluster(Generic[Key]):
    """Items alike: all members in order, the one at the centre, and the phrases that tell them from the rest.

    Every member is at least as like the centre as was asked. `terms`: normalised, the most telling first, at most
    `MOST_TERMS`; material for a title that an officer writes.
    """

    members: tuple[Key, ...]
    centre: Key
    terms: tuple[str, ...]


@cache
def _kept(char: str) -> str:
    # Ideographs added since Unicode 3.2 occur in names; taken by their ranges, every version of Python knows all.
    known = "\u3400" <= char <= "\u9fff" or "\U00020000" <= char <= "\U0003ffff" or unicode.category(char)[0] in "LN"
    return char.casefold() if known or char == "." else " "


def _pieces(text: str) -> list[str]:
    """The text between its punctuation and spaces."""
    return POINT.sub(" ", "".join(map(_kept, unicode.normalize("NFKC", text)))).split()


def normalised(text: str) -> str:
    """Letters, digits and ideographs alone: full width as half (NFKC), small letters, the point kept within numbers."""
    return "".join(_pieces(text))


def shingles(text: str, size: int = SIZE) -> frozenset[str]:
    """Every run of `size` characters of the normalised text; a shorter text is one shingle, an empty one has none."""
    return _shingles(normalised(text), size)


def _shingles(plain: str, size: int = SIZE) -> frozenset[str]:
    return frozenset(_runs(plain, size)) if plain else frozenset()


def _runs(plain: str, size: int = SIZE) -> list[str]:
    return [plain[at : at + size] for at in range(max(len(plain) - size + 1, 1))]


def likeness(a: str, b: str) -> Fraction:
    """Shared ÷ all shingles of two texts, from 0 to 1; a text without a character to compare is like none."""
    return _jaccard(shingles(a), shingles(b))


def _jaccard(one: frozenset[str], other: frozenset[str]) -> Fraction:
    shared = len(one & other)
    return Fraction(shared, len(one) + len(other) - shared) if shared else Fraction(0)


@cache
def _factors() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    import numpy as np

    drawn = [blake2b(b"rongtong.alike %d" % n, digest_size=16).digest() for n in range(HASHES)]
    pairs = [struct.unpack("<QQ", each) for each in drawn]
    return np.array([[a | 1] for a, _ in pairs], "u8"), np.array([[b] for _, b in pairs], "u8")


def sketch(text: str) -> tuple[int, ...]:
    """The minima of `HASHES` hash functions over the text's shingles, each from 0 to 2^63 − 1; of an empty text none.

    A shingle is the number its code points make (21 bits each), mixed by the finaliser of splitmix64 to x; function k
    is (a_k x + b_k mod 2^64) ÷ 2 rounded down, a_k odd, both from BLAKE2b of k. numpy makes the same integers 15 times as
    fast as a loop does, which a year's texts need.
    """
    import numpy as np

    points = np.frombuffer(normalised(text).encode("utf-32-le"), "<u4").astype("u8")
    if not points.size:
        return ()
    many = max(len(points) - SIZE + 1, 1)
    codes = np.zeros(many, "u8")
    for at in range(min(SIZE, len(points))):
        codes = codes << np.uint64(21) | points[at : at + many]
    codes = (codes ^ codes >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    codes = (codes ^ codes >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    codes ^= codes >> np.uint64(31)
    by, plus = _factors()
    minima: list[int] = ((by * codes + plus).min(axis=1) >> np.uint64(1)).tolist()
    return tuple(minima)


def bands(of: Sequence[int]) -> tuple[int, ...]:
    """The names of a sketch's bands, signed integers of 64 bits that hold the band's number and content; of none none.

    Raises ValueError for a sketch of another length.
    """
    if len(of) not in (0, HASHES):
        raise ValueError(f"文本摘要应有 {HASHES} 个数，却有 {len(of)} 个；请用 sketch 重新生成。")
    packed = struct.pack(f"<{len(of)}q", *of)
    wide = 8 * ROWS
    return tuple(_named(at // wide, packed[at : at + wide]) for at in range(0, len(packed), wide))


def _named(number: int, content: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=8, salt=b"%d" % number).digest(), "little", signed=True)


def near(text: str, candidates: Mapping[Key, str], least: Fraction = NEAR) -> list[tuple[Key, Fraction]]:
    """The candidates at least so like the text, with their likeness: the most alike first, then by key.

    Raises ValueError when `least` is not above 0 and at most 1.
    """
    _checked(least)
    own = shingles(text)
    found = [(key, _jaccard(own, shingles(other))) for key, other in candidates.items()]
    return sorted((each for each in found if each[1] >= least), key=lambda each: (-each[1], each[0]))


def _checked(least: Fraction) -> None:
    if not 0 < least <= 1:
        raise ValueError(f"相似度下限应大于 0、不大于 1，却是 {least}。")


def clusters(items: Mapping[Key, str], least: Fraction = COMMON) -> tuple[Cluster[Key], ...]:
    """Common problems: clusters of two items and more, the largest first, then by centre; an item is in one at most.

    Stars, not connected parts: the item most alike to all around it becomes a centre and takes its neighbours, then the
    next that no centre has taken; at last each goes to the centre it is most like. Connected parts run away in chains
    (a like b, b like c, … until nothing joins a and z). Average-link would need the pairs between groups that no band
    finds; a star needs only the likeness to its centre, which an officer checks by reading two texts.
    The order of the items changes nothing. Time and memory grow with the pairs that share a band; pairs are found as
    often as they share one (see the module). Texts equal when normalised count as one.
    Raises ValueError when `least` is not above 0 and at most 1.
    """
    _checked(least)
    alike: dict[str, list[Key]] = defaultdict(list)
    for key in sorted(items):
        if plain := normalised(items[key]):
            alike[plain].append(key)
    texts = list(alike)
    around = _likenesses(texts, least)
    groups = _stars(around, [len(alike[text]) for text in texts])
    found = [(centre, group) for centre, group in groups.items() if len(group) > 1 or len(alike[texts[centre]]) > 1]
    told = _terms(items, [([k for at in group for k in alike[texts[at]]], alike[texts[c]][0]) for c, group in found])
    return tuple(sorted(told, key=lambda each: (-len(each.members), each.centre)))


def _likenesses(texts: Sequence[str], least: Fraction) -> list[dict[int, Fraction]]:
    """By text: the others that share a band with it and are at least so like it."""
    around: list[dict[int, Fraction]] = [{} for _ in texts]
    # A set of text takes kilobytes, numbers in a row a tenth of that; all of a year stay in memory.
    numbers: dict[str, int] = {}
    rows = [array("I", [numbers.setdefault(each, len(numbers)) for each in _shingles(text)]) for text in texts]
    over, under = least.numerator, least.denominator
    for one, others in _sharing_a_band(texts):
        own = set(rows[one])
        for other in others:
            # The smaller over the larger bounds the likeness and costs nothing.
            short, long = sorted((len(own), len(rows[other])))
            if short * under < long * over:
                continue
            shared = len(own.intersection(rows[other]))
            if shared * under >= (short + long - shared) * over:
                around[one][other] = around[other][one] = Fraction(shared, short + long - shared)
    return around


def _sharing_a_band(texts: Sequence[str]) -> Iterator[tuple[int, set[int]]]:
    """Each text with the later ones that share a band with it."""
    rows = [array("q", bands(sketch(text))) for text in texts]
    drawers: list[list[tuple[array[int], int]]] = [[] for _ in texts]
    for number in range(BANDS):
        drawer: dict[int, array[int]] = defaultdict(lambda: array("q"))
        for at, row in enumerate(rows):
            drawer[row[number]].append(at)
        for shared in drawer.values():
            if len(shared) > 1:
                for place, at in enumerate(shared, 1):
                    drawers[at].append((shared, place))
    for at, mine in enumerate(drawers):
        yield at, {other for shared, place in mine for other in shared[place:]}


def _stars(around: Sequence[Mapping[int, Fraction]], many: Sequence[int]) -> dict[int, list[int]]:
    """Centre → its texts, itself among them, given the neighbours of each text and how many items have it."""
    # In millionths: the exact sum of many fractions grows long, and this only ranks.
    pull = [
        many[at] * MILLION + sum(many[o] * int(f * MILLION) for o, f in row.items()) for at, row in enumerate(around)
    ]
    taken: set[int] = set()
    made: dict[int, list[int]] = {}
    for at in sorted(range(len(around)), key=lambda at: (-pull[at], at)):
        if at not in taken:
            made[at] = []
            taken.update((at, *around[at]))
    rank = {centre: place for place, centre in enumerate(made)}
    for at, row in enumerate(around):
        nearest = at if at in made else min((o for o in row if o in made), key=lambda o: (-row[o], rank[o]))
        made[nearest].append(at)
    return made


def _terms(items: Mapping[Key, str], groups: Sequence[tuple[Sequence[Key], Key]]) -> Iterator[Cluster[Key]]:
    """The clusters, given the members and the centre of each, with their terms."""
    wanted = {each for _, centre in groups for each in shingles(items[centre])}
    everywhere = Counter(each for text in items.values() for each in shingles(text) & wanted) if groups else Counter()
    for members, centre in groups:
        inside = Counter(each for key in members for each in shingles(items[key]) & wanted)
        m, rest = len(members), max(len(items) - len(members), 1)
        common = {
            each: Fraction(n, m) - Fraction(everywhere[each] - n, rest) for each, n in inside.items() if 2 * n >= m
        }
        yield Cluster(tuple(sorted(members)), centre, _phrases(_pieces(items[centre]), common))


def _phrases(pieces: Sequence[str], common: Mapping[str, Fraction]) -> tuple[str, ...]:
    """Runs of common shingles within a piece of the centre's text, one or more of them telling; the most telling first.

    Common: half the members have it. Telling: besides, the share of the rest that has it is smaller by half, or more;
    `common` holds the difference. What is common but does not tell only joins (公司 in 供电公司增容); a digit parts,
    since half a number names nothing.
    """
    weight: dict[str, Fraction] = {}
    for piece in pieces:
        by = [common.get(each) if not re.search("[0-9]", each) else None for each in _runs(piece)]
        for is_common, run in groupby(range(len(by)), lambda at: by[at] is not None):  # noqa: B023
            places = list(run)
            telling = [more for at in places if (more := by[at]) is not None and more >= Fraction(1, 2)]
            if is_common and telling:
                weight.setdefault(piece[places[0] : places[-1] + SIZE], sum(telling, Fraction(0)))
    return tuple(sorted(weight, key=lambda term: (-weight[term], term))[:MOST_TERMS])
