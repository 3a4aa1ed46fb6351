"""Periods as offices write them: 2025年, 2025年上半年, 2025年一季度, 2025年6月, 2025年1—6月."""

from __future__ import annotations

import re
import unicodedata

_WORDS = re.compile(
    r"(?P<year>\d{4})年"
    r"(?:1月?[-—–―~至到](?P<last>\d{1,2})月|(?P<month>\d{1,2})月|(?P<half>上半年)|第?(?P<quarter>[一二三四1-4])季度)?"
)
_QUARTERS = {"一": "1", "二": "2", "三": "3", "四": "4"}


def period_code(text: str) -> str:
    """The period as the packs write it (2025-01..06); any other text as it is."""
    found = _WORDS.fullmatch(unicodedata.normalize("NFKC", text).replace(" ", ""))
    if found is None:
        return text
    year, last, month, half, quarter = found.group("year", "last", "month", "half", "quarter")
    if last:
        return f"{year}-01..{int(last):02d}"
    if month:
        return f"{year}-{int(month):02d}"
    if half:
        return f"{year}H1"
    return f"{year}Q{_QUARTERS.get(quarter, quarter)}" if quarter else str(year)
