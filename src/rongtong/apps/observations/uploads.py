"""Pages for files: into a slice, and into the observations by a layout; always preview, then confirm."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from rongtong import clock
from rongtong.apps.cases.models import Case
from rongtong.apps.observations import filing, keeping, slice_sheet, slices
from rongtong.apps.observations.actions import Report, import_file, row_and_column
from rongtong.apps.observations.forms import case_of, refused
from rongtong.apps.observations.mapping import UnknownLayout, recognised
from rongtong.apps.observations.marking import marked_copy
from rongtong.apps.observations.models import STATUSES, Entry, Upload
from rongtong.apps.observations.period_words import period_code
from rongtong.apps.observations.slices import Cell, Slice
from rongtong.apps.observations.sourcing import office_sources
from rongtong.apps.observations.template import template
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.access import Denied, account_of
from rongtong.cells import XLSX
from rongtong.engine.pack.model import Source
from rongtong.engine.period import Period, PeriodError
from rongtong.engine.reading import HARD, Finding
from rongtong.engine.workbook import WorkbookError
from rongtong.entering import takes_files
from rongtong.typed import number
from rongtong.uploads import UploadRefused, checked

KINDS = ("xlsx", "csv")
SHOWN_ROWS = 100


def receive(request: HttpRequest) -> Upload:
    """Keep the posted file. Raises UploadRefused with what is wrong with it, PermissionDenied."""
    file = request.FILES.get("file")
    if file is None:
        raise UploadRefused("没有选文件。请选一个 .xlsx 或 .csv 文件。")
    data = checked(file, KINDS)
    try:
        return keeping.keep(data, file.name or "文件", actor=account_of(request))
    except Denied as error:
        raise refused(error) from error


def kept_file(request: HttpRequest, pk: int) -> Upload:
    """A kept file of this account. Raises Http404."""
    try:
        return keeping.kept(account_of(request), pk)
    except Upload.DoesNotExist as error:
        raise Http404("没有这个文件，或已超过一天被清理。请重新上传。") from error


def download(data: bytes, name: str, kind: str = XLSX) -> HttpResponse:
    """A file for the reader to keep."""
    from django.utils.http import content_disposition_header

    response = HttpResponse(data, content_type=kind)
    response["Content-Disposition"] = content_disposition_header(True, name)
    return response


def marked_name(upload: Upload) -> str:
    """The name of the marked copy of a file."""
    return upload.name.rpartition(".")[0] + "（标注）.xlsx"


# --- into a slice ---


@dataclass(frozen=True, slots=True)
class Change:
    """What a file would make of a cell."""

    cell: Cell
    before: str
    after: str
    version: int

    @property
    def same(self) -> bool:
        return self.before == self.after

    @property
    def held_back(self) -> bool:
        """Whether a blocking finding speaks against taking it."""
        return any(f.severity == HARD for f in self.cell.findings)


@dataclass(frozen=True, slots=True)
class Preview:
    """A file against a slice: the cells it fills, every finding at its cell of the file, rows that are not the slice's."""

    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    foreign: int
    typed: tuple[filing.Typed, ...]

    @property
    def hard(self) -> int:
        return sum(f.severity == HARD for f in self.findings)

    @property
    def fresh(self) -> int:
        """How many cells it would change."""
        return sum(not c.same and not c.held_back for c in self.changes)


def preview(case: Case, upload: Upload) -> Preview:
    """What a kept file would change in a slice. Raises WorkbookError."""
    now = slices.read_slice(case)
    read = slice_sheet.read(keeping.content(upload), upload.name, now)
    given = {p.indicator: p for p in read.cells if p.value}
    entries = {c.item.indicator: c.entry for c in now.cells if c.entry}
    for code, proposed in given.items():
        cell = now.cell(code)
        entries[code] = Entry(
            case=case, indicator=code, version=cell.version + 1, value=proposed.value, unit=cell.item.unit,
            origin="import", reason=proposed.reason or cell.reason, at=clock.now(), by=upload.account,
        )  # fmt: skip
    then = slices.read_slice(case, entries)
    changes = tuple(
        Change(c, now.cell(code).value, c.value, now.cell(code).version)
        for c in then.cells
        if (code := c.item.indicator) in given
    )
    found = [*read.findings, *_at_cells(then, given)]
    typed = tuple(
        filing.Typed(c.cell.item.indicator, c.after, c.cell.reason, c.version) for c in changes if not c.held_back
    )
    return Preview(changes, tuple(sorted(found, key=lambda f: (f.sheet, *row_and_column(f.cell)))), read.foreign, typed)


