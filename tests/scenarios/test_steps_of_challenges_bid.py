"""揭榜申报, the steps that the straight way leaves out: sent back and filed anew, not taken up, a notice that runs out, an
objection upheld, a decision reviewed and kept or changed."""

from __future__ import annotations

from typing import Any

import pytest
from challenge_world import CLEAR, World, day
from pytest_django.fixtures import Settings

from rongtong.apps.cases import holding, queries
from rongtong.apps.cases.errors import FormRefused, GuardRefused
from rongtong.apps.cases.models import Case
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.models import Account
from worlds import browser

pytestmark = pytest.mark.django_db

PLAN = "以轴承预紧自适应和分区冷却协同控制温升，分三轮样机。"
DECISION = "评审意见一致，经会议研究决定。"
GROUNDS = "评分时没有看附件里的第三方检测报告。"
OFFICES = ["bidder", "leader", "county", "city", "office", "other"]
GOOD, POOR = (25, 24, 15, 13), (10, 10, 10, 10)


@pytest.fixture
def world(challenges: World) -> World:
    return challenges


def reviewed(world: World, points: tuple[int, ...]) -> Case:
    """A bid that three experts gave these points, to be decided."""
    bid = world.in_review(world.bid(world.listed()))
    for expert in ("e1", "e2", "e3"):
        world.do(expert, bid, "声明没有利害关系", **CLEAR)
    return scored(world, bid, points)


def scored(world: World, bid: Case, points: tuple[int, ...]) -> Case:
    for expert in ("e1", "e2", "e3"):
        world.score(expert, bid, *points)
    return world.do("office", bid, "评审结束，提请决定")


def readers(world: World, case: Case) -> list[str]:
    return [who for who in world.people if world.reads(who, case)]


def values(case: Case) -> dict[str, Any]:
    now = Case.objects.select_related("definition").get(pk=case.pk)
    return dict(queries.values(holding.process_of(now), now))


def objector(case: Case, reader: Account) -> str:
    """Who objected, as a reader is told."""
    return next(s.actor_name for s in queries.history(case, reader) if s.transition == "object")


def test_a_county_sends_a_bid_back_to_whoever_filed_it(world: World) -> None:
    bid, why = world.bid(world.listed()), "分工没有写清，请补充。"
    with pytest.raises(Denied, match="这一步由县（市、区）科技局"):
        world.do("office", bid, "退回修改", reason=why)
    with pytest.raises(Case.DoesNotExist):
        world.do("xihu", bid, "退回修改", reason=why)
    with pytest.raises(FormRefused, match="请填写“理由”"):
        world.do("county", bid, "退回修改")
    bid = world.do("county", bid, "退回修改", reason=why)
    assert (bid.stage, bid.due) == ("returned", day("2025-07-22"))
    assert (world.can("bidder", bid), world.can("leader", bid)) == (["撤回", "修改后再报"], ["撤回"])
    assert [who for who in world.people if world.waits_for(who, bid)] == ["bidder"]
    assert readers(world, bid) == ["bidder", "leader", "county", "city", "office", "other"]
    assert why in world.page("bidder", bid)
    assert "等揭榜单位" in world.page("county", bid)


def test_a_bid_filed_anew_keeps_its_challenge_and_takes_its_new_leader(world: World) -> None:
    bid = world.bid(world.listed())
    bid = world.do("city", bid, "退回修改", reason="负责人本年已有项目，请换人。")
    members = [("enterprise", world.uscc("bidder")), ("enterprise", world.uscc("setter"))]
    form = {**world.bid_form("bidder", "leader2", members), "title": "主轴热稳定技术攻关（修改稿）"}
    with pytest.raises(Denied, match="这一步由揭榜单位"):
        world.do("leader", bid, "修改后再报", **form)
    with pytest.raises(FormRefused, match="“技术方案”至少 20 个字"):
        world.do("bidder", bid, "修改后再报", **{**form, "plan": "见附件"})
    (offer,) = (o for o in queries.offers(world.people["bidder"], bid) if o.name == "修改后再报")
    assert {"challenge", "demander", "chain"}.isdisjoint(f.name for f in offer.fields)

    # What the challenge gives is not for the bidder to say: its user firm would be the bidder itself.
    typed = {"challenge": "别的榜题", "demander": world.uscc("bidder"), "chain": "415x-1"}
    bid = world.do("bidder", bid, "修改后再报", **form, **typed)
    data = queries.data(bid)
    assert (bid.stage, bid.due, bid.chain) == ("drafted", day("2025-07-22"), "415x-2")
    assert (data["challenge"], data["demander"]) == ("高速主轴热稳定关键技术", world.uscc("setter"))
    assert values(bid)["firms"] == 2
    assert readers(world, bid) == ["bidder", "leader2"]
    assert world.waits_for("leader2", bid)
    with pytest.raises(Case.DoesNotExist):
        world.do("leader", bid, "负责人确认并承诺", leader_promise="我确认并承诺材料真实")
    with pytest.raises(Denied, match="这一步由项目负责人"):
        world.do("bidder", bid, "负责人确认并承诺", leader_promise="我确认并承诺材料真实")
    bid = world.do("leader2", bid, "负责人确认并承诺", leader_promise="我确认并承诺材料真实")
    shown = world.page("county", bid)
    assert all(words in shown for words in ("<h1>主轴热稳定技术攻关（修改稿）</h1>", "轮到您", "负责人本年已有项目"))
    assert world.do("county", bid, "推荐", recommendation="单位真实，投入有保障，同意推荐。").stage == "formal"


