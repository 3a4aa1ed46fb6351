"""What is left of an erased person in the store's own files is cleaned, and said where it cannot be."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rongtong.apps.records import scrubbing
from rongtong.apps.records.looking import holding
from rongtong.apps.registry.models import Account

Script = Callable[[Path, str], str]
Command = Callable[..., subprocess.CompletedProcess[str]]
MAKE = """
    from rongtong.apps.registry.actions import create_account, system_account
    create_account("probe-7391", "欧阳栩鹮", actor=system_account())
"""
ERASE = """
    from django.db import transaction
    from rongtong.apps.registry import erasing
    from rongtong.apps.registry.models import Account
    with transaction.atomic():
        erasing.erase(Account.objects.get(username="probe-7391"), why="本人申请", emptied=[], kept={})
"""
# Leaves as they were written before they committed to names, in a log that is whole.
FIRST_FORMAT = """
    import json
    from rongtong.apps.records.models import Leaf, Log
    from rongtong.engine.merkle import Frontier, canonical_json, leaf_hash
    frontier = Frontier()
    for leaf in Leaf.objects.order_by("sequence"):
        body = json.loads(leaf.body) | {"format": "rongtong-leaf-1", "actor": leaf.actor, "subject": leaf.subject}
        leaf.body, leaf.actor_salt, leaf.subject_salt = canonical_json(body), "", ""
        leaf.leaf_hash = leaf_hash(leaf.body.encode()).hex()
        leaf.save()
        frontier = frontier.append(bytes.fromhex(leaf.leaf_hash))
    Log.objects.update(root=frontier.root().hex(), frontier=" ".join(each.hex() for each in frontier.hashes))
"""


def test_nothing_is_scrubbed_inside_a_transaction(system: Account) -> None:
    with pytest.raises(scrubbing.NotScrubbed, match="事务"):
        scrubbing.scrub()


def test_a_file_that_cannot_be_mended_is_named_to_somebody(home: Path, command: Command, script: Script) -> None:
    script(home, MAKE)
    scan = home / "files" / "欧阳栩鹮.tif"
    scan.write_bytes(b"II*\0" + "欧阳栩鹮".encode() + b"\0")
    script(home, ERASE)
    left = home / "files" / "已注销.tif"
    assert not scan.exists()
    assert left.exists()
    assert list(holding(home, ["欧阳栩鹮"])) == ["files/已注销.tif"]
    found = command(home, "scrub", "--look-for", "probe-7391", "欧阳栩鹮", code=1).stdout
    assert "仍含所找的文字：files/已注销.tif" in found
    left.unlink()
    assert "都没有所找的文字" in command(home, "scrub", "--look-for", "probe-7391", "欧阳栩鹮").stdout
    command(home, "verify")


def test_leaves_of_the_first_format_keep_their_usernames_and_the_erasure_says_how_many(
    home: Path, command: Command, script: Script
) -> None:
    script(home, MAKE)
    script(home, FIRST_FORMAT)
    command(home, "verify")
    script(home, ERASE)
    command(home, "verify")
    assert json.loads(script(home, """
        from rongtong.apps.records.models import Leaf
        print(Leaf.objects.get(kind="records.erase_person").payload.text)
    """))["first_format"] == 1  # fmt: skip
    assert list(holding(home, ["欧阳栩鹮"])) == []
    assert list(holding(home, ["probe-7391"])) == ["rongtong.sqlite3"]


@pytest.mark.large
def test_while_somebody_reads_the_bytes_wait_and_doctor_says_so(home: Path, command: Command, script: Script) -> None:
    script(home, MAKE)
    hold = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN'); "
    hold += "c.execute('SELECT * FROM records_log').fetchall(); print('open', flush=True); sys.stdin.read()"
    command_line = [sys.executable, "-c", hold, str(home / "rongtong.sqlite3")]
    with subprocess.Popen(command_line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        assert reader.stdout.readline() == "open\n"
        script(home, ERASE)
        assert "1 件已删除，但库文件里还有残留的字节" in command(home, "doctor").stdout
        assert list(holding(home, ["欧阳栩鹮"]))
        reader.stdin.close()
    command(home, "scrub")
    assert list(holding(home, ["欧阳栩鹮", "probe-7391"])) == []
    assert "没有待清除的残留" in command(home, "doctor").stdout
