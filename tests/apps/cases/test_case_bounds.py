"""Limits (限项), who is kept apart, what a case takes from the one above it, dues that conditions ask for: from one file."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from packs import with_more
from rongtong.apps.cases import actions, holding, queries
from rongtong.apps.cases.errors import FormRefused, GuardRefused
from rongtong.apps.cases.models import Case
from rongtong.apps.packs.actions import PackRefused, load
from rongtong.apps.registry.models import Account
from worlds import member, unit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]
PROCESS = """\
- code: call
  version: "1"
  name: 征集
  about: 试验
  start: out
  opened_by: [county]
  roles:
    - {code: county, name: 县里, held_by: [county_officer], at: self}
  form: {type: object, properties: {subject: {type: string, title: 主题}}}
  stages:
    - {code: out, name: 征集中, no_clock: 试验, notice: {name: 征集, fields: [subject]}}
    - {code: shut, name: 已截止, outcome: shut}
  transitions:
    - {code: shut, name: 截止, at: [out], to: shut, by: [county]}
- code: reply
  version: "1"
  name: 应征
  about: 试验
  start: drafted
  opened_by: [firm]
  under: {process: call, at: [out], takes: {subject: subject}}
  limits:
    - {role: head, per: year, most: 2, stages: [sent, agreed], refusal: 负责人今年已有两件}
    - {role: firm, per: parent, stages: [sent, agreed], refusal: 本单位已应征}
  dues:
    - {code: fee, name: 付款, by: county, born: [agree], each: parts, met_by: [pay], waived_by: [stop]}
  roles:
    - {code: firm, name: 企业, held_by: [enterprise], at: own}
    - {code: head, name: 负责人, held_by: [], at: participant}
    - {code: judge, name: 评的人, held_by: [], at: participant, apart: [firm, head, partner, rows.code]}
    - {code: county, name: 县里, held_by: [county_officer], at: self}
  form:
    type: object
    required: [head, subject]
    properties:
      subject: {type: string, title: 主题}
      head: {type: string, title: 负责人, format: account}
      partner: {type: string, title: 合作单位, format: organisation}
      rows: {type: array, title: 名单, items: {type: object, properties: {code: {type: string, title: 代码}}}}
      parts:
        type: array
        title: 分期
        items: {type: object, properties: {name: {type: string, title: 名}, due: {type: string, title: 日, format: date}, amount: {type: string, title: 元, format: decimal}}}
  parts: {head: head}
  stages:
    - {code: drafted, name: 起草, no_clock: 试验}
    - {code: sent, name: 已报, no_clock: 试验}
    - {code: agreed, name: 已定, no_clock: 试验}
    - {code: done, name: 完, outcome: done}
  transitions:
    - {code: send, name: 报送, at: [drafted], to: sent, by: [firm]}
    - code: judges
      name: 请人评
      at: [sent]
      by: [county]
      optional: true
      parts: {judge: judge}
      form: {type: object, required: [judge], properties: {judge: {type: string, title: 谁, format: account}}}
    - {code: agree, name: 同意, at: [sent], to: agreed, by: [county]}
    - {code: pay, name: 付, at: [agreed], by: [county]}
    - {code: stop, name: 停付, at: [agreed], by: [county], optional: true}
    - {code: finish, name: 完结, at: [agreed], to: done, by: [county], when: "open_fee == 0 and met_fee >= 1 and paid_fee >= 0.01", refusal: 还没有付清}
