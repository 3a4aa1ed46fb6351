"""Setting up: the interpreter that is chosen, new instances, upgrades that go back when they fail."""

from __future__ import annotations

import os
import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path

import bootstrap
import pytest
from django.conf import settings


def program(folder: Path, name: str, text: str) -> None:
    """A program that a shell runs."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


def applied(home: Path) -> list[tuple[str, str]]:
    """The migrations that the store says it has."""
    with closing(sqlite3.connect(home / "rongtong.sqlite3")) as store:
        return sorted(store.execute("SELECT app, name FROM django_migrations").fetchall())


def test_the_tests_run_on_an_instance_of_their_own():
    assert str(settings.HOME) == os.environ["RONGTONG_HOME"]
    assert settings.HOME.parent.name.startswith("rongtong-test-")


def test_a_shim_that_fails_is_passed_over(tmp_path, monkeypatch):
    program(tmp_path, "python3.13", "echo 'command not found' >&2; exit 127")
    program(tmp_path, "python3.12", "echo 3.12.4; echo /opt/python3.12")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("PYTHON", raising=False)
    assert bootstrap.find_python() == ("3.12.4", "/opt/python3.12")


def test_the_newest_interpreter_is_taken(tmp_path, monkeypatch):
    for version in ("3.11.9", "3.13.1", "3.12.4"):
        program(tmp_path, f"python{version[:4]}", f"echo {version}; echo /opt/{version}")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("PYTHON", raising=False)
    assert bootstrap.find_python() == ("3.13.1", "/opt/3.13.1")


def test_the_interpreter_that_was_named_is_taken_or_refused_and_no_other(tmp_path, monkeypatch):
    program(tmp_path, "python3.12", "echo 3.12.4; echo /opt/python3.12")
    program(tmp_path, "old", "echo 3.9.2; echo /opt/python3.9")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYTHON", "old")
    with pytest.raises(bootstrap.SetUpError, match=r"old: 3\.9\.2"):
        bootstrap.find_python()


def test_without_an_interpreter_it_says_in_both_languages_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("PYTHON", raising=False)
    with pytest.raises(bootstrap.SetUpError) as refused:
        bootstrap.find_python()
    assert "没有找到" in str(refused.value)
    assert "apt install python3 python3-venv" in str(refused.value)
    assert "What to do" in str(refused.value)


def test_a_bundle_takes_only_the_python_that_its_wheels_are_for(tmp_path, monkeypatch):
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "python-version").write_text("3.12\n", encoding="utf-8")
    monkeypatch.setattr(bootstrap, "WHEELS", tmp_path / "wheels")
    assert [bootstrap.fits(version) for version in ("3.11.9", "3.12.4", "3.13.1")] == [False, True, False]


def test_a_new_production_instance_has_a_secret_of_its_own_that_only_its_owner_reads(command, tmp_path):
    for name in ("a", "b"):
        command(tmp_path / name, "init", "--mode", "production")
        assert (tmp_path / name / "instance.toml").stat().st_mode & 0o777 == 0o600
    a, b = (tomllib.loads((tmp_path / n / "instance.toml").read_text(encoding="utf-8")) for n in ("a", "b"))
    assert a["mode"] == "production"
    assert a["secret"] != b["secret"]
    assert not a["secret"].startswith("demo-")


def test_init_on_an_instance_that_is_there_changes_nothing_and_refuses_another_mode(command, home):
    before = (home / "instance.toml").read_bytes()
    command(home, "init", "--mode", "demo")
    assert "模式" in command(home, "init", "--mode", "production", code=2).stderr
    assert (home / "instance.toml").read_bytes() == before


def test_production_cannot_pin_the_date(command, tmp_path):
    command(tmp_path / "var", "init", "--mode", "production", "--today", "2025-07-15", code=2)
    assert not (tmp_path / "var").exists()


def test_a_folder_that_is_no_pack_is_refused_before_anything_is_written(command, tmp_path):
    said = command(tmp_path / "var", "init", "--mode", "demo", "--pack", str(tmp_path), code=2)
    assert "pack.yaml" in said.stderr
    assert not (tmp_path / "var").exists()


def test_an_upgrade_applies_what_is_pending_after_a_backup_that_is_kept(command, script, home):
    newest = applied(home)
    script(
        home,
        "from django.core.management import call_command; call_command('migrate', 'sessions', 'zero', verbosity=0)",
    )
    assert applied(home) != newest
    command(home, "upgrade")
    assert applied(home) == newest
    (archive,) = (home / "backups").iterdir()
    command(home, "restore", str(archive), "--verify")


def test_an_upgrade_that_fails_leaves_the_store_as_it_was(command, script, home):
    script(
        home,
        "from django.core.management import call_command; call_command('migrate', 'sessions', 'zero', verbosity=0)",
    )
    before = applied(home)
    settings_file = home / "instance.toml"
    text = settings_file.read_text(encoding="utf-8")
    settings_file.write_text(text.replace("packs = []", 'packs = ["../gone"]'), encoding="utf-8")
    said = command(home, "upgrade", code=1).stderr
    assert "gone" in said
    assert applied(home) == before
    assert script(home, "from rongtong.apps.records.queries import head; print(head().size)").strip() == "21"
