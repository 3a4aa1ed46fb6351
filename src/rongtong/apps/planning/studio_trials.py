"""Trials of the allocation studio: a specification solved without being kept, and what a counter-offer would cost.

Solving a split and looking up its figures takes tenths of a second; an answer is kept by the specification and the
state of everything it depends on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any

from rongtong import clock
from rongtong.apps.observations import queries as observations
from rongtong.apps.packs import queries as packs
from rongtong.apps.planning import goals, queries, shapes, splitting
from rongtong.apps.planning.splitting import Prepared
from rongtong.engine.allocation import allocate, counter_offer
from rongtong.engine.allocation.problem import Cell
from rongtong.engine.allocation.solution import STEP_WORDS, CounterOffer, Infeasible, Solution
from rongtong.engine.figure import Figure
from rongtong.engine.pack.plan import Split
from rongtong.engine.period import Period
from rongtong.engine.quantity import decimal_text, finite_decimals, unit
from rongtong.once import reading

Places = Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Trial:
    """A specification with its answer: `solution`, or `refused` where the demands conflict; `body` is the JSON shape."""

    prepared: Prepared
    solution: Solution | None
    refused: Infeasible | None
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """A place's counter-offer (反提案) as it was made in the sign-off."""

    place: str
    value: Fraction
    reason: str
    by: str
    at: datetime

    @property
    def value_text(self) -> str:
        return decimal_text(self.value)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a counter-offer changes: for the place, and for each other place that would move; or why it cannot be."""

    change: str
    others: tuple[tuple[str, str], ...]
    others_total: str = ""
    refused: str = ""

    @property
    def met(self) -> bool:
        """Whether the place has what it asks for already."""
        return not self.refused and not self.others and Fraction(self.change) == 0


@dataclass(frozen=True, slots=True)
class Part:
    """One step of a cell's explanation, exact and short, and where its piece of the bar lies, in percent of it."""

    step: str
    words: str
    exact: str
    short: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Line:
    """A place's row. `figure` is its goal where the version is in force."""

    place: str
    name: str
    target: str
    parts: tuple[Part, ...]
    end: str
    last: Figure | None
    growth: str
    ask: Ask | None
    cost: Cost | None
    figure: Figure | None = None

    @property
    def shown(self) -> tuple[Part, ...]:
        """The steps that add something."""
        return tuple(p for p in self.parts if Fraction(p.exact))


def trial(split: Split) -> Trial:
    """A specification solved. Raises SplitError, queries.Unknown, PlaceError or PeriodError."""
    return _trial(split.model_dump_json(), *_state())


def cost(split: Split, place: str, value: Fraction) -> Cost:
    """What holding a place at a value would change in a split that has an answer."""
    return _cost(split.model_dump_json(), place, value, *_state())


def _state() -> tuple[str, str, str, str]:
    return packs.current().fingerprint, observations.state(), goals.state(), clock.today().isoformat()


@lru_cache(maxsize=256)
def _trial(spec: str, *state: str) -> Trial:
    # The state keys the cache.
    with reading():
        prepared = splitting.prepare(Split.model_validate_json(spec))
    found = allocate(prepared.problem)
    if isinstance(found, Infeasible):
        return Trial(prepared, None, found, shapes.infeasible(prepared, found))
    return Trial(prepared, found, None, shapes.solution(prepared, found))


@lru_cache(maxsize=1024)
def _cost(spec: str, place: str, value: Fraction, *state: str) -> Cost:
    made = _trial(spec, *state)
    problem = made.prepared.problem
    where = place if made.prepared.split.subjects else Cell(place)
    found = counter_offer(problem, where, value, made.solution)
    if isinstance(found, Infeasible):
        return Cost("", (), refused=found.words)
    return _told(found, problem.names, decimals(made.prepared.split))


