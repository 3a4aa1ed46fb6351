"""企呼我应: what becomes of a firm's problem, from the first call to the figure it moves, and back from the figure."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from django.urls import reverse
from problem_forms import BY_PHONE, CHANNEL, GRADED, POWER, REPLY, YEAR, assigned, figures, firm_asks
from story import Story

from rongtong.apps.cases import measuring, near
from rongtong.apps.cases.errors import FormRefused, GuardRefused
from rongtong.apps.cases.models import Told
from rongtong.apps.planning.queries import Asked, monitor

pytestmark = pytest.mark.django_db


def test_a_problem_from_the_call_to_the_figure_and_back(story: Story) -> None:
    # Monday: the firm asks on its page, and calls the hotline as well; both lie in one pool.
    own = firm_asks(story)
    code = story.firm("甲企业").uscc
    called = story.opens("热线", "enterprise_problem", {**BY_PHONE, "企业（统一社会信用代码）": code})
    assert set(story.waits_for("分办员")) == {own.title, called.title}
    assert story.reads("甲企业", called), "the firm sees what the hotline took down for it"

    # The desk is shown that the two may be one, with how alike they are, and merges the call into the first.
    (first,) = near.candidates(story.people["分办员"], called)
    assert (first.case, first.percent > 50) == (own, True)
    page = story.page("分办员", first.merge)
    assert f'value="{own.key}"' in page
    story.does("分办员", called, "并入另一件", {"并入哪一件（编号）": own.key})
    assert story.stage(called) == "已合并"
    assert own.title in story.page("甲企业", reverse("case", args=[called.pk]))

    # It is sent to the wrong office, which sends it back the next day; its answer's term runs on from Monday.
    assigned(story, own, "西湖区科学技术局")
    assert story.waits_for("区科技局") == [own.title]
    story.day("2025-06-17")
    story.does("区科技局", own, "退回重派", {"退回理由": "用电报装由经信部门协调。", "建议承办单位": "区经信局"})
    story.does("分办员", own, "分办", {"主办单位": "西湖区经济和信息化局", "协办单位": ["西湖区科学技术局"]})
    assert story.reads("区科技局", own), "now as a co-office"
    assert story.clock(own, "承办期限") == ("计时中", date(2025, 6, 25))

    # Received, told where it stands, extended before the term ends, answered within it.
    story.day("2025-06-18")
    story.does("区经信局", own, "签收")
    story.day("2025-06-20")
    story.does("区经信局", own, "阶段答复", {"已办到哪一步、还要多久": "已约供电公司下周一现场勘察，预计月底前答复。"})
    story.day("2025-06-24")
    story.does("区经信局", own, "申请延期", {"申请延长（工作日）": 5, "延期理由": "供电公司要重新核容量。"})
    story.does("分办员", own, "同意延期", {"同意延长（工作日）": 3})
    assert story.clock(own, "承办期限") == ("计时中", date(2025, 6, 30))
    story.day("2025-06-30")
    story.does("区经信局", own, "答复", REPLY)
    assert story.clock(own, "承办期限")[0] == "按时办到"
    assert story.waits_for("甲企业") == [own.title]

    # The firm is not satisfied: nothing is closed, it is done again and satisfies.
    story.day("2025-07-01")
    story.does("甲企业", own, "不满意，请重办", {"评价": "不满意", "哪里没有解决": "审批完了，但是还没有接电。"})
    assert story.clock(own, "重办期限") == ("计时中", date(2025, 7, 8))
    assert figures("330106")["redone"] == 1
    assert "closed" not in figures("330106")
    story.day("2025-07-04")
    story.does("区经信局", own, "答复", {"办理结果": "已解决", "答复": "今天上午已经接电，设备可以开机。"})
    story.day("2025-07-07")
    story.does("甲企业", own, "评价", {"评价": "满意"})
    assert story.stage(own) == "已办结"

    # One problem, not two; every ratio is of sums.
    story.day("2025-07-15")
    assert figures("330106") == {
        "received": 1, "closed": 1, "closed_in_time": 1, "rated": 1, "satisfied": 1, "redone": 1,
        "closed_share": 100, "in_time_share": 100, "satisfied_share": 100, "satisfied_first_share": 0,
    }  # fmt: skip
    day = date(2025, 7, 15)
    assert {m.case for m in measuring.behind("problems_satisfied", "330100", YEAR, day)} == {own}
    assert {m.case for m in measuring.behind("problems_received", "330000", YEAR, day)} == {own}


def test_the_share_of_a_city_is_of_its_sums_and_no_mean_of_shares(story: Story) -> None:
    for who, place, closes in (("甲企业", "330106", True), ("热线", "330102", True), ("热线", "330102", False)):
        # A county officer takes down and sorts what comes to 上城; its own answers are rated by call-back.
        case = story.opens(who, "enterprise_problem", {**POWER, CHANNEL: "走访调研"}, place)
        if place == "330102":
            _officer_of(story, "上城", place)
        desk = "分办员" if place == "330106" else "上城"
        story.does(desk, case, "受理", GRADED)
        story.does(desk, case, "分办", {"主办单位": "西湖区经济和信息化局"})
        if closes:
            story.does("区经信局", case, "签收")
            story.does("区经信局", case, "答复", REPLY)
            story.does("热线", case, "回访记录评价", {"企业的评价": "满意", "回访时间与受访人": "7月1日，张先生"})
    story.day("2025-07-15")
    assert figures("330102")["closed_share"] == 50
    board = monitor(Asked("problems_closed_share", YEAR, as_of=date(2025, 7, 15)))
    city = next(r for r in board.rows if r.place == "330100")
    assert city.figures["value"].number == Fraction(200, 3)


def _officer_of(story: Story, name: str, place: str) -> None:
    from rongtong.apps.registry.actions import create_account, grant, system_account

    if name not in story.people:
        story.people[name] = create_account("story-more", name, actor=system_account(), demo=True).account
        grant(story.people[name], "county_officer", place, actor=system_account())


def test_an_office_sends_back_within_a_working_day_and_not_after(story: Story) -> None:
    case = assigned(story, firm_asks(story), "西湖区科学技术局")
    story.day("2025-06-18")
    with pytest.raises(GuardRefused, match="1个工作日内"):
        story.does("区科技局", case, "退回重派", {"退回理由": "不是本单位的职责。"})
    story.does("区科技局", case, "签收")
    story.does("分办员", case, "收回改派", {"理由": "应由经信部门办理。"})
    story.does("分办员", case, "分办", {"主办单位": "西湖区经济和信息化局"})
    assert story.waits_for("区经信局") == [case.title]
    assert not story.reads("区科技局", case), "who no longer has a part reads it no more"


def test_an_extension_is_asked_for_before_the_end(story: Story) -> None:
    case = assigned(story, firm_asks(story))
    story.does("区经信局", case, "签收")
    story.day("2025-06-26")
    with pytest.raises(GuardRefused, match="届满之前"):
        story.does("区经信局", case, "申请延期", {"申请延长（工作日）": 5, "延期理由": "来不及了，请宽限。"})


def test_simple_ordinary_and_hard_problems_have_terms_of_their_own(story: Story) -> None:
    ends = {}
    for layer in ("简单", "一般", "疑难"):
        case = firm_asks(story)
        story.does("分办员", case, "受理", {**GRADED, "分层": layer})
        ends[layer] = story.clock(case, "承办期限")[1]
    assert ends == {"简单": date(2025, 6, 19), "一般": date(2025, 6, 25), "疑难": date(2025, 7, 21)}
    # Found to be hard only when it is assigned: the term is that of a hard one, from the start.
    case = firm_asks(story)
    story.does("分办员", case, "受理", GRADED)
    story.does("分办员", case, "分办", {"主办单位": "西湖区经济和信息化局", "分层": "疑难"})
    assert story.clock(case, "承办期限")[1] == date(2025, 7, 21)


def test_while_the_firm_is_asked_for_more_the_term_stands_still(story: Story) -> None:
    case = assigned(story, firm_asks(story))
    story.does("区经信局", case, "签收")
    story.does("区经信局", case, "请企业补充", {"要补充什么": "请提供增容申请的受理编号。"})
    assert story.waits_for("甲企业") == [case.title]
    story.day("2025-06-18")
    assert story.clock(case, "承办期限")[0] == "停计"
    story.does("甲企业", case, "补充", {"补充的情况": "受理编号为 2025-0601。"})
    assert story.clock(case, "承办期限") == ("计时中", date(2025, 6, 27))


def test_what_nobody_answers_is_raised_by_the_clock_to_the_city_and_to_the_province(story: Story) -> None:
    case = assigned(story, firm_asks(story))
    story.does("区经信局", case, "签收")
    for day in ("2025-06-23", "2025-06-24", "2025-06-25"):
        story.morning(day)
    assert story.stage(case) == "办理中"
    assert Told.objects.filter(case=case, key__startswith="handle", kind="warn", role="main").exists()
    story.morning("2025-06-26")
    assert story.stage(case) == "提级至市"
    assert story.waits_for("市里") == [case.title]
    assert story.waits_for("分办员") == []
    story.does("市里", case, "市级分办", {"分级": "市级", "主办单位": "杭州市经济和信息化局"})
    story.does("市经信局", case, "签收")
    story.morning("2025-07-10")
    assert story.stage(case) == "办理中"
    story.morning("2025-07-11")
    assert story.stage(case) == "提级至省"
    story.does("省里", case, "省级分办", {"分级": "省级", "主办单位": "杭州市经济和信息化局"})
    story.does("市经信局", case, "签收")
    story.does("市经信局", case, "答复", REPLY)
    story.does("甲企业", case, "评价", {"评价": "基本满意"})
    assert figures("330106")["closed"] == 1
    assert figures("330106")["closed_in_time"] == 0


def test_a_hard_problem_is_raised_by_hand_with_a_reason(story: Story) -> None:
    case = firm_asks(story)
    story.does("分办员", case, "受理", {**GRADED, "分层": "疑难"})
    story.does("分办员", case, "提级至市", {"提级理由": "涉及跨区线路，区里协调不了。"})
    story.does("市里", case, "市级分办", {"分级": "市级", "主办单位": "杭州市经济和信息化局"})
    with pytest.raises(GuardRefused, match="已在市级"):
        story.does("分办员", case, "提级至市", {"提级理由": "再提一次试试。"})


def test_a_firm_that_does_not_rate_in_time_ends_it_unrated(story: Story) -> None:
    case = assigned(story, firm_asks(story))
    story.does("区经信局", case, "签收")
    story.does("区经信局", case, "答复", REPLY)
    story.morning("2025-06-23")
    assert story.stage(case) == "待评价"
    story.morning("2025-06-24")
    assert story.stage(case) == "已办结"
    assert {"closed": 1, "closed_in_time": 1}.items() <= figures("330106").items()
    assert "rated" not in figures("330106")
    assert "satisfied" not in figures("330106")


def test_a_firm_never_sees_another_firms_problem(story: Story) -> None:
    own, other = firm_asks(story, "甲企业"), firm_asks(story, "乙企业")
    assert story.reads("甲企业", own)
    assert not story.reads("甲企业", other)
    for address in (reverse("case", args=[other.pk]), reverse("case", args=[other.pk]) + "?step=merge"):
        story.page("甲企业", address, 404)
    assert other.key not in story.page("甲企业", reverse("cases"))
    assert other.key not in story.page("甲企业", reverse("case", args=[own.pk])), "alike, and not shown to a firm"
    assert near.candidates(story.people["甲企业"], own) == ()
    story.page("甲企业", reverse("cases-alike", args=["enterprise_problem"]), 403)


def test_alike_problems_of_two_firms_are_two_problems_and_not_merged(story: Story) -> None:
    own, other = firm_asks(story, "甲企业"), firm_asks(story, "乙企业")
    (found,) = near.candidates(story.people["分办员"], other)
    assert (found.case, found.other_owner, found.merge) == (own, True, "")
    assert "不是同一家单位的，不合并" in story.page("分办员", reverse("case", args=[other.pk]))
    with pytest.raises(FormRefused, match="不是同一家单位"):
        story.does("分办员", other, "并入另一件", {"并入哪一件（编号）": own.key})


def test_nothing_is_merged_into_what_is_over_nor_two_into_each_other(story: Story) -> None:
    one, two = firm_asks(story), firm_asks(story)
    story.does("分办员", one, "并入另一件", {"并入哪一件（编号）": two.key})
    assert "并入本件的" in story.page("分办员", reverse("case", args=[two.pk]))
    with pytest.raises(FormRefused, match="已经办结"):
        story.does("分办员", two, "并入另一件", {"并入哪一件（编号）": one.key})


def test_several_alike_become_a_common_problem_closed_only_when_the_change_is_named(story: Story) -> None:
    members = [firm_asks(story, who) for who in ("甲企业", "乙企业", "丙企业")]
    firm_asks(
        story,
        "丙企业",
        **{"问题（一句话）": "员工子女入学没有名额", "具体情况": "引进的博士孩子今年上小学，学区没有名额。"},
    )
    page = story.page("分办员", reverse("cases-alike", args=["enterprise_problem"]))
    assert "3 件，3 家单位" in page
    assert "子女入学" not in page

    # The page opens the form with the members filled in.
    (group,) = near.clusters(
        story.people["分办员"], "enterprise_problem", date(2025, 6, 1), date(2025, 6, 16), "330106"
    )
    assert set(group.members) == set(members)
    common = story.opens(
        "分办员",
        "common_problem",
        {
            "共性问题": "用电增容报装审批时间长",
            "有哪几件": [c.key for c in group.members],
            "共同之处": "都卡在容量核定一步。",
        },
        group.place,
    )
    member, whole = (story.page("分办员", reverse("case", args=[c.pk])) for c in (members[0], common))
    assert "待定责" in member, "each instance names it"
    assert ("归入共性问题" in member, "所含的办件" in whole) == (True, True), "in the words of the pack"

    story.does("分办员", common, "定责", {"整改责任单位": "西湖区经济和信息化局"})
    story.does("区经信局", common, "写明根源", {"根源在哪里": "流程", "根源": "容量核定要跑三个科室，没有并联办理。"})
    measure = {"措施（改哪条规则、哪个流程，怎么改）": "三个科室并联核定，限时两日。", "计划完成": "2025-07-31"}
    story.does("区经信局", common, "定措施", measure)
    change = {
        "改的是": "办事流程",
        "文件、流程或规则的名称": "用电增容报装联办流程",
        "自哪天起施行": "2025-07-10",
        "告知企业的话": "七月十日起用电增容只跑一次，两个工作日核定。",
    }
    with pytest.raises(FormRefused, match="改后的文号或版本"):
        story.does("区经信局", common, "已改，请核实", change)
    story.does("区经信局", common, "已改，请核实", {**change, "改后的文号或版本": "第2版"})
    story.does("分办员", common, "核实销号", {"怎样核实的": "抽查了三件，都是两日内核定。"})
    assert story.stage(common) == "已销号"
    assert common.title in story.page("乙企业", reverse("case", args=[members[1].pk])), "the firm is told of it"
    board = monitor(Asked("common_problems_closed", YEAR, as_of=date(2025, 7, 15)))
    assert board.total.figures["value"].number == 1
