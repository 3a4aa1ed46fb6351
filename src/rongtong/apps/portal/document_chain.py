"""The chain view (一条链): the eight steps from clause to consequence of one figure, each a link, none left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.urls import reverse

from rongtong import clock
from rongtong.apps.observations import queries as observations
from rongtong.apps.packs import queries as packs
from rongtong.apps.papers.blocks_base import wide
from rongtong.apps.planning import (
    chain,
    forecasting,
    goals,
    naming,
    pages_cards,
    pages_commitment,
    pages_targets,
    queries,
)
from rongtong.apps.planning.pages_cards import clause_words
from rongtong.apps.registry.access import visible_places
from rongtong.apps.registry.models import Account
from rongtong.engine.figure import OPERATION_WORDS, STATUS_WORDS, Figure, Key
from rongtong.engine.pack.check_words import KIND_WORDS
from rongtong.engine.pack.read import Pack

# Why a step has nothing, where it has nothing.
MISSING = {
    "clause": "没有文件条款引用这个指标。",
    "commitment": "没有承诺用这个指标衡量。",
    "target": "这一期没有目标，因此不计算完成率。",
    "allocation": "没有分解到这个地方。",
    "observation": "没有观测值：这个数由文件或分解给出。",
    "status": "没有目标，也没有指明的基准，不亮灯。",
    "consequence": "没有文件点名把它用于评选或安排。",
}
# On which step a figure itself stands, by its measure; everything else is made from observations.
STANDS = {
    "target": "target", "allocated": "allocation", "difference": "target", "completion": "status", "baseline": "status",
    "pace": "status", "gap": "status", "forecast": "status", "forecast_low": "status", "forecast_high": "status",
    "probability": "status",
}  # fmt: skip
SHORT = 6
NEARBY = "同一条款点名的用处；没有把这个指标列入"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing on a step: its words, where it leads, and a line of detail."""

    text: str
    address: str = ""
    detail: str = ""
    code: str = ""
    tag: str = ""
    lamp: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One of the eight steps. `rest` are the items beyond the first few; `here`: the figure itself stands on it."""

    code: str
    name: str
    items: tuple[Item, ...]
    rest: tuple[Item, ...]
    missing: str
    here: bool


def steps(figure: str, data: Mapping[str, Any], reader: Account | AnonymousUser) -> list[Step]:
    """The steps of `chain.why` as a reader may walk them."""
    key, pack = Key.parse(figure), packs.current()
    made = {
        "clause": _clause,
        "commitment": _commitment,
        "indicator": _indicator,
        "target": _target,
        "allocation": _allocation,
        "observation": _observation,
        "status": _status,
    }
    found: dict[str, list[Item]] = {code: [] for code in chain.STEPS}
    for link in data["chain"]:
        if link["step"] == "consequence":
            found["consequence"].append(_consequence(link, key, pack, reader))
        else:
            found[link["step"]].append(made[link["step"]](link))
    found["status"] += _forecast(key, reader)
    if not found["allocation"]:
        found["allocation"] = _split(pack, key)
    if not found["observation"]:
        found["observation"] = _observed(key)
    if not found["consequence"]:
        found["consequence"] = _nearby(pack, data)
    found["consequence"] += _cases(key, data, reader)
    stand = STANDS.get(key.measure, "observation")
    return [
        Step(code, name, tuple(found[code][:SHORT]), tuple(found[code][SHORT:]), MISSING.get(code, ""), code == stand)
        for code, name in chain.STEPS.items()
    ]


def _clause(link: Mapping[str, Any]) -> Item:
    document = packs.current().get("documents", link["document"])
    listed = any(c.id == link["clause"] for c in document.clauses)
    address = (
        reverse("clause", args=[link["document"], link["clause"]])
        if listed
        else reverse("document", args=[link["document"]])
    )
    return Item(wide(link["text"]), address, link["title"] if link["number"] else "")


def _commitment(link: Mapping[str, Any]) -> Item:
    detail = f"{KIND_WORDS[link['kind']]}，责任单位{link['department']}"
    if link["process"]:
        detail += f"；没有承诺直接用这个指标衡量，它随流程“{link['process']}”计入"
    return Item(wide(link["text"]), reverse("commitment", args=[link["code"]]), detail, link["code"])


def _indicator(link: Mapping[str, Any]) -> Item:
    detail = f"口径：{link['scope_name']}；单位：{link['unit']}"
    return Item(wide(link["text"]), reverse("indicator", args=[link["code"]]), detail)


def _target(link: Mapping[str, Any]) -> Item:
    return Item(link["text"], reverse("target", args=[link["code"]]), clause_words(link["clause"]))


def _allocation(link: Mapping[str, Any]) -> Item:
    words = link["text"].removeprefix(f"{link['code'].partition('/')[0]} ")
    return Item(words, reverse("why", args=[link["figure"]]), f"自 {link['known_from']} 起")


def _split(pack: Pack, key: Key) -> list[Item]:
    """Where the goal of the figure's own place is split to the places below it."""
    target = goals.target_of(pack, key.indicator, key.place, key.period) if not key.chain else None
    runs = goals.in_force(key.indicator, key.period, clock.today(), key.place) if target else []
    counts = [(r, r.cells.values("place").distinct().count()) for r in runs]
    return [
        Item(f"分解到 {n} 个地方", reverse("target", args=[target.code]) + "#allocation", f"自 {r.known_from} 起")
        for r, n in counts
        if target
    ]


