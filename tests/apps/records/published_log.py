"""A published log of this test's own, the one-file verifier beside it, and what may be done to both behind their backs."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from rongtong import clock
from rongtong.apps.records import commands, keys, log, log_commands, proofs, publishing
from rongtong.apps.records.actions import act
from rongtong.apps.records.models import Leaf, Log, Payload
from rongtong.apps.registry.models import Account
from rongtong.engine.merkle import EMPTY_ROOT, Frontier, leaf_hash
from rongtong.engine.note import Checkpoint

VERIFIER = Path(log_commands.__file__).parent / "static" / "records" / "rongtong_verify.py"
NAME = "example.gov.cn/log"


def load_verifier() -> ModuleType:
    """The one-file verifier as a module."""
    spec = importlib.util.spec_from_file_location("rongtong_verify", VERIFIER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class PublishedLog:
    """A home with a key and a log published twice; `saved` and `newest` are copies of its checkpoints kept elsewhere."""

    home: Path
    actor: Account
    kept: Path
    key: str

    @property
    def folder(self) -> Path:
        return publishing.folder(self.home)

    @property
    def saved(self) -> Path:
        return self.kept / "saved"

    @property
    def newest(self) -> Path:
        return self.kept / "newest"

    @property
    def proof(self) -> Path:
        return self.kept / "proof.json"

    @property
    def consistency(self) -> Path:
        return self.kept / "consistency.json"

    def grow(self, count: int) -> None:
        """So many more leaves."""
        size = Log.objects.get().size if Log.objects.exists() else 0
        moment = clock.now()
        log.append([log.Entry(moment, "system", "papers.draft", "", f"paper:{size + n}") for n in range(count)])

    def publish(self, *, rebuild: bool = False) -> Checkpoint:
        return publishing.publish(self.home, rebuild=rebuild)

    def keep(self, name: str) -> Path:
        """A copy of the published checkpoint, elsewhere."""
        target = self.kept / name
        target.write_bytes((self.folder / "checkpoint").read_bytes())
        return target

    def signed(self, checkpoint: Checkpoint) -> None:
        """Publish a checkpoint that was signed by whoever has the key, honest or not."""
        (self.folder / "checkpoint").write_text(keys.read(self.home).signed(checkpoint), encoding="utf-8")

    def file(self, path: str) -> Path:
        return self.folder / path

    def change_json(self, path: Path, change: Callable[[dict[str, object]], None]) -> None:
        document = json.loads(path.read_text(encoding="utf-8"))
        change(document)
        path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def make_published_log(actor: Account, tmp_path: Path) -> PublishedLog:
    """270 leaves, published, then 300, published again; leaf 5 has a payload and a proof file."""
    home, kept = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    kept.mkdir()
    made = PublishedLog(home, actor, kept, str(keys.create(home, NAME)))
    made.grow(4 - Log.objects.get().size)
    with act("papers.draft", actor=actor, subject="paper:5") as this:
        this.payload["姓名"] = "张三"
    made.grow(265)
    made.publish()
    made.keep("saved")
    made.grow(30)
    made.publish()
    made.keep("newest")
    key = keys.read(home).public
    document = proofs.prove(home, 5, key=key, names=True)
    payload = Payload.objects.get(pk=5)
    # Without the act that reading it leaves, so that the log stays at 300.
    document["payload"] = {"text": payload.text, "salt": payload.salt}
    made.proof.write_text(proofs.as_text(document), encoding="utf-8")
    text = made.saved.read_text(encoding="utf-8")
    old = Checkpoint.parse(text.partition("\n\n")[0] + "\n")
    document = proofs.prove_consistency(home, old, text, key=key)
    made.consistency.write_text(proofs.as_text(document), encoding="utf-8")
    return made


def rebuild_head() -> None:
    """What somebody with the whole database in hand would do to hide a change."""
    frontier = Frontier()
    for body in Leaf.objects.order_by("sequence").values_list("body", flat=True):
        frontier = frontier.append(leaf_hash(body.encode()))
    root = frontier.root() if frontier.size else EMPTY_ROOT
    Log.objects.update(size=frontier.size, root=root.hex(), frontier=" ".join(each.hex() for each in frontier.hashes))


def run(monkeypatch: pytest.MonkeyPatch, home: Path, *arguments: str) -> int:
    """`rongtong …` of this app on the instance in `home`."""
    import argparse

    monkeypatch.setenv("RONGTONG_HOME", str(home))
    parser = argparse.ArgumentParser()
    commands.add(parser.add_subparsers(required=True))
    parsed = parser.parse_args(arguments)
    code: int = parsed.run(parsed)
    return code
