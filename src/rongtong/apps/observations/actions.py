"""Taking in files: read, check, and write all or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import PurePath
from typing import Any

from django.db import IntegrityError

from rongtong import clock
from rongtong.apps.observations import lookup
from rongtong.apps.observations.collecting import asking
from rongtong.apps.observations.mapping import Parsed, read_import
from rongtong.apps.observations.models import Batch, Observation
from rongtong.apps.observations.sourcing import office_sources
from rongtong.apps.packs import queries as packs
from rongtong.apps.records.actions import act
from rongtong.apps.registry.access import require, visible_places
from rongtong.apps.registry.models import Account
from rongtong.engine.checks import check
from rongtong.engine.pack.model import Source
from rongtong.engine.pack.read import Pack
from rongtong.engine.reading import HARD, SOFT, SYNTHETIC, Finding, Reading

IMPORT = "observations.import"
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did, or with `dry_run` would do. With a blocking finding nothing was written.

    `findings` holds the accepted soft ones too. `late` are the new rows that change what had been answered for days
    already past, `new` all new rows. `batch` is None when nothing was written.
    """

    rows_new: int
    rows_same: int
    late: tuple[Reading, ...]
    findings: tuple[Finding, ...]
    source: str
    sha256: str
    batch: Batch | None = None
    new: tuple[Reading, ...] = ()

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings for which nothing may be written."""
        return tuple(f for f in self.findings if f.blocks)

    def to_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return {
            "written": self.batch is not None,
            "rows_new": self.rows_new,
            "rows_same": self.rows_same,
            "late": [r.evidence for r in self.late],
            "findings": [asdict(f) | {"blocks": f.blocks} for f in self.findings],
            "source": self.source,
            "sha256": self.sha256,
            "batch": self.batch.pk if self.batch else None,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What rows would change: those that are new, how many are held already, which come late, what is wrong."""

    new: tuple[Reading, ...]
    same: int
    late: frozenset[int]
    findings: tuple[Finding, ...]
    again: bool = False


def import_file(
    data: bytes,
    file_name: str,
    *,
    actor: Account,
    source: str | None = None,
    dry_run: bool = False,
    layout: Source | None = None,
) -> Report:
    """Take in a CSV or XLSX file: every row or none. The same file again changes nothing.

    `layout` reads the file in place of the layouts that are kept.

    Raises WorkbookError when the file cannot be read, NoPack when no pack is loaded, and Denied, also for a dry run: what
    is found may name what is held of the rows' places.
    """
    file_name = PurePath(file_name.replace("\\", "/")).name[-255:]
    pack = packs.current()
    more = (layout,) if layout else office_sources()
    named = layout.code if layout else source
    parsed = read_import(data, file_name, pack, named, today=clock.real_today(), more=more)
    if parsed.rows:
        require(actor, IMPORT, _where(parsed.rows, pack))
    past_filing = pack.manifest.root_place in visible_places(actor)
    plan = _plan(parsed, pack, past_filing=past_filing)
    if dry_run:
        return _report(parsed, plan)
    try:
        return _write(parsed, plan, file_name, actor, pack)
    except IntegrityError:
        # Somebody stored one of these values since the plan was made. What is held now decides; a second time is a fault.
        return _write(parsed, _plan(parsed, pack, past_filing=past_filing), file_name, actor, pack)


def _where(rows: Iterable[Reading], pack: Pack) -> str:
    """The lowest place that covers all rows; empty, the whole instance, where no one place does."""
    return pack.places.covering(r.place for r in rows) or ""


def _plan(parsed: Parsed, pack: Pack, *, past_filing: bool) -> Plan:
    """The plan of a file. Only who reads the whole takes in what places file and have approved (填报审核)."""
    plan = plan_rows(parsed.rows, parsed.findings, pack)
    if past_filing:
        return plan
    return replace(plan, findings=tuple(sorted((*plan.findings, *_filed(plan.new, pack)), key=_at)))


def _filed(rows: Iterable[Reading], pack: Pack) -> Iterable[Finding]:
    """A finding for each row that a table of the collection asks its place for."""
    for row in rows:
        table = asking(row.indicator, row.place, row.period)
        if table is not None:
            name, where = pack.get("indicators", row.indicator).name, pack.places.name(row.place)
            yield row.finding(
                HARD,
                f"{where}{row.period.chinese}的{name}由填报表“{table.number} {table.name}”逐级审核，不能直接导入",
                do=f"在“填报审核”中打开{where}这一期的{table.number}，填报后提交审核；这一行从文件里删去",
            )


def _at(finding: Finding) -> tuple[str, int, int, str]:
    return (finding.sheet, *row_and_column(finding.cell))


