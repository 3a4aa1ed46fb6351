"""A university registers a result, a firm finds it on the board, tries it and pays once it is satisfied (安心屋、先用后转):
each step by whoever has it and by what the screen offers, over the days it takes; the commitments it counts towards move."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from browser_person import Person
from browser_site import Watch, begin_day, new_context, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

RESULT = "深海阀门密封材料配方（试验）"
USE = f"先用后转·{RESULT}·演示企业（虚构）"
PEOPLE = {
    "inventor": "gaoxiao", "checker": "gaoxiao2", "firm": "qiye", "insurer": "baoxian", "province": "sheng",
    "anybody": "",
}  # fmt: skip
DISCLOSED = {
    "成果名称": RESULT,
    "成果类型": "发明专利",
    "法律状态": "已授权或已登记",
    "专利申请号": "202510000001.4",
    "IPC 主分类号": "F16J 15/10",
    "技术成熟度（1—9 级）": "7",
    "简介（公示内容，不写技术秘密和个人信息）": "用于深海阀门的密封材料，耐压耐蚀，寿命比现有材料提高约一倍。",
    "经费来源": "财政资金项目",
}
PRICED = {
    "定价方式": "协议定价", "拟交易价格或底价（元）": "800000.50", "许可": True, "可否先用后转": "可以",
    "定价的集体决策": "转化小组〔2025〕7号",
}  # fmt: skip
TERMS = {
    "试用范围（产品、产量、地域）": "一条阀门生产线，年产一千只以内",
    "独占程度": "普通",
    "试用开始日期": "2025-08-06",
    "试用结束日期": "2025-11-05",
    "转化条件（怎样算满意，写明指标和验证办法）": "按国标做耐压试验，寿命提高五成以上视为满意",
    "付费方式": "一次性支付",
    "保单号": "ZY-2025-0001",
    "保险费（元）": "8000",
    "保险费由谁付": "企业",
}


@contextmanager
def day(browser: Browser, home: Path, today: str) -> Iterator[dict[str, Person]]:
    """Everybody at a page of their own, on a day that has begun with the daily job."""
    begin_day(home, today)
    with served(home) as site:
        watch = Watch(site)
        contexts = {name: new_context(browser, viewport={"width": 1366, "height": 768}) for name in PEOPLE}
        yield {name: Person(contexts[name], watch, site, account) for name, account in PEOPLE.items()}
        watch.check()
        for each in contexts.values():
            each.close()


def test_a_result_is_registered_tried_by_a_firm_and_paid_for(browser: Browser, demo_home: Path, tmp_path: Path) -> None:
    home, paper = Path(shutil.copytree(demo_home, tmp_path / "var")), tmp_path / "材料.pdf"
    paper.write_bytes(b"%PDF-1.4\n%%EOF\n")
    with day(browser, home, "2025-07-15") as people:
        assert (promised(people["province"], "A070"), promised(people["province"], "A048")) == ("1", "2")
        it_is_disclosed_and_checked(people["inventor"], people["checker"])
        it_enters_is_granted_and_priced(people["inventor"], paper)
        # On public notice it counts for nothing yet.
        assert promised(people["province"], "A070") == "1"
    with day(browser, home, "2025-08-06") as people:
        assert promised(people["province"], "A070") == "2"
        the_firm_finds_it_on_the_board(people["firm"], people["anybody"])
        they_agree(people["inventor"], people["firm"], people["insurer"].own_code(), paper)
        assert promised(people["province"], "A048") == "3"
        it_is_tried(people["inventor"], people["firm"], paper)
    with day(browser, home, "2025-10-09") as people:
        the_firm_is_satisfied_and_pays(people["firm"], paper)
        the_university_has_the_money(people["inventor"])
        the_firm_sees_it_done(people["firm"])
        the_figure_leads_back_to_it(people["province"])


def promised(province: Person, code: str) -> str:
    """What the page of a commitment says of today's figure, and the page of the figure the same."""
    province.open("/")
    province.follow_tool("承诺一本账")
    province.fill({"含有": code})
    province.press("筛选")
    # What the document has achieved is no promise, and is kept apart.
    province.follow("连同已有成绩再找")
    province.follow(code)
    link = (
        province.page.get_by_role("term")
        .filter(has_text="最新值")
        .locator("xpath=following-sibling::dd")
        .get_by_role("link")
    )
    said = link.inner_text()
    province.use(link)
    province.sees("一条链")
    assert province.page.locator(".strip dd").first.inner_text().startswith(f"{said} ")
    return said


def it_is_disclosed_and_checked(inventor: Person, checker: Person) -> None:
    inventor.open("/")
    inventor.follow_tool("我的办件")
    inventor.follow("安心屋（职务科技成果单列管理与赋权）")
    inventor.fill(DISCLOSED)
    inventor.press("提交")
    inventor.accepted()
    # Whoever discloses does not check: the page says so, and for whom it waits.
    inventor.sees("这一步须由别人办理（职责分离）")
    inventor.sees("等成果单位")
    checker.open("/work")
    checker.follow(RESULT)
    checker.make(
        "权属核查通过",
        {"权利单位与份额": [{"单位": "演示高校（虚构）", "份额（%）": "100"}], "权属依据": "项目任务书第五条"},
    )


