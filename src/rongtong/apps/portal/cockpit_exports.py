"""What the cockpit hands out: a chart as SVG, PNG or CSV, and its table as CSV. All are addresses of their own."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from functools import lru_cache

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from rongtong.apps.packs import queries as packs
from rongtong.apps.papers.palette import Spec
from rongtong.apps.planning import queries
from rongtong.apps.portal import charts, cockpit_structure, trends
from rongtong.apps.portal import cockpit_content as contents
from rongtong.apps.portal.cockpit import Choice, State
from rongtong.apps.portal.cockpit_content import Content
from rongtong.cells import guarded_row
from rongtong.engine.figure import STATUS_WORDS, Key

TYPES = {"svg": "image/svg+xml", "png": "image/png", "csv": "text/csv; charset=utf-8"}
COLUMNS = (
    ("value", "{unit}"),
    ("base", "上年同期"),
    ("yoy", "同比 %"),
    ("share", "占比 %"),
    ("gap", "与{whole}差 百分点"),
    ("goal", "全年目标"),
    ("completion", "完成 %"),
    ("baseline", "应达 %"),
    ("pace", "进度比 %"),
)


def columns(content: Content) -> list[tuple[str, str]]:
    """(measure, head) of the measures that any row has."""
    have = {m for line in (*content.lines, content.total) for m in line.figures}
    words = {"unit": content.board.card.unit, "whole": content.total.name}
    return [(measure, head.format(**words)) for measure, head in COLUMNS if measure in have]


def table(content: Content) -> list[list[object]]:
    """The ranking with every measure, the whole's row and what belongs to no place, as rows of text under a head."""
    board, shown = content.board, columns(content)
    head = ["位次", "位次变化", "代码", "地方", "期", "指标", *(h for _, h in shown), "灯", "性质", "数的编号", "来源"]
    rows: list[list[object]] = [list(head)]
    for line in (*content.lines, content.total):
        cells = [line.figures[m].text if m in line.figures else "" for m, _ in shown]
        rank = "" if line.rank is None else str(line.rank)
        lamp = line.lamp.word if line.lamp else ""
        number = str(Key(board.card.code, line.place, board.period, "value", board.chain))
        move = line.move.words if line.move else ""
        status = "未报" if "value" not in line.figures else STATUS_WORDS.get(line.status, line.status)
        where = [rank, move, line.place, line.name, board.period.chinese, board.card.name]
        rows.append([*where, *cells, lamp, status, number, content.source])
    if board.unallocated:
        rest = board.unallocated
        cells = [rest.text if m == "value" else "" for m, _ in shown]
        where = ["", "", queries.UNALLOCATED, "未分到下一级", board.period.chinese, board.card.name]
        rows.append([*where, *cells, "", STATUS_WORDS.get(rest.status, rest.status), rest.id, content.source])
    return rows


def trend_table(content: Content) -> list[list[object]]:
    """The points of the trend, then the forecast with its interval."""
    item = content.trend
    rows: list[list[object]] = [
        ["期", "指标", "地方", f"累计值（{item.unit}）", "八成区间低", "八成区间高", "性质", "数的编号"]
    ]
    for point in item.points:
        figure = point.figure
        status = STATUS_WORDS.get(figure.status, figure.status) if figure else "未报"
        value, number = (figure.text, figure.id) if figure else ("", "")
        rows.append([point.period.chinese, item.name, content.total.name, value, "", "", status, number])
    if item.forecast:
        f = item.forecast
        ends = [f["middle"].text, f["low"].text, f["high"].text]
        rows.append([item.year.chinese, item.name, content.total.name, *ends, "预测", f["middle"].id])
    return rows


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV that WPS and Excel open in Chinese; no cell runs as a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows(guarded_row(row) for row in rows)
    return "\ufeff" + out.getvalue()


@lru_cache(maxsize=32)
def picture(state: State, choice: Choice, name: str, kind: str, everything: bool) -> str | bytes | None:
    """A chart as SVG text or PNG, kept by state, choice and reader; None where there is nothing to draw.

    It says by itself where, when and of what it is, from what source, as known on which day, and whether it is 演示数据.
    """
    content = contents.content(state, choice)
    structure = cockpit_structure.structure(state, choice, everything) if name == "structure" else None
    drawn = cockpit_structure.spec(structure) if structure else _spec(content, name)
    if drawn is None:
        return None
    synthetic = (structure or (content.trend if name == "trend" else content)).synthetic
    title = f"{structure.place}{structure.period.chinese}{structure.title}构成" if structure else _title(content, name)
    day = choice.as_of or state.today
    known = f"截至{day.year}年{day.month}月{day.day}日已知的数"
    source = content.source or ("系统生成的演示数据" if synthetic else "见数的来历")
    demo = "；演示数据，不是公布数" if synthetic else ""
    framed = charts.framed(drawn, title, f"来源：{source}；{known}{demo}。")
    return charts.png(framed) if kind == "png" else charts.svg(framed)


def _area(content: Content) -> str:
    """The whole and into what it is divided: 某省各市, 某市各县（市、区）."""
    pack = packs.current(content.choice.as_of)
    level = content.choice.level if not content.choice.within else "county"
    divided = {"city": "各市", "county": "各县（市、区）"}[level]
    return f"{pack.places.get(content.board.total.place).name}{divided}"


def _title(content: Content, name: str) -> str:
    """Place, period and measure of a chart by name (map, ranking, trend)."""
    if name == "trend":
        item = content.trend
        place = packs.current(content.choice.as_of).places.get(content.board.total.place).name
        last = item.year if item.forecast else item.points[-1].period
        return f"{place}{item.name}{item.kind}（{item.points[0].period.chinese}至{last.chinese}）"
    words = f"{_area(content)}{charts.title(content.board, content.choice.compare)}"
    return f"{words}位次" if name == "ranking" else words


def _spec(content: Content, name: str) -> Spec | None:
    """The description of a chart by name (map, ranking, trend), without links; None where there is nothing to draw."""
    board, pack, measure = content.board, packs.current(content.choice.as_of), content.choice.compare
    order = [line.place for line in content.lines]
    if name == "map":
        return charts.map_spec(board, pack, measure, order, {})
    if name == "ranking":
        return charts.ranking_spec(board, pack, measure, order) if order else None
    if name == "trend":
        return trends.spec(content.trend) if content.trend.drawn else None
    return None


def handed_out(body: str | bytes, kind: str, content: Content, what: str) -> HttpResponse:
    """A file with a name that says what it holds."""
    board = content.board
    measure = charts.MEASURE_WORDS[content.choice.compare] if what in ("地图", "位次") else ""
    words = (_area(content), board.card.name, board.period.chinese, what, measure)
    name = f"{'_'.join(word for word in words if word)}.{kind}"
    disposition = content_disposition_header(True, name)
    return HttpResponse(body, content_type=TYPES[kind], headers={"Content-Disposition": disposition or "attachment"})
