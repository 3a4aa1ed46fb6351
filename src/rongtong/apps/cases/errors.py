"""Why a case is not opened or moved as asked; each says to whoever asked what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rongtong.apps.cases import queries
from rongtong.apps.cases.models import Case


class CaseError(Exception):
    """A case cannot be opened or moved as asked; the message says why and what to do."""


class CaseExists(CaseError):
    """There is a case of this process about this key already; `case` is it."""

    def __init__(self, case: Case) -> None:
        super().__init__(f"“{case.title}”已在办理（{case.key}）。")
        self.case = case


class Stale(CaseError):
    """Somebody moved the case since it was read; `steps` are what happened of what is read, and nothing was done."""

    def __init__(self, steps: Sequence[queries.Step]) -> None:
        said = "；".join(f"{s.actor_name}于 {s.at:%m-%d %H:%M} {s.name}" for s in steps)
        super().__init__(f"您打开之后已有变化{'：' if said else ''}{said}。您填写的内容还在，请看过再办。")
        self.steps = tuple(steps)


class GuardRefused(CaseError):
    """A guard or the separation of duties forbids the step; `reasons` say why."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("；".join(reasons))
        self.reasons = tuple(reasons)


class FormRefused(CaseError):
    """A form is not filled as asked; `errors` is field → what is wrong."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("".join(errors.values()))
        self.errors = dict(errors)
