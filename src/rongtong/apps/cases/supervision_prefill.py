"""What a 督办 form is filled with beforehand: from a red figure, from a commitment, and the boards that have red rows."""

from __future__ import annotations

from collections.abc import Container
from datetime import date

from rongtong import clock
from rongtong.apps.cases import queries as cases
from rongtong.apps.cases.supervision_forms import LAMPS
from rongtong.apps.observations import queries as observations
from rongtong.apps.packs import queries as packs
from rongtong.apps.planning import queries as planning
from rongtong.engine.figure import Figure, FigureError, Key
from rongtong.engine.indicator import Board, Row
from rongtong.engine.pack.model import Commitment, Indicator
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period, PeriodError
from rongtong.engine.place import PlaceError
from rongtong.engine.sentence import plain

# Working days a place has by default to put right what a red lamp shows, and to say why it is red.
DAYS, FIRST_DAYS = 10, 3
REPORT, REPLY = "报送原因和整改措施", "反馈整改结果"


class NoPrefill(ValueError):
    """Nothing can be prefilled from what was named; the message says why."""


def deadline(days: int = DAYS) -> date:
    """The day so many working days from today, by the calendar of the packs."""
    return cases.calendar().add_workdays(clock.today(), days)


def from_figure(figure_id: str) -> dict[str, str]:
    """The form for a figure: its place is responsible, its card's owner leads, its clause is the source.

    Raises NoPrefill.
    """
    pack = packs.current()
    try:
        figure, board = planning.find(figure_id)
        pack.places.get(figure.key.place)
    except (FigureError, PeriodError, PlaceError, planning.Unknown) as error:
        raise NoPrefill(str(error)) from error
    row = next((r for r in (*board.rows, board.total) if r.place == figure.key.place), None) if board else None
    return from_row(pack, planning.card(pack, figure.key.indicator), figure, row)


def from_row(pack: Pack, card: Indicator, figure: Figure, row: Row | None) -> dict[str, str]:
    """The form for one place of a board. Nothing is said of a lead the packs do not name."""
    lamp = row.lamp if row else None
    name = pack.places.name(figure.key.place)
    red = lamp is not None and lamp.code in ("red", "yellow")
    goals = [g for g in pack.all("commitments") if g.indicator == card.code]
    due = deadline()
    return {
        "title": f"{name}{card.name}（{figure.key.period.chinese}）{lamp.word if red and lamp else '进度'}整改",
        "source": "lamp" if red else "document",
        "reference": _cite(card.basis[0].document, card.basis[0].clause) if card.basis else "",
        "commitment": goals[0].id if len(goals) == 1 else "",
        "figure": figure.id,
        "place": figure.key.place,
        "responsible": f"{pack.places.get(figure.key.place).name}科技局",
        "lead": card.owner or next((g.department for g in goals if g.department), ""),
        "goal": _goal(card, figure, row, pack),
        "requirement": plain(row.sentence) if row else "",
        "milestones": f"{deadline(FIRST_DAYS)} {REPORT}\n{due} {REPLY}",
        "deadline": due.isoformat(),
        "level": "yellow" if red else "blue",
    }


def lamp_of(figure_id: str) -> str:
    """The code of the lamp a figure has now: red, yellow or green; "" for no figure or one without a lamp."""
    try:
        figure, board = planning.find(figure_id) if figure_id else (None, None)
    except (FigureError, PeriodError, PlaceError, planning.Unknown):
        return ""
    if figure is None or board is None:
        return ""
    row = next((r for r in (*board.rows, board.total) if r.place == figure.key.place), None)
    return row.lamp.code if row and row.lamp and row.lamp.code in LAMPS else ""


def _goal(card: Indicator, figure: Figure, row: Row | None, pack: Pack) -> str:
    """What would make the lamp green, in words: its pace or its growth back at the basis."""
    if row is None or row.lamp is None:
        return ""
    goal, gap = row.figures.get("goal"), row.figures.get("gap")
    if goal is not None:
        return f"{card.name}下一期完成进度不低于应有进度，全年达到{goal.text}{goal.unit}。"
    if gap is not None:
        top = pack.places.name(pack.places.parent(figure.key.place) or pack.places.root)
        return f"{card.name}下一期累计同比增速不低于{top}增速（本期相差{gap.text.removeprefix('-')}个百分点）。"
    return ""


