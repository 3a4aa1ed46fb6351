"""Uploaded files: what a file is, is told by its content and never by its name alone."""

from __future__ import annotations

import io
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Protocol

KINDS = ("xlsx", "csv", "pdf", "docx", "png", "jpg")
LARGEST = 20 * 1024 * 1024
# So many files come with one form at most (cases.evidence).
MOST_FILES = 3
LONGEST_NAME = 150
MOST_MEMBERS = 5000
LARGEST_UNPACKED = 100 * 1024 * 1024
# A member this large that shrank this much is no sheet or text anybody typed.
LARGE_MEMBER, HIGHEST_RATIO = 1024 * 1024, 200
CHUNK = 1024 * 1024
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PDF_ENDING_WITHIN = 2048


class UploadRefused(Exception):
    """A file is not taken; the message says what was found, what was expected and what to do."""


class Upload(Protocol):
    """An uploaded file, as Django gives it."""

    @property
    def name(self) -> str | None: ...

    @property
    def size(self) -> int | None: ...

    def read(self, num_bytes: int | None = None, /) -> bytes: ...


def checked(file: Upload, kinds: tuple[str, ...] = KINDS) -> bytes:
    """The bytes of an uploaded file whose size, name and content are those of one of these kinds.

    Raises UploadRefused for a file that is empty, larger than 20 MB or misnamed, whose content is not what its ending
    says, or that holds macros, declared entities or far more than it seems to (zip bombs).
    """
    ending = _ending(file.name or "", kinds)
    if (file.size or 0) > LARGEST:
        raise UploadRefused(f"文件有 {file.size} 字节，超过上限 {LARGEST} 字节（20 MB）。请拆分或压缩图片后再传。")
    data = file.read()
    if not data:
        raise UploadRefused("文件是空的。请检查后重新选择。")
    if len(data) > LARGEST:
        raise UploadRefused(f"文件超过上限 {LARGEST} 字节（20 MB）。请拆分后再传。")
    if data.startswith(OLE):
        raise UploadRefused(
            "这是旧式的 .xls / .doc 文件，或加了密码。请用 WPS 或 Excel 另存为不加密的 .xlsx（.docx）后再传。"
        )
    CHECKS[ending](data)
    return data


def _ending(name: str, kinds: tuple[str, ...]) -> str:
    """The kind that a name says. Raises UploadRefused for a name that cannot be used or says another kind."""
    if not name or len(name) > LONGEST_NAME:
        raise UploadRefused(f"文件名为空或长于 {LONGEST_NAME} 个字。请改名后再传。")
    if any(c in '/\\:*?"<>|' or unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") for c in name):
        raise UploadRefused("文件名含有路径符号或看不见的字符。请改成只含文字、数字、连字符的名字后再传。")
    ending = PurePosixPath(name).suffix.lower().lstrip(".")
    ending = "jpg" if ending == "jpeg" else ending
    if ending in ("xls", "et", "xlsm", "xlsb") and "xlsx" in kinds:
        raise UploadRefused(f"不接收 .{ending} 文件。请用 WPS 或 Excel 另存为 .xlsx 后再传。")
    if ending in ("doc", "wps", "docm") and "docx" in kinds:
        raise UploadRefused(f"不接收 .{ending} 文件。请用 WPS 或 Word 另存为 .docx 后再传。")
    if ending not in kinds:
        allowed = "、".join(f".{kind}" for kind in kinds)
        raise UploadRefused(f"文件名以「.{ending}」结尾，这里只接收 {allowed}。请换一个文件。")
    return ending


def _xlsx(data: bytes) -> None:
    _office(data, "xl/workbook.xml", ".xlsx 表格")


def _docx(data: bytes) -> None:
    _office(data, "word/document.xml", ".docx 文档")


def _ofd(data: bytes) -> None:
    _office(data, "OFD.xml", ".ofd 版式文件", "OFD.xml")


def _office(data: bytes, main: str, words: str, types: str = "[Content_Types].xml") -> None:
    wrong = UploadRefused(f"内容不是 {words}。请用 WPS 或 Office 打开，另存为 {words[:5]} 后再传。")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            names = {member.filename for member in members}
            if not {types, main} <= names:
                raise wrong
            _refuse_bombs(members)
            if any(name.lower().endswith("vbaproject.bin") for name in names):
                raise UploadRefused("文件里有宏。请另存为不含宏的 .xlsx 或 .docx 后再传。")
            for member in members:
                if member.filename.lower().endswith((".xml", ".rels", ".vml")):
                    _refuse_entities(archive, member)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, zlib.error) as error:
        raise wrong from error


def _refuse_bombs(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MOST_MEMBERS:
        raise UploadRefused(f"文件里有 {len(members)} 个部分，超过上限 {MOST_MEMBERS}。请另存一份再传。")
    total = sum(member.file_size for member in members)
    if total > LARGEST_UNPACKED:
        raise UploadRefused(f"解压后有 {total} 字节，超过上限 {LARGEST_UNPACKED} 字节。请分成几个文件再传。")
    for member in members:
        if member.file_size > LARGE_MEMBER and member.file_size > HIGHEST_RATIO * max(member.compress_size, 1):
            raise UploadRefused(
                f"「{member.filename[:60]}」压缩了 {HIGHEST_RATIO} 倍以上，不像正常的表格。请删去多余的空行空列，另存后再传。"
            )
        if member.flag_bits & 0x1:
            raise UploadRefused("文件加了密码。请另存为不加密的文件后再传。")


def _refuse_entities(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """No office program writes a document type; a declared entity can read files or fill the memory (XXE)."""
    tail = b""
    with archive.open(member) as part:
        while chunk := part.read(CHUNK):
            # Without the zero bytes, UTF-16 reads like ASCII.
            text = tail + chunk.replace(b"\0", b"")
            if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
                raise UploadRefused(
                    f"「{member.filename[:60]}」里声明了外部实体，正常的文件没有。请用 WPS 或 Office 另存一份再传。"
                )
            tail = text[-16:]


def _csv(data: bytes) -> None:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not any(c < " " and c not in "\t\r\n" for c in text):
            return
        break
    raise UploadRefused("内容不是文本表格（CSV）。请用 WPS 或 Excel 另存为 CSV（UTF-8）后再传。")


def _pdf(data: bytes) -> None:
    if not data.startswith(b"%PDF-") or b"%%EOF" not in data[-PDF_ENDING_WITHIN:]:
        raise UploadRefused("内容不是完整的 PDF。请重新导出或扫描成 PDF 后再传。")


def _png(data: bytes) -> None:
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        raise UploadRefused("内容不是 PNG 图片。请另存为 PNG 后再传。")


def _jpg(data: bytes) -> None:
    if not data.startswith(b"\xff\xd8\xff"):
        raise UploadRefused("内容不是 JPEG 图片。请另存为 JPEG 后再传。")


CHECKS: dict[str, Callable[[bytes], None]] = {
    "xlsx": _xlsx,
    "csv": _csv,
    "pdf": _pdf,
    "docx": _docx,
    "ofd": _ofd,
    "png": _png,
    "jpg": _jpg,
}
