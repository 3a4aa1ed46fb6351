"""Contracts that do not go straight to a certificate: not accepted, never mended, reviewed by other experts, refused again."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from story import Story

from rongtong import clock
from rongtong.apps.cases import desk_queries, queries, telling, wall_queries
from rongtong.apps.cases.errors import CaseError, FormRefused, GuardRefused
from rongtong.apps.cases.models import Case, Measured
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.actions import system_account
from worlds import member

FILED = {
    "项目名称": "高温传感器开发", "合同类型": "技术开发", "由谁申请": "卖方（研究开发、让与、许可、受托一方）",
    "合同形式": "书面合同", "卖方": "甲精密机械有限公司", "买方": "乙新材料有限公司", "签订日期": "2025-06-10",
    "有效期至": "2026-06-30", "合同成交额（万元）": "120", "技术交易额（万元）": "100", "技术领域": "电子信息",
}  # fmt: skip
LARGE = {"合同成交额（万元）": "800", "技术交易额（万元）": "600"}
CHECKED = {
    "登记编号": "2025330106000123",
    "合同类型": "技术开发",
    "合同成交额（万元）": "120",
    "技术交易额（万元）": "98.5",
}
DECLARED = {"声明": "与合同各方没有利害关系，并为所知内容保密"}
# Name → role and place of those who decide on contracts; the last expert works for the buyer.
OFFICES = {
    "登记机构": ("registrar", "330100"),
    "外市登记机构": ("registrar", "330200"),
    **{f"专家{n}": ("expert", "330100") for n in "一二三四五"},
    "买方的专家": ("expert", "330106"),
}


@pytest.fixture
def contracts(story: Story) -> Story:
    """The story with registration offices and experts."""
    for number, (name, (role, place)) in enumerate(OFFICES.items()):
        own = story.firm("乙企业") if name == "买方的专家" else None
        made = member(f"office-{number}", name, role, place, actor=system_account(), organisation=own)
        story.people[name] = made
    return story


def filed(story: Story, **more: str) -> Case:
    """A contract filed by 甲企业 with 乙企业, which has an account."""
    return story.opens(
        "甲企业", "technology_contract", {**FILED, "买方统一社会信用代码": story.firm("乙企业").uscc, **more}
    )


def accepted(story: Story, **more: str) -> Case:
    case = filed(story, **more)
    return story.does("登记机构", case, "受理", {"合同文本": "已收到完整的书面合同文本（含电子合同）和附件"})


def usernames(story: Story, *names: str) -> list[str]:
    return [story.people[name].username for name in names]


def states(story: Story, case: Case) -> list[str]:
    """The states of the clocks that have started."""
    return [line.state for line in queries.clocks(Case.objects.get(pk=case.pk))]


def offered(story: Story, who: str, case: Case) -> list[str]:
    """The steps somebody could make now."""
    now = Case.objects.select_related("definition").get(pk=case.pk)
    return [o.name for o in queries.offers(story.people[who], now) if not o.refused]


def test_an_oral_contract_is_not_accepted_and_the_firm_reads_why(contracts: Story) -> None:
    story = contracts
    case = filed(story)
    assert story.waits_for("登记机构") == ["高温传感器开发"]
    why = {"原因": "口头合同", "说明": "双方只有口头约定，请订立书面合同后再来"}
    with pytest.raises(FormRefused, match="说明"):
        story.does("登记机构", case, "不予受理", {"原因": "口头合同"})
    with pytest.raises(FormRefused, match="原因"):
        story.does("登记机构", case, "不予受理", {**why, "原因": "心情不好"})
    with pytest.raises(Denied, match="登记机构"):
        story.does("甲企业", case, "不予受理", why)
    for stranger in ("外市登记机构", "丙企业"):
        with pytest.raises(Case.DoesNotExist):
            story.does(stranger, case, "不予受理", why)
    case = story.does("登记机构", case, "不予受理", why)
    assert (story.stage(case), case.outcome, case.due) == ("不予受理", "returned", None)
    assert states(story, case) == []  # what was never accepted has no term
    assert story.waits_for("登记机构") == story.waits_for("甲企业") == []
    assert offered(story, "甲企业", case) == offered(story, "登记机构", case) == []
    for party in ("甲企业", "乙企业"):
        page = story.page(party, f"/cases/{case.pk}")
        assert all(words in page for words in ("不予受理", "口头合同", "请订立书面合同后再来")), party
    story.page("丙企业", f"/cases/{case.pk}", 404)
    assert not case.certificates.exists()
    assert not Measured.objects.filter(case=case).exists()
    # With a contract in writing the firm comes again.
    assert story.stage(accepted(story)) == "审查"


def test_what_is_not_mended_in_time_is_refused_and_another_office_may_keep_or_change_that(contracts: Story) -> None:
    story = contracts
    case = accepted(story)
    story.day("2025-06-18")
    story.does("登记机构", case, "要求补正", {"需补正的内容（一次告知）": "请补交附件二的预算表"})
    assert states(story, case) == ["停计", "停计"]
    assert story.waits_for("甲企业") == ["高温传感器开发"]
    reason = {"理由": "十五个工作日内没有补正"}
    # Fifteen working days (建议值) after 18 June are over with 9 July.
    story.morning("2025-07-09")
    with pytest.raises(GuardRefused, match="补正期限还没有满"):
        story.does("登记机构", case, "逾期未补正，不予登记", reason)
    story.morning("2025-07-10")
    assert "提交补正" in offered(story, "甲企业", case)  # late is better than never
    with pytest.raises(FormRefused, match="理由"):
        story.does("登记机构", case, "逾期未补正，不予登记", {"理由": "无"})
    with pytest.raises(Denied):
        story.does("市里", case, "逾期未补正，不予登记", reason)
    case = story.does("登记机构", case, "逾期未补正，不予登记", reason)
    assert (story.stage(case), case.outcome, case.late) == ("未予登记", "refused", False)
    assert states(story, case) == ["按时办到", "按时办到"]
    assert "十五个工作日内没有补正" in story.page("甲企业", f"/cases/{case.pk}")
    _review(story, case)


def told(story: Story, who: str) -> list[tuple[str, str]]:
    """What somebody is reminded of: the term, and whether it is near or over."""
    return [(line.about, line.word) for line in telling.told(story.people[who], clock.today() - timedelta(7))]


def test_a_firm_that_does_not_mend_is_reminded_then_the_office_is_and_no_office_is_charged(contracts: Story) -> None:
    story = contracts
    case = accepted(story)
    story.day("2025-06-18")
    story.does("登记机构", case, "要求补正", {"需补正的内容（一次告知）": "请补交附件二的预算表"})
    # Three working days are left on the morning of 4 July, a Friday; on a day off nobody is told.
    for day, firm, office in (
        ("2025-07-03", [], []), ("2025-07-04", [("补正", "临期")], []), ("2025-07-09", [("补正", "临期")], []),
        ("2025-07-10", [("补正", "已超期")], [("补正", "已超期")]),
    ):  # fmt: skip
        story.morning(day)
        story.morning(day)
        assert (told(story, "甲企业"), told(story, "登记机构"), told(story, "乙企业")) == (firm, office, []), day
    (line,) = desk_queries.page(story.people["登记机构"], desk_queries.Asked("open", state="late")).lines
    assert (line.item.case.pk, line.lamp, line.word) == (case.pk, "yellow", "等申请方，已超期")
    wall = wall_queries.wall(story.people["市里"], "330100", 2025, "technology_contract")
    assert (wall.total.open, wall.total.late) == (1, 0)
    # What waits for the office is its own affair.
    other = filed(story)
    story.morning("2025-07-18")
    assert Case.objects.get(pk=other.pk).due == date(2025, 7, 17)
    wall = wall_queries.wall(story.people["市里"], "330100", 2025, "technology_contract")
    assert (wall.total.open, wall.total.late) == (2, 1)
    story.does("甲企业", case, "提交补正", {**FILED, "补正说明": "补交附件二"})
    story.does("登记机构", case, "要求补正", {"需补正的内容（一次告知）": "预算表没有盖章"})
    # Asked again, the term begins anew, and so do the reminders.
    story.morning("2025-08-05")
    assert told(story, "甲企业") == [("补正", "临期")]


def _review(story: Story, case: Case) -> None:
    story.day("2025-07-14")
    with pytest.raises(FormRefused, match="复核理由"):
        story.does("甲企业", case, "申请复核", {"复核理由": "不服"})
    again = {"复核理由": "预算表已在七月七日寄出，邮戳为证"}
    with pytest.raises(Denied):
        story.does("乙企业", case, "申请复核", again)
    case = story.does("甲企业", case, "申请复核", again)
    assert (story.stage(case), case.outcome, case.due) == ("复核中", "", date(2025, 7, 28))
    assert "高温传感器开发" in story.waits_for("市里")
    assert story.waits_for("登记机构") == []
    opinion = {"复核意见": "没有收到，邮戳不清，维持"}
    with pytest.raises(GuardRefused, match="须由别人办理"):
        story.does("登记机构", case, "维持原决定", opinion)
    with pytest.raises(Denied, match="科技主管部门"):
        story.does("甲企业", case, "维持原决定", opinion)
    with pytest.raises(FormRefused, match="复核意见"):
        story.does("市里", case, "维持原决定", {})
    case = story.does("市里", case, "维持原决定", opinion)
    assert (story.stage(case), case.outcome, case.due) == ("未予登记", "refused", None)
    assert states(story, case) == ["按时办到", "按时办到"]  # a review does not bring them back
    assert "邮戳不清，维持" in story.page("甲企业", f"/cases/{case.pk}")
    assert story.waits_for("市里") == []
    # The province changes it, and the term of thirty days begins anew.
    story.day("2025-07-21")
    story.does("甲企业", case, "申请复核", {"复核理由": "附上邮局出具的投递证明"})
    case = story.does("省里", case, "改变原决定", {"复核意见": "投递证明属实，请重新审查"})
    assert (story.stage(case), case.outcome) == ("审查", "")
    assert story.clock(case, "认定登记期限") == ("计时中", date(2025, 8, 20))
    assert story.waits_for("登记机构") == ["高温传感器开发"]
    case = story.does("登记机构", case, "予以登记", CHECKED)
    assert (case.outcome, case.certificates.count()) == ("registered", 1)
    assert story.clock(case, "认定登记期限")[0] == "按时办到"


def test_experts_who_stay_silent_are_replaced_and_those_who_declared_stay(contracts: Story) -> None:
    story = contracts
    case = accepted(story, **LARGE)
    asked = {"评审原因": "大额（技术交易额不低于500万元）"}
    three = usernames(story, "专家一", "专家二", "专家三")
    title = "专家账号（一行一个，三人以上单数为宜）"
    with pytest.raises(FormRefused, match="应当回避"):
        story.does("登记机构", case, "送专家评审", {**asked, title: [*three[:2], *usernames(story, "买方的专家")]})
    case = story.does("登记机构", case, "送专家评审", {**asked, title: three})
    # Whoever was asked has to declare first, and so finds it in the work list.
    assert story.waits_for("专家一") == story.waits_for("专家二") == ["高温传感器开发"]
    story.does("专家一", case, "声明无利害关系", DECLARED)
    opinion = {"建议": "予以登记", "意见": "研究内容明确，符合技术开发合同的条件"}
    story.does("专家一", case, "出具专家意见", opinion)
    _replaced(story, case)
    # Whoever was replaced neither reads the case nor declares; whoever declared before stays.
    assert [n for n in ("专家一", "专家二", "专家三", "专家四", "专家五") if story.reads(n, case)] == [
        "专家一",
        "专家四",
        "专家五",
    ]
    with pytest.raises(Case.DoesNotExist):
        story.does("专家二", case, "声明无利害关系", DECLARED)
    with pytest.raises(GuardRefused, match="您已办过"):
        story.does("专家一", case, "出具专家意见", opinion)
    for name in ("专家四", "专家五"):
        story.does(name, case, "声明无利害关系", DECLARED)
        with pytest.raises(GuardRefused, match="专家意见不足三份"):
            story.does("登记机构", case, "汇总专家意见", {"评审结论": "一致建议登记"})
        story.does(name, case, "出具专家意见", opinion)
    # The parties learn the conclusion, and neither who thought what nor who was asked.
    for party in ("甲企业", "乙企业"):
        page = story.page(party, f"/cases/{case.pk}")
        judges = [a for n, a in story.people.items() if n.startswith("专家")]
        assert [w for w in ("研究内容明确", *(n for a in judges for n in (a.username, a.name))) if w in page] == []
    assert "研究内容明确" in story.page("市里", f"/cases/{case.pk}")
    case = story.does("登记机构", case, "汇总专家意见", {"评审结论": "一致建议登记"})
    assert "一致建议登记" in story.page("甲企业", f"/cases/{case.pk}")
    case = story.does("登记机构", case, "予以登记", CHECKED | LARGE)
    assert case.outcome == "registered"


def _replaced(story: Story, case: Case) -> None:
    """专家二 and 专家三, of whom nothing was heard, are replaced."""
    (field,) = [f for o in queries.offers(story.people["登记机构"], case) if o.name == "更换专家" for f in o.fields]
    assert "还没有声明的以本次为准" in field.label
    with pytest.raises(FormRefused):
        story.does("登记机构", case, "更换专家", {field.label: []})
    with pytest.raises(FormRefused, match="没有启用的账号"):
        story.does("登记机构", case, "更换专家", {field.label: ["nobody-here"]})
    with pytest.raises(FormRefused, match="应当回避"):
        story.does("登记机构", case, "更换专家", {field.label: usernames(story, "专家四", "买方的专家")})
    for other in ("甲企业", "市里", "专家一"):
        with pytest.raises(Denied):
            story.does(other, case, "更换专家", {field.label: usernames(story, "专家四")})
    story.day("2025-06-23")
    case = story.does("登记机构", case, "更换专家", {field.label: usernames(story, "专家四", "专家五")})
    assert (story.stage(case), story.clock(case, "认定登记期限")) == ("专家评审", ("计时中", date(2025, 7, 16)))
    assert "更换专家" in story.page("登记机构", f"/cases/{case.pk}")
    assert story.waits_for("专家四") == ["高温传感器开发"]
    assert story.waits_for("专家二") == []


TRADED = {
    "交易标的": "高温传感器专利许可", "标的种类": "专利权或其许可", "申请人": "甲精密机械有限公司", "交易对方": "乙新材料有限公司",
    "成交日期": "2025-06-10", "成交价款（万元）": "30", "申请鉴证的事项和凭据": "付款凭证与许可合同",
}  # fmt: skip


def asked(story: Story) -> Case:
    """甲企业 asks to have its deal with 乙企业 authenticated."""
    other = {"交易对方统一社会信用代码": story.firm("乙企业").uscc}
    return story.opens("甲企业", "authentication", TRADED | other)


def test_papers_are_asked_for_and_supplied_before_a_transaction_is_not_authenticated(contracts: Story) -> None:
    story = contracts
    case = asked(story)
    assert (story.waits_for("登记机构"), case.due) == (["高温传感器专利许可"], date(2025, 6, 30))
    with pytest.raises(FormRefused, match="需要什么"):
        story.does("登记机构", case, "要求补材料", {})
    wanted = {"需要什么": "请补交银行回单的原件"}
    with pytest.raises(Denied, match="鉴证机构"):
        story.does("甲企业", case, "要求补材料", wanted)
    with pytest.raises(Case.DoesNotExist):
        story.does("外市登记机构", case, "要求补材料", wanted)
    case = story.does("登记机构", case, "要求补材料", wanted)
    assert (story.stage(case), case.due) == ("待补材料", date(2025, 6, 30))
    assert (story.waits_for("甲企业"), story.waits_for("登记机构")) == (["高温传感器专利许可"], [])
    assert "请补交银行回单的原件" in story.page("甲企业", f"/cases/{case.pk}")
    # The other side of the deal reads it, and supplies nothing in the name of whoever asked.
    assert "请补交银行回单的原件" in story.page("乙企业", f"/cases/{case.pk}")
    with pytest.raises(Denied, match="申请人"):
        story.does("乙企业", case, "补材料", {"说明": "回单原件"})
    with pytest.raises(FormRefused, match="说明"):
        story.does("甲企业", case, "补材料", {})
    with pytest.raises(CaseError, match="不能在“待补材料”时办理"):
        story.does("登记机构", case, "出具鉴证书", {"鉴证结论": "当事人、标的与付款凭据一致"})
    story.day("2025-06-20")
    case = story.does("甲企业", case, "补材料", {"说明": "回单原件已经上传"})
    assert (story.stage(case), case.due) == ("待核查", date(2025, 7, 4))
    assert (story.waits_for("甲企业"), story.waits_for("登记机构")) == ([], ["高温传感器专利许可"])
    with pytest.raises(FormRefused, match="理由"):
        story.does("登记机构", case, "不予出具", {"理由": "无"})
    with pytest.raises(Denied):
        story.does("乙企业", case, "不予出具", {"理由": "回单与合同金额不符"})
    case = story.does("登记机构", case, "不予出具", {"理由": "回单与合同金额不符"})
    assert (story.stage(case), case.outcome, case.due) == ("不予出具", "refused", None)
    assert not case.certificates.exists()
    for party in ("甲企业", "乙企业", "登记机构"):
        page = story.page(party, f"/cases/{case.pk}")
        assert "回单与合同金额不符" in page, party
        assert "回单原件已经上传" in page, party
        assert offered(story, party, case) == []
    story.page("丙企业", f"/cases/{case.pk}", 404)


def test_whoever_asked_takes_it_back_while_it_is_looked_at_and_while_papers_are_missing(contracts: Story) -> None:
    story = contracts
    first, second = asked(story), asked(story)
    story.does("登记机构", second, "要求补材料", {"需要什么": "请补交许可合同的附件"})
    for case, stage in ((first, "待核查"), (second, "待补材料")):
        assert story.stage(case) == stage
        for other in ("乙企业", "登记机构"):
            with pytest.raises(Denied, match="申请人"):
                story.does(other, case, "撤回申请")
        case = story.does("甲企业", case, "撤回申请")
        assert (story.stage(case), case.outcome, case.due) == ("已撤回", "withdrawn", None)
        assert "撤回申请" in story.page("乙企业", f"/cases/{case.pk}")
        assert not case.certificates.exists()
        with pytest.raises(CaseError, match="不能在“已撤回”时办理"):
            story.does("登记机构", case, "不予出具", {"理由": "材料不全，不予出具"})
    assert story.waits_for("登记机构") == story.waits_for("甲企业") == []


def test_an_application_whose_papers_never_come_is_refused_once_the_term_is_over(contracts: Story) -> None:
    story = contracts
    case = asked(story)
    case = story.does("登记机构", case, "要求补材料", {"需要什么": "请补交银行回单的原件"})
    reason = {"理由": "到期没有补交回单原件"}
    assert case.due is not None
    story.morning(case.due.isoformat())
    with pytest.raises(GuardRefused, match="期限还没有满"):
        story.does("登记机构", case, "逾期未补材料，不予出具", reason)
    story.morning("2025-07-01")
    with pytest.raises(Denied):
        story.does("甲企业", case, "逾期未补材料，不予出具", reason)
    case = story.does("登记机构", case, "逾期未补材料，不予出具", reason)
    assert (story.stage(case), case.outcome, case.due) == ("不予出具", "refused", None)
    assert "到期没有补交回单原件" in story.page("甲企业", f"/cases/{case.pk}")
