"""The living document (活文件): a document as the outline of its clauses, each with what was promised and how it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse

from rongtong.apps.packs import texts
from rongtong.apps.packs.models import DocumentText
from rongtong.apps.papers.blocks_base import wide
from rongtong.apps.planning import pages_ledger, queries
from rongtong.apps.planning.pages_cards import clause_words
from rongtong.apps.planning.pages_ledger import Entry, Filters
from rongtong.apps.portal.document_marks import Segment, marked
from rongtong.engine.figure import Figure
from rongtong.engine.pack.model import Document, Indicator, Target, Use
from rongtong.engine.pack.read import Pack
from rongtong.engine.target import as_figure

LampCount = tuple[str, str, str, int]


@dataclass(frozen=True, slots=True)
class ClauseView:
    """A clause with its commitments that pass the filters. `text` are the paragraphs of the attached official text."""

    id: str
    about: str
    address: str
    promises: tuple[Entry, ...]
    achievements: tuple[Entry, ...]
    text: tuple[tuple[Segment, ...], ...] = ()

    @property
    def lamps(self) -> tuple[LampCount, ...]:
        return pages_ledger.summary(self.promises).lamps

    @property
    def brief(self) -> bool:
        """Whether it promises nothing and no text is attached, so that one line shows it."""
        return not self.promises and not self.text

    @property
    def label(self) -> str:
        return clause_words(self.id)

    @property
    def unmarked(self) -> tuple[Entry, ...]:
        """The promises that the official text was not found to state word for word."""
        found = {s.entry.item.id for paragraph in self.text for s in paragraph if s.entry}
        return tuple(e for e in self.promises if e.item.id not in found)


@dataclass(frozen=True, slots=True)
class Part:
    """The clauses under one first number."""

    number: str
    clauses: tuple[ClauseView, ...]


def main(pack: Pack) -> Document | None:
    """The document with most commitments; without commitments the first that has clauses; None for none."""
    counts = Counter(c.document for c in pack.all("commitments"))
    if counts:
        return pack.find("documents", counts.most_common(1)[0][0])
    return next((d for d in pack.all("documents") if d.clauses), None)


def document(pack: Pack, code: str) -> Document:
    """The document of this code. Raises queries.Unknown."""
    found = pack.find("documents", code)
    if found is None:
        raise queries.Unknown(f"没有文件“{code}”。")
    return found  # type: ignore[no-any-return]


def parts(item: Document, entries: Iterable[Entry], filters: Filters, text: DocumentText | None) -> list[Part]:
    """The outline of a document. With filters only clauses that keep something are shown."""
    own = [e for e in entries if e.item.document == item.code]
    kept = [e for e in own if filters.keeps(e)]
    split = texts.split(text.text, clause_ids(item)) if text else texts.Split()
    views = [
        _view(item, clause.id, clause.about, kept, [e for e in own if e.item.clause == clause.id], split)
        for clause in item.clauses
    ]
    groups: dict[str, list[ClauseView]] = {}
    for view in views:
        if not filters or view.promises or view.achievements:
            groups.setdefault(view.id.partition(".")[0] if view.id[:1].isdigit() else "", []).append(view)
    return [Part(number, tuple(found)) for number, found in groups.items()]


def clause_ids(item: Document) -> tuple[str, ...]:
    return tuple(c.id for c in item.clauses)


def _view(
    item: Document, clause: str, about: str, kept: Iterable[Entry], own: list[Entry], split: texts.Split
) -> ClauseView:
    here = [e for e in kept if e.item.clause == clause]
    return ClauseView(
        id=clause,
        about=wide(about),
        address=reverse("clause", args=[item.code, clause]),
        promises=tuple(e for e in here if e.promised),
        achievements=tuple(e for e in here if not e.promised),
        text=tuple(marked(p, own) for p in split.clauses.get(clause, ())),
    )


PRESSING = ("red", "blue", "yellow")


def pressing(entries: Iterable[Entry]) -> list[Entry]:
    """The promises whose lamp asks for attention, the worst first."""
    found = [e for e in entries if e.lamp and e.lamp.code in PRESSING]
    return sorted(found, key=lambda e: PRESSING.index(e.lamp.code) if e.lamp else 0)


def preface(item: Document, text: DocumentText | None) -> list[str]:
    """The paragraphs of the attached text that belong to no clause."""
    return texts.split(text.text, clause_ids(item)).preface if text else []


def documents(pack: Pack) -> list[tuple[Document, int]]:
    """Every document of the packs with the number of its commitments, those with most first."""
    counts = Counter(c.document for c in pack.all("commitments"))
    found = pack.all("documents")
    return sorted(((d, counts[d.code]) for d in found), key=lambda d: -d[1])


@dataclass(frozen=True, slots=True)
class ClausePage:
    """A clause and everything that stands on it, up and down the chain."""

    document: Document
    view: ClauseView
    cards: tuple[Indicator, ...]
    targets: tuple[tuple[Target, Indicator, Figure | None], ...]
    uses: tuple[tuple[Use, tuple[Indicator, ...]], ...]
    scopes: tuple[tuple[str, str], ...]
    before: ClauseView | None
    after: ClauseView | None


def clause_page(pack: Pack, code: str, clause: str, text: DocumentText | None, *, protected: bool) -> ClausePage:
    """Everything on a clause; cards above L1 only where `protected` is allowed. Raises queries.Unknown."""
    item = document(pack, code)
    entries = pages_ledger.shown(pages_ledger.entries(), protected=protected)
    views = [v for part in parts(item, entries, Filters(), text) for v in part.clauses]
    at = next((i for i, v in enumerate(views) if v.id == clause), None)
    if at is None:
        raise queries.Unknown(f"{item.title}没有登记第“{clause}”条。")

    def here(cite: object) -> bool:
        return (getattr(cite, "document", ""), getattr(cite, "clause", "")) == (code, clause)

    cards = {c.code: c for c in pack.all("indicators") if any(here(b) for b in c.basis)}
    targets = [t for t in pack.all("targets") if here(t.cite)]
    open_ = {c.code for c in pack.all("indicators") if protected or c.level == "L1"}
    return ClausePage(
        document=item,
        view=views[at],
        cards=tuple(c for c in cards.values() if c.code in open_),
        targets=tuple(
            (t, queries.card(pack, t.indicator), as_figure(t, queries.card(pack, t.indicator)))
            for t in targets
            if t.indicator in open_
        ),
        uses=tuple(
            (u, tuple(queries.card(pack, c) for c in u.indicators if c in open_))
            for u in pack.all("uses")
            if here(u.cite)
        ),
        scopes=tuple((s.code, s.name) for s in pack.all("scopes") if here(s.cite)),
        before=views[at - 1] if at else None,
        after=views[at + 1] if at + 1 < len(views) else None,
    )
