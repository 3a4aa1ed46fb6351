"""A process that leaves one of everything, and cases of it at work by chance, kept as histories, for the tests of replaying."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.db import transaction

from packs import with_more
from rongtong import clock
from rongtong.apps.cases import actions, queries
from rongtong.apps.cases.errors import CaseError
from rongtong.apps.cases.histories import History, Move
from rongtong.apps.cases.models import Band, Case, Event, Label, Link, Measured, Obligation, Participant
from rongtong.apps.packs.actions import load
from rongtong.apps.records.models import Leaf
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.models import Account
from rongtong.clock import LOCAL
from worlds import member, unit

# One of everything a step may leave.
PROCESS = """\
- code: whole
  version: "1"
  name: 一应俱全
  about: 试验
  start: asked
  opened_by: [firm, county]
  of: firm_code
  labels: [kind, offices]
  alike: [title]
  variables: {amount: number, mark: number, urgent: flag}
  clocks:
    - code: reply
      name: 答复期限
      days: 4
      starts: [open, again]
      restarts: true
      stops: [answer]
      pauses: [mending]
      extends: [{transition: longer, field: more, at_most: 1, at_most_days: 5}]
      warn: [{left: 1, tell: [office]}]
      over: {tell: [city], make: escalate}
      mark: proposed
  tallies:
    - {code: marks, name: 平均分, at: [score], field: mark, take: mean}
  dues:
    - {code: pay, name: 付款, by: firm, born: [answer], months: [1, 3], amount: amount * 100, when: urgent, met_by: [pay], waived_by: [cancel]}
    - {code: part, name: 交付, by: firm, born: [answer], each: parts_due, met_by: [deliver]}
  measures:
    - {indicator: use_first_transfers, at: [assign, answer], undone_by: [cancel, merge]}
    - {indicator: input_enterprise, at: [longer, answer], field: amount, unit: 万元, when: not late_reply}
    - {indicator: new_hte, at: [answer, again], undone_by: [again], when: urgent}
  roles:
    - {code: firm, name: 企业, held_by: [enterprise], at: own}
    - {code: county, name: 县科技局, held_by: [county_officer], at: self}
    - {code: city, name: 市科技局, held_by: [city_officer], at: parent}
    - {code: office, name: 承办单位, held_by: [handler], at: participant}
    - {code: expert, name: 专家, held_by: [expert], at: participant}
    - {code: judge, name: 评委, held_by: [expert], at: participant}
  form:
    type: object
    required: [kind, amount]
    properties:
      title: {type: string, title: 事项, maxLength: 40}
      firm_code: {type: string, title: 企业, format: organisation}
      kind: {type: string, title: 类别, enum: [研发, 成果, 人才]}
      amount: {type: string, title: 金额（万元）, format: decimal}
      asked_on: {type: string, title: 申请日期, format: date, not_after: today}
      urgent: {type: boolean, title: 急}
      chain: {type: string, title: 产业链, format: chain}
  stages:
    - {code: asked, name: 已申请, no_clock: 有答复期限}
    - {code: doing, name: 办理中, no_clock: 有答复期限}
    - {code: mending, name: 补正中, deadline: {days: 3, calendar: calendar}}
    - {code: notice, name: 公示中, deadline: {days: 3, calendar: working}}
    - {code: paying, name: 履约中, no_clock: 有到期义务}
    - {code: done, name: 已办结, outcome: done}
    - {code: gone, name: 已撤销, outcome: gone}
    - {code: merged, name: 已合并, outcome: merged}
  transitions:
    - code: assign
      name: 交办
      at: [asked]
      to: doing
      by: [county]
      parts: {office: offices, expert: experts}
      form:
        type: object
        required: [offices]
        properties:
          offices: {type: array, title: 承办单位, minItems: 1, items: {type: string, format: organisation}}
          experts: {type: array, title: 专家, items: {type: string, format: account}}
    - {code: declare, name: 承诺, at: [doing], by: [expert], takes: judge, optional: true}
    - code: score
      name: 打分
      at: [doing]
      by: [judge]
      each: true
      optional: true
      form: {type: object, required: [mark], properties: {mark: {type: string, title: 分, format: decimal}}}
    - {code: mend, name: 补正, at: [doing], to: mending, by: [office]}
    - {code: mended, name: 补齐, at: [mending], to: doing, by: [firm, county]}
    - {code: give_up, name: 逾期未补, at: [mending], to: gone, automatic: true, when: overdue}
    - code: longer
      name: 延期
      at: [doing]
      by: [city]
      optional: true
      form: {type: object, required: [more], properties: {more: {type: integer, title: 延长几日, minimum: 1, maximum: 9}}}
    - {code: escalate, name: 提级, at: [doing, asked], by: [city], optional: true}
    - code: answer
      name: 答复
      at: [doing]
      to: notice
      by: [office]
      form:
        type: object
        properties:
          parts_due:
            type: array
            title: 交付
            items:
              type: object
              required: [name, due]
              properties:
                name: {type: string, title: 名称}
                due: {type: string, title: 日期, format: date}
                amount: {type: string, title: 金额, format: decimal}
    - {code: quick, name: 免公示, at: [notice], to: paying, automatic: true, when: marks >= 20}
    - {code: notice_over, name: 公示期满, at: [notice], to: paying, automatic: true, when: overdue}
    - {code: again, name: 不满意重办, at: [notice, paying], to: doing, by: [firm, county], not_by: [assign], optional: true}
    - {code: pay, name: 已付, at: [paying], by: [county], optional: true, when: open_dues > 0}
    - code: deliver
      name: 已交付
      at: [paying]
      by: [county]
      optional: true
      when: open_dues > 0
      form: {type: object, properties: {due_item: {type: integer, title: 第几项}}}
    - {code: close, name: 办结, at: [paying], to: done, by: [county], when: late_dues == 0}
    - {code: cancel, name: 撤销, at: [doing, notice, paying], to: gone, by: [county], optional: true}
    - code: merge
      name: 合并
      at: [asked]
      to: merged
      by: [county]
      optional: true
      links: {merged: main_case}
      link_names: {merged: {name: 并入, back: 并入本件的}}
      form: {type: object, required: [main_case], properties: {main_case: {type: string, title: 并入, format: case}}}
