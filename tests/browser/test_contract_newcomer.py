"""Whoever never saw the system files a contract, mends it, has it registered, and holds a certificate that anybody verifies,
with the site and without it; the figures it counts towards lead back to it. By what the screens say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser_person import Person
from browser_site import Site, Watch, new_context

from rongtong import qr

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TITLE = "深海密封涂层开发合同"
WAITING = "耐磨涂层技术许可合同（演示）"
PEOPLE = {"seller": "gaoxiao", "buyer": "qiye", "office": "hetong", "county": "xian-330102", "anybody": ""}
COUNTED = ("技术交易额", "技术合同认定登记项数")
TYPES = ["技术开发", "技术转让", "技术许可", "技术咨询", "技术服务"]
CONTRACT = {
    "项目名称": TITLE,
    "合同类型": "技术开发",
    "由谁申请": "卖方（研究开发、让与、许可、受托一方）",
    "合同形式": "书面合同",
    "买方": "演示企业（虚构）",
    "签订日期": "2025-07-01",
    "有效期至": "2026-06-30",
    "合同成交额（万元）": "480.5",
    "技术领域": "新材料",
}


@pytest.fixture
def people(browser: Browser, own_site: Site) -> Iterator[dict[str, Person]]:
    """The two parties, the registration office, an officer of the county, and somebody without an account."""
    watch = Watch(own_site)
    contexts = [new_context(browser, viewport={"width": 1366, "height": 768}) for _ in PEOPLE]
    yield {
        name: Person(context, watch, own_site, account)
        for (name, account), context in zip(PEOPLE.items(), contexts, strict=True)
    }
    watch.check()
    for each in contexts:
        each.close()


def test_a_newcomer_files_a_contract_and_its_certificate_stands_with_and_without_the_site(
    people: dict[str, Person], command: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    seller, office, county = people["seller"], people["office"], people["county"]
    paper = tmp_path / "预算表.pdf"
    paper.write_bytes(b"%PDF-1.4\n%%EOF\n")
    the_figures_have_nothing_yet(county)
    what_waits_is_registered(office)
    assert [counted(county, name) for name in COUNTED] == ["0.01", "1"]
    the_seller_files_it(seller, people["buyer"].own_code())
    the_office_sends_it_back(office, seller)
    the_seller_mends_it(seller, paper)
    the_office_registers_it(office)
    # 80 and 430.000001 of 万元 are 0.0510000001 of 亿元.
    assert [counted(county, name) for name in COUNTED] == ["0.05", "2"]
    the_figure_leads_back_to_it(county)
    number, code = anybody_verifies_the_paper(people["buyer"], people["anybody"])
    home = people["anybody"].site.home
    command(home, "log", "checkpoint")
    key = command(home, "log", "key").stdout.strip()
    it_stands_without_the_site(people["anybody"], number, code, key, tmp_path)


def the_figures_have_nothing_yet(county: Person) -> None:
    county.open("/work")
    county.follow_tool("指标与口径")
    county.follow("技术合同认定登记项数")
    county.sees("截至今天没有数")


def what_waits_is_registered(office: Person) -> None:
    """What the demonstration has under examination: so the figures have a value before."""
    office.open("/work")
    office.follow(WAITING)
    amounts = {"合同类型": "技术许可", "合同成交额（万元）": "80", "技术交易额（万元）": "80"}
    office.make("予以登记", {"登记编号": "2025330102000001", **amounts})
    office.sees("JSHT-2025-")


def the_seller_files_it(seller: Person, buyer: str) -> None:
    seller.open("/")
    seller.follow_tool("我的办件")
    seller.follow("技术合同认定登记")
    assert seller.field("合同类型").locator("option").all_inner_texts() == ["请选择", *TYPES]
    assert seller.field("卖方").input_value() == "演示高校（虚构）"
    seller.fill(CONTRACT | {"买方统一社会信用代码": buyer, "技术交易额（万元）": "490"})
    seller.press("提交")
    seller.sees("待受理")


def the_office_sends_it_back(office: Person, seller: Person) -> None:
    office.open("/work")
    office.follow(TITLE)
    # What leads on is not possible, and the page says why without being asked.
    office.sees("现在还不能：技术交易额大于合同成交额，请申请单位在受理前改正")
    office.sees("技术交易额（万元） 490")
    seller.make("受理前修改", {"技术交易额（万元）": "450.000001"})
    office.follow_tool("工作台")
    office.follow(TITLE)
    office.make("受理", {"合同文本": "已收到完整的书面合同文本（含电子合同）和附件"})
    office.make("要求补正", {"需补正的内容（一次告知）": "附件二的预算表没有盖章，技术交易额请说明怎样算的。"})
    office.sees("等申请单位")


def the_seller_mends_it(seller: Person, paper: Path) -> None:
    seller.follow_tool("我的办件")
    assert "轮到您" in seller.page.get_by_role("listitem").filter(has_text=TITLE).first.inner_text()
    seller.follow(TITLE)
    seller.sees("附件二的预算表没有盖章")
    seller.make("提交补正", {"补正说明": "已盖章重传", "技术交易额的计算说明": "扣除试验设备三十万元"}, paper)
    seller.sees("扣除试验设备三十万元")


def the_office_registers_it(office: Person) -> None:
    office.follow_tool("工作台")
    office.follow(TITLE)
    amounts = {"合同类型": "技术开发", "合同成交额（万元）": "480.5", "技术交易额（万元）": "430.000001"}
    office.make("予以登记", {"登记编号": "2025330102000002", **amounts})
    office.sees("已登记")


def counted(county: Person, indicator: str) -> str:
    """What the page of an indicator says of the city now, and the page of that figure the same."""
    county.follow_tool("指标与口径")
    county.follow(indicator)
    row = county.row("杭州")
    said = row.get_by_role("link").inner_text()
    county.follow_any(row)
    county.sees("一条链")
    assert county.page.locator(".strip dd").first.inner_text().startswith(f"{said} ")
    return said


def the_figure_leads_back_to_it(county: Person) -> None:
    """From the figure of the year to the contracts it adds up, and to this one, which says where it counts."""
    county.sees("背后的办件")
    assert county.row(WAITING).inner_text().split()[-2:] == ["+1项", "2025-07-15"]
    county.follow(TITLE)
    county.sees("计入的数")
    county.follow("上城2025年1—7月", within=county.row("技术交易额"))
    county.sees("+0.0430000001")


def anybody_verifies_the_paper(buyer: Person, anybody: Person) -> tuple[str, str]:
    """The buyer prints the certificate; who is given the paper scans it or types what stands on it."""
    buyer.follow_tool("我的办件")
    buyer.follow(TITLE)
    buyer.follow("打印", within=buyer.row("JSHT-2025-"))
    picture = buyer.page.get_by_role("img", name="二维码：")
    address = (picture.get_attribute("aria-label") or "").removeprefix("二维码：")
    assert picture.locator("path").last.get_attribute("d") in qr.svg(address)
    number, code = address.split("/")[-2:]
    buyer.sees(f"校验码 {code[:4]} {code[4:]}")
    anybody.page.goto(address)
    anybody.sees("● 有效")
    for words in ("演示高校（虚构）", "480.5", "430.000001", "2025330102000002"):
        anybody.sees(words)
    anybody.sees("还没有检查点签到这一条")
    return number, code


def it_stands_without_the_site(anybody: Person, number: str, code: str, key: str, folder: Path) -> None:
    """By number and code typed, then with the file, the program and the office's key alone."""
    anybody.open("/")
    anybody.follow_tool("核验证明")
    anybody.fill({"证明编号": number, "校验码": code})
    anybody.press("核验")
    anybody.sees("已在签名的检查点之中")
    file = anybody.download(anybody.page.get_by_role("link", name="下载离线文件"), folder)
    program = anybody.download(anybody.page.get_by_role("link", name="核验程序"), folder)
    assert verified(program, file, key)[0] == 0
    said = verified(program, file, key)[1]
    for words in ("核验无误", number, "合同成交额（万元）：480.5", "技术交易额（万元）：430.000001"):
        assert words in said, said
    file.write_text(file.read_text(encoding="utf-8").replace("430.000001", "930.000001"), encoding="utf-8")
    assert verified(program, file, key)[0] == 1


def verified(program: Path, file: Path, key: str) -> tuple[int, str]:
    """What the program says of a file, run as whoever downloaded both would."""
    done = subprocess.run(
        [sys.executable, "-I", str(program), "proof", str(file), "--key", key],
        capture_output=True, text=True, encoding="utf-8", check=False, env={"PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    return done.returncode, done.stdout
