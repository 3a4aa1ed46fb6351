"""A slice (填报切片): one table, one period, one place, cell by cell, with what is held beside it and what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from rongtong import clock
from rongtong.apps.cases import holding
from rongtong.apps.cases import queries as cases
from rongtong.apps.cases.models import Case
from rongtong.apps.observations import lookup
from rongtong.apps.observations.collecting import PROCESS, Task, task_of_key
from rongtong.apps.observations.fields import Fields
from rongtong.apps.observations.models import Entry
from rongtong.apps.observations.queries import state
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.models import Account
from rongtong.engine.checks import check
from rongtong.engine.expression.evaluate import Value
from rongtong.engine.pack.model import Indicator
from rongtong.engine.pack.plan import CollectionItem
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period
from rongtong.engine.quantity import Quantity, decimal_text, unit
from rongtong.engine.reading import FORECAST, HARD, SOFT, Finding, Reading, has_level

FILLING = "filling"
SUBMITS = ("submit", "submit_city")
RETURNS = ("return", "return_province")


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of a slice. `entry` is the last version, `before` and `last_year` what is held of earlier periods."""

    item: CollectionItem
    card: Indicator
    entry: Entry | None
    reading: Reading | None
    before: Reading | None
    last_year: Reading | None
    findings: tuple[Finding, ...] = ()
    comment: str = ""
    below: str = ""

    @property
    def version(self) -> int:
        return self.entry.version if self.entry else 0

    @property
    def value(self) -> str:
        return self.entry.value if self.entry else ""

    @property
    def reason(self) -> str:
        return self.entry.reason if self.entry else ""

    @property
    def missing(self) -> bool:
        """Whether a required cell is empty."""
        return self.item.required and not self.value

    @property
    def asks_reason(self) -> bool:
        return any(f.severity == SOFT for f in self.findings)

    @property
    def before_text(self) -> str:
        return self._in_unit(self.before)

    @property
    def last_year_text(self) -> str:
        return self._in_unit(self.last_year)

    @property
    def yoy(self) -> str:
        """Growth over the same period of last year in percent, one decimal; empty where there is none."""
        now, past = self.reading, self.last_year
        if now is None or past is None or past.value <= 0 or not has_level(now.unit):
            return ""
        return Quantity(Fraction(now.value - past.value, past.value), unit("%")).shown(1)

    def _in_unit(self, reading: Reading | None) -> str:
        return "" if reading is None else decimal_text(Quantity.stored(reading.value, unit(self.item.unit)).number)


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice as a page shows it."""

    case: Case
    task: Task
    cells: tuple[Cell, ...]

    @property
    def filled(self) -> int:
        return sum(bool(c.value) for c in self.cells)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(f for c in self.cells for f in c.findings)

    @property
    def hard(self) -> int:
        return sum(f.severity == HARD for f in self.findings)

    @property
    def soft_open(self) -> int:
        return sum(f.severity == SOFT and f.blocks for f in self.findings)

    @property
    def empty(self) -> int:
        return sum(c.missing for c in self.cells)

    def cell(self, indicator: str) -> Cell:
        """The cell of an indicator. Raises KeyError."""
        found = next((c for c in self.cells if c.item.indicator == indicator), None)
        if found is None:
            raise KeyError(indicator)
        return found


def entries_of(case_ids: Iterable[int]) -> dict[int, dict[str, Entry]]:
    """The last version of every cell of these cases, in one query."""
    found: dict[int, dict[str, Entry]] = {pk: {} for pk in case_ids}
    rows = Entry.objects.filter(case_id__in=found).select_related("by").order_by("case_id", "indicator", "version")
    for entry in rows:
        found[entry.case_id][entry.indicator] = entry
    return found


def read_slice(case: Case, entries: Mapping[str, Entry] | None = None) -> Slice:
    """The slice of a case. `entries` in place of what is stored shows what they would change."""
    pack = packs.current()
    task = task_of_key(case.key)
    last = entries if entries is not None else entries_of([case.pk])[case.pk]
    items = task.collection.items
    readings = [reading_of(task, case, last[i.indicator], pack) for i in items if _given(last.get(i.indicator))]
    held = held_for(pack, task, case.place)
    found = check_readings(readings, held, pack)
    by_code = {r.indicator: r for r in readings}
    comments = _comments(case)
    below = _below(held, task, case.place, pack)
    cells = []
    for item in items:
        line = [r for r in held if r.indicator == item.indicator and r.place == case.place and r.status != FORECAST]
        code = item.indicator
        cells.append(
            Cell(
                item,
                pack.get("indicators", code),
                last.get(code),
                by_code.get(code),
                _before(line, task.period),
                _last(r for r in line if r.period == task.period.years_before()),
                tuple(f for f in found if f.cell == code),
                comments.get(code, ""),
                below.get(code, ""),
            )
        )
    return Slice(case, task, tuple(cells))


def _given(entry: Entry | None) -> bool:
    return entry is not None and entry.value != ""


def reading_of(task: Task, case: Case, entry: Entry, pack: Pack) -> Reading:
    """An entry as a reading whose cell is named by its indicator."""
    measured = unit(entry.unit)
    return Reading(
        indicator=entry.indicator,
        place=case.place,
        period=task.period,
        value=Fields(pack, clock.real_today()).value(entry.value, measured),
        unit=measured,
        status=task.status,
        known_from=clock.today(),
        source=f"{task.collection.number} {task.collection.name}",
        reason=entry.reason,
        evidence=f"填报 {case.pk} {entry.indicator}",
        cells={"value": entry.indicator},
    )


def held_for(pack: Pack, task: Task, place: str) -> tuple[Reading, ...]:
    """What is held of a table's cards at a place, above it, beside it and right below it."""
    tree = pack.places
    above = tree.parent(place, day=task.period.last_day)
    near = {place, *tree.children(place, day=task.period.last_day)}
    near |= {above, *tree.children(above, day=task.period.last_day)} if above else set()
    return _held(state(), pack.fingerprint, tuple(i.indicator for i in task.collection.items), frozenset(near))


