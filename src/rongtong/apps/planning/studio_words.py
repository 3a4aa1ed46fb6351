"""A specification in words, entry by entry: for who may not edit it, and to tell two versions apart."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from rongtong.apps.packs import queries as packs
from rongtong.apps.planning.studio_forms import KINDS, LISTS
from rongtong.engine.pack.plan import Bound, Split
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period, PeriodError
from rongtong.engine.quantity import decimal_text


def entries(split: Split) -> tuple[str, ...]:
    """Every entry of a specification as a sentence, in the order of the form."""
    return tuple(_entries(split, packs.current()))


def figure_words(text: str, pack: Pack | None = None) -> str:
    """`indicator[.measure]@period` as the card's name and the period; the text itself where no card says so."""
    if "@" not in text:
        return text
    pack = pack or packs.current()
    head, _, period = text.partition("@")
    code, _, measure = head.partition(".")
    card = pack.find("indicators", code)
    try:
        when = Period.parse(period).chinese
    except PeriodError:
        return text
    if card is None:
        return text
    return f"{when}{card.name}" + {"": "", "base": "的上年同期"}.get(measure, f"（{measure}）")


def _entries(split: Split, pack: Pack) -> Iterator[str]:
    for weight in split.weights:
        yield f"权重：{figure_words(weight.figure, pack)}占 {_percent(weight.share)}%"
    for kind, name in LISTS.items():
        for bound in getattr(split, name):
            yield _bound(split, kind, bound, pack)
    for part in split.reserve:
        size = f"{part.amount} {split.unit}" if part.amount else f"总额的 {_percent(part.share or '0')}%"
        yield f"余项：{part.name} {size}"
    for subject in split.subjects:
        yield f"主体：{subject.name}占各地权重 {_percent(subject.weight)}%"
    for margin in split.margins:
        where = pack.places.name(pack.places.resolve(margin.place)) if margin.place else margin.subject
        yield f"合计：{where} {margin.value} {split.unit}" + ("，可放宽" if margin.relaxable else "")
    yield f"取整到 {split.rounding} {split.unit}"


def _bound(split: Split, kind: str, bound: Bound, pack: Pack) -> str:
    where = "各地" if bound.place == "all" else pack.places.name(pack.places.resolve(bound.place))
    subject = next((s.name for s in split.subjects if s.code == bound.subject), bound.subject)
    where = f"{where}·{subject}" if subject else where
    verb = KINDS[kind]
    if bound.value is not None:
        demand = f"{where}{verb} {bound.value} {split.unit}"
    else:
        demand = f"{where}比{figure_words(bound.over, pack)}增长{verb} {_percent(bound.growth or '0')}%"
    marks = [m for m, on in (("可放宽", bound.relaxable), ("缺数略去", bound.if_missing == "skip")) if on]
    return demand + (f"（{'，'.join(marks)}）" if marks else "") + (f"：{bound.label}" if bound.label else "")


def _percent(share: str) -> str:
    return decimal_text(Fraction(share) * 100)
