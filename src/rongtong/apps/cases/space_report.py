"""What an organisation's cases came to in a year (年度转化报告): opened, ended, where they stood, dues, certificates.

Grouped by process, whatever it is called. Money is added in 分 and per due only; a share is one sum over another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from fractions import Fraction

from django.db.models import QuerySet, Sum

from rongtong import clock
from rongtong.apps.cases import access, holding
from rongtong.apps.cases.models import Case, Certificate, Event, Measured, Obligation
from rongtong.apps.cases.sheet import yuan
from rongtong.apps.cases.space import Proof, proof
from rongtong.apps.packs import queries as packs
from rongtong.apps.papers.workbook import Cell, Column, Sheet, ledger_bytes
from rongtong.apps.registry.models import Account, Organisation
from rongtong.clock import LOCAL
from rongtong.engine.pack.model import Indicator
from rongtong.engine.pack.process import Process
from rongtong.engine.quantity import Quantity, unit


@dataclass(frozen=True, slots=True)
class ProcessLine:
    """The cases of a process in the year; `stages` is where those of the year stood on its last day."""

    process: Process
    opened: int
    ended: int
    standing: int
    stages: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class DueLine:
    """The dues of one code of a process in the year, amounts in 分: those that fell due, those met of them, all met.

    An amount of None: these dues are of no money.
    """

    process: str
    name: str
    owes: str
    fell: int
    fell_fen: int | None
    kept: int
    kept_fen: int | None
    met: int
    met_fen: int | None

    @property
    def share(self) -> str:
        """The part of what fell due that was met, by money where it is of money, else by number; "" where none fell due."""
        top, whole = (self.kept, self.fell) if self.fell_fen is None else (self.kept_fen or 0, self.fell_fen)
        return percent(top, whole)

    @property
    def fell_words(self) -> str:
        return yuan(self.fell_fen)

    @property
    def met_words(self) -> str:
        return yuan(self.met_fen)


@dataclass(frozen=True, slots=True)
class Added:
    """What the cases added to an indicator in the year."""

    indicator: str
    name: str
    quantity: Quantity
    cases: int


@dataclass(frozen=True, slots=True)
class Report:
    """The year of an organisation, as of its last day or today."""

    organisation: Organisation
    year: int
    until: date
    processes: tuple[ProcessLine, ...]
    dues: tuple[DueLine, ...]
    proofs: tuple[Proof, ...]
    added: tuple[Added, ...]
    cases: tuple[tuple[Case, str], ...]


def percent(part: int, whole: int) -> str:
    """A share of two sums in percent at one decimal, half up; "" of nothing."""
    if not whole:
        return ""
    tenths = (Fraction(part, whole) * 2000 + 1) // 2
    return f"{tenths // 10}.{tenths % 10}%"


def years(account: Account) -> tuple[int, ...]:
    """The years in which the organisation had cases, the latest first; the present one always."""
    first = _own(account).order_by("opened_at").values_list("opened_at", flat=True).first()
    this = clock.today().year
    return tuple(range(this, (first.astimezone(LOCAL).year if first else this) - 1, -1))


def _own(account: Account) -> QuerySet[Case]:
    return access.visible(account).filter(organisation=account.organisation_id)


def report(account: Account, year: int) -> Report:
    """The report of the account's organisation, from the cases it reads; those opened after the year stay out."""
    assert account.organisation is not None  # asked for by the caller
    until = min(date(year, 12, 31), clock.today())
    end = datetime.combine(until, time.max, LOCAL)
    cases = list(_own(account).filter(opened_at__lte=end).order_by("process", "pk"))
    stood = _stood(cases, end)
    return Report(
        account.organisation,
        year,
        until,
        tuple(_process_lines(cases, stood, year)),
        tuple(_due_lines(cases, year, until)),
        tuple(_proofs(cases, year)),
        tuple(_added(cases, year)),
        tuple((c, stood[c.pk]) for c in cases if _year(c.opened_at) == year),
    )


def _year(moment: datetime) -> int:
    return moment.astimezone(LOCAL).year


def _stood(cases: list[Case], end: datetime) -> dict[int, str]:
    """The code of the stage each case stood in at a moment."""
    rows = Event.objects.filter(case__in=cases, at__lte=end).order_by("number").values_list("case_id", "to_stage")
    return dict(rows)


def _process_lines(cases: list[Case], stood: dict[int, str], year: int) -> list[ProcessLine]:
    found = []
    for code in dict.fromkeys(c.process for c in cases):
        mine = [c for c in cases if c.process == code]
        process = holding.process_of(mine[-1])
        new = [c for c in mine if _year(c.opened_at) == year]
        ended = [c for c in mine if c.closed_on and c.closed_on.year == year]
        standing = [c for c in mine if not holding.process_of(c).stage(stood[c.pk]).outcome]
        stages: dict[str, int] = {}
        for c in new:
            name = holding.process_of(c).stage(stood[c.pk]).name
            stages[name] = stages.get(name, 0) + 1
        found.append(ProcessLine(process, len(new), len(ended), len(standing), tuple(stages.items())))
    return found


