"""What is wrong with this installation, and what to do about each thing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from rongtong.instance import DEMO_SECRET_PREFIX, Instance, InstanceError, home_folder, read_instance

Level = Literal["ok", "warn", "fail"]
FREE_FAIL, FREE_WARN = 200_000_000, 2_000_000_000
# No release of this program can be used before it was written, or after its libraries have gone out of support.
YEARS = (2025, 2045)
FONTS = Path(__file__).parent / "apps" / "papers" / "fonts"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: how it is, what was found, and what to do unless it is fine."""

    level: Level
    about: str
    found: str
    do: str = ""


def examine() -> list[Finding]:
    """Look at everything. A check that breaks is a finding and does not stop the others."""
    findings: list[Finding] = []
    for about, look in CHECKS:
        try:
            findings += look()
        except Exception as error:
            findings.append(
                Finding("fail", about, f"检查没能完成：{type(error).__name__}: {error}", "请先解决这个错误。")
            )
    return findings


def why_not_serve(instance: Instance) -> list[str]:
    """The reasons why this instance must not serve people; empty when it may.

    Production refuses the demo secret, a pinned date and any demo account that can still act.
    """
    if instance.demo:
        return []
    from rongtong.apps.registry.queries import demo_accounts_in_use

    reasons = []
    if instance.secret.startswith(DEMO_SECRET_PREFIX):
        reasons.append("正式环境使用了演示密钥。请用 rongtong init --mode production 另建实例。")
    if instance.today:
        reasons.append("正式环境固定了日期。请从 instance.toml 删去 today。")
    accounts = demo_accounts_in_use()
    if accounts:
        reasons.append(f"正式环境有演示账号可用：{'、'.join(accounts[:10])}。请先停用。")
    return reasons


def _python() -> Iterator[Finding]:
    # One older than 3.11 does not come this far: it cannot import rongtong.instance.
    yield Finding("ok", "Python", f"{'.'.join(map(str, sys.version_info[:3]))}:{sys.executable}")
    probe = subprocess.run([sys.executable, "-c", "import venv, ensurepip"], capture_output=True, check=False)
    if probe.returncode:
        yield Finding("warn", "venv", "没有 venv 或 ensurepip 模块", "升级前请安装（如 apt install python3-venv）。")
    else:
        yield Finding("ok", "venv", "可用")
    make = shutil.which("make")
    yield (
        Finding("ok", "make", make) if make else Finding("warn", "make", "没有", "请安装 make（如 apt install make）。")
    )


def _fonts() -> Iterator[Finding]:
    shipped = sorted(f.name for f in FONTS.glob("*.[ot]tf"))
    if shipped:
        yield Finding("ok", "自带字体", "、".join(shipped))
    else:
        yield Finding("fail", "自带字体", f"{FONTS} 里没有字体文件", "安装不完整，请重新安装融通。")
    listing = shutil.which("fc-list")
    found = (
        subprocess.run([listing, ":lang=zh", "family"], capture_output=True, text=True, check=False)
        if listing
        else None
    )
    families = {line.split(",")[0] for line in found.stdout.splitlines() if line} if found else set()
    if families:
        yield Finding("ok", "系统中文字体", f"{len(families)} 种，如 {min(families)}")
    else:
        advice = "图表与 PDF 用自带字体，不受影响；要在本机预览公文，请安装中文字体（如 apt install fonts-noto-cjk）。"
        yield Finding("warn", "系统中文字体", "没有找到", advice)


def _instance() -> Iterator[Finding]:
    path = home_folder() / "instance.toml"
    try:
        instance = read_instance()
    except InstanceError as error:
        yield Finding("fail", "实例设置", str(error), "见上。")
        return
    yield Finding("ok", "实例设置", f"{path}({'演示' if instance.demo else '正式'})")
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        yield Finding("fail", "密钥文件权限", f"{path} 为 {mode:03o}，他人可读", f"请运行 chmod 600 {path}。")
    else:
        yield Finding("ok", "密钥文件权限", f"{mode:03o}")
    characters = len(set(instance.secret))
    if characters < 16:
        yield Finding(
            "fail", "密钥", f"只有 {characters} 种字符，太容易猜", "请删去 secret 一行，另建实例后把新密钥抄入。"
        )
    else:
        yield Finding("ok", "密钥", f"{len(instance.secret)} 个字符")
    for pack in instance.packs:
        if not (pack / "pack.yaml").is_file():
            yield Finding(
                "fail", "规则包", f"{pack} 里没有 pack.yaml", "请把规则包放回，或改正 instance.toml 的 packs。"
            )


def _clock() -> Iterator[Finding]:
    from django.conf import settings

    moment = datetime.now(tz=UTC)
    if YEARS[0] <= moment.year < YEARS[1]:
        zone = datetime.now().astimezone().tzname()
        yield Finding("ok", "时钟", f"{moment:%Y-%m-%d %H:%M} UTC（系统时区 {zone}；本系统一律用北京时间）")
    else:
        yield Finding("fail", "时钟", f"系统时间为 {moment:%Y-%m-%d}", "请校正系统时间；日志里的时刻不能事后更改。")
    if settings.PINNED_TODAY:
        yield Finding("ok", "固定日期", f"演示把今天固定在 {settings.PINNED_TODAY}")


