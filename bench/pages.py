"""Every page under a steady load, on SQLite and on PostgreSQL, with equal answers first.

    python bench/pages.py [--seconds 60] [--rate 16] [--home var]

One demonstration is made (or copied from `--home`), and restored into a PostgreSQL of its own, so that both hold the
same rows. Each is served by `rongtong serve`. The pages are those that readers reach by links: as nobody and as seven
roles. Both sites must answer each page with 200 and the same text (tokens aside). Then each gets `--rate` requests a
second at even distances, whatever it does (an open loop), from this process; a latency counts from the moment the
request was due. Every kind of page is asked for equally often, at least 30 times: a run lasts longer than `--seconds`
where that needs it. Prints p50, p95 and p99 for each kind and overall; exits 1 where the answers differ, a request
fails, or the p95 of a kind passes 100 ms.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import math
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "browser"))
import django
from browser_site import Site, served, session
from throwaway_postgres import cluster

from crawl import distinct, over_http, reach

ROOT = Path(__file__).parent.parent
P95_LIMIT_MS = 100
# Requests of a kind of page, so that its p95 is not its slowest.
AT_LEAST = 30
ACCOUNTS = ("", "sheng", "guihua", "shi-330100", "xian-330102", "qiye", "gaoxiao", "zhuanjia")
SEED = 20250715
# Pages about the login itself (its moments, a fresh secret): only their status is compared.
LOGIN = ("account", "account-factor")
# What differs between two logins and two answers of one page: tokens, how long a login still lasts, the site's port.
VOLATILE = re.compile(
    rb'name="csrfmiddlewaretoken" value="[^"]*"|<p class="note" id="session".*?</p>|http://127\.0\.0\.1:\d+'
    rb'|<div class="qr".*?</div>',
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the mix: its pattern's name, its address, and the account that opens it ("" is nobody)."""

    name: str
    path: str
    account: str


@dataclass(frozen=True, slots=True)
class Timing:
    """One request: the page, its status, and the milliseconds since it was due."""

    page: Page
    status: int
    milliseconds: float


def command(home: Path, *arguments: str) -> None:
    """Run `rongtong` on the instance in `home`. Raises CalledProcessError."""
    environment = {**os.environ, "RONGTONG_HOME": str(home)}
    program = [sys.executable, "-m", "rongtong", *arguments]
    subprocess.run(program, env=environment, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True)


