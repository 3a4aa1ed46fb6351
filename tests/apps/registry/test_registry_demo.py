"""Demo accounts exist in demo mode only, with passwords of this instance; and the commands say what they did."""

from __future__ import annotations

import argparse
import json
import stat
from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from pytest_django import Settings

from rongtong.apps.records.queries import head, verify
from rongtong.apps.registry import commands
from rongtong.apps.registry.actions import RegistryError, create_account, deactivate, set_password
from rongtong.apps.registry.demo import demo_accounts
from rongtong.apps.registry.models import Account
from rongtong.apps.registry.queries import demo_accounts_in_use
from rongtong.apps.registry.roles import ROLES
from rongtong.apps.registry.sheets import accounts_template
from rongtong.cli import UsageError


@pytest.fixture
def demo_instance(settings: Settings, tmp_path: Path, pack: None) -> Path:
    settings.DEMO, settings.HOME = True, tmp_path
    return tmp_path


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    commands.add(parser.add_subparsers(required=True))
    parsed = parser.parse_args(arguments)
    code: int = parsed.run(parsed)
    return code


def test_there_is_an_account_for_each_role_that_can_log_in(demo_instance: Path) -> None:
    made = demo_accounts()
    assert {account.role for account in made} == set(ROLES) - {"operator"}
    places = {account.username: account.place for account in made}
    assert places["sheng"] == ""
    assert places["shi-990100"] == "990100"
    assert places["xian-990101"] == "990101"
    for account in made:
        found = authenticate(username=account.username, password=account.password)
        assert isinstance(found, Account)
        assert found.demo
        assert not found.password_is_initial
        assert [(g.role, g.place) for g in found.grants.all()] == [(account.role, account.place)]
    assert len({account.password for account in made}) == len(made)
    assert verify(str(head())) == []


def test_the_passwords_are_kept_in_a_file_for_its_owner_alone(demo_instance: Path) -> None:
    made = demo_accounts()
    path = demo_instance / "demo-accounts.txt"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = [line.split("\t")[:2] for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    assert lines == [[account.username, account.password] for account in made]


def test_asking_again_gives_the_same_accounts_and_writes_nothing(demo_instance: Path) -> None:
    made, before = demo_accounts(), head()
    assert demo_accounts() == made
    assert head() == before


def test_an_account_whose_password_is_not_in_the_file_gets_a_new_one(demo_instance: Path) -> None:
    demo_accounts()
    account = Account.objects.get(username="sheng")
    set_password(account, "somebody changed it", actor=account)
    (again,) = [each for each in demo_accounts() if each.username == "sheng"]
    assert authenticate(username="sheng", password=again.password) is not None


def test_outside_demo_mode_there_are_none(settings: Settings, tmp_path: Path, pack: None) -> None:
    settings.DEMO, settings.HOME = False, tmp_path
    with pytest.raises(RegistryError, match="只能在演示实例"):
        demo_accounts()
    assert not (tmp_path / "demo-accounts.txt").exists()
    assert demo_accounts_in_use() == ()


def test_before_a_pack_is_loaded_there_are_none(settings: Settings, tmp_path: Path, system: Account) -> None:
    settings.DEMO, settings.HOME = True, tmp_path
    with pytest.raises(RegistryError, match="规则包"):
        demo_accounts()


def test_a_username_of_a_real_account_is_never_taken_over(demo_instance: Path, system: Account) -> None:
    create_account("sheng", "真人", actor=system)
    with pytest.raises(RegistryError, match="非演示账号"):
        demo_accounts()


def test_production_can_ask_which_demo_accounts_are_still_in_use(demo_instance: Path, system: Account) -> None:
    demo_accounts()
    assert "sheng" in demo_accounts_in_use()
    assert "system" not in demo_accounts_in_use()
    for account in Account.objects.filter(demo=True):
        deactivate(account, why="转正式", actor=system)
    assert demo_accounts_in_use() == ()


def test_the_demo_command_prints_the_accounts_and_the_head(
    demo_instance: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("accounts", "demo") == 0
    text = capsys.readouterr().out
    assert "演示·甲市科技局" in text
    assert text.splitlines()[-1] == f"日志头 {head()}"
    assert run("accounts", "demo", "--json") == 0
    assert json.loads(capsys.readouterr().out)["head"] == str(head())


def test_the_demo_command_outside_demo_mode_is_a_usage_error(settings: Settings, pack: None) -> None:
    settings.DEMO = False
    with pytest.raises(UsageError, match="只能在演示实例"):
        run("accounts", "demo")


def test_a_template_written_filled_and_imported_gives_accounts_that_the_list_shows(
    pack: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from openpyxl import load_workbook

    path = tmp_path / "账号.xlsx"
    assert run("accounts", "template", "-o", str(path)) == 0
    book = load_workbook(path)
    for column, value in enumerate(["zhangsan", "张三", None, None, "市科技局", "990100"], start=1):
        book["账号"].cell(2, column, value)
    book.save(path)
    capsys.readouterr()
    assert run("accounts", "import", str(path)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert authenticate(username="zhangsan", password=lines[1].split("\t")[2]) is not None
    assert lines[-1].endswith(f"日志头 {head()}")
    assert run("accounts", "list") == 0
    assert "zhangsan\t张三\t\t市科技局@990100\t" in capsys.readouterr().out
    # Once more: nothing is stored twice, and the exit code says that there were findings.
    assert run("accounts", "import", str(path)) == 1
    assert "账号.xlsx 账号!A2 “zhangsan”已有同名账号" in capsys.readouterr().out
    assert run("accounts", "import", str(path), "--json") == 1
    assert [e["cell"] for e in json.loads(capsys.readouterr().out)["errors"]] == ["A2"]


def test_a_file_that_is_not_there_is_a_usage_error(db: None, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="读不出"):
        run("accounts", "import", str(tmp_path / "none.xlsx"))
    with pytest.raises(UsageError, match="写不了"):
        run("accounts", "template", "-o", str(tmp_path / "none" / "t.xlsx"))
    assert accounts_template()[:2] == b"PK"
