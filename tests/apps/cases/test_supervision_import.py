"""督办 from a workbook: the template goes round, faults are told by cell, and one fault opens nothing."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import load_workbook

from rongtong.apps.cases.models import Case
from rongtong.apps.cases.supervision_forms import FIELDS
from rongtong.apps.registry.models import Account
from worlds import browser, member

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]

GOOD = {
    "title": "补报二季度未报企业", "source": "会议", "reference": "7月调度会", "place": "嘉兴", "responsible": "某市科技局",
    "lead": "综合处", "goal": "7月底前报齐", "milestones": "2025-07-20 列出清单；2025-07-28 报送", "deadline": "2025-07-31",
    "level": "蓝色",
}  # fmt: skip


@pytest.fixture
def office(demo_store: Account) -> Client:
    return browser(member("import-province", "省级", "provincial_officer", "", actor=demo_store))


def filled(client: Client, rows: list[dict[str, str]], query: str = "") -> bytes:
    """The template as downloaded, with these rows typed in."""
    book = load_workbook(io.BytesIO(client.get(f"/supervision/template.xlsx{query}").content))
    sheet = book["督办事项"]
    for number, row in enumerate(rows, start=2):
        for column, field in enumerate(FIELDS, start=2):
            if field.name in row:
                sheet.cell(number, column).value = row[field.name]
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def upload(client: Client, data: bytes) -> Any:
    return client.post("/supervision/import", {"file": SimpleUploadedFile("督办.xlsx", data)})


def test_a_filled_template_opens_every_line(office: Client) -> None:
    answer = upload(office, filled(office, [GOOD, GOOD | {"title": "第二件事项"}]))
    assert answer.status_code == 302
    titles = list(Case.objects.filter(process="supervision").order_by("pk").values_list("title", "place"))
    assert titles == [("补报二季度未报企业", "330400"), ("第二件事项", "330400")]


def test_a_fault_is_told_at_its_cell_and_nothing_is_opened(office: Client) -> None:
    wrong = GOOD | {"title": "第二件事项", "level": "紫色", "deadline": "很快"}
    answer = upload(office, filled(office, [GOOD, wrong]))
    problems = {p.cell: p.message for p in answer.context["problems"]}
    names = [f.name for f in FIELDS]
    level, deadline = (chr(ord("B") + names.index(n)) + "3" for n in ("level", "deadline"))
    assert answer.status_code == 422
    assert "应为蓝色、黄色、红色之一" in problems[level]
    assert "应为日期" in problems[deadline]
    assert not Case.objects.filter(process="supervision").exists()


def test_a_changed_heading_and_a_file_that_is_no_workbook_are_refused_in_words(office: Client) -> None:
    book = load_workbook(io.BytesIO(filled(office, [GOOD])))
    book["督办事项"]["B1"] = "别的表头"
    out = io.BytesIO()
    book.save(out)
    assert "缺少列：督办事项" in upload(office, out.getvalue()).content.decode()
    assert upload(office, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old").status_code == 422
    assert "请选择" in office.post("/supervision/import", {}).content.decode()


def test_the_template_of_a_list_has_its_numbered_lines_and_invents_no_content(office: Client) -> None:
    sheet = load_workbook(io.BytesIO(office.get("/supervision/template.xlsx?commitment=T057").content))["督办事项"]
    assert [sheet.cell(row, 1).value for row in range(2, 34)] == list(range(1, 33))
    title = 2 + [f.name for f in FIELDS].index("title")
    assert {sheet.cell(row, title).value for row in range(2, 34)} == {None}
    rows = [{"title": f"第 {n} 项任务名称", "place": "330000", "responsible": "甲处", "lead": "乙处", "goal": "年底前办结",
             "deadline": "2025-12-31", "level": "蓝色"} for n in (1, 2)]  # fmt: skip
    assert upload(office, filled(office, rows, "?commitment=T057")).status_code == 302
    page = office.get("/supervision/lines/T057").content.decode()
    assert "第 1 项任务名称" in page
    assert page.count("待填") == 30
