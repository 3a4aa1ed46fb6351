"""The chain (一条链): from a figure up to the clause and down to the consequence, walked on derivations and references.

clause → commitment → indicator → target → allocation → observation → status → consequence
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from rongtong import clock
from rongtong.apps.packs import queries as packs
from rongtong.apps.planning import goals, queries, shapes
from rongtong.engine import target as targeting
from rongtong.engine.figure import Figure
from rongtong.engine.pack.model import Commitment, Indicator
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period

STEPS = {
    "clause": "条款",
    "commitment": "承诺",
    "indicator": "指标",
    "target": "目标",
    "allocation": "分解",
    "observation": "观测",
    "status": "状态",
    "consequence": "后果",
}


@dataclass(frozen=True, slots=True)
class Link:
    """One thing on the chain: which step it is, what names it, what it says."""

    step: str
    code: str
    text: str
    detail: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return {"step": self.step, "step_name": STEPS[self.step], "code": self.code, "text": self.text, **self.detail}


def why(figure_id: str, as_of: date | None = None) -> dict[str, Any]:
    """The derivation of a figure and its chain, as plain data. Raises queries.Unknown."""
    figure, board = queries.find(figure_id, as_of)
    pack = packs.current(as_of)
    row = next((r for r in (*board.rows, board.total) if r.place == figure.key.place), None) if board else None
    links = [
        *_clauses(pack, figure),
        *_commitments(pack, figure.key.indicator),
        _indicator(queries.card(pack, figure.key.indicator), pack),
        *_targets(pack, figure),
        *_allocations(pack, figure, as_of),
        *_observations(figure),
        *_status(figure, row),
        *_uses(pack, figure.key.indicator),
    ]
    return {**figure.as_dict(), "chain": [link.as_dict() for link in links]}


def _clauses(pack: Pack, figure: Figure) -> list[Link]:
    cited: dict[tuple[str, str], None] = {}
    card = queries.card(pack, figure.key.indicator)
    for cite in card.basis:
        cited[(cite.document, cite.clause)] = None
    for part in figure.walk():
        for citation in part.cites:
            if citation.document:
                cited[(citation.document, citation.clause)] = None
    for target in pack.all("targets"):
        if target.indicator == card.code:
            cited[(target.cite.document, target.cite.clause)] = None
    for commitment, _ in _counted_towards(pack, card.code):
        cited[(commitment.document, commitment.clause)] = None
    links = []
    for code, clause in cited:
        document = pack.find("documents", code)
        if document is None:
            continue
        about = next((c.about for c in document.clauses if c.id == clause), "")
        detail = {"document": code, "clause": clause, "title": document.title, "number": document.number}
        links.append(
            Link(
                "clause",
                f"{code}#{clause}" if clause else code,
                f"{document.number or document.title} {clause} {about}".strip(),
                detail,
            )
        )
    return links


def _commitments(pack: Pack, indicator: str) -> list[Link]:
    direct = [(c, "") for c in pack.all("commitments") if c.indicator == indicator]
    return [
        Link("commitment", c.id, c.name, {
            "clause": c.clause, "kind": c.kind, "department": c.department or "未明确", "process": process,
        })
        for c, process in direct or _counted_towards(pack, indicator)
    ]  # fmt: skip


def _counted_towards(pack: Pack, indicator: str) -> list[tuple[Commitment, str]]:
    """The commitments that the processes behind an indicator count towards, each with the name of the process."""
    behind = [(p, {*p.counts.indicators, *(m.indicator for m in p.measures)}) for p in pack.all("processes")]
    found = {code: p.name for p, indicators in behind if indicator in indicators for code in p.counts.commitments}
    return [(pack.get("commitments", code), name) for code, name in found.items()]


def _indicator(card: Indicator, pack: Pack) -> Link:
    origin = pack.origin("indicators", card)
    scope = pack.find("scopes", card.scope)
    detail = {
        "scope": card.scope,
        "scope_name": scope.name if scope else card.scope,
        "unit": card.unit,
        "formula": card.formula or None,
        "file": f"{origin.pack}/{origin.file}:{origin.line}",
    }
    return Link("indicator", card.code, f"{card.name}:{card.definition}", detail)


def _targets(pack: Pack, figure: Figure) -> list[Link]:
    links = []
    for target in pack.all("targets"):
        if target.indicator == figure.key.indicator and str(figure.key.period.whole_year) == target.period:
            words = targeting.COMPARATOR_WORDS[target.comparator]
            text = f"{Period.parse(target.period).chinese}{pack.places.name(target.place)}{words} {target.value or ''} {target.unit}".strip()
            links.append(Link("target", target.code, text, {"kind": target.kind, "clause": target.cite.clause}))
    return links


def _allocations(pack: Pack, figure: Figure, as_of: date | None) -> list[Link]:
    card = queries.card(pack, figure.key.indicator)
    links = []
    for allocation in goals.in_force(card.code, figure.key.period, as_of or clock.today()):
        for cell in allocation.cells.filter(place=figure.key.place).order_by("subject"):
            goal = goals.cell_figure(cell, allocation, card, None)
            text = f"{allocation.code} 第 {allocation.version} 版：{cell.subject}{goal.text} {goal.unit}"
            detail = {"figure": goal.id, "known_from": allocation.known_from.isoformat()}
            links.append(Link("allocation", f"{allocation.code}/{allocation.version}", text, detail))
    return links


def _observations(figure: Figure) -> list[Link]:
    links = []
    for part in figure.walk():
        for citation in part.cites:
            if citation.file or citation.release:
                text = f"{part.id} = {part.text} {part.unit}({citation.release or citation.file})"
                links.append(
                    Link(
                        "observation",
                        part.id,
                        text,
                        {
                            "file": citation.file,
                            "release": citation.release,
                            "status": part.status,
                            "known_from": part.known_from.isoformat() if part.known_from else None,
                        },
                    )
                )
    return links


def _status(figure: Figure, row: Any) -> list[Link]:
    if row is None or row.lamp is None:
        return []
    lamp = row.lamp
    return [Link("status", lamp.rule, f"{lamp} 依据：{lamp.basis}；成立的条件：{lamp.case}", shapes.lamp(lamp) or {})]


def _uses(pack: Pack, indicator: str) -> list[Link]:
    return [
        Link("consequence", u.code, u.name, {"clause": u.cite.clause, "rule": u.rule or "文件未给出评分规则"})
        for u in pack.all("uses")
        if indicator in u.indicators or not u.indicators
    ]
