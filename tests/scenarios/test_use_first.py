"""先用后转 from the pool to the contract: a firm tries a university's result, is satisfied or not, pays as agreed."""

from __future__ import annotations

from datetime import date

import pytest
from transfer_people import INTENT, TERMS, World, empowered, figure, in_pool, registered, trial

from rongtong.apps.cases import measuring, queries, ticking
from rongtong.apps.cases.errors import CaseError, FormRefused, GuardRefused
from rongtong.apps.cases.models import Case, Certificate, Obligation
from rongtong.apps.registry.access import Denied
from rongtong.engine.period import Period

pytestmark = pytest.mark.django_db


@pytest.fixture
def result(world: World) -> Case:
    return in_pool(world, empowered(world, registered(world)), "2025-08-08")


def dues(case: Case) -> list[tuple[str, str, int | None, bool]]:
    return [(o.name, o.due.isoformat(), o.amount, o.open) for o in case.obligations.order_by("number")]


def test_a_firm_is_satisfied_and_pays_in_instalments(world: World, result: Case) -> None:
    parts = [
        {"name": "首期", "months": 1, "amount": "333333.33"},
        {"name": "二期", "months": 7, "amount": "333333.33"},
        {"name": "尾款", "due": "2027-01-05", "amount": "333333.33"},
    ]
    case = world.open("use_first", "firm", INTENT, parent=result)
    assert case.title == "先用后转·高温合金涂层工艺·常山一厂"
    assert (case.place, case.chain, case.parent) == ("330822", "415x-1", result)
    world.go(case, "accept_intent", "lin", manager="t-manager")
    terms = TERMS | {"pay_mode": "instalments", "price": "1000000"}
    with pytest.raises(FormRefused, match=r"合计 999999\.99，应为 1000000，相差 0\.01"):
        world.go(case, "propose", "manager", **terms, instalments=parts)
    parts[2]["amount"] = "333333.34"
    world.go(case, "propose", "manager", **terms, instalments=parts)
    world.go(case, "counter", "firm", counter="试用期再长一些")
    world.go(case, "propose", "lin", **terms, instalments=parts)
    assert figure("use_first_transfers", "2025-08-08") == 0
    world.go(case, "sign", "firm", paper=True, agreement_no="XY-1")
    for place in ("330000", "330800", "330822"):
        assert figure("use_first_transfers", "2025-08-08", place) == 1
    assert figure("use_first_transfers", "2025-08-08", "330106") == 0
    behind = measuring.behind("use_first_transfers", "330800", Period(2025, 1, 8), date(2025, 8, 8))
    assert [m.case for m in behind] == [case]

    world.go(case, "deliver", "lin", delivered="工艺规程一套")
    assert dues(case) == []
    world.on("2025-09-30")
    world.go(case, "confirm", "firm", acceptance="热循环 1260 小时")
    assert dues(case) == [
        ("首期", "2025-10-30", 33_333_333, True),
        ("二期", "2026-04-30", 33_333_333, True),
        ("尾款", "2027-01-05", 33_333_334, True),
    ]
    assert sum(amount or 0 for _, _, amount, _ in dues(case)) == 100_000_000
    with pytest.raises(GuardRefused, match="未了的款项"):
        world.go(case, "complete", "lin")
    world.go(case, "pay", "firm", paper=True, voucher="三期一次付清")
    for _ in range(3):
        world.go(case, "receive", "lin", received_on="2025-09-30")
    assert not any(still for *_, still in dues(case))
    with pytest.raises(GuardRefused, match="技术合同还没有登记"):
        world.go(case, "complete", "lin")
    world.go(case, "register_contract", "lin", contract_no="2025330106000001", registered_on="2025-09-29")
    case = world.go(case, "complete", "lin")
    assert (case.stage, case.outcome) == ("converted", "converted")
    assert figure("use_first_transfers", "2025-09-30") == 1


