"""A filled template becomes accounts, wholly or not at all, and every error names its sheet and cell."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from django.contrib.auth import authenticate
from openpyxl import load_workbook

from rongtong.apps.records.models import Leaf
from rongtong.apps.records.queries import head, verify
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.actions import create_account, grant, register_organisation
from rongtong.apps.registry.importing import Report, import_accounts_xlsx
from rongtong.apps.registry.models import Account, Grant, GrantRequest, Organisation
from rongtong.apps.registry.sheets import MOST_ROWS, accounts_template

CODE, OTHER = "91339999000000019C", "123399990000000357"
ORGANISATION = [CODE, "样例公司", "企业", "990101"]
ACCOUNT = ["zhangsan", "张三", CODE, "科长", "市科技局", "990100", None, None]


def workbook(
    accounts: list[list[Any]], organisations: list[list[Any]] | None = None, change: Callable[[Any], None] | None = None
) -> bytes:
    """The template, filled in as an officer would."""
    book = load_workbook(io.BytesIO(accounts_template()))
    for sheet, rows in (("单位", organisations or []), ("账号", accounts)):
        for number, row in enumerate(rows, start=2):
            for column, value in enumerate(row, start=1):
                book[sheet].cell(number, column, value)
    if change:
        change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def cells(report: Report) -> set[str]:
    return {f"{error.sheet}!{error.cell}" for error in report.errors}


def test_a_filled_template_becomes_organisations_accounts_and_grants(system: Account, pack: None) -> None:
    second = ["lisi", "李四", None, None, "规划（目标分解）、材料编辑", None, "2025-07-01", date(2026, 6, 30)]
    report = import_accounts_xlsx(workbook([ACCOUNT, second], [ORGANISATION]), system)
    assert report.ok, report.errors
    assert [new.account.username for new in report.accounts] == ["zhangsan", "lisi"]
    zhang = Account.objects.get(username="zhangsan")
    assert zhang.organisation == Organisation.objects.get(uscc=CODE)
    assert (zhang.organisation.kind, zhang.position) == ("enterprise", "科长")
    assert authenticate(username="zhangsan", password=report.accounts[0].password) == zhang
    assert [(g.role, g.place) for g in zhang.grants.all()] == [("city_officer", "990100")]
    given = Grant.objects.filter(account__username="lisi").order_by("pk")
    assert [(g.role, g.place, g.valid_from, g.valid_to) for g in given] == [
        ("planner", "", date(2025, 7, 1), date(2026, 6, 30)),
        ("editor", "", date(2025, 7, 1), date(2026, 6, 30)),
    ]
    assert Leaf.objects.latest("sequence").kind == "registry.import_accounts"
    assert verify(str(head())) == []


def test_every_error_is_told_at_once_with_its_cell_and_nothing_is_stored(system: Account, pack: None) -> None:
    before = head()
    wrong_organisation = ["913399990000000190", "样例", "公司", "880000"]
    accounts = [
        ACCOUNT,
        ["张三", None, OTHER, None, "超级管理员", "880000", "去年", None],
        ["zhangsan", "张三", "9133", None, "系统管理员、审计管理员", "990100", "2025-07-02", "2025-07-01"],
    ]
    report = import_accounts_xlsx(workbook(accounts, [ORGANISATION, wrong_organisation]), system)
    # A cell that must be filled and is not stops the reading; the rest is told once the form is right.
    assert cells(report) == {"账号!B3"}
    accounts[1][1] = "李四"
    report = import_accounts_xlsx(workbook(accounts, [ORGANISATION, wrong_organisation]), system)
    assert cells(report) == {
        "单位!A3",
        "单位!C3",
        "单位!D3",
        "账号!A3",
        "账号!C3",
        "账号!E3",
        "账号!F3",
        "账号!G3",
        "账号!A4",
        "账号!C4",
        "账号!E4",
        "账号!F4",
        "账号!H4",
    }
    assert head() == before
    assert not Account.objects.filter(username="zhangsan").exists()
    assert not Organisation.objects.exists()


def test_an_error_reads_as_sheet_cell_value_and_what_to_do(system: Account, pack: None) -> None:
    report = import_accounts_xlsx(workbook([["zhangsan", "张三", None, None, "局长", None, None, None]]), system)
    (error,) = report.errors
    assert str(error).startswith("账号!E2 “局长”不认识。应为：省级处室、市科技局")


def test_an_existing_username_and_a_renamed_organisation_are_refused(system: Account, pack: None) -> None:
    create_account("zhangsan", "张三", actor=system)
    register_organisation(CODE, "旧名公司", "enterprise", "990101", actor=system)
    report = import_accounts_xlsx(workbook([ACCOUNT], [ORGANISATION]), system)
    assert cells(report) == {"单位!B2", "账号!A2"}


def test_an_organisation_registered_before_may_be_listed_again_or_left_out(system: Account, pack: None) -> None:
    register_organisation(CODE, "样例公司", "enterprise", "990101", actor=system)
    assert import_accounts_xlsx(workbook([ACCOUNT], [ORGANISATION]), system).ok
    again = ["wangwu", "王五", CODE, None, "查看", None, None, None]
    assert import_accounts_xlsx(workbook([again]), system).ok
    assert Organisation.objects.count() == 1


def test_a_code_typed_as_a_number_is_refused_since_digits_may_be_lost(system: Account, pack: None) -> None:
    report = import_accounts_xlsx(workbook([ACCOUNT], [[123399990000000357, "样例", "企业", "990101"]]), system)
    assert cells(report) == {"单位!A2"}
    assert "文本" in report.errors[0].problem


def test_a_short_code_typed_as_a_number_and_a_date_cell_are_read(system: Account, pack: None) -> None:
    row = ["zhangsan", "张三", None, None, "查看", 990100, datetime(2025, 7, 1), None]  # noqa: DTZ001 - as Excel gives it
    assert import_accounts_xlsx(workbook([row]), system).ok
    assert Grant.objects.get(role="reader").place == "990100"
    assert Grant.objects.get(role="reader").valid_from == date(2025, 7, 1)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, ".xls"),
        (b"hello", "不是 .xlsx"),
        (b"", "不是 .xlsx"),
        (b"\0" * (5 * 1024 * 1024 + 1), "超过上限"),
    ],
)
def test_what_is_no_workbook_is_refused_with_what_to_do(system: Account, data: bytes, says: str) -> None:
    (error,) = import_accounts_xlsx(data, system).errors
    assert error.sheet == "文件"
    assert says in error.problem


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda book: book.remove(book["_版本"]), "不是当前的账号导入模板"),
        (lambda book: book.remove(book["单位"]), "缺少这张表"),
        (lambda book: book["账号"].delete_cols(2), "表头应为"),
        (lambda book: book["账号"].cell(MOST_ROWS + 2, 1, "x"), "超过"),
    ],
)
def test_a_workbook_of_another_form_is_refused(system: Account, change: Callable[[Any], None], says: str) -> None:
    report = import_accounts_xlsx(workbook([ACCOUNT], change=change), system)
    assert says in report.errors[0].problem


def test_an_empty_template_is_refused(system: Account) -> None:
    assert "没有填写" in import_accounts_xlsx(accounts_template(), system).errors[0].problem


def test_who_may_create_but_not_grant_imports_accounts_whose_roles_wait_to_be_granted(
    system: Account, pack: None
) -> None:
    admin = create_account("admin", "管理员", actor=system).account
    grant(admin, "system_admin", actor=system)
    report = import_accounts_xlsx(workbook([ACCOUNT], [ORGANISATION]), admin)
    assert report.ok, report.errors
    assert not Grant.objects.filter(account__username="zhangsan").exists()
    (asked,) = GrantRequest.objects.all()
    assert (asked.account.username, asked.role, asked.place) == ("zhangsan", "city_officer", "990100")


def test_who_may_not_create_accounts_may_not_import(system: Account, pack: None) -> None:
    security = create_account("security", "安全员", actor=system).account
    grant(security, "security_admin", actor=system)
    with pytest.raises(Denied):
        import_accounts_xlsx(workbook([ACCOUNT]), security)


def test_the_template_marks_what_is_required_and_offers_the_roles_that_can_be_given() -> None:
    book = load_workbook(io.BytesIO(accounts_template()))
    assert book.sheetnames == ["单位", "账号", "_版本"]
    assert book["_版本"].sheet_state == "hidden"
    assert [cell.value for cell in book["账号"][1]][:3] == ["用户名*", "姓名*", "单位统一社会信用代码"]
    assert book["单位"]["A2"].number_format == "@"
    choices = {str(choice.sqref): choice.formula1 for choice in book["账号"].data_validations.dataValidation}
    assert "市科技局" in choices[f"E2:E{MOST_ROWS + 1}"]
    assert "运维" not in choices[f"E2:E{MOST_ROWS + 1}"]
    # Excel refuses a list of more than 255 characters.
    assert all(len(formula) <= 257 for formula in choices.values())
