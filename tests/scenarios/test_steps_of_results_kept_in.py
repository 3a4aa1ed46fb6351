"""安心屋: what must not go out (保密、安全、关键核心技术), what cannot come back, and ways out where the other side is silent."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from transfer_people import INTENT, PRICE, RESULT, SHARES, TERMS, World, empowered, in_pool, registered, trial

from rongtong.apps.cases import ticking
from rongtong.apps.cases.errors import FormRefused, GuardRefused
from rongtong.apps.cases.models import Case
from rongtong.apps.registry.access import Denied
from worlds import browser

pytestmark = pytest.mark.django_db


def board(world: World) -> str:
    """The public notices as a firm reads them."""
    return browser(world.who["firm"]).get("/notices/").content.decode()


@pytest.mark.parametrize("kind", ["secret", "security", "key"])
def test_a_result_that_is_restricted_is_registered_and_never_put_on_notice(world: World, kind: str) -> None:
    case = world.open("result_register", "chen", RESULT)
    world.go(case, "verify", "lin", owners=[{"owner": "甲大学", "share": "100"}], ownership_basis="项目任务书")
    world.go(case, "classify", "chen", asset_stage="development", book_value="0", restricted=kind)
    world.go(case, "enter_restricted", "chen", paper=True, resolution="校务会〔2025〕3号", approval="批〔2025〕1号")
    grant: dict[str, Any] = {
        "right": "ownership",
        "holders": SHARES,
        "agreement_no": "FQ-1",
        "right_from": "2025-07-15",
    }
    case = world.go(case, "empower", "chen", paper=True, **grant)
    with pytest.raises(GuardRefused, match="不公示、不入池"):
        world.go(case, "set_price", "chen", paper=True, **PRICE)
    assert case.title not in board(world)
    assert world.go(case, "price_back", "chen").stage == "registered"


@pytest.mark.parametrize("mode", ["transfer", "equity"])
def test_a_result_whose_rights_went_away_does_not_come_back_into_the_pool(world: World, mode: str) -> None:
    case = in_pool(world, empowered(world, registered(world)), "2025-08-08")
    sold: dict[str, Any] = {
        "convert_mode": mode, "counterpart": "买方公司", "contract_no": "2025330106000001", "contract_amount": "500000",
        "converted_on": "2025-08-08", "net_income": "0",
    }  # fmt: skip
    if mode == "equity":
        sold |= {"equity_pct": "10", "equity_holders": [{"holder": "甲大学", "share": "100"}]}
    case = world.go(case, "convert", "lin", paper=True, **sold)
    assert case.stage == "converted"
    with pytest.raises(GuardRefused, match="权利已不在本单位"):
        world.go(case, "relist", "chen")


@pytest.fixture
def result(world: World) -> Case:
    return in_pool(world, empowered(world, registered(world)), "2025-08-08")


def test_a_university_takes_terms_back_that_nobody_signs_and_is_free_again(world: World, result: Case) -> None:
    case = world.open("use_first", "firm", INTENT, parent=result)
    world.go(case, "accept_intent", "lin")
    case = world.go(case, "propose", "lin", **TERMS, pay_mode="fixed", price="1000000")
    assert (case.stage, world.waits(case)) == ("signing", {"firm"})
    world.on("2025-09-30")
    with pytest.raises(GuardRefused, match="还有企业在先用后转"):
        world.go(result, "delist", "chen", delist_reason="另作安排")
    with pytest.raises(Denied):
        world.go(case, "take_back", "firm", take_back_reason="不要了")
    with pytest.raises(FormRefused, match="理由"):
        world.go(case, "take_back", "lin")
    case = world.go(case, "take_back", "lin", take_back_reason="企业一个多月没有签")
    assert (case.stage, world.waits(case) >= {"lin"}) == ("negotiating", True)
    assert "企业一个多月没有签" in world.page(case, "firm")
    world.go(case, "decline", "lin", decline_reason="企业没有签，另找企业")
    assert world.go(result, "delist", "chen", delist_reason="另作安排").stage == "registered"


def test_a_firm_whose_request_is_not_answered_takes_it_back_and_says_whether_it_is_satisfied(
    world: World, result: Case
) -> None:
    case = trial(world, result)
    world.on("2025-10-14")
    world.go(case, "ask_extension", "firm", asked_days=60, extension_reason="等热处理设备到货")
    world.on("2025-10-20")
    assert ticking.tick().failed == []
    assert world.offered(case, "firm") >= {"drop_extension"}
    with pytest.raises(Denied, match="企业"):
        world.go(case, "drop_extension", "lin")
    case = world.go(case, "drop_extension", "firm")
    assert (case.stage, world.waits(case), world.clock(case, "试用期")[1]) == (
        "confirming",
        {"firm"},
        date(2025, 10, 15),
    )
    assert world.go(case, "confirm", "firm", acceptance="达到一千小时").stage == "paying"
