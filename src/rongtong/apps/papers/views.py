"""Pages of papers (材料): which there are, one as sheets, its officers' paragraphs, its way to release."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_POST

from rongtong import clock
from rongtong.apps.cases import queries as cases
from rongtong.apps.cases.errors import CaseError
from rongtong.apps.packs import queries as packs
from rongtong.apps.papers import actions, preview, queries, writing
from rongtong.apps.papers.blocks_base import wide
from rongtong.apps.papers.layout import PaperError
from rongtong.apps.papers.models import Issue, Release
from rongtong.apps.papers.queries import Title
from rongtong.apps.papers.writing import KINDS
from rongtong.apps.planning.queries import Unknown
from rongtong.apps.registry.access import Denied, account_of, may, visible_places
from rongtong.apps.registry.models import Account
from rongtong.cells import XLSX
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period, PeriodError
from rongtong.engine.place import PlaceError
from rongtong.typed import number

PER_PAGE = 40
CANNOT = (Unknown, PeriodError, PlaceError, PaperError)
TYPES = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": XLSX,
}


@dataclass(frozen=True, slots=True)
class Section:
    """A section an officer writes: its heading, what is asked, the text as typed and the text that stands there now."""

    key: str
    heading: str
    asked: str
    text: str
    seen: int
    theirs: str = ""


def _title(request: HttpRequest, kind: str, period: str) -> Title:
    """The paper of an address. Raises Http404, the same for one that cannot be and one that is not this account's."""
    given = Title(kind, period, request.GET.get("place", ""), request.GET.get("use", ""))
    try:
        if kind not in KINDS or str(Period.parse(period)) != period:
            raise Http404("没有这份材料。")
    except PeriodError as error:
        raise Http404("没有这份材料。") from error
    if not queries.reads(account_of(request), given.place):
        raise Http404("没有这份材料。")
    return given


def address(title: Title, name: str = "paper", **more: object) -> str:
    """Where a page of a paper is."""
    asked = {k: v for k, v in {"place": title.place, "use": title.use, **more}.items() if v}
    return reverse(name, args=[title.kind, title.period]) + (f"?{urlencode(asked)}" if asked else "")


@login_required
def papers(request: HttpRequest) -> HttpResponse:
    """The papers the account reads, by kind and period, each with its state."""
    kind = request.GET.get("kind", "")
    items = queries.listed(account_of(request), kind if kind in KINDS else "")
    page = Paginator(items, PER_PAGE).get_page(request.GET.get("page"))
    pack = packs.current()
    rows = [
        {
            "item": x,
            "name": KINDS[x.title.kind],
            "period": Period.parse(x.title.period).chinese,
            "about": _about(x.title, pack),
            "address": address(x.title),
        }
        for x in page
    ]
    shown = {k: v for k, v in KINDS.items() if pack.find("papers", k)}
    context = {"rows": rows, "page_obj": page, "kinds": shown, "kind": kind, "may": _may_make(request)}
    return render(request, "papers/papers.html", context)


def _about(title: Title, pack: Pack) -> str:
    use = pack.find("uses", title.use) if title.use else None
    parts = [pack.places.name(title.place)] if title.place else []
    return "，".join([*parts, *([use.name] if use else [])])


def _may_make(request: HttpRequest) -> bool:
    """Whether the account makes any paper: one of the whole, or an evidence sheet of a place of its own."""
    account, pack = account_of(request), packs.current()
    places = [p or pack.manifest.root_place for p in visible_places(account).places]
    about = queries.reads(account, "") or bool(_sheet_places(account, pack))
    return about and any(may(account, "papers.make", place) for place in places)


def _sheet_places(account: Account, pack: Pack) -> list[tuple[str, str]]:
    """Code and name of the account's places that have evidence sheets."""
    seen, root = visible_places(account), pack.manifest.root_place
    level = "city" if pack.places.at_level("city", root) else "county"
    return [(p, pack.places.name(p)) for p in pack.places.at_level(level, root) if p in seen]