def plan_rows(rows: Sequence[Reading], findings: Iterable[Finding], pack: Pack, *, again: bool = False) -> Plan:
    """What rows would change beside what is held.

    With `again` another value of the same day is a further revision of it, as when a slice is approved again; without it
    that is a conflict.
    """
    indicators = {r.indicator for r in rows}
    stored = list(lookup.held(indicators, pack))
    values = {r.key: r.value for r in stored}
    new = tuple(r for r in rows if values.get(r.key) != r.value)
    same = len(rows) - len(new)
    if again:
        new = tuple(_revised(r) if r.key in values else r for r in new)
        keys = {r.key for r in rows} | {r.key for r in new}
        stored = [r for r in stored if r.key not in keys]
    reported = lookup.reported_periods(indicators)
    today = clock.today()
    late = frozenset(i for i, r in enumerate(new) if r.known_from < today and (r.indicator, str(r.period)) in reported)
    return Plan(new, same, late, tuple(sorted((*findings, *check(new, stored, pack)), key=_at)), again)


def _revised(reading: Reading) -> Reading:
    # A demonstration value stays marked as one.
    return reading if reading.status == SYNTHETIC else replace(reading, status="revised")


def row_and_column(cell: str) -> tuple[int, int, str]:
    """What `C7` sorts by."""
    letters = cell.rstrip("0123456789")
    return int(cell[len(letters) :] or 0), len(letters), letters


def _report(parsed: Parsed, plan: Plan, batch: Batch | None = None) -> Report:
    blocked = any(f.blocks for f in plan.findings)
    late = () if blocked else tuple(plan.new[i] for i in sorted(plan.late))
    rows = () if blocked else plan.new
    return Report(len(rows), plan.same, late, plan.findings, parsed.source, parsed.sha256, batch, rows)


def _write(parsed: Parsed, plan: Plan, file_name: str, actor: Account, pack: Pack) -> Report:
    if not plan.new or any(f.blocks for f in plan.findings):
        return _report(parsed, plan)
    # Whoever may report for the lowest place that covers all rows may take in the file.
    with act(IMPORT, actor=actor, place=_where(plan.new, pack), subject=f"sha256:{parsed.sha256[:16]}") as done:
        batch = store(plan, file_name, parsed.sha256, parsed.source, actor)
        done.payload = {
            "file": file_name,
            "sha256": parsed.sha256,
            "rows_new": len(plan.new),
            "rows_same": plan.same,
            "source": parsed.source,
        }
        if filed := [r for r in plan.new if asking(r.indicator, r.place, r.period)]:
            done.payload["rows_past_filing"] = len(filed)
    return _report(parsed, plan, batch)


def store(plan: Plan, name: str, sha256: str, source: str, actor: Account) -> Batch:
    """Add the new rows of a plan as one batch. Call it within an act."""
    batch = Batch.objects.create(
        file_name=name,
        sha256=sha256,
        source=source,
        recorded_at=clock.now(),
        by=actor,
        rows_new=len(plan.new),
        rows_same=plan.same,
        summary=_summary(plan),
        findings=json.dumps([asdict(f) for f in plan.findings if f.severity == SOFT], ensure_ascii=False),
    )
    Observation.objects.bulk_create(_rows(plan, batch), batch_size=_CHUNK)
    return batch


def _rows(plan: Plan, batch: Batch) -> Iterable[Observation]:
    for index, r in enumerate(plan.new):
        yield Observation(
            indicator=r.indicator,
            place=r.place,
            edition=r.edition,
            chain=r.chain,
            subject=r.subject,
            funds=r.funds,
            use=r.use,
            period=str(r.period),
            start=r.period.year * 100 + r.period.month,
            months=r.period.months,
            value=r.value,
            unit=r.unit.symbol,
            status=r.status,
            known_from=r.known_from,
            recorded_at=batch.recorded_at,
            batch=batch,
            evidence=r.evidence,
            source=r.source,
            note=r.note,
            late=index in plan.late,
            reason=r.reason,
            revision=_revision(r) if plan.again else 0,
        )


def _revision(reading: Reading) -> int:
    """How many values of this day and status there are already."""
    indicator, place, chain, subject, funds, use = reading.series
    return Observation.objects.filter(
        indicator=indicator, place=place, chain=chain, subject=subject, funds=funds, use=use,
        period=str(reading.period), known_from=reading.known_from, status=reading.status,
    ).count()  # fmt: skip


def _summary(plan: Plan) -> str:
    indicators = {r.indicator for r in plan.new}
    places = {r.place for r in plan.new}
    periods = sorted({r.period for r in plan.new})
    span = str(periods[0]) if len(periods) == 1 else f"{periods[0]} 等 {len(periods)} 个"
    return (
        f"新增 {len(plan.new)} 行，相同 {plan.same} 行，补录 {len(plan.late)} 行；"
        f"指标 {len(indicators)} 个，地区 {len(places)} 个，期 {span}"
    )
