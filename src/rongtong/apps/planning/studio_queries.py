"""Reading allocations for the studio: which plans an account sees, how much of each, and where their sign-off stands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from django.db.models import Count

from rongtong import clock
from rongtong.apps.cases import queries as cases
from rongtong.apps.cases.models import Case
from rongtong.apps.observations import queries as observations
from rongtong.apps.observations.models import Observation
from rongtong.apps.packs import queries as packs
from rongtong.apps.planning import goals, queries
from rongtong.apps.planning.actions import OPEN_TO_CHANGE, SIGN_OFF, may_draft
from rongtong.apps.planning.models import Allocation, AllocationCell
from rongtong.apps.planning.studio_trials import Ask
from rongtong.apps.planning.studio_words import figure_words
from rongtong.apps.registry import access
from rongtong.apps.registry.models import Account
from rongtong.engine.figure import Figure
from rongtong.engine.pack.plan import Split
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period
from rongtong.engine.quantity import decimal_text, unit
from rongtong.engine.target import as_figure

# Where the places of a plan may say something about a draft they see.
SHARED_STAGES = ("comment", "signing")


@dataclass(frozen=True, slots=True)
class Sight:
    """How much of a version an account sees: `rows` are the places, None all; `whole` the drafts and demands too."""

    whole: bool
    rows: frozenset[str] | None

    def shows(self, place: str) -> bool:
        return self.rows is None or place in self.rows


@dataclass(frozen=True, slots=True)
class Plan:
    """All versions of one code, newest first, and its sign-off; `run` is the version shown to the account.

    `case` is None also where the account reads a version in force, but not the sign-off of the next.
    """

    code: str
    versions: tuple[Allocation, ...]
    case: Case | None
    run: Allocation
    sight: Sight

    @property
    def in_force(self) -> Allocation | None:
        adopted = [v for v in self.versions if v.adopted_from]
        return max(adopted, key=lambda v: (v.adopted_from, v.version)) if adopted else None

    @property
    def split(self) -> Split:
        return read_split(self.run.spec)

    @property
    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run.result)
        return found

    @property
    def open(self) -> bool:
        """Whether a version may be saved now."""
        return self.case is None or self.case.stage in OPEN_TO_CHANGE


@lru_cache(maxsize=256)
def read_split(spec: str) -> Split:
    """A kept specification."""
    return Split.model_validate_json(spec)


def plans(account: Account) -> tuple[Plan, ...]:
    """The plans an account sees, newest first."""
    rows: dict[str, list[Allocation]] = {}
    for run in Allocation.objects.select_related("by").order_by("code", "-version"):
        rows.setdefault(run.code, []).append(run)
    signing = {c.key: c for c in Case.objects.select_related("definition").filter(process=SIGN_OFF)}
    visible = access.visible_places(account)
    all_runs = [v for held in rows.values() for v in held]
    reader = _Reader(visible, {}, frozenset()) if visible.everywhere else _reader(account, visible, all_runs)
    found = [_plan(code, held, signing.get(code), reader) for code, held in rows.items()]
    return tuple(sorted((p for p in found if p), key=lambda p: (p.run.period, p.run.recorded_at), reverse=True))


def plan(account: Account, code: str, version: int | None = None) -> Plan | None:
    """One plan, at its newest version that the account sees or at `version`; None where it sees none."""
    rows = list(Allocation.objects.select_related("by").filter(code=code).order_by("-version"))
    case = cases.by_key(SIGN_OFF, code)
    if not rows:
        return None
    return _plan(code, rows, case, _reader(account, access.visible_places(account), rows), version)


@dataclass(frozen=True, slots=True)
class _Reader:
    """An account that reads plans: its places, the places of each version, the sign-offs it may read."""

    visible: access.Visible
    cells: Mapping[int, frozenset[str]]
    readable: frozenset[int]


def _reader(account: Account, visible: access.Visible, runs: Sequence[Allocation]) -> _Reader:
    readable = cases.visible(account, SIGN_OFF).values_list("pk", flat=True)
    return _Reader(visible, _places_of(runs), frozenset(readable))


def _places_of(runs: Sequence[Allocation]) -> dict[int, frozenset[str]]:
    found: dict[int, set[str]] = {}
    for run, place in AllocationCell.objects.filter(allocation__in=runs).values_list("allocation_id", "place"):
        found.setdefault(run, set()).add(place)
    return {run: frozenset(held) for run, held in found.items()}


def _plan(
    code: str,
    rows: Sequence[Allocation],
    case: Case | None,
    reader: _Reader,
    version: int | None = None,
) -> Plan | None:
    seen = [(run, sight) for run in rows if (sight := _sight(run, rows[0], case, reader))]
    wanted = [pair for pair in seen if version in (None, pair[0].version)]
    if not wanted:
        return None
    run, sight = wanted[0]
    known = case if case and (sight.whole or case.pk in reader.readable) else None
    return Plan(code, tuple(each for each, _ in seen), known, run, sight)


def _sight(
    run: Allocation,
    newest: Allocation,
    case: Case | None,
    reader: _Reader,
) -> Sight | None:
    """All for who reads the plan's own place. A place it splits over sees an adopted version: a city the whole, a county
    its own row; and the newest draft's own row and total while it is asked for comment."""
    if run.place in reader.visible:
        return Sight(True, None)
    own = frozenset(p for p in reader.cells.get(run.pk, ()) if p in reader.visible)
    if not own:
        return None
    if run.adopted_from:
        tree = reader.visible.tree
        county = any(tree is not None and tree.get(p).level == "county" for p in own)
        return Sight(False, own if county else None)
    shared = run.pk == newest.pk and case is not None and case.stage in SHARED_STAGES
    return Sight(False, own) if shared else None


