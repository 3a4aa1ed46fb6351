"""The audit pages: for audit administrators alone, found by what happened, paged by sequence, never changed."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import get_resolver

from rongtong import clock
from rongtong.apps.records import leaves
from rongtong.apps.records.actions import act, erase_payload
from rongtong.apps.records.kinds import kind_words
from rongtong.apps.records.models import Leaf, Payload
from rongtong.apps.records.queries import head, verify
from rongtong.apps.registry.actions import create_account, grant, set_password, system_account
from rongtong.apps.registry.models import Account
from rongtong.apps.registry.roles import EVERYONE, ROLES, TRIO

PASSWORD = "correct horse battery"


@pytest.fixture
def system(db: None) -> Account:
    return system_account()


def browser(system: Account, username: str, role: str) -> Client:
    account = create_account(username, f"姓名{username}", actor=system).account
    set_password(account, PASSWORD, actor=account)
    grant(account, role, actor=system)
    client = Client(HTTP_HOST="localhost")
    client.post("/login", {"username": username, "password": PASSWORD})
    return client


@pytest.fixture
def auditor(system: Account) -> Client:
    return browser(system, "shenji", "audit_admin")


def sequences(text: str) -> list[int]:
    return [int(n) for n in re.findall(r'href="/audit/(\d+)"', text)]


@pytest.mark.parametrize("role", ["system_admin", "security_admin", "provincial_officer", "reader"])
def test_nobody_but_an_audit_administrator_sees_the_log(system: Account, role: str) -> None:
    client = browser(system, "someone", role)
    for address in ("/audit/", "/audit/1", "/audit/export.csv"):
        assert client.get(address).status_code == 403
    assert client.post("/audit/verify").status_code == 403


def test_the_newest_comes_first_and_pages_go_on_by_sequence(system: Account, auditor: Client) -> None:
    for number in range(120):
        with act("papers.make", actor=system, subject=f"t:{number}"):
            pass
    size = head().size
    first = auditor.get("/audit/").content.decode()
    assert sequences(first) == list(range(size, size - 50, -1))
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older
    second = auditor.get("/audit/" + older[1].replace("&amp;", "&")).content.decode()
    assert sequences(second) == list(range(size - 50, size - 100, -1))
    newer = re.search(r'rel="prev" href="([^"]+)"', second)
    assert newer
    assert sequences(auditor.get("/audit/" + newer[1].replace("&amp;", "&")).content.decode()) == sequences(first)


def test_leaves_are_found_by_day_actor_kind_place_and_subject(system: Account, auditor: Client) -> None:
    with act("papers.make", actor=system, place="990100", subject="brief 2025H1"):
        pass
    made, today = head().size, clock.today()

    def found(query: str) -> list[int]:
        return sequences(auditor.get(f"/audit/?{query}").content.decode())

    assert found("kind=papers") == [made]
    assert found("place=990100") == [made]
    assert found("subject=brief") == [made]
    assert found(f"kind=papers&first={today}&last={today}") == [made]
    assert found(f"first={today + timedelta(days=1)}") == []
    assert found(f"last={today - timedelta(days=1)}") == []
    assert set(found("actor=shenji")) == set(
        Leaf.objects.filter(actor="shenji").order_by("-sequence").values_list("sequence", flat=True)
    )


def test_a_day_that_is_none_is_said_to_be_so(auditor: Client) -> None:
    response = auditor.get("/audit/?first=昨天")
    assert response.status_code == 422
    assert "不是日期" in response.content.decode()


def test_opening_a_payload_is_itself_recorded(system: Account, auditor: Client) -> None:
    with act("papers.make", actor=system) as this:
        this.payload["标题"] = "<b>半年通报</b>"
    target = head().size
    text = auditor.get(f"/audit/{target}").content.decode()
    assert "&lt;b&gt;半年通报&lt;/b&gt;" in text
    leaf = Leaf.objects.latest("sequence")
    assert (leaf.kind, leaf.actor, leaf.subject) == ("records.read_payload", "shenji", f"leaf:{target}")


def test_an_erased_payload_says_why_and_a_leaf_that_is_not_there_is_not_found(system: Account, auditor: Client) -> None:
    with act("papers.make", actor=system) as this:
        this.payload["姓名"] = "张三"
    target = head().size
    erase_payload(target, why="本人申请", actor=system)
    text = auditor.get(f"/audit/{target}").content.decode()
    assert "本人申请" in text
    assert "张三" not in text
    before = head()
    assert auditor.get("/audit/99999").status_code == 404
    assert head() == before


def test_the_log_is_verified_and_a_change_is_found(system: Account, auditor: Client) -> None:
    saved = str(head())
    text = auditor.post("/audit/verify", {"head": saved}).content.decode()
    assert "核验无误" in text
    assert Leaf.objects.latest("sequence").kind == "records.verify"
    Payload.objects.filter(pk=2).update(text='{"changed":true}')
    text = auditor.post("/audit/verify").content.decode()
    assert "发现 1 处不符" in text
    assert "第 2 条的内容" in text


def test_what_is_no_saved_head_is_refused_in_words(auditor: Client) -> None:
    response = auditor.post("/audit/verify", {"head": "abc"})
    assert response.status_code == 422
    assert "不是日志头" in response.content.decode()


def test_the_export_has_the_leaves_without_payloads_and_no_cell_is_a_formula(system: Account, auditor: Client) -> None:
    with act("papers.make", actor=system, subject="=HYPERLINK(1)") as this:
        this.payload["姓名"] = "张三"
    response = auditor.get("/audit/export.csv?kind=papers")
    text = response.content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == list(leaves.HEADINGS)
    assert [row[5] for row in rows[1:]] == ["'=HYPERLINK(1)"]
    assert "张三" not in text
    assert Leaf.objects.latest("sequence").kind == "records.export"
    assert verify(str(head())) == []


def test_no_address_of_the_log_changes_or_deletes_anything(auditor: Client) -> None:
    addresses = {
        str(pattern.pattern)
        for resolver in get_resolver().url_patterns
        for pattern in getattr(resolver, "url_patterns", [])
        if str(pattern.pattern).startswith("audit")
    }
    assert addresses == {"audit/", "audit/verify", "audit/export.csv", "audit/<int:sequence>"}
    for method in ("post", "put", "patch", "delete"):
        for address in ("/audit/", "/audit/1", "/audit/export.csv"):
            assert getattr(auditor, method)(address).status_code == 405


def test_every_kind_that_everybody_or_an_administrator_may_do_has_a_word() -> None:
    kinds = {*EVERYONE, *(kind for role in TRIO for kind in ROLES[role].allows)}
    assert [kind for kind in sorted(kinds) if not kind.endswith(".*") and not kind_words(kind)] == []
    assert kind_words("cases.supervision.reply") == "督办办理"
