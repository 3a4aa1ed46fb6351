"""企业技术需求, the steps that the straight way leaves out: sent back, withdrawn, answered, argued anew, objected to with
success, closed early, listed again, given up."""

from __future__ import annotations

from typing import Any

import pytest
from challenge_world import CLEAR, CONDENSED, DEMAND, OPINION, TARGET, World, day
from pytest_django.fixtures import Settings

from rongtong.apps.cases import holding
from rongtong.apps.cases.errors import CaseError, FormRefused, GuardRefused
from rongtong.apps.cases.models import Case, Label
from rongtong.apps.registry.access import Denied
from worlds import browser

pytestmark = pytest.mark.django_db

WHY = "指标的现状值没有写，请补充。"
ANSWER = "同类主轴国内已有三家量产，请到检测平台比对后选购，不再列入榜单。"
SITE = {"verified_how": "site", "verification": "到车间看过，需求真实，指标可测。"}
GRADES = dict.fromkeys(("value", "novelty", "feasibility", "urgency"), "high")
EXPERTS = ("e1", "e2", "e3")


@pytest.fixture
def world(challenges: World) -> World:
    return challenges


def condensed(world: World, **more: Any) -> Case:
    """A demand that is checked and condensed, before the experts who were asked."""
    demand = world.demand(**more)
    world.do("xihu", demand, "核实属实", **SITE)
    world.do("office", demand, "凝练成榜题", **CONDENSED)
    return world.do("office", demand, "请专家", experts=list(EXPERTS))


def argue(world: World, demand: Case, advice: str, *experts: str) -> None:
    for expert in experts:
        world.do(expert, demand, "提交论证意见", **GRADES, advice=advice, opinion=OPINION)


def test_a_demand_sent_back_stands_still_until_its_firm_files_it_anew(world: World, settings: Settings) -> None:
    demand = world.demand()
    with pytest.raises(Denied, match="这一步由县（市、区）科技局"):
        world.do("office", demand, "退回补充", reason=WHY)
    with pytest.raises(Case.DoesNotExist):
        world.do("rival", demand, "退回补充", reason=WHY)
    with pytest.raises(FormRefused, match="“理由”至少 4 个字"):
        world.do("city", demand, "退回补充", reason="不行")
    demand = world.do("city", demand, "退回补充", reason=WHY)
    assert (demand.stage, demand.due) == ("returned", day("2025-07-29"))
    assert world.clocks(demand) == [("停计", day("2025-08-26"))]
    assert (world.can("setter", demand), world.can("xihu", demand)) == (["补充后再报", "撤回"], [])
    assert [world.waits_for(who, demand) for who in ("setter", "xihu", "city")] == [True, False, False]
    shown = world.page("setter", demand)
    assert all(words in shown for words in (WHY, "轮到您", "停计（退回补充）"))
    assert "等出题企业" in world.page("xihu", demand)

    settings.PINNED_TODAY = day("2025-07-22")
    assert world.clocks(world.time_passes(demand)) == [("停计", day("2025-09-02"))]
    # The form begins with what it was filed with: the firm changes what it was asked to, and types nothing twice.
    form = world.page("setter", demand).partition('id="resubmit"')[2].partition("</form>")[0]
    assert all(f'value="{TARGET[n]}"' in form for n in ("indicator", "now", "goal"))
    assert DEMAND["present"] in form
    assert '<option value="415x-2" selected>' in form
    assert 'id="resubmit-workshop" value="1" checked' in form
    anew = {**DEMAND, "title": "高速电主轴温升控制", "chain": "415x-1", "visibility": "directed"}
    with pytest.raises(Denied, match="这一步由出题企业"):
        world.do("xihu", demand, "补充后再报", **anew)
    vague = [{"indicator": "温升", "comparator": "le", "unit": "℃"}]
    with pytest.raises(FormRefused, match="还没有填“目标”"):
        world.do("setter", demand, "补充后再报", **{**anew, "targets": vague})
    demand = world.do("setter", demand, "补充后再报", **anew)
    assert (demand.stage, demand.due, demand.chain) == ("submitted", day("2025-07-29"), "415x-1")
    assert world.clocks(demand) == [("计时中", day("2025-09-02"))]
    assert Label.objects.get(case=demand, name="visibility").value == "directed"
    # Whoever checks it finds it under the name it has now, in the list and on its page.
    assert "高速电主轴温升控制" in browser(world.people["xihu"]).get("/cases/").content.decode()
    assert "<h1>高速电主轴温升控制</h1>" in world.page("xihu", demand)
    assert world.do("xihu", demand, "核实属实", **SITE).stage == "verified"


