"""安心屋 from the disclosure to the write-off: rights granted, prices noticed, income split to the fen, a file of diligence."""

from __future__ import annotations

from datetime import date

import pytest
from transfer_people import PRICE, RESULT, SHARES, World, empowered, figure, in_pool, registered

from rongtong.apps.cases import measuring, queries
from rongtong.apps.cases.errors import FormRefused, GuardRefused
from rongtong.apps.cases.models import Case, Certificate
from rongtong.engine.period import Period

pytestmark = pytest.mark.django_db


def test_a_result_lives_from_disclosure_to_write_off(world: World) -> None:
    case = registered(world)
    (entry,) = Certificate.objects.filter(case=case)
    assert entry.number.startswith("AXW-")
    case = empowered(world, case)
    # Fifteen working days after Tuesday 15 July.
    assert (case.stage, case.due) == ("notice", date(2025, 8, 5))
    case = in_pool(world, case, "2025-08-06")
    assert case.due == date(2026, 8, 6)
    world.go(case, "license_out", "lin", counterpart="某企业", contract_no="20253301", contract_amount="20000",
             converted_on="2025-08-06", net_income="20000")  # fmt: skip
    with pytest.raises(GuardRefused, match="未分配的收益"):
        world.go(case, "exit_register", "lin", paper=True, exit_reason="done", written_off="0", exit_decision="校务会")
    thirds = [
        {"holder": "完成人团队", "party": "inventor", "share": "70", "amount": "14000.00"},
        {"holder": "学院", "party": "department", "share": "20", "amount": "4000.00"},
        {"holder": "甲大学", "party": "unit", "share": "10", "amount": "1999.99"},
    ]
    with pytest.raises(FormRefused, match=r"合计 19999\.99，应为 20000，相差 0\.01"):
        world.go(case, "distribute", "lin", paper=True, net_income="20000", splits=thirds, split_basis="学校办法")
    thirds[2]["amount"] = "2000.00"
    world.go(case, "distribute", "lin", paper=True, net_income="20000", splits=thirds, split_basis="学校办法")
    stake = {"convert_mode": "equity", "counterpart": "某新设企业", "contract_no": "20253302",
             "contract_amount": "3000000", "converted_on": "2025-08-06", "net_income": "0"}  # fmt: skip
    with pytest.raises(FormRefused, match="折股比例"):
        world.go(case, "convert", "lin", paper=True, **stake)
    held = [{"holder": "完成人团队", "share": "90"}, {"holder": "学校持股平台", "share": "10"}]
    case = world.go(case, "convert", "lin", paper=True, **stake, equity_pct="30", equity_holders=held)
    assert (case.stage, case.due) == ("converted", None)
    world.go(case, "equity_change", "lin", paper=True, equity_event="loss", equity_pct="12.5")
    case = world.go(
        case, "exit_register", "lin", paper=True, exit_reason="loss", written_off="0", exit_decision="校务会"
    )
    assert case.outcome == "exited"
    entry.refresh_from_db()
    assert entry.ended is not None


def test_whoever_discloses_does_not_check_the_ownership(world: World) -> None:
    case = world.open("result_register", "chen", RESULT)
    owners = [{"owner": "甲大学", "share": "60"}, {"owner": "乙企业", "share": "40"}]
    with pytest.raises(GuardRefused, match="“开始安心屋（职务科技成果单列管理与赋权）”由您办理"):
        world.go(case, "verify", "chen", owners=owners, ownership_basis="联合研发合同第八条")
    assert "verify" not in world.offered(case, "chen")
    with pytest.raises(FormRefused, match="合计 99，应为 100"):
        world.go(
            case, "verify", "lin", owners=[owners[0], {"owner": "乙企业", "share": "39"}], ownership_basis="合同第八条"
        )
    assert world.go(case, "verify", "lin", owners=owners, ownership_basis="联合研发合同第八条").stage == "classifying"


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"application_no": "202510000001.5"}, "application_no", "应为“4”"),
        ({"application_no": ""}, "application_no", "请填写“专利申请号”"),
        ({"ipc": "C23C4/10"}, "ipc", "如 G06F 16/00"),
        ({"maturity": 10}, "maturity", "不大于 9"),
    ],
)
def test_a_disclosure_filled_in_wrongly_is_refused_with_what_is_wanted(
    world: World, changes: dict[str, object], field: str, said: str
) -> None:
    data = {k: v for k, v in {**RESULT, **changes}.items() if v != ""}
    with pytest.raises(FormRefused) as refused:
        world.open("result_register", "chen", data)
    assert said in refused.value.errors[field]


