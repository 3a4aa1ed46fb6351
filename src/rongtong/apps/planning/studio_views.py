"""Pages of the allocation studio (目标分解): the list, the editor, versions compared, counter-offers, files."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from rongtong.apps.cases import actions as sign_off
from rongtong.apps.cases.errors import CaseError, FormRefused
from rongtong.apps.cases.models import Case
from rongtong.apps.packs import queries as packs
from rongtong.apps.planning import actions, queries, studio_files, studio_page
from rongtong.apps.planning import studio_queries as studio
from rongtong.apps.planning import studio_trials as trials
from rongtong.apps.planning.splitting import SplitError
from rongtong.apps.planning.studio_forms import FIELDS, Draft
from rongtong.apps.planning.studio_words import entries
from rongtong.apps.registry import access
from rongtong.apps.registry.access import account_of
from rongtong.cells import XLSX
from rongtong.engine.pack.plan import Split
from rongtong.engine.period import PeriodError
from rongtong.engine.place import PlaceError
from rongtong.engine.quantity import UnitError, parse_number
from rongtong.once import reading
from rongtong.typed import number

# What a specification may be refused for.
REFUSALS = (SplitError, queries.Unknown, PlaceError, PeriodError, UnitError)


def _plan(request: HttpRequest, code: str, version: int | None = None) -> studio.Plan:
    found = studio.plan(account_of(request), code, version)
    if found is None:
        raise Http404("没有这个分解方案。")
    return found


@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The plans an account sees, and the totals it may split."""
    found = studio.plans(account_of(request))
    rows = studio.listed(found)
    chosen = {name: request.GET.get(name, "") for name in ("year", "indicator", "place")}
    shown = [
        r
        for r in rows
        if chosen["year"] in ("", r.plan.run.period)
        and chosen["indicator"] in ("", r.plan.run.indicator)
        and chosen["place"] in ("", r.plan.run.place)
    ]
    tree, totals = packs.current().places, studio.totals(account_of(request), found)
    context = {
        "rows": shown,
        "any": bool(rows),
        "chosen": chosen,
        "years": sorted({r.plan.run.period for r in rows}, reverse=True),
        "indicators": sorted({(r.plan.run.indicator, r.indicator) for r in rows}),
        "places": sorted({(r.plan.run.place, tree.name(r.plan.run.place)) for r in rows}),
        "totals": [t for t in totals if t.known],
        "others": [t for t in totals if not t.known],
    }
    return render(request, "planning/studio.html", context)


@login_required
def new(request: HttpRequest) -> HttpResponse:
    """The editor on a total that is not split yet."""
    target, figure = request.GET.get("target", ""), request.GET.get("figure", "")
    account = account_of(request)
    allowed = {t.query: t for t in studio.totals(account, studio.plans(account))}
    wanted = allowed.get(f"target={target}" if target else f"figure={figure}")
    if wanted is None:
        raise Http404("没有这个可以分解的总额，或不由您分解。")
    try:
        base = studio_page.fresh(target, figure, wanted.figure)
    except REFUSALS as error:
        return render(request, "portal/refused.html", {"message": str(error), "back": reverse("studio")}, status=422)
    if request.method == "POST":
        return _posted(request, base, None)
    return _editor(request, base, Draft.of(base, packs.current().places), None, 0)


@login_required
def plan(request: HttpRequest, code: str) -> HttpResponse:
    """A plan: its newest version, or one before it; in the editor for who may change it."""
    found = _plan(request, code, number(request.GET.get("version", "")))
    if request.method == "POST":
        if not actions.may_draft(account_of(request), found.run.place):
            message = "这个方案不由您分解。您可以看，不能改。"
            return render(request, "portal/refused.html", {"message": message, "back": request.path}, status=403)
        return _posted(request, found.split, found)
    if not _may_edit(request, found):
        return render(request, "planning/studio_seen.html", _seen(request, found))
    return _editor(
        request, found.split, Draft.of(found.split, packs.current().places), found, found.versions[0].version
    )


def _may_edit(request: HttpRequest, found: studio.Plan) -> bool:
    return found.open and found.sight.whole and actions.may_draft(account_of(request), found.run.place)


