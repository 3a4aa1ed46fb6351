"""安心屋 once a result is in the pool: taken off, sold and listed again, and the money that comes in wherever it stands."""

from __future__ import annotations

from datetime import date

import pytest
from transfer_people import INTENT, PRICE, World, empowered, figure, in_pool, registered, trial

from rongtong.apps.cases import ticking
from rongtong.apps.cases.errors import CaseError, FormRefused, GuardRefused
from rongtong.apps.cases.models import Case
from rongtong.apps.registry.access import Denied
from worlds import browser

pytestmark = pytest.mark.django_db

SOLD = {"counterpart": "某企业", "contract_no": "20253301", "contract_amount": "20000", "converted_on": "2025-08-08"}
OFF = {"delist_reason": "先做二次开发"}
LEFT = {"exit_reason": "done", "written_off": "0", "exit_decision": "校务会"}
EQUITY = {
    "equity_pct": "30",
    "equity_holders": [{"holder": "完成人团队", "share": "90"}, {"holder": "学校", "share": "10"}],
}


@pytest.fixture
def result(world: World) -> Case:
    world.on("2025-07-15")
    return in_pool(world, empowered(world, registered(world)), "2025-08-08")


def split(world: World, case: Case, income: str, **more: object) -> Case:
    """What came in goes to the inventors whole."""
    whole = [{"holder": "完成人团队", "party": "inventor", "share": "100", "amount": income}]
    return world.go(
        case, "distribute", "lin", paper=True, net_income=income, splits=whole, split_basis="学校办法", **more
    )


def owed(case: Case) -> list[tuple[str, str, bool]]:
    return [(o.name, o.due.isoformat(), o.open) for o in case.obligations.order_by("number")]


def on_the_board(case: Case) -> bool:
    return bool(browser().get(f"/notices/{case.pk}").status_code == 200)


def test_a_result_that_no_firm_tries_is_taken_off_and_put_on_again(world: World, result: Case) -> None:
    intent = world.open("use_first", "firm", INTENT, parent=result)
    assert "delist" not in world.offered(result, "lin")
    with pytest.raises(GuardRefused, match=r"还有企业在先用后转.*先用后转（在办） 1"):
        world.go(result, "delist", "lin", **OFF)
    with pytest.raises(FormRefused, match="请填写“理由”"):
        world.go(result, "delist", "lin")
    world.go(intent, "decline", "lin", decline_reason="正在与另一家谈独占许可")
    with pytest.raises(Denied, match="成果单位"):
        world.go(result, "delist", "province", **OFF)
    world.on("2025-09-01")
    case = world.go(result, "delist", "lin", **OFF)
    assert (case.stage, case.due, case.late) == ("registered", None, False)
    assert world.clock(case, "在池有效期") == ("期内结束", date(2026, 8, 8))
    assert not on_the_board(case)
    assert "先做二次开发" in world.page(case, "province")
    with pytest.raises(CaseError, match="没有可以在其下开始的这一件"):
        world.open("use_first", "rival", INTENT, parent=result)
    # The grant stands, off the pool too, until it is ended or not made again.
    assert figure("empowered_results", "2025-09-01") == 1
    world.go(case, "keep_right", "lin", right="none")
    assert figure("empowered_results", "2025-09-01") == 0
    world.go(case, "set_price", "chen", paper=True, **PRICE)
    in_pool(world, case, "2025-09-28")
    assert on_the_board(case)
    assert world.clock(case, "在池有效期") == ("计时中", date(2026, 9, 28))


