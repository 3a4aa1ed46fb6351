"""The pages of amendments, asked over HTTP: form from the schema, workbook there and back, effect, who may."""

from __future__ import annotations

import io
import re
from html import unescape
from typing import Any

import openpyxl
import pytest
from django.http import QueryDict
from django.test import Client

from rongtong.apps.cases.models import Case
from rongtong.apps.packs import amend_fields, amend_layer, amend_queries, amend_sheet, queries
from rongtong.apps.packs.models import Amendment, Publication
from rongtong.apps.registry.actions import create_account, grant
from rongtong.apps.registry.models import Account

pytestmark = pytest.mark.django_db
NEW = {"title": "黄灯线提高", "in_force_from": "2025-08-01", "note": "半年调度后收紧"}


def client_of(system: Account, name: str, role: str, place: str = "") -> Client:
    account = create_account(name, name, actor=system, demo=True).account
    grant(account, role, place, actor=system)
    client = Client(HTTP_HOST="localhost")
    client.force_login(account)
    return client


@pytest.fixture
def drafter(demo_store: Account) -> Client:
    return client_of(demo_store, "p-drafter", "provincial_officer")


@pytest.fixture
def row(drafter: Client) -> Amendment:
    drafter.post("/amendments/new", NEW)
    return Amendment.objects.latest("pk")


def form_of(page: str) -> QueryDict:
    """The values a browser would post back from the statement's form."""
    data = QueryDict(mutable=True)
    body = page[page.index('<form class="form panel statement"') :]
    for tag in re.findall(r"<input [^>]*>", body):
        found = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if found.get("type") != "checkbox" or " checked" in tag:
            data.appendlist(found["name"], unescape(found.get("value", "")))
    for name, content in re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', body, re.DOTALL):
        data[name] = unescape(content)
    for name, options in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', body, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        data[name] = unescape(chosen[1]) if chosen else ""
    return data


def test_every_statement_that_can_be_amended_comes_back_from_its_form_unchanged(demo_store: Account) -> None:
    pack = queries.current()
    for kind in amend_layer.KINDS:
        for statement in pack.all(kind):
            value = amend_layer.plain(statement)
            posted = QueryDict(mutable=True)
            for field in amend_fields.fields(kind, value):
                for control in (*field.controls, *(c for row in field.rows for c in row)):
                    held = [code for code, _, chosen in control.options if chosen]
                    posted.setlist(control.name, held if control.options else [control.value])
            read, wrong, _ = amend_fields.read(kind, posted)
            assert not wrong, (statement.code, wrong)
            assert amend_layer.validated(kind, read) == value, statement.code


def test_a_rule_is_changed_by_form_and_its_effect_shown(drafter: Client, row: Amendment) -> None:
    address = f"/amendments/{row.pk}/lamps/statement?code=pace"
    data = form_of(drafter.get(address).content.decode())
    assert data["cases-3-when"] == "ratio >= 0.85"
    data["cases-3-when"], data["cases-4-when"] = "ratio >= 0.9", "ratio < 0.9"
    assert drafter.post(address, data).status_code == 302
    page = drafter.get(f"/amendments/{row.pk}/").content.decode()
    assert "<ins>▲ 滞后：进度比 ≥ 0.9" in page
    assert "<del>▲ 滞后：进度比 ≥ 0.85" in page
    assert re.search(r"企业科技创新投入 2025年上半年：\d+ 处", page)
    assert "舟山" in page
    assert "提请审签</button>" in page
    assert " style=" not in page


def test_a_form_with_faults_names_each_field_and_keeps_what_was_typed(drafter: Client, row: Amendment) -> None:
    address = f"/amendments/{row.pk}/targets/statement?code=input_government_2025"
    data = form_of(drafter.get(address).content.decode())
    data["value"], data["milestones"] = "一千二", "{2025H1: '40'"
    answer = drafter.post(address, data)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "“里程碑”第 1 行不是合法的 YAML" in page
    assert "{2025H1: &#x27;40&#x27;" in page
    assert 'value="一千二"' in page
    data["milestones"] = ""
    page = drafter.post(address, data).content.decode()
    assert "“值”" in page
    assert 'href="#value"' in page
    assert Amendment.objects.get(pk=row.pk).statements == "[]"


