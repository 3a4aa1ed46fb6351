"""`rongtong load`, `rongtong template` and `rongtong collection`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rongtong.apps.observations.actions import Report


def add(commands: Any) -> None:
    """Offer the commands of this app."""
    load = commands.add_parser("load", help="导入数据文件（CSV、XLSX）：全部写入，或一行不写")
    load.add_argument("file", type=Path, metavar="FILE")
    load.add_argument("--source", metavar="CODE", help="规则包里的来源代码；不给则自动识别")
    load.add_argument("--dry-run", action="store_true", help="只检查，不写入")
    load.add_argument("--marked", type=Path, metavar="OUT.xlsx", help="有问题时，把标注了问题的副本写到这里")
    load.add_argument("--json", action="store_true", help="输出一个 JSON 文档")
    load.set_defaults(run=_load)
    template = commands.add_parser("template", help="写出标准模板")
    template.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.xlsx")
    template.add_argument("--indicator", metavar="CODE", help="指标卡代码：按地区预填各行")
    template.add_argument("--period", metavar="P", help="期，如 2025H1:预填各行")
    template.set_defaults(run=_template)
    collection = commands.add_parser("collection", help="填报：列出任务，打开到期的填报").add_subparsers(
        dest="what", required=True, metavar="做什么"
    )
    shown = collection.add_parser("list", help="到了填报日期的表，和各状态的单位数")
    shown.set_defaults(run=_tasks)
    opened = collection.add_parser("open", help="为应报单位打开到期的填报（预填已有的数）；已打开的不变")
    opened.add_argument("--collection", metavar="CODE", help="只打开这张表")
    opened.set_defaults(run=_open)


def _load(arguments: argparse.Namespace) -> int:
    from rongtong.apps.observations.actions import import_file
    from rongtong.apps.observations.marking import marked_copy
    from rongtong.apps.packs.queries import NoPack
    from rongtong.apps.records.queries import head
    from rongtong.apps.registry.actions import system_account
    from rongtong.cli import UsageError
    from rongtong.engine.workbook import WorkbookError

    name = arguments.file.name
    try:
        data = arguments.file.read_bytes()
        report = import_file(data, name, actor=system_account(), source=arguments.source, dry_run=arguments.dry_run)
        if arguments.marked and report.findings:
            arguments.marked.write_bytes(marked_copy(data, name, report.findings))
    except OSError as error:
        raise UsageError(f"{error.filename}: 打不开（{error.strerror}）。请核对路径和权限。") from error
    except (WorkbookError, NoPack) as error:
        raise UsageError(str(error)) from error
    if arguments.json:
        print(json.dumps(report.to_json() | {"head": str(head())}, ensure_ascii=False, indent=2))
    else:
        _print(report, name, dry_run=arguments.dry_run)
        if report.batch is not None:
            print(f"日志头 {head()}")
    return 1 if report.blocking else 0


def _print(report: Report, name: str, *, dry_run: bool) -> None:
    for finding in report.findings:
        print(finding, file=sys.stderr if finding.blocks else sys.stdout)
    if report.blocking:
        print(f"{name}: {len(report.blocking)} 处问题，一行也没有写入。", file=sys.stderr)
        return
    done = "检查通过，将新增" if dry_run else "新增"
    print(f"{name}: {done} {report.rows_new} 行，相同 {report.rows_same} 行，补录 {len(report.late)} 行。")
    for reading in report.late:
        print(f"  补录：{reading.evidence} {reading.indicator} {reading.place} {reading.period} {reading.text()}")


def _template(arguments: argparse.Namespace) -> int:
    from rongtong import clock
    from rongtong.apps.observations.template import template
    from rongtong.apps.packs.queries import NoPack, current
    from rongtong.cli import UsageError
    from rongtong.engine.period import Period, PeriodError

    try:
        pack = current()
        card = pack.find("indicators", arguments.indicator) if arguments.indicator else None
        if arguments.indicator and card is None:
            raise UsageError(f"规则包里没有指标卡“{arguments.indicator}”。应为指标卡的代码。")
        period = Period.parse(arguments.period) if arguments.period else None
        arguments.output.write_bytes(template(pack, clock.today(), card, period))
    except OSError as error:
        raise UsageError(f"{error.filename}: 写不了（{error.strerror}）。请核对路径和权限。") from error
    except (PeriodError, NoPack) as error:
        raise UsageError(str(error)) from error
    print(arguments.output)
    return 0


def _tasks(_: argparse.Namespace) -> int:
    from rongtong.apps.observations.collecting import tasks
    from rongtong.apps.observations.tasklist import Summary, rows
    from rongtong.apps.registry.actions import system_account
    from rongtong.table import print_table

    actor = system_account()
    lines = []
    for task in tasks():
        found = Summary(task, rows(actor, [task]))
        states = "，".join(f"{name} {number}" for _, name, _, number in found.counts)
        head = [task.collection.number, task.collection.name, str(task.period), f"{task.opens} 至 {task.due}"]
        lines.append([*head, f"{found.done}/{len(found.rows)}", str(found.late), states])
    print_table(["表号", "表名", "期", "填报起止", "已报/应报", "逾期", "各状态"], lines)
    return 0


def _open(arguments: argparse.Namespace) -> int:
    from rongtong.apps.cases.models import Case
    from rongtong.apps.observations.collecting import PROCESS, tasks
    from rongtong.apps.observations.filing import open_slice
    from rongtong.apps.packs.queries import current
    from rongtong.apps.registry.actions import system_account
    from rongtong.cli import UsageError

    known = {c.code for c in current().all("collections")}
    if arguments.collection and arguments.collection not in known:
        raise UsageError(f"没有填报表“{arguments.collection}”。规则包里有：{'、'.join(sorted(known)) or '无'}。")
    there = set(Case.objects.filter(process=PROCESS).values_list("key", flat=True))
    actor, number = system_account(), 0
    for task in tasks():
        if arguments.collection in (None, task.collection.code):
            for place in task.places:
                if task.slice_key(place) not in there:
                    open_slice(task, place, actor=actor)
                    number += 1
    print(f"打开了 {number} 份填报。")
    return 0