def _told(found: CounterOffer, names: Mapping[str, str], places: int) -> Cost:
    moved = sorted(((v, p) for p, v in found.cost.items() if v), key=lambda pair: (-abs(pair[0]), pair[1]))
    others = tuple((names.get(p, p), signed(v, places)) for v, p in moved)
    return Cost(signed(found.change, places), others, signed(-found.change, places))


def decimals(split: Split) -> int:
    """Decimals of the reporting unit."""
    return finite_decimals(Fraction(split.rounding)) or 0


def signed(value: Fraction, places: int) -> str:
    """A change with its sign."""
    return f"{'+' if value > 0 else ''}{decimal_text(value, places)}"


def last_year(split: Split, top: str, places: Sequence[str]) -> dict[str, Figure]:
    """place → what the indicator was the year before, for the places and the whole above them."""
    pack = packs.current()
    level = pack.places.get(places[0]).level
    within = "" if top == pack.manifest.root_place else top
    try:
        board = queries.monitor(
            queries.Asked(split.indicator, Period.parse(split.period).years_before(), level, within)
        )
    except queries.Unknown:
        return {}
    rows = [r for r in (*board.rows, board.total) if r.place in (*places, top)]
    return {r.place: r.figures["value"] for r in rows if "value" in r.figures}


def growth(target: Fraction, last: Figure | None, symbol: str) -> str:
    """The target over last year's value, in percent with one decimal; "" without a value."""
    if last is None or last.quantity.amount <= 0:
        return ""
    base = last.quantity.amount / unit(symbol).factor
    return decimal_text((target - base) / base * 100, 1)


def lines(
    split: Split, body: Mapping[str, Any], last: Places, asks: Mapping[str, Ask], in_force: Places
) -> tuple[Line, ...]:
    """The rows of a solved split, cells of several kinds of subjects at one place added up."""
    steps: dict[str, dict[str, Fraction]] = {}
    names = {c["place"]: c["name"] for c in body["cells"]}
    for cell in body["cells"]:
        held = steps.setdefault(cell["place"], dict.fromkeys(STEP_WORDS, Fraction(0)))
        for part in cell["explanation"]:
            held[part["step"]] += Fraction(part["amount"])
    low = min((_negative(s) for s in steps.values()), default=Fraction(0))
    high = max((_positive(s) for s in steps.values()), default=Fraction(1))
    span = (high - low) or Fraction(1)
    return tuple(
        _line(split, place, names[place], held, (low, span), last.get(place), asks.get(place), in_force.get(place))
        for place, held in steps.items()
    )


def _line(
    split: Split,
    place: str,
    name: str,
    held: Mapping[str, Fraction],
    scale: tuple[Fraction, Fraction],
    last: Figure | None,
    ask: Ask | None,
    goal: Figure | None,
) -> Line:
    target = sum(held.values(), Fraction(0))
    low, span = scale
    places, right, left, parts = decimals(split), Fraction(0), Fraction(0), []
    for step, amount in held.items():
        start = right if amount >= 0 else left + amount
        right, left = right + max(amount, Fraction(0)), left + min(amount, Fraction(0))
        parts.append(
            Part(
                step, STEP_WORDS[step], decimal_text(amount, finite_decimals(amount, 15)), signed(amount, places + 1),
                _percent(start - low, span), _percent(abs(amount), span),
            )
        )  # fmt: skip
    return Line(
        place, name, decimal_text(target, places), tuple(parts), _percent(target - low, span), last,
        growth(target, last, split.unit), ask, cost(split, place, ask.value) if ask else None, goal,
    )  # fmt: skip


def _negative(steps: Mapping[str, Fraction]) -> Fraction:
    return sum((v for v in steps.values() if v < 0), Fraction(0))


def _positive(steps: Mapping[str, Fraction]) -> Fraction:
    return sum((v for v in steps.values() if v > 0), Fraction(0))


def _percent(part: Fraction, whole: Fraction) -> str:
    return decimal_text(part / whole * 100, 3)
