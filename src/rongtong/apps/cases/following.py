"""What a step leaves in the tables that repeat a case: who takes part, its labels, what it adds to indicators.

All of it happens inside the step's transaction; the case's own record is its events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum

from rongtong.apps.cases import bounds, holding, queries
from rongtong.apps.cases.models import Case, Event, Label, Measured, Participant
from rongtong.apps.packs import queries as packs
from rongtong.apps.registry.models import Account, Organisation
from rongtong.engine.pack.outcome import Measure
from rongtong.engine.pack.process import Process, Transition
from rongtong.engine.process import guard
from rongtong.engine.quantity import Quantity

LONGEST_LABEL = 100


class NoSuchParticipant(ValueError):
    """A form names an organisation, account or place that does not exist; `field` is where, the message what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def parts(
    case: Case, process: Process, named: Mapping[str, str], form: Mapping[str, Any], given: Mapping[str, Any]
) -> None:
    """Put whom a form names into their roles, in place of who held them. A list left empty names nobody; a single field
    left empty leaves whoever was named before.

    Raises NoSuchParticipant.
    """
    for role, field in named.items():
        # Nobody held a role before the opening but who was put into it by the opener.
        if field not in given and (case.events == 1 or form["properties"][field].get("type") != "array"):
            continue
        who = [participant(case, role, field, form, text) for text in texts(given.get(field))]
        for one in who:
            if one.account and bounds.kept_apart(case, process, process.role(role), one.account, given):
                name = one.account.name or one.account.username
                raise NoSuchParticipant(field, f"{name}与本件当事单位同属一个单位，或就是当事人，应当回避。请换人。")
        Participant.objects.filter(case=case, role=role).delete()
        Participant.objects.bulk_create(who)


def take(case: Case, step: Transition, actor: Account) -> None:
    """Give the actor the role that the step brings, in place of that in which it was made (an expert who has declared)."""
    mine = Participant.objects.filter(case=case, account=actor)
    mine.filter(role__in=step.by).delete()
    mine.get_or_create(case=case, account=actor, role=step.takes)


def texts(value: Any) -> list[str]:
    """The texts of a field with one or several."""
    return list(dict.fromkeys(str(v) for v in (value if isinstance(value, list) else [value]) if v))


def participant(case: Case, role: str, field: str, form: Mapping[str, Any], text: str) -> Participant:
    """Whom a text of a form names, not stored. Raises NoSuchParticipant."""
    spec = form["properties"][field]
    sort = spec.get("items", spec).get("format", "")
    if sort == "organisation":
        found = Organisation.objects.filter(uscc=text.upper()).first()
        if found is None:
            raise NoSuchParticipant(field, f"没有登记统一社会信用代码为“{text}”的单位。请核对，或先登记单位。")
        return Participant(case=case, role=role, organisation=found)
    if sort == "account":
        account = Account.objects.filter(username=text, is_active=True).first()
        if account is None:
            raise NoSuchParticipant(field, f"没有启用的账号“{text}”。请核对账号名。")
        return Participant(case=case, role=role, account=account)
    if text in packs.current().places.places:
        return Participant(case=case, role=role, place=text)
    if sort == "office":
        return Participant(case=case, role=role, organisation=_office(field, text))
    raise NoSuchParticipant(field, f"没有地区“{text}”。请从列出的地区中选。")


def _office(field: str, text: str) -> Organisation:
    """The organisation of this code, or of this very name. Raises NoSuchParticipant."""
    found = Organisation.objects.filter(Q(uscc=text.upper()) | Q(name=text))[:2]
    if len(found) != 1:
        said = "不止一个" if found else "没有登记"
        raise NoSuchParticipant(field, f"{said}名为“{text}”的单位或地区。请填单位全称、统一社会信用代码，或地区代码。")
    return found[0]


def labels(case: Case, process: Process, given: Mapping[str, Any]) -> None:
    """Repeat the fields that lists are filtered by."""
    for name in process.labels:
        if name in given:
            Label.objects.filter(case=case, name=name).delete()
            Label.objects.bulk_create(
                Label(case=case, name=name, value=text[:LONGEST_LABEL]) for text in texts(given[name])
            )


