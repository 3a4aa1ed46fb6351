"""The schema of a pack: one model per kind of statement, each dated and citing its document.

YAML files hold lists of these, CSV files one per row (an empty cell is an absent value). JSON Schemas are published
from these models by `rongtong pack schema`.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$", max_length=64)]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


def _no_float(value: Any) -> Any:
    # YAML reads 0.85 as a binary float; exact values are written in quotes so that no digit is lost.
    if isinstance(value, float):
        raise ValueError(f'小数 {value!r} 应加引号写成文字，如 "{value}"，以免失去精确值')
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Exact = Annotated[
    str, BeforeValidator(_no_float), StringConstraints(pattern=r"^[+-]?\d+(\.\d+)?$", strip_whitespace=True)
]
PeriodText = Annotated[str, BeforeValidator(lambda v: str(v) if isinstance(v, int) else v)]
Mark = Literal["stated", "verified", "analogue", "proposed"]
Day = date  # for a statement that has a field of this name


class Statement(BaseModel):
    """What every kind shares: unknown keys are refused, instances are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, defer_build=True)


class Cite(Statement):
    """Where it is said: a document of the pack and, when it has clauses, the clause."""

    document: Code
    clause: str = ""


class Manifest(Statement):
    """`pack.yaml`: what the pack is, what it extends, which place it is about."""

    code: Code
    name: Text
    version: Text
    extends: tuple[Code, ...] = ()
    root_place: str = ""
    licence: str = ""
    notice: str = ""
    demo_today: date | None = Field(default=None, description="the day a demo instance pins its clock to")


class Clause(Statement):
    """A clause, addressed as in the document (`2.4.3`); `about` names it in the pack's own words."""

    id: Text
    about: Text


class Document(Statement):
    """`documents.yaml`: a document that is cited, never copied."""

    code: Code
    title: Text
    issuer: Text
    number: str = ""
    issued: date | None = None
    published: date | None = None
    index: str = ""
    url: str = ""
    note: str = ""
    clauses: tuple[Clause, ...] = ()


class Place(Statement):
    """`places.csv`: a place (GB/T 2260 code, or a local id for a functional zone) and when it exists."""

    code: Code
    name: Text
    short: Text
    name_en: str = ""
    level: Literal["nation", "province", "city", "county", "zone"]
    valid_from: date | None = None
    valid_to: date | None = None


class Parent(Statement):
    """`hierarchies.csv`: whose part a place is, in one hierarchy (administrative, fiscal)."""

    hierarchy: Code
    place: Code
    parent: Code
    valid_from: date | None = None
    valid_to: date | None = None


class Bridge(Statement):
    """`bridges.csv`: a re-division of places. `weight` is the part of the old place that went to the new one; empty
    where no published figure gives it (then only the sum over the whole change can be bridged)."""

    date: date
    old: Code
    new: Code
    weight: Exact | None = None
    source: str = ""
    note: str = ""


class PlaceGroup(Statement):
    """`groups.yaml`: a named set of places, such as the province without a separately planned city (不含计划单列市)."""

    code: Code
    name: Text
    places: tuple[Code, ...]
    note: str = ""


class Chain(Statement):
    """`chains.csv`: an industrial chain or cluster (产业链、产业集群). Chains overlap and are never totalled silently."""

    code: Code
    name: Text
    name_en: str = ""
    scheme: Code
    part: Literal["whole", "part"] = "whole"
    parent: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    document: str = ""
    clause: str = ""
    note: str = ""


class Department(Statement):
    """`departments.csv`."""

    code: Code
    name: Text
    short: str = ""


class Scope(Statement):
    """`scopes.yaml` (口径): a family of figures that may be added. Figures of two scopes are never added."""

    code: Code
    name: Text
    definition: Text
    parts_add: bool = Field(default=False, description="the parts of one view must add up to the whole exactly")
    never_with: dict[str, str] = Field(default_factory=dict, description="scope code → why the two are never added")
    cite: Cite | None = None


class Aggregation(Statement):
    """How values combine along each axis; `none`: they do not."""

    place: Literal["sum", "ratio", "none"] = "none"
    time: Literal["cumulative", "last", "none"] = "none"
    subject: Literal["sum", "none"] = "none"


class MeasureOf(Statement):
    """The card holds a published measure of another card (its growth, its share), not a level of its own."""

    indicator: Code
    measure: Literal["yoy", "share_of_revenue"]


class Indicator(Statement):
    """`indicators/*.yaml`: an indicator card (指标卡)."""

    code: Code
    name: Text
    name_en: str = ""
    definition: Text
    scope: Code
    unit: Text
    decimals: int = Field(default=2, ge=0, le=8)
    direction: Literal["up", "down", "none"] = "up"
    frequency: tuple[Literal["year", "half", "quarter", "month", "once"], ...] = ("year",)
    aggregation: Aggregation = Aggregation()
    formula: str = Field(default="", description="expression over other cards' codes; empty for an observed card")
    measure_of: MeasureOf | None = None
    part_of: str = Field(default="", description="the card of the whole, if the document calls this a part of it")
    view: Literal["", "funds", "performer"] = Field(default="", description="part by source of funds or by performer")
    owner: str = ""
    source_type: Literal["statistics", "department", "reported", "computed", "process"] = "department"
    basis: tuple[Cite, ...]
    lamp: str = ""
    level: Literal["L1", "L2", "L3", "L4"] = "L1"
    valid_from: date | None = None
    valid_to: date | None = None
    note: str = ""


CommitmentKind = Literal["measured", "deliverable", "strive", "standing_rule", "rhythm", "named_list", "achievement"]