def _at_cells(then: Slice, given: dict[str, slice_sheet.Proposed]) -> Iterable[Finding]:
    for finding in then.findings:
        at = given.get(finding.cell)
        if at is not None:
            yield replace(finding, sheet=at.sheet, cell=at.at)


@login_required
def slice_template(request: HttpRequest, pk: int) -> HttpResponse:
    """The workbook of a slice, with what is held in it."""
    case = case_of(request, pk)
    shown = slices.read_slice(case)
    return download(slice_sheet.write(shown), f"{case.title}.xlsx")


@takes_files
@login_required
def slice_upload(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a workbook for a slice."""
    case = case_of(request, pk)
    if not slices.may_fill(account_of(request), case):
        raise refused(Denied("现在不能填这份表：它不在“填报中”，或您不是它的填报人。"))
    if request.method != "POST":
        return render(request, "observations/slice_upload.html", {"case": case})
    try:
        upload = receive(request)
    except UploadRefused as error:
        context = {"case": case, "errors": [("file", str(error))]}
        return render(request, "observations/slice_upload.html", context, status=422)
    return redirect("collection-slice-preview", pk=pk, upload=upload.pk)


@login_required
def slice_preview(request: HttpRequest, pk: int, upload: int) -> HttpResponse:
    """What a workbook would change in a slice; a post fills it in."""
    case, file = case_of(request, pk), kept_file(request, upload)
    context: dict[str, Any] = {"case": case, "upload": file}
    try:
        found = preview(case, file)
    except WorkbookError as error:
        context["errors"] = [("file", str(error))]
        return render(request, "observations/slice_upload.html", context, status=422)
    if request.method == "POST":
        if found.hard and request.POST.get("partly") != "1":
            context["errors"] = [("", "文件有强制性问题，没有填入。请改好后重新上传，或勾选“只填入没有问题的格”。")]
        else:
            return _take(request, case, found)
    context["preview"] = found
    return render(request, "observations/slice_preview.html", context, status=422 if "errors" in context else 200)


def _take(request: HttpRequest, case: Case, found: Preview) -> HttpResponse:
    seen = {t.indicator: number(request.POST.get(f"s.{t.indicator}", "")) for t in found.typed}
    typed = [replace(t, seen=t.seen if (s := seen[t.indicator]) is None else s) for t in found.typed]
    try:
        done = filing.save(case, typed, actor=account_of(request), origin="import")
    except Denied as error:
        raise refused(error) from error
    if done.clashes or done.errors:
        from rongtong.apps.observations.forms import errors_of, lines
        from rongtong.apps.observations.views import show

        rows = lines(slices.read_slice(case), done, typed, None)
        return show(request, case, 409, lines=rows, errors=errors_of(rows))
    return redirect(f"{reverse('collection-slice', args=[case.pk])}?done=imported")


@login_required
def slice_marked(request: HttpRequest, pk: int, upload: int) -> HttpResponse:
    """The sent workbook with every cell at fault coloured and commented."""
    case, file = case_of(request, pk), kept_file(request, upload)
    return _marked(file, lambda: preview(case, file).findings)


def _marked(file: Upload, findings: Callable[[], tuple[Finding, ...]]) -> HttpResponse:
    try:
        data = marked_copy(keeping.content(file), file.name, findings())
    except WorkbookError as error:
        raise Http404(str(error)) from error
    return download(data, marked_name(file))


# --- into the observations ---


@dataclass(frozen=True, slots=True)
class Asked:
    """What a layout leaves open and the page asks for: the period, the day of publication."""

    period: str = ""
    known_from: str = ""
    errors: tuple[tuple[str, str], ...] = ()


def asked_of(request: HttpRequest) -> Asked:
    """The period and day of a request, with what is wrong with them."""
    period, day = (request.POST.get(n) or request.GET.get(n) or "" for n in ("period", "known_from"))
    period = period_code(period)
    errors = []
    try:
        if period:
            Period.parse(period)
    except PeriodError as error:
        errors.append(("period", str(error)))
    try:
        if day:
            date.fromisoformat(day)
    except ValueError:
        errors.append(("known_from", f"“{day}”不是日期。应为 2025-07-15 这样的日期。"))
    return Asked(period, day, tuple(errors))


def completed(source: Source, asked: Asked) -> Source:
    """A layout with the period and day that were asked for."""
    changes: dict[str, Any] = {}
    if not source.period_column and asked.period:
        changes["period"] = asked.period
    if not source.known_from_column and asked.known_from:
        changes["known_from"] = date.fromisoformat(asked.known_from)
    return source.model_copy(update=changes)


@takes_files
@login_required
def upload(request: HttpRequest) -> HttpResponse:
    """Send a file in the standard format or in a layout that was taught."""
    context: dict[str, Any] = {"sources": [*packs.current().all("sources"), *office_sources()]}
    if request.method == "POST":
        try:
            return redirect("collection-upload-preview", pk=receive(request).pk)
        except UploadRefused as error:
            context["errors"] = [("file", str(error))]
    return render(request, "observations/upload.html", context, status=422 if "errors" in context else 200)


@login_required
def standard_template(request: HttpRequest) -> HttpResponse:
    """The workbook of the standard format."""
    return download(template(packs.current(), clock.today()), "标准模板.xlsx")


@login_required
def upload_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """What a file would write; a post writes it, all or nothing."""
    file, asked = kept_file(request, pk), asked_of(request)
    context: dict[str, Any] = {"upload": file, "asked": asked, "statuses": STATUSES, "errors": list(asked.errors)}
    data, pack = keeping.content(file), packs.current()
    try:
        source = recognised(data, file.name, pack, office_sources())
        context["source"] = source
        context["needs_period"] = source is not None and not source.period_column
        context["needs_day"] = source is not None and not source.known_from_column
        ready = not asked.errors and (source is None or _complete(source, asked))
        if ready:
            write = request.method == "POST" and request.POST.get("do") == "confirm"
            context["report"] = report = _run(request, file, source, asked, dry_run=not write)
            context["rows"] = [(r, pack.get("indicators", r.indicator).name) for r in report.new[:SHOWN_ROWS]]
            context["written"] = report.batch is not None
    except UnknownLayout:
        context["unread"] = "系统还不认识这张表的版式。教一次，以后同样的表直接上传就能认出。"
        context["teachable"] = True
    except WorkbookError as error:
        context["unread"] = str(error)
    except Denied as error:
        raise refused(error) from error
    return render(request, "observations/upload_preview.html", context)


def _complete(source: Source, asked: Asked) -> bool:
    made = completed(source, asked)
    return bool(made.period_column or made.period) and bool(made.known_from_column or made.known_from)


def _run(request: HttpRequest, file: Upload, source: Source | None, asked: Asked, *, dry_run: bool) -> Report:
    layout = completed(source, asked) if source else None
    return import_file(keeping.content(file), file.name, actor=account_of(request), layout=layout, dry_run=dry_run)


@login_required
def upload_marked(request: HttpRequest, pk: int) -> HttpResponse:
    """The sent file with every cell at fault coloured and commented."""
    file, asked = kept_file(request, pk), asked_of(request)
    if asked.errors:
        raise Http404("期或日期写错了。")
    try:
        source = recognised(keeping.content(file), file.name, packs.current(), office_sources())
    except WorkbookError as error:
        raise Http404(str(error)) from error
    return _marked(file, lambda: _run(request, file, source, asked, dry_run=True).findings)
