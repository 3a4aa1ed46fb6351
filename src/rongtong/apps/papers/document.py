"""A paper (公文材料) as blocks of typed words, before any layout.

Every piece of a sentence says what it is: `Text` holds words and no digit, `Name` holds digits that name something
(a period, a document number, an ordinal, the wording of a rule), and `Number` holds a shown value together with the id
of the figure it came from. `check` therefore proves, for a whole paper, that no value is printed without its
derivation. Words written by an officer (`Manual`) are that officer's own and are not checked.

Where a field takes `Words`, a bare string is read as one `Text`, so it may hold no digit either.
"""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = [
    "Attachment",
    "Box",
    "Heading",
    "Manual",
    "Name",
    "Number",
    "PageBreak",
    "Paper",
    "Paragraph",
    "Picture",
    "Source",
    "Table",
    "Text",
    "check",
    "figures",
    "inlines",
    "numbers",
    "plain",
]


@dataclass(frozen=True, slots=True)
class Text:
    """Words without any digit."""

    text: str


@dataclass(frozen=True, slots=True)
class Name:
    """Words whose digits are part of a name: 2025年1季度, 〔2025〕3号, 第2条."""

    text: str


@dataclass(frozen=True, slots=True)
class Number:
    """A shown value and the id of its figure, such as `rd_expense.yoy@330100@2025Q1`."""

    text: str
    figure: str


Inline = Text | Name | Number
Words = str | tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 to 4. Layout writes its ordinal (一、 （一） 1. （1）)."""

    level: int
    words: Words


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of running text."""

    words: Words


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    `head` holds one entry per column, with the unit; without it the table is a form and has no head row. `align` says
    left, center or right per column; left out, a column that holds a `Number` is set right and the rest left.
    `widths_mm` left out is computed from the contents. `total_rows` (from 0) are set in 黑体. `min_row_mm` leaves room
    to write in by hand.
    """

    head: tuple[Words, ...]
    rows: tuple[tuple[Words, ...], ...]
    align: tuple[str, ...] = ()
    widths_mm: tuple[int, ...] = ()
    caption: Words = ""
    note: Words = ""
    total_rows: tuple[int, ...] = ()
    min_row_mm: int = 0


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, what it shows in words (`alt`), and the numbers that can be read in it (`shown`)."""

    png: bytes
    width_mm: int
    alt: Words
    caption: Words = ""
    shown: tuple[Number, ...] = ()


@dataclass(frozen=True, slots=True)
class Manual:
    """Paragraphs written by an officer, one per line, kept under `section` when the paper is made again."""

    section: str
    text: str


@dataclass(frozen=True, slots=True)
class PageBreak:
    """The next block starts a page."""


@dataclass(frozen=True, slots=True)
class Box:
    """A framed block: definitions (口径说明) or the status of the data (数据状态)."""

    title: Words
    paragraphs: tuple[Paragraph, ...]


Block = Heading | Paragraph | Table | Picture | Manual | PageBreak | Box


@dataclass(frozen=True, slots=True)
class Attachment:
    """An attachment (附件). Without blocks it is only listed: it comes as a file of its own."""

    title: Words
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One line of the tracing annex (数据溯源): a figure, the value shown for it and where that came from.

    `place` and `name` say in words what the figure is of; without them its id does.
    """

    figure: str
    shown: str
    source: str
    place: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """A whole paper.

    `title` and `subtitle` are names: their digits may only be dates, periods and issue numbers. U+200B in the title
    marks where a line may end. `notice` (演示数据 and the like) is printed on every page, as 草稿 is while `draft`.
    """

    kind: str
    title: str
    subtitle: str
    number: str
    organisation: str
    date: dt.date
    blocks: tuple[Block, ...]
    draft: bool = True
    notice: str = ""
    attachments: tuple[Attachment, ...] = ()
    sources: tuple[Source, ...] = ()


DIGIT = re.compile(r"[0-9０-９]")
# Digits a title may hold: years, months, days, quarters, issue numbers, and ranges of them (1—6月).
TITLE_NAME = re.compile(r"(?:\d+\s*[—–\-至]\s*)?\d+(?:个?月|年|日|季度|号|期|次|批)|〔\d{4}〕")
FIGURE_ID = re.compile(r"\S+")
ALIGNMENTS = ("left", "center", "right")
TEXT_WIDTH_MM = 156
TAG_LIMIT = 64  # characters of a content control's tag


def inlines(words: Words) -> tuple[Inline, ...]:
    """The typed pieces of `words`; a bare string is one `Text`, an empty one is nothing."""
    if isinstance(words, str):
        return (Text(words),) if words else ()
    return words


def plain(words: Words) -> str:
    """What is printed for `words`, without the types."""
    return "".join(piece.text for piece in inlines(words))


def _block_words(block: Block) -> Iterator[tuple[str, Words]]:
    """Each printed stretch of words of one block with where it is, in the reader's terms."""
    match block:
        case Heading(_, words):
            yield "标题", words
        case Paragraph(words):
            yield "段落", words
        case Table():
            yield "表题", block.caption
            yield from ((f"表头第{column}列", words) for column, words in enumerate(block.head, 1))
            for row, cells in enumerate(block.rows, 1):
                yield from ((f"表第{row}行第{column}列", words) for column, words in enumerate(cells, 1))
            yield "表注", block.note
        case Picture():
            yield "图题", block.caption
            yield "图的文字说明", block.alt
            yield "图中数字", block.shown
        case Box():
            yield "框题", block.title
            yield from ((f"框内第{index}段", item.words) for index, item in enumerate(block.paragraphs, 1))
        case Manual() | PageBreak():
            return


