"""企呼我应: problems that city and province have a hand in: returned, sent back, extended there, supervised (督办)."""

from __future__ import annotations

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

from rongtong.apps.cases.errors import CaseError, FormRefused, GuardRefused
from rongtong.apps.cases.models import Case
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.actions import system_account
from worlds import member

pytestmark = pytest.mark.django_db
RAISE = {"提级理由": "涉及跨区线路，区里协调不了。"}
CITY = {"分级": "市级", "主办单位": "杭州市经济和信息化局"}
ASK = {"申请延长（工作日）": 5, "延期理由": "供电公司要重新核容量。"}


def page(story: Story, who: str, case: Case) -> str:
    return story.page(who, reverse("case", args=[case.pk]))


def raised_by_the_clock(story: Story) -> Case:
    """A problem whose county did not answer it in time, on 26 June."""
    case = handled(story, firm_asks(story))
    story.morning("2025-06-26")
    assert story.stage(case) == "提级至市"
    return case


def test_the_city_returns_what_a_county_can_do_itself(story: Story) -> None:
    case = raised_by_the_clock(story)
    down = {"理由": "区里自己能办，请区经信局牵头会商。"}
    for who in ("分办员", "区经信局", "甲企业"):
        with pytest.raises(Denied, match="市级分办"):
            story.does(who, case, "退回县级办理", down)
    with pytest.raises(FormRefused, match="理由"):
        story.does("市里", case, "退回县级办理")
    story.does("市里", case, "退回县级办理", down)
    assert (story.stage(case), story.waits_for("分办员"), story.waits_for("市里")) == ("待分办", [case.title], [])
    assert story.clock(case, "分办期限") == ("计时中", date(2025, 6, 30))
    assert down["理由"] in page(story, "分办员", case)
    # The term that ran out raised it once; the next morning does not send it up again.
    story.morning("2025-06-27")
    assert story.stage(case) == "待分办"
    story.does("分办员", case, "分办", {"主办单位": "西湖区经济和信息化局"})
    story.does("区经信局", case, "签收")
    story.does("区经信局", case, "答复", REPLY)
    story.does("甲企业", case, "评价", {"评价": "满意"})
    assert still_counts(story, case) == []
    assert {"closed": 1, "closed_in_time": 0}.items() <= figures("330106").items()


def test_what_the_city_returned_is_raised_again_by_hand(story: Story) -> None:
    case = raised_by_the_clock(story)
    story.does("市里", case, "退回县级办理", {"理由": "区里自己能办。"})
    story.does("分办员", case, "提级至市", RAISE)
    assert (story.stage(case), story.waits_for("市里")) == ("提级至市", [case.title])


def test_the_reason_of_a_raise_by_hand_does_not_begin_with_that_of_the_system(story: Story) -> None:
    case = handled(story, firm_asks(story))
    shown = page(story, "分办员", case)
    assert "提级理由" in shown
    assert "期限已过，系统提级" not in shown
    story.morning("2025-06-26")
    assert "期限已过，系统提级" in page(story, "分办员", case)


@pytest.mark.parametrize("how", ["退回重派", "收回改派"])
def test_what_comes_back_from_an_office_of_the_city_is_raised_again_or_done_by_the_county(
    story: Story, how: str
) -> None:
    case = at_city(story, firm_asks(story), "西湖区科学技术局")
    came_back = {"退回理由" if how == "退回重派" else "理由": "应由市里的部门办理。"}
    if how == "收回改派":
        story.does("区科技局", case, "签收")
    with pytest.raises(GuardRefused, match="已在市级或省级办理"):
        story.does("分办员", case, "提级至市", RAISE)
    story.does("区科技局" if how == "退回重派" else "分办员", case, how, came_back)
    assert (story.stage(case), story.waits_for("分办员")) == ("待分办", [case.title])
    assert states(story, case)["市级协调期限"] == "按时办到", "nothing is coordinated while it lies with the county"
    # The city again, whose term begins anew.
    story.day("2025-06-18")
    story.does("分办员", case, "提级至市", RAISE)
    story.does("市里", case, "市级分办", CITY)
    assert story.clock(case, "市级协调期限") == ("计时中", date(2025, 7, 2))
    # Or the county after all: it says so, and is again what the clock raises.
    story.does("市经信局", case, "退回重派", {"退回理由": "区里自己能办。"})
    county = {"主办单位": "西湖区经济和信息化局"}
    with pytest.raises(GuardRefused, match="把“分级”改为本级"):
        story.does("分办员", case, "分办", county)
    story.does("分办员", case, "分办", {**county, "分级": "本级"})
    assert case.labels.get(name="level").value == "county"
    story.does("区经信局", case, "签收")
    story.morning("2025-06-26")
    assert story.stage(case) == "提级至市"


def test_what_comes_back_from_an_office_of_the_province_is_raised_there_again(story: Story) -> None:
    case = at_city(story, firm_asks(story))
    story.does("市里", case, "提级至省", RAISE)
    province = {"分级": "省级", "主办单位": "西湖区科学技术局"}
    story.does("省里", case, "省级分办", province)
    with pytest.raises(GuardRefused, match="已在省级办理"):
        story.does("市里", case, "提级至省", RAISE)
    story.does("区科技局", case, "退回重派", {"退回理由": "应由省里的部门办理。"})
    story.does("分办员", case, "提级至市", RAISE)
    story.does("市里", case, "提级至省", RAISE)
    assert (story.stage(case), story.waits_for("省里")) == ("提级至省", [case.title])


