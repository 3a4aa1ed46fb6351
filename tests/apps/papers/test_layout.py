"""A paper as a .docx: the measures of GB/T 9704-2012 in the file, and on the page when a word processor is here."""

import datetime as dt
import io
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from rongtong.apps.papers.document import (
    Attachment,
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
    Text,
)
from rongtong.apps.papers.form import GBT_9704, em
from rongtong.apps.papers.layout import PaperError, chinese_date, chinese_ordinal, docx_bytes, manual_texts
from rongtong.apps.papers.tables import alignments, fit
from rongtong.apps.papers.titleline import title_lines

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
YOY = Number("+7.7", "rd.yoy@000000@2025Q1")
TABLE = Table(
    ("位次", "地区", "同比（%）"),
    (((Name("1"),), "甲", (YOY,)), ((Name("2"),), "乙", (Number("-2.8", "rd.yoy@000001@2025Q1"),))),
    caption="各地区同比",
)
PAPER = Paper(
    "调度会材料",
    "2025年一季度研发费用调度会材料",
    "（2025年1季度）",
    "",
    "某省科学技术厅",
    dt.date(2025, 7, 5),
    (Heading(1, "总体进展"), Paragraph((Text("同比增长"), YOY, Text("。"))), TABLE),
)


def with_blocks(*blocks: Block) -> Paper:
    return replace(PAPER, blocks=blocks)


def part(data: bytes, name: str) -> Any:
    from lxml import etree

    return etree.fromstring(zipfile.ZipFile(io.BytesIO(data)).read(f"word/{name}.xml"))


def paragraphs(paper: Paper) -> list[tuple[str, str]]:
    """(style, text) of every paragraph outside tables."""
    found = []
    for p in part(docx_bytes(paper), "document").iter(f"{W}p"):
        style = p.find(f"{W}pPr/{W}pStyle")
        text = "".join(t.text or "" for t in p.iter(f"{W}t"))
        found.append(("" if style is None else style.get(f"{W}val"), text))
    return found


def attributes(element: Any) -> dict[str, str]:
    return {key.removeprefix(W): value for key, value in element.attrib.items()}


def test_the_page_is_a4_with_the_standards_margins() -> None:
    section = part(docx_bytes(PAPER), "document").find(f".//{W}sectPr")
    assert attributes(section.find(f"{W}pgSz")) == {"w": "11906", "h": "16838"}
    margins = attributes(section.find(f"{W}pgMar"))
    # 37, 35, 28 and 26 mm in twips; the page number's line ends 25 mm above the edge.
    assert {k: margins[k] for k in ("top", "bottom", "left", "right")} == {
        "top": "2098",
        "bottom": "1984",
        "left": "1587",
        "right": "1474",
    }
    assert margins["footer"] == "1417"


def test_the_grid_is_22_lines_of_28_characters() -> None:
    grid = attributes(part(docx_bytes(PAPER), "document").find(f".//{W}docGrid"))
    assert grid == {"type": "linesAndChars", "linePitch": "579", "charSpace": "-842"}
    assert 22 * 579 <= GBT_9704.text_height < 23 * 579
    cell = 16 + Fraction(-842, 4096)
    assert 28 * cell <= Fraction(GBT_9704.text_width, 20) < 29 * cell


def test_body_text_is_fangsong_16_points_on_lines_of_exactly_one_grid_line() -> None:
    styles = {s.get(f"{W}styleId"): s for s in part(docx_bytes(PAPER), "styles").findall(f"{W}style")}
    normal = styles["Normal"]
    assert attributes(normal.find(f"{W}pPr/{W}spacing"))["line"] == "579"
    assert attributes(normal.find(f"{W}pPr/{W}spacing"))["lineRule"] == "exact"
    names = attributes(normal.find(f"{W}rPr/{W}rFonts"))
    assert (names["eastAsia"], names["ascii"]) == ("仿宋_GB2312", "Times New Roman")
    assert normal.find(f"{W}rPr/{W}sz").get(f"{W}val") == "32"
    assert styles["Body"].find(f"{W}pPr/{W}ind").get(f"{W}firstLineChars") == "200"
    sizes = {name: styles[name].find(f"{W}rPr/{W}sz").get(f"{W}val") for name in ("Title", "Heading1", "Footer")}
    assert sizes == {"Title": "44", "Heading1": "32", "Footer": "28"}
    chinese = [styles[f"Heading{n}"].find(f"{W}rPr/{W}rFonts").get(f"{W}eastAsia") for n in (1, 2, 3, 4)]
    assert chinese == ["黑体", "楷体_GB2312", "仿宋_GB2312", "仿宋_GB2312"]
    assert styles["Title"].find(f"{W}rPr/{W}rFonts").get(f"{W}eastAsia") == "方正小标宋简体"