def test_a_bid_that_is_not_taken_up_uses_up_nobodys_turn(world: World) -> None:
    demand = world.listed()
    bid = world.bid(demand)
    world.do("county", bid, "推荐", recommendation="单位真实，投入有保障，同意推荐。")
    with pytest.raises(Denied, match="这一步由省科技厅处室"):
        world.do("county", bid, "不予受理", reason="超出本批榜单范围")
    with pytest.raises(FormRefused, match="“理由”至少 4 个字"):
        world.do("office", bid, "不予受理", reason="超出")
    bid = world.do("office", bid, "不予受理", reason="超出本批榜单范围")
    assert (bid.stage, bid.outcome, bid.due) == ("refused", "refused", None)
    assert not any(world.can(who, bid) or world.waits_for(who, bid) for who in world.people)
    shown = world.page("leader", bid)
    assert all(words in shown for words in ("超出本批榜单范围", "这件已经结束"))
    assert world.bid(demand).stage == "recommending"


def test_the_notice_of_a_bid_runs_out_and_the_project_is_established(world: World, settings: Settings) -> None:
    bid = reviewed(world, GOOD)
    bid = world.do("other", bid, "拟立项，公示", decision=DECISION)
    assert (bid.stage, bid.due) == ("notice", day("2025-07-22"))
    board = browser().get(f"/notices/{bid.pk}").content.decode()
    assert all(words in board for words in ("高速主轴热稳定技术攻关", "高速主轴热稳定关键技术", "单位2"))
    assert all(words not in board for words in (PLAN, DECISION, "平均分", "专家一"))
    assert readers(world, bid) == OFFICES
    for who in ("e1", "onlooker", "setter"):
        world.page(who, bid, status=404)
    assert "到时自动往下走" in world.page("bidder", bid)

    settings.PINNED_TODAY = day("2025-07-22")
    assert world.time_passes(bid).stage == "notice"
    settings.PINNED_TODAY = day("2025-07-23")
    bid = world.time_passes(bid)
    assert (bid.stage, bid.due) == ("establishing", day("2025-07-30"))
    assert browser().get(f"/notices/{bid.pk}").status_code == 404
    assert "公示期满" in world.page("bidder", bid)
    given = {"project_number": "2026C01001", "grant": "125.500005"}
    with pytest.raises(GuardRefused, match="职责分离"):
        world.do("office", bid, "立项", **given)
    bid = world.do("other", bid, "立项", **given)
    project = bid.below.get(process="major_project")
    assert (bid.outcome, project.stage, project.chain) == ("approved", "contracting", "415x-2")


def test_an_upheld_objection_lets_the_decision_be_taken_anew_or_the_review_be_repeated(world: World) -> None:
    bid = reviewed(world, GOOD)
    bid = world.do("other", bid, "拟立项，公示", decision=DECISION)
    said = "有一位评审专家与揭榜单位合作在先。"
    form = {"transition": "object", "seen": str(bid.events), "objection": said}
    assert browser(world.people["setter"]).post(f"/notices/{bid.pk}", form).status_code == 302
    bid.refresh_from_db()
    assert (bid.stage, bid.due, readers(world, bid)) == ("objection", day("2025-07-29"), OFFICES)
    # Whoever is objected to does not learn by whom, nor with which words.
    assert [objector(bid, world.people[who]) for who in ("office", "bidder")] == ["出题企业", "看公示的单位"]
    assert said in world.page("office", bid)
    assert said not in world.page("bidder", bid)
    with pytest.raises(Denied, match="这一步由省科技厅处室"):
        world.do("county", bid, "异议成立", finding="情况属实，重新评审。")
    with pytest.raises(FormRefused, match="“核查结论”至少 4 个字"):
        world.do("office", bid, "异议成立", finding="属实")
    bid = world.do("office", bid, "异议成立", finding="情况属实，请重新决定。")
    assert (bid.stage, bid.due) == ("deciding", day("2025-07-29"))
    assert world.can("other", bid) == ["拟立项，公示", "不立项", "退回重新评审"]
    assert world.can("office", bid) == []
    assert "情况属实，请重新决定。" in world.page("bidder", bid)

    with pytest.raises(GuardRefused, match="职责分离"):
        world.do("office", bid, "退回重新评审", reason="一位专家应当回避")
    bid = world.do("other", bid, "退回重新评审", reason="一位专家应当回避")
    assert (bid.stage, values(bid)["scores"], values(bid)["score_mean"]) == ("review", 0, None)
    with pytest.raises(GuardRefused, match="评分不满三份"):
        world.do("office", bid, "评审结束，提请决定")
    bid = scored(world, bid, POOR)
    with pytest.raises(GuardRefused, match="平均分 40"):
        world.do("other", bid, "拟立项，公示", decision=DECISION)
    assert world.do("other", bid, "不立项", decision=DECISION).outcome == "rejected"


