"""One step made in several cases with one form: each case by itself, and what fails told case by case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from rongtong import clock
from rongtong.apps.cases import access, actions, holding, queries
from rongtong.apps.cases.errors import CaseError
from rongtong.apps.cases.models import Case
from rongtong.apps.registry.access import Denied, account_of
from rongtong.apps.registry.models import Account
from rongtong.engine.pack.process import Process, Transition
from rongtong.engine.process import form
from rongtong.typed import number

MOST = 50


@dataclass(frozen=True, slots=True)
class Chosen:
    """A case that was ticked, and the number of its last event when it was."""

    case: Case
    seen: int
    address: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case: where it stands now, or why nothing was done in it."""

    case: Case
    address: str
    stage: str
    refused: str = ""


class NotTogether(ValueError):
    """The cases ticked cannot be taken together; the message says why and what to do."""


@login_required
def together(request: HttpRequest) -> HttpResponse:
    """Ticked cases of one process in one stage: choose a step, fill in its form once, make it in each."""
    who, asked = account_of(request), request.POST if request.method == "POST" else request.GET
    wanted = asked.get("transition", "")
    try:
        process, cases, lost = _together(who, asked.getlist("case"))
        if request.method == "POST" and wanted:
            return _made(request, process, cases, lost, _step(process, wanted))
        _one_stage(cases)
    except NotTogether as error:
        return render(request, "cases/together.html", {"refused": str(error)}, status=422)
    steps = _steps(who, process, cases)
    step = next((s for s in steps if s.code == wanted), steps[0] if len(steps) == 1 else None)
    return render(request, "cases/together.html", _shown(process, cases, step) | {"steps": steps, "lost": lost})


def _made(request: HttpRequest, process: Process, cases: list[Chosen], lost: int, step: Transition) -> HttpResponse:
    """The answer to a step that was sent: the form again where it is filled in wrong, else what became of each case."""
    context = _shown(process, cases, step) | {"lost": lost}
    data = form.read(step.form, {name: request.POST.getlist(name) for name in request.POST})
    wrong = form.errors(step.form, data, on=clock.today())
    if wrong:
        context |= {
            "steps": [step],
            "errors": [(f"{step.code}-{name}", words) for name, words in wrong.items()],
            "wrong": wrong,
            "at": step.code,
            "typed": {n: v if len(v) > 1 else v[-1] for n in request.POST if (v := request.POST.getlist(n))},
        }
        return render(request, "cases/together.html", context, status=422)
    outcomes = make(account_of(request), step, cases, data)
    done = [o for o in outcomes if not o.refused]
    context |= {"outcomes": outcomes, "done": len(done), "failed": len(outcomes) - len(done)}
    return render(request, "cases/together_done.html", context, status=200 if done else 409)


def _shown(process: Process, cases: list[Chosen], step: Transition | None) -> dict[str, Any]:
    return {
        "process": process,
        "stage": process.stage(cases[0].case.stage),
        "cases": cases,
        "step": step,
        "fields": form.fields(step.form) if step else (),
    }


def _step(process: Process, code: str) -> Transition:
    """The step of this code, where it can be made in several cases at once. Raises NotTogether."""
    step = process.transition(code)
    if step is None or step.automatic or step.files == "required":
        raise NotTogether("没有可以一并办理的这一步。请回到列表重新勾选。")
    return step


def make(actor: Account, step: Transition, cases: Sequence[Chosen], data: Mapping[str, Any]) -> list[Outcome]:
    """Make a step in each case, each in a transaction of its own."""
    return [_make(actor, step, one, data) for one in cases]


def _make(actor: Account, step: Transition, one: Chosen, data: Mapping[str, Any]) -> Outcome:
    try:
        case = actions.move(one.case.pk, step.code, actor=actor, seen=one.seen, data=data)
    except (CaseError, Denied) as error:
        return Outcome(one.case, one.address, "", str(error))
    except Case.DoesNotExist:
        return Outcome(one.case, one.address, "", "这件您已经看不到了。")
    return Outcome(case, queries.address(case), holding.process_of(case).stage(case.stage).name)


def _together(who: Account, ticked: Sequence[str]) -> tuple[Process, list[Chosen], int]:
    """The process and the cases of what was ticked, each as `number:last event`, and how many of them the account does
    not see any more. Raises NotTogether."""
    seen: dict[int, int] = {}
    for text in ticked:
        pk, _, events = text.partition(":")
        if number(pk) is not None and number(events) is not None:
            seen[int(pk)] = int(events)
    if not seen:
        raise NotTogether("还没有勾选办件。请回到列表，勾选同一流程、同一环节的几件。")
    if len(seen) > MOST:
        raise NotTogether(f"勾选了 {len(seen)} 件，一次至多 {MOST} 件。请分批办理。")
    cases = list(access.visible(who).filter(pk__in=seen).select_related("organisation").order_by("due", "pk"))
    if not cases:
        raise NotTogether("勾选的办件您看不到，或已不在。请刷新列表。")
    if len({c.definition_id for c in cases}) > 1:
        raise _mixed(cases)
    chosen = [Chosen(c, seen[c.pk], queries.address(c)) for c in cases]
    return holding.process_of(cases[0]), chosen, len(seen) - len(cases)


def _one_stage(cases: Sequence[Chosen]) -> None:
    if len({c.case.stage for c in cases}) > 1:
        raise _mixed([c.case for c in cases])


def _mixed(cases: Sequence[Case]) -> NotTogether:
    names = "、".join(dict.fromkeys(f"{i.process_name}·{i.stage_name}" for i in map(queries.item, cases)))
    return NotTogether(f"勾选的不是同一流程（同一版本）同一环节的：{names}。请先用筛选选出一个流程和环节，再勾选。")


def _steps(who: Account, process: Process, cases: Sequence[Chosen]) -> list[Transition]:
    """The steps that the account may make in any of the cases, those aside that want files of each."""
    held = holding.roles_in(holding.reach(who), [c.case for c in cases])
    stage = cases[0].case.stage
    return [
        t
        for t in process.transitions
        if stage in t.at
        and not t.automatic
        and t.files != "required"
        and any(held[c.case.pk] & set(t.by) for c in cases)
    ]
