"""Commands of the papers: `rongtong report`."""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path
from typing import Any

from rongtong.apps.planning.commands import _day, _guarded

NAMES = {
    "dispatch": "dispatch",
    "half-year": "half_year",
    "annual": "annual",
    "bulletin": "bulletin",
    "evidence": "evidence",
    "ledger": "ledger",
}


def add(commands: Any) -> None:
    """Offer the commands."""
    p = commands.add_parser("report", help="生成材料：调度会材料、半年度报告、年度研判、通报、证据表、台账")
    p.add_argument("paper", metavar="KIND", help="、".join(NAMES))
    p.add_argument("--period", required=True, metavar="P", help="如 2025H1、2025Q1、2025")
    p.add_argument("-o", "--output", required=True, metavar="FILE", help=".docx；台账为 .xlsx")
    p.add_argument("--place", default="", metavar="CODE", help="证据表：只写这个地方")
    p.add_argument("--use", default="", metavar="CODE", help="证据表：只写这一项结果运用")
    p.add_argument("--notes", default="", metavar="FILE.yaml", help="人工填写的段落：{节: 文字}；存下后再生成时保留")
    p.add_argument("--as-of", type=_day, default=None, metavar="DATE", help="按这一天已知的情况")
    p.add_argument("--json", action="store_true", help="输出 JSON:文件、所用的数、各节")
    p.set_defaults(run=_guarded(report))


def report(args: argparse.Namespace) -> int:
    from rongtong.apps.papers import actions, writing
    from rongtong.apps.planning.queries import Unknown
    from rongtong.apps.registry.actions import system_account
    from rongtong.engine.period import Period

    kind = NAMES.get(args.paper)
    if kind is None:
        raise Unknown(f"没有“{args.paper}”这种材料。应为 {'、'.join(NAMES)} 之一。")
    period, output, as_of = Period.parse(args.period), Path(args.output), args.as_of
    suffix = ".xlsx" if kind == "ledger" else ".docx"
    if output.suffix.lower() != suffix:
        raise Unknown(f"-o {output}:{writing.KINDS[kind]}的文件名应以 {suffix} 结尾。")
    if not output.parent.is_dir():
        raise Unknown(f"-o {output}：没有文件夹 {output.parent}。请先建好。")
    made = _make(kind, period, as_of, args)
    actor = system_account()
    actions.make(made, actor)
    output.write_bytes(made.data)
    if args.json:
        data = {
            "file": str(output),
            "figures": [{"figure": f, "text": text} for f, text in made.figures],
            "sections": [{"key": key, "heading": heading} for key, heading in made.sections],
        }
        print(json.dumps(data, ensure_ascii=False, indent=2))
    else:
        print(f"已写入 {output}（{len(made.figures)} 个数都有来源）")
    return 0


def _make(kind: str, period: Any, as_of: date | None, args: argparse.Namespace) -> Any:
    from rongtong.apps.papers import actions, writing
    from rongtong.apps.planning.queries import Unknown
    from rongtong.apps.registry.actions import system_account

    texts = read_notes(Path(args.notes)) if args.notes else {}
    # Made once before anything is kept, so that a paper that cannot be made leaves no record.
    made = writing.make_file(kind, period, as_of, args.place, args.use)
    if not texts:
        return made
    strange = sorted(set(texts) - set(made.manual))
    if strange:
        raise Unknown(f"{args.notes}：没有要人工填写的节“{'、'.join(strange)}”。应为 {'、'.join(made.manual)} 之一。")
    actions.save_notes(kind, str(period), texts, system_account())
    return writing.make_file(kind, period, as_of, args.place, args.use)


def read_notes(path: Path) -> dict[str, str]:
    """Section → text of a notes file. Raises Unknown with file and line or section."""
    import yaml

    from rongtong.apps.planning.queries import Unknown

    if not path.is_file():
        raise Unknown(f"{path}：没有这个文件。")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (yaml.YAMLError, ValueError) as error:
        raise Unknown(f"{path}：不是合法的 YAML（{error}）。应为 节: 文字，一节一行或一段。") from error
    if not isinstance(data, dict):
        raise Unknown(f"{path}：应为 节: 文字 的对照，现为 {type(data).__name__}。")
    for key, text in data.items():
        if not isinstance(text, str):
            raise Unknown(f"{path}：“{key}”的内容应为文字，现为 {text!r}。")
    return {str(key): text for key, text in data.items()}
