"""References: every document, clause, scope, card, place, chain, rule and target that is named is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rongtong.engine.expression.language import ExpressionError
from rongtong.engine.figure import MEASURES, FigureError, Key
from rongtong.engine.indicator import formula_names
from rongtong.engine.lazy import LazyModule
from rongtong.engine.pack.check_base import WORDS, Look, name, reference_head
from rongtong.engine.pack.read import Problem
from rongtong.engine.place import PlaceError

if TYPE_CHECKING:
    from rongtong.engine.pack import model as m
    from rongtong.engine.pack import plan
else:
    m = LazyModule("rongtong.engine.pack.model")

_FILES = {
    "documents": "documents.yaml",
    "scopes": "scopes.yaml",
    "indicators": "indicators/",
    "places": "places.csv",
    "chains": "chains.csv",
    "departments": "departments.csv",
    "lamps": "lamps.yaml",
    "targets": "targets.yaml",
    "commitments": "commitments.csv",
}
_CODED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]*")


@dataclass(frozen=True, slots=True)
class Ref:
    """One statement naming another: `kind` and `statement` name `wanted` of `target`, in the field `where`."""

    kind: str
    statement: m.Statement
    where: str
    target: str
    wanted: str
    clause: str = ""


def references(look: Look) -> Iterator[Problem]:
    """Names that no statement answers to. One finding for each missing name, however many statements use it."""
    missing: dict[tuple[str, str, str], list[Ref]] = {}
    for ref in _all(look):
        if not ref.wanted:
            continue
        gap = _gap(look, ref)
        if gap is not None:
            missing.setdefault((ref.target, ref.wanted, gap), []).append(ref)
    for (target, wanted, clause), refs in missing.items():
        first = refs[0]
        what = f"{WORDS[first.kind]} {name(first.statement)} 的 {first.where} 引用"
        others = _others(look, refs)
        if clause:
            known = "、".join(c.id for c in look.pack.get("documents", wanted).clauses)
            message = f"{what}文件 {wanted} 的“{clause}”，该文件没有这一条，有的是 {known}{others}"
            do = "改正条款号，或在 documents.yaml 里补上这一条"
        else:
            message = f"{what}{WORDS[target]}“{wanted}”，没有这一项{others}"
            do = f"改正代码，或在 {_FILES[target]} 里补上"
        yield look.at(first.kind, first.statement, message, do)


def _others(look: Look, refs: list[Ref]) -> str:
    rest = list(dict.fromkeys(look.place_of(r.kind, r.statement) for r in refs[1:]))
    if not rest:
        return ""
    return f"（另有 {len(rest)} 处：{'、'.join(rest[:3])}{'…' if len(rest) > 3 else ''}）"


def _gap(look: Look, ref: Ref) -> str | None:
    """None when the reference resolves, the clause when only that is missing, else an empty text."""
    if ref.target == "places":
        # Only allocations, which officers write by hand, may name places in words.
        if ref.wanted in look.place_codes or (ref.kind == "allocations" and _is_name(look, ref.wanted)):
            return None
        return ""
    found = look.pack.find(ref.target, ref.wanted)
    if found is None:
        return ""
    if ref.clause and found.clauses and ref.clause not in {c.id for c in found.clauses}:
        return ref.clause
    return None


def _is_name(look: Look, word: str) -> bool:
    try:
        look.pack.places.resolve(word)
    except PlaceError:
        return False
    return True


def _all(look: Look) -> Iterator[Ref]:
    for kind, read in _READERS.items():
        for statement in look.pack.all(kind):
            for where, target, wanted in read(statement):
                yield Ref(kind, statement, where, target, wanted)
            for where, cite in _cites(statement):
                yield Ref(kind, statement, where, "documents", cite.document, cite.clause)


def _cites(statement: Any) -> Iterator[tuple[str, m.Cite]]:
    for cite in getattr(statement, "basis", ()) if isinstance(statement, m.Indicator) else ():
        yield "basis", cite
    if getattr(statement, "cite", None):
        yield "cite", statement.cite
    if isinstance(statement, m.Commitment | m.Chain) and statement.document:
        yield "document", m.Cite(document=statement.document, clause=statement.clause)


Named = Iterator[tuple[str, str, str]]


def _scope(s: m.Scope) -> Named:
    for code in s.never_with:
        yield "never_with", "scopes", code


def _indicator(s: m.Indicator) -> Named:
    yield "scope", "scopes", s.scope
    yield "part_of", "indicators", s.part_of
    yield "lamp", "lamps", s.lamp
    if s.measure_of:
        yield "measure_of", "indicators", s.measure_of.indicator
    if _CODED.fullmatch(s.owner):
        yield "owner", "departments", s.owner
    try:
        for code in formula_names(s.formula) if s.formula else ():
            yield "formula", "indicators", code
    except ExpressionError:
        return


def _commitment(s: m.Commitment) -> Named:
    yield "indicator", "indicators", s.indicator
    # Departments stand as the document words them; only a code must be one of departments.csv.
    for field in ("department", "department_inferred"):
        for part in getattr(s, field).split("/"):
            if _CODED.fullmatch(part):
                yield field, "departments", part


def _target(s: m.Target) -> Named:
    yield "indicator", "indicators", s.indicator
    yield "place", "places", s.place
    yield "lamp", "lamps", s.lamp
    yield "commitment", "commitments", s.commitment
    if s.reference:
        yield "reference.indicator", "indicators", s.reference.indicator
        yield "reference.place", "places", s.reference.place
        for code in s.reference.denominators:
            yield "reference.denominators", "indicators", code


def _balance(s: m.Balance) -> Named:
    yield "total", "targets", s.total
    for code in s.parts:
        yield "parts", "targets", code


def _source(s: m.Source) -> Named:
    for code in s.place_names.values():
        yield "place_names", "places", code
    for column in s.columns:
        yield f"columns“{column.column}”", "indicators", column.indicator
        yield f"columns“{column.column}”", "scopes", column.scope
        yield f"columns“{column.column}”", "chains", column.chain
        for scope in column.add_scopes:
            yield f"columns“{column.column}”", "scopes", scope


def _split(s: plan.Split) -> Named:
    yield "indicator", "indicators", s.indicator
    yield "total.target", "targets", s.total.target
    if s.total.figure:
        yield from _figure("total.figure", s.total.figure)
    for code in (s.places.within, *s.places.codes):
        yield "places", "places", code
    for weight in s.weights:
        yield "weights", "indicators", reference_head(weight.figure)[0]
    for field in ("fixed", "floors", "caps"):
        for bound in getattr(s, field):
            yield field, "places", "" if bound.place == "all" else bound.place
            yield f"{field}.over", "indicators", reference_head(bound.over)[0]
    for margin in s.margins:
        yield "margins", "places", margin.place
    for offer in s.counter_offers:
        yield "counter_offers", "places", offer.place


def _figure(where: str, text: str) -> Named:
    try:
        key = Key.parse(text)
    except (FigureError, ValueError):
        return
    yield where, "indicators", key.indicator
    yield where, "places", key.place


def _paper(s: plan.PaperWording) -> Named:
    for code in (*s.indicators, *s.real_indicators):
        yield "indicators", "indicators", code


def _collection(s: plan.Collection) -> Named:
    for item in s.items:
        yield "items", "indicators", item.indicator


def _synthetic(s: m.Synthetic) -> Named:
    yield "indicator", "indicators", s.indicator
    yield "weights", "indicators", reference_head(s.weights)[0]


def _parent(s: m.Parent) -> Named:
    yield "place", "places", s.place
    yield "parent", "places", s.parent


def _bridge(s: m.Bridge) -> Named:
    yield "old", "places", s.old
    yield "new", "places", s.new


def _group(s: m.PlaceGroup) -> Named:
    for code in s.places:
        yield "places", "places", code


def _chain(s: m.Chain) -> Named:
    yield "parent", "chains", s.parent


def _use(s: m.Use) -> Named:
    for code in s.indicators:
        yield "indicators", "indicators", code


def _nothing(_: m.LampRule) -> Named:
    yield from ()


_READERS: dict[str, Any] = {
    "hierarchies": _parent,
    "bridges": _bridge,
    "groups": _group,
    "chains": _chain,
    "scopes": _scope,
    "indicators": _indicator,
    "commitments": _commitment,
    "targets": _target,
    "balances": _balance,
    "lamps": _nothing,
    "uses": _use,
    "sources": _source,
    "synthetic": _synthetic,
    "allocations": _split,
    "papers": _paper,
    "collections": _collection,
}


def bases(look: Look) -> Iterator[Problem]:
    """Every pack lies over those it extends."""
    below: set[str] = set()
    for layer in look.pack.layers:
        for code in layer.manifest.extends:
            if code not in below:
                message = f"所扩展的规则包“{code}”没有先给出"
                yield Problem(f"{layer.manifest.code}/pack.yaml", 1, message, f"把 {code} 的文件夹写在前面")
        below.add(layer.manifest.code)


def root(look: Look) -> Iterator[Problem]:
    """The place a pack is about is one of its places."""
    manifest = look.pack.manifest
    if manifest.root_place not in look.place_codes:
        found = f"root_place“{manifest.root_place}”不在 places.csv 里" if manifest.root_place else "没有写 root_place"
        yield Problem(f"{manifest.code}/pack.yaml", 1, found, "写上本规则包所说的那个地方的代码")


def card_codes(look: Look) -> Iterator[Problem]:
    """A card's code is the head of its figures' ids, where a full stop starts the measure."""
    for card in look.pack.all("indicators"):
        if "." in card.code:
            message = f"指标卡的代码 {card.code} 里有“.”，数的编号里“.”之后是量度"
            yield look.at("indicators", card, message, "改用下划线，如 " + card.code.replace(".", "_"))


def figure_texts(look: Look) -> Iterator[Problem]:
    """Figures that allocations and demonstrations name are written so that they can be looked up."""
    for split in look.pack.all("allocations"):
        texts = [w.figure for w in split.weights]
        texts += [b.over for b in (*split.fixed, *split.floors, *split.caps) if b.over]
        for text in texts:
            wrong = _wrong_figure(text)
            if wrong:
                yield look.at("allocations", split, f"分解方案 {split.code} 里的“{text}”{wrong}", "写作 指标[.量度]@期")
        if split.total.figure:
            try:
                Key.parse(split.total.figure)
            except ValueError as error:
                yield look.at("allocations", split, f"分解方案 {split.code} 的 total.figure:{error}", "改正编号")
    for spec in look.pack.all("synthetic"):
        wrong = _wrong_figure(spec.weights)
        if wrong:
            yield look.at(
                "synthetic", spec, f"演示数据 {spec.indicator} 的 weights“{spec.weights}”{wrong}", "写作 指标@期"
            )


def _wrong_figure(text: str) -> str:
    try:
        head, _, period = text.partition("@")
        Key.parse(f"{head}@0@{period}")
    except ValueError as error:
        measure = head.partition(".")[2]
        if measure and measure not in MEASURES:
            return f"的量度不认识，应为 {'、'.join(MEASURES[:8])} 等"
        return f"不能用作数的编号：{str(error).split('。')[0]}"
    return ""


CHECKS = (root, references, card_codes, figure_texts)
