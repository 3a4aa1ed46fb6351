"""Official texts (正式文本) that an office attaches to a document of its packs: read, kept, split at its numbering."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from rongtong import clock
from rongtong.apps.packs import queries
from rongtong.apps.packs.models import DocumentText
from rongtong.apps.records.actions import act
from rongtong.apps.registry.models import Account

KIND = "packs.attach_text"
LONGEST = 400_000
NUMERALS = "一二三四五六七八九十"
_NUMERAL = rf"[{NUMERALS}]{{1,3}}"
# What begins a numbered part, and how deep it lies: 2.4.3 says so itself, （一） is the second level, 1. and 一是 the third.
_DOTTED = re.compile(r"(?P<path>\d{1,2}(?:[.．]\d{1,2})+)(?=[\s、.．\u3000])")
_FIRST = re.compile(rf"(?P<number>{_NUMERAL})[、.．]")
_SECOND = re.compile(rf"[（(](?P<number>{_NUMERAL})[）)]")
_THIRD = re.compile(r"(?P<number>\d{1,2})[、.．](?!\d)")
_ARTICLE = re.compile(rf"第(?P<number>{_NUMERAL}|\d{{1,3}})条")
# 一是……二是…… run on within a paragraph; each begins a sentence or a part of one.
_INLINE = re.compile(rf"(?:^|(?<=[。；：;:]))\s*(?P<number>{_NUMERAL})是")


class TextRefused(ValueError):
    """A file cannot be attached; the message says what was found and what to do."""


def attach(code: str, name: str, data: bytes, actor: Account) -> DocumentText:
    """Keep a file's text as the official text of a document. The same file again keeps nothing new.

    Raises TextRefused for what is no readable text and for a document the packs do not list; access.Denied.
    """
    if queries.current().find("documents", code) is None:
        raise TextRefused(f"规则包里没有文件“{code}”。请先在规则包里登记。")
    text = read(name, data)
    digest = hashlib.sha256(data).hexdigest()
    with act(KIND, actor=actor, subject=code) as done:
        last = newest(code)
        done.payload = {"document": code, "sha256": digest, "characters": len(text)}
        if last is not None and last.sha256 == digest:
            return last
        return DocumentText.objects.create(
            document=code, sha256=digest, file_name=name[:255], text=text, uploaded_by=actor, at=clock.now()
        )


def newest(code: str) -> DocumentText | None:
    """The official text of a document, as attached last."""
    return DocumentText.objects.filter(document=code).select_related("uploaded_by").order_by("-pk").first()


def read(name: str, data: bytes) -> str:
    """The text of a .txt (UTF-8 or GB 18030) or .docx file, a paragraph a line. Raises TextRefused."""
    text = _docx(data) if name.lower().endswith(".docx") else _plain(data)
    lines = [line.strip(" \t\u3000\ufeff") for line in text.splitlines()]
    text = "\n".join(line for line in lines if line)
    if not text:
        raise TextRefused("文件里没有文字。扫描件请先转成可以选中文字的文档。")
    if len(text) > LONGEST:
        raise TextRefused(f"文字有 {len(text)} 字，超过上限 {LONGEST} 字。请只传正文。")
    return text


def _plain(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not any(c < " " and c not in "\t\r\n\f" for c in text):
            return text
    raise TextRefused("不是文字文件。请另存为 UTF-8 的 .txt，或 .docx 后再传。")


def _docx(data: bytes) -> str:
    from docx import Document
    from docx.opc.exceptions import PackageNotFoundError

    try:
        document = Document(io.BytesIO(data))
    except (PackageNotFoundError, KeyError, ValueError) as error:
        raise TextRefused("打不开这份 .docx。请用 WPS 或 Word 另存一份后再传。") from error
    lines = [p.text for p in document.paragraphs]
    for table in document.tables:
        lines += ["\t".join(cell.text for cell in row.cells) for row in table.rows]
    return "\n".join(lines)


@dataclass(slots=True)
class Split:
    """A text by clause. `preface` is what stands before the first clause or under numbers the packs do not list."""

    preface: list[str] = field(default_factory=list)
    clauses: dict[str, list[str]] = field(default_factory=dict)


@lru_cache(maxsize=8)
def split(text: str, clauses: tuple[str, ...]) -> Split:
    """Split a text at its numbering into the clauses the packs list.

    A heading that is no clause itself goes with the next clause below it; a part below a clause stays with it; `2.0`
    takes what stands under part 2 before its first numbered part. All else goes to the preface.
    """
    known, result = set(clauses), Split()
    heads: list[tuple[str, str]] = []
    for path, piece in _pieces(text, known):
        clause = _clause(path, known)
        if clause:
            above = [words for head, words in heads if clause.startswith(f"{head}.")]
            result.preface += [words for head, words in heads if not clause.startswith(f"{head}.")]
            result.clauses.setdefault(clause, []).extend([*above, piece])
            heads = []
        elif path:
            heads.append((path, piece))
        else:
            result.preface.append(piece)
    result.preface += [words for _, words in heads]
    return result


def _clause(path: str, known: set[str]) -> str:
    """The clause a numbered part is or lies within; "" for none."""
    if path in known:
        return path
    if f"{path}.0" in known:
        return f"{path}.0"
    above = path
    while "." in above:
        above = above.rpartition(".")[0]
        if above in known:
            return above
    return ""


def _pieces(text: str, known: set[str]) -> Iterator[tuple[str, str]]:
    """(number of the part such as 2.4.3, words) of each piece, in order; no number before the first numbered part."""
    base: list[str] = []
    counted = 0
    for line in text.splitlines():
        here = _numbered(line, base, known)
        counted = counted if here == base else 0
        base = here
        for ordinal, words in _runs(line, counted if base else None):
            counted = ordinal or counted
            yield ".".join([*base, str(ordinal)] if ordinal else base), words


def _numbered(line: str, base: list[str], known: set[str]) -> list[str]:
    """The number of the part a line is in, given the one before it."""
    if found := _DOTTED.match(line):
        path = found["path"].replace("．", ".")
        if any(k == path or k.startswith(f"{path}.") for k in known):
            return path.split(".")
    if found := _ARTICLE.match(line):
        return [found[0]] if found[0] in known else [str(_value(found["number"]))]
    for level, pattern in enumerate((_FIRST, _SECOND, _THIRD)):
        if found := pattern.match(line):
            return [*base[:level], str(_value(found["number"]))]
    named = next((k for k in known if not k[0].isdigit() and line.startswith(k)), "")
    return [named] if named else base


def _runs(line: str, counted: int | None) -> Iterator[tuple[int, str]]:
    """A paragraph cut at its 一是……二是…… as (ordinal, words); 0 for what belongs to the part itself.

    The ordinals count on from `counted`, also over several paragraphs; None: there is no part to count in.
    """
    cuts = [(0, 0)]
    for found in _INLINE.finditer(line):
        if counted is not None and _value(found["number"]) == counted + 1:
            counted += 1
            cuts.append((found.start("number"), counted))
    for index, (start, ordinal) in enumerate(cuts):
        end = cuts[index + 1][0] if index + 1 < len(cuts) else len(line)
        words = line[start:end].strip()
        if words:
            yield ordinal, words


def _value(numeral: str) -> int:
    """The number a numeral up to 99 says: 十二 is 12."""
    if numeral.isdigit():
        return int(numeral)
    tens, ten, units = numeral.rpartition("十")
    digits = {c: i for i, c in enumerate("零一二三四五六七八九")}
    if not ten:
        return digits.get(units, 0)
    return (digits.get(tens, 0) if tens else 1) * 10 + (digits.get(units, 0) if units else 0)
