"""Time and place: periods are periods, nothing is valid twice at once, re-divisions join places that were there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rongtong.engine.lazy import LazyModule
from rongtong.engine.pack.check_base import WORDS, Look, name, period_of
from rongtong.engine.pack.check_units import Links, rings
from rongtong.engine.pack.read import Problem
from rongtong.engine.period import Period, PeriodError
from rongtong.engine.place import ADMINISTRATIVE
from rongtong.engine.quantity import decimal_text

if TYPE_CHECKING:
    from rongtong.engine.pack import model as m
else:
    m = LazyModule("rongtong.engine.pack.model")

# kind → the fields that make two statements the same thing at two times
_DATED = {
    "indicators": ("code",),
    "lamps": ("code",),
    "places": ("code",),
    "chains": ("code",),
    "hierarchies": ("hierarchy", "place"),
}


def periods(look: Look) -> Iterator[Problem]:
    """Every period that is written is one."""
    for kind, statement, where, text in _periods(look):
        try:
            Period.parse(text)
        except PeriodError as error:
            yield look.at(kind, statement, f"{WORDS[kind]} {name(statement)} 的 {where}:{error}", "改写期")


def _periods(look: Look) -> Iterator[tuple[str, m.Statement, str, str]]:
    for kind in ("commitments", "targets", "balances", "sources", "allocations"):
        for statement in look.pack.all(kind):
            if statement.period:
                yield kind, statement, "period", statement.period
    for target in look.pack.all("targets"):
        for text in target.milestones:
            yield "targets", target, "milestones", text
    for spec in look.pack.all("synthetic"):
        for text in spec.current:
            yield "synthetic", spec, "current", text
        for text in spec.phases:
            yield "synthetic", spec, f"phases“{text}”", f"2000-{text}" if ".." in text else f"2000{text}"


def validity(look: Look) -> Iterator[Problem]:
    """A validity ends after it begins; of one thing only one statement is valid on a day."""
    for kind, fields in _DATED.items():
        series: dict[tuple[str, ...], list[Any]] = {}
        for statement in look.pack.all(kind):
            if statement.valid_from and statement.valid_to and statement.valid_to < statement.valid_from:
                message = f"{WORDS[kind]} {name(statement)} 的有效期到 {statement.valid_to}，早于起始的 {statement.valid_from}"
                yield look.at(kind, statement, message, "改正日期")
            else:
                series.setdefault(tuple(getattr(statement, f) for f in fields), []).append(statement)
        for statements in series.values():
            yield from _overlaps(look, kind, statements)


def _overlaps(look: Look, kind: str, statements: list[Any]) -> Iterator[Problem]:
    ordered = sorted(statements, key=lambda s: s.valid_from or date.min)
    for earlier, later in pairwise(ordered):
        if earlier.valid_to is None or (later.valid_from or date.min) <= earlier.valid_to:
            since = later.valid_from or "最初"
            if kind == "hierarchies":
                what = (
                    f"{later.place} 在 {later.hierarchy} 里自 {since} 起有两个上级：{earlier.parent} 和 {later.parent}"
                )
            else:
                what = f"{WORDS[kind]} {name(later)} 自 {since} 起有两条同时有效"
            until = later.valid_from - timedelta(days=1) if later.valid_from else "前一天"
            place = look.place_of(kind, earlier)
            yield look.at(kind, later, f"{what}（另一条在 {place}）", f"给较早的一条写 valid_to，如 {until}")


def tree(look: Look) -> Iterator[Problem]:
    """Going up a hierarchy ends at its top; every place there today has a place above."""
    current = [p for p in look.pack.all("hierarchies") if p.valid_to is None]
    for hierarchy in sorted({p.hierarchy for p in current}):
        links: Links = {p.place: (p.parent,) for p in current if p.hierarchy == hierarchy}
        for ring in rings(links):
            statement = next(p for p in current if (p.hierarchy, p.place) == (hierarchy, ring[0]))
            path = " → ".join((*ring, ring[0]))
            yield look.at("hierarchies", statement, f"{hierarchy} 里的上级绕回自己：{path}", "改正上级")
    if look.pack.manifest.root_place not in look.place_codes:
        return
    placed = {p.place for p in current if p.hierarchy == ADMINISTRATIVE}
    for place in look.pack.all("places"):
        top = place.code == look.pack.manifest.root_place or place.level == "nation"
        if place.valid_to is None and place.code not in placed and not top:
            message = f"{place.code} {place.name} 没有上级，不会出现在任何一级的名单里"
            yield look.at("places", place, message, "在 hierarchies.csv 里写上", "warning")


def bridges(look: Look) -> Iterator[Problem]:
    """The old place was there the day before, the new one is there on the day; the parts of an old place make a whole."""
    series: dict[tuple[date, str], list[m.Bridge]] = {}
    said: set[tuple[str, date]] = set()
    for bridge in look.pack.all("bridges"):
        series.setdefault((bridge.date, bridge.old), []).append(bridge)
        for code, day, words in (
            (bridge.old, bridge.date - timedelta(days=1), "变更前一天"),
            (bridge.new, bridge.date, "变更当天"),
        ):
            if code in look.place_codes and (code, day) not in said and not _there(look, code, day):
                said.add((code, day))
                message = f"区划变更对照 {bridge.old} → {bridge.new}:{code} 在{words}（{day}）不存在"
                yield look.at("bridges", bridge, message, "改正代码、日期，或 places.csv 里的有效期")
    for (day, old), links in series.items():
        whole = sum((Fraction(b.weight) for b in links if b.weight), Fraction(0))
        complete = all(b.weight is not None for b in links)
        if (complete and whole != 1) or whole > 1:
            message = f"{day} {old} 分给各地的权重合计 {decimal_text(whole)}，应为 1"
            yield look.at("bridges", links[0], message, "改正权重；没有公布的留空")


def _there(look: Look, code: str, day: date) -> bool:
    return any(
        (p.valid_from or date.min) <= day <= (p.valid_to or date.max) for p in look.pack.all("places") if p.code == code
    )


def milestones(look: Look) -> Iterator[Problem]:
    """Milestones are there when they are the baseline, lie in the target's year, rise with time and stay within 100."""
    for target in look.pack.all("targets"):
        for message, do, severity in _milestones(target):
            yield look.at("targets", target, f"目标 {target.code} {message}", do, severity)


