"""Sentences (一句话) in the field's own pattern, filled from figures by a template that is data.

A sentence is a row of pieces; every number in it carries the id of its figure, so a paper can be checked piece by
piece. A template is text with placeholders; a part in square brackets is left out when anything in it is missing:

    {period},{place}{name}{value}{unit}[,同比{yoy~}][,占{whole}{share}%][，{gap~}]。

`{yoy}` is a number, `{yoy~}` a change in words (增长7.7%, 下降2.8%, 持平), `{gap~}` a distance (高于全省增速1.3个百分点).
Words such as period, place, name and whole are given by the caller.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from rongtong.engine.figure import Figure
from rongtong.engine.quantity import decimal_text

WHOLE = {"nation": "全国", "province": "全省", "city": "全市", "county": "全县（市、区）", "zone": "全区"}
MONITORING = (
    "{period}，{place}{name}{value}{unit}[，同比{yoy~}][，增速{tied}{whole}第{yoy_rank}位][，占{whole}{share}%][，{gap~}]"
    "[；完成全年目标的{completion}%][，应达{baseline}%]。"
)
# The sentences of papers, by name, where a pack gives none of its own.
PATTERNS: Mapping[str, str] = {
    "overall": "{period}，{place}{name}{value}{unit}[，同比{yoy~}][，完成全年目标{goal}{unit}的{completion}%][，应达{baseline}%]。",
    "field": "{name}[同比{yoy~}][，完成全年目标的{completion}%]",
    "city": "{place}{value}{unit}[，同比{yoy~}][，增速{tied}{whole}第{yoy_rank}位][，{gap~}][，完成全年目标的{completion}%][，应达{baseline}%]。",
    "behind": "{place}{value}{unit}[，同比{yoy~}][，完成全年目标的{completion}%][，应达{baseline}%]。",
    "gap": "距应达进度差{shortfall}{unit}。",
    "forecast": "按近年同期份额推算，全年{name}预计{forecast}{unit}，八成区间{forecast_low}—{forecast_high}{unit}[，达到全年目标的可能性{probability}%]。",
}
UNREPORTED = "{period}，{place}{name}未报。"
_TOKEN = re.compile(r"\{([a-z_]+)(~?)\}|([\[\]])|([^{}\[\]]+)")


class TemplateError(ValueError):
    """A template does not parse."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Words without digits, a name that contains digits (`name`), or a number with its figure."""

    text: str
    figure: str = ""
    name: bool = False


Sentence = tuple[Piece, ...]


def plain(sentence: Sentence) -> str:
    """The sentence as text."""
    return "".join(piece.text for piece in sentence)


def words(text: str) -> Piece:
    """A piece of words; one that holds digits is a name."""
    return Piece(text, name=any(c.isdigit() for c in text))


def number(figure: Figure, *, absolute: bool = False) -> Piece:
    """A figure as shown; `absolute` where the words already carry the sign."""
    return Piece(decimal_text(abs(figure.number) if absolute else figure.number, figure.decimals), figure.id)


def change(figure: Figure) -> Sentence:
    """增长7.7%, 下降2.8% or 持平: judged on the value as shown, so that no 下降0.0% appears."""
    shown = Fraction(decimal_text(figure.number, figure.decimals))
    if shown == 0:
        return (Piece("持平"),)
    return (Piece("增长" if shown > 0 else "下降"), number(figure, absolute=True), Piece("%"))


def distance(figure: Figure, whole: str) -> Sentence:
    """高于全省增速1.3个百分点, 低于… or 与…持平."""
    shown = Fraction(decimal_text(figure.number, figure.decimals))
    if shown == 0:
        return (Piece(f"与{whole}增速持平"),)
    return (Piece(f"{'高于' if shown > 0 else '低于'}{whole}增速"), number(figure, absolute=True), Piece("个百分点"))


def fill(template: str, figures: Mapping[str, Figure], given: Mapping[str, str]) -> Sentence:
    """The template filled from figures by measure and from given words.

    Raises TemplateError for unbalanced brackets, and for a placeholder outside brackets that nothing fills.
    """
    out: list[Piece] = []
    optional: list[Piece] | None = None
    complete = True
    for match in _tokens(template):
        name, tilde, bracket, text = match.groups()
        if bracket == "[":
            if optional is not None:
                raise TemplateError(f"“{template}”里的方括号不能套方括号。")
            optional, complete = [], True
        elif bracket == "]":
            if optional is None:
                raise TemplateError(f"“{template}”里多了一个“]”。")
            out += optional if complete else []
            optional = None
        else:
            pieces = (words(text),) if text else _placeholder(name, bool(tilde), figures, given)
            if pieces is None and optional is None:
                raise TemplateError(f"“{template}”里的 {{{name}}} 没有值，应放进方括号。")
            complete = complete and pieces is not None
            (out if optional is None else optional).extend(pieces or ())
    if optional is not None:
        raise TemplateError(f"“{template}”里少了一个“]”。")
    return tuple(out)


def _tokens(template: str) -> Iterator[re.Match[str]]:
    at = 0
    for match in _TOKEN.finditer(template):
        if match.start() != at:
            break
        at = match.end()
        yield match
    if at != len(template):
        raise TemplateError(f"“{template}”第 {at + 1} 个字符处写法不对。占位应写作 {{value}} 或 {{yoy~}}。")


def _placeholder(name: str, tilde: bool, figures: Mapping[str, Figure], given: Mapping[str, str]) -> Sentence | None:
    if name == "unit" and "value" in figures:
        return (words(str(figures["value"].unit)),)
    if name in figures:
        if not tilde:
            return (number(figures[name]),)
        return distance(figures[name], given.get("whole", "")) if name == "gap" else change(figures[name])
    return (words(given[name]),) if name in given else None