def _due_lines(cases: list[Case], year: int, until: date) -> list[DueLine]:
    rows = (
        Obligation.objects.filter(case__in=cases, waived=None)
        .select_related("case__definition", "met")
        .order_by("case__process", "code", "pk")
    )
    grouped: dict[tuple[str, str], list[Obligation]] = {}
    for one in rows:
        grouped.setdefault((one.case.process, one.code), []).append(one)
    return [line for dues in grouped.values() if (line := _due_line(dues, year, until))]


def _due_line(dues: list[Obligation], year: int, until: date) -> DueLine | None:
    process = holding.process_of(dues[-1].case)
    named = {d.code: d.name for d in process.dues}
    met_on = {d.pk: d.met.at.astimezone(LOCAL).date() for d in dues if d.met}
    fell = [d for d in dues if d.due.year == year and d.due <= until]
    kept = [d for d in fell if d.pk in met_on and met_on[d.pk] <= until]
    met = [d for d in dues if d.pk in met_on and met_on[d.pk].year == year]
    if not fell and not met:
        return None
    last = dues[-1]
    return DueLine(
        process.name, named.get(last.code, last.name), process.role(last.role).name,
        len(fell), _fen(fell), len(kept), _fen(kept), len(met), _fen(met),
    )  # fmt: skip


def _fen(dues: list[Obligation]) -> int | None:
    amounts = [d.amount for d in dues if d.amount is not None]
    return sum(amounts) if amounts else None


def _proofs(cases: list[Case], year: int) -> list[Proof]:
    rows = Certificate.objects.filter(case__in=cases).select_related("case__definition", "event").order_by("pk")
    return [proof(c) for c in rows if _year(c.event.at) == year]


def _added(cases: list[Case], year: int) -> list[Added]:
    pack = packs.current()
    rows = (
        Measured.objects.filter(case__in=cases, on__year=year)
        .order_by("indicator")
        .values_list("indicator")
        .annotate(total=Sum("value"))
    )
    counts: dict[str, set[int]] = {}
    for indicator, case in Measured.objects.filter(case__in=cases, on__year=year).values_list("indicator", "case_id"):
        counts.setdefault(indicator, set()).add(case)
    found = []
    for code, total in rows:
        card: Indicator | None = pack.find("indicators", code)
        if card is not None:
            found.append(Added(code, card.name, Quantity.stored(total, unit(card.unit)), len(counts[code])))
    return found


def workbook(one: Report, title: str) -> bytes:
    """The report as .xlsx: a sheet each for processes, dues, certificates, what was added, and the cases opened."""
    sheets = (
        Sheet("办件", (
            Column("流程", "text", 24), Column("年内新开（件）", "number", 12), Column("年内办结（件）", "number", 12),
            Column("期末在办（件）", "number", 12), Column("新开的期末所在环节", "text", 60),
        ), tuple(
            (p.process.name, p.opened, p.ended, p.standing, "，".join(f"{name} {n}" for name, n in p.stages))
            for p in one.processes
        ), f"{one.organisation.name}{title}（截至 {one.until}）"),
        Sheet("到期义务", (
            Column("流程", "text", 24), Column("义务", "text", 24), Column("由谁", "text", 14),
            Column("年内到期（项）", "number", 12), Column("年内到期金额（元）", "number", 18, 2),
            Column("其中已履行（项）", "number", 12), Column("其中已履行金额（元）", "number", 18, 2),
            Column("履行比例", "text", 10), Column("年内履行（项）", "number", 12),
            Column("年内履行金额（元）", "number", 18, 2),
        ), tuple(
            (d.process, d.name, d.owes, d.fell, _yuan(d.fell_fen), d.kept, _yuan(d.kept_fen), d.share, d.met,
             _yuan(d.met_fen)) for d in one.dues
        )),
        Sheet("证明", (
            Column("编号", "code", 24), Column("证明", "text", 24), Column("事项", "text", 40), Column("日期", "date", 12),
            Column("状态", "text", 10),
        ), tuple((p.certificate.number, p.name, p.certificate.case.title, p.issued, p.state) for p in one.proofs)),
        Sheet("计入指标", (
            Column("指标", "text", 30), Column("办件（件）", "number", 10), Column("计入", "number", 18, 2),
            Column("单位", "text", 8),
        ), tuple((a.name, a.cases, a.quantity.number, str(a.quantity.unit)) for a in one.added)),
        Sheet("年内新开的办件", (
            Column("编号", "code", 18), Column("流程", "text", 24), Column("事项", "text", 40), Column("开始", "date", 12),
            Column("期末环节", "text", 16), Column("办结", "date", 12),
        ), tuple(_case_row(c, stage) for c, stage in one.cases)),
    )  # fmt: skip
    meta = {
        "版本": packs.current().fingerprint, "期别": str(one.year), "单位": "见各列",
        "来源": f"{one.organisation.name}截至 {one.until} 的办件",
    }  # fmt: skip
    return ledger_bytes(sheets, meta=meta, day=one.until)


def _yuan(fen: int | None) -> Fraction | None:
    return None if fen is None else Fraction(fen, 100)


def _case_row(case: Case, stage: str) -> tuple[Cell, ...]:
    process = holding.process_of(case)
    opened = case.opened_at.astimezone(LOCAL).date()
    return case.key, process.name, case.title, opened, process.stage(stage).name, case.closed_on
