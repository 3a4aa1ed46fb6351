"""Proving a definition before it is published: nothing unreachable, no dead end, no step without a person, no endless wait."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from typing import TYPE_CHECKING

from rongtong.engine.expression.language import ExpressionError
from rongtong.engine.process import check_outcome, days, exact
from rongtong.engine.process.form import by_system, fields, schema_problem
from rongtong.engine.process.guard import compile_guard
from rongtong.engine.process.state import OPEN

if TYPE_CHECKING:
    from rongtong.engine.pack.process import Process

# (what is wrong, what to do)
Finding = tuple[str, str]


def check(process: Process, account_roles: Container[str] | None = None) -> list[Finding]:
    """Every finding about a definition; `account_roles` are those that exist, where that is known."""
    names = [*_names(process)]
    # A name that stands for nothing would be found again by every other check.
    if names:
        return names
    found = [finding for one in _CHECKS for finding in one(process)]
    if account_roles is not None:
        for role in process.roles:
            for held in role.held_by:
                if held not in account_roles:
                    found.append((f"角色 {role.code} 由“{held}”担任，没有这种账号角色", "改为账号角色的代码"))
        for form in (process.form, *(t.form for t in process.transitions)):
            for field in fields(form):
                if field.among and field.among not in account_roles:
                    found.append((f"“{field.label}”的 among 是“{field.among}”，没有这种账号角色", "改为账号角色的代码"))
    return found


def _names(process: Process) -> Iterator[Finding]:
    for what, codes in (
        ("环节", [s.code for s in process.stages]),
        ("角色", [r.code for r in process.roles]),
        ("步骤", [t.code for t in process.transitions]),
        ("期限", [c.code for c in process.clocks]),
    ):
        for code in sorted({c for c in codes if codes.count(c) > 1}):
            yield f"{what}“{code}”写了两次", "删去一处或改名"
    stages, roles = {s.code for s in process.stages}, {r.code for r in process.roles}
    steps = {t.code for t in process.transitions}
    if OPEN in steps:
        yield f"步骤不能叫“{OPEN}”", "改名"
    wanted = [("环节", process.start, "start", stages)]
    wanted += [("角色", r, "opened_by", roles) for r in process.opened_by]
    for s in process.stages:
        wanted += [("角色", r, f"环节 {s.code} 的 see", roles) for r in s.see]
    for t in process.transitions:
        wanted += [("环节", a, f"步骤 {t.code} 的 at", stages) for a in t.at]
        wanted += [("环节", t.to, f"步骤 {t.code} 的 to", stages)] if t.to else []
        wanted += [("角色", r, f"步骤 {t.code} 的 by", roles) for r in t.by]
        wanted += [("步骤", n, f"步骤 {t.code} 的 not_by", {OPEN, *steps}) for n in t.not_by]
    for what, code, where, known in wanted:
        if code not in known:
            yield f"{where} 写了{what}“{code}”，没有这个{what}", f"改为 {'、'.join(sorted(known))} 之一"
    for clock in process.reminding:
        yield from clock.misfits(process)


def _reachable(process: Process) -> Iterator[Finding]:
    seen, queue = {process.start}, [process.start]
    while queue:
        stage = queue.pop()
        for t in process.transitions:
            if stage in t.at and t.to and t.to not in seen:
                seen.add(t.to)
                queue.append(t.to)
    for stage_ in process.stages:
        if stage_.code not in seen:
            yield f"环节“{stage_.name}”到不了", "加一个到它的步骤，或删去"


def _ends(process: Process) -> Iterator[Finding]:
    over = {s.code for s in process.stages if s.outcome}
    if not over:
        yield "没有终结环节", "给至少一个环节写 outcome"
        return
    ends = set(over)
    while True:
        more = {a for t in process.transitions if t.to in ends for a in t.at} - ends
        if not more:
            break
        ends |= more
    for stage in process.stages:
        if stage.code not in ends:
            yield f"环节“{stage.name}”走不到任何终结环节", "加一个出去的步骤，或写 outcome"


def _people(process: Process) -> Iterator[Finding]:
    for role in process.roles:
        if not role.held_by and role.at != "participant":
            yield f"角色“{role.name}”没有人担任", "写 held_by"
    for t in process.transitions:
        if not t.automatic and not t.by:
            yield f"步骤“{t.name}”没有角色", "写 by，或写 automatic: true"
        if t.automatic and t.by:
            yield f"步骤“{t.name}”既是自动的又有角色", "留下一种"


def _clocks(process: Process) -> Iterator[Finding]:
    covered = _running(process)
    for stage in process.stages:
        waits = not stage.outcome and not stage.deadline and not stage.no_clock and process.clock != "case"
        if waits and stage.code not in covered:
            yield f"环节“{stage.name}”的等待没有期限", "写 deadline，或用 no_clock 说明为什么没有"
    for clock in process.clocks:
        step = process.transition(clock.over.make) if clock.over and clock.over.make else None
        filled = by_system(step.form) if step else {}
        asked = [n for n in (step.form.get("required", ()) if step else ()) if n not in filled]
        if step and (asked or step.files == "required"):
            what = "、".join(asked) or "佐证材料"
            yield (
                f"期限 {clock.code} 超期由系统办“{step.name}”，它要填 {what}，系统不会填",
                "给它写 by_system 或 default，或不列为必填",
            )


def _refills(process: Process) -> Iterator[Finding]:
    for step in process.transitions:
        may_be_empty = set(step.form.get("properties", {})) - set(step.form.get("required", ()))
        for name in process.labels:
            if step.refill and name in may_be_empty:
                yield f"步骤 {step.code} 重填时“{name}”可以留空，而清单按它筛选", "把它列入 required"


def _running(process: Process) -> set[str]:
    """The stages in which a clock may run or stand still: those reached from its start without a step that stops it."""
    found: set[str] = set()
    for clock in process.clocks:
        queue = [t.to or a for t in process.transitions if t.code in clock.starts for a in t.at]
        queue += [process.start] if OPEN in clock.starts else []
        seen: set[str] = set()
        while queue:
            stage = queue.pop()
            if stage not in seen:
                seen.add(stage)
                queue += [t.to for t in process.transitions if stage in t.at and t.to and t.code not in clock.stops]
        found |= seen
    return found


def _guards(process: Process) -> Iterator[Finding]:
    unfilled = sorted(set(process.variables) - process.fields)
    if unfilled and not process.facts:
        yield f"变量 {'、'.join(unfilled)} 没有来处", "在某个表单里加这个项，或写 facts"
    for t in process.transitions:
        if not t.when:
            continue
        try:
            compiled = compile_guard(process, t)
        except ExpressionError as error:
            yield f"步骤“{t.name}”的条件：{error}", "改条件，或在 variables 里声明"
            continue
        if compiled.root.kind != "flag":
            yield f"步骤“{t.name}”的条件不是真假，而是 {compiled.root.kind}", "写成比较"


def _follows(process: Process) -> Iterator[Finding]:
    """What a step leaves behind names roles and fields that exist."""
    roles = {r.code for r in process.roles}
    named = [
        ("开始", process.parts, process.form),
        *((f"步骤“{t.name}”", t.parts, t.form) for t in process.transitions),
    ]
    for where, parts, form in named:
        for role, field in parts.items():
            if role not in roles:
                yield f"{where}的 parts 写了角色“{role}”，没有这个角色", f"改为 {'、'.join(sorted(roles))} 之一"
            if field not in form.get("properties", {}):
                yield f"{where}的 parts 写了“{field}”，表单里没有", "在 form 里加这个项"
    for label in process.labels:
        if label not in process.fields:
            yield f"labels 写了“{label}”，没有表单有这个项", "改为表单里的项"


def _measures(process: Process) -> Iterator[Finding]:
    """What counts towards an indicator names steps that exist, amounts that are numbers and conditions that parse."""
    steps = {t.code for t in process.transitions} | {OPEN}
    for one in process.measures:
        for step in (*one.at, *one.undone_by):
            if step not in steps:
                yield f"measures 写了步骤“{step}”，没有这个步骤", f"改为 {'、'.join(sorted(steps))} 之一"
        if one.field and process.variables.get(one.field) != "number":
            yield f"measures 的数量“{one.field}”不是数字变量", "在 variables 里声明为 number"
        yield from check_outcome.expression(process, "measures 的条件", one.when, "flag")


def _defaults(process: Process) -> Iterator[Finding]:
    for stage in process.stages:
        here = [t for t in process.transitions if stage.code in t.at]
        automatic = [t for t in here if t.automatic]
        if automatic and all(t.when for t in automatic) and len(automatic) == len(here):
            yield f"环节“{stage.name}”只有带条件的自动步骤，条件都不成立时停在那里", "加一个不带条件的步骤"
        if any(not t.to for t in automatic):
            yield f"环节“{stage.name}”有自动而不离开的步骤，会无休止地发生", "给它写 to"


def _forms(process: Process) -> Iterator[Finding]:
    forms = [("开始", process.form), *((f"步骤“{t.name}”", t.form) for t in process.transitions)]
    asked = [item for _, schema in forms for item in schema.get("properties", {}).items()]
    dates = {name for name, spec in asked if isinstance(spec, dict) and spec.get("format") == "date"}
    for where, schema in forms:
        problem = schema_problem(schema) or exact.problem(schema, process.fields) or days.problem(schema, dates)
        if problem:
            yield f"{where}的表单{problem}", "按 JSON Schema 改正"
    for t in process.transitions:
        if t.due and t.form.get("properties", {}).get(t.due, {}).get("format") != "date":
            yield f"步骤“{t.name}”的 due“{t.due}”不是表单里的日期", "在 form 里加一个 format: date 的项"


_CHECKS: tuple[Callable[[Process], Iterator[Finding]], ...] = (
    _reachable,
    _ends,
    _people,
    _clocks,
    _guards,
    _refills,
    _follows,
    _measures,
    _defaults,
    _forms,
    *check_outcome.CHECKS,
)