@login_required
def paper_new(request: HttpRequest) -> HttpResponse:
    """Make a paper: kind and period, for evidence sheets a place and a use."""
    account, pack = account_of(request), packs.current()
    whole = queries.reads(account, "")
    typed = {"kind": request.GET.get("kind", ""), "period": "", "place": "", "use": "", **request.POST.dict()}
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        title = _asked(typed, errors)
        if title and not queries.reads(account, title.place):
            errors.append(("place", "这份材料的地方不在您的范围内。请选您所管的地方。"))
        if title and not errors:
            try:
                issue = _make(title, account)
                return redirect(address(queries.title_of(issue)))
            except CANNOT as error:
                errors.append(("period", str(error)))
            except Denied as error:
                errors.append(("kind", str(error)))
    kinds = {k: v for k, v in KINDS.items() if pack.find("papers", k) and (whole or k == "evidence")}
    context = {
        "typed": typed,
        "errors": errors,
        "kinds": kinds,
        "periods": _periods(typed["period"]),
        "latest": [(words, writing.latest(k, clock.today())) for k, words in kinds.items()],
        "places": _sheet_places(account, pack),
        "whole": whole,
        "uses": [(u.code, u.name) for u in pack.all("uses")],
        "may": _may_make(request),
    }
    return render(request, "papers/paper_new.html", context, status=422 if errors else 200)


def _periods(typed: str) -> list[tuple[str, str]]:
    """The periods to choose from, newest year first: whole years, halves, quarters and January to September.

    What was typed stands first where it is none of them, so that a refused form loses nothing.
    """
    today, spans = clock.today(), ((1, 12), (1, 6), (7, 6), (1, 9), (1, 3), (4, 3), (7, 3), (10, 3))
    years = range(today.year, today.year - 3, -1)
    found = [Period(year, month, months) for year in years for month, months in spans]
    choices = [(str(p), p.chinese) for p in found if p.first_day <= today]
    return choices if not typed or typed in dict(choices) else [(typed, typed), *choices]


def _asked(typed: dict[str, str], errors: list[tuple[str, str]]) -> Title | None:
    kind, text = typed["kind"], typed["period"].strip()
    if kind not in KINDS:
        errors.append(("kind", "没有选材料。请选一种。"))
    try:
        period = Period.parse(text)
    except PeriodError:
        errors.append(("period", f"期“{text}”认不出来。请写成 2025H1、2025Q1、2025-01..09 或 2025。"))
        return None
    evidence = kind == "evidence"
    period = period.whole_year if kind == "ledger" else period
    return Title(kind, str(period), typed["place"] if evidence else "", typed["use"] if evidence else "")


def _make(title: Title, account: Account) -> Issue:
    made = writing.make_file(title.kind, Period.parse(title.period), None, title.place, title.use)
    return actions.make(made, account)


@login_required
def paper(request: HttpRequest, kind: str, period: str) -> HttpResponse:
    """One paper as sheets, what officers write in it, and its way to release."""
    return _page(request, _title(request, kind, period))


def _page(request: HttpRequest, title: Title, status: int = 200, **more: object) -> HttpResponse:
    account = account_of(request)
    issue = queries.newest_issue(title.kind, title.period, title.place, title.use)
    place = queries.about(title.place)
    may_note = may(account, "papers.note", place)
    try:
        seen = preview.seen(title, editing=may_note)
    except CANNOT as error:
        return render(request, "papers/refused.html", {"message": str(error)}, status=404)
    case = queries.case_of(issue) if issue else None
    released = bool(case and case.stage == "released")
    context = {
        "title": title, "name": KINDS[title.kind], "period": Period.parse(title.period).chinese, "about": _about(title, packs.current()),
        "issue": issue, "case": case, "released": released, "releases": list(queries.releases(title)),
        "other": queries.case_in_review(title) if not (case and not case.outcome) else None,
        "may_make": may(account, "papers.make", place), "may_note": may_note,
        "changed": issue is not None and _changed(issue, seen), "seen": seen,
        "state": queries.STATES.get(case.stage, "草稿") if case else "草稿",
        "mark": "　".join(x for x in ("" if released else "草稿", seen.notice) if x),
        "sections": _sections(title, seen), "issues": _issues(title), "here": address(title),
        "at": {n: address(title, f"paper-{n}") for n in ("notes", "make", "send", "draft", "compare")},
        **_steps(account, case), **more,
    }  # fmt: skip
    return render(request, "papers/paper.html", context, status=status)


