"""Evidence (佐证材料): files that came with a step of a case, their bytes in the instance's folder by their SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from django.conf import settings

from rongtong import clock, uploads
from rongtong.apps.cases.models import Attachment, Case
from rongtong.apps.registry.models import Account

KINDS = ("pdf", "ofd", "docx", "xlsx", "png", "jpg")
LARGEST_FILE = 10 * 1024 * 1024
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent: its name and bytes."""

    name: str
    content: bytes

    @property
    def own_name(self) -> str:
        """The name without folders, as it is kept."""
        return PurePath(self.name).name[:LONGEST_NAME]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def problem(files: Iterable[Upload]) -> str:
    """What is wrong with the files sent together, in words; "" when nothing is."""
    return _excess([(f.name, len(f.content)) for f in files])


def _excess(files: Sequence[tuple[str, int]]) -> str:
    """What is too many or too large among (name, bytes)."""
    if len(files) > uploads.MOST_FILES:
        return f"一次至多 {uploads.MOST_FILES} 个文件，现有 {len(files)} 个。多的请分次报，或合成一个。"
    for name, size in files:
        if size > LARGEST_FILE:
            return f"“{name}”约 {size // 1024 // 1024} MB，超过 {LARGEST_FILE // 1024 // 1024} MB。请压缩或拆分。"
    return ""


def received(files: Sequence[uploads.Upload]) -> list[Upload]:
    """Posted files as evidence: their number and sizes are looked at before any is read. Raises UploadRefused."""
    if wrong := _excess([(f.name or "", f.size or 0) for f in files]):
        raise uploads.UploadRefused(wrong)
    return [Upload(f.name or "", uploads.checked(f, KINDS)) for f in files]


def keep(case: Case, event: int, files: Sequence[Upload], *, actor: Account) -> None:
    """Keep files with step `event` of a case. Runs inside the act that logs them."""
    for upload in files:
        store(upload)
    Attachment.objects.bulk_create(
        Attachment(case=case, event=event, name=f.own_name, sha256=f.sha256, size=len(f.content), by=actor,
                   at=clock.now())
        for f in files
    )  # fmt: skip


def path(sha256: str) -> Path:
    """Where the bytes with this SHA-256 lie in the instance's folder."""
    return Path(settings.HOME) / "attachments" / sha256[:2] / sha256


def store(upload: Upload) -> None:
    """Put the bytes of a file where `path` says; they appear whole or not at all."""
    there = path(upload.sha256)
    if there.exists():
        return
    there.parent.mkdir(parents=True, exist_ok=True)
    # Named apart, so that of two who send the same bytes at once neither moves the other's half-written file.
    partial = there.with_suffix(f".{secrets.token_hex(8)}.partial")
    partial.write_bytes(upload.content)
    partial.replace(there)
