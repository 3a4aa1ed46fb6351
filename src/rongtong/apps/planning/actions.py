"""Everything planning writes: allocation runs, forecasts, lamps of a month."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from django.db import transaction

from rongtong import clock
from rongtong.apps.cases import actions as sign_off
from rongtong.apps.cases import holding
from rongtong.apps.cases import queries as cases
from rongtong.apps.cases.starting import Part
from rongtong.apps.packs import queries as packs
from rongtong.apps.planning import forecasting, queries, shapes, splitting
from rongtong.apps.planning.models import Allocation, AllocationCell, ForecastRecord, LampRecord
from rongtong.apps.records.actions import act
from rongtong.apps.registry import access
from rongtong.apps.registry.models import Account
from rongtong.engine.allocation import allocate as solve
from rongtong.engine.allocation.solution import Infeasible, Solution
from rongtong.engine.indicator import Board
from rongtong.engine.pack.plan import Split
from rongtong.engine.quantity import Quantity

SIGN_OFF = "allocation_signoff"
OPEN_TO_CHANGE = ("drafting", "comment")


class Outdated(Exception):
    """Someone else saved a version since the one edited; `newest` is theirs."""

    def __init__(self, newest: Allocation) -> None:
        super().__init__(
            f"{newest.by.name}已在 {newest.recorded_at.astimezone(clock.LOCAL):%Y-%m-%d %H:%M} 存下第 {newest.version} 版。"
            "您填的内容仍在下面，没有保存；看过改动后可以再存一次。"
        )
        self.newest = newest


def allocate(split: Split, *, actor: Account) -> tuple[dict[str, Any], Allocation]:
    """Solve a split, keep it as the next version of its code and adopt it; what is in force already is kept as it is.

    Raises SplitError; ValueError when infeasible.
    """
    prepared, solution, body = _solved(split)
    now = in_force(split.code)
    if now and _same(now, split, body):
        return body, now
    run = _keep(prepared, solution, body, actor=actor)
    return body, adopt(run, actor=actor)


class Closed(Exception):
    """The sign-off of an allocation is at a stage where no version may be saved; the message says which."""


def may_draft(account: Account, place: str) -> bool:
    """Whether an account may save versions of a place's plans: those who open its sign-off, not those who sign."""
    process = packs.current().find("processes", SIGN_OFF)
    if process is None or not access.may(account, "planning.allocate", place):
        return False
    who = holding.reach(account)
    held = (who.places(process.role(code)) for code in process.opened_by)
    return any(p is holding.EVERYWHERE or place in p for p in held)


def draft(split: Split, *, actor: Account, based_on: int) -> Allocation:
    """Solve a split and keep it as the next version of its code, a draft under sign-off; the same again keeps nothing.

    The first version of a code opens its sign-off, with the places it splits over taking part. `based_on` is the newest
    version the person saw (0: none). Raises Outdated when there is a newer one, Closed, Denied, SplitError, and
    ValueError when infeasible.
    """
    prepared, solution, body = _solved(split)
    if not may_draft(actor, prepared.top):
        raise access.Denied(f"{actor.name or actor.username}不能存 {prepared.top} 的分解方案：由会签的起草人存。")
    with transaction.atomic():
        case = cases.by_key(SIGN_OFF, split.code)
        if case and case.stage not in OPEN_TO_CHANGE:
            stage = cases.item(case).stage_name
            raise Closed(f"方案“{split.name}”现在是“{stage}”，不能存新版本。要改，请先退回、收回或重新起草。")
        newest = Allocation.objects.filter(code=split.code).select_related("by").order_by("-version").first()
        if newest and newest.version != based_on:
            raise Outdated(newest)
        if newest and newest.place != prepared.top:
            raise Closed(f"方案代码 {split.code} 已用于别处的分解，请换一个代码。")
        if newest and _same(newest, split, body):
            return newest
        run = _keep(prepared, solution, body, actor=actor)
        if case is None:
            sign_off.open_case(
                SIGN_OFF,
                actor=actor,
                place=prepared.top,
                key=split.code,
                title=split.name,
                period=split.period,
                parts=[Part("below", place=p) for p in prepared.places],
            )
    return run


def adopt(run: Allocation, *, actor: Account, case: str = "") -> Allocation:
    """Put a version in force from today; the one before it stays on record. An adopted version is left as it is."""
    if run.adopted_from is not None:
        return run
    with act("planning.adopt", actor=actor, place=run.place, subject=run.code) as done:
        run.adopted_from, run.case = clock.today(), case
        run.save(update_fields=["adopted_from", "case"])
        done.payload = {"version": run.version, "adopted_from": run.adopted_from.isoformat(), "case": case}
    return run


def in_force(code: str) -> Allocation | None:
    """The version of a code last adopted, whether or not a newer draft waits."""
    adopted = Allocation.objects.filter(code=code, adopted_from__lte=clock.today())
    return adopted.order_by("-adopted_from", "-version").first()


def _solved(split: Split) -> tuple[splitting.Prepared, Solution, dict[str, Any]]:
    prepared = splitting.prepare(split)
    solution = solve(prepared.problem)
    if isinstance(solution, Infeasible):
        raise ValueError(solution.words)
    return prepared, solution, shapes.solution(prepared, solution)


def _same(kept: Allocation, split: Split, body: dict[str, Any]) -> bool:
    return kept.spec == split.model_dump_json() and json.loads(kept.result)["cells"] == body["cells"]


def _keep(prepared: splitting.Prepared, solution: Solution, body: dict[str, Any], *, actor: Account) -> Allocation:
    split = prepared.split
    with act("planning.allocate", actor=actor, place=prepared.top, subject=split.code) as done:
        last = Allocation.objects.select_for_update().filter(code=split.code).order_by("-version").first()
        run = Allocation.objects.create(
            code=split.code,
            version=last.version + 1 if last else 1,
            indicator=split.indicator,
            period=split.period,
            place=prepared.top,
            parent_figure=split.total.figure,
            spec=split.model_dump_json(),
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
    return run


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
