"""Application numbers of Chinese patents (专利申请号) and their check digit, ZC 0006-2003.

Since October 2003: four digits of the year, one of the kind (1 发明, 2 实用新型, 3 外观设计, 8 and 9 by the PCT), seven of
the serial number, a point, the check digit. Before: two, one and five. The check digit is the weighted sum of the digits
modulo 11, ten written X; the weights run 2 to 9 and begin anew at 2. "ZL" goes before it once the patent is granted and
is no part of it.
"""

from __future__ import annotations

import re
import unicodedata

FIRST_WEIGHT, WEIGHTS = 2, 8
CHECK_DIGITS = "0123456789X"
KINDS = "12389"
# Where the digit of the kind stands, by how many digits there are before the point.
KIND_AT = {12: 4, 8: 2}
WRITTEN = re.compile(r"([0-9]{12}|[0-9]{8})\.([0-9X])")
TYPED = re.compile(r"(?:ZL|CN)?([0-9]{12}|[0-9]{8})\.?([0-9X])")


def normalise(text: str) -> str:
    """The number as it is kept, from one typed in full width, with spaces, a prefix or without its point.

    What is no such number comes back without those marks, for `check` to refuse.
    """
    bare = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    typed = TYPED.fullmatch(bare)
    return f"{typed[1]}.{typed[2]}" if typed else bare


def check_digit(digits: str) -> str:
    """The check digit for the eight or twelve digits before the point."""
    total = sum(int(d) * (FIRST_WEIGHT + i % WEIGHTS) for i, d in enumerate(digits))
    return CHECK_DIGITS[total % len(CHECK_DIGITS)]


def check(number: str) -> str | None:
    """Why a normalised number is not one, in Chinese and without its subject, or None when it is."""
    written = WRITTEN.fullmatch(number)
    if written is None:
        return "应为专利申请号，如 202510000001.4（12 位数字、小数点、校验位；2003 年 10 月以前的为 8 位数字）"
    digits, given = written.groups()
    kind = digits[KIND_AT[len(digits)]]
    if kind not in KINDS:
        return f"第 {KIND_AT[len(digits)] + 1} 位是专利种类，应为 {'、'.join(KINDS)} 之一"
    expected = check_digit(digits)
    if given != expected:
        return f"校验位不符：按前 {len(digits)} 位应为“{expected}”，请对照受理通知书"
    return None