def test_that_the_packs_changed_is_a_warning(drafter: Client, row: Amendment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amend_queries, "up_to_date", lambda row: False)
    page = drafter.get(f"/amendments/{row.pk}/").content.decode()
    assert '<div class="notice warning" role="alert"><p>起草之后，规则包变了' in page


def test_the_code_of_a_statement_stays(drafter: Client, row: Amendment) -> None:
    address = f"/amendments/{row.pk}/lamps/statement?code=pace"
    data = form_of(drafter.get(address).content.decode())
    data["code"] = "other"
    assert "不能改" in drafter.post(address, data).content.decode()


def test_codes_of_other_statements_are_offered_with_their_names(drafter: Client, row: Amendment) -> None:
    page = drafter.get(f"/amendments/{row.pk}/targets/statement").content.decode()
    assert re.search(r'<input id="indicator"[^>]* list="known-indicators"', page)
    assert re.search(r'<input id="cite-document"[^>]* list="known-documents"', page)
    name = queries.current().get("indicators", "input_government").name
    assert f'<option value="input_government">{name}</option>' in page
    assert '<option value="330100">' in page


def test_a_new_target_is_added(drafter: Client, row: Amendment) -> None:
    address = f"/amendments/{row.pk}/targets/statement"
    data = form_of(drafter.get(address).content.decode())
    existing = amend_layer.plain(queries.current().get("targets", "input_government_2025"))
    data["code"] = "input_government_2026"
    for name in ("indicator", "place", "kind", "comparator", "unit"):
        data[name] = existing[name]
    data["value"], data["period"], data["provenance"] = "1300", "2026", "office"
    data["cite-document"], data["cite-clause"] = existing["cite"]["document"], existing["cite"]["clause"]
    assert drafter.post(address, data).status_code == 302
    page = drafter.get(f"/amendments/{row.pk}/").content.decode()
    assert "新增" in page
    assert "input_government_2026" in page


def test_a_finding_of_the_check_is_shown_and_nothing_can_be_sent(drafter: Client, row: Amendment) -> None:
    address = f"/amendments/{row.pk}/targets/statement?code=input_government_2025"
    data = form_of(drafter.get(address).content.decode())
    data["unit"] = "家"
    drafter.post(address, data)
    page = drafter.get(f"/amendments/{row.pk}/").content.decode()
    assert "<strong>错误</strong>" in page
    assert 'disabled aria-describedby="why-submit">提请审签</button>' in page
    answer = submit(drafter, row)
    assert answer.status_code == 422
    assert "不能送审" in answer.content.decode()
    assert "input_government_2025" in answer.content.decode()
    assert case_of(row).stage == "draft"


def test_an_amendment_without_a_change_cannot_be_sent(drafter: Client, row: Amendment) -> None:
    answer = submit(drafter, row)
    assert answer.status_code == 422
    assert "没有一条修订内容" in answer.content.decode()
    assert case_of(row).stage == "draft"


def test_a_withdrawn_amendment_is_taken_up_again_with_a_reason(drafter: Client, row: Amendment) -> None:
    assert move(drafter, row, "withdraw", reason="先看半年的数").status_code == 302
    page = drafter.get(f"/amendments/{row.pk}/").content.decode()
    assert "恢复</button>" in page
    assert move(drafter, row, "reopen").status_code == 422
    assert move(drafter, row, "reopen", reason="半年的数来了").status_code == 302
    assert case_of(row).stage == "draft"
    address = f"/amendments/{row.pk}/lamps/statement?code=pace"
    data = form_of(drafter.get(address).content.decode())
    data["cases-3-when"], data["cases-4-when"] = "ratio >= 0.9", "ratio < 0.9"
    assert drafter.post(address, data).status_code == 302
    assert submit(drafter, row).status_code == 302
    assert case_of(row).stage == "review"


def case_of(row: Amendment) -> Case:
    found = amend_queries.case_of(row)
    assert found is not None
    return found


