"""Requests about one's own personal data, names masked and shown for a reason, the register of processing."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client

from packs import PACKS
from rongtong import clock
from rongtong.apps.cases.models import Case, Participant
from rongtong.apps.packs.actions import load
from rongtong.apps.packs.dictionary_words import PERSONAL
from rongtong.apps.records.actions import act
from rongtong.apps.records.models import Leaf, Payload
from rongtong.apps.records.queries import verify
from rongtong.apps.registry import handover, masking, processing
from rongtong.apps.registry.actions import (
    RegistryError,
    create_account,
    grant,
    register_organisation,
    reset_password,
    revoke,
)
from rongtong.apps.registry.models import Account
from rongtong.apps.registry.requests import reactivate

UNIT = "123399990000000357"
In = Callable[[str], Client]


@pytest.fixture
def people(system: Account, sample: Path) -> dict[str, Account]:
    (sample / "processes").mkdir()
    shutil.copy(PACKS / "china" / "processes" / "personal_request.yaml", sample / "processes")
    load([sample], system)
    register_organisation(UNIT, "样例研究院", "institute", "990100", actor=system)
    held = {
        "zhang": ("city_officer", "990100"),
        "li": ("city_officer", "990100"),
        "sheng": ("provincial_officer", ""),
        "qian": ("approver", ""),
        "shi-qian": ("approver", "990100"),
        "xitong": ("system_admin", ""),
        "anquan": ("security_admin", ""),
        "wu": ("", ""),
    }
    found = {}
    for username, (role, place) in held.items():
        found[username] = create_account(username, f"张三{username}", actor=system, position="科员").account
        if role:
            grant(found[username], role, place, actor=system)
        # The first password is changed already.
        Account.objects.filter(username=username).update(password_is_initial=False)
    return found


@pytest.fixture
def logged(people: dict[str, Account]) -> In:
    """A browser in which this account is logged in."""

    def browser(username: str) -> Client:
        client = Client(HTTP_HOST="localhost")
        client.force_login(Account.objects.get(username=username))
        return client

    return browser


def ask(client: Client, **form: str) -> Case:
    response = client.post("/account/requests", {"reason": "职务已经变动", **form})
    assert response.status_code == 302, re.findall(r'class="error[^<]*<[^<]*', response.content.decode())
    return Case.objects.get(pk=int(response.headers["Location"].rsplit("/", 1)[1]))


def move(client: Client, case: Case, transition: str, **form: str) -> int:
    case.refresh_from_db()
    form |= {"transition": transition, "seen": str(case.events)}
    return client.post(f"/cases/{case.pk}/move", form).status_code


def fresh(username: str) -> Account:
    return Account.objects.get(username=username)


pytestmark = pytest.mark.django_db


def test_a_correction_waits_with_a_deadline_and_is_made_when_it_is_granted(logged: In) -> None:
    case = ask(logged("zhang"), matter="correct", name="张四", organisation=UNIT)
    assert (case.stage, case.place) == ("asked", "990000")
    assert case.due is not None
    assert case.due > clock.today() + timedelta(days=14)
    assert f"/cases/{case.pk}" in logged("qian").get("/work").content.decode()
    assert fresh("zhang").name == "张三zhang"

    assert move(logged("qian"), case, "carry_out") == 302
    changed = fresh("zhang")
    assert changed.organisation is not None
    assert (changed.name, changed.position, changed.organisation.uscc) == ("张四", "科员", UNIT)
    assert not verify()


@pytest.mark.parametrize("username", ["anquan", "wu"])
def test_whoever_has_an_account_may_ask_whatever_the_role(logged: In, username: str) -> None:
    case = ask(logged(username), matter="correct", position="处长")
    assert "处长" in logged(username).get(f"/cases/{case.pk}").content.decode()
    assert move(logged(username), case, "withdraw") == 302


@pytest.mark.parametrize("username", ["li", "sheng", "shi-qian", "xitong", "anquan", "wu"])
def test_nobody_but_the_person_and_who_decides_sees_a_request(logged: In, username: str) -> None:
    case = ask(logged("zhang"), matter="correct", position="处长")
    client = logged(username)
    assert client.get(f"/cases/{case.pk}").status_code == 404
    assert client.get(f"/api/cases/{case.pk}").status_code == 404
    assert move(client, case, "carry_out") == 404
    move(logged("qian"), case, "carry_out")
    assert client.get(f"/cases/{case.pk}").status_code == 404


def test_nobody_decides_about_a_request_of_their_own(logged: In) -> None:
    case = ask(logged("qian"), matter="correct", position="处长")
    response = logged("qian").post(f"/cases/{case.pk}/move", {"transition": "carry_out", "seen": "1"})
    assert response.status_code == 422
    assert "职责分离" in response.content.decode()
    assert fresh("qian").position == "科员"


def test_a_refusal_says_why_and_changes_nothing(logged: In) -> None:
    case = ask(logged("zhang"), matter="correct", position="厅长")
    assert move(logged("qian"), case, "refuse") == 422
    assert move(logged("qian"), case, "refuse", why="任免文件里没有这一任命") == 302
    assert "任免文件里没有这一任命" in logged("zhang").get(f"/cases/{case.pk}").content.decode()
    assert "不予办理" in logged("zhang").get("/account/requests").content.decode()
    assert fresh("zhang").position == "科员"


def test_an_account_with_roles_or_open_cases_is_not_erased(people: dict[str, Account], logged: In) -> None:
    case = ask(logged("zhang"), matter="erase")
    assert move(logged("qian"), case, "carry_out") == 422
    assert fresh("zhang").is_active

    other = ask(logged("li"), matter="correct", position="处长")
    Participant.objects.create(case=other, role="x", account=people["zhang"])
    fresh("zhang").grants.all().delete()
    assert move(logged("qian"), case, "carry_out") == 422
    move(logged("qian"), other, "carry_out")
    assert move(logged("qian"), case, "carry_out") == 302


def test_erasing_puts_a_pseudonym_in_a_log_that_still_verifies(
    people: dict[str, Account], system: Account, logged: In
) -> None:
    move(logged("qian"), ask(logged("zhang"), matter="correct", name="张四维"), "carry_out")
    browser = logged("zhang")
    case = ask(browser, matter="erase")
    assert people["zhang"].visits.exists()
    revoke(people["zhang"].grants.get(), actor=system)
    assert move(logged("qian"), case, "carry_out") == 302

    gone = Account.objects.get(pk=people["zhang"].pk)
    pseudonym = f"erased-{gone.pk}"
    assert (gone.username, gone.has_usable_password()) == (pseudonym, False)
    assert (gone.name, gone.position, gone.organisation, gone.is_active) == ("已注销", "", None, False)
    assert not gone.visits.exists()
    assert browser.get("/account").status_code == 302
    kept = "".join(Leaf.objects.values_list("payload__text", flat=True))
    assert "张三zhang" not in kept
    assert "张四维" not in kept
    assert "张三li" in kept
    assert not Leaf.objects.filter(actor="zhang").exists()
    assert not Leaf.objects.filter(subject="account:zhang").exists()
    assert Leaf.objects.filter(actor=pseudonym, kind="cases.personal_request.open").count() == 2
    (said,) = Leaf.objects.filter(kind="records.erase_person").select_related("payload")
    assert (said.actor, said.subject) == ("system", f"account:{pseudonym}")
    assert json.loads(said.payload.text)["first_format"] == 0
    case.refresh_from_db()
    assert (case.key, case.title) == (f"{pseudonym}/2", f"删除个人信息：{pseudonym}")
    assert not verify()
    assert "已注销" in logged("qian").get(f"/cases/{case.pk}").content.decode()


def test_an_address_in_the_log_is_erased_only_when_it_is_old_enough(
    people: dict[str, Account], logged: In, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, zhang = clock.now(), people["zhang"]
    for days, address in ((401, "192.0.2.1"), (399, "192.0.2.2")):
        monkeypatch.setattr(clock, "now", lambda days=days: now - timedelta(days=days))
        with act("registry.login", actor=zhang, subject="account:zhang") as this:
            this.payload["address"] = address
    monkeypatch.setattr(clock, "now", lambda: now)
    zhang.grants.all().delete()
    assert move(logged("qian"), ask(logged("zhang"), matter="erase"), "carry_out") == 302
    kept = "".join(Leaf.objects.values_list("payload__text", flat=True))
    assert "192.0.2.1" not in kept
    assert "192.0.2.2" in kept


def test_what_others_wrote_about_the_person_stays_without_the_person(people: dict[str, Account], logged: In) -> None:
    case = ask(logged("li"), matter="correct", position="处长", reason="张远舟调走，zhang 的事归我")
    other = create_account("zhang.san", "别人", actor=Account.objects.get(username="system")).account
    with act("registry.login", actor=other, subject="account:zhang.san") as this:
        this.payload["note"] = "zhang.san"
    Account.objects.filter(username__in=["zhang", "wu"]).update(name="张远舟")
    erased(people["zhang"], logged)
    text = logged("qian").get(f"/cases/{case.pk}").content.decode()
    # The name is somebody else's as well: in what others wrote nobody can tell whose it is.
    assert f"张远舟调走，erased-{people['zhang'].pk} 的事归我" in text
    assert Leaf.objects.filter(actor="zhang.san", payload__text__contains="zhang.san").exists()
    assert not verify()

    Account.objects.filter(pk=people["wu"].pk).update(name="吴")
    erased(people["wu"], logged)
    assert not verify()


def erased(account: Account, logged: In) -> None:
    account.grants.all().delete()
    assert move(logged("qian"), ask(logged(account.username), matter="erase"), "carry_out") == 302


@pytest.mark.parametrize("change", ["text", "gone"])
def test_what_is_left_of_a_payload_is_bound_by_the_leaf_of_the_erasure(
    people: dict[str, Account], logged: In, change: str
) -> None:
    case = ask(logged("li"), matter="correct", position="处长", reason="zhang 的事归我")
    leaf = Leaf.objects.get(kind="cases.personal_request.open", subject=f"case:{case.pk}")
    erased(people["zhang"], logged)
    rows = Payload.objects.filter(leaf=leaf)
    assert rows.get().erased_at is not None
    assert rows.get().erased_why.startswith("个人信息删除申请")
    rows.update(text=rows.get().text.replace("归我", "归他")) if change == "text" else rows.update(text="", salt="")
    assert [(each.code, each.sequence) for each in verify()] == [("left_changed", leaf.pk)]


def test_a_leaf_of_somebody_else_cannot_be_given_to_an_erased_person(people: dict[str, Account], logged: In) -> None:
    erased(people["zhang"], logged)
    other = Leaf.objects.filter(actor="li").first() or Leaf.objects.filter(actor="qian").first()
    assert other is not None
    Leaf.objects.filter(pk=other.pk).update(actor=f"erased-{people['zhang'].pk}", actor_salt="")
    assert [(each.code, each.sequence) for each in verify()] == [("erased_without_record", other.pk)]


def test_nobody_gets_into_the_account_of_an_erased_person_again(
    people: dict[str, Account], system: Account, logged: In
) -> None:
    erased(people["zhang"], logged)
    gone = Account.objects.get(pk=people["zhang"].pk)
    with pytest.raises(RegistryError, match="已注销的账号"):
        reactivate(gone, actor=system, why="回来上班了")
    with pytest.raises(RegistryError, match="已注销的账号"):
        reset_password(gone, actor=system)


def test_a_pseudonym_is_no_username_for_anybody(system: Account) -> None:
    with pytest.raises(RegistryError, match="已注销的账号"):
        create_account("erased-7", "某人", actor=system)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"matter": "correct"}, "没有写要改的内容"),
        ({"matter": "correct", "position": "科员"}, "与现在登记的一样"),
        ({"matter": "correct", "organisation": "91339999000000019C"}, "没有登记统一社会信用代码"),
        ({"matter": "correct", "position": "处长", "reason": "改"}, "至少 4 个字"),
        ({"matter": "else"}, "应为所列的选项之一"),
        ({"reason": "没有事项"}, "请填写“申请事项”"),
    ],
)
def test_a_request_that_cannot_be_is_refused_in_words_and_keeps_what_was_typed(
    logged: In, form: dict[str, str], said: str
) -> None:
    response = logged("zhang").post("/account/requests", {"reason": "职务已经变动", **form})
    text = response.content.decode()
    assert response.status_code == 422
    assert said in text
    assert form.get("reason", "职务已经变动") in text
    assert not Case.objects.exists()


def test_one_request_at_a_time(logged: In) -> None:
    case = ask(logged("zhang"), matter="correct", position="处长")
    # Past midnight in Beijing and not in Greenwich.
    Case.objects.filter(pk=case.pk).update(opened_at=datetime(2025, 7, 14, 16, 30, tzinfo=UTC))
    again = logged("zhang").post("/account/requests", {"matter": "correct", "position": "厅长", "reason": "又变动了"})
    assert "您 2025-07-15 的申请还在办理" in again.content.decode()
    move(logged("zhang"), case, "withdraw")
    assert ask(logged("zhang"), matter="correct", position="厅长").key == "zhang/2"


def test_a_request_stays_with_the_person_when_the_work_is_handed_over(people: dict[str, Account], logged: In) -> None:
    case = ask(logged("zhang"), matter="erase")
    handover.hand_over(people["zhang"], people["li"], clock.today(), actor=people["anquan"], why="调任省厅")
    assert [p.account_id for p in case.participants.all()] == [people["zhang"].pk]
    assert logged("li").get(f"/cases/{case.pk}").status_code == 404


@pytest.mark.parametrize(
    ("name", "shown"), [("王明", "王*"), ("欧阳小明", "欧***"), ("王", "*"), ("", ""), (" 王明 ", "王*")]
)
def test_a_name_is_masked_but_for_its_first_character(name: str, shown: str) -> None:
    assert masking.mask(name) == shown


@pytest.mark.parametrize("address", ["/accounts/", "/accounts/of/zhang", "/accounts/handover"])
def test_pages_of_administration_mask_names(logged: In, address: str) -> None:
    text = logged("anquan").get(address).content.decode()
    assert "张" + "*" * 6 in text
    assert "张三zhang" not in text


def test_a_name_is_shown_for_a_real_reason_which_is_logged(logged: In) -> None:
    client = logged("anquan")
    refused = client.post("/accounts/of/zhang/reveal", {"why": "核实无误"})
    assert refused.status_code == 422
    assert "张三zhang" not in refused.content.decode()

    response = client.post("/accounts/of/zhang/reveal", {"why": "核对交接人的身份"})
    assert "张三zhang" in response.content.decode()
    leaf = Leaf.objects.select_related("payload").get(kind="registry.reveal")
    assert (leaf.actor, leaf.subject) == ("anquan", "account:zhang")
    assert json.loads(leaf.payload.text) == {"why": "核对交接人的身份"}


@pytest.mark.parametrize("username", ["zhang", "sheng", "qian"])
def test_who_administers_nothing_sees_neither_names_nor_the_register(logged: In, username: str) -> None:
    client = logged(username)
    assert client.post("/accounts/of/li/reveal", {"why": "核对交接人的身份"}).status_code == 403
    assert client.post("/accounts/of/nobody/reveal", {"why": "核对交接人的身份"}).status_code == 403
    assert client.get("/privacy/register").status_code == 403
    assert client.get("/privacy/register.csv").status_code == 403


def test_the_register_names_every_personal_column_of_the_dictionary_once() -> None:
    named = [column for one in processing.ACTIVITIES for column in one.columns]
    assert sorted(named) == sorted(PERSONAL)


def test_the_register_counts_what_there_is_and_what_is_late(logged: In) -> None:
    case = ask(logged("zhang"), matter="correct", position="处长")
    Case.objects.filter(pk=case.pk).update(due=clock.today() - timedelta(days=1))
    assert processing.requests() == processing.Requests(open=1, late=1, done=0, refused=0)
    client = logged("anquan")
    assert "账号与授权" in client.get("/privacy/register").content.decode()
    text = client.get("/privacy/register.csv").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["处理活动"] for row in rows] == [one.name for one in processing.ACTIVITIES]
    assert rows[0]["现有条数"] == str(Account.objects.count())
