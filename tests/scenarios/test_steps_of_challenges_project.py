"""省重大科技项目, the steps that the straight way leaves out: another user firm named, a milestone and an acceptance sent back,
the user's verdict, and supervision (督办) with its answer wherever it may come."""

from __future__ import annotations

from typing import Any

import pytest
from challenge_world import CONTRACT, MILESTONES, World, day
from django.urls import reverse
from pytest_django.fixtures import Settings

from rongtong.apps.cases import actions
from rongtong.apps.cases.errors import CaseError, FormRefused, GuardRefused
from rongtong.apps.cases.models import Case, Certificate, Measured
from rongtong.apps.registry.access import Denied
from worlds import browser

pytestmark = pytest.mark.django_db

TESTS = [{"item": "主轴温升", "goal": "9", "measured": "7.8", "unit": "℃", "passed": True}]
WORKSHOP = {"workshop_place": "三车间五号线", "prototype": "HS-40 第 3 台", "tested_on": "2025-08-28", "tests": TESTS}
SIGNED = "在本厂五号线连续运行一千小时，温升达标。"
DONE = "完成了里程碑约定的全部内容。"
ACCEPTED = "考核指标全部完成，经费使用合规，同意通过验收。"


@pytest.fixture
def world(challenges: World) -> World:
    return challenges


@pytest.fixture
def project(world: World) -> Case:
    """A project just established, whose contract has to be filed."""
    return world.established(world.bid(world.listed()))


def running(world: World, project: Case) -> Case:
    world.do("bidder", project, "报任务书", **CONTRACT)
    return world.do("office", project, "签订任务书", contract_number="2025-甲-001")


def in_workshop(world: World, project: Case) -> Case:
    """A running project, all its milestones accepted, before the user firm."""
    for _ in MILESTONES:
        world.do("bidder", project, "报里程碑完成", achievement=DONE)
        world.do("office", project, "里程碑核过")
    return world.do("bidder", project, "提请车间验题", **WORKSHOP)


def owed(project: Case, code: str) -> list[bool]:
    """Of each due of a sort, whether it is still open."""
    return [o.open for o in project.obligations.filter(code=code).order_by("number")]


def out_of_turn(world: World, who: str, project: Case, step: str, given: dict[str, Any]) -> None:
    """A step asked for as another system would ask, whatever the stage."""
    project.refresh_from_db()
    actions.move(project.pk, step, actor=world.people[who], seen=project.events, data=given)


def supervise_and_answer(world: World, project: Case, level: str) -> None:
    """Supervision in the stage a project is in: by the office alone, answered by the undertaker alone; nothing moves."""
    project.refresh_from_db()
    before = (project.stage, project.due, project.outcome, [o.open for o in project.obligations.order_by("number")])
    asked, answer = f"{level}灯：请于本周内报送进展（{project.stage}）", f"进展已于今日报送（{project.stage}）"
    levels = {"蓝": "blue", "黄": "yellow", "红": "red"}
    for who in ("county", "setter", "bidder"):
        with pytest.raises(Denied, match="这一步由省科技厅处室"):
            world.do(who, project, "督办", supervision_level=levels[level], supervision=asked)
    with pytest.raises(FormRefused, match="“督办等级”应为所列的选项之一"):
        world.do("office", project, "督办", supervision_level="green", supervision=asked)
    world.do("office", project, "督办", supervision_level=levels[level], supervision=asked)
    assert world.waits_for("bidder", project)
    assert asked in world.page("bidder", project)
    for who in ("leader", "setter", "office"):
        with pytest.raises(Denied, match="这一步由承担单位"):
            world.do(who, project, "回应督办", supervision_answer=answer)
    with pytest.raises(FormRefused, match="“回应”至少 4 个字"):
        world.do("bidder", project, "回应督办", supervision_answer="好的")
    project = world.do("bidder", project, "回应督办", supervision_answer=answer)
    after = (project.stage, project.due, project.outcome, [o.open for o in project.obligations.order_by("number")])
    assert after == before
    assert answer in world.page("office", project)


