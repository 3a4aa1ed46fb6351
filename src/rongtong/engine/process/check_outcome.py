"""Proving what a process brings forth: notices, dues, certificates, tallies, links and cases under a case name what exists."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rongtong.engine.expression.language import ExpressionError, compile_expression
from rongtong.engine.process.guard import declared, variables
from rongtong.engine.process.tally import steps_of

if TYPE_CHECKING:
    from rongtong.engine.pack.outcome import Due, Tally
    from rongtong.engine.pack.process import Process, Transition

# (what is wrong, what to do)
Finding = tuple[str, str]
Form = Mapping[str, Any]
# A row from which a due is born says its name, and its day in one of these.
DAY = ("due", "months")


def _known(
    where: str, what: str, codes: Iterable[str], known: Container[str], there: Iterable[str]
) -> Iterator[Finding]:
    for code in codes:
        if code not in known:
            yield f"{where}写了{what}“{code}”，没有这个{what}", f"改为 {'、'.join(sorted(there))} 之一"


def expression(process: Process, where: str, source: str, kind: str) -> Iterator[Finding]:
    """What is wrong with an expression that has to be a `flag` or a `number`."""
    if not source:
        return
    try:
        found = compile_expression(source, variables(process)).root.kind
    except ExpressionError as error:
        yield f"{where}：{error}", "改正，或在 variables 里声明"
        return
    if found != kind:
        yield f"{where}“{source}”不是{'真假' if kind == 'flag' else '数'}", "写成比较" if kind == "flag" else "写成算式"


def tallies(process: Process) -> Iterator[Finding]:
    """A tally counts steps that exist and sums up numbers of their forms; its name is its own."""
    taken = {*process.variables, *process.fields}
    for one in process.tallies:
        where = f"tallies 的 {one.code} "
        if one.code in taken:
            yield f"{where}与变量或表单里的项同名", "改名"
        steps = steps_of(process)
        yield from _known(where, "步骤", one.at, steps, steps)
        for code in one.at:
            step = process.transition(code)
            if code in steps:
                yield from _added(where, one, code, (step.form if step else process.form).get("properties", {}))
        if one.under and one.take != "count":
            yield f"{where}对下级办件只能计数", "take: count"


def _added(where: str, one: Tally, code: str, properties: Form) -> Iterator[Finding]:
    """What a tally takes of a step is in its form, or in the rows it adds up."""
    if one.rows:
        columns = properties.get(one.rows, {}).get("items", {}).get("properties")
        if columns is None:
            yield f"{where}加“{one.rows}”的行，步骤“{code}”的表单里没有这样的行", "在 form 里加一个 type: array 的项"
            return
        properties = columns
    for name in (*one.added, *one.only):
        if name not in properties:
            yield f"{where}取“{name}”，步骤“{code}”的表单里没有", "在 form 里加这个项"


def limits(process: Process) -> Iterator[Finding]:
    """A limit is on a role that whole organisations or named participants have, in stages that exist."""
    roles, stages = {r.code: r for r in process.roles}, [s.code for s in process.stages]
    for one in process.limits:
        where = f"limits 对“{one.role}”"
        yield from _known(where, "角色", [one.role], roles, roles)
        yield from _known(where, "环节", one.stages, stages, stages)
        if one.role in roles and roles[one.role].at not in ("own", "participant"):
            yield f"{where}限项，它不是 at: own 或 participant", "改 at，或改限别的角色"
        if one.per == "parent" and process.under is None:
            yield f"{where}按上级办件限项，流程没有 under", "改 per，或写 under"


def apart(process: Process) -> Iterator[Finding]:
    """Who is kept apart from a role is a role, or a field or column, that exists; so are the roles that know who has it."""
    roles = {r.code for r in process.roles}
    for role in process.roles:
        if role.apart and role.at != "participant":
            yield f"角色“{role.name}”写了 apart，却不是 at: participant", "删去 apart，或改 at"
        for name in role.apart:
            if name not in roles and not _has_field(process, name):
                yield f"角色“{role.name}”的 apart 写了“{name}”，没有这个角色，表单里也没有", "改为角色、项或“项.列”"


def _has_field(process: Process, name: str) -> bool:
    field, _, column = name.partition(".")
    forms = (process.form, *(t.form for t in process.transitions))
    found = [f["properties"][field] for f in forms if field in f.get("properties", {})]
    return any(not column or column in spec.get("items", {}).get("properties", {}) for spec in found)


def steps(process: Process) -> Iterator[Finding]:
    """What steps name besides stages and roles exists."""
    roles = [r.code for r in process.roles]
    for t in process.transitions:
        where = f"步骤“{t.name}”的 "
        if t.takes:
            yield from _known(f"{where}takes ", "角色", [t.takes], roles, roles)
            for role in {t.takes, *t.by} & set(roles):
                if process.role(role).at != "participant":
                    yield f"{where}takes 换的角色“{role}”不是 at: participant", "改 at"
        yield from _known(f"{where}read_by ", "角色", t.read_by, roles, roles)
        yield from _links(process, where, t)
        for opened in t.opens:
            given = [*opened.fields.values(), *([opened.organisation] if opened.organisation else [])]
            yield from _known(f"{where}opens ", "项", given, process.fields, process.fields)
        if t.each and t.to:
            yield f"{where}each 与 to 不能同写：第一个人办完就离开了这个环节", "去掉 to，另写一个离开的步骤"


def _links(process: Process, where: str, of: Process | Transition) -> Iterator[Finding]:
    """The links of the opening or of a step point by a field of its form, and each kind of them has a name."""
    for kind, name in of.links.items():
        spec = of.form.get("properties", {}).get(name, {})
        if spec.get("items", spec).get("format") != "case":
            yield f"{where}links 写了“{name}”，表单里没有 format: case 的这个项", "在 form 里加这个项"
        if process.link_name(kind) is None:
            yield f"{where}links 的“{kind}”没有名称", f"写 link_names: {{{kind}: {{name: …, back: …}}}}"
    yield from _known(f"{where}link_names ", "连接", of.link_names, of.links, of.links)


def opening(process: Process) -> Iterator[Finding]:
    """What the opening form is asked for is in it."""
    fields = process.form.get("properties", {})
    if process.of and fields.get(process.of, {}).get("format") != "organisation":
        yield f"of 写了“{process.of}”，开始的表单里没有 format: organisation 的这个项", "在 form 里加这个项"
    yield from _known("prefill ", "项", process.prefill, fields, fields)
    yield from _known("under 的 takes ", "项", process.under.takes if process.under else (), fields, fields)
    yield from _known("alike ", "项", process.alike, process.fields, process.fields)
    yield from _links(process, "", process)


def notices(process: Process) -> Iterator[Finding]:
    """A notice shows fields that exist, and is named by one; who may object has a notice to object to."""
    shown = [s for s in process.stages if s.notice]
    for stage in shown:
        assert stage.notice is not None  # just asked
        where, title = f"环节“{stage.name}”的 notice ", stage.notice.title
        yield from _known(where, "项", stage.notice.fields, process.fields, process.fields)
        yield from _known(f"{where}的 title ", "项", [title] if title else [], process.fields, process.fields)
    for role in process.roles:
        if role.at == "notice":
            for t in process.transitions:
                if role.code in t.by and not set(t.at) <= {s.code for s in shown}:
                    yield f"步骤“{t.name}”由“{role.name}”办理，却在没有 notice 的环节", "给环节写 notice"


def dues(process: Process) -> Iterator[Finding]:
    """A due is owed by a role, born of and met by steps, by days and amounts that forms give."""
    roles, known = [r.code for r in process.roles], steps_of(process)
    for one in process.dues:
        where = f"dues 的 {one.code} "
        yield from _known(f"{where}by ", "角色", [one.by], roles, roles)
        yield from _known(where, "步骤", (*one.born, *one.met_by, *one.waived_by), known, known)
        yield from expression(process, f"{where}的条件", one.when, "flag")
        yield from expression(process, f"{where}的金额", one.amount, "number")
        for code in one.born:
            step = process.transition(code)
            form = step.form if step else process.form
            # What the step's own form lacks was filled in before.
            earlier = (process.form, *(t.form for t in process.transitions))
            properties = {n: s for f in earlier for n, s in f.get("properties", {}).items()}
            yield from _due_field(where, one, {**properties, **form.get("properties", {})})


def _due_field(where: str, one: Due, properties: Form) -> Iterator[Finding]:
    if one.on and properties.get(one.on, {}).get("format") != "date":
        yield f"{where}的 on“{one.on}”不是表单里的日期", "在 form 里加一个 format: date 的项"
    if one.months_in and properties.get(one.months_in, {}).get("type") != "integer":
        yield f"{where}的 months_in“{one.months_in}”不是表单里的整数", "在 form 里加一个 type: integer 的项"
    if one.each:
        columns = properties.get(one.each, {}).get("items", {}).get("properties", {})
        missing = [] if "name" in columns else ["name"]
        missing += [] if set(DAY) & columns.keys() else [" 或 ".join(DAY)]
        if missing:
            yield f"{where}的 each“{one.each}”的行里没有 {'、'.join(missing)}", "在 items 的 properties 里加上"


def certificates(process: Process) -> Iterator[Finding]:
    """A certificate is issued by steps that exist and states fields that exist."""
    known = steps_of(process)
    for one in process.certificates:
        where = f"certificates 的 {one.code} "
        yield from _known(where, "步骤", (*one.at, *one.revoked_by), known, known)
        yield from _known(f"{where}fields ", "项", one.fields, process.fields, process.fields)


def names(process: Process) -> Iterator[Finding]:
    """A variable does not take the name of what there always is."""
    always = declared(process).keys() - process.variables.keys() - {t.code for t in process.tallies}
    for name in sorted(always & process.fields):
        yield f"表单里的项“{name}”与固有的变量同名", "改名"


CHECKS: tuple[Callable[[Process], Iterator[Finding]], ...] = (
    tallies,
    limits,
    apart,
    steps,
    opening,
    notices,
    dues,
    certificates,
    names,
)
