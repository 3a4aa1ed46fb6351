"""The state of a case: a fold of its events by the definition it runs on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from rongtong.engine.workday import Calendar

if TYPE_CHECKING:
    from rongtong.engine.pack.process import Process, Transition

OPEN = "open"


class ProcessError(ValueError):
    """Events and definition do not fit together; the message names the event, what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of a case: its number from 1, the transition (`open` for the first), who, on which day, with what."""

    number: int
    transition: str
    actor: str
    on: date
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """Where a case stands after `number` events.

    `data` holds what the forms were filled with, later answers in place of earlier ones; `made_by` who made each
    transition in the present round, `made_here` who since the stage was entered; `deadline` the case's own; `entered` the
    day the stage was entered.
    """

    stage: str
    number: int
    entered: date
    deadline: date | None = None
    data: Mapping[str, object] = field(default_factory=dict)
    made_by: Mapping[str, frozenset[str]] = field(default_factory=dict)
    made_here: Mapping[str, frozenset[str]] = field(default_factory=dict)


def fold(process: Process, events: Iterable[Happened], deadline: date | None = None) -> State:
    """The state after these events, the first of which opens the case. Raises ProcessError."""
    state: State | None = None
    for event in events:
        state = _opened(process, event, deadline) if state is None else after(process, state, event)
    if state is None:
        raise ProcessError(f"{process.name}：没有事件，应从受理开始。")
    return state


def _opened(process: Process, event: Happened, deadline: date | None) -> State:
    if (event.transition, event.number) != (OPEN, 1):
        raise ProcessError(f"{process.name}：第一个事件是 {event.number}“{event.transition}”，应为 1“{OPEN}”。")
    return State(process.start, 1, event.on, deadline, dict(event.data), {OPEN: frozenset({event.actor})})


def after(process: Process, state: State, event: Happened) -> State:
    """The state after one more event. Raises ProcessError when it cannot follow."""
    step = process.transition(event.transition)
    if event.number != state.number + 1:
        raise ProcessError(f"{process.name}：事件 {event.number} 接在 {state.number} 之后，应为 {state.number + 1}。")
    if step is None or state.stage not in step.at:
        stage = process.stage(state.stage).name
        raise ProcessError(f"{process.name}：“{event.transition}”不能在“{stage}”之后发生。")
    goes = step.to or state.stage
    # Back at the start a new round begins: who filed before may now be somebody else. Who opened the case stays who did.
    fresh = goes == process.start and goes != state.stage
    made = {code: who for code, who in state.made_by.items() if code == OPEN or not fresh}
    made[step.code] = made.get(step.code, frozenset()) | {event.actor}
    here = dict(state.made_here) if goes == state.stage else {}
    if goes == state.stage:
        here[step.code] = here.get(step.code, frozenset()) | {event.actor}
    given = event.data.get(step.due) if step.due else None
    return State(
        goes,
        event.number,
        event.on if goes != state.stage else state.entered,
        date.fromisoformat(str(given)) if given else state.deadline,
        filled(step, state.data, event.data),
        made,
        here,
    )


def filled(step: Transition | None, before: Mapping[str, object], given: Mapping[str, object]) -> dict[str, object]:
    """What the forms hold after a step (None: the opening) was filled in with `given`: later answers replace earlier ones."""
    again = step.form.get("properties", {}) if step is not None and step.refill else {}
    return {**{name: value for name, value in before.items() if name not in again}, **given}


def due(process: Process, state: State, calendar: Calendar) -> date | None:
    """The day by which the present stage has to end, or None where nothing sets one."""
    stage = process.stage(state.stage)
    if stage.outcome or stage.no_clock:
        return None
    if stage.deadline is None:
        return state.deadline
    if stage.deadline.calendar == "working":
        return calendar.add_workdays(state.entered, stage.deadline.days)
    return state.entered + timedelta(days=stage.deadline.days)


def possible(process: Process, stage: str) -> tuple[Transition, ...]:
    """The transitions a person may make from a stage, in the order of the definition."""
    return tuple(t for t in process.transitions if stage in t.at and not t.automatic)


def barred(step: Transition, state: State, actor: str) -> str:
    """The transition that keeps this actor from making the step, or "": separation of duties (职责分离), or the step itself
    where each makes it once."""
    if step.each and actor in state.made_here.get(step.code, frozenset()):
        return step.code
    return next((code for code in step.not_by if actor in state.made_by.get(code, frozenset())), "")


def waits_for(process: Process, stage: str) -> frozenset[str]:
    """The process roles a stage waits for: those of its transitions that are not optional."""
    return frozenset(role for t in possible(process, stage) if not t.optional for role in t.by)


def waits_for_parties(process: Process, stage: str) -> bool:
    """Whether a stage waits for the parties alone (等企业补充、补正、评价): it is not the offices' time that runs there."""
    roles = waits_for(process, stage)
    return bool(roles) and all(process.role(code).at in ("own", "parent_own") for code in roles)
