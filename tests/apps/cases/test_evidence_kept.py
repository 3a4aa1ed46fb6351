"""Evidence is measured before it is read, and the same bytes sent twice at once are kept once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from pytest_django import Settings

from rongtong.apps.cases import evidence
from rongtong.apps.cases.evidence import LARGEST_FILE
from rongtong.uploads import MOST_FILES, UploadRefused

WAIT = 30


class Unread:
    """A posted file that says how large it is and must not be read."""

    def __init__(self, size: int) -> None:
        self.name, self.size = "说明.pdf", size

    def read(self, num_bytes: int | None = None, /) -> bytes:
        raise AssertionError("read before its number and size were looked at")


@pytest.mark.parametrize("sizes", [[10] * (MOST_FILES + 1), [10, LARGEST_FILE + 1]], ids=["too many", "too large"])
def test_too_many_or_too_large_files_are_refused_unread(sizes: list[int]) -> None:
    with pytest.raises(UploadRefused, match=r"至多|超过"):
        evidence.received([Unread(size) for size in sizes])


def test_the_same_bytes_sent_twice_at_once_are_kept_once(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HOME = tmp_path
    sent, both_written, replace = evidence.Upload("说明.pdf", b"%PDF-1.4"), Barrier(2), Path.replace

    def after_both_have_written(self: Path, target: Path) -> Path:
        both_written.wait(WAIT)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", after_both_have_written)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(evidence.store, sent) for _ in range(2)]:
            done.result(WAIT)
    kept = evidence.path(sent.sha256)
    assert kept.read_bytes() == sent.content
    assert list(kept.parent.iterdir()) == [kept]
