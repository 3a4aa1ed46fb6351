"""The living document, its clauses, and the chain of a figure."""

from __future__ import annotations

from functools import lru_cache

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from rongtong import clock, uploads
from rongtong.apps.cases.supervision_queries import may_open
from rongtong.apps.observations import queries as observations
from rongtong.apps.packs import queries as packs
from rongtong.apps.packs import texts
from rongtong.apps.packs.models import DocumentText
from rongtong.apps.planning import chain, goals, pages_ledger, queries
from rongtong.apps.planning.views import choices
from rongtong.apps.portal import behind, document_chain, document_queries
from rongtong.apps.registry import access
from rongtong.apps.registry.models import Account
from rongtong.engine.figure import STATUS_WORDS, FigureError, Key
from rongtong.engine.pack.model import Document
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import PeriodError
from rongtong.engine.place import PlaceError
from rongtong.entering import takes_files


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The first page: the document with most commitments."""
    try:
        pack = packs.current()
    except packs.NoPack:
        return render(request, "portal/empty.html", status=503)
    main = document_queries.main(pack)
    if main is None:
        return render(request, "portal/empty.html", status=503)
    return _page(request, pack, main, "portal/home.html")


@require_safe
def document(request: HttpRequest, code: str) -> HttpResponse:
    """Any document of the packs, with the form to attach its official text."""
    pack = packs.current()
    try:
        item = document_queries.document(pack, code)
    except queries.Unknown as error:
        return _refused(request, str(error))
    return _page(request, pack, item, "portal/document.html")


def _page(
    request: HttpRequest, pack: Pack, item: Document, template: str, errors: tuple[tuple[str, str], ...] = ()
) -> HttpResponse:
    known = request.user.is_authenticated
    text = texts.newest(item.code) if known else None
    state = (pack.fingerprint, observations.state(), goals.state(), str(clock.today()))
    filters = pages_ledger.Filters.of(request.GET.dict())
    context = {
        "document": item,
        "outline": _outline(state, item.code, known, text.text if text else "", filters),
        "text": text,
        "preface": document_queries.preface(item, text),
        "documents": document_queries.documents(pack),
        "may_attach": isinstance(request.user, Account) and access.may(request.user, texts.KIND),
        "attached": request.GET.get("attached") == "1",
        "errors": errors,
        "errors_by": dict(errors),
    }
    return render(request, template, context, status=422 if errors else 200)


@lru_cache(maxsize=32)
def _outline(state: tuple[str, ...], code: str, known: bool, official: str, filters: pages_ledger.Filters) -> str:
    """The head and the clauses of a document: the same for everybody who has logged in, and for everybody who has not."""
    # The first argument is the state the answer depends on; it keys the cache.
    item = document_queries.document(packs.current(), code)
    text = DocumentText(document=code, text=official) if official else None
    own = [e for e in pages_ledger.entries() if e.item.document == code]
    every = pages_ledger.shown(own, protected=known)
    context = {
        "document": item,
        "text": text,
        "parts": document_queries.parts(item, every, filters, text),
        "summary": pages_ledger.summary(every),
        "pressing": [] if filters else document_queries.pressing(every),
        "shown": sum(filters.keeps(e) for e in every),
        "filters": filters,
        **choices(every),
    }
    return render_to_string("portal/_document_outline.html", context)


@takes_files
@require_POST
@login_required
def attach(request: HttpRequest, code: str) -> HttpResponse:
    """Attach the official text of a document (txt or docx)."""
    pack = packs.current()
    file = request.FILES.get("text")
    assert isinstance(request.user, Account)  # asked for by login_required
    try:
        item = document_queries.document(pack, code)
        access.require(request.user, texts.KIND)
        if file is None:
            raise texts.TextRefused("没有选择文件。请选一个 .docx 或 .txt。")
        texts.attach(code, file.name or "", _content(file), request.user)
    except queries.Unknown as error:
        return _refused(request, str(error))
    except access.Denied as error:
        return render(request, "portal/refused.html", {"heading": "没有权限", "message": str(error)}, status=403)
    except (texts.TextRefused, uploads.UploadRefused) as error:
        return _page(request, pack, item, "portal/document.html", (("id_text", str(error)),))
    return redirect(f"{reverse('document', args=[code])}?{urlencode({'attached': 1})}")


def _content(file: uploads.Upload) -> bytes:
    """The bytes of an uploaded .docx or .txt. Raises TextRefused or UploadRefused for any other file."""
    name = (file.name or "").lower()
    if not name.endswith((".docx", ".txt")):
        raise texts.TextRefused("这里只接收 .docx 和 .txt。请用 WPS 或 Word 另存为 .docx 后再传。")
    if name.endswith(".txt") and (file.size or 0) <= uploads.LARGEST:
        return file.read()
    return uploads.checked(file, ("docx",))


@require_safe
def clause(request: HttpRequest, code: str, clause: str) -> HttpResponse:
    """A clause and everything that stands on it."""
    pack, known = packs.current(), request.user.is_authenticated
    try:
        text = texts.newest(code) if known else None
        page = document_queries.clause_page(pack, code, clause, text, protected=known)
    except queries.Unknown as error:
        return _refused(request, str(error))
    return render(request, "portal/clause.html", {"page": page, "clause": page.view, "text": text})


@require_safe
def why(request: HttpRequest, figure: str) -> HttpResponse:
    """The chain of a figure, from the clause to the consequence, and how the number came to be."""
    try:
        key = Key.parse(figure)
        for indicator in filter(None, (key.indicator, key.base)):
            document_chain.readable(indicator, request.user)
        data = chain.why(figure)
        found, _ = queries.find(figure)
    except (queries.Unknown, FigureError, PeriodError, PlaceError) as error:
        return _refused(request, str(error))
    pack = packs.current()
    context = {
        "figure": found,
        "title": document_chain.title(pack, found),
        "status": STATUS_WORDS.get(found.status, found.status),
        "scope": pack.find("scopes", found.scope),
        "steps": document_chain.steps(figure, data, request.user),
        "lamp": document_chain.lamp(data),
        "evidence": [c for c in found.cites if c.file or c.release],
        "tree": document_chain.branch(pack, found),
        "behind": behind.behind(found, request.user),
        "may_supervise": may_open(request.user, [found.key.place]),
    }
    return render(request, "portal/why.html", context)


def _refused(request: HttpRequest, message: str) -> HttpResponse:
    return render(request, "portal/refused.html", {"message": message, "back": "/"}, status=404)
