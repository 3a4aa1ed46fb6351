"""Codes of administrative divisions (行政区划代码), GB/T 2260-2007.

Six digits in three pairs: province, prefecture, county. A code ends in `0000` for a province and in `00` for a
prefecture. Codes of nine and twelve digits (GB/T 10114-2003) continue a county's six.
"""

from __future__ import annotations

from typing import Literal

Level = Literal["province", "prefecture", "district", "county", "county_city"]


def gb2260_level(code: str) -> Level | None:
    """The level that the digits tell: 省级, 地级, 市辖区, 县, 县级市; None when it is not such a code.

    The last pair is 01-20 for a district, 21-80 for a county, 81-99 for a county-level city. Below a middle pair of 90
    stand units directly under the province: there 01-20 is a county-level city.
    """
    if not _is_code(code) or len(code) != 6 or code.startswith("00"):
        return None
    middle, last = code[2:4], int(code[4:])
    if last == 0:
        return "province" if middle == "00" else "prefecture"
    if middle == "00":
        return None
    if last <= 20:
        return "county_city" if middle == "90" else "district"
    return "county" if last <= 80 else "county_city"


def gb2260_within(code: str, ancestor: str) -> bool:
    """Whether a place is the ancestor or lies below it, told by the digits alone.

    False for codes that are not of the standard, except that a code is always within itself: functional zones have
    local codes, and only a tree of places knows where those belong.
    """
    if code == ancestor:
        return True
    if not (_is_code(code) and gb2260_level(ancestor)):
        return False
    prefix = ancestor[:2] if ancestor.endswith("0000") else ancestor[:4] if ancestor.endswith("00") else ancestor
    return code.startswith(prefix) and len(code) >= len(ancestor)


def _is_code(code: str) -> bool:
    return len(code) in (6, 9, 12) and code.isascii() and code.isdigit()
