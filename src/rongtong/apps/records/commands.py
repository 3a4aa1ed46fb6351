"""Commands of the log: `rongtong verify`, `rongtong head` and `rongtong log …`."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rongtong.apps.records import log_commands, scrub_commands
from rongtong.instance import home_folder

if TYPE_CHECKING:
    from rongtong.apps.records.queries import Finding
    from rongtong.engine.note import Checkpoint, PublicKey

SHOWN = 50


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Offer this app's commands."""
    verify = commands.add_parser(
        "verify", help="核验留痕日志：逐条重算哈希，核对已发布的瓦片与检查点；可与保存的日志头或检查点比对"
    )
    saved = verify.add_mutually_exclusive_group()
    saved.add_argument("--head", metavar="条数：根", help="以前保存的日志头（rongtong head 的输出）")
    saved.add_argument("--head-file", type=Path, metavar="文件", help="保存日志头的文件")
    saved.add_argument("--checkpoint", type=Path, metavar="文件", help="以前保存在别处的检查点")
    verify.add_argument(
        "--key", default="", metavar="公钥", help="用这个公钥核对签名（或写有它的文件）；不给则用本实例的"
    )
    verify.add_argument("--json", action="store_true", help="输出 JSON")
    verify.set_defaults(run=_verify)
    head = commands.add_parser("head", help="打印当前日志头；请保存在本系统之外，核验时用它发现截断")
    head.add_argument("--json", action="store_true", help="输出 JSON")
    head.set_defaults(run=_head)
    log_commands.add(commands)
    scrub_commands.add(commands)


def _verify(arguments: argparse.Namespace) -> int:
    from rongtong.apps.records import checking
    from rongtong.apps.records.queries import HeadError, examine
    from rongtong.cli import UsageError

    head = _saved_head(arguments)
    key, saved, refused = _saved_checkpoint(arguments)
    if saved is not None:
        head = checking.as_head(saved)
    try:
        found = examine(head)
    except HeadError as error:
        raise UsageError(str(error)) from error
    check = checking.Check(None, ()) if key is None else checking.check_published(home_folder(), key, saved)
    findings = [*found.findings, *refused, *check.findings]
    if arguments.json:
        document = {
            "head": str(found.head),
            "checkpoint": None if check.checkpoint is None else checking.as_head(check.checkpoint),
            "erased": found.erased,
            "findings": [asdict(finding) for finding in findings],
        }
        print(json.dumps(document, ensure_ascii=False, indent=1))
        return 1 if findings else 0
    for finding in findings[:SHOWN]:
        print(finding.message)
    if len(findings) > SHOWN:
        print(f"……另有 {len(findings) - SHOWN} 处，用 --json 看全部。")
    result = f"发现 {len(findings)} 处不符" if findings else "核验无误"
    print(f"{result}：共 {found.head.size} 条，其中 {found.erased} 条的内容已依记录删除。")
    if check.checkpoint is not None:
        print(f"已发布的检查点 {checking.as_head(check.checkpoint)}")
    print(f"日志头 {found.head}")
    return 1 if findings else 0


def _saved_checkpoint(
    arguments: argparse.Namespace,
) -> tuple[PublicKey | None, Checkpoint | None, list[Finding]]:
    """The key to check with (None where nothing was ever published), the saved checkpoint, and why it is refused."""
    from rongtong.apps.records import checking, keys, publishing
    from rongtong.apps.records.queries import Finding
    from rongtong.cli import UsageError
    from rongtong.engine.note import NoteRefused

    home = home_folder()
    if not arguments.key and arguments.checkpoint is None and not publishing.folder(home).exists():
        return None, None, []
    try:
        key = checking.public_key(home, arguments.key)
        text = arguments.checkpoint.read_text(encoding="utf-8") if arguments.checkpoint else ""
    except (keys.LogKeyError, NoteRefused, OSError, UnicodeDecodeError) as error:
        raise UsageError(str(error)) from error
    try:
        return key, checking.saved_checkpoint(text, key) if arguments.checkpoint else None, []
    except NoteRefused as error:
        return key, None, [Finding(error.code, None, f"{arguments.checkpoint}: {error}")]


def _head(arguments: argparse.Namespace) -> int:
    from rongtong.apps.records.queries import head

    now = head()
    print(json.dumps({"head": str(now), "size": now.size, "root": now.root}) if arguments.json else str(now))
    return 0


def _saved_head(arguments: argparse.Namespace) -> str | None:
    from rongtong.cli import UsageError

    if arguments.head_file is None:
        # An empty --head (an unset shell variable) must not pass as a check that was made.
        if arguments.head == "":
            raise UsageError("--head 为空。请给出“条数：根”，或不带此参数。")
        return str(arguments.head) if arguments.head else None
    try:
        text = arguments.head_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{arguments.head_file}: 读不出日志头（{error}）。") from error
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise UsageError(f"{arguments.head_file}: 文件为空，应有一行“条数：根”。")
    # A file kept by appending: the newest head is the last line.
    return str(lines[-1])
