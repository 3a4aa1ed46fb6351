"""The first five minutes, by the roles who have them: with a mouse, without scripts, with the keyboard alone.

A red city, its why and the clause; a faulty workbook, its marked copy, the mended one; the city's and the province's
review; the map that changes; a 督办 from the red city, answered there; the paper in Word.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docx
import openpyxl
import pytest
from browser_person import Person, Typist
from browser_site import Site, Watch, new_context, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

RED_CITY, COUNTY, TABLE = "嘉兴", "上城", "科投1表"
REAL = "/map?indicator=industrial_rd_expense&period=2025Q1"
COUNTIES = "/map?indicator=input_enterprise&period=2025H1&level=county&within=330100"
FAULTY = "样例_五处错误.xlsx"
# What the county reports, in the units of the table: 万元 and 家. The map shows 亿元.
REPORTED = {"input_enterprise": "512300", "input_government": "40100", "new_hte": "31", "new_srdi_smes": "12"}
ON_THE_MAP = "51.23"
REASON = "新引进两家企业总部，已逐家核对台账"
ANSWER = "已逐家走访规上企业，未填报研发费用的十一家已补报，说明随附。"


@dataclass
class Cast:
    """Who appears, each in a browser of their own; made when first called."""

    browser: Browser
    site: Site
    watch: Watch
    person: type[Person]
    scripts: bool
    people: dict[str, Person] = field(default_factory=dict)
    contexts: list[BrowserContext] = field(default_factory=list)

    def __call__(self, account: str = "") -> Person:
        if account not in self.people:
            window = {"width": 1366, "height": 768}
            context = new_context(self.browser, java_script_enabled=self.scripts, viewport=window)
            self.contexts.append(context)
            self.people[account] = self.person(context, self.watch, self.site, account)
        return self.people[account]


@pytest.fixture(scope="session")
def peopled(demo_home: Path, script: Callable[[Path, str], str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration with an account for the office of the red city. Copy it, never change it."""
    home = Path(shutil.copytree(demo_home, tmp_path_factory.mktemp("peopled") / "var"))
    password = script(
        home,
        """
        from rongtong.apps.registry.actions import create_account, grant, system_account
        made = create_account("shi-330400", "演示·嘉兴科技局", actor=system_account(), demo=True)
        grant(made.account, "city_officer", "330400", actor=system_account())
        print(made.password)
        """,
    ).split()[-1]
    with (home / "demo-accounts.txt").open("a", encoding="utf-8") as file:
        file.write(f"shi-330400\t{password}\n")
    return home


@pytest.fixture(params=[(Person, True), (Person, False), (Typist, True)], ids=["mouse", "without scripts", "keyboard"])
def cast(request: Any, browser: Browser, peopled: Path, tmp_path: Path) -> Iterator[Cast]:
    person, scripts = request.param
    with served(Path(shutil.copytree(peopled, tmp_path / "var"))) as site:
        watch = Watch(site)
        found = Cast(browser, site, watch, person, scripts)
        yield found
        watch.check()
        for context in found.contexts:
            context.close()


def test_the_first_five_minutes(cast: Cast, tmp_path: Path) -> None:
    from_the_red_city_to_the_clause(cast())
    before = figure_of_the_county(cast())
    drawn = region_of_the_county(cast())
    assert before != ON_THE_MAP
    the_faulty_workbook_comes_back_marked(cast("xian-330102"), cast.site, tmp_path)
    the_mended_one_is_submitted(cast("xian-330102"), tmp_path)
    review(cast("shi-330100"), "市级审核通过")
    assert figure_of_the_county(cast()) == before, "nothing counts before the province has approved"
    assert region_of_the_county(cast()) == drawn
    review(cast("sheng"), "省级审核通过")
    assert figure_of_the_county(cast()) == ON_THE_MAP
    assert region_of_the_county(cast()) != drawn, "the map itself says another number"
    the_red_city_is_asked(cast("sheng"))
    the_red_city_answers(cast("shi-330400"))
    cast("sheng").open("/supervision/")
    assert "已反馈待审核" in cast("sheng").row(RED_CITY).inner_text()
    the_paper_is_taken(cast("sheng"), tmp_path)


