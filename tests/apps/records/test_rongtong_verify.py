"""The one-file verifier stands alone: standard library, no network, its own cipher and tree, checked against others.

Vectors of Ed25519: RFC 8032 section 7.1.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey
from published_log import VERIFIER, PublishedLog, load_verifier, make_published_log

from rongtong.apps.registry.models import Account
from rongtong.engine import proof
from rongtong.engine.merkle import SHA256, SM3, tree_root
from rongtong.engine.tile import shape, tile_path

VERIFY = load_verifier()
# (secret key, public key, message, signature): TEST 1, 2, 3 and SHA(abc).
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]


@pytest.mark.parametrize(("secret", "public", "message", "signature"), RFC_8032)
def test_the_signatures_of_rfc_8032_are_genuine(secret: str, public: str, message: str, signature: str) -> None:
    key, text, value = (bytes.fromhex(each) for each in (public, message, signature))
    assert VERIFY.genuine(key, value, text)
    assert SigningKey(bytes.fromhex(secret)).sign(text).signature == value
    assert not VERIFY.genuine(key, value, text + b"\0")
    assert not VERIFY.genuine(key, value[:32] + bytes(32), text)
    assert not VERIFY.genuine(key, value[:-1], text)
    assert not VERIFY.genuine(key[:-1], value, text)


def test_a_signature_with_a_second_spelling_is_none() -> None:
    """RFC 8032 section 5.1.7: S must be below the order, or one signature could be written in many ways."""
    _, public, message, signature = RFC_8032[0]
    value = bytes.fromhex(signature)
    s = int.from_bytes(value[32:], "little") + VERIFY.ORDER
    assert not VERIFY.genuine(bytes.fromhex(public), value[:32] + s.to_bytes(32, "little"), bytes.fromhex(message))


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=50), st.integers(0, 511))
@settings(max_examples=8, deadline=None)
def test_it_agrees_with_another_implementation_and_finds_each_flipped_bit(seed: bytes, text: bytes, bit: int) -> None:
    private = SigningKey(seed)
    public, value = bytes(private.verify_key), private.sign(text).signature
    assert VERIFY.genuine(public, value, text)
    changed = (int.from_bytes(value, "big") ^ 1 << bit).to_bytes(64, "big")
    assert not VERIFY.genuine(public, changed, text)


LEAVES = [n.to_bytes(2, "big") for n in range(301)]


@given(st.integers(0, 300), st.sampled_from([SHA256, SM3]))
@settings(max_examples=30, deadline=None)
def test_its_roots_are_those_of_the_engine(size: int, by: SHA256.__class__) -> None:
    hashes = [by.leaf(leaf) for leaf in LEAVES[:size]]
    assert VERIFY.tree_root(by.name, hashes) == tree_root(hashes, by)


@given(st.data(), st.integers(1, 300))
@settings(max_examples=60, deadline=None)
def test_it_takes_the_proofs_of_the_engine_and_no_others(data: st.DataObject, size: int) -> None:
    hashes = [SHA256.leaf(leaf) for leaf in LEAVES[:size]]
    levels, root = proof.Levels(hashes), tree_root(hashes)
    at, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    path = proof.inclusion_proof(at, size, levels.subtree)
    assert VERIFY.climbed("sha256", at, size - 1, hashes[at], hashes[at], path)[1] == root
    assert VERIFY.climbed("sha256", at, size - 1, hashes[at], hashes[at], [*path, root]) is None
    grown, before = proof.consistency_proof(old, size, levels.subtree), tree_root(hashes[:old])
    assert VERIFY.consistent("sha256", old, size, before, root, grown)
    assert not VERIFY.consistent("sha256", old, size, before, root, [*grown, root])
    assert not VERIFY.consistent("sha256", old, size, SHA256.of(b"x"), root, grown)
    if grown:
        assert not VERIFY.consistent("sha256", old, size, before, root, grown[:-1])


def test_its_tiles_lie_where_those_of_the_engine_lie() -> None:
    for index, width in ((0, 256), (0, 1), (999, 256), (1000, 7), (1234067, 256)):
        assert VERIFY.tile_path("entries", index, width) == tile_path("entries", index, width)
    assert list(VERIFY.tile_shape(70_000)) == [(index, width) for level, index, width in shape(70_000) if level == 0]


def test_it_imports_the_standard_library_alone_and_is_short() -> None:
    text = VERIFIER.read_text(encoding="utf-8")
    imported = set()
    for node in ast.walk(ast.parse(text, feature_version=(3, 8))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported <= set(sys.stdlib_module_names)
    assert not imported & {"socket", "urllib", "http", "ssl", "subprocess"}
    # One file that a stranger reads through before trusting it.
    assert len(text.splitlines()) <= 440


def test_it_can_be_downloaded() -> None:
    assert finders.find("records/rongtong_verify.py") == str(VERIFIER)


def test_it_runs_alone_and_leaves_with_the_code_that_scripts_expect(system: Account, tmp_path: Path) -> None:
    made: PublishedLog = make_published_log(system, tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-I", "-S", str(VERIFIER), *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env={"LC_ALL": "C"}, capture_output=True, text=True, encoding="utf-8", check=False
        )
        return done.returncode, done.stdout + done.stderr

    key = made.kept / "key.txt"
    key.write_text(made.key + "\n", encoding="utf-8")
    assert run("log", str(made.folder), "--key", str(key), "--since", str(made.saved))[0] == 0
    assert run("proof", str(made.proof), "--key", made.key)[0] == 0
    code, said = run("log", str(made.folder), "--key", made.key[:-2])
    assert (code, said.startswith("[key_malformed]")) == (1, True)
    assert run("log", str(made.folder))[0] == 2
    assert run("nonsense")[0] == 2


def test_a_copy_without_entries_is_checked_only_where_that_is_asked(
    system: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = make_published_log(system, tmp_path)
    for path in sorted(made.file("tile/entries").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    arguments = ["log", str(made.folder), "--key", made.key]
    assert VERIFY.main(arguments) == 1
    assert VERIFY.main([*arguments, "--hashes-only"]) == 0
    assert "没有核对条目" in capsys.readouterr().out
    tile = made.file("tile/0/000")
    tile.write_bytes(tile.read_bytes()[:-1] + b"\0")
    assert VERIFY.main([*arguments, "--hashes-only"]) == 1


def test_a_python_without_sm3_says_so_and_may_check_the_other_tree(
    system: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = make_published_log(system, tmp_path)
    verifier = load_verifier()
    monkeypatch.setattr(verifier.hashlib, "algorithms_available", {"sha256"})
    arguments = ["log", str(made.folder), "--key", made.key]
    assert verifier.main(arguments) == 1
    assert capsys.readouterr().out.startswith("[no_sm3]")
    assert verifier.main([*arguments, "--without-sm3"]) == 0
    assert "sm3" not in capsys.readouterr().out
