"""A certificate's offline file: the one-file verifier says what it states, and refuses each way of making it state more."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from published_log import PublishedLog, load_verifier, make_published_log

from rongtong.apps.records import keys, proofs
from rongtong.apps.records.actions import act
from rongtong.apps.records.models import Leaf, Payload
from rongtong.apps.registry.models import Account

VERIFY = load_verifier()
Document = dict[str, Any]


@dataclass(frozen=True)
class Issued:
    """Two certificates in a published log: the files of both, and the checkpoints signed before and between them."""

    log: PublishedLog
    path: Path
    own: Document
    other: Document
    before: str
    between: str

    def verified(self, capsys: pytest.CaptureFixture[str], text: str, key: str = "") -> tuple[int, str]:
        """What the verifier says to a file with this text."""
        self.path.write_text(text, encoding="utf-8")
        code: int = VERIFY.main(["proof", str(self.path), "--key", key or self.log.key])
        return code, capsys.readouterr().out


def issue(actor: Account, number: str, amount: str, **more: object) -> int:
    """A certificate's leaf, as a case makes it."""
    with act("cases.technology_contract.certify", actor=actor, place="330106", subject="case:7") as this:
        this.payload = {
            "certificate": "技术合同登记证明", "number": number, "code": "GP6ARXGC", "issued": "2025-07-15",
            "process": "技术合同认定登记", "case": "高温传感器开发", "organisation": "甲单位",
            "states": [["登记编号", "2025330106000123"], ["技术交易额（万元）", amount]], **more,
        }  # fmt: skip
    assert this.leaf is not None
    return this.leaf.sequence


@pytest.fixture
def issued(system: Account, tmp_path: Path) -> Issued:
    log = make_published_log(system, tmp_path)
    before = log.newest.read_text(encoding="utf-8")
    own = issue(system, "JSHT-2025-000001", "98.5")
    log.publish()
    between = log.keep("between").read_text(encoding="utf-8")
    other = issue(system, "JSHT-2025-000002", "7000")
    log.publish()
    return Issued(log, tmp_path / "证明.json", opened(log, own), opened(log, other), before, between)


def opened(log: PublishedLog, sequence: int) -> Document:
    payload = Payload.objects.get(pk=sequence)
    return proofs.prove_opened(log.home, payload, key=keys.read(log.home).public)


