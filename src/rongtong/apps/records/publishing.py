"""Publishing the log: tiles, bundles and a signed checkpoint as files below `log/`, written so that none is ever half there.

`log/checkpoint` and `log/tile/` are those of C2SP tlog-tiles; `log/sm3/tile/` holds the tiles of the second tree, over the
same leaves by SM3. Whoever is killed on the way has written nothing that a reader sees: the checkpoint comes last, and
only then are the partial tiles that full ones have replaced removed.

Hash tiles and the checkpoint tell nobody anything. Entries name accounts: their folder is readable by its owner alone.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rongtong.apps.records import keys
from rongtong.apps.records.models import Leaf, Log
from rongtong.engine.merkle import EMPTY_ROOT, SHA256, SM3, Hash
from rongtong.engine.note import Checkpoint, NoteRefused, PublicKey, open_checkpoint
from rongtong.engine.tile import WIDTH, Edge, TileRefused, bundle, tile_path

FOLDER, CHECKPOINT, ENTRIES = "log", "checkpoint", "tile/entries"
# Where the tiles of each tree lie within the folder.
TREES: dict[str, Hash] = {"": SHA256, "sm3/": SM3}
PAGE = 2000


class PublishError(Exception):
    """The log cannot be published or proved from; the message says what does not fit and what to do."""


def folder(home: Path) -> Path:
    """Where the published log of an instance lies."""
    return home / FOLDER


def published(home: Path, key: PublicKey) -> Checkpoint | None:
    """The checkpoint that is published now, its signature checked; None before the first. Raises PublishError."""
    path = folder(home) / CHECKPOINT
    if not path.is_file():
        return None
    try:
        return open_checkpoint(path.read_text(encoding="utf-8"), key, keys.genuine)
    except (NoteRefused, UnicodeDecodeError) as error:
        raise PublishError(f"{path}: {error}") from error


def publish(home: Path, *, rebuild: bool = False) -> Checkpoint:
    """Sign the present head and write what is new since the last checkpoint; with `rebuild` write all files again.

    Never signs a head that does not continue the last one. Raises PublishError and keys.LogKeyError.
    """
    key = keys.read(home)
    place = folder(home)
    place.mkdir(exist_ok=True)
    with _alone(place):
        old = published(home, key.public) or Checkpoint(key.public.name, 0, EMPTY_ROOT)
        stored = Log.objects.filter(pk=1).first() or Log(size=0, root=EMPTY_ROOT.hex())
        if stored.size < old.size:
            raise PublishError(
                f"日志现有 {stored.size} 条，少于已签检查点的 {old.size} 条：尾部被截断，或恢复了较早的备份。不予签名。"
            )
        wanted = {prefix: by for prefix, by in TREES.items() if by.usable()}
        # A tree that was not published before starts from the first leaf, and then all do.
        anew = rebuild or (old.sm3 is None and len(wanted) > 1)
        trees = {prefix: Edge(by) if anew else _edge(place, prefix, by, old.size) for prefix, by in wanted.items()}
        meets = _meets(old)
        for prefix, edge in trees.items():
            meets(prefix, edge)
        files: list[str] = []
        for path, content in growing(bodies(_start(trees), stored.size), trees, meets):
            _write(place / path, content)
            files.append(path)
        made = Checkpoint(key.public.name, stored.size, *(edge.frontier().root() for edge in trees.values()))
        if made.root.hex() != stored.root:
            raise PublishError("续算出的根与库中日志头不符：已发布的瓦片或库被改过。不予签名；请运行 rongtong verify。")
        _settle(place, files)
        _write(place / CHECKPOINT, key.signed(made).encode("utf-8"))
        _sync(place)
        for path in files:
            if ".p/" not in path:
                shutil.rmtree(place / f"{path}.p", ignore_errors=True)
    return made


def bodies(after: int, upto: int) -> Iterator[bytes]:
    """The leaves after one sequence up to another, as they are hashed, by pages of the key."""
    while after < upto:
        page = list(
            Leaf.objects.filter(sequence__gt=after, sequence__lte=upto)
            .order_by("sequence")
            .values_list("sequence", "body")[:PAGE]
        )
        if not page:
            return
        yield from (body.encode("utf-8") for _, body in page)
        after = page[-1][0]


def growing(
    entries: Iterable[bytes], trees: Mapping[str, Edge], passing: Callable[[str, Edge], None] = lambda *_: None
) -> Iterator[tuple[str, bytes]]:
    """The files (path, content) that entries add to trees of one size; the trees grow with them.

    Entries begin with the first of the last bundle that is not full. `passing` sees every tree at each size that it
    passes, and may raise. Raises PublishError when an entry is not the one that a tree already has.
    """
    size = next(iter(trees.values())).size
    begin = _start(trees)
    bundled: list[bytes] = []
    number = begin
    for number, entry in enumerate(entries, begin + 1):
        bundled.append(entry)
        for prefix, edge in trees.items():
            leaf = edge.by.leaf(entry)
            if number > size:
                yield from ((f"{prefix}{tile.path}", tile.content) for tile in edge.append(leaf))
                passing(prefix, edge)
            elif edge.levels[0][number - begin - 1] != leaf:
                raise PublishError(f"库中第 {number} 条与已发布的瓦片不符：被改过。不予签名；请运行 rongtong verify。")
        if len(bundled) == WIDTH:
            yield tile_path("entries", number // WIDTH - 1), bundle(bundled)
            bundled.clear()
    if bundled:
        yield tile_path("entries", number // WIDTH, len(bundled)), bundle(bundled)
    for prefix, edge in trees.items():
        yield from ((f"{prefix}{tile.path}", tile.content) for tile in edge.partials())


def _start(trees: Mapping[str, Edge]) -> int:
    size = next(iter(trees.values())).size
    return size - size % WIDTH


def _meets(old: Checkpoint) -> Callable[[str, Edge], None]:
    """Refuses trees that are not the old one at the old one's size."""

    def check(prefix: str, edge: Edge) -> None:
        wanted = old.sm3 if prefix else old.root
        if edge.size == old.size and wanted is not None and edge.frontier().root() != wanted:
            raise PublishError(f"库中前 {old.size} 条的根与已签检查点不符：历史被改写。不予签名。")

    return check


def _edge(place: Path, prefix: str, by: Hash, size: int) -> Edge:
    try:
        return Edge.read(size, lambda path: (place / prefix / path).read_bytes(), by)
    except (OSError, TileRefused) as error:
        raise PublishError(
            f"已发布的瓦片读不出来（{error}）。请先运行 rongtong verify，再用 rongtong log checkpoint --rebuild 重写。"
        ) from error


def _write(path: Path, content: bytes) -> None:
    """All of it under its name, or nothing: another name first, then renamed."""
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _settle(place: Path, files: Iterable[str]) -> None:
    """Make the names durable before the checkpoint speaks of them, and keep entries from other users of the machine."""
    if (place / ENTRIES).is_dir():
        (place / ENTRIES).chmod(0o700)
    within = {parent for path in files for parent in (place / path).parents if parent.is_relative_to(place)}
    for each in sorted(within, reverse=True):
        _sync(each)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    with (place / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
