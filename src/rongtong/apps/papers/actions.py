"""Everything the papers write: officers' paragraphs, the record of each paper made, sending it off, its release."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

from django.db import transaction

from rongtong import clock
from rongtong.apps.cases import actions as cases
from rongtong.apps.cases.errors import GuardRefused
from rongtong.apps.cases.models import Case
from rongtong.apps.packs.queries import current, supposing, with_fingerprint
from rongtong.apps.papers import queries, writing
from rongtong.apps.papers.document import Manual
from rongtong.apps.papers.layout import docx_bytes, manual_texts
from rongtong.apps.papers.models import Issue, Note, Release
from rongtong.apps.papers.writing import KINDS, Made
from rongtong.apps.planning.queries import Unknown
from rongtong.apps.records import log
from rongtong.apps.records.actions import act
from rongtong.apps.registry import access
from rongtong.apps.registry.models import Account
from rongtong.engine.period import Period


class StaleNote(Exception):
    """Somebody wrote a section since it was read; `notes` are what stands there now, and nothing was stored."""

    def __init__(self, notes: Mapping[str, Note]) -> None:
        said = "；".join(f"{n.by.name}于 {n.recorded_at.astimezone(clock.LOCAL):%m-%d %H:%M}" for n in notes.values())
        super().__init__(f"您打开之后，{said}改过同一节。没有存下您的文字，也没有丢：两份都在下面，请并成一份再存。")
        self.notes = dict(notes)


class PaperRefused(Exception):
    """A paper cannot be sent off as asked; the message says why and what to do."""


def save_notes(
    paper: str,
    period: str,
    texts: Mapping[str, str],
    actor: Account,
    *,
    place: str = "",
    seen: Mapping[str, int] | None = None,
) -> int:
    """Keep an officer's text of each section; one that has not changed is left. Returns how many versions are new.

    `seen` is the number of the version each section was read at (0: none was there); a newer one raises StaleNote.
    """
    with transaction.atomic():
        # Held before the notes are read: of two who save at once the second reads what the first wrote.
        log.hold()
        newest = queries.newest_notes(paper, period)
        kept = {section: note.text.strip() for section, note in newest.items()}
        new = {section: text.strip() for section, text in texts.items() if text.strip() != kept.get(section, "")}
        if not new:
            return 0
        if seen is not None:
            late = {s: newest[s] for s in new if s in newest and newest[s].pk != seen.get(s, 0)}
            if late:
                raise StaleNote(late)
        with act("papers.note", actor=actor, place=queries.about(place), subject=f"{paper} {period}") as done:
            for section, text in new.items():
                Note.objects.create(
                    paper=paper, period=period, section=section, text=text, by=actor, recorded_at=clock.now()
                )
            done.payload = {"sections": dict(new)}
    return len(new)


def make(made: Made, actor: Account) -> Issue:
    """Keep that a paper was made. The same content made again is the same issue. Raises access.Denied."""
    access.require(actor, "papers.make", queries.about(made.place))
    last = queries.newest_issue(made.kind, made.period, made.place, made.use)
    if last is not None and last.sha256 == made.sha256:
        return last
    lines, texts = _printed(made.kind, made.data)
    place = queries.about(made.place)
    with act("papers.make", actor=actor, place=place, subject=f"{made.kind} {made.period}") as done:
        issue = Issue.objects.create(
            paper=made.kind,
            period=made.period,
            place=made.place,
            use=made.use,
            made_at=clock.now(),
            by=actor,
            sha256=made.sha256,
            as_of=made.as_of,
            pack=made.pack,
            figures=json.dumps([list(pair) for pair in made.figures], ensure_ascii=False),
            lines=json.dumps(lines, ensure_ascii=False),
            texts=json.dumps(texts, ensure_ascii=False),
        )
        done.payload = {"sha256": made.sha256, "as_of": made.as_of.isoformat(), "figures": len(made.figures)}
    return issue


def _printed(kind: str, data: bytes) -> tuple[list[str], dict[str, str]]:
    """The lines of text of a made file and the officers' texts as printed; none of a workbook, whose cells are figures."""
    if kind == "ledger":
        return [], {}
    from docx import Document

    lines = [p.text for p in Document(io.BytesIO(data)).paragraphs if p.text.strip()]
    texts = manual_texts(data)
    return [*lines, *(line for text in texts.values() for line in text.splitlines())], texts


