"""Checking a pack: one thing made wrong in a sound pack gives one finding, at its line, in words that help."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from sound_pack import SOUND, shape

from rongtong.engine.pack.check import check
from rongtong.engine.pack.read import Layer, Problem, combine, read_layer

ROOT = Path(__file__).parent.parent.parent


def layer(files: dict[str, str]) -> Layer:
    found, problems = read_layer({path: text.encode() for path, text in files.items()})
    assert found is not None
    assert problems == []
    return found


def findings(*packs: dict[str, str]) -> list[Problem]:
    return check(combine([layer(files) for files in packs]))


def changed(file: str, old: str, new: str) -> dict[str, str]:
    assert old in SOUND[file], f"{old!r} not in {file}"
    return SOUND | {file: SOUND[file].replace(old, new, 1)}


def the_one(found: list[Problem]) -> Problem:
    assert len(found) == 1, [str(p) for p in found]
    return found[0]


def line_of(text: str, anchor: str) -> int:
    return text.count("\n", 0, text.index(anchor)) + 1


def test_a_sound_pack_has_no_findings() -> None:
    assert findings(SOUND) == []


@dataclass(frozen=True)
class Wrong:
    """One change of the sound pack, the statement it is found at, and words of the finding."""

    says: str
    file: str
    old: str
    new: str
    at: str
    words: tuple[str, ...]
    severity: str = "error"


def _ref(says: str, file: str, old: str, new: str, at: str, *words: str) -> Wrong:
    return Wrong(says, file, old, new, at, (*words, "没有"))


TARGETS, CARDS = "targets.yaml", "indicators/a.yaml"

WRONG = (
    # references
    _ref("a cited document is missing", "uses.yaml", "document: plan", "document: nowhere", "- {code: award", "nowhere"),
    Wrong("a cited clause is missing", CARDS, 'clause: "1"', 'clause: "9"', "- {code: total,", ("“9”", "1、2")),
    Wrong("a commitment's clause is missing", "commitments.csv", "T4,plan,2", "T4,plan,7", "T4,", ("“7”", "没有这一条")),
    _ref("a chain's document is missing", "chains.csv", "big,大链,s,whole,,plan", "big,大链,s,whole,,gone", "big,大链", "gone"),
    _ref("a chain's parent is missing", "chains.csv", "part,big", "part,huge", "small,", "产业链“huge”"),
    _ref("a card's scope is missing", CARDS, "scope: economy, unit: 家", "scope: count, unit: 家", "- {code: labs", "count"),
    _ref("a never_with names no scope", "scopes.yaml", "{rd: 受托方会再记一次}", "{rd: 甲, xx: 乙}", "- code: rd_out", "xx"),
    _ref("a card's owner code is no department", CARDS, "owner: kjt", "owner: czt", "- {code: total,", "部门“czt”"),
    _ref("an inferred department code is unknown", "commitments.csv", ",kjt,", ",czt,", "T2,", "部门“czt”"),
    _ref("a card's lamp is missing", CARDS, "lamp: pace", "lamp: glow", "- {code: total,", "亮灯规则“glow”"),
    _ref("a target's lamp is missing", TARGETS, "lamp: pace", "lamp: glow", "- {code: total_2025", "亮灯规则“glow”"),
    _ref("a part's whole is missing", CARDS, "scope: input, unit: 亿元, part_of: total, basis: [{document: plan}]}\n- {code: public",
         "scope: input, unit: 亿元, part_of: sum, basis: [{document: plan}]}\n- {code: public", "- {code: firms", "指标卡“sum”"),
    _ref("a measure's card is missing", CARDS, "{indicator: total, measure", "{indicator: sum, measure", "- {code: total_yoy", "sum"),
    _ref("a formula names no card", CARDS, "rd / gdp", "rd / gnp", "- {code: intensity", "指标卡“gnp”"),
    _ref("a commitment's card is missing", "commitments.csv", ",intensity,", ",strength,", "T2,", "strength"),
    _ref("a target's card is missing", TARGETS, "indicator: total, place: \"900000\", period: \"2025\", kind: growth",
         "indicator: sum, place: \"900000\", period: \"2025\", kind: growth", "- {code: total_growth", "sum"),
    _ref("a target's place is missing", TARGETS, 'indicator: firms, place: "900000"', 'indicator: firms, place: "909999"',
         "- {code: firms_2025", "地方“909999”"),
    _ref("a reference card is missing", TARGETS, "reference: {indicator: total", "reference: {indicator: sum", "- {code: rd_faster", "sum"),
    _ref("a denominator is missing", TARGETS, "denominators: [total]", "denominators: [sum]", "- {code: firms_share", "sum"),
    _ref("a target's commitment is missing", TARGETS, "commitment: T1", "commitment: T9", "- {code: total_2025", "承诺“T9”"),
    _ref("a balance's part is missing", "balances.yaml", "[firms_2025]", "[firms_2026]", "- {code: b", "目标“firms_2026”"),
    _ref("a use's card is missing", "uses.yaml", "labs]", "labs, sum]", "- {code: award", "sum"),
    _ref("a paper's card is missing", "papers/dispatch.yaml", "[total]", "[total, sum]", "code: dispatch", "sum"),
    _ref("a source column's card is missing", "sources/s.yaml", "indicator: rd_out", "indicator: rd_in", "code: s", "rd_in"),
    _ref("a source column's chain is missing", "sources/s.yaml", "chain: big", "chain: huge", "code: s", "huge"),
    _ref("a source's place is missing", "sources/s.yaml", '"900100"', '"909999"', "code: s", "909999"),
    _ref("a generated card is missing", "demo.yaml", "indicator: total", "indicator: sum", "- indicator", "sum"),
    _ref("a generated card's weights are missing", "demo.yaml", "rd@2024", "sum@2024", "- indicator", "sum"),
    _ref("an allocation's target is missing", "allocations/x.yaml", "target: total_2025", "target: total_2035", "code: x", "total_2035"),
    _ref("an allocation's weight is missing", "allocations/x.yaml", "figure: rd@2024", "figure: sum@2024", "code: x", "sum"),
    _ref("an allocation's base is missing", "allocations/x.yaml", "over: total@2024", "over: sum@2024", "code: x", "sum"),
    _ref("an allocation's place is missing", "allocations/x.yaml", "place: 东", "place: 南", "code: x", "地方“南”"),
    _ref("a hierarchy's parent is missing", "hierarchies.csv", "900101,900100,,\n", "900101,909900,,\n", "administrative,900101", "909900"),
    _ref("a group's place is missing", "groups.yaml", "900100", "909999", "- code: east", "909999"),
    _ref("a bridge's place is missing", "bridges.csv", "900203,0.4", "909999,0.4", "2021-01-01,900201,909999", "909999"),
    Wrong("the pack's own place is missing", "pack.yaml", '"900000"', '"909999"', "code: t", ("909999", "places.csv")),
    Wrong("a weight is not a figure's id", "allocations/x.yaml", "figure: rd@2024", "figure: rd@soon", "code: x", ("rd@soon", "不能用作")),
    Wrong("a weight's measure is unknown", "allocations/x.yaml", "figure: rd@2024", "figure: rd.size@2024", "code: x", ("rd.size", "量度")),
    Wrong("a card's code cannot head an id", CARDS, "code: total_yoy", "code: total.yoy", "- {code: total.yoy", ("total.yoy", "total_yoy")),
    # units and formulas
    Wrong("a card's unit is none", CARDS, "scope: economy, unit: 家", "scope: economy, unit: 亩", "- {code: labs", ("亩", "不认识的单位")),
    Wrong("a commitment's unit is none", "commitments.csv", "100,亿元", "100,亩", "T1,", ("亩",)),
    Wrong("a target's unit is of another kind", TARGETS, 'value: "70", unit: 亿元', 'value: "70", unit: 家', "- {code: firms_2025", ("家", "亿元", "不是同一种量")),
    Wrong("a column's unit is of another kind", "sources/s.yaml", "rd_out, unit: 万元", "rd_out, unit: 人", "code: s", ("人", "不是同一种量")),
    Wrong("a generated unit is of another kind", "demo.yaml", "unit: 亿元", "unit: 家", "- indicator", ("家", "不是同一种量")),
    Wrong("an allocation's unit is of another kind", "allocations/x.yaml", "unit: 亿元", "unit: 家", "code: x", ("家", "不是同一种量")),
    Wrong("a commitment's unit is of another kind", "commitments.csv", "3,%", "3,家", "T2,", ("家", "%", "不是同一种量")),
    Wrong("a part is of another unit than its whole", CARDS, "政府投入, definition: 定义, scope: input, unit: 亿元", "政府投入, definition: 定义, scope: input, unit: 人",
          "- {code: public", ("整体 total", "不是同一种量")),
    Wrong("a published growth is not in percent", CARDS, 'scope: ratio, unit: "%", measure_of', "scope: ratio, unit: 亿元, measure_of", "- {code: total_yoy", ("亿元",)),
    Wrong("a part is of another scope than its whole", CARDS, "企业投入, definition: 定义, scope: input", "企业投入, definition: 定义, scope: rd",
          "- {code: firms", ("口径 rd", "total")),
    Wrong("a column states another scope than its card", "sources/s.yaml", "scope: rd_out, chain", "scope: rd, chain", "code: s", ("口径 rd", "rd_out")),
    Wrong("a column adds another scope, with the reason", "sources/s.yaml", "add_scopes: [rd_out]", "add_scopes: [rd]", "code: s", ("不能加", "受托方会再记一次")),
    Wrong("a column leaves scopes unsaid", "sources/s.yaml", "add_scopes: [rd_out]", "add_scopes: [rd_out, rd_out]", "code: s", ("1 个要加的列", "2 个口径")),
    Wrong("a formula adds R&D to the innovation input", CARDS, "unit: \"%\", formula: rd / gdp", "unit: \"%\", formula: (rd + total) / gdp", "- {code: intensity",
          ("研发经费与创新投入不能相加", "两套口径互有交叉")),
    Wrong("a formula adds intramural and extramural spending", CARDS, "formula: rd / gdp", "formula: (rd + rd_out) / gdp", "- {code: intensity",
          ("不能相加", "受托方会再记一次")),
    Wrong("a formula adds money and a count", CARDS, "formula: rd / gdp", "formula: (rd + labs) / gdp", "- {code: intensity", ("单位不同",)),
    Wrong("a formula's result is of another kind than the card", CARDS, "formula: rd / gdp", "formula: rd * 2", "- {code: intensity", ("money", "%")),
    Wrong("a formula is no arithmetic", CARDS, "formula: rd / gdp", "formula: rd > rd", "- {code: intensity", ("不是数",)),
    Wrong("a formula does not parse", CARDS, "formula: rd / gdp", 'formula: "rd /"', "- {code: intensity", ("写法不对",)),
    Wrong("a formula leads back to its card", CARDS, "formula: rd / gdp", "formula: intensity * 2", "- {code: intensity", ("绕回自己", "intensity → intensity")),
    # what statements must say
    Wrong("a measured commitment has neither card nor reason", "commitments.csv", "科技厅,,total,", "科技厅,,,", "T1,", ("没有 indicator",)),
    Wrong("a deliverable without a reason is a warning", "commitments.csv", "以文件印发为准", "", "T4,", ("成果类", "没有 indicator"), "warning"),
    Wrong("a commitment has both card and reason", "commitments.csv", "科技厅,,total,", "科技厅,,total,没法量", "T1,", ("既写了",)),
    Wrong("a value has no unit", "commitments.csv", "100,亿元", "100,", "T1,", ("没有单位",)),
    Wrong("a comparator is unknown", "commitments.csv", "总投入,>=", "总投入,≥", "T1,", ("≥", "不认识")),
    Wrong("an inferred department is the stated one", "commitments.csv", "科技厅,,total", "科技厅,科技厅,total", "T1,", ("推断",), "warning"),
    Wrong("a card is of no use", "uses.yaml", ", labs]", "]", "- {code: labs", ("labs", "没有用处"), "warning"),
    Wrong("a card has no basis and no note", CARDS, "unit: 家, basis: [{document: plan}]", "unit: 家, basis: []", "- {code: labs", ("没有依据",), "warning"),
    Wrong("a scope is never with itself", "scopes.yaml", "{rd: 受托方会再记一次}", "{rd: 甲, rd_out: 乙}", "- code: rd_out", ("它自己",)),
    Wrong("a lamp condition speaks of an unknown name", "lamps.yaml", "ratio >= 1", "speed >= 1", "- code: pace", ("第 1 条", "speed")),
    Wrong("a lamp condition is not true or false", "lamps.yaml", "ratio >= 1", "ratio", "- code: pace", ("不是真假",)),
    Wrong("a lamp rule has cases never reached", "lamps.yaml", "when: ratio >= 1", 'when: "True"', "- code: pace", ("用不到",), "warning"),
    Wrong("a sentence has a blank that nothing fills", "papers/dispatch.yaml", "{yoy~}", "{speed}", "code: dispatch", ("overall", "speed"), "warning"),
    Wrong("a sentence needs what may be missing", "papers/dispatch.yaml", "[,同比{yoy~}]", ",同比{yoy~}", "code: dispatch", ("overall", "方括号"), "warning"),
    Wrong("a sentence's brackets are open", "papers/dispatch.yaml", "{yoy~}]", "{yoy~}", "code: dispatch", ("overall", "少了一个"), "warning"),
    # targets, balances, allocations
    Wrong("a level has no value", TARGETS, "kind: level, comparator: \">=\", value: \"70\", unit: 亿元", "kind: monotone, comparator: \">=\"", "- {code: b", ("没有数值", "firms_2025")),
    Wrong("a growth has no value", TARGETS, 'value: "8", unit: "%", ', "", "- {code: total_growth", ("增速", "没有数值")),
    Wrong("a growth is not in percent", TARGETS, 'value: "8", unit: "%"', 'value: "8", unit: 亿元', "- {code: total_growth", ("亿元", "%")),
    Wrong("a relative target has no margin", TARGETS, ', margin: "2"', "", "- {code: rd_faster", ("参照", "margin")),
    Wrong("a relative target has no reference", TARGETS, ' reference: {indicator: total, margin: "2", unit: 百分点},', "", "- {code: rd_faster", ("参照",)),
    Wrong("a margin is not in points", TARGETS, "unit: 百分点", 'unit: "%"', "- {code: rd_faster", ("%",)),
    Wrong("a share of a level has no base", TARGETS, "reference: {denominators: [total]}, ", "", "- {code: firms_share", ("分母",)),
    Wrong("a share is not in percent", TARGETS, 'value: "70", unit: "%"', 'value: "70", unit: 亿元', "- {code: firms_share", ("%",)),
    Wrong("a base is of another kind", TARGETS, "denominators: [total]", "denominators: [labs]", "- {code: firms_share", ("labs", "不是同一种量")),
    Wrong("a for-all target says neither how much nor of whom", TARGETS, 'value: "2", unit: "%", reference: {over: city}, ', "", "- {code: every_city", ("达到多少",)),
    Wrong("a for-all target does not say of whom", TARGETS, " reference: {over: city},", "", "- {code: every_city", ("哪些单位",), "warning"),
    Wrong("a monotone target falls", TARGETS, 'kind: monotone, comparator: ">="', 'kind: monotone, comparator: "<"', "- {code: public_2025", ("只增不减",)),
    Wrong("a target is set twice", TARGETS, "- {code: total_growth", '- {code: firms_again, indicator: firms, place: "900000", period: "2025-01..12", kind: level, comparator: ">", value: "71", cite: {document: plan}}\n- {code: total_growth',
          "- {code: firms_again", ("firms_again 与 firms_2025",)),
    Wrong("a lamp hangs on a kind that carries none", TARGETS, "commitment: T3,", "commitment: T3, lamp: pace,", "- {code: public_2025", ("常态规则", "不亮灯")),
    Wrong("a target and its commitment speak of different cards", TARGETS, "commitment: T3", "commitment: T2", "- {code: public_2025", ("public", "intensity")),
    Wrong("a balance's parts include its total", "balances.yaml", "[firms_2025]", "[firms_2025, total_2025]", "- {code: b", ("合计 total_2025 自己",)),
    Wrong("a balance mixes kinds", "balances.yaml", "[firms_2025]", "[firms_2025, every_city]", "- {code: b", ("比率", "金额")),
    Wrong("an allocation's shares are no whole", "allocations/x.yaml", 'share: "1"', 'share: "0.9"', "code: x", ("0.9",), "warning"),
    Wrong("an allocation's subject is not listed", "allocations/x.yaml", "subject: firm", "subject: lab", "code: x", ("主体“lab”",)),
    Wrong("an allocation's total is of another scope", "allocations/x.yaml", "indicator: total\n", "indicator: rd\n", "code: x", ("口径不同",)),
    # time and place
    Wrong("a target's period is none", TARGETS, 'indicator: rd, place: "900000", period: "2025"', 'indicator: rd, place: "900000", period: 明年', "- {code: rd_faster", ("明年", "不是期")),
    Wrong("a commitment's period is none", "commitments.csv", "100,亿元,2025", "100,亿元,明年", "T1,", ("明年",)),
    Wrong("a generated phase is none", "demo.yaml", "H1:", "H3:", "- indicator", ("H3",)),
    Wrong("a validity ends before it begins", CARDS, "unit: 家,", "unit: 家, valid_from: 2021-01-01, valid_to: 2020-06-30,", "- {code: labs", ("2020-06-30", "早于")),
    Wrong("a place has two parents at a time", "hierarchies.csv", "fiscal,900101,900100,,2019-12-31", "fiscal,900101,900100,,2020-06-30", "fiscal,900101,900000", ("两个上级", "900100", "2019-12-31")),
    Wrong("a lamp rule is valid twice", "lamps.yaml", "- code: pace\n", '- {code: pace, name: 旧, basis: pace, valid_from: 2024-01-01, cases: [{lamp: red, when: "True"}]}\n- code: pace\n', "- code: pace\n", ("同时有效", "2024-12-31")),
    Wrong("a hierarchy leads back to itself", "hierarchies.csv", "fiscal,900101,900000", "fiscal,900101,900101", "fiscal,900101,900101", ("绕回自己",)),
    Wrong("a place has no parent", "hierarchies.csv", "administrative,900101,900100,,\n", "", "900101,", ("没有上级",), "warning"),
    Wrong("an old place had gone before the change", "places.csv", "2020-12-31", "2020-06-30", "2021-01-01,900201,900202", ("900201", "2020-12-31", "不存在")),
    Wrong("a new place came after the change", "places.csv", "900203,西三县,西三,county,2021-01-01", "900203,西三县,西三,county,2021-02-01", "2021-01-01,900201,900203", ("900203", "2021-01-01", "不存在")),
    Wrong("parts of an old place are no whole", "bridges.csv", "900203,0.4", "900203,0.3", "2021-01-01,900201,900202", ("0.9", "应为 1")),
    Wrong("milestones are the baseline but missing", TARGETS, ' milestones: {2025H1: "45", "2025": "100"},', "", "- {code: total_2025", ("没有写 milestones",)),
    Wrong("milestones are given but not used", TARGETS, "baseline: milestones", "baseline: linear", "- {code: total_2025", ("linear",), "warning"),
    Wrong("milestones go back", TARGETS, '"2025": "100"', '"2025": "40"', "- {code: total_2025", ("倒退",)),
    Wrong("milestones are out of order", TARGETS, '{2025H1: "45", "2025": "100"}', '{"2025": "100", 2025H1: "100"}', "- {code: total_2025", ("按时间",)),
    Wrong("a milestone is above the whole", TARGETS, '"2025": "100"', '"2025": "120"', "- {code: total_2025", ("120%",)),
    Wrong("a milestone lies in another year", TARGETS, '{2025H1: "45"', '{2024H1: "45"', "- {code: total_2025", ("2024H1", "2025 之内")),
    Wrong("a weekday is declared a day of work", "calendar.csv", "2025-09-28", "2025-09-26", "2025-09-26", ("本来就是工作日",), "warning"),
    Wrong("a source says no period", "sources/s.yaml", "period_column: 月份\n", "", "code: s", ("period",)),
    Wrong("a source says no date of publication", "sources/s.yaml", "known_from_column: 日期\n", "", "code: s", ("何时公布",)),
    # loose files
    Wrong("a data file has an unknown column", "data/d.csv", "known_from,source", "known_from,origin", "indicator,", ("origin",)),
    Wrong("a data file lacks a column", "data/d.csv", "indicator,place,period,value,unit,status,known_from", "indicator,place,period,value,unit,status,note", "indicator,", ("缺少列 known_from",)),
    Wrong("a row's card is unknown", "data/d.csv", "rd,900200", "rnd,900200", "rnd,", ("指标“rnd”",)),
    Wrong("a row's place is unknown", "data/d.csv", "rd,900200", "rd,909999", "rd,909999", ("909999",)),
    Wrong("a row's period is none", "data/d.csv", "900200,2024", "900200,二四年", "rd,900200", ("二四年",)),
    Wrong("a row's value is no number", "data/d.csv", "2024,30", "2024,约30", "rd,900200", ("约30",)),
    Wrong("a row's unit is of another kind", "data/d.csv", "30,亿元", "30,家", "rd,900200", ("家", "亿元")),
    Wrong("a row's status is unknown", "data/d.csv", "30,亿元,actual", "30,亿元,final", "rd,900200", ("final",)),
    Wrong("a row's date is none", "data/d.csv", "30,亿元,actual,2025-06-01", "30,亿元,actual,去年", "rd,900200", ("去年",)),
    Wrong("a shape is of an unknown place", "shapes/all.geojson", "\n]}", ",\n" + shape("909999") + "\n]}", shape("909999"), ("909999",)),
    Wrong("a county has no shape", "shapes/all.geojson", ",\n" + shape("900203"), "", "{", ("1 个县", "900203"), "warning"),
)  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=lambda w: w.says)
def test_one_finding_when(wrong: Wrong) -> None:
    files = changed(wrong.file, wrong.old, wrong.new)
    problem = the_one(findings(files))
    file = next(f for f in (wrong.file, *files) if wrong.at in files[f] and problem.file == f"t/{f}")
    assert problem.line == line_of(files[file], wrong.at)
    assert problem.severity == wrong.severity
    assert all(word in problem.message + problem.do for word in wrong.words), str(problem)
    assert problem.do


def test_a_broken_shape_file_is_named() -> None:
    files = SOUND | {"shapes/more.geojson": "{"}
    problem = the_one(findings(files))
    assert (problem.file, problem.line) == ("t/shapes/more.geojson", 1)
    assert "GeoJSON" in problem.message


def test_a_file_in_the_layout_of_a_source_is_left_to_the_importer() -> None:
    foreign = "某厅月报\n地区,月份,日期,外部支出(万元),其他(万元)\n东,2025-03,2025-04-10,7,1\n"
    assert findings(SOUND | {"data/foreign.csv": foreign}) == []
    unknown = SOUND | {"data/foreign.csv": "地方,数\n东,7\n"}
    assert "不认识的列" in the_one(findings(unknown)).message


def test_collections_without_a_process_to_file_them_are_one_warning() -> None:
    table = "{code: year, number: 表1, name: 年表, level: city, frequency: year, since: '2024', opens_after_days: 1, "
    table += "due_workdays: 9, items: [{indicator: rd, unit: 亿元}]}"
    two = f"- {table}\n- {table.replace('year', 'other', 1)}\n"
    said = the_one(findings(SOUND | {"collections.yaml": two}))
    assert (said.severity, said.file, said.line) == ("warning", "t/collections.yaml", 1)
    assert "没有流程“collection”" in said.message
    process = (ROOT / "packs/china/processes/collection.yaml").read_text()
    assert findings(SOUND | {"collections.yaml": two, "processes/collection.yaml": process}) == []


def test_a_missing_document_is_one_finding_that_counts_its_uses() -> None:
    files = changed("documents.yaml", "- code: plan", "- code: plan-a")
    problem = the_one(findings(files))
    assert "文件“plan”" in problem.message
    assert "另有" in problem.message


def test_a_row_repeated_with_the_same_fault_is_one_finding() -> None:
    files = SOUND | {"data/d.csv": SOUND["data/d.csv"].replace("\nrd,", "\nrnd,")}
    problem = the_one(findings(files))
    assert problem.line == 2
    assert "另有 1 行，如第 3 行" in problem.message


def test_a_broken_card_silences_what_rests_on_it() -> None:
    """The card's unit is wrong; its targets, columns, parts and formulas are not blamed for it."""
    files = changed(
        CARDS,
        "总投入, definition: 定义, scope: input, unit: 亿元",
        "总投入, definition: 定义, scope: input, unit: 亿圆",
    )
    problem = the_one(findings(files))
    assert "亿圆" in problem.message
    assert problem.line == line_of(files[CARDS], "- {code: total,")


