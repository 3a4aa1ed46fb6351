"""The key that signs checkpoints of the log: a file beside `instance.toml`, readable by its owner alone.

It is in no table, no log and no export; a backup of the instance holds it, as it holds the instance's secret. The file
has one line, `PRIVATE+KEY+name+id+seed`, as other signers of C2SP notes write it.
"""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rongtong.engine.note import ED25519, Checkpoint, Note, PublicKey, Signature, is_name

if TYPE_CHECKING:
    from nacl.signing import SigningKey as Ed25519Key

FILE = "log.key"
SEED_BYTES = 32
PREFIX = "PRIVATE+KEY+"


class LogKeyError(Exception):
    """The signing key cannot be used as it is; the message says what to do."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair: the public half for everybody, the seed for nobody."""

    public: PublicKey
    seed: bytes = field(repr=False)

    def signed(self, checkpoint: Checkpoint) -> str:
        """The checkpoint as a signed note."""
        value = _private(self.seed).sign(checkpoint.text.encode("utf-8")).signature
        return str(Note(checkpoint.text, (Signature(self.public.name, self.public.id, value),)))


def genuine(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an Ed25519 signature is genuine (RFC 8032)."""
    from nacl.exceptions import CryptoError
    from nacl.signing import VerifyKey

    try:
        VerifyKey(public).verify(message, signature)
    except (CryptoError, ValueError):
        return False
    return True


def create(home: Path, name: str = "", *, replace: bool = False) -> PublicKey:
    """Make the key of this instance unless it has one; returns the public half.

    `name` is the log's name for ever, a web address without its scheme; without one it is drawn by lot. `replace` says that
    nothing was signed yet, so a key of another name may give way. Raises LogKeyError for a name that cannot be one, or when
    there is a key of another name.
    """
    path = home / FILE
    if path.exists():
        found = read(home).public
        if name in ("", found.name):
            return found
        if not replace:
            raise LogKeyError(
                f"{path}: 已有名为 {found.name} 的密钥。日志的名称不能改；要另立日志，请先移走这个文件和 log/。"
            )
    name = name or f"rongtong.invalid/{secrets.token_hex(4)}"
    if not is_name(name):
        raise LogKeyError(
            f"“{name}”不能作日志名称：不能为空，不能有空格或加号。请写成网址的样子，如 example.gov.cn/log。"
        )
    seed = secrets.token_bytes(SEED_BYTES)
    public = _public(name, seed)
    line = f"{PREFIX}{name}+{public.id.hex()}+{base64.b64encode(ED25519 + seed).decode()}\n"
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return public


def read(home: Path) -> SigningKey:
    """The key of this instance. Raises LogKeyError when there is none, others can read it, or it is damaged."""
    path = home / FILE
    if not path.is_file():
        raise LogKeyError(f"{path}: 没有签名密钥。请运行 rongtong log key --name 网址。")
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise LogKeyError(f"{path}: 签名密钥他人可读。请运行 chmod 600 {path}；若可能已泄露，请另立日志。")
    name, _, rest = path.read_text(encoding="utf-8").strip().removeprefix(PREFIX).partition("+")
    found, _, key = rest.partition("+")
    try:
        decoded = base64.b64decode(key, validate=True)
    except ValueError:
        decoded = b""
    if len(decoded) == 1 + SEED_BYTES and decoded[:1] == ED25519:
        public = _public(name, decoded[1:])
        if public.id.hex() == found:
            return SigningKey(public, decoded[1:])
    raise LogKeyError(f"{path}: 签名密钥已损坏。请从备份取回这个文件。")


def _public(name: str, seed: bytes) -> PublicKey:
    return PublicKey(name, bytes(_private(seed).verify_key))


def _private(seed: bytes) -> Ed25519Key:
    from nacl.signing import SigningKey

    return SigningKey(seed)
