"""Colours and values shared by the charts: white, ink and one blue; brown is below, grey is 未报."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

__all__ = [
    "ABOVE",
    "BELOW",
    "BLUE",
    "DARK",
    "HAIRLINE",
    "INK",
    "MISSING",
    "MUTED",
    "PARTS",
    "UNREPORTED",
    "UNREPORTED_LINE",
    "Shown",
    "Spec",
    "exact",
]

Shown = str | int | Decimal | None
Spec = dict[str, Any]

INK, MUTED, HAIRLINE, BLUE = "#14212b", "#5b6875", "#c9d1d8", "#0b57b0"
# From the middle outwards.
ABOVE = ("#cfdfec", "#a3c0da", "#6d9dc5", "#2e6fa3", "#17466f")
BELOW = ("#f4eadd", "#ecd6bd", "#dfb183", "#c68a55", "#8f562b")
# Fills on which ink cannot be read.
DARK = frozenset({"#2e6fa3", "#17466f", "#8f562b"})
UNREPORTED, UNREPORTED_LINE = "#eef0f2", "#8b96a0"
PARTS = ("#b9c6d2", "#2e6fa3", "#8fb3d3", "#c68a55", "#7a8794", "#ecd6bd", "#17466f")
MISSING = "未报"


def exact(value: Shown, where: str) -> Fraction | None:
    """The shown value as an exact number; None stays None. Raises ValueError naming `where`."""
    if value is None:
        return None
    try:
        return Fraction(str(value).strip().replace("−", "-").replace(",", "").removesuffix("%"))
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(f"{where}的值是“{value}”，不是数字；没有数据请用 None（图上显示“{MISSING}”）") from error
