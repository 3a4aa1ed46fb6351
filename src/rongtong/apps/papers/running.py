"""What stands on every page: the page number (页码), and 草稿 and the notice until and unless they are lifted."""

from typing import Any
from xml.sax.saxutils import quoteattr

from rongtong.apps.papers.form import Form
from rongtong.apps.papers.ooxml import element, fonts
from rongtong.cells import xml_text

__all__ = ["add_running"]

MARK_SIZE = 28  # 四号, in half-points
WATERMARK = (
    '<w:r xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    ' xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"><w:pict><v:shapetype id="_x0000_t136" coordsize="21600,21600"'
    ' o:spt="136" adj="10800" path="m@7,l@8,m@5,21600l@6,21600e"><v:formulas><v:f eqn="sum #0 0 10800"/>'
    '<v:f eqn="prod #0 2 1"/><v:f eqn="sum 21600 0 @1"/><v:f eqn="sum 0 0 @2"/><v:f eqn="sum 21600 0 @3"/>'
    '<v:f eqn="if @0 @3 0"/><v:f eqn="if @0 21600 @1"/><v:f eqn="if @0 0 @2"/><v:f eqn="if @0 @4 21600"/>'
    '<v:f eqn="mid @5 @6"/><v:f eqn="mid @8 @5"/><v:f eqn="mid @7 @8"/><v:f eqn="mid @6 @7"/>'
    '<v:f eqn="sum @6 0 @5"/></v:formulas><v:path textpathok="t" o:connecttype="custom"'
    ' o:connectlocs="@9,0;@10,10800;@11,21600;@12,10800" o:connectangles="270,180,90,0"/>'
    '<v:textpath on="t" fitshape="t"/></v:shapetype>'
    '<v:shape id="PowerPlusWaterMarkObject{number}" o:spid="_x0000_s{spid}" type="#_x0000_t136"'
    ' style="position:absolute;margin-left:0;margin-top:0;width:300pt;height:150pt;rotation:315;z-index:-251658752;'
    "mso-position-horizontal:center;mso-position-horizontal-relative:margin;mso-position-vertical:center;"
    'mso-position-vertical-relative:margin" o:allowincell="f" fillcolor="#ededed" stroked="f">'
    "<v:textpath style={font} string={text}/></v:shape></w:pict></w:r>"
)


def _mark(text: str, form: Form) -> Any:
    """The words of the header, right-hand, in 黑体."""
    properties = element(
        "w:rPr",
        None,
        element("w:rFonts", fonts(form.strong_font, form.latin_font)),
        element("w:sz", {"w:val": MARK_SIZE}),
        element("w:szCs", {"w:val": MARK_SIZE}),
    )
    return element("w:r", None, properties, element("w:t", text=text))


def _watermark(text: str, number: int, form: Form) -> Any:
    from docx.oxml import parse_xml

    font = f'font-family:"{form.strong_font}";font-size:1pt'
    return parse_xml(
        WATERMARK.format(number=number, spid=2048 + number, font=quoteattr(font), text=quoteattr(xml_text(text)))
    )


def _page_number(paragraph: Any, form: Form, *, right: bool) -> None:
    """— 1 —, one character in from the outer edge (7.5)."""
    step = {"w:rightChars": 100, "w:right": 280} if right else {"w:leftChars": 100, "w:left": 280}
    properties = paragraph.get_or_add_pPr()
    for made in (element("w:ind", step), element("w:jc", {"w:val": "right" if right else "left"})):
        properties.append(made)

    def run(text: str) -> Any:
        given = fonts(form.page_number_font, form.page_number_font)
        words = element("w:t", text=text)
        words.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
        return element("w:r", None, element("w:rPr", None, element("w:rFonts", given)), words)

    field = element("w:fldSimple", {"w:instr": " PAGE "}, run("1"))
    for made in (run("— "), field, run(" —")):
        paragraph.append(made)


def add_running(document: Any, form: Form, *, mark: str, watermark: str) -> None:
    """Give `document` its page numbers and, on every page, `mark` in the header with `watermark` behind the text."""
    section = document.sections[0]
    _page_number(section.footer.paragraphs[0]._p, form, right=True)
    _page_number(section.even_page_footer.paragraphs[0]._p, form, right=False)
    if not mark:
        return
    for number, header in enumerate((section.header, section.even_page_header), 1):
        paragraph = header.paragraphs[0]._p
        paragraph.append(_mark(mark, form))
        if watermark:
            paragraph.append(_watermark(watermark, number, form))
