"""What the pages of the allocation studio show: the form with what is wrong in it, the result, the map, the sign-off."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from rongtong.apps.cases import queries as cases
from rongtong.apps.packs import queries as packs
from rongtong.apps.papers import charts
from rongtong.apps.planning import studio_trials as trials
from rongtong.apps.planning.models import Allocation
from rongtong.apps.planning.splitting import SplitError
from rongtong.apps.planning.studio_forms import FIELDS, KINDS, Draft
from rongtong.apps.planning.studio_queries import Plan, asks, choices, goal_figures, stale
from rongtong.apps.planning.studio_words import entries, figure_words
from rongtong.apps.registry.models import Account
from rongtong.engine.figure import Figure
from rongtong.engine.pack.plan import Split
from rongtong.engine.pack.read import Pack
from rongtong.engine.quantity import decimal_text

SHAPES = {"city": "shapes/cities.geojson", "county": "shapes/counties.geojson"}
MOST_FIGURES = 60
CROWDED = 12  # with more regions than the cities of a province the map is drawn larger
NUMBER = re.compile(r"-?\d{1,6}(\.\d)?")
STEPS = (
    ("base", "按权重"),
    ("fixed", "固定格"),
    ("floors", "下限"),
    ("caps", "上限"),
    ("margins", "合计平衡"),
    ("rounding", "取整"),
)
SECTIONS = (
    ("weights", "权重", "各项占比相加宜为 100"),
    ("bounds", "固定、下限、上限", "数额与增长填一个"),
    ("reserve", "余项", "不分下去的部分，数额与占比填一个"),
    ("subjects", "主体", "分到哪几类主体；不填则不分"),
    ("margins", "合计", "一地各主体、或一类主体各地之和"),
)


@dataclass(frozen=True, slots=True)
class Result:
    """A split as the page shows it: kept or tried. `refused` in its place where the demands conflict."""

    lines: tuple[trials.Line, ...] = ()
    body: Mapping[str, Any] | None = None
    last: Figure | None = None
    growth: str = ""
    map: str = ""
    refused: Mapping[str, Any] | None = None
    tried: bool = False

    @property
    def asked(self) -> bool:
        """Whether any place made a counter-offer."""
        return any(i.ask for i in self.lines)

    @property
    def status(self) -> str:
        """Whether any of last year's values is generated."""
        return next((i.last.status for i in self.lines if i.last and i.last.status == "synthetic"), "")