@contextmanager
def sites(given: Path | None) -> Iterator[dict[str, Site]]:
    """The same instance served twice: with the embedded store and with a PostgreSQL that lives as long as the block."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        embedded, moved, archive = folder / "sqlite", folder / "postgresql", folder / "moved.tar.gz"
        if given:
            shutil.copytree(given, embedded)
        else:
            command(embedded, "demo", *(f"--pack={ROOT / 'packs' / p}" for p in ("china", "zhejiang")), "--no-serve")
        command(embedded, "backup", "-o", str(archive))
        database = stack.enter_context(cluster())
        command(moved, "restore", str(archive), "--home", str(moved), "--database", database)
        yield {
            "SQLite": stack.enter_context(served(embedded)),
            "PostgreSQL": stack.enter_context(served(moved)),
        }


def mix(site: Site, cookies: dict[str, str]) -> list[Page]:
    """Every page that readers reach by links, each kind of page once for each account."""
    found = [p for a in ACCOUNTS for p in distinct(reach(over_http(site.address, cookies[a]), a))]
    return [Page(p.name, p.path, p.account) for p in found if not p.dead]


class Visitor(threading.local):
    """A connection kept open, one for each thread."""

    def __init__(self, site: Site, cookies: dict[str, str]) -> None:
        self.line = http.client.HTTPConnection(urlsplit(site.address).netloc, timeout=60)
        self.cookies = cookies

    def get(self, page: Page) -> tuple[int, bytes]:
        """The status and the text of a page; 0 where nothing came. A line closed while idle is opened anew, as browsers do."""
        headers = {"Cookie": self.cookies[page.account]} if page.account else {}
        for _ in range(2):
            try:
                self.line.request("GET", page.path, headers=headers)
                answer = self.line.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                self.line.close()
        return 0, b""


def text(body: bytes) -> str:
    """The hash of a page without what is not its own."""
    return hashlib.sha256(VOLATILE.sub(b"", body)).hexdigest()


def differences(pages: list[Page], visitors: dict[str, Visitor]) -> list[str]:
    """The pages that are not answered with 200 and the same text by every site; asked twice, so that caches are warm."""
    wrong = []
    for page in pages:
        answers = {name: visitor.get(page) and visitor.get(page) for name, visitor in visitors.items()}
        if {status for status, _ in answers.values()} != {200} or (
            page.name not in LOGIN and len({text(b) for _, b in answers.values()}) != 1
        ):
            told = ", ".join(f"{name} {status} {text(body)[:12]}" for name, (status, body) in answers.items())
            wrong.append(f"{page.path} ({page.account or 'nobody'}): {told}")
    return wrong


def order(pages: list[Page], wanted: float) -> list[Page]:
    """At least so many requests, and at least AT_LEAST of each kind: rounds of one page of each kind, shuffled."""
    draw, kinds = random.Random(SEED), dict[str, list[Page]]()
    for page in pages:
        kinds.setdefault(page.name, []).append(page)
    rounds = range(max(AT_LEAST, math.ceil(wanted / len(kinds))))
    return [kind[number % len(kind)] for number in rounds for kind in draw.sample(list(kinds.values()), len(kinds))]


def load(visitor: Visitor, asked: list[Page], rate: float) -> list[Timing]:
    """Ask for the pages in turn, one every 1/rate seconds, whether or not the last was answered."""
    start = time.perf_counter() + 0.5

    def ask(number: int) -> Timing:
        due = start + number / rate
        status, _ = visitor.get(asked[number])
        return Timing(asked[number], status, (time.perf_counter() - due) * 1000)

    with ThreadPoolExecutor(max_workers=64) as pool:
        waiting = []
        for number in range(len(asked)):
            time.sleep(max(0.0, start + number / rate - time.perf_counter()))
            waiting.append(pool.submit(ask, number))
        return [w.result() for w in waiting]


def at(values: list[float], part: float) -> float:
    """The value that `part` of them do not pass."""
    return sorted(values)[max(0, -(-int(part * 1000) * len(values) // 1000) - 1)]


def report(name: str, timings: list[Timing], limit: float = P95_LIMIT_MS) -> bool:
    """Print the table of one site; whether the p95 of every kind of page is within so many ms and nothing failed."""
    by_page: dict[str, list[float]] = {}
    for t in timings:
        by_page.setdefault(t.page.name, []).append(t.milliseconds)
    overall = [t.milliseconds for t in timings]
    print(f"\n{name}: {len(timings)} requests, load {os.getloadavg()[0]:.1f}\n")
    print(f"| {'page':28} |   n |  p50 ms |  p95 ms |  p99 ms |\n|{'-' * 30}|----:|--------:|--------:|--------:|")
    rows = sorted(by_page.items(), key=lambda item: -at(item[1], 0.95))
    for page, values in [*rows, ("all", overall)]:
        shown = " | ".join(f"{at(values, part):7.1f}" for part in (0.5, 0.95, 0.99))
        print(f"| {page:28} | {len(values):3} | {shown} |")
    failed = [t for t in timings if t.status != 200]
    for t in failed[:5]:
        print(f"failed: {t.status} {t.page.path}")
    slow = [page for page, values in by_page.items() if at(values, 0.95) > limit]
    print(f"\np95 over {limit} ms: {', '.join(slow) or 'no kind of page'}")
    return not failed and not slow


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=16)
    parser.add_argument("--home", type=Path, help="an instance to copy instead of making a demonstration")
    args = parser.parse_args()
    with sites(args.home) as running:
        os.environ["DJANGO_SETTINGS_MODULE"] = "rongtong.settings"
        os.environ["RONGTONG_HOME"] = str(running["SQLite"].home)
        django.setup()
        cookies = {name: {account: session(site, account) for account in ACCOUNTS} for name, site in running.items()}
        pages = mix(running["SQLite"], cookies["SQLite"])
        visitors = {name: Visitor(site, cookies[name]) for name, site in running.items()}
        wrong = differences(pages, visitors)
        print(f"{len(pages)} pages of {len({p.name for p in pages})} kinds; {len(wrong)} differ")
        for line in wrong:
            print(f"  {line}")
        asked = order(pages, args.rate * args.seconds)
        fast = [report(name, load(visitor, asked, args.rate)) for name, visitor in visitors.items()]
    return 0 if all(fast) and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
