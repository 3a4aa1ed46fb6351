"""The typed API: assembles the routers that the apps offer. Open reads carry L1 cards only; the rest asks for a login."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from ninja import NinjaAPI, Router
from ninja.errors import HttpError, ValidationError

from rongtong import __version__, refusal
from rongtong.apps.cases.api import router as cases
from rongtong.apps.cases.certificate_api import router as certificates
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
    description="Exact numbers are strings; ranks are integers; percentages are plain numbers (7.7 means 7.7 %). "
    "A refusal says why in Chinese (`error`) and what to do in English (`error_en`).",
    docs_url=None,
    urls_namespace="api",
)
api.add_router("", planning)
api.add_router("", cases)
api.add_router("", certificates)
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
# What the framework itself refuses: status → what to do, in both languages.
REFUSED = {
    400: ("请求的正文读不出来，应为 JSON。", "The body cannot be read; it should be JSON."),
    401: ("请先登录。", refusal.LOG_IN),
    403: (
        "没有通过跨站请求校验（CSRF）。请从本站页面发出请求，或带上 X-CSRFToken。",
        "The request did not pass the cross-site check (CSRF): send X-CSRFToken.",
    ),
}
# What the apps refuse: kind of error → status, and what to do. The error itself says the particulars in Chinese.
ERRORS: dict[type[Exception], tuple[int, str]] = {
    PeriodError: (422, "The period cannot be read: write 2025-06, 2025Q2, 2025H1, 2025 or 2025-01..05."),
    PlaceError: (422, "There is no such place: places are codes as in GB/T 2260, or there is nothing below this one."),
    UnitError: (422, "The unit is unknown, or it does not fit the quantity."),
    FigureError: (
        422,
        "The figure cannot be read, or figures that may not be added were: write indicator@place@period.",
    ),
    ExpressionError: (422, "The expression cannot be read."),
    SplitError: (422, "The split cannot be prepared: a unit, period, place, weight or bound of it does not fit."),
    Unknown: (404, refusal.ABSENT),
    Denied: (403, refusal.NOT_ALLOWED),
    NoPack: (503, "No rule pack is loaded on this instance."),
}


def _refuse(status: int, english: str) -> object:
    def handler(request: HttpRequest, error: Exception) -> HttpResponse:
        return _answer(request, str(error), english, status)

    return handler


def _answer(request: HttpRequest, words: str, english: str, status: int) -> HttpResponse:
    return api.create_response(request, refusal.body(words, english), status=status)


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    english = "; ".join(f"{_where(e) or 'request'}: {e['msg']}" for e in error.errors)
    return _answer(request, "；".join(_wrong(e) for e in error.errors), english, 422)


def _where(error: dict[str, Any]) -> str:
    return ".".join(str(part) for part in error["loc"][1:])


def _wrong(error: dict[str, Any]) -> str:
    where = _where(error) or "请求"
    if error["type"] == "literal_error":
        return f"{where}：应为 {error['ctx']['expected'].replace(' or ', ' 或 ')}"
    return f"{where}：{WRONG.get(error['type'], error['msg'])}"


def _framework(request: HttpRequest, error: HttpError) -> HttpResponse:
    words, english = REFUSED.get(error.status_code, (str(error), str(error)))
    return _answer(request, words, english, error.status_code)


def _too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return _answer(request, "请求的正文超过 20 MB。", "The body is larger than 20 MB.", 413)


def _absent(request: HttpRequest, error: Http404) -> HttpResponse:
    return _answer(request, "没有这个地址。", "There is no such address.", 404)


for _kind, (_status, _english) in ERRORS.items():
    api.add_exception_handler(_kind, _refuse(_status, _english))  # type: ignore[arg-type]
api.add_exception_handler(ValidationError, _invalid)  # type: ignore[arg-type]
api.add_exception_handler(HttpError, _framework)  # type: ignore[arg-type]
api.add_exception_handler(RequestDataTooBig, _too_big)  # type: ignore[arg-type]
api.add_exception_handler(Http404, _absent)  # type: ignore[arg-type]
