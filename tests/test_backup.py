"""Backups: what is restored is what was there, and a backup that is not whole is refused."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

STORE = "rongtong.sqlite3"
ROWS = """
    from pathlib import Path
    from rongtong import rows
    with rows.one_state():
        rows.dump(Path({!r}))
"""


@pytest.fixture
def archive(command, home: Path, tmp_path: Path) -> Path:
    """A backup of `home`."""
    command(home, "backup", "-o", str(tmp_path / "backup.tar.gz"))
    return tmp_path / "backup.tar.gz"


@pytest.fixture
def database(postgres_url: str, request: pytest.FixtureRequest) -> str:
    """The URL of a new, empty PostgreSQL database."""
    name = f"backup_{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name}")
        server.execute(f"CREATE DATABASE {name}")
    return postgres_url.rsplit("/", 1)[0] + f"/{name}"


def everything(script, home: Path, folder: Path) -> dict[str, str]:
    """Every row of the store and every migration, as text."""
    script(home, ROWS.format(str(folder)))
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def rewritten(archive: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The backup with its members changed; they are packed as given, whatever the manifest says."""
    with tarfile.open(archive) as old:
        members = {entry.name: old.extractfile(entry).read() for entry in old}
    change(members)
    target = archive.with_name("changed.tar.gz")
    with tarfile.open(target, "w:gz") as new:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            new.addfile(entry, io.BytesIO(content))
    return target


def test_a_restored_instance_has_every_row_and_file_of_the_one_that_was_backed_up(
    command, script, home, archive, tmp_path
):
    command(home, "restore", str(archive), "--home", str(tmp_path / "other"))
    restored = everything(script, tmp_path / "other", tmp_path / "rows-b")
    assert restored == everything(script, home, tmp_path / "rows-a")
    assert len(restored["records_leaf.jsonl"].splitlines()) == 22
    assert (tmp_path / "other" / "files" / "附件.txt").read_text(encoding="utf-8") == "附件的内容"
    assert (tmp_path / "other" / "instance.toml").read_bytes() == (home / "instance.toml").read_bytes()


def test_only_the_owner_can_read_a_backup_or_what_is_restored_from_it(command, home, archive, tmp_path):
    command(home, "restore", str(archive), "--home", str(tmp_path / "other"))
    assert archive.stat().st_mode & 0o777 == 0o600
    assert all(p.stat().st_mode & 0o077 == 0 for p in (tmp_path / "other").rglob("*") if p.is_file())


def test_nothing_is_left_beside_a_backup(archive, tmp_path):
    assert sorted(p.name for p in tmp_path.iterdir()) == ["backup.tar.gz", "var"]


