"""A process of a pack of its own, its accounts and its cases, for tests of the pages that look over many cases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packs import with_more
from rongtong.apps.cases import actions
from rongtong.apps.cases.models import Case
from rongtong.apps.packs.actions import load
from rongtong.apps.registry.actions import register_organisation
from rongtong.apps.registry.models import Account
from worlds import member

PROCESS = """\
- code: need
  version: "1"
  name: 企业需求
  name_en: Needs of firms
  about: 试验用：企业提出，县里受理，承办部门办理，企业评价。
  start: asked
  opened_by: [firm, desk]
  of: uscc
  labels: [kind, rating]
  clocks:
    - {code: answer, name: 答复期限, days: 5, starts: [open], stops: [answer], mark: proposed}
  uses:
    - {block: rating, with: {who: [firm], done: done, again: working}}
    - {block: supervise, with: {at: [asked, working], by: [desk], who: [handler]}}
  roles:
    - {code: firm, name: 企业, held_by: [enterprise], at: own}
    - {code: desk, name: 县科技局, held_by: [county_officer], at: self}
    - {code: city, name: 市科技局, held_by: [city_officer], at: covering}
    - {code: handler, name: 承办部门, held_by: [handler], at: participant}
  form:
    type: object
    required: [title, kind]
    properties:
      title: {type: string, title: 事项, minLength: 2, maxLength: 60}
      kind: {type: string, title: 类别, oneOf: [{const: money, title: 资金}, {const: people, title: 人才}]}
      amount: {type: string, title: 金额（万元）, format: decimal}
      seats: {type: integer, title: 人数, minimum: 1}
      wanted: {type: string, title: 希望解决日期, format: date}
      urgent: {type: boolean, title: 是否加急}
      topics: {type: array, title: 领域, items: {type: string, enum: [材料, 软件, 生物]}}
      chain: {type: string, title: 产业链, format: chain}
      uscc: {type: string, title: 企业统一社会信用代码, format: organisation}
  stages:
    - {code: asked, name: 待受理, name_en: Received, deadline: {days: 2, calendar: working, note: 建议值}}
    - {code: working, name: 办理中, name_en: In hand, deadline: {days: 5, calendar: working, note: 建议值}}
    - {code: done, name: 已办结, outcome: done}
    - {code: refused, name: 不予受理, outcome: refused}
  transitions:
    - code: accept
      name: 受理
      at: [asked]
      to: working
      by: [desk]
      parts: {handler: office}
      form:
        type: object
        required: [office]
        properties:
          office: {type: string, title: 承办账号, format: account}
          remark: {type: string, title: 意见, maxLength: 200}
    - code: refuse
      name: 不予受理
      at: [asked]
      to: refused
      by: [desk]
      optional: true
      form: {type: object, required: [why], properties: {why: {type: string, title: 理由, minLength: 4}}}
    - {code: answer, name: 答复, at: [working], to: rating, by: [handler]}
    - {code: attach, name: 补材料, at: [working], by: [handler], files: required, optional: true}
"""
# The demonstration's places: two counties of one city, and one of another.
COUNTIES = ("330102", "330106", "330203")


def load_process(folder: Path, actor: Account, process: str = PROCESS) -> None:
    """Load the shipped packs and one more with the process."""
    load(with_more(folder, process), actor)


def people(actor: Account) -> dict[str, Account]:
    """An account of each sort: the province, a city, two counties and a third, a handler, two firms."""
    firms = {
        "firm": register_organisation("91330100MA27XF7D36", "甲科技有限公司", "enterprise", "330106", actor=actor),
        "rival": register_organisation("913302007482237349", "乙科技有限公司", "enterprise", "330203", actor=actor),
    }
    made = {}
    for name, role, place in (
        ("province", "provincial_officer", ""),
        ("city", "city_officer", "330100"),
        ("county", "county_officer", "330106"),
        ("beside", "county_officer", "330102"),
        ("far", "county_officer", "330203"),
        ("handler", "handler", "330106"),
        ("firm", "enterprise", "330106"),
        ("rival", "enterprise", "330203"),
    ):
        made[name] = member(f"d-{name}", name, role, place, actor=actor, organisation=firms.get(name))
    return made


def need(who: Mapping[str, Account], by: str = "county", place: str = "330106", **data: Any) -> Case:
    """Open a case; the title and the kind are filled in where nothing is said of them."""
    given = {"title": "缺研发资金", "kind": "money", **data}
    return actions.open_case("need", actor=who[by], place=place, data=given)


def taken(who: Mapping[str, Account], case: Case, by: str = "county") -> Case:
    """The case after it was accepted and given to the handler."""
    return actions.move(case.pk, "accept", actor=who[by], seen=case.events, data={"office": "d-handler"})
