"""Indicators (指标): one card's figures for the places of a level and one period, with everything a meeting asks.

`board` takes plain facts as known on a day and gives, for each place, value, base, 同比, share, ranks, gap, completion,
pace and lamp, each a figure with its derivation; the total; what is published but not allocated to a place; and the
check of the total's growth from levels (never a mean of rates).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from rongtong.engine import figure as fig
from rongtong.engine import pace
from rongtong.engine.expression.evaluate import Value, evaluate
from rongtong.engine.expression.language import ExpressionError, Variable, compile_expression
from rongtong.engine.facts import Fact
from rongtong.engine.figure import Citation, Figure, Key
from rongtong.engine.period import Period
from rongtong.engine.place import PlaceTree
from rongtong.engine.quantity import Quantity, Unit, unit
from rongtong.engine.sentence import MONITORING, UNREPORTED, WHOLE, Sentence, fill

if TYPE_CHECKING:
    from rongtong.engine.pack.model import Indicator, LampRule, Scope, Target

PUBLISHED_DECIMALS = 1


@dataclass(frozen=True, slots=True)
class Cards:
    """The cards and 口径 of a pack, and which card publishes a measure of which."""

    cards: Mapping[str, Indicator]
    scopes: Mapping[str, Scope]

    @staticmethod
    def of(cards: Iterable[Indicator], scopes: Iterable[Scope]) -> Cards:
        return Cards({c.code: c for c in cards}, {s.code: s for s in scopes})

    def companion(self, code: str, measure: str) -> Indicator | None:
        """The card that holds the published `measure` of card `code`."""
        for card in self.cards.values():
            if card.measure_of and (card.measure_of.indicator, card.measure_of.measure) == (code, measure):
                return card
        return None

    @property
    def reasons(self) -> Mapping[str, Mapping[str, str]]:
        return {code: scope.never_with for code, scope in self.scopes.items()}

    @property
    def scope_names(self) -> Mapping[str, str]:
        return {code: scope.name for code, scope in self.scopes.items()}

    def needed(self, code: str) -> set[str]:
        """Every card whose facts the board of `code` may read."""
        card = self.cards[code]
        codes = {code}
        yoy = self.companion(code, "yoy")
        if yoy:
            codes.add(yoy.code)
        if card.formula:
            for name in formula_names(card.formula):
                if name in self.cards and name not in codes:
                    codes |= self.needed(name)
        return codes


def formula_names(formula: str) -> tuple[str, ...]:
    """The card codes a formula speaks of. Raises ExpressionError when it does not parse."""
    import ast

    try:
        tree = ast.parse(formula, mode="eval")
    except SyntaxError as error:
        raise ExpressionError(f"公式“{formula}”写法不对。") from error
    return tuple(sorted({n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - {"min", "max", "abs", "missing"}))


def card_variable(card: Indicator) -> Variable:
    """A card as a variable of a formula: its stored scale, dimension and 口径."""
    dimension = unit(card.unit).dimension
    return Variable(card.code, "number", dimension.name, card.scope, dimension.scale)


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts as known on a day, by indicator, place, chain and period."""

    by_key: Mapping[tuple[str, str, str, Period], Fact]

    @staticmethod
    def of(facts: Iterable[Fact]) -> Facts:
        """Index facts; those of one subject kind only are left out, being parts of the place's own value."""
        return Facts({(f.indicator, f.place, f.chain, f.period): f for f in facts if not f.subject})

    def get(self, indicator: str, place: str, period: Period, chain: str = "") -> Fact | None:
        return self.by_key.get((indicator, place, chain, period))


@dataclass(frozen=True, slots=True)
class Row:
    """One place: its figures by measure, its lamp if it has one, and the sentence."""

    place: str
    name: str
    figures: Mapping[str, Figure]
    lamp: pace.Lamp | None
    sentence: Sentence
    tied: bool = False

    @property
    def status(self) -> str:
        value = self.figures.get("value")
        return value.status if value else "missing"

    @property
    def late(self) -> bool:
        return any(f.late for f in self.figures.values())


@dataclass(frozen=True, slots=True)
class Board:
    """A card's figures for a period as known on a day. `rows` are in order of place code."""

    card: Indicator
    period: Period
    as_of: date
    chain: str
    rows: tuple[Row, ...]
    total: Row
    unallocated: Figure | None
    check: Figure | None

    def figures(self) -> dict[str, Figure]:
        """Every figure on the board by id."""
        found = {f.id: f for row in (*self.rows, self.total) for f in row.figures.values()}
        for extra in (self.unallocated, self.check):
            if extra:
                found[extra.id] = extra
        return found


@dataclass(frozen=True, slots=True)
class Request:
    """What a board is asked for. `goals`: place → the year's goal; `target` says how pace is judged."""

    card: Indicator
    period: Period
    as_of: date
    places: Sequence[str]
    top: str
    chain: str = ""
    goals: Mapping[str, Figure] = field(default_factory=dict)
    target: Target | None = None
    rule: LampRule | None = None


