"""The form of the allocation studio: what a person typed, row by row, and the specification (Split) it says.

Shares and growth are typed in percent and kept in a specification as fractions; every number is exact text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal

from pydantic import ValidationError

from rongtong.engine.pack.plan import Bound, Split
from rongtong.engine.place import PlaceTree
from rongtong.engine.quantity import decimal_text, parse_number

Row = dict[str, str]
Section = Literal["weights", "bounds", "reserve", "subjects", "margins"]
FIELDS: Mapping[str, tuple[str, ...]] = {
    "weights": ("figure", "share"),
    "bounds": ("kind", "place", "subject", "value", "growth", "over", "label", "relaxable", "skip"),
    "reserve": ("name", "amount", "share"),
    "subjects": ("code", "name", "weight"),
    "margins": ("of", "value", "label", "relaxable"),
}
KINDS: Mapping[str, str] = {"fixed": "固定为", "floor": "不低于", "cap": "不高于"}
LISTS: Mapping[str, str] = {"fixed": "fixed", "floor": "floors", "cap": "caps"}
MOST_ROWS = 200
# What says nothing by itself: a row with only these is an empty row.
SETTINGS = ("code", "kind", "place", "subject", "relaxable", "skip", "of")


@dataclass(frozen=True, slots=True)
class Draft:
    """What stands in the form, as text; `rows` by section, in order."""

    code: str
    name: str
    rounding: str
    note: str
    rows: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)

    @staticmethod
    def of(split: Split, tree: PlaceTree) -> Draft:
        """The form of a specification; places by their codes."""
        bounds = [_bound_row(kind, bound, tree) for kind, name in LISTS.items() for bound in getattr(split, name)]
        rows: dict[str, list[Row]] = {
            "weights": [{"figure": w.figure, "share": _percent(w.share)} for w in split.weights],
            "bounds": bounds,
            "reserve": [{"name": r.name, "amount": r.amount or "", "share": _percent(r.share)} for r in split.reserve],
            "subjects": [{"code": s.code, "name": s.name, "weight": _percent(s.weight)} for s in split.subjects],
            "margins": [
                {
                    "of": f"place:{tree.resolve(m.place)}" if m.place else f"subject:{m.subject}",
                    "value": m.value,
                    "label": m.label,
                    "relaxable": "1" if m.relaxable else "",
                }
                for m in split.margins
            ],
        }
        return Draft(split.code, split.name, split.rounding, split.note, {k: tuple(v) for k, v in rows.items()})

    @staticmethod
    def posted(values: Mapping[str, Any]) -> Draft:
        """The form as it was sent: fields are named `section-row-field`."""
        found: dict[str, dict[int, Row]] = {name: {} for name in FIELDS}
        for name in values:
            match = re.fullmatch(r"([a-z]+)-(\d{1,3})-([a-z]+)", name)
            if match and match[3] in FIELDS.get(match[1], ()) and int(match[2]) < MOST_ROWS:
                found[match[1]].setdefault(int(match[2]), {})[match[3]] = str(values[name]).strip()
        rows = {name: tuple(held[i] for i in sorted(held)) for name, held in found.items()}
        rows["subjects"] = _coded(rows["subjects"])
        head = {name: str(values.get(name, "")).strip() for name in ("code", "name", "rounding", "note")}
        return Draft(**head, rows=rows)

    def section(self, name: str) -> tuple[Row, ...]:
        return self.rows.get(name, ())

    def plus(self, section: str, row: Row) -> Draft:
        """The form with a row more."""
        return replace(self, rows={**self.rows, section: (*self.section(section), row)})

    def minus(self, section: str, at: int) -> Draft:
        """The form without one row."""
        kept = tuple(row for i, row in enumerate(self.section(section)) if i != at)
        return replace(self, rows={**self.rows, section: kept})

    def with_fixed(self, place: str, value: str, label: str) -> Draft:
        """The form with a place held at a value, in place of whatever held it before."""
        kept = tuple(r for r in self.section("bounds") if not (r.get("kind") == "fixed" and r.get("place") == place))
        row = {"kind": "fixed", "place": place, "value": value, "label": label}
        return replace(self, rows={**self.rows, "bounds": (*kept, row)})

    def repaired(self, changes: Sequence[Mapping[str, Any]], places: Sequence[str]) -> Draft:
        """The form with the values of a repair. A demand on all places is told apart into one for each place."""
        draft = self
        for change in changes:
            if change["kind"] in KINDS:
                draft = draft._rebound(change, places)
            else:
                of = f"place:{change['place']}" if change["kind"] == "place_margin" else f"subject:{change['subject']}"
                rows = tuple(
                    {**r, "value": change["new_value"], "label": ""} if r.get("of") == of else r
                    for r in draft.section("margins")
                )
                draft = replace(draft, rows={**draft.rows, "margins": rows})
        return draft

    def _rebound(self, change: Mapping[str, Any], places: Sequence[str]) -> Draft:
        rows: list[Row] = []
        for row in self.section("bounds"):
            same = (row.get("kind"), row.get("subject", "")) == (change["kind"], change["subject"])
            if not same or row.get("place") not in ("all", change["place"]):
                rows.append(row)
                continue
            told = places if row["place"] == "all" else (change["place"],)
            for place in told:
                one = {**row, "place": place}
                if place == change["place"]:
                    one |= {"value": change["new_value"], "growth": "", "over": "", "label": ""}
                rows.append(one)
        return replace(self, rows={**self.rows, "bounds": tuple(rows)})

    def split(self, base: Split) -> tuple[Split | None, list[tuple[str, str]]]:
        """The specification the form says, on what the form does not ask (`base`); or (None, field and message)."""
        reader = _Reader()
        data: dict[str, Any] = {
            **base.model_dump(mode="json"),
            "code": self.code or base.code,
            "name": self.name,
            "rounding": reader.number("rounding", self.rounding, "取整单位"),
            "note": self.note,
            "weights": reader.weights(self.section("weights")),
            "reserve": reader.reserve(self.section("reserve")),
            "subjects": reader.subjects(self.section("subjects")),
            "margins": reader.margins(self.section("margins")),
            **{LISTS[kind]: [] for kind in KINDS},
        }
        for kind, bound in reader.bounds(self.section("bounds")):
            data[LISTS[kind]].append(bound)
        if not self.name:
            reader.errors.append(("name", "请写方案名称。"))
        if reader.errors:
            return None, reader.errors
        try:
            return Split.model_validate(data), []
        except ValidationError as error:
            return None, [_said(e) for e in error.errors()]


def _coded(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Kinds of subject, each with a code of its own: those named without one are given the next that is free."""
    taken = {row.get("code", "") for row in rows}
    free = (code for n in range(1, MOST_ROWS + len(rows) + 1) if (code := f"s{n}") not in taken)
    return tuple({**row, "code": next(free)} if row.get("name") and not row.get("code") else row for row in rows)