def _observation(link: Mapping[str, Any]) -> Item:
    value = link["text"].partition("(")[0].removeprefix(f"{link['code']} = ")
    tag = "演示数据" if link["status"] == "synthetic" else ""
    places = [("来源", link["release"]), ("文件与单元格", link["file"]), ("公布", link["known_from"])]
    detail = "；".join(f"{words} {said}" for words, said in places if said)
    status = STATUS_WORDS.get(link["status"], link["status"])
    address = reverse("why", args=[link["code"]]) + "#evidence"
    words = f"{''.join(naming.about(packs.current(), Key.parse(link['code'])))} {value}"
    return Item(words if tag else f"{words}（{status}）", address, detail, tag=tag)


def _status(link: Mapping[str, Any]) -> Item:
    reason = pages_targets.case_reason(packs.current(), link["rule"], link["case"])
    return Item("灯怎么来的", "#lamp", f"依据：{link['basis']}；{reason}", lamp=link["lamp"])


def _consequence(link: Mapping[str, Any], key: Key, pack: Pack, reader: Account | AnonymousUser) -> Item:
    use = pack.get("uses", link["code"])
    sheet = (
        reader.is_authenticated and key.place in pack.places.at_level("city") and key.place in visible_places(reader)
    )
    if sheet:
        address = reverse("use", args=[use.code, key.place])
    else:
        address = reverse("clause", args=[use.cite.document, use.cite.clause]) + f"#use-{use.code}"
    return Item(use.name, address, f"{clause_words(use.cite.clause)}；{link['rule']}")


def _observed(key: Key) -> list[Item]:
    """The last observation of the figure's indicator and place in its year, for a figure not made from one."""
    year = [p for p in observations.periods_of(key.indicator, clock.today()) if p.whole_year == key.period.whole_year]
    for period in sorted(year, key=lambda p: (p.last_day, p.months), reverse=True):
        facts = observations.known([key.indicator], [period], clock.today())
        if any((f.place, f.chain, f.subject) == (key.place, key.chain, "") for f in facts):
            figure = str(Key(key.indicator, key.place, period, "value", key.chain))
            address = reverse("why", args=[figure]) + "#evidence"
            return [Item(f"{period.chinese}的观测值", address, "这个数不由观测值算出；这是同年最近的一个")]
    return []


def _nearby(pack: Pack, data: Mapping[str, Any]) -> list[Item]:
    """The uses that the figure's clauses name, where none of them lists its indicator."""
    clauses = {(link["document"], link["clause"]) for link in data["chain"] if link["step"] == "clause"}
    return [
        Item(u.name, reverse("clause", args=[u.cite.document, u.cite.clause]) + f"#use-{u.code}", NEARBY)
        for u in pack.all("uses")
        if (u.cite.document, u.cite.clause) in clauses
    ]


def _forecast(key: Key, reader: Account | AnonymousUser) -> list[Item]:
    """The year-end forecast of the figure's place, where one is stored."""
    year = key.period.whole_year
    wanted = Key(key.indicator, key.place, year, "forecast")
    found = forecasting.figures(key.indicator, year) if key.period.months <= 12 else {}
    figure, odds = found.get(str(wanted)), found.get(str(wanted.of("probability")))
    if figure is None or key.measure.startswith(("forecast", "probability")):
        return []
    detail = f"按截至 {figure.known_from} 的累计推算" + (f"，完成目标的可能 {odds.text}%" if odds else "")
    tag = "演示数据" if figure.status == "synthetic" else "预测"
    return [Item(f"年末预测 {figure.text} {figure.unit}", reverse("why", args=[figure.id]), detail, tag=tag)]


def _cases(key: Key, data: Mapping[str, Any], reader: Account | AnonymousUser) -> list[Item]:
    """The supervision cases about this figure, or its commitments at its place, as far as the reader sees them."""
    whole = packs.current().manifest.root_place
    commitments = {link["code"] for link in data["chain"] if link["step"] == "commitment"}
    wanted = {"commitment": commitments, "figure": {data["figure"]}}
    return [
        Item(f"督办：{c.title}", c.address, f"{c.stage}" + (f"，期限 {c.due}" if c.due else ""))
        for c in pages_commitment.about(reader, wanted)
        if key.place in ("", whole, c.place)
    ]


def lamp(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """The figure's lamp with its numbers and its rule spelled out; None without a lamp."""
    link = next((link for link in data["chain"] if link["step"] == "status"), None)
    if link is None:
        return None
    return {
        **link,
        "numbers": pages_targets.number_words(link["numbers"]),
        "rule_page": pages_cards.rule(packs.current(), link["rule"], date.fromisoformat(link["rule_from"])),
    }


def title(pack: Pack, figure: Figure) -> str:
    """What a figure is about: place, period, indicator and measure."""
    return "".join(naming.about(pack, figure.key))


@dataclass(frozen=True, slots=True)
class Branch:
    """A figure of the derivation with what it was made from."""

    figure: Figure
    title: str
    words: str
    address: str
    inputs: tuple[Branch, ...]


DEEPEST = 8


def branch(pack: Pack, figure: Figure, depth: int = 0) -> Branch:
    """The derivation of a figure as a tree."""
    return Branch(
        figure,
        title(pack, figure),
        OPERATION_WORDS.get(figure.operation, figure.operation),
        reverse("why", args=[figure.id]),
        tuple(branch(pack, f, depth + 1) for f in figure.inputs) if depth < DEEPEST else (),
    )


def readable(code: str, reader: Account | AnonymousUser) -> None:
    """Pass when the reader may see figures of an indicator. Raises queries.Unknown."""
    card = packs.current().find("indicators", code)
    if card is not None and card.level != "L1" and not reader.is_authenticated:
        raise queries.Unknown("请先登录。")