def test_a_firm_is_not_satisfied_and_gives_the_result_back(world: World, result: Case) -> None:
    case = trial(world, result)
    world.go(case, "unsatisfied", "firm", unsatisfied_reason="寿命只有 700 小时")
    assert Case.objects.get(pk=case.pk).due == date(2025, 8, 29)
    assert world.offered(case, "firm") == set()
    case = world.go(case, "confirm_return", "lin", return_note="资料收回，样品销毁")
    assert (case.outcome, dues(case)) == ("returned", [])
    # It was a time of use first all the same.
    assert figure("use_first_transfers", "2025-08-08") == 1


def test_a_share_of_the_income_is_owed_to_the_fen_for_each_report(world: World, result: Case) -> None:
    reports = [{"name": "第一年", "months": 12}, {"name": "第二年", "months": 24}]
    case = trial(world, result, pay_mode="royalty", price="50000", rate="3.5", reports=reports)
    world.go(case, "confirm", "firm", acceptance="达到一千小时")
    assert dues(case) == [
        ("入门费", "2025-09-07", 5_000_000, True),
        ("第一年", "2026-08-08", None, True),
        ("第二年", "2027-08-08", None, True),
    ]
    world.go(case, "receive", "lin", received_on="2025-08-08")
    world.on("2026-08-01")
    world.go(case, "report_income", "firm", paper=True, income="123456.78")
    world.on("2027-08-02")
    world.go(case, "report_income", "firm", paper=True, income="10.43")
    # 4320.9873 and 0.36505 yuan, half up.
    assert dues(case)[3:] == [("收益提成", "2026-08-31", 432_099, True), ("收益提成", "2027-09-01", 37, True)]
    with pytest.raises(CaseError, match="没有未了的“收入报告”"):
        world.go(case, "report_income", "firm", paper=True, income="1")
    world.go(case, "receive", "lin", received_on="2027-08-02", due_item=5)
    assert [o.number for o in Obligation.objects.filter(case=case, met=None)] == [4]


def test_money_that_a_condition_brings_is_owed_once_the_condition_is_met(world: World, result: Case) -> None:
    case = trial(world, result, pay_mode="conditional", price="80000.50", trigger="产品卖出一万片")
    world.go(case, "confirm", "firm", acceptance="达到一千小时")
    world.go(case, "register_contract", "lin", contract_no="2025330106000002", registered_on="2025-08-08")
    assert dues(case) == []
    with pytest.raises(CaseError, match="不能在“待付费条件成就”时办理"):
        world.go(case, "complete", "lin")
    world.go(case, "pay_raise_dispute", "firm", dispute="一万片怎样算，双方说法不一")
    case = world.go(case, "pay_settle_dispute", "quzhou", settlement="以出库单为准")
    assert (case.stage, dues(case)) == ("awaiting", [])
    world.go(case, "trigger_met", "firm", paper=True, trigger_on="2025-08-08")
    assert dues(case) == [("转化费（条件已成就）", "2025-09-07", 8_000_050, True)]
    world.go(case, "receive", "lin", received_on="2025-08-08")
    assert world.go(case, "complete", "lin").outcome == "converted"


def test_money_put_off_is_owed_so_many_months_after_the_firm_is_satisfied(world: World, result: Case) -> None:
    case = trial(world, result, pay_mode="deferred", price="1000000", defer_months=12)
    world.on("2025-08-31")
    world.go(case, "confirm", "firm", acceptance="达到一千小时")
    assert dues(case) == [("转化费（延期）", "2026-08-31", 100_000_000, True)]
    world.go(case, "waive", "lin", paper=True, waive_reason="校长办公会同意免除")
    assert not any(still for *_, still in dues(case))


@pytest.mark.parametrize(
    ("terms", "missing"),
    [
        ({"pay_mode": "instalments", "price": "1"}, "instalments"),
        ({"pay_mode": "deferred", "price": "1"}, "defer_months"),
        ({"pay_mode": "royalty", "rate": "3", "price": "0"}, "reports"),
        ({"pay_mode": "royalty", "rate": "3", "reports": [{"name": "第一年", "months": 12}]}, "price"),
        ({"pay_mode": "conditional", "price": "1"}, "trigger"),
        ({"pay_mode": "fixed"}, "price"),
        ({"pay_mode": "fixed", "price": "1", "policy_no": "B-1"}, "insurer"),
    ],
)
def test_terms_that_leave_out_what_their_way_of_paying_needs_are_refused(
    world: World, result: Case, terms: dict[str, object], missing: str
) -> None:
    case = world.open("use_first", "firm", INTENT, parent=result)
    world.go(case, "accept_intent", "lin")
    with pytest.raises(FormRefused) as refused:
        world.go(case, "propose", "lin", **(TERMS | terms))
    assert set(refused.value.errors) == {missing}


