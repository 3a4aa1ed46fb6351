"""The indicator library (指标库): the list of cards, and everything a card says, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from django.urls import reverse

from rongtong import clock
from rongtong.apps.observations import queries as observations
from rongtong.apps.packs.amend_words import condition
from rongtong.apps.papers.blocks_base import wide
from rongtong.apps.planning import goals, queries
from rongtong.apps.planning.models import Allocation
from rongtong.engine.figure import STATUS_WORDS
from rongtong.engine.indicator import Board, Row, formula_names
from rongtong.engine.pack.model import Cite, Commitment, Indicator, LampRule, Scope, Target, Use
from rongtong.engine.pack.plan import PaperWording, Split
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period

DIRECTIONS = {"up": "越大越好", "down": "越小越好", "none": "不分好坏"}
FREQUENCIES = {"year": "年", "half": "半年", "quarter": "季", "month": "月", "once": "一次"}
SOURCES = {
    "statistics": "统计调查",
    "department": "部门业务数据",
    "reported": "逐级填报",
    "computed": "由其他指标计算",
    "process": "办件过程产生",
}
LEVELS = {"L1": "L1 可公开", "L2": "L2 受限", "L3": "L3 敏感", "L4": "L4 高敏感，不对外"}
AXES = {
    "place": ("地方", {"sum": "下级之和", "ratio": "比率，由分子分母重算", "none": "不汇总"}),
    "time": ("时间", {"cumulative": "年初起累计", "last": "取期末数", "none": "不汇总"}),
    "subject": ("主体", {"sum": "各类主体之和", "none": "不汇总"}),
}
LAMP_BASIS = {"pace": "完成率与应达进度相比", "growth_of_parent": "本地增速与上一级增速相比"}
DEADLINE = "今天到期限还有几个工作日"
MARKS = {"stated": "文件写明", "verified": "已核对", "analogue": "参照其他文件", "proposed": "拟议"}


@dataclass(frozen=True, slots=True)
class Line:
    """A card in the list: what the filters ask about."""

    card: Indicator
    scope: str
    source: str
    address: str
    data: bool
    target: bool
    commitments: int


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list is narrowed to; `data` and `target` are "yes", "no" or empty."""

    q: str = ""
    scope: str = ""
    level: str = ""
    owner: str = ""
    source: str = ""
    data: str = ""
    target: str = ""

    @staticmethod
    def of(asked: Mapping[str, str]) -> Filters:
        return Filters(**{name: asked.get(name, "").strip()[:64] for name in Filters.__slots__})

    def keeps(self, line: Line) -> bool:
        card = line.card
        words = f"{card.code} {card.name} {card.name_en} {card.definition}".lower()
        return (
            (not self.q or self.q.lower() in words)
            and (not self.scope or card.scope == self.scope)
            and (not self.level or card.level == self.level)
            and (not self.owner or (card.owner or "未明确") == self.owner)
            and (not self.source or card.source_type == self.source)
            and (not self.data or (self.data == "yes") == line.data)
            and (not self.target or (self.target == "yes") == line.target)
        )


def library(pack: Pack, *, protected: bool) -> list[Line]:
    """The newest card of every code, in the order of the pack; those above L1 only where `protected` is allowed."""
    have = set(observations.codes_with_values(clock.today()))
    aimed = {t.indicator for t in pack.all("targets")}
    promised = [c.indicator for c in pack.all("commitments")]
    scopes = {s.code: s.name for s in pack.all("scopes")}
    codes = dict.fromkeys(c.code for c in pack.all("indicators"))
    cards = [pack.get("indicators", code) for code in codes]
    return [
        Line(
            card=c,
            scope=scopes.get(c.scope, c.scope),
            source=SOURCES[c.source_type],
            address=reverse("indicator", args=[c.code]),
            data=c.code in have,
            target=c.code in aimed,
            commitments=promised.count(c.code),
        )
        for c in cards
        if protected or c.level == "L1"
    ]


@dataclass(frozen=True, slots=True)
class Basis:
    """A cited clause in words with its document's dates and its address."""

    title: str
    number: str
    clause: str
    about: str
    dates: str
    address: str


def clause_words(clause: str) -> str:
    """A clause as it is spoken of: 第 2.4.3 条 for a number, the heading in quotation marks otherwise."""
    if not clause:
        return ""
    return f"第 {clause} 条" if clause.replace(".", "").isdigit() else f"“{clause}”"


def basis(pack: Pack, cite: Cite) -> Basis:
    """A citation in words; a document the pack does not list shows its code."""
    document = pack.find("documents", cite.document)
    if document is None:
        return Basis(cite.document, "", clause_words(cite.clause), "", "", "")
    dates = [f"{words} {day}" for words, day in (("成文", document.issued), ("公布", document.published)) if day]
    about = next((c.about for c in document.clauses if c.id == cite.clause), "")
    address = (
        reverse("clause", args=[cite.document, cite.clause]) if about else reverse("document", args=[cite.document])
    )
    return Basis(document.title, document.number, clause_words(cite.clause), wide(about), "，".join(dates), address)


@dataclass(frozen=True, slots=True)
class Rule:
    """A lamp rule spelled out: (lamp, condition, the same in words, reason) in the order they are tried."""

    rule: LampRule
    basis: str
    mark: str
    cases: tuple[tuple[str, str, str, str], ...]


def rule(pack: Pack, code: str, day: date) -> Rule | None:
    """The lamp rule in force on a day."""
    found = goals.rule_of(pack, code, day) if code else None
    if found is None:
        return None
    cases = tuple((c.lamp, c.when, condition(c.when), wide(c.reason)) for c in found.cases)
    timed = any("days_left" in c.when for c in found.cases)
    return Rule(found, DEADLINE if timed else LAMP_BASIS[found.basis], MARKS[found.mark], cases)


