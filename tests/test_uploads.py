"""An uploaded file is what its content says, and an exported cell is never a formula."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from docx import Document
from openpyxl import Workbook

from rongtong import uploads
from rongtong.cells import guard, guarded_row
from rongtong.uploads import UploadRefused, checked

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 16
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 64


def upload(name: str, data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def workbook() -> bytes:
    book = Workbook()
    book.worksheets[0]["A1"] = "地区"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def document() -> bytes:
    out = io.BytesIO()
    Document().save(out)
    return out.getvalue()


def archive(extra: dict[str, bytes], main: str = "xl/workbook.xml") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in {"[Content_Types].xml": b"<Types/>", main: b"<workbook/>", **extra}.items():
            file.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("表.xlsx", workbook()),
        ("报告.docx", document()),
        ("证明.pdf", b"%PDF-1.7\n1 0 obj\n%%EOF\n"),
        ("图.PNG", PNG),
        ("照片.jpeg", b"\xff\xd8\xff\xe0"),
        ("数.csv", "地区,值\r\n杭州,1\r\n".encode("utf-8-sig")),
        ("数.csv", "地区,值\r\n杭州,1\r\n".encode("gb18030")),
    ],
)
def test_a_sound_file_is_taken_byte_for_byte(name: str, data: bytes) -> None:
    assert checked(upload(name, data)) == data


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("表.xlsx", b"", "空的"),
        ("表.xls", OLE, "另存为 .xlsx"),
        ("表.xlsx", OLE, "旧式"),
        ("表.xlsm", workbook(), "另存为 .xlsx"),
        ("程序.exe", b"MZ", "只接收"),
        ("无结尾", b"x", "只接收"),
        ("表.xlsx", PNG, "不是 .xlsx"),
        ("表.xlsx", document(), "不是 .xlsx"),
        ("报告.docx", workbook(), "不是 .docx"),
        ("证明.pdf", b"<html>%PDF-</html>", "不是完整的 PDF"),
        ("证明.pdf", b"%PDF-1.7 cut off", "不是完整的 PDF"),
        ("图.png", b"<svg/>", "不是 PNG"),
        ("图.jpg", PNG, "不是 JPEG"),
        ("数.csv", b"a,b\n\0\n", "不是文本表格"),
        ("数.csv", b"\xff\xfe\xff", "不是文本表格"),
        ("a\u202excod.xlsx", workbook(), "看不见"),
        ("x" * 200 + ".xlsx", workbook(), "长于"),
        ("表.xlsx", archive({"xl/vbaProject.bin": b"x"}), "宏"),
        ("表.xlsx", archive({"xl/x.xml": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'}), "外部实体"),
        ("表.xlsx", archive({"xl/x.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a/>'.encode("utf-16")}), "外部实体"),
        ("表.xlsx", archive({"xl/x.xml": b" " * uploads.CHUNK + b"<!DOCTYPE a>"}), "压缩了|外部实体"),
        ("表.xlsx", archive({"xl/bomb.xml": b"0" * 5_000_000}), "压缩了"),
        ("报告.docx", archive({}, "xl/workbook.xml"), "不是 .docx"),
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_the_reason(name: str, data: bytes, says: str) -> None:
    with pytest.raises(UploadRefused, match=says):
        checked(upload(name, data))


def test_a_kind_that_was_not_asked_for_is_refused() -> None:
    with pytest.raises(UploadRefused, match=r"只接收 \.xlsx"):
        checked(upload("图.png", PNG), ("xlsx",))


def test_what_is_too_large_packed_or_unpacked_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = workbook()
    monkeypatch.setattr(uploads, "LARGEST_UNPACKED", 100)
    with pytest.raises(UploadRefused, match="解压后"):
        checked(upload("表.xlsx", data))
    monkeypatch.setattr(uploads, "LARGEST", 100)
    with pytest.raises(UploadRefused, match="超过上限"):
        checked(upload("表.xlsx", data))


def test_a_name_with_a_path_is_refused() -> None:
    file = upload("x.xlsx", workbook())
    file.__dict__["_name"] = "../x.xlsx"
    with pytest.raises(UploadRefused, match="路径"):
        checked(file)


@pytest.mark.parametrize("text", ["=1+1", "+cmd|x", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1"])
def test_text_that_begins_like_a_formula_is_made_plain(text: str) -> None:
    assert guard(text) == "'" + text


@pytest.mark.parametrize("value", ["-2.8", "+7.7%", "-1,234.50", "杭州", "a=b", "", 5, None, True])
def test_numbers_and_other_text_stay_as_they_are(value: object) -> None:
    assert guard(value) is value


def test_a_row_is_guarded_cell_by_cell() -> None:
    assert guarded_row(["=1", 2, "x"]) == ["'=1", 2, "x"]
