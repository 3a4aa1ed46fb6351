"""A paper as a .docx in the layout of GB/T 9704-2012, the same bytes for the same paper.

Plain OOXML only, as offices use WPS, Word and LibreOffice: ordinals are written as text, lines are exactly one
grid line high, the page number is a simple field. Numbers link to their line in the tracing annex where there is one.
"""

import datetime as dt
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import count
from typing import Any

from rongtong.apps.papers.document import (
    Block,
    Box,
    Heading,
    Manual,
    Name,
    Number,
    PageBreak,
    Paper,
    Paragraph,
    Picture,
    Source,
    Table,
    Words,
    check,
    inlines,
    plain,
)
from rongtong.apps.papers.form import GBT_9704, Form, em
from rongtong.apps.papers.ooxml import blank, core_properties, element, fixed_zip, fonts, keep_end
from rongtong.apps.papers.running import add_running
from rongtong.apps.papers.tables import frame, table_element
from rongtong.apps.papers.titleline import title_lines

__all__ = ["PaperError", "chinese_date", "chinese_ordinal", "docx_bytes", "manual_texts"]

DRAFT = "草稿"
PLACEHOLDER = "（待填写）"
TRACING = "数据溯源表"
DIGITS = "零一二三四五六七八九"


class PaperError(ValueError):
    """A paper that may not be issued; the message lists every problem `check` found."""


def chinese_ordinal(number: int) -> str:
    """1 to 99 as a heading counts: 一, 十, 十一, 二十."""
    if not 0 < number < 100:
        raise ValueError(f"标题序号是{number}，应为1至99；请减少同级标题")
    tens, ones = divmod(number, 10)
    return ("" if tens < 2 else DIGITS[tens]) + ("十" if tens else "") + (DIGITS[ones] if ones else "")


def chinese_date(day: dt.date) -> str:
    """2025年7月5日: Arabic digits, no leading zero (GB/T 9704-2012, 7.3.5.3)."""
    return f"{day.year}年{day.month}月{day.day}日"


def _ordinal(level: int, number: int) -> str:
    if level == 1:
        return f"{chinese_ordinal(number)}、"
    if level == 2:
        return f"（{chinese_ordinal(number)}）"
    return f"{number}." if level == 3 else f"（{number}）"


@dataclass(slots=True)
class _Writer:
    """What one paper needs while it is written: its form, where its numbers link to, and running counters."""

    form: Form
    part: Any
    links: Mapping[tuple[str, str], str]
    ids: Iterator[int] = field(default_factory=lambda: count(1))
    headings: list[int] = field(default_factory=lambda: [0, 0, 0, 0])

    def next_id(self) -> int:
        return next(self.ids)

    def run(self, text: str, font: str | None = None, size: int | None = None, *, plain_link: bool = False) -> Any:
        """One run; `plain_link` keeps programs from painting a link blue."""
        properties = [element("w:rFonts", fonts(font, self.form.latin_font) if font else {"w:hint": "eastAsia"})]
        if plain_link:
            properties.append(element("w:color", {"w:val": "000000"}))
        if size:
            properties += [element("w:sz", {"w:val": size}), element("w:szCs", {"w:val": size})]
        if plain_link:
            properties.append(element("w:u", {"w:val": "none"}))
        return element("w:r", None, element("w:rPr", None, *properties), _text(text))

    def runs(self, words: Words, font: str | None = None, size: int | None = None) -> list[Any]:
        """Runs of typed words; a number in the tracing annex becomes a link that shows its figure id on hover."""
        made = []
        for piece in inlines(words):
            anchor = self.links.get((piece.figure, piece.text)) if isinstance(piece, Number) else None
            if isinstance(piece, Number) and anchor:
                target: dict[str, str | int] = {"w:anchor": anchor, "w:tooltip": piece.figure, "w:history": 0}
                made.append(element("w:hyperlink", target, self.run(piece.text, font, size, plain_link=True)))
            elif piece.text:
                made.append(self.run(piece.text, font, size))
        return made


def _text(text: str) -> Any:
    made = element("w:t", text=text)
    if text != text.strip():
        made.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    return made


