"""Looking for words in every file of a folder, as bytes: also within zips (Word, Excel), in UTF-8, UTF-16 and GB 18030."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

# Old copies by design, which the office rotates.
NOT_LOOKED_AT = ("backups",)
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "gb18030")


def holding(home: Path, words: Iterable[str]) -> Iterator[str]:
    """The files below `home` (relative, members of a zip after a `!`) whose bytes or name hold one of the words."""
    needles = [each for word in words if word for each in _forms(word)]
    for path in sorted(home.rglob("*")):
        inside = path.relative_to(home)
        if inside.parts[0] in NOT_LOOKED_AT or not path.is_file():
            continue
        if any(each in inside.as_posix().encode() for each in needles):
            yield inside.as_posix()
        for where in _within(path.read_bytes(), needles):
            yield f"{inside.as_posix()}{where}"


def _forms(word: str) -> set[bytes]:
    references = "".join(c if c.isascii() else f"&#{ord(c)};" for c in word)
    return {word.encode(encoding) for encoding in ENCODINGS} | {json.dumps(word)[1:-1].encode(), references.encode()}


def _within(data: bytes, needles: list[bytes]) -> Iterator[str]:
    """Where in a file: "" is the file itself."""
    if any(each in data for each in needles):
        yield ""
    if not data.startswith(b"PK\x03\x04"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield from (f"!{name}{where}" for where in _within(archive.read(name), needles))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        return
