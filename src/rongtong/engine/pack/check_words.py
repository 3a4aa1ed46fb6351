"""What statements must say: commitments and their cards, cards and their use, 口径 and their reasons, lamp rules."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rongtong.engine.expression.language import ExpressionError, compile_expression
from rongtong.engine.pace import VARIABLES
from rongtong.engine.pack import model as m
from rongtong.engine.pack.check_base import Look, reference_head
from rongtong.engine.pack.check_files import card_words
from rongtong.engine.pack.read import Problem

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
            f"({KIND_WORDS[item.kind]})没有 indicator,也没有写为什么不能计量",
            "写上指标卡的代码,或写 unmeasured",
            severity,
        )
    if item.value is not None and not item.unit:
        yield f"有数值 {item.value} 而没有单位", "写上 unit", "error"
    if item.comparator not in COMPARATORS:
        yield f"的 comparator“{item.comparator}”不认识", f"应为 {'、'.join(COMPARATORS[1:])} 之一或留空", "error"
    if item.department and item.department == item.department_inferred:
        yield f"的推断部门与文件所写的相同({item.department})", "文件写了就不必推断,删去 department_inferred", "warning"


def uses(look: Look) -> Iterator[Problem]:
    """A card that nothing names and no figure fills is likely a leftover; a card without a basis says so in its note."""
    named = set(_named(look))
    for card in look.pack.all("indicators"):
        # A card that says what it is a part or a measure of, or how it is computed, is of use by that alone.
        if card.code not in named and not (card.part_of or card.measure_of or card.formula):
            message = f"指标卡 {card.code} 没有用处:没有承诺、目标、公式、材料、运用、来源或数据提到它"
            yield look.at("indicators", card, message, "用上它,或删去", "warning")
        if not card.basis and not card.note:
            message = f"指标卡 {card.code} 没有依据,也没有说明"
            yield look.at("indicators", card, message, "写上 basis,没有依据的在 note 里说明", "warning")


def _named(look: Look) -> Iterator[str]:
    pack = look.pack
    for card in pack.all("indicators"):
        yield card.part_of
        if card.measure_of:
            yield card.measure_of.indicator
    for codes in look.formulas.values():
        yield from codes
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
    for split in pack.all("allocations"):
        yield split.indicator
        yield from (reference_head(w.figure)[0] for w in split.weights)
    for spec in pack.all("synthetic"):
        yield from (spec.indicator, reference_head(spec.weights)[0])
    yield from card_words(look)


def scopes(look: Look) -> Iterator[Problem]:
    """A 口径 adds with itself; that two never add is said on both sides, as far as the lower pack can know the other."""
    for scope in look.pack.all("scopes"):
        for other_code in scope.never_with:
            other = look.pack.find("scopes", other_code)
            if other_code == scope.code:
                message = f"口径 {scope.code} 的 never_with 里有它自己"
                yield look.at("scopes", scope, message, "删去这一项;同一口径之内能否相加写 parts_add")
            elif other and scope.code not in other.never_with and _knows(look, other, scope):
                message = f"口径 {scope.code} 写了不与 {other_code} 相加,{other_code} 没有写不与 {scope.code} 相加"
                yield look.at("scopes", scope, message, f"在 {other_code} 的 never_with 里也写上", "warning")


def _knows(look: Look, one: m.Scope, other: m.Scope) -> bool:
    layers = [look.layer_of[look.pack.origin("scopes", s).pack] for s in (one, other)]
    return layers[0] >= layers[1]


def lamps(look: Look) -> Iterator[Problem]:
    """Every condition of a lamp rule compiles to true or false; the last one always holds."""
    for rule in look.pack.all("lamps"):
        broken = False
        for number, case in enumerate(rule.cases, start=1):
            wrong = _condition(case.when)
            if wrong:
                broken = True
                message = f"亮灯规则 {rule.code} 的第 {number} 条“{case.when}”:{wrong}"
                yield look.at("lamps", rule, message, "改写这一条")
            elif _always(case.when) and number < len(rule.cases):
                message = f"亮灯规则 {rule.code} 的第 {number} 条总是成立,后面的 {len(rule.cases) - number} 条用不到"
                yield look.at("lamps", rule, message, "调整次序", "warning")
        if not rule.cases:
            yield look.at("lamps", rule, f"亮灯规则 {rule.code} 一条也没有", "写上 cases")
        elif not broken and not _always(rule.cases[-1].when):
            message = f"亮灯规则 {rule.code} 的最后一条“{rule.cases[-1].when}”带条件;都不成立时亮灰灯"
            yield look.at("lamps", rule, message, '如要兜底,最后加一条 when: "True"', "warning")


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


CHECKS = (commitments, uses, scopes, lamps)