"""
# After the day the tests' packs and grants are in force from.
START = datetime(2025, 7, 16, 9, 0, tzinfo=LOCAL)

# Who most likely makes a step; the county's officers make the others.
RIGHT = {
    "declare": ("专家一", "专家二"), "score": ("专家一", "专家二"), "mend": ("局一", "局二"), "answer": ("局一", "局二"),
    "longer": ("杭州",), "escalate": ("杭州",), "again": ("西湖二", "甲"), "mended": ("甲", "西湖一"),
}  # fmt: skip


def made_people(demo_store: Account, folder: Path) -> dict[str, Account]:
    """Two firms, two bureaus and two experts of 西湖, two county officers, a city officer, and the system account."""
    load(with_more(folder, PROCESS), demo_store)
    found = {"system": demo_store}
    for name, role, place, kind in (
        ("甲", "enterprise", "330106", "enterprise"),
        ("乙", "enterprise", "330106", "enterprise"),
        ("局一", "handler", "330106", "government"),
        ("局二", "handler", "330106", "government"),
        ("专家一", "expert", "330106", ""),
        ("专家二", "expert", "330106", ""),
        ("西湖一", "county_officer", "330106", ""),
        ("西湖二", "county_officer", "330106", ""),
        ("杭州", "city_officer", "330100", ""),
        ("上城", "county_officer", "330102", ""),
    ):
        stem = f"9133010600000{len(found):04d}"
        own = unit(stem, f"{name}单位", kind, place, actor=demo_store) if kind else None
        found[name] = member(f"re-{len(found)}", name, role, place, actor=demo_store, organisation=own)
    return found


class Office:
    """Cases at work under a clock set by hand; keeps what was done as histories."""

    def __init__(self, people: dict[str, Account], dice: Random, moved: pytest.MonkeyPatch) -> None:
        self.people, self.dice, self.moved = people, dice, moved
        self.histories: dict[int, History] = {}
        self.moves: dict[int, list[Move]] = {}
        self.at = START

    def pass_time(self) -> None:
        self.at += timedelta(minutes=self.dice.randrange(1, 400))
        self.set(self.at)

    def second(self) -> None:
        """No two steps at one moment, so that their order is told."""
        self.at += timedelta(seconds=1)
        self.set(self.at)

    def set(self, at: datetime) -> None:
        self.moved.setattr(clock, "now", lambda: at)

    def open(self) -> None:
        who = self.people[self.dice.choice(("甲", "乙", "西湖一"))]
        data: dict[str, Any] = {
            "kind": self.dice.choice(("研发", "成果", "人才")),
            "amount": f"{self.dice.randrange(900)}.5",
        }
        data |= {"urgent": True} if self.dice.random() < 0.5 else {}
        data |= {"chain": "415x-1"} if self.dice.random() < 0.3 else {}
        data |= {"title": f"第{len(self.histories)}件"} if self.dice.random() < 0.5 else {}
        if who.organisation is None and self.dice.random() < 0.5:
            firm = self.people["甲"].organisation
            assert firm is not None
            data["firm_code"] = firm.uscc
        title = self.dice.choice(("", "科技保险"))
        case = actions.open_case(
            "whole", actor=who, place="330106", title=title, data=data, organisation=who.organisation, period="2025"
        )
        self.moves[case.pk] = [Move("open", who, self.at, data)]
        self.histories[case.pk] = History(
            "whole", "330106", self.moves[case.pk], title=title, organisation=who.organisation, period="2025"
        )

    def fill(self, case: Case, step: str) -> dict[str, Any]:
        dice, day = self.dice, self.at.date()
        bureaus = [o.uscc for n in ("局一", "局二") if (o := self.people[n].organisation)]
        if step == "assign":
            experts = {"experts": [self.people["专家一"].username, self.people["专家二"].username]}
            return {"offices": dice.sample(bureaus, dice.choice((1, 2)))} | (experts if dice.random() < 0.8 else {})
        if step == "answer" and dice.random() < 0.5:
            rows = [
                {"name": f"第{n}批", "due": str(day + timedelta(dice.randrange(60)))}
                for n in range(dice.choice((1, 2)))
            ]
            rows[0] |= {"amount": "12.345"} if dice.random() < 0.5 else {}
            return {"parts_due": rows}
        if step == "deliver" and dice.random() < 0.4:
            return {"due_item": 1}
        if step == "merge":
            return {"main_case": dice.choice(list(Case.objects.filter(process="whole").values_list("key", flat=True)))}
        return {"score": {"mark": f"{dice.randrange(101)}.25"}, "longer": {"more": dice.randrange(1, 10)}}.get(step, {})

    def step(self) -> None:
        """A random step of a random case by whoever may; refused ones are no part of the history."""
        self.second()
        case = self.dice.choice(list(Case.objects.filter(pk__in=self.moves).select_related("definition")))
        process = queries.access.process_of(case)
        may = [t for t in process.transitions if case.stage in t.at and not t.automatic]
        if not may:
            return
        rare = [t for t in may if t.code not in ("cancel", "again", "merge", "escalate")]
        step = self.dice.choice(rare if rare and self.dice.random() < 0.8 else may)
        likely = RIGHT.get(step.code, ("西湖一", "西湖二"))
        anybody = [n for n in self.people if n != "system"]
        who = self.people[self.dice.choice(likely if self.dice.random() < 0.85 else anybody)]
        data = self.fill(case, step.code)
        try:
            with transaction.atomic():
                actions.move(case.pk, step.code, actor=who, seen=case.events, data=data)
        except (CaseError, Denied, Case.DoesNotExist):
            return
        self.moves[case.pk].append(Move(step.code, who, self.at, data))

    def tick(self) -> None:
        """What time has brought: the first automatic step of a case (others follow it), or its escalation."""
        system = self.people["system"]
        for case in Case.objects.filter(pk__in=self.moves, outcome="").select_related("definition"):
            self.second()
            before, process = case.events, queries.access.process_of(case)
            actions.automatic(case, process, queries.state(case))
            if case.events > before:
                first = Event.objects.get(case=case, number=before + 1)
                self.moves[case.pk].append(Move(first.transition, system, self.at))
            elif case.late and case.stage == "doing" and self.dice.random() < 0.3:
                step = process.transition("escalate")
                assert step is not None
                actions.by_system(case, process, step)
                self.moves[case.pk].append(Move("escalate", system, self.at))


def rows() -> dict[str, list[Any]]:
    """Everything about the cases of the process, without numbers of rows, salts and hashes."""
    cases = {c.pk: c for c in Case.objects.filter(process="whole").select_related("by", "organisation", "definition")}
    keys = {pk: c.key for pk, c in cases.items()}
    numbers = {e.pk: f"{keys[e.case_id]}/{e.number}" for e in Event.objects.filter(case_id__in=keys)}

    def text(payload: str) -> Any:
        read = json.loads(payload)
        for link in read.get("links", ()):
            link["case"] = keys[link["case"]]
        return read

    def plain(row: Any, *without: str) -> dict[str, Any]:
        names = {f.attname for f in row._meta.concrete_fields} - {"id", "case_id", *without}
        return {n: getattr(row, n) for n in sorted(names)} | {"case": keys[row.case_id]}

    own = {f.attname for f in Case._meta.concrete_fields} - {"id", "parent_id", "definition_id"}
    events = Event.objects.filter(case_id__in=keys).select_related("actor", "leaf__payload")
    leaves = Leaf.objects.filter(kind__startswith="cases.whole.").order_by("sequence")
    subjects = {f"case:{pk}": key for pk, key in keys.items()}
    found = {
        "cases": [
            {n: getattr(c, n) for n in own} | {"definition": c.definition.sha256} for c in cases.values()
        ],
        "events": [
            plain(e, "leaf_id") | {"kind": e.leaf.kind, "payload": text(e.leaf.payload.text), "recorded": e.leaf.recorded_at}
            for e in events
            if e.leaf
        ],
        "participants": [plain(p) for p in Participant.objects.filter(case_id__in=keys)],
        "bands": [plain(b) for b in Band.objects.filter(case_id__in=keys)],
        "labels": [plain(x) for x in Label.objects.filter(case_id__in=keys)],
        "measured": [plain(m, "event_id") | {"e": numbers[m.event_id]} for m in Measured.objects.filter(case_id__in=keys)],
        "dues": [
            plain(o, "born_id", "met_id", "waived_id")
            | {n: numbers.get(getattr(o, f"{n}_id"), "") for n in ("born", "met", "waived")}
            for o in Obligation.objects.filter(case_id__in=keys)
        ],
        "links": [
            {"kind": x.kind, "source": keys[x.source_id], "target": keys[x.target_id], "event": numbers[x.event_id]}
            for x in Link.objects.filter(source_id__in=keys)
        ],
    }  # fmt: skip
    ordered = {name: sorted(values, key=repr) for name, values in found.items()}
    return ordered | {
        "leaves": [(subjects[x.subject], x.kind, x.actor, x.place, x.recorded_at) for x in leaves],
        "written": [numbers[e.pk] for e in sorted(events, key=lambda e: e.leaf_id or 0)],
    }


def undone(office: Office, wanted: int) -> dict[str, list[Any]]:
    """The rows that so many random histories leave, made step by step; then all is as before."""
    with transaction.atomic():
        while len(office.histories) < wanted or office.at < START + timedelta(days=110):
            office.pass_time()
            if len(office.histories) < wanted and office.dice.random() < 0.2:
                office.open()
            elif office.histories:
                for _ in range(4):
                    office.step()
            if office.dice.random() < 0.15:
                office.tick()
        made = rows()
        transaction.set_rollback(True)
    return made
