"""A year of firms' problems, made up from a seed: people of every county and city, and what happens to each problem.

    RONGTONG_HOME=… python bench/year.py --cases 140000        writes it into that demonstration, prints rows a second

All counties by Zipf weights in a drawn order, as populations are; returns, pauses, extensions, escalations by the daily
job, merges, refusals, ratings and work done again. The same seed makes the same year on every database.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as hour
from functools import cached_property
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    from rongtong.apps.cases.histories import History, Move
    from rongtong.apps.registry.models import Account
    from rongtong.engine.pack.process import Process
    from rongtong.engine.workday import Calendars

PROCESS, SEED, FIRMS, BUREAUS = "enterprise_problem", 20250715, 12, 3
CATEGORIES = ("land", "energy", "project", "finance", "talent", "technology", "policy", "tax", "market", "trade")
MATTERS = (
    "厂房扩建的用地指标没有落实", "高温时段用电负荷不够", "项目环评审批时间太长", "技改贷款到期续贷困难", "高级技工招不到人",
    "研发费用加计扣除口径不清楚", "稳岗补贴没有兑现", "出口退税到账慢", "上游原料供应不稳定", "海外参展补助怎样申请",
    "首台套认定材料反复退回", "员工子女入学没有学位", "污水纳管接入点太远", "政府采购账款拖欠半年", "知识产权被同行侵犯",
)  # fmt: skip
WORDS = (
    "企业反映",
    "已影响二季度排产",
    "希望尽快协调",
    "曾向窗口咨询过",
    "同园区还有几家也有此问题",
    "涉及投资约三千万元",
    "请给出明确答复",
)


# What else is said differs from case to case, as it does: no two are alike but those that are.
COMMON = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经"


@dataclass(frozen=True, slots=True)
class County:
    """Who is at work in a county: its desk and another for the desk's own requests, bureaus and firms, and its city."""

    code: str
    desk: Account
    city: Account
    bureaus: tuple[Account, ...]
    firms: tuple[Account, ...]


def counties() -> tuple[County, ...]:
    """The counties of the packs in force with their people, made where they are missing."""
    from rongtong import clock
    from rongtong.apps.packs import queries as packs
    from rongtong.apps.registry.models import Account, Grant, Organisation
    from rongtong.engine.gb32100 import check_character

    tree, today = packs.current().places, clock.today()
    codes = [c for c in tree.at_level("county") if (p := tree.get(c)).valid_to is None or p.valid_to >= today]
    wanted: list[tuple[str, str, str, str]] = []
    for city in dict.fromkeys(tree.parent(c) or "" for c in codes):
        wanted.append((f"n-city-{city}", "city_officer", city, ""))
    for code in codes:
        wanted.append((f"n-desk-{code}", "county_officer", code, ""))
        wanted += [(f"n-bureau-{code}-{n}", "handler", code, "government") for n in range(BUREAUS)]
        wanted += [(f"n-firm-{code}-{n}", "enterprise", code, "enterprise") for n in range(FIRMS)]
    owned = [w for w in wanted if w[3]]
    units = {
        name: Organisation(
            uscc=(text := f"91{code}{number:09d}") + check_character(text), name=f"单位{number}", kind=kind, place=code
        )
        for number, (name, _, code, kind) in enumerate(owned, 1)
    }
    Organisation.objects.bulk_create(units.values(), batch_size=500, ignore_conflicts=True)
    stored = {o.uscc: o for o in Organisation.objects.filter(uscc__in=[u.uscc for u in units.values()])}
    units = {name: stored[u.uscc] for name, u in units.items()}
    Account.objects.bulk_create(
        [Account(username=n, name=n, demo=True, password="!", organisation=units.get(n)) for n, *_ in wanted],
        batch_size=500, ignore_conflicts=True,
    )  # fmt: skip
    made = {a.username: a for a in Account.objects.filter(username__startswith="n-").select_related("organisation")}
    Grant.objects.bulk_create(
        [Grant(account=made[n], role=role, place=place) for n, role, place, _ in wanted],
        batch_size=500,
        ignore_conflicts=True,
    )
    others: dict[str, list[Account]] = {}
    for grant in Grant.objects.filter(role="enterprise", account__demo=True, account__organisation__isnull=False):
        if not grant.account.username.startswith("n-"):
            others.setdefault(grant.place, []).append(grant.account)
    return tuple(
        County(
            c, made[f"n-desk-{c}"], made[f"n-city-{tree.parent(c)}"],
            tuple(made[f"n-bureau-{c}-{n}"] for n in range(BUREAUS)), (*others.get(c, ()), *(made[f"n-firm-{c}-{n}"] for n in range(FIRMS))),
        )
        for c in codes
    )  # fmt: skip


