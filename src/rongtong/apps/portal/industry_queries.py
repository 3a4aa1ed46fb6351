"""Industrial chains (产业链): for one chain its cases, what is on notice, who is active, what was issued, its figures.

Chains overlap: a robot belongs to one chain of robots and to one of artificial intelligence. Nothing here adds two chains.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Q
from django.urls import reverse

from rongtong import clock
from rongtong.apps.cases import access, holding, notices, space
from rongtong.apps.cases import queries as cases
from rongtong.apps.cases.models import Case, Certificate
from rongtong.apps.observations import queries as observations
from rongtong.apps.packs import queries as packs
from rongtong.apps.planning import queries
from rongtong.apps.registry.models import Account
from rongtong.engine.figure import Figure
from rongtong.engine.indicator import Board, Row
from rongtong.engine.pack.model import Chain, Indicator
from rongtong.engine.pack.process import Process
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period

MOST = 30
# Words of the schemes that several packs use; another is shown by its code.
SCHEMES = {"national_cluster": "国家先进制造业集群", "future": "未来产业"}
Reader = Account | AnonymousUser


@dataclass(frozen=True, slots=True)
class Entry:
    """A chain in the list, with what is on notice and how many cases this reader sees of it, open and all."""

    chain: Chain
    parent: str
    notices: int
    open: int
    cases: int


@dataclass(frozen=True, slots=True)
class Work:
    """The cases of a process on the chain: how many in each stage, how many are late."""

    process: Process
    cases: int
    late: int
    stages: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """An indicator with a figure of the chain for its last period, beside the whole's: its progress and its lamp."""

    card: Indicator
    period: Period
    figure: Figure
    yoy: Figure | None
    whole: Row
    places: str

    @property
    def aimed(self) -> bool:
        """Whether the whole has a target for the period; a chain has none of its own."""
        return "completion" in self.whole.figures


def entries(pack: Pack, reader: Reader) -> list[tuple[str, list[Entry]]]:
    """The chains of the pack by scheme, those that lie in another below it."""
    posted = _by_chain(Q(pk__in=notices.standing().values("pk")))
    seen = access.visible(reader) if isinstance(reader, Account) else Case.objects.none()
    every, still = _by_chain(Q(pk__in=seen.values("pk"))), _by_chain(Q(pk__in=seen.values("pk"), outcome=""))
    found: dict[str, list[Entry]] = {}
    names = {c.code: c.name for c in pack.all("chains")}
    for chain in pack.all("chains"):
        parent = names.get(chain.parent, chain.parent)
        entry = Entry(chain, parent, posted.get(chain.code, 0), still.get(chain.code, 0), every.get(chain.code, 0))
        found.setdefault(chain.scheme, []).append(entry)
    return [(SCHEMES.get(scheme, scheme.upper()), rows) for scheme, rows in found.items()]


def _by_chain(condition: Q) -> dict[str, int]:
    rows = Case.objects.filter(condition).exclude(chain="").order_by().values_list("chain").annotate(n=Count("pk"))
    return dict(rows)


def page(pack: Pack, chain: Chain, reader: Reader) -> dict[str, object]:
    """Everything on a chain that the reader may see; without a login figures of L1 and what is on notice."""
    known = isinstance(reader, Account)
    context: dict[str, object] = {
        "chain": chain,
        "parent": pack.find("chains", chain.parent) if chain.parent else None,
        "parts": [c for c in pack.all("chains") if c.parent == chain.code],
        "document": pack.find("documents", chain.document) if chain.document else None,
        "scheme": SCHEMES.get(chain.scheme, chain.scheme.upper()),
        "notices": notices.posted(notices.standing().filter(chain=chain.code)[:MOST]),
        "measures": tuple(_measures(pack, chain, protected=known)),
    }
    if isinstance(reader, Account):
        seen = access.visible(reader).filter(chain=chain.code)
        context |= {
            "work": work(reader, chain),
            "organisations": list(
                seen.exclude(organisation=None)
                .order_by()
                .values_list("organisation__name")
                .annotate(n=Count("pk"))
                .order_by("-n", "organisation__name")[:MOST]
            ),
            "proofs": _proofs(reader, chain),
        }
    return context


def work(reader: Account, chain: Chain) -> tuple[Work, ...]:
    """The cases on the chain that the reader sees, by process and stage."""
    processes, today = holding.definition_numbers(), clock.today()
    rows = (
        access.visible(reader)
        .filter(chain=chain.code)
        .order_by()
        .values_list("process", "definition_id", "stage")
        .annotate(n=Count("pk"), over=Count("pk", filter=Q(late=True) | Q(outcome="", due__lt=today)))
    )
    stages: dict[str, list[tuple[int, str, int]]] = {}
    late: dict[str, int] = {}
    kept: dict[str, Process] = {}
    for code, definition, stage, number, over in sorted(rows):
        kept[code] = processes[definition]
        stages.setdefault(code, []).append((definition, stage, number))
        late[code] = late.get(code, 0) + over
    return tuple(
        Work(process, sum(n for _, _, n in stages[code]), late[code], cases.by_stage(stages[code]))
        for code, process in sorted(kept.items())
    )


def _proofs(reader: Account, chain: Chain) -> tuple[space.Proof, ...]:
    rows = list(
        Certificate.objects.filter(case__in=access.visible(reader).filter(chain=chain.code))
        .select_related("case__definition", "event")
        .order_by("-pk")[:MOST]
    )
    return space.readable_proofs(reader, rows)


def _measures(pack: Pack, chain: Chain, *, protected: bool) -> list[Measure]:
    found = []
    for code, period in observations.of_chain(chain.code, clock.today()).items():
        card = pack.find("indicators", code)
        if card is None or not (protected or card.level == "L1"):
            continue
        own = _total(code, period, chain.code)
        figure = own.total.figures.get("value")
        if figure is not None:
            places = f"{reverse('cockpit')}?indicator={code}&period={period}&chain={chain.code}"
            whole = _total(code, period, "").total
            found.append(Measure(card, period, figure, own.total.figures.get("yoy"), whole, places))
    return found


def _total(code: str, period: Period, chain: str) -> Board:
    return queries.monitor(queries.Asked(code, period, "self", "", chain))


def find(code: str) -> Chain | None:
    """The chain of a code, or None."""
    found: Chain | None = packs.current().find("chains", code)
    return found
