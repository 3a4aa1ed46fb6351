"""What everybody may know of a case on public notice: its name, its fields, and what whoever objected is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from rongtong.apps.cases import holding, queries
from rongtong.apps.cases.models import Case, Event
from rongtong.apps.registry.models import Account
from rongtong.engine.pack.process import Process
from rongtong.engine.process import form


def names(posts: Iterable[tuple[Case, str]]) -> dict[tuple[int, str], str]:
    """(case, stage with a notice) → what that notice calls the case; by case number and stage, in at most one query."""
    titled: list[tuple[Case, str, str]] = []
    for case, stage in posts:
        notice = holding.process_of(case).stage(stage).notice
        titled.append((case, stage, notice.title if notice else ""))
    holds = queries.data_of(case for case, _, field in titled if field)
    # Never the title in place of a public name: it may be what the notice leaves out.
    return {(c.pk, s): str(holds[c.pk].get(field) or c.key) if field else c.title for c, s, field in titled}


def name(case: Case) -> str:
    """The name of a case for who knows it by its notice: of the present one, or of the last it had; else its title."""
    stage = case.stage if holding.on_notice(case) else _last_notice(case)
    return names([(case, stage)])[case.pk, stage] if stage else case.title


def name_under(parent: Case) -> str:
    """What a case above is called by whoever begins one under it: on notice, as everybody may know it."""
    return name(parent) if holding.on_notice(parent) else parent.title


def _last_notice(case: Case) -> str:
    codes = [s.code for s in holding.process_of(case).stages if s.notice]
    rows = Event.objects.filter(case=case, to_stage__in=codes).order_by("-number")
    return rows.values_list("to_stage", flat=True).first() or ""


def published(case: Case) -> tuple[tuple[str, str], ...]:
    """(title, words) of the fields that the notice of the present stage names, as they stand now: each once, in the words
    of the form it was last filled in with."""
    process = holding.process_of(case)
    notice = process.stage(case.stage).notice
    last: dict[str, Mapping[str, Any]] = {}
    for event in queries.happened(case):
        step = process.transition(event.transition)
        last |= dict.fromkeys(event.data, step.form if step else process.form)
    data = queries.data(case)
    wanted = [n for n in (notice.fields if notice else ()) if n in data]
    shown = (form.shown(last[n], {n: data[n]}, queries.place_name) for n in wanted)
    return tuple((title, words) for each in shown for title, words, _ in each)


def objecting(process: Process) -> frozenset[str]:
    """The steps that are objections: of who knows a case by its notice alone, examined by steps that they may not make."""
    outsiders = {r.code for r in process.roles if r.at == "notice"}
    return frozenset(t.code for t in process.transitions if outsiders & set(t.by) and _examining(process, t.code))


def objected_to(process: Process) -> frozenset[str]:
    """The stages with a notice in which one may object."""
    codes = objecting(process)
    return frozenset(
        s.code
        for s in process.stages
        if s.notice and any(s.code in t.at for t in process.transitions if t.code in codes)
    )


def examined_in(process: Process) -> frozenset[str]:
    """The stages in which objections are examined (异议核查中)."""
    codes = objecting(process)
    return frozenset(t.to for t in process.transitions if t.code in codes and t.to)


def _examining(process: Process, objection: str) -> frozenset[str]:
    return frozenset(t.code for t in process.transitions if objection in t.not_by)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an objector is told of an objection: when it was made, whether it is being examined, and what was found.

    `answer` is the name of the step that examined it, made on `answered`; `found` what that step was filled in with.
    """

    on: date
    open: bool
    answer: str = ""
    answered: date | None = None
    found: tuple[tuple[str, str], ...] = ()


def receipts(account: Account, case: Case) -> tuple[Receipt, ...]:
    """The objections that this very account made in a case, the oldest first."""
    process, events = holding.process_of(case), queries.happened(case)
    codes, made = objecting(process), list[Receipt]()
    for event in events:
        if event.transition not in codes or event.actor != account.username:
            continue
        examining = _examining(process, event.transition)
        after = next((e for e in events if e.number > event.number and e.transition in examining), None)
        step = process.transition(after.transition) if after else None
        if after is None or step is None:
            made.append(Receipt(event.on, open=case.stage in examined_in(process)))
            continue
        # What is sealed for some is not for who stands outside.
        shown = () if step.read_by else form.shown(step.form, after.data, queries.place_name)
        made.append(Receipt(event.on, False, step.name, after.on, tuple((t, w) for t, w, _ in shown)))
    return tuple(made)