def board(request: Request, facts: Facts, cards: Cards, tree: PlaceTree) -> Board:
    """Compute a card's board. Raises FigureError or ExpressionError when the card asks for what may not be."""
    maker = _Maker(request, facts, cards, tree)
    measures = {place: maker.place(place) for place in request.places}
    top = maker.top(measures)
    maker.shares(measures, top)
    maker.ranks(measures)
    maker.gaps(measures, top)
    for place, figures in (*measures.items(), (request.top, top)):
        maker.progress(place, figures)
    lamps = maker.lamps({**measures, request.top: top})
    rows = tuple(maker.row(place, figures, lamps.get(place)) for place, figures in sorted(measures.items()))
    return Board(
        request.card,
        request.period,
        request.as_of,
        request.chain,
        rows,
        maker.row(request.top, top, lamps.get(request.top)),
        maker.unallocated(measures, top),
        maker.check(measures),
    )


Measures = dict[str, Figure]


@dataclass(frozen=True, slots=True)
class _Maker:
    request: Request
    facts: Facts
    cards: Cards
    tree: PlaceTree

    @property
    def additive(self) -> bool:
        return self.request.card.aggregation.place == "sum"

    def key(self, place: str, measure: str = "value", period: Period | None = None) -> Key:
        r = self.request
        return Key(r.card.code, place, period or r.period, measure, r.chain)

    def observed(self, card: Indicator, place: str, period: Period, key: Key | None = None) -> Figure | None:
        """A fact as a figure, or the card's formula over such figures."""
        if card.formula:
            return self.formula(card, place, period)
        fact = self.facts.get(card.code, place, period, self.request.chain)
        if fact is None:
            return None
        shown: Unit = unit(card.unit)
        return Figure(
            key=key or Key(card.code, place, period, "value", self.request.chain),
            quantity=Quantity.stored(fact.value, shown),
            scope=card.scope,
            status=fact.status,
            operation="observed",
            cites=(Citation(file=fact.evidence, release=fact.source), *(_cite(c) for c in card.basis)),
            decimals=card.decimals,
            known_from=fact.known_from,
            late=fact.late,
        )

    def formula(self, card: Indicator, place: str, period: Period) -> Figure | None:
        """A derived card's value: its formula, evaluated exactly over the figures it names."""
        inputs = {}
        for name in formula_names(card.formula):
            part = self.observed(self.cards.cards[name], place, period)
            if part is None:
                return None
            inputs[name] = part
        variables = [card_variable(self.cards.cards[name]) for name in inputs]
        compiled = compile_expression(
            card.formula, variables, reasons=self.cards.reasons, scope_names=self.cards.scope_names
        )
        row: dict[str, Value] = {name: part.quantity.amount for name, part in inputs.items()}
        value = evaluate({"f": compiled}, variables, [row])[0]["f"].value
        if value is None or isinstance(value, bool | str):
            return None
        key = Key(card.code, place, period, "value", self.request.chain)
        return fig.derive(
            key,
            Quantity(value, unit(card.unit)),
            "formula",
            tuple(inputs.values()),
            scope=card.scope,
            decimals=card.decimals,
            note=card.formula,
            cites=tuple(_cite(c) for c in card.basis),
        )

    def place(self, place: str) -> Measures:
        """Value, base and growth of one place."""
        r = self.request
        figures: Measures = {}
        value = self.observed(r.card, place, r.period)
        if value is None:
            return figures
        figures["value"] = value
        self.grow(place, figures)
        return figures

    def grow(self, place: str, figures: Measures) -> None:
        """Add base and growth: the published rate if there is one, else from levels."""
        r = self.request
        rate = None
        published = self.cards.companion(r.card.code, "yoy")
        if published:
            rate = self.observed(published, place, r.period, self.key(place, "yoy"))
        base = self.observed(r.card, place, r.period.years_before())
        if base is None and rate is not None:
            base = fig.base_from_growth(self.key(place, "base"), figures["value"], rate)
        if base is not None:
            figures["base"] = base
        if rate is None and base is not None:
            rate = fig.growth(self.key(place, "yoy"), figures["value"], base, PUBLISHED_DECIMALS)
        if rate is not None:
            figures["yoy"] = rate

    def top(self, measures: Mapping[str, Measures]) -> Measures:
        """The total: published if it is, else the sum of all places when every one has a value."""
        r = self.request
        figures = self.place(r.top)
        if "value" not in figures and self.additive and measures and all("value" in m for m in measures.values()):
            parts = [m["value"] for m in measures.values()]
            figures["value"] = fig.total(self.key(r.top), parts, self.cards.reasons, self.cards.scope_names)
            self.grow(r.top, figures)
            if "yoy" not in figures and all("base" in m for m in measures.values()):
                figures["base"] = fig.total(
                    self.key(r.top, "base"), [m["base"] for m in measures.values()], self.cards.reasons
                )
                rate = fig.growth(self.key(r.top, "yoy"), figures["value"], figures["base"], PUBLISHED_DECIMALS)
                if rate:
                    figures["yoy"] = rate
        return figures

    def shares(self, measures: Mapping[str, Measures], top: Measures) -> None:
        if not self.additive or "value" not in top:
            return
        for place, figures in (*measures.items(), (self.request.top, top)):
            if "value" in figures:
                share = fig.ratio(self.key(place, "share"), figures["value"], top["value"], "share")
                if share:
                    figures["share"] = share

    def ranks(self, measures: Mapping[str, Measures]) -> None:
        """Rank by value and by growth, among places with data; larger is better unless the card says lower is."""
        for source, measure in (("value", "rank"), ("yoy", "yoy_rank")):
            have = {p: m[source] for p, m in measures.items() if source in m}
            lowest = self.request.card.direction == "down"
            for place, rank in fig.ranks(have, measure, smallest_first=lowest).items():
                measures[place][measure] = rank

    def gaps(self, measures: Mapping[str, Measures], top: Measures) -> None:
        if "yoy" not in top:
            return
        for place, figures in measures.items():
            if "yoy" in figures:
                figures["gap"] = fig.difference(
                    self.key(place, "gap"), figures["yoy"], top["yoy"], "gap", PUBLISHED_DECIMALS
                )

    def progress(self, place: str, figures: Measures) -> None:
        """Completion, baseline and pace against the year's goal."""
        r = self.request
        goal = r.goals.get(place)
        if goal is None or "value" not in figures or not (r.period.cumulative or r.period.kind == "year"):
            return
        figures["goal"] = goal
        done = pace.completion(self.key(place), figures["value"], goal)
        if done is None:
            return
        figures["completion"] = done
        past = r.period.years_before()
        due = pace.baseline(
            r.target.baseline if r.target else "linear",
            self.key(place),
            past_part=self.observed(r.card, place, past),
            past_full=self.observed(r.card, place, past.whole_year),
            milestones=r.target.milestones if r.target else {},
        )
        if due is not None and due.quantity.amount > 0:
            figures["baseline"] = due
            figures["pace"] = fig.derive(
                self.key(place, "pace"), done.quantity.over(due.quantity), "pace", (done, due), decimals=1
            )

    def lamps(self, measures: Mapping[str, Measures]) -> dict[str, pace.Lamp]:
        """Lamps where there is a goal, or a gap to a named total; never otherwise."""
        r = self.request
        if r.rule is None:
            return {}
        if r.rule.basis == "growth_of_parent":
            places = [p for p, m in measures.items() if "gap" in m and p != r.top]
            basis = f"以{WHOLE[self.tree.get(r.top).level]}增速为基准"
        else:
            places = [p for p in measures if p in r.goals]
            basis = pace.baseline_words(r.target) if r.target else "序时进度（按月数）"
        standings = [self.standing(measures[p]) for p in places]
        return dict(zip(places, pace.lamps(r.rule, standings, basis), strict=True)) if places else {}

    def standing(self, figures: Measures) -> pace.Standing:
        def percent(name: str) -> object:
            return figures[name].number if name in figures else None

        return pace.Standing(
            reported="value" in figures,
            completion=percent("completion"),  # type: ignore[arg-type]
            baseline=percent("baseline"),  # type: ignore[arg-type]
            gap=percent("gap"),  # type: ignore[arg-type]
        )

    def unallocated(self, measures: Mapping[str, Measures], top: Measures) -> Figure | None:
        """The published total less all places' values; None unless every place has one."""
        if not self.additive or "value" not in top or top["value"].operation == "sum" or not measures:
            return None
        if not all("value" in m for m in measures.values()):
            return None
        parts = fig.total(
            self.key(self.request.top, "parts"),
            [m["value"] for m in measures.values()],
            self.cards.reasons,
            self.cards.scope_names,
        )
        return fig.difference(
            self.key(self.request.top, "unallocated"), top["value"], parts, decimals=top["value"].decimals
        )

    def check(self, measures: Mapping[str, Measures]) -> Figure | None:
        """Growth of the sum of places, from levels: Σ values ÷ Σ bases − 1."""
        if not self.additive or not measures or not all({"value", "base"} <= m.keys() for m in measures.values()):
            return None
        top = self.request.top
        now = fig.total(self.key(top, "parts"), [m["value"] for m in measures.values()], self.cards.reasons)
        then = fig.total(self.key(top, "parts_base"), [m["base"] for m in measures.values()], self.cards.reasons)
        return fig.growth(self.key(top, "check"), now, then, 2)

    def row(self, place: str, figures: Measures, lamp: pace.Lamp | None) -> Row:
        r = self.request
        tied = "yoy_rank" in figures and "并列" in figures["yoy_rank"].note
        top_level = self.tree.get(r.top).level
        name = WHOLE[top_level] if place == r.top else self.tree.name(place)
        shown = {k: v for k, v in figures.items() if not (place == r.top and k == "share")}
        given = {
            "period": r.period.chinese,
            "place": name,
            "name": r.card.name,
            "whole": WHOLE[top_level],
            "tied": "并列" if tied else "居",
        }
        sentence = fill(MONITORING if "value" in figures else UNREPORTED, shown, given)
        return Row(place, name, figures, lamp, sentence, tied)


def _cite(cite: object) -> Citation:
    return Citation(document=getattr(cite, "document", ""), clause=getattr(cite, "clause", ""))
