"""Accounts, grants and organisations change only by actions, each with its leaf and without any password in it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.db import IntegrityError, transaction

from rongtong import clock
from rongtong.apps.records.models import Leaf, Payload
from rongtong.apps.records.queries import head, verify
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.actions import (
    RegistryError,
    create_account,
    deactivate,
    grant,
    register_organisation,
    reset_password,
    revoke,
    set_password,
    system_account,
)
from rongtong.apps.registry.models import Account, Grant, GrantRequest, Organisation, Person
from rongtong.apps.registry.queries import accounts
from rongtong.apps.registry.requests import accept, reactivate

CODE = "91339999000000019C"


def someone(system: Account, username: str = "someone") -> Account:
    return create_account(username, "某人", actor=system).account


def test_system_is_made_once_has_a_leaf_and_cannot_log_in(db: None) -> None:
    first, second = system_account(), system_account()
    assert first == second
    assert [leaf.subject for leaf in Leaf.objects.all()] == ["account:system"]
    assert not first.has_usable_password()
    with pytest.raises(RegistryError, match="不设密码"):
        set_password(first, "correct horse battery", actor=first)


def test_a_new_account_has_a_random_password_that_works_and_must_be_changed(system: Account) -> None:
    new = create_account(" SomeOne ", "某人", actor=system, position="处长")
    assert new.account.username == "someone"
    assert authenticate(username="someone", password=new.password) == new.account
    assert new.account.password_is_initial
    assert len(new.password) == 16
    assert new.password != create_account("other", "他人", actor=system).password
    assert new.password not in repr(new)


def test_no_leaf_and_no_payload_holds_a_password_or_its_hash(system: Account) -> None:
    new = create_account("someone", "某人", actor=system)
    set_password(new.account, "correct horse battery", actor=new.account)
    again = reset_password(new.account, actor=system)
    new.account.refresh_from_db()
    everything = "".join(Leaf.objects.values_list("body", flat=True))
    everything += "".join(Payload.objects.values_list("text", flat=True))
    for secret in (new.password, again.password, "correct horse battery", new.account.password):
        assert secret not in everything
    assert "某人" in everything  # in a payload, from where it can be erased
    assert "某人" not in "".join(Leaf.objects.values_list("body", flat=True))


@pytest.mark.parametrize("username", ["", "a", "张三", "-dash", "has space", "x" * 65, "SYSTEM", "<script>"])
def test_usernames_that_cannot_be_used_are_refused(system: Account, username: str) -> None:
    with pytest.raises(RegistryError, match="用户名"):
        create_account(username, "某人", actor=system)


def test_an_account_without_a_name_is_refused(system: Account) -> None:
    with pytest.raises(RegistryError, match="姓名为空"):
        create_account("someone", "  ", actor=system)


def test_who_may_not_create_is_told_so_and_not_which_usernames_exist(system: Account) -> None:
    reader = someone(system)
    with pytest.raises(Denied):
        create_account("someone", "同名", actor=reader)


def test_a_changed_own_password_is_no_longer_initial_and_the_old_one_is_dead(system: Account) -> None:
    new = create_account("someone", "某人", actor=system)
    set_password(new.account, "correct horse battery", actor=new.account)
    assert not Account.objects.get(username="someone").password_is_initial
    assert authenticate(username="someone", password=new.password) is None
    assert authenticate(username="someone", password="correct horse battery") == new.account


@pytest.mark.parametrize("password", ["short", "Qx7", "password1234"])
def test_weak_passwords_are_refused(system: Account, password: str) -> None:
    account = someone(system)
    with pytest.raises(RegistryError, match="密码不合要求"):
        set_password(account, password, actor=account)


def test_nobody_sets_the_password_of_another_without_being_security_administrator(system: Account) -> None:
    victim, other, security = someone(system), someone(system, "other"), someone(system, "security")
    with pytest.raises(Denied):
        set_password(victim, "correct horse battery", actor=other)
    grant(security, "security_admin", actor=system)
    set_password(victim, "correct horse battery", actor=security)
    assert Account.objects.get(username="someone").password_is_initial


@pytest.mark.parametrize("second", ["system_admin", "audit_admin"])
def test_nobody_becomes_a_second_of_the_three_administrators(system: Account, second: str) -> None:
    account = someone(system)
    given = grant(account, "security_admin", actor=system)
    with pytest.raises(RegistryError, match="已是安全管理员"):
        grant(account, second, actor=system)
    revoke(given, actor=system)
    grant(account, second, actor=system)


@pytest.mark.parametrize(
    "row",
    [
        {"role": "audit_admin", "trio": True},
        {"role": "audit_admin", "trio": False},
        {"role": "audit_admin", "trio": True, "place": "990000"},
        {"role": "editor", "trio": True},
        {"role": "superuser", "trio": False},
    ],
)
def test_the_database_itself_refuses_what_would_evade_the_three_administrators(
    system: Account, row: dict[str, object]
) -> None:
    account = someone(system)
    grant(account, "security_admin", actor=system)
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.create(
            account=account,
            role=row["role"],
            place=row.get("place", ""),
            trio_account=account if row["trio"] else None,
        )


def test_the_database_refuses_an_administrator_noted_under_another_account(system: Account) -> None:
    account, straw = someone(system), someone(system, "straw")
    grant(account, "security_admin", actor=system)
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.create(account=account, role="audit_admin", trio_account=straw)


def test_grants_that_make_no_sense_are_refused_with_the_reason(system: Account) -> None:
    account = someone(system)
    for role, place, says in (
        ("superuser", "", "不认识"),
        ("operator", "", "只属于 system"),
        ("audit_admin", "990100", "不能限定地区"),
    ):
        with pytest.raises(RegistryError, match=says):
            grant(account, role, place, actor=system)
    grant(account, "editor", "990100", actor=system)
    with pytest.raises(RegistryError, match="已有"):
        grant(account, "editor", "990100", actor=system)
    grant(account, "editor", "990200", actor=system)


def test_nobody_grants_anything_to_oneself(system: Account) -> None:
    security = someone(system)
    grant(security, "security_admin", actor=system)
    with pytest.raises(RegistryError, match="不能给本人授权"):
        grant(security, "provincial_officer", actor=security)


def test_revoking_twice_and_revoking_system_are_refused(system: Account) -> None:
    given = grant(someone(system), "editor", actor=system)
    revoke(given, actor=system)
    with pytest.raises(RegistryError, match="已被收回"):
        revoke(Grant(pk=10**6, account=someone(system, "other"), role="editor"), actor=system)
    with pytest.raises(RegistryError, match="system"):
        revoke(system.grants.get(), actor=system)


def test_a_stopped_account_cannot_log_in_and_neither_oneself_nor_system_can_be_stopped(system: Account) -> None:
    new = create_account("someone", "某人", actor=system)
    with pytest.raises(RegistryError, match="理由"):
        deactivate(new.account, why=" ", actor=system)
    deactivate(new.account, why="离职", actor=system)
    assert authenticate(username="someone", password=new.password) is None
    with pytest.raises(RegistryError, match="不能停用"):
        deactivate(system, why="试", actor=system)


def test_a_stopped_account_comes_back_and_its_roles_wait_to_be_granted(system: Account) -> None:
    new = create_account("someone", "某人", actor=system)
    administrator = someone(system, "administrator")
    grant(administrator, "system_admin", actor=system)
    grant(new.account, "editor", "990100", actor=system)
    grant(new.account, "reader", "990100", actor=system, valid_to=clock.today() - timedelta(days=1))
    with pytest.raises(RegistryError, match="没有停用"):
        reactivate(new.account, why="误停", actor=administrator)
    deactivate(new.account, why="离职", actor=system)
    with pytest.raises(RegistryError, match="理由"):
        reactivate(new.account, why=" ", actor=administrator)
    assert reactivate(new.account, why="误停", actor=administrator) == 1
    assert authenticate(username="someone", password=new.password) == new.account
    assert not new.account.grants.exists()
    asked = GrantRequest.objects.get(account=new.account)
    assert (asked.role, asked.place, asked.asked_by) == ("editor", "990100", administrator)
    leaf = Leaf.objects.get(kind="registry.reactivate")
    assert (leaf.actor, leaf.subject) == ("administrator", "account:someone")
    assert "误停" in leaf.payload.text
    assert "误停" not in leaf.body
    accept(asked, actor=system)
    assert new.account.grants.get().role == "editor"


def test_only_a_system_administrator_brings_an_account_back(system: Account) -> None:
    stopped, security = someone(system), someone(system, "security")
    grant(security, "security_admin", actor=system)
    deactivate(stopped, why="离职", actor=security)
    with pytest.raises(Denied):
        reactivate(stopped, why="误停", actor=security)
    stopped.refresh_from_db()
    assert not stopped.is_active


def test_an_organisation_is_registered_once_by_its_normalised_code(system: Account) -> None:
    made = register_organisation(" 91339999 000000019c", " 样例公司 ", "enterprise", "990101", actor=system)
    assert (made.uscc, made.name) == (CODE, "样例公司")
    with pytest.raises(RegistryError, match="已登记为“样例公司”"):
        register_organisation(CODE, "另一家", "enterprise", "990101", actor=system)


@pytest.mark.parametrize(
    ("uscc", "name", "kind", "place", "says"),
    [
        ("913399990000000190", "样例", "enterprise", "990101", "校验位不符"),
        (CODE, "", "enterprise", "990101", "名称为空"),
        (CODE, "样例", "firm", "990101", "类别“firm”不认识"),
        (CODE, "样例", "enterprise", "", "地区代码为空"),
    ],
)
def test_wrong_organisations_are_refused(
    system: Account, uscc: str, name: str, kind: str, place: str, says: str
) -> None:
    with pytest.raises(RegistryError, match=says):
        register_organisation(uscc, name, kind, place, actor=system)
    assert not Organisation.objects.exists()


def test_login_subjects_and_orcids_are_unique_where_given(db: None) -> None:
    for _ in range(2):
        Person.objects.create(name="某人")
    Person.objects.create(name="某人", sso_subject="s-1", orcid="0000-0002-1825-0097")
    for again in ({"sso_subject": "s-1"}, {"orcid": "0000-0002-1825-0097"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Person.objects.create(name="他人", **again)


def test_every_write_left_one_leaf_and_the_log_is_whole(system: Account) -> None:
    account = someone(system)
    given = grant(account, "editor", "990100", actor=system)
    revoke(given, actor=system)
    deactivate(account, why="离职", actor=system)
    kinds = list(Leaf.objects.order_by("sequence").values_list("kind", flat=True))
    assert kinds == [
        f"registry.{verb}" for verb in ("create_account", "create_account", "grant", "revoke", "deactivate")
    ]
    assert verify(str(head())) == []


def test_the_list_shows_roles_in_chinese_and_where(system: Account) -> None:
    account = someone(system)
    grant(account, "city_officer", "990100", actor=system)
    grant(account, "editor", actor=system)
    (listed,) = [each for each in accounts() if each.username == "someone"]
    assert listed.grants == (("市科技局", "990100"), ("材料编辑", ""))
