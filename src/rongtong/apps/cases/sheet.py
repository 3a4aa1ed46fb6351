"""What the page of a case shows besides its steps: what is known, dues, certificates, evidence, the cases around it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.urls import reverse

from rongtong import clock
from rongtong.apps.cases import access, holding, public, queries
from rongtong.apps.cases.models import Attachment, Case, Certificate, Obligation
from rongtong.apps.registry.models import Account
from rongtong.engine.pack.process import Process
from rongtong.engine.process import guard

MOST_BELOW = 50


@dataclass(frozen=True, slots=True)
class DueLine:
    """A due as people read it: `state` is open, soon, late, met or waived, `who` owes it."""

    obligation: Obligation
    who: str
    state: str
    words: str
    amount: str


@dataclass(frozen=True, slots=True)
class Beside:
    """A case around this one: how it is related, what the reader knows it as, and where it is."""

    relation: str
    case: Case
    name: str
    stage: str
    address: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything beside the steps. `whole` is whether the reader is shown what was filled in."""

    whole: bool
    known: tuple[tuple[str, str], ...]
    sums: tuple[tuple[str, str], ...]
    parties: tuple[tuple[str, str], ...]
    dues: tuple[DueLine, ...]
    certificates: tuple[Certificate, ...]
    files: tuple[Attachment, ...]
    beside: tuple[Beside, ...]


def sheet(reader: Account, case: Case, steps: tuple[queries.Step, ...]) -> Sheet:
    """The sheet of a case that the account may read."""
    process, whole = holding.process_of(case), access.reads_all(reader, case)
    readable = {s.number for s in steps if s.readable}
    known: dict[str, str] = {}
    for step in steps:
        known |= dict(step.shown)
    return Sheet(
        whole,
        tuple(known.items()),
        _sums(case, process, steps) if whole else (),
        _parties(reader, case, process),
        # What one owes another is read by those who read the step it was born of.
        tuple(due_line(o, process) for o in case.obligations.select_related("born") if o.born.number in readable)
        if whole
        else (),
        tuple(case.certificates.select_related("event").order_by("-pk")) if whole else (),
        tuple(f for f in case.attachments.select_related("by") if whole and f.event in readable),
        _beside(reader, case),
    )


def _sums(case: Case, process: Process, steps: tuple[queries.Step, ...]) -> tuple[tuple[str, str], ...]:
    """What the tallies of a process add up to, of steps that the reader reads each of."""
    hidden = {s.transition for s in steps if not s.readable}
    made = {s.transition for s in steps}
    wanted = [t for t in process.tallies if t.at and made & set(t.at) and not hidden & set(t.at)]
    values = queries.values(process, case) if wanted else {}
    return tuple((t.name, guard.words(values.get(t.code))) for t in wanted)


def _parties(reader: Account, case: Case, process: Process) -> tuple[tuple[str, str], ...]:
    held = holding.roles_held(holding.reach(reader), case)
    found: list[tuple[str, str]] = []
    if case.organisation:
        found.append(("办件所属单位", case.organisation.name))
    for one in case.participants.select_related("account", "organisation").order_by("pk"):
        if one.account_id != reader.pk and not holding.knows(process, one.role, held):
            continue
        name = one.organisation.name if one.organisation else one.account.name if one.account else ""
        found.append((process.role(one.role).name, name or queries.place_name(one.place)))
    return tuple(found)


def due_line(one: Obligation, process: Process) -> DueLine:
    """A due with its state today."""
    today = clock.today()
    state = "met" if one.met_id else "waived" if one.waived_id else "late" if one.due < today else ""
    words = {"met": "已履行", "waived": "已免除", "late": "已逾期"}.get(state, "")
    if not state:
        left = queries.days_left(one.due, today)
        state, words = ("soon" if left <= 10 else "open"), f"还有 {left} 个工作日"
    return DueLine(one, process.role(one.role).name, state, words, yuan(one.amount))


def yuan(fen: int | None) -> str:
    """An amount in 分 as yuan; "" for none."""
    return "" if fen is None else f"{fen // 100:,}.{fen % 100:02d} 元"


def _beside(reader: Account, case: Case) -> tuple[Beside, ...]:
    visible = access.visible(reader)
    found: list[tuple[str, Case]] = []
    posted: set[int] = set()
    if case.parent_id and (above := visible.filter(pk=case.parent_id).first()):
        found.append(("上级办件", above))
    found += [("下级办件", c) for c in visible.filter(parent=case).order_by("pk")[:MOST_BELOW]]
    for link in case.links.order_by("pk"):
        if target := visible.filter(pk=link.target_id).first():
            found.append((_relation(case, link.kind), target))
    for link in case.linked.select_related("source__definition").order_by("pk")[:MOST_BELOW]:
        source = visible.filter(pk=link.source_id).first()
        # What is on public notice is told to whose case it is about (举一反三), whoever may read the case itself.
        if source or holding.on_notice(link.source):
            found.append((_relation(link.source, link.kind, back=True), source or link.source))
            posted |= set() if source else {link.source_id}
    return tuple(
        Beside(
            words,
            c,
            public.name(c) if c.pk in posted else c.title,
            holding.process_of(c).stage(c.stage).name,
            reverse("notice", args=[c.pk]) if c.pk in posted else queries.address(c),
        )
        for words, c in found
    )


def _relation(source: Case, kind: str, *, back: bool = False) -> str:
    """What a link is called in the process of the case that points, from either end."""
    named = holding.process_of(source).link_name(kind)
    return (named.back if back else named.name) if named else kind


def soon(account: Account, until: date) -> tuple[DueLine, ...]:
    """The open dues, up to a day, in cases that the account may read, the earliest first."""
    rows = Obligation.objects.filter(case__in=access.visible(account), met=None, waived=None, due__lte=until)
    return tuple(
        due_line(o, holding.process_of(o.case)) for o in rows.select_related("case__definition").order_by("due", "pk")
    )