def test_know_how_needs_no_application_number(world: World) -> None:
    data = {k: v for k, v in RESULT.items() if k not in ("application_no", "ipc")}
    case = world.open("result_register", "chen", {**data, "kind": "know_how", "legal_state": "unfiled"})
    assert case.stage == "review"


def test_shares_have_to_add_to_a_hundred_and_a_right_of_use_has_a_term(world: World) -> None:
    case = registered(world)
    granted = {"right": "use", "holders": SHARES, "agreement_no": "FQ-1", "right_from": "2025-07-15"}
    with pytest.raises(FormRefused, match="长期使用权年限"):
        world.go(case, "empower", "chen", paper=True, **granted)
    odd = [{**SHARES[0], "share": "89.5"}, SHARES[1]]
    with pytest.raises(FormRefused, match=r"合计 99\.5，应为 100，相差 0\.5"):
        world.go(case, "empower", "chen", paper=True, **(granted | {"holders": odd, "term_years": 10}))
    # Less than 90 % for the inventors is for the parties to agree, not for the system to forbid.
    half = [{**SHARES[0], "share": "50"}, {**SHARES[1], "share": "50"}]
    assert (
        world.go(case, "empower", "chen", paper=True, **(granted | {"holders": half, "term_years": 10})).stage
        == "pricing"
    )


def test_what_is_secret_enters_only_with_an_approval(world: World) -> None:
    case = world.open("result_register", "chen", RESULT)
    world.go(case, "verify", "lin", owners=[{"owner": "甲大学", "share": "100"}], ownership_basis="项目任务书")
    world.go(case, "classify", "chen", asset_stage="research", book_value="1.00", restricted="key")
    assert world.offered(case, "chen") == {"enter_restricted", "duty_file"}
    with pytest.raises(FormRefused, match="佐证材料"):
        world.go(case, "enter_restricted", "chen", resolution="校务会", approval="厅函〔2025〕1号")
    done = world.go(case, "enter_restricted", "chen", paper=True, resolution="校务会", approval="厅函〔2025〕1号")
    assert done.stage == "registered"


def test_a_grant_counts_once_its_notice_is_over_and_a_university_once(world: World) -> None:
    def counts(day: str, place: str = "330000") -> tuple[int, int]:
        return figure("empowered_results", day, place), figure("empowered_units", day, place)

    first, second = (empowered(world, registered(world)) for _ in range(2))
    foreign = empowered(world, registered(world, "other", "other2"), "other")
    assert counts("2025-07-15") == (0, 0)
    for case, who in ((first, "chen"), (second, "chen"), (foreign, "other")):
        in_pool(world, case, "2025-08-06", who)
    assert counts("2025-08-06") == (3, 2)
    assert (counts("2025-08-06", "330100"), counts("2025-08-06", "330200")) == ((2, 1), (1, 1))
    behind = measuring.behind("empowered_units", "330000", Period(2025, 1, 8), date(2025, 8, 6))
    assert [m.case for m in behind] == [first, foreign]
    end = {"right": "none", "cancel_reason": "完成人调离，双方同意解除"}
    # The case that the university counts by goes, another of its cases stands.
    world.go(first, "cancel_right", "chen", paper=True, **end)
    assert counts("2025-08-06") == (2, 2)
    world.go(second, "cancel_right", "chen", paper=True, **end)
    assert counts("2025-08-06") == (1, 1)
    assert counts("2025-08-06", "330100") == (0, 0)


def test_a_result_that_the_unit_keeps_is_noticed_but_counts_for_nothing(world: World) -> None:
    case = registered(world)
    world.go(case, "keep_right", "chen", right="none")
    world.go(case, "set_price", "lin", paper=True, **PRICE)
    in_pool(world, case, "2025-08-06")
    assert figure("empowered_results", "2025-08-06") == 0


