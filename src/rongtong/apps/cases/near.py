"""Cases that may be one and the same (疑似重复), and those that make a common problem (举一反三), by their wording.

Only where the process names the fields (`alike`). The bands of a case's sketch lie beside it; those that share one are
candidates, and their exact likeness is computed when somebody asks. Nothing is merged here: an officer decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count
from django.urls import reverse

from rongtong.apps.cases import holding, queries
from rongtong.apps.cases.models import Band, Case
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.models import Account
from rongtong.clock import LOCAL
from rongtong.engine import alike
from rongtong.engine.pack.process import Process, Transition

# A store takes only so many numbers in one question; of these so many are compared, those that share the most bands first,
# and so many shown.
MOST_SHARING = 5000
MOST_COMPARED, MOST_SHOWN = 200, 8
# How few cases make no common problem, and how many of the newest a page groups.
LEAST_MEMBERS, MOST_GROUPED, MOST_TERMS = 3, 5000, 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A case that may be the same: how alike it is, and the address that fills the step which merges into it.

    `other_owner`: it is another organisation's, so that it is no duplicate whatever it says; `merge` is then empty.
    """

    case: Case
    likeness: Fraction
    merge: str = ""
    other_owner: bool = False

    @property
    def percent(self) -> int:
        """The likeness in whole percent, rounded down."""
        return int(self.likeness * 100)


@dataclass(frozen=True, slots=True)
class Group:
    """A cluster of cases: the title proposed from what its texts share, and the members."""

    title: str
    members: tuple[Case, ...]

    @property
    def organisations(self) -> int:
        """How many organisations have a case among them."""
        return len({c.organisation_id for c in self.members if c.organisation_id})

    @property
    def place(self) -> str:
        """The smallest place that holds all members."""
        tree, root = packs.current().places, packs.current().manifest.root_place
        places = {c.place for c in self.members}
        here = min(places)
        while here != root and not all(tree.is_within(p, here) for p in places):
            here = tree.parent(here) or root
        return here


def text(process: Process, data: Mapping[str, Any]) -> str:
    """What a case is compared by: the fields of `alike`, one a line."""
    return "\n".join(str(data[name]) for name in process.alike if data.get(name))


def keep(case: Case, process: Process, given: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    """Keep the bands of a case whose wording was filled in with a step. Within the step's transaction."""
    if not set(process.alike) & given.keys():
        return
    Band.objects.filter(case=case).delete()
    rows = set(alike.bands(alike.sketch(text(process, data))))
    Band.objects.bulk_create(Band(case=case, band=band) for band in sorted(rows))


def candidates(account: Account, case: Case) -> tuple[Candidate, ...]:
    """The open cases of the same process that the account reads and that may be the same, the most alike first."""
    process = holding.process_of(case)
    if not process.alike:
        return ()
    # By the bands first: of a year's cases few share one, and only of those is asked whether they are read.
    own = Band.objects.filter(case=case).values("band")
    sharing = Band.objects.filter(band__in=own).exclude(case=case)
    counted = sharing.order_by().values_list("case").annotate(shared=Count("pk")).order_by("-shared", "case")
    shared = dict(counted[:MOST_SHARING])
    readable = queries.visible(account, case.process).filter(outcome="", pk__in=shared).values_list("pk", flat=True)
    most = sorted(readable, key=lambda pk: (-shared[pk], pk))[:MOST_COMPARED] if shared else []
    if not most:
        return ()
    found = Case.objects.select_related("definition", "organisation").in_bulk(most)
    data = queries.data_of([case, *found.values()])
    texts = {pk: text(process, data[pk]) for pk in found}
    step = _merging(account, case, process)
    return tuple(
        _candidate(case, found[pk], likeness, step)
        for pk, likeness in alike.near(text(process, data[case.pk]), texts)[:MOST_SHOWN]
    )


def _candidate(case: Case, other: Case, likeness: Fraction, step: Transition | None) -> Candidate:
    differs = case.organisation_id is not None and case.organisation_id != other.organisation_id
    if step is None or differs:
        return Candidate(other, likeness, "", differs)
    (field,) = step.links.values()
    fill = urlencode({"step": step.code, field: other.key})
    return Candidate(other, likeness, f"{reverse('case', args=[case.pk])}?{fill}#{step.code}")


def _merging(account: Account, case: Case, process: Process) -> Transition | None:
    """The step by which this account may end the case in another one."""
    held = holding.roles_held(holding.reach(account), case)
    here = [t for t in process.transitions if case.stage in t.at and held & set(t.by) and len(t.links) == 1]
    return next((t for t in here if t.to and process.stage(t.to).outcome), None)


def doubtful(account: Account, cases: Iterable[Case]) -> frozenset[int]:
    """Of these cases, those with an open one that shares a band with them: worth a look, in four queries.

    Sharing a band is likely above `alike.NEAR` and rare far below it; the page of the case says how alike they are.
    """
    process = {c.pk: c.process for c in cases if holding.process_of(c).alike}
    if not process:
        return frozenset()
    bands: dict[int, set[int]] = {}
    for pk, band in Band.objects.filter(case__in=process).values_list("case", "band"):
        bands.setdefault(band, set()).add(pk)
    # Not joined with the cases: from the open ones a store would look at all their bands.
    sharing = [
        (pk, other)
        for band, other in Band.objects.filter(band__in=bands).values_list("band", "case")
        for pk in bands[band]
        if other != pk
    ]
    # Of these few are open, and only of those is asked whether they are read.
    open_ = dict(Case.objects.filter(outcome="", pk__in={other for _, other in sharing}).values_list("pk", "process"))
    pairs = [(pk, other) for pk, other in sharing if open_.get(other) == process[pk]]
    found = queries.visible(account).filter(pk__in={other for _, other in pairs}) if pairs else Case.objects.none()
    readable = set(found.values_list("pk", flat=True))
    return frozenset(pk for pk, other in pairs if other in readable)


def clusters(account: Account, process: str, since: date, until: date, place: str = "") -> tuple[Group, ...]:
    """Groups of at least `LEAST_MEMBERS` cases alike, opened between two days (both included) in a place and below it.

    The largest first; of more than `MOST_GROUPED` cases the newest. Cases that ended in another one are left out.
    """
    definition = packs.current().find("processes", process)
    if definition is None or not definition.alike:
        return ()
    start = datetime.combine(since, time.min, LOCAL)
    end = datetime.combine(until + timedelta(days=1), time.min, LOCAL)
    rows = queries.visible(account, process).filter(opened_at__gte=start, opened_at__lt=end)
    rows = rows.exclude(stage__in=_ending_in_another(definition))
    if place:
        tree = packs.current().places
        rows = rows.filter(place__in=[p for p in tree.places if tree.is_within(p, place)])
    cases = {c.pk: c for c in rows.order_by("-pk")[:MOST_GROUPED]}
    data = queries.data_of(cases.values())
    texts = {pk: text(definition, data[pk]) for pk in cases}
    return tuple(
        Group("、".join(c.terms[:MOST_TERMS]) or cases[c.centre].title, tuple(cases[pk] for pk in c.members))
        for c in alike.clusters(texts)
        if len(c.members) >= LEAST_MEMBERS
    )


def _ending_in_another(process: Process) -> list[str]:
    return [t.to for t in process.transitions if t.links and t.to and process.stage(t.to).outcome]
