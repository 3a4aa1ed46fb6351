"""四题一评, told by its steps: a firm sets the question, experts and offices choose who answers it, the workshop tries the
answer and the market judges it; and what the commitments on firms' share of major projects read from that."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from challenge_world import CLEAR, CONTRACT, GRANT, MILESTONES, OPINION, PAYMENTS, World, day
from django.test import Client

from rongtong.apps.cases import actions, holding, measuring, queries
from rongtong.apps.cases.errors import CaseError, FormRefused, GuardRefused
from rongtong.apps.cases.models import Case, Certificate
from rongtong.apps.observations import queries as observations
from rongtong.apps.planning import pages_commitment
from rongtong.engine.period import Period
from worlds import browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(challenges: World) -> World:
    return challenges


def text(client: Client, address: str) -> str:
    """What an address answers, JSON with its characters as they are."""
    answer = client.get(address)
    assert answer.status_code == 200, address
    if answer["Content-Type"].startswith("application/json"):
        return json.dumps(answer.json(), ensure_ascii=False)
    return answer.content.decode()


def owed(case: Case, code: str) -> list[tuple[str, date, int | None, bool]]:
    return [(o.name, o.due, o.amount, o.open) for o in case.obligations.filter(code=code)]


def test_a_firms_demand_becomes_a_project_that_the_workshop_and_the_market_judge(world: World, settings: Any) -> None:
    settings.PINNED_TODAY = day("2025-07-15")
    demand = world.demand()
    assert world.can("setter", demand) == ["撤回"]
    demand = world.argued(demand)
    assert demand.stage == "notice"

    # Five working days later the notice is over by itself.
    settings.PINNED_TODAY = day("2025-07-22")
    assert world.time_passes(demand).stage == "notice"
    settings.PINNED_TODAY = day("2025-07-23")
    assert world.time_passes(demand).stage == "ready"
    demand = world.do("office", demand, "公开发榜", closes_on="2025-08-20")
    assert (demand.stage, demand.due) == ("published", day("2025-08-20"))

    bid = world.bid(demand)
    assert queries.data(bid)["challenge"] == "高速主轴热稳定关键技术"
    assert (bid.chain, queries.data(bid)["demander"]) == ("415x-2", world.uscc("setter"))
    project = world.established(bid)
    settings.PINNED_TODAY = day("2025-08-21")
    assert world.time_passes(demand).stage == "closed"
    assert world.do("office", demand, "已有项目承担").outcome == "matched"

    project = world.do("bidder", project, "报任务书", **CONTRACT)
    project = world.do("office", project, "签订任务书", contract_number="2026-甲-001")
    assert owed(project, "payment") == [
        ("首笔", day("2025-10-31"), 60_000_010, True),
        ("第二笔", day("2026-04-30"), 39_999_990, True),
        ("尾款", day("2026-12-31"), 25_500_005, True),
    ]
    assert [name for name, *_ in owed(project, "milestone")] == ["样机下线", "连续运行一千小时"]

    world.do("office", project, "拨款", voucher="P-1", paid_on="2025-08-21")
    with pytest.raises(GuardRefused, match="里程碑还没有核过"):
        world.do("office", project, "拨款", voucher="P-2", paid_on="2025-08-21")
    for voucher in ("P-2", "P-3"):
        world.do("bidder", project, "报里程碑完成", achievement="样机已经下线，完成全部台架试验。")
        world.do("office", project, "里程碑核过")
        world.do("office", project, "拨款", voucher=voucher, paid_on="2025-08-21")
    assert [still for *_, still in owed(project, "payment")] == [False, False, False]
    assert queries.values(holding.process_of(project), project)["paid_payment"] == Fraction(GRANT) * 10000

    tests = [{"item": "主轴温升", "goal": "9", "measured": "7.8", "unit": "℃", "passed": True}]
    settings.PINNED_TODAY = day("2026-08-31")
    project = world.do(
        "bidder", project, "提请车间验题", workshop_place="三车间五号线", prototype="HS-40 第 3 台", tested_on="2026-08-28",
        tests=tests,
    )  # fmt: skip
    assert world.can("bidder", project) == []
    project = world.do("setter", project, "用户签认", user_opinion="在本厂五号线连续运行一千小时，温升达标。")
    assert Certificate.objects.get(case=project).number == f"CJYT-{project.key}"
    project = world.do(
        "other", project, "验收通过", acceptance_opinion="考核指标全部完成，经费使用合规，同意通过验收。"
    )
    assert owed(project, "market") == [
        ("市场评价（6 个月）", day("2027-02-28"), None, True),
        ("市场评价（12 个月）", day("2027-08-31"), None, True),
        ("市场评价（24 个月）", day("2028-08-31"), None, True),
    ]

    settings.PINNED_TODAY = day("2027-02-20")
    with pytest.raises(GuardRefused, match="还没有报齐"):
        world.do("office", project, "结题", conclusion="三次市场评价已经报齐。")
    world.do("bidder", project, "报市场评价", sales="1860.5", users=7, substitution="part", verdict="用户反映稳定。")
    assert [still for *_, still in owed(project, "market")] == [False, True, True]
    assert queries.work(world.people["bidder"])[0].case == project
    for _ in range(2):
        world.do("bidder", project, "报市场评价", sales="5200", users=19, substitution="full")
    assert world.do("office", project, "结题", conclusion="三次市场评价已经报齐。").outcome == "concluded"


def test_an_expert_sees_nothing_of_a_bid_before_declaring(world: World) -> None:
    bid = world.in_review(world.bid(world.listed()))
    secret, expert = "分区冷却协同控制", browser(world.people["e1"])
    both = (f"/cases/{bid.pk}", f"/api/cases/{bid.pk}")
    for asked in both:
        shown = text(expert, asked)
        assert "声明没有利害关系" in shown
        assert secret not in shown
    assert world.can("e1", bid) == ["声明没有利害关系", "声明有利害关系，回避"]
    with pytest.raises(GuardRefused, match="请改办"):
        world.do("e1", bid, "声明没有利害关系", **{**CLEAR, "kin_relation": "has"})
    assert secret not in "".join(text(expert, asked) for asked in both)
    world.do("e1", bid, "声明没有利害关系", **CLEAR)
    assert all(secret in text(expert, asked) for asked in both)


def test_whoever_asks_experts_is_shown_who_there_is(world: World) -> None:
    bid = world.bid(world.listed())
    world.do("county", bid, "推荐", recommendation="单位真实，投入有保障，同意推荐。")
    form = {"whitelist": "listed", "whitelist_basis": "2025 年名单第 18 项", "consortium_checked": True}
    world.do("office", bid, "形式审查通过", **form)
    people = world.people
    people["e3"].grants.update(valid_to=day("2025-07-14"))
    people["e4"].is_active = False
    people["e4"].save()
    shown = text(browser(people["office"]), f"/cases/{bid.pk}")
    assert "<code>e1</code>（专家一）、<code>e2</code>（专家二）" in shown
    assert "<code>insider</code>（揭榜企业的专家，揭榜企业（虚构））" in shown
    for other in ("e3", "e4", "leader"):
        assert f"<code>{other}</code>" not in shown
    for who in ("bidder", "county"):
        assert "<code>e1</code>" not in text(browser(people[who]), f"/cases/{bid.pk}")


def test_an_expert_who_declares_a_conflict_is_out_and_cannot_come_back(world: World) -> None:
    bid = world.in_review(world.bid(world.listed()))
    form = {"transition": "recuse", "seen": str(bid.events), "relation": "work", "relation_note": "同一课题组"}
    answer = browser(world.people["e1"]).post(f"/cases/{bid.pk}/move", form)
    assert (answer.status_code, answer["Location"]) == (302, "/work")
    assert not queries.visible(world.people["e1"]).filter(pk=bid.pk).exists()
    assert browser(world.people["e1"]).get(f"/cases/{bid.pk}").status_code == 404
    world.do("office", bid, "请专家", experts=["e1", "e2", "e3", "e4"])
    with pytest.raises(GuardRefused, match="职责分离"):
        world.do("e1", bid, "声明没有利害关系", **CLEAR)


@pytest.mark.parametrize("near", ["insider", "leader", "setter"])
def test_nobody_of_the_units_concerned_can_be_asked_as_an_expert(world: World, near: str) -> None:
    bid = world.bid(world.listed())
    with pytest.raises(FormRefused, match="应当回避"):
        world.in_review(bid, experts=("e1", "e2", near))
    assert not queries.visible(world.people["e1"]).filter(pk=bid.pk).exists()


def test_experts_do_not_see_one_anothers_scores_and_the_mean_decides(world: World) -> None:
    bid = world.in_review(world.bid(world.listed()))
    for expert in ("e1", "e2", "e3"):
        world.do(expert, bid, "声明没有利害关系", **CLEAR)
    world.score("e1", bid, 29, 18, 11, 7)
    with pytest.raises(GuardRefused, match="不满三份"):
        world.do("office", bid, "评审结束，提请决定")
    world.score("e2", bid, 30, 30, 20, 19)
    with pytest.raises(GuardRefused, match="每人办一次"):
        world.score("e2", bid, 1, 1, 1, 1)
    world.score("e3", bid, 10, 1, 1, 3)
    seen = [s for s in queries.history(bid, world.people["e2"]) if s.transition == "score"]
    assert [(s.actor, s.actor_name, bool(s.data)) for s in seen] == [
        ("", "评审专家", False), ("e2", "专家二", True), ("", "评审专家", False),
    ]  # fmt: skip
    for asked in (f"/cases/{bid.pk}", f"/api/cases/{bid.pk}"):
        shown = text(browser(world.people["bidder"]), asked)
        assert "提交评分和意见" in shown
        for hidden in (OPINION, "专家一", "专家二", '"e1"', '"e2"', "平均分"):
            assert hidden not in shown
    for who in ("e2", "county"):
        assert "专家一" not in text(browser(world.people[who]), f"/cases/{bid.pk}"), who
    judged = text(browser(world.people["office"]), f"/cases/{bid.pk}")
    assert all(words in judged for words in (OPINION, "专家一", "平均分", "约 59.67"))
    values = queries.values(holding.process_of(bid), bid)
    assert (values["score_mean"], values["score_least"], values["score_most"]) == (Fraction(179, 3), 15, 99)
    world.do("office", bid, "评审结束，提请决定")
    with pytest.raises(GuardRefused, match="职责分离"):
        world.do("office", bid, "拟立项，公示", decision="拟立项，理由见评审意见。")
    with pytest.raises(GuardRefused, match=r"平均分 约 59\.67"):
        world.do("other", bid, "拟立项，公示", decision="拟立项，理由见评审意见。")
    assert world.do("other", bid, "不立项", decision="平均分不足，不予立项。").outcome == "rejected"
    assert "申请复核" in world.can("bidder", bid)


def test_a_bidder_does_not_see_anothers_bid(world: World) -> None:
    demand = world.listed()
    mine, theirs = world.bid(demand), world.bid(demand, "rival", "leader2")
    for who, other in (("bidder", theirs), ("rival", mine)):
        client = browser(world.people[who])
        assert client.get(f"/cases/{other.pk}").status_code == 404
        assert client.get(f"/api/cases/{other.pk}").status_code == 404
        assert set(queries.visible(world.people[who], "challenge_bid")) == {mine if other == theirs else theirs}
    assert not queries.visible(world.people["setter"], "challenge_bid").exists()


def test_a_leader_files_one_project_a_year(world: World, settings: Any) -> None:
    demand, other = world.listed(), world.listed()
    first = world.bid(demand)
    with pytest.raises(GuardRefused, match="负责人本年已有一件"):
        world.bid(other, "rival", "leader")
    settings.PINNED_TODAY = day("2026-01-05")
    assert world.bid(other, "rival", "leader").stage == "recommending"
    with pytest.raises(GuardRefused, match="对这道榜题已有一件"):
        world.bid(demand, "bidder", "leader2")
    world.do("leader", first, "撤回", reason="改报另一道榜题")
    assert world.bid(demand, "bidder", "leader2").stage == "recommending"


def test_somebody_named_as_leader_who_does_not_confirm_has_filed_nothing(world: World) -> None:
    demand, bidder = world.listed(), world.people["bidder"]
    case = actions.open_case(
        "challenge_bid", actor=bidder, place="330102", data=world.bid_form("bidder", "leader"),
        organisation=bidder.organisation, parent=demand,
    )  # fmt: skip
    assert case.stage == "drafted"
    assert world.bid(demand, "rival", "leader").stage == "recommending"
    with pytest.raises(GuardRefused, match="负责人本年已有一件"):
        world.do("leader", case, "负责人确认并承诺", leader_promise="我确认并承诺材料真实")


def test_a_platform_off_the_whitelist_does_not_pass_the_formal_check(world: World) -> None:
    bid = world.bid(world.listed())
    with pytest.raises(GuardRefused, match="不在白名单"):
        world.in_review(bid, whitelist="absent")
    bid.refresh_from_db()
    assert "形式审查通过" in world.can("office", bid)
    assert world.do("office", bid, "退回修改", reason="平台不在名单里").stage == "returned"


def test_a_demand_for_invited_units_only_is_on_no_board_and_bid_for_by_them_alone(world: World) -> None:
    demand = world.argued(world.demand(visibility="directed"))
    with pytest.raises(GuardRefused, match="定向发榜"):
        world.do("office", demand, "公开发榜", closes_on="2025-10-28")
    units = [world.uscc("bidder")]
    demand = world.do("office", demand, "定向发榜", closes_on="2025-10-28", targets_invited=units)
    assert not holding.on_notice(demand)
    with pytest.raises(CaseError, match="没有可以在其下开始"):
        world.bid(demand, "rival", "leader2")
    assert world.bid(demand).stage == "recommending"


def test_what_the_case_above_gives_cannot_be_typed_otherwise(world: World) -> None:
    bid = world.bid(world.listed(), challenge="别的榜题", demander=world.uscc("bidder"))
    data = queries.data(bid)
    assert (data["challenge"], data["demander"]) == ("高速主轴热稳定关键技术", world.uscc("setter"))


def test_a_contract_whose_payments_are_a_fen_off_is_not_signed(world: World) -> None:
    project = world.established(world.bid(world.listed()))
    off = [*PAYMENTS[:2], {**PAYMENTS[2], "amount": "255000.06"}]
    project = world.do("bidder", project, "报任务书", **{**CONTRACT, "payments": off})
    with pytest.raises(GuardRefused, match="不相等"):
        world.do("office", project, "签订任务书", contract_number="1")
    project = world.do("office", project, "退回修改", reason="合计差一分")
    project = world.do("bidder", project, "报任务书", **CONTRACT)
    assert world.do("office", project, "签订任务书", contract_number="1").stage == "running"


def test_a_change_puts_new_milestones_and_payments_in_place_of_the_open_ones(world: World) -> None:
    project = world.established(world.bid(world.listed()))
    project = world.do("bidder", project, "报任务书", **CONTRACT)
    project = world.do("office", project, "签订任务书", contract_number="1")
    world.do("office", project, "拨款", voucher="P-1", paid_on="2025-07-15")
    asked = {
        "change": "extension", "change_reason": "关键部件交货推迟半年，申请延期。", "ends_on": "2027-06-30",
        "milestones": [{**MILESTONES[1], "due": "2027-03-31"}],
    }  # fmt: skip
    project = world.do("bidder", project, "申请变更或延期", **asked, payments=PAYMENTS)
    with pytest.raises(GuardRefused, match="已拨"):
        world.do("office", project, "同意变更", change_opinion="情况属实，同意。")
    project = world.do("office", project, "不同意变更", reason="首笔已经拨付")
    project = world.do("bidder", project, "申请变更或延期", **asked, payments=PAYMENTS[1:])
    project = world.do("office", project, "同意变更", change_opinion="情况属实，同意。")
    still = list(project.obligations.filter(met=None, waived=None).order_by("number").values_list("name", "amount"))
    assert still == [("连续运行一千小时", None), ("第二笔", 39_999_990), ("尾款", 25_500_005)]


def test_a_user_firm_does_not_sign_a_test_that_failed_and_reads_no_money(world: World) -> None:
    project = world.established(world.bid(world.listed()))
    project = world.do("bidder", project, "报任务书", **CONTRACT)
    project = world.do("office", project, "签订任务书", contract_number="1")
    for _ in MILESTONES:
        world.do("bidder", project, "报里程碑完成", achievement="完成了里程碑约定的全部内容。")
        project = world.do("office", project, "里程碑核过")
    tests = [{"item": "温升", "goal": "9", "measured": "7.8", "unit": "℃", "passed": True},
             {"item": "噪声", "goal": "70", "measured": "74", "unit": "dB"}]  # fmt: skip
    given = {"workshop_place": "三车间", "prototype": "HS-40", "tested_on": "2026-08-28", "tests": tests}
    project = world.do("bidder", project, "提请车间验题", **given)
    assert world.can("setter", project) == ["不签认，退回整改"]
    for who, reads in (("setter", False), ("bidder", True), ("office", True)):
        shown = text(browser(world.people[who]), f"/cases/{project.pk}")
        assert [words in shown for words in ("600000.10", "600,000.10 元", "首笔")] == [reads] * 3, who
    assert world.do("setter", project, "不签认，退回整改", reason="噪声超标").stage == "running"


# Who is in a project, by rank; whether a firm joined, whether one is among the first three.
MEMBERS = [
    (["enterprise"], True, True),
    (["university", "institute", "enterprise"], True, True),
    (["university", "institute", "university", "enterprise"], True, False),
    (["university", "institute"], False, False),
    (["institute", "enterprise"], True, True),
]


def projects(world: World) -> list[Case]:
    """A project for each of MEMBERS, each under a challenge and with a leader of its own year."""
    made = []
    for number, (kinds, _, _) in enumerate(MEMBERS):
        leader = world.people[f"leader{number + 3}"].username
        members = [(kind, world.uscc("bidder")) for kind in kinds]
        form = world.bid_form("bidder", leader, members)
        made.append(world.established(world.bid(world.listed(), "bidder", leader, consortium=form["consortium"])))
    return made


@pytest.fixture
def leaders(world: World) -> World:
    from rongtong.apps.registry.actions import create_account, system_account

    system = system_account()
    more = {
        f"leader{n + 3}": create_account(f"leader{n + 3}", f"负责人{n}", actor=system, demo=True).account
        for n in range(len(MEMBERS))
    }
    return World({**world.people, **more})


def readings(world: World, commitment: str) -> list[Fraction | None]:
    """The shares that the page of a commitment shows, one for each reading."""
    line = pages_commitment.page(commitment, world.people["office"])["target_line"]
    return [r.actual.number if r.actual else None for r in line.readings]  # type: ignore[attr-defined]


def test_projects_without_a_firm_make_the_share_nothing_and_not_unknown(leaders: World) -> None:
    members = [("university", leaders.uscc("rival"))]
    form = leaders.bid_form("bidder", "leader", members)
    leaders.established(leaders.bid(leaders.listed(), consortium=form["consortium"]))
    assert readings(leaders, "T027") == [0]
    assert readings(leaders, "T028") == [0, None]
    assert not measuring.behind("major_projects_firm_led", "330000", Period.parse("2025-01..07"), date(2025, 7, 15))


def test_both_readings_of_the_firms_share_are_the_count_by_hand(leaders: World) -> None:
    assert readings(leaders, "T027") == [None]
    made = projects(leaders)
    joined, led = sum(j for _, j, _ in MEMBERS), sum(x for _, _, x in MEMBERS)
    assert (joined, led, len(made)) == (4, 3, 5)
    assert readings(leaders, "T027") == [Fraction(400, 5)]
    assert readings(leaders, "T028") == [Fraction(300, 5), Fraction(300, 4)]
    office = browser(leaders.people["office"])
    page = text(office, "/commitments/T028")
    assert all(words in page for words in ("60.0", "75.0", "2025年", "期未满，未检验"))
    led = "/why/major_projects_firm_led.share:{}@330000@2025"
    for base, share, title in (
        ("major_projects_total", "60.0", "占省重大科技计划项目数之比"),
        ("major_projects_firm_joined", "75.0", "占企业牵头或参与的省重大科技计划项目数之比"),
    ):
        assert f'href="{led.format(base)}"' in page
        why = text(office, led.format(base))
        assert f"{title}</h1>" in why
        assert f"<dd>{share} <span" in why
        assert f'href="/why/{base}@330000@2025"' in why
    assert "没有数" not in page

    year, today = Period.parse("2025-01..07"), date(2025, 7, 15)
    for place in ("330000", "330100", "330102"):
        rows = measuring.behind("major_projects_firm_led", place, year, today)
        assert [r.case for r in rows] == [made[0], made[1], made[4]]
    ended = leaders.do("office", made[3], "终止", reason="技术路线已不可行")
    assert readings(leaders, "T027") == [Fraction(100)]
    assert readings(leaders, "T028") == [Fraction(300, 4), Fraction(300, 4)]
    leaders.do("office", made[0], "撤销", reason="查实申报材料不实")
    assert readings(leaders, "T028") == [Fraction(200, 3), Fraction(200, 3)]
    assert ended.outcome == "terminated"


def test_a_project_that_ends_in_a_later_year_is_taken_back_from_the_year_it_began_in(
    leaders: World, settings: Any
) -> None:
    made = projects(leaders)
    settings.PINNED_TODAY = day("2026-03-02")
    leaders.do("office", made[1], "终止", reason="技术路线已不可行")
    asked = [Period.parse("2025"), Period.parse("2026-01..03")]

    def counted(on: str) -> dict[str, int]:
        facts = observations.known(["major_projects_total"], asked, day(on))
        return {str(f.period): f.value for f in facts if f.place == "330000" and not f.chain}

    assert counted("2026-03-01") == {"2025": 5}
    assert counted("2026-03-02") == {"2025": 4}


def test_one_bid_opens_one_project(world: World) -> None:
    project = world.established(world.bid(world.listed()))
    with pytest.raises(GuardRefused, match="不能再开一个项目"):
        actions.open_case(
            "major_project", actor=world.people["office"], place=project.place, parent=project.parent,
            organisation=project.organisation, data={"title": "再来一个", "grant": "1", "consortium": [
                {"rank": 1, "name": "甲", "uscc": world.uscc("bidder"), "kind": "enterprise"}]},
        )  # fmt: skip