def test_a_ring_of_formulas_is_found_once() -> None:
    ring = """\
- {code: a, name: 甲, definition: 定义, scope: rd, unit: 亿元, formula: b * 2, basis: [{document: plan}]}
- {code: b, name: 乙, definition: 定义, scope: rd, unit: 亿元, formula: c + rd, basis: [{document: plan}]}
- {code: c, name: 丙, definition: 定义, scope: rd, unit: 亿元, formula: a - rd, basis: [{document: plan}]}
"""
    problem = the_one(findings(SOUND | {"indicators/ring.yaml": ring}))
    assert "a → b → c → a" in problem.message
    assert (problem.file, problem.line) == ("t/indicators/ring.yaml", 1)


def test_a_pack_without_its_base_is_one_finding() -> None:
    upper = {
        "pack.yaml": 'code: u\nname: 上包\nversion: "1"\nextends: [t]\nroot_place: "900000"\n',
        "targets.yaml": SOUND["targets.yaml"],
    }
    problem = the_one(findings(upper))
    assert (problem.file, problem.line) == ("u/pack.yaml", 1)
    assert "“t”" in problem.message


def test_errors_come_before_warnings_and_the_base_before_what_extends_it() -> None:
    base = changed("lamps.yaml", "when: ratio >= 1", 'when: "True"')
    upper = {
        "pack.yaml": 'code: u\nname: 上包\nversion: "1"\nextends: [t]\nroot_place: "900000"\n',
        "uses.yaml": "- {code: more, name: 更多, cite: {document: gone}, indicators: [total]}\n",
    }
    assert [(p.severity, p.file) for p in findings(base, upper)] == [
        ("error", "u/uses.yaml"),
        ("warning", "t/lamps.yaml"),
    ]