def test_what_is_whole_is_said_in_plain_words(issued: Issued, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = issued.verified(capsys, proofs.as_text(issued.own))
    assert code == 0
    lines = said.splitlines()
    assert lines[0].startswith("核验无误：第 301 条在已签名的 302 条日志之中")
    assert "内容与承诺相符" in lines[0]
    assert lines[1:-1] == [
        "证明“技术合同登记证明”所载 / The certificate states:",
        "  编号 / number：JSHT-2025-000001",
        "  出具 / issued：2025-07-15",
        "  单位 / for：甲单位",
        "  登记编号：2025330106000123",
        "  技术交易额（万元）：98.5",
    ]
    assert "是否被替换或撤销" in lines[-1]


def put(**changed: Any) -> Callable[[Issued], Document]:
    """The own file with these parts in place of its own; a function makes one from both files."""
    return lambda made: made.own | {k: v(made) if callable(v) else v for k, v in changed.items()}


def payload(**changed: Callable[[Document], str]) -> Callable[[Issued], Document]:
    return lambda made: made.own | {"payload": made.own["payload"] | {k: v(made.own) for k, v in changed.items()}}


FAULTS: dict[str, tuple[Callable[[Issued], Document], str]] = {
    "another amount": (payload(text=lambda d: d["payload"]["text"].replace('"98.5"', '"99.5"')), "payload_swapped"),
    "another number": (payload(text=lambda d: d["payload"]["text"].replace("000001", "000009")), "payload_swapped"),
    "something more": (payload(text=lambda d: d["payload"]["text"].replace("]]", '],["等级","甲"]]')), "payload_swapped"),
    "a blank more": (payload(text=lambda d: d["payload"]["text"] + " "), "payload_swapped"),
    "another certificate's payload": (put(payload=lambda m: m.other["payload"]), "payload_swapped"),
    "a wrong salt": (payload(salt=lambda d: d["payload"]["salt"][::-1]), "payload_swapped"),
    "the other's salt": (lambda m: m.own | {"payload": m.own["payload"] | {"salt": m.other["payload"]["salt"]}}, "payload_swapped"),
    "a salt moved into the text": (
        payload(salt=lambda d: d["payload"]["salt"][:-2], text=lambda d: "\x00" + d["payload"]["text"]), "payload_swapped",
    ),
    "no salt": (payload(salt=lambda d: ""), "payload_swapped"),
    "another leaf": (put(leaf=lambda m: m.other["leaf"]), "out_of_place"),
    "another leaf and its number": (put(leaf=lambda m: m.other["leaf"], sequence=lambda m: m.other["sequence"]), "not_included"),
    "another leaf whole": (lambda m: m.other | {"payload": m.own["payload"]}, "payload_swapped"),
    "a leaf that commits to the forgery": (
        put(leaf=lambda m: m.own["leaf"].replace(json.loads(m.own["leaf"])["payload"], "0" * 64)), "not_included",
    ),
    "another's proof": (put(inclusion=lambda m: m.other["inclusion"]), "not_included"),
    "a checkpoint from before it was issued": (put(checkpoint=lambda m: m.before), "no_entry"),
    "an older checkpoint than the proof's": (put(checkpoint=lambda m: m.between), "not_included"),
    "a checkpoint that was changed": (put(checkpoint=lambda m: m.own["checkpoint"].replace("\n302\n", "\n303\n")), "bad_signature"),
    "a payload that is no text": (put(payload={"text": 1, "salt": "00" * 32}), "not_proof"),
    "no leaf": (lambda m: {k: v for k, v in m.own.items() if k != "leaf"}, "not_proof"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_file_that_was_changed_is_refused_and_states_nothing(
    issued: Issued, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    change, word = FAULTS[name]
    code, said = issued.verified(capsys, proofs.as_text(change(issued)))
    assert code == 1
    assert said.startswith(f"[{word}] ")
    assert said.count("\n") == 1
    assert "98.5" not in said
    assert "99.5" not in said


def test_a_key_that_is_not_the_log_s_proves_nothing(
    issued: Issued, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "another").mkdir()
    for name, word in (("example.gov.cn/other", "wrong_key"), (keys.read(issued.log.home).public.name, "wrong_key")):
        (tmp_path / "another" / keys.FILE).unlink(missing_ok=True)
        other = str(keys.create(tmp_path / "another", name))
        code, said = issued.verified(capsys, proofs.as_text(issued.own), other)
        assert (code, said.startswith(f"[{word}] ")) == (1, True), said
    code, said = issued.verified(capsys, proofs.as_text(issued.own), issued.log.key[:-3] + "AAA")
    assert (code, said.startswith("[key_malformed] ")) == (1, True), said


def test_a_file_that_was_cut_is_refused_wherever(issued: Issued, capsys: pytest.CaptureFixture[str]) -> None:
    text = proofs.as_text(issued.own).rstrip()
    for end in (0, 1, len(text) // 3, len(text) // 2, len(text) - 1):
        code, said = issued.verified(capsys, text[:end])
        assert (code, said.startswith("[not_proof] ")) == (1, True), said


def test_no_letter_of_what_is_stated_can_be_another(issued: Issued, capsys: pytest.CaptureFixture[str]) -> None:
    text = issued.own["payload"]["text"]
    for at in range(0, len(text), 29):
        forged = text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]
        code, said = issued.verified(capsys, proofs.as_text(payload(text=lambda _, f=forged: f)(issued)))  # type: ignore[misc]
        assert (code, said.startswith("[payload_swapped] ")) == (1, True), (at, said)


def test_a_file_without_its_payload_proves_the_record_and_states_nothing(
    issued: Issued, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = issued.verified(capsys, proofs.as_text({k: v for k, v in issued.own.items() if k != "payload"}))
    assert (code, said.count("\n")) == (0, 1)
    assert "内容与承诺相符" not in said


def test_what_is_stated_writes_no_verdict_of_its_own(
    issued: Issued, system: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    forged = "甲\n核验无误：全部相符\x1b[2K\u202e"
    sequence = issue(system, "JSHT-2025-000003", "1", organisation=forged)
    issued.log.publish()
    code, said = issued.verified(capsys, proofs.as_text(opened(issued.log, sequence)))
    assert code == 0
    assert [line[:4] for line in said.splitlines()].count("核验无误") == 1
    assert not {"\x1b", "\u202e"} & set(said)


def test_a_step_called_like_a_certificate_is_none(
    issued: Issued, system: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    with act("cases.visit.certify", actor=system, subject="case:8") as this:
        this.payload = {"from": "a", "to": "b", "number": 2, "data": {"states": "x"}}
    issued.log.publish()
    assert this.leaf is not None
    code, said = issued.verified(capsys, proofs.as_text(opened(issued.log, this.leaf.sequence)))
    assert (code, said.count("\n")) == (0, 1)
    assert Leaf.objects.get(pk=this.leaf.sequence).kind == "cases.visit.certify"
