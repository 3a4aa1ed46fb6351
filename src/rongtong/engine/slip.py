"""Slip (万元/亿元错位): a value that is about 10⁴ times, or one 10⁴th of, what it should be.

A reading is compared with its own series: last year's same period, else the nearest period, brought to the same
length where values accumulate. Where the series has no other period it is compared with the median of the other places
of its level. The window is a factor of three around 10⁴ either way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period
from rongtong.engine.quantity import Quantity, Unit
from rongtong.engine.reading import HARD, SYNTHETIC, Finding, Key, Latest, Reading, has_level

SLIP = 10**4
FEWEST_PEERS = 3


def slips(new: Sequence[Reading], held: Sequence[Reading], pack: Pack) -> Iterable[tuple[int, Finding]]:
    """The position of each reading in `new` that looks slipped, and the finding about it."""
    latest = Latest.of(held, new)
    peers = _peers(latest, pack)
    stored = {r.key for r in held}
    slipped: set[Key] = set()
    # In order of time, so that a slip is found before it becomes what the next period is compared with.
    for index in sorted(range(len(new)), key=lambda i: (new[i].period.last_day, new[i].known_from)):
        reading = new[index]
        if not reading.value or not has_level(reading.unit):
            continue
        before = _comparable(reading, latest, slipped, stored)
        reference = _median(reading, peers, pack) if before is None else _to_length(before, reading.period, pack)
        direction = _slip(reading.value, reference)
        if direction:
            slipped.add(reading.key)
            yield index, _slip_finding(reading, before, reference, direction)


def _slip(value: int, reference: Fraction) -> int:
    """1 when value / reference lies within [10⁴/3, 3·10⁴], -1 when its inverse does, else 0."""
    big, small = abs(value), abs(reference)
    if not small:
        return 0
    if SLIP * small <= 3 * big and big <= 3 * SLIP * small:
        return 1
    return -1 if SLIP * big <= 3 * small and small <= 3 * SLIP * big else 0


def _comparable(reading: Reading, latest: Latest, slipped: set[Key], stored: set[Key]) -> Reading | None:
    """The same period of last year, else the nearest earlier period, else the nearest later one that is held.

    The reading's own period is left out: an earlier vintage that slipped must not forbid its correction.
    """

    def usable(other: Reading | None) -> bool:
        return other is not None and bool(other.value) and other.key not in slipped

    for pool in (latest.real, latest.every):
        line = pool.get(reading.series, {})
        before = line.get(reading.period.years_before())
        if usable(before):
            return before
        end = reading.period.last_day
        others = [p for p, r in line.items() if p != reading.period and usable(r)]
        earlier = [p for p in others if p.last_day < end]
        if earlier:
            return line[max(earlier, key=lambda p: (p.months == reading.period.months, p.last_day))]
        later = [p for p in others if p.last_day > end and line[p].key in stored]
        if later:
            return line[min(later, key=lambda p: (p.months != reading.period.months, p.last_day))]
    return None


def _to_length(before: Reading, period: Period, pack: Pack) -> Fraction:
    """The value of `before` brought to the length of `period`, if the card's values accumulate over time."""
    card = pack.find("indicators", before.indicator)
    if card is not None and card.aggregation.time == "cumulative":
        return Fraction(before.value * period.months, before.period.months)
    return Fraction(before.value)


Level = tuple[str, str, str, str, str, Period, str]


def _level_key(reading: Reading, pack: Pack) -> Level | None:
    place = pack.places.places.get(reading.place)
    if place is None:
        return None
    return (reading.indicator, reading.chain, reading.subject, reading.funds, reading.use, reading.period, place.level)


def _peers(latest: Latest, pack: Pack) -> dict[Level, dict[str, int]]:
    groups: dict[Level, dict[str, int]] = {}
    for line in latest.every.values():
        for reading in line.values():
            key = _level_key(reading, pack)
            if key is not None and reading.value:
                groups.setdefault(key, {})[reading.place] = abs(reading.value)
    return groups


def _median(reading: Reading, peers: Mapping[Level, Mapping[str, int]], pack: Pack) -> Fraction:
    """The median over the other places of the same level; 0 when there are fewer than three."""
    key = _level_key(reading, pack)
    others = sorted(v for place, v in peers.get(key, {}).items() if place != reading.place) if key else []
    if len(others) < FEWEST_PEERS:
        return Fraction(0)
    half = len(others) // 2
    return Fraction(others[half]) if len(others) % 2 else Fraction(others[half - 1] + others[half], 2)


def _slip_finding(reading: Reading, before: Reading | None, reference: Fraction, direction: int) -> Finding:
    if before is None:
        what = f"同级其他地区的中位数 {reading.text(round(reference))}"
    else:
        what = f"{before.period.chinese}的 {before.text()}" + ("（演示数据）" if before.status == SYNTHETIC else "")
    number = Quantity.stored(reading.value, reading.unit).shown()
    other = _other_unit(reading.unit, -direction)
    expected = (
        f"{number} {other}" if other else reading.text(reading.value // SLIP if direction > 0 else reading.value * SLIP)
    )
    size = "约一万倍" if direction > 0 else "约万分之一"
    return reading.finding(
        HARD, f"疑似万元/亿元错位：是{what}的{size}", expected, "核对单位列与数值，改成同一单位下的数"
    )


def _other_unit(u: Unit, step: int) -> str:
    """The symbol of the unit 10⁴ larger (step 1) or smaller (-1), or "" where there is none."""
    base = u.symbol.lstrip("百千万亿")
    prefixes = ("", "万", "亿", "万亿")
    prefix = u.symbol.removesuffix(base)
    if not base or prefix not in prefixes:
        return ""
    index = prefixes.index(prefix) + step
    return prefixes[index] + base if 0 <= index < len(prefixes) else ""
