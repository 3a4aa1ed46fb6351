"""What the cockpit (一张图) is asked for: indicator, period, comparison, places, chain and day, as an address holds them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict
from django.urls import reverse

from rongtong import clock
from rongtong.apps.observations import queries as observations
from rongtong.apps.planning import goals, queries
from rongtong.apps.planning.models import ForecastRecord
from rongtong.engine.pack.model import Indicator
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period

LEVELS = ("city", "county")
COMPARISONS = ("yoy", "completion", "value")
STRIP_PAPER = "dispatch"
STRIP_CARDS = 4


@dataclass(frozen=True, slots=True)
class State:
    """Names of everything a page of figures depends on; what is computed is kept by it."""

    pack: str
    facts: str
    goals: str
    forecasts: str
    today: date


def state(pack: Pack) -> State:
    """The state now. Four short queries."""
    last = ForecastRecord.objects.order_by("-pk").values_list("pk", flat=True).first()
    return State(pack.fingerprint, observations.state(), goals.state(), str(last), clock.today())


@dataclass(frozen=True, slots=True)
class Choice:
    """One view of the cockpit. `compare` is empty until the board says what can be compared; `within` is a city whose
    counties are shown; `dated` tells that the reader named the period."""

    indicator: str
    period: Period
    dated: bool = False
    compare: str = ""
    level: str = "city"
    within: str = ""
    chain: str = ""
    as_of: date | None = None
    table: bool = False
    wall: bool = False

    @property
    def asked(self) -> queries.Asked:
        return queries.Asked(self.indicator, self.period, self.level, self.within, self.chain, self.as_of)

    @property
    def area(self) -> str:
        """The one value of the selector of places: a level, or the city whose counties are shown."""
        return self.within or self.level

    def values(self) -> dict[str, str]:
        """The choice as the values of an address, those that are not the usual ones."""
        given = {
            "indicator": self.indicator,
            "period": str(self.period) if self.dated else "",
            "compare": self.compare,
            "within": self.within,
            "level": self.level if self.level != "city" and not self.within else "",
            "chain": self.chain,
            "as_of": self.as_of.isoformat() if self.as_of else "",
            "view": "table" if self.table else "",
            "wall": "1" if self.wall else "",
        }
        return {name: value for name, value in given.items() if value}

    def address(self, name: str = "cockpit", *args: str) -> str:
        """The address of this view, or of what it hands out under another name."""
        return f"{reverse(name, args=args)}?{urlencode(self.values())}"

    def drilled(self, city: str) -> Choice:
        return replace(self, level="county", within=city, compare="")


def cards(pack: Pack, request: HttpRequest, as_of: date) -> list[Indicator]:
    """The cards a board can be shown for: those with values at places, and open to the reader."""
    have = _have(observations.state(), as_of)
    order = [c for p in pack.all("papers") for c in (*p.real_indicators, *p.indicators)]
    found = [pack.find("indicators", c) for c in dict.fromkeys(c for c in order if c in have)]
    return [
        c
        for c in found
        if c
        and not c.measure_of
        and c.aggregation.place == "sum"
        and (c.level == "L1" or request.user.is_authenticated)
    ]


def strip(pack: Pack, shown: list[Indicator]) -> tuple[str, ...]:
    """The cards above the map: those of the dispatch paper, its targets first; else the first ones shown."""
    paper = pack.find("papers", STRIP_PAPER)
    wanted = (*paper.indicators, *paper.real_indicators) if paper else [c.code for c in shown]
    codes = {c.code for c in shown}
    return tuple(c for c in wanted if c in codes)[:STRIP_CARDS]


@lru_cache(maxsize=16)
def _have(facts_state: str, as_of: date) -> frozenset[str]:
    return frozenset(observations.codes_with_values(as_of))


@lru_cache(maxsize=256)
def periods(facts_state: str, code: str, as_of: date) -> tuple[Period, ...]:
    """Every period the indicator has a value for, the one that ends last first."""
    return tuple(sorted(observations.periods_of(code, as_of), key=lambda p: (p.last_day, p.months), reverse=True))


def unmet(given: QueryDict, choice: Choice) -> Period | None:
    """The period an address names where the choice is of another, because the indicator has no figures for it."""
    text = given.get("period", "")
    asked = Period.parse(text) if text else choice.period
    return asked if asked != choice.period else None


def choose(given: QueryDict, pack: Pack, shown: list[Indicator], as_of: date | None) -> Choice:
    """The choice an address makes. Raises queries.Unknown, PeriodError or PlaceError, naming what was found."""
    code = given.get("indicator") or shown[0].code
    if code not in {c.code for c in shown}:
        raise queries.Unknown(f"没有可看的指标“{code}”。可看的有 {'、'.join(c.name for c in shown)}。")
    text = given.get("period", "")
    known = periods(observations.state(), code, as_of or clock.today())
    period = Period.parse(text) if text else known[0]
    # The reader changed the indicator and kept a period it does not have: its latest is shown instead.
    period, dated = (period, bool(text)) if period in known else (known[0], False)
    level, within = _area(given, pack)
    return Choice(
        indicator=code,
        period=period,
        dated=dated,
        compare=given.get("compare", "") if given.get("compare") in COMPARISONS else "",
        level=level,
        within=within,
        chain=given.get("chain", ""),
        as_of=as_of,
        table=given.get("view") == "table",
        wall=given.get("wall") == "1",
    )


def _area(given: QueryDict, pack: Pack) -> tuple[str, str]:
    """(level, within) of the selector `area`, or of `level` and `within` in a link."""
    area = given.get("area") or given.get("within") or given.get("level") or "city"
    if area in LEVELS:
        return area, ""
    place = pack.places.get(area)
    if area == pack.manifest.root_place:
        return "city", ""
    if place.level == "county":
        return "county", pack.places.parent(area) or ""
    return "county", area


def day(given: QueryDict) -> date | None:
    """The day the figures are asked for, None for today. Raises queries.Unknown."""
    text = given.get("as_of", "").strip()
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise queries.Unknown(f"“{text}”不是日期，没有这一天的数。应写作 2025-06-30。") from None
    if found > clock.today():
        raise queries.Unknown(f"{found} 还没有到，没有那一天已知的数。今天是 {clock.today()}。")
    return None if found == clock.today() else found
