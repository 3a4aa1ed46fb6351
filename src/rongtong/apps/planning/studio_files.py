"""A version of an allocation as a file to hand down (下达文件): an .xlsx ledger, or plain CSV."""

from __future__ import annotations

import csv
import io
import json
from fractions import Fraction
from typing import Any

from rongtong.apps.papers.workbook import Cell, Column, Sheet, ledger_bytes
from rongtong.apps.planning.models import Allocation
from rongtong.apps.planning.studio_queries import Sight, read_split
from rongtong.apps.planning.studio_trials import decimals
from rongtong.apps.planning.studio_words import entries
from rongtong.cells import guard
from rongtong.engine.allocation.solution import STEP_WORDS
from rongtong.engine.quantity import decimal_text, finite_decimals

HEADS = ("地区代码", "地区", "主体", "目标", *STEP_WORDS.values())
FINEST = 9


def workbook(run: Allocation, sight: Sight) -> bytes:
    """The split and, for who sees the plan whole, its demands and the sum check, as one .xlsx."""
    split, body = read_split(run.spec), json.loads(run.result)
    places = decimals(split)
    numbers = [Column(f"{HEADS[3]}（{split.unit}）", "number", 14, places)]
    numbers += [Column(words, "number", 14, FINEST) for words in STEP_WORDS.values()]
    columns = (Column("地区代码", "code", 10), Column("地区", "text", 12), Column("主体", "text", 12), *numbers)
    sheets = [Sheet("分解", columns, tuple(_rows(body, sight)), f"{split.name}（第 {run.version} 版，{status(run)}）")]
    if sight.whole:
        check = body["check"]
        sums: list[tuple[Cell, ...]] = [
            ("总额", Fraction(body["total"])),
            ("分解合计", Fraction(check["cells"])),
            *((f"余项：{r['name']}", Fraction(r["value"])) for r in body["remainder"]),
            ("与目标差", Fraction(check["difference"])),
        ]
        amount = Column(split.unit, "number", 14, places + 2)
        sheets.append(Sheet("核对", (Column("项", "text", 30), amount), tuple(sums)))
        sheets.append(Sheet("要求", (Column("要求", "text", 80),), tuple((e,) for e in entries(split))))
    meta = {"方案": run.code, "版本": str(run.version), "期": run.period, "单位": split.unit, "状态": status(run)}
    return ledger_bytes(sheets, meta=meta, day=run.adopted_from or run.known_from)


def table(run: Allocation, sight: Sight) -> str:
    """The split as CSV, exact."""
    split, body = read_split(run.spec), json.loads(run.result)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow((*HEADS[:3], f"目标（{split.unit}）", *HEADS[4:]))
    for row in _rows(body, sight):
        writer.writerow([_exact(v) if isinstance(v, Fraction) else guard(str(v)) for v in row])
    return out.getvalue()


def status(run: Allocation) -> str:
    """Whether a version is in force, in words."""
    return f"已下达，自 {run.adopted_from} 起" if run.adopted_from else "草稿"


def _rows(body: dict[str, Any], sight: Sight) -> list[tuple[Cell, ...]]:
    return [
        (
            c["place"], c["name"], c["subject"], Fraction(c["value"]),
            *(Fraction(step["amount"]) for step in c["explanation"]),
        )
        for c in body["cells"]
        if sight.shows(c["place"])
    ]  # fmt: skip


def _exact(value: Fraction) -> str:
    return decimal_text(value, finite_decimals(value, 15))