def _store() -> Iterator[Finding]:
    from django.db import connection, transaction
    from django.db.migrations.executor import MigrationExecutor

    if connection.vendor == "sqlite":
        name = Path(str(connection.settings_dict["NAME"]))
        if not name.is_file():
            yield Finding("fail", "库", f"{name}: 还没有建立", "请运行 make demo 或 rongtong init。")
            return
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            yield from _sqlite(name)
        else:
            cursor.execute("SELECT current_setting('server_version')")
            yield Finding("ok", "库", f"PostgreSQL {cursor.fetchone()[0]}")
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if pending:
        yield Finding(
            "fail", "库结构", f"有 {len(pending)} 项迁移未执行，第一项 {pending[0][0]}", "请运行 rongtong upgrade。"
        )
    else:
        yield Finding("ok", "库结构", "与程序一致")
    with transaction.atomic(), connection.cursor() as cursor:
        # Writing is tried and taken back: nothing of it stays.
        cursor.execute("CREATE TABLE rongtong_doctor_probe (n integer)")
        transaction.set_rollback(True)
    yield Finding("ok", "库可写", "写入试过并已撤回")


def _sqlite(path: Path) -> Iterator[Finding]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        result = cursor.fetchone()[0]
        cursor.execute("PRAGMA journal_mode")
        journal = cursor.fetchone()[0]
    size = path.stat().st_size / 1e6
    if result == "ok":
        yield Finding("ok", "库", f"SQLite {sqlite3.sqlite_version}，{size:.1f} MB，自检通过：{path}")
    else:
        yield Finding(
            "fail", "库", f"SQLite 自检未通过：{result}", "请停止服务，用 rongtong restore 恢复最近一份备份。"
        )
    if journal == "wal":
        yield Finding("ok", "库日志模式", "WAL")
    else:
        advice = "库所在的文件系统可能不支持（如网络盘），请移到本地盘。"
        yield Finding("fail", "库日志模式", f"{journal}，应为 WAL", advice)


def _disk() -> Iterator[Finding]:
    home = home_folder()
    free = shutil.disk_usage(home if home.exists() else home.parent).free
    level: Level = "fail" if free < FREE_FAIL else "warn" if free < FREE_WARN else "ok"
    yield Finding(level, "磁盘", f"剩余 {free / 1e9:.1f} GB", "" if level == "ok" else f"请清理 {home} 所在的磁盘。")
    if home.exists() and not os.access(home, os.W_OK):
        yield Finding("fail", "实例文件夹", f"{home} 不可写", "请用安装融通的用户运行，或改正文件夹的属主。")


def _accounts() -> Iterator[Finding]:
    reasons = why_not_serve(read_instance())
    for reason in reasons:
        yield Finding("fail", "正式环境", reason, "在此之前 rongtong serve 不会启动。")
    if not reasons:
        yield Finding("ok", "可否服务", "可以")


def _logins() -> Iterator[Finding]:
    from rongtong.apps.registry.queries import signers_without_factor

    instance = read_instance()
    if instance.second_factor == "optional":
        if instance.demo:
            yield Finding("ok", "动态口令", "可选（演示）")
        else:
            advice = '审签人员和三员应当用两种因素登录：请从 instance.toml 删去 second_factor = "optional"。'
            yield Finding("warn", "动态口令", "正式环境设为可选", advice)
        return
    waiting = signers_without_factor()
    if waiting:
        names = "、".join(waiting[:10])
        yield Finding("warn", "动态口令", f"须用而未设：{names}", "本人下次登录时会被要求设置；久不登录的请停用。")
    else:
        yield Finding("ok", "动态口令", "审签人员和三员都已设置")


def _log() -> Iterator[Finding]:
    from rongtong.apps.records.queries import examine as examine_log

    found = examine_log()
    for each in found.findings[:20]:
        yield Finding("fail", "日志", each.message, "请停止写入，保留现场，报告安全管理员；可与备份中的日志头比对。")
    if not found.findings:
        yield Finding("ok", "日志", f"{found.head.size} 条，逐条核对无误；日志头 {found.head}")


def _office() -> Iterator[Finding]:
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program:
        yield Finding("ok", "LibreOffice（可选）", program)
    else:
        yield Finding("ok", "LibreOffice（可选）", "没有：公文以 docx 输出，不影响使用；需要由 docx 转 PDF 时再安装")


def _erasures() -> Iterator[Finding]:
    from rongtong.apps.records.scrubbing import waiting

    count = waiting()
    if count:
        advice = "请在没有人使用时运行 rongtong scrub。"
        yield Finding("warn", "个人信息的删除", f"{count} 件已删除，但库文件里还有残留的字节", advice)
    else:
        yield Finding("ok", "个人信息的删除", "没有待清除的残留")


CHECKS: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
    ("Python", _python),
    ("字体", _fonts),
    ("实例设置", _instance),
    ("时钟", _clock),
    ("磁盘", _disk),
    ("库", _store),
    ("可否服务", _accounts),
    ("动态口令", _logins),
    ("日志", _log),
    ("个人信息的删除", _erasures),
    ("LibreOffice", _office),
)
