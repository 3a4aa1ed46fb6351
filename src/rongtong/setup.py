"""Commands of the installation itself: init, demo, doctor, backup, restore, upgrade."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path

from rongtong.instance import Instance, home_folder, read_instance, write_instance


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Offer the commands."""
    init = commands.add_parser("init", help="建立实例：写 instance.toml，建库，载入规则包")
    init.add_argument("--mode", choices=("demo", "production"), required=True, help="演示或正式")
    init.add_argument(
        "--pack", type=Path, action="append", default=[], metavar="文件夹", help="规则包，按继承顺序可给多个"
    )
    init.add_argument("--today", type=date.fromisoformat, metavar="日期", help="演示把今天固定在这一天")
    init.add_argument("--database", default="", metavar="URL", help="postgresql://…；不给则用内置 SQLite")
    init.set_defaults(run=_init, bare=True)
    demo = commands.add_parser("demo", help="建立演示实例并打开")
    demo.add_argument("--pack", type=Path, action="append", default=[], metavar="文件夹", help="第一次运行时用的规则包")
    demo.add_argument("--no-serve", action="store_true", help="只建立，不启动服务")
    demo.add_argument("--real-only", action="store_true", help="只载入公开的真实数据，不生成演示数据")
    demo.add_argument("--port", type=int, metavar="端口", help="不给则用环境变量 PORT，再不给则 8000")
    demo.set_defaults(run=_demo, bare=True)
    doctor = commands.add_parser("doctor", help="检查本机与本实例，说出每个问题怎么办")
    doctor.add_argument("--json", action="store_true", help="输出 JSON")
    doctor.set_defaults(run=_doctor, bare=True)
    backup = commands.add_parser("backup", help="备份整个实例到一个文件（内含密钥，请妥善保管）")
    backup.add_argument("-o", "--output", type=Path, required=True, metavar="文件", help="写到哪个 .tar.gz")
    backup.set_defaults(run=_backup)
    restore = commands.add_parser("restore", help="由备份恢复实例，或只检查备份")
    restore.add_argument("file", type=Path, metavar="文件", help="rongtong backup 写出的 .tar.gz")
    restore.add_argument("--verify", action="store_true", help="恢复到临时文件夹，全部核对，不动任何实例")
    restore.add_argument("--home", type=Path, metavar="文件夹", help="恢复到哪里；不给则为当前实例的文件夹")
    restore.add_argument("--database", metavar="URL", help="改用这个库（postgresql://…，或空为内置 SQLite）")
    restore.add_argument("--force", action="store_true", help="已有实例时：原文件夹改名保留；PostgreSQL 里原有的表删去")
    restore.set_defaults(run=_restore, bare=True)
    upgrade = commands.add_parser("upgrade", help="升级后运行：先备份，再改库结构、重载规则包、核对日志；失败则退回")
    upgrade.set_defaults(run=_upgrade)


def _init(arguments: argparse.Namespace) -> int:
    from rongtong.cli import UsageError

    home, existed = home_folder(), (home_folder() / "instance.toml").exists()
    missing = [str(pack) for pack in arguments.pack if not (pack / "pack.yaml").is_file()]
    if missing:
        raise UsageError(f"{'、'.join(missing)}: 不是规则包（没有 pack.yaml）。请改正 --pack。")
    if arguments.mode == "production" and arguments.today:
        raise UsageError("--today: 正式环境不能固定日期。请去掉。")
    if not existed:
        instance = write_instance(home, arguments.mode, arguments.pack, arguments.today, arguments.database)
        print(f"已写入 {home / 'instance.toml'}（权限 600，内含新生成的密钥）")
        # The settings of this process were read without an instance.
        again = [sys.executable, "-m", "rongtong", "init", "--mode", arguments.mode]
        return subprocess.run(again, env={**os.environ, "RONGTONG_HOME": str(instance.home)}, check=False).returncode
    instance = read_instance(home)
    conflict = _conflict(arguments, instance)
    if conflict:
        raise UsageError(
            f"{home / 'instance.toml'}: 已有实例，{conflict}。未作改动；请改这个文件，或用 RONGTONG_HOME 另建实例。"
        )
    for line in prepare(instance):
        print(line)
    return 0


def _conflict(arguments: argparse.Namespace, instance: Instance) -> str | None:
    """How an existing instance differs from what was asked for; what was not asked for does not differ."""
    packs = tuple(pack.resolve() for pack in arguments.pack)
    asked = (
        ("模式", arguments.mode, instance.mode),
        ("规则包", [*map(str, packs)], [*map(str, instance.packs)]),
        ("日期", arguments.today, instance.today),
        ("库", arguments.database, instance.database),
    )
    return next((f"{name}为 {has}，而要的是 {wanted}" for name, wanted, has in asked if wanted and wanted != has), None)


