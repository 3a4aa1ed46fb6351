"""Signed notes, keys and checkpoints are those of C2SP, and what is nearly one is refused.

Vectors: the note and key of golang.org/x/mod/sumdb/note; the examples of C2SP signed-note and tlog-checkpoint.
"""

from __future__ import annotations

import base64

import pytest
from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey

from rongtong.engine.note import Checkpoint, Note, NoteRefused, PublicKey, Signature, key_id, open_checkpoint

PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
PETER_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
QUASIMODO = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)
SOFA = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


def genuine(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        VerifyKey(public).verify(message, signature)
    except (CryptoError, ValueError):
        return False
    return True


def test_the_published_note_is_read_and_its_signature_is_genuine() -> None:
    key = PublicKey.parse(PETER)
    note = Note.parse(PETER_TEXT + "\n" + PETER_LINE)
    assert note.opened(key, genuine) == PETER_TEXT
    assert str(note) == PETER_TEXT + "\n" + PETER_LINE
    assert (str(key), key.id.hex()) == (PETER, "c74f20a3")


def test_the_published_key_signs_the_published_line() -> None:
    private = SigningKey(PETER_SEED)
    public = bytes(private.verify_key)
    line = Signature("PeterNeumann", key_id("PeterNeumann", public), private.sign(PETER_TEXT.encode()).signature)
    assert str(line) == PETER_LINE


def test_a_text_with_blank_lines_ends_at_the_last_of_them() -> None:
    note = Note.parse(QUASIMODO)
    assert note.text.endswith("sole:\n\ned è subito sera.\n")
    assert [(s.name, s.id.hex()) for s in note.signatures] == [("quasimodo.example/salvatore", "367ba04b")]
    assert str(note) == QUASIMODO


def test_the_example_checkpoint_is_read_and_written_again() -> None:
    found = Checkpoint.parse(Note.parse(SOFA).text)
    assert (found.origin, found.size, found.sm3) == ("example.com/behind-the-sofa", 20852163, None)
    assert found.root.hex().startswith("0ac5186a91863e8e")
    assert found.text == SOFA.partition("\n\n")[0] + "\n"


def test_the_sm3_root_is_an_extension_line() -> None:
    made = Checkpoint("x.example/log", 0, bytes(32), b"\1" * 32)
    assert made.text.splitlines()[3].startswith("sm3 ")
    assert Checkpoint.parse(made.text) == made
    assert Checkpoint.parse(made.text + "other line\n") == made


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (PETER_TEXT, "note_malformed"),
        (PETER_TEXT + "\n", "note_malformed"),
        (PETER_TEXT + "\n" + PETER_LINE[:-1], "note_malformed"),
        (PETER_TEXT + "\n" + PETER_LINE.replace("— ", "- "), "note_malformed"),
        (PETER_TEXT + "\n" + PETER_LINE.replace("=\n", "\n"), "note_malformed"),
        (PETER_TEXT.replace("you", "y\tu", 1) + "\n" + PETER_LINE, "note_malformed"),
        (PETER_TEXT.replace("you", "You", 1) + "\n" + PETER_LINE, "signature_wrong"),
        (PETER_TEXT + "\n" + PETER_LINE.replace("PeterNeumann", "Enoch"), "key_unknown"),
        (PETER_TEXT + "\n" + PETER_LINE.replace("/ZJ", "/ZK"), "signature_wrong"),
        (PETER_TEXT + "\n" + PETER_LINE.replace("x08", "y08"), "key_unknown"),
    ],
)
def test_what_is_nearly_the_note_is_refused(text: str, code: str) -> None:
    with pytest.raises(NoteRefused) as caught:
        Note.parse(text).opened(PublicKey.parse(PETER), genuine)
    assert caught.value.code == code


@pytest.mark.parametrize("text", ["", "a+b+c", PETER[:-4], PETER.replace("c74f", "c74e"), PETER.replace("Neu", "New")])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(NoteRefused) as caught:
        PublicKey.parse(text)
    assert caught.value.code == "key_malformed"


@pytest.mark.parametrize(
    "text",
    [
        "o\n1\n",
        "o\n01\n" + "A" * 43 + "=\n",
        "o\n-1\n" + "A" * 43 + "=\n",
        "o\n1\nAAAA\n",
        "\n1\n" + "A" * 43 + "=\n",
        "o\n1\n" + "A" * 43 + "=",
        "o\n1\n" + "A" * 42 + "B=\n",
        "o\n1\n" + "A" * 43 + "=\n\nx\n",
        "o\n1\n" + "A" * 43 + "=\nsm3 AAAA\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteRefused) as caught:
        Checkpoint.parse(text)
    assert caught.value.code == "checkpoint_malformed"


def test_a_checkpoint_of_another_log_is_refused_even_if_signed() -> None:
    private = SigningKey(PETER_SEED)
    text = Checkpoint("somebody.else/log", 0, bytes(32)).text
    key = PublicKey.parse(PETER)
    note = Note(text, (Signature(key.name, key.id, private.sign(text.encode()).signature),))
    with pytest.raises(NoteRefused) as caught:
        open_checkpoint(str(note), key, genuine)
    assert caught.value.code == "origin_differs"
