"""The JSON shapes of planning, one for API and command line alike. Exact numbers are strings, ranks integers."""

from __future__ import annotations

from typing import Any

from rongtong.apps.planning.queries import Goal
from rongtong.apps.planning.splitting import Prepared
from rongtong.engine.allocation.problem import Cell, Constraint, constraint_words
from rongtong.engine.allocation.solution import STEP_WORDS, CounterOffer, Infeasible, Solution
from rongtong.engine.figure import Figure
from rongtong.engine.indicator import Board, Row
from rongtong.engine.pace import Lamp
from rongtong.engine.quantity import decimal_text
from rongtong.engine.sentence import plain
from rongtong.engine.target import Difference, Verdict


def _text(figure: Figure | None) -> str | None:
    return figure.text if figure else None


def _rank(figure: Figure | None) -> int | None:
    return int(figure.number) if figure else None


def lamp(item: Lamp | None) -> dict[str, Any] | None:
    """The lamp with its why."""
    if item is None:
        return None
    return {
        "lamp": item.code,
        "shape": item.shape,
        "word": item.word,
        "basis": item.basis,
        "rule": item.rule,
        "rule_from": item.rule_from,
        "case": item.case,
        "numbers": dict(item.numbers),
        "mark": item.mark,
    }


def row(item: Row, indicator: str, period: str, chain: str = "") -> dict[str, Any]:
    """One place of a board."""
    f = item.figures
    value = f.get("value")
    chained = f"#{chain}" if chain else ""
    return {
        "figure": value.id if value else f"{indicator}{chained}@{item.place}@{period}",
        "place": item.place,
        "name": item.name,
        "value": _text(value),
        "yoy": _text(f.get("yoy")),
        "yoy_rank": _rank(f.get("yoy_rank")),
        "share": _text(f.get("share")),
        "rank": _rank(f.get("rank")),
        "gap_to_mean": _text(f.get("gap")),
        "goal": _text(f.get("goal")),
        "completion": _text(f.get("completion")),
        "baseline": _text(f.get("baseline")),
        "lamp": item.lamp.code if item.lamp else None,
        "lamp_why": lamp(item.lamp),
        "status": item.status,
        "late": item.late,
        "sentence": plain(item.sentence),
    }


def board(item: Board) -> dict[str, Any]:
    """A board: `check` is the total's growth from the places' levels, in percent; `unallocated` in the board's unit."""
    period = str(item.period)
    rows = [row(r, item.card.code, period, item.chain) for r in item.rows]
    return {
        "indicator": item.card.code,
        "name": item.card.name,
        "period": period,
        "unit": item.card.unit,
        "scope": item.card.scope,
        "chain": item.chain or None,
        "as_of": item.as_of.isoformat(),
        "synthetic": any(r.status == "synthetic" for r in (*item.rows, item.total)),
        "rows": rows,
        "total": row(item.total, item.card.code, period, item.chain),
        "unallocated": _text(item.unallocated),
        "check": _text(item.check),
        "late": [r["figure"] for r in rows if r["late"]],
    }


def verdict(item: Verdict) -> dict[str, Any]:
    return {
        "reading": item.reading,
        "actual": _text(item.actual),
        "actual_figure": item.actual.id if item.actual else None,
        "bar": _text(item.bar),
        "met": item.met,
    }


def goal(item: Goal) -> dict[str, Any]:
    """A target with its verdicts; `met` is null when it is not known."""
    t = item.target
    return {
        "code": t.code,
        "indicator": t.indicator,
        "name": item.card.name,
        "place": t.place,
        "period": t.period,
        "kind": t.kind,
        "comparator": t.comparator,
        "value": t.value,
        "unit": t.unit or item.card.unit,
        "figure": item.figure.id if item.figure else None,
        "baseline": t.baseline,
        "commitment": t.commitment or None,
        "document": t.cite.document,
        "clause": t.cite.clause or None,
        "provenance": t.provenance,
        "met": item.met,
        "readings": [verdict(v) for v in item.verdicts],
    }