def _milestones(target: m.Target) -> Iterator[tuple[str, str, str]]:
    if target.baseline == "milestones" and not target.milestones:
        yield "以里程碑为基准，却没有写 milestones", "写上各期应完成的百分比，或换 baseline", "error"
    if target.milestones and target.baseline != "milestones":
        yield f"写了 milestones，基准却是 {target.baseline}", "写 baseline: milestones，或删去", "warning"
    whole = period_of(target.period)
    steps = [(p, t, Fraction(v)) for t, v in target.milestones.items() if (p := period_of(t))]
    if whole is None or len(steps) < len(target.milestones):
        return
    for period, text, percent in steps:
        if not whole.first_day <= period.first_day <= period.last_day <= whole.last_day:
            yield f"的里程碑 {text} 不在 {target.period} 之内", "改正期", "error"
        if not 0 <= percent <= 100:
            yield f"的里程碑 {text} 是 {decimal_text(percent)}%，应在 0 到 100 之间", "改正百分比", "error"
    for (first, a, low), (second, b, high) in pairwise(steps):
        if first.last_day >= second.last_day:
            yield f"的里程碑没有按时间排列：{a} 之后是 {b}", "按时间先后排列", "error"
        elif low > high:
            yield f"的里程碑倒退：{a} 是 {decimal_text(low)}%，{b} 却是 {decimal_text(high)}%", "改正百分比", "error"


def calendar(look: Look) -> Iterator[Problem]:
    """A day is off or worked, not both; only a weekend needs to be declared a day of work; the newest notice is last."""
    first: dict[date, tuple[str, m.Holiday]] = {}
    for layer in look.pack.layers:
        for statement in layer.statements["calendar"].values():
            assert isinstance(statement, m.Holiday)
            pack, other = first.get(statement.date, (layer.manifest.code, None))
            if other and pack != layer.manifest.code and other.kind != statement.kind:
                message = f"{statement.date} 在 {pack} 里是{_day(other)}，这里又是{_day(statement)}；以这里为准"
                yield look.at("calendar", statement, message, "核对，删去一处", "warning")
            if other and pack == layer.manifest.code and not _later(other, statement):
                message = f"{statement.date} 写了两次，后一行应是更晚公布的通知"
                yield look.at("calendar", statement, message, "按公布日先后排列，写上 known_from")
            first[statement.date] = (layer.manifest.code, statement)
    for statement in look.pack.all("calendar"):
        if statement.kind == "workday" and statement.date.weekday() < 5:
            message = f"{statement.date} 本来就是工作日，不必写成调休上班"
            yield look.at("calendar", statement, message, "核对日期", "warning")
        if statement.known_from and statement.known_from > statement.date:
            message = f"{statement.date} 的通知到 {statement.known_from} 才公布，晚于这一天"
            yield look.at("calendar", statement, message, "核对公布日", "warning")


def _later(first: m.Holiday, second: m.Holiday) -> bool:
    return second.known_from is not None and (first.known_from is None or first.known_from < second.known_from)


def _day(statement: m.Holiday) -> str:
    return {"holiday": "放假", "workday": "上班"}[statement.kind]


def sources(look: Look) -> Iterator[Problem]:
    """A source says of which period its figures are and since when they are known."""
    for source in look.pack.all("sources"):
        if bool(source.period) == bool(source.period_column):
            message = f"来源 {source.code} 应恰好写 period 与 period_column 之一"
            yield look.at("sources", source, message, "有期的列写 period_column，没有的写 period")
        if not source.known_from and not source.known_from_column:
            message = f"来源 {source.code} 没有写数字何时公布"
            yield look.at("sources", source, message, "写 known_from 或 known_from_column")


CHECKS = (periods, validity, tree, bridges, milestones, calendar, sources)
