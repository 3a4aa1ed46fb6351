"""Commands of packs: check, load, list, office, schema."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Offer the commands."""
    pack = commands.add_parser("pack", help="检查、载入、列出规则包").add_subparsers(
        dest="pack_command", required=True, metavar="动作"
    )
    p = pack.add_parser("check", help="检查规则包，逐条给出文件与行")
    p.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    p.add_argument("--json", action="store_true")
    p.set_defaults(run=check, bare=True)
    p = pack.add_parser("load", help="载入规则包（缺省为实例设置里的）")
    p.add_argument("folders", nargs="*", type=Path, metavar="DIR")
    p.set_defaults(run=load)
    p = pack.add_parser("list", help="列出载入过的快照")
    p.set_defaults(run=show)
    p = pack.add_parser("office", help="把本单位已生效的修订写成规则包文件夹")
    p.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    p.set_defaults(run=office)
    p = pack.add_parser("schema", help="写出规则包各文件的 JSON Schema")
    p.add_argument("-o", "--output", type=Path, default=None, metavar="DIR")
    p.set_defaults(run=schema, bare=True)


def check(args: argparse.Namespace) -> int:
    from rongtong.apps.packs.resolve import check_folders

    problems = check_folders(args.folders)
    if args.json:
        print(
            json.dumps(
                {
                    "problems": [
                        {"file": p.file, "line": p.line, "message": p.message, "do": p.do, "severity": p.severity}
                        for p in problems
                    ]
                },
                ensure_ascii=False,
                indent=2,
            )
        )
    else:
        for problem in problems:
            print(("" if problem.severity == "error" else "提醒 ") + str(problem))
        errors = sum(p.severity == "error" for p in problems)
        print(f"{'、'.join(str(f) for f in args.folders)}:{errors} 处错误，{len(problems) - errors} 处提醒。")
    return 1 if any(p.severity == "error" for p in problems) else 0


def load(args: argparse.Namespace) -> int:
    from rongtong.apps.packs.actions import PackRefused
    from rongtong.apps.packs.actions import load as load_packs
    from rongtong.apps.registry.actions import system_account
    from rongtong.instance import read_instance

    folders = args.folders or list(read_instance().packs)
    try:
        pack, new = load_packs(folders, system_account())
    except PackRefused as error:
        print(error)
        return 1
    print(f"规则包 {pack.fingerprint[:12]} {'已载入' if new else '没有变化'}。")
    return 0


def show(args: argparse.Namespace) -> int:
    from rongtong.apps.packs.models import Snapshot

    for row in Snapshot.objects.order_by("id"):
        versions = "、".join(f"{layer['code']} {layer['version']}" for layer in json.loads(row.layers))
        print(f"{row.fingerprint[:12]}  自 {row.in_force_from} 起  {versions}")
    return 0


def office(args: argparse.Namespace) -> int:
    from rongtong.apps.packs.amend_layer import OFFICE
    from rongtong.apps.packs.queries import current

    layer = next((x for x in current().layers if x.manifest.code == OFFICE), None)
    if layer is None:
        print("还没有生效的修订，没有写任何文件。")
        return 1
    for name, data in layer.files.items():
        path = args.output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    print(f"已写入 {args.output}（{len(layer.files)} 个文件）。载入别处之前，请改 pack.yaml 里的 code。")
    return 0


def schema(args: argparse.Namespace) -> int:
    from rongtong.engine.pack.read import schemas

    if args.output is None:
        print(json.dumps(schemas(), ensure_ascii=False, indent=2))
        return 0
    args.output.mkdir(parents=True, exist_ok=True)
    for pattern, item in schemas().items():
        name = pattern.replace("/*", "").replace("/", "-").rsplit(".", 1)[0]
        (args.output / f"{name}.schema.json").write_text(
            json.dumps(item, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
        )
    print(f"已写入 {args.output}")
    return 0