def test_an_insurer_pays_a_firm_whose_trial_failed(world: World, result: Case) -> None:
    case = trial(world, result)
    assert "use_file_claim" not in world.offered(case, "firm")
    insured = trial(world, result, "rival", insurer=world.uscc("insurer"), policy_no="B-2025-1", premium="1200")
    assert set(queries.visible(world.who["insurer"])) == {insured}
    world.go(insured, "unsatisfied", "rival", unsatisfied_reason="涂层剥落")
    loss = {"claim_event": "试验线停产三天，报废叶片三百片", "claim_amount": "86000"}
    world.go(insured, "use_file_claim", "rival", paper=True, **loss)
    with pytest.raises(Denied, match="保险机构"):
        world.go(insured, "use_pay_claim", "lin", paper=True, claim_paid="80000", claim_opinion="情况属实")
    world.go(insured, "use_refuse_claim", "insurer", claim_opinion="材料不全，补后再报")
    world.go(insured, "use_file_claim", "rival", paper=True, **loss)
    done = world.go(insured, "use_pay_claim", "insurer", paper=True, claim_paid="80000", claim_opinion="责任成立")
    assert done.outcome == "compensated"


def test_an_insurer_pays_the_university_where_the_firm_does_not_and_the_firm_is_noted(
    world: World, result: Case
) -> None:
    case = trial(world, result, insurer=world.uscc("insurer"), policy_no="B-2025-2")
    world.go(case, "confirm", "firm", acceptance="达到一千小时")
    assert {"fee_file_claim", "push_credit"}.isdisjoint(world.offered(case, "lin") | world.offered(case, "quzhou"))
    world.on("2025-09-08")
    assert "fee_file_claim" in world.offered(case, "lin")
    note = {"credit": "pushed", "credit_note": "逾期未付转化费，已书面告知企业"}
    world.go(case, "push_credit", "quzhou", **note)
    world.go(
        case, "fee_file_claim", "lin", paper=True, claim_event="企业逾期未付转化费一百万元", claim_amount="1000000"
    )
    case = world.go(case, "fee_pay_claim", "insurer", paper=True, claim_paid="1000000", claim_opinion="先行赔付")
    assert (case.outcome, [still for *_, still in dues(case)]) == ("compensated", [False])
    assert "restore_credit" in world.offered(case, "quzhou")


def test_a_dispute_stops_the_clock_of_the_trial_and_an_extension_moves_it(world: World, result: Case) -> None:
    case = trial(world, result)
    assert case.due == date(2025, 10, 15)
    world.on("2025-09-01")
    world.go(case, "trial_raise_dispute", "firm", dispute="交付的工艺规程缺一半")
    (clock,) = queries.clocks(Case.objects.get(pk=case.pk))
    assert (clock.state, clock.paused_in) == ("停计", "争议调处中")
    with pytest.raises(Denied, match="科技主管部门"):
        world.go(case, "trial_settle_dispute", "lin", settlement="学校已经补交")
    world.on("2025-09-21")
    case = world.go(case, "trial_settle_dispute", "quzhou", settlement="学校补交规程，试用期顺延")
    assert (case.stage, case.due) == ("trial", date(2025, 11, 4))
    world.go(case, "ask_extension", "firm", asked_days=60, extension_reason="等热处理设备")
    case = world.go(case, "grant_extension", "lin", granted_days=30)
    assert case.due == date(2025, 12, 4)
    with pytest.raises(FormRefused, match="不大于 180"):
        world.go(case, "ask_extension", "firm", asked_days=181, extension_reason="等热处理设备")


