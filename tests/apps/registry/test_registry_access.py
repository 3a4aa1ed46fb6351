"""Who may do what where: by role, by place and below it, by date, and by nothing else."""

from __future__ import annotations

from datetime import date

import pytest
from django.contrib.auth.models import AnonymousUser
from pytest_django import DjangoAssertNumQueries, Settings

from rongtong.apps.registry.access import Denied, covers, may, require, visible_places
from rongtong.apps.registry.actions import create_account, deactivate, grant, revoke
from rongtong.apps.registry.models import Account
from rongtong.apps.registry.roles import ROLES, matches, role_code


def holder(system: Account, role: str, place: str = "", username: str = "someone") -> Account:
    account = Account.objects.filter(username=username).first()
    account = account or create_account(username, "某人", actor=system).account
    grant(account, role, place, actor=system)
    return account


def test_a_city_officer_acts_in_the_city_and_its_counties_and_nowhere_else(system: Account) -> None:
    officer = holder(system, "city_officer", "990100")
    assert may(officer, "observations.import", "990100")
    assert may(officer, "observations.import", "990101")
    assert not may(officer, "observations.import", "990200")
    assert not may(officer, "observations.import", "990221")
    assert not may(officer, "observations.import", "990000")


def test_an_action_about_no_place_needs_a_grant_without_a_place(system: Account) -> None:
    assert not may(holder(system, "city_officer", "990100"), "observations.import")
    assert may(holder(system, "provincial_officer", username="sheng"), "observations.import")
    assert may(Account.objects.get(username="sheng"), "observations.import", "990221")


def test_a_role_allows_its_kinds_and_no_others(system: Account) -> None:
    editor = holder(system, "editor")
    assert may(editor, "papers.render")
    assert not may(editor, "planning.allocate")
    assert not may(editor, "papersx.render")
    reader = holder(system, "reader", username="reader")
    assert not any(may(reader, kind) for kind in ("papers.render", "planning.allocate", "registry.grant"))


def test_nobody_but_system_may_do_everything(system: Account) -> None:
    assert may(system, "whatever.comes")
    assert [role.code for role in ROLES.values() if role.allowed("whatever.comes")] == ["operator"]


def test_duties_of_the_three_administrators_are_apart(system: Account) -> None:
    kinds = ("registry.create_account", "registry.grant", "records.erase")
    trio = ("system_admin", "security_admin", "audit_admin")
    assert [[role for role in trio if ROLES[role].allowed(kind)] for kind in kinds] == [[role] for role in trio]


def test_a_refusal_says_who_what_where_and_what_would_be_needed(system: Account) -> None:
    officer = holder(system, "county_officer", "990101")
    with pytest.raises(Denied) as refused:
        require(officer, "planning.allocate", "990100")
    message = str(refused.value)
    for part in ("某人(someone)", "地区 990100", "planning.allocate", "县科技局@990101", "规划（目标分解）"):
        assert part in message


def test_a_grant_holds_from_its_first_to_its_last_day(system: Account, settings: Settings) -> None:
    account = create_account("someone", "某人", actor=system).account
    grant(account, "editor", actor=system, valid_from=date(2025, 7, 1), valid_to=date(2025, 7, 15))
    held = []
    for day in (date(2025, 6, 30), date(2025, 7, 1), date(2025, 7, 15), date(2025, 7, 16)):
        settings.PINNED_TODAY = day
        held.append((may(account, "papers.render"), visible_places(account).everywhere))
    assert held == [(False, False), (True, True), (True, True), (False, False)]


def test_a_revoked_grant_holds_no_more(system: Account) -> None:
    account = holder(system, "editor")
    revoke(account.grants.get(), actor=system)
    assert not may(account, "papers.render")


def test_a_stopped_account_may_nothing_even_while_still_in_memory(system: Account) -> None:
    account = holder(system, "editor")
    deactivate(Account.objects.get(pk=account.pk), why="离职", actor=system)
    assert account.is_active  # the copy in hand does not know
    assert not may(account, "papers.render")
    assert not may(account, "registry.change_own_password")
    assert visible_places(account).places == ()
    with pytest.raises(Denied, match="已停用"):
        require(account, "papers.render")


def test_who_has_not_logged_in_may_nothing(system: Account) -> None:
    stranger = AnonymousUser()
    assert not may(stranger, "registry.change_own_password")  # type: ignore[arg-type]
    assert "990000" not in visible_places(stranger)  # type: ignore[arg-type]
    with pytest.raises(Denied, match="未登录"):
        require(stranger, "papers.render")  # type: ignore[arg-type]


def test_without_a_pack_the_digits_of_the_codes_tell_what_lies_below(system: Account) -> None:
    assert covers("990000", "990101")
    assert covers("990200", "990299")
    assert not covers("990101", "Z990101-01")


def test_with_a_pack_its_tree_tells_what_lies_below(system: Account, pack: None) -> None:
    assert covers("990000", "990101")
    assert covers("990100", "990299")
    assert not covers("990200", "990299")
    assert covers("990101", "Z990101-01")
    assert covers("990000", "Z990101-01")
    assert not covers("990200", "Z990101-01")
    # Codes that the pack does not know are judged by their digits.
    assert covers("990100", "990155")


@pytest.mark.parametrize(("scope", "place", "reached"), [("", "", True), ("", "1", True), ("1", "", False)])
def test_the_empty_scope_reaches_everything_and_nothing_else_reaches_the_empty_place(
    scope: str, place: str, reached: bool
) -> None:
    assert covers(scope, place) is reached


def test_what_is_visible_is_what_lies_within_any_grant(system: Account, pack: None) -> None:
    account = holder(system, "county_officer", "990101")
    holder(system, "reader", "990100")
    holder(system, "reader", "990221")
    seen = visible_places(account)
    assert seen.places == ("990100", "990221")
    assert not seen.everywhere
    codes = ("", "990000", "990100", "990101", "990200", "990221", "990299", "Z990101-01")
    assert [code for code in codes if code in seen] == ["990100", "990101", "990221", "990299", "Z990101-01"]


def test_visibility_is_asked_once_and_then_needs_no_more_queries(
    system: Account, pack: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    seen = visible_places(holder(system, "reader", "990100"))
    with django_assert_num_queries(0):
        assert sum(code in seen for code in ["990101", "990221"] * 500) == 500


def test_an_account_without_a_grant_sees_nothing(system: Account) -> None:
    assert visible_places(create_account("someone", "某人", actor=system).account).places == ()


def test_everyone_may_change_the_own_password(system: Account) -> None:
    assert may(create_account("someone", "某人", actor=system).account, "registry.change_own_password")


def test_patterns_match_whole_kinds_and_prefixes() -> None:
    assert matches(("a.*",), "a.b.c")
    assert matches(("a.b",), "a.b")
    assert not matches(("a.b",), "a.bc")
    assert not matches(("a.*",), "a")
    assert not matches((), "a.b")


def test_a_role_is_known_by_code_and_by_chinese_name() -> None:
    assert role_code(" 市科技局 ") == role_code("city_officer") == "city_officer"
    assert role_code("超级管理员") is None