class _Reader:
    """Reads rows into parts of a specification, collecting what is wrong by field."""

    def __init__(self) -> None:
        self.errors: list[tuple[str, str]] = []

    def number(self, where: str, text: str, what: str, percent: bool = False) -> str | None:
        """Exact decimal text; None after an error."""
        try:
            value = parse_number(text)
        except ValueError:
            self.errors.append((where, f"{what}“{text}”不是数。应为如 {'80' if percent else '1045.5'} 的数字。"))
            return None
        return decimal_text(value / 100 if percent else value)

    def weights(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        found = []
        for i, row in enumerate(rows):
            if not _filled(row):
                continue
            if not row.get("figure"):
                self.errors.append((f"weights-{i}-figure", f"第 {i + 1} 条权重没有选按哪个数。"))
            share = self.number(f"weights-{i}-share", row.get("share", ""), f"第 {i + 1} 条权重的占比", True)
            found.append({"figure": row.get("figure", ""), "share": share})
        if not found:
            self.errors.append(("add-weights", "至少要有一条权重。"))
        return found

    def reserve(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        found = []
        for i, row in enumerate(rows):
            if not _filled(row):
                continue
            where, what = f"reserve-{i}-", f"第 {i + 1} 条余项"
            if not row.get("name"):
                self.errors.append((f"{where}name", f"{what}没有名称。"))
            if bool(row.get("amount")) == bool(row.get("share")):
                self.errors.append((f"{where}amount", f"{what}应在数额和占比中填一个。"))
                continue
            one: dict[str, Any] = {"name": row.get("name", "")}
            if row.get("amount"):
                one["amount"] = self.number(f"{where}amount", row["amount"], f"{what}的数额")
            else:
                one["share"] = self.number(f"{where}share", row["share"], f"{what}的占比", True)
            found.append(one)
        return found

    def subjects(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        found = []
        for i, row in enumerate(rows):
            if not _filled(row):
                continue
            if not row.get("name"):
                self.errors.append((f"subjects-{i}-name", f"第 {i + 1} 类主体没有名称。"))
            weight = self.number(f"subjects-{i}-weight", row.get("weight", ""), f"第 {i + 1} 类主体的占比", True)
            found.append({"code": row.get("code", ""), "name": row.get("name", ""), "weight": weight})
        return found

    def margins(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        found = []
        for i, row in enumerate(rows):
            if not _filled(row):
                continue
            axis, _, code = row.get("of", "").partition(":")
            value = self.number(f"margins-{i}-value", row.get("value", ""), f"第 {i + 1} 条合计")
            one = {"value": value, "label": row.get("label", ""), "relaxable": bool(row.get("relaxable"))}
            found.append({**one, "subject" if axis == "subject" else "place": code})
        return found

    def bounds(self, rows: Sequence[Row]) -> list[tuple[str, dict[str, Any]]]:
        found = []
        for i, row in enumerate(rows):
            if not _filled(row):
                continue
            where, what = f"bounds-{i}-", f"第 {i + 1} 条要求"
            kind = row.get("kind", "")
            if kind not in KINDS:
                self.errors.append((f"{where}kind", f"{what}没有说是固定为、不低于还是不高于。"))
                continue
            one: dict[str, Any] = {
                "place": row.get("place") or "all",
                "subject": row.get("subject", ""),
                "label": row.get("label", ""),
                "relaxable": bool(row.get("relaxable")),
                "if_missing": "skip" if row.get("skip") else "refuse",
            }
            if bool(row.get("value")) == bool(row.get("growth")):
                self.errors.append((f"{where}value", f"{what}应在数额和增长中填一个。"))
                continue
            if row.get("value"):
                one["value"] = self.number(f"{where}value", row["value"], f"{what}的数额")
            else:
                one["growth"] = self.number(f"{where}growth", row["growth"], f"{what}的增长", True)
                one["over"] = row.get("over", "")
                if not one["over"]:
                    self.errors.append((f"{where}over", f"{what}没有写比什么增长。应为“指标@期”。"))
            found.append((kind, one))
        return found


def _filled(row: Row) -> bool:
    return any(value for name, value in row.items() if name not in SETTINGS)


def _percent(share: str | None) -> str:
    return "" if share is None else decimal_text(Fraction(share) * 100)


def _bound_row(kind: str, bound: Bound, tree: PlaceTree) -> Row:
    return {
        "kind": kind,
        "place": "all" if bound.place == "all" else tree.resolve(bound.place),
        "subject": bound.subject,
        "value": bound.value or "",
        "growth": _percent(bound.growth),
        "over": bound.over,
        "label": bound.label,
        "relaxable": "1" if bound.relaxable else "",
        "skip": "1" if bound.if_missing == "skip" else "",
    }


def _said(error: Any) -> tuple[str, str]:
    where = str(error["loc"][0]) if error["loc"] else ""
    words = error["ctx"].get("error") if error.get("ctx") else None
    return (where, f"{where}：{words or error['msg']}，现为“{error.get('input', '')}”。")
