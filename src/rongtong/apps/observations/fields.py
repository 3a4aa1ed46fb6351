"""From the cells of one row to a reading: every field is checked by itself, every fault is named at its cell."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import TypeVar

from rongtong.apps.observations.models import STATUSES
from rongtong.engine.pack.model import Indicator
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import MONTHS, Period, PeriodError
from rongtong.engine.place import PlaceError
from rongtong.engine.quantity import Quantity, Unit, UnitError, parse_number, unit
from rongtong.engine.reading import HARD, Finding, Reading, has_level
from rongtong.engine.workbook import Fault, Value, plain, shown

_STATUS_WORDS = {**{name: code for code, name in STATUSES.items()}, "实际": "actual", "初步核算": "preliminary"}
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_FREQUENCY_NAMES = {"year": "年", "half": "半年", "quarter": "季", "month": "月", "once": "一次性"}
_LARGEST = 2**63 - 1
_LONGEST_WORD = 64
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Raw:
    """One value as it stands in a file: the cells by field, where each stands, and a text of where the value stands."""

    sheet: str
    values: Mapping[str, Value]
    cells: Mapping[str, str]
    evidence: str


class Refused(Exception):
    """A field cannot be used: the problem, what was expected, what to do."""

    def __init__(self, problem: str, expected: str = "", do: str = "") -> None:
        super().__init__(problem)
        self.problem, self.expected, self.do = problem, expected, do


@dataclass(slots=True)
class Fields:
    """Reads rows with one pack on one day and keeps what it found wrong."""

    pack: Pack
    today: date
    findings: list[Finding] = field(default_factory=list)
    _names: dict[str, list[str]] = field(default_factory=dict)
    _places: dict[str, str | Refused] = field(default_factory=dict)

    def reading(self, raw: Raw) -> Reading | None:
        """The reading of a row, or None when any of its fields was refused."""
        before = len(self.findings)
        card = self._try(raw, "indicator", self.indicator)
        place = self._try(raw, "place", self.place)
        period = self._try(raw, "period", lambda v: self.period(v, card))
        measured = self._try(raw, "unit", lambda v: self.unit(v, card))
        status = self._try(raw, "status", self.status)
        known_from = self._try(raw, "known_from", self.known_from)
        edition = self._try(raw, "edition", self.edition)
        self._try(raw, "scope", lambda v: self.scope(v, card))
        chain = self._try(raw, "chain", self.chain)
        words = {name: self._try(raw, name, self.word) for name in ("subject", "funds", "use")}
        if place and period and edition is not None:
            self._try(raw, "place", lambda _: self.exists(place, period, edition))
        stored = self._try(raw, "value", lambda v: self.value(v, measured))
        if len(self.findings) > before or None in (card, place, period, measured, status, known_from, stored):
            return None
        # Said again for the type checker: nothing of this is None here.
        assert card is not None
        assert measured is not None
        assert period is not None
        assert known_from is not None
        assert stored is not None
        return Reading(
            indicator=card.code,
            place=place or "",
            period=period,
            value=stored,
            unit=measured,
            status=status or "",
            known_from=known_from,
            chain=chain or "",
            subject=words["subject"] or "",
            funds=words["funds"] or "",
            use=words["use"] or "",
            edition=edition or "",
            source=shown(raw.values.get("source")).strip(),
            note=shown(raw.values.get("note")).strip(),
            reason=shown(raw.values.get("reason")).strip(),
            evidence=raw.evidence,
            sheet=raw.sheet,
            cells=raw.cells,
        )

    def _try(self, raw: Raw, name: str, read: Callable[[Value], T]) -> T | None:
        value = raw.values.get(name)
        try:
            if isinstance(value, Fault):
                raise Refused(value.problem, "一个值", "在 Excel 里重新计算并保存，或直接填写数值")
            return read(value)
        except Refused as why:
            at = raw.cells.get(name) or raw.cells.get("value", "")
            self.findings.append(Finding(HARD, raw.sheet, at, shown(value), why.problem, why.expected, why.do))
            return None

    def indicator(self, value: Value) -> Indicator:
        """The card a code or a name means."""
        word = plain(value)
        if not self._names:
            for card in self.pack.all("indicators"):
                for name in {card.code, plain(card.name)}:
                    if card.code not in self._names.setdefault(name, []):
                        self._names[name].append(card.code)
        found = self._names.get(word, [])
        if len(found) == 1:
            card = self.pack.get("indicators", found[0])
            assert isinstance(card, Indicator)
            return card
        if found:
            raise Refused(f"不止一个指标叫这个名字：{'、'.join(found)}", "其中一个代码", "改填代码")
        near = difflib.get_close_matches(word, self._names, n=3, cutoff=0.5)
        expected = "规则包里指标卡的代码或名称" + (f"，如 {'、'.join(near)}" if near else "")
        raise Refused("不认识的指标" if word else "没有填指标", expected, "改填指标卡的代码或名称")

    def place(self, value: Value) -> str:
        """The code of a place given by code or name."""
        word = plain(value)
        if word not in self._places:
            try:
                if not word:
                    raise PlaceError("没有填地区。")
                self._places[word] = self.pack.places.resolve(word)
            except PlaceError as error:
                example = self.pack.places.root
                expected = f"六位代码或名称，如 {example} {self.pack.places.name(example)}"
                self._places[word] = Refused(str(error).split("。")[0], expected, "改填代码或全称")
        found = self._places[word]
        if isinstance(found, Refused):
            raise found
        return found

    def exists(self, place: str, period: Period, edition: str) -> None:
        """Refuse a place that was not there at the end of the period, or on the day of the edition that is given."""
        day = date.fromisoformat(edition) if edition else period.last_day
        item = self.pack.places.get(place)
        if (item.valid_from and day < item.valid_from) or (item.valid_to and item.valid_to < day):
            span = f"{item.valid_from or '…'} 至 {item.valid_to or '今'}"
            raise Refused(
                f"{day} 没有这个地区（{item.name}存在于 {span}）",
                "期末存在的地区，或在“区划版本”写明所用区划的日期",
                "改填现行区划的地区，或填写区划版本",
            )

    def period(self, value: Value, card: Indicator | None) -> Period:
        """The period, of a length the card is reported in."""
        if isinstance(value, date):
            raise Refused(
                "Excel 把期变成了日期", "文本，如 2025-03、2025H1、2025-01..09", "把单元格格式设为“文本”后重新填写"
            )
        try:
            period = Period.parse(plain(value))
        except PeriodError as error:
            raise Refused(
                "不是期" if plain(value) else "没有填期", str(error).partition("应写作")[2].strip("。"), "改写"
            ) from None
        if card is not None and not _reported(card, period):
            frequency = "、".join(_FREQUENCY_NAMES[f] for f in card.frequency)
            raise Refused(f"“{card.name}”不按这样的期报送（{period.chinese}）", f"频度：{frequency}", "核对期或指标")
        return period

    def unit(self, value: Value, card: Indicator | None) -> Unit:
        """The unit, which must measure what the card's does."""
        word = plain(value)
        try:
            if not word:
                raise UnitError("没有填单位。")
            found = unit(word)
        except UnitError as error:
            expected = card.unit if card else "如 亿元、万元、%、家、人"
            raise Refused(str(error).split("。")[0], expected, "改填单位") from None
        if card is not None and found.dimension != unit(card.unit).dimension:
            mine, wanted = found.dimension.chinese, unit(card.unit).dimension.chinese
            raise Refused(f"单位是{mine}，而“{card.name}”是{wanted}", card.unit, "改填单位，或核对指标")
        return found

    def status(self, value: Value) -> str:
        """The status, by code or Chinese name."""
        word = plain(value)
        found = word if word in STATUSES else _STATUS_WORDS.get(word)
        if found is None:
            expected = "、".join(f"{name}({code})" for code, name in STATUSES.items())
            raise Refused("不认识的状态" if word else "没有填状态", expected, "改填其中一个")
        return found

    def known_from(self, value: Value) -> date:
        """The day the figure was published or approved; never a day to come."""
        day = _day(value)
        if day is None:
            raise Refused("不是日期" if plain(value) else "没有填发布日期", "如 2025-07-15", "填写公布或批准的日期")
        if day > self.today:
            raise Refused("发布日期在今天之后", f"不晚于 {self.today}", "改填实际公布的日期")
        return day

    def edition(self, value: Value) -> str:
        """The date of the list of places, empty when none is given."""
        if not plain(value):
            return ""
        day = _day(value)
        if day is None:
            raise Refused("区划版本不是日期", "所用区划的日期，如 2021-03-31；现行区划留空", "改填日期或留空")
        return day.isoformat()

    def scope(self, value: Value, card: Indicator | None) -> None:
        """Refuse a row whose 口径 is not the card's, with the pack's reason why the two are never added."""
        word = plain(value)
        if card is None or not word:
            return
        own = self.pack.find("scopes", card.scope)
        if word == card.scope or (own and word == plain(own.name)):
            return
        raise self.foreign_scope(word, card)

    def foreign_scope(self, word: str, card: Indicator) -> Refused:
        """Why figures of the scope `word` may not stand under a card."""
        own = self.pack.find("scopes", card.scope)
        name = own.name if own else card.scope
        other = next((s for s in self.pack.all("scopes") if word in (s.code, plain(s.name))), None)
        if other is None:
            return Refused("不认识的口径", name, "改填口径或核对指标")
        why = (own.never_with.get(other.code) if own else None) or other.never_with.get(card.scope, "")
        problem = f"口径不同：“{card.name}”是{name}，不是{other.name}" + (f"。{why.rstrip('。')}" if why else "")
        return Refused(problem, name, f"改用口径为{other.name}的指标，不要并入")

    def chain(self, value: Value) -> str:
        """The code of an industrial chain given by code or name, empty when none is given."""
        word = plain(value)
        if not word:
            return ""
        found = sorted({c.code for c in self.pack.all("chains") if word in (c.code, plain(c.name))})
        if len(found) != 1:
            problem = f"不止一个产业链叫这个名字：{'、'.join(found)}" if found else "不认识的产业链"
            raise Refused(problem, "规则包 chains.csv 里的代码或名称", "改填代码")
        return str(found[0])

    def word(self, value: Value) -> str:
        """A kind of subject, a source of funds or a use, in the file's own words."""
        text = plain(value)
        if len(text) > _LONGEST_WORD:
            raise Refused(f"超过 {_LONGEST_WORD} 个字", "一个类别名称", "改短，说明写在“说明”列")
        return text

    def value(self, value: Value, measured: Unit | None) -> int:
        """The integer at the dimension's scale; 0 when the unit is unknown and only the number can be checked."""
        number = exact_number(value)
        if measured is None:
            return 0
        quantity = Quantity.of(number, measured)
        try:
            stored = quantity.to_stored()
        except UnitError:
            kind = measured.dimension
            base = "整数" if kind.scale == 0 else f"{kind.scale} 位小数"
            problem = f"小数位过多，{kind.chinese}以基本单位计只记录到{base}"
            raise Refused(problem, f"以{measured}计不多于此精度的数", "核对数值和单位") from None
        if stored < 0 and _never_negative(measured):
            raise Refused(f"{measured.dimension.chinese}不能为负", "不小于 0 的数", "核对数值")
        if abs(stored) > _LARGEST:
            raise Refused("数值过大，无法记录", f"绝对值不超过 {Quantity.stored(_LARGEST, measured)}", "核对数值和单位")
        return stored


