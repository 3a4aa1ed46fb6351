"""Each fault that can be put into a log, its published files or its proofs is found, with its own word, by both verifiers.

`rongtong verify` sees the database and the files; the one-file verifier sees the files and the proofs alone. Nothing
here may end with exit code 0.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from published_log import PublishedLog, load_verifier, make_published_log, rebuild_head, run

from rongtong.apps.records import keys
from rongtong.apps.records.models import Leaf, Payload
from rongtong.apps.registry.models import Account
from rongtong.engine.merkle import leaf_hash
from rongtong.engine.note import Checkpoint
from rongtong.engine.tile import bundle

VERIFY = load_verifier()


@pytest.fixture
def made(system: Account, tmp_path: Path) -> PublishedLog:
    return make_published_log(system, tmp_path)


def checkpoint_of(made: PublishedLog, path: Path | None = None) -> Checkpoint:
    text = (path or made.file("checkpoint")).read_text(encoding="utf-8")
    return Checkpoint.parse(text.partition("\n\n")[0] + "\n")


def entries(made: PublishedLog, path: str) -> list[bytes]:
    content, found = made.file(path).read_bytes(), []
    while content:
        end = 2 + int.from_bytes(content[:2], "big")
        found.append(content[2:end])
        content = content[end:]
    return found


def flip_file(made: PublishedLog, path: str, position: int = 40) -> None:
    content = bytearray(made.file(path).read_bytes())
    content[position] ^= 1
    made.file(path).write_bytes(content)


# What is done. Each function does to database and files what the same hand would do to both.


def flip_a_bit_in_a_leaf(made: PublishedLog) -> None:
    body = Leaf.objects.get(pk=20).body
    Leaf.objects.filter(pk=20).update(body=body.replace("paper:19", "paper:18"))
    content = made.file("tile/entries/000").read_bytes()
    made.file("tile/entries/000").write_bytes(content.replace(b'paper:19"', b'paper:18"'))


def drop_a_leaf(made: PublishedLog) -> None:
    Payload.objects.filter(pk=20).delete()
    Leaf.objects.filter(pk=20).delete()
    kept = entries(made, "tile/entries/000")
    made.file("tile/entries/000").write_bytes(bundle(kept[:19] + kept[20:]))


def drop_a_leaf_and_move_the_next_up(made: PublishedLog) -> None:
    drop_a_leaf(made)
    first, second = entries(made, "tile/entries/000"), entries(made, "tile/entries/001.p/44")
    made.file("tile/entries/000").write_bytes(bundle([*first, second[0]]))


def swap_two_leaves(made: PublishedLog) -> None:
    twenty, next_one = Leaf.objects.get(pk=20), Leaf.objects.get(pk=21)
    Leaf.objects.filter(pk=20).update(body=next_one.body, leaf_hash=next_one.leaf_hash)
    Leaf.objects.filter(pk=21).update(body=twenty.body, leaf_hash=twenty.leaf_hash)
    kept = entries(made, "tile/entries/000")
    made.file("tile/entries/000").write_bytes(bundle([*kept[:19], kept[20], kept[19], *kept[21:]]))


def cut_the_tail(made: PublishedLog) -> None:
    Payload.objects.filter(pk__gt=256).delete()
    Leaf.objects.filter(pk__gt=256).delete()
    rebuild_head()
    for path in ("tile/entries/001.p", "tile/0/001.p", "sm3/tile/0/001.p"):
        shutil.rmtree(made.file(path))


def rewrite_history(made: PublishedLog) -> None:
    """With the database and the key in hand: one leaf changed, everything made and signed anew."""
    leaf = Leaf.objects.get(pk=20)
    body = leaf.body.replace("paper:19", "paper:xx")
    Leaf.objects.filter(pk=20).update(body=body, subject="paper:xx", leaf_hash=leaf_hash(body.encode()).hex())
    rebuild_head()
    shutil.rmtree(made.folder)
    made.publish()


def rewrite_history_and_grow(made: PublishedLog) -> None:
    made.grow(10)
    rewrite_history(made)


def put_an_old_checkpoint_back(made: PublishedLog) -> None:
    made.file("checkpoint").write_bytes(made.saved.read_bytes())


def cut_and_sign_anew(made: PublishedLog) -> None:
    Payload.objects.filter(pk__gt=256).delete()
    Leaf.objects.filter(pk__gt=256).delete()
    rebuild_head()
    shutil.rmtree(made.folder)
    made.publish()


def break_the_signature(made: PublishedLog) -> None:
    text = made.file("checkpoint").read_text(encoding="utf-8")
    made.file("checkpoint").write_text(text[:-8] + ("A" if text[-8] != "A" else "B") + text[-7:], encoding="utf-8")


def change_the_signed_size(made: PublishedLog) -> None:
    text = made.file("checkpoint").read_text(encoding="utf-8")
    made.file("checkpoint").write_text(text.replace("\n300\n", "\n299\n"), encoding="utf-8")


def change_the_root(made: PublishedLog) -> None:
    made.signed(replace(checkpoint_of(made), root=bytes(32)))


def change_the_sm3_root(made: PublishedLog) -> None:
    made.signed(replace(checkpoint_of(made), sm3=bytes(32)))


def sign_for_another_log(made: PublishedLog) -> None:
    made.signed(replace(checkpoint_of(made), origin="example.gov.cn/other"))


def lengthen_a_partial_tile(made: PublishedLog) -> None:
    path = made.file("tile/0/001.p/44")
    path.write_bytes(path.read_bytes() + bytes(32))


def remove(path: str) -> Callable[[PublishedLog], None]:
    def removed(made: PublishedLog) -> None:
        made.file(path).unlink()

    return removed


def flip(path: str, position: int = 40) -> Callable[[PublishedLog], None]:
    def flipped(made: PublishedLog) -> None:
        flip_file(made, path, position)

    return flipped


def nothing(made: PublishedLog) -> None:
    """The fault lies in what is asked, not in the log."""


@dataclass(frozen=True)
class Case:
    """What is done, how both verifiers are asked, and the word each has for it."""

    do: Callable[[PublishedLog], None]
    word: str
    single: str
    against: str = ""
    other_key: bool = False


CASES = {
    "a flipped bit in a leaf": Case(flip_a_bit_in_a_leaf, "leaf_changed", "entry_changed"),
    "a dropped leaf": Case(drop_a_leaf, "gap", "bundle_length"),
    "a dropped leaf, the rest moved up": Case(drop_a_leaf_and_move_the_next_up, "gap", "out_of_place"),
    "two leaves swapped": Case(swap_two_leaves, "column_changed", "out_of_place"),
    "a cut tail": Case(cut_the_tail, "published_ahead", "missing"),
    "a cut tail, signed anew": Case(cut_and_sign_anew, "truncated", "stale", against="newest"),
    "a fork of the same size": Case(rewrite_history, "checkpoint_forked", "forked", against="newest"),
    "a history rewritten and grown": Case(rewrite_history_and_grow, "rewritten", "rewritten", against="newest"),
    "a stale checkpoint": Case(put_an_old_checkpoint_back, "checkpoint_stale", "stale", against="newest"),
    "the wrong key": Case(nothing, "key_unknown", "wrong_key", other_key=True),
    "a bad signature": Case(break_the_signature, "signature_wrong", "bad_signature"),
    "a changed size": Case(change_the_signed_size, "signature_wrong", "bad_signature"),
    "a changed root, signed": Case(change_the_root, "checkpoint_differs", "root_differs"),
    "an SM3 root that differs, signed": Case(change_the_sm3_root, "sm3_differs", "root_differs"),
    "the checkpoint of another log": Case(sign_for_another_log, "origin_differs", "other_log"),
    "a missing checkpoint": Case(remove("checkpoint"), "checkpoint_missing", "missing"),
    "a missing tile": Case(remove("tile/0/000"), "tile_missing", "missing"),
    "a missing tile of level 1": Case(remove("tile/1/000.p/1"), "tile_missing", "missing"),
    "a missing bundle": Case(remove("tile/entries/000"), "bundle_missing", "missing"),
    "a tampered tile": Case(flip("tile/0/000"), "tile_changed", "entry_changed"),
    "a tampered tile of level 1": Case(flip("tile/1/000.p/1", 3), "tile_changed", "tile_changed"),
    "a tampered SM3 tile": Case(flip("sm3/tile/0/000"), "tile_changed", "entry_changed"),
    "a partial tile that is too long": Case(lengthen_a_partial_tile, "tile_length", "tile_length"),
}


def test_what_is_whole_is_not_accused(
    made: PublishedLog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in ([], ["--checkpoint", str(made.saved)], ["--checkpoint", str(made.newest)], ["--key", made.key]):
        assert run(monkeypatch, made.home, "verify", *arguments) == 0
    capsys.readouterr()
    for since in ([], ["--since", str(made.saved)], ["--since", str(made.newest)]):
        assert VERIFY.main(["log", str(made.folder), "--key", made.key, *since]) == 0
    assert VERIFY.main(["proof", str(made.proof), "--key", made.key]) == 0
    assert VERIFY.main(["proof", str(made.consistency), "--key", made.key]) == 0
    assert "第 5 条在已签名的 300 条日志之中（sha256、sm3），actor 为 system，内容与承诺相符" in capsys.readouterr().out


@pytest.mark.parametrize("name", CASES)
def test_rongtong_verify_names_the_fault(
    made: PublishedLog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    case = CASES[name]
    case.do(made)
    arguments = ["--checkpoint", str(made.kept / case.against)] if case.against else []
    if case.other_key:
        arguments += ["--key", str(keys.create(other_home(tmp_path), "example.gov.cn/other"))]
    assert run(monkeypatch, made.home, "verify", "--json", *arguments) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert case.word in {finding["code"] for finding in findings}
    assert all(finding["message"].endswith("。") or finding["message"].endswith("）。") for finding in findings)


@pytest.mark.parametrize("name", CASES)
def test_the_one_file_verifier_names_the_fault(
    made: PublishedLog, capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    case = CASES[name]
    case.do(made)
    key = str(keys.create(other_home(tmp_path), "example.gov.cn/other")) if case.other_key else made.key
    since = ["--since", str(made.kept / case.against)] if case.against else []
    assert VERIFY.main(["log", str(made.folder), "--key", key, *since]) == 1
    said = capsys.readouterr().out
    assert said.startswith(f"[{case.single}] ")
    assert said.count("\n") == 1
    assert "。 / " in said


def other_home(tmp_path: Path) -> Path:
    folder = tmp_path / "other"
    folder.mkdir()
    return folder


def set_path(*path: str | int, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        at: Any = document
        for each in path[:-1]:
            at = at[each]
        at[path[-1]] = to(at[path[-1]]) if callable(to) else to

    return change


def flipped(text: str) -> str:
    return ("1" if text[0] == "0" else "0") + text[1:]


PROOFS = {
    "a flipped bit in the leaf": (set_path("leaf", to=lambda t: t.replace("paper:5", "paper:6")), "not_included"),
    "another leaf's number": (set_path("sequence", to=6), "out_of_place"),
    "a number beyond the log": (set_path("sequence", to=301), "no_entry"),
    "a swapped payload": (set_path("payload", "text", to='{"姓名":"李四"}'), "payload_swapped"),
    "a wrong salt": (set_path("payload", "salt", to=flipped), "payload_swapped"),
    "a salt that is cut": (set_path("payload", "salt", to=lambda t: t[2:]), "payload_swapped"),
    "another actor": (set_path("names", "actor", "text", to="zhang"), "name_swapped"),
    "another account": (set_path("names", to=lambda n: {"subject": n["actor"]}), "name_swapped"),
    "a wrong salt of a name": (set_path("names", "actor", "salt", to=flipped), "name_swapped"),
    "a flipped hash": (set_path("inclusion", "sha256", 0, to=flipped), "not_included"),
    "a flipped SM3 hash": (set_path("inclusion", "sm3", 0, to=flipped), "not_included"),
    "a hash less": (set_path("inclusion", "sha256", to=lambda p: p[:-1]), "not_included"),
    "a hash more": (set_path("inclusion", "sha256", to=lambda p: [*p, p[0]]), "not_included"),
    "a hash that is too short": (set_path("inclusion", "sha256", 0, to="00"), "not_included"),
    "no SM3 proof": (set_path("inclusion", to=lambda p: {"sha256": p["sha256"]}), "not_proof"),
    "a changed checkpoint": (set_path("checkpoint", to=lambda t: t.replace("\n300\n", "\n310\n")), "bad_signature"),
    "no checkpoint": (set_path("checkpoint", to=""), "note_malformed"),
    "an unknown format": (set_path("format", to="rongtong-proof-9"), "not_proof"),
    "a payload that is none": (set_path("payload", to=None), "not_proof"),
}


@pytest.mark.parametrize("name", PROOFS)
def test_a_changed_proof_file_is_refused(made: PublishedLog, capsys: pytest.CaptureFixture[str], name: str) -> None:
    change, word = PROOFS[name]
    made.change_json(made.proof, change)
    assert VERIFY.main(["proof", str(made.proof), "--key", made.key]) == 1
    assert capsys.readouterr().out.startswith(f"[{word}] ")


CONSISTENCY = {
    "a flipped hash": (set_path("consistency", "sha256", 0, to=flipped), "not_continued"),
    "a flipped SM3 hash": (set_path("consistency", "sm3", 0, to=flipped), "not_continued"),
    "no hashes": (set_path("consistency", "sha256", to=[]), "not_continued"),
}


@pytest.mark.parametrize("name", CONSISTENCY)
def test_a_changed_proof_of_consistency_is_refused(
    made: PublishedLog, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    change, word = CONSISTENCY[name]
    made.change_json(made.consistency, change)
    assert VERIFY.main(["proof", str(made.consistency), "--key", made.key]) == 1
    assert capsys.readouterr().out.startswith(f"[{word}] ")


def test_a_proof_of_consistency_the_wrong_way_round_is_stale(
    made: PublishedLog, capsys: pytest.CaptureFixture[str]
) -> None:
    made.change_json(made.consistency, lambda d: d.update(old=d["checkpoint"], checkpoint=d["old"]))
    assert VERIFY.main(["proof", str(made.consistency), "--key", made.key]) == 1
    assert capsys.readouterr().out.startswith("[stale] ")


@pytest.mark.parametrize(("path", "content"), [("proof.json", "no json"), ("proof.json", "[]"), ("absent.json", None)])
def test_what_is_no_proof_file_is_refused(
    made: PublishedLog, capsys: pytest.CaptureFixture[str], path: str, content: str | None
) -> None:
    if content is not None:
        (made.kept / path).write_text(content, encoding="utf-8")
    assert VERIFY.main(["proof", str(made.kept / path), "--key", made.key]) == 1
    assert capsys.readouterr().out.startswith("[not_proof] " if content else "[missing] ")


def test_no_two_faults_share_a_sentence() -> None:
    assert len(set(VERIFY.FAULTS.values())) == len(VERIFY.FAULTS)