def balance(item: Difference) -> dict[str, Any]:
    """Total − Σ parts, named, with its readings."""
    return {
        "code": item.balance.code,
        "total": item.total.text,
        "total_figure": item.total.id,
        "parts": [
            {"target": code, "figure": f.id, "value": f.text}
            for code, f in zip(item.balance.parts, item.parts, strict=True)
        ],
        "difference": item.difference.text,
        "difference_figure": item.difference.id,
        "unit": str(item.total.unit),
        "readings": list(item.balance.readings),
    }


def solution(prepared: Prepared, item: Solution) -> dict[str, Any]:
    """A split: cells with the steps that add up to each, the named remainder, and the sum check."""
    problem = prepared.problem
    split_total = sum((c.value for c in item.cells), start=problem.total * 0)
    left = sum((r.amount for r in item.remainder), start=problem.total * 0)
    return {
        "code": prepared.split.code,
        "indicator": prepared.split.indicator,
        "period": prepared.split.period,
        "unit": prepared.split.unit,
        "total": decimal_text(item.total),
        "tie": item.tie,
        "cells": [
            {
                "place": c.cell.place,
                "name": problem.names.get(c.cell.place, c.cell.place),
                "subject": c.cell.subject,
                "value": decimal_text(c.value),
                "explanation": [
                    {"step": s.name, "words": STEP_WORDS[s.name], "amount": decimal_text(s.amount)}
                    for s in c.explanation
                ],
            }
            for c in item.cells
        ],
        "remainder": [{"name": r.name, "value": decimal_text(r.amount)} for r in item.remainder],
        "check": {
            "cells": decimal_text(split_total),
            "remainder": decimal_text(left),
            "difference": decimal_text(item.total - split_total - left),
        },
        "weights": sorted(
            {
                f"{f.key.indicator}@{f.key.period}"
                if f.key.measure == "value"
                else f"{f.key.indicator}.{f.key.measure}@{f.key.period}"
                for f in prepared.sources
            }
        ),
        "notes": list(prepared.notes),
    }


def infeasible(prepared: Prepared, item: Infeasible) -> dict[str, Any]:
    """Why there is no split: the demands that conflict, in words, and the cheapest repair or null."""

    def demand(c: Constraint) -> dict[str, Any]:
        cell = c.key if isinstance(c.key, Cell) else None
        return {
            "kind": c.kind,
            "place": cell.place if cell else (str(c.key) if c.kind == "place_margin" else ""),
            "subject": cell.subject if cell else (str(c.key) if c.kind == "subject_margin" else ""),
            "value": decimal_text(c.value),
            "relaxable": c.relaxable,
            "words": constraint_words(prepared.problem, c),
        }

    repair = item.repair
    return {
        "conflicts": [demand(c) for c in item.conflicts],
        "words": item.words,
        "only_by_rounding": item.only_by_rounding,
        "shortfall": decimal_text(item.shortfall),
        "smallest": item.smallest,
        "repair": {
            "changes": [{**demand(c.constraint), "new_value": decimal_text(c.value)} for c in repair.changes],
            "size": decimal_text(repair.size),
            "words": repair.words,
        }
        if repair
        else None,
    }


def counter_offer(prepared: Prepared, item: CounterOffer, place: str) -> dict[str, Any]:
    """A counter-offer re-solved: what the place gains and what it costs each other place."""
    return {
        "place": place,
        "change": decimal_text(item.change),
        "cost": [
            {"place": p, "name": prepared.problem.names.get(p, p), "amount": decimal_text(v)}
            for p, v in sorted(item.cost.items())
        ],
        "after": [
            {"place": c.cell.place, "subject": c.cell.subject, "value": decimal_text(c.value)} for c in item.after.cells
        ],
    }
