"""What statements must say: commitments and their cards, cards and their use, 口径 and their reasons, lamp rules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rongtong.engine.expression.language import ExpressionError, compile_expression
from rongtong.engine.figure import MEASURES
from rongtong.engine.pace import VARIABLES
from rongtong.engine.pack.check_base import Look, reference_head
from rongtong.engine.pack.check_files import card_words
from rongtong.engine.pack.read import Problem
from rongtong.engine.sentence import PATTERNS, TemplateError, fill

if TYPE_CHECKING:
    from rongtong.engine.pack import model as m

# Only these carry lamps (承诺分类).
LAMP_KINDS = ("measured", "deliverable", "strive")
KIND_WORDS = {
    "measured": "可计量",
    "deliverable": "成果类",
    "strive": "力争类",
    "standing_rule": "常态规则",
    "rhythm": "定期工作",
    "named_list": "名单类",
    "achievement": "已有成绩",
}
# What every sentence about a place is given; any other measure may be missing for one of them.
ALWAYS = ("period", "place", "name", "whole", "unit", "tied", "value")
ABOUT_PLACES = ("overall", "city")
_BLANK = re.compile(r"\{([a-z_]+)~?\}")
COMPARATORS = ("", "=", ">=", ">", "<=", "<", "~")


def commitments(look: Look) -> Iterator[Problem]:
    """A commitment has a card or says why not; its value has a unit; what is inferred is not what is stated."""
    for item in look.pack.all("commitments"):
        what = f"承诺 {item.id}"
        for message, do, severity in _commitment(item):
            yield look.at("commitments", item, what + message, do, severity)


def _commitment(item: m.Commitment) -> Iterator[tuple[str, str, str]]:
    if item.indicator and item.unmeasured:
        yield "既写了 indicator 又写了 unmeasured", "只留一个", "error"
    if not item.indicator and not item.unmeasured:
        severity = "error" if item.kind in ("measured", "strive") else "warning"
        yield (
            f"（{KIND_WORDS[item.kind]}）没有 indicator，也没有写为什么不能计量",
            "写上指标卡的代码，或写 unmeasured",
            severity,
        )
    if item.value is not None and not item.unit:
        yield f"有数值 {item.value} 而没有单位", "写上 unit", "error"
    if item.comparator not in COMPARATORS:
        yield f"的 comparator“{item.comparator}”不认识", f"应为 {'、'.join(COMPARATORS[1:])} 之一或留空", "error"
    if item.department and item.department == item.department_inferred:
        yield (
            f"的推断部门与文件所写的相同（{item.department}）",
            "文件写了就不必推断，删去 department_inferred",
            "warning",
        )


def uses(look: Look) -> Iterator[Problem]:
    """A card that nothing names and no figure fills is likely a leftover; a card without a basis says so in its note."""
    named = set(_named(look))
    for card in look.pack.all("indicators"):
        # A card that says what it is a part or a measure of, or how it is computed, is of use by that alone.
        if card.code not in named and not (card.part_of or card.measure_of or card.formula):
            message = f"指标卡 {card.code} 没有用处：没有承诺、目标、公式、材料、运用、来源或数据提到它"
            yield look.at("indicators", card, message, "用上它，或删去", "warning")
        if not card.basis and not card.note:
            message = f"指标卡 {card.code} 没有依据，也没有说明"
            yield look.at("indicators", card, message, "写上 basis，没有依据的在 note 里说明", "warning")


def _computed(look: Look) -> Iterator[str]:
    """The cards that formulas and the cases of processes name."""
    for codes in look.formulas.values():
        yield from codes
    for process in look.pack.all("processes"):
        yield from (m.indicator for m in process.measures)


def _named(look: Look) -> Iterator[str]:
    pack = look.pack
    for card in pack.all("indicators"):
        yield card.part_of
        if card.measure_of:
            yield card.measure_of.indicator
    yield from _computed(look)
    for item in pack.all("commitments"):
        yield item.indicator
    for target in pack.all("targets"):
        yield target.indicator
        if target.reference:
            yield from (target.reference.indicator, *target.reference.denominators)
    for paper in pack.all("papers"):
        yield from (*paper.indicators, *paper.real_indicators)
    for use in pack.all("uses"):
        yield from use.indicators
    for source in pack.all("sources"):
        yield from (column.indicator for column in source.columns)
    yield from (measure.indicator for process in pack.all("processes") for measure in process.measures)
    for split in pack.all("allocations"):
        yield split.indicator
        yield from (reference_head(w.figure)[0] for w in split.weights)
    for spec in pack.all("synthetic"):
        yield from (spec.indicator, reference_head(spec.weights)[0])
    yield from card_words(look)


def scopes(look: Look) -> Iterator[Problem]:
    """A 口径 adds with itself; that two never add is said once and read both ways."""
    for scope in look.pack.all("scopes"):
        for other_code in scope.never_with:
            if other_code == scope.code:
                message = f"口径 {scope.code} 的 never_with 里有它自己"
                yield look.at("scopes", scope, message, "删去这一项；同一口径之内能否相加写 parts_add")


def lamps(look: Look) -> Iterator[Problem]:
    """Every condition of a lamp rule compiles to true or false; where none holds the lamp is grey."""
    for rule in look.pack.all("lamps"):
        for number, case in enumerate(rule.cases, start=1):
            wrong = _condition(case.when)
            if wrong:
                message = f"亮灯规则 {rule.code} 的第 {number} 条“{case.when}”：{wrong}"
                yield look.at("lamps", rule, message, "改写这一条")
            elif _always(case.when) and number < len(rule.cases):
                message = f"亮灯规则 {rule.code} 的第 {number} 条总是成立，后面的 {len(rule.cases) - number} 条用不到"
                yield look.at("lamps", rule, message, "调整次序", "warning")
        if not rule.cases:
            yield look.at("lamps", rule, f"亮灯规则 {rule.code} 一条也没有", "写上 cases")


def _condition(text: str) -> str:
    try:
        compiled = compile_expression(text, VARIABLES)
    except ExpressionError as error:
        return str(error).removesuffix("。")
    return "" if compiled.root.kind == "flag" else "得到的不是真假"


def _always(text: str) -> bool:
    try:
        body = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return False
    return isinstance(body, ast.Constant) and body.value is True


def sentences(look: Look) -> Iterator[Problem]:
    """Every sentence of a paper parses, its blanks are known, and what may be missing stands in brackets."""
    known = {*MEASURES, *ALWAYS, "goal"}
    for paper in look.pack.all("papers"):
        for key, template in paper.sentences.items():
            if key not in PATTERNS:
                do = f"用 {'、'.join(PATTERNS)} 之一"
                yield look.at("papers", paper, f"材料 {paper.code} 的 sentences.{key} 没有哪里会用到", do)
                continue
            unknown = sorted(set(_BLANK.findall(template)) - known)
            filled = ALWAYS if key in ABOUT_PLACES else known
            wrong = f"里的 {'、'.join(unknown)} 没有东西可填" if unknown else _template(template, filled)
            if wrong:
                message = f"材料 {paper.code} 的 sentences.{key} {wrong}"
                do = f"用 {'、'.join(ALWAYS)}，其余量度（如 yoy~、gap~、completion）放进方括号"
                yield look.at("papers", paper, message, do, "warning")


def _template(template: str, filled: Iterable[str]) -> str:
    try:
        fill(template, {}, dict.fromkeys(filled, ""))
    except TemplateError as error:
        return str(error).removesuffix("。")
    return ""


CHECKS = (commitments, uses, scopes, lamps, sentences)