def test_no_font_is_left_to_a_theme() -> None:
    data = docx_bytes(PAPER)
    archive = zipfile.ZipFile(io.BytesIO(data))
    words = [archive.read(name) for name in archive.namelist() if name.startswith("word/") and name.endswith(".xml")]
    assert not any(b"Theme=" in word for word in words)
    fonts = {f.get(f"{W}name"): f for f in part(data, "fontTable")}
    assert fonts["仿宋_GB2312"].find(f"{W}altName").get(f"{W}val") == "仿宋"


def test_headings_count_by_level_and_start_again_under_a_new_parent() -> None:
    levels = (1, 2, 2, 3, 3, 4, 4, 1, 2, 3)
    made = [t for s, t in paragraphs(with_blocks(*(Heading(n, "甲") for n in levels))) if s.startswith("Heading")]
    assert made == [
        "一、甲",
        "（一）甲",
        "（二）甲",
        "1.甲",
        "2.甲",
        "（1）甲",
        "（2）甲",
        "二、甲",
        "（一）甲",
        "1.甲",
    ]


@pytest.mark.parametrize(("number", "said"), [(1, "一"), (10, "十"), (11, "十一"), (20, "二十"), (99, "九十九")])
def test_chinese_ordinals(number: int, said: str) -> None:
    assert chinese_ordinal(number) == said


def test_the_date_has_arabic_digits_without_leading_zeros_four_characters_from_the_right() -> None:
    assert chinese_date(dt.date(2025, 7, 5)) == "2025年7月5日"
    body = part(docx_bytes(PAPER), "document")
    date = next(p for p in body.iter(f"{W}p") if "".join(t.text for t in p.iter(f"{W}t")) == "2025年7月5日")
    assert date.find(f"{W}pPr/{W}ind").get(f"{W}rightChars") == "400"
    assert date.find(f"{W}pPr/{W}jc").get(f"{W}val") == "right"


def test_the_office_stands_centred_above_the_date() -> None:
    body = part(docx_bytes(PAPER), "document")
    office = next(p for p in body.iter(f"{W}p") if "".join(t.text for t in p.iter(f"{W}t")) == "某省科学技术厅")
    right = int(office.find(f"{W}pPr/{W}ind").get(f"{W}rightChars"))
    # 7 characters above 6 half digits and 3 characters: half a character less room on each side.
    assert right == 400 + 100 * (em("2025年7月5日") - 7) / 2


@pytest.mark.parametrize(
    ("last", "held"),
    [
        (Paragraph("正文。"), ["正文。"]),
        (Manual("ask", "甲\n乙"), ["乙"]),
        (TABLE, ["1", "甲", "+7.7", "2", "乙", "-2.8", ""]),
    ],
    ids=["paragraph", "manual", "table"],
)
def test_the_signature_stands_on_one_page_with_the_end_of_the_text(last: Block, held: list[str]) -> None:
    attached = Attachment("甲表", (Paragraph("附。"),))
    body = part(docx_bytes(replace(PAPER, blocks=(Paragraph("前。"), last), attachments=(attached,))), "document")
    kept = ["".join(t.text or "" for t in p.iter(f"{W}t")) for p in body.iter(f"{W}p") if _kept(p)]
    assert kept[: kept.index(PAPER.organisation) + 1] == [*held, "", "附件：甲表", "", PAPER.organisation]


def _kept(paragraph: Any) -> bool:
    """Whether a paragraph of the text itself says that it stays with the next."""
    style = paragraph.find(f"{W}pPr/{W}pStyle")
    own = style is None or style.get(f"{W}val") in ("Body", "Cell")
    return own and paragraph.find(f"{W}pPr/{W}keepNext") is not None


def test_page_numbers_stand_outside_right_on_odd_and_left_on_even_pages() -> None:
    data = docx_bytes(PAPER)
    assert part(data, "settings").find(f"{W}evenAndOddHeaders") is not None
    feet = {}
    for name in (n for n in zipfile.ZipFile(io.BytesIO(data)).namelist() if "footer" in n and "rels" not in n):
        foot = part(data, name.removeprefix("word/").removesuffix(".xml"))
        text = "".join(t.text or "" for t in foot.iter(f"{W}t"))
        assert foot.find(f".//{W}fldSimple").get(f"{W}instr").strip() == "PAGE"
        feet[foot.find(f".//{W}jc").get(f"{W}val")] = text
    assert feet == {"right": "— 1 —", "left": "— 1 —"}


