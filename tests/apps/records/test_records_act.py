"""Every write goes through one choke point and leaves one leaf, or nothing at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import Settings

from rongtong import clock
from rongtong.apps.records.actions import RecordError, act, erase_payload
from rongtong.apps.records.models import Leaf, Log, Payload
from rongtong.apps.records.queries import examine, head, verify
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.actions import create_account, system_account
from rongtong.apps.registry.models import Account, Organisation
from rongtong.engine.merkle import NotCanonical, commitment, leaf_hash, tree_root
from rongtong.instance import write_instance


def test_an_act_leaves_one_leaf_that_says_who_did_what_about_what(system: Account) -> None:
    before = head().size
    with act("papers.draft", actor=system, place="330100", subject="paper:1") as this:
        this.payload["title"] = "半年通报"
        assert this.leaf is None
    assert this.leaf is not None
    leaf = Leaf.objects.get(sequence=before + 1)
    assert leaf == this.leaf
    assert (leaf.actor, leaf.kind, leaf.place, leaf.subject) == ("system", "papers.draft", "330100", "paper:1")
    body = json.loads(leaf.body)
    assert {"actor", "format", "kind", "payload", "place", "recorded_at", "sequence", "subject"} == set(body)
    assert "半年通报" not in leaf.body
    assert "system" not in leaf.body
    assert body["actor"] == commitment(bytes.fromhex(leaf.actor_salt), "system").hex()
    assert leaf.payload.text == '{"title":"半年通报"}'
    assert head().size == before + 1
    assert verify() == []


def test_the_root_is_the_rfc_6962_root_of_all_bodies(system: Account) -> None:
    for n in range(6):
        with act("papers.draft", actor=system, subject=f"paper:{n}"):
            pass
    bodies = Leaf.objects.order_by("sequence").values_list("body", flat=True)
    assert head().root == tree_root(leaf_hash(body.encode()) for body in bodies).hex()


def test_the_block_may_name_the_subject_once_it_knows_it(system: Account) -> None:
    with act("papers.draft", actor=system) as this:
        this.subject = "paper:77"
    assert Leaf.objects.latest("sequence").subject == "paper:77"


def test_the_leaf_is_dated_by_the_one_clock(system: Account, settings: Settings) -> None:
    settings.PINNED_TODAY = date(2025, 7, 15)
    with act("papers.draft", actor=system) as this:
        pass
    assert this.leaf is not None
    assert this.leaf.recorded_at.astimezone(clock.LOCAL).date().isoformat() == "2025-07-15"
    assert json.loads(this.leaf.body)["recorded_at"].startswith("2025-07-15T")


def write_and_fail(actor: Account) -> None:
    with act("registry.create_account", actor=actor):
        Account.objects.create(username="half", name="半途")
        raise ZeroDivisionError


def test_an_exception_in_the_block_leaves_nothing(system: Account) -> None:
    before = head()
    with pytest.raises(ZeroDivisionError):
        write_and_fail(system)
    assert not Account.objects.filter(username="half").exists()
    assert head() == before
    assert verify(str(before)) == []


def test_a_payload_without_an_exact_form_takes_its_write_back(system: Account) -> None:
    before = head()

    def write() -> None:
        with act("registry.create_account", actor=system) as this:
            Account.objects.create(username="half", name="半途")
            this.payload["share"] = 0.1

    with pytest.raises(NotCanonical, match="浮点数"):
        write()
    assert not Account.objects.filter(username="half").exists()
    assert head() == before


def test_who_may_not_is_refused_before_the_block_runs(system: Account) -> None:
    nobody = create_account("nobody", "某人", actor=system).account
    before = head()
    ran = []
    with pytest.raises(Denied, match="某人"), act("papers.draft", actor=nobody):
        ran.append(True)
    assert not ran
    assert head() == before


def test_an_act_within_an_act_has_its_own_leaf_and_shares_the_fate(system: Account) -> None:
    start = head().size
    with act("papers.outer", actor=system), act("papers.inner", actor=system):
        pass
    kinds = Leaf.objects.filter(sequence__gt=start).order_by("sequence").values_list("kind", flat=True)
    assert list(kinds) == ["papers.inner", "papers.outer"]


def test_what_an_inner_act_wrote_goes_when_the_outer_fails(system: Account) -> None:
    before = head()

    def write() -> None:
        with act("papers.outer", actor=system):
            with act("papers.inner", actor=system):
                Account.objects.create(username="inner", name="内层")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert not Account.objects.filter(username="inner").exists()
    assert head() == before
    assert verify() == []


def test_an_inner_act_that_fails_and_is_caught_leaves_only_the_outer_leaf(system: Account) -> None:
    start = head().size
    with act("papers.outer", actor=system):
        with pytest.raises(ZeroDivisionError):
            write_and_fail(system)
        Account.objects.create(username="whole", name="完整")
    assert [leaf.kind for leaf in Leaf.objects.filter(sequence__gt=start)] == ["papers.outer"]
    assert Account.objects.filter(username="whole").exists()
    assert not Account.objects.filter(username="half").exists()
    assert verify() == []


def test_erasing_removes_payload_and_salt_and_keeps_the_proof(system: Account) -> None:
    with act("papers.draft", actor=system) as this:
        this.payload["name"] = "张三"
    assert this.leaf is not None
    saved = str(head())
    leaf = erase_payload(this.leaf.sequence, why="本人申请删除", actor=system)
    kept = Payload.objects.get(leaf_id=this.leaf.sequence)
    assert (kept.text, kept.salt, kept.erased_why) == ("", "", "本人申请删除")
    assert leaf.subject == f"leaf:{this.leaf.sequence}"
    found = examine(saved)
    assert (found.findings, found.erased) == ((), 1)
    # Past midnight in Beijing and not in Greenwich.
    Payload.objects.filter(leaf_id=this.leaf.sequence).update(erased_at=datetime(2025, 7, 14, 16, 30, tzinfo=UTC))
    with pytest.raises(RecordError, match="已于 2025-07-15 删除"):
        erase_payload(this.leaf.sequence, why="再次", actor=system)
    with pytest.raises(RecordError, match="没有第 999 条"):
        erase_payload(999, why="没有", actor=system)
    with pytest.raises(RecordError, match="理由"):
        erase_payload(1, why=" ", actor=system)


@pytest.mark.parametrize("wrong", [{"size": 0, "id": 2}, {"id": 0}])
def test_the_database_keeps_one_head(system: Account, wrong: dict[str, int]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Log.objects.create(root="x", **wrong)


def test_a_subject_that_is_an_account_is_committed_to_and_another_is_in_clear(system: Account) -> None:
    with act("papers.draft", actor=system, subject="account:zhang") as one, act("papers.draft", actor=system) as other:
        other.subject = "case:12"
    assert one.leaf is not None
    assert other.leaf is not None
    salt = bytes.fromhex(one.leaf.subject_salt)
    assert json.loads(one.leaf.body)["subject"] == f"account:{commitment(salt, 'zhang').hex()}"
    assert (json.loads(other.leaf.body)["subject"], other.leaf.subject_salt) == ("case:12", "")
    assert one.leaf.subject_salt != one.leaf.actor_salt
    assert verify() == []


@pytest.mark.parametrize("wrong", [{"erased_at": clock.now()}, {"text": ""}, {"text": "", "salt": "0"}])
def test_the_database_refuses_a_payload_erased_without_a_reason_or_by_half(
    system: Account, wrong: dict[str, object]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Payload.objects.filter(leaf_id=1).update(**wrong)


def test_writers_at_once_leave_no_gap_and_lose_nothing(in_thread: Callable[[Callable[[], object]], object]) -> None:
    in_thread(system_account)
    errors: list[BaseException] = []

    def write(worker: int) -> None:
        try:
            actor = system_account()
            for n in range(10):
                if n % 5 == 4:
                    with pytest.raises(ZeroDivisionError):
                        write_and_fail(actor)
                else:
                    with act("papers.draft", actor=actor, subject=f"{worker}-{n}"):
                        Organisation.objects.create(uscc=f"{worker}-{n}", name="留", kind="other", place="1")
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []

    def outcome() -> tuple[list[int], set[str], set[str], int]:
        leaves = Leaf.objects.order_by("sequence")
        return (
            list(leaves.values_list("sequence", flat=True)),
            set(leaves.filter(kind="papers.draft").values_list("subject", flat=True)),
            set(Organisation.objects.values_list("uscc", flat=True)),
            len(verify()),
        )

    sequences, subjects, organisations, findings = in_thread(outcome)  # type: ignore[misc]
    wanted = {f"{worker}-{n}" for worker in range(6) for n in range(10) if n % 5 != 4}
    assert sequences == list(range(1, len(wanted) + 2))  # and the leaf of system's own creation
    assert subjects == organisations == wanted
    assert findings == 0


def test_the_first_two_writers_of_an_empty_log_agree_who_is_first(
    in_thread: Callable[[Callable[[], object]], object],
) -> None:
    barrier = threading.Barrier(2)
    errors: list[BaseException] = []

    def first() -> None:
        try:
            barrier.wait()
            system_account()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=first) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert in_thread(lambda: (Account.objects.count(), head().size, verify())) == (1, 1, [])


KILLED = """
import os, sys, django
django.setup()
from rongtong.apps.records.actions import act
from rongtong.apps.registry.actions import create_account, system_account
system = system_account()
create_account("kept", "留下", actor=system)
print("ready", flush=True)
with act("papers.import", actor=system) as this:
    create_account("lost", "丢失", actor=system)
    os._exit(9)
"""
AFTER = """
import django
django.setup()
from rongtong.apps.records.queries import head, verify
from rongtong.apps.registry.models import Account
print(sorted(Account.objects.values_list("username", flat=True)), head().size, verify())
"""


def test_a_process_killed_in_the_middle_of_an_act_leaves_the_log_whole(tmp_path: Path) -> None:
    write_instance(tmp_path, "demo", [])
    environment = {**os.environ, "RONGTONG_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "rongtong.settings"}

    def run(code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    migrate = "import django; django.setup(); from django.core.management import call_command as c;"
    assert run(migrate + "c('migrate', verbosity=0)").returncode == 0
    killed = run(KILLED)
    assert (killed.returncode, killed.stdout) == (9, "ready\n")
    assert run(AFTER).stdout == "['kept', 'system'] 2 []\n"
