"""Everything planning writes: allocation runs, forecasts, lamps of a month."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from rongtong import clock
from rongtong.apps.packs import queries as packs
from rongtong.apps.planning import forecasting, queries, shapes, splitting
from rongtong.apps.planning.models import Allocation, AllocationCell, ForecastRecord, LampRecord
from rongtong.apps.records.actions import act
from rongtong.apps.registry.models import Account
from rongtong.engine.allocation import allocate as solve
from rongtong.engine.allocation.solution import Infeasible
from rongtong.engine.indicator import Board
from rongtong.engine.pack.plan import Split
from rongtong.engine.quantity import Quantity


def allocate(split: Split, *, actor: Account) -> tuple[dict[str, Any], Allocation]:
    """Solve a split and keep it as the next version of its code; the same split again keeps nothing new.

    Raises SplitError; ValueError when infeasible.
    """
    prepared = splitting.prepare(split)
    solution = solve(prepared.problem)
    if isinstance(solution, Infeasible):
        raise ValueError(solution.words)
    body = shapes.solution(prepared, solution)
    spec = split.model_dump_json()
    kept = Allocation.objects.filter(code=split.code).order_by("-version").first()
    if kept and kept.spec == spec and json.loads(kept.result)["cells"] == body["cells"]:
        return body, kept
    with act("planning.allocate", actor=actor, place=prepared.top, subject=split.code) as done:
        last = Allocation.objects.select_for_update().filter(code=split.code).order_by("-version").first()
        run = Allocation.objects.create(
            code=split.code,
            version=last.version + 1 if last else 1,
            indicator=split.indicator,
            period=split.period,
            place=prepared.top,
            parent_figure=split.total.figure,
            spec=spec,
            result=json.dumps(body, ensure_ascii=False),
            known_from=clock.today(),
            recorded_at=clock.now(),
            by=actor,
            pack=packs.current().fingerprint,
        )
        AllocationCell.objects.bulk_create(
            AllocationCell(
                allocation=run,
                place=c.cell.place,
                subject=c.cell.subject,
                value=Quantity.of(c.value, split.unit).to_stored(),
            )
            for c in solution.cells
        )
        done.payload = {
            "version": run.version,
            "cells": {f"{c.cell.place}/{c.cell.subject}": str(c.value) for c in solution.cells},
        }
    return body, run


def forecast(target_code: str, *, actor: Account, as_of: date | None = None) -> forecasting.Outlook:
    """Make a target's forecasts and keep them as the vintage of the day; a vintage already kept is not changed."""
    found = forecasting.outlook(target_code, as_of)
    body = forecasting.shape(found)
    kept = ForecastRecord.objects.filter(indicator=found.card.code, period=str(found.period), as_of=found.as_of)
    if kept.exists():
        return found
    rows = [*body["rows"], body["total"]] if body["total"] else body["rows"]
    with act("planning.forecast", actor=actor, place=found.target.place, subject=target_code) as done:
        ForecastRecord.objects.bulk_create(_record(found, row, body["status"]) for row in rows)
        done.payload = {"as_of": found.as_of.isoformat(), "made_from": str(found.made_from)}
    return found


def _record(found: forecasting.Outlook, row: dict[str, Any], status: str) -> ForecastRecord:
    def stored(value: str | None) -> int | None:
        return None if value is None else Quantity.of(value, found.card.unit).to_stored()

    return ForecastRecord(
        indicator=found.card.code,
        place=row["place"],
        period=str(found.period),
        made_from=str(found.made_from),
        as_of=found.as_of,
        method=row["method"],
        value=stored(row["value"]),
        low=stored(row["low"]),
        high=stored(row["high"]),
        level=row["level"],
        probability=row["probability"] or "",
        body=json.dumps({**row, "status": status}, ensure_ascii=False),
        recorded_at=clock.now(),
    )


def record_lamps(asked: queries.Asked, *, actor: Account) -> tuple[Board, int]:
    """Keep the lamps of a board for this month. One already kept is never repainted. Returns how many are new."""
    board = queries.monitor(asked)
    month = f"{clock.today():%Y-%m}"
    rows = [r for r in (*board.rows, board.total) if r.lamp]
    kept = set(
        LampRecord.objects.filter(indicator=board.card.code, period=str(board.period), month=month).values_list(
            "place", flat=True
        )
    )
    new = [r for r in rows if r.place not in kept]
    if not new:
        return board, 0
    with act("planning.lamps", actor=actor, place=board.total.place, subject=board.card.code) as done:
        for row in new:
            assert row.lamp is not None
            LampRecord.objects.create(
                indicator=board.card.code,
                place=row.place,
                period=str(board.period),
                month=month,
                lamp=row.lamp.code,
                rule=row.lamp.rule,
                rule_from=date.fromisoformat(row.lamp.rule_from),
                basis=row.lamp.basis,
                case=row.lamp.case,
                numbers=json.dumps(dict(row.lamp.numbers), ensure_ascii=False),
                recorded_at=clock.now(),
            )
        done.payload = {"month": month, "lamps": {r.place: r.lamp.code for r in new if r.lamp}}
    return board, len(new)