def test_a_project_is_supervised_before_its_contract_is_filed_and_while_it_runs(world: World, project: Case) -> None:
    supervise_and_answer(world, project, "蓝")
    listed = browser(world.people["office"]).get(reverse("desk"), {"tab": "open", "supervised": "1"}).content.decode()
    assert project.title in listed
    world.do("bidder", project, "报任务书", **CONTRACT)
    with pytest.raises(CaseError, match="“督办”不能在“任务书待签”时办理"):
        out_of_turn(world, "office", project, "supervise", {"supervision_level": "blue", "supervision": "请尽快办理"})
    world.do("office", project, "签订任务书", contract_number="2025-甲-001")
    supervise_and_answer(world, project, "黄")


def test_another_user_firm_is_named_until_one_has_signed(world: World, project: Case) -> None:
    assert world.reads("setter", project)
    project = world.do("bidder", project, "报任务书", **CONTRACT)
    with pytest.raises(Denied, match="这一步由省科技厅处室"):
        world.do("bidder", project, "指定用户企业", user_firm=world.uscc("bidder"))
    with pytest.raises(FormRefused, match="没有登记统一社会信用代码"):
        world.do("office", project, "指定用户企业", user_firm="913301")
    project = world.do("office", project, "指定用户企业", user_firm=world.uscc("rival"))
    assert (project.stage, world.reads("setter", project)) == ("contract_check", False)
    assert "另一家揭榜的高校（虚构）" in world.page("bidder", project)

    project = world.do("office", project, "签订任务书", contract_number="2025-甲-001")
    project = world.do("office", project, "指定用户企业", user_firm=world.uscc("setter"))
    assert (project.stage, world.reads("setter", project)) == ("running", True)
    world.do("office", project, "指定用户企业", user_firm=world.uscc("rival"))

    # A university is no firm and cannot sign: with the tests before it, the project waits for nobody who could.
    project = in_workshop(world, project)
    assert not any(world.waits_for(who, project) for who in world.people)
    project = world.do("office", project, "指定用户企业", user_firm=world.uscc("setter"))
    assert (project.stage, project.due) == ("workshop", day("2025-07-29"))
    assert world.waits_for("setter", project)
    assert "轮到您" in world.page("setter", project)
    assert world.do("setter", project, "用户签认", user_opinion=SIGNED).stage == "accepting"


def test_whoever_asks_for_the_workshop_test_does_not_sign_it_too(world: World, project: Case) -> None:
    project = running(world, project)
    world.do("office", project, "指定用户企业", user_firm=world.uscc("bidder"))
    project = in_workshop(world, project)
    for step, data in (("用户签认", {"user_opinion": SIGNED}), ("不签认，退回整改", {"reason": "温升没有达标"})):
        with pytest.raises(GuardRefused, match="提请车间验题”由您办理"):
            world.do("bidder", project, step, **data)
    # Another firm is named, which does.
    world.do("office", project, "指定用户企业", user_firm=world.uscc("setter"))
    assert world.do("setter", project, "用户签认", user_opinion=SIGNED).stage == "accepting"


def test_a_milestone_sent_back_is_still_owed_and_pays_nothing(world: World, project: Case) -> None:
    project = running(world, project)
    world.do("office", project, "拨款", voucher="P-1", paid_on="2025-07-15")
    project = world.do("bidder", project, "报里程碑完成", achievement=DONE)
    assert (project.stage, project.due) == ("milestone_check", day("2025-07-29"))
    with pytest.raises(Denied, match="这一步由省科技厅处室"):
        world.do("county", project, "里程碑退回", reason="没有检测报告")
    with pytest.raises(FormRefused, match="请填写“理由”"):
        world.do("office", project, "里程碑退回")
    project = world.do("office", project, "里程碑退回", reason="没有第三方检测报告")
    assert (project.stage, project.due, owed(project, "milestone")) == ("running", None, [True, True])
    assert "没有第三方检测报告" in world.page("bidder", project)
    assert world.waits_for("bidder", project)
    with pytest.raises(GuardRefused, match="里程碑还没有核过"):
        world.do("office", project, "拨款", voucher="P-2", paid_on="2025-07-15")
    with pytest.raises(GuardRefused, match="还有里程碑没有核过"):
        world.do("bidder", project, "提请车间验题", **WORKSHOP)
    world.do("bidder", project, "报里程碑完成", achievement="检测报告已经补齐，全部达标。")
    project = world.do("office", project, "里程碑核过")
    assert owed(project, "milestone") == [False, True]
    assert world.do("office", project, "拨款", voucher="P-2", paid_on="2025-07-15").stage == "running"


