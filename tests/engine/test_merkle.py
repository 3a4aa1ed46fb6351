"""The tree of the log is that of RFC 6962, its JSON has one text, and its commitments hide."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.engine.merkle import (
    Frontier,
    NotCanonical,
    canonical_json,
    commitment,
    leaf_hash,
    node_hash,
    tree_root,
)

# The eight leaves and the roots over the first 1..8 of them that implementations of certificate transparency share.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_of_the_known_leaves_are_the_published_ones(size: int) -> None:
    assert tree_root(leaf_hash(leaf) for leaf in LEAVES[:size]).hex() == ROOTS[size - 1]


def test_the_root_of_no_leaves_is_the_hash_of_nothing() -> None:
    assert tree_root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Frontier().root() == tree_root([])


def by_definition(hashes: list[bytes]) -> bytes:
    """The recursive definition of RFC 6962 section 2.1: split at the largest power of two below the size."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return node_hash(by_definition(hashes[:k]), by_definition(hashes[k:]))


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70))
def test_appending_one_by_one_gives_the_root_of_the_recursive_definition(hashes: list[bytes]) -> None:
    frontier = Frontier()
    for n, each in enumerate(hashes, start=1):
        frontier = frontier.append(each)
        assert frontier.size == n
        assert len(frontier.hashes) == n.bit_count()
    assert frontier.root() == by_definition(hashes)


def test_a_frontier_of_the_wrong_number_of_hashes_is_refused() -> None:
    with pytest.raises(ValueError, match="大小为 3 的树应有 2 个子树根，却有 1 个"):
        Frontier(3, (b"x" * 32,))


def test_keys_are_sorted_as_the_example_of_rfc_8785_sorts_them() -> None:
    value = {"€": 1, "\r": 2, "\ufb33": 3, "1": 4, "😀": 5, "\u0080": 6, "ö": 7}
    assert list(json.loads(canonical_json(value))) == ["\r", "1", "\u0080", "ö", "€", "😀", "\ufb33"]


def test_canonical_text_has_no_spaces_and_escapes_only_what_must_be() -> None:
    value = {"b": [1, True, None, '省\n"\\\u001f/\u007f'], "a": {}}
    assert canonical_json(value) == '{"a":{},"b":[1,true,null,"省\\n\\"\\\\\\u001f/\u007f"]}'


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"a": [1.5]}, r"\$\.a\[0\]: 浮点数 1.5"),
        (Decimal("1.5"), "Decimal"),
        (Fraction(1, 3), "Fraction"),
        (2**53, "2\\^53-1"),
        (-(2**53), "2\\^53-1"),
        ({1: "x"}, "键 1 不是字符串"),
        ("\ud800", "Unicode"),
        ({"\ud800": 1}, "Unicode"),
        ({"x": {1, 2}}, "set"),
        (b"x", "bytes"),
        (float("nan"), "浮点数"),
    ],
)
def test_what_has_no_exact_text_is_refused_with_its_place(value: object, says: str) -> None:
    with pytest.raises(NotCanonical, match=says):
        canonical_json(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_reading_and_writing_again_gives_the_same_text(value: object) -> None:
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text


def test_a_commitment_is_the_hash_of_salt_and_payload() -> None:
    salt = bytes(range(32))
    assert commitment(salt, "省") == hashlib.sha256(salt + "省".encode()).digest()
    assert commitment(salt, "a") != commitment(salt, "b")
    assert commitment(salt, "a") != commitment(salt[::-1], "a")
    with pytest.raises(ValueError, match="32 字节"):
        commitment(b"short", "a")
