"""Whether the published log is what the database says: signature, tiles, bundles, roots, and a checkpoint kept elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rongtong.apps.records import keys
from rongtong.apps.records.models import Log
from rongtong.apps.records.publishing import CHECKPOINT, TREES, bodies, folder, growing
from rongtong.apps.records.queries import Finding, Head
from rongtong.engine.note import Checkpoint, NoteRefused, PublicKey, open_checkpoint
from rongtong.engine.tile import Edge


@dataclass(frozen=True, slots=True)
class Check:
    """What was found; `checkpoint` is the published one, None before the first or when it cannot be trusted."""

    checkpoint: Checkpoint | None
    findings: tuple[Finding, ...]


def public_key(home: Path, given: str = "") -> PublicKey:
    """The key to check with: the one given (a key, or a file with one), else that of this instance.

    Raises NoteRefused for what is no key, and keys.LogKeyError when the instance has none.
    """
    if not given:
        return keys.read(home).public
    path = Path(given)
    return PublicKey.parse(path.read_text(encoding="utf-8") if "+" not in given and path.is_file() else given)


def saved_checkpoint(text: str, key: PublicKey) -> Checkpoint:
    """A checkpoint that was kept elsewhere, its signature checked. Raises NoteRefused."""
    return open_checkpoint(text, key, keys.genuine)


def as_head(checkpoint: Checkpoint) -> str:
    """A checkpoint as a head, as `queries.examine` compares it with the database."""
    return str(Head(checkpoint.size, checkpoint.root.hex()))


def check_published(home: Path, key: PublicKey, saved: Checkpoint | None = None) -> Check:
    """Compare every published file with the database; nothing is written. Before the first checkpoint nothing is found."""
    path = folder(home) / CHECKPOINT
    if not path.is_file():
        if saved is None and not (folder(home) / "tile").exists():
            return Check(None, ())
        return Check(None, (Finding("checkpoint_missing", None, f"{path}: 没有检查点，而它应当在：被删去了。"),))
    try:
        found = open_checkpoint(path.read_text(encoding="utf-8"), key, keys.genuine)
    except (NoteRefused, UnicodeDecodeError) as error:
        code = error.code if isinstance(error, NoteRefused) else "note_malformed"
        return Check(None, (Finding(code, None, f"{path}: {error}"),))
    return Check(found, (*_check_saved(found, saved), *_check_files(home, found)))


def _check_saved(found: Checkpoint, saved: Checkpoint | None) -> Iterator[Finding]:
    if saved is None:
        return
    if found.size < saved.size:
        said = f"已发布的检查点只有 {found.size} 条，保存的有 {saved.size} 条：检查点过时，被换成了旧的。"
        yield Finding("checkpoint_stale", None, said)
    elif found.size == saved.size and (found.root, found.sm3) != (saved.root, saved.sm3):
        yield Finding("checkpoint_forked", None, f"同为 {found.size} 条，已发布的检查点与保存的根不同：日志分叉。")


def _check_files(home: Path, found: Checkpoint) -> Iterator[Finding]:
    size = Log.objects.filter(pk=1).values_list("size", flat=True).first() or 0
    if size < found.size:
        said = f"检查点有 {found.size} 条，库中日志只有 {size} 条：尾部被截断，或恢复了较早的备份。"
        yield Finding("published_ahead", size + 1, said)
    wanted = {"": found.root, "sm3/": found.sm3}
    trees = {prefix: Edge(by) for prefix, by in TREES.items() if wanted[prefix] is not None}
    if not all(edge.by.usable() for edge in trees.values()):
        yield Finding("sm3_unusable", None, "本机的 OpenSSL 没有 SM3，第二棵树没有核对。请换一台机器核验。")
        trees.pop("sm3/")
    for path, content in growing(bodies(0, found.size), trees):
        yield from _check_file(folder(home) / path, path, content)
    for prefix, edge in trees.items():
        if edge.frontier().root() != wanted[prefix]:
            code, name = ("sm3_differs", "SM3 根") if prefix else ("checkpoint_differs", "根")
            yield Finding(
                code, None, f"库中前 {found.size} 条重算的{name}与检查点的不符：历史被改写，或检查点是分叉的。"
            )


def _check_file(file: Path, path: str, wanted: bytes) -> Iterator[Finding]:
    kind, name = ("bundle", "条目包") if "/entries/" in path else ("tile", "瓦片")
    try:
        content = file.read_bytes()
    except OSError:
        yield Finding(f"{kind}_missing", None, f"{path}: 缺这个{name}。")
        return
    if len(content) != len(wanted):
        said = f"{path}: {name}应有 {len(wanted)} 字节，却有 {len(content)} 字节：被加长或截短。"
        yield Finding(f"{kind}_length", None, said)
    elif content != wanted:
        yield Finding(f"{kind}_changed", None, f"{path}: {name}与库中各条不符：被改过。")
