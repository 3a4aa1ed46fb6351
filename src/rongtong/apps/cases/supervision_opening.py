"""Pages that open 督办: by hand, from a red figure or a commitment, from all red rows of a board, from a workbook."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from rongtong import clock, uploads
from rongtong.apps.cases import supervision_actions, supervision_importing, supervision_prefill
from rongtong.apps.cases import supervision_queries as supervision
from rongtong.apps.cases.errors import CaseError
from rongtong.apps.cases.supervision_forms import BY_NAME, FIELDS, Draft, check, lines_of
from rongtong.apps.observations import queries as observations
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.access import account_of
from rongtong.cells import XLSX
from rongtong.engine.pack.model import Commitment, Indicator
from rongtong.engine.period import Period
from rongtong.engine.place import LEVEL_NAMES
from rongtong.entering import takes_files

LEVELS_OF_BOARD = ("city", "county")
# One for all rows of a bulk opening; the rest of each item comes from its own row.
SHARED = ("lead", "level", "deadline", "support", "requirement")


Opening = Callable[[HttpRequest, frozenset[str]], HttpResponse]


def _opens(view: Opening) -> Callable[[HttpRequest], HttpResponse]:
    """The view with the places this account may open a 督办 for; who may nowhere is told who does."""

    @login_required
    @wraps(view)
    def asked(request: HttpRequest) -> HttpResponse:
        places = supervision.opening_places(account_of(request))
        if not places:
            message = "您的账号不能交办督办：由省级处室或设区市科技局交办。您的督办在台账里。"
            told = {"heading": "不能交办", "message": message, "back": reverse("supervision")}
            return render(request, "portal/refused.html", told, status=403)
        return view(request, places)

    return asked


@_opens
def new(request: HttpRequest, places: frozenset[str]) -> HttpResponse:
    """The form of one 督办, empty or prefilled from `figure` or `commitment`; posted, it opens the item."""
    pack = packs.current()
    if request.method == "POST":
        typed = {f.name: request.POST.get(f.name, "") for f in FIELDS}
        draft, errors = check(typed, pack, places, clock.today())
        if draft is not None:
            opened, refused = _open(request, [draft])
            if opened:
                return redirect("supervision-item", pk=opened[0].pk)
            return _form(request, typed, [("", refused)], 422)
        return _form(request, typed, errors, 422)
    typed, refusal = _prefilled(request)
    return _form(request, typed, [("", refusal)] if refusal else [], 200)


def _prefilled(request: HttpRequest) -> tuple[dict[str, str], str]:
    figure, commitment = request.GET.get("figure", ""), request.GET.get("commitment", "")
    empty = {"deadline": supervision_prefill.deadline().isoformat(), "level": "blue", "source": "manual"}
    try:
        if figure:
            return supervision_prefill.from_figure(figure), ""
        if commitment:
            code, _, line = commitment.partition("/")
            return supervision_prefill.from_commitment(code, line or request.GET.get("line", "")), ""
    except supervision_prefill.NoPrefill as error:
        return empty, str(error)
    return empty, ""


def _open(request: HttpRequest, drafts: list[Draft]) -> tuple[list[Any], str]:
    try:
        return supervision_actions.open_items(drafts, actor=account_of(request)), ""
    except CaseError as error:
        return [], str(error)


def _form(request: HttpRequest, typed: dict[str, str], errors: list[tuple[str, str]], status: int) -> HttpResponse:
    pack = packs.current()
    wrong = dict(reversed(errors))
    places = supervision.opening_places(account_of(request))
    tree = pack.places
    options = [(c, tree.name(c)) for c in _in_order(places)]
    named: dict[str, dict[str, Any]] = {
        "reference": {"hint": "文件从列出的条款里选；会议、批示写名称和日期。"},
        "commitment": {
            "label": "相关的承诺",
            "hint": "承诺一本账里的一条；没有可不选。",
            "options": supervision_prefill.commitments_to_name(typed.get("commitment", "")),
        },
        "figure": {
            "label": "挂接的数",
            "hint": "列出的是现在亮红灯、黄灯的；挂接后单页逐月显示它的灯。别的数从它的来由页点“督办”。没有可不选。",
            "options": supervision_prefill.figures_to_name(places, typed.get("figure", "")),
        },
    }
    fields = [
        {
            "field": f,
            "value": typed.get(f.name, ""),
            "error": wrong.get(f.name, ""),
            "options": options if f.kind == "place" else f.choices,
            **named.get(f.name, {}),
        }
        for f in FIELDS
    ]
    context = {
        "fields": fields,
        "errors": errors,
        "departments": [d.short or d.name for d in pack.all("departments")],
        "documents": [(f"{d.code}#{c.id}", f"{d.number or d.title} {c.id} {c.about}") for d in pack.all("documents") for c in d.clauses],
        "inferred": typed.get("inferred", ""),
        "figure": typed.get("figure", ""),
    }  # fmt: skip
    return render(request, "cases/supervision_new.html", context, status=status)


def _in_order(places: frozenset[str]) -> list[str]:
    """The whole first, then each place with those within it after it."""
    tree = packs.current().places
    found = [
        c
        for c in places
        if tree.places[c].level in ("province", "city", "county", "zone") and tree.places[c].valid_to is None
    ]
    return sorted(found, key=lambda c: (c != tree.root, c))


@_opens
def red(request: HttpRequest, places: frozenset[str]) -> HttpResponse:
    """The red rows of a board with a box each; posted, one 督办 is opened for each ticked row, all or none."""
    asked = request.POST if request.method == "POST" else request.GET
    cards = supervision_prefill.boards()
    level = asked.get("level_of_board", "")
    if level not in LEVELS_OF_BOARD:
        tree = packs.current().places
        level = next((x for x in LEVELS_OF_BOARD if places & set(tree.at_level(x))), LEVELS_OF_BOARD[0])
    card = next((c for c in cards if c.code == asked.get("indicator")), None)
    if card is None and cards:  # nobody named one: the first with a red row
        card = next((c for c in cards if supervision_prefill.lit(c, _period(c, ""), level, places)), cards[0])
    period = _period(card, asked.get("period", "")) if card else None
    rows = supervision_prefill.lit(card, period, level, places, yellow=bool(asked.get("yellow")))
    known = supervision.about(account_of(request), [r.figures["value"].id for r in rows])
    shared = {name: asked.get(name, "") for name in SHARED}
    shared["deadline"] = shared["deadline"] or supervision_prefill.deadline().isoformat()
    shared["level"] = shared["level"] or "yellow"
    shared["lead"] = shared["lead"] or (card.owner if card else "")
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        chosen = [r for r in rows if r.figures["value"].id in request.POST.getlist("figure")]
        drafts, errors = _bulk(card, chosen, shared, places)
        if not errors:
            opened, refused = _open(request, drafts)
            if opened:
                return redirect(f"{reverse('supervision')}?stage=issued&opened={len(opened)}")
            errors = [("", refused)]
    context = {
        "cards": cards, "card": card, "period": period,
        "periods": observations.periods_of(card.code, clock.today())[::-1] if card else (),
        "level_of_board": level, "yellow": asked.get("yellow", ""),
        "levels_of_board": [(c, LEVEL_NAMES[c]) for c in LEVELS_OF_BOARD],
        "rows": [(r, known.get(r.figures["value"].id)) for r in rows],
        "shared": shared, "fields": [(BY_NAME[n], shared[n]) for n in SHARED], "errors": errors,
        "ticked": request.POST.getlist("figure"),
    }  # fmt: skip
    return render(request, "cases/supervision_red.html", context, status=422 if errors else 200)


def _period(card: Indicator, text: str) -> Period | None:
    return supervision_prefill.parse_period(text, card.code)


def _bulk(
    card: Any, rows: list[Any], shared: dict[str, str], places: frozenset[str]
) -> tuple[list[Draft], list[tuple[str, str]]]:
    """The drafts of the ticked rows, or what is wrong with what they share."""
    if not rows:
        return [], [("rows", "还没有勾选要交办的地方。")]
    pack = packs.current()
    drafts, errors = [], []
    for row in rows:
        raw = supervision_prefill.from_row(pack, card, row.figures["value"], row)
        raw |= {name: text for name, text in shared.items() if text}
        raw["milestones"] = ""
        draft, wrong = check(raw, pack, places, clock.today())
        drafts += [draft] if draft else []
        errors += [(name if name in SHARED else "", message) for name, message in wrong]
    return drafts, list(dict.fromkeys(errors))


@takes_files
@_opens
def import_(request: HttpRequest, places: frozenset[str]) -> HttpResponse:
    """Upload a filled template: every problem at its cell, or all items opened."""
    context: dict[str, Any] = {"most": supervision_importing.MOST_ROWS}
    if request.method == "POST":
        sent = request.FILES.get("file")
        if sent is None:
            context["errors"] = [("file", "请选择填好的 .xlsx 文件。")]
            return render(request, "cases/supervision_import.html", context, status=422)
        try:
            content = uploads.checked(sent, ("xlsx",))
        except uploads.UploadRefused as error:
            context["errors"] = [("file", str(error))]
            return render(request, "cases/supervision_import.html", context, status=422)
        drafts, problems = supervision_importing.read(content, sent.name or "", packs.current(), places)
        if not problems:
            opened, refused = _open(request, list(drafts))
            if opened:
                return redirect(f"{reverse('supervision')}?stage=issued&opened={len(opened)}")
            problems = (supervision_importing.CellProblem("", "", refused),)
        context |= {"problems": problems, "name": sent.name}
        return render(request, "cases/supervision_import.html", context, status=422)
    return render(request, "cases/supervision_import.html", context)


@login_required
def template(request: HttpRequest) -> HttpResponse:
    """The workbook to fill in; with `commitment` that list's numbered lines."""
    code = request.GET.get("commitment", "")
    commitment = _list(code) if code else None
    response = HttpResponse(supervision_importing.template(commitment), content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="supervision-template{f"-{code}" if code else ""}.xlsx"'
    return response


def _list(code: str) -> Commitment:
    found: Commitment | None = packs.current().find("commitments", code)
    if found is None or not lines_of(found):
        raise Http404("没有这份清单。")
    return found


@login_required
def lines(request: HttpRequest, code: str) -> HttpResponse:
    """A list of which the document gives only the count: one numbered line each, filled by 督办 or empty."""
    commitment = _list(code)
    who = account_of(request)
    filled = {
        str(i.given.get("commitment", "")): i for i in supervision.ledger(who, supervision.Asked(commitment=code))
    }
    context = {
        "commitment": commitment,
        "document": packs.current().find("documents", commitment.document),
        "lines": [(n, filled.get(f"{code}/{n}")) for n in range(1, lines_of(commitment) + 1)],
        "filled": sum(f"{code}/{n}" in filled for n in range(1, lines_of(commitment) + 1)),
        "may_open": bool(supervision.opening_places(who)),
    }
    return render(request, "cases/supervision_lines.html", context)