def test_income_is_split_once_for_each_time_it_comes_in(world: World, result: Case) -> None:
    with pytest.raises(FormRefused, match="不小于 0"):
        world.go(result, "receive_income", "lin", income_source="合同 20253301", net_income="-1")
    with pytest.raises(FormRefused, match="请填写“来自"):
        world.go(result, "receive_income", "lin", net_income="1")
    with pytest.raises(Denied, match="成果单位"):
        world.go(result, "receive_income", "province", income_source="合同 20253301", net_income="1")
    world.go(result, "license_out", "lin", **SOLD, net_income="0")
    world.go(result, "receive_income", "lin", income_source="合同 20253301", net_income="0")
    assert owed(result) == []
    with pytest.raises(CaseError, match="没有未了的“收益分配”"):
        split(world, result, "1.00")
    case = world.go(result, "receive_income", "lin", income_source="合同 20253301 首期", net_income="8000")
    assert (case.stage, case.due) == ("pool", date(2026, 8, 8))
    world.on("2025-08-18")
    world.go(case, "receive_income", "chen", income_source="合同 20253301 尾款", net_income="12000")
    # Ninety days from each.
    assert owed(case) == [("收益分配", "2025-11-06", True), ("收益分配", "2025-11-16", True)]
    page = world.page(case, "chen")
    assert ("2025-11-16" in page, "合同 20253301 尾款" in page) == (True, True)
    with pytest.raises(GuardRefused, match="未分配的收益"):
        world.go(case, "exit_register", "lin", paper=True, **LEFT)
    split(world, case, "12000.00", due_item=2)
    assert owed(case) == [("收益分配", "2025-11-06", True), ("收益分配", "2025-11-16", False)]
    with pytest.raises(FormRefused, match="没有未了的“收益分配”第 2 项"):
        split(world, case, "12000.00", due_item=2)
    # What is sold yields still: the stake's dividend is split after the transfer.
    sold = SOLD | EQUITY | {"convert_mode": "equity"}
    world.go(case, "convert", "lin", paper=True, **sold, net_income="0")
    world.go(case, "receive_income", "lin", income_source="某企业 2025 年分红", net_income="500.50")
    split(world, case, "8000.00")
    split(world, case, "500.50")
    assert [still for *_, still in owed(case)] == [False, False, False]
    assert "某企业 2025 年分红" in world.page(case, "province")
    assert world.go(case, "exit_register", "lin", paper=True, **LEFT).outcome == "exited"


def test_income_is_split_where_the_result_was_taken_off_meanwhile(world: World, result: Case) -> None:
    world.go(result, "license_out", "lin", **SOLD, net_income="20000")
    case = world.go(result, "delist", "lin", **OFF)
    assert {"receive_income", "distribute"} <= world.offered(case, "lin")
    with pytest.raises(GuardRefused, match="未分配的收益"):
        world.go(case, "exit_register", "lin", paper=True, **LEFT)
    split(world, case, "20000.00")
    assert world.go(case, "exit_register", "lin", paper=True, **LEFT).outcome == "exited"


def test_what_a_firm_pays_after_the_listing_lapsed_is_received_and_split(world: World, result: Case) -> None:
    use = trial(world, result, pay_mode="deferred", price="100000", defer_months=12)
    world.on("2025-09-30")
    world.go(use, "confirm", "firm", acceptance="热循环 1260 小时")
    world.on("2026-08-10")
    assert ticking.tick().failed == []
    case = Case.objects.get(pk=result.pk)
    assert (case.stage, world.clock(case, "在池有效期")[1]) == ("registered", date(2026, 8, 8))
    assert not on_the_board(case)
    world.on("2026-09-28")
    world.go(use, "receive", "lin", received_on="2026-09-28")
    world.go(use, "register_contract", "lin", contract_no="2025330106000001", registered_on="2025-10-09")
    with pytest.raises(GuardRefused, match="还有企业在先用后转"):
        world.go(case, "exit_register", "lin", paper=True, **LEFT)
    assert world.go(use, "complete", "lin").outcome == "converted"
    case = world.go(case, "receive_income", "lin", income_source=f"先用后转 {use.key}", net_income="100000")
    assert (case.stage, owed(case)) == ("registered", [("收益分配", "2026-12-27", True)])
    # While the result is priced anew and on notice, the money does not wait.
    world.go(case, "keep_right", "lin", right="none")
    world.go(case, "set_price", "lin", paper=True, **PRICE)
    assert split(world, case, "100000.00").stage == "notice"
    assert not any(still for *_, still in owed(case))


