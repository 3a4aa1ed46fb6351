"""What the demonstration shows of 督办: one of each level, and one in each situation an office meets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from rongtong import clock
from rongtong.apps.cases import supervision_actions, supervision_prefill
from rongtong.apps.cases.evidence import Upload
from rongtong.apps.cases.models import Case
from rongtong.apps.cases.supervision_forms import FIELDS, Draft, check
from rongtong.apps.cases.supervision_queries import PROCESS
from rongtong.apps.observations import queries as observations
from rongtong.apps.packs import queries as packs
from rongtong.apps.papers.workbook import Column, Sheet, ledger_bytes
from rongtong.apps.planning import queries as planning
from rongtong.apps.registry.models import Account, Grant
from rongtong.engine.indicator import Board

SAID = "演示办件，内容为示例。"
LEAD = "综合处（演示）"
Step = tuple[str, Account, Mapping[str, Any]]


def seed() -> None:
    """The 督办 of the demonstration, and the pack's examples of the mechanisms."""
    from rongtong.apps.cases import examples

    _supervision()
    examples.seed()


def _supervision() -> None:
    """Open the items and move them on. Nothing without demo accounts, or where there are 督办 already."""
    office, city, county = (_holder(role) for role in ("provincial_officer", "city_officer", "county_officer"))
    if not (office and city and county) or Case.objects.filter(process=PROCESS).exists():
        return
    people = _People(office.account, city, county)
    for draft, steps in _items(people):
        case = supervision_actions.open_item(draft, actor=people.office)
        for transition, actor, data in steps:
            files = [evidence_file()] if transition == "reply" else []
            case = supervision_actions.step(case.pk, transition, actor=actor, seen=case.events, data=data, files=files)


@dataclass(frozen=True, slots=True)
class _People:
    """Who opens and reviews, and who is responsible in the demonstrated city and county."""

    office: Account
    city: Grant
    county: Grant


def _holder(role: str) -> Grant | None:
    return Grant.objects.filter(role=role, account__demo=True).select_related("account").order_by("pk").first()


def _items(people: _People) -> Iterator[tuple[Draft, list[Step]]]:
    """Each item to open and the steps made on it: red lamps first, then what the city and the county do."""
    office, city, county = people.office, people.city.account, people.county.account
    where = people.city.place
    reds = [raw for board in _boards() for raw in _red(board)]
    for number, raw in enumerate(reds[:2]):
        raised: list[Step] = [("escalate", office, {"level": "red", "opinion": "连续滞后，升为红色督办。"})]
        yield _draft(raw | {"level": "yellow"}), raised if number else []
    mine = [raw for board in _boards() for raw in _rows(board, where)]
    received: Step = ("receive", city, {})
    for number, raw in enumerate(mine[:2]):
        steps: list[Step] = [
            received,
            ("progress", city, {"percent": 40, "dynamics": "已召集有关处室分析原因，形成整改清单。",
                                "done": [supervision_prefill.REPORT]}),
        ]  # fmt: skip
        if number:
            steps.append(
                ("ask_extension", city, {"new_due": str(_working(20)), "reason": "企业季报核实要到月底才能完成。"})
            )
        yield _draft(raw | {"level": "blue"}), steps
    overdue = _working(-3)
    yield (
        _draft(_plain("补报一季度未报企业说明", where, people, level="red", reference="演示：纸质督办单补登"), overdue),
        [received],
    )
    answer = "未报企业已逐家核实，说明随附；其中停产的单列。"
    yield (
        _draft(_plain("核实规上企业研发投入归集", people.county.place, people)),
        [("receive", county, {}), ("reply", county, {"reply": answer})],
    )
    yield (
        _draft(_plain("上报半年调度会发言材料", where, people)),
        [received, ("reply", city, {"reply": answer}), ("close", office, {"opinion": "情况清楚，同意销号。"})],
    )
    yield _draft(_plain("梳理区域创新平台投入台账", where, people)), []


def _boards() -> Iterator[Board]:
    """The latest board of cities for every card that lights lamps and whose figures are all there."""
    for card in supervision_prefill.boards():
        period = observations.latest_period(card.code, clock.today())
        if period is not None:
            yield planning.monitor(planning.Asked(card.code, period))


def _red(board: Board) -> Iterator[dict[str, str]]:
    everywhere = frozenset(packs.current().places.places)
    for row in supervision_prefill.behind(board, everywhere):
        yield supervision_prefill.from_row(packs.current(), board.card, row.figures["value"], row)


def _rows(board: Board, place: str) -> Iterator[dict[str, str]]:
    for row in board.rows:
        if row.place == place and row.lamp and "value" in row.figures:
            yield supervision_prefill.from_row(packs.current(), board.card, row.figures["value"], row)


def _plain(
    title: str, place: str, people: _People, *, level: str = "blue", reference: str = "演示：调度会议定事项"
) -> dict[str, str]:
    name = packs.current().places.get(place).name
    return {
        "title": title, "source": "meeting", "reference": reference, "place": place, "responsible": f"{name}科技局",
        "goal": f"按时限报送，数据与统计口径一致。{SAID}", "deadline": str(supervision_prefill.deadline()), "level": level,
    }  # fmt: skip


def _draft(raw: Mapping[str, str], due: date | None = None) -> Draft:
    """The draft of a raw form; `due` takes the place of its deadline, also one that has passed."""
    pack = packs.current()
    texts = {f.name: "" for f in FIELDS} | {"lead": LEAD} | {k: v for k, v in raw.items() if v}
    draft, errors = check(texts, pack, frozenset(pack.places.places), clock.today())
    if draft is None:
        raise ValueError(f"演示督办“{texts['title']}”不对：{errors}")
    if due is None:
        return draft
    return Draft(draft.title, draft.place, due, (), draft.helpers, draft.texts)


def _working(days: int) -> date:
    """The day so many working days from today; before it for a negative number, holidays aside."""
    if days >= 0:
        return supervision_prefill.deadline(days)
    return clock.today() - timedelta(days=-days + 4)


def evidence_file() -> Upload:
    """A workbook that says it is an example."""
    columns = (Column("序号", "number", 8), Column("说明", "text", 40))
    sheet = Sheet("佐证", columns, ((1, f"演示数据。{SAID}"),), "佐证材料（演示）")
    content = ledger_bytes((sheet,), meta={"来源": "演示数据"}, day=clock.today())
    return Upload("佐证材料（演示）.xlsx", content)
