"""Pages that open the cases of a process from a workbook: template, upload with preview, confirmation, marked copy."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from rongtong.apps.cases import case_importing, case_sheets, queries
from rongtong.apps.cases.case_sheets import Draft
from rongtong.apps.cases.opening import Start, starts
from rongtong.apps.registry.access import account_of
from rongtong.apps.registry.marking import marked_copy
from rongtong.apps.registry.sheets import CellError
from rongtong.cells import XLSX
from rongtong.engine.process import form
from rongtong.entering import takes_files
from rongtong.uploads import UploadRefused, checked

PREVIEWED = 50


def _start(request: HttpRequest, code: str) -> Start:
    """What the account may start of a process. Raises Http404 where it may not."""
    found = next((s for s in starts(account_of(request)) if s.process.code == code), None)
    if found is None:
        raise Http404("没有可由您开始的这个流程。")
    return found


@login_required
@require_safe
def template(request: HttpRequest, code: str) -> HttpResponse:
    """The workbook to fill in."""
    start = _start(request, code)
    if words := case_sheets.unfit(start.process):
        return _page(request, start, 409, errors=[("", words)])
    return _workbook(case_sheets.template(start), f"{code}-template.xlsx")


@takes_files
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def import_(request: HttpRequest, code: str) -> HttpResponse:
    """Take a filled template and show what it would open, or every problem; confirmed, open all of it."""
    start = _start(request, code)
    if words := case_sheets.unfit(start.process):
        return _page(request, start, 409, errors=[("", words)])
    if request.method != "POST":
        return _page(request, start)
    if "data" in request.POST:
        return _confirmed(request, start)
    file = request.FILES.get("file")
    try:
        if file is None:
            raise UploadRefused("没有选择文件。请选填好的 .xlsx。")
        data = checked(file, ("xlsx",))
    except UploadRefused as refused:
        return _page(request, start, 422, errors=[("file", str(refused))])
    return _preview(request, start, data, file.name or "")


@takes_files
@login_required
@require_POST
def marked(request: HttpRequest, code: str) -> HttpResponse:
    """The uploaded workbook with its problems marked, to be mended and uploaded again."""
    start = _start(request, code)
    data = _sent_back(request)
    _, problems = case_sheets.read(data, request.POST.get("name", ""), start)
    if not data or not problems or not problems[0].sheet:
        return _page(request, start, 422, errors=[("file", "没有可标注的文件。请重新选择填好的 .xlsx。")])
    return _workbook(marked_copy(data, problems), f"{code}-marked.xlsx")


def _preview(request: HttpRequest, start: Start, data: bytes, name: str) -> HttpResponse:
    drafts, problems = case_sheets.read(data, name, start)
    context: dict[str, Any] = {"data": base64.b64encode(data).decode("ascii"), "name": name}
    if problems:
        return _page(request, start, 422, problems=problems, markable=bool(problems[0].sheet), **context)
    before = case_importing.earlier(start, drafts)
    if before:
        return _page(request, start, 409, errors=[("file", str(before))])
    return _page(request, start, drafts=drafts, rows=_rows(start, drafts[:PREVIEWED]), **context)


def _confirmed(request: HttpRequest, start: Start) -> HttpResponse:
    """Open what was previewed; it is read anew."""
    data, name = _sent_back(request), request.POST.get("name", "")
    drafts, problems = case_sheets.read(data, name, start)
    if problems:
        return _page(request, start, 422, problems=problems, name=name)
    if before := case_importing.earlier(start, drafts):
        return _page(request, start, 409, errors=[("file", str(before))])
    try:
        made = case_importing.open_all(start, drafts, name, actor=account_of(request))
    except case_importing.ImportRefused as error:
        sheet = case_sheets.sheet_name(start.process)
        wrong = CellError(sheet, f"A{error.row}" if error.row else "", "", f"{error}一件也没有开。")
        return _page(request, start, 409, problems=(wrong,), name=name)
    cases = [(case, queries.address(case)) for case in made]
    return render(request, "cases/import_done.html", {"process": start.process, "cases": cases})


def _rows(start: Start, drafts: tuple[Draft, ...]) -> list[dict[str, Any]]:
    """The drafts as the preview shows them: row, place, organisation, and the answers in the order of the columns."""
    found = []
    for draft in drafts:
        words = {name: text for _, text, name in form.shown(start.process.form, draft.data, queries.place_name)}
        answers = [words.get(c.field.name, "") for c in case_sheets.columns(start) if c.field.name]
        found.append({"row": draft.row, "place": draft.place, "organisation": draft.organisation, "answers": answers})
    return found


def _sent_back(request: HttpRequest) -> bytes:
    """The workbook that the preview page carries; empty bytes, which no check passes, when it was tampered with."""
    try:
        return base64.b64decode(request.POST.get("data", ""), validate=True)
    except binascii.Error:
        return b""


def _page(request: HttpRequest, start: Start, status: int = 200, **more: object) -> HttpResponse:
    heads = [c.head for c in case_sheets.columns(start) if c.field.name]
    context = {"start": start, "process": start.process, "most": case_sheets.MOST_ROWS, "heads": heads, **more}
    return render(request, "cases/import.html", context, status=status)


def _workbook(data: bytes, name: str) -> HttpResponse:
    response = HttpResponse(data, content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