def test_a_rival_objects_on_the_notice_and_reads_nothing_else(world: World) -> None:
    case = empowered(world, registered(world))
    assert not queries.visible(world.who["rival"]).filter(pk=case.pk).exists()
    world.go(case, "object", "rival", objection="这项工艺里用了我厂的专利，没有写明")
    assert Case.objects.get(pk=case.pk).stage == "objection"
    case = world.go(case, "uphold_objection", "lin", finding="确有引用，重定份额")
    assert case.stage == "pricing"
    assert figure("empowered_results", "2025-07-15") == 0


def test_whoever_objects_does_not_examine_it_and_a_dismissed_objection_counts_nothing_yet(world: World) -> None:
    case = empowered(world, registered(world))
    world.go(case, "object", "lin", objection="集体定价的材料缺少一位成员的签字")
    assert {"uphold_objection", "dismiss_objection"} & world.offered(case, "lin") == set()
    for step in ("uphold_objection", "dismiss_objection"):
        with pytest.raises(GuardRefused, match="同一件的“提出异议”由您办理"):
            world.go(case, step, "lin", finding="材料齐全，签字已经补上")
    world.on("2025-07-18")
    case = world.go(case, "dismiss_objection", "chen", finding="材料齐全，签字已经补上")
    # Fifteen working days anew; only then it counts and its listing begins.
    assert (case.stage, case.due) == ("notice", date(2025, 8, 8))
    assert figure("empowered_results", "2025-07-18") == 0
    assert [c.state for c in queries.clocks(case)] == []
    case = in_pool(world, case, "2025-08-09")
    assert (case.due, figure("empowered_results", "2025-08-09")) == (date(2026, 8, 9), 1)


def test_the_file_of_diligence_takes_papers_at_any_stage_and_somebody_else_finds(world: World) -> None:
    case = world.open("result_register", "chen", RESULT)
    paper = {"duty_kind": "conflict", "duty_note": "无关联关系声明"}
    with pytest.raises(FormRefused, match="佐证材料"):
        world.go(case, "duty_file", "chen", **paper)
    world.go(case, "duty_file", "chen", paper=True, **paper)
    world.go(case, "verify", "lin", owners=[{"owner": "甲大学", "share": "100"}], ownership_basis="项目任务书")
    world.go(case, "classify", "chen", asset_stage="development", book_value="0", restricted="none")
    world.go(case, "enter", "chen", paper=True, resolution="校务会〔2025〕3号")
    finding = {"duty_event": "作价投资后企业亏损", "duty_finding": "exempt", "duty_basis": "程序完备，材料齐全"}
    with pytest.raises(GuardRefused, match="存入尽职材料"):
        world.go(case, "duty_finding", "chen", paper=True, **finding)
    assert world.go(case, "duty_finding", "lin", paper=True, **finding).attachments.count() == 3


def test_the_offices_read_a_result_once_it_is_in_the_house(world: World) -> None:
    case = world.open("result_register", "chen", RESULT)

    def seen() -> set[str]:
        return {who for who, account in world.who.items() if queries.visible(account).filter(pk=case.pk).exists()}

    assert seen() == {"chen", "lin"}
    world.go(case, "verify", "lin", owners=[{"owner": "甲大学", "share": "100"}], ownership_basis="项目任务书")
    world.go(case, "classify", "chen", asset_stage="research", book_value="0", restricted="none", manager="t-manager")
    world.go(case, "enter", "chen", paper=True, resolution="校务会〔2025〕3号")
    assert seen() == {"chen", "lin", "manager", "province"}


def test_a_listing_ends_after_a_year_unless_it_is_renewed(world: World) -> None:
    case = in_pool(world, empowered(world, registered(world)), "2025-08-06")
    world.on("2026-08-01")
    assert world.go(case, "renew", "chen", maturity=8).due == date(2027, 8, 1)
    world.on("2027-08-02")
    case = world.go(case, "duty_file", "chen", paper=True, duty_kind="other", duty_note="年度检查")
    assert case.stage == "registered"
