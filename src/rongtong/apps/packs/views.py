"""Pages of amendments (规则修订): what an office changes in its rules, with its effect, before it is in force."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from rongtong import clock, uploads
from rongtong.apps.cases import queries as cases
from rongtong.apps.packs import (
    amend_actions,
    amend_effect,
    amend_fields,
    amend_layer,
    amend_queries,
    amend_sheet,
    queries,
)
from rongtong.apps.packs.amend_layer import KINDS, Change
from rongtong.apps.packs.models import Amendment
from rongtong.apps.registry.access import Denied, account_of, may, visible_places
from rongtong.cells import XLSX
from rongtong.engine.workbook import WorkbookError
from rongtong.entering import takes_files
from rongtong.typed import number

PER_PAGE = 30
View = Callable[..., HttpResponse]


def _whole(view: View) -> View:
    """A page for accounts that read the whole the packs are about; others are told so."""

    @login_required
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if queries.current().manifest.root_place not in visible_places(account_of(request)):
            message = "规则修订只对管全域的账号开放。需要改规则，请向省级处室提出。"
            return render(request, "packs/amend_refused.html", {"message": message}, status=403)
        try:
            return view(request, *args, **kwargs)
        except Denied as error:
            return render(request, "packs/amend_refused.html", {"message": str(error)}, status=403)

    return checked


def _found(request: HttpRequest, pk: int) -> Amendment:
    row = amend_queries.visible(account_of(request)).filter(pk=pk).first()
    if row is None:
        raise Http404("没有这件修订。")
    return row


@_whole
def amendments(request: HttpRequest) -> HttpResponse:
    """Every amendment, newest first, with its stage."""
    page = Paginator(amend_queries.visible(account_of(request)), PER_PAGE).get_page(request.GET.get("page"))
    rows = list(page)
    found = amend_queries.cases_of(rows)
    items = [
        {
            "row": row,
            "stage": cases.item(found[row.pk]).stage_name if row.pk in found else "",
            "code": found[row.pk].stage if row.pk in found else "",
            "count": len(amend_layer.parse(row.statements)),
        }
        for row in rows
    ]
    context = {"items": items, "page_obj": page, "may": _may(request), "layers": queries.current().layers}
    return render(request, "packs/amendments.html", context)


def _may(request: HttpRequest) -> bool:
    return may(account_of(request), "packs.amend", queries.current().manifest.root_place)


@_whole
def amendment_new(request: HttpRequest) -> HttpResponse:
    """Begin an amendment: what it is called, from which day, why."""
    typed = {"title": "", "in_force_from": clock.today().isoformat(), "note": "", **request.POST.dict()}
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        day = _day(typed["in_force_from"], errors)
        if day:
            try:
                row = amend_actions.draft(typed["title"], day, typed["note"], account_of(request))
            except amend_actions.AmendRefused as error:
                errors.append(("in_force_from" if "生效" in str(error) else "title", str(error)))
            else:
                return redirect("amendment", pk=row.pk)
    context = {"typed": typed, "errors": errors, "may": _may(request)}
    return render(request, "packs/amendment_new.html", context, status=422 if errors else 200)


def _day(text: str, errors: list[tuple[str, str]]) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        errors.append(("in_force_from", f"生效日期“{text}”不是日期。请写成 2025-08-01 这样。"))
        return None


@_whole
def amendment(request: HttpRequest, pk: int) -> HttpResponse:
    """One amendment: what it changes, what the check finds, what would move, and the steps open to the reader."""
    return _page(request, _found(request, pk))


def _page(request: HttpRequest, row: Amendment, status: int = 200, **more: object) -> HttpResponse:
    case = amend_queries.case_of(row)
    if case is None:
        raise Http404("这件修订没有办件。")
    published = getattr(row, "publication", None)
    laid = amend_queries.laid(row) if published is None else None
    offers = cases.offers(account_of(request), case)
    context = {
        "row": row, "case": case, "line": cases.line(case), "steps": cases.history(case), "offers": offers,
        "next": reverse("amendment", args=[row.pk]), "editable": _editable(request, row), "kinds": KINDS.items(),
        "shown": amend_queries.shown(row), "laid": laid, "effect": amend_effect.effect(laid, account_of(request)) if laid else None,
        "up_to_date": published is not None or amend_queries.up_to_date(row), "published": published,
        "typed": {"title": row.title, "in_force_from": row.in_force_from.isoformat(), "note": row.note},
        **more,
    }  # fmt: skip
    return render(request, "packs/amendment.html", context, status=status)


def _editable(request: HttpRequest, row: Amendment) -> bool:
    case = amend_queries.case_of(row)
    return case is not None and case.stage == amend_actions.EDITABLE and _may(request)


def _seen(request: HttpRequest) -> int:
    return number(request.POST.get("seen", "")) or 0


@_whole
@require_POST
def amendment_describe(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a draft another name, day or reason."""
    row = _found(request, pk)
    typed = {"title": "", "in_force_from": "", "note": "", **request.POST.dict()}
    errors: list[tuple[str, str]] = []
    day = _day(typed["in_force_from"], errors)
    if day:
        try:
            amend_actions.describe(
                pk, typed["title"], day, typed["note"], seen=_seen(request), actor=account_of(request)
            )
            return redirect("amendment", pk=pk)
        except amend_actions.AmendRefused as error:
            errors.append(("title", str(error)))
    return _page(request, row, 422, errors=errors, typed=typed, describing=True)