def _paragraph(style: str, content: Iterable[Any] = (), properties: Sequence[Any] = ()) -> Any:
    """A paragraph; `properties` must come in the schema's order."""
    name = [element("w:pStyle", {"w:val": style})] if style else []
    return element("w:p", None, element("w:pPr", None, *name, *properties), *content)


def _gap(height: int, *, new_page: bool = False) -> Any:
    """A low empty paragraph (`height` twips): keeps tables apart, or carries a page break before one."""
    spacing = element("w:spacing", {"w:line": height, "w:lineRule": "exact"})
    flags = [element("w:pageBreakBefore")] if new_page else []
    return _paragraph("", (), [*flags, spacing])


def _heading(writer: _Writer, block: Heading) -> list[Any]:
    level = block.level
    writer.headings[level - 1] += 1
    writer.headings[level:] = [0] * (4 - level)
    ordinal = writer.run(_ordinal(level, writer.headings[level - 1]))
    return [_paragraph(f"Heading{level}", [ordinal, *writer.runs(block.words)])]


def _table(writer: _Writer, block: Table) -> list[Any]:
    made = []
    if plain(block.caption):
        made.append(_paragraph("Caption", writer.runs(block.caption)))
    made.append(table_element(block, writer.form, writer.runs))
    if plain(block.note):
        made.append(_paragraph("Note", writer.runs(block.note)))
    made.append(_gap(200))
    return made


def _picture(writer: _Writer, block: Picture) -> list[Any]:
    from docx.shared import Mm

    inline = writer.part.new_pic_inline(io.BytesIO(block.png), width=Mm(block.width_mm))
    number = writer.next_id()
    inline.docPr.set("id", str(number))
    inline.docPr.set("name", f"图{number}")
    inline.docPr.set("descr", plain(block.alt))
    made = [_paragraph("Figure", [element("w:r", None, element("w:drawing", None, inline))])]
    if plain(block.caption):
        keep = [element("w:keepNext", {"w:val": 0})]
        made.append(_paragraph("Caption", writer.runs(block.caption), keep))
    return made


def _manual(writer: _Writer, block: Manual) -> list[Any]:
    """An officer's paragraphs inside a content control whose tag is the section, so that they can be read back."""
    lines = [line for line in block.text.splitlines() if line.strip()] or [PLACEHOLDER]
    properties = element(
        "w:sdtPr",
        None,
        element("w:alias", {"w:val": "人工填写"}),
        element("w:tag", {"w:val": block.section}),
        element("w:id", {"w:val": writer.next_id()}),
    )
    content = element("w:sdtContent", None, *(_paragraph("Body", [writer.run(line)]) for line in lines))
    return [element("w:sdt", None, properties, content)]


def _box(writer: _Writer, block: Box) -> list[Any]:
    form, size = writer.form, writer.form.table_sizes[0]
    indent = {"w:firstLineChars": 200, "w:firstLine": size * 20}
    paragraphs = [
        _paragraph("Cell", writer.runs(item.words, None, size), [element("w:ind", indent)]) for item in block.paragraphs
    ]
    if plain(block.title):
        keep = [element("w:keepNext")]
        paragraphs.insert(0, _paragraph("Cell", writer.runs(block.title, form.strong_font, size), keep))
    made = frame([form.text_width], 4, padding=170, inner=False)
    cell = element("w:tc", None, element("w:tcPr", None, element("w:tcW", {"w:w": form.text_width, "w:type": "dxa"})))
    for paragraph in paragraphs or [_paragraph("Cell")]:
        cell.append(paragraph)
    made.append(element("w:tr", None, cell))
    return [made, _gap(200)]


def _block(writer: _Writer, block: Block) -> list[Any]:
    match block:
        case Heading():
            return _heading(writer, block)
        case Paragraph():
            return [_paragraph("Body", writer.runs(block.words))]
        case Table():
            return _table(writer, block)
        case Picture():
            return _picture(writer, block)
        case Manual():
            return _manual(writer, block)
        case Box():
            return _box(writer, block)
        case PageBreak():
            return []


def _on_new_page(elements: list[Any]) -> list[Any]:
    """The same elements, the first of them starting a page."""
    from docx.oxml.ns import qn

    first = next(elements[0].iter(qn("w:p")))
    if elements[0].tag == qn("w:tbl"):
        return [_gap(20, new_page=True), *elements]
    first.get_or_add_pPr().get_or_add_pageBreakBefore()
    return elements


