"""`rongtong log …`: the key, the checkpoint, proofs."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from rongtong.instance import home_folder


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Offer `rongtong log` and what it can do."""
    log = commands.add_parser("log", help="留痕日志的对外证明：密钥、检查点、证明文件")
    verbs = log.add_subparsers(dest="verb", required=True, metavar="做什么")
    key = verbs.add_parser("key", help="打印公钥；还没有密钥时先生成")
    key.add_argument(
        "--name", default="", metavar="网址", help="日志的名称，如 example.gov.cn/log；签过检查点就不能再改"
    )
    key.set_defaults(run=_key)
    checkpoint = verbs.add_parser("checkpoint", help="给当前日志签名，并把新增的瓦片写到 log/")
    checkpoint.add_argument("--rebuild", action="store_true", help="从第一条起重写全部瓦片")
    checkpoint.set_defaults(run=_checkpoint)
    prove = verbs.add_parser("prove", help="写出一条留痕的离线证明文件")
    prove.add_argument("sequence", type=int, metavar="序号")
    prove.add_argument("--payload", action="store_true", help="连同内容与盐（这次查看也会留痕）")
    prove.add_argument("--names", action="store_true", help="连同经办人与所涉账号的用户名，并证明就是他们")
    prove.add_argument("--out", type=Path, metavar="文件", help="写到文件；不给则打印")
    prove.set_defaults(run=_prove)
    consistency = verbs.add_parser("consistency", help="证明现在的日志是以前某个检查点的延续")
    consistency.add_argument("old", type=Path, metavar="检查点", help="以前保存在别处的检查点文件")
    consistency.add_argument("--out", type=Path, metavar="文件", help="把证明写到文件；不给则只说结论")
    consistency.set_defaults(run=_consistency)


def _key(arguments: argparse.Namespace) -> int:
    from rongtong.apps.records import keys, publishing
    from rongtong.cli import UsageError

    signed = (publishing.folder(home_folder()) / publishing.CHECKPOINT).exists()
    try:
        print(keys.create(home_folder(), arguments.name, replace=not signed))
    except keys.LogKeyError as error:
        raise UsageError(str(error)) from error
    return 0


def _checkpoint(arguments: argparse.Namespace) -> int:
    from rongtong.apps.records import keys, publishing
    from rongtong.cli import UsageError

    try:
        made = publishing.publish(home_folder(), rebuild=arguments.rebuild)
    except keys.LogKeyError as error:
        raise UsageError(str(error)) from error
    except publishing.PublishError as error:
        print(error)
        return 1
    print((publishing.folder(home_folder()) / publishing.CHECKPOINT).read_text(encoding="utf-8"), end="")
    if made.sm3 is None:
        print("注意：本机的 OpenSSL 没有 SM3，检查点里没有 SM3 根。")
    return 0


def _prove(arguments: argparse.Namespace) -> int:
    from rongtong.apps.records import keys, proofs, publishing
    from rongtong.apps.registry.actions import system_account
    from rongtong.cli import UsageError

    reader = system_account() if arguments.payload else None
    try:
        key = keys.read(home_folder()).public
        document = proofs.prove(home_folder(), arguments.sequence, key=key, payload_for=reader, names=arguments.names)
    except keys.LogKeyError as error:
        raise UsageError(str(error)) from error
    except publishing.PublishError as error:
        print(error)
        return 1
    if arguments.out is None:
        print(proofs.as_text(document), end="")
    else:
        _write(arguments.out, proofs.as_text(document), private=arguments.payload or arguments.names)
    return 0


def _consistency(arguments: argparse.Namespace) -> int:
    from rongtong.apps.records import checking, keys, proofs, publishing
    from rongtong.cli import UsageError
    from rongtong.engine.note import NoteRefused

    try:
        key = keys.read(home_folder()).public
        text = arguments.old.read_text(encoding="utf-8")
    except (keys.LogKeyError, OSError, UnicodeDecodeError) as error:
        raise UsageError(str(error)) from error
    try:
        old = checking.saved_checkpoint(text, key)
        document = proofs.prove_consistency(home_folder(), old, text, key=key)
    except (NoteRefused, publishing.PublishError) as error:
        print(error)
        return 1
    if arguments.out is not None:
        _write(arguments.out, proofs.as_text(document), private=False)
    print(f"一致：现在的日志以保存的 {old.size} 条为开头。")
    return 0


def _write(path: Path, text: str, *, private: bool) -> None:
    """A file that appears whole; one with a payload or names is readable by its owner alone."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    mode = 0o600 if private else 0o644
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
    print(f"已写入 {path}")