def move(client: Client, row: Amendment, transition: str, **data: str) -> Any:
    case = case_of(row)
    return client.post(f"/cases/{case.pk}/move", {"transition": transition, "seen": case.events, **data})


def submit(client: Client, row: Amendment) -> Any:
    return move(client, row, "submit")


def sheet_of(drafter: Client, address: str) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(drafter.get(address).content))


def posted(book: openpyxl.Workbook, row: Amendment) -> dict[str, object]:
    out = io.BytesIO()
    book.save(out)
    out.seek(0)
    out.name = "改好.xlsx"
    return {"seen": str(Amendment.objects.get(pk=row.pk).number), "file": out}


def test_only_the_changed_rows_of_a_workbook_become_changes(drafter: Client, row: Amendment) -> None:
    address = f"/amendments/{row.pk}/indicators/sheet.xlsx"
    book = sheet_of(drafter, address)
    sheet = book.active
    names = [c.value for c in sheet[2]]
    line = next(r for r in sheet.iter_rows(min_row=3) if r[0].value == "input_total")
    line[names.index("definition")].value = "改过的定义"
    assert drafter.post(address, posted(book, row)).status_code == 302
    (change,) = amend_layer.parse(Amendment.objects.get(pk=row.pk).statements)
    assert (change.code, change.after["definition"]) == ("input_total", "改过的定义")
    assert {**change.after, "definition": ""} == {**(change.before or {}), "definition": ""}


@pytest.mark.parametrize("kind", amend_layer.KINDS)
def test_a_workbook_that_was_not_touched_changes_nothing(drafter: Client, row: Amendment, kind: str) -> None:
    address = f"/amendments/{row.pk}/{kind}/sheet.xlsx"
    assert drafter.post(address, posted(sheet_of(drafter, address), row)).status_code == 302
    assert Amendment.objects.get(pk=row.pk).statements == "[]"


def test_faults_of_a_workbook_are_named_by_cell_and_nothing_is_taken_over(drafter: Client, row: Amendment) -> None:
    address = f"/amendments/{row.pk}/lamps/sheet.xlsx"
    book = sheet_of(drafter, address)
    sheet = book.active
    names = [c.value for c in sheet[2]]
    sheet.cell(3, names.index("basis") + 1).value = "看着办"
    sheet.cell(4, names.index("cases") + 1).value = '[{"lamp": "red"'
    sheet.cell(5, names.index("name") + 1).value = "改了名"
    answer = drafter.post(address, posted(book, row))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "C3：“依据”不在允许的取值之内" in page
    assert "D4：" in page
    assert "不是合法的 JSON" in page
    assert Amendment.objects.get(pk=row.pk).statements == "[]"


def test_what_is_no_workbook_is_said(drafter: Client, row: Amendment) -> None:
    file = io.BytesIO(b"PK\x03\x04 nothing")
    file.name = "坏.xlsx"
    answer = drafter.post(f"/amendments/{row.pk}/lamps/sheet.xlsx", {"seen": "1", "file": file})
    assert answer.status_code == 422
    assert "内容不是 .xlsx" in answer.content.decode()
    missing = drafter.post(f"/amendments/{row.pk}/lamps/sheet.xlsx", {"seen": "1"})
    assert "没有选文件" in missing.content.decode()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({**NEW, "in_force_from": "下月"}, "不是日期"),
        ({**NEW, "in_force_from": "2025-07-01"}, "早于今天"),
        ({**NEW, "title": " "}, "没有写名称"),
    ],
)
def test_a_draft_that_cannot_begin_is_said_in_words(drafter: Client, typed: dict[str, str], said: str) -> None:
    answer = drafter.post("/amendments/new", typed)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert typed["note"] in answer.content.decode()