@dataclass(frozen=True, slots=True)
class Used:
    """Where a card is used."""

    commitments: tuple[Commitment, ...]
    targets: tuple[tuple[Target, str], ...]
    uses: tuple[Use, ...]
    papers: tuple[PaperWording, ...]
    splits: tuple[Split, ...]
    allocations: tuple[tuple[Allocation, str], ...]
    formulas: tuple[Indicator, ...]
    parts: tuple[Indicator, ...]
    measures: tuple[Indicator, ...]


def used(pack: Pack, card: Indicator) -> Used:
    """Everything in the packs and the store that speaks of a card."""
    code, cards = card.code, pack.all("indicators")
    return Used(
        commitments=tuple(c for c in pack.all("commitments") if c.indicator == code),
        targets=tuple((t, _about(pack, t.place, t.period)) for t in pack.all("targets") if t.indicator == code),
        uses=tuple(u for u in pack.all("uses") if code in u.indicators),
        papers=tuple(p for p in pack.all("papers") if code in (*p.indicators, *p.real_indicators)),
        splits=tuple(s for s in pack.all("allocations") if s.indicator == code),
        allocations=tuple(
            (a, _about(pack, a.place, a.period))
            for a in Allocation.objects.filter(indicator=code).order_by("code", "version")
        ),
        formulas=tuple(c for c in cards if c.formula and code in formula_names(c.formula)),
        parts=tuple(c for c in cards if c.part_of == code),
        measures=tuple(c for c in cards if c.measure_of and c.measure_of.indicator == code),
    )


def _about(pack: Pack, place: str, period: str) -> str:
    """Place and period in words, in the place of a code."""
    return f"{pack.places.name(place)} {Period.parse(period).chinese}"


@dataclass(frozen=True, slots=True)
class Apart:
    """Another 口径 this one is never added to, and why."""

    scope: Scope
    why: str


def apart(pack: Pack, scope: Scope) -> list[Apart]:
    """Every scope this one is never added to, said on either side."""
    reasons = dict(scope.never_with)
    for other in pack.all("scopes"):
        if scope.code in other.never_with:
            reasons.setdefault(other.code, other.never_with[scope.code])
    found = [(pack.find("scopes", code), why) for code, why in reasons.items()]
    return [Apart(s, wide(why)) for s, why in found if s is not None]


def aggregation(card: Indicator) -> list[tuple[str, str]]:
    """How the card's values combine along each axis, in words."""
    return [(name, words[getattr(card.aggregation, axis)]) for axis, (name, words) in AXES.items()]


def history(pack: Pack, code: str) -> list[Indicator]:
    """Every dated wording of a card, the newest first."""
    found = [c for c in pack.all("indicators") if c.code == code]
    return sorted(found, key=lambda c: str(c.valid_from or ""), reverse=True)


def latest(pack: Pack, card: Indicator, asked: str = "") -> tuple[Board | None, tuple[Period, ...]]:
    """The board of a card's period (the last of the whole unless asked for another it has), and all its periods, newest first."""
    known = sorted(
        observations.periods_of(card.code, clock.today()), key=lambda p: (p.last_day, p.months), reverse=True
    )
    if not known:
        return None, ()
    facts = observations.known([card.code], (), clock.today())
    held = [(f.place, f.period) for f in facts if not f.subject and not f.chain]
    usual = whole_period(pack, card, held) or known[0]
    period = next((p for p in known if str(p) == asked), usual)
    level = "city" if card.aggregation.place != "none" or not card.part_of else "self"
    found = queries.monitor(queries.Asked(card.code, period, level))
    if not any("value" in r.figures for r in (*found.rows, found.total)):
        found = _elsewhere(pack, card, period) or found
    return found, tuple(known)


def whole_period(pack: Pack, card: Indicator, held: Iterable[tuple[str, Period]]) -> Period | None:
    """The last period of which the whole is known: by itself or, where the card adds up, at every city.

    Where it never is, the last of a place above it. None where values are known of some places below it only.
    """
    root = pack.manifest.root_place
    places: dict[Period, set[str]] = {}
    for place, period in held:
        places.setdefault(period, set()).add(place)
    cities = set(pack.places.at_level("city", root)) if card.aggregation.place == "sum" else set()
    whole = [p for p, there in places.items() if root in there or (cities and cities <= there)]
    above = [p for p, there in places.items() if not all(pack.places.is_within(x, root) for x in there)]
    return max(whole or above, key=lambda p: (p.last_day, p.months), default=None)


def _elsewhere(pack: Pack, card: Indicator, period: Period) -> Board | None:
    """The board of the place above the pack's own that has a value: a national figure the pack shows for comparison."""
    facts = observations.known([card.code], [period], clock.today())
    tops = [f.place for f in facts if not pack.places.is_within(f.place, pack.manifest.root_place)]
    return queries.monitor(queries.Asked(card.code, period, "self", tops[0])) if tops else None


HEAD = ("place", "name", "period", "value", "unit", "status", "yoy_percent", "known_from", "figure")


def rows(found: Board) -> Iterator[Row]:
    """The rows of a board that have a value, the whole last."""
    return (r for r in (*found.rows, found.total) if "value" in r.figures)


def table(found: Board) -> Iterator[tuple[str, ...]]:
    """The latest values as rows of text under HEAD."""
    for row in rows(found):
        value = row.figures["value"]
        yoy = row.figures["yoy"].text if "yoy" in row.figures else ""
        known = value.known_from.isoformat() if value.known_from else ""
        status = STATUS_WORDS.get(value.status, value.status)
        yield (row.place, row.name, str(found.period), value.text, str(value.unit), status, yoy, known, value.id)
