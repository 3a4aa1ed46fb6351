"""What a firm's problem (企呼我应) is filled in with in the scenarios, its first steps, and the figures it moves."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from story import Story

from rongtong.apps.cases import queries
from rongtong.apps.cases.models import Case
from rongtong.apps.planning.queries import Asked, monitor
from rongtong.engine.period import Period

CATEGORY, CHANNEL = "问题类别（建议值）", "来源渠道"
POWER = {
    "问题（一句话）": "车间用电增容报装审批时间太长",
    CATEGORY: "用能环保",
    "具体情况": "我公司三号车间扩产，五月初向供电部门申请用电增容，一个多月还没有批下来，设备到了不能开机。",
    CHANNEL: "企业自己提交",
}
BY_PHONE = {
    **POWER,
    "问题（一句话）": "车间用电增容报装审批时间长",
    "具体情况": "来电反映：公司三号车间扩产，五月初申请用电增容，一个多月还没有批下来，设备到了不能开机，请催办。",
    CHANNEL: "12345热线",
}
GRADED = {"分级": "本级", "分类": "部门", "分层": "一般"}
REPLY = {"办理结果": "已解决", "答复": "已与供电公司会商，本周内完成增容审批和接电。"}
YEAR = Period.parse("2025-01..07")


def figures(place: str, day: str = "2025-07-15") -> dict[str, Fraction]:
    """The figures of a county about problems, by name of the card."""
    found = {}
    for code in ("received", "closed", "closed_in_time", "rated", "satisfied", "redone",
                 "closed_share", "in_time_share", "satisfied_share", "satisfied_first_share"):  # fmt: skip
        board = monitor(Asked(f"problems_{code}", YEAR, level="county", within="330100", as_of=date.fromisoformat(day)))
        row = next(r for r in board.rows if r.place == place)
        if "value" in row.figures:
            found[code] = row.figures["value"].number
    return found


def firm_asks(story: Story, who: str = "甲企业", **more: str) -> Case:
    return story.opens(who, "enterprise_problem", {**POWER, **more})


def assigned(story: Story, case: Case, office: str = "西湖区经济和信息化局") -> Case:
    story.does("分办员", case, "受理", GRADED)
    return story.does("分办员", case, "分办", {"主办单位": office})


def handled(story: Story, case: Case, layer: str = "一般") -> Case:
    """A problem that its office (区经信局) has received."""
    story.does("分办员", case, "受理", {**GRADED, "分层": layer})
    story.does("分办员", case, "分办", {"主办单位": "西湖区经济和信息化局"})
    return story.does("区经信局", case, "签收")


def at_city(story: Story, case: Case, office: str = "杭州市经济和信息化局") -> Case:
    """A problem that its county raised to the city, which has assigned it."""
    story.does("分办员", case, "受理", GRADED)
    story.does("分办员", case, "提级至市", {"提级理由": "涉及跨区线路，区里协调不了。"})
    return story.does("市里", case, "市级分办", {"分级": "市级", "主办单位": office})


def states(story: Story, case: Case) -> dict[str, str]:
    """Every clock of a case that ever started, by name, with its state."""
    now = Case.objects.select_related("definition").get(pk=case.pk)
    return {line.reading.clock.name: line.state for line in queries.clocks(now)}


def still_counts(story: Story, case: Case) -> list[str]:
    """The clocks that are not met: of a case that is over there must be none."""
    return sorted(name for name, state in states(story, case).items() if state not in ("按时办到", "超期办到"))


def offered(story: Story, who: str, case: Case) -> dict[str, str]:
    """The steps that somebody is offered, by name, with what still speaks against each."""
    now = Case.objects.select_related("definition").get(pk=case.pk)
    return {o.name: o.refused for o in queries.offers(story.people[who], now)}