"""
PARTS = [
    {"name": "一", "due": "2025-08-01", "amount": "0.01"},
    {"name": "二", "due": "2025-09-01", "amount": "1234567.89"},
]


@pytest.fixture(scope="module")
def people(demo_store: Account, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Account]:
    load(with_more(tmp_path_factory.mktemp("pack"), PROCESS), demo_store)
    made = {}
    for name, role, stem in (
        ("县", "county_officer", ""),
        ("甲", "enterprise", "91330106MA27XYQ95"),
        ("乙", "enterprise", "91330106MA28A1B24"),
        ("甲的人", "expert", "91330106MA27XYQ95"),
        ("乙的人", "expert", "91330106MA28A1B24"),
        ("丙", "expert", ""),
    ):
        own = unit(stem, f"{name}单位", "enterprise", "330106", actor=demo_store) if stem else None
        made[name] = member(f"b-{len(made)}", name, role, "330106", actor=demo_store, organisation=own)
    return made


def call(people: dict[str, Account], subject: str = "轴承") -> Case:
    return actions.open_case("call", actor=people["县"], place="330106", data={"subject": subject})


def reply(people: dict[str, Account], above: Case, firm: str = "甲", head: str = "丙", **more: Any) -> Case:
    """A reply that was sent in."""
    who = people[firm]
    case = actions.open_case(
        "reply", actor=who, place="330106", organisation=who.organisation, parent=above,
        data={"head": people[head].username, **more},
    )  # fmt: skip
    return actions.move(case.pk, "send", actor=who, seen=1)


def uscc(account: Account) -> str:
    assert account.organisation is not None
    return account.organisation.uscc


def test_a_role_is_held_in_so_many_cases_of_a_year_and_no_more(people: dict[str, Account], settings: Any) -> None:
    settings.PINNED_TODAY = date(2025, 12, 31)
    for firm in ("甲", "乙"):
        reply(people, call(people), firm)
    above = call(people)
    with pytest.raises(GuardRefused, match="负责人今年已有两件"):
        reply(people, above)
    assert reply(people, above, head="甲的人").stage == "sent"
    settings.PINNED_TODAY = date(2026, 1, 1)
    assert reply(people, call(people)).stage == "sent"


def test_an_organisation_has_one_case_under_another(people: dict[str, Account]) -> None:
    above = call(people)
    reply(people, above, head="甲的人")
    with pytest.raises(GuardRefused, match="本单位已应征"):
        reply(people, above, head="乙的人")
    assert reply(people, above, "乙", "乙的人").stage == "sent"


def test_a_limit_refused_leaves_the_case_where_it_was(people: dict[str, Account]) -> None:
    above = call(people)
    reply(people, above)
    with pytest.raises(GuardRefused):
        reply(people, above)
    case = Case.objects.filter(process="reply").latest("pk")
    assert (case.stage, case.events) == ("drafted", 1)


def test_what_the_case_above_gives_is_taken_from_it_whatever_is_typed(people: dict[str, Account]) -> None:
    assert queries.data(reply(people, call(people, "齿轮"), subject="别的"))["subject"] == "齿轮"


@pytest.mark.parametrize(
    ("near", "more"),
    [
        ("甲的人", {}),
        ("丙", {}),
        ("乙的人", {"partner": True}),
        ("乙的人", {"rows": True}),
    ],
)
def test_who_is_near_a_case_cannot_be_named_to_judge_it(
    people: dict[str, Account], near: str, more: dict[str, bool]
) -> None:
    other = uscc(people["乙"])
    given: dict[str, Any] = {"partner": other} if "partner" in more else {}
    given |= {"rows": [{}, {"code": other.lower()}]} if "rows" in more else {}
    case = reply(people, call(people), **given)
    with pytest.raises(FormRefused, match="应当回避"):
        actions.move(case.pk, "judges", actor=people["县"], seen=2, data={"judge": people[near].username})


def test_who_is_not_near_a_case_may_judge_it(people: dict[str, Account]) -> None:
    case = reply(people, call(people))
    actions.move(case.pk, "judges", actor=people["县"], seen=2, data={"judge": people["乙的人"].username})
    assert queries.visible(people["乙的人"]).filter(pk=case.pk).exists()


def test_dues_are_born_of_what_was_filled_in_before_and_conditions_ask_how_they_stand(
    people: dict[str, Account],
) -> None:
    case = reply(people, call(people), parts=PARTS)
    case = actions.move(case.pk, "agree", actor=people["县"], seen=2)
    assert list(case.obligations.values_list("name", "amount")) == [("一", 1), ("二", 123_456_789)]
    with pytest.raises(GuardRefused, match="还没有付清"):
        actions.move(case.pk, "finish", actor=people["县"], seen=3)
    case = actions.move(case.pk, "pay", actor=people["县"], seen=3)
    values = queries.values(holding.process_of(case), case)
    assert [values[f"{what}_fee"] for what in ("open", "met", "paid")] == [1, 1, Fraction(1, 100)]
    case = actions.move(case.pk, "pay", actor=people["县"], seen=4)
    assert queries.values(holding.process_of(case), case)["paid_fee"] == Fraction(123_456_790, 100)
    assert actions.move(case.pk, "finish", actor=people["县"], seen=5).outcome == "done"


@pytest.mark.parametrize(
    ("right", "found", "said"),
    [
        ("role: firm, per: parent", "role: county, per: parent", "不是 at: own 或 participant"),
        ("role: firm, per: parent", "role: boss, per: parent", "没有这个角色"),
        ("per: parent, stages: [sent, agreed]", "per: parent, stages: [gone]", "没有这个环节"),
        ("apart: [firm, head, partner, rows.code]", "apart: [stranger]", "的 apart 写了“stranger”"),
        ("apart: [firm, head, partner, rows.code]", "apart: [rows.colour]", "的 apart 写了“rows.colour”"),
        ("takes: {subject: subject}", "takes: {subject: theme}", "takes 取“theme”"),
        ("takes: {subject: subject}", "takes: {theme: subject}", "没有这个项“theme”|写了项“theme”"),
        ("open_fee == 0", "open_fees == 0", "open_fees"),
    ],
)
def test_what_names_nothing_is_refused(demo_store: Account, tmp_path: Path, right: str, found: str, said: str) -> None:
    assert right in PROCESS
    with pytest.raises(PackRefused, match=said):
        load(with_more(tmp_path, PROCESS.replace(right, found)), demo_store)
