"""Lines of a title: whole words, in the shape of a trapezoid or a diamond (GB/T 9704-2012, 7.3.1)."""

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from rongtong.apps.papers.form import em

__all__ = ["title_lines", "words"]

MARK = "\u200b"
# Words common in titles of papers, longest first within a topic. A title that needs others marks them with U+200B.
TERMS = (
    "关于|进一步|推进|加快|加强|做好|开展|印发|报送|全社会|全省|全市|全区|各设区市|设区市|县(?:（市、区）)?|上半年|半年度|下半年|年度|"
    "规上工业|规模以上工业|研发费用|研发投入|研究与试验发展|科技创新投入|科技创新|创新|投入|经费|企业|高新技术企业|科技型中小企业|重点|"
    "主要|指标|目标|任务|完成|进展|运行|执行|监测|评价|考核|工作|情况|调度会|调度|推进会|会议|座谈会|材料|汇报|分析|研判|预测|报告|"
    "通报|通知|意见|方案|办法|清单|台账|督办单|建议|说明|汇总|协议|要素表|对接单"
)
TOKEN = re.compile(
    r"《[^》]*》|（[^）]*）|〔[^〕]*〕|“[^”]*”"
    r"|[0-9]+(?:[—–\-至][0-9]+)?(?:年|个?月|季度|日|号|期|次|批)?"
    r"|[A-Za-z][A-Za-z&+.\- ]*"
    rf"|(?:{TERMS})"
    r"|."
)
# A line may not start with these, nor end with those.
NOT_FIRST = "的和与及、，。；：）》〕”等"
NOT_LAST = "（《〔“第"


def words(title: str) -> tuple[str, ...]:
    """The pieces of `title` between which a line may end.

    With U+200B marks these alone count. Without, quotations, dates, Latin words and common title words stay whole and
    particles cling to the word before; single characters between known words are taken as one word.
    """
    if MARK in title:
        return tuple(piece for piece in title.split(MARK) if piece)
    pieces: list[str] = []
    loose = False
    for token in TOKEN.findall(title):
        single = len(token) == 1 and not token.isascii()
        clings = token[0] in NOT_FIRST or (pieces and pieces[-1][-1] in NOT_LAST)
        dated = bool(pieces) and pieces[-1][-1] in "年月" and token[0].isdigit()
        if pieces and (clings or dated or (single and loose)):
            pieces[-1] += token
        else:
            pieces.append(token)
        loose = single and token not in NOT_FIRST
    return tuple(pieces)


def _chunks(pieces: tuple[str, ...], limit: Fraction) -> Iterator[str]:
    """Pieces no wider than `limit`; one that is wider is cut, as no line could hold it."""
    for piece in pieces:
        start = piece
        while em(start) > limit:
            size = max(1, next((n for n in range(len(start), 0, -1) if em(start[:n]) <= limit), 1))
            yield start[:size]
            start = start[size:]
        if start:
            yield start


def _partitions(pieces: tuple[str, ...], count: int, limit: Fraction) -> Iterator[tuple[str, ...]]:
    """All ways to set `pieces` in `count` lines no wider than `limit`."""
    if count == 1:
        line = "".join(pieces)
        if pieces and em(line) <= limit:
            yield (line,)
        return
    for cut in range(1, len(pieces) - count + 2):
        line = "".join(pieces[:cut])
        if em(line) > limit:
            return
        for rest in _partitions(pieces[cut:], count - 1, limit):
            yield (line, *rest)


def _badness(lines: tuple[str, ...]) -> tuple[int, Fraction]:
    """How far the lines are from a trapezoid or diamond, then how uneven they are."""
    widths = [em(line) for line in lines]
    rising = all(a < b for a, b in pairwise(widths))
    falling = all(a > b for a, b in pairwise(widths))
    top = widths.index(max(widths))
    diamond = all(a < b for a, b in pairwise(widths[: top + 1])) and all(a > b for a, b in pairwise(widths[top:]))
    orphan = min(widths) * 3 < max(widths)
    shape = 0 if falling or (diamond and len(lines) > 2) else 1 if rising else 3
    return shape + 2 * orphan, max(widths) - min(widths)


def title_lines(title: str, limit: Fraction) -> tuple[str, ...]:
    """`title` in as few lines of at most `limit` em as hold it, broken between words, in the best shape."""
    pieces = tuple(_chunks(words(title), limit))
    if not pieces:
        return ()
    for count in range(1, len(pieces) + 1):
        found = list(_partitions(pieces, count, limit))
        if found:
            return min(found, key=_badness)
    return pieces