def prepare(instance: Instance) -> list[str]:
    """Bring the store to today's schema and load the instance's packs; returns what was done, in Chinese.

    Raises whatever a migration raises, and PackRefused.
    """
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from rongtong.apps.packs.actions import load
    from rongtong.apps.records.keys import create
    from rongtong.apps.registry.actions import system_account

    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    call_command("migrate", interactive=False, verbosity=0)
    for part in instance.home.glob("*.sqlite3*"):
        part.chmod(0o600)
    done = [f"库结构：执行了 {len(pending)} 项迁移" if pending else "库结构：已是最新"]
    done.append(f"日志公钥：{create(instance.home)}")
    if instance.packs:
        pack, new = load(instance.packs, system_account())
        done.append(f"规则包：{'载入了' if new else '没有变化,仍是'} {pack.fingerprint[:12]}")
    return done


def _demo(arguments: argparse.Namespace) -> int:
    from rongtong import demo

    code: int = demo.run(arguments)
    return code


def _doctor(arguments: argparse.Namespace) -> int:
    from rongtong.doctor import examine

    findings = examine()
    failed = sum(f.level == "fail" for f in findings)
    if arguments.json:
        print(json.dumps([asdict(f) for f in findings], ensure_ascii=False, indent=1))
        return 1 if failed else 0
    marks = {"ok": "正常", "warn": "注意", "fail": "问题"}
    for finding in findings:
        print(f"{marks[finding.level]}  {finding.about}: {finding.found}")
        if finding.do:
            print(f"      → {finding.do}")
    print(f"共 {len(findings)} 项：{failed} 个问题，{sum(f.level == 'warn' for f in findings)} 个注意。")
    return 1 if failed else 0


def _backup(arguments: argparse.Namespace) -> int:
    from rongtong import backup
    from rongtong.cli import UsageError

    read_instance()
    try:
        manifest = backup.make(arguments.output)
    except backup.BackupError as error:
        raise UsageError(str(error)) from error
    size = arguments.output.stat().st_size / 1e6
    print(f"已备份到 {arguments.output}({size:.1f} MB,{len(manifest.files)} 个文件，权限 600)")
    print(f"日志头 {manifest.head}")
    print("备份内含本实例的密钥与全部数据，请按原数据的密级保管；请把日志头另存一处，它能发现备份或库被截短。")
    return 0


def _restore(arguments: argparse.Namespace) -> int:
    from rongtong import backup

    home = arguments.home or home_folder()
    try:
        if arguments.verify:
            manifest = backup.check(arguments.file)
            print(
                f"备份完好：{manifest.made_at}，版本 {manifest.version}，{len(manifest.files)} 个文件，日志头 {manifest.head}"
            )
            return 0
        manifest, aside = backup.restore(arguments.file, home, force=arguments.force, database=arguments.database)
    except backup.BackupError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"已恢复到 {home}:{manifest.made_at} 的备份，日志头 {manifest.head} 核对无误")
    if aside:
        print(f"原来的实例改名为 {aside}，确认无误后可自行删除")
    print("备份若来自旧版本，请接着运行 rongtong upgrade。")
    return 0


def _upgrade(_arguments: argparse.Namespace) -> int:
    from django.db import connections

    from rongtong import __version__, backup, clock
    from rongtong.apps.records.queries import verify
    from rongtong.cli import UsageError

    instance = read_instance()
    folder = instance.home / "backups"
    folder.mkdir(exist_ok=True)
    archive = folder / f"before-{__version__}-{clock.now():%Y%m%d-%H%M%S}.tar.gz"
    try:
        manifest = backup.make(archive)
        backup.check(archive)
    except backup.BackupError as error:
        raise UsageError(f"升级没有开始：备份没有成功。{error}") from error
    print(f"备份：{archive}（已核对），日志头 {manifest.head}")
    try:
        for line in prepare(instance):
            print(line)
        wrong = [finding.message for finding in verify(manifest.head)]
    except Exception as error:
        wrong = [f"{type(error).__name__}: {error}"]
    if not wrong:
        print(f"日志：核对无误。升级完成，版本 {__version__}。")
        return 0
    print("\n".join(["升级没有成功：", *wrong[:20]]), file=sys.stderr)
    connections.close_all()
    backup.put_store_back(archive)
    print(
        f"已把库退回升级前（日志头 {manifest.head}）。请换回原来的程序版本，或解决上面的问题后再升级。", file=sys.stderr
    )
    return 1