def _steps(account: Account, case: object) -> dict[str, object]:
    from rongtong.apps.cases.models import Case

    if not isinstance(case, Case):
        return {}
    return {"line": cases.line(case), "steps": cases.history(case), "offers": cases.offers(account, case)}


def _changed(issue: Issue, seen: preview.Seen) -> bool:
    """Whether the paper as it would be made now differs from the issue made last."""
    if seen.sha256:
        return issue.sha256 != seen.sha256
    stored = [tuple(pair) for pair in json.loads(issue.figures)]
    return stored != list(seen.figures) or json.loads(issue.texts) != seen.texts


def _sections(title: Title, seen: preview.Seen) -> list[Section]:
    pack = packs.current()
    known = {s.key: s for s in pack.get("papers", title.kind).sections}
    notes = queries.newest_notes(title.kind, title.period)
    found = []
    for key in seen.sections:
        section, note = known[key.split(".")[0]], notes.get(key)
        heading = writing.heading(section) + (f"（{_sheet_name(key, pack)}）" if "." in key else "")
        found.append(Section(key, heading, wide(section.manual), note.text if note else "", note.pk if note else 0))
    return found


def _sheet_name(key: str, pack: Pack) -> str:
    _, place, use = key.split(".", 2)
    return f"{pack.places.name(place)}，{pack.get('uses', use).name}"


def _issues(title: Title) -> list[Issue]:
    rows = Issue.objects.filter(paper=title.kind, period=title.period, place=title.place, use=title.use)
    out = Prefetch("releases", Release.objects.defer("content"))
    return list(rows.select_related("by").prefetch_related(out).defer("figures", "lines", "texts").order_by("-pk")[:12])


@login_required
@require_POST
def paper_notes(request: HttpRequest, kind: str, period: str) -> HttpResponse:
    """Keep the officers' paragraphs; a stale save stores nothing and shows both texts."""
    title = _title(request, kind, period)
    try:
        sections = _sections(title, preview.seen(title))
    except CANNOT as error:
        return render(request, "papers/refused.html", {"message": str(error)}, status=404)
    texts = {
        s.key: request.POST[f"text:{s.key}"].replace("\r\n", "\n") for s in sections if f"text:{s.key}" in request.POST
    }
    seen = {key: number(request.POST.get(f"seen:{key}", "")) or 0 for key in texts}
    try:
        actions.save_notes(kind, period, texts, account_of(request), place=title.place, seen=seen)
    except actions.StaleNote as error:
        kept = [
            Section(
                s.key, s.heading, s.asked, texts.get(s.key, s.text), s.seen,
                error.notes[s.key].text if s.key in error.notes else "",
            )
            for s in sections
        ]  # fmt: skip
        errors = [(f"text-{key}", str(error)) for key in error.notes]
        return _page(request, title, 409, errors=errors, sections=kept)
    except Denied as error:
        return _page(request, title, 403, errors=[("", str(error))])
    return redirect(address(title) + "#notes")


@login_required
@require_POST
def paper_make(request: HttpRequest, kind: str, period: str) -> HttpResponse:
    """Make the paper again from what is known now; what officers wrote stays."""
    title = _title(request, kind, period)
    try:
        _make(title, account_of(request))
    except CANNOT as error:
        return _page(request, title, 422, errors=[("", str(error))])
    except Denied as error:
        return _page(request, title, 403, errors=[("", str(error))])
    return redirect(address(title))


