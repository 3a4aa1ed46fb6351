"""What is written about accounts fits its columns, or is refused in words: PostgreSQL would fail, SQLite keep it."""

from __future__ import annotations

import pytest
from django.test import Client

from rongtong.apps.records.models import Leaf
from rongtong.apps.registry.actions import RegistryError, create_account, grant, register_organisation
from rongtong.apps.registry.importing import _account_errors
from rongtong.apps.registry.models import Account
from rongtong.apps.registry.sheets import ACCOUNTS, SHEETS, Row

pytestmark = pytest.mark.django_db
USCC = "91350100M000100Y43"


def test_a_name_and_a_position_longer_than_their_columns_make_no_account(system: Account) -> None:
    with pytest.raises(RegistryError, match="姓名有 101 个字，最多 100 个"):
        create_account("zhang", "张" * 101, actor=system)
    with pytest.raises(RegistryError, match="职务有 101 个字，最多 100 个"):
        create_account("zhang", "张三", position="长" * 101, actor=system)
    assert not Account.objects.filter(username="zhang").exists()


def test_a_place_longer_than_a_code_is_not_granted(system: Account) -> None:
    account = create_account("zhang", "张三", actor=system).account
    with pytest.raises(RegistryError, match="地区代码有 33 个字，最多 32 个"):
        grant(account, "reader", "9" * 33, actor=system)


def test_an_organisation_s_name_fits_its_column(system: Account) -> None:
    with pytest.raises(RegistryError, match="单位名称有 201 个字，最多 200 个"):
        register_organisation(USCC, "长" * 201, "enterprise", "990100", actor=system)


def test_a_workbook_of_accounts_names_the_cell_that_is_too_long(system: Account) -> None:
    cells = {column.heading: "" for column in SHEETS[ACCOUNTS]}
    row = Row(ACCOUNTS, 2, cells | {"用户名": "zhang", "姓名": "张" * 101, "职务": "长" * 101, "角色": "只读"})
    found = {error.cell: error.problem for error in _account_errors(row, {}, lambda place: True)}
    assert "姓名有 101 个字" in found["B2"]
    assert "职务有 101 个字" in found["D2"]


def test_a_refusal_about_a_place_that_is_no_code_is_written_down_without_it(system: Account, pack: None) -> None:
    account = create_account("zhang", "张三", actor=system, demo=True).account
    client = Client(HTTP_HOST="localhost")
    client.force_login(account)
    with pytest.MonkeyPatch.context() as patch:
        from rongtong.apps.registry import access, views_account

        patch.setattr(
            views_account, "_account", lambda request, *a, **k: access.require(account, "papers.make", "9" * 5000)
        )
        assert client.get("/account").status_code == 403
    assert Leaf.objects.get(kind="registry.denied").place == ""