def test_a_decision_is_reviewed_by_somebody_else_and_may_be_kept_or_changed(world: World, settings: Settings) -> None:
    bid = reviewed(world, GOOD)
    bid = world.do("other", bid, "不立项", decision="方向与本批重点不符，不予立项。")
    assert [world.can(who, bid) for who in ("bidder", "leader", "other")] == [["申请复核"], [], []]
    with pytest.raises(Denied, match="这一步由揭榜单位"):
        world.do("leader", bid, "申请复核", grounds=GROUNDS)
    with pytest.raises(Case.DoesNotExist):
        world.do("rival", bid, "申请复核", grounds=GROUNDS)
    with pytest.raises(FormRefused, match="“复核理由”至少 10 个字"):
        world.do("bidder", bid, "申请复核", grounds="不服")
    bid = world.do("bidder", bid, "申请复核", grounds=GROUNDS)
    assert (bid.stage, bid.outcome, bid.closed_on, bid.due) == ("again", "", None, day("2025-07-29"))
    assert readers(world, bid) == OFFICES
    assert GROUNDS in world.page("office", bid)
    with pytest.raises(GuardRefused, match="“不立项”由您办理，“维持原决定”须由别人办理"):
        world.do("other", bid, "维持原决定", review_opinion="原决定适当，予以维持。")
    with pytest.raises(Denied, match="这一步由省科技厅处室"):
        world.do("county", bid, "维持原决定", review_opinion="原决定适当，予以维持。")
    settings.PINNED_TODAY = day("2025-07-21")
    bid = world.do("office", bid, "维持原决定", review_opinion="原决定适当，予以维持。")
    assert (bid.stage, bid.outcome, bid.closed_on) == ("rejected", "rejected", day("2025-07-21"))
    assert "原决定适当，予以维持。" in world.page("bidder", bid)

    bid = world.do("bidder", bid, "申请复核", grounds="检测报告原件已经补齐，请再核。")
    with pytest.raises(GuardRefused, match="“改变原决定”须由别人办理"):
        world.do("other", bid, "改变原决定", review_opinion="检测报告有效。")
    bid = world.do("office", bid, "改变原决定", review_opinion="检测报告有效，请重新决定。")
    assert (bid.stage, bid.outcome, bid.due) == ("deciding", "", day("2025-08-04"))
    assert world.waits_for("other", bid)
    assert world.do("other", bid, "拟立项，公示", decision=DECISION).stage == "notice"


def test_a_decision_changed_for_its_scores_leads_to_a_new_review(world: World) -> None:
    bid = reviewed(world, POOR)
    world.do("other", bid, "不立项", decision="平均分不足，不予立项。")
    world.do("bidder", bid, "申请复核", grounds=GROUNDS)
    bid = world.do("office", bid, "改变原决定", review_opinion="漏看检测报告，原评分不能用。")
    with pytest.raises(GuardRefused, match="平均分 40"):
        world.do("other", bid, "拟立项，公示", decision=DECISION)
    bid = world.do("other", bid, "退回重新评审", reason="漏看检测报告，请重新评分")
    assert (bid.stage, bid.due) == ("review", day("2025-08-05"))
    assert all(world.waits_for(expert, bid) for expert in ("e1", "e2", "e3"))
    assert "漏看检测报告，请重新评分" in world.page("e1", bid)
    bid = scored(world, bid, GOOD)
    assert values(bid)["score_mean"] == 77
    assert world.do("other", bid, "拟立项，公示", decision=DECISION).stage == "notice"
