"""What a step brings forth: dues that are born, met or waived, certificates that are issued or end, links to other cases.

All of it happens inside the step's transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Max

from rongtong.apps.cases import access
from rongtong.apps.cases.holding import process_of
from rongtong.apps.cases.models import Case, Certificate, Event, Link, Obligation
from rongtong.apps.cases.queries import place_name
from rongtong.apps.packs import queries as packs
from rongtong.apps.records.actions import act
from rongtong.apps.registry.models import Account
from rongtong.engine.expression.evaluate import Value
from rongtong.engine.pack.outcome import Certificate as Issued
from rongtong.engine.pack.outcome import Due
from rongtong.engine.pack.process import Process
from rongtong.engine.process import due, form

# What a form may name the due by that its step meets.
DUE_ITEM = "due_item"
# Letters and digits that are not mistaken for one another, and how many make a certificate's code.
ALPHABET, CODE_LENGTH = "23456789ABCDEFGHJKMNPQRSTUVWXYZ", 8


class NotBorne(ValueError):
    """What a step should bring forth cannot be; `field` is what is filled in wrong, the message what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def dues(
    case: Case,
    process: Process,
    event: Event,
    on: date,
    given: Mapping[str, Any],
    values: Mapping[str, Value],
    before: Mapping[str, Any],
) -> list[dict[str, object]]:
    """Meet, waive and bring forth the dues of a step; what was born, as the log keeps it. `before` is what all steps so
    far were filled with. Raises NotBorne."""
    for one in process.dues:
        if event.transition in one.waived_by:
            Obligation.objects.filter(case=case, code=one.code, met=None, waived=None).update(waived=event)
    _meet(case, [one for one in process.dues if event.transition in one.met_by], event, given)
    try:
        born = due.born(process, event.transition, on, given, values, before)
    except ValueError as error:
        raise NotBorne("", str(error)) from error
    first = (Obligation.objects.filter(case=case).aggregate(last=Max("number"))["last"] or 0) + 1
    Obligation.objects.bulk_create(
        Obligation(
            case=case,
            number=first + i,
            code=o.code,
            name=o.name[:200],
            role=o.by,
            due=o.on,
            amount=o.amount,
            born=event,
        )
        for i, o in enumerate(born)
    )
    return [{"name": o.name, "due": o.on.isoformat(), "fen": o.amount} for o in born]


def _meet(case: Case, met: list[Due], event: Event, given: Mapping[str, Any]) -> None:
    if not met:
        return
    still = Obligation.objects.filter(case=case, code__in=[m.code for m in met], met=None, waived=None)
    wanted = given.get(DUE_ITEM)
    found = still.filter(number=wanted).first() if wanted else still.order_by("due", "number").first()
    if found is None:
        names = "、".join(m.name for m in met)
        raise NotBorne(DUE_ITEM if wanted else "", f"没有未了的“{names}”" + (f"第 {wanted} 项。" if wanted else "。"))
    found.met = event
    found.save(update_fields=["met"])


@dataclass(frozen=True, slots=True)
class Naming:
    """The links a step makes (`kind → field`), the form they are named in, and whether the step ends its case."""

    links: Mapping[str, str]
    schema: Mapping[str, Any]
    ends: bool = False


def links(
    case: Case, naming: Naming, event: Event, given: Mapping[str, Any], actor: Account
) -> list[dict[str, object]]:
    """Link the case to those that its form names, which the actor must be able to read. Raises NotBorne."""
    made = []
    for kind, field in naming.links.items():
        asked = linked_process(naming.schema, field)
        for text in _texts(given.get(field)):
            target = find(actor, asked or case.process, text)
            if target is None or target.pk == case.pk:
                raise NotBorne(field, f"没有您可见的办件“{text}”。请填办件编号。")
            # Merged into another thing, or made a member by a number of something else, it would be lost there.
            _check_process(target, asked or (case.process if naming.ends else ""), field)
            if naming.ends:
                _check_survivor(case, target, field)
            Link.objects.get_or_create(kind=kind, source=case, target=target, defaults={"event": event})
            made.append({"kind": kind, "case": target.pk})
    return made


