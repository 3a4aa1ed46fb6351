"""Everything 督办 writes beyond its process: gap-free numbers, evidence kept with a step, levels that only rise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import PurePath
from typing import Any

from django.db import transaction

from rongtong import clock
from rongtong.apps.cases import actions, evidence, queries
from rongtong.apps.cases.errors import CaseExists, FormRefused
from rongtong.apps.cases.evidence import Upload
from rongtong.apps.cases.models import Case
from rongtong.apps.cases.starting import Part
from rongtong.apps.cases.supervision_forms import LEVELS, Draft
from rongtong.apps.cases.supervision_prefill import lamp_of
from rongtong.apps.cases.supervision_queries import PROCESS
from rongtong.apps.registry.models import Account

# Of two who open at once one has to take the next number.
TRIES = 5
# The fields that say until when an extension (延期) is asked for and granted.
EXTENSIONS = ("new_due", "granted_due")


def open_item(draft: Draft, *, actor: Account) -> Case:
    """Open a 督办 under the next number of the year. Raises what `cases.actions.open_case` raises."""
    return open_items([draft], actor=actor)[0]


def open_items(drafts: Sequence[Draft], *, actor: Account) -> list[Case]:
    """Open several 督办, all or none, numbered on from the last of the year.

    Raises Denied, FormRefused, CaseError; CaseExists only when others keep taking the numbers.
    """
    for attempt in range(TRIES):
        try:
            with transaction.atomic():
                first = _last_number() + 1
                return [_open(draft, first + i, actor) for i, draft in enumerate(drafts)]
        except CaseExists:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("unreachable")


def _last_number() -> int:
    # Cases are never deleted, so that how many there are in a year is also the last number.
    return Case.objects.filter(process=PROCESS, key__startswith=_number_stem()).count()


def _number_stem() -> str:
    return f"督〔{clock.today().year}〕"


def _open(draft: Draft, number: int, actor: Account) -> Case:
    key = f"{_number_stem()}{number}号"
    data: dict[str, Any] = {"number": key, **draft.data()}
    if data.get("source") == "lamp" and (lamp := lamp_of(str(data.get("figure", "")))):
        data["lamp"] = lamp
    return actions.open_case(
        PROCESS,
        actor=actor,
        place=draft.place,
        key=key,
        title=draft.title,
        data=data,
        due=draft.deadline,
        parts=[Part("support", place=place) for place in draft.helpers],
    )


def step(
    pk: int, transition: str, *, actor: Account, seen: int, data: Mapping[str, Any], files: Sequence[Upload] = ()
) -> Case:
    """Make one step of a 督办 and keep the evidence that came with it, together or not at all.

    A level may only rise, an extension only lead to a later day. Raises what `cases.actions.move` raises.
    """
    given = dict(data)
    case = queries.find(actor, pk)
    if transition == "escalate":
        _check_rises(case, str(given.get("level", "")))
    for field in EXTENSIONS:
        _check_later(case, field, str(given.get(field, "")))
    wrong = evidence.problem(files)
    if wrong:
        raise FormRefused({"files": wrong})
    if files:
        given["evidence"] = "；".join(f"{_short(f.name)} {f.sha256}" for f in files)
    with transaction.atomic():
        moved = actions.move(pk, transition, actor=actor, seen=seen, data=given)
        evidence.keep(moved, seen + 1, files, actor=actor)
    return moved


def _check_rises(case: Case, wanted: str) -> None:
    order = list(LEVELS)
    present = str(queries.data(case).get("level", order[0]))
    if wanted in order and order.index(wanted) <= order.index(present):
        raise FormRefused({"level": f"现为{LEVELS[present]}，只能升为更高一级，不能是{LEVELS[wanted]}。"})


def _check_later(case: Case, field: str, wanted: str) -> None:
    try:
        day = date.fromisoformat(wanted)
    except ValueError:
        return  # empty, or a text that the form refuses
    if case.deadline and day <= case.deadline:
        raise FormRefused({field: f"现在的时限是 {case.deadline}，延期要晚于它，不能是 {day}。"})
    if day < clock.today():
        raise FormRefused({field: f"延期的日期 {day} 早于今天 {clock.today()}，应为今天或以后。"})


def _short(name: str) -> str:
    return PurePath(name).name[-28:]