class Commitment(Statement):
    """`commitments.csv`: what a clause promises or states, in the pack's own words.

    Only measured targets, deliverables and strive-for ones carry lamps. `department` as the document states it,
    empty meaning 未明确; `department_inferred` is shown as 推断, never as the document's. Either `indicator` or
    `unmeasured` (why it cannot be measured) is given.
    """

    id: Code
    document: Code
    clause: Text
    kind: CommitmentKind
    name: Text
    name_en: str = ""
    comparator: str = ""
    value: Exact | None = None
    unit: str = ""
    period: str = ""
    subject: str = ""
    department: str = ""
    department_inferred: str = ""
    indicator: str = ""
    unmeasured: str = ""
    status: Literal["", "done", "open"] = ""
    note: str = ""


class Reference(Statement):
    """What a relative, share, for-all or monotone target is measured against."""

    indicator: str = ""
    place: str = ""
    margin: Exact | None = None
    unit: str = ""
    denominators: tuple[Code, ...] = Field(
        default=(), description="share targets: every base that is computed, the first is shown"
    )
    over: str = Field(default="", description="for-all targets: the level or named set of units")


class Target(Statement):
    """`targets.yaml` (目标). Six kinds: level, growth, relative, share, for_all, monotone."""

    code: Code
    indicator: Code
    place: Code
    period: PeriodText
    kind: Literal["level", "growth", "relative", "share", "for_all", "monotone"]
    comparator: Literal["=", ">=", ">", "<=", "<"]
    value: Exact | None = None
    unit: str = ""
    reference: Reference | None = None
    baseline: Literal["linear", "last_year", "milestones"] = "linear"
    milestones: dict[str, Exact] = Field(default_factory=dict, description="period → percent of the target due by then")
    lamp: str = ""
    commitment: str = ""
    cite: Cite
    provenance: Literal["document", "office", "placeholder"] = "document"
    valid_from: date | None = None
    note: str = ""


class Balance(Statement):
    """`balances.yaml`: published parts beside a published total. The difference is shown with its readings, never fixed."""

    code: Code
    period: PeriodText
    total: Code
    parts: tuple[Code, ...]
    readings: tuple[Text, ...]


class LampCase(Statement):
    """One line of a lamp rule: the first whose condition holds gives the lamp."""

    lamp: Literal["green", "yellow", "red", "blue", "grey"]
    when: Text
    reason: str = ""


class LampRule(Statement):
    """`lamps.yaml`: a lamp rule (亮灯规则), dated. `basis` says what it compares: pace against a target, or growth
    against the growth of the place above."""

    code: Code
    name: Text
    basis: Literal["pace", "growth_of_parent"]
    cases: tuple[LampCase, ...]
    valid_from: date
    valid_to: date | None = None
    mark: Mark = "proposed"
    cite: Cite | None = None
    note: str = ""


class Use(Statement):
    """`uses.yaml`: a use of the result that a document names (consequence). `rule` empty: no document gives one."""

    code: Code
    name: Text
    cite: Cite
    indicators: tuple[Code, ...]
    rule: str = ""
    open_points: tuple[Text, ...] = ()


class SourceColumn(Statement):
    """One column of a foreign workbook and what it holds. `scope`, if given, must be the card's own."""

    column: Text
    indicator: Code
    unit: Text
    scope: str = ""
    subject: str = ""
    funds: str = ""
    use: str = ""
    chain: str = ""
    add: tuple[Text, ...] = Field(default=(), description="further columns added to this one; all of one scope")
    add_scopes: tuple[str, ...] = Field(default=(), description="the scope of each added column")


class Source(Statement):
    """`sources/*.yaml`: how a workbook of another system maps to observations, learnt once, no code."""

    code: Code
    name: Text
    system: str = ""
    sheet: str = Field(default="", description="sheet name; empty: the first")
    header_row: int = Field(default=1, ge=1)
    place_column: Text
    place_by: Literal["code", "name"] = "code"
    place_names: dict[str, str] = Field(
        default_factory=dict, description="the workbook's name → place code, where it differs"
    )
    period: PeriodText = Field(default="", description="fixed period, if the workbook has no column for it")
    period_column: str = ""
    known_from: date | None = None
    known_from_column: str = ""
    status: Literal["actual", "flash", "estimate", "preliminary", "revised", "forecast", "synthetic"] = "actual"
    evidence_column: str = ""
    evidence: str = ""
    columns: tuple[SourceColumn, ...]
    skip_rows: tuple[str, ...] = Field(default=(), description="values of the place column that mark rows to leave out")


class YearTotal(Statement):
    """A total the generated values are scaled to; `source` says whether it is published."""

    year: int
    value: Exact
    source: Text


class Synthetic(Statement):
    """`demo.yaml`: figures generated for the demonstration (演示数据), with a fixed seed, scaled to totals."""

    indicator: Code
    level: Literal["city", "county"]
    unit: Text
    totals: tuple[YearTotal, ...]
    weights: str = Field(description="indicator@period whose published values give each place's share")
    unallocated: Exact = Field(default="0", description="share of each total that belongs to no place")
    phases: dict[str, Exact] = Field(description="cumulative share of the year by H1-like suffix: Q1, H1, 01..09")
    current: dict[str, Exact] = Field(default_factory=dict, description="part-year period → the total it is scaled to")
    known_after_days: int = 35
    noise: Exact = "0.03"
    seed: int
    note: str = ""


class Holiday(Statement):
    """`calendar.csv`: a day that differs from the week's rule (调休), with the notice that says so.

    A later notice about the same day is a row of its own after the first, so that both states stay readable.
    """

    date: date
    kind: Literal["holiday", "workday"]
    name: Text
    source: Text
    known_from: Day | None = Field(
        default=None, description="the day the notice was published; empty: known from the beginning"
    )