def _blocks(writer: _Writer, blocks: Sequence[Block]) -> list[Any]:
    made: list[Any] = []
    breaking = False
    for block in blocks:
        elements = _block(writer, block)
        if elements and breaking:
            elements = _on_new_page(elements)
        breaking = isinstance(block, PageBreak) or (breaking and not elements)
        made += elements
    return made


def _title(writer: _Writer, title: str) -> Any:
    limit = Fraction(writer.form.text_width, writer.form.title_size * 10)
    content = []
    for index, line in enumerate(title_lines(title, limit)):
        if index:
            content.append(element("w:r", None, element("w:br")))
        content.append(writer.run(line))
    return _paragraph("Title", content)


def _front(writer: _Writer, paper: Paper) -> list[Any]:
    made = []
    if paper.number:
        made += [_paragraph("Centred", [writer.run(paper.number)]), _paragraph("")]
    made.append(_title(writer, paper.title))
    if paper.subtitle:
        made.append(_paragraph("Subtitle", [writer.run(paper.subtitle)]))
    return [*made, _paragraph("")]


def _attachment_list(writer: _Writer, titles: Sequence[Words]) -> list[Any]:
    """附件说明: a blank line below the body, indented two characters, no stop after a name (7.3.4)."""
    if not titles:
        return []
    made = [_paragraph("", (), [element("w:keepNext")])]
    character = writer.form.character
    for index, title in enumerate(titles, 1):
        hang = 400 if index == 1 else 100
        left = 600
        if len(titles) == 1:
            left, hang = 500, 300
        indent = {
            "w:leftChars": left,
            "w:left": int(character * left / 100),
            "w:hangingChars": hang,
            "w:hanging": int(character * hang / 100),
        }
        content = [writer.run("附件：")] if index == 1 else []
        if len(titles) > 1:
            content += [writer.run(f"{index}."), element("w:r", None, element("w:tab"))]
        made.append(_paragraph("", [*content, *writer.runs(title)], [element("w:keepNext"), element("w:ind", indent)]))
    return made


def _right(writer: _Writer, text: str, characters: Fraction, *, keep: bool) -> Any:
    indent = {"w:rightChars": int(characters * 100), "w:right": int(writer.form.character * characters)}
    flags = [element("w:keepNext")] if keep else []
    return _paragraph("", [writer.run(text)], [*flags, element("w:ind", indent), element("w:jc", {"w:val": "right"})])


def _signature(writer: _Writer, paper: Paper) -> list[Any]:
    """署名 centred above the date, and the date four characters from the right (7.3.5.1)."""
    date = chinese_date(paper.date)
    made = [_paragraph("", (), [element("w:keepNext")])]
    if paper.organisation:
        room = max(Fraction(0), 4 + (em(date) - em(paper.organisation)) / 2)
        made.append(_right(writer, paper.organisation, room, keep=True))
    return [*made, _right(writer, date, Fraction(4), keep=False)]


def _attached(writer: _Writer, label: str, title: Words, body: list[Any]) -> list[Any]:
    """An attachment on a page of its own: 附件N at the top left in 黑体, the title on the third line (7.3.7)."""
    made = [_paragraph("Label", [writer.run(label)]), _paragraph(""), _title(writer, plain(title)), _paragraph("")]
    return [*_on_new_page(made), *body]


def _lines(paper: Paper) -> dict[tuple[str, str, str], list[Source]]:
    """The tracing annex's lines: sources of one measure and period that came about alike stand on one line."""
    lines: dict[tuple[str, str, str], list[Source]] = {}
    for source in paper.sources:
        head, _, rest = source.figure.partition("@")
        lines.setdefault((head, rest.partition("@")[2], source.source), []).append(source)
    return lines


def _anchors(paper: Paper) -> dict[tuple[str, str], str]:
    """Bookmark of the line of the tracing annex for each (figure id, shown value)."""
    found: dict[tuple[str, str], str] = {}
    for index, sources in enumerate(_lines(paper).values(), 1):
        for source in sources:
            found.setdefault((source.figure, source.shown), f"source_{index}")
    return found


