"""四题一评 by what the screens say: a firm sets a question, offices and experts choose who answers it, a workshop tries the
answer, the market judges it half a year later; and the commitments on firms' share of major projects lead back to the case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING

import pytest
from browser_person import Person
from browser_site import Watch, begin_day, new_context, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

NEED, LISTED, BID = "套圈磨削烧伤要到终检才发现", "轴承套圈磨削烧伤在线识别", "磨削烧伤在线识别装备研制"
TARGET = {"指标": "烧伤漏检率", "现状": "4.5", "要求": "不高于", "目标": "0.5", "单位": "%"}
PROMISED = {"指标": "烧伤漏检率", "要求": "不高于", "承诺值": "0.3", "单位": "%"}
EXPERTS = ("zhuanjia", "zhuanjia2", "zhuanjia3")
CLEAR = {
    "三年内在当事单位任职或兼职": "没有", "三年内与申报团队共同承担项目或合著": "没有", "与负责人有师生、近亲属关系": "没有",
    "有持股、报酬等经济利益": "没有", "请写“我承诺以上属实并保密”": "我承诺以上属实并保密",
}  # fmt: skip
# 财政资助 120.500005 万元 is 1205000.05 元, to the fen.
PAYMENTS = [
    {"哪一笔": "首笔", "到期日": "2025-08-31", "金额（元）": "600000.05"},
    {"哪一笔": "第二笔", "到期日": "2026-01-31", "金额（元）": "400000"},
    {"哪一笔": "尾款", "到期日": "2026-09-30", "金额（元）": "205000"},
]
Who = Callable[[str], Person]


class Days:
    """A demonstration of one's own, served one day after another, with a browser for everybody who does something."""

    def __init__(self, browser: Browser, home: Path) -> None:
        self.browser, self.home = browser, home

    @contextmanager
    def on(self, day: str) -> Iterator[Who]:
        """That day: `who("sheng")` is this account at a page of its own, logged in when first asked for; "" is anybody."""
        begin_day(self.home, day)
        with served(self.home) as site:
            watch = Watch(site)
            people: dict[str, Person] = {}
            contexts: list[BrowserContext] = []

            def who(account: str) -> Person:
                if account not in people:
                    contexts.append(new_context(self.browser, viewport={"width": 1366, "height": 768}))
                    people[account] = Person(contexts[-1], watch, site, account)
                return people[account]

            yield who
            watch.check()
            for each in contexts:
                each.close()


@pytest.fixture
def days(browser: Browser, demo_home: Path, tmp_path: Path) -> Days:
    return Days(browser, Path(copytree(demo_home, tmp_path / "var")))


def test_a_newcomers_question_is_listed_answered_tried_in_the_workshop_and_judged_by_the_market(days: Days) -> None:
    with days.on("2025-07-15") as who:
        the_firm_sets_the_question(who("qiye"))
        the_county_and_the_province_help_to_set_it(who)
        for expert in EXPERTS:
            an_expert_argues(who(expert))
        the_province_puts_it_on_public_notice(who)
    # Five working days are over.
    with days.on("2025-07-23") as who:
        the_province_publishes_it(who("sheng"))
        a_university_bids(who)
        it_is_recommended_and_formally_checked(who)
        for expert in EXPERTS:
            an_expert_scores(who(expert))
        it_is_decided_and_put_on_public_notice(who)
    with days.on("2025-07-31") as who:
        before = shares(who("sheng"))
        it_is_established(who("qianfa"))
        # Two of three projects have a firm among the first three; before, one of two.
        assert (before, shares(who("sheng"))) == (("50.0", "50.0"), ("66.7", "66.7"))
        the_figure_leads_to_the_case(who("sheng"))
        the_contract_is_signed_and_the_milestones_paid(who)
    with days.on("2026-08-31") as who:
        the_workshop_tries_it(who)
        it_is_accepted(who)
    with days.on("2027-02-26") as who:
        the_market_judges(who)


def work(person: Person, title: str) -> Person:
    """Open a case from the bench, where it waits."""
    person.open("/work")
    person.follow(title)
    return person


def the_firm_sets_the_question(firm: Person) -> None:
    firm.open("/")
    firm.follow_tool("我的办件")
    firm.follow("企业技术需求（出题、助题）")
    firm.fill(
        {
            "需求名称": NEED, "产业链": "高端装备产业群", "背景与意义": "磨削烧伤使轴承早期失效，整机厂因此退货，出口也受影响。",
            "现状与难点": "试过酸洗抽检和涡流检测，节拍跟不上，漏检率在百分之四以上。", "技术指标（可衡量）": [TARGET],
            "企业愿意投入（万元）": "260", "合作方式": "联合攻关", "愿意提供车间作验证场地": True, "谁可以看": "公开发榜",
        }
    )  # fmt: skip
    firm.press("提交")
    firm.accepted()
    firm.sees("待核实")


