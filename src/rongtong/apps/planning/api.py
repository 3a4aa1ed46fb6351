"""The API of planning. Shapes come from `shapes`, the same as the command line's."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from ninja.security import django_auth

from rongtong.apps.packs import queries as packs
from rongtong.apps.planning import chain as chains
from rongtong.apps.planning import forecasting, queries, shapes, splitting
from rongtong.apps.registry import access
from rongtong.engine.allocation import allocate as solve
from rongtong.engine.allocation.solution import Infeasible
from rongtong.engine.figure import Key
from rongtong.engine.pack.plan import Split
from rongtong.engine.period import Period

router = Router(tags=["monitoring"])


class Refusal(Schema):
    """Why a request was refused, and what to do: `error` in Chinese with the particulars, `error_en` in English."""

    error: str
    error_en: str


class LampOut(Schema):
    """A lamp and its why."""

    lamp: Literal["green", "yellow", "red", "blue", "grey"]
    shape: str
    word: str
    basis: str
    rule: str
    rule_from: str
    case: str
    numbers: dict[str, str]
    mark: str


class RowOut(Schema):
    """One place: numbers as strings, percentages as plain numbers, ranks integers with ties."""

    figure: str
    place: str
    name: str
    value: str | None
    yoy: str | None
    yoy_rank: int | None
    share: str | None
    rank: int | None
    gap_to_mean: str | None
    goal: str | None
    completion: str | None
    baseline: str | None
    lamp: str | None
    lamp_why: LampOut | None
    status: str
    late: bool
    sentence: str


class BoardOut(Schema):
    """A card's figures for a period as known on a day."""

    indicator: str
    name: str
    period: str
    unit: str
    scope: str
    chain: str | None
    as_of: str
    synthetic: bool
    rows: list[RowOut]
    total: RowOut
    unallocated: str | None
    check: str | None
    late: list[str]


class ReadingOut(Schema):
    reading: str
    actual: str | None
    actual_figure: str | None
    bar: str | None
    met: bool | None


class TargetOut(Schema):
    code: str
    indicator: str
    name: str
    place: str
    period: str
    kind: str
    comparator: str
    value: str | None
    unit: str
    figure: str | None
    baseline: str
    commitment: str | None
    document: str
    clause: str | None
    provenance: str
    met: bool | None
    readings: list[ReadingOut]


class PartOut(Schema):
    target: str
    figure: str
    value: str


class BalanceOut(Schema):
    """A published total less its published parts; the difference is named, never fixed."""

    code: str
    total: str
    total_figure: str
    parts: list[PartOut]
    difference: str
    difference_figure: str
    unit: str
    readings: list[str]


class TargetsOut(Schema):
    targets: list[TargetOut]
    balances: list[BalanceOut]


class CardOut(Schema):
    code: str
    name: str
    name_en: str
    definition: str
    unit: str
    scope: str
    level: str


class CommitmentOut(Schema):
    id: str
    document: str
    clause: str
    kind: str
    name: str
    value: str | None
    unit: str
    department: str
    department_inferred: str
    indicator: str
    unmeasured: str


REFUSALS: dict[int, Any] = {403: Refusal, 404: Refusal, 422: Refusal, 503: Refusal}
LOGIN: dict[int, Any] = {401: Refusal, **REFUSALS}
# A body may be unreadable, or too big.
BODY: dict[int, Any] = {400: Refusal, 413: Refusal, **LOGIN}
CSV = {"responses": {200: {"description": "OK", "content": {"text/csv": {"schema": {"type": "string"}}}}}}


@router.get("/figures", response={200: BoardOut, **REFUSALS})
def figures(
    request: HttpRequest,
    indicator: str,
    period: str,
    level: Literal["city", "county", "children"] = "city",
    place: str = "",
    chain: str = "",
    as_of: date | None = None,
) -> dict[str, Any]:
    """An indicator's figures by place for a period."""
    _open(request, indicator)
    return shapes.board(queries.monitor(queries.Asked(indicator, Period.parse(period), level, place, chain, as_of)))