def _tracing(writer: _Writer, paper: Paper) -> list[Any]:
    """The tracing annex; each line is the target of the numbers it stands for. The id stands behind
    what it is the number of; of several places only what they share."""
    from docx.oxml.ns import qn

    def named(text: str) -> Words:
        return (Name(text),)

    rows = []
    for (head, period, origin), sources in _lines(paper).items():
        one = len(sources) == 1
        shown = sources[0].shown if one else f"{len(sources)} 个数"
        code = sources[0].figure if one else f"{head}@*@{period}"
        if sources[0].name:
            place, code = (sources[0].place, code) if one else ("各地", head)
            code = f"{place}{sources[0].name}（{code}）"
        rows.append((named(code), named(shown), named(origin)))
    table = Table(("数（编号）", "显示值", "来源"), tuple(rows), ("left", "right", "left"), (84, 18, 54))
    small = replace(writer.form, table_sizes=(writer.form.note_size,))
    made = table_element(table, small, _Writer(small, writer.part, {}).runs)
    anchors = set(writer.links.values())
    for index, row in enumerate(made.findall(qn("w:tr"))[1:], 1):
        if f"source_{index}" not in anchors:
            continue
        paragraph = next(row.iter(qn("w:p")))
        number = writer.next_id()
        paragraph.insert(1, element("w:bookmarkStart", {"w:id": number, "w:name": f"source_{index}"}))
        paragraph.append(element("w:bookmarkEnd", {"w:id": number}))
    return [made, _gap(200)]


def _attachments(writer: _Writer, paper: Paper, titles: Sequence[Words]) -> list[Any]:
    made: list[Any] = []
    for index, title in enumerate(titles, 1):
        writer.headings[:] = [0, 0, 0, 0]
        label = f"附件{index}" if len(titles) > 1 else "附件"
        if index > len(paper.attachments):
            made += _attached(writer, label, title, _tracing(writer, paper))
        elif paper.attachments[index - 1].blocks:
            made += _attached(writer, label, title, _blocks(writer, paper.attachments[index - 1].blocks))
    return made


def docx_bytes(paper: Paper, form: Form = GBT_9704) -> bytes:
    """`paper` as a .docx; equal papers give equal bytes.

    Raises PaperError with every problem when `check` finds one: a paper with a number that stands on no figure is
    not made.
    """
    from docx import Document

    problems = check(paper)
    if problems:
        raise PaperError("这份材料不能生成：\n" + "\n".join(problems))
    document = Document(io.BytesIO(blank(form)))
    writer = _Writer(form, document.part, _anchors(paper))
    titles: list[Words] = [attachment.title for attachment in paper.attachments]
    if paper.sources:
        titles.append(TRACING)
    content = [
        *_front(writer, paper),
        *keep_end(_blocks(writer, paper.blocks)),
        *_attachment_list(writer, titles),
        *_signature(writer, paper),
        *_attachments(writer, paper, titles),
    ]
    end = document.element.body.sectPr
    for made in content:
        end.addprevious(made)
    mark = "　".join(part for part in (DRAFT if paper.draft else "", paper.notice) if part)
    add_running(document, form, mark=mark, watermark=DRAFT if paper.draft else "")
    out = io.BytesIO()
    document.save(out)
    core = core_properties(paper.title, paper.organisation, paper.kind, paper.date)
    return fixed_zip(out.getvalue(), {"docProps/core.xml": core})


def manual_texts(data: bytes) -> dict[str, str]:
    """Section → text of every officer-written part of a .docx made here and perhaps edited since.

    A part left at its placeholder gives "". Raises ValueError when the bytes are not a .docx.
    """
    from docx import Document
    from docx.oxml.ns import qn

    try:
        document = Document(io.BytesIO(data))
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"这不是可以读取的 .docx 文件（{error}）；请上传本系统生成的材料另存的 .docx") from error
    texts = {}
    for control in document.element.body.iter(qn("w:sdt")):
        tag = control.find(f"{qn('w:sdtPr')}/{qn('w:tag')}")
        if tag is None:
            continue
        lines = ["".join(run.text or "" for run in p.iter(qn("w:t"))) for p in control.iter(qn("w:p"))]
        text = "\n".join(line for line in lines if line.strip())
        texts[tag.get(qn("w:val"))] = "" if text == PLACEHOLDER else text
    return texts