def the_county_and_the_province_help_to_set_it(who: Who) -> None:
    work(who("xian-330102"), NEED).make(
        "核实属实", {"核实方式": "到企业", "核实情况": "到车间看过两班，需求真实，指标可测。"}
    )
    office = work(who("sheng"), NEED)
    office.make(
        "凝练成榜题",
        {
            "榜题": LISTED, "榜题说明（不含企业秘密）": "面向精密轴承批量磨削，在线识别烧伤，节拍不低于每分钟十二件。",
            "考核指标": [TARGET], "榜额（万元）": "500", "完成期限（月）": "18", "遴选方式": "公开竞争",
        },
    )  # fmt: skip
    ask_experts(office, "论证专家（账号，每行一个；补请时，还没有声明的以本次为准）")


def ask_experts(office: Person, label: str) -> None:
    """Ask those whom the form lists."""
    listed = office.page.get_by_role("form", name="请专家").locator("code").all_inner_texts()
    assert set(listed) == set(EXPERTS)
    office.make("请专家", {label: "\n".join(listed)})


def an_expert_argues(expert: Person) -> None:
    work(expert, NEED).make("声明没有利害关系", CLEAR)
    grades = dict.fromkeys(("科学价值", "创新性", "可行性", "紧迫性"), "高")
    expert.make(
        "提交论证意见", {**grades, "建议": "入榜", "论证意见": "需求真实紧迫，指标可以测量，国内有团队能够承担。"}
    )


def the_province_puts_it_on_public_notice(who: Who) -> None:
    work(who("sheng"), NEED).make("论证通过，公示")
    anybody = who("")
    anybody.open("/")
    anybody.follow_tool("公示公告")
    anybody.follow(LISTED)
    anybody.sees("2025-07-22")


def the_province_publishes_it(office: Person) -> None:
    work(office, NEED).make("公开发榜", {"揭榜截止日": "2025-08-20"})
    office.sees("已发榜")


def a_university_bids(who: Who) -> None:
    firm, bidder = who("qiye"), who("gaoxiao")
    firm_code, code = own_code(firm), own_code(bidder)
    bidder.follow("开始“揭榜申报（平台答题）”", bidder.page.get_by_role("listitem").filter(has_text=LISTED))
    bidder.fill(
        {
            "项目名称": BID, "项目负责人（账号）": "gaoxiao2", "技术方案": "以磨削声发射和巴克豪森噪声融合识别烧伤，分两轮样机。",
            "参加单位（按排名）": [
                {"排名": "1", "单位": "演示高校（虚构）", "统一社会信用代码": code, "类型": "高校"},
                {"排名": "2", "单位": "演示企业（虚构）", "统一社会信用代码": firm_code, "类型": "企业"},
            ],
            "承诺达到的指标": [PROMISED], "总投入（万元）": "500", "申请财政资助（万元）": "150", "完成期限（月）": "18",
            "依托的平台（基地）": "演示省级重点实验室（虚构）", "平台级别": "省级", "平台在白名单里的名称或编号": "演示-018",
            "负责人是该平台成员": True,
        }
    )  # fmt: skip
    bidder.press("提交")
    bidder.accepted()
    bidder.sees("待负责人确认")
    work(who("gaoxiao2"), BID).make("负责人确认并承诺", {"请写“我确认并承诺材料真实”": "我确认并承诺材料真实"})


def own_code(person: Person) -> str:
    """The code (统一社会信用代码) that the page of its own organisation tells somebody."""
    person.open("/")
    person.follow_tool("我的办件")
    return person.page.locator("main header code").inner_text()


def it_is_recommended_and_formally_checked(who: Who) -> None:
    work(who("xian-330102"), BID).make("推荐", {"推荐意见": "单位真实，投入有保障，同意推荐。"})
    office = work(who("sheng"), BID)
    office.make(
        "形式审查通过",
        {"平台白名单": "在白名单里", "核对依据（文件、条目）": "2025 年名单第 18 项",
         "参加单位的排名和类型已与附件核对": True},
    )  # fmt: skip
    ask_experts(office, "评审专家（账号，每行一个；补请时，还没有声明的以本次为准）")


