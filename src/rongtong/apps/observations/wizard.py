"""Pages that teach a layout: a workbook nobody coded, mapped column by column, tried, kept as an office's source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from pydantic import ValidationError

from rongtong.apps.observations import guessing, keeping, sourcing
from rongtong.apps.observations.actions import import_file
from rongtong.apps.observations.forms import refused
from rongtong.apps.observations.headings import headings
from rongtong.apps.observations.mapping import readable_sheets
from rongtong.apps.observations.models import STATUSES, OfficeSource
from rongtong.apps.observations.uploads import Asked, asked_of, completed, download, kept_file, receive
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.access import Denied, account_of, may
from rongtong.engine.pack.model import Source
from rongtong.engine.pack.read import explain
from rongtong.engine.workbook import Sheet, WorkbookError, shown
from rongtong.entering import takes_files
from rongtong.typed import number, too_long
from rongtong.uploads import UploadRefused

PREVIEW_ROWS, PREVIEW_COLUMNS = 12, 20


@dataclass(frozen=True, slots=True)
class Picked:
    """One column as the form shows it: what it is mapped to."""

    column: guessing.Column
    name: str
    indicator: str
    unit: str


@login_required
def sources(request: HttpRequest) -> HttpResponse:
    """The layouts that files are recognised by: the packs' and the offices'."""
    last = {row.code: row for row in OfficeSource.objects.select_related("saved_by").order_by("code", "version")}
    context = {
        "pack_sources": [s for s in packs.current().all("sources") if s.code not in last],
        "office_sources": list(last.values()),
        "may_teach": _may_teach(request),
        "notice": "版式已保存：下次上传同样的表会自动认出。" if request.GET.get("done") == "saved" else "",
    }
    return render(request, "observations/sources.html", context)


def _may_teach(request: HttpRequest) -> bool:
    who = account_of(request)
    try:
        return may(who, sourcing.SAVE, keeping.office(who))
    except Denied:
        return False


@login_required
def source_yaml(request: HttpRequest, code: str) -> HttpResponse:
    """An office's layout as a file of a pack."""
    source = next((s for s in sourcing.office_sources() if s.code == code), None)
    if source is None:
        raise Http404("没有这个版式。")
    return download(sourcing.as_yaml(source).encode(), f"{code}.yaml", "application/yaml; charset=utf-8")


@takes_files
@login_required
def new_source(request: HttpRequest) -> HttpResponse:
    """Send the workbook whose layout is to be taught."""
    context: dict[str, Any] = {}
    if request.method == "POST":
        try:
            return redirect("collection-source-map", pk=receive(request).pk)
        except UploadRefused as error:
            context["errors"] = [("file", str(error))]
    return render(request, "observations/source_new.html", context, status=422 if "errors" in context else 200)


@login_required
def map_source(request: HttpRequest, pk: int) -> HttpResponse:
    """Map the columns of a kept workbook; try the mapping; keep it."""
    file, pack = kept_file(request, pk), packs.current()
    data = keeping.content(file)
    try:
        sheets = readable_sheets(data, file.name)
    except WorkbookError as error:
        return render(request, "observations/source_new.html", {"errors": [("file", str(error))]}, status=422)
    if not sheets:
        errors = [("file", "文件里没有看得见的数据。")]
        return render(request, "observations/source_new.html", {"errors": errors}, status=422)
    post, do = request.POST, request.POST.get("do", "")
    sheet = next((s for s in sheets if s.name == post.get("sheet")), sheets[0])
    given_row = number(post.get("header_row", ""))
    row = given_row if given_row is not None and given_row in sheet.rows else 0
    guess = guessing.guess(sheet, pack, row, post.get("place_column", ""))
    kept = do in ("preview", "save")
    asked = asked_of(request)
    context: dict[str, Any] = {
        "upload": file,
        "sheets": [s.name for s in sheets],
        "sheet": sheet.name,
        "guess": guess,
        "grid": _grid(sheet, guess.header_row),
        "picked": _picked(guess, post if kept else {}),
        "headings": [words for _, words in headings(sheet, guess.header_row)],
        "cards": [c for c in pack.all("indicators") if not c.formula],
        "statuses": STATUSES,
        "places": [
            pack.places.get(p)
            for p in (pack.places.root, *pack.places.at_level("city"), *pack.places.at_level("county"))
        ],
        "form": _form(post if kept else {}, guess),
        "asked": asked,
        "errors": list(asked.errors),
    }
    if kept:
        return _try(request, data, file.name, sheet, guess, asked, context, save=do == "save")
    return render(request, "observations/source_map.html", context)


def _grid(sheet: Sheet, header_row: int) -> list[tuple[int, bool, list[str]]]:
    """The first rows of a sheet around its header: number, whether it is the header, texts."""
    rows = [r for r in sheet.rows if r <= header_row + PREVIEW_ROWS][:PREVIEW_ROWS]
    width = min(max((c for r in rows for c in sheet.rows[r]), default=1), PREVIEW_COLUMNS)
    return [(r, r == header_row, [shown(sheet.rows[r].get(c)) for c in range(1, width + 1)]) for r in rows]


