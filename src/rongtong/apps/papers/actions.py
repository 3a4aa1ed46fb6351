"""Everything the papers write: officers' paragraphs, and the record of each paper made."""

from __future__ import annotations

import json
from collections.abc import Mapping

from rongtong import clock
from rongtong.apps.packs.queries import current
from rongtong.apps.papers import queries
from rongtong.apps.papers.models import Issue, Note
from rongtong.apps.papers.writing import Made
from rongtong.apps.records.actions import act
from rongtong.apps.registry.models import Account


def save_notes(paper: str, period: str, texts: Mapping[str, str], actor: Account) -> int:
    """Keep an officer's text of each section; one that has not changed is left. Returns how many versions are new."""
    kept = queries.notes(paper, period)
    new = {section: text.strip() for section, text in texts.items() if text.strip() != kept.get(section, "")}
    if not new:
        return 0
    with act("papers.note", actor=actor, place=_root(), subject=f"{paper} {period}") as done:
        for section, text in new.items():
            Note.objects.create(
                paper=paper, period=period, section=section, text=text, by=actor, recorded_at=clock.now()
            )
        done.payload = {"sections": dict(new)}
    return len(new)


def make(made: Made, actor: Account) -> Issue:
    """Keep that a paper was made. The same content made again is the same issue."""
    last = queries.newest_issue(made.kind, made.period, made.place, made.use)
    if last is not None and last.sha256 == made.sha256:
        return last
    with act("papers.make", actor=actor, place=made.place or _root(), subject=f"{made.kind} {made.period}") as done:
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
        )
        done.payload = {"sha256": made.sha256, "as_of": made.as_of.isoformat(), "figures": len(made.figures)}
    return issue


def _root() -> str:
    return current().manifest.root_place
