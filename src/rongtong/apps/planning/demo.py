"""What the demonstration shows of planning: a plan out for comment, and one split again to the counties and adopted."""

from __future__ import annotations

from fractions import Fraction

from rongtong import clock
from rongtong.apps.cases import actions as sign_off
from rongtong.apps.cases import queries as cases
from rongtong.apps.packs import queries as packs
from rongtong.apps.planning import actions, goals, queries
from rongtong.apps.planning.models import Allocation
from rongtong.apps.planning.splitting import SplitError
from rongtong.apps.registry.models import Account
from rongtong.engine.figure import Key
from rongtong.engine.pack.plan import Split
from rongtong.engine.period import Period
from rongtong.engine.quantity import decimal_text

# The counter-offer of the demonstration asks for this much of what the draft gives.
ASKED = Fraction(985, 1000)


def seed() -> None:
    """Each shipped plan: its next version out for comment with one counter-offer, and the first city's cell split again.

    Changes nothing the second time, and nothing where the demonstration's accounts or the city's figures are missing.
    """
    pack = packs.current()
    accounts = {a.username: a for a in Account.objects.filter(demo=True)}
    cities = [c for c in pack.places.at_level("city", pack.manifest.root_place) if f"shi-{c.lower()}" in accounts]
    planner = accounts.get("guihua")
    for split in pack.all("allocations"):
        if planner is None or not cities:
            return
        city = cities[0]
        _split_again(split, city, accounts[f"shi-{city.lower()}"], accounts.get(f"shi-qianfa-{city.lower()}"))
        _ask_for_comment(split, city, planner, accounts[f"shi-{city.lower()}"])


def _ask_for_comment(split: Split, city: str, planner: Account, officer: Account) -> None:
    if cases.by_key(actions.SIGN_OFF, split.code) or not split.reserve or split.subjects:
        return
    newest = Allocation.objects.filter(code=split.code).order_by("-version").first()
    part = split.reserve[0]
    if newest is None or not part.amount:
        return
    less = part.model_copy(update={"amount": decimal_text(Fraction(part.amount) * Fraction(4, 5))})
    next_version = split.model_copy(
        update={"reserve": (less, *split.reserve[1:]), "note": f"{split.note}本版为演示：机动余项减为 {less.amount}。"}
    )
    run = actions.draft(next_version, actor=planner, based_on=newest.version)
    case = cases.by_key(actions.SIGN_OFF, split.code)
    if case is None:
        return
    case = sign_off.move(case.pk, "circulate", actor=planner, seen=case.events)
    cell = run.cells.filter(place=city).first()
    if cell is None:
        return
    goal = goals.cell_figure(cell, run, queries.card(packs.current(), run.indicator), None)
    value = decimal_text(goal.number * ASKED, 0)
    data = {
        "place": city,
        "value": value,
        "reason": "演示：上半年重点企业研发外包减少，全年按低一些的增速测算。",
    }
    sign_off.move(case.pk, "counter", actor=officer, seen=case.events, data=data)


def _split_again(split: Split, city: str, officer: Account, signer: Account | None) -> None:
    code = f"{split.code}_{city.lower()}"
    pack = packs.current()
    if signer is None or cases.by_key(actions.SIGN_OFF, code) or not pack.places.children(city):
        return
    period, name = Period.parse(split.period), pack.places.name(city)
    if city not in goals.goals(pack, queries.card(pack, split.indicator), period, clock.today()):
        return
    again = Split.model_validate({
        "code": code,
        "name": f"{period.chinese}{name}分解到县（市、区）（演示）",
        "indicator": split.indicator,
        "period": split.period,
        "total": {"figure": str(Key(split.indicator, city, period, "allocated"))},
        "unit": split.unit,
        "rounding": split.rounding,
        "places": {"within": city, "level": "children"},
        "weights": [{"figure": f"{split.indicator}@{period.years_before()}", "share": "1"}],
        "note": "演示数据：按上年演示数的份额分解。",
    })  # fmt: skip
    try:
        actions.draft(again, actor=officer, based_on=0)
    except (SplitError, ValueError):
        return  # the counties have no figures here: published data only
    case = cases.by_key(actions.SIGN_OFF, code)
    if case is not None:
        case = sign_off.move(case.pk, "present_direct", actor=officer, seen=case.events)
        sign_off.move(case.pk, "sign", actor=signer, seen=case.events)
