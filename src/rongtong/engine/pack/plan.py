"""The schema of a pack, continued: how a target is split, and the wording of papers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from rongtong.engine.pack.model import Cite, Code, Exact, Mark, PeriodText, Statement, Text


class Amount(Statement):
    """A total to split: a pack's target, a figure (a cell split before), or a value; exactly one of them."""

    target: str = ""
    figure: str = ""
    value: Exact | None = None

    @model_validator(mode="after")
    def _one(self) -> Amount:
        if sum(bool(x) for x in (self.target, self.figure, self.value)) != 1:
            raise ValueError("应恰好给出 target、figure、value 之一")
        return self


class Places(Statement):
    """The places a target is split over: a level below `within` (default: the pack's root), its children, or a list."""

    within: str = ""
    level: Literal["city", "county", "children"] = "city"
    codes: tuple[Code, ...] = ()


class Weight(Statement):
    """Part of the weights: the figures `indicator[.measure]@period` of the places, made to add up to `share`."""

    figure: Text
    share: Exact


class Subject(Statement):
    """A kind of subject and its part of every place's weight."""

    code: Code
    name: Text
    weight: Exact


class Bound(Statement):
    """A fixed value, floor or cap of one place (or of `all`) and subject: a value, or growth over a figure of the place.

    `if_missing: skip` leaves the bound out, and says so, where the figure is not known.
    """

    place: Text = "all"
    subject: str = ""
    value: Exact | None = None
    growth: Exact | None = None
    over: str = ""
    relaxable: bool = False
    label: str = ""
    if_missing: Literal["refuse", "skip"] = "refuse"

    @model_validator(mode="after")
    def _one(self) -> Bound:
        if (self.value is None) == (self.growth is None):
            raise ValueError("应给出 value，或给出 growth 与 over")
        if self.growth is not None and not self.over:
            raise ValueError("有 growth 时要有 over，如 input_enterprise@2024")
        return self


class Margin(Statement):
    """The exact sum of a place over its subjects, or of a subject over all places."""

    place: str = ""
    subject: str = ""
    value: Exact
    relaxable: bool = False
    label: str = ""


class Reserve(Statement):
    """A named part of the total that no cell gets: an amount or a share."""

    name: Text
    amount: Exact | None = None
    share: Exact | None = None


class CounterOfferSpec(Statement):
    """A place's counter-offer (反提案)."""

    place: Text
    subject: str = ""
    value: Exact


class Split(Statement):
    """`allocations/*.yaml` and the file given to `rongtong allocate`: how a target is split (目标分解)."""

    code: Code
    name: Text
    indicator: Code
    period: PeriodText
    total: Amount
    unit: Text
    rounding: Exact = "0.01"
    places: Places = Places()
    weights: tuple[Weight, ...]
    subjects: tuple[Subject, ...] = ()
    reserve: tuple[Reserve, ...] = ()
    fixed: tuple[Bound, ...] = ()
    floors: tuple[Bound, ...] = ()
    caps: tuple[Bound, ...] = ()
    margins: tuple[Margin, ...] = ()
    counter_offers: tuple[CounterOfferSpec, ...] = ()
    note: str = ""


class Section(Statement):
    """A section of a paper: its heading and the blocks that fill it."""

    key: Code
    heading: Text
    blocks: tuple[Code, ...] = ()
    manual: str = Field(default="", description="what an officer is asked to write here; empty: nothing")


class PaperWording(Statement):
    """`papers/*.yaml`: the wording and order of a paper; the numbers come from figures."""

    code: Literal["dispatch", "half_year", "annual", "bulletin", "evidence", "ledger"]
    title: Text
    organisation: Text
    number: str = ""
    indicators: tuple[Code, ...]
    real_indicators: tuple[Code, ...] = ()
    sections: tuple[Section, ...]
    sentences: dict[str, Text] = Field(
        default_factory=dict, description="sentences in place of the usual ones (engine.sentence.PATTERNS)"
    )
    cite: Cite | None = None


class CollectionItem(Statement):
    """A figure that a collection asks for, in the unit it is filled in."""

    indicator: Code
    unit: Text
    required: bool = True
    note: str = ""


class Collection(Statement):
    """`collections.yaml`: what is collected (填报表), from whom, how often, and within which days (填报起止).

    Days are counted from the last day of the period: `opens_after_days` in calendar days, the others in working days.
    """

    code: Code
    number: Text = Field(description="表号")
    name: Text
    level: Literal["county", "city"]
    frequency: Literal["month", "quarter", "half", "year"]
    cumulative: bool = Field(default=False, description="every period runs from January to its end")
    since: PeriodText = Field(description="the first period asked for")
    opens_after_days: int = Field(default=1, ge=0, le=366)
    due_workdays: int = Field(ge=1, le=250, description="the office that fills submits by then")
    city_due_workdays: int = Field(default=0, ge=0, le=250, description="the city has reviewed by then; county tables")
    status: Literal["flash", "preliminary", "actual"] = "flash"
    items: tuple[CollectionItem, ...] = Field(min_length=1)
    mark: Mark = "proposed"
    cite: Cite | None = None
    note: str = ""

    @model_validator(mode="after")
    def _in_order(self) -> Collection:
        codes = [item.indicator for item in self.items]
        if len(set(codes)) != len(codes):
            raise ValueError("同一指标只列一次")
        if self.level == "county" and self.city_due_workdays < self.due_workdays:
            raise ValueError("county 表的 city_due_workdays 不早于 due_workdays")
        return self
