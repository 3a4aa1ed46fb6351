"""Place (地方): codes that come and go, several hierarchies over them, and bridges across re-divisions.

A place code is never reused. Each figure keeps the edition (date) of the list it was made with; restating it on
another edition needs a bridge, and where no published weight exists only the sum over the whole change is bridged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rongtong.engine.pack.model import Bridge, Parent, Place, PlaceGroup

LEVELS = ("nation", "province", "city", "county", "zone")
LEVEL_NAMES = {"nation": "全国", "province": "省", "city": "设区市", "county": "县（市、区）", "zone": "功能区"}
ADMINISTRATIVE = "administrative"


class PlaceError(ValueError):
    """A place or hierarchy is unknown, or a restatement has no bridge."""


def _valid(item: Place | Parent, day: date | None) -> bool:
    if day is None:
        return item.valid_to is None
    return (item.valid_from is None or item.valid_from <= day) and (item.valid_to is None or day <= item.valid_to)


@dataclass(frozen=True, slots=True)
class PlaceTree:
    """Places, their hierarchies, their re-divisions and named groups. `day` None means today's list."""

    places: Mapping[str, Place]
    parents: tuple[Parent, ...]
    bridges: tuple[Bridge, ...]
    groups: Mapping[str, PlaceGroup]
    root: str

    @staticmethod
    def build(
        *,
        places: Iterable[Place],
        parents: Iterable[Parent],
        bridges: Iterable[Bridge],
        groups: Iterable[PlaceGroup],
        root: str,
    ) -> PlaceTree:
        return PlaceTree({p.code: p for p in places}, tuple(parents), tuple(bridges), {g.code: g for g in groups}, root)

    def get(self, code: str) -> Place:
        """Raises PlaceError for a code the packs do not know."""
        try:
            return self.places[code]
        except KeyError:
            raise PlaceError(f"不认识的地方代码“{code}”。应为规则包 places.csv 里的代码，如 {self.root}。") from None

    def name(self, code: str) -> str:
        """The short name, or the code itself where none is known."""
        place = self.places.get(code)
        return place.short if place else code

    def parent(self, code: str, hierarchy: str = ADMINISTRATIVE, day: date | None = None) -> str | None:
        """The place above, or None at the top."""
        for item in self.parents:
            if item.place == code and item.hierarchy == hierarchy and _valid(item, day):
                return item.parent
        return None

    def children(self, code: str, hierarchy: str = ADMINISTRATIVE, day: date | None = None) -> tuple[str, ...]:
        """The places directly below that exist on `day`, in order of code."""
        found = {
            item.place
            for item in self.parents
            if item.parent == code and item.hierarchy == hierarchy and _valid(item, day)
        }
        return tuple(sorted(c for c in found if c in self.places and _valid(self.places[c], day)))

    def at_level(self, level: str, within: str | None = None, day: date | None = None) -> tuple[str, ...]:
        """The places of a level below `within` (default: the root), in order of code."""
        top = within or self.root
        return tuple(
            sorted(
                code
                for code, place in self.places.items()
                if place.level == level and _valid(place, day) and self.is_within(code, top, day=day)
            )
        )

    def is_within(self, code: str, ancestor: str, hierarchy: str = ADMINISTRATIVE, day: date | None = None) -> bool:
        """Whether `code` is `ancestor` or lies below it. A retired place keeps the parent it last had."""
        seen = 0
        at: str | None = code
        while at is not None and seen < 10:
            if at == ancestor:
                return True
            at = self.parent(at, hierarchy, day) or self._last_parent(at, hierarchy)
            seen += 1
        return False

    def covering(self, codes: Iterable[str]) -> str | None:
        """The lowest place that all codes lie in, or None when no one place covers them."""
        wanted = sorted(set(codes))
        at: str | None = wanted[0] if wanted else None
        while at is not None and not all(self.is_within(code, at) for code in wanted):
            at = self.parent(at) or self._last_parent(at, ADMINISTRATIVE)
        return at

    def _last_parent(self, code: str, hierarchy: str) -> str | None:
        found = [p for p in self.parents if p.place == code and p.hierarchy == hierarchy]
        return max(found, key=lambda p: p.valid_to or date.max).parent if found else None

    def hierarchies(self) -> tuple[str, ...]:
        return tuple(sorted({p.hierarchy for p in self.parents}))

    def resolve(self, text: str) -> str:
        """The code a user's word means: a code, a full name or a short name. Raises PlaceError, naming rivals."""
        word = text.strip()
        if word in self.places:
            return word
        found = sorted(c for c, p in self.places.items() if word in (p.name, p.short) and p.valid_to is None) or sorted(
            c for c, p in self.places.items() if word in (p.name, p.short)
        )
        if len(found) == 1:
            return found[0]
        if found:
            raise PlaceError(f"“{text}”不止一个：{'、'.join(f'{c} {self.places[c].name}' for c in found)}。请用代码。")
        raise PlaceError(f"不认识的地方“{text}”。应为六位代码或名称，如 {self.root}。")

    def restate(
        self, values: Mapping[str, Fraction], change: date, *, forward: bool = True
    ) -> tuple[dict[str, Fraction], tuple[str, ...]]:
        """Values of one edition restated on the other side of the re-division of `change`.

        Returns the restated values by place and the places whose value cannot be known alone because no published
        weight splits them. Those are joined under the sorted codes with `+`, so the sum over the change is kept exactly.
        Raises PlaceError when there is no bridge of that date.
        """
        links = [b for b in self.bridges if b.date == change]
        if not links:
            raise PlaceError(f"没有 {change} 的区划变更对照，不能换算。请在 bridges.csv 里给出。")
        source = "old" if forward else "new"
        target = "new" if forward else "old"
        touched = {getattr(b, source) for b in links}
        result = {code: value for code, value in values.items() if code not in touched}
        unknown: list[str] = []
        for group in _components(links):
            sides = {getattr(b, source) for b in group}, {getattr(b, target) for b in group}
            if not any(code in values for code in sides[0]):
                continue
            missing = sorted(code for code in sides[0] if code not in values)
            if missing:
                raise PlaceError(f"换算缺少 {'、'.join(missing)} 的值。")
            if forward and all(b.weight is not None for b in group):
                for b in group:
                    result[b.new] = result.get(b.new, Fraction(0)) + values[b.old] * Fraction(b.weight or "0")
            elif len(sides[1]) == 1:
                result[next(iter(sides[1]))] = sum((values[c] for c in sides[0]), Fraction(0))
            else:
                joined = "+".join(sorted(sides[1]))
                result[joined] = sum((values[c] for c in sides[0]), Fraction(0))
                unknown.extend(sorted(sides[1]))
        return result, tuple(unknown)


def _components(links: list[Bridge]) -> list[list[Bridge]]:
    """Bridges grouped so that places joined by any link are together."""
    groups: list[list[Bridge]] = []
    for link in links:
        touching = [g for g in groups if any({b.old, b.new} & {link.old, link.new} for b in g)]
        merged = [link] + [b for g in touching for b in g]
        groups = [g for g in groups if g not in touching] + [merged]
    return groups