@pytest.mark.parametrize("stage", ["submitted", "returned", "verified"])
def test_a_withdrawn_demand_owes_nobody_an_answer(world: World, settings: Settings, stage: str) -> None:
    demand = world.demand()
    if stage == "returned":
        world.do("xihu", demand, "退回补充", reason=WHY)
    if stage == "verified":
        world.do("xihu", demand, "核实属实", **SITE)
    with pytest.raises(Denied, match="这一步由出题企业"):
        world.do("xihu", demand, "撤回", reason="企业来电不要了")
    with pytest.raises(FormRefused, match="请填写“理由”"):
        world.do("setter", demand, "撤回")
    demand = world.do("setter", demand, "撤回", reason="已经买到合用的主轴")
    assert (demand.stage, demand.outcome, demand.due) == ("withdrawn", "withdrawn", None)
    assert not any(world.can(who, demand) for who in ("setter", "xihu", "city", "office"))
    settings.PINNED_TODAY = day("2025-12-15")
    assert not world.time_passes(demand).late
    assert world.clocks(demand) == [("按时办到", day("2025-08-26"))]
    shown = world.page("xihu", demand)
    assert all(words in shown for words in ("已经买到合用的主轴", "这件已经结束"))
    assert "已超期" not in shown


def test_a_demand_that_joins_no_list_is_answered_before_it_is_condensed(world: World, settings: Settings) -> None:
    demand = world.demand()
    world.do("xihu", demand, "核实属实", **SITE)
    settings.PINNED_TODAY = day("2025-07-18")
    with pytest.raises(Denied, match="这一步由省科技厅处室"):
        world.do("xihu", demand, "答复（不入榜）", answer=ANSWER)
    with pytest.raises(FormRefused, match="“答复”至少 20 个字"):
        world.do("office", demand, "答复（不入榜）", answer="不入榜。")
    demand = world.do("office", demand, "答复（不入榜）", answer=ANSWER)
    assert (demand.stage, demand.outcome, demand.late) == ("answered", "answered", False)
    settings.PINNED_TODAY = day("2025-12-15")
    assert world.clocks(demand) == [("按时办到", day("2025-08-26"))]
    assert ANSWER in world.page("setter", demand)
    assert world.can("setter", demand) == []


def test_a_demand_answered_while_experts_argue_is_closed_to_them(world: World) -> None:
    demand = condensed(world)
    world.do("e1", demand, "声明没有利害关系", **CLEAR)
    argue(world, demand, "not", "e1")
    demand = world.do("office", demand, "答复（不入榜）", answer=ANSWER)
    assert demand.outcome == "answered"
    assert not any(world.reads(who, demand) or world.waits_for(who, demand) for who in EXPERTS)
    shown = world.page("setter", demand)
    assert ANSWER in shown
    assert OPINION not in shown
    assert "专家一" not in shown
    assert OPINION in world.page("office", demand)


def test_an_expert_of_a_demand_may_step_aside_until_the_opinion_is_in(world: World) -> None:
    demand = condensed(world)
    for expert in EXPERTS:
        world.do(expert, demand, "声明没有利害关系", **CLEAR)
    argue(world, demand, "list", "e1", "e2")
    with pytest.raises(GuardRefused, match="职责分离"):
        world.do("e2", demand, "声明有利害关系，回避", relation="work")
    with pytest.raises(FormRefused, match="请填写“是什么关系”"):
        world.do("e3", demand, "声明有利害关系，回避")
    demand = world.do("e3", demand, "声明有利害关系，回避", relation="work", relation_note="去年同一课题")
    assert not world.reads("e3", demand)
    world.page("e3", demand, status=404)
    assert "去年同一课题" in world.page("office", demand)
    for who in ("setter", "xihu", "e1"):
        assert "去年同一课题" not in world.page(who, demand)
    with pytest.raises(GuardRefused, match="已提交的论证意见 2"):
        world.do("office", demand, "论证通过，公示")
    # Or before a word of it was read; nobody comes back from that, asked again or not.
    world.do("office", demand, "请专家", experts=["insider"])
    assert str(DEMAND["present"]) not in world.page("insider", demand)
    world.do("insider", demand, "声明有利害关系，回避", relation="unit")
    assert not world.reads("insider", demand)
    world.do("office", demand, "请专家", experts=["insider", "e4"])
    with pytest.raises(GuardRefused, match="职责分离"):
        world.do("insider", demand, "声明没有利害关系", **CLEAR)
    world.do("e4", demand, "声明没有利害关系", **CLEAR)
    argue(world, demand, "list", "e4")
    demand = world.do("office", demand, "论证通过，公示")
    # On notice the board shows what is published; the whole stays with the firm and the offices.
    assert [w for w in world.people if world.reads(w, demand)] == ["setter", "xihu", "city", "office", "other"]
    world.page("onlooker", demand, status=404)