def from_the_red_city_to_the_clause(reader: Person) -> None:
    reader.open(REAL)
    row = reader.row(RED_CITY)
    assert "严重滞后" in row.inner_text()
    reader.follow("106.94", row)
    assert "106.94" in reader.text()
    reader.follow("2.4.3")
    assert "/documents/" in reader.page.url
    assert "2.4.3" in reader.text()


def figure_of_the_county(reader: Person) -> str:
    """The county's figure on the map's table."""
    reader.open(COUNTIES)
    return str(reader.row(COUNTY).get_by_role("link").nth(1).inner_text())


def region_of_the_county(reader: Person) -> tuple[str, str]:
    """What the county's own shape on the map says, and its colour."""
    reader.open(COUNTIES)
    region = reader.page.locator("#answer .map a.region[data-place='330102']")
    said, colour = region.get_attribute("aria-label"), region.locator("path").first.get_attribute("fill")
    assert said
    assert COUNTY in said
    return said, str(colour)


def the_faulty_workbook_comes_back_marked(county: Person, site: Site, folder: Path) -> None:
    county.open("/collection/")
    county.press("开始填报", county.row(TABLE))
    county.follow_tool("上传 Excel")
    county.attach("文件", site.home / "out" / FAULTY)
    county.press("上传并预览")
    assert "问题 5 处" in county.text()
    marked = county.download(county.page.get_by_role("link", name="下载标注好的原文件"), folder)
    book = openpyxl.load_workbook(marked)
    notes = [c for sheet in book for row in sheet.iter_rows() for c in row if c.comment]
    assert len(notes) >= 5


def the_mended_one_is_submitted(county: Person, folder: Path) -> None:
    county.follow("换一个文件")
    template = county.download(county.page.get_by_role("link", name="下载本表模板").first, folder)
    mended = folder / "改好.xlsx"
    mended.write_bytes(filled(template))
    county.attach("文件", mended)
    county.press("上传并预览")
    county.press("填入草稿")
    for box in county.page.get_by_label("核实说明").all():
        if not box.input_value():
            county.type(box, REASON)
    county.press("保存并提交")
    assert "待市级审" in county.text()


def filled(template: Path) -> bytes:
    """The table's own template with the reported figures in it."""
    book = openpyxl.load_workbook(template)
    sheet = book.worksheets[0]
    for row in sheet.iter_rows(min_row=4):
        if row[0].value in REPORTED:
            row[5].value, row[6].value = REPORTED[str(row[0].value)], REASON
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def review(officer: Person, decision: str) -> None:
    officer.open("/collection/tasks/county_input/2025H1/")
    officer.follow_any(officer.row(COUNTY))
    assert "512300" in officer.text()
    officer.press(decision)


def the_red_city_is_asked(officer: Person) -> None:
    officer.open("/supervision/red")
    officer.tick(officer.page.get_by_role("checkbox", name=RED_CITY), True)
    officer.write("交办要求", "请说明增速为负的原因，十个工作日内报整改措施。")
    officer.press("交办勾选的地方")
    officer.open("/supervision/")
    assert RED_CITY in officer.row("已交办待签收").inner_text() or RED_CITY in officer.text()


def the_red_city_answers(city: Person) -> None:
    city.open("/work")
    city.follow("规上工业研发费用")
    city.press("签收")
    city.write("办理情况", ANSWER, city.page.get_by_role("form", name="反馈"))
    city.press("反馈", city.page.get_by_role("form", name="反馈"))
    assert "已反馈待审核" in city.text()


def the_paper_is_taken(officer: Person, folder: Path) -> None:
    officer.open("/papers/dispatch/2025H1/")
    paper = docx.Document(str(officer.download(officer.page.get_by_role("link", name="下载 Word"), folder)))
    said = "\n".join(p.text for p in paper.paragraphs)
    assert "调度" in said
    assert "2025年上半年" in said
