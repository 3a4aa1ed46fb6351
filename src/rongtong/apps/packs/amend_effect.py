"""What an amendment would move, before it is published: lamps, ranks and figures of the boards the papers are about.

The boards are computed twice by the ordinary queries, once under the packs as they are and once supposing the amended
ones, each for the latest period that has values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rongtong import clock
from rongtong.apps.observations import queries as observations
from rongtong.apps.packs import queries as packs
from rongtong.apps.packs.amend_queries import Laid
from rongtong.apps.planning import queries as planning
from rongtong.engine.figure import Figure
from rongtong.engine.indicator import Board, Row
from rongtong.engine.pace import Lamp
from rongtong.engine.pack.read import Pack

MEASURES = {
    "value": "数值", "yoy": "同比", "share": "占比", "rank": "位次", "yoy_rank": "增速位次", "gap": "与上级之差",
    "goal": "目标", "completion": "完成率", "baseline": "应达", "pace": "进度比",
}  # fmt: skip
RANKS = frozenset({"rank", "yoy_rank"})


@dataclass(frozen=True, slots=True)
class Moved:
    """A figure or lamp that differs: which indicator and period, whose, what it is and would be; "" where there is none."""

    indicator: str
    period: str
    place: str
    measure: str
    before: str
    after: str
    figure: str = ""
    lamp_before: Lamp | None = None
    lamp_after: Lamp | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """Everything that would move, which boards were looked at, and what could not be computed."""

    lamps: tuple[Moved, ...] = ()
    ranks: tuple[Moved, ...] = ()
    figures: tuple[Moved, ...] = ()
    boards: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        return not (self.lamps or self.ranks or self.figures or self.failed)


def effect(laid: Laid) -> Effect:
    """What moves between two packs. Nothing can be said where the amended pack cannot be read."""
    if laid.after is None:
        return Effect(failed=("修订后的规则包读不出来，先改正检查指出的问题。",))
    before, after = laid.before, laid.after
    lamps: list[Moved] = []
    ranks: list[Moved] = []
    figures: list[Moved] = []
    looked, failed = [], []
    for code in _codes(before, after):
        period = observations.latest_period(code, clock.today())
        if period is None:
            continue
        asked = planning.Asked(code, period, _level(before))
        try:
            with packs.supposing(before):
                old = planning.monitor(asked) if before.find("indicators", code) else None
            with packs.supposing(after):
                new = planning.monitor(asked)
        except ValueError as error:  # Unknown, FigureError and the expression's own: each says what it found
            card = after.find("indicators", code) or before.find("indicators", code)
            failed.append(f"{card.name if card else code}：{error}")
            continue
        looked.append(f"{new.card.name} {period.chinese}")
        for moved in _moved(old, new):
            (lamps if moved.measure == "灯" else ranks if moved.measure in _RANK_WORDS else figures).append(moved)
    return Effect(tuple(lamps), tuple(ranks), tuple(figures), tuple(looked), tuple(failed))


_RANK_WORDS = frozenset(MEASURES.get(m, m) for m in RANKS)


def _codes(before: Pack, after: Pack) -> dict[str, None]:
    """The indicators of the papers, and every other one whose card or target the amendment changes."""
    found: dict[str, None] = {}
    for pack in (after, before):
        paper = pack.find("papers", "dispatch")
        for code in (*paper.indicators, *paper.real_indicators) if paper else ():
            found[code] = None
    for kind, name in (("indicators", "code"), ("targets", "indicator")):
        for key, statement in after.statements[kind].items():
            if before.statements[kind].get(key) != statement:
                found[getattr(statement, name)] = None
    return {code: None for code in found if after.find("indicators", code)}


def _level(pack: Pack) -> str:
    return "city" if pack.places.at_level("city", pack.manifest.root_place) else "county"


def _moved(old: Board | None, new: Board) -> Iterator[Moved]:
    before = {r.place: r for r in (*old.rows, old.total)} if old else {}
    for row in (new.total, *new.rows):
        yield from _row(before.get(row.place), row, new)


def _row(old: Row | None, new: Row, board: Board) -> Iterator[Moved]:
    name, period = board.card.name, board.period.chinese
    lamps = (old.lamp if old else None), new.lamp
    if _lit(lamps[0]) != _lit(lamps[1]):
        value = new.figures.get("value")
        yield Moved(
            name, period, new.name, "灯", str(lamps[0] or "—"), str(lamps[1] or "—"), value.id if value else "", *lamps
        )
    was = old.figures if old else {}
    for measure in dict.fromkeys([*was, *new.figures]):
        a, b = was.get(measure), new.figures.get(measure)
        before, after = _text(a), _text(b)
        if before != after:
            known = b or a
            words = MEASURES.get(measure, measure)
            yield Moved(name, period, new.name, words, before, after, known.id if known else "")


def _text(figure: Figure | None) -> str:
    return f"{figure.text} {figure.unit}".strip() if figure else "—"


def _lit(lamp: Lamp | None) -> str:
    return lamp.code if lamp else ""
