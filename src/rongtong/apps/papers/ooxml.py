"""The file format under a paper: a blank package with our styles, elements, and bytes that do not depend on the clock.

The package is written here instead of taken from python-docx's template, which carries 880 kB of Latin styles whose
theme fonts override ours.
"""

import datetime as dt
import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from rongtong.apps.papers.form import FONT_ALTERNATIVES, Form, twips
from rongtong.cells import xml_text

__all__ = ["blank", "element", "fixed_zip", "fonts", "keep_end"]

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml"
RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
ZIP_TIME = (1980, 1, 1, 0, 0, 0)

LONG = 280  # characters of half a page
LAST_ROWS = 2  # of a table that ends a text: they go with the signature
PARTS = ("styles", "settings", "fontTable")


def fixed_zip(data: bytes, replace: Mapping[str, bytes] | None = None) -> bytes:
    """The zip container `data` with the same entries in the same order, fixed times, and `replace`d contents."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o600 << 16
            target.writestr(entry, (replace or {}).get(name, source.read(name)))
    return out.getvalue()


def core_properties(title: str, author: str, kind: str, day: dt.date) -> bytes:
    """docProps/core.xml whose times are the paper's own date."""
    stamp = f"{day.isoformat()}T00:00:00Z"
    return (
        HEAD + '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{escape(xml_text(title))}</dc:title><dc:creator>{escape(xml_text(author))}</dc:creator>"
        f"<cp:category>{escape(xml_text(kind))}</cp:category><dc:language>zh-CN</dc:language>"
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{stamp}</dcterms:created>'
        f'<dcterms:modified xsi:type="dcterms:W3CDTF">{stamp}</dcterms:modified></cp:coreProperties>'
    ).encode()


