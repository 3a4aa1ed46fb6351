"""What the registration of technology contracts lets nobody do: more technology than contract, large ones without experts."""

from __future__ import annotations

from datetime import date

import pytest

from contract_world import FILED, VERIFIED, World, certificate
from rongtong.apps.cases import actions, queries
from rongtong.apps.cases.errors import FormRefused, GuardRefused
from rongtong.apps.cases.models import Case, Measured
from rongtong.apps.registry.access import Denied

pytestmark = pytest.mark.django_db
LARGE = {"contract_amount": "800", "technology_amount": "500"}


@pytest.fixture
def world(contracts: World) -> World:
    return contracts


def reviewed(world: World, case: Case, *, opinions: int) -> Case:
    """A case before its experts, so many of whom have declared and given an opinion."""
    names = [world.accounts[f"expert{n}"].username for n in (1, 2, 3)]
    case = world.make(case, "ask_experts", review_reason="large", experts=names)
    for n in range(1, opinions + 1):
        world.make(case, "declare", f"expert{n}", declared="none")
        case = world.make(case, "opine", f"expert{n}", suggestion="register", opinion="符合技术开发合同的条件")
    return case


def test_a_technical_amount_above_the_contract_s_is_not_accepted_and_may_be_corrected(world: World) -> None:
    case = world.file(technology_amount="120.345679")
    with pytest.raises(GuardRefused, match="技术交易额大于合同成交额"):
        world.make(case, "accept", contract_text="complete")
    world.make(case, "correct", "seller", **FILED | {"technology_amount": "120.345678"})
    assert world.make(case, "accept", contract_text="complete").stage == "examining"


def test_nor_is_one_registered_or_changed_into(world: World) -> None:
    case = world.accepted()
    with pytest.raises(GuardRefused, match="不能大于合同成交额"):
        world.make(case, "register", **VERIFIED | {"technology_amount": "120.35"})
    case = world.make(case, "register", **VERIFIED)
    world.make(case, "ask_change", "seller", asked="change", ask_words="金额调整为八十万元")
    with pytest.raises(GuardRefused, match="不能大于合同成交额"):
        world.make(case, "grant_change", contract_amount="80", technology_amount="80.01", valid_until="2026-12-31")


def test_who_asked_for_a_cancellation_is_not_given_a_change(world: World) -> None:
    case = world.registered()
    world.make(case, "ask_change", "seller", asked="cancel", ask_words="双方已经解除合同")
    with pytest.raises(GuardRefused, match="申请注销的不予变更"):
        world.make(case, "grant_change", contract_amount="80", technology_amount="60", valid_until="2026-12-31")
    assert world.make(case, "cancel", cancel_reason="dissolved", cancel_words="解除协议").outcome == "cancelled"


def test_a_large_contract_is_registered_after_three_experts_only(world: World) -> None:
    case = world.accepted(**LARGE)
    with pytest.raises(GuardRefused, match="先经专家评审"):
        world.make(case, "register", **VERIFIED | LARGE)
    case = reviewed(world, case, opinions=2)
    with pytest.raises(GuardRefused, match="专家意见不足三份"):
        world.make(case, "conclude", expert_conclusion="一致建议登记")
    world.make(case, "declare", "expert3", declared="none")
    world.make(case, "opine", "expert3", suggestion="register", opinion="同意登记，金额核定合理")
    world.make(case, "conclude", expert_conclusion="一致建议登记")
    assert world.make(case, "register", **VERIFIED | LARGE).outcome == "registered"


def test_an_expert_reads_what_was_filed_only_after_declaring(world: World) -> None:
    case = reviewed(world, world.accepted(**LARGE), opinions=0)
    expert = world.accounts["expert1"]
    assert "高温传感器开发" in [c.title for c in queries.visible(expert)]
    assert not any(s.shown for s in queries.history(case, expert))
    assert [o.transition for o in queries.offers(expert, case)] == ["declare"]
    case = world.make(case, "declare", "expert1", declared="none")
    assert queries.history(case, expert)[0].shown
    assert [o.transition for o in queries.offers(expert, case)] == ["opine"]


