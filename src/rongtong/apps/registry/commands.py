"""Commands of accounts: `rongtong accounts import | template | list | demo`."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Offer this app's commands."""
    accounts = commands.add_parser("accounts", help="账号：导入、模板、清单、演示账号")
    verbs = accounts.add_subparsers(dest="verb", required=True, metavar="操作")
    imported = verbs.add_parser("import", help="从模板导入单位与账号，全部通过才入库；一次性密码只在此打印")
    imported.add_argument("file", type=Path, metavar="文件", help="填好的 .xlsx")
    imported.set_defaults(run=_import)
    template = verbs.add_parser("template", help="写出空白的导入模板")
    template.add_argument("-o", "--output", type=Path, required=True, metavar="文件", help="写到哪个 .xlsx")
    template.set_defaults(run=_template)
    listed = verbs.add_parser("list", help="列出账号与授权")
    listed.set_defaults(run=_list)
    demo = verbs.add_parser("demo", help="创建并打印演示账号（只限演示实例）")
    demo.set_defaults(run=_demo)
    for verb in (imported, listed, demo):
        verb.add_argument("--json", action="store_true", help="输出 JSON")


def _import(arguments: argparse.Namespace) -> int:
    from rongtong.apps.registry.actions import system_account
    from rongtong.apps.registry.importing import import_accounts_xlsx
    from rongtong.cli import UsageError

    try:
        data = arguments.file.read_bytes()
    except OSError as error:
        raise UsageError(f"{arguments.file}: 读不出（{error}）。") from error
    report = import_accounts_xlsx(data, system_account())
    accounts = [(new.account.username, new.account.name, new.password) for new in report.accounts]
    if arguments.json:
        document = {
            "accounts": [dict(zip(("username", "name", "password"), each, strict=True)) for each in accounts],
            "organisations": [organisation.uscc for organisation in report.organisations],
            "errors": [asdict(wrong) for wrong in report.errors],
            "head": _head(),
        }
        print(json.dumps(document, ensure_ascii=False, indent=1))
        return 0 if report.ok else 1
    if not report.ok:
        for wrong in report.errors:
            print(f"{arguments.file.name} {wrong}")
        print(f"{len(report.errors)} 处错误，什么都没有入库。改正后重新导入。")
        return 1
    print("用户名\t姓名\t一次性密码（只显示这一次，首次登录须修改）")
    for each in accounts:
        print("\t".join(each))
    print(f"入库 {len(accounts)} 个账号、{len(report.organisations)} 个单位。日志头 {_head()}")
    return 0


def _template(arguments: argparse.Namespace) -> int:
    from rongtong.apps.registry.sheets import accounts_template
    from rongtong.cli import UsageError

    try:
        arguments.output.write_bytes(accounts_template())
    except OSError as error:
        raise UsageError(f"{arguments.output}: 写不了（{error}）。") from error
    print(f"模板已写到 {arguments.output}")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    from rongtong.apps.registry.queries import accounts

    found = accounts()
    if arguments.json:
        print(json.dumps([asdict(each) for each in found], ensure_ascii=False, indent=1))
        return 0
    for each in found:
        grants = "、".join(f"{role}@{place or '全域'}" for role, place in each.grants) or "无授权"
        state = ("" if each.active else "已停用 ") + ("演示" if each.demo else "")
        print("\t".join((each.username, each.name, each.organisation, grants, state.strip())))
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    from rongtong.apps.registry.actions import RegistryError
    from rongtong.apps.registry.demo import demo_accounts
    from rongtong.apps.registry.roles import role_name
    from rongtong.cli import UsageError

    try:
        made = demo_accounts()
    except RegistryError as error:
        raise UsageError(str(error)) from error
    if arguments.json:
        print(json.dumps({"accounts": [asdict(each) for each in made], "head": _head()}, ensure_ascii=False, indent=1))
        return 0
    for each in made:
        print("\t".join((each.username, each.password, each.name, role_name(each.role), each.place or "全域")))
    print(f"日志头 {_head()}")
    return 0


def _head() -> str:
    from rongtong.apps.records.queries import head

    return str(head())