@dataclass(frozen=True, slots=True)
class Listed:
    """A plan as the list shows it; `stale` says how its total has moved since."""

    plan: Plan
    name: str
    indicator: str
    total: str
    unit: str
    check: Mapping[str, str]
    state: str
    waits: str
    stale: str


def listed(found: Iterable[Plan]) -> list[Listed]:
    """Plans with their state and who waits."""
    found = list(found)
    open_cases = [p.case.pk for p in found if p.case and p.case.stage == "comment"]
    said = dict(
        Case.objects.filter(pk__in=open_cases, steps__transition="counter").values_list("pk").annotate(Count("pk"))
    )
    pack, out = packs.current(), []
    for one in found:
        body, split = one.body, one.split
        card = pack.find("indicators", one.run.indicator)
        out.append(
            Listed(
                one, split.name, card.name if card else one.run.indicator, body["total"], body["unit"], body["check"],
                state(one), waits(one, said), stale(split, body),
            )
        )  # fmt: skip
    return out


def state(one: Plan) -> str:
    """Where a plan stands, in words."""
    if one.case is None:
        return "已下达" if one.run.adopted_from else "草稿"
    return cases.item(one.case).stage_name


def waits(one: Plan, said: Mapping[int, int]) -> str:
    """Who is to act."""
    if one.case is None or one.case.outcome:
        return ""
    if one.case.stage == "comment":
        return f"各地答复（已收反提案 {said.get(one.case.pk, 0)} 件）"
    return {"drafting": "起草人", "signing": "审签人"}.get(one.case.stage, "")


def stale(split: Split, body: Mapping[str, Any]) -> str:
    """How the total a plan was made of differs from what it is now; "" where it does not."""
    now = total_now(split)
    if now is None:
        return "总额所取的数现在不在了，请核对上级目标。"
    if now == Fraction(body["total"]):
        return ""
    return f"总额已变：现为 {decimal_text(now)} {split.unit}，本版按 {body['total']} {split.unit} 分解，需要重新分解。"


def total_now(split: Split) -> Fraction | None:
    """What the total of a split is today, in its unit; None where there is no such figure any more."""
    figure = whole_figure(split)
    if figure is None:
        return Fraction(split.total.value) if split.total.value else None
    return figure.quantity.amount / unit(split.unit).factor


def whole_figure(split: Split) -> Figure | None:
    """The figure a split's total is, None for a total that is given as a value."""
    pack = packs.current()
    return _whole(split.total.target, split.total.figure, pack.fingerprint, goals.state(), clock.today().isoformat())


@lru_cache(maxsize=256)
def _whole(target: str, figure: str, *state: str) -> Figure | None:
    # The state keys the cache.
    pack = packs.current()
    if target:
        found = pack.find("targets", target)
        return as_figure(found, queries.card(pack, found.indicator)) if found else None
    if not figure:
        return None
    try:
        return queries.find(figure)[0]
    except queries.Unknown:
        return None


