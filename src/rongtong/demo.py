"""`rongtong demo`: the main job from an empty folder to two tables, the papers and a served page, in one go.

Run again it changes nothing that is already there and takes seconds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rongtong.cli import UsageError
from rongtong.instance import home_folder, read_instance, write_instance


def run(args: argparse.Namespace) -> int:
    """Set up, load, compute, print, write the papers, serve."""
    if not (home_folder() / "instance.toml").exists():
        return set_up(args)
    from rongtong.apps.registry.actions import system_account
    from rongtong.setup import prepare

    instance = read_instance()
    if not instance.demo:
        raise UsageError(f"{instance.home}: 不是演示实例。演示请另用一个文件夹：RONGTONG_HOME=别处 make demo。")
    with step("数据库"):
        prepare(instance)
    actor = system_account()
    with step("公布数据"):
        load_published(actor)
    if not args.real_only:
        with step("演示数据（生成，固定种子）"):
            load_synthetic(actor)
    with step("目标分解、灯、年末预测"):
        plan(actor)
    print_tables()
    accounts = demo_accounts()
    if not args.real_only:
        with step("办件（填报、会签、督办、修订、各机制）"):
            seed()
    # After the cases: some figures of the papers are theirs.
    with step("材料"):
        folder = write_papers()
    print(f"\n材料写在 {_short(folder)}；留痕日志 {log_head()}")
    port = args.port or int(os.environ.get("PORT", "8000"))
    print(f"地址 http://127.0.0.1:{port}/   演示账号（仅演示模式，口令随实例生成，另存于 {_short(accounts)}）:")
    print(accounts.read_text(encoding="utf-8"))
    if args.no_serve:
        return 0
    from rongtong.serve import serve

    return serve("127.0.0.1", port)


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


@contextmanager
def step(name: str) -> Iterator[None]:
    """One progress line: its name at the start, its seconds at the end."""
    start = time.perf_counter()
    print(f"· {name} … ", end="", flush=True)
    try:
        yield
    except BaseException:
        print("未完成", flush=True)
        raise
    print(f"{time.perf_counter() - start:.1f} 秒", flush=True)


def set_up(args: argparse.Namespace) -> int:
    """Create the instance and start over with it: settings are read once per process."""
    from rongtong.apps.packs.queries import read_folder

    packs = [Path(p) for p in args.pack]
    if not packs:
        raise UsageError(
            "第一次运行要说明用哪些规则包：rongtong demo --pack packs/基础包 --pack packs/地区包（make demo 已写好）。"
        )
    layer, problems = read_folder(packs[-1])
    if layer is None:
        raise UsageError("\n".join(str(p) for p in problems))
    write_instance(home_folder(), "demo", packs, layer.manifest.demo_today)
    return subprocess.run([sys.executable, "-m", "rongtong", *sys.argv[1:]], check=False).returncode


def _import(name: str, data: bytes, actor: object) -> None:
    from rongtong.apps.observations.actions import import_file

    report = import_file(data, name, actor=actor)  # type: ignore[arg-type]
    hard = report.blocking
    if hard:
        raise UsageError(f"{name} 没有载入：\n" + "\n".join(str(f) for f in hard[:20]))


def load_published(actor: object) -> None:
    """The pack's published figures, by the ordinary importer."""
    from rongtong.apps.packs.queries import current

    for path, data in sorted(current().loose("data/*").items()):
        _import(Path(path).name, data, actor)


def load_synthetic(actor: object) -> None:
    """The pack's generated figures, by the ordinary importer."""
    for name, data in synthetic_files().items():
        _import(name, data, actor)


def synthetic_files() -> dict[str, bytes]:
    """File name → generated import file, for every specification of the pack."""
    from rongtong.apps.packs.queries import current
    from rongtong.apps.planning.splitting import figures_by_place
    from rongtong.engine import synthetic

    pack = current()
    top = pack.manifest.root_place
    cities = pack.places.at_level("city", top)
    files: dict[str, bytes] = {}
    made: dict[str, list[synthetic.Value]] = {}
    for spec in sorted(pack.all("synthetic"), key=lambda s: s.level):
        if spec.level == "city":
            weights = {p: f.number for p, f in figures_by_place(spec.weights, cities, None).items()}
            made[spec.indicator] = values = synthetic.city_values(spec, top, weights)
        else:
            children = {c: pack.places.children(c) for c in cities}
            starts = [pack.places.get(p).valid_from for counties in children.values() for p in counties]
            since = max((day for day in starts if day), default=None)
            values = synthetic.county_values(spec, made[spec.indicator], children, since)
        # One file an indicator: what comes in together is no late backfill of one another.
        name, made_file = f"demo_{spec.indicator}.csv", synthetic.csv_file(spec, values)
        files[name] = files[name] + made_file.partition(b"\n")[2] if name in files else made_file
    return files


