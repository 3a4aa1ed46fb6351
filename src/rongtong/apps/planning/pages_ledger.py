"""The commitments ledger (承诺一本账): every commitment with its target, latest figure and lamp, or why it has none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from django.urls import reverse

from rongtong import clock
from rongtong.apps.observations import queries as observations
from rongtong.apps.packs import queries as packs
from rongtong.apps.papers.blocks_base import wide
from rongtong.apps.papers.blocks_goals import due, met_words, requirement, share_of
from rongtong.apps.planning import deadlines, goals, queries
from rongtong.apps.planning.pages_latest import Wanted, latest
from rongtong.engine.figure import Figure
from rongtong.engine.indicator import Board
from rongtong.engine.pace import SHAPES, WORDS, Lamp
from rongtong.engine.pack.check_words import KIND_WORDS, LAMP_KINDS
from rongtong.engine.pack.model import Commitment, Indicator, Target
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period

STATUS_WORDS = {"done": "已完成", "open": "未完成", "": "—"}
NO_LAMP = "none"
UNSTATED = "未明确"
PROMISES = tuple(k for k in KIND_WORDS if k != "achievement")


@dataclass(frozen=True, slots=True)
class Entry:
    """A commitment as the ledger shows it. `why` says why there is no figure, `unlit` why there is no lamp."""

    item: Commitment
    name: str
    kind: str
    requirement: str
    due: str
    document: str
    address: str
    clause_address: str
    card: Indicator | None = None
    target: Target | None = None
    figure: Figure | None = None
    period: str = ""
    completion: Figure | None = None
    baseline: Figure | None = None
    lamp: Lamp | None = None
    met: str = ""
    why: str = ""
    unlit: str = ""

    @property
    def department(self) -> str:
        """The unit as the document states it; an inferred one never stands here."""
        return self.item.department or UNSTATED

    @property
    def status(self) -> str:
        return STATUS_WORDS[self.item.status]

    @property
    def remark(self) -> str:
        """What is to be said beside it: its status, why there is no figure, why there is no lamp."""
        status = self.status if self.item.status else ""
        return "；".join(dict.fromkeys(w.rstrip("。") for w in (status, self.why, self.unlit) if w))

    @property
    def promised(self) -> bool:
        return self.item.kind != "achievement"

    @property
    def protected(self) -> bool:
        """Whether its figure is for those who have logged in."""
        return self.card is not None and self.card.level != "L1"


def entries(day: date | None = None) -> tuple[Entry, ...]:
    """Every commitment in the order of the pack, with what is known of it on a day (default today)."""
    pack = packs.current(day)
    return _entries(pack.fingerprint, observations.state(), goals.state(), day or clock.today(), day)


@lru_cache(maxsize=8)
def _entries(fingerprint: str, facts_state: str, goals_state: str, day: date, asked: date | None) -> tuple[Entry, ...]:
    # The first three arguments are the state the answer depends on; they key the cache.
    pack = packs.current(asked)
    targets = {t.commitment: t for t in pack.all("targets") if t.commitment}
    items = pack.all("commitments")
    wanted = {i.id: _wanted(i, targets.get(i.id)) for i in items if i.indicator}
    boards = latest(pack, wanted.values(), day)
    judged = _judged(pack, asked)
    return tuple(
        _entry(pack, i, targets.get(i.id), boards.get(wanted[i.id]) if i.id in wanted else None, judged, day)
        for i in items
    )


LOGIN = "登录后可见"


def shown(found: Iterable[Entry], *, protected: bool) -> tuple[Entry, ...]:
    """The entries as a reader may see them: what an indicator above L1 says only where `protected` is allowed."""
    return tuple(e if protected or not e.protected else _blank(e) for e in found)


def _blank(entry: Entry) -> Entry:
    nothing: dict[str, None] = dict.fromkeys(("figure", "completion", "baseline", "lamp"))
    return replace(entry, **nothing, period="", met="", why=LOGIN, unlit=LOGIN)  # type: ignore[arg-type]


def _wanted(item: Commitment, target: Target | None) -> Wanted:
    """A commitment with a yearly level target is held against that year; any other shows the last value there is."""
    year = Period.parse(target.period).year if target and target.kind == "level" else None
    return Wanted(item.indicator, year)


def _judged(pack: Pack, asked: date | None) -> tuple[queries.Goal, ...]:
    """The targets that are not a level in a year, the earliest first."""
    years = {Period.parse(t.period).year for t in pack.all("targets") if t.kind != "level"}
    return tuple(g for y in sorted(years) for g in queries.targets(y, asked) if g.target.kind != "level")


def _entry(
    pack: Pack,
    item: Commitment,
    target: Target | None,
    board: Board | None,
    judged: Sequence[queries.Goal],
    day: date,
) -> Entry:
    document = pack.find("documents", item.document)
    figures = board.total.figures if board else {}
    share = share_of(item, judged)
    value = share.verdicts[0].actual if share else figures.get("value")
    own = next((g for g in judged if g.target.commitment == item.id), None)
    level = target is not None and target.kind == "level"
    paced = board.total.lamp if board and level and item.kind in LAMP_KINDS else None
    lamp = paced or deadlines.lamp(pack, item, day)
    return Entry(
        item=item,
        name=wide(item.name),
        kind=KIND_WORDS[item.kind],
        requirement=requirement(item),
        due=due(item),
        document=(document.number or document.title) if document else item.document,
        address=reverse("commitment", args=[item.id]),
        clause_address=reverse("clause", args=[item.document, item.clause]),
        card=pack.find("indicators", item.indicator) if item.indicator else None,
        target=target,
        figure=value,
        period=value.key.period.chinese if value else "",
        completion=figures.get("completion") if level else None,
        baseline=figures.get("baseline") if level else None,
        lamp=lamp,
        met=met_words(own.target, day)[own.met] if own else "",
        why=wide(item.unmeasured) if item.unmeasured else "" if value else f"有指标，截至 {day} 没有数",
        unlit="" if lamp else _unlit(item, target),
    )


def _unlit(item: Commitment, target: Target | None) -> str:
    """Why a commitment has no lamp, in words."""
    if item.kind not in LAMP_KINDS:
        return f"{KIND_WORDS[item.kind]}不亮灯"
    if item.status == "done":
        return "已完成，不再亮灯"
    if target is not None:
        return "按目标的读法判断，不按进度亮灯"
    if item.kind == "measured":
        return "没有登记可比的年度目标"
    return "文件没有写明期限"


@dataclass(frozen=True, slots=True)
class Filters:
    """What a reader narrows the ledger to; empty fields narrow nothing. `lamp` is a lamp's code or `none`."""

    q: str = ""
    kind: str = ""
    clause: str = ""
    lamp: str = ""
    department: str = ""
    status: str = ""
    document: str = ""

    @staticmethod
    def of(asked: Mapping[str, str]) -> Filters:
        """The filters of a query string; unknown values stay, so that they find nothing rather than everything."""
        return Filters(**{name: asked.get(name, "").strip()[:64] for name in Filters.__slots__})

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in Filters.__slots__)

    @property
    def narrow(self) -> bool:
        """Whether it narrows the promises of the whole ledger."""
        return self != Filters(kind="promise")

    def keeps(self, entry: Entry) -> bool:
        """Whether an entry passes every filter."""
        item = entry.item
        return (
            (not self.q or self.q in f"{item.id} {entry.name} {item.name} {item.note}")
            and (not self.kind or _kind_kept(self.kind, item.kind))
            and (not self.clause or item.clause == self.clause or item.clause.startswith(f"{self.clause}."))
            and (not self.lamp or self.lamp == (entry.lamp.code if entry.lamp else NO_LAMP))
            and (not self.department or self.department in departments(item))
            and (not self.status or self.status == item.status)
            and (not self.document or self.document == item.document)
        )


