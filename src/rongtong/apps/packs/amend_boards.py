"""Which boards an amendment reaches, and what differs on them: every place, level and chain, from one reading of the facts.

An amended card reaches itself and every card derived from it; an amended lamp rule every card it lights; an amended
target its indicator. Each is looked at for the last period known at each level and for the years of its targets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from rongtong.apps.observations import queries as observations
from rongtong.apps.observations.models import Observation
from rongtong.apps.planning import queries as planning
from rongtong.engine.figure import Figure
from rongtong.engine.indicator import Board, Cards, Facts, Row, formula_names
from rongtong.engine.pace import Lamp
from rongtong.engine.pack.model import Target
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period

LAMP = "灯"
MEASURES = {
    "value": "数值", "yoy": "同比", "share": "占比", "rank": "位次", "yoy_rank": "增速位次", "gap": "与上级之差",
    "goal": "目标", "completion": "完成率", "baseline": "应达", "pace": "进度比", "base": "上年同期",
}  # fmt: skip
RANKS = (MEASURES["rank"], MEASURES["yoy_rank"])
# What a place has in comparison with the others of a board, or with its whole.
COMPARED = (*RANKS, MEASURES["share"], MEASURES["gap"])


@dataclass(frozen=True, slots=True)
class Moved:
    """A figure, rank or lamp that differs: whose, what it is and would be; "—" where there is none.

    `about` is the indicator, commitment or 督办, `figure` the id that leads to its chain.
    """

    about: str
    period: str
    place: str
    measure: str
    before: str
    after: str
    figure: str = ""
    lamp_before: Lamp | None = None
    lamp_after: Lamp | None = None


@dataclass(frozen=True, slots=True)
class Packs:
    """The packs as they are and as amended."""

    before: Pack
    after: Pack
    cards: tuple[Cards, Cards] = field(compare=False, repr=False)

    @staticmethod
    def of(before: Pack, after: Pack) -> Packs:
        return Packs(before, after, (planning.cards(before), planning.cards(after)))

    def changed(self, kind: str) -> list[object]:
        """The statements of a kind that are not the same in both, as they are and as amended."""
        was, now = self.before.statements[kind], self.after.statements[kind]
        return [s for key in {*was, *now} if was.get(key) != now.get(key) for s in (was.get(key), now.get(key)) if s]

    def codes(self, kind: str) -> set[str]:
        return {str(s.code) for s in self.changed(kind)}  # type: ignore[attr-defined]

    def targets(self, indicator: str) -> list[Target]:
        """The targets of an indicator that hold a level, of either pack."""
        both = (*self.before.all("targets"), *self.after.all("targets"))
        return [t for t in both if t.indicator == indicator and t.kind == "level"]

    def needed(self, code: str) -> set[str]:
        """The cards whose facts the boards of a card read, by either pack."""
        return {n for cards in self.cards if code in cards.cards for n in cards.needed(code)}

    def reached(self) -> list[str]:
        """The codes of every card whose boards may differ, in the order of the packs."""
        cards, rules = self.codes("indicators"), self.codes("lamps")
        aimed = {str(t.indicator) for t in self.changed("targets")}  # type: ignore[attr-defined]
        found: dict[str, None] = {}
        for all_cards in reversed(self.cards):
            for card in all_cards.cards.values():
                lit = {card.lamp, *(t.lamp for t in self.targets(card.code))}
                if card.code in aimed or lit & rules or all_cards.needed(card.code) & cards:
                    found[card.code] = None
        return list(found)


Levels = dict[str, dict[str, set[Period]]]


def _known(codes: Iterable[str], pack: Pack, day: date) -> Levels:
    """Indicator → level → the periods with a value known on a day at a place of the packs' own whole."""
    tree, root = pack.places, pack.manifest.root_place
    inside = {code: place.level for code, place in tree.places.items() if tree.is_within(code, root)}
    rows = Observation.objects.filter(indicator__in=[*codes], known_from__lte=day).order_by()
    found: Levels = {}
    for code, place, start, months in rows.values_list("indicator", "place", "start", "months").distinct():
        if place in inside:
            levels = found.setdefault(code, {})
            levels.setdefault(inside[place], set()).add(Period(start // 100, start % 100, months))
    return found


def _inputs(code: str, cards: Cards) -> set[str]:
    """The observed cards a card's own value is computed from."""
    card = cards.cards.get(code)
    names = [n for n in formula_names(card.formula) if n in cards.cards] if card and card.formula else []
    return {leaf for name in names for leaf in _inputs(name, cards)} if names else {code}


def _periods(code: str, packs: Packs, known: Levels, day: date) -> set[Period]:
    """The last period at each level, and of every year with a target the year and its last period."""
    found: set[Period] = set()
    years = {Period.parse(t.period) for t in packs.targets(code)}
    for cards in packs.cards:
        inputs = _inputs(code, cards)
        for level in {name for one in inputs for name in known.get(one, {})}:
            sets = [known.get(one, {}).get(level, set()) for one in inputs]
            there = set.intersection(*sets)
            for chosen in (there, *({p for p in there if p.whole_year == year} for year in years)):
                if chosen:
                    found.add(max(chosen, key=lambda p: (p.last_day, p.months)))
    if counted := observations.latest_period(code, day):
        found.add(counted)
    return found | years


def moved(packs: Packs, day: date) -> tuple[list[Moved], list[str], list[str]]:
    """(what differs, which boards were compared, what could not be computed)."""
    codes = packs.reached()
    needed = {code: packs.needed(code) for code in codes}
    leaves = set().union(*needed.values())
    known = _known(leaves, packs.before, day)
    wanted = {code: _periods(code, packs, known, day) for code in codes}
    read = {q for chosen in wanted.values() for p in chosen for q in planning.periods_read(p)}
    raw = observations.known(leaves, read, day) if leaves else ()
    facts = Facts.of(raw)
    found: dict[tuple[str, ...], Moved] = {}
    looked, failed = [], []
    for code in codes:
        name = _name(packs, code)
        for period in sorted(wanted[code], key=lambda p: (p.last_day, p.months)):
            held = {(f.place, f.chain) for f in raw if f.period == period and f.indicator in needed[code]}
            for asked, among in _asked(code, period, held, packs):
                try:
                    old, new = (_board(p, asked, facts, day) for p in (packs.before, packs.after))
                except ValueError as error:  # Unknown, FigureError and the expression's own: each says what it found
                    failed.append(f"{name} {period.chinese}：{error}")
                    break
                city = packs.before.places.name(asked.within) if asked.within else ""
                for one in _differences(old, new, among, city):
                    found.setdefault((one.about, one.period, one.place, one.measure, one.before, one.after), one)
            looked.append(f"{name} {period.chinese}")
    return list(found.values()), looked, failed


def _name(packs: Packs, code: str) -> str:
    card = packs.after.find("indicators", code) or packs.before.find("indicators", code)
    return str(card.name) if card else code


def _asked(code: str, period: Period, held: set[tuple[str, str]], packs: Packs) -> Iterator[tuple[planning.Asked, str]]:
    """The boards of a card and period that pages show, each with words where its ranks are among others than usual."""
    tree, root = packs.before.places, packs.before.manifest.root_place
    counties = {p for p, _ in held if p in tree.places and tree.get(p).level == "county"}
    # A goal alone, without any value, may lie at a county as well.
    counties |= {t.place for t in packs.targets(code) if t.place in tree.places and tree.get(t.place).level == "county"}
    level = "city" if tree.at_level("city", root) else "county"
    for chain in ("", *sorted({c for _, c in held if c})):
        yield planning.Asked(code, period, level, chain=chain), _chain(chain, packs)
        if not counties or level == "county":
            continue
        yield planning.Asked(code, period, "county", chain=chain), _chain(chain, packs) or "（各县中）"
        for city in sorted({p for c in counties if (p := tree.parent(c))}):
            yield planning.Asked(code, period, "county", city, chain), _chain(chain, packs)


def _chain(code: str, packs: Packs) -> str:
    found = packs.before.find("chains", code) if code else None
    return f"（{found.name if found else code}）" if code else ""


def _board(pack: Pack, asked: planning.Asked, facts: Facts, day: date) -> Board | None:
    if pack.find("indicators", asked.indicator) is None:
        return None
    return planning.board_of(pack, asked, facts, day, asked.within or pack.manifest.root_place)


def _differences(old: Board | None, new: Board | None, among: str, city: str) -> Iterator[Moved]:
    """What differs on a board; `city` names the place whose counties it has. A city's total bears the city's name, so that it
    is one with its row among the cities; only there has it a rank, a share and a gap."""
    one = new or old
    if one is None:
        return
    was, now = ({r.place: r for r in (b.total, *b.rows)} if b else {} for b in (old, new))
    for place in dict.fromkeys([*now, *was]):
        whole = city if place == one.total.place else ""
        for found in _row(was.get(place), now.get(place), one, among, whole):
            if not whole or found.measure not in COMPARED:
                yield found
    a, b = (x.unallocated if x else None for x in (old, new))
    if _text(a) != _text(b):
        yield Moved(one.card.name, one.period.chinese, f"{city}未分到下一级", MEASURES["value"], _text(a), _text(b))


def _row(old: Row | None, new: Row | None, board: Board, among: str, whole: str) -> Iterator[Moved]:
    row = new or old
    assert row is not None  # one of the boards has the place
    name, period, place = board.card.name, board.period.chinese, whole or row.name
    was, now = (r.figures if r else {} for r in (old, new))
    a, b = (r.lamp if r else None for r in (old, new))
    chain = among if board.chain else ""
    if (a.code if a else "") != (b.code if b else ""):
        value = now.get("value")
        figure = value.id if value else ""
        yield Moved(name, period, place + chain, LAMP, str(a or "—"), str(b or "—"), figure, a, b)
    for measure in dict.fromkeys([*was, *now]):
        before, after = _text(was.get(measure)), _text(now.get(measure))
        if before != after:
            words = MEASURES.get(measure, measure)
            known = now.get(measure) or was.get(measure)
            # Counties are ranked within their city, and among all of them too.
            where = place + (among if words in COMPARED else chain)
            yield Moved(name, period, where, words, before, after, known.id if known and measure in now else "")


def _text(figure: Figure | None) -> str:
    return f"{figure.text} {figure.unit}".strip() if figure else "—"
