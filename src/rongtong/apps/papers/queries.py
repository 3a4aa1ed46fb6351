"""Reading what the papers remember: officers' texts, papers made, papers released."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

from django.db.models import Count, Max, QuerySet

from rongtong.apps.cases import queries as cases
from rongtong.apps.cases.models import Case
from rongtong.apps.packs import queries as packs
from rongtong.apps.papers.models import Issue, Note, Release
from rongtong.apps.registry import access
from rongtong.apps.registry.models import Account

PROCESS, REVIEW = "release", "review"


def notes(paper: str, period: str) -> dict[str, str]:
    """Section → the newest text an officer wrote for it."""
    rows = Note.objects.filter(paper=paper, period=period).order_by("pk").values_list("section", "text")
    return {section: text for section, text in dict(rows).items() if text.strip()}


def newest_notes(paper: str, period: str) -> dict[str, Note]:
    """Section → the newest version of its text, with who wrote it and when."""
    rows = Note.objects.filter(paper=paper, period=period).order_by("pk").select_related("by")
    return {note.section: note for note in rows}


def newest_issue(paper: str, period: str, place: str = "", use: str = "") -> Issue | None:
    """The paper of this kind made last, or None."""
    return Issue.objects.filter(paper=paper, period=period, place=place, use=use).order_by("-pk").first()


@dataclass(frozen=True, slots=True)
class Title:
    """What makes papers the same paper: kind, period, and for evidence sheets a place and a use."""

    kind: str
    period: str
    place: str = ""
    use: str = ""

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.period}/{self.place}/{self.use}"


def title_of(issue: Issue) -> Title:
    return Title(issue.paper, issue.period, issue.place, issue.use)


def case_key(issue: Issue) -> str:
    """How the case of a release names an issue."""
    return f"{title_of(issue).key}/{issue.sha256[:12]}"


def issue_of(case: Case) -> Issue:
    """The issue a case is about. Raises Issue.DoesNotExist."""
    kind, period, place, use, sha = case.key.split("/")
    rows = Issue.objects.filter(paper=kind, period=period, place=place, use=use, sha256__startswith=sha)
    return rows.order_by("-pk")[:1].get()


def about(place: str) -> str:
    """The place a paper belongs to: its own, or the whole."""
    return place or packs.current().manifest.root_place


def reads(account: Account, place: str) -> bool:
    """Whether an account reads the papers of a place ("": of the whole)."""
    return about(place) in access.visible_places(account)


@dataclass(frozen=True, slots=True)
class Listed:
    """A paper as the list shows it: its newest issue, the case about that, how often it was released."""

    title: Title
    issue: Issue
    case: Case | None
    releases: int

    @property
    def state(self) -> str:
        """草稿, 送审, 已发布, 已撤回."""
        return STATES.get(self.case.stage, "草稿") if self.case else "草稿"

    @property
    def colour(self) -> str:
        return {"送审": "blue", "已发布": "green"}.get(self.state, "")


STATES = {"review": "送审", "released": "已发布", "withdrawn": "草稿", "draft": "草稿"}


def listed(account: Account, kind: str = "") -> list[Listed]:
    """The papers an account reads, newest period first, each with its newest issue."""
    seen, root = access.visible_places(account), packs.current().manifest.root_place
    rows = Issue.objects.filter(paper=kind) if kind else Issue.objects.all()
    groups = rows.order_by().values("paper", "period", "place", "use").annotate(last=Max("pk"), out=Count("releases"))
    counts = {g["last"]: g["out"] for g in groups if (g["place"] or root) in seen}
    issues = Issue.objects.filter(pk__in=counts).select_related("by").defer("figures", "lines", "texts")
    found = _cases(issues)
    items = [Listed(title_of(i), i, found.get(case_key(i)), counts[i.pk]) for i in issues]
    return sorted(items, key=lambda x: (x.title.period, x.issue.pk), reverse=True)


def _cases(issues: Iterable[Issue]) -> dict[str, Case]:
    keys = [case_key(i) for i in issues]
    return {c.key: c for c in Case.objects.select_related("definition").filter(process=PROCESS, key__in=keys)}


def case_of(issue: Issue) -> Case | None:
    """The case about the release of an issue."""
    return cases.by_key(PROCESS, case_key(issue))


def case_in_review(title: Title) -> Case | None:
    """The case of any issue of a paper that is under review (送审)."""
    rows = Case.objects.filter(process=PROCESS, key__startswith=title.key + "/", stage=REVIEW)
    return rows.select_related("definition").order_by("-pk").first()


def releases(title: Title) -> QuerySet[Release]:
    """The releases of a paper, newest first, without their bytes."""
    rows = Release.objects.filter(
        issue__paper=title.kind, issue__period=title.period, issue__place=title.place, issue__use=title.use
    )
    return rows.select_related("issue", "by").defer("content").order_by("-number")


def release_of_file(sha256: str) -> Release | None:
    """The release whose file has this digest."""
    return Release.objects.filter(sha256=sha256).select_related("issue").first()


@dataclass(frozen=True, slots=True)
class Line:
    """A stretch of text of two issues: `kept`, `gone` or `new`."""

    mark: str
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What two issues of a paper differ in: figures as (id, before, after), "" where there is none; lines of text."""

    figures: tuple[tuple[str, str, str], ...]
    lines: tuple[Line, ...]


def difference(one: Issue, other: Issue) -> Difference:
    """What moved from one issue to another: figures by their id, text line by line."""
    was, now = _figures(one), _figures(other)
    moved = tuple((f, was.get(f, ""), now.get(f, "")) for f in dict.fromkeys([*was, *now]) if was.get(f) != now.get(f))
    return Difference(moved, tuple(_lines(json.loads(one.lines), json.loads(other.lines))))


def _figures(issue: Issue) -> dict[str, str]:
    return dict(json.loads(issue.figures))


def _lines(was: list[str], now: list[str]) -> Iterable[Line]:
    for tag, a, b, c, d in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if tag != "equal":
            yield from (Line("gone", text) for text in was[a:b])
            yield from (Line("new", text) for text in now[c:d])
