"""`rongtong verify` and `rongtong head` say what they found and leave with the exit code that scripts expect."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from rongtong.apps.records import commands
from rongtong.apps.records.models import Leaf, Payload
from rongtong.apps.records.queries import head
from rongtong.apps.registry.models import Account
from rongtong.cli import UsageError


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    commands.add(parser.add_subparsers(required=True))
    parsed = parser.parse_args(arguments)
    code: int = parsed.run(parsed)
    return code


def test_a_whole_log_is_reported_with_its_head(system: Account, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify") == 0
    assert capsys.readouterr().out == f"核验无误：共 1 条，其中 0 条的内容已依记录删除。\n日志头 {head()}\n"


def test_the_head_printed_can_be_given_back(system: Account, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("head") == 0
    assert run("verify", "--head", capsys.readouterr().out) == 0


def test_a_fault_is_named_and_the_exit_code_is_1(system: Account, capsys: pytest.CaptureFixture[str]) -> None:
    Payload.objects.filter(pk=1).update(text="{}")
    assert run("verify") == 1
    assert "第 1 条的内容或盐与正文中的承诺不符" in capsys.readouterr().out
    assert run("verify", "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert document["head"] == str(head())
    assert [(f["code"], f["sequence"]) for f in document["findings"]] == [("payload_changed", 1)]


def test_a_head_file_kept_by_appending_is_compared_by_its_last_line(system: Account, tmp_path: Path) -> None:
    kept = tmp_path / "heads.txt"
    kept.write_text(f"0:{'0' * 64}\n{head()}\n\n", encoding="utf-8")
    assert run("verify", "--head-file", str(kept)) == 0
    Payload.objects.all().delete()
    Leaf.objects.all().delete()
    assert run("verify", "--head-file", str(kept)) == 1


@pytest.mark.parametrize("arguments", [("--head", "nonsense"), ("--head", ""), ("--head-file", "/nowhere/heads.txt")])
def test_what_cannot_be_compared_is_a_usage_error(system: Account, arguments: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        run("verify", *arguments)


def test_an_empty_head_file_is_a_usage_error_and_not_a_pass(system: Account, tmp_path: Path) -> None:
    kept = tmp_path / "heads.txt"
    kept.write_text("\n", encoding="utf-8")
    with pytest.raises(UsageError, match="文件为空"):
        run("verify", "--head-file", str(kept))


def test_the_head_is_also_given_as_json(system: Account, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("head", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"head": str(head()), "size": 1, "root": head().root}
