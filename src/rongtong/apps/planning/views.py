"""The pages of planning: indicators, commitments, targets, uses of the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from rongtong import clock
from rongtong.apps.packs import queries as packs
from rongtong.apps.planning import (
    pages_cards,
    pages_commitment,
    pages_export,
    pages_ledger,
    pages_targets,
    pages_uses,
    queries,
)
from rongtong.apps.registry import access
from rongtong.apps.registry.access import account_of
from rongtong.engine.pace import SHAPES, WORDS
from rongtong.engine.pack.check_words import KIND_WORDS
from rongtong.engine.place import PlaceError
from rongtong.engine.target import KIND_WORDS as TARGET_WORDS
from rongtong.typed import number

Page = Callable[..., HttpResponse]


def _refusing(page: Page) -> Page:
    """Say in words with 404 what does not exist."""

    @wraps(page)
    def answer(request: HttpRequest, **named: str) -> HttpResponse:
        try:
            return page(request, **named)
        except (queries.Unknown, PlaceError) as error:
            return render(request, "portal/refused.html", {"message": str(error)}, status=404)

    return answer


@require_safe
def indicators(request: HttpRequest) -> HttpResponse:
    """The indicator library with its filters."""
    pack, known = packs.current(), request.user.is_authenticated
    every = pages_cards.library(pack, protected=known)
    filters = pages_cards.Filters.of(request.GET.dict())
    found = [line for line in every if filters.keeps(line)]
    families: dict[str, list[pages_cards.Line]] = {}
    for line in found:
        families.setdefault(line.scope, []).append(line)
    context = {
        "families": families.items(),
        "count": len(found),
        "all": len(every),
        "data": sum(line.data for line in every),
        "aimed": sum(line.target for line in every),
        "filters": filters,
        "scopes": _options((line.card.scope, line.scope) for line in every),
        "sources": _options((line.card.source_type, line.source) for line in every),
        "owners": _options((line.card.owner or "未明确",) * 2 for line in every),
        "levels": [(c, w) for c, w in pages_cards.LEVELS.items() if known or c == "L1"],
    }
    return render(request, "planning/indicators.html", context)


def _options(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return list(dict(pairs).items())


@require_safe
@_refusing
def indicator(request: HttpRequest, code: str) -> HttpResponse:
    """One card: every field in words, where it is used, its latest values; as CSV with format=csv."""
    pack = packs.current()
    card = queries.card(pack, code)
    if card.level != "L1" and not request.user.is_authenticated:
        raise queries.Unknown("这张指标卡须登录后查看。")
    board, periods = pages_cards.latest(pack, card, request.GET.get("period", ""))
    if request.GET.get("format") == "csv":
        rows = pages_cards.table(board) if board else ()
        return pages_export.table_csv(f"{code}_{board.period if board else ''}.csv", pages_cards.HEAD, rows)
    scope = pack.find("scopes", card.scope)
    context = {
        "card": card,
        "scope": scope,
        "apart": pages_cards.apart(pack, scope) if scope else [],
        "whole": pack.find("indicators", card.part_of) if card.part_of else None,
        "measured": pack.find("indicators", card.measure_of.indicator) if card.measure_of else None,
        "direction": pages_cards.DIRECTIONS[card.direction],
        "frequency": "、".join(pages_cards.FREQUENCIES[f] for f in card.frequency),
        "aggregation": pages_cards.aggregation(card),
        "source": pages_cards.SOURCES[card.source_type],
        "level": pages_cards.LEVELS[card.level],
        "basis": [pages_cards.basis(pack, c) for c in card.basis],
        "rule": pages_cards.rule(pack, card.lamp, clock.today()),
        "history": pages_cards.history(pack, code),
        "used": pages_cards.used(pack, card),
        "origin": pack.origin("indicators", card),
        "board": board,
        "rows": list(pages_cards.rows(board)) if board else [],
        "periods": periods,
    }
    return render(request, "planning/indicator.html", context)


@require_safe
def commitments(request: HttpRequest) -> HttpResponse:
    """The ledger of every commitment; as a file with format=csv or format=xlsx."""
    pack, known = packs.current(), request.user.is_authenticated
    every = pages_ledger.shown(pages_ledger.entries(), protected=known)
    kind = request.GET.get("kind") or "promise"
    filters = pages_ledger.Filters.of({**request.GET.dict(), "kind": "" if kind == "all" else kind})
    found = [e for e in every if filters.keeps(e)]
    if request.GET.get("format") == "csv":
        return pages_export.ledger_csv(found)
    if request.GET.get("format") == "xlsx":
        return pages_export.ledger_xlsx(found, source=pack.fingerprint)
    by = request.GET.get("group", "clause")
    by = by if by in pages_ledger.GROUPS else "clause"
    context = {
        "groups": pages_ledger.grouped(found, by),
        "group": by,
        "group_words": pages_ledger.GROUPS,
        "count": len(found),
        "summary": pages_ledger.summary(found),
        "achieved": sum(not e.promised for e in every),
        "filters": filters,
        **choices(every),
    }
    return render(request, "planning/commitments.html", context)


def choices(every: tuple[pages_ledger.Entry, ...]) -> dict[str, object]:
    """What each filter of the ledger offers."""
    return {
        "kinds": [("promise", "全部承诺（不含已有成绩）"), *KIND_WORDS.items()],
        "lamp_words": [*((c, f"{SHAPES[c]} {w}") for c, w in WORDS.items()), (pages_ledger.NO_LAMP, "不亮灯")],
        "departments": pages_ledger.department_names(every),
        "clauses": sorted({e.item.clause for e in every}),
        "statuses": [("open", "未完成"), ("done", "已完成")],
    }


@require_safe
@_refusing
def commitment(request: HttpRequest, code: str) -> HttpResponse:
    """One commitment with its chain, targets, figure, lamp and what was issued about it."""
    return render(request, "planning/commitment.html", pages_commitment.page(code, request.user))


@require_safe
@_refusing
def targets(request: HttpRequest) -> HttpResponse:
    """The targets of a year with every reading, and the balances of published parts and totals."""
    pack, known = packs.current(), request.user.is_authenticated
    years = pages_targets.years(pack)
    text, today = request.GET.get("year", ""), clock.today().year
    asked = number(text)
    year = asked if asked in years else today if today in years else years[0] if years else 0
    if text and text != str(year):
        raise queries.Unknown(f"{text} 年没有目标。有目标的年份：{'、'.join(map(str, years))}。")
    kind = request.GET.get("kind", "")
    every = [line for line in pages_targets.lines(pack, year) if known or not line.protected]
    found = [line for line in every if not kind or line.target.kind == kind]
    context = {
        "lines": found,
        "count": len(found),
        "year": year,
        "years": years,
        "kind": kind,
        "kinds": [(k, w, sum(line.target.kind == k for line in every)) for k, w in TARGET_WORDS.items()],
        "balances": pages_targets.balanced(pack, year),
    }
    return render(request, "planning/targets.html", context)


@require_safe
@_refusing
def target(request: HttpRequest, code: str) -> HttpResponse:
    """One target: readings, pace, forecast, lamps month by month, allocation in force."""
    pack = packs.current()
    found = pack.find("targets", code)
    if found and queries.card(pack, found.indicator).level != "L1" and not request.user.is_authenticated:
        raise queries.Unknown("这个目标须登录后查看。")
    return render(request, "planning/target.html", pages_targets.page(code))


@require_safe
@login_required
def uses(request: HttpRequest) -> HttpResponse:
    """The uses of the result that documents name, and the places whose sheets this account may open."""
    pack = packs.current()
    context = {
        "uses": pages_uses.overview(pack),
        "places": pages_uses.places(pack, access.visible_places(account_of(request))),
    }
    return render(request, "planning/uses.html", context)


@require_safe
@login_required
@_refusing
def use(request: HttpRequest, code: str, place: str) -> HttpResponse:
    """The evidence sheet of a place for a use; a place the account does not read is as if it were not there."""
    pack = packs.current()
    visible = access.visible_places(account_of(request))
    if place not in visible or place not in pack.places.places:
        raise queries.Unknown(f"没有“{place}”的证据表，或不在您的授权范围内。")
    if place == pack.manifest.root_place:
        raise queries.Unknown("证据表按下级地方分列，请选一个地方。")
    context = pages_uses.sheet(code, place)
    return render(request, "planning/use.html", {**context, "places": pages_uses.places(pack, visible)})
