"""Everything collection writes: slices are opened, cells saved version by version, offices reminded (催报)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from rongtong import clock
from rongtong.apps.cases import actions as case_actions
from rongtong.apps.cases import evidence
from rongtong.apps.cases.errors import CaseExists
from rongtong.apps.cases.models import Case
from rongtong.apps.observations.collecting import PROCESS, NoTask, Task, task_of_key
from rongtong.apps.observations.fields import Fields, Refused
from rongtong.apps.observations.models import Entry, Reminder
from rongtong.apps.observations.slices import entries_of, held_for, may_attach, may_fill
from rongtong.apps.packs import queries as packs
from rongtong.apps.records.actions import act
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.models import Account
from rongtong.engine.quantity import Quantity, decimal_text, unit
from rongtong.engine.reading import FORECAST
from rongtong.uploads import UploadRefused

FILL, REMIND, ATTACH = "observations.fill", "observations.remind", "observations.attach"
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody wants in a cell, having seen its version `seen` (0: none)."""

    indicator: str
    value: str
    reason: str
    seen: int


@dataclass(frozen=True, slots=True)
class Clash:
    """A cell that somebody else changed meanwhile: what was typed, and the version that stands."""

    typed: Typed
    entry: Entry


@dataclass(frozen=True, slots=True)
class Saved:
    """What a save did: new versions by cell, cells left alone because of another's change, cells that cannot be read."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    clashes: Mapping[str, Clash] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


def open_slice(task: Task, place: str, *, actor: Account) -> Case:
    """The case of a slice, opened if it is not, with what is held already filled in (预填). Raises Denied, NoTask."""
    if place not in task.places:
        raise NoTask(f"{task.collection.number}不由这个地区填报。")
    name = packs.current().places.name(place)
    try:
        with transaction.atomic():
            case = case_actions.open_case(
                PROCESS,
                actor=actor,
                place=place,
                key=task.slice_key(place),
                title=f"{name} {task.collection.number} {task.collection.name} {task.period.chinese}",
                period=str(task.period),
                due=task.due,
            )
            _prefill(task, case, actor)
    except CaseExists as error:
        return error.case
    return case


def _prefill(task: Task, case: Case, actor: Account) -> None:
    held = {
        r.indicator: r
        for r in held_for(packs.current(), task, case.place)
        if r.place == case.place and r.period == task.period and r.status != FORECAST
    }
    rows = [
        Entry(
            case=case,
            indicator=item.indicator,
            version=1,
            value=decimal_text(Quantity.stored(held[item.indicator].value, unit(item.unit)).number),
            unit=item.unit,
            origin="held",
            at=case.opened_at,
            by=actor,
        )
        for item in task.collection.items
        if item.indicator in held
    ]
    if rows:
        with act(FILL, actor=actor, place=case.place, subject=f"case:{case.pk}") as done:
            Entry.objects.bulk_create(rows)
            done.payload = _told(rows)


def _told(entries: Iterable[Entry]) -> dict[str, object]:
    """New versions as the log keeps them."""
    return {
        e.indicator: {"version": e.version, "value": e.value, "unit": e.unit, "origin": e.origin, "reason": e.reason}
        for e in entries
    }


def save(case: Case, typed: Iterable[Typed], *, actor: Account, origin: str = "typed") -> Saved:
    """Keep what was typed: every cell by itself, as a new version, unless somebody else changed it meanwhile.

    Raises Denied when the slice is not being filled or not by this account.
    """
    task = task_of_key(case.key)
    wanted, errors = _readable(task, typed)
    with transaction.atomic():
        locked = Case.objects.select_for_update().select_related("definition").get(pk=case.pk)
        if not may_fill(actor, locked):
            raise Denied(f"{actor.name or actor.username}现在不能填这份表：它不在“填报中”，或您不是它的填报人。")
        last = entries_of([case.pk])[case.pk]
        made: dict[str, Entry] = {}
        clashes: dict[str, Clash] = {}
        for one in wanted:
            now = last.get(one.indicator)
            if (now.value, now.reason) == (one.value, one.reason) if now else not (one.value or one.reason):
                continue
            if now is not None and now.version != one.seen:
                clashes[one.indicator] = Clash(one, now)
                continue
            made[one.indicator] = _entry(task, locked, one, now, origin, actor)
        if made:
            with act(FILL, actor=actor, place=case.place, subject=f"case:{case.pk}") as done:
                Entry.objects.bulk_create(made.values())
                done.payload = _told(made.values())
    return Saved(made, clashes, errors)


def _entry(task: Task, case: Case, one: Typed, now: Entry | None, origin: str, actor: Account) -> Entry:
    unit_ = next(i.unit for i in task.collection.items if i.indicator == one.indicator)
    # A reason alone leaves the origin of the value as it is.
    kept = now is not None and now.value == one.value
    return Entry(
        case=case,
        indicator=one.indicator,
        version=now.version + 1 if now else 1,
        value=one.value,
        unit=unit_,
        origin=now.origin if kept and now else origin,
        reason=one.reason,
        at=clock.now(),
        by=actor,
    )


def _readable(task: Task, typed: Iterable[Typed]) -> tuple[list[Typed], dict[str, str]]:
    """What was typed with exact plain numbers, and what is wrong with the rest."""
    items = {i.indicator: i for i in task.collection.items}
    reader = Fields(packs.current(), clock.real_today())
    found: list[Typed] = []
    errors: dict[str, str] = {}
    for one in typed:
        if one.indicator not in items:
            continue
        value, measured = one.value.strip(), unit(items[one.indicator].unit)
        reason = one.reason.strip()[:LONGEST_REASON]
        try:
            if value:
                value = decimal_text(Quantity.stored(reader.value(value, measured), measured).number)
            found.append(Typed(one.indicator, value, reason, one.seen))
        except Refused as why:
            expected = f"应为{why.expected}。" if why.expected else ""
            errors[one.indicator] = f"{why.problem}。{expected}" + (f"请{why.do}。" if why.do else "")
    return found, errors


def attach(case: Case, files: Sequence[evidence.Upload], *, actor: Account) -> None:
    """Keep evidence (佐证材料) with a slice, under the last step made on it.

    Raises Denied when the slice is approved or not this account's to fill, UploadRefused for no file, or too many or
    too large ones.
    """
    wrong = evidence.problem(files) if files else "没有选文件。请选一个或几个佐证材料。"
    if wrong:
        raise UploadRefused(wrong)
    with transaction.atomic():
        locked = Case.objects.select_for_update().select_related("definition").get(pk=case.pk)
        if not may_attach(actor, locked):
            raise Denied(
                f"{actor.name or actor.username}不能给这份表附佐证材料：它已经通过省级审核，或您不是它的填报人。"
            )
        with act(ATTACH, actor=actor, place=case.place, subject=f"case:{case.pk}") as done:
            evidence.keep(locked, locked.events, files, actor=actor)
            done.payload = {"files": [{"name": f.own_name, "sha256": f.sha256, "bytes": len(f.content)} for f in files]}


def remind(task: Task, places: Sequence[str], *, actor: Account, note: str = "") -> int:
    """Ask the offices of these places to file (催报). Returns how many were asked.

    Whoever reminds must be allowed to act on the place above each of them. Raises Denied, NoTask.
    """
    tree = packs.current().places
    asked = sorted(set(places))
    if not set(asked) <= set(task.places):
        raise NoTask("催报的地区不填这张表。")
    if not asked:
        return 0
    above = {tree.parent(p, day=task.period.last_day) or "" for p in asked}
    root = packs.current().manifest.root_place
    where = above.pop() if len(above) == 1 else (tree.covering([*above]) or "")
    with act(REMIND, actor=actor, place="" if where == root else where, subject=task.key) as done:
        now = clock.now()
        Reminder.objects.bulk_create(
            Reminder(
                collection=task.collection.code, period=str(task.period), place=place, note=note.strip()[:200], at=now,
                by=actor,
            )
            for place in asked
        )  # fmt: skip
        done.payload = {"places": list(asked), "note": note.strip()[:200]}
    return len(asked)
