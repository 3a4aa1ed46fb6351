"""What the demonstration shows of packs: one amendment in review, whose effect can be seen."""

from __future__ import annotations

from datetime import timedelta

from rongtong import clock
from rongtong.apps.cases import actions as cases
from rongtong.apps.packs import amend_actions, amend_layer, amend_queries, queries
from rongtong.apps.packs.amend_layer import Change
from rongtong.apps.packs.models import Amendment
from rongtong.apps.registry.models import Account

DRAFTER = "sheng"
RULE, FORMER, NEW = "pace", ("0.85", "一成半"), ("0.9", "一成")


def seed() -> None:
    """The yellow line of the pace rule raised from 0.85 to 0.90, sent for approval. Changes nothing the second time."""
    drafter = Account.objects.filter(username=DRAFTER).first()
    pack = queries.current()
    rule, process = pack.find("lamps", RULE), pack.find("processes", amend_queries.PROCESS)
    if drafter is None or rule is None or process is None or Amendment.objects.exists():
        return
    before = amend_layer.plain(rule)
    after = {**before, "cases": [{k: _raised(v) for k, v in case.items()} for case in before["cases"]]}
    if after == before:
        return
    row = amend_actions.draft(
        "进度亮灯的黄灯线由 0.85 提到 0.90",
        clock.today() + timedelta(days=17),
        "半年调度后收紧：完成进度低于应有进度一成以上的亮红灯。演示用，不是官方规则。",
        drafter,
    )
    row = amend_actions.put(row.pk, [Change("lamps", RULE, before, after)], seen=row.number, actor=drafter)
    case = amend_queries.case_of(row)
    assert case is not None  # drafting opened it
    cases.move(case.pk, "submit", actor=drafter, seen=case.events)


def _raised(text: str) -> str:
    return text.replace(FORMER[0], NEW[0]).replace(FORMER[1], NEW[1])