@router.get("/targets", response={200: TargetsOut, **REFUSALS})
def targets(request: HttpRequest, year: int, as_of: date | None = None) -> dict[str, Any]:
    """A year's targets with every reading, and the balances of totals and parts."""
    if not 1900 <= year <= 2200:
        raise queries.Unknown(f"年份 {year} 不在 1900—2200 之间。")
    return {
        "targets": [shapes.goal(g) for g in queries.targets(year, as_of)],
        "balances": [shapes.balance(b) for b in queries.balances(year, as_of)],
    }


@router.get("/why/{figure}", response={200: dict[str, Any], **REFUSALS})
def why(request: HttpRequest, figure: str, as_of: date | None = None) -> dict[str, Any]:
    """A figure's derivation, and its chain from clause to consequence."""
    _open_figure(request, figure)
    return chains.why(figure, as_of)


@router.get("/sum", response={200: dict[str, Any], **REFUSALS})
def add(request: HttpRequest, figure: Query[list[str]], as_of: date | None = None) -> dict[str, Any]:
    """The sum of figures of one 口径, or the reason they may not be added."""
    for one in figure:
        _open_figure(request, one)
    return queries.add(figure, as_of).as_dict()


@router.get("/nowcast/{target}", response={200: dict[str, Any], **REFUSALS})
def nowcast(request: HttpRequest, target: str, as_of: date | None = None) -> dict[str, Any]:
    """The year-end forecasts of a target."""
    found = forecasting.outlook(target, as_of)
    _open(request, found.card.code)
    return forecasting.shape(found)


@router.post("/allocate", auth=django_auth, response={200: dict[str, Any], 409: dict[str, Any], **BODY})
def allocate(request: HttpRequest, split: Split) -> Any:
    """Try a split; nothing is kept. 409 with the conflicting demands and the cheapest repair when there is none."""
    access.require(request.user, "planning.allocate", "")  # type: ignore[arg-type]
    prepared = splitting.prepare(split)
    found = solve(prepared.problem)
    if isinstance(found, Infeasible):
        return 409, shapes.infeasible(prepared, found)
    return 200, shapes.solution(prepared, found)


@router.get("/cards", response={200: list[CardOut], 503: Refusal})
def cards(request: HttpRequest) -> list[Any]:
    """The indicator cards that are open to the reader."""
    return [c for c in packs.current().all("indicators") if c.level == "L1" or request.user.is_authenticated]


@router.get("/commitments", response={200: list[CommitmentOut], 503: Refusal})
def commitments(request: HttpRequest) -> list[Any]:
    """Every commitment of the documents."""
    return list(packs.current().all("commitments"))


@router.get("/export.csv", auth=django_auth, response=LOGIN, openapi_extra=CSV)
def export(request: HttpRequest, as_of: date | None = None) -> HttpResponse:
    """All observations known on a day, in the standard long format."""
    from rongtong.apps.observations.export import csv_text

    access.require(request.user, "observations.export", "")  # type: ignore[arg-type]
    return HttpResponse(csv_text(as_of).encode("utf-8-sig"), content_type="text/csv; charset=utf-8")


def _open_figure(request: HttpRequest, figure: str) -> None:
    """Refuse a figure whose card, or that of the base it is a share of, is above L1, like `_open`. Raises FigureError."""
    key = Key.parse(figure)
    for indicator in filter(None, (key.indicator, key.base)):
        _open(request, indicator)


def _open(request: HttpRequest, indicator: str) -> None:
    """Refuse a card above L1 to a reader who has not logged in; an unknown card is left to the query to name."""
    found = packs.current().find("indicators", indicator)
    if found is not None and found.level != "L1" and not request.user.is_authenticated:
        raise access.Denied(f"指标“{indicator}”密级为 {found.level}，请先登录。")
