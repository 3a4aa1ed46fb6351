"""What cases offer to the definitions of processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.urls import reverse

from rongtong.apps.cases import queries
from rongtong.apps.cases.models import Case
from rongtong.engine.expression.evaluate import Value


def supervision(case: Case) -> Mapping[str, Value]:
    """`evidence`: any file came with a step of this 督办; `red`: it is at the highest level already."""
    return {"evidence": case.attachments.exists(), "red": queries.data(case).get("level") == "red"}


FACTS: dict[str, Callable[[Case], Mapping[str, Value]]] = {"supervision": supervision}
PAGES: dict[str, Callable[[Case], str]] = {"supervision": lambda case: reverse("supervision-item", args=[case.pk])}
