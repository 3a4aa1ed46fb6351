"""What a request may bring: a body within the bound of its address, and text that every store holds."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import resolve
from pytest_django import Settings

from rongtong import entering
from rongtong.entering import LARGEST_BODY, LARGEST_FORM

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return Client(HTTP_HOST="localhost")


def sixty_megabytes() -> SimpleUploadedFile:
    return SimpleUploadedFile("大.pdf", b"\0" * (LARGEST_FORM + 1))


def test_an_address_that_takes_no_file_refuses_more_than_a_form_and_reads_none_of_it(client: Client) -> None:
    answer = client.post("/login", {"username": "a", "file": sixty_megabytes()})
    page = answer.content.decode()
    assert answer.status_code == 413
    assert "送来的内容有 2 MB，这个地址最多收 1 MB" in page
    assert "Content-Security-Policy" in answer.headers
    assert not hasattr(answer.wsgi_request, "_files")


def test_the_api_says_so_in_json(client: Client) -> None:
    answer = client.post("/api/nowcast", " " * (LARGEST_FORM + 1), content_type="application/json")
    assert answer.status_code == 413
    assert "最多收 1 MB" in answer.json()["error"]


def test_an_address_that_takes_files_refuses_more_than_its_files(client: Client) -> None:
    assert client.post("/collection/upload", {"file": sixty_megabytes()}).status_code == 302
    answer = client.generic("POST", "/collection/upload", b"", CONTENT_LENGTH=str(LARGEST_BODY + 1))
    assert answer.status_code == 413
    assert "最多收 61 MB" in answer.content.decode()


@pytest.mark.parametrize(
    "told", [{"HTTP_TRANSFER_ENCODING": "chunked"}, {"CONTENT_LENGTH": "many"}, {"CONTENT_LENGTH": "9" * 30}]
)
def test_a_body_without_a_length_is_refused(client: Client, told: dict[str, str]) -> None:
    answer = client.generic("POST", "/collection/upload", b"x", **told)  # type: ignore[arg-type]
    assert answer.status_code == 411
    assert "没有说明长度" in answer.content.decode()


def test_every_form_with_a_file_is_sent_to_an_address_that_takes_files() -> None:
    takes = [
        "/accounts/import", "/accounts/import/confirm", "/accounts/import/marked", "/collection/1/evidence",
        "/collection/1/upload", "/collection/sources/new", "/collection/upload", "/documents/a/text",
        "/amendments/1/lamps/sheet.xlsx", "/supervision/1/step", "/supervision/import",
    ]  # fmt: skip
    assert [path for path in takes if not getattr(resolve(path).func, "takes_files", False)] == []


@pytest.mark.parametrize("address", ["/login?next=a%00b", "/indicators/a%00b"])
def test_a_nul_in_an_address_is_refused_in_words(client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 400
    assert "空字符" in answer.content.decode()


def test_a_nul_in_a_form_a_file_form_and_a_cookie_is_refused(client: Client) -> None:
    form = {"content_type": "application/x-www-form-urlencoded"}
    assert client.post("/login", "username=a%00b&password=x", **form).status_code == 400  # type: ignore[arg-type]
    assert client.post("/login", "user%00name=a&password=x", **form).status_code == 400  # type: ignore[arg-type]
    assert client.post("/login", {"username": "a\0b", "password": "x"}).status_code == 400
    client.cookies["sessionid"] = "aaaaaaaa\0"
    assert client.get("/login").status_code == 400


@pytest.mark.parametrize("value", ["a\0b", {"a\0": 1}, [["\ud800"]]])
def test_text_that_no_store_holds_is_refused_in_json(client: Client, value: object) -> None:
    answer = client.post("/api/nowcast", json.dumps({"x": value}), content_type="application/json")
    assert answer.status_code == 400
    assert "存不下" in answer.json()["error"]


def test_a_backslash_before_the_same_letters_is_only_text(client: Client) -> None:
    answer = client.post("/api/nowcast", json.dumps({"x": "\\u0000"}), content_type="application/json")
    assert "存不下" not in answer.content.decode()


def test_json_nested_without_end_is_left_to_the_page_to_refuse(client: Client) -> None:
    answer = client.post("/api/nowcast", "[" * 100_000, content_type="application/json")
    assert answer.status_code < 500


def test_a_body_beyond_the_framework_s_own_bound_is_refused_alike(client: Client, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    answer = client.post("/api/nowcast", " " * 20, content_type="application/json")
    assert answer.status_code == 413


def test_the_bound_of_files_is_that_of_the_largest_form() -> None:
    assert entering.LARGEST_BODY == 61 * 1024 * 1024


def test_a_form_sent_to_the_api_is_answered_there(client: Client) -> None:
    assert client.post("/api/nowcast", {"a": "b"}).status_code < 500
