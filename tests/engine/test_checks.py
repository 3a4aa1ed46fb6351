"""Checks of reported data: what is found, at which cell, with which severity, and what is left alone."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.engine.checks import check, part_groups
from rongtong.engine.pack.read import Pack, combine, read_layer
from rongtong.engine.period import Period
from rongtong.engine.quantity import Quantity, unit
from rongtong.engine.reading import HARD, SOFT, Finding, Reading, real_reason

_CARD = """
- code: {code}
  name: {name}
  definition: 定义
  scope: {scope}
  unit: {unit}
  frequency: [year, month]
  aggregation: {{place: sum, time: {time}}}
  part_of: {part_of!r}
  view: {view!r}
  basis: [{{document: doc}}]
"""


def card(
    code: str, scope: str = "rd", part_of: str = "", view: str = "", unit: str = "亿元", time: str = "cumulative"
) -> str:
    return _CARD.format(code=code, name=f"{code}名", scope=scope, unit=unit, part_of=part_of, view=view, time=time)


def make_pack() -> Pack:
    cards = [
        card("rd"),
        *(card(code, part_of="rd", view="performer") for code in ("firms", "institutes", "universities", "others")),
        *(card(code, part_of="rd") for code in ("basic", "applied", "development")),
        card("cost.labour", part_of="rd"),
        card("cost.capital", part_of="rd"),
        card("lone.part", part_of="rd"),
        card("deals", scope="trade"),
        card("deals_a", scope="trade", part_of="deals"),
        card("deals_b", scope="trade", part_of="deals"),
        card("rate", scope="trade", unit="'%'", time="none"),
        card("zones", scope="trade", unit="家", time="last"),
    ]
    files = {
        "pack.yaml": "code: sample\nname: 样例\nversion: '1'\nroot_place: '990000'\n",
        "scopes.yaml": "- {code: rd, name: R&D, definition: d, parts_add: true}\n- {code: trade, name: 交易, definition: d}\n",
        "indicators/a.yaml": "".join(cards),
        "places.csv": "code,name,short,level\n990000,样例省,样例,province\n"
        + "".join(f"9901{n:02d},市{n},市{n},city\n" for n in range(1, 8)),
        "hierarchies.csv": "hierarchy,place,parent\n"
        + "".join(f"administrative,9901{n:02d},990000\n" for n in range(1, 8)),
    }
    layer, problems = read_layer({name: text.encode() for name, text in files.items()})
    assert layer is not None
    assert problems == []
    return combine([layer])


PACK = make_pack()


def reading(
    indicator: str,
    value: str,
    period: str = "2024",
    place: str = "990101",
    *,
    symbol: str = "亿元",
    known: str = "2025-03-01",
    status: str = "actual",
    reason: str = "",
    held: bool = False,
) -> Reading:
    """A reading whose value stands in the cell named after it, or one that is held."""
    cell = f"{indicator}-{place}-{period}"
    return Reading(
        indicator, place, Period.parse(period), Quantity.of(value, symbol).to_stored(), unit(symbol), status,
        date.fromisoformat(known), reason=reason, cells={} if held else {"value": cell},
    )  # fmt: skip


def held(indicator: str, value: str, period: str = "2024", place: str = "990101", **more: str) -> Reading:
    return reading(indicator, value, period, place, held=True, **more)  # type: ignore[arg-type]


def found(new: list[Reading], stored: list[Reading] | None = None) -> list[tuple[str, str]]:
    return [(f.severity, f.cell) for f in check(new, stored or [], PACK)]


# --- national R&D of 2022, 亿元 (Statistical Communiqué on National Expenditures on Science and Technology 2022) ---

SECTORS = {"firms": "23878.6", "institutes": "3814.4", "universities": "2412.4", "others": "677.5"}
TYPES = {"basic": "2023.5", "applied": "3482.5", "development": "25276.9"}
NATIONAL = {"rd": "30782.9", **SECTORS, **TYPES}


def national(**changed: str) -> list[Reading]:
    return [reading(code, value, "2022") for code, value in {**NATIONAL, **changed}.items()]


def test_the_published_national_figures_of_2022_add_up_by_sector_and_by_type() -> None:
    assert check(national(), [], PACK) == []


@pytest.mark.parametrize("code", NATIONAL)
@pytest.mark.parametrize("position", [0, -3, -1])
def test_one_changed_digit_of_them_is_refused(code: str, position: int) -> None:
    digits = list(NATIONAL[code])
    digits[position] = str((int(digits[position]) + 1) % 10)
    findings = check(national(**{code: "".join(digits)}), [], PACK)
    views = 2 if code == "rd" else 1
    assert [(f.severity, f.cell) for f in findings] == [(HARD, "rd-990101-2022")] * views
    assert "不等" in findings[0].problem


def test_parts_are_compared_only_when_all_of_a_view_are_there() -> None:
    assert found([reading("rd", "10"), reading("firms", "3"), reading("basic", "4")]) == []


def test_parts_in_the_file_are_compared_with_a_total_that_is_held() -> None:
    new = [reading("basic", "4"), reading("applied", "3"), reading("development", "2")]
    assert found(new, [held("rd", "10")]) == [(HARD, "basic-990101-2024")]
    assert found(new, [held("rd", "9")]) == []


def test_a_corrected_total_without_its_parts_is_refused_and_with_them_accepted() -> None:
    before = [held("rd", "9"), held("basic", "4"), held("applied", "3"), held("development", "2")]
    total = reading("rd", "10", known="2025-06-01")
    assert found([total], before) == [(HARD, "rd-990101-2024")]
    assert found([total, reading("basic", "5", known="2025-06-01")], before) == []


def test_parts_are_compared_on_each_day_that_something_became_known() -> None:
    new = [reading("rd", "9"), reading("basic", "4"), reading("applied", "3"), reading("development", "1")]
    assert found([*new, reading("development", "2", known="2025-05-01")]) == [(HARD, "rd-990101-2024")]


def test_the_parts_of_one_status_need_not_meet_a_total_of_another() -> None:
    parts = [held("basic", "4"), held("applied", "3"), held("development", "2")]
    assert found([reading("rd", "10", status="revised", known="2025-06-01")], [held("rd", "9"), *parts]) == []


def test_a_scope_that_does_not_say_that_its_parts_add_is_not_added() -> None:
    assert found([reading("deals", "10"), reading("deals_a", "3"), reading("deals_b", "3")]) == []


def test_views_are_told_apart_by_view_and_by_the_prefix_of_the_code() -> None:
    assert {g.codes for g in part_groups(PACK)} == {
        ("firms", "institutes", "universities", "others"),
        ("basic", "applied", "development"),
        ("cost.labour", "cost.capital"),
    }


# --- slips of 10⁴ ---


@pytest.mark.parametrize(
    ("value", "slipped"),
    [
        ("40000", True), ("39999.99", False), ("360000", True), ("360000.01", False),
        ("0.0036", True), ("0.00361", False), ("0.0004", True), ("0.00039", False), ("18", False),
    ],
)  # fmt: skip
def test_a_slip_against_last_year_is_hard_within_a_factor_of_three(value: str, slipped: bool) -> None:
    hard = [f for f in found([reading("deals", value)], [held("deals", "12", "2023")]) if f[0] == HARD]
    assert hard == ([(HARD, "deals-990101-2024")] if slipped else [])


def _within(ratio: Fraction) -> bool:
    return any(Fraction(10**4, 3) <= each <= 3 * 10**4 for each in (ratio, 1 / ratio))


def test_a_slip_names_the_value_in_the_other_unit() -> None:
    (finding,) = check([reading("deals", "123456", symbol="亿元")], [held("deals", "12", "2023")], PACK)
    assert (finding.severity, finding.expected.replace(" ", "")) == (HARD, "123456万元")
    assert "疑似万元/亿元错位" in finding.problem
    (finding,) = check([reading("deals", "12.3", symbol="万元")], [held("deals", "12", "2023")], PACK)
    assert finding.expected.replace(" ", "") == "12.3亿元"


def test_a_slip_is_found_against_the_nearest_period_brought_to_the_same_length() -> None:
    assert found([reading("deals", "60000", "2024-01..06")], [held("deals", "12", "2023")]) == [
        (HARD, "deals-990101-2024-01..06")
    ]
    # A month's value is compared with a month of the year's, so an ordinary month is no slip of 1/10⁴.
    assert found([reading("deals", "1", "2024-01")], [held("deals", "12", "2023")]) == []


def test_without_any_history_a_slip_is_found_against_the_median_of_the_other_places() -> None:
    others = [reading("deals", str(10 + n), place=f"9901{n:02d}") for n in range(2, 6)]
    assert found([*others, reading("deals", "120000")]) == [(HARD, "deals-990101-2024")]
    assert found([*others[:2], reading("deals", "120000")]) == []


def test_one_slip_gives_one_finding_and_does_not_accuse_the_years_around_it() -> None:
    rows = [reading("deals", v, p) for p, v in (("2021", "10"), ("2022", "11"), ("2023", "120000"), ("2024", "13"))]
    assert found(rows) == [(HARD, "deals-990101-2023")]


def test_a_slip_that_got_in_can_be_corrected() -> None:
    stored = [held("deals", "120000", "2023"), held("deals", "11", "2022")]
    assert found([reading("deals", "12", "2023", known="2025-06-01")], stored) == []


def test_zeros_ratios_and_fewer_firms_are_no_slips() -> None:
    stored = [
        held("deals", "0", "2023"),
        held("rate", "3", "2023", symbol="%"),
        held("zones", "900", "2023", symbol="家"),
    ]
    rows = [reading("deals", "5"), reading("rate", "30000", symbol="%"), reading("zones", "700", symbol="家")]
    assert found(rows, stored) == []


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_the_slip_window_is_symmetric(value: int, before: int) -> None:
    there = [f for f in found([reading("deals", str(value))], [held("deals", str(before), "2023")]) if f[0] == HARD]
    back = [f for f in found([reading("deals", str(before))], [held("deals", str(value), "2023")]) if f[0] == HARD]
    assert bool(there) == bool(back) == _within(Fraction(value, before))


# --- growth, order within the year, sums over places ---


@pytest.mark.parametrize(("value", "severities"), [("15", []), ("15.01", [SOFT]), ("5", []), ("4.99", [SOFT])])
def test_growth_beyond_half_against_last_year_is_soft(value: str, severities: list[str]) -> None:
    assert [f[0] for f in found([reading("deals", value)], [held("deals", "10", "2023")])] == severities


def test_growth_is_not_asked_of_ratios() -> None:
    assert found([reading("rate", "9", symbol="%")], [held("rate", "3", "2023", symbol="%")]) == []


def test_a_real_value_is_not_asked_to_agree_with_a_demonstration_value() -> None:
    stored = [held("deals", "10", "2023", status="synthetic")]
    assert found([reading("deals", "20")], stored) == []
    assert found([reading("deals", "20", status="synthetic")], stored) == [(SOFT, "deals-990101-2024")]


def test_a_forecast_judges_nothing_and_is_not_asked_for_growth() -> None:
    assert found([reading("deals", "20")], [held("deals", "10", "2023", status="forecast")]) == []
    assert found([reading("deals", "20", status="forecast")], [held("deals", "10", "2023")]) == []


def test_a_cumulative_value_below_an_earlier_one_of_the_year_is_soft() -> None:
    earlier = [held("deals", "8", "2024-01..03")]
    assert found([reading("deals", "7", "2024-01..06")], earlier) == [(SOFT, "deals-990101-2024-01..06")]
    assert found([reading("deals", "8", "2024-01..06")], earlier) == []
    assert (
        found([reading("zones", "7", "2024-01..06", symbol="家")], [held("zones", "8", "2024-01..03", symbol="家")])
        == []
    )


def test_an_earlier_cumulative_value_above_a_held_later_one_is_soft_too() -> None:
    assert found([reading("deals", "9", "2024-01..03")], [held("deals", "8", "2024-01..06")]) == [
        (SOFT, "deals-990101-2024-01..03")
    ]


def test_cities_that_add_up_to_more_than_the_province_are_soft() -> None:
    cities = [reading("deals", "4", place=f"9901{n:02d}") for n in (1, 2, 3)]
    assert found([*cities, reading("deals", "12", place="990000")]) == []
    assert found([*cities, reading("deals", "11", place="990000")]) == [(SOFT, "deals-990000-2024")]
    assert found(cities, [held("deals", "11", place="990000")]) == [(SOFT, "deals-990101-2024")]


# --- duplicates, conflicts, reasons ---


def test_the_same_value_twice_in_a_file_is_hard_and_names_the_first() -> None:
    (finding,) = check([reading("deals", "4"), reading("deals", "4")], [], PACK)
    assert (finding.severity, "deals-990101-2024" in finding.problem) == (HARD, True)


def test_another_value_on_the_same_day_is_a_conflict_and_asks_for_a_new_day() -> None:
    (finding,) = check([reading("deals", "5")], [held("deals", "4")], PACK)
    assert (finding.severity, "更正，请给出新的发布日期" in finding.do) == (HARD, True)
    assert check([reading("deals", "5", known="2025-04-01")], [held("deals", "4")], PACK) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "核实无误",
        "无误",
        "已核实",
        "已核实,无误。",
        "核实无误!核实无误!",
        "属实",
        "见附件",
        "。。。。。。",
        "11111",
    ],
)
def test_what_says_nothing_is_no_reason(text: str) -> None:
    assert not real_reason(text)


@pytest.mark.parametrize("text", ["两家龙头企业投产", "经与统计局核对无误:基数调整", "并购后纳入统计"])
def test_what_says_why_is_a_reason(text: str) -> None:
    assert real_reason(text)


def test_a_soft_finding_blocks_without_a_reason_and_passes_with_one() -> None:
    def blocks(reason: str) -> bool:
        (finding,) = check([reading("deals", "20", reason=reason)], [held("deals", "10", "2023")], PACK)
        return finding.blocks

    assert [blocks(r) for r in ("", "核实无误", "一家企业整体迁入")] == [True, True, False]


def test_a_finding_says_where_what_why_what_was_expected_and_what_to_do() -> None:
    text = str(Finding(HARD, "表1", "C7", "甲", "不是数", "如 12", "只填数字"))
    assert text == "[强制性] 表1!C7 “甲”:不是数。 应为：如 12。 请只填数字。"
