"""What the demonstration shows of collection: slices in every state, reminders, and a faulty workbook to try."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from rongtong import clock
from rongtong.apps.cases import actions as cases
from rongtong.apps.cases.demo import evidence_file
from rongtong.apps.cases.models import Case
from rongtong.apps.observations import filing, slices
from rongtong.apps.observations.collecting import PROCESS, Task, tasks
from rongtong.apps.observations.filing import Typed
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.actions import create_account, grant, system_account
from rongtong.apps.registry.models import Account
from rongtong.engine.standard import COLUMNS

FAULTY_FILE = "样例_五处错误.xlsx"
FILLER = "xian-tianbao"
# How far the counties of the demonstration's city have come with the half-year table, in order of code.
STAGES = ("approved", "returned", "soft", "approved", "province", "city", "approved", "draft")
# What the first figures of a table are of the first one, in percent.
SHARES = (100, 21, 6)
FIELDS = ("indicator", "place", "period", "value", "unit", "status", "known_from", "scope")


@dataclass(frozen=True, slots=True)
class Cast:
    """Who acts: the demonstration county's office, one account for the other counties, the city's and the province's."""

    county: Account
    filler: Account
    city: Account
    province: Account


def seed() -> None:
    """Slices of the last half-year and month in the first city; nothing where there are some, or no demo accounts."""
    half = next((t for t in tasks() if t.collection.level == "county" and t.collection.cumulative), None)
    if (
        half is None
        or packs.current().find("processes", PROCESS) is None
        or Case.objects.filter(process=PROCESS).exists()
    ):
        return
    city = packs.current().places.at_level("city")[0]
    counties = [p for p in half.places if packs.current().places.parent(p) == city]
    cast = _cast(city, counties)
    if cast is None:
        return
    for number, (place, stage) in enumerate(zip(counties[1:], STAGES, strict=False)):
        _play(half, place, stage, number, cast)
    month = next((t for t in tasks() if t.collection.level == "county" and t.collection.frequency == "month"), None)
    if month is not None:
        _file(month, counties[0], cast.county, 1)
        for number, place in enumerate(counties[1:5]):
            _file(month, place, cast.filler, number)
        filing.remind(month, counties[-2:], actor=cast.city, note="请于今天下班前报出")
    folder = Path(settings.HOME) / "out"
    folder.mkdir(exist_ok=True)
    (folder / FAULTY_FILE).write_bytes(faulty_workbook(half, counties[0]))


def _cast(city: str, counties: list[str]) -> Cast | None:
    found = {a.username: a for a in Account.objects.filter(demo=True)}
    wanted = [found.get(name) for name in (f"xian-{counties[0].lower()}", f"shi-{city.lower()}", "sheng")]
    if None in wanted:
        return None
    county, office, province = wanted
    assert county is not None
    assert office is not None
    assert province is not None
    filler = found.get(FILLER)
    if filler is None:
        system = system_account()
        filler = create_account(FILLER, "演示·各县填报人", actor=system, demo=True).account
        for place in counties[1:]:
            grant(filler, "county_officer", place, actor=system)
    return Cast(county, filler, office, province)


def _play(task: Task, place: str, stage: str, number: int, cast: Cast) -> None:
    case = filing.open_slice(task, place, actor=cast.filler)
    values = _values(case, number)
    first = task.collection.items[0].indicator
    if stage == "soft":
        # More than half above last year: an open question that a reason has to answer.
        values[first] = str(int(values[first]) * 17 // 10)
    if stage == "draft":
        values = dict(list(values.items())[:2])
    _fill(case, values, cast.filler)
    if stage in ("soft", "draft"):
        return
    filing.attach(case, [evidence_file()], actor=cast.filler)
    case = _step(case, "submit", cast.filler)
    last = task.collection.items[-1].indicator
    if stage == "returned":
        cells = [{"indicator": last, "comment": "与认定名单不符，名单上多 2 家，请核对"}]
        _step(case, "return", cast.city, {"reason": "有一格与名单不符，改后再报", "cells": cells})
    elif stage != "city":
        case = _step(case, "accept", cast.city)
        if stage == "approved":
            _step(case, "approve", cast.province)


def _file(task: Task, place: str, actor: Account, number: int) -> None:
    case = filing.open_slice(task, place, actor=actor)
    _fill(case, _values(case, number), actor)
    _step(case, "submit", actor)


def _values(case: Case, number: int) -> dict[str, str]:
    """Plausible figures: what is held, a little lower, and parts of it for what is not held."""
    shown = slices.read_slice(case)
    base = next((int(c.value.partition(".")[0]) for c in shown.cells if c.value), 100_000)
    found = {}
    for at, cell in enumerate(shown.cells):
        money = cell.reading is not None or cell.item.unit.endswith("元")
        amount = base * (SHARES[at] if at < len(SHARES) else 5) // 100 - number * 10
        found[cell.item.indicator] = str(max(amount, 100) if money else 30 + 7 * number + 5 * at)
    return found


def _fill(case: Case, values: Mapping[str, str], actor: Account) -> None:
    last = slices.entries_of([case.pk])[case.pk]
    typed = [Typed(code, value, "", last[code].version if code in last else 0) for code, value in values.items()]
    filing.save(case, typed, actor=actor)


def _step(case: Case, transition: str, actor: Account, data: Mapping[str, Any] | None = None) -> Case:
    case.refresh_from_db()
    return cases.move(case.pk, transition, actor=actor, seen=case.events, data=data)


def faulty_workbook(task: Task, place: str) -> bytes:
    """A file in the standard format about one slice, with one fault in each of five rows.

    A figure of another magnitude (万元 for 亿元), a wrong unit, a number in words, a place that does not exist, a 口径
    that is not the card's.
    """
    import openpyxl

    pack = packs.current()
    items = [*task.collection.items, *task.collection.items][:5]
    cards = [pack.get("indicators", item.indicator) for item in items]
    name = pack.places.get(place).name
    foreign = next((s.name for s in pack.all("scopes") if s.code != cards[2].scope), "别的口径")
    faults: list[dict[str, Any]] = [
        {"value": "21.5"},
        {"unit": "家" if cards[1].unit != "家" else "亿元"},
        {"scope": foreign},
        {"value": "约44"},
        {"place": "不存在县"},
    ]
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = "数据"
    sheet.append([COLUMNS[field][0] for field in FIELDS])
    for item, card, fault in zip(items, cards, faults, strict=False):
        row = {
            "indicator": card.name,
            "place": name,
            "period": str(task.period),
            "value": "30000" if item.unit.endswith("元") else "30",
            "unit": item.unit,
            "status": "快报",
            "known_from": clock.today().isoformat(),
            "scope": "",
        } | fault
        sheet.append([row[field] for field in FIELDS])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
