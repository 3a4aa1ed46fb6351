"""Processes: each definition is sound, names what exists, and a published version is what it was when published."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rongtong.engine.pack.check_base import Check, Look
from rongtong.engine.pack.read import Problem, explain
from rongtong.engine.process.block import expanded
from rongtong.engine.process.check import Finding
from rongtong.engine.process.check import check as check_definition
from rongtong.engine.process.check_outcome import expression
from rongtong.engine.process.state import ProcessError

if TYPE_CHECKING:
    from rongtong.engine.pack.process import Process


def definitions(look: Look) -> Iterator[Problem]:
    """No dead end, no unreachable stage, no step without a role, a clock for every wait, guards and forms that parse."""
    for process in look.pack.all("processes"):
        found = _blocks(look, process) if process.uses else check_definition(process)
        for message, do in found:
            yield look.at("processes", process, f"流程 {process.code} {process.version}：{message}", do)


def _blocks(look: Look, process: Process) -> list[Finding]:
    """Why the blocks of a process could not be written out."""
    from pydantic import ValidationError

    try:
        expanded(process, {b.code: b for b in look.pack.all("blocks")})
    except ProcessError as error:
        return [(str(error), "改正 uses")]
    except ValidationError as error:
        return [(f"用上构件之后不成立：{message}", "改正 uses 的参数") for _, message in explain(error)]
    return []


def references(look: Look) -> Iterator[Problem]:
    """The owner, document and what a process counts towards exist."""
    for process in look.pack.all("processes"):
        wanted = [("departments", process.owner, "owner")] if process.owner else []
        wanted += [
            ("documents", c.document, "cite") for c in (process.cite, *(t.cite for t in process.transitions)) if c
        ]
        wanted += [("commitments", c, "counts.commitments") for c in process.counts.commitments]
        wanted += [("indicators", c, "counts.indicators") for c in process.counts.indicators]
        wanted += [("indicators", m.indicator, "measures") for m in process.measures]
        wanted += [("processes", process.under.process, "under")] if process.under else []
        wanted += [("processes", t.under, "tallies") for t in process.tallies if t.under]
        wanted += [("processes", o.process, "opens") for t in process.transitions for o in t.opens]
        for kind, code, where in wanted:
            if look.pack.find(kind, code) is None:
                message = f"流程 {process.code} 的 {where} 写了“{code}”，规则包里没有"
                yield look.at("processes", process, message, "改正代码，或先写出它")


def families(look: Look) -> Iterator[Problem]:
    """Where one process speaks of another's stages and fields, they are there."""
    for process in look.pack.all("processes"):
        for message in _family(look, process):
            yield look.at("processes", process, f"流程 {process.code} {process.version} 的 {message}", "改正代码")


def _family(look: Look, process: Process) -> Iterator[str]:
    above = look.pack.find("processes", process.under.process) if process.under else None
    if above is not None and process.under is not None:
        stages = {s.code for s in above.stages}
        yield from (f"under 写了环节“{s}”，{above.code} 没有" for s in process.under.at if s not in stages)
        held = {*above.fields, "organisation"}
        yield from (f"under 的 takes 取“{n}”，{above.code} 没有" for n in process.under.takes.values() if n not in held)
        yield from (said for said, _ in expression(above, "under 的条件", process.under.when, "flag"))
    for tally in process.tallies:
        below = look.pack.find("processes", tally.under) if tally.under else None
        if below is not None:
            known = {s.code for s in below.stages}
            yield from (
                f"tallies 的 {tally.code} 写了环节“{s}”，{below.code} 没有" for s in tally.stages if s not in known
            )
    for opened in (o for t in process.transitions for o in t.opens):
        below = look.pack.find("processes", opened.process)
        if below is not None:
            there = below.form.get("properties", {})
            yield from (f"opens 写了项“{f}”，{below.code} 开始的表单没有" for f in opened.fields if f not in there)
            taken = set(below.under.takes) if below.under else set()
            needed = set(below.form.get("required", ())) - set(opened.fields) - taken
            yield from (f"opens 没有给 {below.code} 必填的“{f}”" for f in sorted(needed))


def examples(look: Look) -> Iterator[Problem]:
    """Cases of the demonstration are of processes, steps and other examples that exist."""
    known = {e.code for e in look.pack.all("examples")}
    for example in look.pack.all("examples"):
        process = look.pack.find("processes", example.process)
        if process is None:
            yield look.at(
                "examples", example, f"演示办件 {example.code} 写了流程“{example.process}”，规则包里没有", "改正代码"
            )
            continue
        steps = {t.code for t in process.transitions}
        for step in example.steps:
            if step.step not in steps:
                message = f"演示办件 {example.code} 写了步骤“{step.step}”，{process.code} 没有"
                yield look.at("examples", example, message, f"改为 {'、'.join(sorted(steps))} 之一")
        if example.under and example.under not in known:
            yield look.at("examples", example, f"演示办件 {example.code} 的 under“{example.under}”没有", "改正代码")


def numbers(look: Look) -> Iterator[Problem]:
    """No two certificates share the letters that their numbers begin with: a number names one."""
    taken: dict[str, tuple[str, str]] = {}
    for process in look.pack.all("processes"):
        for one in process.certificates:
            owner = taken.setdefault(one.prefix, (process.code, one.code))
            if owner != (process.code, one.code):
                message = f"流程 {process.code} 的证明 {one.code} 与 {owner[0]} 的 {owner[1]} 同用字头“{one.prefix}”"
                yield look.at("processes", process, message, "换一个 prefix，编号才不重复")


def unchanged(look: Look) -> Iterator[Problem]:
    """A published version keeps its fingerprint."""
    known = {(p.code, p.version): p for p in look.pack.all("processes")}
    for published in look.pack.all("published"):
        process = known.get((published.process, published.version))
        name = f"{published.process} {published.version}"
        if process is None:
            yield look.at("published", published, f"已发布的流程 {name} 不见了", "找回它的文件，办理中的件还要用")
        elif process.fingerprint != published.sha256:
            message = f"流程 {name} 已发布，内容却变了（现为 {process.fingerprint}）"
            yield look.at("processes", process, message, "恢复原样，改动写成新的 version")


CHECKS: tuple[Check, ...] = (definitions, references, families, examples, numbers, unchanged)