def _places(paper: Paper) -> Iterator[tuple[str, Block]]:
    """Every block of the paper and its attachments with its address."""
    for index, block in enumerate(paper.blocks, 1):
        yield f"正文第{index}块", block
    for order, attachment in enumerate(paper.attachments, 1):
        for index, block in enumerate(attachment.blocks, 1):
            yield f"附件{order}第{index}块", block


def _pieces(paper: Paper) -> Iterator[tuple[str, Inline]]:
    """Every typed piece of the paper in reading order, with its address."""
    for place, block in _places(paper):
        for part, words in _block_words(block):
            for piece in inlines(words):
                yield f"{place}（{part}）", piece
    for order, attachment in enumerate(paper.attachments, 1):
        for piece in inlines(attachment.title):
            yield f"附件{order}标题", piece
    if paper.notice:
        yield "提示语", Text(paper.notice)


def numbers(paper: Paper) -> tuple[Number, ...]:
    """Every number of the paper in reading order, repeats kept."""
    return tuple(piece for _, piece in _pieces(paper) if isinstance(piece, Number))


def figures(paper: Paper) -> tuple[tuple[str, str], ...]:
    """(figure id, shown text) of every number, in order of first appearance, each pair once."""
    return tuple(dict.fromkeys((number.figure, number.text) for number in numbers(paper)))


def _piece_problem(place: str, piece: Inline) -> str | None:
    if isinstance(piece, Text) and DIGIT.search(piece.text):
        return f"{place}：文字“{piece.text}”含有数字；数值请写成带指标编号的 Number，名称中的数字请写成 Name"
    if isinstance(piece, Number) and not FIGURE_ID.fullmatch(piece.figure):
        return f"{place}：数字“{piece.text}”的指标编号是“{piece.figure}”，应为不含空白的指标值编号"
    return None


def _table_problems(place: str, table: Table) -> Iterator[str]:
    columns = len(table.head) or max((len(row) for row in table.rows), default=0)
    if not columns:
        yield f"{place}：表没有任何一列，应至少有表头或一行"
    for index, row in enumerate(table.rows, 1):
        if len(row) != columns:
            yield f"{place}：表第{index}行有{len(row)}格，应为{columns}格"
    for label, given in (("对齐方式", table.align), ("列宽", table.widths_mm)):
        if given and len(given) != columns:
            yield f"{place}：{label}给了{len(given)}列，应为{columns}列"
    for value in table.align:
        if value not in ALIGNMENTS:
            yield f"{place}：对齐方式“{value}”不认识，应为 left、center 或 right"
    if sum(table.widths_mm) > TEXT_WIDTH_MM:
        yield f"{place}：列宽合计{sum(table.widths_mm)}毫米，超过版心宽度{TEXT_WIDTH_MM}毫米"


def _form_problems(paper: Paper) -> Iterator[str]:
    """What is wrong with the paper's form rather than with its numbers."""
    for label, words in (("标题", paper.title), ("副标题", paper.subtitle)):
        if DIGIT.search(TITLE_NAME.sub("", words)):
            yield f"{label}“{words}”含有年月日、季度、期号以外的数字；标题中不写数值"
    sections: set[str] = set()
    for place, block in _places(paper):
        if isinstance(block, Heading) and block.level not in (1, 2, 3, 4):
            yield f"{place}：标题层级是{block.level}，应为1至4"
        if isinstance(block, Table):
            yield from _table_problems(place, block)
        if isinstance(block, Picture) and not 0 < block.width_mm <= TEXT_WIDTH_MM:
            yield f"{place}：图宽{block.width_mm}毫米，应大于0且不超过{TEXT_WIDTH_MM}毫米"
        if isinstance(block, Picture) and not plain(block.alt):
            yield f"{place}：图没有文字说明，读屏和黑白打印时无从得知内容"
        if isinstance(block, Manual):
            if not 0 < len(block.section) <= TAG_LIMIT or block.section in sections:
                yield f"{place}：人工填写段的编号“{block.section}”为空、重复或超过{TAG_LIMIT}字，重新生成时无法保留"
            sections.add(block.section)


def _source_problems(paper: Paper) -> Iterator[str]:
    """With a tracing annex every number must be in it, with the same digits."""
    if not paper.sources:
        return
    listed = {(source.figure, source.shown) for source in paper.sources}
    for figure, text in figures(paper):
        if (figure, text) not in listed:
            yield f"数据溯源：缺少“{figure}”显示为“{text}”的来源"


def check(paper: Paper) -> list[str]:
    """What keeps this paper from being issued, one sentence each; empty when every number has its figure."""
    problems = [problem for place, piece in _pieces(paper) if (problem := _piece_problem(place, piece))]
    problems.extend(_form_problems(paper))
    problems.extend(_source_problems(paper))
    return problems
