"""What registry offers to the definitions of processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from rongtong.apps.registry import personal
from rongtong.engine.expression.evaluate import Value

if TYPE_CHECKING:
    from rongtong.apps.cases.models import Case, Event
    from rongtong.apps.registry.models import Account


def carry_out(case: Case, event: Event, actor: Account) -> None:
    """Correct or erase what a request about personal data asks for. Raises GuardRefused for one's own request."""
    from rongtong.apps.cases.errors import GuardRefused

    if case.by_id == actor.pk:
        raise GuardRefused(["这是您本人的申请，须由别人办理（职责分离）"])
    personal.carry_out(case)


def personal_request(case: Case) -> Mapping[str, Value]:
    """`obstacle`: why the request cannot be carried out as things stand; empty where nothing speaks against it."""
    return {"obstacle": personal.obstacle(case)}


EFFECTS: dict[str, Callable[[Case, Event, Account], None]] = {"carry_out": carry_out}
FACTS: dict[str, Callable[[Case], Mapping[str, Value]]] = {"personal_request": personal_request}