def _seen(
    request: HttpRequest, found: studio.Plan, result: studio_page.Result | None = None, **more: object
) -> dict[str, Any]:
    """What every page of a plan shows: the version or what was tried, and its sign-off unless only a part is wanted."""
    account = account_of(request)
    steps = studio_page.history(found)
    result = result or studio_page.kept(found, steps)
    part = bool(request.htmx)  # type: ignore[attr-defined]
    visible = access.visible_places(account)
    return {
        "plan": found,
        "split": found.split,
        "result": result,
        "lines": result.lines,
        "steps_words": studio_page.STEPS,
        "entries": entries(found.split) if found.sight.whole and not _may_edit(request, found) else (),
        "stale": studio_page.stale_words(found),
        "status": studio_files.status(found.run),
        "full": found.sight.rows is None,
        "own": studio_page.own_places(found, visible),
        "saved": request.GET.get("saved", ""),
        "part": part,
        **({"case": None} if part else studio_page.case_context(account, found, steps, request.path)),
        **more,
    }


def _editor(
    request: HttpRequest,
    base: Split,
    draft: Draft,
    found: studio.Plan | None,
    based_on: int,
    result: studio_page.Result | None = None,
    errors: list[tuple[str, str]] | None = None,
    **more: object,
) -> HttpResponse:
    """The page of the form, with the result of trying it; without one, that of the version kept."""
    errors = errors or []
    if found is None and result is None and not errors:
        result, errors = _tried(base, {})
    if result is None and errors:
        result = studio_page.Result(tried=True)
    if found:
        context = _seen(request, found, result)
    else:
        assert result is not None  # tried above
        context = {"plan": None, "split": base, "case": None, "full": True, "result": result, "lines": result.lines}
    context |= studio_page.form_context(draft, base, studio_page.spec_places(base), errors)
    context |= {
        "errors": errors,
        "based_on": based_on,
        "steps_words": studio_page.STEPS,
        "address": request.get_full_path() if found is None else request.path,
        **more,
    }
    # An answer that refuses is still swapped in: scripts only take answers with status 200.
    status = 422 if errors and not request.htmx else 200  # type: ignore[attr-defined]
    return render(request, "planning/studio_edit.html", context, status=status)


def _tried(split: Split, said: dict[str, trials.Ask]) -> tuple[studio_page.Result | None, list[tuple[str, str]]]:
    try:
        return studio_page.tried(split, said), []
    except REFUSALS as error:
        return None, [("", str(error))]


def _posted(request: HttpRequest, base: Split, found: studio.Plan | None) -> HttpResponse:
    """A form sent. All but saving only reads."""
    if request.POST.get("do") == "save":
        return _answered(request, base, found)
    with reading():
        return _answered(request, base, found)


def _answered(request: HttpRequest, base: Split, found: studio.Plan | None) -> HttpResponse:
    """Rows added or taken away, a repair or a counter-offer taken over, a split tried or saved."""
    draft = Draft.posted(request.POST)
    based_on = number(request.POST.get("based_on", "")) or 0
    said = studio.asks(studio_page.history(found))
    do, _, what = request.POST.get("do", "try").partition(":")
    draft = _changed(draft, do, what, base, said)
    split, errors = draft.split(base)
    if split is None:
        return _editor(request, base, draft, found, based_on, None, errors)
    if found and split.code != found.code:
        errors = [("code", f"方案代码是 {found.code}，已有版本，不能改。")]
        return _editor(request, base, draft, found, based_on, None, errors)
    result, errors = _tried(split, said)
    if do == "repair" and result and result.refused and result.refused["repair"]:
        draft = draft.repaired(result.refused["repair"]["changes"], studio_page.spec_places(base))
        return _posted_again(request, base, draft, found, based_on, said)
    if do == "save" and result and not result.refused:
        return _save(request, base, draft, split, found, based_on, result)
    return _editor(request, base, draft, found, based_on, result, errors)


def _changed(draft: Draft, do: str, what: str, base: Split, said: dict[str, trials.Ask]) -> Draft:
    section, _, at = what.partition(":")
    if do == "add" and section in FIELDS:
        return draft.plus(section, studio_page.empty_row(section))
    if do == "drop" and (row := number(at)) is not None:
        return draft.minus(section, row)
    if do == "accept" and what in said:
        return draft.with_fixed(what, *studio_page.taken_over(said[what], base.unit))
    return draft


def _posted_again(
    request: HttpRequest,
    base: Split,
    draft: Draft,
    found: studio.Plan | None,
    based_on: int,
    said: dict[str, trials.Ask],
) -> HttpResponse:
    split, errors = draft.split(base)
    result, more = _tried(split, said) if split else (None, [])
    notice = "已按最小放宽改了要求，结果在右边；满意就存为新版本。"
    return _editor(request, base, draft, found, based_on, result, errors + more, notice=notice)


