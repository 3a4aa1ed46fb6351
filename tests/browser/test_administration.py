"""Who may act, in a browser: deputies, hand-over, accounts from a workbook, login with one-time codes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pyotp
import pytest
from browser_person import Person
from browser_site import Site, Watch, new_context, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Come = Callable[..., Person]
TABLE = "科投1表"
NEWCOMER, PASSWORD = "xian-330105", "稻田里有三只白鹭飞过了山岗去"
STEP_SECONDS = 30


@contextmanager
def people(browser: Browser, site: Site) -> Iterator[Come]:
    """`come("sheng")` is that account at a page in a browser of its own; "" is nobody yet."""
    watch, contexts = Watch(site), []

    def come(account: str = "") -> Person:
        contexts.append(new_context(browser, viewport={"width": 1366, "height": 768}))
        return Person(contexts[-1], watch, site, account)

    yield come
    watch.check()
    for context in contexts:
        context.close()


@pytest.fixture
def come(browser: Browser, own_site: Site) -> Iterator[Come]:
    with people(browser, own_site) as come:
        yield come


@pytest.fixture
def come_with_codes(browser: Browser, demo_home: Path, tmp_path: Path) -> Iterator[Come]:
    """The same where approvers and administrators must use one-time codes."""
    home = Path(shutil.copytree(demo_home, tmp_path / "var"))
    with (home / "instance.toml").open("a", encoding="utf-8") as file:
        file.write('second_factor = "required"\n')
    with served(home) as site, people(browser, site) as come:
        yield come


def enter(person: Person, account: str, password: str) -> None:
    person.open("/login")
    person.write("用户名", account)
    person.write("口令", password)
    person.press("登录")


def test_a_deputy_acts_for_an_officer_until_it_is_taken_back(come: Come) -> None:
    county, deputy = come("xian-330102"), come("bianji")
    deputy.open("/collection/")
    assert not deputy.page.get_by_role("button", name="开始填报").count()
    county.open("/account")
    county.write("代理人的用户名", "nobody-here")
    county.write("到哪天", "2025-07-25")
    county.press("请人代理")
    county.sees("没有可用的账号“nobody-here”")
    assert county.page.get_by_label("到哪天").input_value() == "2025-07-25", "nothing typed is lost"
    county.write("代理人的用户名", "bianji")
    county.press("请人代理")
    county.sees("代理已生效")
    deputy.open("/account")
    assert "代理 演示·上城科技局" in deputy.row("县科技局").inner_text()
    deputy.open("/collection/")
    deputy.press("开始填报")
    deputy.sees("上城")
    filled = deputy.page.url
    county.open("/account#deputies")
    county.use(county.row("bianji").get_by_role("button"))
    county.sees("代理已收回")
    deputy.page.goto(filled)
    assert "保存并提交" not in deputy.text()


def test_an_officer_who_moves_hands_everything_over(come: Come) -> None:
    county, security = come("xian-330102"), come("anquan")
    county.open("/collection/")
    county.press("开始填报", county.row(TABLE))
    security.open("/accounts/")
    security.follow_tool("人员交接")
    security.write("交出人的用户名", "xian-330102")
    security.write("接收人的用户名", "bianji")
    security.write("理由", "调任")
    security.tick(security.page.get_by_label("同时停用交出人的账号"), True)
    security.press("办理交接")
    security.sees("县科技局（上城）已交给")
    county.open("/work")
    assert "/login" in county.page.url, "the giver's login has ended"
    enter(county, "xian-330102", county.site.passwords["xian-330102"])
    county.sees("用户名或口令不对")
    receiver = come("bianji")
    receiver.open("/work")
    receiver.sees(TABLE)


def test_accounts_come_from_a_workbook_and_are_granted_by_another_administrator(come: Come, tmp_path: Path) -> None:
    system, security = come("xitong"), come("anquan")
    system.open("/accounts/")
    system.follow_tool("Excel 导入")
    template = system.download(system.page.get_by_role("link", name="下载空白模板"), tmp_path)
    system.attach("填好的模板", filled(template, tmp_path / "错.xlsx", "339999"))
    system.press("检查")
    system.sees("有 1 处错误，什么都没有入库")
    system.sees("339999")
    assert system.download(system.page.get_by_role("button", name="下载标注件"), tmp_path).stat().st_size
    system.attach("填好的模板", filled(template, tmp_path / "对.xlsx", "330105"))
    system.press("检查")
    system.sees("核对后导入：1 个账号")
    system.press("确认导入")
    system.sees("只在这一页显示")
    password = system.row(NEWCOMER).get_by_role("cell").last.inner_text()
    security.open("/accounts/")
    asked = security.row(f"（{NEWCOMER}）")
    assert "县科技局" in asked.inner_text()
    security.press("授权", asked)
    security.sees("已授权")
    the_newcomer_starts(come(), password)


def the_newcomer_starts(newcomer: Person, password: str) -> None:
    enter(newcomer, NEWCOMER, password)
    newcomer.sees("这是别人交给您的初始口令")
    newcomer.write("现在的口令", password)
    for label in ("新口令", "再填一次新口令"):
        newcomer.type(newcomer.page.get_by_label(label, exact=True), PASSWORD)
    newcomer.press("修改口令")
    newcomer.sees("口令已修改")
    newcomer.open("/collection/")
    newcomer.sees(TABLE)


def filled(template: Path, file: Path, place: str) -> Path:
    book = openpyxl.load_workbook(template)
    sheet: Any = book["账号"]
    columns = {str(cell.value).rstrip("*"): cell.column for cell in sheet[1]}
    row = {"用户名": NEWCOMER, "姓名": "拱墅某", "职务": "科长", "角色": "县科技局", "地区代码": place}
    for heading, value in row.items():
        sheet.cell(2, columns[heading], value)
    book.save(file)
    return file


def test_an_approver_sets_one_time_codes_up_and_logs_in_with_them(come_with_codes: Come) -> None:
    officer = come_with_codes("sheng")
    officer.open("/work")
    officer.sees("工作台")
    approver = come_with_codes("qianfa")
    assert approver.page.url.endswith("/account/factor")
    approver.open("/papers/")
    assert approver.page.url.endswith("/account/factor"), "nothing else before it is set up"
    key = pyotp.TOTP(approver.page.locator("main code").inner_text().replace(" ", ""))
    approver.write("动态码", "000000")
    approver.press("完成设置")
    approver.sees("动态码不对")
    first = time.time()
    approver.write("动态码", key.at(first))
    approver.press("完成设置")
    approver.sees("已经收好")
    recovery = approver.page.locator(".codes code").all_inner_texts()
    assert len(recovery) == 10
    # A code is taken once; the next step's is taken a little early.
    the_code_is_asked(come_with_codes(), key.at(first), "已经用过")
    the_code_is_asked(come_with_codes(), key.at(first + STEP_SECONDS), "")
    the_code_is_asked(come_with_codes(), recovery[0], "")
    the_code_is_asked(come_with_codes(), recovery[0], "已经用过")


def the_code_is_asked(approver: Person, code: str, refused: str) -> None:
    enter(approver, "qianfa", approver.site.passwords["qianfa"])
    approver.sees("填动态码")
    approver.write("动态码", code)
    approver.press("登录")
    if refused:
        approver.sees(refused)
        return
    approver.page.wait_for_url(lambda url: "/login" not in url)
    approver.open("/work")
    approver.sees("工作台")
