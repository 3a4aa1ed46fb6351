"""The log: proofs, verification and durable appends, against pymerkle 7 (GPL-3, a peer only here).

    pip install pymerkle && python bench/log.py [--leaves 100000] [--rounds 7]

Trees over the same leaves by SHA-256, equal roots and proofs that verify first; then each way in turns, so that other work
on the machine meets all alike. Durable appends go through `records.log.append`, with everything a leaf has (canonical
JSON, commitment, payload row, head), on SQLite as an instance has it (WAL, synchronous FULL); the peer's SqliteTree keeps
the bare entry. Elapsed seconds where the disk is waited for, CPU seconds elsewhere. Exits 1 if roots differ.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import pymerkle

from rongtong.engine.merkle import SHA256, SM3, Frontier
from rongtong.engine.proof import Levels, check_inclusion
from rongtong.engine.tile import Edge, TileTree
from rongtong.instance import write_instance

VERIFIER = Path(__file__).parent.parent / "src/rongtong/apps/records/static/records/rongtong_verify.py"
Figures = dict[str, list[float]]


def rate(count: int, work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """How many a second."""
    start = clock()
    work()
    return count / (clock() - start)


def report(figures: Figures, unit: str = "/s") -> None:
    """Median and spread of each."""
    for name, found in figures.items():
        middle = statistics.median(found)
        print(f"  {name:<58} {middle:>12,.0f}{unit}   ({min(found):,.0f}–{max(found):,.0f})")


def grown(leaves: list[bytes]) -> Levels:
    """Ours in memory: every subtree, ready for proofs."""
    return Levels(map(SHA256.leaf, leaves))


def frontier(leaves: list[bytes]) -> Frontier:
    """What a checkpoint needs and no more."""
    edge = Edge()
    for leaf in leaves:
        for _ in edge.append(SHA256.leaf(leaf)):
            pass
    return edge.frontier()


def theirs(leaves: list[bytes]) -> pymerkle.InmemoryTree:
    """The peer in memory."""
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for leaf in leaves:
        tree.append_entry(leaf)
    return tree


def tiles_of(leaves: list[bytes], folder: Path) -> TileTree:
    """The tiles of the leaves on disk."""
    edge = Edge()
    for leaf in leaves:
        for tile in edge.append(SHA256.leaf(leaf)):
            write(folder / tile.path, tile.content)
    for tile in edge.partials():
        write(folder / tile.path, tile.content)
    return TileTree(len(leaves), lambda path: (folder / path).read_bytes())


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def in_memory(leaves: list[bytes], rounds: int, folder: Path) -> bool:
    """Appends, proofs and checks; whether roots and proofs agree."""
    size, dice = len(leaves), random.Random(1)
    levels, peer, tiles = grown(leaves), theirs(leaves), tiles_of(leaves, folder)
    root = tiles.root()
    if not root == peer.get_root() == frontier(leaves).root():
        print("the roots differ")
        return False
    appends: Figures = {"append in memory, for proofs": [], "append in memory, for tiles": [], "append, pymerkle": []}
    proofs: Figures = {
        "proof from tiles on disk, each tile read once": [],
        "proof from new tiles": [],
        "proof, pymerkle": [],
    }
    checks: Figures = {"proof checked": [], "proof checked, pymerkle": []}
    ours = {at: tiles.inclusion(at) for at in dice.sample(range(size), 2000)}
    others = {at: peer.prove_inclusion(at + 1) for at in list(ours)[:200]}
    for _ in range(rounds):
        appends["append in memory, for proofs"].append(rate(size, lambda: grown(leaves)))
        appends["append in memory, for tiles"].append(rate(size, lambda: frontier(leaves)))
        appends["append, pymerkle"].append(rate(size, lambda: theirs(leaves)))
        proofs["proof from tiles on disk, each tile read once"].append(
            rate(2000, lambda: [tiles.inclusion(a) for a in ours])
        )
        fresh = TileTree(size, lambda path: (folder / path).read_bytes())
        few = list(ours)[:50]
        proofs["proof from new tiles"].append(rate(50, lambda: [fresh.inclusion(a) for a in few]))  # noqa: B023
        proofs["proof, pymerkle"].append(rate(200, lambda: [peer.prove_inclusion(a + 1) for a in others]))
        checks["proof checked"].append(
            rate(2000, lambda: [check_inclusion(a, size, levels.subtree(0, a), p, root) for a, p in ours.items()])
        )
        checks["proof checked, pymerkle"].append(
            rate(200, lambda: [pymerkle.verify_inclusion(peer.get_leaf(a + 1), root, p) for a, p in others.items()])
        )
    print(f"{size:,} leaves, roots equal")
    for each in (appends, proofs, checks):
        report(each)
    second: Figures = {"leaf and node hashes, SHA-256": [], "leaf and node hashes, SM3": []}
    for _ in range(rounds):
        for name, by in zip(second, (SHA256, SM3), strict=True):
            second[name].append(rate(size, lambda: Levels(map(by.leaf, leaves), by)))  # noqa: B023
    report(second)
    return True


def durable(rounds: int, folder: Path) -> None:
    """Appends that are on disk when the call returns; then publishing and the two verifiers."""
    from django.core.management import call_command
    from django.db import transaction

    from rongtong import clock
    from rongtong.apps.records import keys, log, publishing
    from rongtong.apps.records.actions import act
    from rongtong.apps.records.queries import verify
    from rongtong.apps.registry.actions import system_account

    call_command("migrate", verbosity=0)
    system, moment = system_account(), clock.now()
    peer = pymerkle.SqliteTree(str(folder / "peer.sqlite3"), algorithm="sha256")

    def batch(count: int) -> None:
        with transaction.atomic():
            log.append([log.Entry(moment, "system", "papers.draft", "", f"paper:{n}", {"n": n}) for n in range(count)])

    def single(count: int) -> None:
        for n in range(count):
            with transaction.atomic():
                log.append([log.Entry(moment, "system", "papers.draft", "", f"paper:{n}", {"n": n})])

    def acts(count: int) -> None:
        for n in range(count):
            with act("papers.draft", actor=system, subject=f"paper:{n}") as this:
                this.payload["n"] = n

    def peer_single(count: int) -> None:
        for n in range(count):
            peer.append_entry(b"%064d" % n)

    figures: Figures = {}
    for _ in range(rounds):
        for name, count, work in (
            ("append, one at a time", 100, single),
            ("append, one at a time, as an act with its permission", 100, acts),
            ("append, one at a time, pymerkle SqliteTree", 50, peer_single),
            ("append, 500 a commit", 500, batch),
            ("append, 5,000 a commit", 5000, batch),
            (
                "append, 5,000 a commit, pymerkle SqliteTree",
                5000,
                lambda n: peer.append_entries([b"%064d" % i for i in range(n)]),
            ),
        ):
            figures.setdefault(name, []).append(rate(count, lambda: work(count), time.perf_counter))  # noqa: B023
    print("durable (elapsed)")
    report(figures)
    key = keys.create(folder, "example.gov.cn/log")
    size = publishing.Log.objects.get().size
    first = rate(size, lambda: publishing.publish(folder), time.perf_counter)
    batch(256)
    start = time.perf_counter()
    publishing.publish(folder)
    again = time.perf_counter() - start
    found: Figures = {"verify the database": [rate(size, lambda: verify())]}
    command = [sys.executable, str(VERIFIER), "log", str(publishing.folder(folder)), "--key", str(key)]
    alone = rate(size, lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL), time.perf_counter)
    found["verify the published log, one-file verifier, both trees (elapsed)"] = [alone]
    found["publish from the first leaf on, both trees (elapsed)"] = [first]
    print(f"{size:,} leaves; a checkpoint for 256 more: {again:.3f} s")
    report(found)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--leaves", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    leaves = [random.Random(n).randbytes(64) for n in range(asked.leaves)]
    print(f"pymerkle {pymerkle.__version__}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="rongtong-log-") as name:
        folder = Path(name)
        write_instance(folder, "demo", [])
        os.environ |= {"RONGTONG_HOME": name, "DJANGO_SETTINGS_MODULE": "rongtong.settings"}
        import django

        django.setup()
        good = in_memory(leaves, asked.rounds, folder / "tiles")
        durable(asked.rounds, folder)
    print(f"load {os.getloadavg()[0]:.1f}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
