"""Reading amendments: which there are, what they change, what the check finds, what would move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from django.db.models import QuerySet

from rongtong import clock
from rongtong.apps.cases import queries as cases
from rongtong.apps.cases.models import Case
from rongtong.apps.packs import amend_layer, queries
from rongtong.apps.packs.amend_layer import Change, Finding
from rongtong.apps.packs.models import Amendment, Publication
from rongtong.apps.registry import access
from rongtong.apps.registry.models import Account
from rongtong.engine.pack.read import Pack, combine

PROCESS = "amendment"


def key(row: Amendment) -> str:
    """How its case names an amendment."""
    return str(row.pk)


def case_of(row: Amendment) -> Case | None:
    """The case of an amendment."""
    return cases.by_key(PROCESS, key(row))


def of_case(case: Case) -> Amendment:
    """The amendment a case is about. Raises Amendment.DoesNotExist."""
    return Amendment.objects.select_related("by").get(pk=int(case.key))


def visible(account: Account) -> QuerySet[Amendment]:
    """The amendments an account reads: all of them where it reads the whole the packs are about, else none."""
    rows = Amendment.objects.select_related("by", "publication")
    return rows if queries.current().manifest.root_place in access.visible_places(account) else rows.none()


def cases_of(rows: list[Amendment]) -> dict[int, Case]:
    """amendment → its case, in one query."""
    found = Case.objects.select_related("definition").filter(process=PROCESS, key__in=[key(r) for r in rows])
    return {int(c.key): c for c in found}


@dataclass(frozen=True, slots=True)
class Laid:
    """An amendment over the packs: the pack as it is without it, the pack with it (None: unreadable), and the findings."""

    before: Pack
    after: Pack | None
    findings: tuple[Finding, ...]

    @property
    def blocking(self) -> bool:
        return any(f.blocking for f in self.findings)


def laid(row: Amendment) -> Laid:
    """An amendment over the packs of its day, as though that day were today, so that what moves can be seen today."""
    base = queries.current(row.in_force_from)
    return _laid(_Draft(base.fingerprint, row.statements, row.in_force_from, clock.today(), base))


@dataclass(frozen=True, slots=True)
class _Draft:
    """What an amendment laid over a pack depends on; the pack itself is named by its fingerprint."""

    fingerprint: str
    statements: str
    day: date
    today: date
    base: Pack = field(compare=False, repr=False)


@lru_cache(maxsize=32)
def _laid(draft: _Draft) -> Laid:
    layers, changes = amend_layer.loaded(draft.base), amend_layer.parse(draft.statements)
    rows = Publication.objects.filter(in_force_from__lte=draft.day)
    published = [(min(p.in_force_from, draft.today), amend_layer.parse(p.statements)) for p in rows]
    before, _ = amend_layer.lay(layers, published)
    after, findings = amend_layer.lay(layers, [*published, (draft.today, changes)]) if changes else (before, ())
    return Laid(before or draft.base, after, findings)


def up_to_date(row: Amendment) -> bool:
    """Whether the packs an amendment was drafted upon are still those in force on its day."""
    return row.base == queries.current(row.in_force_from).fingerprint


def obstacles(row: Amendment) -> list[str]:
    """Why an amendment cannot be put in force: no statement, another base, findings of the check."""
    if row.statements == "[]":
        return ["没有一条修订内容。请先改一条指标卡、亮灯规则、目标或写法。"]
    if not up_to_date(row):
        return ["起草之后规则包变了。请回到起草，按“以现行规则为准重新检查”看过差别再送审。"]
    return [str(f.problem) for f in laid(row).findings if f.blocking]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of a statement, before and after, as lines of which the first part tells whether they differ.

    `overtaken` is what the packs say now where that is neither.
    """

    name: str
    before: tuple[tuple[bool, str], ...]
    after: tuple[tuple[bool, str], ...]
    overtaken: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A statement of an amendment as pages show it."""

    change: Change
    words: str
    name: str
    fields: tuple[FieldChange, ...]


def shown(row: Amendment) -> tuple[Shown, ...]:
    """The statements of an amendment, field by field."""
    base = queries.current(row.in_force_from)
    return tuple(_shown(change, base) for change in amend_layer.parse(row.statements))


def _shown(change: Change, base: Pack) -> Shown:
    now = base.find(change.kind, change.code)
    present = amend_layer.plain(now) if now else {}
    before = change.before or {}
    fields = tuple(_differences(before, change.after, present if change.before is not None else {}))
    name = str(change.after.get("name") or change.after.get("title") or change.code)
    return Shown(change, amend_layer.KINDS[change.kind][0], name, fields)


def _differences(
    before: Mapping[str, Any], after: Mapping[str, Any], present: Mapping[str, Any]
) -> Iterator[FieldChange]:
    from rongtong.apps.packs.amend_words import label, text

    for name in dict.fromkeys([*before, *after, *present]):
        old, new, now = before.get(name), after.get(name), present.get(name)
        overtaken = text(now) if present and now not in (old, new) else ""
        if old != new or overtaken:
            yield FieldChange(label(name), *_marked(text(old), text(new)), overtaken)


def _marked(old: str, new: str) -> tuple[tuple[tuple[bool, str], ...], tuple[tuple[bool, str], ...]]:
    """The lines of two texts, each with whether the other text lacks it there."""
    was, now = old.split("\n"), new.split("\n")
    same = SequenceMatcher(None, was, now, autojunk=False).get_matching_blocks()
    kept_was = {block.a + i for block in same for i in range(block.size)}
    kept_now = {block.b + i for block in same for i in range(block.size)}
    return (
        tuple((i not in kept_was, line) for i, line in enumerate(was)),
        tuple((i not in kept_now, line) for i, line in enumerate(now)),
    )


def loaded_base(row: Amendment) -> Pack:
    """The packs of an amendment's day without the office's layer."""
    return combine(amend_layer.loaded(queries.current(row.in_force_from)))
