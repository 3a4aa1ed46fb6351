"""The log is published piece by piece, survives being killed on the way, and never signs what does not continue it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from published_log import NAME, PublishedLog, load_verifier, make_published_log, rebuild_head, run

from rongtong import backup
from rongtong.apps.records import keys, log, publishing
from rongtong.apps.records.actions import act, erase_payload
from rongtong.apps.records.models import Leaf, Payload
from rongtong.apps.records.publishing import PublishError
from rongtong.apps.records.queries import head, verify
from rongtong.apps.registry.models import Account
from rongtong.cli import UsageError
from rongtong.engine.merkle import Hash, leaf_hash
from rongtong.engine.note import PublicKey
from rongtong.engine.tile import LONGEST_ENTRY, shape, tile_path

VERIFY = load_verifier()


@pytest.fixture
def made(system: Account, tmp_path: Path) -> PublishedLog:
    return make_published_log(system, tmp_path)


def whole(made: PublishedLog) -> bool:
    return VERIFY.main(["log", str(made.folder), "--key", made.key]) == 0


def files(made: PublishedLog) -> dict[str, bytes]:
    return {
        path.relative_to(made.folder).as_posix(): path.read_bytes()
        for path in made.folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def test_the_published_files_are_those_of_the_layout(made: PublishedLog) -> None:
    wanted = {tile_path(*each) for each in shape(300)} | {"checkpoint"}
    wanted |= {"tile/entries/000", "tile/entries/001.p/14", "tile/entries/001.p/44", "tile/0/001.p/14"}
    assert {path for path in files(made) if not path.startswith("sm3/")} == wanted
    assert {path.removeprefix("sm3/") for path in files(made) if path.startswith("sm3/")} == {
        path for path in wanted if path != "checkpoint" and "entries" not in path
    }


def test_the_checkpoint_is_the_head_of_the_log(made: PublishedLog) -> None:
    checkpoint = publishing.published(made.home, keys.read(made.home).public)
    assert checkpoint is not None
    assert (checkpoint.origin, f"{checkpoint.size}:{checkpoint.root.hex()}") == (NAME, str(head()))
    assert checkpoint.sm3 is not None


def test_publishing_again_changes_nothing_and_piecemeal_is_as_at_once(made: PublishedLog) -> None:
    before = files(made)
    made.publish()
    assert files(made) == before
    made.publish(rebuild=True)
    assert files(made) == before


def test_a_partial_tile_goes_when_the_full_one_is_there(made: PublishedLog) -> None:
    made.grow(212)
    made.publish()
    assert made.file("tile/0/001").exists()
    assert not made.file("tile/0/001.p").exists()
    assert not made.file("tile/entries/001.p").exists()
    assert whole(made)


def test_entries_are_kept_from_other_users_of_the_machine(made: PublishedLog) -> None:
    assert stat.S_IMODE(made.file("tile/entries").stat().st_mode) == 0o700


class Killed(BaseException):
    """Nothing that the code catches."""


def test_whoever_is_killed_at_any_file_goes_on_from_there(made: PublishedLog, monkeypatch: pytest.MonkeyPatch) -> None:
    made.grow(250)
    write, last, number = publishing._write, (made.folder / "checkpoint").read_bytes(), 0
    while True:
        left = number

        def dying(path: Path, content: bytes) -> None:
            nonlocal left
            if left == 0:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.with_name(f".{path.name}.new").write_bytes(content[: len(content) // 2])
                raise Killed
            left -= 1
            write(path, content)

        monkeypatch.setattr(publishing, "_write", dying)
        try:
            made.publish()
        except Killed:
            assert (made.folder / "checkpoint").read_bytes() == last
            assert whole(made)
            number += 1
        else:
            break
    assert number == 9  # two full files, six partial ones and the checkpoint
    assert (made.folder / "checkpoint").read_bytes() != last
    assert whole(made)


def test_what_does_not_continue_the_last_checkpoint_is_not_signed(made: PublishedLog) -> None:
    last = (made.folder / "checkpoint").read_bytes()
    leaf = Leaf.objects.get(pk=20)
    body = leaf.body.replace("paper:19", "paper:xx")
    Leaf.objects.filter(pk=20).update(body=body, leaf_hash=leaf_hash(body.encode()).hex())
    rebuild_head()
    for rebuild, says in ((False, "续算出的根与库中日志头不符"), (True, "前 300 条的根与已签检查点不符")):
        with pytest.raises(PublishError, match=says):
            made.publish(rebuild=rebuild)
    assert (made.folder / "checkpoint").read_bytes() == last


def test_a_changed_leaf_of_the_last_bundle_is_not_signed(made: PublishedLog) -> None:
    Leaf.objects.filter(pk=299).update(body="{}")
    made.grow(1)
    with pytest.raises(PublishError, match="第 299 条与已发布的瓦片不符"):
        made.publish()


def test_a_log_that_became_shorter_is_not_signed(made: PublishedLog) -> None:
    Payload.objects.filter(pk__gt=290).delete()
    Leaf.objects.filter(pk__gt=290).delete()
    rebuild_head()
    with pytest.raises(PublishError, match="现有 290 条，少于已签检查点的 300 条"):
        made.publish()


def test_tiles_that_were_lost_are_written_again_from_the_database(made: PublishedLog) -> None:
    made.file("tile/0/001.p/44").unlink()
    made.file("sm3/tile/0/000").unlink()
    with pytest.raises(PublishError, match="--rebuild"):
        made.publish()
    made.publish(rebuild=True)
    assert whole(made)


def test_an_edge_that_was_tampered_with_is_not_signed(made: PublishedLog) -> None:
    path = made.file("sm3/tile/1/000.p/1")
    path.write_bytes(bytes(32))
    with pytest.raises(PublishError, match="前 300 条的根与已签检查点不符"):
        made.publish()


def test_a_machine_without_sm3_publishes_one_tree_and_the_next_one_adds_the_second(
    system: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(data: bytes) -> object:
        raise ValueError("unsupported hash type sm3")

    key = keys.create(tmp_path, NAME)
    with monkeypatch.context() as patch:
        patch.setitem(publishing.TREES, "sm3/", Hash("sm3", missing))
        assert publishing.publish(tmp_path).sm3 is None
    log.append([log.Entry(Leaf.objects.get().recorded_at, "system", "papers.draft")])
    made = publishing.publish(tmp_path)
    assert (made.size, made.sm3 is None) == (2, False)
    assert VERIFY.main(["log", str(publishing.folder(tmp_path)), "--key", str(key)]) == 0


def test_an_empty_log_has_a_checkpoint_too(db: None, tmp_path: Path) -> None:
    key = keys.create(tmp_path)
    assert publishing.publish(tmp_path).size == 0
    assert VERIFY.main(["log", str(publishing.folder(tmp_path)), "--key", str(key)]) == 0


def test_an_erased_payload_leaves_every_proof_valid(
    made: PublishedLog, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    erase_payload(5, why="本人申请", actor=made.actor)
    made.publish()
    assert VERIFY.main(["log", str(made.folder), "--key", made.key, "--since", str(made.newest)]) == 0
    made.change_json(made.proof, lambda document: document.pop("payload"))
    assert VERIFY.main(["proof", str(made.proof), "--key", made.key]) == 0
    assert run(monkeypatch, made.home, "log", "prove", "5") == 0
    assert run(monkeypatch, made.home, "log", "prove", "5", "--payload") == 1
    assert "删除" in capsys.readouterr().out


def test_a_proof_names_people_only_where_that_is_asked_and_then_proves_it(
    made: PublishedLog, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Leaf 1 is that of the account `system`, made by itself.
    assert run(monkeypatch, made.home, "log", "prove", "1", "--out", str(made.proof)) == 0
    assert "system" not in made.proof.read_text(encoding="utf-8")
    assert run(monkeypatch, made.home, "log", "prove", "1", "--names", "--out", str(made.proof)) == 0
    assert stat.S_IMODE(made.proof.stat().st_mode) == 0o600
    capsys.readouterr()
    assert VERIFY.main(["proof", str(made.proof), "--key", made.key]) == 0
    assert "actor 为 system，subject 为 system" in capsys.readouterr().out


def test_no_published_file_holds_a_username(made: PublishedLog) -> None:
    for path, content in files(made).items():
        assert b"system" not in content, path


def test_no_published_file_holds_a_payload_or_the_key(made: PublishedLog) -> None:
    seed = keys.read(made.home).seed
    line = (made.home / keys.FILE).read_bytes().strip()
    for path, content in files(made).items():
        assert "张三".encode() not in content, path
        assert seed not in content, path
        assert line not in content, path
    assert repr(seed) not in repr(keys.read(made.home))


def test_a_leaf_that_no_bundle_could_hold_is_refused_when_it_is_written(system: Account) -> None:
    before = head()
    with pytest.raises(log.LeafTooLong, match="过长"), act("papers.draft", actor=system, subject="x" * LONGEST_ENTRY):
        pass
    assert head() == before
    assert verify() == []


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    public = keys.create(tmp_path, NAME)
    path = tmp_path / keys.FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.create(tmp_path) == public == PublicKey.parse(str(public)) == keys.read(tmp_path).public
    with pytest.raises(keys.LogKeyError, match="名称不能改"):
        keys.create(tmp_path, "example.gov.cn/other")
    path.chmod(0o644)
    with pytest.raises(keys.LogKeyError, match="他人可读"):
        keys.read(tmp_path)
    path.chmod(0o600)
    path.write_text(path.read_text(encoding="utf-8").replace(NAME, "example.gov.cn/other"), encoding="utf-8")
    with pytest.raises(keys.LogKeyError, match="已损坏"):
        keys.read(tmp_path)


@pytest.mark.parametrize("name", ["a b", "a+b", "a\nb"])
def test_what_cannot_name_a_log_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(keys.LogKeyError, match="不能作日志名称"):
        keys.create(tmp_path, name)


def test_the_commands_make_the_key_sign_prove_and_compare(
    system: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with act("papers.draft", actor=system) as this:
        this.payload["姓名"] = "张三"
    with pytest.raises(UsageError, match="没有签名密钥"):
        run(monkeypatch, tmp_path, "log", "checkpoint")
    assert run(monkeypatch, tmp_path, "log", "key") == 0
    assert run(monkeypatch, tmp_path, "log", "key", "--name", NAME) == 0
    drawn, key = capsys.readouterr().out.splitlines()
    assert drawn.partition("+")[0] != NAME == key.partition("+")[0]
    assert run(monkeypatch, tmp_path, "log", "prove", "1") == 1
    assert "还没有检查点" in capsys.readouterr().out
    assert run(monkeypatch, tmp_path, "log", "checkpoint") == 0
    with pytest.raises(UsageError, match="名称不能改"):
        run(monkeypatch, tmp_path, "log", "key", "--name", "example.gov.cn/other")
    saved = tmp_path / "saved"
    saved.write_text(capsys.readouterr().out, encoding="utf-8")
    assert run(monkeypatch, tmp_path, "log", "prove", "3") == 1
    assert "不含第 3 条" in capsys.readouterr().out
    proof = tmp_path / "proof.json"
    assert run(monkeypatch, tmp_path, "log", "prove", "2", "--payload", "--out", str(proof)) == 0
    assert stat.S_IMODE(proof.stat().st_mode) == 0o600
    assert json.loads(proof.read_text(encoding="utf-8"))["payload"]["text"] == '{"姓名":"张三"}'
    assert Leaf.objects.latest("sequence").kind == "records.read_payload"
    assert VERIFY.main(["proof", str(proof), "--key", key]) == 0
    assert run(monkeypatch, tmp_path, "log", "checkpoint") == 0
    capsys.readouterr()
    consistency = tmp_path / "consistency.json"
    assert run(monkeypatch, tmp_path, "log", "consistency", str(saved), "--out", str(consistency)) == 0
    assert "以保存的 2 条为开头" in capsys.readouterr().out
    assert VERIFY.main(["proof", str(consistency), "--key", key]) == 0


def test_a_log_that_forked_is_not_consistent(
    made: PublishedLog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, made.home, "log", "consistency", str(made.saved)) == 0
    old = publishing.published(made.home, keys.read(made.home).public)
    assert old is not None
    made.saved.write_text(keys.read(made.home).signed(type(old)(old.origin, 100, bytes(32))), encoding="utf-8")
    assert run(monkeypatch, made.home, "log", "consistency", str(made.saved)) == 1
    assert "历史被改写或分叉" in capsys.readouterr().out
    made.saved.write_text(keys.read(made.home).signed(type(old)(old.origin, 301, bytes(32))), encoding="utf-8")
    assert run(monkeypatch, made.home, "log", "consistency", str(made.saved)) == 1
    assert "检查点过时" in capsys.readouterr().out


def test_verify_compares_with_a_published_log_only_where_there_is_one(
    system: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path, "verify") == 0
    assert "检查点" not in capsys.readouterr().out
    keys.create(tmp_path, NAME)
    publishing.publish(tmp_path)
    assert run(monkeypatch, tmp_path, "verify", "--json") == 0
    assert json.loads(capsys.readouterr().out)["checkpoint"] == str(head())


def test_a_backup_keeps_the_key_and_the_published_log(made: PublishedLog, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    backup._copy_home(made.home, copy)
    assert keys.read(copy) == keys.read(made.home)
    assert VERIFY.main(["log", str(publishing.folder(copy)), "--key", made.key]) == 0
    assert publishing.publish(copy).size == 300
