"""The pages of cases over a year of problems, under a steady load, on SQLite and on PostgreSQL, with equal answers first.

    python bench/cases_year.py [--cases 140000] [--seconds 60] [--rate 16] [--home var]

One demonstration is made (or copied from `--home`) and restored into a PostgreSQL of its own; `bench/year.py` writes the
same year into both at once, and how many steps a second of CPU that took is printed. Then, once the machine is quiet, the
list of cases (as province, city, county and firm read it; by process, open ones only, deep pages), the workbench, pages of
single cases, the desk and the wall are asked for as in `bench/pages.py`: the same answers of both first, then `--rate`
requests a second in an open loop, each kind at least 30 times. At last every clock of the year is compared with a walk day
by day. Prints tables; exits 1 where answers differ, a request fails, a clock is wrong, or the p95 of a kind passes 150 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "browser"))
import django
from browser_site import Site, served, session
from throwaway_postgres import cluster

from pages import ROOT, Page, Visitor, command, differences, load, order, report

P95_LIMIT_MS = 150
PACKS = [str(ROOT / "packs" / name) for name in ("china", "zhejiang")]
PROCESS, SEED, CASES_SHOWN = "enterprise_problem", 20250715, 40
ACCOUNTS = ("sheng", "shi-330100", "xian-330102", "qiye")


def output(home: Path, *arguments: str) -> str:
    """What a program of this interpreter prints on the instance in `home`; its own complaints are shown. Raises CalledProcessError."""
    environment = {**os.environ, "RONGTONG_HOME": str(home), "DJANGO_SETTINGS_MODULE": "rongtong.settings"}
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def homes(stack: ExitStack, given: Path | None, folder: Path) -> dict[str, Path]:
    """The same demonstration on both databases."""
    embedded, moved, archive = folder / "sqlite", folder / "postgresql", folder / "moved.tar.gz"
    if given:
        shutil.copytree(given, embedded)
    else:
        command(embedded, "demo", *(f"--pack={p}" for p in PACKS), "--no-serve")
    command(embedded, "backup", "-o", str(archive))
    database = stack.enter_context(cluster())
    command(moved, "restore", str(archive), "--home", str(moved), "--database", database)
    return {"SQLite": embedded, "PostgreSQL": moved}


def kinds(cookies: dict[str, str], numbers: dict[str, list[int]]) -> list[Page]:
    """The pages asked for, by kind."""
    found = []
    for who in (a for a in ACCOUNTS if cookies.get(a)):
        found += [
            Page(f"list {who}", "/cases/", who),
            Page(f"list {who}", f"/cases/?process={PROCESS}", who),
            Page(f"open {who}", "/cases/?open=1", who),
            Page(f"open {who}", f"/cases/?open=1&process={PROCESS}", who),
            Page(f"workbench {who}", "/work", who),
        ]
        found += [Page(f"case {who}", f"/cases/{pk}", who) for pk in numbers.get(who, ())]
    return found


def numbers(home: Path) -> dict[str, list[int]]:
    """Some cases that each account reads, drawn by the seed, by number; the same on both databases."""
    text = """
import json, sys, django
django.setup()
from random import Random
from rongtong.apps.cases import queries
from rongtong.apps.registry.models import Account
found = {}
for name in sys.argv[3:]:
    who = Account.objects.filter(username=name).first()
    pks = list(queries.visible(who, sys.argv[1]).order_by("pk").values_list("pk", flat=True)) if who else []
    found[name] = sorted(Random(1).sample(pks, min(len(pks), int(sys.argv[2]))))
print(json.dumps(found))
"""
    found: dict[str, list[int]] = json.loads(output(home, "-c", text, PROCESS, str(CASES_SHOWN), *ACCOUNTS))
    return found


def more(visitor: Visitor, names: dict[str, str]) -> list[Page]:
    """Pages for those of the accounts who are shown them."""
    asked = [Page(f"{n} {who}", path, who) for n, path in names.items() for who in ACCOUNTS if visitor.cookies.get(who)]
    return [p for p in asked if visitor.get(p)[0] == 200]


def next_pages(visitor: Visitor, first: Page, steps: int) -> list[Page]:
    """The pages that the links to older cases lead to."""
    import re

    found, page = [], first
    for _ in range(steps):
        link = re.search(rb'<a[^>]*rel="next"[^>]*href="([^"]+)"', visitor.get(page)[1])
        if link is None:
            break
        address = link[1].decode().replace("&amp;", "&")
        page = Page(
            f"older {first.account}", f"/cases/{address}" if address.startswith("?") else address, first.account
        )
        found.append(page)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=140_000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=16)
    parser.add_argument("--home", type=Path, help="an instance to copy instead of making a demonstration")
    parser.add_argument("--no-clocks", action="store_true", help="leave out the comparison of clocks")
    parser.add_argument("--only", choices=("SQLite", "PostgreSQL"), help="one database, without comparing answers")
    args = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        made = homes(stack, args.home, folder)
        made = {name: home for name, home in made.items() if args.only in (None, name)}
        writer = str(ROOT / "bench" / "year.py")
        with ThreadPoolExecutor() as pool:
            written = {n: pool.submit(output, home, writer, "--cases", str(args.cases)) for n, home in made.items()}
        for name, done in written.items():
            print(f"{name}: {done.result().strip()}", flush=True)
        first = next(iter(made.values()))
        shown = numbers(first)
        running = {name: stack.enter_context(served(home)) for name, home in made.items()}
        quiet()
        fine = asked(running, shown, args.seconds, args.rate)
        if not args.no_clocks:
            said = output(first, str(ROOT / "bench" / "year_clocks.py"))
            print(said.strip(), flush=True)
            fine = '"wrong": 0' in said and fine
    return 0 if fine else 1


def quiet(longest: float = 1200, load_at_most: float = 1.0) -> None:
    """Wait until the machine has little else to do, so that a latency means something; at most so many seconds."""
    end = time.monotonic() + longest
    while os.getloadavg()[0] > load_at_most and time.monotonic() < end:
        time.sleep(5)
    print(f"load {os.getloadavg()[0]:.1f}", flush=True)


def asked(running: dict[str, Site], shown: dict[str, list[int]], seconds: float, rate: float) -> bool:
    """Compare the answers, then measure; whether all is as it should be."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "rongtong.settings"
    os.environ["RONGTONG_HOME"] = str(next(iter(running.values())).home)
    django.setup()
    cookies = {name: {a: session(site, a) for a in ACCOUNTS if a in site.passwords} for name, site in running.items()}
    visitors = {name: Visitor(site, cookies[name]) for name, site in running.items()}
    one = next(iter(visitors.values()))
    pages = kinds(one.cookies, shown)
    pages += [p for who in one.cookies for p in next_pages(one, Page("list", "/cases/", who), 4)]
    desk = [f"/desk/?tab={tab}{view}" for tab in ("mine", "open", "done", "begun") for view in ("", "&view=columns")]
    pages += [p for path in desk for p in more(one, {"desk": path})]
    pages += more(one, {"wall": "/wall/"})
    wrong = differences(pages, visitors)
    print(f"{len(pages)} pages of {len({p.name for p in pages})} kinds; {len(wrong)} differ or fail")
    for line in wrong[:10]:
        print(f"  {line}")
    Random(SEED).shuffle(pages)
    wanted = order(pages, rate * seconds)
    # Both are measured, also where the first is too slow.
    fast = [report(name, load(visitor, wanted, rate), P95_LIMIT_MS) for name, visitor in visitors.items()]
    return all(fast) and not wrong


if __name__ == "__main__":
    sys.exit(main())