def from_commitment(code: str, line: str = "") -> dict[str, str]:
    """The form for a commitment: its department leads, where the document names one; its clause is the source.

    Raises NoPrefill.
    """
    pack = packs.current()
    item: Commitment | None = pack.find("commitments", code)
    if item is None:
        raise NoPrefill(f"没有编号为“{code}”的承诺。编号见承诺一本账。")
    named = item.department or item.department_inferred
    return {
        "title": f"{item.name}第 {line} 项：" if line else f"{item.name}",
        "source": "document",
        "reference": _cite(item.document, item.clause),
        "commitment": f"{item.id}/{line}" if line else item.id,
        "place": pack.manifest.root_place,
        "responsible": item.department,
        "lead": item.department,
        "inferred": "" if item.department else named,
        "goal": "" if line else _required(item),
        "deadline": deadline().isoformat(),
        "level": "blue",
    }


def _cite(document: str, clause: str) -> str:
    return f"{document}#{clause}" if clause else document


def _required(item: Commitment) -> str:
    words = {"=": "达到", ">=": "不低于", ">": "高于", "<=": "不高于", "<": "低于", "~": "约"}
    if item.value is None:
        return ""
    return f"{item.name}{words.get(item.comparator, '')}{item.value}{item.unit}。"


def boards() -> tuple[Indicator, ...]:
    """The cards a board with lamps can be shown for: those with a lamp rule and values that add over places."""
    pack = packs.current()
    found = [pack.find("indicators", c) for c in observations.codes_with_values(clock.today())]
    return tuple(c for c in found if c and c.lamp and not c.measure_of and c.aggregation.place == "sum")


def behind(board: Board, seen: Container[str], *, yellow: bool = False) -> tuple[Row, ...]:
    """The red rows of a board (and the yellow ones if asked) of the places in `seen`."""
    colours = ("red", "yellow") if yellow else ("red",)
    return tuple(
        r for r in board.rows if r.lamp and r.lamp.code in colours and "value" in r.figures and r.place in seen
    )


def commitments_to_name(given: str = "") -> list[tuple[str, str]]:
    """(id, words) of the commitments to choose from, and the one given where it is a line of a list."""
    found = {c.id: f"{c.id} {c.name}" for c in packs.current().all("commitments")}
    if given and given not in found:
        code, _, line = given.partition("/")
        found[given] = f"{found.get(code, code)}，第 {line} 项" if line else given
    return list(found.items())


def figures_to_name(seen: Container[str], given: str = "") -> list[tuple[str, str]]:
    """(id, words) of the red and yellow figures of the latest periods at the places in `seen`, and the one given."""
    found: dict[str, str] = {}
    for card in boards():
        period = parse_period("", card.code)
        for level in ("city", "county"):
            found |= {
                r.figures["value"].id: _named(card, period, r) for r in lit(card, period, level, seen, yellow=True)
            }
    if given and given not in found:
        found[given] = _words_of(given)
    return list(found.items())


def lit(
    card: Indicator | None, period: Period | None, level: str, seen: Container[str], *, yellow: bool = False
) -> tuple[Row, ...]:
    """`behind` of the board of a card, period and level; none where there is no such board."""
    if card is None or period is None:
        return ()
    try:
        return behind(planning.monitor(planning.Asked(card.code, period, level)), seen, yellow=yellow)
    except (planning.Unknown, PlaceError, FigureError):
        return ()


def _named(card: Indicator, period: Period | None, row: Row) -> str:
    lamp = LAMPS[row.lamp.code] if row.lamp else ""
    return f"{row.name} {card.name} {period.chinese if period else ''} {lamp}"


def _words_of(figure_id: str) -> str:
    try:
        key = Key.parse(figure_id)
        pack = packs.current()
        return f"{pack.places.name(key.place)} {planning.card(pack, key.indicator).name} {key.period.chinese}"
    except (FigureError, PeriodError, PlaceError, planning.Unknown):
        return figure_id


def parse_period(text: str, code: str) -> Period | None:
    """The period asked for, or the last one the indicator has; None where it has none."""
    known = observations.periods_of(code, clock.today())
    try:
        asked = Period.parse(text) if text else None
    except PeriodError:
        asked = None
    return asked if asked in known else max(known, key=lambda p: (p.last_day, p.months), default=None)
