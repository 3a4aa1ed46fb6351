"""Commands of planning: figures, cards, targets, why, nowcast, allocate, export."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

from rongtong.table import print_table


def add(commands: Any) -> None:
    """Offer the commands."""
    p = commands.add_parser("figures", help="一个指标各地的值、同比、占比、位次、完成率与灯")
    p.add_argument("--indicator", required=True, metavar="CODE")
    p.add_argument("--period", required=True, metavar="P", help="如 2025Q1、2025H1、2025-01..09、2025")
    p.add_argument("--level", default="city", choices=("city", "county", "children"))
    p.add_argument("--place", default="", metavar="CODE", help="只看这个地方以下")
    p.add_argument("--chain", default="", metavar="C", help="产业链代码")
    p.add_argument("--engine", default="duckdb", choices=("duckdb", "spark"))
    p.add_argument("--save-lamps", action="store_true", help="把各地的灯记入本月灯历；已记的不改")
    _common(p, figures)
    p = commands.add_parser("cards", help="列出指标卡")
    p.add_argument("--chains", action="store_true", help="改为列出产业链")
    _common(p, cards)
    p = commands.add_parser("targets", help="一年的目标、是否达到，以及合计与各部分之差")
    p.add_argument("--year", required=True, type=int)
    _common(p, targets)
    p = commands.add_parser("why", help="一个数从哪里来、到哪里去")
    p.add_argument("figure", metavar="FIGURE", help="指标@地方@期，如 input_enterprise@330100@2025H1")
    _common(p, why)
    p = commands.add_parser("sum", help="把几个数相加；口径不同则拒绝并说明理由")
    p.add_argument("figures", nargs="+", metavar="FIGURE")
    _common(p, add_up)
    p = commands.add_parser("nowcast", help="一个目标的年末预测、区间与达标可能")
    p.add_argument("target", metavar="TARGET")
    p.add_argument("--save", action="store_true", help="存为当日的一版，网页与材料用最近存的一版")
    _common(p, nowcast)
    p = commands.add_parser("allocate", help="按方案分解一个目标")
    p.add_argument("spec", metavar="SPEC.yaml")
    p.add_argument("--save", action="store_true", help="存为新的一版，作为各地当年目标")
    _common(p, allocate)
    p = commands.add_parser("export", help="导出全部观测值（标准长表 CSV，可再导入）")
    p.add_argument("-o", "--output", default="-", metavar="FILE")
    _common(p, export)


def _common(p: argparse.ArgumentParser, run: Any) -> None:
    p.add_argument("--as-of", type=_day, default=None, metavar="DATE", help="按这一天已知的情况")
    p.add_argument("--json", action="store_true", help="输出 JSON，精确数为文字")
    p.set_defaults(run=_guarded(run))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"“{text}”不是日期，应为 2025-07-15 这样的写法") from None


def _guarded(run: Any) -> Any:
    """A handler whose refusals become a message and exit code 2."""

    def wrapped(args: argparse.Namespace) -> int:
        from rongtong.apps.packs.queries import NoPack
        from rongtong.apps.planning.queries import Unknown
        from rongtong.apps.planning.splitting import SplitError
        from rongtong.engine.expression.language import ExpressionError
        from rongtong.engine.figure import FigureError
        from rongtong.engine.period import PeriodError
        from rongtong.engine.place import PlaceError
        from rongtong.engine.quantity import UnitError

        try:
            return int(run(args))
        except (Unknown, NoPack, SplitError, ExpressionError, FigureError, PeriodError, PlaceError, UnitError) as error:
            if args.json:
                print(json.dumps({"error": str(error)}, ensure_ascii=False))
            print(str(error), file=sys.stderr)
            return 2

    return wrapped


def _print(data: Any) -> None:
    print(json.dumps(data, ensure_ascii=False, indent=2))


def figures(args: argparse.Namespace) -> int:
    from rongtong.apps.planning import queries, shapes
    from rongtong.engine.period import Period

    if args.engine == "spark":
        _need_spark()
    asked = queries.Asked(
        args.indicator, Period.parse(args.period), args.level, args.place, args.chain, args.as_of, args.engine
    )
    if args.save_lamps:
        from rongtong.apps.planning.actions import record_lamps
        from rongtong.apps.registry.actions import system_account

        board, new = record_lamps(asked, actor=system_account())
        print(f"灯历：本月新记 {new} 个。", file=sys.stderr)
    else:
        board = queries.monitor(asked)
    data = shapes.board(board)
    if args.json:
        _print(data)
        return 0
    print_board(data)
    return 0


def _need_spark() -> None:
    from importlib.util import find_spec

    from rongtong.apps.planning.queries import Unknown

    if find_spec("pyspark") is None:
        raise Unknown(
            "没有安装 pyspark，不能用 --engine spark。请用 make test-all 的环境，或 pip install --require-hashes -r requirements/bench.txt。"
        )


MARKS = {"green": "● 正常", "yellow": "▲ 滞后", "red": "■ 严重滞后", "blue": "◆ 临期", "grey": "○ 未报", None: "—"}


def print_board(data: dict[str, Any]) -> None:
    """A board as a table for a terminal, by rank of growth, then the total and what is not allocated."""
    unit = data["unit"]
    print(f"{data['name']}  {data['period']}  截至 {data['as_of']}" + ("  【演示数据】" if data["synthetic"] else ""))
    head = ["位", "地方", unit, "同比 %", "占比 %", "与上级差 百分点", "完成 %", "应达 %", "灯"]
    rows = sorted(data["rows"], key=lambda r: (r["yoy_rank"] or 999, r["rank"] or 999, r["place"]))
    body = [_board_row(r) for r in rows] + [_board_row(data["total"])]
    if data["unallocated"] is not None:
        body.append(["", "未分到下一级", data["unallocated"], "", "", "", "", "", ""])
    print_table(head, body)
    if data["check"] is not None:
        print(f"核对：各地水平值之和的增速 {data['check']}%（由水平值算得，不是增速的平均）。")
    if data["late"]:
        print(f"补录：{'、'.join(data['late'])}")


def _board_row(r: dict[str, Any]) -> list[str]:
    cells = [
        r["yoy_rank"],
        r["name"],
        r["value"],
        r["yoy"],
        r["share"],
        r["gap_to_mean"],
        r["completion"],
        r["baseline"],
    ]
    return ["" if c is None else str(c) for c in cells] + [MARKS[r["lamp"]]]


def cards(args: argparse.Namespace) -> int:
    from rongtong.apps.packs.queries import current

    pack = current(args.as_of)
    if args.chains:
        items = [{"code": c.code, "name": c.name, "scheme": c.scheme} for c in pack.all("chains")]
    else:
        items = [{"code": c.code, "name": c.name, "unit": c.unit, "scope": c.scope} for c in pack.all("indicators")]
    if args.json:
        _print(items)
    else:
        print_table(list(items[0]) if items else ["code"], [[str(v) for v in i.values()] for i in items])
    return 0


def targets(args: argparse.Namespace) -> int:
    from rongtong.apps.planning import queries, shapes

    data = {
        "targets": [shapes.goal(g) for g in queries.targets(args.year, args.as_of)],
        "balances": [shapes.balance(b) for b in queries.balances(args.year, args.as_of)],
    }
    if args.json:
        _print(data)
        return 0
    words = {True: "达到", False: "未达到", None: "未知"}
    rows = [
        [g["code"], g["name"], f"{g['comparator']} {g['value'] or ''}{g['unit']}", g["clause"] or "", words[g["met"]]]
        for g in data["targets"]
    ]
    print_table(["目标", "指标", "目标值", "条款", "现况"], rows)
    for b in data["balances"]:
        parts = " + ".join(p["value"] for p in b["parts"])
        print(
            f"\n{b['code']}：合计 {b['total']} - ({parts}) = {b['difference']} {b['unit']}，单列，不调平。可能的解读："
        )
        for reading in b["readings"]:
            print(f"  · {reading}")
    return 0


def why(args: argparse.Namespace) -> int:
    from rongtong.apps.planning.chain import why as explain

    data = explain(args.figure, args.as_of)
    if args.json:
        _print(data)
        return 0
    _print_derivation(data, 0)
    print()
    for link in data["chain"]:
        print(f"{link['step_name']}  {link['code']}  {link['text']}")
    return 0


def _print_derivation(node: dict[str, Any], depth: int) -> None:
    source = ";".join(
        c.get("release") or c.get("file") or c.get("note") or c.get("document", "") for c in node["cites"][:1]
    )
    print(
        f"{'  ' * depth}{node['figure']} = {node['value']} {node['unit']}({node['operation_words']}){' ← ' + source if source else ''}"
    )
    for part in node["inputs"]:
        _print_derivation(part, depth + 1)


def add_up(args: argparse.Namespace) -> int:
    from rongtong.apps.planning.queries import add as total

    figure = total(args.figures, args.as_of)
    if args.json:
        _print(figure.as_dict())
    else:
        print(f"{figure.text} {figure.unit}")
    return 0


def nowcast(args: argparse.Namespace) -> int:
    from rongtong.apps.planning import forecasting

    if args.save:
        from rongtong.apps.planning.actions import forecast
        from rongtong.apps.registry.actions import system_account

        found = forecast(args.target, actor=system_account(), as_of=args.as_of)
    else:
        found = forecasting.outlook(args.target, args.as_of)
    data = forecasting.shape(found)
    if args.json:
        _print(data)
        return 0
    print(
        f"{data['target']}  由 {data['made_from']} 推算  截至 {data['as_of']}"
        + ("  【演示数据】" if data["status"] == "synthetic" else "")
    )
    rows = [_nowcast_row(r) for r in (*data["rows"], data["total"])]
    print_table(["地方", "累计", f"年末预测 {data['unit']}", "80% 区间", "目标", "达标可能", "方法"], rows)
    return 0


def _nowcast_row(r: dict[str, Any]) -> list[str]:
    if r["value"] is None:
        options = ";".join(f"{s['label']} {s['value']}" for s in r["scenarios"])
        return [r["name"], r["part"], "—", options, r["target"] or "", "—", "历史不足三年，只列情景"]
    chance = "" if r["probability"] is None else f"{float(r['probability']):.0%}"
    return [r["name"], r["part"], r["value"], f"{r['low']}—{r['high']}", r["target"] or "", chance, r["method"]]


def allocate(args: argparse.Namespace) -> int:
    from rongtong.apps.planning import actions, shapes, splitting
    from rongtong.engine.allocation import allocate as solve
    from rongtong.engine.allocation.solution import Infeasible

    split = read_split(Path(args.spec))
    prepared = splitting.prepare(split, args.as_of)
    found = solve(prepared.problem)
    if isinstance(found, Infeasible):
        data = shapes.infeasible(prepared, found)
        if args.json:
            _print(data)
        else:
            print(found.words)
        return 3
    data = shapes.solution(prepared, found)
    offers = [_offer(prepared, found, offer) for offer in split.counter_offers]
    if offers:
        data["counter_offers"] = offers
    if args.save:
        from rongtong.apps.registry.actions import system_account

        _, run = actions.allocate(split, actor=system_account())
        data["version"] = run.version
    if args.json:
        _print(data)
    else:
        _print_solution(data)
    return 0


def _offer(prepared: Any, before: Any, offer: Any) -> dict[str, Any]:
    from fractions import Fraction

    from rongtong.apps.packs.queries import current
    from rongtong.apps.planning import shapes
    from rongtong.engine.allocation import counter_offer
    from rongtong.engine.allocation.problem import Cell
    from rongtong.engine.allocation.solution import Infeasible

    place = current().places.resolve(offer.place)
    where = Cell(place, offer.subject) if offer.subject or not prepared.split.subjects else place
    found = counter_offer(prepared.problem, where, Fraction(offer.value), before)
    if isinstance(found, Infeasible):
        return {"place": place, "value": offer.value, **shapes.infeasible(prepared, found)}
    return {"value": offer.value, **shapes.counter_offer(prepared, found, place)}


def _print_solution(data: dict[str, Any]) -> None:
    steps = [e["words"] for e in data["cells"][0]["explanation"]] if data["cells"] else []
    rows = [[c["name"], c["subject"], c["value"], *(e["amount"] for e in c["explanation"])] for c in data["cells"]]
    print_table(["地方", "主体", data["unit"], *steps], rows)
    for r in data["remainder"]:
        print(f"余项 {r['name']}:{r['value']} {data['unit']}")
    check = data["check"]
    print(f"分解合计 {check['cells']} + 余项 {check['remainder']} = {data['total']}，与目标差 {check['difference']}")
    for note in data["notes"]:
        print(f"注：{note}")
    for offer in data.get("counter_offers", []):
        if "cost" in offer:
            costs = "、".join(f"{c['name']} {c['amount']}" for c in offer["cost"] if c["amount"] != "0")
            print(f"反提案 {offer['place']} 取 {offer['value']}：变动 {offer['change']}；别处 {costs}")
        else:
            print(f"反提案 {offer['place']} 取 {offer['value']}:{offer['words']}")


def read_split(path: Path) -> Any:
    """The specification in a file. Raises SplitError with every error and line."""
    from rongtong.apps.planning.splitting import SplitError
    from rongtong.engine.pack.plan import Split
    from rongtong.engine.pack.read import read_one

    if not path.is_file():
        raise SplitError(f"{path}：没有这个文件。")
    split, problems = read_one(str(path), path.read_bytes(), Split)
    if split is None:
        raise SplitError("\n".join(str(p) for p in problems))
    return split


def export(args: argparse.Namespace) -> int:
    from rongtong.apps.observations.export import csv_text

    text = csv_text(args.as_of)
    if args.output == "-":
        sys.stdout.write(text)
    else:
        Path(args.output).write_text(text, encoding="utf-8-sig", newline="")
        print(f"已写入 {args.output}")
    return 0