def test_a_demand_condensed_anew_is_argued_anew(world: World, settings: Settings) -> None:
    demand = condensed(world)
    for expert in EXPERTS:
        world.do(expert, demand, "声明没有利害关系", **CLEAR)
    argue(world, demand, "not", "e1", "e2")
    argue(world, demand, "list", "e3")
    with pytest.raises(GuardRefused, match="建议入榜的专家 1"):
        world.do("office", demand, "论证通过，公示")
    with pytest.raises(Denied, match="这一步由省科技厅处室"):
        world.do("xihu", demand, "退回重新凝练", reason="温升目标定得不合适")
    settings.PINNED_TODAY = day("2025-07-21")
    demand = world.do("office", demand, "退回重新凝练", reason="温升目标定得不合适")
    assert (demand.stage, demand.due) == ("verified", day("2025-08-04"))
    assert world.clocks(demand) == [("按时办到", day("2025-08-26"))]
    assert "温升目标定得不合适" in world.page("setter", demand)
    assert not any(world.reads(expert, demand) for expert in EXPERTS)
    world.do("office", demand, "凝练成榜题", **{**CONDENSED, "list_title": "主轴温升与热变形协同控制"})
    with pytest.raises(GuardRefused, match="已提交的论证意见 0"):
        world.do("office", demand, "论证通过，公示")
    argue(world, demand, "list", *EXPERTS)
    demand = world.do("office", demand, "论证通过，公示")
    shown = browser().get(f"/notices/{demand.pk}").content.decode()
    assert "主轴温升与热变形协同控制" in shown
    assert "高速主轴热稳定关键技术" not in shown


def test_an_upheld_objection_sends_a_demand_back_to_be_condensed(world: World, settings: Settings) -> None:
    demand = world.argued(world.demand())
    said = "榜题与省里在研项目重复，请先核查。"
    form = {"transition": "object", "seen": str(demand.events), "objection": said}
    assert browser(world.people["rival"]).post(f"/notices/{demand.pk}", form).status_code == 302
    demand.refresh_from_db()
    assert (demand.stage, demand.due) == ("objection", day("2025-07-29"))
    assert browser().get(f"/notices/{demand.pk}").status_code == 404
    assert [w for w in world.people if world.reads(w, demand)] == ["setter", "xihu", "city", "office", "other"]
    for who, told in (("office", True), ("setter", False), ("xihu", False)):
        shown = world.page(who, demand)
        assert [words in shown for words in (said, "另一家揭榜的高校")] == [told] * 2, who
    with pytest.raises(Denied, match="这一步由省科技厅处室"):
        world.do("xihu", demand, "异议成立", finding="确有重复，请重新凝练。")
    with pytest.raises(FormRefused, match="“核查结论”至少 4 个字"):
        world.do("office", demand, "异议成立", finding="属实")
    settings.PINNED_TODAY = day("2025-07-18")
    demand = world.do("office", demand, "异议成立", finding="确有重复，请重新凝练。")
    assert (demand.stage, demand.due) == ("verified", day("2025-08-01"))
    assert world.can("office", demand) == ["答复（不入榜）", "凝练成榜题"]
    assert "确有重复，请重新凝练。" in world.page("setter", demand)


def test_a_dismissed_objection_gives_the_notice_its_days_anew(world: World, settings: Settings) -> None:
    demand = world.argued(world.demand())
    assert demand.due == day("2025-07-22")
    settings.PINNED_TODAY = day("2025-07-16")
    world.objected(demand)
    settings.PINNED_TODAY = day("2025-07-18")
    demand = world.do("office", demand, "异议不成立", finding="已经核查，没有重复。")
    assert (demand.stage, demand.due, holding.on_notice(demand)) == ("notice", day("2025-07-25"), True)
    # Somebody else may still object; nobody did, and time leads on.
    assert world.can("bidder", demand) == ["提出异议"]
    settings.PINNED_TODAY = day("2025-07-25")
    assert world.time_passes(demand).stage == "notice"
    settings.PINNED_TODAY = day("2025-07-28")
    assert world.time_passes(demand).stage == "ready"


