"""Proofs of inclusion and consistency are the published ones, and hold for every tree and for nothing else.

Vectors: the eight leaves and proofs that implementations of certificate transparency share (transparency-dev/merkle,
proof/verify_test.go); SM3 from GB/T 32905-2016, appendix A.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rongtong.engine.merkle import EMPTY_ROOT, SHA256, SM3, Hash, leaf_hash, tree_root
from rongtong.engine.proof import (
    Levels,
    ProofRefused,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    root,
)

LEAVES = [bytes.fromhex(t) for t in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
LEAVES.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
# (leaf counted from 0, size): the proof.
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): INCLUSION[1, 5][1:],
    (6, 7): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
BOTH = [SHA256, SM3]
MANY = {by.name: [by.leaf(n.to_bytes(2, "big")) for n in range(301)] for by in BOTH}
GROWN = {by.name: Levels(MANY[by.name], by) for by in BOTH}


def hexadecimal(proof: list[bytes]) -> list[str]:
    return [each.hex() for each in proof]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_the_proofs_of_inclusion_are_the_published_ones(index: int, size: int) -> None:
    proof = inclusion_proof(index, size, Levels(HASHES).subtree)
    assert hexadecimal(proof) == INCLUSION[index, size]
    check_inclusion(index, size, HASHES[index], proof, tree_root(HASHES[:size]))


@pytest.mark.parametrize(("old", "size"), CONSISTENCY)
def test_the_proofs_of_consistency_are_the_published_ones(old: int, size: int) -> None:
    proof = consistency_proof(old, size, Levels(HASHES).subtree)
    assert hexadecimal(proof) == CONSISTENCY[old, size]
    check_consistency(old, size, tree_root(HASHES[:old]), tree_root(HASHES[:size]), proof)


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_sm3_is_that_of_the_standard(message: bytes, digest: str) -> None:
    assert SM3.usable()
    assert SM3.of(message).hex() == digest


def test_a_hash_that_the_machine_lacks_is_not_usable() -> None:
    def missing(data: bytes) -> object:
        raise ValueError("unsupported hash type")

    assert not Hash("whirlpool", missing).usable()


def by_definition(hashes: list[bytes], by: Hash) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if len(hashes) < 2:
        return hashes[0] if hashes else by.of(b"")
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return by.node(by_definition(hashes[:k], by), by_definition(hashes[k:], by))


def path_by_definition(m: int, hashes: list[bytes], by: Hash) -> list[bytes]:
    """PATH of RFC 6962 section 2.1.1."""
    if len(hashes) == 1:
        return []
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    if m < k:
        return [*path_by_definition(m, hashes[:k], by), by_definition(hashes[k:], by)]
    return [*path_by_definition(m - k, hashes[k:], by), by_definition(hashes[:k], by)]


def subproof_by_definition(m: int, hashes: list[bytes], whole: bool, by: Hash) -> list[bytes]:
    """SUBPROOF of RFC 6962 section 2.1.2."""
    if m == len(hashes):
        return [] if whole else [by_definition(hashes, by)]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    if m <= k:
        return [*subproof_by_definition(m, hashes[:k], whole, by), by_definition(hashes[k:], by)]
    return [*subproof_by_definition(m - k, hashes[k:], False, by), by_definition(hashes[:k], by)]


@given(st.integers(0, 300), st.sampled_from(BOTH))
@settings(max_examples=60)
def test_the_root_is_that_of_the_definition(size: int, by: Hash) -> None:
    assert root(size, GROWN[by.name].subtree, by) == by_definition(MANY[by.name][:size], by)
    assert tree_root(MANY[by.name][:size], by) == by_definition(MANY[by.name][:size], by)


@given(st.data(), st.integers(1, 300), st.sampled_from(BOTH))
def test_inclusion_is_proved_as_defined_and_nothing_near_it_passes(data: st.DataObject, size: int, by: Hash) -> None:
    hashes, index = MANY[by.name][:size], data.draw(st.integers(0, size - 1))
    proof, wanted = inclusion_proof(index, size, GROWN[by.name].subtree, by), by_definition(hashes, by)
    assert proof == path_by_definition(index, hashes, by)
    check_inclusion(index, size, hashes[index], proof, wanted, by)
    wrong = [
        (index + 1, size, hashes[index], proof),
        (index ^ 1, size, hashes[index], proof),
        (index, size, MANY[by.name][300], proof),
        (index, size, hashes[index], [*proof, wanted]),
        (index, size, hashes[index], [wanted, *proof]),
        (index, size, hashes[index], [*proof, b""]),
    ]
    if proof:
        wrong += [(index, size, hashes[index], proof[:-1]), (index, size, hashes[index], flipped(proof, data))]
    for at, of, leaf, path in wrong:
        with pytest.raises(ProofRefused):
            check_inclusion(at, of, leaf, path, wanted, by)


@given(st.data(), st.integers(0, 300), st.sampled_from(BOTH))
def test_consistency_is_proved_as_defined_and_nothing_near_it_passes(data: st.DataObject, size: int, by: Hash) -> None:
    hashes, old = MANY[by.name][:size], data.draw(st.integers(0, size))
    proof = consistency_proof(old, size, GROWN[by.name].subtree, by)
    before, after = by_definition(hashes[:old], by), by_definition(hashes, by)
    assert proof == (subproof_by_definition(old, hashes, True, by) if old else [])
    check_consistency(old, size, before, after, proof, by)
    other = MANY[by.name][300]
    wrong = [(other, after, proof), (before, after, [*proof, after]), (before, after, [*proof, b""])]
    if 0 < old < size:
        wrong += [(before, other, proof), (after, before, proof), (before, after, proof[:-1]), (before, after, [])]
        wrong.append((before, after, flipped(proof, data)))
    for first, second, path in wrong:
        with pytest.raises(ProofRefused):
            check_consistency(old, size, first, second, path, by)


def flipped(proof: list[bytes], data: st.DataObject) -> list[bytes]:
    at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    changed = (int.from_bytes(proof[at], "big") ^ 1 << bit).to_bytes(32, "big")
    return [*proof[:at], changed, *proof[at + 1 :]]


def test_a_log_that_became_shorter_is_refused() -> None:
    with pytest.raises(ProofRefused, match="少于前一棵的 2 片"):
        check_consistency(2, 1, HASHES[0], HASHES[0], [])
    with pytest.raises(ProofRefused, match="空树的根不对"):
        check_consistency(0, 1, HASHES[0], HASHES[0], [])
    check_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])


def test_proofs_of_what_is_not_there_are_not_made() -> None:
    with pytest.raises(ValueError, match="没有第 3 片"):
        inclusion_proof(3, 3, Levels(HASHES).subtree)
    with pytest.raises(ValueError, match="不能与 4 片"):
        consistency_proof(4, 3, Levels(HASHES).subtree)