def plan(actor: object) -> None:
    """Adopt the shipped allocations, keep this month's lamps and today's forecasts."""
    from rongtong.apps.packs.queries import current
    from rongtong.apps.planning import actions, goals, queries
    from rongtong.engine.period import Period

    pack = current()
    for split in pack.all("allocations"):
        actions.allocate(split, actor=actor)  # type: ignore[arg-type]
        _watch(split.indicator, split.period, actor)
    paper = pack.find("papers", "dispatch")
    for code in paper.indicators if paper else ():
        year = _year(code)
        target = goals.target_of(pack, code, pack.manifest.root_place, Period.parse(str(year))) if year else None
        if target:
            try:
                actions.forecast(target.code, actor=actor)  # type: ignore[arg-type]
            except queries.Unknown:
                continue  # nothing reported yet: no forecast to make


def _year(code: str) -> int | None:
    from rongtong import clock
    from rongtong.apps.observations.queries import latest_period

    period = latest_period(code, clock.today())
    return period.year if period else None


def _watch(indicator: str, period: str, actor: object) -> None:
    from rongtong import clock
    from rongtong.apps.observations.queries import latest_period
    from rongtong.apps.planning import actions, queries

    latest = latest_period(indicator, clock.today())
    if latest and str(latest.whole_year) == period:
        actions.record_lamps(queries.Asked(indicator, latest), actor=actor)  # type: ignore[arg-type]


def print_tables() -> None:
    """The real table and, where there is one, the generated one against the shipped allocation."""
    from rongtong import clock
    from rongtong.apps.observations.queries import latest_period
    from rongtong.apps.packs.queries import current
    from rongtong.apps.planning import forecasting, queries, shapes
    from rongtong.apps.planning.commands import print_board
    from rongtong.engine.period import Period
    from rongtong.table import print_table

    pack = current()
    paper = pack.find("papers", "dispatch")
    for code in (paper.real_indicators if paper else ())[:1]:
        latest = latest_period(code, clock.today())
        if latest:
            print()
            print_board(shapes.board(queries.monitor(queries.Asked(code, latest))))
    for split in pack.all("allocations"):
        latest = latest_period(split.indicator, clock.today())
        if latest is None or str(latest.whole_year) != split.period:
            continue
        board = queries.monitor(queries.Asked(split.indicator, latest))
        forecast = forecasting.figures(split.indicator, Period.parse(split.period))
        print(f"\n{board.card.name}  {latest}  对照分解方案 {split.code}  截至 {board.as_of}  【演示数据】")
        rows = []
        for row in (*board.rows, board.total):
            f = row.figures
            low, high = (
                forecast.get(f"{split.indicator}.forecast_{e}@{row.place}@{split.period}") for e in ("low", "high")
            )
            rows.append([
                row.name,
                *(f[m].text if m in f else "" for m in ("value", "goal", "completion", "baseline")),
                str(row.lamp) if row.lamp else "—",
                f"{low.text}—{high.text}" if low and high else "",
                _chance(forecast.get(f"{split.indicator}.probability@{row.place}@{split.period}")),
            ])  # fmt: skip
        print_table(
            [
                "地方",
                f"累计 {board.card.unit}",
                "全年目标",
                "完成 %",
                "应达 %",
                "灯",
                "年末预测 80% 区间",
                "达标可能 %",
            ],
            rows,
        )


def _chance(figure: object) -> str:
    return getattr(figure, "text", "")


def write_papers() -> Path:
    """Every paper of the pack for the latest period, into `out/`."""
    from django.conf import settings

    from rongtong.apps.papers.writing import write_all

    folder = Path(settings.HOME) / "out"
    folder.mkdir(exist_ok=True)
    write_all(folder)
    return folder


def demo_accounts() -> Path:
    """The file that lists the demo accounts of this instance, made if it is not there."""
    from django.conf import settings

    from rongtong.apps.registry.demo import demo_accounts as make

    make()
    return Path(settings.HOME) / "demo-accounts.txt"


def seed() -> None:
    """What the demonstration shows under way: each app's own `demo.seed()`, which changes nothing the second time."""
    from importlib import import_module

    from rongtong.apps.packs.queries import current

    if not current().all("processes"):
        return  # a region that extends no pack with processes has nothing under way
    for app in ("observations", "planning", "cases", "papers", "packs"):
        import_module(f"rongtong.apps.{app}.demo").seed()


def log_head() -> str:
    from rongtong.apps.records.queries import head

    return str(head())
