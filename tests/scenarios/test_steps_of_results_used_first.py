"""先用后转, the steps aside from the straight way: declined, withdrawn, extended or not, disputed, refused by the insurer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from transfer_people import INTENT, TERMS, World, empowered, figure, in_pool, registered, trial

from rongtong.apps.cases import queries, ticking
from rongtong.apps.cases.errors import CaseError, FormRefused, GuardRefused
from rongtong.apps.cases.models import Case, Certificate
from rongtong.apps.registry.access import Denied
from worlds import browser

pytestmark = pytest.mark.django_db

REASON = "正在与另一家谈独占许可，不能先用"
PUSHED = {"credit": "pushed", "credit_note": "逾期未付转化费，已书面告知企业"}
RESTORED = {"credit": "restored", "credit_note": "企业已付清，核实无误"}
LOSS = {"claim_event": "企业逾期未付转化费一百万元", "claim_amount": "1000000"}


@pytest.fixture
def result(world: World) -> Case:
    world.on("2025-07-15")
    return in_pool(world, empowered(world, registered(world)), "2025-08-08")


def over(world: World, case: Case, outcome: str) -> None:
    """A use has ended today: nothing falls due in it, it waits for nobody, and the result is free again."""
    now = Case.objects.get(pk=case.pk)
    assert (now.outcome, now.due, now.closed_on) == (outcome, None, world.settings.PINNED_TODAY)
    assert world.waits(case) == set()
    assert not any(o.open for o in case.obligations.all())
    assert now.parent is not None
    assert {"convert", "delist", "exit_register"} <= world.offered(now.parent, "lin")


def late(world: World, result: Case, **more: str) -> Case:
    """A firm is satisfied on 8 August 2025 and has not paid what fell due on 7 September."""
    case = trial(world, result, **more)
    world.go(case, "confirm", "firm", acceptance="达到一千小时")
    world.on("2025-09-08")
    return case


@pytest.mark.parametrize("negotiating", [False, True])
def test_a_university_declines_and_the_firm_reads_why(world: World, result: Case, negotiating: bool) -> None:
    case = world.open("use_first", "firm", INTENT, parent=result)
    assert (case.due, world.waits(case)) == (date(2025, 8, 22), {"chen", "lin"})
    if negotiating:
        case = world.go(case, "accept_intent", "lin", manager="t-manager")
        assert (case.stage, case.due) == ("negotiating", date(2025, 9, 19))
        assert "decline" not in world.offered(case, "manager")
    with pytest.raises(Denied, match="成果单位"):
        world.go(case, "decline", "firm", decline_reason=REASON)
    with pytest.raises(Case.DoesNotExist):
        world.go(case, "decline", "other", decline_reason=REASON)
    with pytest.raises(FormRefused, match="请填写“理由”"):
        world.go(case, "decline", "lin")
    world.on("2025-08-12")
    case = world.go(case, "decline", "chen", decline_reason=REASON)
    assert case.stage == "declined"
    over(world, case, "declined")
    page = world.page(case, "firm")
    assert [w for w in ("未达成", REASON, "这件已经结束") if w not in page] == []
    for who in ("rival", "other", "county"):
        world.page(case, who, 404)
    assert figure("use_first_transfers", "2025-08-12") == 0
    # The firm may ask again, and so may another.
    assert world.open("use_first", "firm", INTENT, parent=result).stage == "intent"


@pytest.mark.parametrize("stage", ["intent", "negotiating", "signing"])
def test_a_firm_withdraws_before_it_has_signed(world: World, result: Case, stage: str) -> None:
    case = world.open("use_first", "firm", INTENT, parent=result)
    if stage != "intent":
        case = world.go(case, "accept_intent", "lin")
    if stage == "signing":
        terms = TERMS | {"pay_mode": "fixed", "price": "1000000", "policy_no": "B-1"}
        case = world.go(case, "propose", "lin", **terms, insurer=world.uscc("insurer"))
        assert (case.due, world.waits(case)) == (date(2025, 8, 22), {"firm"})
        assert "B-1" in world.page(case, "insurer")
    assert case.stage == stage
    for who in ("lin", "quzhou"):
        with pytest.raises(Denied, match="企业"):
            world.go(case, "withdraw", who)
    with pytest.raises(Case.DoesNotExist):
        world.go(case, "withdraw", "rival")
    world.on("2025-08-12")
    case = world.go(case, "withdraw", "firm")
    assert case.stage == "withdrawn"
    over(world, case, "withdrawn")
    page = world.page(case, "lin")
    assert [w for w in ("撤回意向", "已撤回", "这件已经结束") if w not in page] == []
    with pytest.raises(CaseError, match="不能在“已撤回”时办理"):
        world.go(case, "accept_intent", "lin")
    assert not Certificate.objects.filter(case=case).exists()
    assert (queries.clocks(Case.objects.get(pk=case.pk)), figure("use_first_transfers", "2025-08-12")) == ((), 0)


def test_a_firm_that_has_signed_does_not_withdraw(world: World, result: Case) -> None:
    case = trial(world, result)
    with pytest.raises(CaseError, match="“撤回意向”不能在“试用中”时办理"):
        world.go(case, "withdraw", "firm")
    with pytest.raises(CaseError, match="“不能先用”不能在“试用中”时办理"):
        world.go(case, "decline", "lin", decline_reason=REASON)


def test_a_condition_that_will_not_come_is_dropped_and_nothing_is_owed(world: World, result: Case) -> None:
    case = trial(world, result, pay_mode="conditional", price="80000.50", trigger="产品卖出一万片")
    case = world.go(case, "confirm", "firm", acceptance="达到一千小时")
    assert (case.stage, case.due, world.waits(case)) == ("awaiting", None, {"firm", "chen", "lin"})
    assert world.clock(case, "试用期") == ("期内结束", date(2025, 10, 15))
    reason = "产品停产，条件不会成就，校长办公会同意免除"
    with pytest.raises(Denied, match="成果单位"):
        world.go(case, "drop_condition", "firm", paper=True, waive_reason=reason)
    with pytest.raises(FormRefused, match="佐证材料"):
        world.go(case, "drop_condition", "lin", waive_reason=reason)
    with pytest.raises(FormRefused, match="免除的理由和集体决策"):
        world.go(case, "drop_condition", "lin", paper=True)
    world.on("2026-03-02")
    case = world.go(case, "drop_condition", "lin", paper=True, waive_reason=reason)
    # It does not fall back to waiting, neither at once nor overnight.
    assert case.stage == "paying"
    assert ticking.tick().failed == []
    assert (Case.objects.get(pk=case.pk).stage, case.obligations.count()) == ("paying", 0)
    assert reason in world.page(case, "firm")
    for step, who, data in (("pay", "firm", {"voucher": "P-1"}), ("receive", "lin", {"received_on": "2026-03-02"})):
        assert step not in world.offered(case, who)
        with pytest.raises(GuardRefused, match="现在没有"):
            world.go(case, step, who, paper=step == "pay", **data)
    with pytest.raises(GuardRefused, match="技术合同还没有登记"):
        world.go(case, "complete", "lin")
    world.go(case, "register_contract", "lin", contract_no="2026330106000001", registered_on="2026-03-02")
    assert world.go(case, "complete", "lin").stage == "converted"
    over(world, case, "converted")


def test_a_credit_note_is_restored_once_and_may_be_pushed_again(world: World, result: Case) -> None:
    case = late(world, result)
    assert "restore_credit" not in world.offered(case, "quzhou")
    with pytest.raises(GuardRefused, match="没有推送过失信信息"):
        world.go(case, "restore_credit", "quzhou", **RESTORED)
    world.go(case, "push_credit", "quzhou", **PUSHED)
    page = world.page(case, "firm")
    assert [w for w in ("推送失信信息", PUSHED["credit_note"], "已逾期") if w not in page] == []
    for who in ("firm", "lin"):
        with pytest.raises(Denied, match="科技主管部门"):
            world.go(case, "restore_credit", who, **RESTORED)
    with pytest.raises(FormRefused, match="修复的事实"):
        world.go(case, "restore_credit", "quzhou", credit="restored")
    # On the page, as the office does it.
    office = browser(world.who["quzhou"])
    seen = str(Case.objects.get(pk=case.pk).events)
    posted = RESTORED | {"transition": "restore_credit", "seen": seen}
    assert office.post(f"/cases/{case.pk}/move", posted).status_code == 302
    assert (Case.objects.get(pk=case.pk).stage, queries.data(case)["credit"]) == ("paying", "restored")
    assert RESTORED["credit_note"] in world.page(case, "firm")
    # What is restored is not restored again; a firm that still does not pay may be noted anew.
    assert "restore_credit" not in world.offered(case, "quzhou")
    with pytest.raises(GuardRefused, match="或已经修复"):
        world.go(case, "restore_credit", "quzhou", **RESTORED)
    world.go(case, "push_credit", "province", **PUSHED)
    assert "restore_credit" in world.offered(case, "quzhou")


def paid(world: World, case: Case) -> None:
    world.go(case, "receive", "lin", received_on="2025-09-20")
    world.go(case, "register_contract", "lin", contract_no="2025330106000002", registered_on="2025-09-20")
    world.go(case, "complete", "lin")


def insured(world: World, case: Case) -> None:
    world.go(case, "fee_file_claim", "lin", paper=True, **LOSS)
    world.go(case, "fee_pay_claim", "insurer", paper=True, claim_paid="1000000", claim_opinion="先行赔付")


def disputed(world: World, case: Case) -> None:
    world.go(case, "pay_raise_dispute", "firm", dispute="价款里含了没有交付的内容")
    world.go(case, "pay_end_dispute", "province", settlement="调处不成，双方另行仲裁")


@pytest.mark.parametrize(("end", "outcome"), [(paid, "converted"), (insured, "compensated"), (disputed, "terminated")])
def test_a_credit_note_is_restored_after_the_use_has_ended(
    world: World, result: Case, end: Callable[[World, Case], None], outcome: str
) -> None:
    case = late(world, result, insurer=world.uscc("insurer"), policy_no="B-2025-2")
    world.go(case, "push_credit", "quzhou", **PUSHED)
    world.on("2025-09-20")
    end(world, case)
    over(world, case, outcome)
    world.on("2026-01-15")
    case = world.go(case, "restore_credit", "quzhou", **RESTORED)
    assert (case.stage, case.outcome, case.closed_on) == (outcome, outcome, date(2025, 9, 20))
    assert RESTORED["credit_note"] in world.page(case, "firm")
    assert "restore_credit" not in world.offered(case, "quzhou")


def test_an_extension_refused_leaves_the_trial_its_days(world: World, result: Case) -> None:
    case = trial(world, result)
    world.on("2025-10-09")
    asked = {"asked_days": 60, "extension_reason": "等热处理设备到货"}
    case = world.go(case, "ask_extension", "firm", **asked)
    # The trial goes on while the university thinks about it.
    assert (case.stage, case.due, world.waits(case)) == ("extension", date(2025, 10, 10), {"chen", "lin"})
    assert world.clock(case, "试用期") == ("计时中", date(2025, 10, 15))
    with pytest.raises(GuardRefused, match="“申请延期”由您办理"):
        world.go(case, "refuse_extension", "firm", extension_opinion="不同意延期")
    with pytest.raises(FormRefused, match="意见"):
        world.go(case, "refuse_extension", "lin")
    case = world.go(case, "refuse_extension", "lin", extension_opinion="已经够了，请按期确认")
    assert (case.stage, case.due) == ("trial", date(2025, 10, 15))
    page = world.page(case, "firm")
    assert [w for w in ("不同意延期", "已经够了，请按期确认") if w not in page] == []
    # Asked again and refused only once the trial has run out: the firm has then to say whether it is satisfied.
    world.on("2025-10-15")
    world.go(case, "ask_extension", "firm", **asked)
    world.on("2025-10-20")
    assert ticking.tick().failed == []
    assert Case.objects.get(pk=case.pk).stage == "extension"
    case = world.go(case, "refuse_extension", "chen", extension_opinion="已经够了，请按期确认")
    assert (case.stage, case.due, world.waits(case)) == ("confirming", date(2025, 11, 3), {"firm"})
    # The answer came after its last day.
    assert world.clock(case, "试用期") == ("期满", date(2025, 10, 15))
    assert world.go(case, "confirm", "firm", acceptance="达到一千小时").stage == "paying"


@pytest.mark.parametrize("over_already", [False, True])
def test_a_dispute_about_the_trial_that_is_not_settled_ends_the_use(
    world: World, result: Case, over_already: bool
) -> None:
    case = trial(world, result)
    world.on("2025-10-16" if over_already else "2025-09-01")
    if over_already:
        assert ticking.tick().failed == []
        assert Case.objects.get(pk=case.pk).stage == "confirming"
    case = world.go(case, "trial_raise_dispute", "lin", dispute="企业把工艺规程给了第三方")
    assert (case.stage, world.waits(case)) == ("trial_dispute", {"quzhou", "province"})
    assert world.clock(case, "试用期")[0] == ("期满" if over_already else "停计")
    with pytest.raises(Denied, match="科技主管部门"):
        world.go(case, "trial_end_dispute", "lin", settlement="双方另行仲裁")
    with pytest.raises(Case.DoesNotExist):
        world.go(case, "trial_end_dispute", "ningbo", settlement="双方另行仲裁")
    with pytest.raises(FormRefused, match="请填写“调处结果”"):
        world.go(case, "trial_end_dispute", "quzhou")
    world.on("2025-10-17")
    case = world.go(case, "trial_end_dispute", "quzhou", settlement="调处不成，双方另行仲裁")
    assert case.stage == "terminated"
    over(world, case, "terminated")
    assert world.clock(case, "试用期")[0] == ("期满" if over_already else "期内结束")
    page = world.page(case, "firm")
    assert [w for w in ("争议终止", "调处不成，双方另行仲裁", "这件已经结束") if w not in page] == []
    # It was used first all the same.
    assert figure("use_first_transfers", "2025-10-17") == 1


def test_a_dispute_raised_after_the_trial_and_settled_leaves_the_firm_to_confirm(world: World, result: Case) -> None:
    case = trial(world, result)
    world.on("2025-10-16")
    assert ticking.tick().failed == []
    world.go(case, "trial_raise_dispute", "firm", dispute="热循环试验的口径双方不一")
    world.on("2025-10-20")
    case = world.go(case, "trial_settle_dispute", "quzhou", settlement="以第三方检测为准")
    assert (case.stage, case.due, world.waits(case)) == ("confirming", date(2025, 11, 3), {"firm"})


def test_an_insurer_that_does_not_pay_leaves_the_firm_to_pay(world: World, result: Case) -> None:
    case = late(world, result, insurer=world.uscc("insurer"), policy_no="B-2025-2")
    case = world.go(case, "fee_file_claim", "lin", paper=True, **LOSS)
    assert (case.stage, case.due, world.waits(case)) == ("fee_claim", date(2025, 10, 8), {"insurer"})
    opinion = "未满约定的等待期，不予赔付"
    for who in ("lin", "firm", "quzhou"):
        with pytest.raises(Denied, match="保险机构"):
            world.go(case, "fee_refuse_claim", who, claim_opinion=opinion)
    with pytest.raises(FormRefused, match="不予赔付的理由"):
        world.go(case, "fee_refuse_claim", "insurer")
    world.on("2025-09-15")
    case = world.go(case, "fee_refuse_claim", "insurer", claim_opinion=opinion)
    assert (case.stage, case.outcome) == ("paying", "")
    assert [(o.name, o.due, o.open) for o in case.obligations.all()] == [("转化费", date(2025, 9, 7), True)]
    page = world.page(case, "lin")
    assert [w for w in ("不予赔付", opinion, "已逾期") if w not in page] == []
    # The university may claim once more, and the firm may pay at last.
    assert "fee_file_claim" in world.offered(case, "lin")
    world.go(case, "pay", "firm", paper=True, voucher="补付转化费")
    world.go(case, "receive", "lin", received_on="2025-09-15")
    with pytest.raises(GuardRefused, match="没有逾期未付的款项"):
        world.go(case, "fee_file_claim", "lin", paper=True, **LOSS)
    world.go(case, "register_contract", "lin", contract_no="2025330106000003", registered_on="2025-09-15")
    world.go(case, "complete", "lin")
    over(world, case, "converted")


def test_no_price_of_an_earlier_proposal_is_owed_under_the_terms_that_were_signed(world: World, result: Case) -> None:
    case = world.open("use_first", "firm", INTENT, parent=result)
    world.go(case, "accept_intent", "lin")
    world.go(case, "propose", "lin", **TERMS, pay_mode="fixed", price="1000000")
    world.go(case, "counter", "firm", counter="改为收益提成，不要入门费")
    shares = TERMS | {"pay_mode": "royalty", "rate": "3", "reports": [{"name": "第一年", "months": 12}]}
    with pytest.raises(FormRefused, match="请填写“转化价款"):
        world.go(case, "propose", "lin", **shares)
    world.go(case, "propose", "lin", **shares, price="0")
    world.go(case, "sign", "firm", paper=True, agreement_no="XY-1")
    world.go(case, "confirm", "firm", acceptance="达到一千小时")
    assert [(o.name, o.amount) for o in case.obligations.all()] == [("第一年", None)]
