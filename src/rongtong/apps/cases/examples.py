"""The cases of mechanisms that a demonstration shows, as its pack says them: opened and moved by the ordinary actions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction

from rongtong.apps.cases import actions, holding, opening
from rongtong.apps.cases.demo import evidence_file
from rongtong.apps.cases.errors import CaseError
from rongtong.apps.cases.models import Case
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.models import Account
from rongtong.engine.pack.example import Example

# Longer than any stage lasts that ends by itself.
AGES = timedelta(days=180)


class BadExample(ValueError):
    """An example of the pack cannot be made; the message names it, the step, and why."""


def seed() -> None:
    """Make the pack's examples of every process that has no case yet, but those whose accounts are not there.

    Raises BadExample.
    """
    pack = packs.current()
    made: dict[str, Case] = {}
    begun = set(Case.objects.order_by().values_list("process", flat=True).distinct())
    there = set(Account.objects.values_list("username", flat=True))
    for example in pack.all("examples"):
        standing = not example.under or example.under in made
        if example.process not in begun and standing and _people(example) <= there:
            made[example.code] = _make(example, made)


def _people(example: Example) -> set[str]:
    """The accounts that an example speaks of."""
    found = {example.by, *(s.by for s in example.steps)}
    values: list[Any] = [example.data, *(s.data for s in example.steps)]
    while values:
        value = values.pop()
        if isinstance(value, dict):
            values += value.values()
        elif isinstance(value, list | tuple):
            values += value
        elif isinstance(value, str) and value.startswith("@"):
            found.add(value[1:])
    return found


def _make(example: Example, made: dict[str, Case]) -> Case:
    where = f"演示办件 {example.code} 的开始"
    try:
        case = _open(example, made)
        for step in example.steps:
            where = f"演示办件 {example.code} 的 {step.step}"
            case.refresh_from_db()
            if _is_automatic(case, step.step):
                case = in_time(case, step.step)
                continue
            data = _filled(step.data, made)
            files = [evidence_file()] if step.files else []
            case = actions.move(case.pk, step.step, actor=_account(step.by), seen=case.events, data=data, files=files)
    except (CaseError, Denied, Case.DoesNotExist, Account.DoesNotExist, KeyError) as error:
        raise BadExample(f"{where}：{error}") from error
    return case


def _is_automatic(case: Case, code: str) -> bool:
    step = holding.process_of(case).transition(code)
    return step is not None and step.automatic


def in_time(case: Case, code: str) -> Case:
    """Make an automatic step as if the stage had lasted past its term: a demonstration's today stands still.

    Raises CaseError.
    """
    with transaction.atomic():
        found = Case.objects.select_for_update(of=("self",)).select_related("definition").get(pk=case.pk)
        process = holding.process_of(found)
        step = process.transition(code)
        if step is None or found.stage not in step.at:
            raise CaseError(f"“{code}”不能在“{process.stage(found.stage).name}”时办理。")
        found.entered_at -= AGES
        actions.by_system(found, process, step)
    return found


def _open(example: Example, made: dict[str, Case]) -> Case:
    who, data = _account(example.by), _filled(example.data, made)
    parent = made[example.under] if example.under else None
    if parent and (there := _opened(example, parent, made)):
        return there
    found = opening.starts_under(who, parent) if parent else opening.starts(who)
    start = next((s for s in found if s.process.code == example.process), None)
    if start is None:
        raise CaseError(f"账号 {example.by} 不能开始“{example.process}”。")
    place = example.place or start.places[0]
    return opening.open_next(who, start, place, data)


def _opened(example: Example, parent: Case, made: dict[str, Case]) -> Case | None:
    """The case of the example's process that a step of the one above has opened, and no example has taken yet."""
    steps = [t for t in holding.process_of(parent).transitions if any(o.process == example.process for o in t.opens)]
    below = parent.below.filter(process=example.process).exclude(pk__in=[c.pk for c in made.values()])
    return below.order_by("pk").first() if steps else None


def _account(name: str) -> Account:
    return Account.objects.get(username=name)


def _filled(value: Any, made: dict[str, Case]) -> Any:
    """The data with organisations' codes and cases' numbers in place of what stands for them."""
    if isinstance(value, dict):
        return {k: _filled(v, made) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(v, made) for v in value]
    if isinstance(value, str) and value.startswith("@"):
        unit = _account(value[1:]).organisation
        return unit.uscc if unit else ""
    if isinstance(value, str) and value.startswith("#"):
        return made[value[1:]].key
    return value