def test_sending_to_experts_meets_the_short_term_and_leaves_the_long_one_running(world: World) -> None:
    case = reviewed(world, world.accepted(**LARGE), opinions=0)
    decision, service = queries.clocks(case)
    assert (decision.state, decision.reading.due) == ("计时中", date(2025, 8, 14))
    assert service.state == "按时办到"


def test_a_refusal_says_why_and_may_be_changed_by_another_office_only(world: World) -> None:
    case = world.accepted()
    with pytest.raises(FormRefused, match="理由"):
        world.make(case, "refuse", refuse_reason="not_technical")
    case = world.make(case, "refuse", refuse_reason="not_technical", refuse_words="标的是货物买卖，没有技术内容")
    assert (case.outcome, Measured.objects.filter(case=case).exists()) == ("refused", False)
    assert not case.certificates.exists()
    world.make(case, "ask_again", "seller", grounds="合同第三条约定了研究开发的内容")
    with pytest.raises(GuardRefused, match="须由别人办理"):
        world.make(case, "change", review_opinion="应予登记，请重新审查")
    with pytest.raises(Denied, match="科技主管部门"):
        world.make(case, "change", "county", review_opinion="应予登记，请重新审查")
    case = world.make(case, "change", "city", review_opinion="应予登记，请重新审查")
    assert (case.stage, case.outcome) == ("examining", "")
    assert queries.clocks(case)[0].state == "计时中"


def test_a_refused_change_leaves_certificate_and_amount_as_they_were(world: World) -> None:
    case = world.registered()
    one = certificate(case)
    world.make(case, "ask_change", "seller", asked="change", ask_words="金额调整为八十万元")
    case = world.make(case, "refuse_change", refuse_change_words="没有补充协议，不能变更")
    one.refresh_from_db()
    assert (case.outcome, one.ended, case.certificates.count()) == ("registered", None, 1)
    assert list(Measured.objects.filter(case=case, indicator="tech_trade").values_list("value", flat=True)) == [
        98500000
    ]


def test_a_change_counts_the_difference_once(world: World) -> None:
    case = world.changed(world.changed(world.registered()), "70")
    rows = Measured.objects.filter(case=case, indicator="tech_trade").values_list("value", flat=True)
    assert list(rows) == [98_500_000, -38_500_000, 10_000_000]
    assert Measured.objects.filter(case=case, indicator="tech_contracts").count() == 1


def test_a_registration_office_of_another_city_does_nothing(world: World) -> None:
    case = world.file()
    with pytest.raises(Case.DoesNotExist):
        world.make(case, "accept", "elsewhere", contract_text="complete")


def test_a_transaction_is_authenticated_and_the_certificate_taken_back(world: World) -> None:
    firm = world.accounts["seller"]
    contract = world.registered()
    data = {
        "title": "高温传感器专利许可", "subject_kind": "patent", "asker_name": "甲单位", "other_name": "乙单位",
        "traded_on": "2025-07-01", "price": "30", "grounds": "付款凭证与许可合同", "contract_case": f"technology_contract:{contract.key}",
    }  # fmt: skip
    case = actions.open_case("authentication", actor=firm, place="330106", data=data, organisation=firm.organisation)
    assert [link.target for link in case.links.all()] == [contract]
    case = world.make(case, "issue", finding="当事人、标的与付款凭据一致")
    one = certificate(case)
    assert (one.number, one.ended) == (f"JYJZ-{case.key}", None)
    case = world.make(case, "revoke", revoke_words="付款凭证系伪造")
    one.refresh_from_db()
    assert (case.outcome, one.ended is not None, one.replaced) == ("revoked", True, False)


def test_a_contract_is_signed_by_today_and_does_not_end_before_it_was_signed(world: World) -> None:
    with pytest.raises(FormRefused, match="“签订日期”不能晚于今天（2025-07-15）"):
        world.file(signed_on="2025-07-16", valid_until="2026-07-16")
    with pytest.raises(FormRefused, match="“有效期至”不能早于“签订日期”（2025-07-01）"):
        world.file(valid_until="2025-06-30")
    case = world.registered()
    world.make(case, "ask_change", "seller", asked="change", ask_words="提前终止合同")
    with pytest.raises(FormRefused, match="“有效期至”不能早于“签订日期”（2025-07-01）"):
        world.make(case, "grant_change", contract_amount="80", technology_amount="60", valid_until="2025-06-30")