def test_a_backup_does_not_wait_for_a_writer_and_has_nothing_that_was_not_committed(command, home, tmp_path):
    with closing(sqlite3.connect(home / STORE, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE records_log SET size = 99")
        command(home, "backup", "-o", str(tmp_path / "backup.tar.gz"))
        writer.execute("ROLLBACK")
    command(home, "restore", str(tmp_path / "backup.tar.gz"), "--verify")


def test_verifying_a_whole_backup_says_its_head_and_touches_no_instance(command, script, home, archive, tmp_path):
    nowhere = tmp_path / "nowhere"
    said = command(nowhere, "restore", str(archive), "--verify").stdout
    head = script(home, "from rongtong.apps.records.queries import head; print(head())").strip()
    assert head.startswith("21:")
    assert head in said
    assert not nowhere.exists()


def test_a_changed_file_is_refused_and_named(command, home, archive, tmp_path):
    changed = rewritten(archive, lambda members: members.update({"home/files/附件.txt": "别的".encode()}))
    assert "附件.txt" in command(home, "restore", str(changed), "--verify", code=1).stderr
    command(home, "restore", str(changed), "--home", str(tmp_path / "other"), code=1)
    assert not (tmp_path / "other").exists()


def test_a_missing_file_is_refused_and_named(command, home, archive):
    changed = rewritten(archive, lambda members: members.pop("home/files/附件.txt"))
    assert "附件.txt" in command(home, "restore", str(changed), "--verify", code=1).stderr


def test_a_name_that_leads_out_of_the_folder_is_never_written(command, home, archive, tmp_path):
    def lead_out(members: dict[str, bytes]) -> None:
        manifest = json.loads(members["manifest.json"])
        manifest["files"]["home/../../../out.txt"] = hashlib.sha256(b"x").hexdigest()
        members["manifest.json"] = json.dumps(manifest).encode()
        members["home/../../../out.txt"] = b"x"

    said = command(home, "restore", str(rewritten(archive, lead_out)), "--home", str(tmp_path / "a" / "b"), code=1)
    assert "out.txt" in said.stderr
    assert not list(tmp_path.rglob("out.txt"))


def test_a_cut_file_and_a_file_that_is_no_backup_are_refused(command, home, archive, tmp_path):
    whole = archive.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"not an archive"):
        (tmp_path / "cut.tar.gz").write_bytes(content)
        assert "cut.tar.gz" in command(home, "restore", str(tmp_path / "cut.tar.gz"), "--verify", code=1).stderr


def test_a_log_changed_before_the_backup_was_repacked_with_right_checksums_is_refused(command, home, archive, tmp_path):
    def tamper(members: dict[str, bytes]) -> None:
        (tmp_path / "store").write_bytes(members["store.sqlite3"])
        with closing(sqlite3.connect(tmp_path / "store")) as store, store:
            store.execute("UPDATE records_payload SET text = '{\"数\":7777}' WHERE leaf_id = 12")
        members["store.sqlite3"] = (tmp_path / "store").read_bytes()
        manifest = json.loads(members["manifest.json"])
        manifest["files"]["store.sqlite3"] = hashlib.sha256(members["store.sqlite3"]).hexdigest()
        members["manifest.json"] = json.dumps(manifest).encode()

    said = command(home, "restore", str(rewritten(archive, tamper)), "--verify", code=1).stderr
    assert "第 12 条" in said


def test_an_instance_that_is_there_is_not_overwritten_and_with_force_is_set_aside(command, home, archive):
    before = (home / "instance.toml").read_bytes()
    assert "--force" in command(home, "restore", str(archive), code=1).stderr
    (home / "later.txt").write_text("written after the backup", encoding="utf-8")
    command(home, "restore", str(archive), "--force")
    assert not (home / "later.txt").exists()
    assert (home.with_name("var.before-1") / "later.txt").exists()
    assert (home / "instance.toml").read_bytes() == before


def test_a_backup_of_no_instance_is_refused(command, tmp_path):
    command(tmp_path / "none", "backup", "-o", str(tmp_path / "backup.tar.gz"), code=2)
    assert not (tmp_path / "backup.tar.gz").exists()


def test_an_instance_moves_from_sqlite_to_postgresql_and_back_without_loss(
    command, script, home, archive, database, tmp_path
):
    there, back = tmp_path / "postgresql", tmp_path / "back"
    command(home, "restore", str(archive), "--home", str(there), "--database", database)
    assert not (there / STORE).exists()
    command(there, "backup", "-o", str(tmp_path / "second.tar.gz"))
    command(home, "restore", str(tmp_path / "second.tar.gz"), "--verify")
    command(home, "restore", str(tmp_path / "second.tar.gz"), "--home", str(back), "--database", "")
    first = everything(script, home, tmp_path / "rows-a")
    assert everything(script, there, tmp_path / "rows-b") == first
    assert everything(script, back, tmp_path / "rows-c") == first


@pytest.mark.large
def test_restored_rows_in_postgresql_do_not_stop_new_ones_from_getting_numbers(
    command, script, home, archive, database, tmp_path
):
    there = tmp_path / "postgresql"
    command(home, "restore", str(archive), "--home", str(there), "--database", database)
    made = """
        from rongtong.apps.registry.actions import create_account, system_account
        print(create_account("new.one", "新人", actor=system_account()).account.pk)
        from rongtong.apps.records.queries import head, verify
        assert not verify(), verify()
        print(head().size)
    """
    assert script(there, made).split() == ["2", "22"]


@pytest.mark.large
def test_tables_in_postgresql_are_dropped_only_with_force(command, script, home, archive, database, tmp_path):
    there = tmp_path / "postgresql"
    command(home, "restore", str(archive), "--home", str(there), "--database", database)
    shutil.rmtree(there)
    assert (
        "--force" in command(home, "restore", str(archive), "--home", str(there), "--database", database, code=1).stderr
    )
    command(home, "restore", str(archive), "--home", str(there), "--database", database, "--force")
    assert everything(script, there, tmp_path / "rows-b") == everything(script, home, tmp_path / "rows-a")