def headers(paper: Paper) -> list[tuple[str, str]]:
    """(words, watermark) of each header."""
    data = docx_bytes(paper)
    found = []
    for name in zipfile.ZipFile(io.BytesIO(data)).namelist():
        if re.match(r"word/header\d", name):
            header = part(data, name.removeprefix("word/").removesuffix(".xml"))
            words = "".join(t.text or "" for t in header.iter(f"{W}t"))
            marks = [e.get("string") for e in header.iter("{urn:schemas-microsoft-com:vml}textpath") if e.get("string")]
            found.append((words, "".join(marks)))
    return found


def test_a_draft_says_so_on_every_page_until_it_is_released() -> None:
    assert headers(replace(PAPER, notice="演示数据")) == [("草稿　演示数据", "草稿")] * 2
    assert headers(replace(PAPER, notice="演示数据", draft=False)) == [("演示数据", "")] * 2
    assert headers(replace(PAPER, draft=False)) == []


def test_a_paper_with_a_number_on_no_figure_is_not_made() -> None:
    with pytest.raises(PaperError, match=r"增长7\.7%"):
        docx_bytes(with_blocks(Paragraph("增长7.7%")))


def test_the_same_paper_gives_the_same_bytes_dated_as_the_paper() -> None:
    data = docx_bytes(PAPER)
    assert data == docx_bytes(replace(PAPER))
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert b"2025-07-05T00:00:00Z" in archive.read("docProps/core.xml")


def test_a_tables_head_is_repeated_and_no_row_breaks() -> None:
    table = part(docx_bytes(PAPER), "document").find(f".//{W}tbl")
    rows = table.findall(f"{W}tr")
    assert [row.find(f"{W}trPr/{W}tblHeader") is not None for row in rows] == [True, False, False]
    assert all(row.find(f"{W}trPr/{W}cantSplit") is not None for row in rows)
    assert [jc.get(f"{W}val") for jc in rows[1].iter(f"{W}jc")] == ["center", "left", "right"]
    widths = [int(column.get(f"{W}w")) for column in table.iter(f"{W}gridCol")]
    assert sum(widths) == GBT_9704.text_width


def test_a_table_takes_the_largest_size_at_which_no_number_breaks() -> None:
    def wide(columns: int) -> Table:
        return Table(("值",) * columns, (tuple((Number("12345.67", "a"),) for _ in range(columns)),))

    assert [fit(wide(n), GBT_9704)[0] for n in (3, 6, 7, 9)] == [24, 24, 21, 18]
    for columns in (3, 6, 7, 9):
        size, widths = fit(wide(columns), GBT_9704)
        assert sum(widths) == GBT_9704.text_width
        assert min(widths) >= em("12345.67") * size * 10
    assert alignments(TABLE) == ("center", "left", "right")


def test_crowded_columns_break_running_words_and_no_number_code_or_name_of_a_place() -> None:
    words = "全社会科技创新投入按资金来源和执行主体两个角度的合计与各部分之差" * 2
    row = ((Name("T050"),), "杭州", words, words, words, (Name("升 2"),), (Name("2.4.1"),))
    table = Table(("编号", "地方", "任务", "要求", "责任单位", "变化", "条款"), (row,) * 3, align=("left",) * 7)
    size, widths = fit(table, GBT_9704)
    room = [width - 2 * 57 for width in widths]
    for column in (0, 1, 5, 6):
        assert room[column] >= em("".join(i if isinstance(i, str) else i.text for i in row[column])) * size * 10 + 20
    assert sum(widths) == GBT_9704.text_width


def test_a_unit_in_a_head_goes_to_a_line_of_its_own_instead_of_breaking_inside_the_bracket() -> None:
    table = replace(TABLE, head=("位次", "地区", "规模以上工业研发费用（百分点）"), widths_mm=(20, 60, 40))
    head = part(docx_bytes(with_blocks(table)), "document").find(f".//{W}tr").findall(f"{W}tc")[2]
    runs = [run.find(f"{W}br") is not None or run.findtext(f"{W}t") for run in head.iter(f"{W}r")]
    assert runs == ["规模以上工业研发费用", True, "（百分点）"]