def element(tag: str, attributes: Mapping[str, str | int] | None = None, *children: Any, text: str = "") -> Any:
    """A `w:` element such as `element("w:jc", {"w:val": "center"})`, with children and text."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    made = OxmlElement(tag)
    for name, value in (attributes or {}).items():
        made.set(qn(name), str(value))
    for child in children:
        made.append(child)
    if text:
        made.text = xml_text(text)
    return made


def keep_end(body: Sequence[Any]) -> Sequence[Any]:
    """The same elements, their end on one page with what follows: the last paragraph, or the last rows of a table.

    LibreOffice moves such a paragraph whole, so one of more than half a page is left alone.
    """
    from docx.oxml.ns import qn

    for made in reversed(body):
        rows = made.findall(qn("w:tr"))[-LAST_ROWS:]
        paragraphs = [p for row in rows for p in row.iter(qn("w:p"))] or list(made.iter(qn("w:p")))[-1:]
        text = "".join(t.text or "" for p in paragraphs for t in p.iter(qn("w:t")))
        for paragraph in paragraphs if rows or len(text) <= LONG else ():
            paragraph.get_or_add_pPr().get_or_add_keepNext().val = True
        if text:
            break
    return body


def fonts(chinese: str, latin: str) -> dict[str, str]:
    """Attributes of `w:rFonts` that leave no script to a theme; the hint sends “”—… to the Chinese font."""
    return {"w:ascii": latin, "w:hAnsi": latin, "w:eastAsia": chinese, "w:cs": latin, "w:hint": "eastAsia"}


def _run_properties(chinese: str, latin: str, size: int, tracking: int = 0) -> str:
    given = " ".join(f"{name}={quoteattr(value)}" for name, value in fonts(chinese, latin).items())
    sizes = f'<w:sz w:val="{size}"/><w:szCs w:val="{size}"/>'
    return f'<w:rPr><w:rFonts {given}/><w:spacing w:val="{tracking}"/>{sizes}</w:rPr>'


def _style(style: str, name: str, properties: str, run: str = "", *, based: str = "Normal") -> str:
    default = ' w:default="1"' if style == "Normal" else ""
    parent = f'<w:basedOn w:val="{based}"/>' if style != "Normal" else ""
    return (
        f'<w:style w:type="paragraph"{default} w:styleId="{style}"><w:name w:val="{name}"/>{parent}'
        f"<w:qFormat/><w:pPr>{properties}</w:pPr>{run}</w:style>"
    )


def _styles(form: Form) -> str:
    """Paragraph styles that give 22 lines of 28 characters without relying on a program's own idea of the grid.

    The document grid is declared, and yet no paragraph snaps to it: LibreOffice gives a character wider than its cell
    two cells, 14 to the line. Exact line height and letter spacing need no snapping.
    """
    grid = f'<w:spacing w:before="0" w:after="0" w:line="{form.line_pitch}" w:lineRule="exact"/>'
    loose = '<w:spacing w:before="0" w:after="0" w:line="240" w:lineRule="auto"/>'
    indent = f'<w:ind w:firstLineChars="200" w:firstLine="{int(form.character * 2)}"/>'
    free = '<w:snapToGrid w:val="0"/>'

    def run(chinese: str, size: int) -> str:
        return _run_properties(chinese, form.latin_font, size, form.tracking if size == form.body_size else 0)

    normal = (
        '<w:widowControl w:val="0"/><w:kinsoku/><w:overflowPunct/><w:autoSpaceDE w:val="0"/>'
        f'<w:autoSpaceDN w:val="0"/>{free}{grid}<w:jc w:val="both"/>'
    )
    items = [
        _style("Normal", "Normal", normal, run(form.body_font, form.body_size)),
        _style("Body", "公文正文", indent),
        _style("Title", "Title", '<w:keepNext/><w:jc w:val="center"/>', run(form.title_font, form.title_size)),
        _style("Subtitle", "Subtitle", '<w:jc w:val="center"/>', run(form.subtitle_font, form.body_size)),
        _style("Centred", "公文居中", '<w:jc w:val="center"/>'),
        _style("Label", "附件标识", "<w:keepNext/>", run(form.strong_font, form.body_size)),
        _style("Cell", "表格文字", f"{loose}", run(form.table_font, form.table_sizes[0])),
        _style(
            "Caption",
            "caption",
            '<w:keepNext/><w:spacing w:before="120" w:after="60" w:line="240" w:lineRule="auto"/>'
            '<w:jc w:val="center"/>',
            run(form.strong_font, form.table_sizes[0]),
        ),
        _style("Note", "表注", f"{loose}", run(form.table_font, form.note_size)),
        _style("Figure", "图", f'<w:keepNext/>{loose}<w:jc w:val="center"/>'),
        _style("Header", "header", f'{loose}<w:jc w:val="right"/>', run(form.strong_font, form.note_size)),
        _style("Footer", "footer", f"{loose}", run(form.page_number_font, form.page_number_size)),
    ]
    for level, chinese in enumerate(form.level_fonts, 1):
        outline = f'<w:keepNext/>{indent}<w:outlineLvl w:val="{level - 1}"/>'
        items.append(_style(f"Heading{level}", f"heading {level}", outline, run(chinese, form.body_size)))
    defaults = _run_properties(form.body_font, form.latin_font, form.body_size).replace(
        "</w:rPr>", '<w:lang w:val="en-US" w:eastAsia="zh-CN" w:bidi="ar-SA"/></w:rPr>'
    )
    return (
        f'{HEAD}<w:styles xmlns:w="{W}"><w:docDefaults><w:rPrDefault>{defaults}</w:rPrDefault>'
        f"<w:pPrDefault/></w:docDefaults>{''.join(items)}</w:styles>"
    )


def _settings() -> str:
    """No compression of punctuation: it would put more than 28 characters on a line."""
    return (
        f'{HEAD}<w:settings xmlns:w="{W}"><w:zoom w:percent="100"/><w:bordersDoNotSurroundHeader/>'
        '<w:bordersDoNotSurroundFooter/><w:defaultTabStop w:val="420"/><w:evenAndOddHeaders/>'
        '<w:drawingGridVerticalSpacing w:val="156"/><w:characterSpacingControl w:val="doNotCompress"/><w:compat>'
        '<w:useFELayout/><w:compatSetting w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word"'
        ' w:val="15"/></w:compat><w:themeFontLang w:val="en-US" w:eastAsia="zh-CN"/></w:settings>'
    )


def _font_table(form: Form) -> str:
    """Every named Chinese font with the name it goes by elsewhere, so that a machine without it falls back well."""
    named = dict.fromkeys(
        (form.body_font, form.title_font, *form.level_fonts, form.table_font, form.strong_font, form.page_number_font)
    )
    rows = "".join(
        f"<w:font w:name={quoteattr(name)}>"
        + (f"<w:altName w:val={quoteattr(FONT_ALTERNATIVES[name])}/>" if name in FONT_ALTERNATIVES else "")
        + '<w:charset w:val="86"/><w:family w:val="auto"/><w:pitch w:val="default"/></w:font>'
        for name in named
    )
    latin = f'<w:font w:name={quoteattr(form.latin_font)}><w:family w:val="roman"/><w:pitch w:val="variable"/></w:font>'
    return f'{HEAD}<w:fonts xmlns:w="{W}">{rows}{latin}</w:fonts>'


def _document(form: Form) -> str:
    """An empty body with the page: the number line stands 7 mm below the type area (GB/T 9704-2012, 7.5)."""
    size = f'<w:pgSz w:w="{twips(form.page_mm[0])}" w:h="{twips(form.page_mm[1])}"/>'
    margins = (
        f'<w:pgMar w:top="{twips(form.top_mm)}" w:right="{twips(form.right_mm)}" w:bottom="{twips(form.bottom_mm)}"'
        f' w:left="{twips(form.left_mm)}" w:header="{twips(20)}" w:footer="{twips(form.bottom_mm - 10)}"'
        ' w:gutter="0"/>'
    )
    grid = f'<w:docGrid w:type="linesAndChars" w:linePitch="{form.line_pitch}" w:charSpace="{form.character_space}"/>'
    return (
        f'{HEAD}<w:document xmlns:w="{W}" xmlns:r="{R}"><w:body><w:sectPr>{size}{margins}<w:cols w:space="425"/>{grid}'
        "</w:sectPr></w:body></w:document>"
    )


def blank(form: Form) -> bytes:
    """A .docx without content: page, grid, styles, settings and font names of `form`."""
    overrides = "".join(f'<Override PartName="/word/{part}.xml" ContentType="{DOCX}.{part}+xml"/>' for part in PARTS)
    types = (
        f'{HEAD}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{DOCX}.document.main+xml"/>{overrides}'
        '<Override PartName="/docProps/core.xml"'
        ' ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>'
    )
    rels = (
        f'{HEAD}<Relationships xmlns="{RELATIONSHIPS}"><Relationship Id="rId1" Type="{R}/officeDocument"'
        ' Target="word/document.xml"/><Relationship Id="rId2"'
        ' Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"'
        ' Target="docProps/core.xml"/></Relationships>'
    )
    links = "".join(
        f'<Relationship Id="rId{index}" Type="{R}/{part}" Target="{part}.xml"/>' for index, part in enumerate(PARTS, 1)
    )
    document_rels = f'{HEAD}<Relationships xmlns="{RELATIONSHIPS}">{links}</Relationships>'
    contents = {
        "[Content_Types].xml": types.encode(),
        "_rels/.rels": rels.encode(),
        "docProps/core.xml": core_properties("", "", "", dt.date(1980, 1, 1)),
        "word/document.xml": _document(form).encode(),
        "word/_rels/document.xml.rels": document_rels.encode(),
        "word/styles.xml": _styles(form).encode(),
        "word/settings.xml": _settings().encode(),
        "word/fontTable.xml": _font_table(form).encode(),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for name, content in contents.items():
            target.writestr(name, content)
    return out.getvalue()