def test_the_whole_way_over_the_pages(drafter: Client, row: Amendment, demo_store: Account) -> None:
    signer = client_of(demo_store, "p-signer", "approver")
    address = f"/amendments/{row.pk}/lamps/statement?code=pace"
    data = form_of(drafter.get(address).content.decode())
    data["note"] = "新的说明"
    drafter.post(address, data)
    case = amend_queries.case_of(row)
    assert case is not None
    here = f"/amendments/{row.pk}/"
    drafter.post(f"/cases/{case.pk}/move", {"transition": "submit", "seen": case.events, "next": here})
    assert "存下</button>" not in drafter.get(address).content.decode()
    case.refresh_from_db()
    moved = signer.post(f"/cases/{case.pk}/move", {"transition": "publish", "seen": case.events, "next": here})
    assert moved["Location"] == here
    assert "自 2025年8月1日 起生效" in signer.get(here).content.decode()
    assert Publication.objects.get().in_force_from.isoformat() == "2025-08-01"
    assert signer.get(f"{here}pack.zip").content.startswith(b"PK")


def test_a_city_a_reader_and_a_stranger(demo_store: Account, row: Amendment) -> None:
    assert Client(HTTP_HOST="localhost").get("/amendments/").status_code == 302
    city = client_of(demo_store, "p-city", "city_officer", "330100")
    assert city.get("/amendments/").status_code == 403
    assert city.get(f"/amendments/{row.pk}/").status_code == 403
    reader = client_of(demo_store, "p-reader", "reader")
    assert NEW["title"] in reader.get("/amendments/").content.decode()
    assert "改好的" not in reader.get(f"/amendments/{row.pk}/").content.decode()
    assert reader.post("/amendments/new", NEW).status_code == 403
    assert Amendment.objects.count() == 1


@pytest.mark.parametrize(
    "address",
    [
        "/amendments/99999/",
        "/amendments/{pk}/nothing/",
        "/amendments/{pk}/lamps/statement?code=none",
        "/amendments/office.zip",
    ],
)
def test_what_does_not_exist_is_not_found(drafter: Client, row: Amendment, address: str) -> None:
    assert drafter.get(address.format(pk=row.pk)).status_code == 404


@pytest.mark.parametrize("typed", ["a: 2025-13-45", "&a [*a]", "[" * 15_000, "x" * 20_001])
def test_a_part_that_cannot_be_read_is_a_fault_of_its_field(drafter: Client, row: Amendment, typed: str) -> None:
    address = f"/amendments/{row.pk}/targets/statement?code=input_government_2025"
    data = form_of(drafter.get(address).content.decode())
    data["milestones"] = typed
    answer = drafter.post(address, data)
    assert answer.status_code == 422
    assert 'href="#milestones"' in answer.content.decode()


def test_a_title_longer_than_its_column_is_refused_in_words(drafter: Client, row: Amendment) -> None:
    answer = drafter.post("/amendments/new", {**NEW, "title": "长" * 201})
    assert answer.status_code == 422
    assert "名称有 201 个字，最多 200 个" in answer.content.decode()
    assert Amendment.objects.count() == 1


def test_a_text_like_a_formula_leaves_and_comes_back_as_text(demo_store: Account) -> None:
    pack = queries.current()
    formula = '=HYPERLINK("http://evil.example","x")'
    value = {**amend_layer.plain(pack.all("lamps")[0]), "name": formula}
    data = amend_sheet.workbook(pack, "lamps", {value["code"]: value})
    cells = [c for line in openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows() for c in line]
    (cell,) = [c for c in cells if c.value == formula]
    assert (cell.data_type, cell.quotePrefix) == ("s", True)
    assert not [c for c in cells if c.data_type == "f"]
    changes, faults = amend_sheet.read(data, "灯.xlsx", pack, "lamps")
    assert not faults
    assert [c.after["name"] for c in changes] == [formula]


def test_json_nested_without_end_is_a_fault_of_its_cell(demo_store: Account) -> None:
    pack = queries.current()
    book = openpyxl.load_workbook(io.BytesIO(amend_sheet.workbook(pack, "lamps", {})))
    names = [c.value for c in book.active[2]]
    book.active.cell(3, names.index("cases") + 1).value = "[" * 15_000
    out = io.BytesIO()
    book.save(out)
    changes, faults = amend_sheet.read(out.getvalue(), "灯.xlsx", pack, "lamps")
    assert not changes
    assert ["层" in fault.message for fault in faults] == [True]
