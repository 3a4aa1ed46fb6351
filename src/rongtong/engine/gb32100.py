"""Unified social credit codes of organisations (统一社会信用代码), GB 32100-2015.

Eighteen characters: registering authority, type, six of the region of the registering authority, nine of the
organisation code, one check character.
"""

from __future__ import annotations

import unicodedata

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # in the order of values 0..30; I, O, S, V and Z are not used
LENGTH = 18
WEIGHTS = tuple(pow(3, i, 31) for i in range(LENGTH - 1))


def normalise(text: str) -> str:
    """The code as typed, in half-width capitals and without any white space (全角转半角、去空格、转大写)."""
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()


def check_character(first: str) -> str:
    """The check character for the first seventeen characters, which must be of the alphabet (GB 32100-2015)."""
    total = sum(ALPHABET.index(c) * w for c, w in zip(first, WEIGHTS, strict=True))
    return ALPHABET[-total % 31]


def check(code: str) -> str | None:
    """Why a normalised code is not one, in Chinese, or None when it is.

    The region is not compared with any list: it is that of the office which registered, and is kept for life.
    """
    if len(code) != LENGTH:
        return f"统一社会信用代码应为 {LENGTH} 位，「{code}」有 {len(code)} 位。请核对证照。"
    for position, character in enumerate(code, start=1):
        if character not in ALPHABET:
            return (
                f"统一社会信用代码「{code}」第 {position} 位「{character}」不在允许的字符内"
                "（数字及除 I、O、S、V、Z 外的大写字母）。请核对证照。"
            )
    expected = check_character(code[:-1])
    if code[-1] != expected:
        return f"统一社会信用代码「{code}」校验位不符：末位是「{code[-1]}」，按前 17 位应为「{expected}」。请核对证照。"
    return None
