"""企呼我应: the steps a firm's problem takes off the straight way: declined, withdrawn, asked of others, refused, done again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from django.urls import reverse
from problem_forms import (
    BY_PHONE,
    GRADED,
    REPLY,
    assigned,
    at_city,
    figures,
    firm_asks,
    handled,
    offered,
    states,
    still_counts,
)
from story import Story

from rongtong.apps.cases import actions
from rongtong.apps.cases.errors import CaseError, FormRefused, GuardRefused
from rongtong.apps.cases.evidence import Upload
from rongtong.apps.cases.models import Case, Told
from rongtong.apps.cases.telling import told
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.actions import system_account
from worlds import browser, member

pytestmark = pytest.mark.django_db
WHY = {"撤回原因": "供电公司已经接电，不用再办。"}
DECLINED = {"不予受理的理由": "属商业合同纠纷，不在受理范围。", "告知企业可走的渠道": "向人民法院起诉，或申请仲裁。"}
NOT_SATISFIED = {"评价": "不满意", "哪里没有解决": "审批完了，但是还没有接电。"}


def page(story: Story, who: str, case: Case) -> str:
    return story.page(who, reverse("case", args=[case.pk]))


def outcome(case: Case) -> str:
    return Case.objects.get(pk=case.pk).outcome


def test_a_problem_that_is_not_for_the_offices_is_declined_with_another_way_named(story: Story) -> None:
    case = firm_asks(story)
    for who in ("甲企业", "市里", "热线", "省里"):
        with pytest.raises(Denied, match="不予受理"):
            story.does(who, case, "不予受理", DECLINED)
    with pytest.raises(FormRefused, match="告知企业可走的渠道"):
        story.does("分办员", case, "不予受理", {"不予受理的理由": "不在受理范围。"})
    story.does("分办员", case, "不予受理", DECLINED)
    assert (story.stage(case), outcome(case)) == ("不予受理", "declined")
    assert states(story, case) == {"受理期限": "按时办到"}
    assert (story.waits_for("分办员"), story.waits_for("甲企业"), offered(story, "甲企业", case)) == ([], [], {})
    firm = page(story, "甲企业", case)
    assert DECLINED["不予受理的理由"] in firm
    assert DECLINED["告知企业可走的渠道"] in firm
    assert "received" not in figures("330106"), "nothing was accepted"


def test_what_was_accepted_and_is_declined_after_all_was_never_received(story: Story) -> None:
    case = firm_asks(story)
    story.does("分办员", case, "受理", GRADED)
    assert figures("330106")["received"] == 1
    story.day("2025-06-19")
    assert states(story, case)["分办期限"] == "已超期"
    story.does("分办员", case, "不予受理", DECLINED)
    assert (story.stage(case), still_counts(story, case)) == ("不予受理", [])
    assert states(story, case)["分办期限"] == "超期办到"
    assert figures("330106")["received"] == 0


def test_a_clock_of_the_redoing_stops_with_the_problem_that_is_declined_or_merged(story: Story) -> None:
    other, *ended = firm_asks(story), handled(story, firm_asks(story)), handled(story, firm_asks(story))
    for case in ended:
        story.does("区经信局", case, "答复", REPLY)
        story.does("甲企业", case, "不满意，请重办", NOT_SATISFIED)
        story.does("分办员", case, "收回改派", {"理由": "核下来是同一件事。"})
        assert states(story, case)["重办期限"] == "计时中", "handed to another office, it is redone by the same day"
    story.does("分办员", ended[0], "不予受理", DECLINED)
    story.does("分办员", ended[1], "并入另一件", {"并入哪一件（编号）": other.key})
    for case in ended:
        assert still_counts(story, case) == []
        story.morning("2025-08-01")
        assert "已超期" not in page(story, "甲企业", case)


def to_pool(story: Story, case: Case) -> None:
    """It lies where it was put."""


def to_sorting(story: Story, case: Case) -> None:
    story.does("分办员", case, "受理", GRADED)


def to_assigned(story: Story, case: Case) -> None:
    assigned(story, case)


def to_doing(story: Story, case: Case) -> None:
    handled(story, case)
    story.does("区经信局", case, "商请协办", {"协办单位": ["西湖区科学技术局"], "商请事项": "请核对设备清单。"})


def to_waiting(story: Story, case: Case) -> None:
    handled(story, case)
    story.does("区经信局", case, "请企业补充", {"要补充什么": "请提供增容申请的受理编号。"})


def to_city(story: Story, case: Case) -> None:
    story.does("分办员", case, "受理", GRADED)
    story.does("分办员", case, "提级至市", {"提级理由": "涉及跨区线路，区里协调不了。"})


def to_province(story: Story, case: Case) -> None:
    to_city(story, case)
    story.does("市里", case, "提级至省", {"提级理由": "涉及跨市线路，市里协调不了。"})


def to_extension(story: Story, case: Case) -> None:
    handled(story, case)
    story.does("区经信局", case, "申请延期", {"申请延长（工作日）": 5, "延期理由": "供电公司要重新核容量。"})


def to_doing_at_the_city(story: Story, case: Case) -> None:
    at_city(story, case)
    story.does("市经信局", case, "签收")


def to_doing_again(story: Story, case: Case) -> None:
    handled(story, case)
    story.does("区经信局", case, "答复", REPLY)
    story.does("甲企业", case, "不满意，请重办", NOT_SATISFIED)


WAYS: dict[Callable[[Story, Case], None], str] = {
    to_pool: "待受理", to_sorting: "待分办", to_assigned: "已交办待签收", to_doing: "办理中", to_waiting: "待企业补充",
    to_city: "提级至市", to_province: "提级至省", to_extension: "延期待批", to_doing_at_the_city: "办理中", to_doing_again: "办理中",
}  # fmt: skip


def test_a_firm_withdraws_wherever_it_was_not_answered_and_nothing_of_it_runs_on(story: Story) -> None:
    for way, stage in WAYS.items():
        case = firm_asks(story)
        way(story, case)
        assert story.stage(case) == stage
        with pytest.raises(Case.DoesNotExist):
            story.does("乙企业", case, "撤回", WHY)
        with pytest.raises(Denied, match="企业"):
            story.does("分办员", case, "撤回", WHY)
        with pytest.raises(FormRefused, match="撤回原因"):
            story.does("甲企业", case, "撤回")
        story.does("甲企业", case, "撤回", WHY)
        assert (story.stage(case), outcome(case), still_counts(story, case)) == ("企业撤回", "withdrawn", []), stage
        assert all(
            story.waits_for(who) == [] for who in ("分办员", "区经信局", "市经信局", "市里", "省里", "甲企业")
        ), stage
        assert WHY["撤回原因"] in page(story, "分办员", case)
    assert figures("330106").get("received") == 0, "what a firm withdrew does not count"
    story.morning("2025-09-01")
    assert set(Case.objects.filter(process="enterprise_problem").values_list("stage", flat=True)) == {"withdrawn"}


def test_a_firm_that_was_answered_rates_and_does_not_withdraw(story: Story) -> None:
    case = handled(story, firm_asks(story))
    story.does("区经信局", case, "答复", REPLY)
    with pytest.raises(CaseError, match="不能在“待评价”时"):
        story.does("甲企业", case, "撤回", WHY)


def test_offices_are_consulted_and_answer_among_themselves(story: Story) -> None:
    case = handled(story, firm_asks(story))
    asked = {"协办单位": ["西湖区科学技术局", "杭州市经济和信息化局"], "商请事项": "请核三号车间的设备投资备案情况。"}
    said = {"协办意见": "备案齐全，设备清单与申请一致。"}
    for who in ("甲企业", "分办员"):
        with pytest.raises(Denied, match="商请协办"):
            story.does(who, case, "商请协办", asked)
    for wrong, words in (({"协办单位": []}, "至少 1 项"), ({"协办单位": ["西湖区没有的局"]}, "没有登记名为")):
        with pytest.raises(FormRefused, match=words):
            story.does("区经信局", case, "商请协办", {**asked, **wrong})
    assert not story.reads("区科技局", case)
    story.does("区经信局", case, "商请协办", asked)
    assert (story.stage(case), story.clock(case, "协办期限")) == ("办理中", ("计时中", date(2025, 6, 19)))
    assert "协办意见" in offered(story, "区科技局", case)
    assert "答复" not in offered(story, "区科技局", case)
    with pytest.raises(Denied, match="协办单位"):
        story.does("区经信局", case, "协办意见", said)
    # While the firm is asked for more, the co-offices' term stands still as well.
    story.does("区经信局", case, "请企业补充", {"要补充什么": "请提供设备清单。"})
    story.day("2025-06-17")
    assert story.clock(case, "协办期限")[0] == "停计"
    story.does("甲企业", case, "补充", {"补充的情况": "设备清单已经送到窗口。"})
    assert story.clock(case, "协办期限") == ("计时中", date(2025, 6, 20))
    story.does("区科技局", case, "协办意见", said)
    assert states(story, case)["协办期限"] == "按时办到"
    for who in ("区经信局", "市经信局", "分办员", "市里"):
        seen = page(story, who, case)
        assert (asked["商请事项"] in seen, said["协办意见"] in seen) == (True, True), who
    firm = page(story, "甲企业", case)
    assert (asked["商请事项"] in firm, said["协办意见"] in firm) == (False, False), "not for the firm"
    assert "所填内容不向您显示" in firm
    story.does("区经信局", case, "答复", REPLY)
    assert "协办意见" not in offered(story, "区科技局", case)


def test_what_a_co_office_sends_along_is_not_for_the_firm_and_who_is_late_is_told(story: Story) -> None:
    case = handled(story, firm_asks(story))
    story.does("区经信局", case, "商请协办", {"协办单位": ["西湖区科学技术局"], "商请事项": "请核设备投资备案情况。"})
    story.morning("2025-06-19")
    assert not Told.objects.filter(case=case, key__startswith="consult/").exists()
    story.morning("2025-06-20")
    assert set(Told.objects.filter(case=case, key__startswith="consult/").values_list("role", flat=True)) == {
        "main",
        "co",
    }
    assert "协办期限" in [line.about for line in told(story.people["区科技局"], date(2025, 6, 19))]
    filled, paper = {"co_opinion": "备案齐全，设备清单与申请一致。"}, Upload("备案.pdf", b"%PDF-1.4 demo")
    seen = Case.objects.get(pk=case.pk).events
    actions.move(case.pk, "co_reply", actor=story.people["区科技局"], seen=seen, data=filled, files=[paper])
    assert states(story, case)["协办期限"] == "超期办到"
    (file,) = case.attachments.all()
    address = reverse("case-evidence", args=[file.pk])
    assert [browser(story.people[who]).get(address).status_code for who in ("区经信局", "甲企业", "乙企业")] == [
        200,
        404,
        404,
    ]
    assert ("备案.pdf" in page(story, "区经信局", case), "备案.pdf" in page(story, "甲企业", case)) == (True, False)


def test_whom_the_office_names_no_more_has_no_part_in_it_any_more(story: Story) -> None:
    case = handled(story, firm_asks(story))
    for office, reads in (("西湖区科学技术局", [True, False]), ("杭州市经济和信息化局", [False, True])):
        story.does("区经信局", case, "商请协办", {"协办单位": [office], "商请事项": "请核设备投资备案情况。"})
        assert [story.reads(who, case) for who in ("区科技局", "市经信局")] == reads
    assert "没写的不再协办" in page(story, "区经信局", case), "the form says so"


def test_a_problem_is_merged_into_a_problem_and_nothing_else(story: Story) -> None:
    one, two = firm_asks(story), firm_asks(story, "乙企业")
    called = story.opens("热线", "enterprise_problem", BY_PHONE)
    answers = {"共性问题": "用电增容审批时间长", "有哪几件": [one.key, two.key], "共同之处": "都卡在容量核定。"}
    common = story.opens("分办员", "common_problem", answers)
    for text in (f"common_problem:{common.key}", str(common.pk)):
        with pytest.raises(FormRefused, match="这里只填“企呼我应”的办件编号"):
            story.does("分办员", called, "并入另一件", {"并入哪一件（编号）": text})
    assert story.stage(called) == "待受理"


def test_an_office_goes_on_without_what_the_firm_does_not_send(story: Story) -> None:
    case = handled(story, firm_asks(story))
    story.does("区经信局", case, "请企业补充", {"要补充什么": "请提供增容申请的受理编号。"})
    story.day("2025-07-01")
    assert story.clock(case, "承办期限")[0] == "停计"
    for who in ("甲企业", "热线", "分办员"):
        with pytest.raises(Denied, match="主办单位"):
            story.does(who, case, "不等补充，继续办理")
    story.does("区经信局", case, "不等补充，继续办理")
    assert (story.stage(case), story.waits_for("区经信局"), story.waits_for("甲企业")) == ("办理中", [case.title], [])
    # One working day had gone when the firm was asked; the sixteen after it do not count.
    assert story.clock(case, "承办期限") == ("计时中", date(2025, 7, 10))
    assert "不等补充，继续办理" in page(story, "甲企业", case)
    with pytest.raises(CaseError, match="不能在“办理中”时"):
        story.does("甲企业", case, "补充", {"补充的情况": "受理编号为 2025-0601。"})


def test_an_extension_is_refused_by_another_with_reasons_and_moves_no_day(story: Story) -> None:
    officer = member("story-own", "区里", "county_officer", "330106", actor=system_account())
    story.people |= {"区里": officer}
    case = firm_asks(story)
    story.does("分办员", case, "受理", GRADED)
    story.does("区里", case, "分办", {"主办单位": "330106"})
    story.does("区里", case, "签收")
    asks = {"申请延长（工作日）": 5, "延期理由": "供电公司要重新核容量。"}
    story.does("区里", case, "申请延期", asks)
    assert (story.stage(case), story.waits_for("分办员")) == ("延期待批", [case.title])
    assert "由您办理" in offered(story, "区里", case)["不同意延期"]
    for step, filled in (("不同意延期", {"意见": "不能延。再抓紧。"}), ("同意延期", {"同意延长（工作日）": 5})):
        with pytest.raises(GuardRefused, match="职责分离"):
            story.does("区里", case, step, filled)
    with pytest.raises(FormRefused, match="意见"):
        story.does("分办员", case, "不同意延期")
    story.does("分办员", case, "不同意延期", {"意见": "企业急等开机，按原期限办。"})
    assert (story.stage(case), story.clock(case, "承办期限")) == ("办理中", ("计时中", date(2025, 6, 25)))
    assert "企业急等开机" in page(story, "区里", case)
    # What was refused was not the one extension that there is.
    story.does("区里", case, "申请延期", asks)
    with pytest.raises(FormRefused, match="不大于 15"):
        story.does("分办员", case, "同意延期", {"同意延长（工作日）": 16})
    story.does("分办员", case, "同意延期", {"同意延长（工作日）": 2})
    assert story.clock(case, "承办期限") == ("计时中", date(2025, 6, 27))
    # A second one gives no day more, and the page says so.
    story.does("区里", case, "申请延期", asks)
    story.does("分办员", case, "同意延期", {"同意延长（工作日）": 2})
    assert story.clock(case, "承办期限") == ("计时中", date(2025, 6, 27))
    assert "已延期 1 次，最多 1 次" in page(story, "区里", case)


def test_who_is_called_and_is_not_satisfied_has_it_done_again(story: Story) -> None:
    officer = member("story-own", "区里", "county_officer", "330106", actor=system_account())
    story.people |= {"区里": officer}
    case = firm_asks(story)
    story.does("分办员", case, "受理", GRADED)
    story.does("分办员", case, "分办", {"主办单位": "330106"})
    story.does("区里", case, "签收")
    story.does("区里", case, "答复", REPLY)
    called = {"企业的评价": "不满意", "回访时间与受访人": "6月17日，张先生"}
    whole = {**called, "哪里没有解决": "增容批了，还没有接电。"}
    with pytest.raises(GuardRefused, match="“答复”由您办理"):
        story.does("区里", case, "回访记录不满意，重办", whole)
    with pytest.raises(Denied):
        story.does("甲企业", case, "回访记录不满意，重办", whole)
    with pytest.raises(FormRefused, match="哪里没有解决"):
        story.does("热线", case, "回访记录不满意，重办", called)
    with pytest.raises(FormRefused, match="所列的选项"):
        story.does("热线", case, "回访记录不满意，重办", {**whole, "企业的评价": "satisfied"})
    story.day("2025-06-17")
    story.does("热线", case, "回访记录不满意，重办", whole)
    assert (story.stage(case), story.clock(case, "重办期限")) == ("办理中", ("计时中", date(2025, 6, 24)))
    assert "增容批了，还没有接电。" in page(story, "甲企业", case)
    assert story.waits_for("区里") == [case.title]
    assert {"rated": 1, "redone": 1, "received": 1}.items() <= figures("330106").items()
    assert "closed" not in figures("330106")
    story.does("区里", case, "答复", REPLY)
    story.does("热线", case, "回访记录评价", {"企业的评价": "满意", "回访时间与受访人": "6月18日，张先生"})
    assert (story.stage(case), still_counts(story, case)) == ("已办结", [])
    assert {"rated": 1, "satisfied": 1, "satisfied_first_share": 0, "closed": 1}.items() <= figures("330106").items()


def test_the_page_says_why_a_step_is_refused_and_keeps_what_was_typed(story: Story) -> None:
    case = handled(story, firm_asks(story))
    address = reverse("case-move", args=[case.pk])
    seen = Case.objects.get(pk=case.pk).events
    wrong = {"transition": "consult", "seen": seen, "co_offices": "西湖区没有的局", "consult_matter": "请核设备备案。"}
    refused = browser(story.people["区经信局"]).post(address, wrong)
    assert refused.status_code == 422
    assert all(words in refused.content.decode() for words in ("没有登记名为", "西湖区没有的局", "请核设备备案。"))
    out_of_turn = browser(story.people["甲企业"]).post(address, {"transition": "go_on", "seen": seen})
    assert out_of_turn.status_code == 409
    assert "不能在“办理中”时" in out_of_turn.content.decode()
    assert browser(story.people["乙企业"]).post(address, {**wrong, "transition": "withdraw"}).status_code == 404
    story.page("乙企业", reverse("case", args=[case.pk]), 404)
    assert story.stage(case) == "办理中"
