"""Reading (读数): one reported value with the cell it stands in, and what is found wrong with it.

Two severities, as in statistical reporting: a hard finding (强制性) stops the file; a soft one (核实性) passes with a
written reason that says something. Values are integers at the scale of the unit's dimension.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from rongtong.engine.period import Period
from rongtong.engine.quantity import Quantity, Unit

HARD, SOFT = "强制性", "核实性"
FORECAST, SYNTHETIC = "forecast", "synthetic"
_PHRASES = (
    "核实无误",
    "已经核实",
    "已核实",
    "经核实",
    "核实",
    "情况属实",
    "属实",
    "准确无误",
    "数据无误",
    "无误",
    "正确",
)
_SHORTEST_REASON = 6


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a cell: what was found, why, what was expected, what to do. `reason` is the reporter's."""

    severity: str
    sheet: str
    cell: str
    found: str
    problem: str
    expected: str = ""
    do: str = ""
    reason: str = ""

    @property
    def blocks(self) -> bool:
        """Whether the file cannot be taken in with it."""
        return self.severity == HARD or not real_reason(self.reason)

    def __str__(self) -> str:
        where = f"{self.sheet}!{self.cell}" if self.sheet else self.cell
        tail = (f" 应为：{self.expected}。" if self.expected else "") + (f" 请{self.do}。" if self.do else "")
        given = f" 说明：{self.reason}" if self.reason else ""
        return f"[{self.severity}] {where} “{self.found}”:{self.problem}。{tail}{given}"


Series = tuple[str, str, str, str, str, str]
Key = tuple[Series, Period, date, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """One value as read or as held. `cells` says where each field stands, as A1; it is empty for a held one."""

    indicator: str
    place: str
    period: Period
    value: int
    unit: Unit
    status: str
    known_from: date
    chain: str = ""
    subject: str = ""
    funds: str = ""
    use: str = ""
    edition: str = ""
    source: str = ""
    note: str = ""
    reason: str = ""
    evidence: str = ""
    sheet: str = ""
    cells: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def series(self) -> Series:
        """What the value is about, apart from the period."""
        return (self.indicator, self.place, self.chain, self.subject, self.funds, self.use)

    @property
    def key(self) -> Key:
        """What no two values may share."""
        return (self.series, self.period, self.known_from, self.status)

    def text(self, value: int | None = None) -> str:
        """A stored value (default: its own) in its unit."""
        return str(Quantity.stored(self.value if value is None else value, self.unit))

    def finding(self, severity: str, problem: str, expected: str = "", do: str = "", cell: str = "value") -> Finding:
        """A finding about this reading's cell."""
        reason = self.reason if severity == SOFT else ""
        at = self.cells.get(cell) or self.cells.get("value", "")
        return Finding(severity, self.sheet, at, self.text(), problem, expected, do, reason)


def real_reason(text: str) -> bool:
    """Whether a written reason says something beyond “核实无误”: six characters or more besides such phrases, no repeats."""
    rest = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text))
    for phrase in _PHRASES:
        rest = rest.replace(phrase, "")
    return len(rest) >= _SHORTEST_REASON and len(set(rest)) > 2


@dataclass(frozen=True, slots=True)
class Latest:
    """The last known value of each series and period, without forecasts; `real` leaves out demonstration values too."""

    real: Mapping[Series, Mapping[Period, Reading]]
    every: Mapping[Series, Mapping[Period, Reading]]

    @staticmethod
    def of(*readings: Iterable[Reading]) -> Latest:
        """The later `known_from` wins; of two on one day the one given later."""
        real: dict[Series, dict[Period, Reading]] = {}
        every: dict[Series, dict[Period, Reading]] = {}
        for group in readings:
            for reading in group:
                if reading.status == FORECAST:
                    continue
                for pool in (every,) if reading.status == SYNTHETIC else (every, real):
                    line = pool.setdefault(reading.series, {})
                    before = line.get(reading.period)
                    if before is None or before.known_from <= reading.known_from:
                        line[reading.period] = reading
        return Latest(real, every)

    def for_(self, reading: Reading) -> Mapping[Series, Mapping[Period, Reading]]:
        """What a reading is judged by: a real value is never judged by a demonstration value."""
        return self.every if reading.status == SYNTHETIC else self.real


def has_level(u: Unit) -> bool:
    """Whether the unit measures a level that grows and slips by magnitudes."""
    return u.dimension.name in ("money", "person", "person_year") or u.dimension.name.startswith("count:")