def test_a_project_sent_back_from_acceptance_goes_through_the_workshop_again(
    world: World, project: Case, settings: Settings
) -> None:
    project = in_workshop(world, running(world, project))
    project = world.do("setter", project, "用户签认", user_opinion=SIGNED)
    counted = Measured.objects.filter(case=project).count()
    with pytest.raises(Denied, match="这一步由主持验收的人"):
        world.do("county", project, "验收退回整改", reason="缺决算报告")
    with pytest.raises(FormRefused, match="“理由”至少 4 个字"):
        world.do("other", project, "验收退回整改", reason="不行")
    project = world.do("other", project, "验收退回整改", reason="缺决算报告，噪声没有测。")
    assert (project.stage, project.outcome, owed(project, "market")) == ("running", "", [])
    assert "缺决算报告，噪声没有测。" in world.page("bidder", project)
    assert world.waits_for("bidder", project)
    assert {"提请车间验题", "申请变更或延期"} <= set(world.can("bidder", project))

    # What was tested then does not speak for what is tested now.
    failed = [{"item": "噪声", "goal": "70", "measured": "74", "unit": "dB"}]
    world.do("bidder", project, "提请车间验题", **{**WORKSHOP, "tests": failed})
    with pytest.raises(GuardRefused, match="通过的车间测试项 0"):
        world.do("setter", project, "用户签认", user_opinion=SIGNED)
    world.do("setter", project, "不签认，退回整改", reason="噪声超标，请整改")
    world.do(
        "bidder", project, "提请车间验题", **{**WORKSHOP, "tests": [{**failed[0], "measured": "68", "passed": True}]}
    )
    project = world.do("setter", project, "用户签认", user_opinion=SIGNED)
    papers = Certificate.objects.filter(case=project).order_by("pk")
    assert [(c.number, c.replaced) for c in papers] == [
        (f"CJYT-{project.key}", True), (f"CJYT-{project.key}-2", False),
    ]  # fmt: skip
    settings.PINNED_TODAY = day("2025-08-31")
    with pytest.raises(GuardRefused, match="职责分离"):
        world.do("office", project, "验收通过", acceptance_opinion=ACCEPTED)
    project = world.do("other", project, "验收通过", acceptance_opinion=ACCEPTED)
    assert list(project.obligations.filter(code="market").values_list("due", flat=True)) == [
        day("2026-02-28"), day("2026-08-31"), day("2027-08-31"),
    ]  # fmt: skip
    assert Measured.objects.filter(case=project).count() == counted


def test_the_user_judges_a_project_on_the_market_and_the_office_supervises_it(world: World, project: Case) -> None:
    project = in_workshop(world, running(world, project))
    verdict = {"still_used": "stopped", "user_comment": "换线以后主轴接口不合，现在不用了。"}
    with pytest.raises(CaseError, match="“用户评价”不能在“车间验题，待用户签认”时办理"):
        out_of_turn(world, "setter", project, "user_verdict", verdict)
    world.do("setter", project, "用户签认", user_opinion=SIGNED)
    project = world.do("other", project, "验收通过", acceptance_opinion=ACCEPTED)
    assert (project.stage, world.can("setter", project)) == ("market", ["用户评价"])
    with pytest.raises(Denied, match="这一步由用户企业"):
        world.do("bidder", project, "用户评价", **{**verdict, "still_used": "more"})
    with pytest.raises(FormRefused, match="请填写“现在还在用吗”"):
        world.do("setter", project, "用户评价", user_comment=verdict["user_comment"])
    project = world.do("setter", project, "用户评价", **verdict)
    assert (project.stage, owed(project, "market")) == ("market", [True] * 3)
    for who in ("setter", "bidder", "leader", "county", "office"):
        shown = world.page(who, project)
        assert all(words in shown for words in ("不用了", verdict["user_comment"])), who
    world.page("rival", project, status=404)
    supervise_and_answer(world, project, "红")
    with pytest.raises(GuardRefused, match="三次市场评价还没有报齐"):
        world.do("office", project, "结题", conclusion="用户已经评价，市场评价未报。")
