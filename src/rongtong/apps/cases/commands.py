"""`rongtong process`: list, check and draw the processes of the packs. `rongtong cases`: the daily job."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from rongtong.apps.cases import hooks
from rongtong.apps.packs import queries as packs
from rongtong.apps.packs.resolve import combined
from rongtong.apps.registry.roles import ROLES
from rongtong.cli import UsageError
from rongtong.engine.pack.process import Process
from rongtong.engine.pack.read import Pack
from rongtong.engine.process.check import check
from rongtong.engine.process.drawing import draw
from rongtong.table import print_table


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the commands."""
    group = commands.add_parser("process", help="流程：列出、检查、画图").add_subparsers(
        dest="action", required=True, metavar="动作"
    )
    one = group.add_parser("list", help="列出规则包里的流程")
    one.add_argument("--json", action="store_true", help="输出 JSON")
    one.set_defaults(run=_list)
    one = group.add_parser("check", help="检查流程：死胡同、到不了的环节、没有人的步骤、没有期限的等待、条件和表单")
    one.add_argument("folder", nargs="*", help="规则包的文件夹；不给则检查已载入的")
    one.set_defaults(run=_check, bare=True)
    one = group.add_parser("draw", help="把一个流程画成 SVG，写到标准输出")
    one.add_argument("code")
    one.set_defaults(run=_draw)
    one = group.add_parser("fingerprint", help="流程各版本的指纹，按 processes/published.csv 的样子")
    one.set_defaults(run=_fingerprint)
    group = commands.add_parser("cases", help="办件：每日例行").add_subparsers(
        dest="action", required=True, metavar="动作"
    )
    one = group.add_parser("tick", help="每日例行：到点的自动步骤、提醒、提级、到期日；可随时运行，重复运行不重复")
    one.add_argument("--json", action="store_true", help="输出 JSON")
    one.set_defaults(run=_tick)


def _list(args: argparse.Namespace) -> int:
    processes = packs.current().all("processes")
    if args.json:
        print(json.dumps([json.loads(p.body) for p in processes], ensure_ascii=False))
        return 0
    print_table(
        ["代码", "版本", "流程", "环节", "步骤"],
        [[p.code, p.version, p.name, str(len(p.stages)), str(len(p.transitions))] for p in processes],
    )
    return 0


def _check(args: argparse.Namespace) -> int:
    pack = combined([Path(f) for f in args.folder]) if args.folder else packs.current()
    bad = 0
    for process in pack.all("processes"):
        origin = pack.origin("processes", process)
        found = [f"{message} 请{do}。" for message, do in check(process, ROLES)] + hooks.missing(process)
        for words in found:
            print(f"{origin.pack}/{origin.file}:{origin.line}: {process.code} {process.version}：{words}")
        bad += len(found)
    print(f"{len(pack.all('processes'))} 个流程，{bad} 处问题。")
    return 1 if bad else 0


def _draw(args: argparse.Namespace) -> int:
    sys.stdout.write(draw(_process(packs.current(), args.code)) + "\n")
    return 0


def _fingerprint(_args: argparse.Namespace) -> int:
    print("process,version,sha256")
    for process in packs.current().all("processes"):
        print(f"{process.code},{process.version},{process.fingerprint}")
    return 0


def _tick(args: argparse.Namespace) -> int:
    from rongtong.apps.cases.ticking import tick
    from rongtong.apps.records.queries import head

    done = tick()
    if args.json:
        print(json.dumps(asdict(done) | {"head": str(head())}, ensure_ascii=False))
        return 1 if done.failed else 0
    for each in done.failed:
        print(f"办件 {each.case}“{each.title}”没有办成，其余照办：{each.why}", file=sys.stderr)
    print(
        f"看了 {done.cases} 件：系统办了 {done.steps} 步，提醒 {done.told} 次，"
        f"改正期限 {done.refreshed} 件，出错 {len(done.failed)} 件。日志头 {head()}"
    )
    return 1 if done.failed else 0


def _process(pack: Pack, code: str) -> Process:
    found = pack.find("processes", code)
    if not isinstance(found, Process):
        raise UsageError(f"没有流程“{code}”。rongtong process list 列出全部。")
    return found