@dataclass
class Year:
    """The year up to `today`, numbered on from `numbers`: `histories` gives so many problems in the order in which they were raised."""

    process: Process
    counties: tuple[County, ...]
    system: Account
    calendars: Calendars
    today: date
    numbers: dict[int, int] = field(default_factory=dict)
    seed: int = SEED
    raised: dict[str, list[tuple[str, Account, datetime]]] = field(default_factory=dict)

    @cached_property
    def clocks(self) -> dict[str, Any]:
        return {c.code: c for c in self.process.clocks}

    def histories(self, many: int) -> Iterator[History]:
        """The problems, each made when its time has come."""
        from rongtong.apps.cases.histories import History

        dice = Random(self.seed)
        drawn = dice.sample(self.counties, len(self.counties))
        weights = list(accumulate(1 / (n + 3) for n in range(len(drawn))))
        moments = sorted(self._raised(dice) for _ in range(many))
        numbers = dict(self.numbers)
        for at in moments:
            (county,) = dice.choices(drawn, cum_weights=weights)
            numbers[at.year] = numbers.get(at.year, 0) + 1
            key = f"{at.year}-{numbers[at.year]:06d}"
            plan = _Plan(self, county, Random(dice.random()), at)
            moves = plan.made()
            ends = moves[-1].at if plan.over and plan.ended else datetime.max.replace(tzinfo=at.tzinfo)
            self.raised.setdefault(county.code, []).append((key, plan.firm, ends))
            yield History(self.process.code, county.code, moves, key=key, organisation=plan.firm.organisation)

    def _raised(self, dice: Random) -> datetime:
        day = self.today - timedelta(days=dice.randrange(1, 366))
        return at_hour(day, dice)


def at_hour(day: date, dice: Random) -> datetime:
    """A moment of a day's working hours."""
    from rongtong.clock import LOCAL

    return datetime.combine(day, hour(9), LOCAL) + timedelta(seconds=dice.randrange(8 * 3600))