@lru_cache(maxsize=256)
def _held(stored: str, fingerprint: str, codes: tuple[str, ...], places: frozenset[str]) -> tuple[Reading, ...]:
    # The first two are what the answer depends on; they key the cache.
    return tuple(lookup.held(codes, packs.current(), places))


def check_readings(readings: Sequence[Reading], held: Iterable[Reading], pack: Pack) -> list[Finding]:
    """The ordinary checks. What the slice itself wrote today is replaced by it, and is no conflict."""
    keys = {r.key for r in readings}
    found = check(readings, [h for h in held if h.key not in keys], pack)
    return [replace(f, sheet="") for f in found]


def _before(line: Sequence[Reading], period: Period) -> Reading | None:
    """What was last reported before this period."""
    return _last(r for r in sorted(line, key=lambda r: r.period.last_day) if r.period.last_day < period.last_day)


def _last(readings: Iterable[Reading]) -> Reading | None:
    found = None
    for reading in readings:
        found = reading
    return found


def _below(held: Iterable[Reading], task: Task, place: str, pack: Pack) -> dict[str, str]:
    """For a city's table: the sum of what is held of its counties, exact, with how many of them reported."""
    if task.collection.level != "city":
        return {}
    children = pack.places.children(place, day=task.period.last_day)
    found = {}
    for item in task.collection.items:
        last = {
            r.place: r
            for r in held
            if r.indicator == item.indicator and r.place in children and r.period == task.period
        }
        card = pack.get("indicators", item.indicator)
        if last and card.aggregation.place == "sum":
            total = Quantity.stored(sum(r.value for r in last.values()), unit(item.unit))
            found[item.indicator] = f"{decimal_text(total.number)}（{len(last)}/{len(children)} 个县）"
    return found


def _comments(case: Case) -> dict[str, str]:
    """What the reviewer wrote at the cells when the slice was last returned."""
    last = case.steps.filter(transition__in=RETURNS).select_related("leaf__payload").order_by("-number").first()
    if last is None or case.stage != FILLING:
        return {}
    return {c["indicator"]: c.get("comment", "") for c in last.data.get("cells", []) if c.get("indicator")}


def facts(case: Case) -> dict[str, Value]:
    """What the guards of the process ask of a slice."""
    found = read_slice(case)
    return {
        "hard": Fraction(found.hard),
        "soft_open": Fraction(found.soft_open),
        "empty": Fraction(found.empty),
        "level": found.task.collection.level,
    }


def may_fill(account: Account, case: Case) -> bool:
    """Whether the account may fill this slice now: the process lets it submit, and it is being filled."""
    process = holding.process_of(case)
    steps = [t for t in process.transitions if t.code in SUBMITS and case.stage in t.at]
    held = holding.roles_held(holding.reach(account), case)
    return any(held & set(t.by) for t in steps)


def may_attach(account: Account, case: Case) -> bool:
    """Whether the account may add evidence to this slice now: it fills it, and it is not approved yet."""
    process = holding.process_of(case)
    fillers = {role for t in process.transitions if t.code in SUBMITS for role in t.by}
    return not case.outcome and bool(holding.roles_held(holding.reach(account), case) & fillers)


def find(account: Account, pk: int) -> Case:
    """A slice's case. Raises Case.DoesNotExist where it is absent, invisible or no slice: the answer is the same."""
    case = cases.find(account, pk)
    if case.process != PROCESS:
        raise Case.DoesNotExist(f"没有 {pk} 这份填报。")
    return case
