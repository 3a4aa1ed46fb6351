"""Commands of the log: `rongtong verify` and `rongtong head`."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

SHOWN = 50


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Offer this app's commands."""
    verify = commands.add_parser("verify", help="核验留痕日志：逐条重算哈希；可与保存的日志头比对")
    saved = verify.add_mutually_exclusive_group()
    saved.add_argument("--head", metavar="条数：根", help="以前保存的日志头（rongtong head 的输出）")
    saved.add_argument("--head-file", type=Path, metavar="文件", help="保存日志头的文件")
    verify.add_argument("--json", action="store_true", help="输出 JSON")
    verify.set_defaults(run=_verify)
    head = commands.add_parser("head", help="打印当前日志头；请保存在本系统之外，核验时用它发现截断")
    head.add_argument("--json", action="store_true", help="输出 JSON")
    head.set_defaults(run=_head)


def _verify(arguments: argparse.Namespace) -> int:
    from rongtong.apps.records.queries import HeadError, examine
    from rongtong.cli import UsageError

    try:
        found = examine(_saved_head(arguments))
    except HeadError as error:
        raise UsageError(str(error)) from error
    if arguments.json:
        document = {
            "head": str(found.head),
            "erased": found.erased,
            "findings": [asdict(finding) for finding in found.findings],
        }
        print(json.dumps(document, ensure_ascii=False, indent=1))
        return 1 if found.findings else 0
    for finding in found.findings[:SHOWN]:
        print(finding.message)
    if len(found.findings) > SHOWN:
        print(f"……另有 {len(found.findings) - SHOWN} 处，用 --json 看全部。")
    result = f"发现 {len(found.findings)} 处不符" if found.findings else "核验无误"
    print(f"{result}：共 {found.head.size} 条，其中 {found.erased} 条的内容已依记录删除。")
    print(f"日志头 {found.head}")
    return 1 if found.findings else 0


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
