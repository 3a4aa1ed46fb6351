"""The typed API: assembles the routers that the apps offer. Open reads carry L1 cards only; the rest asks for a login."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI

from rongtong import __version__
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


def _refuse(status: int) -> object:
    def handler(request: HttpRequest, error: Exception) -> HttpResponse:
        return api.create_response(request, {"error": str(error)}, status=status)

    return handler


for _kind in (PeriodError, PlaceError, UnitError, FigureError, ExpressionError, SplitError):
    api.add_exception_handler(_kind, _refuse(422))  # type: ignore[arg-type]
api.add_exception_handler(Unknown, _refuse(404))  # type: ignore[arg-type]
api.add_exception_handler(Denied, _refuse(403))  # type: ignore[arg-type]
api.add_exception_handler(NoPack, _refuse(503))  # type: ignore[arg-type]