def send(issue: Issue, actor: Account) -> Case:
    """Send an issue for release (送审). Raises PaperRefused, access.Denied and what cases.move raises."""
    title = queries.title_of(issue)
    newest = queries.newest_issue(title.kind, title.period, title.place, title.use)
    if newest is not None and newest.pk != issue.pk:
        raise PaperRefused("这不是最新的一稿。请打开最新的草稿送审。")
    other = queries.case_in_review(title)
    case = queries.case_of(issue)
    if other is not None and (case is None or other.pk != case.pk):
        raise PaperRefused("这份材料的另一稿正在送审。请先退回或撤回那一稿，再送这一稿。")
    if case is not None and case.outcome:
        if case.outcome == "released":
            raise PaperRefused("这一稿已经发布。数或文字有变、重新生成之后，才能再送审。")
        raise PaperRefused("这一稿送审后已撤回。请先恢复，再送审；或数、文字有变后重新生成一稿。")
    if case is None:
        case = cases.open_case(
            queries.PROCESS, actor=actor, place=queries.about(issue.place), key=queries.case_key(issue),
            title=words(issue), period=issue.period,
        )  # fmt: skip
    return cases.move(case.pk, "submit", actor=actor, seen=case.events)


def words(issue: Issue) -> str:
    """A paper's name in words: 调度会材料 2025年上半年."""
    pack = current()
    parts = [KINDS[issue.paper], Period.parse(issue.period).chinese]
    if issue.place:
        parts.append(pack.places.name(issue.place))
    use = pack.find("uses", issue.use) if issue.use else None
    return " ".join([*parts, *([use.name] if use else [])])


def release(issue: Issue, actor: Account) -> Release:
    """Release an issue: the paper as reviewed, without 草稿, dated today; its bytes are kept for ever.

    Runs inside the step of the case. Raises GuardRefused when what would be released is not what was reviewed.
    """
    title = queries.title_of(issue)
    data, file_name = final(issue)
    last = queries.releases(title).first()
    with act("papers.release", actor=actor, place=queries.about(issue.place), subject=queries.case_key(issue)) as done:
        made = Release(
            issue=issue, number=(last.number if last else 0) + 1, file_name=file_name, content=data,
            sha256=sha256(data).hexdigest(),
            released_at=clock.now(), by=actor,
        )  # fmt: skip
        made.save()
        done.payload = {"sha256": made.sha256, "number": made.number, "issue": issue.sha256}
    return made


def final(issue: Issue) -> tuple[bytes, str]:
    """The bytes and file name an issue is released as. Raises GuardRefused where its content can no longer be made."""
    period = Period.parse(issue.period)
    changed = "送审之后来了新的数，按送审时的情况已排不出同一份材料。请退回，重新生成再送审。"
    try:
        with supposing(with_fingerprint(issue.pack)):
            if issue.paper == "ledger":
                made = writing.make_file(issue.paper, period, issue.as_of)
                if made.sha256 != issue.sha256:
                    raise GuardRefused([changed])
                return made.data, made.file_name
            paper = writing.compose(issue.paper, period, issue.as_of, issue.place, issue.use)
    except Unknown as error:
        raise GuardRefused([str(error)]) from error
    texts = json.loads(issue.texts)
    blocks = tuple(Manual(b.section, texts[b.section]) if isinstance(b, Manual) else b for b in paper.blocks)
    draft = replace(paper, blocks=blocks)
    if sha256(docx_bytes(draft)).hexdigest() != issue.sha256:
        raise GuardRefused([changed])
    name = "_".join(part for part in (KINDS[issue.paper], issue.period, issue.place, issue.use) if part)
    return docx_bytes(replace(draft, draft=False, date=clock.today())), f"{name}.docx"
