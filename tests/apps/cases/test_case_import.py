"""Cases from a workbook, of any process: the template, every problem at its cell, all or none, and none twice."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from desk_world import PROCESS, load_process
from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl import Workbook, load_workbook

from rongtong import clock
from rongtong.apps.cases import case_importing, case_sheets, queries
from rongtong.apps.cases.models import Case, Label
from rongtong.apps.cases.opening import starts
from rongtong.apps.records.models import Leaf
from rongtong.apps.registry.models import Account
from worlds import browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]
Who = dict[str, Account]
ADDRESS = "/processes/need/import"
USCC = "91330100MA27XF7D36"
GOOD = {"序号": "1", "地方": "西湖", "事项": "缺研发资金", "类别": "资金"}


def template(account: Account) -> Workbook:
    answer = browser(account).get("/processes/need/template.xlsx")
    assert answer.status_code == 200
    return load_workbook(io.BytesIO(answer.content))


def filled(account: Account, *rows: dict[str, Any]) -> bytes:
    """The template with these rows below the example."""
    book = template(account)
    sheet = book.worksheets[0]
    heads = {str(c.value).rstrip("*"): c.column for c in sheet[1]}
    for number, row in enumerate(rows, start=3):
        for head, value in row.items():
            sheet.cell(number, heads[head]).value = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def send(account: Account, data: bytes, name: str = "需求.xlsx") -> Any:
    return browser(account).post(ADDRESS, {"file": SimpleUploadedFile(name, data)})


def confirm(account: Account, data: bytes) -> Any:
    return browser(account).post(ADDRESS, {"data": base64.b64encode(data).decode(), "name": "需求.xlsx"})


def problems(account: Account, data: bytes) -> dict[str, str]:
    """Cell → problem."""
    (start,) = [s for s in starts(account) if s.process.code == "need"]
    return {p.cell: p.problem for p in case_sheets.read(data, "需求.xlsx", start)[1]}


def test_the_template_asks_what_the_form_asks(who: Who) -> None:
    book = template(who["county"])
    sheet = book.worksheets[0]
    assert sheet.title == "企业需求"
    assert [c.value for c in sheet[1]] == [
        "序号", "地方*", "事项*", "类别*", "金额（万元）", "人数", "希望解决日期", "是否加急", "领域", "产业链", "企业统一社会信用代码",
    ]  # fmt: skip
    assert sheet["A2"].value == "示例"
    lists = {str(v.sqref).partition(":")[0]: v.formula1 for v in sheet.data_validations.dataValidation}
    assert lists["D2"] == "选项!$D$1:$D$2"
    assert [book["选项"].cell(n, 4).value for n in (1, 2)] == ["资金", "人才"]
    assert book["选项"].sheet_state == "hidden"
    # A firm opens its own: no place and no organisation to name.
    assert "地方*" not in [c.value for c in template(who["firm"]).worksheets[0][1]]


def test_an_untouched_template_opens_nothing(who: Who) -> None:
    assert problems(who["county"], filled(who["county"])) == {"A3": "没有填写任何一行。请在示例行下面一行一件填写。"}


def test_a_filled_sheet_is_shown_first_and_opened_when_confirmed(who: Who) -> None:
    more = {
        "地方": "330106", "事项": "=1+1 招人", "类别": "people", "金额（万元）": 12.5, "人数": 3, "希望解决日期": "2025/8/1",
        "是否加急": "是", "领域": "材料、软件", "企业统一社会信用代码": USCC.lower(),
    }  # fmt: skip
    book = load_workbook(io.BytesIO(filled(who["county"], GOOD, more | {"事项": "招人"})))
    book.worksheets[0]["C4"].value = "=1+1 招人"
    book.worksheets[0]["C4"].data_type = "s"
    out = io.BytesIO()
    book.save(out)
    data = out.getvalue()
    answer = send(who["county"], data)
    said = answer.content.decode()
    assert (answer.status_code, "核对后确认：2 件" in said, "甲科技有限公司" in said or USCC in said) == (
        200,
        True,
        True,
    )
    assert not Case.objects.filter(process="need").exists()
    assert confirm(who["county"], data).status_code == 200
    first, second = Case.objects.filter(process="need").order_by("pk")
    assert (first.title, first.place, first.organisation) == ("缺研发资金", "330106", None)
    assert second.organisation is not None
    assert second.organisation.uscc == USCC
    assert queries.data(second) == {
        "title": "=1+1 招人", "kind": "people", "amount": "12.5", "seats": 3, "wanted": "2025-08-01", "urgent": True,
        "topics": ["材料", "软件"], "uscc": USCC,
    }  # fmt: skip
    assert Label.objects.filter(case=second, name="kind").get().value == "people"


def test_the_same_rows_are_not_opened_twice_in_whatever_file(who: Who) -> None:
    data = filled(who["county"], GOOD)
    assert confirm(who["county"], data).status_code == 200
    saved = io.BytesIO()
    book = load_workbook(io.BytesIO(data))
    book.worksheets[0].column_dimensions["A"].width = 40
    book.save(saved)
    for again in (data, saved.getvalue()):
        for answer in (send(who["county"], again), confirm(who["county"], again)):
            at = Leaf.objects.get(kind="cases.need.import").recorded_at.astimezone(clock.LOCAL)
            assert (answer.status_code, f"{at:%Y-%m-%d %H:%M} 导入，没有再开" in answer.content.decode()) == (409, True)
    assert Case.objects.filter(process="need").count() == 1
    assert Leaf.objects.filter(kind="cases.need.import").count() == 1


@pytest.mark.parametrize(
    ("wrong", "cell", "words"),
    [
        ({"事项": None}, "C3", ("请填写“事项”", "应为文字")),
        ({"类别": "别的"}, "D3", ("应为所列的选项之一", "资金、人才", "请改正")),
        ({"金额（万元）": "很多"}, "E3", ("应为数字", "现为“很多”")),
        ({"人数": 0}, "F3", ("不小于 1",)),
        ({"人数": 1.5}, "F3", ("应为整数",)),
        ({"希望解决日期": "2025-02-30"}, "G3", ("应为日期",)),
        ({"领域": "材料、炼金"}, "I3", ("应为所列",)),
        ({"产业链": "没有的链"}, "J3", ("没有产业链",)),
        ({"企业统一社会信用代码": "91330100MA27XF7D3X"}, "K3", ("校验位不符",)),
        ({"企业统一社会信用代码": "91330100799655058B"}, "K3", ("没有登记",)),
        ({"地方": "上城"}, "B3", ("不是您可以开始这个流程的地方",)),
        ({"地方": None}, "B3", ("请选择地方",)),
        ({"事项": "=NOW()"}, "C3", ("公式没有保存计算结果",)),
        ({"事项": "长" * 61}, "C3", ("至多 60 个字",)),
    ],
)
def test_every_problem_stands_at_its_cell(who: Who, wrong: dict[str, Any], cell: str, words: tuple[str, ...]) -> None:
    found = problems(who["county"], filled(who["county"], GOOD | wrong))
    assert list(found) == [cell]
    assert all(w in found[cell] for w in words), found[cell]
    assert "重新上传" in found[cell]


def test_one_wrong_cell_opens_nothing_and_comes_back_marked(who: Who) -> None:
    data = filled(who["county"], GOOD, GOOD | {"人数": "三"})
    answer = send(who["county"], data)
    said = answer.content.decode()
    assert (answer.status_code, "一件也没有开" in said, "F4" in said) == (422, True, True)
    assert confirm(who["county"], data).status_code == 422
    assert not Case.objects.filter(process="need").exists()
    sent = {"data": base64.b64encode(data).decode(), "name": "需求.xlsx"}
    marked = load_workbook(io.BytesIO(browser(who["county"]).post(f"{ADDRESS}/marked.xlsx", sent).content))
    assert "应为整数" in marked["企业需求"]["F4"].comment.text
    assert marked["问题清单"]["B2"].value == "F4"
    # Mended, the marked copy is taken as it is.
    marked["企业需求"]["F4"].value = 3
    out = io.BytesIO()
    marked.save(out)
    assert confirm(who["county"], out.getvalue()).status_code == 200
    assert Case.objects.filter(process="need").count() == 2


def test_a_row_refused_while_opening_takes_back_those_before_it(who: Who) -> None:
    data = filled(who["county"], GOOD, GOOD | {"事项": "第二件"})
    (start,) = [s for s in starts(who["county"]) if s.process.code == "need"]
    drafts, _ = case_sheets.read(data, "需求.xlsx", start)
    before = Leaf.objects.count()
    stranger = case_sheets.Draft(9, "330203", None, dict(drafts[1].data))
    with pytest.raises(case_importing.ImportRefused) as refused:
        case_importing.open_all(start, [*drafts, stranger], "需求.xlsx", actor=who["county"])
    assert refused.value.row == 9
    assert not Case.objects.filter(process="need").exists()
    assert Leaf.objects.count() == before


def test_other_headings_are_refused_with_what_to_do(who: Who) -> None:
    book = load_workbook(io.BytesIO(filled(who["county"], GOOD)))
    book.worksheets[0]["C1"].value = "标题"
    out = io.BytesIO()
    book.save(out)
    found = problems(who["county"], out.getvalue())
    assert "不认识这一列" in found["C1"]
    assert "缺少列：事项" in found["A1"]


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04broken"])
def test_what_is_no_workbook_is_refused(who: Who, data: bytes) -> None:
    assert send(who["county"], data).status_code == 422
    assert confirm(who["county"], data).status_code == 422
    sent = {"data": base64.b64encode(data).decode(), "name": "x"}
    assert browser(who["county"]).post(f"{ADDRESS}/marked.xlsx", sent).status_code == 422


def test_who_may_not_start_the_process_finds_no_template(who: Who) -> None:
    for name in ("province", "city", "handler"):
        for address in (ADDRESS, "/processes/need/template.xlsx"):
            assert browser(who[name]).get(address).status_code == 404, (name, address)
        assert confirm(who[name], filled(who["county"], GOOD)).status_code == 404
    assert not Case.objects.filter(process="need").exists()


def test_a_firm_opens_its_own_cases(who: Who) -> None:
    data = filled(who["firm"], {"事项": "缺人", "类别": "人才"})
    assert confirm(who["firm"], data).status_code == 200
    (case,) = Case.objects.filter(process="need")
    assert (case.organisation, case.place) == (who["firm"].organisation, "330106")


def test_a_form_with_a_table_that_must_be_filled_takes_no_workbook(
    who: Who, demo_store: Account, tmp_path: Path
) -> None:
    rows = "topics: {type: array, title: 领域, items: {type: object, properties: {name: {type: string, title: 名称}}}}"
    changed = PROCESS.replace(
        "topics: {type: array, title: 领域, items: {type: string, enum: [材料, 软件, 生物]}}", rows
    )
    load_process(tmp_path, demo_store, changed.replace("required: [title, kind]", "required: [title, kind, topics]"))
    answer = browser(who["county"]).get("/processes/need/template.xlsx")
    assert (answer.status_code, "请逐件在页面上开始" in answer.content.decode()) == (409, True)
