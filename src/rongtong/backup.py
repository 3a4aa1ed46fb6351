"""Backup and restore of an instance: one archive with the store, the folder's files, the log's head and checksums.

The archive holds `manifest.json`, `home/…` (the files of the instance's folder, with `instance.toml` and so the
secret: the archive is readable by its owner alone) and the store: `store.sqlite3`, copied by SQLite itself, or for
PostgreSQL `rows/TABLE.jsonl` (see `rows`), which can be restored into either.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rongtong import __version__

FORMAT = "rongtong-backup-1"
STORE = "rongtong.sqlite3"
ROWS = "rows"
# Made again by a command, or backups themselves.
PUBLISHED = "log"
NOT_KEPT = ("static", "backups")


class BackupError(Exception):
    """A backup cannot be made or restored; the message says what was found and what to do."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. `head` is the log's head as `size:root`; `files` maps each path to its SHA-256."""

    format: str
    version: str
    made_at: str
    mode: str
    store: str
    head: str
    files: dict[str, str]


def make(target: Path) -> Manifest:
    """Write a backup of this process's instance to `target` (mode 600), under another name until it is whole.

    The store is copied as it is at one moment; nobody waits for it. Raises BackupError when the store is not set up.
    """
    from django.conf import settings
    from django.db import DatabaseError, connection

    from rongtong import clock

    target = target.absolute()
    if not target.parent.is_dir():
        raise BackupError(f"{target.parent}: 没有这个文件夹。请先建立，或换一个位置。")
    made_at, sqlite = clock.now().isoformat(), connection.vendor == "sqlite"
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=target.parent) as scratch:
        stage = Path(scratch)
        # What was published of the log comes before the store, so that no checkpoint is ahead of the log it is of.
        home = Path(settings.HOME)
        if (home / PUBLISHED).is_dir():
            shutil.copytree(home / PUBLISHED, stage / "home" / PUBLISHED)
        try:
            head = _copy_sqlite(stage / "store.sqlite3") if sqlite else _copy_rows(stage / ROWS)
        except DatabaseError as error:
            raise BackupError(f"库读不出来（{error}）。请先运行 rongtong doctor。") from error
        _copy_home(home, stage / "home")
        files = {p.relative_to(stage).as_posix(): _sha256(p) for p in sorted(stage.rglob("*")) if p.is_file()}
        mode = "demo" if settings.DEMO else "production"
        manifest = Manifest(FORMAT, __version__, made_at, mode, connection.vendor, head, files)
        text = json.dumps(asdict(manifest), ensure_ascii=False, indent=1)
        (stage / "manifest.json").write_text(text, encoding="utf-8")
        _pack(stage, ["manifest.json", *files], target)
    return manifest


def check(archive: Path) -> Manifest:
    """Restore a backup into a temporary folder and check everything there.

    Checksums, SQLite's own integrity check, and the log against its head. Raises BackupError with what is wrong.
    """
    with tempfile.TemporaryDirectory(prefix="rongtong-verify-") as scratch:
        return _restore_embedded(archive, Path(scratch) / "home")


def restore(
    archive: Path, home: Path, *, force: bool = False, database: str | None = None
) -> tuple[Manifest, Path | None]:
    """Restore a backup as the instance in `home`, once all of it has been checked.

    `database` names another store than the backup's instance used: a PostgreSQL URL, or "" for the embedded one.
    With `force` an instance that is there is set aside (its new name is returned), and tables in PostgreSQL are dropped.
    Raises BackupError; then `home` is as it was.
    """
    home = home.absolute()
    occupied = home.is_dir() and any(home.iterdir())
    if occupied and not force:
        raise BackupError(f"{home}: 已有内容，不覆盖。请换一个文件夹（--home），或用 --force（原文件夹改名保留）。")
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restoring-", dir=home.parent) as scratch:
        staged = Path(scratch) / "home"
        manifest = _restore_embedded(archive, staged)
        wanted = _database(archive) if database is None else database
        if wanted:
            _run_in(staged, "dump", str(Path(scratch) / ROWS))
            _set_database(staged, wanted)
            _run_in(staged, "load", str(Path(scratch) / ROWS), *(["--force"] if force else []))
            _refuse(archive, _run_in(staged, "check", manifest.head))
            (staged / STORE).unlink()
        aside = _set_aside(home) if occupied else None
        if home.is_dir():
            home.rmdir()
        staged.rename(home)
    return manifest, aside


