"""The measures of a paper: GB/T 9704-2012 as numbers, so that a unit's own variant is another `Form`, not other code.

Lengths are whole millimetres and points as the standard gives them; `twips` (1/20 pt) is what the file format wants.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["GBT_9704", "Form", "em", "twips"]

# Widths of Latin glyphs of the digit font in thousandths of its size; what is not listed is taken as 500 (a digit).
LATIN_WIDTH = {"%": 833, "+": 564, "-": 333, ".": 250, ",": 250, " ": 250, ":": 278, "/": 278, "&": 778, "W": 944}
UPPER_WIDTH = 722


def twips(mm: int | Fraction) -> int:
    """`mm` millimetres as twips, to the nearest."""
    return math.floor(Fraction(mm) * 7200 / 127 + Fraction(1, 2))


def em(text: str) -> Fraction:
    """Width of `text` in em: a Chinese character is 1, a Latin digit one half."""
    width = 0
    for character in text:
        if character == "\u200b":
            continue
        if ord(character) < 0x2000 and character not in "·×÷±":
            width += LATIN_WIDTH.get(character, UPPER_WIDTH if character.isupper() else 500)
        else:
            width += 1000
    return Fraction(width, 1000)


@dataclass(frozen=True, slots=True)
class Form:
    """Page, grid, sizes and font names. Sizes are half-points: 3号 is 16 pt, so 32.

    The Chinese fonts are named, never shipped: 小标宋 and the GB2312 cuts are licensed to the office that has them.
    """

    page_mm: tuple[int, int] = (210, 297)
    top_mm: int = 37
    bottom_mm: int = 35
    left_mm: int = 28
    right_mm: int = 26
    lines: int = 22
    characters: int = 28
    body_size: int = 32  # 3号
    title_size: int = 44  # 2号
    page_number_size: int = 28  # 4号
    table_sizes: tuple[int, ...] = (24, 21, 18)  # 小四, 五号, 小五: the largest that fits
    note_size: int = 18  # 小五
    body_font: str = "仿宋_GB2312"
    title_font: str = "方正小标宋简体"
    level_fonts: tuple[str, str, str, str] = ("黑体", "楷体_GB2312", "仿宋_GB2312", "仿宋_GB2312")
    table_font: str = "仿宋_GB2312"
    strong_font: str = "黑体"
    subtitle_font: str = "楷体_GB2312"
    latin_font: str = "Times New Roman"
    page_number_font: str = "宋体"

    @property
    def text_width(self) -> int:
        """Width of the type area (版心) in twips."""
        return twips(self.page_mm[0]) - twips(self.left_mm) - twips(self.right_mm)

    @property
    def text_height(self) -> int:
        """Height of the type area in twips."""
        return twips(self.page_mm[1]) - twips(self.top_mm) - twips(self.bottom_mm)

    @property
    def line_pitch(self) -> int:
        """Height of one line in twips, rounded down so that the last line still fits."""
        return self.text_height // self.lines

    @property
    def character_space(self) -> int:
        """What `w:charSpace` must say (1/4096 pt more than the body size) for `characters` to fill the line.

        28 characters of 16 pt are 158 mm and the type area is 156 mm wide, so it is negative. Rounded down.
        """
        return math.floor((Fraction(self.text_width, 20 * self.characters) - Fraction(self.body_size, 2)) * 4096)

    @property
    def tracking(self) -> int:
        """Letter spacing of body text in twips that puts `characters` on a line without the grid; negative.

        One twip tighter than the grid, as LibreOffice narrows the type area to whole cells of whole twips.
        """
        return math.floor(self.character - self.body_size * 10) - 1

    @property
    def character(self) -> Fraction:
        """Width of one character on the grid in twips."""
        return Fraction(self.text_width, self.characters)


GBT_9704 = Form()

# What to use on a machine without the named font: the same design under the name newer systems give it.
FONT_ALTERNATIVES = {
    "仿宋_GB2312": "仿宋",
    "楷体_GB2312": "楷体",
    "方正小标宋简体": "小标宋",
    "黑体": "SimHei",
    "宋体": "SimSun",
}