def an_expert_scores(expert: Person) -> None:
    work(expert, BID)
    assert "巴克豪森" not in expert.text()
    expert.make("声明没有利害关系", CLEAR)
    expert.sees("巴克豪森")
    points = {
        "与需求的契合（0—30）": "26",
        "技术方案（0—30）": "24",
        "团队与平台（0—20）": "16",
        "产业化前景（0—20）": "15",
    }
    expert.make("提交评分和意见", {**points, "评审意见": "技术路线清楚，与企业需求契合，样机轮次合理，建议支持。"})


def it_is_decided_and_put_on_public_notice(who: Who) -> None:
    work(who("sheng"), BID).make("评审结束，提请决定")
    decider = work(who("qianfa"), BID)
    decider.sees("平均分")
    decider.make("拟立项，公示", {"决定及理由": "三位专家意见一致，平均分在线上，拟立项。"})


def it_is_established(decider: Person) -> None:
    work(decider, BID).make("立项", {"立项编号": "2025C01101", "财政资助（万元）": "120.500005"})
    decider.sees("已立项")


def shares(office: Person) -> tuple[str, str]:
    """The shares of firms in major projects, joined (T027) and led (T028), as the pages of the commitments show them."""
    shown = []
    for commitment in ("T027", "T028"):
        office.open("/")
        office.follow_tool("承诺一本账")
        office.follow(commitment)
        reading = office.row("占省重大科技计划项目数之比")
        shown.append(reading.get_by_role("link").first.inner_text())
    return shown[0], shown[1]


def the_figure_leads_to_the_case(office: Person) -> None:
    """From the share to the count it is made of, to the cases behind that, to this one and the figures it counted for."""
    office.follow_any(office.row("占省重大科技计划项目数之比"))
    office.sees("66.7 %")
    office.use(office.page.locator("main").get_by_role("link", name="2", exact=True).first)
    office.follow(BID, office.page.get_by_role("region", name="背后的办件"))
    office.sees("2025C01101")
    office.follow("浙江", office.page.get_by_role("region", name="计入的数"))


def the_contract_is_signed_and_the_milestones_paid(who: Who) -> None:
    bidder, office = who("gaoxiao"), who("sheng")
    work(bidder, BID).make(
        "报任务书",
        {
            "起始日": "2025-08-01", "完成日": "2026-12-31", "考核指标": [PROMISED], "自筹（万元）": "379.5",
            "里程碑": [{"里程碑": "样机下线", "到期日": "2025-12-31"}, {"里程碑": "产线连续运行", "到期日": "2026-07-31"}],
            "拨款计划": PAYMENTS,
        },
    )  # fmt: skip
    work(office, BID).make("签订任务书", {"任务书编号": "2025-重-101"})
    office.make("拨款", {"拨款凭证号": "P-1", "拨付日": "2025-07-31"})
    for number in ("P-2", "P-3"):
        work(bidder, BID).make("报里程碑完成", {"完成情况": "样机已经下线，完成全部台架试验。"})
        work(office, BID).make("里程碑核过")
        office.make("拨款", {"拨款凭证号": number, "拨付日": "2025-07-31"})
    office.sees("600,000.05 元")


def the_workshop_tries_it(who: Who) -> None:
    work(who("sheng"), NEED).make("已有项目承担")
    work(who("gaoxiao"), BID).make(
        "提请车间验题",
        {
            "验题场地（车间、产线）": "二车间磨工段三号线", "样机或样品（型号、编号、批次）": "MS-12 第 2 台", "测试日": "2026-08-28",
            "测试项": [{"测试项": "烧伤漏检率", "要求": "0.5", "实测": "0.3", "单位": "%", "通过": True}],
        },
    )  # fmt: skip
    user = work(who("qiye"), BID)
    user.make("用户签认", {"签认意见（在本厂做到了什么）": "在本厂三号线连续运行六百小时，漏检率达标。"})
    user.sees("CJYT-2025-")


def it_is_accepted(who: Who) -> None:
    acceptor = work(who("qianfa"), BID)
    acceptor.make("验收通过", {"验收意见": "考核指标全部完成，经费使用合规，同意通过验收。"})
    acceptor.sees("2027-02-28")


def the_market_judges(who: Who) -> None:
    answerer = work(who("gaoxiao"), BID)
    answerer.make(
        "报市场评价",
        {"累计销售收入（万元）": "1860.5", "用户数（家）": "7", "国产替代": "部分替代", "市场反映": "用户反映稳定。"},
    )
    assert "已履行" in answerer.row("市场评价（6 个月）").inner_text()
    assert "已履行" not in answerer.row("市场评价（12 个月）").inner_text()
