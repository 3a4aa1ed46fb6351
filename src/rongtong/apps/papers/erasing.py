"""Taking a person out of released papers: the bytes with the name go, the same paper without it is the next release."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from rongtong import clock
from rongtong.apps.papers import queries
from rongtong.apps.papers.models import Release
from rongtong.apps.registry.models import Account
from rongtong.engine.redaction import Person


def erase(person: Person, why: str, actor: Account, remove: Callable[[Path], None]) -> dict[str, str]:
    """Reissue what names the person. Returns the SHA-256 of each file removed → that of the file without, "" for none.

    Runs inside the act of the erasure, whose leaf says what is returned here. Nothing lies in files: `remove` is unused.
    """
    done: dict[str, str] = {}
    for pk in list(Release.objects.filter(removed_at__isnull=True).order_by("pk").values_list("pk", flat=True)):
        old = Release.objects.select_related("issue").get(pk=pk)
        content = bytes(old.content)
        taken = person.file(content)
        if taken == content:
            continue
        old.content, old.removed_at, old.removed_why = b"", clock.now(), why
        old.save(update_fields=["content", "removed_at", "removed_why"])
        done[old.sha256] = "" if taken is None else _reissued(old, taken, actor).sha256
    return done


def _reissued(old: Release, content: bytes, actor: Account) -> Release:
    last = queries.releases(queries.title_of(old.issue)).first()
    return Release.objects.create(
        issue=old.issue,
        number=(last.number if last else 0) + 1,
        file_name=old.file_name,
        content=content,
        sha256=sha256(content).hexdigest(),
        released_at=clock.now(),
        by=actor,
    )
