"""举一反三: a common problem that grows, is none after all, is given back, reported on, and found not to be changed yet."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse
from problem_forms import YEAR, firm_asks, offered
from story import Story

from rongtong.apps.cases.errors import CaseError, FormRefused, GuardRefused
from rongtong.apps.cases.models import Case
from rongtong.apps.planning.queries import Asked, monitor
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.actions import system_account
from worlds import member

pytestmark = pytest.mark.django_db
CAUSE = {"根源在哪里": "流程", "根源": "容量核定要跑三个科室，没有并联办理。"}
MEASURE = {"措施（改哪条规则、哪个流程，怎么改）": "三个科室并联核定，限时两日。", "计划完成": "2025-07-31"}
CHANGE = {
    "改的是": "办事流程",
    "文件、流程或规则的名称": "用电增容报装联办流程",
    "改后的文号或版本": "第2版",
    "自哪天起施行": "2025-07-10",
    "告知企业的话": "七月十日起用电增容只跑一次，两个工作日核定。",
}
NOT_COMMON = {"理由": "三件的原因各不相同，逐件办理即可。"}
NOT_YET = {"差在哪里": "抽查两件，仍然跑了三个科室。"}


def page(story: Story, who: str, case: Case) -> str:
    return story.page(who, reverse("case", args=[case.pk]))


def now(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def found(story: Story, *members: Case) -> Case:
    """A common problem put together by the desk."""
    answers = {
        "共性问题": "用电增容报装审批时间长",
        "有哪几件": [c.key for c in members],
        "共同之处": "都卡在容量核定一步。",
    }
    return story.opens("分办员", "common_problem", answers)


def looked_into(story: Story, office: str = "西湖区经济和信息化局") -> tuple[Case, list[Case]]:
    """One whose owner is named, with its two members."""
    members = [firm_asks(story, who) for who in ("甲企业", "乙企业")]
    case = found(story, *members)
    return story.does("分办员", case, "定责", {"整改责任单位": office}), members


def closed() -> int:
    """How many common problems the year has closed."""
    board = monitor(Asked("common_problems_closed", YEAR, as_of=date(2025, 7, 15)))
    value = board.total.figures.get("value") if board.total else None
    return int(value.number) if value else 0


def test_what_is_no_common_problem_is_dismissed_before_or_after_somebody_looked_into_it(story: Story) -> None:
    members = [firm_asks(story, who) for who in ("甲企业", "乙企业")]
    for stage in ("待定责", "查根源"):
        case = found(story, *members)
        if stage == "查根源":
            story.does("分办员", case, "定责", {"整改责任单位": "西湖区经济和信息化局"})
            assert story.waits_for("区经信局") == [case.title]
            with pytest.raises(Denied, match="发起与核实"):
                story.does("区经信局", case, "不是共性问题", NOT_COMMON)
        assert story.stage(case) == stage
        with pytest.raises(FormRefused, match="理由"):
            story.does("分办员", case, "不是共性问题", {"理由": "不是"})
        story.does("市里", case, "不是共性问题", NOT_COMMON)
        assert (story.stage(case), now(case).outcome, now(case).due) == ("不是共性问题", "dismissed", None)
        assert story.waits_for("区经信局") == []
        assert NOT_COMMON["理由"] in page(story, "分办员", case)
        assert "不是共性问题" in page(story, "分办员", members[0])
        assert case.title not in page(story, "甲企业", members[0]), "nothing is announced to the firm"
        story.page("甲企业", reverse("notice", args=[case.pk]), 404)
    assert closed() == 0
    with pytest.raises(CaseError, match="不能在“不是共性问题”时"):
        story.does("分办员", case, "补入同类问题", {"补入哪几件": [members[0].key]})


def test_more_of_the_same_are_added_until_it_is_closed(story: Story) -> None:
    case, members = looked_into(story)
    later = [firm_asks(story, "丙企业") for _ in range(5)]
    first = found(story, *members)
    story.does("分办员", first, "补入同类问题", {"补入哪几件": [later[0].key]})
    assert (story.stage(first), first.links.count()) == ("待定责", 3)
    steps = [("写明根源", CAUSE), ("定措施", MEASURE), ("已改，请核实", CHANGE)]
    for number, (stage, (step, filled)) in enumerate(zip(("查根源", "定措施", "整改中"), steps, strict=True), 1):
        assert story.stage(case) == stage
        more = {"补入哪几件": [later[number].key]}
        with pytest.raises(Denied, match="发起与核实"):
            story.does("区经信局", case, "补入同类问题", more)
        due = now(case).due
        story.does("分办员", case, "补入同类问题", more)
        assert (story.stage(case), now(case).due, case.links.count()) == (stage, due, 2 + number)
        assert later[number].key in page(story, "分办员", case)
        assert case.title in page(story, "分办员", later[number])
        story.does("区经信局", case, step, filled)
    story.does("分办员", case, "补入同类问题", {"补入哪几件": [later[4].key]})
    assert (story.stage(case), case.links.count()) == ("待核实", 6)
    assert case.title not in page(story, "丙企业", later[1]), "not before it is announced"
    story.does("分办员", case, "核实销号", {"怎样核实的": "抽查了三件，都是两日内核定。"})
    assert case.title in page(story, "丙企业", later[4]), "the firm of what was added is told as well"
    with pytest.raises(CaseError, match="不能在“已销号”时"):
        story.does("分办员", case, "补入同类问题", {"补入哪几件": [later[0].key]})


def test_only_problems_that_one_may_read_are_added_and_each_once(story: Story) -> None:
    case, members = looked_into(story)
    other = found(story, *members)
    elsewhere = story.opens("省里", "enterprise_problem", {**asked(), "来源渠道": "走访调研"}, "330206")
    not_a_problem = "是“举一反三（共性问题）”的办件，这里只填“企呼我应”的"
    for keys, words in (
        ([], "至少 1 项"),
        ([elsewhere.key], "没有您可见的办件"),
        ([f"common_problem:{case.key}"], "没有您可见的办件"),
        ([f"common_problem:{other.key}"], not_a_problem),
        ([str(other.pk)], not_a_problem),
    ):
        with pytest.raises(FormRefused, match=words):
            story.does("分办员", case, "补入同类问题", {"补入哪几件": keys})
    story.does("分办员", case, "补入同类问题", {"补入哪几件": [members[0].key]})
    assert case.links.count() == 2, "what was there already is not there twice"
    story.does("省里", case, "补入同类问题", {"补入哪几件": [elsewhere.key]})
    assert case.links.count() == 3
    assert elsewhere.key not in "".join(story.page("分办员", reverse("case", args=[m.pk])) for m in members)
    assert not story.reads("分办员", elsewhere)


def test_one_problem_named_twice_is_not_two_of_the_same(story: Story) -> None:
    one = firm_asks(story)
    with pytest.raises(FormRefused, match="有重复的"):
        found(story, one, one)


def asked() -> dict[str, str]:
    return {
        "问题（一句话）": "用电增容报装审批慢",
        "问题类别（建议值）": "用能环保",
        "具体情况": "走访了解到用电增容一个多月没有批下来。",
    }


def test_an_office_gives_back_what_is_not_its_own_and_another_takes_it(story: Story) -> None:
    case, _ = looked_into(story, "西湖区科学技术局")
    assert story.waits_for("区科技局") == [case.title]
    reason = {"理由": "用电报装的流程由经信部门管。"}
    with pytest.raises(Denied, match="整改责任单位"):
        story.does("分办员", case, "不属本单位，退回", reason)
    with pytest.raises(Case.DoesNotExist):
        story.does("区经信局", case, "不属本单位，退回", reason)
    story.day("2025-06-18")
    story.does("区科技局", case, "不属本单位，退回", reason)
    assert (story.stage(case), story.waits_for("区科技局"), now(case).due) == ("待定责", [], date(2025, 6, 25))
    assert case.title in story.waits_for("分办员")
    assert reason["理由"] in page(story, "分办员", case)
    assert offered(story, "区科技局", case) == {}
    story.does("分办员", case, "定责", {"整改责任单位": "西湖区经济和信息化局"})
    assert (story.waits_for("区经信局"), story.reads("区科技局", case)) == ([case.title], False)
    story.does("区经信局", case, "写明根源", CAUSE)
    with pytest.raises(CaseError, match="不能在“定措施”时"):
        story.does("区经信局", case, "不属本单位，退回", reason)


def test_what_is_not_changed_yet_goes_back_until_somebody_else_has_seen_it_changed(story: Story) -> None:
    story.people |= {"区里": member("story-own", "区里", "county_officer", "330106", actor=system_account())}
    case, members = looked_into(story, "330106")
    for step, filled in (("写明根源", CAUSE), ("定措施", MEASURE)):
        story.does("区里", case, step, filled)
    story.day("2025-07-01")
    due = now(case).due
    with pytest.raises(Denied, match="整改责任单位"):
        story.does("分办员", case, "报进展", {"进展": "三个科室已经会商。"})
    for news in ("三个科室已经会商。", "联办流程已经征求意见。"):
        story.does("区里", case, "报进展", {"进展": news})
        assert (story.stage(case), now(case).due) == ("整改中", due)
    both = page(story, "分办员", case)
    assert ("三个科室已经会商。" in both, "联办流程已经征求意见。" in both) == (True, True), "each report stays"
    story.does("区里", case, "已改，请核实", CHANGE)
    assert case.title in story.waits_for("分办员")
    for step, filled in (("没有改到位，退回", NOT_YET), ("核实销号", {"怎样核实的": "看过文件。"})):
        assert "由您办理" in offered(story, "区里", case)[step]
        with pytest.raises(GuardRefused, match="职责分离"):
            story.does("区里", case, step, filled)
    with pytest.raises(FormRefused, match="差在哪里"):
        story.does("分办员", case, "没有改到位，退回")
    story.day("2025-07-08")
    story.does("分办员", case, "没有改到位，退回", NOT_YET)
    assert (story.stage(case), closed()) == ("整改中", 0)
    assert NOT_YET["差在哪里"] in page(story, "区里", case)
    assert case.title in story.waits_for("区里")
    story.page("甲企业", reverse("notice", args=[case.pk]), 404)
    story.does("区里", case, "已改，请核实", {**CHANGE, "改后的文号或版本": "第3版"})
    story.does("市里", case, "核实销号", {"怎样核实的": "抽查了三件，都是两日内核定。"})
    assert (story.stage(case), closed()) == ("已销号", 1)
    told = story.page("甲企业", reverse("notice", args=[case.pk]))
    assert ("第3版" in told, "第2版" in told, NOT_YET["差在哪里"] in told) == (True, False, False)
    assert case.title in page(story, "甲企业", members[0])
