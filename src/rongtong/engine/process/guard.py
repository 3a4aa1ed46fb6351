"""Guards (条件): expressions over the variables a process declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from rongtong.engine.expression.evaluate import Value, evaluate
from rongtong.engine.expression.language import Compiled, Variable, compile_expression

if TYPE_CHECKING:
    from rongtong.engine.pack.process import Process, Transition


# What every process may ask besides its own variables: the present stage, whether it has lasted past its due day, how
# many dues are open, and how many of those have passed their day.
ALWAYS: dict[str, str] = {"stage": "text", "overdue": "flag", "open_dues": "number", "late_dues": "number"}


# The digits of a mean's numerator and denominator: a comparison multiplies it by a number of eighteen.
MEAN_DIGITS = 15


def declared(process: Process) -> dict[str, str]:
    """Name → kind of everything a condition of the process may speak of; `late_CLOCK` is whether that clock ran out,
    `open_DUE`, `met_DUE` and `paid_DUE` how many of a due are open, how many were met, and how much of it in yuan."""
    clocks = {f"late_{c.code}": "flag" for c in process.clocks}
    dues = {f"{what}_{d.code}": "number" for d in process.dues for what in ("open", "met", "paid")}
    return {**ALWAYS, **clocks, **dues, **{t.code: "number" for t in process.tallies}, **process.variables}


def variables(process: Process) -> tuple[Variable, ...]:
    """The declared variables as the expression language takes them: numbers exact to six decimals, means to any."""
    means = {t.code for t in process.tallies if t.take == "mean"}
    return tuple(
        Variable(n, "number", digits=MEAN_DIGITS, quotient=True)
        if n in means
        else Variable(n, kind, scale=6 if kind == "number" else 0)  # type: ignore[arg-type]
        for n, kind in declared(process).items()
    )


def filled(process: Process, data: Mapping[str, object]) -> dict[str, Value]:
    """The variables that fields of the forms give, exact; one that nobody has filled in yet has no value."""
    found: dict[str, Value] = {}
    for name, kind in process.variables.items():
        if name not in process.fields:
            continue
        value = data.get(name)
        if value is None or value == "":
            found[name] = None
        elif kind == "number" and not isinstance(value, bool):
            found[name] = Fraction(str(value))
        elif kind == "flag":
            found[name] = value is True
        else:
            found[name] = str(value)
    return found


def number(process: Process, source: str, values: Mapping[str, Value]) -> Fraction | None:
    """The exact value of an expression over the variables; None where one it needs is unknown."""
    known = variables(process)
    row = {v.name: values.get(v.name) for v in known}
    (outcome,) = evaluate({"value": compile_expression(source, known)}, known, [row])
    found = outcome["value"].value
    return found if isinstance(found, Fraction) else None


def true(process: Process, when: str, values: Mapping[str, Value]) -> bool:
    """Whether a condition holds; an empty one does, one of unknown value does not."""
    return not when or _asked(process, (("when", when),), values)["when"]


def compile_guard(process: Process, step: Transition) -> Compiled:
    """A guard ready to run. Raises ExpressionError."""
    return compile_expression(step.when, variables(process))


def asks_itself(process: Process, step: Transition) -> bool:
    """Whether the guard of a step speaks of what its own form asks for, and so is judged only once that is filled in."""
    return bool(step.when) and bool(set(compile_guard(process, step).names) & _asked_by(step))


def answers(step: Transition, given: Mapping[str, object]) -> dict[str, object]:
    """What of a filled-in form the step's own guard is judged with.

    A field that leaves no choice says what will be (信用: 修复), so the guard may ask what was before (信用: 推送).
    """
    asked = _asked_by(step)
    return {name: value for name, value in given.items() if name in asked}


def _asked_by(step: Transition) -> set[str]:
    """The fields of a step's form that leave a choice."""
    fields = step.form.get("properties", {}).items()
    return {name for name, spec in fields if len(spec.get("oneOf", spec.get("enum", (0, 1)))) > 1}


def holds(process: Process, steps: Sequence[Transition], values: Mapping[str, Value]) -> dict[str, bool]:
    """Transition → whether its guard holds; one without a guard always does, one of unknown value does not."""
    asked = tuple((s.code, s.when) for s in steps if s.when)
    return {s.code: True for s in steps} | (_asked(process, asked, values) if asked else {})


def _asked(process: Process, asked: tuple[tuple[str, str], ...], values: Mapping[str, Value]) -> dict[str, bool]:
    # By what the expressions speak of and nothing else: cases differ in their texts, and are asked the same.
    known = variables(process)
    _, used = _compiled(asked, known)
    return _answers(asked, known, tuple(values.get(v.name) for v in used))


@lru_cache(maxsize=512)
def _compiled(
    asked: tuple[tuple[str, str], ...], declared: tuple[Variable, ...]
) -> tuple[dict[str, Compiled], tuple[Variable, ...]]:
    """The expressions ready to run, and the variables they speak of."""
    compiled = {code: compile_expression(when, declared) for code, when in asked}
    names = {name for each in compiled.values() for name in each.names}
    return compiled, tuple(v for v in declared if v.name in names)


@lru_cache(maxsize=4096)
def _answers(
    asked: tuple[tuple[str, str], ...], declared: tuple[Variable, ...], values: tuple[Value, ...]
) -> dict[str, bool]:
    """Code → whether its expression is true. Asked again for every page of a case, with mostly the same values."""
    compiled, used = _compiled(asked, declared)
    row = {v.name: value for v, value in zip(used, values, strict=True)}
    (outcome,) = evaluate(compiled, used, [row])
    return {code: outcome[code].value is True for code in compiled}


def refusal(process: Process, step: Transition, values: Mapping[str, Value]) -> str:
    """Why a guard does not hold: the definition's own words with the numbers it met that forms or tallies give a name and
    the sentences that an app's facts are, or the condition itself with all it met."""
    names = compile_guard(process, step).names
    if not step.refusal:
        met = "，".join(f"{name} = {words(values.get(name))}" for name in names)
        return f"“{step.name}”的条件不成立（条件：{step.when}；现在 {met}）"
    titles = _titles(process)
    found = [(n, values.get(n)) for n in names]
    numbers = [f"{titles[n]} {words(value)}" for n, value in found if n in titles and isinstance(value, Fraction)]
    sentences = [v for n, v in found if n not in titles and n not in ALWAYS and v and isinstance(v, str)]
    met = "，".join((*numbers, *sentences))
    return f"{step.refusal}（现在：{met}）" if met else step.refusal


def _titles(process: Process) -> dict[str, str]:
    """Name → what forms or tallies call it, of whatever a condition may speak of."""
    forms = (process.form, *(t.form for t in process.transitions))
    asked = {n: str(spec.get("title", n)) for form in forms for n, spec in form.get("properties", {}).items()}
    return {t.code: t.name for t in process.tallies} | asked


def words(value: Value) -> str:
    """A value as people read it, a number with hundredths where it has any."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, Fraction) and value.denominator > 1:
        hundredths = round(abs(value) * 100)
        about = "" if value * 100 == int(value * 100) else "约 "
        return f"{about}{'-' if value < 0 else ''}{hundredths // 100}.{hundredths % 100:02}"
    return "未知" if value is None else str(value)