def test_a_total_row_is_set_in_heiti() -> None:
    table = part(docx_bytes(with_blocks(replace(TABLE, total_rows=(1,)))), "document").find(f".//{W}tbl")
    fonts = [{f.get(f"{W}eastAsia") for f in row.iter(f"{W}rFonts")} for row in table.findall(f"{W}tr")]
    assert fonts == [{"黑体"}, {None}, {"黑体"}]


def test_what_an_officer_wrote_is_read_back_from_the_file() -> None:
    data = docx_bytes(with_blocks(Manual("problems", "一是偏慢，下降3.5%。\n二是不均。"), Manual("requests", "")))
    assert manual_texts(data) == {"problems": "一是偏慢，下降3.5%。\n二是不均。", "requests": ""}
    with pytest.raises(ValueError, match=r"不是可以读取的 \.docx"):
        manual_texts(b"not a file")


def test_each_traced_number_links_to_its_line_in_the_annex_and_shows_its_id() -> None:
    other = Number("-2.8", "rd.yoy@000001@2025Q1")
    sources = (Source(YOY.figure, YOY.text, "统计公报表3"), Source(other.figure, other.text, "统计公报表4"))
    body = part(docx_bytes(replace(PAPER, sources=sources)), "document")
    links = [attributes(link) for link in body.iter(f"{W}hyperlink")]
    marks = [mark.get(f"{W}name") for mark in body.iter(f"{W}bookmarkStart")]
    assert [(link["anchor"], link["tooltip"]) for link in links] == [
        ("source_1", YOY.figure),
        ("source_1", YOY.figure),
        ("source_2", other.figure),
    ]
    assert marks == ["source_1", "source_2"]
    texts = [text for _, text in paragraphs(replace(PAPER, sources=sources))]
    assert "附件：数据溯源表" in texts
    assert texts.index("附件") < texts.index("数据溯源表") < texts.index(YOY.figure)


def test_places_whose_figures_came_about_alike_share_one_line_of_the_annex() -> None:
    other = Number("-2.8", "rd.yoy@000001@2025Q1")
    sources = tuple(Source(n.figure, n.text, "统计公报表3") for n in (YOY, other))
    texts = [text for _, text in paragraphs(replace(PAPER, sources=sources))]
    assert "rd.yoy@*@2025Q1" in texts
    assert "2 个数" in texts
    links = [
        attributes(link) for link in part(docx_bytes(replace(PAPER, sources=sources)), "document").iter(f"{W}hyperlink")
    ]
    assert {(link["anchor"], link["tooltip"]) for link in links} == {
        ("source_1", YOY.figure),
        ("source_1", other.figure),
    }


def test_the_annex_says_in_words_what_each_number_is_with_its_id_in_brackets() -> None:
    others = ("rd.share@000000@2025Q1", "rd.share@000001@2025Q1")
    sources = (
        Source(YOY.figure, YOY.text, "统计公报表3", "某省", "2025年一季度研发费用同比"),
        *(Source(i, "1", "算", f"{n}市", "2025年一季度研发费用占比") for n, i in enumerate(others, 1)),
    )
    blocks = tuple(Paragraph((Number("1", i),)) for i in others)
    texts = [text for _, text in paragraphs(replace(PAPER, blocks=(*PAPER.blocks[:2], *blocks), sources=sources))]
    assert f"某省2025年一季度研发费用同比（{YOY.figure}）" in texts
    assert "各地2025年一季度研发费用占比（rd.share）" in texts


def test_attachments_are_numbered_from_two_on_and_start_a_page() -> None:
    given = replace(PAPER, attachments=(Attachment("县级情况", (Heading(1, "县级"),)), Attachment("名词解释")))
    texts = [text for _, text in paragraphs(given)]
    assert [t for t in texts if t.startswith(("附件", "2."))] == ["附件：1.县级情况", "2.名词解释", "附件1"]
    assert texts[-1] == "一、县级"
    label = next(p for p in part(docx_bytes(given), "document").iter(f"{W}p") if "附件1" in "".join(p.itertext()))
    assert label.find(f"{W}pPr/{W}pageBreakBefore") is not None


