"""The Gantt chart (甘特图) of 督办 as SVG with presentation attributes only; the ledger's table says the same in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from rongtong import clock
from rongtong.apps.cases.supervision_queries import Item
from rongtong.apps.papers.palette import BLUE, HAIRLINE, INK, MUTED

# Lengths in user units of the drawing.
NAMES, WIDTH, ROW, HEAD = 330, 1100, 30, 34
MOST_ROWS = 60
TRACK, LATE, DONE = "#d7dee5", "#a3221b", "#17693d"
NAME_LENGTH = 22


def gantt(items: Sequence[Item]) -> SafeString:
    """One bar per item from its opening to its deadline, filled as far as reported, milestones as diamonds."""
    shown = [i for i in items if i.case.deadline][:MOST_ROWS]
    if not shown:
        return SafeString("")
    today = clock.today()
    start = min(_begins(i) for i in shown).replace(day=1)
    end = max([today, *(i.case.deadline or today for i in shown)]) + timedelta(days=10)
    scale = _Scale(start, end)
    height = HEAD + ROW * len(shown) + 8
    bars = format_html_join("", "{}", ((_bar(item, HEAD + ROW * n, scale),) for n, item in enumerate(shown)))
    return format_html(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}"'
        ' font-size="13" fill="{}">{}{}{}</svg>',
        WIDTH, height, WIDTH, height, f"督办甘特图，{len(shown)} 件，与台账同一内容", INK,
        _months(scale, height), _today(scale.x(today), height), bars,
    )  # fmt: skip


def _begins(item: Item) -> date:
    """The day an item was opened; an item entered late, whose deadline had passed, begins with that."""
    return min(item.slips[0][1], item.case.deadline or item.slips[0][1])


class _Scale:
    """Where a day lies from left to right."""

    def __init__(self, start: date, end: date) -> None:
        self.start, self.end = start, end
        self.days = max((end - start).days, 1)

    def x(self, day: date) -> int:
        return NAMES + (WIDTH - NAMES - 20) * (day - self.start).days // self.days


def _months(scale: _Scale, height: int) -> SafeString:
    lines, at = [], scale.start
    while at <= scale.end:
        lines.append((scale.x(at), scale.x(at), height, HAIRLINE, scale.x(at) + 4, MUTED, f"{at.year}年{at.month}月"))
        at = at.replace(year=at.year + at.month // 12, month=at.month % 12 + 1)
    return format_html_join(
        "", '<line x1="{}" y1="8" x2="{}" y2="{}" stroke="{}"/><text x="{}" y="20" fill="{}">{}</text>', lines
    )


def _today(x: int, height: int) -> SafeString:
    return format_html(
        '<line x1="{}" y1="24" x2="{}" y2="{}" stroke="{}" stroke-dasharray="4 3"/><text x="{}" y="33" fill="{}">今天</text>',
        x, x, height, BLUE, x + 4, BLUE,
    )  # fmt: skip


def _bar(item: Item, y: int, scale: _Scale) -> SafeString:
    left, right = scale.x(_begins(item)), scale.x(item.case.deadline or scale.end)
    over = max(scale.x(clock.today()) - right, 0) if item.late else 0
    width = max(right - left, 4)
    colour = DONE if not item.open else LATE if item.late else BLUE
    title = item.case.title
    name = title if len(title) <= NAME_LENGTH else title[: NAME_LENGTH - 1] + "…"
    said = f"{item.number} {title}，{item.stage_name}，完成{item.percent}%，时限 {item.case.deadline}{'，逾期' if item.late else ''}"
    marks = format_html_join(
        "",
        '<path d="M{} {}l5 5l-5 5l-5 -5z" fill="{}" stroke="{}"/>',
        ((scale.x(m.due), y + 8, INK if m.done else "#ffffff", INK) for m in item.milestones),
    )
    drawn = format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}" fill="{}"/>',
        (
            (left, y + 7, width, 12, TRACK),
            (left, y + 7, width * int(item.percent) // 100, 12, colour),
            (right, y + 11, over, 4, LATE),
        ),
    )
    return format_html(
        '<a href="{}"><title>{}</title><text x="4" y="{}" fill="{}">{}</text>{}{}'
        '<text x="{}" y="{}" fill="{}" font-size="12">{}%{}</text></a>',
        reverse("supervision-item", args=[item.case.pk]), said, y + 18, BLUE, name, drawn, marks,
        min(right + over + 9, WIDTH - 74), y + 18, colour, item.percent, " 逾期" if item.late else "",
    )  # fmt: skip