def form_context(
    draft: Draft, split: Split, places: Sequence[str], errors: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """The rows of the form with their numbers and what is wrong by field."""
    tree = packs.current().places
    wrong = dict(errors)
    sections = []
    for key, name, hint in SECTIONS:
        rows = [
            {
                **row,
                "i": i,
                "id": f"{key}-{i}",
                "bad": {f: wrong[w] for f in row if (w := f"{key}-{i}-{f}") in wrong},
            }
            for i, row in enumerate(draft.section(key))
        ]
        sections.append(
            {"key": key, "name": name, "hint": hint, "rows": rows, "open": bool(rows), "bad": wrong.get(key)}
        )
    subjects = [(r.get("code", ""), r.get("name", "")) for r in draft.section("subjects") if r.get("code")]
    return {
        "draft": draft,
        "sections": sections,
        "kinds": KINDS.items(),
        "place_options": [("all", "各地（每一格）"), *((p, tree.name(p)) for p in places)],
        "subject_options": subjects,
        "margin_options": [
            *((f"place:{p}", tree.name(p)) for p in places),
            *((f"subject:{c}", n) for c, n in subjects),
        ],
        "figures": _figures(draft, places),
        "wrong": wrong,
        "split": split,
    }


def _figures(draft: Draft, places: Sequence[str]) -> list[tuple[str, str]]:
    """(code, words) of the figures to choose from: the latest every place has, and those the form names already."""
    known = dict(choices(tuple(places))[:MOST_FIGURES])
    named = [
        text for key in ("weights", "bounds") for r in draft.section(key) if (text := r.get("figure") or r.get("over"))
    ]
    return [*known.items(), *((text, figure_words(text)) for text in dict.fromkeys(named) if text not in known)]


def kept(plan: Plan, steps: Sequence[cases.Step]) -> Result:
    """The version a plan shows, with the counter-offers against it."""
    split, body = plan.split, plan.body
    body["cells"] = [c for c in body["cells"] if plan.sight.shows(c["place"])]
    said = {p: ask for p, ask in asks(steps).items() if plan.sight.whole or plan.sight.shows(p)}
    return result(split, body, plan.run.place, said, goal_figures(plan.run, split))


def result(
    split: Split,
    body: Mapping[str, Any],
    top: str,
    said: Mapping[str, trials.Ask],
    in_force: Mapping[str, Figure],
    tried: bool = False,
) -> Result:
    """A solved split with last year's values, growth and its map."""
    places = list(dict.fromkeys(c["place"] for c in body["cells"]))
    last = trials.last_year(split, top, places)
    lines = trials.lines(split, body, last, said, in_force)
    whole = last.get(top)
    growth = trials.growth(Fraction(body["total"]), whole, split.unit)
    return Result(lines, body, whole, growth, _map(lines, split, growth), None, tried)


def tried(split: Split, said: Mapping[str, trials.Ask]) -> Result:
    """A specification tried now. Raises what `trials.trial` raises."""
    made = trials.trial(split)
    if made.refused:
        return Result(refused=made.body, tried=True)
    return result(split, made.body, made.prepared.top, said, {}, True)


def history(plan: Plan | None) -> tuple[cases.Step, ...]:
    """What happened in a plan's sign-off."""
    return cases.history(plan.case) if plan and plan.case else ()


def case_context(account: Account, plan: Plan, steps: Sequence[cases.Step], address: str) -> dict[str, Any]:
    """The sign-off as the parts of `cases` show it; a counter-offer has a form of its own."""
    case = plan.case
    if case is None:
        return {"case": None}
    offers = cases.offers(account, case)
    return {
        "case": case,
        "item": cases.item(case),
        "offers": [o for o in offers if o.transition != "counter"],
        "may_counter": any(o.transition == "counter" for o in offers),
        "steps": [s for s in steps if plan.sight.whole or s.transition != "counter"],
        "next": address,
    }


def own_places(plan: Plan, account_places: object) -> list[tuple[str, str]]:
    """(code, name) of the plan's places that lie within what an account reads, for its counter-offer."""
    cells = dict.fromkeys((c["place"], c["name"]) for c in plan.body["cells"])
    return [(p, n) for p, n in cells if p in account_places]  # type: ignore[operator]


def compared(one: Allocation, other: Allocation) -> dict[str, Any]:
    """Two versions side by side: each place's goal in both and the difference, and the demands only one of them has."""
    bodies = [json.loads(run.result) for run in (one, other)]
    splits = [Split.model_validate_json(run.spec) for run in (one, other)]
    places = max(trials.decimals(s) for s in splits)
    sums: list[dict[str, Fraction]] = [{}, {}]
    names = {c["place"]: c["name"] for body in bodies for c in body["cells"]}
    for held, body in zip(sums, bodies, strict=True):
        for cell in body["cells"]:
            held[cell["place"]] = held.get(cell["place"], Fraction(0)) + Fraction(cell["value"])
    rows = [
        (
            p,
            names[p],
            *(decimal_text(h[p], places) if p in h else "" for h in sums),
            trials.signed(sums[1].get(p, Fraction(0)) - sums[0].get(p, Fraction(0)), places),
        )
        for p in sorted(names)
    ]
    said = [entries(s) for s in splits]
    return {
        "rows": rows,
        "totals": [b["total"] for b in bodies],
        "remainders": [b["check"]["remainder"] for b in bodies],
        "unit": bodies[1]["unit"],
        "gone": [e for e in said[0] if e not in said[1]],
        "new": [e for e in said[1] if e not in said[0]],
        "moved": sum(1 for r in rows if Fraction(r[4])),
    }


def stale_words(plan: Plan) -> str:
    """How the plan's total has moved since the version shown."""
    return stale(plan.split, plan.body)


def fresh(target: str, figure: str, whole: Figure) -> Split:
    """A first specification for a total: by last year's values of the same indicator where every place has them."""
    pack = packs.current()
    card, period = pack.get("indicators", whole.key.indicator), whole.key.period
    place = whole.key.place
    top = "" if place == pack.manifest.root_place else place
    places = pack.places.children(place) if top else pack.places.at_level("city", place)
    if not places:
        raise SplitError(f"{pack.places.name(place)}以下没有下一级，无处可分。")
    known = [text for text, _ in choices(places)]
    own = f"{card.code}@{period.years_before()}"
    base = own if own in known or not known else known[0]
    code = f"{card.code}_{period}" + (f"_{place}" if top else "")
    if Allocation.objects.filter(code=code).exists():
        code += f"_{Allocation.objects.filter(code__startswith=code).values('code').distinct().count() + 1}"
    return Split.model_validate({
        "code": code,
        "name": f"{period.chinese}{card.name}目标分解到{pack.places.name(place)}各{'县（市、区）' if top else '市'}",
        "indicator": card.code,
        "period": str(period),
        "total": {"target": target, "figure": figure},
        "unit": card.unit,
        "rounding": "0.1",
        "places": {"within": top, "level": "children" if top else "city"},
        "weights": [{"figure": base, "share": "1"}],
    })  # fmt: skip


def spec_places(split: Split) -> tuple[str, ...]:
    """The places a specification splits over, without solving it."""
    pack = packs.current()
    if split.places.codes:
        return tuple(sorted(pack.places.resolve(c) for c in split.places.codes))
    within = split.places.within or (split.total.figure.split("@")[1] if split.total.figure else "")
    top = pack.places.resolve(within) if within else pack.manifest.root_place
    if split.places.level == "children":
        return pack.places.children(top)
    return pack.places.at_level(split.places.level, top)


def taken_over(ask: trials.Ask, measure: str) -> tuple[str, str]:
    """(value, label) of the fixed cell that takes over a counter-offer."""
    value = decimal_text(ask.value)
    name = packs.current().places.name(ask.place)
    return value, f"采纳{name}反提案 {value}{measure}"


def empty_row(section: str) -> dict[str, str]:
    """What a new row of a section starts with: nothing that counts as filled in."""
    row = dict.fromkeys(FIELDS.get(section, ()), "")
    return {**row, "kind": "floor", "place": "all"} if section == "bounds" else row


def _map(lines: Sequence[trials.Line], split: Split, middle: str) -> str:
    """The address of the map of growth; a picture of its own, so that a trial does not wait for it. "" without one."""
    pack = packs.current()
    known = [(line.place, line.growth) for line in lines if line.growth]
    if len(known) < 2 or SHAPES.get(pack.places.get(lines[0].place).level) not in pack.loose("shapes/*"):
        return ""
    at = ",".join(f"{line.place}:{line.growth}" for line in lines)
    return f"{reverse('studio-map')}?{urlencode({'year': split.period, 'middle': middle, 'at': at})}"


def drawn_map(year: str, middle: str, at: str) -> str:
    """The map of growth in percent by place (`code:growth`, joined by commas) as SVG. Raises ValueError."""
    pack = packs.current()
    values = tuple((code, growth or None) for code, _, growth in (pair.partition(":") for pair in at.split(",")))
    numbers = [g for _, g in values if g] + ([middle] if middle else [])
    if not NUMBER.fullmatch(year) or not all(NUMBER.fullmatch(n) for n in numbers):
        raise ValueError("应为年份和以 % 计的数")
    level = pack.places.get(values[0][0]).level
    if level not in SHAPES or len(numbers) < 2:
        raise ValueError("没有这一级的地图")
    return _drawn(pack.fingerprint, level, values, middle, f"{year}年目标比上年增长")


@lru_cache(maxsize=128)
def _drawn(fingerprint: str, level: str, values: tuple[tuple[str, str | None], ...], middle: str, title: str) -> str:
    # The fingerprint keys the cache: shapes and names are the pack's.
    shapes = _shapes(packs.current(), level, tuple(p for p, _ in values))
    if shapes is None:
        return ""
    known = [Fraction(v) for _, v in values if v is not None]
    if not known:
        return ""
    size = 340 if len(values) < CROWDED else 460
    spec = charts.choropleth(
        shapes, dict(values), breaks=_breaks(known), middle=middle or None, title=title, unit="%",
        whole="合计", width=size, height=size - 20,
    )  # fmt: skip
    return charts.svg(spec)


def _shapes(pack: Pack, level: str, places: tuple[str, ...]) -> dict[str, Any] | None:
    data = pack.loose(SHAPES[level]).get(SHAPES[level])
    if data is None:
        return None
    found: dict[str, Any] = json.loads(data)
    chosen = [f for f in found["features"] if f["properties"]["code"] in places]
    for item in chosen:
        properties = item["properties"]
        properties["name"] = pack.places.name(properties["code"])
        if "label_lon" in properties:
            properties["label_point"] = [properties["label_lon"], properties["label_lat"]]
    return {**found, "features": chosen} if chosen else None


def _breaks(known: Sequence[Fraction]) -> list[str]:
    """Class bounds on round numbers."""
    low, high = min(known), max(known)
    sizes = (Fraction(1, 10), Fraction(1, 2), Fraction(1), Fraction(2), Fraction(5), Fraction(10), Fraction(50))
    step = next((s for s in sizes if (high - low) / s <= 5), Fraction(100))
    first = (low // step + 1) * step
    found = [first + i * step for i in range(8) if first + i * step < high]
    return [decimal_text(b) for b in found] or [decimal_text(low)]