def linked_process(schema: Mapping[str, Any], field: str) -> str:
    """The process whose cases a field names (`process` beside `format: case`); "" where it is the case's own."""
    spec = schema.get("properties", {}).get(field, {})
    return str(spec.get("items", spec).get("process", ""))


def _check_process(target: Case, wanted: str, field: str) -> None:
    """A field that takes cases of one process ("": of any) takes no other, however they are named."""
    if wanted and target.process != wanted:
        name = getattr(packs.current().find("processes", wanted), "name", wanted)
        own = process_of(target).name
        raise NotBorne(field, f"“{target.title}”（{target.key}）是“{own}”的办件，这里只填“{name}”的办件编号。")


def _check_survivor(case: Case, target: Case, field: str) -> None:
    """A case that ends in another (合并) leaves nobody behind: the other is open, and its owner reads it."""
    if Case.objects.select_for_update().get(pk=target.pk).outcome:
        raise NotBorne(field, f"“{target.title}”（{target.key}）已经办结，不能并入。再次发生的，请单独办理。")
    if case.organisation_id is not None and case.organisation_id != target.organisation_id:
        raise NotBorne(
            field, f"“{target.title}”（{target.key}）不是同一家单位的，并入后本单位就看不到了。同类问题请举一反三。"
        )


def find(account: Account, process: str, text: str) -> Case | None:
    """The case that a form names: by its number, `流程:编号`, or the number in its address."""
    named, _, key = text.rpartition(":")
    cases = access.visible(account)
    if wanted := named or process:
        found = cases.filter(process=wanted, key=key).first()
        if found is not None:
            return found
    return cases.filter(pk=int(text)).first() if text.isdecimal() and len(text) < 16 else None


def _texts(value: Any) -> Iterator[str]:
    for text in value if isinstance(value, list) else [value]:
        if text not in (None, ""):
            yield str(text).strip()


def certificates(case: Case, process: Process, event: Event, on: date, data: Mapping[str, Any], actor: Account) -> None:
    """Issue what the step certifies, each with a leaf that holds what it states; end what it revokes or replaces."""
    for one in process.certificates:
        standing = Certificate.objects.filter(case=case, code=one.code, ended=None)
        if event.transition in one.revoked_by:
            standing.update(ended=event)
        if event.transition in one.at:
            standing.update(ended=event, replaced=True)
            _issue(case, process, one, event, on, data, actor)


def _issue(
    case: Case, process: Process, one: Issued, event: Event, on: date, data: Mapping[str, Any], actor: Account
) -> None:
    before = Certificate.objects.filter(case=case, code=one.code).count()
    number = f"{one.prefix}-{case.key}" + (f"-{before + 1}" if before else "")
    secret = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    with act(
        f"cases.{process.code}.certify", actor=actor, place=case.place, subject=f"case:{case.pk}", rule=_anybody
    ) as this:
        this.payload = {
            "certificate": one.name,
            "number": number,
            "code": secret,
            "issued": on.isoformat(),
            "process": process.name,
            "case": case.title,
            "organisation": case.organisation.name if case.organisation else "",
            "states": stated(process, one, data),
        }
    assert this.leaf is not None  # set when the block ended without an exception
    Certificate.objects.create(case=case, event=event, code=one.code, number=number, secret=secret, leaf=this.leaf)


def _anybody(*_: object) -> None:
    """Whoever may make the step may issue what it certifies."""


def stated(process: Process, one: Issued, data: Mapping[str, Any]) -> list[list[str]]:
    """[title, text] of what a certificate states, each field once and in the certificate's order."""
    words: dict[str, list[str]] = {}
    for schema in (process.form, *(t.form for t in process.transitions)):
        for title, text, name in form.shown(schema, {n: data[n] for n in one.fields if n in data}, place_name):
            words[name] = [title, text]
    return [words[name] for name in one.fields if name in words]
