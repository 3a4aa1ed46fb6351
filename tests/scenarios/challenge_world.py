"""Who takes part in 四题一评 in the scenarios, and what they fill in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from packs import SHIPPED
from rongtong.apps.cases import actions, examples, holding, queries
from rongtong.apps.cases.models import Case
from rongtong.apps.cases.ticking import tick
from rongtong.apps.packs.actions import load
from rongtong.apps.registry.actions import system_account
from rongtong.apps.registry.models import Account
from worlds import browser, member, unit

# Username → name, account role, place, the beginning of the code of its organisation, that organisation's kind.
PEOPLE = {
    "setter": ("出题企业", "enterprise", "330106", "91330106MA27XYQ95", "enterprise"),
    "bidder": ("揭榜企业", "enterprise", "330102", "91330102MA28A1B24", "enterprise"),
    "rival": ("另一家揭榜的高校", "institution", "330106", "12330000470009001", "university"),
    "leader": ("项目负责人", "institution", "330102", "", ""),
    "leader2": ("另一位负责人", "institution", "330102", "", ""),
    "county": ("上城区科技局", "county_officer", "330102", "", ""),
    "xihu": ("西湖区科技局", "county_officer", "330106", "", ""),
    "city": ("杭州市科技局", "city_officer", "330100", "", ""),
    "onlooker": ("只看数的人", "reader", "330100", "", ""),
    "office": ("省厅处室甲", "provincial_officer", "", "", ""),
    "other": ("省厅处室乙", "provincial_officer", "", "", ""),
    "e1": ("专家一", "expert", "330102", "", ""),
    "e2": ("专家二", "expert", "330102", "", ""),
    "e3": ("专家三", "expert", "330102", "", ""),
    "e4": ("专家四", "expert", "330102", "", ""),
    "insider": ("揭榜企业的专家", "expert", "330102", "91330102MA28A1B24", "enterprise"),
}
OPINION = "指标明确，技术路线可行，与企业需求契合，建议支持。"
CLEAR = {
    "unit_relation": "none", "work_relation": "none", "kin_relation": "none", "interest_relation": "none",
    "promise": "我承诺以上属实并保密",
}  # fmt: skip
TARGET = {"indicator": "主轴温升", "now": "18.5", "comparator": "le", "goal": "9", "unit": "℃"}
DEMAND = {
    "title": "高速主轴温升控制", "chain": "415x-2", "background": "主轴温升过高使精度漂移，影响高端机床整机的交付和出口。",
    "present": "已试过油冷和气冷两种办法，温升都在十八度以上，卡在轴承预紧。", "targets": [TARGET], "budget": "300",
    "mode": "joint", "visibility": "public", "workshop": True,
}  # fmt: skip
CONDENSED = {
    "list_title": "高速主轴热稳定关键技术", "list_background": "面向高端机床的主轴热稳定，要求温升减半并连续运行。",
    "list_targets": [TARGET], "list_budget": "500", "list_months": 24, "selection": "open",
}  # fmt: skip
MILESTONES = [{"name": "样机下线", "due": "2026-03-31"}, {"name": "连续运行一千小时", "due": "2026-09-30"}]
PAYMENTS = [
    {"name": "首笔", "due": "2025-10-31", "amount": "600000.10"},
    {"name": "第二笔", "due": "2026-04-30", "amount": "399999.90"},
    {"name": "尾款", "due": "2026-12-31", "amount": "255000.05"},
]
CONTRACT = {
    "starts_on": "2025-09-01", "ends_on": "2026-12-31", "milestones": MILESTONES, "payments": PAYMENTS, "own_funds": "374.5",
    "answers": [{"indicator": "主轴温升", "comparator": "le", "goal": "8", "unit": "℃"}],
}  # fmt: skip
GRANT = "125.500005"


@dataclass(frozen=True)
class World:
    """The people by username, with the steps they make by the names that officers read."""

    people: Mapping[str, Account]

    def uscc(self, who: str) -> str:
        organisation = self.people[who].organisation
        assert organisation is not None
        return organisation.uscc

    def can(self, who: str, case: Case) -> list[str]:
        """The names of the steps somebody may make now."""
        now = Case.objects.select_related("definition").get(pk=case.pk)
        return [o.name for o in queries.offers(self.people[who], now) if not o.refused]

    def do(self, who: str, case: Case, name: str, **data: Any) -> Case:
        """Make a step, named as on the page."""
        now = Case.objects.select_related("definition").get(pk=case.pk)
        (step,) = (t for t in holding.process_of(now).transitions if t.name == name and now.stage in t.at)
        return actions.move(case.pk, step.code, actor=self.people[who], seen=now.events, data=data)

    def time_passes(self, case: Case) -> Case:
        """What the daily job makes of the day."""
        assert tick().failed == []
        return Case.objects.select_related("definition").get(pk=case.pk)

    def reads(self, who: str, case: Case) -> bool:
        """Whether somebody may read a case at all."""
        return queries.visible(self.people[who]).filter(pk=case.pk).exists()

    def page(self, who: str, case: Case, status: int = 200) -> str:
        """The page of a case as somebody sees it."""
        answer = browser(self.people[who]).get(f"/cases/{case.pk}")
        assert answer.status_code == status, (who, case, answer.status_code)
        return answer.content.decode()

    def waits_for(self, who: str, case: Case) -> bool:
        """Whether a case stands in somebody's work list."""
        return case.pk in {i.case.pk for i in queries.work(self.people[who])}

    def clocks(self, case: Case) -> list[tuple[str, date | None]]:
        """The state and the last day of each clock that has started."""
        now = Case.objects.select_related("definition").get(pk=case.pk)
        return [(c.state, c.reading.due) for c in queries.clocks(now)]

    def demand(self, **more: Any) -> Case:
        setter = self.people["setter"]
        return actions.open_case(
            "demand", actor=setter, place="330106", data={**DEMAND, **more}, organisation=setter.organisation
        )

    def argued(self, demand: Case) -> Case:
        """A demand checked, condensed and argued by three experts: on public notice, or ready to be directed."""
        self.do("xihu", demand, "核实属实", verified_how="site", verification="到车间看过，需求真实，指标可测。")
        self.do("office", demand, "凝练成榜题", **CONDENSED)
        case = self.do("office", demand, "请专家", experts=["e1", "e2", "e3"])
        for expert in ("e1", "e2", "e3"):
            self.do(expert, case, "声明没有利害关系", **CLEAR)
            advice = "not" if expert == "e3" else "list"
            grades = dict.fromkeys(("value", "novelty", "feasibility", "urgency"), "high")
            self.do(expert, case, "提交论证意见", **grades, advice=advice, opinion=OPINION)
        public = queries.data(case)["visibility"] == "public"
        return self.do("office", case, "论证通过，公示" if public else "论证通过，不公示")

    def listed(self, closes_on: str = "2025-10-28", **more: Any) -> Case:
        """A published challenge, without waiting for its notice."""
        case = examples.in_time(self.argued(self.demand(**more)), "notice_over")
        return self.do("office", case, "公开发榜", closes_on=closes_on)

    def objected(self, case: Case, who: str = "rival") -> Case:
        return self.do(who, case, "提出异议", objection="榜题与在研项目重复，请核查。")

    def bid(self, demand: Case, who: str = "bidder", leader: str = "leader", **more: Any) -> Case:
        """A bid opened under a challenge and confirmed by its leader."""
        actor = self.people[who]
        case = actions.open_case(
            "challenge_bid", actor=actor, place=actor.organisation.place if actor.organisation else "",
            data={**self.bid_form(who, leader), **more}, organisation=actor.organisation, parent=demand,
        )  # fmt: skip
        return self.do(leader, case, "负责人确认并承诺", leader_promise="我确认并承诺材料真实")

    def bid_form(self, who: str, leader: str, members: list[tuple[str, str]] | None = None) -> dict[str, Any]:
        kinds = members or [("enterprise", self.uscc(who)), ("university", self.uscc("rival"))]
        return {
            "title": "高速主轴热稳定技术攻关", "leader": leader, "plan": "以轴承预紧自适应和分区冷却协同控制温升，分三轮样机。",
            "consortium": [
                {"rank": n, "name": f"单位{n}", "uscc": uscc, "kind": kind} for n, (kind, uscc) in enumerate(kinds, 1)
            ],
            "answers": CONTRACT["answers"], "budget_total": "500", "grant_asked": GRANT, "months": 18,
            "platform": "省重点企业研究院", "platform_level": "province", "platform_entry": "2024-018", "leader_is_member": True,
        }  # fmt: skip

    def in_review(self, bid: Case, experts: tuple[str, ...] = ("e1", "e2", "e3"), **more: Any) -> Case:
        """A bid recommended and formally checked, before experts who have not declared."""
        county = "county" if bid.place == "330102" else "xihu"
        self.do(county, bid, "推荐", recommendation="单位真实，投入有保障，同意推荐。")
        form = {"whitelist": "listed", "whitelist_basis": "2025 年名单第 18 项", "consortium_checked": True, **more}
        self.do("office", bid, "形式审查通过", **form)
        return self.do("office", bid, "请专家", experts=list(experts))

    def score(self, expert: str, bid: Case, *points: int) -> None:
        fields = dict(zip(("fit", "plan_score", "strength", "prospect"), points, strict=True))
        self.do(expert, bid, "提交评分和意见", **fields, opinion=OPINION)

    def established(self, bid: Case, grant: str = GRANT) -> Case:
        """The project of a bid that three experts scored well without waiting for its notice."""
        bid = self.in_review(bid)
        for expert in ("e1", "e2", "e3"):
            self.do(expert, bid, "声明没有利害关系", **CLEAR)
            self.score(expert, bid, 25, 24, 15, 13)
        self.do("office", bid, "评审结束，提请决定")
        bid = self.do("other", bid, "拟立项，公示", decision="评审意见一致，拟立项。")
        bid = examples.in_time(bid, "notice_over")
        bid = self.do("other", bid, "立项", project_number="2026C01001", grant=grant)
        return bid.below.get(process="major_project")


def make_world() -> World:
    """The packs loaded and everybody there."""
    system = system_account()
    load(SHIPPED, system)
    made = {}
    for username, (name, role, place, beginning, kind) in PEOPLE.items():
        own = unit(beginning, f"{name}（虚构）", kind, place, actor=system) if beginning else None
        made[username] = member(username, name, role, place, actor=system, organisation=own)
    return World(made)


def day(text: str) -> date:
    return date.fromisoformat(text)