def _kind_kept(asked: str, kind: str) -> bool:
    return kind in PROMISES if asked == "promise" else kind == asked


def departments(item: Commitment) -> tuple[str, ...]:
    """The names a commitment is found under: the units stated or inferred, one by one; 未明确 when there are none."""
    names = (item.department or item.department_inferred).split("/")
    return tuple(n for n in names if n) or (UNSTATED,)


def department_names(found: Iterable[Entry]) -> list[str]:
    """Every unit of the entries, those with most entries first, 未明确 last."""
    counts = Counter(n for e in found for n in departments(e.item))
    return sorted(counts, key=lambda n: (n == UNSTATED, -counts[n], n))


@dataclass(frozen=True, slots=True)
class Summary:
    """How the ledger stands: counts only. `lamps` are (code, shape, word, count), `reasons` (why, count)."""

    all: int
    promised: int
    kinds: tuple[tuple[str, str, int], ...]
    measured: int
    known: int
    lamps: tuple[tuple[str, str, str, int], ...]
    unlit: int
    reasons: tuple[tuple[str, int], ...]

    @property
    def achieved(self) -> int:
        return self.all - self.promised

    @property
    def unmeasured(self) -> int:
        return self.promised - self.measured


def summary(found: Iterable[Entry]) -> Summary:
    """The counts of some entries."""
    chosen = tuple(found)
    promised = [e for e in chosen if e.promised]
    kinds: Counter[str] = Counter(e.item.kind for e in chosen)
    lamps = Counter(e.lamp.code for e in chosen if e.lamp)
    reasons = Counter(e.why for e in promised if not e.item.indicator)
    return Summary(
        all=len(chosen),
        promised=len(promised),
        kinds=tuple((k, w, kinds[k]) for k, w in KIND_WORDS.items() if kinds[k]),
        measured=sum(1 for e in promised if e.item.indicator),
        known=sum(1 for e in promised if e.figure),
        lamps=tuple((c, SHAPES[c], w, lamps[c]) for c, w in WORDS.items() if lamps[c]),
        unlit=sum(1 for e in promised if not e.lamp),
        reasons=tuple(sorted(reasons.items(), key=lambda r: (-r[1], r[0]))),
    )


@dataclass(frozen=True, slots=True)
class Group:
    """Entries under one heading, with their lamps as (code, shape, word, count)."""

    name: str
    address: str
    entries: tuple[Entry, ...]

    @property
    def lamps(self) -> tuple[tuple[str, str, str, int], ...]:
        return summary(self.entries).lamps


def _units(item: Commitment) -> tuple[str, ...]:
    """The units of a commitment, each inferred one saying so."""
    inferred = item.department_inferred and not item.department
    return tuple(f"{n}（推断）" for n in departments(item)) if inferred else departments(item)


GROUPS = {"clause": "按条款", "department": "按单位", "kind": "按类别"}


def grouped(found: Iterable[Entry], by: str) -> list[Group]:
    """Entries by clause, unit or kind, in the order of the pack; an entry of two units stands under each."""
    groups: dict[str, list[Entry]] = {}
    for entry in found:
        names = {"department": _units(entry.item), "kind": (entry.kind,)}.get(by, (entry.item.clause,))
        for name in names:
            groups.setdefault(name, []).append(entry)
    return [Group(n, e[0].clause_address if by == "clause" else "", tuple(e)) for n, e in groups.items()]


def entry(code: str, day: date | None = None) -> Entry:
    """One commitment. Raises queries.Unknown."""
    found = next((e for e in entries(day) if e.item.id == code), None)
    if found is None:
        raise queries.Unknown(f"没有承诺“{code}”。一本账列出全部编号。")
    return found
