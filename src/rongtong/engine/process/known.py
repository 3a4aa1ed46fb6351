"""What the variables of a process are worth for a case, from its events alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from rongtong.engine.deadline import moments, run
from rongtong.engine.process import guard, tally
from rongtong.engine.process.due import FEN
from rongtong.engine.process.state import Happened, State, due
from rongtong.engine.workday import Calendars

if TYPE_CHECKING:
    from rongtong.engine.expression.evaluate import Value
    from rongtong.engine.pack.process import Process


class Owes(Protocol):
    """A due of a case: which, by which day, how much in 分, whether it is still owed, and the step that met it if any."""

    code: str
    due: date
    amount: int | None
    met_id: int | None

    @property
    def open(self) -> bool:
        """Whether it is neither met nor waived."""


def known(
    process: Process,
    state: State,
    calendars: Calendars,
    today: date,
    *,
    data: Callable[[], Mapping[str, object]],
    events: Callable[[], Sequence[Happened]],
    dues: Callable[[], Collection[Owes]],
) -> dict[str, Value]:
    """Variable → value on a day, but for those of facts and of tallies over cases below.

    `state` needs stage, day entered and deadline only. `data`, `events` and `dues` are asked for only where the process
    speaks of them.
    """
    last = due(process, state, calendars.as_known(today))
    found: dict[str, Value] = {"stage": state.stage, "overdue": last is not None and last < today}
    if process.fields & process.variables.keys():
        found |= guard.filled(process, data())
    if process.clocks or process.tallies:
        happened = events()
        been = moments(process, happened)
        for clock in process.clocks:
            found[f"late_{clock.code}"] = run(clock, been, calendars, today).state in ("over", "met_late")
        found |= tally.of_steps(process, happened)
    if process.dues:
        found |= _owed(process, dues(), today)
    return found


def _owed(process: Process, dues: Collection[Owes], today: date) -> dict[str, Value]:
    """What conditions may ask of dues: of all, and of each (`open_`, `met_`, `paid_`)."""
    still = [o for o in dues if o.open]
    found: dict[str, Value] = {
        "open_dues": Fraction(len(still)),
        "late_dues": Fraction(sum(o.due < today for o in still)),
    }
    for one in process.dues:
        met = [o for o in dues if o.code == one.code and o.met_id is not None]
        found[f"open_{one.code}"] = Fraction(sum(o.code == one.code for o in still))
        found[f"met_{one.code}"] = Fraction(len(met))
        found[f"paid_{one.code}"] = Fraction(sum(o.amount or 0 for o in met), FEN)
    return found
