"""Importing organisations and accounts from a workbook: all of it or nothing (全部通过才入库)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from rongtong.apps.records.actions import act
from rongtong.apps.registry import access
from rongtong.apps.registry.actions import (
    NewAccount,
    RegistryError,
    create_account,
    grant,
    register_organisation,
    username_problem,
)
from rongtong.apps.registry.models import Account, Organisation
from rongtong.apps.registry.places import loaded_tree
from rongtong.apps.registry.requests import request_grant
from rongtong.apps.registry.roles import OPERATOR, TRIO, role_code
from rongtong.apps.registry.sheets import ACCOUNTS, GRANTABLE, KINDS, ORGANISATIONS, CellError, Row, read_workbook
from rongtong.engine import gb32100
from rongtong.engine.gb2260 import gb2260_level
from rongtong.typed import too_long

IMPORT = "registry.import_accounts"


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did: either every account with its one-time password, or every error and nothing stored."""

    accounts: tuple[NewAccount, ...] = ()
    organisations: tuple[Organisation, ...] = ()
    errors: tuple[CellError, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything was stored."""
        return not self.errors


def import_accounts_xlsx(data: bytes, actor: Account) -> Report:
    """Create the organisations and accounts of a workbook, with their grants, in one transaction.

    Creating and granting are duties of two different administrators: a system administrator's import asks for the roles
    (待授权) and a security administrator grants them; `system` does both.
    Returns a report; with any error in it nothing was stored. Raises Denied when the actor may not import.
    """
    access.require(actor, IMPORT)
    rows, errors = check_accounts_xlsx(data)
    if errors:
        return Report(errors=tuple(errors))
    try:
        return _store(rows, actor)
    except _Refused as refused:
        return Report(errors=(refused.error,))


def check_accounts_xlsx(data: bytes) -> tuple[list[Row], list[CellError]]:
    """The filled rows of a workbook and every error in it; nothing is stored."""
    rows, errors = read_workbook(data)
    return rows, errors or _check(rows)


class _Refused(Exception):
    def __init__(self, error: CellError) -> None:
        super().__init__(str(error))
        self.error = error


def _store(rows: list[Row], actor: Account) -> Report:
    organisations: list[Organisation] = []
    accounts: list[NewAccount] = []
    with act(IMPORT, actor=actor) as this:
        for row in rows:
            heading = "统一社会信用代码" if row.sheet == ORGANISATIONS else "用户名"
            try:
                if row.sheet == ORGANISATIONS:
                    organisations += _store_organisation(row, actor)
                else:
                    accounts.append(_store_account(row, actor))
            except RegistryError as error:
                raise _Refused(row.error(heading, str(error))) from error
        this.payload |= {
            "accounts": [new.account.username for new in accounts],
            "organisations": [organisation.uscc for organisation in organisations],
        }
    return Report(tuple(accounts), tuple(organisations))


def _store_organisation(row: Row, actor: Account) -> list[Organisation]:
    code = gb32100.normalise(row.cells["统一社会信用代码"])
    if Organisation.objects.filter(uscc=code).exists():
        return []  # checked before: it is the same one
    kind = Organisation.Kind.values[KINDS.index(row.cells["单位类别"])]
    return [register_organisation(code, row.cells["单位名称"], kind, row.cells["地区代码"], actor=actor)]


def _store_account(row: Row, actor: Account) -> NewAccount:
    code = gb32100.normalise(row.cells["单位统一社会信用代码"])
    new = create_account(
        row.cells["用户名"],
        row.cells["姓名"],
        actor=actor,
        organisation=Organisation.objects.get(uscc=code) if code else None,
        position=row.cells["职务"],
    )
    give = grant if access.may(actor, "registry.grant") else request_grant
    for role in _roles(row):
        give(
            new.account,
            role_code(role) or role,
            row.cells["地区代码"],
            actor=actor,
            valid_from=_date(row.cells["起始日期"]),
            valid_to=_date(row.cells["截止日期"]),
        )
    return new


def _check(rows: list[Row]) -> list[CellError]:
    """Every error that can be told without storing, so that they are all mended in one round."""
    errors: list[CellError] = []
    known_place = _place_check()
    listed: dict[str, int] = {}
    usernames: dict[str, int] = {}
    for row in rows:
        if row.sheet == ORGANISATIONS:
            errors += _organisation_errors(row, listed, known_place)
    for row in rows:
        if row.sheet == ACCOUNTS:
            errors += _account_errors(row, usernames, known_place)
            errors += _employer_errors(row, listed)
    return errors


def _organisation_errors(row: Row, listed: dict[str, int], known_place: Callable[[str], bool]) -> list[CellError]:
    errors: list[CellError] = []
    code = gb32100.normalise(row.cells["统一社会信用代码"])
    problem = gb32100.check(code)
    if problem is None and code in listed:
        problem = f"与第 {listed[code]} 行重复。请只留一行。"
    if problem:
        errors.append(row.error("统一社会信用代码", problem))
    listed.setdefault(code, row.number)
    existing = Organisation.objects.filter(uscc=code).first()
    if existing and existing.name != row.cells["单位名称"]:
        errors.append(row.error("单位名称", f"该代码已登记为“{existing.name}”。请核对代码，或改为同一名称。"))
    if problem := too_long(Organisation, "name", row.cells["单位名称"], "单位名称"):
        errors.append(row.error("单位名称", problem))
    if row.cells["单位类别"] not in KINDS:
        errors.append(row.error("单位类别", f"不认识。应为：{'、'.join(KINDS)}。"))
    if not known_place(row.cells["地区代码"]):
        errors.append(row.error("地区代码", "不是已知的地区代码。请填行政区划代码。"))
    return errors


def _account_errors(row: Row, usernames: dict[str, int], known_place: Callable[[str], bool]) -> list[CellError]:
    errors: list[CellError] = []
    username = row.cells["用户名"].lower()
    problem = username_problem(username)
    if problem is None and username in usernames:
        problem = f"与第 {usernames[username]} 行重复。多个角色请写在同一行，用顿号分开。"
    if problem is None and Account.objects.filter(username=username).exists():
        problem = "已有同名账号。请换一个用户名，或删去此行。"
    if problem:
        errors.append(row.error("用户名", problem))
    usernames.setdefault(username, row.number)
    for field, heading in (("name", "姓名"), ("position", "职务")):
        if problem := too_long(Account, field, row.cells[heading], heading):
            errors.append(row.error(heading, problem))
    codes = [role_code(role) for role in _roles(row)]
    if None in codes or OPERATOR in codes or not codes:
        errors.append(row.error("角色", f"不认识。应为：{'、'.join(GRANTABLE)}；多个用顿号分开。"))
    if len(set(codes)) < len(codes):
        errors.append(row.error("角色", "同一角色写了两次。请只留一个。"))
    trio = [code for code in codes if code in TRIO]
    if len(set(trio)) > 1:
        errors.append(row.error("角色", "系统、安全、审计三员互斥，一人只能任其一。请分给不同的人。"))
    place = row.cells["地区代码"]
    if place and trio:
        errors.append(row.error("地区代码", "三员管理整个实例，不能限定地区。请留空。"))
    elif place and not known_place(place):
        errors.append(row.error("地区代码", "不是已知的地区代码。请填行政区划代码，或留空表示全域。"))
    return errors + _date_errors(row)


def _date_errors(row: Row) -> list[CellError]:
    days: list[date | None] = []
    for heading in ("起始日期", "截止日期"):
        try:
            days.append(_date(row.cells[heading]))
        except ValueError:
            return [row.error(heading, "不是日期。请写成 2025-07-01 的样子。")]
    if days[0] and days[1] and days[0] > days[1]:
        return [row.error("截止日期", f"早于起始日期 {days[0]}。请改正。")]
    return []


def _employer_errors(row: Row, listed: dict[str, int]) -> list[CellError]:
    code = gb32100.normalise(row.cells["单位统一社会信用代码"])
    if not code:
        return []
    problem = gb32100.check(code)
    if problem is None and code not in listed and not Organisation.objects.filter(uscc=code).exists():
        problem = "未登记，也不在“单位”表中。请在“单位”表中列出。"
    return [row.error("单位统一社会信用代码", problem)] if problem else []


def _place_check() -> Callable[[str], bool]:
    tree = loaded_tree()
    if tree is None:
        return lambda code: gb2260_level(code) is not None
    return lambda code: code in tree.places


def _roles(row: Row) -> list[str]:
    return [role.strip() for role in re.split(r"[、,,;;]", row.cells["角色"]) if role.strip()]


def _date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