def test_a_picture_carries_its_words_and_a_break_starts_a_page_even_before_a_table() -> None:
    pixel = bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
        "0000000a49444154789c636000000002000148afa4710000000049454e44ae426082"
    )
    body = part(
        docx_bytes(with_blocks(Picture(pixel, 120, "甲高乙低"), PageBreak(), replace(TABLE, caption=""))), "document"
    )
    drawn = next(e for e in body.iter() if e.tag.endswith("}docPr"))
    extent = next(e for e in body.iter() if e.tag.endswith("}extent"))
    assert drawn.get("descr") == "甲高乙低"
    assert extent.get("cx") == str(120 * 36000)
    assert body.find(f".//{W}tbl").getprevious().find(f"{W}pPr/{W}pageBreakBefore") is not None


def test_a_box_holds_its_title_and_paragraphs_in_one_frame() -> None:
    body = part(docx_bytes(with_blocks(Box("口径", (Paragraph("甲。"), Paragraph("乙。"))))), "document")
    assert ["".join(p.itertext()) for p in body.find(f".//{W}tbl").iter(f"{W}p")] == ["口径", "甲。", "乙。"]


def test_a_unit_with_its_own_variant_gives_another_form() -> None:
    data = docx_bytes(PAPER, replace(GBT_9704, bottom_mm=30, lines=21, body_font="仿宋"))
    # 230 mm of type area over 21 lines.
    assert attributes(part(data, "document").find(f".//{W}docGrid"))["linePitch"] == "620"
    normal = part(data, "styles").find(f"{W}style")
    assert normal.find(f"{W}rPr/{W}rFonts").get(f"{W}eastAsia") == "仿宋"


LIMIT = Fraction(GBT_9704.text_width, GBT_9704.title_size * 10)


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        ("督办单", ("督办单",)),
        ("2025年一季度全省规上工业研发费用调度会材料", ("2025年一季度全省规上工业", "研发费用调度会材料")),
        (
            "甲甲甲甲\u200b乙乙乙乙乙乙乙乙乙\u200b丙丙丙丙丙丙丙丙丙",
            ("甲甲甲甲乙乙乙乙乙乙乙乙乙", "丙丙丙丙丙丙丙丙丙"),
        ),
    ],
)
def test_a_title_breaks_between_words(title: str, lines: tuple[str, ...]) -> None:
    assert title_lines(title, LIMIT) == lines


def test_a_long_title_is_a_trapezoid_or_a_diamond_and_never_an_hourglass() -> None:
    lines = title_lines("2025年1—6月全省科技创新体系建设工程重点指标运行分析与全年研判和下一步工作建议报告", LIMIT)
    widths = [em(line) for line in lines]
    assert all(width <= LIMIT for width in widths)
    assert len(set(widths)) == len(widths)
    assert not any(a > b < c for a, b, c in zip(widths, widths[1:], widths[2:], strict=False))
    assert not any(line.startswith(("，", "、", "的", "》", "月", "年")) for line in lines)


TOOLS = [tool for tool in ("soffice", "pdftotext") if shutil.which(tool) is None]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Words with their boxes, as LibreOffice sets three pages of nothing but characters."""
    if TOOLS:
        pytest.skip(f"{' and '.join(TOOLS)} not installed: apt-get install libreoffice-writer-nogui poppler-utils")
    folder: Path = tmp_path_factory.mktemp("paper")
    (folder / "full.docx").write_bytes(docx_bytes(with_blocks(*(Paragraph("国" * 28 * 60),))))
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    convert = [
        "soffice",
        "--headless",
        profile,
        "--convert-to",
        "pdf",
        "--outdir",
        str(folder),
        str(folder / "full.docx"),
    ]
    subprocess.run(convert, check=True, capture_output=True, timeout=180)
    words = subprocess.run(
        ["pdftotext", "-bbox", str(folder / "full.pdf"), "-"], check=True, capture_output=True, timeout=60
    )
    return words.stdout.decode()


def test_a_full_page_holds_22_lines_of_28_characters_inside_the_margins(rendered: str) -> None:
    page = rendered.split("<page ")[2]
    found = re.findall(r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">(国+)</word>', page)
    lines: dict[str, int] = {}
    for _, top, _, _, text in found:
        lines[top] = lines.get(top, 0) + len(text)
    assert len(lines) == 22
    assert set(lines.values()) == {28}
    point = 72 / 25.4
    assert min(float(word[0]) for word in found) >= 28 * point - 1
    assert max(float(word[2]) for word in found) <= (210 - 26) * point + 1
    assert min(float(word[1]) for word in found) >= 37 * point - 1
    assert max(float(word[3]) for word in found) <= (297 - 35) * point + 6  # the last line's leading, at most
