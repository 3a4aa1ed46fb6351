"""The doctor: it says what is wrong, what to do, and by its exit code whether anything is."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest


@pytest.fixture
def doctor(command):
    """`doctor(home, code)`: the findings that are not fine, as {about: what was found and what to do}."""

    def run(home: Path, code: int) -> dict[str, str]:
        findings = json.loads(command(home, "doctor", "--json", code=code).stdout)
        return {f["about"]: f["found"] + f["do"] for f in findings if f["level"] == "fail"}

    return run


def change(home: Path, statement: str) -> None:
    """Change the store behind the program's back."""
    with closing(sqlite3.connect(home / "rongtong.sqlite3")) as store, store:
        store.execute(statement)


def edit(home: Path, old: str, new: str) -> None:
    """Change instance.toml as a person would."""
    path = home / "instance.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_new_instance_is_fine(doctor, home):
    assert doctor(home, 0) == {}


def test_what_is_printed_for_people_ends_with_the_number_of_findings(command, home):
    assert command(home, "doctor").stdout.splitlines()[-1].startswith("共 ")


def test_without_an_instance_it_says_how_to_make_one(doctor, tmp_path):
    assert "rongtong init" in doctor(tmp_path / "none", 1)["实例设置"]


def test_settings_that_others_can_read_are_a_fault(doctor, home):
    (home / "instance.toml").chmod(0o644)
    assert "chmod 600" in doctor(home, 1)["密钥文件权限"]


def test_a_secret_of_one_repeated_character_is_a_fault(doctor, home):
    secret = next(line for line in (home / "instance.toml").read_text().splitlines() if line.startswith("secret"))
    edit(home, secret, f'secret = "{"a" * 60}"')
    assert set(doctor(home, 1)) == {"密钥"}


def test_a_pack_that_is_not_there_is_a_fault(doctor, home):
    edit(home, "packs = []", 'packs = ["../gone"]')
    assert "pack.yaml" in doctor(home, 1)["规则包"]


def test_a_changed_leaf_of_the_log_is_named(doctor, home):
    change(home, "UPDATE records_leaf SET actor = 'someone' WHERE sequence = 5")
    assert "第 5 条" in doctor(home, 1)["日志"]


def test_a_migration_that_is_not_applied_is_a_fault(doctor, home):
    change(home, "DELETE FROM django_migrations WHERE app = 'sessions'")
    assert "rongtong upgrade" in doctor(home, 1)["库结构"]


def test_a_store_overwritten_in_the_middle_is_a_fault(doctor, home):
    store = home / "rongtong.sqlite3"
    whole = store.read_bytes()
    store.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    assert "库" in doctor(home, 1)


def test_a_store_that_was_never_made_is_a_fault(doctor, home):
    (home / "rongtong.sqlite3").unlink()
    assert "rongtong init" in doctor(home, 1)["库"]


def test_production_with_a_demo_account_is_refused(command, doctor, script, tmp_path):
    home = tmp_path / "var"
    command(home, "init", "--mode", "production")
    reasons = """
        from rongtong.doctor import why_not_serve
        from rongtong.instance import read_instance
        print(*why_not_serve(read_instance()))
    """
    assert script(home, reasons).strip() == ""
    script(
        home,
        """
        from rongtong.apps.registry.actions import create_account, system_account
        create_account("yanshi", "演示", actor=system_account(), demo=True)
        """,
    )
    assert "yanshi" in script(home, reasons)
    assert "yanshi" in doctor(home, 1)["正式环境"]


def test_a_demo_instance_may_have_demo_accounts(doctor, script, home):
    script(
        home,
        """
        from rongtong.apps.registry.actions import create_account, system_account
        create_account("yanshi", "演示", actor=system_account(), demo=True)
        """,
    )
    assert doctor(home, 0) == {}
