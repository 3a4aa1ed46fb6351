"""The pages of accounts over HTTP: each administrator does its own duty and no other; deputies, hand-over, own data."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from openpyxl import load_workbook
from pytest_django import DjangoAssertNumQueries

from rongtong import clock
from rongtong.apps.records.models import Leaf
from rongtong.apps.records.queries import head, verify
from rongtong.apps.registry import deputies, handover, moment, queries
from rongtong.apps.registry.access import Denied, may
from rongtong.apps.registry.actions import RegistryError, create_account, deactivate, grant, revoke, set_password
from rongtong.apps.registry.models import Account, Grant, GrantRequest
from rongtong.apps.registry.sheets import accounts_template

PASSWORD = "correct horse battery"
TODAY = clock.today()
In = Callable[[str], Client]


def member(system: Account, username: str, role: str = "", place: str = "") -> Account:
    account = create_account(username, f"姓名{username}", actor=system).account
    set_password(account, PASSWORD, actor=account)
    if role:
        grant(account, role, place, actor=system)
    return account


@pytest.fixture
def people(system: Account, pack: None) -> dict[str, Account]:
    return {
        "xitong": member(system, "xitong", "system_admin"),
        "anquan": member(system, "anquan", "security_admin"),
        "shenji": member(system, "shenji", "audit_admin"),
        "shi": member(system, "shi", "city_officer", "990100"),
        "zhang": member(system, "zhang"),
    }


@pytest.fixture
def logged(people: dict[str, Account]) -> In:
    """A browser in which this account is logged in."""

    def browser(username: str) -> Client:
        client = Client(HTTP_HOST="localhost")
        assert client.post("/login", {"username": username, "password": PASSWORD}).status_code == 302
        return client

    return browser


def page(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def change(client: Client, username: str, **form: str) -> Any:
    return client.post(f"/accounts/of/{username}/change", form)


ADDRESSES = ["/accounts/", "/accounts/of/zhang", "/accounts/new", "/accounts/import", "/accounts/handover"]


def test_a_closed_account_is_opened_again_from_its_page(
    people: dict[str, Account], logged: In, system: Account
) -> None:
    deactivate(people["shi"], why="误操作", actor=system)
    security = logged("anquan")
    assert "恢复账号</button>" not in security.get("/accounts/of/shi").content.decode()
    assert security.post("/accounts/of/shi/change", {"do": "reopen", "why": "误停"}).status_code == 403
    administrator = logged("xitong")
    assert "恢复账号</button>" in administrator.get("/accounts/of/shi").content.decode()
    refused = administrator.post("/accounts/of/shi/change", {"do": "reopen", "why": ""})
    assert (refused.status_code, "须写明理由" in refused.content.decode()) == (422, True)
    done = administrator.post("/accounts/of/shi/change", {"do": "reopen", "why": "误停"}, follow=True).content.decode()
    assert "账号已恢复" in done
    assert "待授权：市科技局" in done
    assert not may(Account.objects.get(username="shi"), "observations.fill", "990100")
    asked = GrantRequest.objects.get(account=people["shi"])
    security.post(f"/accounts/asked/{asked.pk}", {"do": "grant"})
    assert may(Account.objects.get(username="shi"), "observations.fill", "990100")


@pytest.mark.parametrize("address", [*ADDRESSES, "/account", "/accounts/template.xlsx"])
def test_without_a_login_every_page_asks_for_one(pack: None, address: str) -> None:
    response = Client(HTTP_HOST="localhost").get(address)
    assert (response.status_code, response.headers["Location"]) == (302, f"/login?next={address}")


@pytest.mark.parametrize(
    ("username", "opens"),
    [
        ("xitong", [True, True, True, True, False]),
        ("anquan", [True, True, False, False, True]),
        ("shenji", [True, True, False, False, False]),
        ("shi", [False, False, False, False, False]),
    ],
)
def test_each_administrator_opens_only_the_pages_of_its_duty(logged: In, username: str, opens: list[bool]) -> None:
    client = logged(username)
    assert [client.get(address).status_code == 200 for address in ADDRESSES] == opens


@pytest.mark.parametrize("username", ["xitong", "shenji", "shi"])
def test_who_is_no_security_administrator_changes_no_grant_and_no_password(logged: In, username: str) -> None:
    client = logged(username)
    for form in ({"do": "grant", "role": "reader"}, {"do": "reset"}, {"do": "unlock"}, {"do": "factor", "why": "x"}):
        assert change(client, "zhang", **form).status_code == 403
    given = Grant.objects.get(account__username="shi")
    assert change(client, "shi", do="revoke", given=str(given.pk)).status_code == 403
    assert Grant.objects.filter(pk=given.pk).exists()


def test_an_account_is_created_by_one_administrator_and_gets_its_role_from_another(
    logged: In, people: dict[str, Account]
) -> None:
    form = {"username": "lisi", "name": "李四", "position": "科员", "role": "county_officer", "place": "990101"}
    made = logged("xitong").post("/accounts/new", form).content.decode()
    password = re.search(r"<code>(\w{16})</code>", made)
    assert password
    lisi = Account.objects.get(username="lisi")
    assert lisi.check_password(password[1])
    assert lisi.password_is_initial
    assert not may(lisi, "observations.fill", "990101")
    (asked,) = GrantRequest.objects.all()
    assert logged("xitong").post(f"/accounts/asked/{asked.pk}", {"do": "accept"}).status_code == 403
    security = logged("anquan")
    assert "待授权 1 项" in page(security, "/accounts/")
    assert security.post(f"/accounts/asked/{asked.pk}", {"do": "accept"}).status_code == 302
    assert may(lisi, "observations.fill", "990101")
    assert not GrantRequest.objects.exists()
    assert verify(str(head())) == []


def test_a_role_asked_for_is_refused_with_a_reason(logged: In) -> None:
    change(logged("xitong"), "zhang", do="ask", role="approver", place="")
    (asked,) = GrantRequest.objects.all()
    security = logged("anquan")
    without = security.post(f"/accounts/asked/{asked.pk}", {"do": "refuse"})
    assert without.status_code == 422
    assert "须写明理由" in without.content.decode()
    security.post(f"/accounts/asked/{asked.pk}", {"do": "refuse", "why": "与职务不符"})
    assert not GrantRequest.objects.exists()
    assert not Grant.objects.filter(account__username="zhang").exists()


def test_a_wrong_form_says_what_is_wrong_and_loses_nothing(logged: In) -> None:
    response = logged("xitong").post("/accounts/new", {"username": "张三", "name": "张三三", "position": "处长"})
    text = response.content.decode()
    assert response.status_code == 422
    assert "2–64 个小写字母" in text
    assert 'value="张三三"' in text
    assert 'value="处长"' in text


def test_the_second_of_the_three_administrators_is_refused_in_words_and_by_the_database(
    logged: In, people: dict[str, Account]
) -> None:
    response = change(logged("anquan"), "xitong", do="grant", role="audit_admin", place="")
    assert response.status_code == 422
    assert "已是系统管理员；三员（系统、安全、审计）一人只能任其一" in response.content.decode()
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.create(account=people["xitong"], role="audit_admin", trio_account=people["xitong"])
    assert "互斥" in page(logged("anquan"), "/accounts/of/xitong")


def test_nobody_grants_anything_to_oneself(logged: In) -> None:
    client = logged("anquan")
    assert change(client, "anquan", do="grant", role="reader").status_code == 422
    assert 'value="grant"' not in page(client, "/accounts/of/anquan")


def test_a_grant_may_begin_and_end_on_days(logged: In, people: dict[str, Account]) -> None:
    first, last = TODAY + timedelta(days=1), TODAY + timedelta(days=9)
    form = {"do": "grant", "role": "editor", "valid_from": first.isoformat(), "valid_to": last.isoformat()}
    assert change(logged("anquan"), "zhang", **form).status_code == 302
    assert not may(people["zhang"], "papers.make")
    text = page(logged("anquan"), "/accounts/of/zhang")
    assert f"{first} 至 {last}" in text
    assert "未生效" in text
    assert change(logged("anquan"), "zhang", do="grant", role="reader", valid_from="昨天").status_code == 422


def test_stopping_resetting_and_revoking_work_from_the_page(logged: In, people: dict[str, Account]) -> None:
    victim = logged("shi")
    security = logged("anquan")
    handed = change(security, "shi", do="reset").content.decode()
    password = re.search(r"<code>(\w{16})</code>", handed)
    assert password
    assert victim.get("/account").status_code == 302
    given = Grant.objects.get(account=people["shi"])
    assert change(security, "shi", do="revoke", given=str(given.pk)).status_code == 302
    assert change(security, "shi", do="stop", why="").status_code == 422
    assert change(security, "shi", do="stop", why="离职").status_code == 302
    assert not Account.objects.get(username="shi").is_active


def test_the_list_is_found_by_words_role_place_and_state(
    logged: In, people: dict[str, Account], system: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    member(system, "xian", "county_officer", "990101")
    member(system, "xian2", "county_officer", "990221")
    client = logged("anquan")

    def listed(query: str) -> set[str]:
        return set(re.findall(r'href="/accounts/of/([^"]+)"', page(client, f"/accounts/?{query}")))

    assert listed("words=姓名xian2") == {"xian2"}
    assert listed("role=county_officer") == {"xian", "xian2"}
    assert listed("place=990100") == {"shi", "xian"}
    assert "shi" in listed("state=stale")  # never logged in
    assert "anquan" not in listed("state=stale")
    later = moment.now() + timedelta(days=91)
    monkeypatch.setattr(queries.moment, "now", lambda: later)
    assert "anquan" in {each.username for each in queries.accounts(queries.Wanted(state="stale"))}


def test_the_list_asks_the_store_as_often_for_many_accounts_as_for_few(
    logged: In, system: Account, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = logged("anquan")
    page(client, "/accounts/")
    for number in range(30):
        member(system, f"many{number}", "county_officer", "990101")
    with django_assert_max_num_queries(20):
        page(client, "/accounts/")


def workbook(*rows: list[str]) -> SimpleUploadedFile:
    book = load_workbook(io.BytesIO(accounts_template()))
    for number, row in enumerate(rows, start=2):
        for column, value in enumerate(row, start=1):
            book["账号"].cell(number, column, value or None)
    out = io.BytesIO()
    book.save(out)
    return SimpleUploadedFile("accounts.xlsx", out.getvalue())


def hidden(text: str) -> str:
    found = re.search(r'name="data" value="([^"]+)"', text)
    assert found
    return found[1]


def test_an_import_is_previewed_then_stored_and_shows_the_passwords_once(logged: In) -> None:
    client = logged("xitong")
    row = ["lisi", "李四", "", "科员", "县科技局", "990101"]
    text = client.post("/accounts/import", {"file": workbook(row)}).content.decode()
    assert "核对后导入：1 个账号" in text
    assert not Account.objects.filter(username="lisi").exists()
    done = client.post("/accounts/import/confirm", {"data": hidden(text)}).content.decode()
    assert "已导入 1 个账号" in done
    assert re.search(r"<code>\w{16}</code>", done)
    assert GrantRequest.objects.get().role == "county_officer"


def test_errors_are_told_at_their_cells_with_a_marked_copy_and_nothing_is_stored(logged: In) -> None:
    client = logged("xitong")
    file = workbook(["lisi", "李四", "", "", "局长", "880000"], ["张三", "张三", "", "", "查看", ""])
    response = client.post("/accounts/import", {"file": file})
    text = response.content.decode()
    assert response.status_code == 422
    assert re.findall(r'<th scope="row">([A-Z]\d)</th>', text) == ["E2", "F2", "A3"]
    marked = client.post("/accounts/import/marked", {"data": hidden(text)})
    book = load_workbook(io.BytesIO(marked.content))
    assert "不认识" in book["账号"]["E2"].comment.text
    assert book["账号"]["E2"].fill.fgColor.rgb.endswith("FFC7CE")
    assert [row[1].value for row in book["问题清单"].iter_rows(min_row=2)] == ["E2", "F2", "A3"]
    assert not Account.objects.filter(username="lisi").exists()


def test_what_is_no_workbook_is_refused_in_words(logged: In) -> None:
    client = logged("xitong")
    for file in (SimpleUploadedFile("a.xlsx", b"no"), SimpleUploadedFile("a.exe", b"MZ")):
        assert client.post("/accounts/import", {"file": file}).status_code == 422
    assert "没有选择文件" in client.post("/accounts/import").content.decode()
    assert client.post("/accounts/import/confirm", {"data": "%%%"}).status_code == 422


def days(first: int, last: int) -> dict[str, str]:
    return {
        "valid_from": (TODAY + timedelta(days=first)).isoformat(),
        "valid_to": (TODAY + timedelta(days=last)).isoformat(),
    }


def delegate(client: Client, own: Grant, username: str = "zhang", first: int = 0, last: int = 6) -> Any:
    return client.post("/account/deputies", {"grant": str(own.pk), "username": username, **days(first, last)})


def test_an_officer_lets_a_deputy_act_and_takes_it_back(logged: In, people: dict[str, Account]) -> None:
    client, zhang = logged("shi"), people["zhang"]
    own = Grant.objects.get(account=people["shi"])
    assert delegate(client, own).status_code == 302
    assert may(zhang, "observations.fill", "990101")
    assert not may(zhang, "observations.fill", "990200")
    given = Grant.objects.get(account=zhang)
    assert (given.delegated_by, given.valid_to) == (people["shi"], TODAY + timedelta(days=6))
    assert "代理 姓名shi" in page(logged("zhang"), "/account")
    assert logged("zhang").post(f"/account/deputies/{given.pk}").status_code == 404
    assert client.post(f"/account/deputies/{given.pk}").status_code == 302
    assert not may(zhang, "observations.fill", "990101")
    kinds = Leaf.objects.filter(subject="account:zhang").values_list("kind", flat=True)
    assert {"registry.delegate", "registry.end_delegation"} <= set(kinds)


@pytest.mark.parametrize(
    ("username", "first", "last", "says"),
    [
        ("zhang", 0, 30, "最长 30 天"),
        ("zhang", 5, 1, "晚于截止日期"),
        ("zhang", -9, -1, "已经过去"),
        ("shi", 0, 1, "本人"),
        ("nobody", 0, 1, "没有可用的账号"),
    ],
)
def test_a_deputyship_that_cannot_be_is_refused_with_the_reason(
    logged: In, people: dict[str, Account], username: str, first: int, last: int, says: str
) -> None:
    response = delegate(logged("shi"), Grant.objects.get(account=people["shi"]), username, first, last)
    assert response.status_code == 422
    assert says in response.content.decode()
    assert not Grant.objects.filter(delegated_by__isnull=False).exists()


def test_neither_administration_nor_a_deputyship_can_be_passed_on(people: dict[str, Account], system: Account) -> None:
    with pytest.raises(RegistryError, match="不能转交"):
        deputies.delegate(Grant.objects.get(account=people["xitong"]), "zhang", TODAY, TODAY, actor=people["xitong"])
    own = Grant.objects.get(account=people["shi"])
    given = deputies.delegate(own, "zhang", TODAY, TODAY, actor=people["shi"])
    with pytest.raises(RegistryError, match="不能转交"):
        deputies.delegate(given, "shi", TODAY, TODAY, actor=people["zhang"])
    with pytest.raises(RegistryError, match="只能把本人"):
        deputies.delegate(own, "xitong", TODAY, TODAY, actor=people["zhang"])


def test_a_deputyship_never_outlasts_what_it_stands_on(people: dict[str, Account], system: Account) -> None:
    own = Grant.objects.get(account=people["shi"])
    Grant.objects.filter(pk=own.pk).update(valid_to=TODAY + timedelta(days=3))
    own.refresh_from_db()
    with pytest.raises(RegistryError, match="代理不能更长"):
        deputies.delegate(own, "zhang", TODAY, TODAY + timedelta(days=4), actor=people["shi"])
    deputies.delegate(own, "zhang", TODAY, TODAY + timedelta(days=3), actor=people["shi"])
    revoke(own, actor=system)
    assert not Grant.objects.filter(account=people["zhang"]).exists()


def test_stopping_an_account_ends_its_deputies(people: dict[str, Account], system: Account) -> None:
    own = Grant.objects.get(account=people["shi"])
    deputies.delegate(own, "zhang", TODAY, TODAY, actor=people["shi"])
    deactivate(people["shi"], why="离职", actor=system)
    assert not Grant.objects.filter(account=people["zhang"]).exists()


def test_the_database_refuses_a_deputyship_without_an_end(people: dict[str, Account]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.create(account=people["zhang"], role="reader", delegated_by=people["shi"], valid_from=TODAY)


def test_an_officer_who_moves_hands_everything_over(logged: In, people: dict[str, Account]) -> None:
    form = {"giver": "shi", "receiver": "zhang", "day": TODAY.isoformat(), "why": "调任", "stop": "1"}
    text = logged("anquan").post("/accounts/handover", form).content.decode()
    assert "交接已办理" in text
    assert may(people["zhang"], "observations.fill", "990101")
    assert not Account.objects.get(username="shi").is_active
    assert not Grant.objects.filter(account=people["shi"]).exists()
    assert Leaf.objects.filter(kind="registry.hand_over", subject="account:shi").exists()


def test_a_hand_over_in_the_future_ends_the_one_grant_the_day_before_the_other_begins(
    people: dict[str, Account],
) -> None:
    day = TODAY + timedelta(days=10)
    done = handover.hand_over(people["shi"], people["zhang"], day, actor=people["anquan"], why="调任")
    assert done.moved == (("市科技局", "990100"),)
    assert Grant.objects.get(account=people["shi"]).valid_to == day - timedelta(days=1)
    assert Grant.objects.get(account=people["zhang"]).valid_from == day
    assert may(people["shi"], "observations.fill", "990101")
    assert not may(people["zhang"], "observations.fill", "990101")


@pytest.mark.parametrize(
    ("giver", "receiver", "more", "says"),
    [
        ("shi", "shi", {}, "同一个账号"),
        ("xitong", "shenji", {}, "三员"),
        ("anquan", "zhang", {}, "本人"),
        ("shi", "nobody", {}, "没有账号"),
        ("shi", "zhang", {"why": ""}, "理由"),
        ("shi", "zhang", {"day": (TODAY - timedelta(days=1)).isoformat()}, "已经过去"),
        ("shi", "zhang", {"day": (TODAY + timedelta(days=1)).isoformat(), "stop": "1"}, "还不能停用"),
    ],
)
def test_a_hand_over_that_cannot_be_is_refused_and_nothing_moves(
    logged: In, giver: str, receiver: str, more: dict[str, str], says: str
) -> None:
    before = list(Grant.objects.values_list("account", "role"))
    form = {"giver": giver, "receiver": receiver, "day": TODAY.isoformat(), "why": "调任", **more}
    response = logged("anquan").post("/accounts/handover", form)
    assert response.status_code == 422
    assert says in response.content.decode()
    assert list(Grant.objects.values_list("account", "role")) == before


def test_handing_over_is_for_security_administrators(people: dict[str, Account]) -> None:
    with pytest.raises(Denied):
        handover.hand_over(people["shi"], people["zhang"], TODAY, actor=people["xitong"], why="x")


def test_everybody_takes_a_copy_of_what_is_stored_about_them_and_of_nobody_else(logged: In) -> None:
    response = logged("shi").get("/account/data.json")
    data = json.loads(response.content)
    assert data["account"]["name"] == "姓名shi"
    assert data["grants"] == [
        {"role": "city_officer", "place": "990100", "valid_from": None, "valid_to": None, "delegated_by": None}
    ]
    assert {record["subject"] for record in data["records"]} == {"account:shi"}
    assert "password" not in response.content.decode().replace("change_own_password", "")
    assert Leaf.objects.latest("sequence").kind == "registry.export_own_data"


def test_everybody_reads_what_personal_data_are_kept_for(pack: None) -> None:
    assert "网络地址" in page(Client(HTTP_HOST="localhost"), "/privacy")