def goal_figures(run: Allocation, split: Split) -> dict[str, Figure]:
    """place → its goal as a figure, where this version is what monitoring uses."""
    pack = packs.current()
    card, period = queries.card(pack, run.indicator), Period.parse(run.period)
    if not run.adopted_from or all(a.pk != run.pk for a in goals.in_force(card.code, period, clock.today())):
        return {}
    whole, sums = whole_figure(split), dict[str, AllocationCell]()
    for cell in run.cells.order_by("place", "subject"):
        if cell.place in sums:
            sums[cell.place].value += cell.value
        else:
            sums[cell.place] = cell
    return {place: goals.cell_figure(cell, run, card, whole) for place, cell in sums.items()}


def asks(steps: Iterable[cases.Step]) -> dict[str, Ask]:
    """place → its last counter-offer of the present round of comment."""
    found: dict[str, Ask] = {}
    for step in steps:
        if step.transition == "circulate":
            found = {}
        elif step.transition == "counter":
            place = str(step.data["place"])
            found[place] = Ask(place, Fraction(step.data["value"]), str(step.data["reason"]), step.actor_name, step.at)
    return found


@dataclass(frozen=True, slots=True)
class Total:
    """A total that can be split: its figure, the plan there is of it already, and whether its places have figures."""

    figure: Figure
    name: str
    place: str
    query: str
    plan: Plan | None
    known: bool = True


def totals(account: Account, found: Sequence[Plan]) -> list[Total]:
    """The totals an account may split: the documents' targets, and the adopted cells of its own places."""
    pack, today = packs.current(), clock.today()
    root, out = pack.manifest.root_place, []
    if may_draft(account, root):
        made = {p.split.total.target: p for p in found if p.split.total.target}
        known = {text.partition("@")[0] for text, _ in choices(pack.places.at_level("city", root))}
        for target in pack.all("targets"):
            card = pack.find("indicators", target.indicator)
            figure = as_figure(target, card) if card and target.kind == "level" and target.place == root else None
            period = Period.parse(target.period)
            if (
                figure
                and card
                and card.aggregation.place == "sum"
                and period.months == 12
                and period.year >= today.year
            ):
                out.append(
                    Total(figure, card.name, root, f"target={target.code}", made.get(target.code), card.code in known)
                )
        return out
    own = {g for g in access.visible_places(account).places if g and may_draft(account, g)}
    made = {p.run.parent_figure: p for p in found if p.run.parent_figure}
    runs = Allocation.objects.filter(cells__place__in=own, adopted_from__lte=today)
    for indicator, period_text in sorted(set(runs.values_list("indicator", "period"))):
        card = queries.card(pack, indicator)
        for place, figure in goals.goals(pack, card, Period.parse(period_text), today).items():
            if place in own and figure.key.measure == "allocated" and pack.places.children(place):
                out.append(Total(figure, card.name, place, f"figure={figure.id}", made.get(figure.id)))
    return out


def choices(places: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """(`indicator@period`, words) of the figures every one of these places has, the latest first."""
    pack = packs.current()
    return _choices(tuple(places), pack.fingerprint, observations.state(), clock.today().isoformat())


@lru_cache(maxsize=64)
def _choices(places: tuple[str, ...], *state: str) -> tuple[tuple[str, str], ...]:
    # The state keys the cache.
    pack: Pack = packs.current()
    rows = (
        Observation.objects.filter(place__in=places, chain="", known_from__lte=clock.today())
        .order_by()
        .values_list("indicator", "start", "months")
        .annotate(held=Count("place", distinct=True))
        .filter(held=len(places))
    )
    periods = [(code, Period(start // 100, start % 100, months)) for code, start, months, _ in rows]
    ordered = sorted(periods, key=lambda pair: (-pair[1].last_day.toordinal(), pair[0], pair[1].months))
    return tuple(
        (text, figure_words(text, pack))
        for text in (f"{code}@{period}" for code, period in ordered if _known(pack, code))
    )


def _known(pack: Pack, code: str) -> bool:
    return pack.find("indicators", code) is not None
