"""Whatever is changed in the log behind the system's back is found and named; what is right is not accused."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from django.db.models import F

from rongtong import clock
from rongtong.apps.records import log
from rongtong.apps.records.actions import act, erase_payload
from rongtong.apps.records.models import Leaf, Log, Payload
from rongtong.apps.records.queries import Finding, Head, HeadError, examine, head, verify
from rongtong.apps.registry.models import Account
from rongtong.engine.merkle import EMPTY_ROOT, SALT_BYTES, Frontier, canonical_json, commitment, leaf_hash

SIZE = 9


@pytest.fixture
def nine(system: Account) -> Account:
    """A log of nine leaves: that of `system` and eight more."""
    for n in range(SIZE - 1):
        with act("papers.draft", actor=system, place="330100", subject=f"paper:{n}") as this:
            this.payload["text"] = f"第 {n} 份"
    return system


def flip(text: str, position: int = 3) -> str:
    return text[:position] + ("0" if text[position] != "0" else "1") + text[position + 1 :]


def found(findings: Sequence[Finding]) -> set[tuple[str, int | None]]:
    return {(finding.code, finding.sequence) for finding in findings}


def change(model: type[Leaf] | type[Payload], **columns: Callable[[str], object] | object) -> None:
    row = model.objects.get(pk=5)
    values = {name: value(getattr(row, name)) if callable(value) else value for name, value in columns.items()}
    model.objects.filter(pk=5).update(**values)


def test_an_untouched_log_has_no_findings(nine: Account) -> None:
    assert verify() == []
    assert verify(str(head())) == []
    assert examine().head == head()
    assert head().size == SIZE


def test_an_empty_log_is_whole(db: None) -> None:
    assert head() == Head(0, EMPTY_ROOT.hex())
    assert verify(str(head())) == []


def test_a_flipped_byte_in_a_body_is_found(nine: Account) -> None:
    change(Leaf, body=lambda body: body.replace("paper:3", "paper:4"))
    assert ("leaf_changed", 5) in found(verify())
    assert ("head_differs", None) in found(verify())


def test_every_single_flipped_byte_of_a_body_is_found(nine: Account) -> None:
    body = Leaf.objects.get(pk=5).body
    for position in range(len(body)):
        Leaf.objects.filter(pk=5).update(body=flip(body, position))
        assert ("leaf_changed", 5) in found(verify()), position


def test_a_body_rewritten_together_with_its_hash_is_found_by_the_root(nine: Account) -> None:
    leaf = Leaf.objects.get(pk=5)
    body = leaf.body.replace("paper:3", "paper:x")
    Leaf.objects.filter(pk=5).update(body=body, subject="paper:x", leaf_hash=leaf_hash(body.encode()).hex())
    assert found(verify()) == {("head_differs", None)}


def test_a_history_rewritten_throughout_is_found_by_a_saved_head(nine: Account) -> None:
    saved = str(head())
    leaf = Leaf.objects.get(pk=5)
    body = leaf.body.replace("paper:3", "paper:x")
    Leaf.objects.filter(pk=5).update(body=body, subject="paper:x", leaf_hash=leaf_hash(body.encode()).hex())
    rebuild_head()
    assert verify() == []
    assert found(verify(saved)) == {("rewritten", None)}


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"text": lambda text: text.replace("3", "4")}, "payload_changed"),
        ({"salt": flip}, "payload_changed"),
        ({"salt": "not hexadecimal"}, "payload_changed"),
        ({"salt": lambda salt: salt[:-2]}, "payload_changed"),
    ],
)
def test_a_changed_payload_or_salt_is_found(nine: Account, columns: dict[str, object], code: str) -> None:
    change(Payload, **columns)
    assert found(verify()) == {(code, 5)}


@pytest.mark.parametrize(
    "columns",
    [
        {"actor": "somebody"},
        {"kind": "papers.release"},
        {"place": "330200"},
        {"subject": "paper:9"},
        {"recorded_at": lambda moment: moment - timedelta(days=1)},
    ],
)
def test_a_column_that_differs_from_the_body_is_found(nine: Account, columns: dict[str, object]) -> None:
    change(Leaf, **columns)
    assert found(verify()) == {("column_changed", 5)}


def test_a_changed_leaf_hash_is_found(nine: Account) -> None:
    change(Leaf, leaf_hash=flip)
    assert found(verify()) == {("leaf_changed", 5)}


def test_a_removed_row_is_found_as_a_gap(nine: Account) -> None:
    Payload.objects.filter(pk=5).delete()
    Leaf.objects.filter(pk=5).delete()
    assert {("gap", 5), ("head_differs", None)} <= found(verify())


def test_several_removed_rows_are_one_gap_that_says_from_where_to_where(nine: Account) -> None:
    Payload.objects.filter(pk__in=(4, 5, 6)).delete()
    Leaf.objects.filter(pk__in=(4, 5, 6)).delete()
    (gap,) = [finding for finding in verify() if finding.code == "gap"]
    assert gap.message == "日志中缺第 4 至 6 条。"


def test_a_removed_first_row_is_found(nine: Account) -> None:
    Payload.objects.filter(pk=1).delete()
    Leaf.objects.filter(pk=1).delete()
    assert ("gap", 1) in found(verify())


def test_a_removed_payload_row_is_found(nine: Account) -> None:
    Payload.objects.filter(pk=5).delete()
    assert found(verify()) == {("payload_missing", 5)}


def test_reordered_rows_are_found(nine: Account) -> None:
    contents = {
        pk: (
            Leaf.objects.filter(pk=pk)
            .values("recorded_at", "actor", "kind", "place", "subject", "body", "leaf_hash")
            .get(),
            Payload.objects.filter(pk=pk).values("text", "salt").get(),
        )
        for pk in (4, 5)
    }
    for pk, other in ((4, 5), (5, 4)):
        Leaf.objects.filter(pk=pk).update(**contents[other][0])
        Payload.objects.filter(pk=pk).update(**contents[other][1])
    assert found(verify()) == {("column_changed", 4), ("column_changed", 5), ("head_differs", None)}


def test_a_cut_tail_is_found_even_without_a_saved_head(nine: Account) -> None:
    cut_tail()
    assert found(verify()) == {("head_differs", None)}


def test_a_cut_tail_with_a_mended_head_is_found_by_the_saved_head(nine: Account) -> None:
    saved = str(head())
    cut_tail()
    rebuild_head()
    assert verify() == []
    assert found(verify(saved)) == {("truncated", SIZE - 1)}


def test_a_log_emptied_altogether_is_found_by_the_saved_head(nine: Account) -> None:
    saved = str(head())
    Payload.objects.all().delete()
    Leaf.objects.all().delete()
    Log.objects.all().delete()
    assert verify() == []
    assert found(verify(saved)) == {("truncated", 1)}


def test_a_lost_head_row_is_found(nine: Account) -> None:
    Log.objects.all().delete()
    assert found(verify()) == {("beyond_head", 1)}


def test_a_leaf_put_in_behind_the_head_is_found(nine: Account) -> None:
    Leaf.objects.filter(pk=SIZE).update(kind=F("kind"))
    last = Leaf.objects.get(pk=SIZE)
    last.sequence = SIZE + 1
    last.save(force_insert=True)
    assert found(verify()) == {("beyond_head", SIZE + 1)}


def test_a_changed_frontier_is_found_before_it_spoils_the_next_root(nine: Account) -> None:
    kept = Log.objects.get()
    Log.objects.update(frontier=flip(kept.frontier))
    assert found(verify()) == {("frontier_differs", None)}
    Log.objects.update(frontier="")
    assert found(verify()) == {("frontier_differs", None)}


def test_a_payload_blanked_without_a_recorded_erasure_is_found(nine: Account) -> None:
    Payload.objects.filter(pk=5).update(text="", salt="", erased_at=clock.now(), erased_why="掩盖")
    assert found(verify()) == {("erased_without_record", 5)}


def test_a_payload_marked_as_erased_with_another_text_in_it_is_found(nine: Account) -> None:
    Payload.objects.filter(pk=5).update(text="{}", erased_at=clock.now(), erased_why="掩盖")
    assert found(verify()) == {("erased_without_record", 5)}
    erase_payload(5, why="本人申请", actor=nine)
    assert verify() == []
    Payload.objects.filter(pk=5).update(text="{}", salt="00" * SALT_BYTES)
    assert found(verify()) == {("left_changed", 5)}


def first_format(pk: int) -> None:
    """Make a leaf what it was before leaves committed to names, and the log one that was written so."""
    leaf = Leaf.objects.get(pk=pk)
    body = json.loads(leaf.body) | {"format": "rongtong-leaf-1", "actor": leaf.actor, "subject": leaf.subject}
    text = canonical_json(body)
    Leaf.objects.filter(pk=pk).update(
        body=text, leaf_hash=leaf_hash(text.encode()).hex(), actor_salt="", subject_salt=""
    )
    rebuild_head()


def test_leaves_of_the_first_format_stay_and_are_checked_as_before(nine: Account) -> None:
    first_format(5)
    assert verify() == []
    change(Leaf, actor="erased-9")
    assert found(verify()) == {("column_changed", 5)}


@pytest.mark.parametrize("column", ["actor", "subject"])
def test_a_name_taken_out_without_a_recorded_erasure_is_found(nine: Account, column: str) -> None:
    with act("papers.draft", actor=nine, subject="account:zhang") as this:
        pass
    assert this.leaf is not None
    value = {"actor": "erased-9", "subject": "account:erased-9"}[column]
    Leaf.objects.filter(pk=this.leaf.pk).update(**{column: value, f"{column}_salt": ""})
    assert found(verify()) == {("erased_without_record", this.leaf.pk)}


@pytest.mark.parametrize("salt", ["not hexadecimal", "00", "00" * SALT_BYTES])
def test_a_changed_salt_of_a_name_is_found(nine: Account, salt: str) -> None:
    change(Leaf, actor_salt=salt)
    assert found(verify()) == {("column_changed", 5)}


def test_a_recorded_erasure_is_fine_and_counted(nine: Account) -> None:
    erase_payload(5, why="本人申请", actor=nine)
    erase_payload(6, why="本人申请", actor=nine)
    assert (examine().erased, examine().findings) == (2, ())


def test_a_body_that_is_no_json_is_found_and_does_not_stop_the_check(nine: Account) -> None:
    change(Leaf, body="{")
    Payload.objects.filter(pk=7).update(text="{}")
    assert {("leaf_unreadable", 5), ("payload_changed", 7)} <= found(verify())


def test_an_older_head_still_holds_after_more_leaves(nine: Account) -> None:
    saved = str(head())
    with act("papers.draft", actor=nine):
        pass
    assert verify(saved) == []
    assert verify(f"0:{EMPTY_ROOT.hex()}") == []
    assert found(verify(f"0:{'0' * 64}")) == {("rewritten", None)}


@pytest.mark.parametrize("text", ["", "x", "9", "9:abc", f"-1:{'0' * 64}", f"09:{'0' * 64}", f"9:{'G' * 64}"])
def test_what_is_no_head_is_refused(db: None, text: str) -> None:
    with pytest.raises(HeadError, match="不是日志头"):
        verify(text)


def test_a_payload_that_fits_a_forged_commitment_still_changes_the_root(nine: Account) -> None:
    leaf = Leaf.objects.get(pk=5)
    salt = bytes(SALT_BYTES)
    old = commitment(bytes.fromhex(leaf.payload.salt), leaf.payload.text).hex()
    body = leaf.body.replace(old, commitment(salt, "{}").hex())
    Leaf.objects.filter(pk=5).update(body=body, leaf_hash=leaf_hash(body.encode()).hex())
    Payload.objects.filter(pk=5).update(text="{}", salt=salt.hex())
    assert found(verify()) == {("head_differs", None)}


@pytest.mark.parametrize("size", [2500, pytest.param(100_000, marks=pytest.mark.large)])
def test_a_long_log_is_checked_from_end_to_end(system: Account, size: int) -> None:
    moment = clock.now()
    step = 2500
    for start in range(0, size, step):
        log.append([log.Entry(moment, "system", "papers.draft", "", str(start + n)) for n in range(step)])
    saved = str(head())
    assert verify(saved) == []
    Payload.objects.filter(pk=size // 2).update(text='{"a":1}')
    assert found(verify(saved)) == {("payload_changed", size // 2)}


def cut_tail() -> None:
    Payload.objects.filter(pk__gte=SIZE - 1).delete()
    Leaf.objects.filter(pk__gte=SIZE - 1).delete()


def rebuild_head() -> None:
    """What somebody with the whole database in hand would do to hide a change."""
    frontier = Frontier()
    for body in Leaf.objects.order_by("sequence").values_list("body", flat=True):
        frontier = frontier.append(leaf_hash(body.encode()))
    Log.objects.update(
        size=frontier.size, root=frontier.root().hex(), frontier=" ".join(each.hex() for each in frontier.hashes)
    )