def _save(
    request: HttpRequest,
    base: Split,
    draft: Draft,
    split: Split,
    found: studio.Plan | None,
    based_on: int,
    result: studio_page.Result,
) -> HttpResponse:
    try:
        run = actions.draft(split, actor=account_of(request), based_on=based_on)
    except actions.Outdated as error:
        mine = found.versions[0] if found else error.newest
        before = next((v for v in (found.versions if found else ()) if v.version == based_on), mine)
        change = studio_page.compared(before, error.newest) if before.pk != error.newest.pk else None
        told = {"outdated": error, "change": change}
        newest = error.newest.version
        return _editor(request, base, draft, found, newest, result, [("", str(error))], **told)
    except (actions.Closed, access.Denied, ValueError, CaseError) as error:
        return _editor(request, base, draft, found, based_on, result, [("", str(error))])
    address = f"{reverse('studio-plan', args=[run.code])}?saved={run.version}"
    return HttpResponseClientRedirect(address) if request.htmx else HttpResponseRedirect(address)  # type: ignore[attr-defined]


@login_required
@require_safe
def compare(request: HttpRequest, code: str) -> HttpResponse:
    """Two versions side by side, for who sees the plan whole."""
    found = _plan(request, code)
    if not found.sight.whole:
        raise Http404("没有可以比较的版本。")
    runs = {str(v.version): v for v in found.versions}
    newest = found.versions[0]
    other = runs.get(request.GET.get("b", ""), newest)
    before = found.in_force if found.in_force and found.in_force.pk != other.pk else found.versions[-1]
    one = runs.get(request.GET.get("a", ""), before)
    context = {"plan": found, "one": one, "other": other, "change": studio_page.compared(one, other)}
    return render(request, "planning/studio_compare.html", context)


@login_required
@require_POST
def counter(request: HttpRequest, code: str) -> HttpResponse:
    """A place's counter-offer in the sign-off; refused, the page keeps what was typed."""
    found = _plan(request, code)
    account, seen = account_of(request), number(request.POST.get("seen", ""))
    typed = {name: request.POST.get(name, "").strip() for name in ("place", "value", "reason")}
    allowed = dict(studio_page.own_places(found, access.visible_places(account)))
    errors: list[tuple[str, str]] = []
    if typed["place"] not in allowed:
        errors.append(("counter-place", "只能为自己的地方提反提案。"))
    try:
        if parse_number(typed["value"]) < 0:
            raise ValueError
    except ValueError:
        errors.append(
            ("counter-value", f"希望的目标值“{typed['value']}”不对。应为不小于 0 的数，单位 {found.split.unit}。")
        )
    if not errors and found.case is not None and seen is not None:
        try:
            sign_off.move(found.case.pk, "counter", actor=account, seen=seen, data=typed)
            return redirect("studio-plan", code=code)
        except FormRefused as error:
            errors = [(f"counter-{name}", words) for name, words in error.errors.items()]
        except (CaseError, access.Denied, Case.DoesNotExist) as error:
            errors = [("", str(error))]
    elif not errors:
        errors = [("", "现在不在征求意见，不能提反提案。")]
    context = _seen(request, found, errors=errors, typed=typed, wrong=dict(errors))
    return render(request, "planning/studio_seen.html", context, status=422)


@login_required
@require_safe
def growth_map(request: HttpRequest) -> HttpResponse:
    """The map of growth as a picture; the numbers stand in its address."""
    asked = [request.GET.get(name, "") for name in ("year", "middle", "at")]
    try:
        drawn = studio_page.drawn_map(*asked)
    except (ValueError, PlaceError) as error:
        raise Http404("没有这张图。") from error
    return HttpResponse(drawn, content_type="image/svg+xml", headers={"Cache-Control": "private, max-age=3600"})


@login_required
@require_safe
def workbook(request: HttpRequest, code: str, version: int) -> HttpResponse:
    """A version as .xlsx."""
    found = _plan(request, code, version)
    return _file(studio_files.workbook(found.run, found.sight), XLSX, f"{code}_第{version}版.xlsx")


@login_required
@require_safe
def table(request: HttpRequest, code: str, version: int) -> HttpResponse:
    """A version as CSV."""
    found = _plan(request, code, version)
    data = studio_files.table(found.run, found.sight).encode("utf-8-sig")
    return _file(data, "text/csv; charset=utf-8", f"{code}_第{version}版.csv")


def _file(data: bytes, kind: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": content_disposition_header(True, name) or "attachment"}
    return HttpResponse(data, content_type=kind, headers=headers)