@_whole
def amendment_kind(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """The statements of a kind, to choose the one to amend."""
    row = _found(request, pk)
    _kind(kind)
    base = queries.current(row.in_force_from)
    asked = request.GET.get("q", "").strip()
    mine = {c.code for c in amend_layer.parse(row.statements) if c.kind == kind}
    codes = list(dict.fromkeys(s.code for s in base.all(kind)))
    items = [(s, _name(s), s.code in mine) for s in (base.get(kind, c) for c in codes) if _matches(s, asked)]
    context = {"row": row, "kind": kind, "words": KINDS[kind][0], "items": items, "asked": asked, "total": len(codes)}
    return render(request, "packs/amendment_kind.html", context)


def _kind(kind: str) -> None:
    if kind not in KINDS:
        raise Http404(f"没有“{kind}”这一类。应为 {'、'.join(KINDS)} 之一。")


def _name(statement: Any) -> str:
    if hasattr(statement, "name"):
        return str(statement.name)
    if hasattr(statement, "title"):
        return str(statement.title)
    card = queries.current().find("indicators", statement.indicator)
    return f"{card.name if card else statement.indicator} {statement.period}"


def _matches(statement: Any, asked: str) -> bool:
    return not asked or asked.lower() in f"{statement.code} {_name(statement)}".lower()


@_whole
def amendment_statement(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """One statement as a form made from its schema; `code` names the one amended, none a new one."""
    row = _found(request, pk)
    _kind(kind)
    code = request.GET.get("code", "")
    base = queries.current(row.in_force_from).find(kind, code) if code else None
    before = amend_layer.plain(base) if base else None
    draft = next((c for c in amend_layer.parse(row.statements) if (c.kind, c.code) == (kind, code)), None)
    if code and draft is None and before is None:
        raise Http404(f"没有“{code}”。")
    dated = kind in amend_layer.SUPERSEDED
    fresh = {"valid_from": row.in_force_from.isoformat()} if dated else {}
    value: dict[str, Any] = dict(draft.after if draft else before or fresh)
    errors: dict[str, str] = {}
    raw: dict[str, Any] = {}
    message, status = "", 200
    if request.method == "POST":
        value, errors, raw = amend_fields.read(kind, request.POST)
        if code and value.get("code") != code:
            errors["code"] = f"代码应为“{code}”，不能改；要用别的代码，请新增一条。"
        if not errors:
            first = draft.before if draft else before
            own = Change(kind, code or str(value["code"]), first, amend_layer.validated(kind, value))
            try:
                amend_actions.put(pk, [own], seen=_seen(request), actor=account_of(request))
                return redirect("amendment", pk=pk)
            except amend_actions.AmendRefused as error:
                message, status = str(error), 409
        else:
            status = 422
    form = amend_fields.fields(kind, value, {"errors": errors, "raw": raw})
    context = {
        "row": row, "kind": kind, "words": KINDS[kind][0], "code": code, "form": form,
        "offered": amend_fields.offered(form, queries.current(row.in_force_from)), "message": message,
        "errors": [(n, t) for n, t in errors.items() if "-" not in n or n.split("-")[0] not in errors],
        "seen": _seen(request) if status == 422 else row.number, "name": _name(base) if base else code,
        "editable": _editable(request, row),
        "fixed": [*(["code"] if code else []), *(["valid_from", "valid_to"] if dated else [])],
    }  # fmt: skip
    return render(request, "packs/amendment_statement.html", context, status=status)


@_whole
@require_POST
def amendment_remove(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """Take a statement out of the draft."""
    row = _found(request, pk)
    try:
        amend_actions.remove(pk, kind, request.POST.get("code", ""), seen=_seen(request), actor=account_of(request))
    except amend_actions.AmendRefused as error:
        return _page(request, row, 409, errors=[("", str(error))])
    return redirect("amendment", pk=pk)


@_whole
@require_POST
def amendment_rebase(request: HttpRequest, pk: int) -> HttpResponse:
    """Set the draft upon the packs now in force."""
    row = _found(request, pk)
    try:
        amend_actions.rebase(pk, seen=_seen(request), actor=account_of(request))
    except amend_actions.AmendRefused as error:
        return _page(request, row, 409, errors=[("", str(error))])
    return redirect("amendment", pk=pk)


@takes_files
@_whole
def amendment_sheet(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """The statements of a kind as a workbook; posted back, its changed rows become the draft's."""
    row = _found(request, pk)
    _kind(kind)
    base = queries.current(row.in_force_from)
    changes = {c.code: c.after for c in amend_layer.parse(row.statements) if c.kind == kind}
    if request.method != "POST":
        data = amend_sheet.workbook(base, kind, changes)
        return _file(data, f"{KINDS[kind][0]}_{base.fingerprint[:8]}.xlsx", XLSX)
    given = request.FILES.get("file")
    if given is None:
        return _page(request, row, 422, errors=[(f"file-{kind}", "没有选文件。请选本页导出、改好的 .xlsx。")])
    try:
        found, faults = amend_sheet.read(uploads.checked(given, ("xlsx",)), given.name or "", base, kind)
        if not faults:
            amend_actions.put(pk, found, seen=_seen(request), actor=account_of(request))
            return redirect("amendment", pk=pk)
    except (WorkbookError, uploads.UploadRefused, amend_actions.AmendRefused) as error:
        return _page(request, row, 422, errors=[(f"file-{kind}", str(error))])
    return _page(request, row, 422, errors=[(f"file-{kind}", f"{f.cell}：{f.message}") for f in faults])


@_whole
def amendment_pack(request: HttpRequest, pk: int) -> HttpResponse:
    """The amendment as a pack, zipped: `rongtong pack check` accepts its folder beside the packs it extends."""
    row = _found(request, pk)
    base = amend_queries.loaded_base(row)
    code = f"office-{pk}"
    changes = [(row.in_force_from, amend_layer.parse(row.statements))]
    files = amend_layer.files(base, changes, code=code, version=str(row.number))
    return _file(amend_layer.archive(files, code), f"{code}.zip", "application/zip")


@_whole
def office_pack(request: HttpRequest) -> HttpResponse:
    """Everything the office has published and that is in force, as a pack."""
    layer = next((x for x in queries.current().layers if x.manifest.code == amend_layer.OFFICE), None)
    if layer is None:
        raise Http404("还没有生效的修订。")
    return _file(amend_layer.archive(layer.files, "office"), "office.zip", "application/zip")


def _file(data: bytes, name: str, kind: str) -> HttpResponse:
    from urllib.parse import quote

    answer = HttpResponse(data, content_type=kind)
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return answer
