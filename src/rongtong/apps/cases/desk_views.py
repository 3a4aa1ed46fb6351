"""Pages of the desk (工作台账): the list of all mechanisms, as a table and as columns of stages, and as a workbook."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from rongtong import clock
from rongtong.apps.cases import desk_queries as desks
from rongtong.apps.cases import queries
from rongtong.apps.packs import queries as packs
from rongtong.apps.papers.workbook import Cell, Column, Sheet, ledger_bytes
from rongtong.apps.registry.access import account_of
from rongtong.apps.registry.outside import is_outside
from rongtong.cells import XLSX
from rongtong.engine.pack.process import Process

VIEWS = {"": "列表", "columns": "看板"}
# So many lines a workbook holds that is made while its reader waits.
MOST_EXPORTED = 5000


@login_required
def desk(request: HttpRequest) -> HttpResponse:
    """The cases this account reads, in four lists, filtered; of one process also as columns of its stages."""
    who, asked = account_of(request), desks.read(request.GET.dict())
    view = "columns" if request.GET.get("view") == "columns" and asked.tab != "done" else ""
    context: dict[str, Any] = {
        "asked": asked,
        "view": view,
        "tabs": list(desks.TABS.items()),
        "views": [] if asked.tab == "done" else list(VIEWS.items()),
        "states": desks.STATES,
        "processes": newest(),
        "stages": [s for s in desks.stages(asked.process) if bool(s[2]) == (asked.tab == "done")],
        "labels": [(c, dict(asked.labels).get(c.name, "")) for c in desks.choices(asked.process)],
        "places": [] if is_outside(who) else desks.place_choices(who),
        "chains": [(c.code, c.name) for c in packs.current().all("chains")],
        "after": request.GET.get("after", ""),
    }
    if view and asked.process:
        context["columns"] = desks.columns(who, asked)
    elif not view:
        context["page"] = desks.page(who, asked, context["after"])
    return render(request, "cases/desk.html", context)


@login_required
def export(request: HttpRequest) -> HttpResponse:
    """The list as .xlsx, filtered like the page it was asked from: its first 5,000 lines."""
    who, asked = account_of(request), desks.read(request.GET.dict())
    found = desks.page(who, asked, size=MOST_EXPORTED)
    response = HttpResponse(workbook(asked, found), content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="desk-{clock.today()}.xlsx"'
    return response


def workbook(asked: desks.Asked, found: desks.Page) -> bytes:
    """The lines of a page as a ledger."""
    heads = (
        ("编号", 14), ("事项", 40), ("流程", 18), ("单位", 28), ("地方", 10), ("产业链", 14), ("标签", 20), ("环节", 14), ("到期", 12),
        ("期限", 10), ("剩余工作日", 10), ("督办", 8), ("等谁办", 20), ("开始", 12), ("办结", 12),
    )  # fmt: skip
    kinds = {"到期": "date", "开始": "date", "办结": "date", "剩余工作日": "number", "编号": "code"}
    columns = tuple(Column(head, kinds.get(head, "text"), width) for head, width in heads)  # type: ignore[arg-type]
    title = f"{desks.TABS[asked.tab]}（{clock.today()}）"
    if found.after:
        title += f"，前 {len(found.lines)} 件；还有更多，请用筛选分批导出"
    sheet = Sheet("办件", columns, tuple(_row(line) for line in found.lines), title)
    return ledger_bytes((sheet,), meta={"来源": "工作台账"}, day=clock.today())


def _row(line: desks.Line) -> tuple[Cell, ...]:
    case, item = line.item.case, line.item
    chain = packs.current().find("chains", case.chain) if case.chain else None
    return (
        case.key, case.title, item.process_name, case.organisation.name if case.organisation else "",
        queries.place_name(case.place), chain.name if chain else case.chain, "、".join(line.labels), item.stage_name, case.due,
        line.word, item.days_left, "督办" if line.supervised else "", line.waits_for, case.opened_at.astimezone(clock.LOCAL).date(),
        case.closed_on,
    )  # fmt: skip


def newest() -> list[Process]:
    """Each process in force, in its newest version."""
    pack = packs.current()
    return [pack.get("processes", code) for code in dict.fromkeys(p.code for p in pack.all("processes"))]