def it_enters_is_granted_and_priced(inventor: Person, paper: Path) -> None:
    inventor.follow_tool("工作台")
    inventor.follow(RESULT)
    inventor.make(
        "分类",
        {
            "成果阶段": "开发阶段",
            "账面价值（元，可以为零或名义金额）": "0",
            "是否涉及保密、安全、关键核心技术": "不涉及",
        },
    )
    inventor.make("入屋登记", {"集体决策的会议或文号": "校务会〔2025〕3号"}, paper)
    shares = [
        {"权利人": "完成人团队", "身份": "完成人", "份额（%）": "90"},
        {"权利人": "演示高校（虚构）", "身份": "单位", "份额（%）": "10"},
    ]
    granted = {"赋权方式": "赋予所有权", "权利份额": shares, "赋权协议编号": "FQ-7", "生效日期": "2025-07-15"}
    inventor.make("签订赋权协议", granted, paper)
    inventor.make("定价并公示", PRICED, paper)
    inventor.sees("公示中")
    inventor.sees("到时自动往下走")


def the_firm_finds_it_on_the_board(firm: Person, anybody: Person) -> None:
    for who in (anybody, firm):
        who.open("/")
        who.follow_tool("公示公告")
        who.follow(RESULT)
        who.sees("耐压耐蚀")
    firm.follow("先用后转")
    wish = {
        "要解决什么问题": "阀门密封件三个月就要换，想先试这种材料",
        "用在什么产品或工序上": "深海阀门",
        "企业规模": "中小微企业",
    }
    firm.fill(wish)
    firm.press("提交")
    firm.accepted()
    firm.sees("等成果单位")


def they_agree(university: Person, firm: Person, insurer: str, paper: Path) -> None:
    university.open("/work")
    university.follow(USE)
    university.make("回应意向，开始商谈", {"回应": "欢迎试用", "技术经理人（账号）": "jingliren"})
    price = {"转化价款（元；提成的填入门费）": "800000.50", "保险机构（统一社会信用代码）": insurer}
    university.make("提出试用协议", TERMS | price)
    university.sees("等企业")
    firm.follow_tool("我的办件")
    firm.follow(USE)
    firm.sees("寿命提高五成以上视为满意")
    firm.make("签订协议，开始试用", {"协议编号": "XY-7"}, paper)
    firm.sees("XYHZ-2025-")


def it_is_tried(university: Person, firm: Person, paper: Path) -> None:
    university.follow_tool("我的办件")
    university.follow(USE)
    university.make("成果交付", {"交付了什么": "材料样品二百只，工艺规程一套"}, paper)
    firm.follow_tool("我的办件")
    firm.follow(USE)
    firm.sees("材料样品二百只")
    firm.make("试用情况", {"试用情况": "已装机四十只，运行正常"})


def the_firm_is_satisfied_and_pays(firm: Person, paper: Path) -> None:
    firm.open("/work")
    firm.follow(USE)
    firm.make("确认满意", {"对照转化条件的结果": "寿命提高六成，满意"})
    firm.follow_tool("我的办件")
    owed = firm.page.get_by_role("listitem").filter(has_text=USE).filter(has_text="转化费，800,000.50 元").first
    assert owed.inner_text().startswith("2025-11-08")
    firm.follow_any(owed)
    firm.make("付款", {"付款凭证号和所付款项": "电汇 20251009，转化费一次付清"}, paper)


def the_university_has_the_money(university: Person) -> None:
    university.open("/work")
    university.follow(USE)
    university.sees("还有未了的款项或收入报告，或技术合同还没有登记")
    university.make("确认足额到账", {"到账日期": "2025-10-09"})
    university.make("登记技术合同", {"技术合同登记号": "2025330102000007", "登记日期": "2025-10-09"})
    university.make("转化登记")
    university.sees("已转化")


def the_firm_sees_it_done(firm: Person) -> None:
    firm.follow_tool("我的办件")
    firm.follow(USE)
    assert firm.row("转化费").inner_text().split()[-1] == "已履行"


def the_figure_leads_back_to_it(province: Person) -> None:
    """From each commitment to its figure, to the case, which says where it counts. By now the province has published its
    own stock, in which earlier cases are held."""
    assert promised(province, "A048") == "2500"
    province.sees("有期初存量")
    province.follow(USE)
    province.sees("寿命提高六成，满意")
    assert province.row("科技成果“先用后转”次数").inner_text().split()[-2].startswith("+1")
    assert promised(province, "A070") == "2000"
    province.follow(RESULT)
    assert "+1" in province.row("实施赋权的职务科技成果").inner_text()
    assert province.row(USE).inner_text().split()[-1] == "已转化"
