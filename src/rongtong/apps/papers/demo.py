"""What the demonstration shows of papers: a dispatch paper released, and a draft for the next meeting."""

from __future__ import annotations

from rongtong import clock
from rongtong.apps.cases import actions as cases
from rongtong.apps.packs.queries import current
from rongtong.apps.papers import actions, queries, writing
from rongtong.apps.papers.models import Release
from rongtong.apps.planning.queries import Unknown
from rongtong.apps.registry.models import Account
from rongtong.engine.period import Period

EDITOR, RELEASER = "bianji", "qianfa"
KIND = "dispatch"
NOTES = {
    "problems": "（演示）低于全域增速的地方已约请说明：大项目结算推迟到二季度。",
    "coordination": "（演示）需财政部门会上说明专项资金拨付进度。",
    "next": "（演示）半年调度前，各地核对企业填报并补报缺项。",
}


def seed() -> None:
    """The first quarter's dispatch paper released, the half-year's made. Changes nothing the second time."""
    editor = Account.objects.filter(username=EDITOR).first()
    releaser = Account.objects.filter(username=RELEASER).first()
    process = current().find("processes", queries.PROCESS)
    if editor is None or releaser is None or process is None or Release.objects.exists():
        return
    year = clock.today().year
    quarter, half = Period(year, 1, 3), Period(year, 1, 6)
    try:
        made = writing.make_file(KIND, quarter)
    except Unknown:
        return
    texts = {key: text for key, text in NOTES.items() if key in made.manual}
    actions.save_notes(KIND, str(quarter), texts, editor)
    issue = actions.make(writing.make_file(KIND, quarter), editor)
    case = actions.send(issue, editor)
    cases.move(case.pk, "release", actor=releaser, seen=case.events)
    if clock.today() > half.last_day:
        actions.make(writing.make_file(KIND, half), editor)