def test_a_base_pack_need_not_know_the_scopes_of_those_that_extend_it() -> None:
    upper = {
        "pack.yaml": 'code: u\nname: 上包\nversion: "1"\nextends: [t]\nroot_place: "900000"\n',
        "scopes.yaml": "- {code: tax, name: 加计扣除, definition: 计税基数。, never_with: {rd: 不是支出}}\n",
    }
    assert findings(SOUND, upper) == []


def test_a_pack_that_turns_a_day_off_into_a_day_of_work_is_asked_to_check() -> None:
    upper = {
        "pack.yaml": 'code: u\nname: 上包\nversion: "1"\nextends: [t]\nroot_place: "900000"\n',
        "calendar.csv": "date,kind,name,source\n2025-09-28,holiday,地方节日,通知\n",
    }
    problem = the_one(findings(SOUND, upper))
    assert (problem.file, problem.line, problem.severity) == ("u/calendar.csv", 2, "warning")
    assert "2025-09-28" in problem.message


@pytest.mark.parametrize("packs", [("china",), ("china", "zhejiang"), ("example",)], ids="+".join)
def test_the_packs_that_are_shipped_have_no_errors(packs: tuple[str, ...]) -> None:
    layers = []
    for name in packs:
        folder = ROOT / "packs" / name
        files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
        found, problems = read_layer(files)
        assert found is not None
        assert [str(p) for p in problems] == []
        layers.append(found)
    assert [str(p) for p in check(combine(layers)) if p.severity == "error"] == []
