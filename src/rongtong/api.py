"""The typed API: assembles the routers that the apps offer. Open reads carry L1 cards only; the rest asks for a login."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from ninja import NinjaAPI, Router
from ninja.errors import HttpError, ValidationError

from rongtong import __version__
from rongtong.apps.cases.api import router as cases
from rongtong.apps.packs.queries import NoPack
from rongtong.apps.planning.api import router as planning
from rongtong.apps.planning.queries import Unknown
from rongtong.apps.planning.splitting import SplitError
from rongtong.apps.registry.access import Denied
from rongtong.engine.expression.language import ExpressionError
from rongtong.engine.figure import FigureError
from rongtong.engine.period import PeriodError
from rongtong.engine.place import PlaceError
from rongtong.engine.quantity import UnitError

api = NinjaAPI(
    title="融通 Rongtong",
    version=__version__,
    description="Exact numbers are strings; ranks are integers; percentages are plain numbers (7.7 means 7.7 %).",
    docs_url=None,
    urls_namespace="api",
)
api.add_router("", planning)
api.add_router("", cases)
rest = Router()


@rest.get("/docs", include_in_schema=False)
def docs(request: HttpRequest) -> HttpResponse:
    """The page that explains the API."""
    return redirect("open-api")


@rest.api_operation(["GET", "POST", "PUT", "PATCH", "DELETE"], "/{path:unknown}", include_in_schema=False)
def unknown(request: HttpRequest, unknown: str) -> None:
    """An address below /api/ that there is not is answered like every refusal, not by a page."""
    raise Http404


# Last, so that it is asked last.
api.add_router("", rest)

# What pydantic finds wrong with a parameter, in words; what is not here keeps pydantic's own.
WRONG = {
    "missing": "缺少这一项",
    "int_parsing": "应为整数",
    "int_type": "应为整数",
    "string_type": "应为文字",
    "date_from_datetime_parsing": "应为日期，如 2025-07-15",
    "date_parsing": "应为日期，如 2025-07-15",
    "extra_forbidden": "没有这一项",
}
# What the framework itself refuses: status → what to do.
REFUSED = {
    400: "请求的正文读不出来，应为 JSON。",
    401: "请先登录。",
    403: "没有通过跨站请求校验（CSRF）。请从本站页面发出请求，或带上 X-CSRFToken。",
}


def _refuse(status: int) -> object:
    def handler(request: HttpRequest, error: Exception) -> HttpResponse:
        return _answer(request, str(error), status)

    return handler


def _answer(request: HttpRequest, words: str, status: int) -> HttpResponse:
    return api.create_response(request, {"error": words}, status=status)


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return _answer(request, "；".join(_wrong(e) for e in error.errors), 422)


def _wrong(error: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"][1:]) or "请求"
    if error["type"] == "literal_error":
        return f"{where}：应为 {error['ctx']['expected'].replace(' or ', ' 或 ')}"
    return f"{where}：{WRONG.get(error['type'], error['msg'])}"


def _framework(request: HttpRequest, error: HttpError) -> HttpResponse:
    return _answer(request, REFUSED.get(error.status_code, str(error)), error.status_code)


def _too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return _answer(request, "请求的正文超过 20 MB。", 413)


def _absent(request: HttpRequest, error: Http404) -> HttpResponse:
    return _answer(request, "没有这个地址。", 404)


for _kind in (PeriodError, PlaceError, UnitError, FigureError, ExpressionError, SplitError):
    api.add_exception_handler(_kind, _refuse(422))  # type: ignore[arg-type]
api.add_exception_handler(Unknown, _refuse(404))  # type: ignore[arg-type]
api.add_exception_handler(Denied, _refuse(403))  # type: ignore[arg-type]
api.add_exception_handler(NoPack, _refuse(503))  # type: ignore[arg-type]
api.add_exception_handler(ValidationError, _invalid)  # type: ignore[arg-type]
api.add_exception_handler(HttpError, _framework)  # type: ignore[arg-type]
api.add_exception_handler(RequestDataTooBig, _too_big)  # type: ignore[arg-type]
api.add_exception_handler(Http404, _absent)  # type: ignore[arg-type]
