"""The pages over many cases, on SQLite with a year of 140,000 cases: the desk, the wall, what both ask the database.

    python bench/desk.py [--home var] [--seconds 30] [--rate 16] [--cases 140000] [--keep FOLDER | --filled FOLDER] [--cpu]

A demonstration (a copy of `--home`, else a new one) gets a process of a pack of its own and so many cases of it over all
counties, 7 % of them open, each closed one rated; the rows are written directly, with one event each. Then the desk is
asked for by an officer of the province, of a city, of a county, by a handler and a firm, in every tab and as columns, and
both walls. Prints p50, p95 and p99 of each kind as `bench/pages.py` does, and exits 1 where a p95 passes 150 ms. With
`--cpu` each page is asked for in this process instead and its CPU time is printed, which other work does not lengthen:
16 requests a second on 2 cores leave 125 ms of CPU for each.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "browser"))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "apps" / "cases"))
sys.path.insert(0, str(Path(__file__).parent))
import django

import pages

ROOT = Path(__file__).parent.parent
LIMIT_MS, SEED, BATCH = 150, 20250715, 2000
OPEN_SHARE = 7
TABS = ("mine", "begun", "open", "done")
ACCOUNTS = ("d-province", "d-city", "d-county", "d-handler", "d-firm")


def fill(count: int) -> None:
    """The process, its people and the cases, in the instance that RONGTONG_HOME names."""
    django.setup()
    from desk_world import load_process, people

    from rongtong.apps.registry.actions import system_account

    actor = system_account()
    load_process(Path(tempfile.mkdtemp()), actor)
    who = people(actor)
    started = time.perf_counter()
    write(count, who)
    print(f"{count} cases written in {time.perf_counter() - started:.0f} s")


def write(count: int, who: dict[str, object]) -> None:
    """So many cases, straight into the tables."""
    from desk_world import need
    from django.db import transaction

    from rongtong import clock
    from rongtong.apps.cases.models import Case, Event, Label, Participant
    from rongtong.apps.packs import queries as packs

    draw, now, today = random.Random(SEED), clock.now(), clock.today()
    first = need(who)
    counties = [c for c in packs.current().places.at_level("county") if c.startswith("33")]
    year = datetime(today.year, 1, 1, tzinfo=now.tzinfo)
    last = Case.objects.order_by("-pk").values_list("pk", flat=True)[0]
    span = int((now - year).total_seconds())
    for start in range(0, count, BATCH):
        cases, events, labels, parts = [], [], [], []
        for n in range(start, min(start + BATCH, count)):
            pk, place = last + 1 + n, draw.choice(counties)
            opened = year + timedelta(seconds=span * n // count)
            live = draw.randrange(100) < OPEN_SHARE
            stage = draw.choice(("asked", "working", "working", "rating")) if live else "done"
            cases.append(
                Case(
                    pk=pk, definition=first.definition, process="need", version="1", key=f"b-{n:06d}",
                    title=f"企业需求事项第 {n} 号", place=place, stage=stage, opened_at=opened, entered_at=opened,
                    due=today + timedelta(days=draw.randrange(-6, 12)) if live else None,
                    outcome="" if live else "done", late=draw.randrange(12) == 0,
                    closed_on=None if live else min(today, (opened + timedelta(days=draw.randrange(1, 9))).date()),
                    organisation=who["firm"].organisation if n % 5000 == 0 else None,
                    by=who["county"] if place == "330106" else who["province"], chain=draw.choice(("", "", "robot")),
                )
            )  # fmt: skip
            events.append(
                Event(case_id=pk, number=1, transition="open", to_stage="asked", actor=who["county"], at=opened)
            )
            labels.append(Label(case_id=pk, name="kind", value=draw.choice(("money", "people"))))
            if not live:
                value = draw.choice(("satisfied",) * 8 + ("acceptable", "unsatisfied"))
                labels.append(Label(case_id=pk, name="rating", value=value))
            if n % 700 == 0:
                parts.append(Participant(case_id=pk, role="handler", account=who["handler"]))
        with transaction.atomic():
            Case.objects.bulk_create(cases)
            Event.objects.bulk_create(events)
            Label.objects.bulk_create(labels)
            Participant.objects.bulk_create(parts)


def asked() -> list[pages.Page]:
    """Every page of the mix."""
    found = []
    for account in ACCOUNTS:
        for tab in TABS:
            found.append(pages.Page(f"desk {tab}", f"/desk/?tab={tab}", account))
        found.append(pages.Page("desk filtered", "/desk/?tab=open&process=need&state=late&label-kind=money", account))
        found.append(pages.Page("desk columns", "/desk/?tab=open&process=need&view=columns", account))
    found += [pages.Page("wall", "/wall/", a) for a in ACCOUNTS[:3]]
    found += [pages.Page("wall of a city", "/wall/?place=330100", a) for a in ACCOUNTS[:2]]
    return [*found, pages.Page("public wall", "/wall/public/", ""), pages.Page("its file", "/wall/public.csv", "")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rate", type=float, default=16)
    parser.add_argument("--cases", type=int, default=140_000)
    parser.add_argument("--keep", type=Path, help="write the filled instance here and stop")
    parser.add_argument("--cpu", action="store_true", help="CPU time of each page in this process")
    parser.add_argument("--filled", type=Path, help="measure an instance that was kept")
    args = parser.parse_args()
    if args.filled:
        os.environ |= {"RONGTONG_HOME": str(args.filled), "DJANGO_SETTINGS_MODULE": "rongtong.settings"}
        django.setup()
        return processor() if args.cpu else measure(args.filled, args)
    with tempfile.TemporaryDirectory() as folder:
        home = args.keep or Path(folder) / "home"
        if args.home:
            shutil.copytree(args.home, home)
        else:
            pages.command(home, "demo", *(f"--pack={ROOT / 'packs' / p}" for p in ("china", "zhejiang")), "--no-serve")
        os.environ |= {"RONGTONG_HOME": str(home), "DJANGO_SETTINGS_MODULE": "rongtong.settings"}
        fill(args.cases)
        return 0 if args.keep else processor() if args.cpu else measure(home, args)


def measure(home: Path, args: argparse.Namespace) -> int:
    """Serve the instance and send it the mix; 1 where a page is too slow or fails."""
    from browser_site import served

    with served(home) as site:
        cookies = {a: session_of(a) for a in ACCOUNTS}
        visitor = pages.Visitor(site, cookies | {"": ""})
        mix = asked()
        for page in mix:
            visitor.get(page)
        pages.P95_LIMIT_MS = LIMIT_MS
        return (
            0
            if pages.report("SQLite", pages.load(visitor, pages.order(mix, args.rate * args.seconds), args.rate))
            else 1
        )


def processor() -> int:
    """Print the CPU time of each page and account, and the longest; 1 where that leaves no time."""
    from django.test import Client

    longest = 0.0
    print(f"| {'page':18} | {'account':12} | CPU ms, median | most |\n|{'-' * 20}|{'-' * 14}|---------------:|-----:|")
    for page in asked():
        client = Client(HTTP_HOST="localhost")
        if page.account:
            client.cookies["sessionid"] = session_of(page.account).partition("=")[2]
        assert client.get(page.path).status_code == 200, page
        took = []
        for _ in range(7):
            start = time.process_time()
            client.get(page.path)
            took.append((time.process_time() - start) * 1000)
        longest = max(longest, *took)
        print(f"| {page.name:18} | {page.account:12} | {sorted(took)[3]:14.1f} | {max(took):4.0f} |")
    return 1 if longest > 125 else 0


def session_of(username: str) -> str:
    """The cookie of a login, made in the store."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from rongtong.apps.registry.models import Account

    account = Account.objects.get(username=username)
    made = SessionStore()
    made[SESSION_KEY], made[HASH_SESSION_KEY] = str(account.pk), account.get_session_auth_hash()
    made[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    made.save()
    return f"sessionid={made.session_key}"


if __name__ == "__main__":
    sys.exit(main())
