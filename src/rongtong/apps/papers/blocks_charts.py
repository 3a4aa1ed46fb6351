"""Pictures of a board: the map of places and the bars of their ranking, every number in them with its figure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache

from rongtong.apps.papers import charts
from rongtong.apps.papers.blocks_base import Context, say, synthetic
from rongtong.apps.papers.document import Block, Picture, Words
from rongtong.apps.papers.palette import Spec
from rongtong.engine.figure import Figure
from rongtong.engine.indicator import Board


@lru_cache(maxsize=64)
def _drawn(spec: str) -> bytes:
    return charts.png(json.loads(spec), scale=3)


def _picture(spec: Spec, width: int, caption: Words, shown: list[Figure], ctx: Context) -> Picture:
    numbers = tuple(ctx.number(f) for f in shown)
    data = _drawn(json.dumps(spec, ensure_ascii=False, sort_keys=True))
    return Picture(data, width, caption, caption, numbers)


def _measure(board: Board) -> tuple[str, str]:
    """What is drawn of a board: completion where places have goals, else growth."""
    if any("completion" in r.figures for r in board.rows):
        return "completion", "完成全年目标"
    return "yoy", "同比"


def _drawable(ctx: Context) -> list[Board]:
    return [b for b in ctx.boards if any(_measure(b)[0] in r.figures for r in b.rows)]


def map_(ctx: Context) -> Iterator[Block]:
    """一张图: the first board by place, coloured about the whole's own value."""
    for board in _drawable(ctx)[:1]:
        features = _features(ctx, board)
        if features is None:
            continue
        measure, words = _measure(board)
        found = {r.place: r.figures.get(measure) for r in board.rows}
        middle = board.total.figures.get(measure)
        breaks = [str(n) for n in range(-20, 121, 5) if _useful(n, [f for f in found.values() if f], middle)]
        spec = charts.choropleth(
            features,
            {p: f.text if f else None for p, f in found.items()},
            breaks=breaks,
            middle=middle.text if middle else None,
            title=f"{board.card.name}{words}",
            unit="%",
            labels={r.place: r.name for r in board.rows},
            whole=ctx.whole,
        )
        caption = say(f"{board.card.name}各地{words}（{board.period.chinese}，%{_demo(board)}）")
        yield _picture(spec, 88 if ctx.brief else 118, caption, [f for f in (*found.values(), middle) if f], ctx)


def _demo(board: Board) -> str:
    return "，演示数据" if synthetic(board) else ""


def _useful(bound: int, figures: list[Figure], middle: Figure | None) -> bool:
    numbers = [f.number for f in figures]
    near = middle is not None and abs(middle.number - bound) < 2
    return bool(numbers) and min(numbers) < bound < max(numbers) and not near


def _features(ctx: Context, board: Board) -> dict[str, object] | None:
    places = {r.place for r in board.rows}
    for data in ctx.pack.loose("shapes/*.geojson").values():
        kept = []
        for item in json.loads(data)["features"]:
            known = item["properties"]
            if known.get("code") in places:
                point = {"label_point": [known["label_lon"], known["label_lat"]]} if "label_lon" in known else {}
                kept.append({**item, "properties": {**known, **point}})
        if len(kept) == len(places):
            return {"type": "FeatureCollection", "features": kept}
    return None


def ranking_chart(ctx: Context) -> Iterator[Block]:
    """位次图: bars of the places of the boards the map does not show, or of the only one there is."""
    boards = _drawable(ctx)
    chosen = [b for b in boards[1:] if any("goal" in r.figures for r in b.rows)] or boards[:1]
    for board in chosen[:1]:
        measure, words = _measure(board)
        middle = board.total.figures.get(measure)
        shown = [r.figures[measure] for r in board.rows if measure in r.figures]
        spec = charts.ranking_bars(
            [(r.name, r.figures[measure].text if measure in r.figures else None) for r in board.rows],
            middle=middle.text if middle else None,
            title=f"{board.card.name}{words}",
            unit="%",
            whole=ctx.whole,
        )
        caption = say(f"{board.card.name}各地{words}位次（{board.period.chinese}，%{_demo(board)}）")
        yield _picture(spec, 100, caption, [*shown, *([middle] if middle else [])], ctx)
