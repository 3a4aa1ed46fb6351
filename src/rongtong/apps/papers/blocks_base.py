"""What every block of a paper starts from: the paper being made, its boards, and words typed piece by piece."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from rongtong.apps.observations import queries as observations
from rongtong.apps.papers.document import Inline, Name, Number, Text, Words
from rongtong.apps.planning import queries
from rongtong.engine import sentence
from rongtong.engine.figure import Figure
from rongtong.engine.indicator import Board, Row
from rongtong.engine.pack.model import Indicator
from rongtong.engine.pack.plan import PaperWording
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period
from rongtong.engine.place import LEVEL_NAMES
from rongtong.engine.sentence import WHOLE

NONE = "—"
UNREPORTED = "未报"
DEMO = "演示数据，不是公布数。"
# A published figure older than this (months before the paper's period ends) is not put in as the latest.
RECENT_MONTHS = 12
_WIDE = str.maketrans(",;:()?!", "，；：（）？!")
# Commas and colons inside numbers, times and codes stay.
_MARK = re.compile(r"[;()?!]|(?<![\x00-\x7f])[,:]|[,:](?![\x00-\x7f])")


def wide(text: str) -> str:
    """Punctuation of running Chinese text in full width; within codes, numbers and dates it stays."""
    if not any(c.isdigit() for c in text):
        return text.translate(_WIDE)
    if text.isascii():
        return text
    return _MARK.sub(lambda match: match.group().translate(_WIDE), text)


def say(text: str) -> tuple[Inline, ...]:
    """Plain words, or a name where they hold a digit."""
    shown = wide(text)
    if not shown:
        return ()
    return (Name(shown),) if any(c.isdigit() for c in shown) else (Text(shown),)


def join(*parts: Words | Iterable[Inline]) -> tuple[Inline, ...]:
    """Words after one another."""
    out: list[Inline] = []
    for part in parts:
        out += say(part) if isinstance(part, str) else part
    return tuple(out)


def listed(items: Iterable[tuple[Inline, ...]], between: str = "、") -> tuple[Inline, ...]:
    """Items with a mark between them."""
    out: list[Inline] = []
    for item in items:
        out += [Text(between), *item] if out else item
    return tuple(out)


def trimmed(
    head: Sequence[Words], rows: Sequence[Sequence[Words]]
) -> tuple[tuple[Words, ...], list[tuple[Words, ...]]]:
    """A table without the columns of which no row knows anything; the first column stays."""
    keep = [i for i in range(len(head)) if not i or any(row[i] != (Text(NONE),) for row in rows)]
    return tuple(head[i] for i in keep), [tuple(row[i] for i in keep) for row in rows]


def synthetic(board: Board) -> bool:
    return any(f.status == "synthetic" for f in board.figures().values())


def reported(board: Board) -> bool:
    """Whether anything is known on the board."""
    return any("value" in row.figures for row in (*board.rows, board.total))


@dataclass
class Context:
    """A paper being made. `shown` gathers every figure that is printed, by id."""

    pack: Pack
    wording: PaperWording
    file: str
    period: Period
    as_of: date
    asked_as_of: date | None = None
    place: str = ""
    use: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)
    shown: dict[str, Figure] = field(default_factory=dict)
    in_annex: bool = False

    @property
    def top(self) -> str:
        return self.pack.manifest.root_place

    @property
    def level(self) -> str:
        """The level of the places the paper compares: city, or county where the whole is a city itself."""
        return "city" if self.pack.places.at_level("city", self.top) else "county"

    @property
    def below(self) -> str:
        """That level in words: 市, 县(市、区)."""
        return "市" if self.level == "city" else LEVEL_NAMES[self.level]

    @property
    def whole(self) -> str:
        """全省, 全市…"""
        return WHOLE[self.pack.places.get(self.top).level]

    @property
    def brief(self) -> bool:
        """A paper of a few pages whose long tables go to its annex."""
        return self.wording.code == "dispatch" and not self.in_annex

    def card(self, code: str) -> Indicator:
        return queries.card(self.pack, code)

    def board(self, code: str, period: Period) -> Board:
        return queries.monitor(queries.Asked(code, period, self.level, as_of=self.asked_as_of))

    @cached_property
    def planned(self) -> tuple[Board, ...]:
        """The paper's indicators for its period, as far as anything is known of them."""
        return tuple(b for b in (self.board(code, self.period) for code in self.wording.indicators) if reported(b))

    @cached_property
    def unreported(self) -> tuple[Indicator, ...]:
        """The paper's indicators of which nothing is known for its period."""
        known = {b.card.code for b in self.planned}
        return tuple(self.card(code) for code in self.wording.indicators if code not in known)

    @cached_property
    def published(self) -> tuple[Board, ...]:
        """The accompanying published indicators, each for the latest period for which the whole has a value."""
        found = []
        for code in self.wording.real_indicators:
            if self.card(code).measure_of is None and code not in self.wording.indicators:
                board = self._latest(code)
                if board is not None:
                    found.append(board)
        return tuple(found)

    @property
    def boards(self) -> tuple[Board, ...]:
        """Published ones first."""
        return (*self.published, *self.planned)

    def recent(self, code: str) -> Iterator[Period]:
        """The periods an indicator has values for, latest first, none after the paper's nor too long before it."""
        end = self.period.year * 12 + self.period.month + self.period.months
        for period in sorted(observations.periods_of(code, self.as_of), key=lambda p: (p.last_day, p.months))[::-1]:
            last = period.year * 12 + period.month + period.months
            if last <= end and end - last <= RECENT_MONTHS:
                yield period

    def _latest(self, code: str) -> Board | None:
        for period in self.recent(code):
            board = self.board(code, period)
            if "value" in board.total.figures:
                return board
        return None

    def companion(self, board: Board, measure: str) -> Board | None:
        """The board of the card that publishes a measure of this board's card, if the paper names it."""
        for code in self.wording.real_indicators:
            of = self.card(code).measure_of
            if of and (of.indicator, of.measure) == (board.card.code, measure):
                found = self.board(code, board.period)
                return found if reported(found) else None
        return None

    def number(self, figure: Figure, *, absolute: bool = False) -> Number:
        """A figure as printed."""
        self.shown[figure.id] = figure
        return Number(figure.text.lstrip("-") if absolute else figure.text, figure.id)

    def cell(self, figure: Figure | None, missing: str = NONE) -> Words:
        return (self.number(figure),) if figure else (Text(missing),)

    def fill(self, template_name: str, figures: Mapping[str, Figure], **given: str) -> tuple[Inline, ...]:
        """A sentence of the pack's, or the usual one, filled. Raises queries.Unknown naming the file when it is wrong."""
        template = self.wording.sentences.get(template_name) or sentence.PATTERNS[template_name]
        try:
            pieces = sentence.fill(template, figures, given)
        except sentence.TemplateError as error:
            raise queries.Unknown(f"{self.file}:sentences.{template_name}:{error}") from error
        out: list[Inline] = []
        for piece in pieces:
            if piece.figure:
                figure = next(f for f in figures.values() if f.id == piece.figure)
                out.append(self.number(figure, absolute=piece.text != figure.text))
            else:
                out += say(piece.text)
        return tuple(out)

    def row_sentence(self, name: str, board: Board, row: Row, extra: Mapping[str, Figure] | None = None) -> Words:
        """A sentence of the pack's about one place of a board."""
        return self.fill(
            name,
            {**row.figures, **(extra or {})},
            period=board.period.chinese,
            place=row.name,
            name=board.card.name,
            whole=self.whole,
            unit=board.card.unit,
            tied="并列" if row.tied else "居",
        )

    def origin(self, board: Board) -> tuple[Inline, ...]:
        """演示数据, or the release the board's values come from."""
        if synthetic(board):
            return say(DEMO)
        return say(f"来源：{'、'.join(releases(board.figures().values())) or '见数据溯源表'}。")

    def title(self, board: Board) -> tuple[Inline, ...]:
        """Indicator, period and whether it is real, as a caption."""
        return say(f"{board.card.name}（{board.period.chinese}，{'演示数据' if synthetic(board) else '公布数'}）")


def releases(figures: Iterable[Figure]) -> tuple[str, ...]:
    """The releases the figures were observed in, each once, without index numbers."""
    found: dict[str, None] = {}
    for figure in figures:
        for part in figure.walk():
            for cite in part.cites:
                if cite.release and part.operation == "observed" and part.status != "synthetic":
                    found[re.sub(r"[(（]索引号[^)）]*[)）]", "", cite.release)] = None
    return tuple(found)


def by_growth(rows: Iterable[Row]) -> list[Row]:
    """Rows with a growth, best first; ties in order of place."""
    known = [r for r in rows if "yoy_rank" in r.figures]
    return sorted(known, key=lambda r: (r.figures["yoy_rank"].number, r.place))
