"""The data dictionary knows every table and column there is, says how confidential each is, and leaves nothing out."""

from __future__ import annotations

import csv
import io

import pytest
from django.apps import apps
from django.test import Client
from openpyxl import load_workbook

from rongtong.apps.packs import dictionary
from rongtong.apps.packs.dictionary_words import EXCEPTIONS, LEVELS, PERSONAL, TABLES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("real_store")]


@pytest.fixture
def client() -> Client:
    return Client(HTTP_HOST="localhost")


def columns() -> set[str]:
    return {f"{table.name}.{column.name}" for table in dictionary.tables() for column in table.columns}


def test_every_table_and_column_of_every_app_has_its_word() -> None:
    ours = [model for model in apps.get_models() if model.__module__.startswith("rongtong.")]
    assert columns() == {f"{m._meta.db_table}.{f.column}" for m in ours for f in m._meta.concrete_fields}
    unnamed = [t.name for t in dictionary.tables() if t.words == dictionary.UNNAMED]
    unnamed += [f"{t.name}.{c.name}" for t in dictionary.tables() for c in t.columns if c.words == dictionary.UNNAMED]
    assert unnamed == []


def test_no_word_is_left_of_a_table_or_column_that_is_gone() -> None:
    assert set(TABLES) == {table.name for table in dictionary.tables()}
    assert {*EXCEPTIONS, *LEVELS, *PERSONAL} - columns() == set()


def test_what_opens_the_system_is_of_the_highest_level() -> None:
    level = {f"{t.name}.{c.name}": c.level for t in dictionary.tables() for c in t.columns}
    assert level["registry_account.password"] == "L4"
    assert level["registry_secondfactor.nonce"] == "L4"
    assert level["registry_visit.session_key"] == "L4"


def test_every_name_of_a_person_says_what_it_is_processed_for() -> None:
    words = {f"{t.name}.{c.name}": c for t in dictionary.tables() for c in t.columns}
    assert all(column.purpose for column in words.values() if column.words in ("姓名", "职务", "网络地址"))


def test_the_page_lists_tables_and_indicator_cards_and_narrows_by_words_and_level(client: Client) -> None:
    page = client.get("/dictionary/").content.decode()
    assert "registry_account" in page
    assert "rd_total" in page
    narrow = client.get("/dictionary/?words=职务").content.decode()
    assert "<code>registry_account</code>" in narrow
    assert "<code>records_leaf</code>" not in narrow
    secret = client.get("/dictionary/?level=L4").content.decode()
    assert "口令散列" in secret
    assert "records_log" not in secret


def test_the_exports_hold_every_column(client: Client) -> None:
    text = client.get("/dictionary/export.csv").content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == list(dictionary.HEADINGS)
    assert {f"{row[1]}.{row[2]}" for row in rows[1:]} == columns()
    book = load_workbook(io.BytesIO(client.get("/dictionary/export.xlsx").content))
    assert book.sheetnames == ["数据列", "指标"]
    assert book["数据列"].max_row == len(rows)
