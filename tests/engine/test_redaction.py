"""One person is taken out of a text or a file, wholly, and nothing else is."""

from __future__ import annotations

import io
import json
import zipfile
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.engine.redaction import Person

PERSON = Person("zhang", "张三丰", "erased-7", "已注销", frozenset({"zhang.san"}))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("请张三丰核实", "请已注销核实"),
        ("zhang", "erased-7"),
        ("account:zhang", "account:erased-7"),
        ("zhang/2", "erased-7/2"),
        ("由 Zhang 填。", "由 erased-7 填。"),
        ("zhang@example.gov.cn，zhang_2025.xlsx", "erased-7@example.gov.cn，erased-7_2025.xlsx"),
        ("zhangsan 与 zhang.san 是别人", "zhangsan 与 zhang.san 是别人"),
        ("zhang.san.zhang", "erased-7.san.erased-7"),
        ("张三", "张三"),
        ("", ""),
    ],
)
def test_a_person_is_taken_out_of_a_text_and_nobody_else(text: str, left: str) -> None:
    assert PERSON.text(text) == left


def test_json_stays_json_and_an_escape_does_not_hide_a_name() -> None:
    value = {"to": "zhang", "说明": "一\nzhang 二", "zhang": ["张三丰", 3, None]}
    left = {"to": "erased-7", "说明": "一\nerased-7 二", "erased-7": ["已注销", 3, None]}
    for ascii_only in (True, False):
        text = PERSON.text(json.dumps(value, ensure_ascii=ascii_only))
        assert json.loads(text) == left
        assert text == json.dumps(left, ensure_ascii=ascii_only)


def test_a_username_that_is_a_word_of_the_system_is_taken_only_where_it_stands_alone() -> None:
    person = Person("report", "张三丰", "erased-7", "已注销", username_is_word=True)
    assert json.loads(person.text('{"by":"report","kind":"report.make"}')) == {"by": "erased-7", "kind": "report.make"}
    assert person.text("report/2") == "erased-7/2"


def test_a_name_that_others_bear_is_taken_only_where_it_stands_alone_or_is_certainly_theirs() -> None:
    person = Person("zhang", "张三丰", "erased-7", "已注销", name_is_shared=True)
    assert person.text("请张三丰核实") == "请张三丰核实"
    assert person.text('{"name":"张三丰"}') == '{"name":"已注销"}'
    assert person.certain().text("请张三丰核实") == "请已注销核实"


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_name_split_over_runs_is_taken_out_of_a_document() -> None:
    body = (
        '<w:p><w:r><w:t>请张</w:t></w:r><w:r><w:t xml:space="preserve">三丰办</w:t></w:r></w:p><w:p><w:t>二</w:t></w:p>'
    )
    left = (
        '<w:p><w:r><w:t>请已注销办</w:t></w:r><w:r><w:t xml:space="preserve"></w:t></w:r></w:p><w:p><w:t>二</w:t></w:p>'
    )
    inner = zipped({"xl/sharedStrings.xml": b"<si><t>zhang</t></si>"})
    made = PERSON.file(zipped({"word/document.xml": body.encode(), "embedded.xlsx": inner, "a.png": b"\x89PNG\0"}))
    assert made is not None
    found = unzipped(made)
    assert found["word/document.xml"].decode() == left
    assert unzipped(found["embedded.xlsx"]) == {"xl/sharedStrings.xml": b"<si><t>erased-7</t></si>"}
    assert found["a.png"] == b"\x89PNG\0"


@pytest.mark.parametrize("how", ["&#{};", "&#x{:x};", "&#x{:X};"])
def test_a_name_written_as_references_is_taken_out_of_a_sheet(how: str) -> None:
    hidden = "".join(how.format(ord(c)) for c in "张三丰")
    made = PERSON.file(f"<sst><si><t>&#8220;{hidden}&#8221;&#10;</t></si></sst>".encode())
    assert made is not None
    assert ElementTree.fromstring(made).findtext("si/t") == "“已注销”\n"
    assert made.isascii()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_text_file_keeps_its_encoding(encoding: str) -> None:
    made = PERSON.file("姓名,张三丰\r\n".encode(encoding))
    assert made is not None
    assert made.decode(encoding) == "姓名,已注销\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "gb18030"])
def test_what_is_no_text_and_holds_a_name_is_not_mended_but_said(encoding: str) -> None:
    assert PERSON.file(b"\x89PNG\0" + "张三丰".encode(encoding)) is None
    assert PERSON.file(zipped({"a.png": b"\x89PNG\0" + "张三丰".encode(encoding)})) is None


@given(st.binary(max_size=200))
def test_a_file_without_the_person_is_the_same_file(data: bytes) -> None:
    assert PERSON.file(data) == data


@given(st.text(max_size=50), st.text(max_size=50))
def test_no_text_keeps_the_name(before: str, after: str) -> None:
    assert "张三丰" not in PERSON.text(f"{before}张三丰{after}")