def put_store_back(archive: Path) -> None:
    """Make the store of this process's instance what it was when the backup was made; files stay as they are."""
    from django.db import connection, connections

    with tempfile.TemporaryDirectory(prefix="rongtong-rollback-") as scratch:
        home = Path(scratch) / "home"
        manifest = _restore_embedded(archive, home)
        if connection.vendor == "sqlite":
            name = str(connection.settings_dict["NAME"])
            connections.close_all()
            with closing(sqlite3.connect(home / STORE)) as source, closing(sqlite3.connect(name, timeout=30)) as live:
                source.backup(live)
        else:
            from rongtong import rows

            _run_in(home, "dump", str(Path(scratch) / ROWS))
            rows.load(Path(scratch) / ROWS, force=True)
            _refuse(archive, _log_findings(manifest.head))


def read_manifest(archive: Path) -> Manifest:
    """The manifest of a backup. Raises BackupError when the file is not one."""
    with _opened(archive) as members:
        first = next(members, None)
        if first is None or first[0] != "manifest.json":
            raise BackupError(f"{archive}: 不是融通的备份（第一项不是 manifest.json）。")
        try:
            manifest = Manifest(**json.loads(first[1].read()))
        except (ValueError, TypeError) as error:
            raise BackupError(f"{archive}: 备份的清单读不出来（{error}）。") from error
    if manifest.format != FORMAT:
        raise BackupError(f"{archive}: 备份格式为 {manifest.format!r}，本版本只读 {FORMAT}。请用写出它的版本恢复。")
    return manifest


def _restore_embedded(archive: Path, home: Path) -> Manifest:
    """The instance of a backup in `home`, on the embedded store whatever it ran on, wholly checked."""
    manifest = read_manifest(archive)
    stage = home.parent / "unpacked"
    _unpack(archive, manifest, stage)
    (stage / "home").rename(home)
    _set_database(home, "")
    if manifest.store == "sqlite":
        (stage / "store.sqlite3").rename(home / STORE)
        with closing(sqlite3.connect(home / STORE)) as store:
            result = store.execute("PRAGMA integrity_check").fetchone()[0]
        if result != "ok":
            raise BackupError(f"{archive}: SQLite 自检未通过（{result}）。请改用另一份备份。")
    else:
        _run_in(home, "load", str(stage / ROWS))
    _refuse(archive, _run_in(home, "check", manifest.head))
    shutil.rmtree(stage)
    return manifest


def _refuse(archive: Path, findings: list[str]) -> None:
    if findings:
        raise BackupError(
            f"{archive}: 日志核对未通过。请改用另一份备份，并报告安全管理员。\n" + "\n".join(findings[:20])
        )


def _log_findings(head: str) -> list[str]:
    from rongtong.apps.records.queries import verify

    return [finding.message for finding in verify(head)]


def _copy_sqlite(target: Path) -> str:
    from django.db import connection

    from rongtong.apps.records.queries import head

    connection.ensure_connection()
    source = connection.connection
    # A deferred transaction pins one state for the head and the copy, and in WAL mode keeps no writer waiting.
    source.execute("BEGIN DEFERRED")
    try:
        found = str(head())
        with closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
            # The copy is one file, without a -wal beside it.
            copy.execute("PRAGMA journal_mode=DELETE")
    finally:
        source.execute("ROLLBACK")
    return found


def _copy_rows(folder: Path) -> str:
    from rongtong import rows
    from rongtong.apps.records.queries import head

    with rows.one_state():
        rows.dump(folder)
        return str(head())


