"""公示: whoever objects is told what became of it and nobody else is; the public sees a case by its public name."""

from __future__ import annotations

import pytest
from challenge_world import CONDENSED, DEMAND, World, day
from pytest_django.fixtures import Settings

from rongtong.apps.cases.errors import CaseError
from rongtong.apps.cases.models import Case
from worlds import browser

pytestmark = pytest.mark.django_db

SAID = "榜题与省里在研项目重复，请先核查。"
FINDING = "已经核查，两个项目指标不同，没有重复。"
RECEIVED = "您 2025-07-15 提出的异议已收到，核查中。"
INSIDE, OUTSIDE = str(DEMAND["title"]), str(CONDENSED["list_title"])


@pytest.fixture
def world(challenges: World) -> World:
    return challenges


def read(world: World, who: str, address: str, status: int = 200) -> str:
    """A page as somebody reads it; "" is who has not logged in."""
    answer = browser(world.people[who] if who else None).get(address)
    assert answer.status_code == status, (who, address, answer.status_code)
    return answer.content.decode()


def object_to(world: World, case: Case, who: str = "rival") -> None:
    """Object on the page of the notice, and come back to it."""
    address = f"/notices/{case.pk}"
    form = {"transition": "object", "seen": str(case.events), "objection": SAID}
    answer = browser(world.people[who]).post(address, form)
    assert (answer.status_code, answer["Location"]) == (302, address)


def test_whoever_objects_reads_on_the_notice_what_became_of_it(world: World, settings: Settings) -> None:
    demand = world.argued(world.demand())
    address = f"/notices/{demand.pk}"
    object_to(world, demand)
    shown = read(world, "rival", address)
    assert RECEIVED in shown
    assert "期满" not in shown
    assert "Your objection of 2025-07-15 was received and is being examined." in read(world, "rival", f"/en{address}")
    # Sent twice it is refused, and changes nothing.
    again = {"transition": "object", "seen": str(demand.events), "objection": SAID}
    assert browser(world.people["rival"]).post(address, again).status_code == 409
    assert Case.objects.get(pk=demand.pk).stage == "objection"

    settings.PINNED_TODAY = day("2025-07-18")
    demand = world.do("office", demand, "异议不成立", finding=FINDING)
    told = ("您 2025-07-15 提出的异议已收到，2025-07-18 核查：异议不成立。", "核查结论", FINDING)
    assert [words in read(world, "rival", address) for words in told] == [True] * 3
    for who in ("", "bidder", "setter", "office"):
        assert [w for w in (*told, SAID, "2025-07-18 核查") if w in read(world, who, address)] == [], who
    # Also when the notice is over, to this account and to no other.
    settings.PINNED_TODAY = day("2025-07-28")
    assert world.time_passes(demand).stage == "ready"
    shown = read(world, "rival", address)
    assert [words in shown for words in told] == [True] * 3
    assert CONDENSED["list_background"] not in shown
    for who in ("", "bidder", "setter", "office"):
        read(world, who, address, 404)


def test_an_upheld_objection_is_told_to_whoever_made_it(world: World) -> None:
    demand = world.argued(world.demand())
    object_to(world, demand)
    assert world.do("office", demand, "异议成立", finding="确有重复，请重新凝练。").stage == "verified"
    shown = read(world, "rival", f"/notices/{demand.pk}")
    assert all(words in shown for words in ("2025-07-15 核查：异议成立。", "确有重复，请重新凝练。"))
    read(world, "bidder", f"/notices/{demand.pk}", 404)


def test_the_board_tells_what_is_being_examined_from_what_has_ended(world: World, settings: Settings) -> None:
    demand = world.argued(world.demand())
    object_to(world, demand)
    held, ended, link = "有人提出异议、正在核查的", "最近结束的", f'href="/notices/{demand.pk}"'
    board = read(world, "", "/notices/")
    assert (held in board, ended in board, "期满" in board, link in board) == (True, False, False, False)
    assert OUTSIDE in board.partition(held)[2]
    assert "另一家揭榜的高校" not in board
    assert [link in read(world, who, "/notices/") for who in ("rival", "bidder")] == [True, False]
    demand = world.do("office", demand, "异议不成立", finding=FINDING)
    board = read(world, "", "/notices/")
    assert (held in board, ended in board, link in board) == (False, False, True)
    # Posted twice it ended once.
    settings.PINNED_TODAY = day("2025-07-28")
    world.time_passes(demand)
    board = read(world, "", "/notices/")
    assert (held in board, board.partition(ended)[2].count(OUTSIDE)) == (False, 1)
    assert [link in read(world, who, "/notices/") for who in ("rival", "bidder")] == [True, False]


def test_a_demand_is_known_in_public_by_its_name_on_the_list_alone(world: World, settings: Settings) -> None:
    def names(who: str, address: str) -> tuple[bool, bool]:
        page = read(world, who, address)
        return INSIDE in page, OUTSIDE in page

    demand = world.argued(world.demand())
    pages = ["/notices/", "/en/notices/", f"/notices/{demand.pk}", f"/en/notices/{demand.pk}", "/chains/415x-2"]
    assert [names(who, page) for page in pages for who in ("", "bidder")] == [(False, True)] * 10
    with pytest.raises(CaseError, match=f"“{OUTSIDE}”现在不能开始"):
        world.bid(demand)
    object_to(world, demand)
    assert [names("rival", page) for page in pages[:4]] == [(False, True)] * 4
    world.do("office", demand, "异议不成立", finding=FINDING)
    settings.PINNED_TODAY = day("2025-07-28")
    world.time_passes(demand)
    world.do("office", demand, "公开发榜", closes_on="2025-08-20")
    pages += ["/space/", f"/processes/challenge_bid/new?under={demand.pk}"]
    assert [names("bidder", page) for page in pages] == [(False, True)] * 7
    # Whoever reads the case itself knows it by its own name.
    assert f"<h1>{INSIDE}</h1>" in world.page("office", demand)
    world.do("office", demand, "提前截止", reason="已有足够的揭榜")
    assert names("", "/notices/") == (False, True)
