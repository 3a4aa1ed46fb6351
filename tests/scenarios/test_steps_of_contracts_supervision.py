"""督办 that does not run straight: an extension that is not granted, an item that is taken up again after it was closed."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from story import Story

from rongtong.apps.cases.models import Case
from rongtong.apps.cases.supervision_history import deadline_lamps
from rongtong.apps.cases.supervision_queries import find
from rongtong.apps.registry.actions import system_account
from worlds import browser, member

OFFICES = {
    "省里另一处": ("provincial_officer", "330000"),
    "宁波市": ("city_officer", "330200"),
    "温州市": ("city_officer", "330300"),
    "区里": ("county_officer", "330106"),
}
ITEM = {
    "title": "补齐上半年研发投入的填报", "source": "manual", "responsible": "杭州市科技局", "lead": "省科技厅",
    "goal": "七月中旬前全部补报", "milestones": "2025-06-30 报送名单", "deadline": "2025-07-15", "level": "blue",
}  # fmt: skip
LONGER = {"new_due": "2025-08-15", "reason": "两家企业的审计报告要到八月才出"}
NO = {"opinion": "报送名单已经两次延后，按原时限办结"}
REPLY = {"reply": "漏报的十二家企业已经全部补报，数据核对一致。"}


@pytest.fixture
def offices(story: Story) -> Story:
    """The story with more offices of the province and its places."""
    for number, (name, (role, place)) in enumerate(OFFICES.items()):
        story.people[name] = member(f"desk-{number}", name, role, place, actor=system_account())
    return story


def issued(story: Story, place: str, who: str = "省里", **more: str) -> Case:
    """An item that an office hands down (交办) from its page."""
    answer = browser(story.people[who]).post("/supervision/new", {**ITEM, "place": place, **more})
    assert answer.status_code == 302, answer.context["errors"]
    return Case.objects.get(pk=int(answer["Location"].rsplit("/", 1)[1]))


def step(story: Story, who: str, case: Case, transition: str, data: Mapping[str, Any] | None = None) -> Any:
    """A step made from the page of the item, by somebody who has seen all that happened."""
    seen = Case.objects.get(pk=case.pk).events
    sent = {"transition": transition, "seen": seen, **(data or {})}
    return browser(story.people[who]).post(f"/supervision/{case.pk}/step", sent)


def made(story: Story, who: str, case: Case, transition: str, data: Mapping[str, Any] | None = None) -> Case:
    answer = step(story, who, case, transition, data)
    assert answer.status_code == 302, answer.content.decode()
    return Case.objects.get(pk=case.pk)


def refused(story: Story, who: str, case: Case, transition: str, data: Mapping[str, Any] | None = None) -> str:
    """What the page says instead of making the step; nothing has changed."""
    before = Case.objects.get(pk=case.pk).events
    answer = step(story, who, case, transition, data)
    assert answer.status_code in (403, 409, 422), answer.status_code
    assert Case.objects.get(pk=case.pk).events == before
    return str(answer.content.decode())


def paper() -> io.BytesIO:
    file = io.BytesIO(b"%PDF-1.4\n% evidence\n%%EOF\n")
    file.name = "说明.pdf"
    return file


def lamps(story: Story, case: Case) -> list[tuple[date, str]]:
    """The days on which the lamp of the deadline turned."""
    return [(turned.day, turned.lamp.code) for turned in deadline_lamps(find(story.people["省里"], case.pk))]


def test_an_extension_that_is_not_granted_leaves_the_deadline_where_it_was(offices: Story) -> None:
    story = offices
    case = made(story, "市里", issued(story, "330100"), "receive")
    story.day("2025-06-20")
    earlier = refused(story, "市里", case, "ask_extension", {**LONGER, "new_due": "2025-07-15"})
    assert "现在的时限是 2025-07-15，延期要晚于它" in earlier
    case = made(story, "市里", case, "ask_extension", LONGER)
    # Three working days (建议值) to answer, and the province's turn.
    assert (story.stage(case), case.due, case.deadline) == ("延期待批", date(2025, 6, 25), date(2025, 7, 15))
    assert (story.waits_for("省里"), story.waits_for("市里")) == ([ITEM["title"]], [])
    assert "意见" in refused(story, "省里", case, "refuse_extension")
    assert "至少 4 个字" in refused(story, "省里", case, "refuse_extension", {"opinion": "不行"})
    assert "职责分离" in refused(story, "市里", case, "refuse_extension", NO)
    for stranger in ("宁波市", "区里"):
        assert step(story, stranger, case, "refuse_extension", NO).status_code == 404
    case = made(story, "省里", case, "refuse_extension", NO)
    assert (story.stage(case), case.due, case.deadline) == ("办理中", date(2025, 7, 15), date(2025, 7, 15))
    assert (story.waits_for("省里"), story.waits_for("市里")) == ([], [ITEM["title"]])
    page = story.page("市里", f"/supervision/{case.pk}")
    assert all(words in page for words in ("不同意延期", NO["opinion"], "申请延至 2025-08-15", "时限 2025-07-15"))
    assert "同意延至" not in page
    # It is asked for once more, and granted in part; never for a day that makes the term shorter.
    made(story, "市里", case, "ask_extension", LONGER)
    assert "延期要晚于它" in refused(story, "省里", case, "grant_extension", {"granted_due": "2025-07-01"})
    story.day("2025-07-18")
    assert "早于今天" in refused(story, "省里", case, "grant_extension", {"granted_due": "2025-07-17"})
    case = made(story, "省里", case, "grant_extension", {"granted_due": "2025-08-01"})
    assert (story.stage(case), case.due, case.deadline) == ("办理中", date(2025, 8, 1), date(2025, 8, 1))


def test_whoever_asked_for_an_extension_of_the_province_s_own_item_does_not_refuse_it(offices: Story) -> None:
    story = offices
    case = made(story, "省里", issued(story, "330000"), "receive")
    made(story, "省里", case, "ask_extension", LONGER)
    assert "由您办理，“不同意延期”须由别人办理" in refused(story, "省里", case, "refuse_extension", NO)
    assert story.stage(made(story, "省里另一处", case, "refuse_extension", NO)) == "办理中"


def test_a_city_refuses_a_county_what_it_handed_down_itself(offices: Story) -> None:
    story = offices
    case = made(story, "区里", issued(story, "330106", "市里"), "receive")
    made(story, "区里", case, "ask_extension", LONGER)
    assert story.waits_for("市里") == [ITEM["title"]]
    assert step(story, "宁波市", case, "refuse_extension", NO).status_code == 404
    assert story.stage(made(story, "市里", case, "refuse_extension", NO)) == "办理中"


def test_an_item_that_was_closed_is_taken_up_again_and_closed_again(offices: Story) -> None:
    story = offices
    case = made(story, "市里", issued(story, "330100", support_places="温州"), "receive")
    story.day("2025-07-08")
    case = made(story, "市里", case, "reply", {**REPLY, "files": paper()})
    case = made(story, "省里", case, "close")
    assert (case.outcome, case.due) == ("closed", None)
    until_closed = lamps(story, case)
    assert [code for _, code in until_closed] == ["green", "blue"]
    story.day("2025-07-28")
    assert lamps(story, case) == until_closed
    again = {"opinion": "抽查发现两家企业仍未补报，重新督办"}
    assert "意见" in refused(story, "省里", case, "reopen")
    for other in ("市里", "温州市"):
        assert "重新督办" in refused(story, other, case, "reopen", again)
    assert step(story, "宁波市", case, "reopen", again).status_code == 404
    case = made(story, "省里", case, "reopen", again)
    assert (story.stage(case), case.outcome, case.closed_on, case.deadline) == ("办理中", "", None, date(2025, 7, 15))
    assert story.waits_for("市里") == [ITEM["title"]]
    for who in ("市里", "省里", "温州市"):
        page = story.page(who, f"/supervision/{case.pk}")
        assert all(words in page for words in ("重新督办", again["opinion"], "逾期")), who
    for view in ("?stage=doing", "?view=month", "?view=gantt", "?late=yes"):
        assert ITEM["title"][:18] in story.page("省里", f"/supervision/{view}"), view
    # Closed it was neither in time nor late: the lamp is red from the day it was taken up again, not from the deadline.
    assert lamps(story, case) == [*until_closed, (date(2025, 7, 28), "red")]
    # The city asks for the days it needs, and reports once more.
    made(story, "市里", case, "ask_extension", LONGER)
    case = made(story, "省里", case, "grant_extension", {"granted_due": "2025-08-15"})
    assert case.due == date(2025, 8, 15)
    story.day("2025-08-12")
    made(story, "市里", case, "reply", {**REPLY, "files": paper()})
    case = made(story, "省里", case, "close")
    assert (case.outcome, case.closed_on) == ("closed", date(2025, 8, 12))
    assert story.waits_for("市里") == story.waits_for("省里") == []


def test_what_was_closed_and_taken_up_again_on_one_day_was_never_without_its_lamp(offices: Story) -> None:
    story = offices
    case = made(story, "市里", issued(story, "330100"), "receive")
    story.day("2025-07-08")
    made(story, "市里", case, "reply", {**REPLY, "files": paper()})
    made(story, "省里", case, "close")
    case = made(story, "省里", case, "reopen", {"opinion": "附件传错，重新办理"})
    story.day("2025-07-17")
    assert [code for _, code in lamps(story, case)] == ["green", "blue", "red"]
    assert lamps(story, case)[-1] == (date(2025, 7, 16), "red")
