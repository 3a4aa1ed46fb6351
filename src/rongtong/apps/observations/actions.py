"""Taking in files: read, check, and write all or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any

from django.db import IntegrityError

from rongtong import clock
from rongtong.apps.observations import lookup
from rongtong.apps.observations.mapping import Parsed, read_import
from rongtong.apps.observations.models import Batch, Observation
from rongtong.apps.packs import queries as packs
from rongtong.apps.records.actions import act
from rongtong.apps.registry.models import Account
from rongtong.engine.checks import check
from rongtong.engine.pack.read import Pack
from rongtong.engine.reading import SOFT, Finding, Reading

IMPORT = "observations.import"
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did, or with `dry_run` would do. With a blocking finding nothing was written.

    `findings` holds the accepted soft ones too. `late` are the new rows that change what had been answered for days
    already past. `batch` is None when nothing was written.
    """

    rows_new: int
    rows_same: int
    late: tuple[Reading, ...]
    findings: tuple[Finding, ...]
    source: str
    sha256: str
    batch: Batch | None = None

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
class _Plan:
    """What a file would change."""

    new: tuple[Reading, ...]
    same: int
    late: frozenset[int]
    findings: tuple[Finding, ...]


def import_file(
    data: bytes, file_name: str, *, actor: Account, source: str | None = None, dry_run: bool = False
) -> Report:
    """Take in a CSV or XLSX file: every row or none. The same file again changes nothing.

    Raises WorkbookError when the file cannot be read, NoPack when no pack is loaded, and Denied.
    """
    file_name = PurePath(file_name.replace("\\", "/")).name[-255:]
    pack = packs.current()
    parsed = read_import(data, file_name, pack, source, today=clock.real_today())
    plan = _plan(parsed, pack)
    if dry_run:
        return _report(parsed, plan)
    try:
        return _write(parsed, plan, file_name, actor, pack)
    except IntegrityError:
        # Somebody stored one of these values since the plan was made. What is held now decides; a second time is a fault.
        return _write(parsed, _plan(parsed, pack), file_name, actor, pack)


def _plan(parsed: Parsed, pack: Pack) -> _Plan:
    indicators = {r.indicator for r in parsed.rows}
    stored = list(lookup.held(indicators, pack))
    values = {r.key: r.value for r in stored}
    new = tuple(r for r in parsed.rows if values.get(r.key) != r.value)
    reported = lookup.reported_periods(indicators)
    today = clock.today()
    late = frozenset(i for i, r in enumerate(new) if r.known_from < today and (r.indicator, str(r.period)) in reported)
    findings = tuple(
        sorted((*parsed.findings, *check(new, stored, pack)), key=lambda f: (f.sheet, *_row_and_column(f.cell)))
    )
    return _Plan(new, len(parsed.rows) - len(new), late, findings)


def _row_and_column(cell: str) -> tuple[int, int, str]:
    letters = cell.rstrip("0123456789")
    return int(cell[len(letters) :] or 0), len(letters), letters


def _report(parsed: Parsed, plan: _Plan, batch: Batch | None = None) -> Report:
    blocked = any(f.blocks for f in plan.findings)
    late = () if blocked else tuple(plan.new[i] for i in sorted(plan.late))
    new = 0 if blocked else len(plan.new)
    return Report(new, plan.same, late, plan.findings, parsed.source, parsed.sha256, batch)


def _write(parsed: Parsed, plan: _Plan, file_name: str, actor: Account, pack: Pack) -> Report:
    if not plan.new or any(f.blocks for f in plan.findings):
        return _report(parsed, plan)
    # Whoever may report for the lowest place that covers all rows may take in the file; rows that no one place covers
    # ask for the whole instance.
    where = pack.places.covering(r.place for r in plan.new) or ""
    with act(IMPORT, actor=actor, place=where, subject=f"sha256:{parsed.sha256[:16]}") as done:
        batch = Batch.objects.create(
            file_name=file_name,
            sha256=parsed.sha256,
            source=parsed.source,
            recorded_at=clock.now(),
            by=actor,
            rows_new=len(plan.new),
            rows_same=plan.same,
            summary=_summary(plan),
            findings=json.dumps([asdict(f) for f in plan.findings if f.severity == SOFT], ensure_ascii=False),
        )
        Observation.objects.bulk_create(_rows(plan, batch), batch_size=_CHUNK)
        done.payload = {
            "file": file_name,
            "sha256": parsed.sha256,
            "rows_new": len(plan.new),
            "rows_same": plan.same,
            "source": parsed.source,
        }
    return _report(parsed, plan, batch)


def _rows(plan: _Plan, batch: Batch) -> Iterable[Observation]:
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
        )


def _summary(plan: _Plan) -> str:
    indicators = {r.indicator for r in plan.new}
    places = {r.place for r in plan.new}
    periods = sorted({r.period for r in plan.new})
    span = str(periods[0]) if len(periods) == 1 else f"{periods[0]} 等 {len(periods)} 个"
    return (
        f"新增 {len(plan.new)} 行，相同 {plan.same} 行，补录 {len(plan.late)} 行；"
        f"指标 {len(indicators)} 个，地区 {len(places)} 个，期 {span}"
    )