def exact_number(value: Value) -> Fraction:
    """The number in a cell. Raises Refused."""
    if isinstance(value, int | Fraction):
        return Fraction(value)
    if isinstance(value, Fault):
        raise Refused(value.problem, "一个值", "在 Excel 里重新计算并保存，或直接填写数值")
    if isinstance(value, date):
        raise Refused("是日期，不是数", "如 1234.56", "把单元格格式设为“常规”后重新填写")
    if not plain(value):
        raise Refused("没有填数值", "如 1234.56；没有数据就删去这一行", "填写或删行")
    try:
        return parse_number(plain(value))
    except ValueError:
        raise Refused("不是数", "如 1234.56，不带单位和文字", "只填数字，单位写在“单位”列") from None


def _day(value: Value) -> date | None:
    if isinstance(value, date):
        return value
    match = _DATE.fullmatch(plain(value))
    try:
        return date(*(int(part) for part in match.groups())) if match else None
    except ValueError:
        return None


def _never_negative(u: Unit) -> bool:
    return has_level(u) or u.dimension.name in ("rank", "year", "age")


def _reported(card: Indicator, period: Period) -> bool:
    """Whether a card is reported for periods of this length: its own ones, and what they add up to from January."""
    if "once" in card.frequency:
        return True
    lengths = [MONTHS[f] for f in card.frequency]
    return period.kind in card.frequency or (period.cumulative and any(period.months % n == 0 for n in lengths))