class _Plan:
    """One problem: its moves are drawn one after the other, until it ends or today is reached."""

    def __init__(self, year: Year, county: County, dice: Random, at: datetime) -> None:
        self.year, self.county, self.dice, self.at = year, county, dice, at
        self.firm, self.main = dice.choice(county.firms), dice.choice(county.bureaus)
        self.moves: list[Move] = []
        # `over`: no move comes after; `ended`: because the problem has ended, not because today is reached.
        self.over = self.ended = False
        self.main_case, self.until = "", at
        others = [o for o in year.raised.get(county.code, ())[-60:] if o[2] > at + timedelta(days=3)]
        if others and dice.random() < 0.06:
            self.main_case, self.firm, self.until = dice.choice(others)

    def made(self) -> list[Move]:
        """The moves up to yesterday."""
        self._open()
        steps = self._steps()
        while not self.over and next(steps, None) is not None:
            pass
        return self.moves

    def _make(self, code: str, actor: Account, at: datetime, **data: object) -> bool:
        from rongtong.apps.cases.histories import Move

        if at.date() >= self.year.today:
            self.over = True
            return False
        self.at = at
        self.moves.append(Move(code, actor, at, data))
        return True

    def _end(self) -> None:
        self.ended, self.over = not self.over, True

    def _later(self, most: int, least: int = 0) -> datetime:
        """A moment of working hours so many working days later, after the last one."""
        known = self.year.calendars.as_known(self.year.today)
        day = known.add_workdays(self.at.date(), self.dice.randrange(least, most + 1)) if most else self.at.date()
        if not known.is_workday(day):
            day = known.add_workdays(day, 1)
        found = at_hour(day, self.dice)
        return found if found > self.at else self.at + timedelta(minutes=self.dice.randrange(1, 30))

    def _morning(self, day: date) -> datetime:
        from rongtong.clock import LOCAL

        return datetime.combine(day, hour(7, 30), LOCAL)

    def _open(self) -> None:
        dice, own = self.dice, self.dice.random() < 0.7
        matter = dice.randrange(len(MATTERS))
        data: dict[str, object] = {
            "title": f"{MATTERS[matter]}（{self.firm.username.removeprefix('n-firm-')}）",
            "category": CATEGORIES[matter % len(CATEGORIES)],
            "situation": f"{MATTERS[matter]}，"
            + "，".join(dice.sample(WORDS, 2))
            + "。"
            + "".join(dice.choices(COMMON, k=60)),
            "channel": "own" if own else dice.choice(("hotline", "desk", "visit")),
        }
        if not own:
            assert self.firm.organisation is not None
            data["firm"] = self.firm.organisation.uscc
        self._make("open", self.firm if own else self.county.desk, self.at, **data)

    def _steps(self) -> Iterator[bool]:
        dice, desk = self.dice, self.county.desk
        draw = dice.random()
        if draw < 0.03:
            yield self._make("decline", desk, self._later(1), decline_reason="不属于受理范围", way="请走信访渠道")
            self._end()
            return
        yield self._make(
            "accept", desk, self._later(1), level=dice.choice(("township", "county")),
            handler_class=dice.choice(("centre", "chain", "department")), complexity=dice.choice(("simple", "ordinary", "ordinary", "hard")),
        )  # fmt: skip
        if self.main_case and (merged := self._later(1)) < self.until:
            yield self._make("merge", desk, merged, main_case=self.main_case)
            self._end()
            return
        yield from self._dispatched("dispatch", desk)
        while dice.random() < 0.06:
            if self._later(0).date() > self.at.date():
                break
            yield self._make("send_back", self.main, self._later(0), send_back_reason="不是本单位职责")
            yield from self._dispatched("dispatch", desk)
        yield self._make("receive", self.main, self._later(1))
        yield from self._handled("handle")
        while True:
            if dice.random() < 0.25:
                yield from self._unrated()
                return
            if dice.random() < 0.92:
                yield self._rate("rate", rating=dice.choice(("satisfied", "satisfied", "acceptable")))
                self._end()
                return
            yield self._rate("rate_unsatisfied", rating="unsatisfied", comment="问题没有解决")
            yield from self._handled("redo")

    def _dispatched(self, code: str, by: Account) -> Iterator[bool]:
        self.main = self.dice.choice(self.county.bureaus)
        assert self.main.organisation is not None
        level = {"level": "city"} if code == "dispatch_city" else {}
        yield self._make(code, by, self._later(2), main_office=self.main.organisation.uscc, **level)

    def _due(self, clock: str) -> date | None:
        """The last day of a clock by the moves so far; None where it does not run."""
        from rongtong.clock import LOCAL
        from rongtong.engine.deadline import moments, run
        from rongtong.engine.process.state import Happened

        happened = [
            Happened(n, m.transition, "", m.at.astimezone(LOCAL).date(), m.data) for n, m in enumerate(self.moves, 1)
        ]
        reading = run(
            self.year.clocks[clock], moments(self.year.process, happened), self.year.calendars, self.at.date()
        )
        return reading.due if reading.state in ("running", "over") else None

    def _handled(self, clock: str) -> Iterator[bool]:
        dice = self.dice
        if clock == "handle" and dice.random() < 0.15:
            yield self._make("ask_firm", self.main, self._later(1), asked_matter="请补充用电报装材料")
            yield self._make("supplement", self.firm, self._later(6), supplement="材料已补齐，随附清单")
        due = self._due(clock)
        if clock == "handle" and due and self._later(0).date() < due and dice.random() < 0.1:
            yield self._make("ask_extension", self.main, self._later(0), asked_days=5, extension_reason="要等上级批复")
            if dice.random() < 0.75:
                yield self._make("grant_extension", self.county.desk, self._later(0), granted_days=5)
            else:
                yield self._make("refuse_extension", self.county.desk, self._later(0), extension_opinion="请按期办理")
        answer, due = self._later(2 if dice.random() < 0.7 else 11), self._due(clock)
        raises = self.year.clocks[clock].over
        if (
            due
            and answer.date() > due
            and raises
            and raises.make
            and not any(m.transition == "raise_city" for m in self.moves)
        ):
            yield from self._raised(raises.make, due)
            answer = self._later(6)
        yield self._make("answer", self.main, answer, result=dice.choice(("solved", "solved", "planned", "explained")),
                         reply="已会同有关部门现场核实，问题处理情况如下，请予评价。")  # fmt: skip

    def _raised(self, code: str, due: date) -> Iterator[bool]:
        """The daily job escalates on the first working day after the last one."""
        morning = self._morning(self.year.calendars.as_known(due).add_workdays(due, 1))
        yield self._make(code, self.year.system, max(morning, self.at), raise_reason="期限已过，系统提级")
        if code == "raise_city":
            yield from self._dispatched("dispatch_city", self.county.city)
            yield self._make("receive", self.main, self._later(1))

    def _rate(self, code: str, **data: object) -> bool:
        # Within the five working days of its stage.
        return self._make(code, self.firm, self._later(4), **data)

    def _unrated(self) -> Iterator[bool]:
        known = self.year.calendars.as_known(self.year.today)
        last = known.add_workdays(self.at.date(), 5)
        yield self._make("unrated", self.year.system, self._morning(last + timedelta(days=1)))
        self._end()


def write(many: int) -> dict[str, float]:
    """Write a year into the instance that the environment names; how long it took, and how much it was."""
    from rongtong import clock
    from rongtong.apps.cases.models import Case
    from rongtong.apps.cases.replaying import replay
    from rongtong.apps.packs import queries as packs
    from rongtong.apps.registry.actions import system_account

    pack, system = packs.current(), system_account()
    people = counties()
    # The demonstration has problems of its own, with the first numbers.
    keys = Case.objects.filter(process=PROCESS).order_by("key").values_list("key", flat=True)
    last = {int(year): int(number) for year, _, number in (key.partition("-") for key in keys)}
    year = Year(pack.get("processes", PROCESS), people, system, packs.calendars(pack), clock.today(), last)
    start, cpu = time.perf_counter(), time.process_time()
    done = replay(year.histories(many), actor=system, synthetic=True)
    took, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {
        "cases": done.cases,
        "steps": done.events,
        "seconds": round(took, 1),
        "cpu_seconds": round(cpu, 1),
        "steps_per_cpu_second": round(done.events / cpu),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--profile", action="store_true", help="where the time goes")
    args = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rongtong.settings")
    django.setup()
    if args.profile:
        import cProfile
        import pstats

        with cProfile.Profile() as profile:
            print(json.dumps(write(args.cases)))
        pstats.Stats(profile).sort_stats("tottime").print_stats(35)
    else:
        print(json.dumps(write(args.cases)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