def test_a_list_closed_early_takes_no_more_bids_until_it_is_published_again(world: World, settings: Settings) -> None:
    demand = world.listed()
    bid = world.bid(demand)
    with pytest.raises(Denied, match="这一步由省科技厅处室"):
        world.do("xihu", demand, "提前截止", reason="已有足够的揭榜")
    demand = world.do("office", demand, "提前截止", reason="已有足够的揭榜")
    assert (demand.stage, demand.due, demand.outcome) == ("closed", None, "")
    assert "已有足够的揭榜" in world.page("setter", demand)
    assert browser().get(f"/notices/{demand.pk}").status_code == 404
    with pytest.raises(CaseError, match="没有可以在其下开始"):
        world.bid(demand, "rival", "leader2")
    with pytest.raises(GuardRefused, match="还没有立项的揭榜"):
        world.do("office", demand, "已有项目承担")
    with pytest.raises(FormRefused, match="请填写“揭榜截止日”"):
        world.do("office", demand, "再次发榜")
    demand = world.do("office", demand, "再次发榜", closes_on="2025-09-01")
    assert (demand.stage, demand.due, holding.on_notice(demand)) == ("published", day("2025-09-01"), True)
    assert "2025-09-01" in browser().get(f"/notices/{demand.pk}").content.decode()
    assert world.bid(demand, "rival", "leader2").stage == "recommending"
    settings.PINNED_TODAY = day("2025-09-02")
    assert world.time_passes(demand).stage == "closed"
    world.established(bid)
    assert world.can("office", demand) == ["再次发榜", "已有项目承担"]
    with pytest.raises(GuardRefused, match="已有立项的揭榜，请改办“已有项目承担”"):
        world.do("office", demand, "没有立项，答复企业", reason="没有合适的揭榜")
    assert world.do("office", demand, "已有项目承担").outcome == "matched"


def test_a_demand_for_invited_units_only_stands_on_no_board_at_any_time(world: World) -> None:
    demand = condensed(world, visibility="directed")
    for expert in EXPERTS:
        world.do(expert, demand, "声明没有利害关系", **CLEAR)
    argue(world, demand, "list", "e1", "e2")
    with pytest.raises(GuardRefused, match="不满三份"):
        world.do("office", demand, "论证通过，不公示")
    argue(world, demand, "list", "e3")
    with pytest.raises(GuardRefused, match="请改办“论证通过，不公示”"):
        world.do("office", demand, "论证通过，公示")
    demand = world.do("office", demand, "论证通过，不公示")
    assert (demand.stage, demand.due) == ("ready", day("2025-07-22"))
    board = browser().get("/notices/").content.decode()
    assert demand.title not in board
    assert browser().get(f"/notices/{demand.pk}").status_code == 404
    assert not world.reads("rival", demand)


def test_a_directed_list_closed_early_without_a_project_is_given_up_with_reasons(world: World) -> None:
    demand = world.argued(world.demand(visibility="directed"))
    asked = {"closes_on": "2025-10-28", "targets_invited": [world.uscc("bidder")]}
    demand = world.do("office", demand, "定向发榜", **asked)
    assert [world.reads(who, demand) for who in ("bidder", "rival")] == [True, False]
    with pytest.raises(Denied, match="这一步由省科技厅处室"):
        world.do("bidder", demand, "提前截止", reason="受邀单位不揭榜")
    demand = world.do("office", demand, "提前截止", reason="受邀单位都不揭榜")
    assert demand.stage == "closed"
    assert not world.reads("bidder", demand)
    assert world.can("office", demand) == ["没有立项，答复企业"]
    with pytest.raises(GuardRefused, match="不公开发榜"):
        world.do("office", demand, "再次发榜", closes_on="2025-12-01")
    with pytest.raises(Denied, match="这一步由省科技厅处室"):
        world.do("setter", demand, "没有立项，答复企业", reason="没有单位揭榜")
    demand = world.do("office", demand, "没有立项，答复企业", reason="受邀单位都不揭榜，建议改为公开发榜再报")
    assert (demand.outcome, demand.due) == ("unmatched", None)
    assert "建议改为公开发榜再报" in world.page("setter", demand)