def test_a_dispute_that_is_not_settled_ends_the_use(world: World, result: Case) -> None:
    case = trial(world, result)
    world.go(case, "confirm", "firm", acceptance="达到一千小时")
    world.go(case, "pay_raise_dispute", "firm", dispute="价款里含了没有交付的内容")
    case = world.go(case, "pay_end_dispute", "province", settlement="调处不成，双方另行仲裁")
    assert (case.outcome, [still for *_, still in dues(case)]) == ("terminated", [False])


def test_a_trial_that_runs_out_waits_for_the_firm_and_then_ends(world: World, result: Case) -> None:
    case, other = trial(world, result), trial(world, result, "rival")
    world.on("2025-10-16")
    for one, firm in ((case, "firm"), (other, "rival")):
        assert world.go(one, "progress", firm, trial_progress="还在做最后一组试验").stage == "confirming"
    assert world.go(case, "confirm", "firm", acceptance="达到一千小时").stage == "paying"
    assert Case.objects.get(pk=other.pk).due == date(2025, 10, 30)


def test_time_alone_ends_a_notice_a_trial_and_a_wait(world: World) -> None:
    result = empowered(world, registered(world))
    world.on("2025-08-06")
    ticking.tick()
    assert Case.objects.get(pk=result.pk).stage == "pool"
    case = trial(world, result)
    for day, stage in (("2025-10-15", "trial"), ("2025-10-16", "confirming"), ("2025-10-30", "confirming"),
                       ("2025-10-31", "expired")):  # fmt: skip
        world.on(day)
        assert ticking.tick().failed == []
        assert Case.objects.get(pk=case.pk).stage == stage, day
    # A trial that ran its whole term was not late, nor is a listing that was not renewed.
    assert (Case.objects.get(pk=case.pk).late, world.clock(case, "试用期")[0]) == (False, "期满")
    world.on("2026-08-07")
    ticking.tick()
    done = Case.objects.get(pk=result.pk)
    assert (done.stage, done.late, world.clock(done, "在池有效期")[0]) == ("registered", False, "期满")


def test_an_agreement_made_in_error_is_annulled_and_no_longer_counts(world: World, result: Case) -> None:
    case = trial(world, result)
    (terms,) = Certificate.objects.filter(case=case)
    assert terms.number == f"XYHZ-{case.key}"
    assert figure("use_first_transfers", "2025-08-08") == 1
    world.go(case, "annul", "quzhou", paper=True, annul_reason="企业名称录错，重新签订")
    assert figure("use_first_transfers", "2025-08-08") == 0
    terms.refresh_from_db()
    assert terms.ended is not None


def test_each_sees_its_own_and_only_that(world: World, result: Case) -> None:
    case = trial(world, result)
    seeing = {who for who, account in world.who.items() if queries.visible(account).filter(pk=case.pk).exists()}
    assert seeing == {"firm", "chen", "lin", "quzhou", "province"}
    # The firm uses a result whose file it does not read.
    assert not queries.visible(world.who["firm"]).filter(pk=result.pk).exists()


def test_a_firm_uses_first_only_what_is_in_the_pool_and_open_to_it(world: World, result: Case) -> None:
    early = registered(world)
    with pytest.raises(CaseError, match="没有可以在其下开始的这一件"):
        world.open("use_first", "firm", INTENT, parent=early)
    kept = in_pool(world, empowered(world, early, use_first="no"), "2025-08-30")
    with pytest.raises(CaseError, match="没有同意这项成果先用后转"):
        world.open("use_first", "firm", INTENT, parent=kept)
    with pytest.raises(CaseError, match="须从它所属的办件开始"):
        world.open("use_first", "firm", INTENT)
    with pytest.raises(Denied, match="企业"):
        world.open("use_first", "lin", INTENT, parent=result)


def test_a_result_is_not_sold_while_a_firm_still_tries_it(world: World, result: Case) -> None:
    case = trial(world, result)
    assert {"convert", "delist", "exit_register"}.isdisjoint(world.offered(result, "lin"))
    world.go(case, "unsatisfied", "firm", unsatisfied_reason="寿命只有 700 小时")
    world.go(case, "confirm_return", "chen", return_note="资料收回")
    assert {"convert", "delist", "exit_register"} <= world.offered(result, "lin")
