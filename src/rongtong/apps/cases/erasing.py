"""Taking a person out of evidence: a file that can be mended is kept without, another is removed and its hash stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rongtong.apps.cases import evidence
from rongtong.apps.cases.models import Attachment
from rongtong.apps.registry.models import Account
from rongtong.engine.redaction import Person


def erase(person: Person, why: str, actor: Account, remove: Callable[[Path], None]) -> dict[str, str]:
    """Mend or remove each file that names the person. Returns old SHA-256 → new, "" where the file is gone.

    Runs inside the act of the erasure; `remove` has the old file go once that is committed.
    """
    done: dict[str, str] = {}
    for sha in list(Attachment.objects.filter(removed_why="").values_list("sha256", flat=True).distinct()):
        path = evidence.path(sha)
        if not path.is_file():
            continue
        content = path.read_bytes()
        taken = person.file(content)
        if taken == content:
            continue
        rows = Attachment.objects.filter(sha256=sha)
        if taken is None:
            rows.update(removed_why=why)
            done[sha] = ""
        else:
            kept = evidence.Upload("", taken)
            evidence.store(kept)
            rows.update(sha256=kept.sha256, size=len(taken))
            done[sha] = kept.sha256
        remove(path)
    return done
