"""The API of cases: processes for everybody, cases for those who may read them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest
from ninja import HeaderEx, P, Path, Router, Schema
from ninja.security import django_auth

from rongtong import refusal
from rongtong.apps.cases import access, actions, opening_outside, queries
from rongtong.apps.cases.errors import CaseError, FormRefused
from rongtong.apps.cases.models import Case
from rongtong.apps.packs import queries as packs
from rongtong.apps.planning.api import BODY, LOGIN, Refusal
from rongtong.apps.planning.queries import Unknown
from rongtong.apps.registry.access import account_of

router = Router(tags=["cases"])
PER_PAGE = 200
# A number that no database can hold names no case.
LARGEST = 2**63 - 1


class StageOut(Schema):
    code: str
    name: str
    outcome: str


class ProcessOut(Schema):
    """A process in force."""

    code: str
    version: str
    name: str
    about: str
    mark: str
    stages: list[StageOut]


class CaseOut(Schema):
    """A case: `events` is the number of its last event, which a step has to name as `seen`."""

    id: int
    process: str
    version: str
    key: str
    title: str
    place: str
    period: str
    stage: str
    outcome: str
    events: int
    due: date | None
    opened_at: datetime


class StepOut(Schema):
    number: int
    transition: str
    name: str
    actor_name: str
    at: datetime
    from_stage: str
    to_stage: str
    data: dict[str, Any]


class OfferOut(Schema):
    transition: str
    name: str
    refused: str


class CaseFull(CaseOut):
    """A case with what happened and what this account may do."""

    history: list[StepOut]
    offers: list[OfferOut]


class OpenIn(Schema):
    """A case to open: what its opening form asks for is in `data`. `organisation` is the 统一社会信用代码 of the organisation
    whose case it is, left out by whoever opens one of their own; `parent` the number of the case it belongs under."""

    process: str
    place: str
    data: dict[str, Any] = {}
    organisation: str = ""
    parent: int | None = None


class MoveIn(Schema):
    """A step to make: the transition, the last event known, what its form asks for."""

    transition: str
    seen: int
    data: dict[str, Any] = {}


# A key of the sender's own; the draft standard's name of the header.
Key = HeaderEx[str, P(alias="Idempotency-Key", max_length=255)]


@router.get("/processes", response={200: list[ProcessOut], 503: Refusal})
def processes(request: HttpRequest) -> list[Any]:
    """The processes in force."""
    pack = packs.current()
    return [pack.get("processes", code) for code in dict.fromkeys(p.code for p in pack.all("processes"))]


@router.get("/cases", auth=django_auth, response={200: list[CaseOut], **LOGIN})
def cases(request: HttpRequest, process: str = "", after: int = 0) -> list[Case]:
    """The first 200 cases after a number that the account may read, in order of number."""
    who = account_of(request)
    part = access.Part(process=process, walk=access.sees_much(who))
    return list(access.seen(who, part).filter(pk__gt=_number(after)).order_by("pk")[:PER_PAGE])


@router.get("/cases/{int:pk}", auth=django_auth, response={200: CaseFull, **LOGIN})
def case(request: HttpRequest, pk: Path[int]) -> dict[str, Any]:
    """One case."""
    return _full(request, _find(request, pk))


@router.post("/cases", auth=django_auth, response={200: CaseFull, 201: CaseFull, 409: Refusal, **BODY})
def open_case(request: HttpRequest, body: OpenIn, idempotency_key: Key = "") -> Any:
    """Open a case. A key of the sender's own in `Idempotency-Key` makes it safe to send the same again: 200 and the case of
    the first time. 404: no such process or parent; 409: it cannot be opened so; 422: the form is not filled as asked."""
    who = account_of(request)
    parent = _find(request, body.parent) if body.parent is not None else None
    try:
        sent = opening_outside.Sent(body.process, body.place, body.data, body.organisation, parent)
        made, new = opening_outside.open_once(who, sent, idempotency_key)
    except opening_outside.NoProcess as error:
        raise Unknown(str(error)) from error
    except FormRefused as error:
        return 422, refusal.body(str(error), refusal.FORM)
    except CaseError as error:
        return 409, refusal.body(str(error), refusal.NOT_OPENED)
    return 201 if new else 200, _full(request, made)


@router.post("/cases/{int:pk}/moves", auth=django_auth, response={200: CaseFull, 409: Refusal, **BODY})
def move(request: HttpRequest, pk: Path[int], body: MoveIn) -> Any:
    """Make one step. 409: the case has moved on, or a guard forbids; 422: the form is not filled as asked."""
    _find(request, pk)
    try:
        moved = actions.move(pk, body.transition, actor=account_of(request), seen=body.seen, data=body.data)
    except FormRefused as error:
        return 422, refusal.body(str(error), refusal.FORM)
    except CaseError as error:
        return 409, refusal.body(str(error), refusal.MOVED)
    return 200, _full(request, moved)


def _find(request: HttpRequest, pk: int) -> Case:
    try:
        return queries.find(account_of(request), _number(pk))
    except Case.DoesNotExist as error:
        raise Unknown(f"没有 {pk} 这件。") from error


def _number(given: int) -> int:
    return max(0, min(given, LARGEST))


def _full(request: HttpRequest, one: Case) -> dict[str, Any]:
    plain = {name: getattr(one, name) for name in CaseOut.model_fields if name != "id"}
    return {
        "id": one.pk,
        **plain,
        "history": [
            {name: getattr(s, name) for name in StepOut.model_fields} for s in queries.history(one, account_of(request))
        ],
        "offers": [
            {"transition": o.transition, "name": o.name, "refused": o.refused}
            for o in queries.offers(account_of(request), one)
        ],
    }
