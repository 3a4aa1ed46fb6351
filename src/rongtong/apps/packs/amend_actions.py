"""Everything amendments (规则修订) write: a draft, its wordings, its publication. Their stages are those of the case."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db import transaction

from rongtong import clock
from rongtong.apps.cases import actions as cases
from rongtong.apps.cases.errors import CaseError, GuardRefused
from rongtong.apps.cases.models import Case
from rongtong.apps.packs import actions, amend_layer, amend_queries, queries
from rongtong.apps.packs.amend_layer import Change
from rongtong.apps.packs.models import Amendment, Publication
from rongtong.apps.records.actions import act
from rongtong.apps.registry.models import Account
from rongtong.typed import too_long

EDITABLE = "draft"


class AmendRefused(Exception):
    """An amendment cannot be changed as asked; the message says why and what to do."""


class StaleAmendment(AmendRefused):
    """Somebody changed the draft since it was read; nothing was stored."""


def draft(title: str, in_force_from: date, note: str, actor: Account) -> Amendment:
    """A new amendment without statements, and its case. Raises AmendRefused, access.Denied."""
    _check(title, in_force_from)
    root = queries.current().manifest.root_place
    with act("packs.amend", actor=actor, place=root) as done:
        row = Amendment.objects.create(
            title=title.strip(), note=note.strip(), in_force_from=in_force_from, by=actor, at=clock.now(),
            base=queries.current(in_force_from).fingerprint,
        )  # fmt: skip
        try:
            cases.open_case(amend_queries.PROCESS, actor=actor, place=root, key=amend_queries.key(row), title=row.title)
        except CaseError as error:
            raise AmendRefused(str(error)) from error
        done.subject = subject(row)
        done.payload = {"title": row.title, "in_force_from": in_force_from.isoformat(), "note": row.note}
    return row


def describe(pk: int, title: str, in_force_from: date, note: str, *, seen: int, actor: Account) -> Amendment:
    """Give a draft another title, day or reason. Raises AmendRefused, StaleAmendment."""
    _check(title, in_force_from)
    with transaction.atomic():
        row = _editable(pk, seen)
        row.title, row.in_force_from, row.note = title.strip(), in_force_from, note.strip()
        return _save(row, actor)


def put(pk: int, changes: Iterable[Change], *, seen: int, actor: Account) -> Amendment:
    """Put statements into a draft, each in place of an earlier one of its code; one equal to what it amends is taken out.

    Raises AmendRefused, StaleAmendment.
    """
    with transaction.atomic():
        row = _editable(pk, seen)
        found = {(c.kind, c.code): c for c in amend_layer.parse(row.statements)}
        for change in changes:
            if change.before is not None and dict(change.before) == dict(change.after):
                found.pop((change.kind, change.code), None)
            else:
                found[(change.kind, change.code)] = change
        row.statements = amend_layer.dump(found.values())
        return _save(row, actor)


def remove(pk: int, kind: str, code: str, *, seen: int, actor: Account) -> Amendment:
    """Take a statement out of a draft. Raises AmendRefused, StaleAmendment."""
    with transaction.atomic():
        row = _editable(pk, seen)
        kept = [c for c in amend_layer.parse(row.statements) if (c.kind, c.code) != (kind, code)]
        row.statements = amend_layer.dump(kept)
        return _save(row, actor)


def rebase(pk: int, *, seen: int, actor: Account) -> Amendment:
    """Set a draft upon the packs now in force: what it says stays, what it is compared with is read anew.

    Raises AmendRefused, StaleAmendment.
    """
    with transaction.atomic():
        row = _editable(pk, seen)
        base = queries.current(row.in_force_from)
        changes = []
        for change in amend_layer.parse(row.statements):
            now = base.find(change.kind, change.code)
            before = amend_layer.plain(now) if now else None
            changes.append(Change(change.kind, change.code, before, change.after))
        row.statements, row.base = amend_layer.dump(changes), base.fingerprint
        return _save(row, actor)


def publish(row: Amendment, actor: Account) -> Publication:
    """Put an amendment in force from its day, or from today where that day has passed.

    Runs inside the step of the case. Raises GuardRefused with every reason.
    """
    reasons = amend_queries.obstacles(row)
    if reasons:
        raise GuardRefused(reasons)
    start = max(row.in_force_from, clock.today())
    changes = amend_layer.parse(row.statements)
    newest = queries.newest()
    assert newest is not None  # an amendment has a base
    with act("packs.publish", actor=actor, place=newest.manifest.root_place, subject=subject(row)) as done:
        dated = sorted([*actions.published(), (start, changes)], key=lambda item: item[0])
        try:
            pack = actions.store(amend_layer.loaded(newest), start, dated)
        except actions.PackRefused as error:
            raise GuardRefused([str(p) for p in error.problems]) from error
        made = Publication.objects.create(
            amendment=row, fingerprint=pack.fingerprint, in_force_from=start, statements=row.statements, by=actor,
            at=clock.now(),
        )  # fmt: skip
        done.payload = {
            "in_force_from": start.isoformat(),
            "fingerprint": pack.fingerprint,
            "statements": [f"{c.kind} {c.code}" for c in changes],
        }
    return made


def subject(row: Amendment) -> str:
    """How the log names an amendment."""
    return f"amendment:{row.pk}"


def _check(title: str, in_force_from: date) -> None:
    if not title.strip():
        raise AmendRefused("没有写名称。请写一句话说明改什么，如“企业投入黄灯线由八五成提到九成”。")
    if problem := too_long(Amendment, "title", title.strip(), "名称"):
        raise AmendRefused(problem)
    if in_force_from < clock.today():
        raise AmendRefused(f"生效日期 {in_force_from} 早于今天 {clock.today()}。请写今天或以后的日期，过去的灯不重画。")


def _editable(pk: int, seen: int) -> Amendment:
    row = Amendment.objects.select_for_update().get(pk=pk)
    case: Case | None = amend_queries.case_of(row)
    if case is None or case.stage != EDITABLE:
        raise AmendRefused("这件修订不在起草阶段，不能再改。请先由审签退回，或另起一件。")
    if row.number != seen:
        raise StaleAmendment(
            f"您打开之后，{row.by.name}于 {row.at.astimezone(clock.LOCAL):%m-%d %H:%M} 改过这件修订，没有存下您的改动。请看过现在的内容再改。"
        )
    return row


def _save(row: Amendment, actor: Account) -> Amendment:
    with act("packs.amend", actor=actor, place=queries.current().manifest.root_place, subject=subject(row)) as done:
        row.number, row.by, row.at = row.number + 1, actor, clock.now()
        row.save()
        done.payload = {
            "number": row.number,
            "title": row.title,
            "in_force_from": row.in_force_from.isoformat(),
            "statements": row.statements,
        }
    return row
