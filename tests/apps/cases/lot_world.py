"""A made-up mechanism, a result on offer and a firm's offer for it, and who takes part: for the tests of several pages."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote

from packs import with_more
from rongtong.apps.cases import actions
from rongtong.apps.cases.models import Case
from rongtong.apps.packs.actions import load
from rongtong.apps.registry.models import Account
from worlds import browser, member, unit

PROCESSES = """\
- code: lot
  version: "1"
  name: 成果挂牌
  name_en: Result on offer
  about: 试验用：高校把成果挂出来，企业报价，成交付款。
  start: asked
  opened_by: [owner]
  clock: case
  cite: {document: zj-2025-315, clause: "2.4.3"}
  variables: {price: number}
  counts: {indicators: [first_sets]}
  measures:
    - {indicator: first_sets, at: [sell], undone_by: [void]}
    - {indicator: tech_trade, at: [sell], field: price, unit: 元}
  dues:
    - {code: pay, name: 付款, by: owner, born: [sell], months: [1, 24], amount: price * 0.333, met_by: [paid], waived_by: [void]}
  certificates:
    - {code: proof, name: 成交证明, prefix: CJ, at: [sell], fields: [price]}
  clocks:
    - {code: answer, name: 审核期限, name_en: Answer, days: 10, days_by: {field: sort, days: {machine: 4, software: 6}}, starts: [open], stops: [post], pauses: [asked], mark: verified, cite: {document: zj-2025-315, clause: "2.4.3"}, warn: [{left: 3, tell: [county]}], over: {tell: [county]}}
  roles:
    - {code: owner, name: 成果单位, held_by: [institution], at: own}
    - {code: county, name: 县科技局, held_by: [county_officer], at: self}
    - {code: looker, name: 受邀的人, held_by: [expert], at: participant, head_only: true}
  form:
    type: object
    required: [title]
    properties:
      title: {type: string, title: 成果, maxLength: 100}
      chain: {type: string, title: 产业链, format: chain}
      sort: {type: string, title: 哪一类, oneOf: [{const: machine, title: 机器}, {const: software, title: 软件}]}
  stages:
    - {code: asked, name: 待审, name_en: Asked, deadline: {days: 2}}
    - {code: posted, name: 挂牌中, no_clock: 试验, notice: {name: 成果挂牌公告, fields: [title]}}
    - {code: sold, name: 已成交, no_clock: 试验}
    - {code: voided, name: 已作废, outcome: voided}
  transitions:
    - {code: post, name: 挂牌, at: [asked], to: posted, by: [county]}
    - code: invite
      name: 请人看
      at: [asked]
      by: [county]
      optional: true
      parts: {looker: named}
      form: {type: object, required: [named], properties: {named: {type: string, title: 账号, format: account}}}
    - code: sell
      name: 成交
      at: [posted]
      to: sold
      by: [county]
      form: {type: object, required: [price], properties: {price: {type: string, title: 价款（元）, format: decimal}}}
    - {code: paid, name: 已付, at: [sold], by: [owner], optional: true}
    - {code: void, name: 作废, at: [sold], to: voided, by: [county], optional: true}
- code: offer
  version: "1"
  name: 报价
  about: 试验用：企业对挂牌的成果报价。
  start: making
  opened_by: [firm]
  under: {process: lot, at: [posted]}
  roles:
    - {code: firm, name: 企业, held_by: [enterprise], at: own}
  form: {type: object, required: [title], properties: {title: {type: string, title: 报价, maxLength: 100}}}
  stages:
    - {code: making, name: 已报, no_clock: 试验}
    - {code: made, name: 已完成, outcome: made}
  transitions:
    - {code: finish, name: 完成, at: [making], to: made, by: [firm]}
"""
PLACE, CHAIN = "330106", "415x-s06"


def people_of(demo_store: Account, tmp_path: Path) -> dict[str, Account]:
    """A university, another, a firm, the county's officer and its neighbour, an expert; the pack in force."""
    load(with_more(tmp_path, PROCESSES), demo_store)
    made = {}
    for name, role, place, kind, stem in (
        ("school", "institution", PLACE, "university", "12339999000000011"),
        ("rival", "institution", PLACE, "university", "12339999000000022"),
        ("firm", "enterprise", PLACE, "enterprise", "91339999000000035"),
        ("county", "county_officer", PLACE, "", ""),
        ("beside", "county_officer", "330203", "", ""),
        ("expert", "expert", PLACE, "", ""),
    ):
        own = unit(stem, f"{name}（虚构）", kind, PLACE, actor=demo_store) if stem else None
        made[name] = member(f"s-{name}", f"{name}的人", role, place, actor=demo_store, organisation=own)
        Account.objects.filter(pk=made[name].pk).update(password_is_initial=False)
        made[name].refresh_from_db()
    return made


def lot(people: dict[str, Account], title: str = "一种减速器", owner: str = "school") -> Case:
    who = people[owner]
    data = {"title": title, "chain": CHAIN}
    return actions.open_case("lot", actor=who, place=PLACE, data=data, organisation=who.organisation)


def step(case: Case, code: str, who: Account, **data: object) -> Case:
    case.refresh_from_db()
    return actions.move(case.pk, code, actor=who, seen=case.events, data=data)


def sold(people: dict[str, Account], price: str = "100000.01", **more: str) -> Case:
    case = lot(people, **more)
    step(case, "post", people["county"])
    return step(case, "sell", people["county"], price=price)


def page(who: Account | None, address: str, status: int = 200) -> str:
    """A page from its tools on, without the navigation."""
    response = browser(who).get(address)
    assert response.status_code == status, response.content.decode()[:2000]
    return re.sub(r"\s+", " ", unescape(response.content.decode().partition('<div class="tools"')[2]))


def links(text: str) -> list[str]:
    return [unquote(link) for link in re.findall(r'href="(/[^"]*)"', text)]
