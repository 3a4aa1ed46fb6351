"""Pages of an organisation: its space, and its yearly report on the page and as a workbook."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from rongtong import clock
from rongtong.apps.cases import space, space_report
from rongtong.apps.registry.access import account_of
from rongtong.apps.registry.models import Account, Organisation
from rongtong.apps.registry.outside import is_outside
from rongtong.cells import XLSX
from rongtong.typed import number


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """What an organisation has to do and has been given, on one page. Whoever works in an office has the desk instead."""
    who = account_of(request)
    return render(request, "cases/space.html", space.page(who)) if is_outside(who) else redirect("desk")


@require_safe
@login_required
def report(request: HttpRequest) -> HttpResponse:
    """The organisation's year."""
    account, year = _asked(request)
    assert account.organisation is not None  # asked by `_asked`
    context = {
        "report": space_report.report(account, year),
        "years": space_report.years(account),
        "title": _title(account.organisation, year),
    }
    return render(request, "cases/space_report.html", context)


@require_safe
@login_required
def report_xlsx(request: HttpRequest) -> HttpResponse:
    """The same as .xlsx."""
    account, year = _asked(request)
    assert account.organisation is not None  # asked by `_asked`
    title = _title(account.organisation, year)
    response = HttpResponse(space_report.workbook(space_report.report(account, year), title), content_type=XLSX)
    name = f"{account.organisation.name}{title}.xlsx"
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    return response


def _asked(request: HttpRequest) -> tuple[Account, int]:
    """The account, which has an organisation, and the year asked for. Raises Http404."""
    account, today = account_of(request), clock.today()
    if account.organisation_id is None:
        raise Http404("您的账号没有登记所属单位，没有年度报告。")
    year = number(request.GET.get("year", "")) or today.year
    if not 2000 <= year <= today.year:
        raise Http404("没有这一年。")
    return account, year


def _title(organisation: Organisation, year: int) -> str:
    return f"{year}年度{'科技成果转化' if organisation.kind in space.TRANSFERS else '办件'}报告"
