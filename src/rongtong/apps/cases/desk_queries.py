"""The officer's desk (工作台账): the cases of all mechanisms that an account reads, filtered, in pages and as columns.

Pages are told apart by the last row shown and nothing is counted, so that a page costs the same wherever it lies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from rongtong import clock
from rongtong.apps.cases import access, holding, queries
from rongtong.apps.cases.models import Case, Event, Label
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.models import Account
from rongtong.engine.pack.process import Process
from rongtong.engine.process import form
from rongtong.engine.process.state import waits_for_parties
from rongtong.typed import number

TABS = {"mine": "待我办", "begun": "我发起的", "open": "全部在办", "done": "已办结"}
STATES = {"late": "超期的", "soon": "快到期的"}
PER_PAGE, PER_COLUMN = 50, 8
# A due day so many working days off is near (临期), as on the workbench.
SOON = 2
# The field of the shared block 督办 (blocks.yaml of the packs): a step that asks for it puts the case under supervision.
SUPERVISED = "supervision_level"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the desk is asked for; empty is everything. `labels` are (name, value) of the chosen process."""

    tab: str = "mine"
    process: str = ""
    stage: str = ""
    place: str = ""
    chain: str = ""
    state: str = ""
    supervised: bool = False
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A label to filter by: its name, its title, and its values with their titles; none where any text may be it."""

    name: str
    title: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A case on the desk: `steps` are those the account may make, by code and name; `waits_for` whom it waits for.

    `lamp` is a code of docs/design.md and `word` what it means here; `labels` are shown to whoever reads the answers.
    """

    item: queries.Item
    lamp: str
    word: str
    steps: tuple[tuple[str, str], ...]
    waits_for: str
    labels: tuple[str, ...]
    supervised: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Lines of the list, and where the next page begins; "" on the last."""

    lines: tuple[Line, ...]
    after: str


@dataclass(frozen=True, slots=True)
class Column:
    """A stage with its first cards; `count` is how many there are."""

    stage: str
    name: str
    count: int
    lines: tuple[Line, ...] = field(default=())

    @property
    def more(self) -> int:
        return self.count - len(self.lines)


def page(account: Account, asked: Asked, after: str = "", size: int = PER_PAGE) -> Page:
    """So many cases after a place in the list: the nearest due day first, of the closed the last closed first."""
    found = _walk(chosen(account, asked, walk=access.sees_much(account)), asked, after, size + 1)
    more = found[size - 1] if len(found) > size else None
    return Page(lines(account, found[:size]), _mark(more, asked) if more else "")


def chosen(account: Account, asked: Asked, *, walk: bool = False) -> QuerySet[Case]:
    """The cases asked for, in no order; with `walk` made for being read in order until a page is full."""
    found = _tab(account, asked, walk)
    if asked.place:
        found = found.filter(place__in=_inside(packs.current().fingerprint, asked.place))
    if asked.chain:
        found = found.filter(chain=asked.chain)
    for name, value in asked.labels:
        found = found.filter(Exists(Label.objects.filter(case=OuterRef("pk"), name=name, value=value)))
    if asked.supervised:
        found = found.filter(Exists(Event.objects.filter(case=OuterRef("pk"), transition__in=_supervising())))
    return found.filter(_state(asked.state)) if asked.state else found


def _tab(account: Account, asked: Asked, walk: bool) -> QuerySet[Case]:
    # Process and stage are said by which definitions are asked about: as columns they would draw SQLite to their index.
    part = access.Part(asked.process, asked.stage, whole=bool(asked.labels))
    if asked.tab == "mine":
        return access.waiting(account, part)
    if asked.tab == "begun":
        return access.seen(account, replace(part, walk=True)).filter(by=account)
    return access.seen(account, replace(part, closed=asked.tab == "done", walk=walk))


def _state(state: str) -> Q:
    today = clock.today()
    if state == "late":
        return Q(late=True) | Q(outcome="", due__lt=today)
    return Q(outcome="", due__gte=today, due__lte=queries.calendar().add_workdays(today, SOON))


@lru_cache(maxsize=256)
def _inside(fingerprint: str, place: str) -> tuple[str, ...]:
    # The fingerprint keys the cache: the tree of places is the pack's.
    tree = packs.current().places
    return tuple(code for code in tree.places if tree.is_within(code, place))


def _supervising() -> list[str]:
    """The steps that put a case under supervision (督办), of all processes."""
    return sorted({code for one in holding.definitions() for code in supervising(one)})


def supervising(process: Process) -> tuple[str, ...]:
    """The steps of a process that put a case under supervision."""
    return tuple(t.code for t in process.transitions if SUPERVISED in t.form.get("properties", {}))


# Tab → the column its list is in order of, and whether the last comes first.
ORDER = {"mine": ("due", False), "open": ("due", False), "begun": ("opened_at", True), "done": ("closed_on", True)}


def _walk(rows: QuerySet[Case], asked: Asked, after: str, size: int) -> list[Case]:
    """So many rows after a mark: those with a value of the column first, in its order, then those without one."""
    column, descending = ORDER[asked.tab]
    value, pk = _read_mark(after, column)
    way = "-" if descending else ""
    found: list[Case] = []
    if value is not None or pk is None:
        with_value = rows.filter(**{f"{column}__isnull": False})
        if value is not None:
            past, at = ("lt", "lte") if descending else ("gt", "gte")
            beyond = Q(**{f"{column}__{past}": value}) | Q(**{f"pk__{past}": pk})
            with_value = with_value.filter(beyond, **{f"{column}__{at}": value})
        found = list(with_value.select_related("organisation").order_by(f"{way}{column}", f"{way}pk")[:size])
        pk = None
    if len(found) < size and column != "opened_at":
        without = rows.filter(**{f"{column}__isnull": True})
        if pk is not None:
            without = without.filter(**{f"pk__{'lt' if descending else 'gt'}": pk})
        found += without.select_related("organisation").order_by(f"{way}pk")[: size - len(found)]
    return found


def _mark(case: Case, asked: Asked) -> str:
    """Where a row stands in the list: the value of its column and its number."""
    value = getattr(case, ORDER[asked.tab][0])
    return f"{value.isoformat() if value else ''}~{case.pk}"


def _read_mark(text: str, column: str) -> tuple[date | datetime | None, int | None]:
    """The value and number of a mark; nothing of one that cannot be read: the list begins anew."""
    said, _, pk = text.partition("~")
    try:
        value = (datetime.fromisoformat(said) if column == "opened_at" else date.fromisoformat(said)) if said else None
    except ValueError:
        return None, None
    if isinstance(value, datetime) and value.tzinfo is None:
        return None, None
    return (value, number(pk)) if number(pk) is not None else (None, None)


def columns(account: Account, asked: Asked) -> tuple[Column, ...]:
    """The open stages of the process asked for, each with its count and its first cards."""
    rows = chosen(account, asked)
    counts = dict(rows.order_by().values_list("stage").annotate(n=Count("pk")))
    place = Window(RowNumber(), partition_by=["stage"], order_by=[F("due").asc(nulls_last=True), F("pk").asc()])
    first = rows.annotate(place_in_stage=place).filter(place_in_stage__lte=PER_COLUMN)
    cards = rows.model.objects.filter(pk__in=list(first.order_by().values_list("pk", flat=True)))
    cards = cards.select_related("definition", "organisation").defer("definition__body")
    made: dict[str, list[Line]] = {}
    for line in lines(account, list(cards.order_by(F("due").asc(nulls_last=True), "pk"))):
        made.setdefault(line.item.case.stage, []).append(line)
    return tuple(
        Column(code, name, counts.get(code, 0), tuple(made.get(code, ())))
        for code, name, outcome in stages(asked.process)
        if not outcome or code in counts
    )


def stages(process: str) -> tuple[tuple[str, str, str], ...]:
    """(code, name, outcome) of the stages of a process: of the version in force, then what older ones had besides."""
    found: dict[str, tuple[str, str, str]] = {}
    newest = packs.current().find("processes", process)
    known = [newest] if newest else []
    known += [one for one in reversed(holding.definitions()) if one.code == process]
    for one in known:
        for stage in one.stages:
            found.setdefault(stage.code, (stage.code, stage.name, stage.outcome))
    return tuple(found.values())


def choices(process: str) -> tuple[Choice, ...]:
    """The labels that the cases of a process are filtered by."""
    one = packs.current().find("processes", process) if process else None
    return label_choices(one) if isinstance(one, Process) else ()


def label_choices(process: Process) -> tuple[Choice, ...]:
    """The labels of a process, with the values its forms offer."""
    asked: dict[str, list[form.Field]] = {}
    for schema in (process.form, *(t.form for t in process.transitions)):
        for one in form.fields(schema):
            asked.setdefault(one.name, []).append(one)
    made = []
    for name in process.labels:
        found = asked.get(name, [])
        values = {code: title for one in found for code, title in one.options}
        if any(one.kind == "chain" for one in found):
            values = {c.code: c.name for c in packs.current().all("chains")}
        made.append(Choice(name, found[0].label if found else name, tuple(values.items())))
    return tuple(made)


def lines(account: Account, cases: list[Case]) -> tuple[Line, ...]:
    """Cases as the desk shows them; asks the store three times at most, however many there are."""
    who, pks = holding.reach(account), [c.pk for c in cases]
    held = holding.roles_in(who, cases)
    labels: dict[int, list[tuple[str, str]]] = {}
    for pk, name, value in Label.objects.filter(case_id__in=pks).order_by("pk").values_list("case_id", "name", "value"):
        labels.setdefault(pk, []).append((name, value))
    watched = Event.objects.filter(case_id__in=pks, transition__in=_supervising()).values_list("case_id", flat=True)
    under = set(watched) if pks else set()
    processes = {c.definition_id: holding.process_of(c) for c in cases}
    titles = {pk: {o.name: dict(o.values) for o in label_choices(one)} for pk, one in processes.items()}
    made = []
    for case in cases:
        whole = who.operator or access.is_whole(who, case, held[case.pk])
        words = titles[case.definition_id]
        shown = tuple(words.get(name, {}).get(value, value) for name, value in labels.get(case.pk, ()) if whole)
        made.append(_line(case, held[case.pk], shown, case.pk in under))
    return tuple(made)


def _line(case: Case, held: frozenset[str], shown: tuple[str, ...], supervised: bool) -> Line:
    process, item = holding.process_of(case), queries.item(case)
    steps = [t for t in process.transitions if case.stage in t.at and not t.automatic]
    mine = tuple((t.code, t.name) for t in sorted(steps, key=lambda t: t.optional) if held & set(t.by))
    waits = dict.fromkeys(process.role(r).name for t in steps if not t.optional for r in t.by)
    return Line(item, *_lamp(item), mine, "、".join(waits), shown, supervised)


def _lamp(item: queries.Item) -> tuple[str, str]:
    case = item.case
    if case.outcome:
        return ("yellow", "超期办结") if case.late else ("green", "按时办结")
    if case.late or (item.late and not waits_for_parties(holding.process_of(case), case.stage)):
        return "red", "逾期"
    if item.late:
        return "yellow", "等申请方，已超期"
    if item.days_left is None:
        return "grey", "不限期"
    return ("blue", "临期") if item.days_left <= SOON else ("green", "正常")


def place_choices(account: Account) -> list[tuple[str, str]]:
    """The places whose cases the account reads by its place: code and name, those above first."""
    scope, tree = holding.reach(account).scope(), packs.current().places
    inside = [c for c, p in tree.places.items() if p.level in ("city", "county", "zone") and p.valid_to is None]
    return [(c, tree.name(c)) for c in sorted(inside) if scope is holding.EVERYWHERE or c in scope]


def read(given: Mapping[str, Any]) -> Asked:
    """What a query string asks for; what names nothing is left out."""
    process = str(given.get("process", ""))
    named = [(c.name, str(given.get(f"label-{c.name}", "")).strip()) for c in choices(process)]
    tab, state, place = str(given.get("tab", "")), str(given.get("state", "")), str(given.get("place", ""))
    return Asked(
        tab=tab if tab in TABS else "mine",
        process=process,
        stage=str(given.get("stage", "")) if process else "",
        place=place if place in packs.current().places.places else "",
        chain=str(given.get("chain", "")),
        state=state if state in STATES else "",
        supervised=bool(given.get("supervised")),
        labels=tuple((name, value) for name, value in named if value),
    )