@login_required
@require_POST
def paper_send(request: HttpRequest, kind: str, period: str) -> HttpResponse:
    """Send the newest issue for release."""
    title = _title(request, kind, period)
    issue = queries.newest_issue(title.kind, title.period, title.place, title.use)
    if issue is None or str(issue.pk) != request.POST.get("issue", ""):
        return _page(request, title, 409, errors=[("", "您打开之后又生成了新的一稿，没有送审。请看过最新的一稿再送。")])
    try:
        actions.send(issue, account_of(request))
    except (actions.PaperRefused, CaseError) as error:
        return _page(request, title, 409, errors=[("", str(error))])
    except Denied as error:
        return _page(request, title, 403, errors=[("", str(error))])
    return redirect(address(title))


@login_required
def paper_draft(request: HttpRequest, kind: str, period: str) -> HttpResponse:
    """The paper as a file, as it would be made now, marked 草稿."""
    title = _title(request, kind, period)
    try:
        made = writing.make_file(title.kind, Period.parse(title.period), None, title.place, title.use)
    except CANNOT as error:
        return render(request, "papers/refused.html", {"message": str(error)}, status=404)
    return _file(made.data, made.file_name)


def _file(data: bytes, name: str) -> HttpResponse:
    answer = HttpResponse(data, content_type=TYPES[Path(name).suffix])
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return answer


@login_required
def paper_compare(request: HttpRequest, kind: str, period: str) -> HttpResponse:
    """Two issues of a paper: which figures moved, which lines changed."""
    title = _title(request, kind, period)
    issues = {str(i.pk): i for i in Issue.objects.filter(paper=kind, period=period, place=title.place, use=title.use)}
    ordered = list(issues.values())
    one = issues.get(request.GET.get("one", "")) or (ordered[-2] if len(ordered) > 1 else None)
    other = issues.get(request.GET.get("other", "")) or (ordered[-1] if len(ordered) > 1 else None)
    context = {
        "title": title, "name": KINDS[title.kind], "period": Period.parse(title.period).chinese, "about": _about(title, packs.current()),
        "issues": ordered, "one": one, "other": other, "here": address(title),
        "difference": queries.difference(one, other) if one and other else None,
    }  # fmt: skip
    return render(request, "papers/compare.html", context)


@login_required
def paper_picture(request: HttpRequest, kind: str, period: str, name: str) -> HttpResponse:
    """A picture of a paper, by the digest of its bytes."""
    title = _title(request, kind, period)
    try:
        data = preview.shown(title).pictures.get(name)
    except CANNOT as error:
        raise Http404("没有这张图。") from error
    if data is None:
        raise Http404("没有这张图。")
    answer = HttpResponse(data, content_type="image/png")
    # Kept by the browser, and shown again only after asking here, where the login is checked.
    answer["Cache-Control"] = "private, no-cache"
    answer["ETag"] = f'"{name}"'
    return get_conditional_response(request, etag=answer["ETag"], response=answer) or answer


@login_required
def released_file(request: HttpRequest, sha256: str) -> HttpResponse:
    """A released file, byte for byte as it was released; its digest is its address."""
    found = queries.release_of_file(sha256)
    if found is None or not queries.reads(account_of(request), found.issue.place):
        raise Http404("没有这份已发布的材料。")
    if found.removed_at is not None:
        raise Http404(
            f"这份原件已于 {found.removed_at.astimezone(clock.LOCAL):%Y-%m-%d} 除去：{found.removed_why}。哈希仍在，后一版是不含该个人信息的重发件。"
        )
    return _file(bytes(found.content), found.file_name)


@login_required
def generated_file(request: HttpRequest, name: str) -> FileResponse:
    """A draft that was generated into the instance's folder; only names listed there exist."""
    folder = Path(settings.HOME) / "out"
    there = {p.name for p in folder.glob("*") if p.suffix in TYPES} if folder.is_dir() else set()
    if name not in there or not queries.reads(account_of(request), ""):
        raise Http404("没有这份材料。")
    return FileResponse((folder / name).open("rb"), as_attachment=True, filename=name)
