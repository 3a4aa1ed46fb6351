"""Proving a pack: references resolve, units fit, every commitment hangs on a card or says why not.

Each check is a small function from a `Look` at the combined pack to its findings, listed in the `CHECKS` of its
module. To add one, write it beside its like and list it there. A root cause is said once: what rests on a missing or
broken statement is passed over by the other checks.
"""

from __future__ import annotations

from rongtong.engine.pack import (
    check_collections,
    check_dates,
    check_files,
    check_goals,
    check_processes,
    check_references,
    check_units,
    check_words,
)
from rongtong.engine.pack.check_base import Check, Look
from rongtong.engine.pack.read import Pack, Problem

CHECKS: tuple[Check, ...] = (
    *check_references.CHECKS,
    *check_units.CHECKS,
    *check_words.CHECKS,
    *check_goals.CHECKS,
    *check_dates.CHECKS,
    *check_files.CHECKS,
    *check_collections.CHECKS,
    *check_processes.CHECKS,
)


def check(pack: Pack) -> list[Problem]:
    """Every finding about a combined pack, errors first, then by pack, file and line."""
    look = Look(pack)
    # Without its base nearly every reference of a pack dangles; that is said in one line.
    homeless = list(check_references.bases(look))
    if homeless:
        return homeless
    found = dict.fromkeys(problem for one in CHECKS for problem in one(look))
    return sorted(found, key=lambda p: (p.severity != "error", *_where(look, p)))


def _where(look: Look, problem: Problem) -> tuple[int, str, int]:
    return look.layer_of.get(problem.file.partition("/")[0], 0), problem.file, problem.line
