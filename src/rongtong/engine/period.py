"""Period (期): a year, half, quarter, month, cumulative year-to-date or five-year plan.

Written `2025`, `2025H1`, `2025Q1`, `2025-03`, `2025-01..09` (cumulative, 累计) and `2021..2025` (plan, 五年规划).
A span has one name: January to June is `2025H1`, whether it was typed so or as `2025-01..06`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

_FORMS = (
    (re.compile(r"(\d{4})"), lambda y: (int(y), 1, 12)),
    (re.compile(r"(\d{4})H([12])"), lambda y, h: (int(y), 6 * int(h) - 5, 6)),
    (re.compile(r"(\d{4})Q([1-4])"), lambda y, q: (int(y), 3 * int(q) - 2, 3)),
    (re.compile(r"(\d{4})-(\d{2})"), lambda y, m: (int(y), int(m), 1)),
    (re.compile(r"(\d{4})-(\d{2})\.\.(\d{2})"), lambda y, a, b: (int(y), int(a), int(b) - int(a) + 1)),
    (re.compile(r"(\d{4})\.\.(\d{4})"), lambda a, b: (int(a), 1, 12 * (int(b) - int(a) + 1))),
)


# Frequency of a card (频度) → months of one of its periods.
MONTHS = {"month": 1, "quarter": 3, "half": 6, "year": 12}


class PeriodError(ValueError):
    """A text is no period."""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """`months` months from the first of `month` in `year`."""

    year: int
    month: int
    months: int

    @staticmethod
    def parse(text: str) -> Period:
        """The period written `text`. Raises PeriodError with the forms that are understood."""
        clean = str(text).strip().upper().replace("年", "")
        for pattern, build in _FORMS:
            match = pattern.fullmatch(clean)
            if match:
                year, month, months = build(*match.groups())
                if (
                    1 <= month <= 12
                    and months >= 1
                    and 1900 <= year <= 2200
                    and (months % 12 == 0 or month + months <= 13)
                ):
                    return Period(year, month, months)
        raise PeriodError(
            f"“{text}”不是期。应写作 2025、2025H1、2025Q1、2025-03、2025-01..09（累计）或 2021..2025（五年规划）。"
        )

    @property
    def kind(self) -> str:
        """year, half, quarter, month, cumulative, plan or span."""
        if self.months > 12:
            return "plan"
        aligned = (self.month - 1) % self.months == 0
        names = {12: "year", 6: "half", 3: "quarter", 1: "month"}
        if self.months in names and aligned:
            return names[self.months]
        return "cumulative" if self.month == 1 else "span"

    @property
    def cumulative(self) -> bool:
        """Whether the span starts the year, so that its share of the year's total can be taken."""
        return self.month == 1 and self.months <= 12

    def __str__(self) -> str:
        kind = self.kind
        if kind == "year":
            return f"{self.year}"
        if kind == "plan":
            return f"{self.year}..{self.year + self.months // 12 - 1}"
        if kind == "half":
            return f"{self.year}H{(self.month + 5) // 6}"
        if kind == "quarter":
            return f"{self.year}Q{(self.month + 2) // 3}"
        if kind == "month":
            return f"{self.year}-{self.month:02d}"
        return f"{self.year}-{self.month:02d}..{self.month + self.months - 1:02d}"

    @property
    def chinese(self) -> str:
        """The name used in papers: 2025年一季度, 2025年上半年, 2025年1—9月, 2025年."""
        kind = self.kind
        if kind == "year":
            return f"{self.year}年"
        if kind == "plan":
            return f"{self.year}—{self.year + self.months // 12 - 1}年"
        if kind == "half":
            return f"{self.year}年{'上' if self.month == 1 else '下'}半年"
        if kind == "quarter":
            return f"{self.year}年{'一二三四'[(self.month - 1) // 3]}季度"
        if kind == "month":
            return f"{self.year}年{self.month}月"
        return f"{self.year}年{self.month}—{self.month + self.months - 1}月"

    def years_before(self, years: int = 1) -> Period:
        """The same span `years` earlier (同期)."""
        return Period(self.year - years, self.month, self.months)

    @property
    def whole_year(self) -> Period:
        """The calendar year the span starts in."""
        return Period(self.year, 1, 12)

    @property
    def elapsed(self) -> Fraction:
        """The share of the year gone at the end of the span (序时进度): 2025H1 gives 1/2."""
        return Fraction(min(self.month + self.months - 1, 12), 12)

    @property
    def first_day(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        end = self.year * 12 + self.month - 1 + self.months
        return date(end // 12, end % 12 + 1, 1) - timedelta(days=1)
