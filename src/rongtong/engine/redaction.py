"""Taking one person's username and name out of texts and files (匿名化); what else is there stays as it was.

A text may be JSON, a file may be text, an office document or any zip. What cannot be taken out without spoiling the
file is said (`None`) and never left half done.
"""

from __future__ import annotations

import codecs
import io
import json
import re
import string
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape

# In bytes that are no text a shorter word is found by chance.
SHORTEST_IN_BYTES = 4
WORD = frozenset(string.ascii_letters + string.digits)
TOKEN = WORD | frozenset("._-")
ZIP = b"PK\x03\x04"
PARAGRAPH = re.compile(r"<(w:p|a:p|si|is)(?=[ >]).*?</\1>", re.DOTALL)
REFERENCE = re.compile(r"&#([0-9]{3,7}|[xX][0-9a-fA-F]{2,6});")
RUN = re.compile(r"(<(w:t|a:t|t)(?: [^>]*)?>)([^<]*)(</\2>)")


@dataclass(frozen=True, slots=True)
class Person:
    """Who is taken out, and what stands there then.

    `others` are usernames of others that contain this one. `username_is_word` and `name_is_shared` say that the word
    also means something else (a code of the system; somebody else's name): then it is taken only where it stands alone.
    """

    username: str
    name: str
    pseudonym: str
    placeholder: str
    others: frozenset[str] = frozenset()
    username_is_word: bool = False
    name_is_shared: bool = False

    def certain(self) -> Person:
        """The same for a text that is about this person: a shared name there is theirs."""
        return replace(self, name_is_shared=False)

    def needles(self) -> tuple[str, ...]:
        """What texts with this person in them contain: as it is, and as JSON in ASCII has it."""
        escaped = json.dumps(self.name)[1:-1]
        return tuple(dict.fromkeys(each for each in (self.username, self.name, escaped) if each))

    def text(self, text: str) -> str:
        """The text without the person. JSON stays JSON, in ASCII or not as it was."""
        if not self._may_be_in(text):
            return text
        if text[:1] in ("{", "["):
            try:
                value = json.loads(text)
            except ValueError:
                return self._plain(text)
            taken = self.value(value)
            compact = None if ": " in text or ", " in text else (",", ":")
            return text if taken == value else json.dumps(taken, ensure_ascii=text.isascii(), separators=compact)
        return self._plain(text)

    def value(self, value: object) -> object:
        """A value of JSON without the person, keys too."""
        if isinstance(value, str):
            return self._plain(value)
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if isinstance(value, dict):
            return {self._plain(key): self.value(each) for key, each in value.items()}
        return value

    def _may_be_in(self, text: str) -> bool:
        lower = text.lower()
        return any(needle.lower() in lower for needle in self.needles())

    def _plain(self, text: str) -> str:
        if self.name and (not self.name_is_shared or text.strip() == self.name):
            text = text.replace(self.name, self.placeholder)
        if self.username not in text.lower():
            return text
        if self.username_is_word:
            found = re.fullmatch(rf"(account:)?{re.escape(self.username)}(/\d+)?", text)
            return f"{found[1] or ''}{self.pseudonym}{found[2] or ''}" if found else text
        pieces, at = [], 0
        for start, end in self._places(text):
            pieces += [text[at:start], self.pseudonym]
            at = end
        return "".join([*pieces, text[at:]])

    def _places(self, text: str) -> Iterator[tuple[int, int]]:
        """Where the username stands as a word that is not part of another's username."""
        for found in re.finditer(re.escape(self.username), text, re.IGNORECASE):
            start, end = found.span()
            if (start and text[start - 1] in WORD) or (end < len(text) and text[end] in WORD):
                continue
            first, last = start, end
            while first and text[first - 1] in TOKEN:
                first -= 1
            while last < len(text) and text[last] in TOKEN:
                last += 1
            if text[first:last].strip("._-").lower() not in self.others:
                yield start, end

    def file(self, data: bytes) -> bytes | None:
        """The file without the person, the same bytes where the person is not in it; None where that cannot be done."""
        if data.startswith(ZIP):
            try:
                return self._zip(data)
            except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError):
                return None if self._in_bytes(data) else data
        for encoding in _encodings(data):
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError:
                continue
            taken = self._xml(text) if text.lstrip("\ufeff").startswith("<") else self.text(text)
            return data if taken == text else taken.encode(encoding)
        return None if self._in_bytes(data) else data

    def _zip(self, data: bytes) -> bytes | None:
        out, changed = io.BytesIO(), False
        with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
            for member in source.infolist():
                content = source.read(member)
                taken, name = self.file(content), self.text(member.filename)
                if taken is None:
                    return None
                changed |= taken != content or name != member.filename
                entry = zipfile.ZipInfo(name, member.date_time)
                entry.compress_type, entry.create_system = member.compress_type, member.create_system
                entry.external_attr = member.external_attr
                target.writestr(entry, taken)
        return out.getvalue() if changed else data

    def _xml(self, text: str) -> str:
        """Words of a person may be split over runs of a paragraph; then the first of its runs takes the whole text."""
        person = replace(self, name=escape(self.name))
        # Some programs write every character beyond ASCII as a reference: those of the name are made readable first.
        plain = REFERENCE.sub(lambda found: c if (c := _character(found[1])) in self.name else found[0], text)
        taken = PARAGRAPH.sub(lambda found: person._across_runs(found[0]), person._plain(plain))
        if taken == plain:
            return text
        return taken.encode("ascii", "xmlcharrefreplace").decode() if text.isascii() else taken

    def _across_runs(self, paragraph: str) -> str:
        whole = "".join(run[3] for run in RUN.finditer(paragraph))
        taken = self._plain(whole)
        if taken == whole:
            return paragraph
        pieces = iter([taken])
        return RUN.sub(lambda run: f"{run[1]}{next(pieces, '')}{run[4]}", paragraph)

    def _in_bytes(self, data: bytes) -> bool:
        """Whether bytes that are no text hold the person's words, in an encoding that such files use."""
        words = [] if self.username_is_word or len(self.username) < SHORTEST_IN_BYTES else [self.username]
        words += [] if self.name_is_shared or not self.name else [self.name]
        wanted = {
            word.encode(encoding) for word in words for encoding in ("utf-8", "utf-16-le", "utf-16-be", "gb18030")
        }
        return any(len(each) >= SHORTEST_IN_BYTES and each in data for each in wanted)


def _character(reference: str) -> str:
    """The character beyond ASCII that a numeric reference of XML names; a newline, which no name holds, for others."""
    code = int(reference[1:], 16) if reference[0] in "xX" else int(reference)
    return chr(code) if 127 < code < 0x110000 else "\n"


def _encodings(data: bytes) -> tuple[str, ...]:
    """In which encodings a file may be text; none where it has bytes that no text has."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    return () if b"\0" in data else ("utf-8", "gb18030")