def test_an_office_of_the_city_asks_for_more_days_before_the_citys_term_ends(story: Story) -> None:
    case = raised_by_the_clock(story)
    story.does("市里", case, "市级分办", CITY)
    story.does("市经信局", case, "签收")
    assert story.clock(case, "市级协调期限") == ("计时中", date(2025, 7, 10))
    story.does("市经信局", case, "申请延期", ASK)
    story.does("市里", case, "同意延期", {"同意延长（工作日）": 5})
    assert story.clock(case, "市级协调期限") == ("计时中", date(2025, 7, 17))
    story.day("2025-07-18")
    with pytest.raises(GuardRefused, match="届满之前"):
        story.does("市经信局", case, "申请延期", ASK)


def test_an_office_asks_for_more_days_to_do_it_again(story: Story) -> None:
    case = handled(story, firm_asks(story))
    story.does("区经信局", case, "答复", REPLY)
    story.does("甲企业", case, "不满意，请重办", {"评价": "不满意", "哪里没有解决": "还没有接电。"})
    assert story.clock(case, "重办期限") == ("计时中", date(2025, 6, 23))
    story.does("区经信局", case, "申请延期", ASK)
    story.does("分办员", case, "同意延期", {"同意延长（工作日）": 3})
    assert story.clock(case, "重办期限") == ("计时中", date(2025, 6, 26))
    story.day("2025-06-27")
    with pytest.raises(GuardRefused, match="届满之前"):
        story.does("区经信局", case, "申请延期", ASK)


def test_declined_after_the_city_nothing_counts_on(story: Story) -> None:
    case = at_city(story, firm_asks(story), "西湖区科学技术局")
    story.does("区科技局", case, "退回重派", {"退回理由": "应由市里的部门办理。"})
    story.does("分办员", case, "不予受理", {"不予受理的理由": "属商业合同纠纷。", "告知企业可走的渠道": "起诉或仲裁。"})
    assert still_counts(story, case) == []


def test_desk_city_and_province_supervise_and_the_office_answers(story: Story) -> None:
    case = assigned(story, firm_asks(story))
    urged = {"督办等级": "黄", "督办要求": "两日内到企业现场会商。"}
    answer = {"回应": "明天上午到企业现场会商。"}
    for at, who in (("已交办待签收", "分办员"), ("办理中", "市里"), ("办理中", "省里")):
        if at == "办理中" and story.stage(case) != at:
            story.does("区经信局", case, "签收")
        before = states(story, case)
        for wrong in ("甲企业", "区经信局"):
            with pytest.raises(Denied, match="督办"):
                story.does(wrong, case, "督办", urged)
        with pytest.raises(FormRefused, match="督办等级"):
            story.does(who, case, "督办", {"督办要求": "两日内到企业现场会商。"})
        story.does(who, case, "督办", urged)
        assert (story.stage(case), states(story, case)) == (at, before), "neither stage nor clock is moved"
        assert urged["督办要求"] in page(story, "区经信局", case)
        with pytest.raises(Denied, match="主办单位"):
            story.does(who, case, "回应督办", answer)
        story.does("区经信局", case, "回应督办", answer)
        assert (story.stage(case), states(story, case)) == (at, before)
        assert answer["回应"] in page(story, who, case)
    page_of_steps = [e.transition for e in case.steps.order_by("number")]
    assert page_of_steps.count("supervise") == page_of_steps.count("answer_supervision") == 3
    story.does("区经信局", case, "请企业补充", {"要补充什么": "请提供增容申请的受理编号。"})
    with pytest.raises(CaseError, match="不能在“待企业补充”时"):
        story.does("市里", case, "督办", urged)


def test_what_has_no_city_above_it_is_taken_up_by_the_province_itself(story: Story) -> None:
    story.people["省级窗口"] = member("story-window", "省级窗口", "service_desk", "330000", actor=system_account())
    case = story.opens("省里", "enterprise_problem", BY_PHONE, place="330000")
    story.does("省级窗口", case, "受理", GRADED)
    story.does("省级窗口", case, "提级至市", RAISE)
    assert offered(story, "市里", case) == {}
    assert offered(story, "省里", case)["提级至省"] == ""
    story.does("省里", case, "提级至省", RAISE)
    assert (story.stage(case), story.waits_for("省里")) == ("提级至省", [case.title])


def test_an_office_takes_its_request_for_more_days_back(story: Story) -> None:
    case = handled(story, firm_asks(story))
    due = story.clock(case, "承办期限")
    story.does("区经信局", case, "申请延期", ASK)
    with pytest.raises(Denied, match="主办单位"):
        story.does("分办员", case, "不延期了")
    story.does("区经信局", case, "不延期了")
    assert (story.stage(case), story.clock(case, "承办期限")) == ("办理中", due)
