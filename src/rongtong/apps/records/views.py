"""The audit pages (审计): for audit administrators alone, to look and to verify; nothing here changes or deletes."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from rongtong.apps.packs.queries import current
from rongtong.apps.records import leaves, queries
from rongtong.apps.records.kinds import kind_words
from rongtong.apps.records.models import Leaf
from rongtong.apps.registry import access
from rongtong.apps.registry.access import account_of
from rongtong.apps.registry.places import loaded_tree
from rongtong.typed import number

SHOWN = 50


@login_required
@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """The leaves, newest first, narrowed by the form above them."""
    return _audit(request)


def _audit(request: HttpRequest, status: int = 200, **more: Any) -> HttpResponse:
    access.require(account_of(request), leaves.READ)
    wanted, errors = _wanted(request)
    page = leaves.page(wanted, before=_number(request, "before"), after=_number(request, "after"))
    context = {
        "page": page,
        "lines": [(leaf, _words(leaf.kind), _place(leaf.place)) for leaf in page.leaves],
        "wanted": wanted,
        "query": _query(request),
        "kinds": [(kind, _words(kind)) for kind in leaves.kinds()],
        "places": _places(),
        "head": queries.head(),
        "errors": errors,
        **more,
    }
    return render(request, "records/audit.html", context, status=422 if errors else status)


@login_required
@require_safe
def leaf(request: HttpRequest, sequence: int) -> HttpResponse:
    """One leaf with its payload; opening it is recorded."""
    try:
        found, payload = leaves.read_payload(sequence, actor=account_of(request))
    except Leaf.DoesNotExist as error:
        raise Http404(f"日志中没有第 {sequence} 条。") from error
    text = json.dumps(json.loads(payload.text), ensure_ascii=False, indent=2) if payload.text else ""
    context = {
        "leaf": found,
        "place": _place(found.place),
        "words": _words(found.kind),
        "payload": payload,
        "text": text,
    }
    return render(request, "records/leaf.html", context)


@login_required
@require_POST
def verify(request: HttpRequest) -> HttpResponse:
    """Check every hash of the log, against a head saved outside if one is given."""
    try:
        found = leaves.verify(actor=account_of(request), saved_head=request.POST.get("head", "").strip())
    except queries.HeadError as error:
        return _audit(request, 422, errors=[("head", str(error))])
    return _audit(request, verified=found, findings=found.findings[:SHOWN])


@login_required
@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """The leaves of the present narrowing as CSV."""
    wanted, _ = _wanted(request)
    response = HttpResponse(
        "\ufeff" + leaves.export(wanted, actor=account_of(request)), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return response


def _wanted(request: HttpRequest) -> tuple[leaves.Wanted, list[tuple[str, str]]]:
    days: dict[str, date | None] = {}
    errors = []
    for name in ("first", "last"):
        text = request.GET.get(name, "").strip()
        try:
            days[name] = date.fromisoformat(text) if text else None
        except ValueError:
            days[name] = None
            errors.append((name, f"“{text[:20]}”不是日期。请写成 2025-07-15 的样子。"))
    texts = {name: request.GET.get(name, "").strip() for name in ("actor", "kind", "place", "subject")}
    return leaves.Wanted(first=days["first"], last=days["last"], **texts), errors


def _words(kind: str) -> str:
    """A kind in Chinese; a step of a case with the name its process gives it: 督办：签收."""
    area, _, rest = kind.partition(".")
    process, _, step = rest.partition(".")
    tree = loaded_tree()
    found = current().find("processes", process) if area == "cases" and tree is not None else None
    if found is None:
        return kind_words(kind)
    made = found.transition(step)
    return f"{found.name}：{made.name if made else '发起'}"


def _place(code: str) -> str:
    """The name of a place; the code itself before any pack is loaded."""
    tree = loaded_tree() if code else None
    return tree.name(code) if tree is not None else code


def _places() -> list[tuple[str, str]]:
    tree = loaded_tree()
    if tree is None:
        return []
    return [(c, tree.name(c)) for level in ("province", "city", "county") for c in tree.at_level(level)]


def _query(request: HttpRequest) -> str:
    """The narrowing as a query string, without the place in the pages."""
    return urlencode({k: str(v) for k, v in request.GET.items() if v and k not in ("before", "after")})


def _number(request: HttpRequest, name: str) -> int | None:
    return number(request.GET.get(name, ""))