def test_what_may_still_be_licensed_goes_back_to_the_pool_for_another_year(world: World, result: Case) -> None:
    world.on("2025-09-01")
    case = world.go(result, "convert", "lin", paper=True, **SOLD, convert_mode="licence", net_income="0")
    assert (case.stage, case.due, on_the_board(case)) == ("converted", None, False)
    assert world.clock(case, "在池有效期") == ("期内结束", date(2026, 8, 8))
    with pytest.raises(CaseError, match="没有可以在其下开始的这一件"):
        world.open("use_first", "firm", INTENT, parent=case)
    world.on("2025-12-01")
    with pytest.raises(Denied, match="成果单位"):
        world.go(case, "relist", "province")
    case = world.go(case, "relist", "chen")
    assert (case.stage, case.due, on_the_board(case)) == ("pool", date(2026, 12, 1), True)
    assert world.clock(case, "在池有效期") == ("计时中", date(2026, 12, 1))
    assert "仍可许可，回到池中" in world.page(case, "province")
    # Its grant counted with the first notice, and once.
    assert figure("empowered_results", "2025-12-01") == 1
    assert trial(world, case).stage == "trial"
    with pytest.raises(GuardRefused, match="先办结"):
        world.go(case, "convert", "lin", paper=True, **SOLD, convert_mode="licence", net_income="0")


def test_a_result_that_left_the_register_stays_closed_on_its_day_whatever_is_filed_later(
    world: World, result: Case
) -> None:
    case = world.go(result, "exit_register", "lin", paper=True, **LEFT)
    assert case.closed_on == date(2025, 8, 8)
    world.on("2026-03-02")
    case = world.go(case, "duty_file", "chen", paper=True, duty_kind="income", duty_note="审计要的凭证")
    assert (case.outcome, case.closed_on) == ("exited", date(2025, 8, 8))
    assert "审计要的凭证" in world.page(case, "lin")


def test_who_knows_a_result_by_its_notice_is_not_told_what_goes_on_inside(world: World, result: Case) -> None:
    world.open("use_first", "firm", INTENT, parent=result)
    rival, seen = browser(world.who["rival"]), Case.objects.get(pk=result.pk).events
    # How many firms try it is for the university: asked for its step, the board says whose step it is.
    denied = rival.post(f"/notices/{result.pk}", OFF | {"transition": "delist", "seen": str(seen)})
    assert (denied.status_code, "在办" in denied.content.decode()) == (403, False)
    with pytest.raises(Denied, match="成果单位"):
        world.go(result, "delist", "rival", **OFF)
    # An objection that comes too late for what was read says so, without the steps and names inside.
    again = empowered(world, registered(world))
    before = again.events
    world.go(again, "duty_file", "chen", paper=True, duty_kind="conflict", duty_note="无关联关系声明")
    words = {"transition": "object", "seen": str(before), "objection": "这项工艺里用了我厂的专利，没有写明"}
    page = rival.post(f"/notices/{again.pk}", words)
    told = page.content.decode()
    assert (page.status_code, "您打开之后已有变化。" in told) == (409, True)
    assert [w for w in ("陈研究员", "存入尽职材料", "入屋登记") if w in told] == []
    assert rival.post(f"/notices/{again.pk}", words | {"seen": str(before + 1)}).status_code == 302
    assert Case.objects.get(pk=again.pk).stage == "objection"
    # Whoever reads the case is told who did what meanwhile.
    office = browser(world.who["province"])
    late = office.post(
        f"/cases/{result.pk}/move", {"transition": "inspect", "seen": str(seen - 1), "inspection": "材料齐全"}
    )
    assert (late.status_code, "公示期满" in late.content.decode()) == (409, True)