def measure(case: Case, process: Process, event: Event, on: date, values: Mapping[str, Any]) -> None:
    """Add to the indicators what the step counts for, once per case, or take back what it undoes.

    What a step might have counted for and did not is put down once as 0: of five projects, none led by a firm, the share
    is 0 and not unknown. A step that does both, as a change, puts its amount in place of what counted.
    """
    month = on.year * 100 + on.month
    rows: dict[tuple[str, int], int] = {}
    counted_now = (
        *_added(case, process, event.transition, values),
        *_replaced(case, process, event.transition, values),
    )
    found = [(i, month, value) for i, value in counted_now]
    for indicator, counted, value in (*found, *_undone(case, process, event.transition)):
        rows[indicator, counted] = rows.get((indicator, counted), 0) + value
    Measured.objects.bulk_create(
        Measured(
            event=event,
            case=case,
            indicator=indicator,
            place=case.place,
            chain=case.chain,
            month=counted,
            on=on,
            value=value,
        )
        for (indicator, counted), value in rows.items()
        if value or _first(case, indicator, counted)
    )


def _first(case: Case, indicator: str, month: int) -> bool:
    """Whether nothing is known yet of an indicator at the place of a case, for its chain, in a month."""
    known = Measured.objects.filter(indicator=indicator, month=month, place=case.place, chain=case.chain)
    return not known.exists()


def _added(case: Case, process: Process, transition: str, values: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for one in process.measures:
        fresh = transition in one.at and transition not in one.undone_by and _standing(case, one) == 0
        if fresh:
            yield one.indicator, amount(one, values) if guard.true(process, one.when, values) else 0


def _undone(case: Case, process: Process, transition: str) -> Iterator[tuple[str, int, int]]:
    """(indicator, month, value) that take back what counts still, from the month it was counted in: a project that ends in
    a later year is none fewer of that year's."""
    for one in process.measures:
        if transition in one.undone_by and transition not in one.at and not _another_stands(case, one):
            months = _counted(case, one).order_by("month").values_list("month").annotate(total=Sum("value"))
            yield from ((one.indicator, month, -total) for month, total in months)


def _replaced(case: Case, process: Process, transition: str, values: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for one in process.measures:
        if transition in one.at and transition in one.undone_by:
            own = Measured.objects.filter(case=case, indicator=one.indicator)
            counts = guard.true(process, one.when, values)
            yield one.indicator, (amount(one, values) if counts else 0) - sum(own.values_list("value", flat=True))


def _counted(case: Case, one: Measure) -> QuerySet[Measured]:
    """What was counted of this case, or of any case of its organisation where that counts once."""
    rows = Measured.objects.filter(indicator=one.indicator)
    if one.distinct == "organisation":
        return rows.filter(case__organisation=case.organisation_id) if case.organisation_id else rows.none()
    return rows.filter(case=case)


def _standing(case: Case, one: Measure) -> int:
    """How much of it counts still."""
    return sum(_counted(case, one).values_list("value", flat=True))


def _another_stands(case: Case, one: Measure) -> bool:
    """Whether the organisation goes on counting through another of its cases, where it counts once."""
    if one.distinct != "organisation" or not case.organisation_id:
        return False
    others = Case.objects.filter(process=case.process, organisation=case.organisation_id).exclude(pk=case.pk)
    last = Event.objects.filter(case=OuterRef("pk"), transition__in=(*one.at, *one.undone_by)).order_by("-number")
    others = others.annotate(last=Subquery(last.values("transition")[:1])).filter(last__in=one.at)
    return any(
        guard.true(process, one.when, queries.values(process, other))
        for other in others.select_related("definition")
        for process in (holding.process_of(other),)
    )


def amount(one: Measure, values: Mapping[str, Any]) -> int:
    """The integer at the scale of the card's dimension (money in 分). Raises UnitError where it is not exact."""
    card = packs.current().get("indicators", one.indicator)
    number = values.get(one.field) if one.field else Fraction(1)
    if not isinstance(number, Fraction):
        return 0
    return Quantity.of(number, one.unit if one.field and one.unit else card.unit).to_stored()
