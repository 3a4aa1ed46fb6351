"""An instance: the folder `var/` with `instance.toml`, which says what this installation is.

`instance.toml` is written once by `rongtong init` (which `make demo` calls) and read by every command.
There is no default pack and no default secret: an instance that names none has none.
"""

from __future__ import annotations

import os
import secrets
import tomllib
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

DEMO_SECRET_PREFIX = "demo-"

Mode = Literal["demo", "production"]
SecondFactor = Literal["required", "optional"]


class InstanceError(Exception):
    """The instance cannot be used as it is; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One installation.

    `home` is the folder that holds everything the installation remembers; `packs` are folders, in order of
    extension; `database` is a PostgreSQL URL or empty for the embedded store; `today` pins the clock (demo only).
    `proxies` are the addresses of reverse proxies whose word on client and scheme is believed; `second_factor` says
    whether signing and administering roles must log in with a one-time code.
    """

    home: Path
    mode: Mode
    packs: tuple[Path, ...]
    secret: str = field(repr=False)
    database: str = ""
    today: date | None = None
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    proxies: tuple[str, ...] = ("127.0.0.1",)
    second_factor: SecondFactor = "optional"

    @property
    def demo(self) -> bool:
        return self.mode == "demo"


def home_folder() -> Path:
    """The folder of this instance: `RONGTONG_HOME`, else `var` in the current folder."""
    return Path(os.environ.get("RONGTONG_HOME", "var")).resolve()


def read_instance(home: Path | None = None) -> Instance:
    """Read `instance.toml`.

    Raises InstanceError when it is missing or wrong, or when production would run with a demo secret.
    """
    home = home or home_folder()
    path = home / "instance.toml"
    if not path.is_file():
        raise InstanceError(f"{path}: 没有找到实例设置。请先运行 make demo，或 rongtong init --mode production。")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InstanceError(f"{path}: 不是合法的 TOML（{error}）。请改正，或删去后重新运行 rongtong init。") from error
    mode = data.get("mode")
    if mode not in ("demo", "production"):
        raise InstanceError(f'{path}: mode = {mode!r}，应为 "demo" 或 "production"。')
    secret = str(data.get("secret", ""))
    if len(secret) < 40:
        raise InstanceError(f"{path}: secret 缺失或短于 40 个字符。请运行 rongtong init 生成。")
    if mode == "production" and secret.startswith(DEMO_SECRET_PREFIX):
        raise InstanceError(f"{path}: 正式环境不能使用演示密钥。请运行 rongtong init --mode production 另建实例。")
    if mode == "production" and data.get("today"):
        raise InstanceError(f"{path}: 正式环境不能固定日期。请删去 today。")
    factor = data.get("second_factor", "required" if mode == "production" else "optional")
    if factor not in ("required", "optional"):
        raise InstanceError(f'{path}: second_factor = {factor!r}，应为 "required" 或 "optional"。')
    today = data.get("today")
    return Instance(
        home=home,
        mode=mode,
        packs=tuple((home / str(p)).resolve() for p in data.get("packs", [])),
        secret=secret,
        database=str(data.get("database", "")),
        today=today if isinstance(today, date) else None,
        hosts=tuple(data.get("hosts", ("127.0.0.1", "localhost"))),
        proxies=tuple(data.get("proxies", ("127.0.0.1",))),
        second_factor=factor,
    )


def write_instance(
    home: Path, mode: Mode, packs: list[Path], today: date | None = None, database: str = ""
) -> Instance:
    """Create `home` and its `instance.toml` with a fresh secret; an existing file is never changed."""
    home.mkdir(parents=True, exist_ok=True)
    path = home / "instance.toml"
    if not path.exists():
        secret = (DEMO_SECRET_PREFIX if mode == "demo" else "") + secrets.token_urlsafe(48)
        lines = [
            "# 本实例的设置。由 rongtong init 写入，每个命令都读它。",
            f'mode = "{mode}"',
            "packs = [" + ", ".join(f'"{os.path.relpath(p.resolve(), home.resolve())}"' for p in packs) + "]",
            f'secret = "{secret}"',
            f'database = "{database}"  # 空为内置 SQLite；如 postgresql://user@host/name',
        ]
        if today:
            lines.append(f"today = {today.isoformat()}  # 演示把今天固定在这一天")
        temporary = path.with_suffix(".new")
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
        temporary.chmod(0o600)
        temporary.replace(path)
    return read_instance(home)
