"""Everything 督办 writes beyond its process: gap-free numbers, evidence kept with a step, levels that only rise."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from django.conf import settings
from django.db import transaction

from rongtong import clock
from rongtong.apps.cases import actions, queries
from rongtong.apps.cases.models import Attachment, Case
from rongtong.apps.cases.supervision_forms import LEVELS, Draft
from rongtong.apps.cases.supervision_queries import PROCESS
from rongtong.apps.registry.models import Account

MOST_FILES = 3
LARGEST_FILE = 10 * 1024 * 1024
# The kinds of file taken as evidence.
EVIDENCE = ("pdf", "ofd", "docx", "xlsx", "png", "jpg")
# Of two who open at once one has to take the next number.
TRIES = 5


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent: its name and bytes."""

    name: str
    content: bytes


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
        except actions.CaseExists:
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
    return actions.open_case(
        PROCESS,
        actor=actor,
        place=draft.place,
        key=key,
        title=draft.title,
        data={"number": key, **draft.data()},
        due=draft.deadline,
        parts=[actions.Part("support", place=place) for place in draft.helpers],
    )


def step(
    pk: int, transition: str, *, actor: Account, seen: int, data: Mapping[str, Any], files: Sequence[Upload] = ()
) -> Case:
    """Make one step of a 督办 and keep the evidence that came with it, together or not at all.

    A level may only rise. Raises what `cases.actions.move` raises.
    """
    given = dict(data)
    case = queries.find(actor, pk)
    if transition == "escalate":
        _check_rises(case, str(given.get("level", "")))
    problem = files_problem(files)
    if problem:
        raise actions.FormRefused({"files": problem})
    if files:
        given["evidence"] = "；".join(f"{_short(f.name)} {_sha256(f)}" for f in files)
    with transaction.atomic():
        moved = actions.move(pk, transition, actor=actor, seen=seen, data=given)
        for upload in files:
            _keep(upload)
        Attachment.objects.bulk_create(
            Attachment(case=moved, event=seen + 1, name=PurePath(f.name).name[:200], sha256=_sha256(f),
                       size=len(f.content), by=actor, at=clock.now())
            for f in files
        )  # fmt: skip
    return moved


def _check_rises(case: Case, wanted: str) -> None:
    order = list(LEVELS)
    present = str(queries.data(case).get("level", order[0]))
    if wanted in order and order.index(wanted) <= order.index(present):
        raise actions.FormRefused({"level": f"现为{LEVELS[present]}，只能升为更高一级，不能是{LEVELS[wanted]}。"})


def files_problem(files: Iterable[Upload]) -> str:
    """What is wrong with the files sent, in words; "" when nothing is."""
    listed = list(files)
    if len(listed) > MOST_FILES:
        return f"一次至多 {MOST_FILES} 个文件，现有 {len(listed)} 个。多的请分次报，或合成一个。"
    for upload in listed:
        if len(upload.content) > LARGEST_FILE:
            size = len(upload.content) // 1024 // 1024
            return f"“{upload.name}”约 {size} MB，超过 {LARGEST_FILE // 1024 // 1024} MB。请压缩或拆分。"
    return ""


def evidence_path(sha256: str) -> Path:
    """Where the bytes with this SHA-256 lie in the instance's folder."""
    return Path(settings.HOME) / "attachments" / sha256[:2] / sha256


def _keep(upload: Upload) -> None:
    path = evidence_path(_sha256(upload))
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(upload.content)
    partial.replace(path)


def _sha256(upload: Upload) -> str:
    return hashlib.sha256(upload.content).hexdigest()


def _short(name: str) -> str:
    return PurePath(name).name[-28:]
