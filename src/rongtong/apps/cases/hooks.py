"""What a process file names as `app.name` and an app offers in its `effects.py`: facts for guards, effects of a step.

`FACTS[name](case)` gives the values of the process's variables. `EFFECTS[name](case, event, actor)` runs inside the
step's transaction, after the case has moved; what it raises undoes the step. `PAGES[process](case)` gives the address
of the page where cases of a process are worked on, where it has one of its own.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rongtong.engine.expression.evaluate import Value

if TYPE_CHECKING:
    from rongtong.apps.cases.models import Case, Event
    from rongtong.apps.registry.models import Account
    from rongtong.engine.pack.process import Process

Effect = Callable[["Case", "Event", "Account"], None]
Facts = Callable[["Case"], Mapping[str, Value]]


class NoHook(LookupError):
    """A process names an effect or facts that no app offers; the message says which and what there is."""


def effect(name: str) -> Effect:
    """The effect of this name. Raises NoHook."""
    return _find(name, "EFFECTS")  # type: ignore[no-any-return]


def facts(name: str) -> Facts:
    """The facts of this name. Raises NoHook."""
    return _find(name, "FACTS")  # type: ignore[no-any-return]


def page(process: Process, case: Case) -> str:
    """The address of the page a case is worked on, offered by an app that the process names; "" where none does."""
    made = _page(process)
    return made(case) if made else ""


def has_page(process: Process) -> bool:
    """Whether cases of a process are opened and worked on at pages of an app's own."""
    return _page(process) is not None


def _page(process: Process) -> Callable[[Case], str] | None:
    named = [process.facts, *(e for t in process.transitions for e in t.effects)]
    for app in dict.fromkeys(name.partition(".")[0] for name in named if name):
        pages = getattr(importlib.import_module(f"rongtong.apps.{app}.effects"), "PAGES", {})
        if process.code in pages:
            found: Callable[[Case], str] = pages[process.code]
            return found
    return None


def missing(process: Process) -> list[str]:
    """What is wrong with the names a process gives, in words."""
    found = []
    for table, name in [("EFFECTS", e) for t in process.transitions for e in t.effects] + [("FACTS", process.facts)]:
        try:
            _find(name, table) if name else None
        except NoHook as error:
            found.append(str(error))
    return found


def _find(name: str, table: str) -> Any:
    app, _, short = name.partition(".")
    try:
        offered = getattr(importlib.import_module(f"rongtong.apps.{app}.effects"), table, {})
    except ModuleNotFoundError:
        offered = {}
    if short not in offered:
        there = "、".join(f"{app}.{each}" for each in offered) or "没有"
        raise NoHook(f"没有“{name}”（{table}）。{app} 提供的有：{there}。")
    return offered[short]