def _copy_home(home: Path, target: Path) -> None:
    def left_out(folder: str, names: list[str]) -> set[str]:
        top = Path(folder) == home
        gone = (*NOT_KEPT, *((PUBLISHED,) if (target / PUBLISHED).exists() else ()))
        return {n for n in names if n.startswith(".") or (top and (n in gone or n.startswith(STORE)))}

    shutil.copytree(home, target, ignore=left_out, dirs_exist_ok=True)


def _pack(stage: Path, names: list[str], target: Path) -> None:
    temporary = target.with_name(f".{target.name}.new")
    temporary.unlink(missing_ok=True)
    # Created with its mode: it holds the instance's secret, and nobody else may read it even for a moment.
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as archive:
            for name in names:
                archive.add(stage / name, arcname=name, recursive=False)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(target)


@contextmanager
def _opened(archive: Path) -> Iterator[Iterator[tuple[str, Any]]]:
    def members(opened: tarfile.TarFile) -> Iterator[tuple[str, Any]]:
        for entry in opened:
            content = opened.extractfile(entry) if entry.isreg() else None
            if content is None:
                raise BackupError(f"{archive}: 「{entry.name}」不是普通文件，备份里不应有。不予恢复。")
            yield entry.name, content

    try:
        with tarfile.open(archive, "r:gz") as opened:
            yield members(opened)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise BackupError(f"{archive}: 备份读不出来（{error}）。请检查文件是否完整。") from error


def _unpack(archive: Path, manifest: Manifest, folder: Path) -> None:
    """Write exactly the files of the manifest, each checked; a name that is not in it is never written."""
    missing = set(manifest.files)
    with _opened(archive) as members:
        for name, content in members:
            if name == "manifest.json":
                continue
            if name not in missing or name.startswith("/") or ".." in name.split("/"):
                raise BackupError(f"{archive}: 「{name}」不在清单里或路径不当。不予恢复。")
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                shutil.copyfileobj(content, file)
            path.chmod(0o600)
            if _sha256(path) != manifest.files[name]:
                raise BackupError(f"{archive}: 「{name}」与清单的校验和不符，备份已损坏。请改用另一份备份。")
            missing.remove(name)
    if missing:
        raise BackupError(f"{archive}: 备份里缺少{'、'.join(sorted(missing)[:5])}。请改用另一份备份。")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _database(archive: Path) -> str:
    """The `database` of the instance in a backup."""
    with _opened(archive) as members:
        for name, content in members:
            if name == "home/instance.toml":
                found = re.search(r'(?m)^database = "([^"]*)"', content.read().decode("utf-8"))
                return found[1] if found else ""
    return ""


def _set_database(home: Path, url: str) -> None:
    path = home / "instance.toml"
    text = path.read_text(encoding="utf-8")
    line = f'database = "{url}"'
    changed, count = re.subn(r'(?m)^database = "[^"]*"', lambda _: line, text)
    path.write_text(changed if count else f"{line}\n{text}", encoding="utf-8")


def _set_aside(home: Path) -> Path:
    number = 1
    while (aside := home.with_name(f"{home.name}.before-{number}")).exists():
        number += 1
    return home.rename(aside)


def _run_in(home: Path, *arguments: str) -> list[str]:
    """Run `main` below in a process whose instance is `home`: Django's settings are one per process."""
    done = subprocess.run(
        [sys.executable, "-m", "rongtong.backup", *arguments],
        env={**os.environ, "RONGTONG_HOME": str(home), "DJANGO_SETTINGS_MODULE": "rongtong.settings"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise BackupError(done.stderr.strip()[-2000:])
    findings: list[str] = json.loads(done.stdout)
    return findings


def main(arguments: list[str]) -> int:
    """`dump FOLDER`, `load FOLDER [--force]`, `check HEAD` on the instance RONGTONG_HOME; prints findings as JSON."""
    import django
    from django.db import DatabaseError

    from rongtong import rows

    django.setup()
    verb, value, *rest = arguments
    findings: list[str] = []
    try:
        if verb == "dump":
            with rows.one_state():
                rows.dump(Path(value))
        elif verb == "load":
            rows.load(Path(value), force="--force" in rest)
        else:
            findings = _log_findings(value)
    except (rows.RowsError, DatabaseError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(findings, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