def _picked(guess: guessing.Guess, post: Mapping[str, str]) -> list[Picked]:
    found = []
    for column in guess.columns:
        if column.heading in (guess.period_column, guess.known_from_column) and not post:
            continue
        indicator, unit = (
            (post.get(f"{k}.{column.number}", "") for k in ("i", "u")) if post else (column.indicator, column.unit)
        )
        found.append(Picked(column, f"{column.number}", indicator, unit))
    return found


def _form(post: Mapping[str, str], guess: guessing.Guess) -> dict[str, Any]:
    """What stands in the rest of the form."""
    if not post:
        return {
            "period_column": guess.period_column,
            "known_from_column": guess.known_from_column,
            "status": "flash",
            "skip": "，".join(guess.skip),
            "names": [(word, "") for word in guess.unknown],
        }
    names = ("name", "code", "status", "skip", "period_column", "known_from_column")
    return {n: post.get(n, "") for n in names} | {"names": [(w, post.get(f"n.{w}", "")) for w in guess.unknown]}


def _try(
    request: HttpRequest,
    data: bytes,
    file_name: str,
    sheet: Sheet,
    guess: guessing.Guess,
    asked: Asked,
    context: dict[str, Any],
    *,
    save: bool,
) -> HttpResponse:
    """Build the source, read the file by it without writing, and keep it where that was asked and nothing blocks."""
    errors: list[tuple[str, str]] = context["errors"]
    source = _source(request.POST, sheet, guess, errors)
    if source is not None and not errors:
        _run(request, data, file_name, source, asked, context)
    if save and source is not None and not errors and not context["report"].blocking:
        try:
            sourcing.save_source(source, actor=account_of(request), place=keeping.office(account_of(request)))
        except Denied as error:
            raise refused(error) from error
        query = f"?period={asked.period}&known_from={asked.known_from}"
        return redirect(reverse("collection-upload-preview", args=[context["upload"].pk]) + query)
    if save and not errors:
        errors.append(("", "按这个版式读还有强制性问题（见下），版式没有保存。请改映射，或改好文件后重传。"))
    return render(request, "observations/source_map.html", context, status=422 if errors else 200)


def _run(
    request: HttpRequest, data: bytes, file_name: str, source: Source, asked: Asked, context: dict[str, Any]
) -> None:
    made = completed(source, asked)
    if not (made.period_column or made.period):
        context["errors"].append(("period", "没有期的列时，请填这份文件的期，如 2025-06。"))
    if not (made.known_from_column or made.known_from):
        context["errors"].append(("known_from", "没有发布日期的列时，请填这份文件的发布日期，如 2025-07-10。"))
    if context["errors"]:
        return
    try:
        report = import_file(data, file_name, actor=account_of(request), layout=made, dry_run=True)
    except WorkbookError as error:
        context["errors"].append(("", str(error)))
        return
    except Denied as error:
        raise refused(error) from error
    pack = packs.current()
    context["report"] = report
    context["rows"] = [(r, pack.get("indicators", r.indicator).name) for r in report.new[:30]]


def _source(
    post: Mapping[str, str], sheet: Sheet, guess: guessing.Guess, errors: list[tuple[str, str]]
) -> Source | None:
    """The source the form describes, or None with what is wrong said in `errors`."""
    columns = [
        {"column": c.heading, "indicator": post[f"i.{c.number}"], "unit": post.get(f"u.{c.number}", "").strip()}
        for c in guess.columns
        if post.get(f"i.{c.number}") and c.heading not in (post.get("period_column"), post.get("known_from_column"))
    ]
    if not columns:
        errors.append(("columns", "还没有把任何一列对到指标。请在“列与指标”里至少选一个。"))
    errors += [
        (f"u-{c.number}", f"“{c.heading}”没有写单位。")
        for c in guess.columns
        if post.get(f"i.{c.number}") and not post.get(f"u.{c.number}", "").strip()
    ]
    if not post.get("name", "").strip():
        errors.append(("name", "请给这个版式起个名字，如“财政科技支出月报”。"))
    if problem := too_long(OfficeSource, "name", post.get("name", "").strip(), "名称"):
        errors.append(("name", problem))
    unknown = {w: post.get(f"n.{w}", "") for w in guess.unknown}
    skip = [w.strip() for w in post.get("skip", "").replace("、", "，").replace(",", "，").split("，") if w.strip()]
    plain: dict[str, Any] = {
        "code": post.get("code", "").strip() or _next_code(),
        "name": post.get("name", "").strip() or "未命名",
        "sheet": sheet.name,
        "header_row": guess.header_row,
        "place_column": guess.place_column,
        "place_by": "name",
        "place_names": {w: p for w, p in unknown.items() if p},
        "period_column": post.get("period_column", ""),
        "known_from_column": post.get("known_from_column", ""),
        "status": post.get("status", "flash"),
        "columns": columns or [{"column": "?", "indicator": "x", "unit": "x"}],
        "skip_rows": [*skip, *(w for w, p in unknown.items() if not p and w not in skip)],
    }
    try:
        return Source.model_validate(plain)
    except ValidationError as error:
        errors += [("code" if where == "code" else "", words) for where, words in explain(error)]
        return None


def _next_code() -> str:
    return f"office_{OfficeSource.objects.values('code').distinct().count() + 1}"
