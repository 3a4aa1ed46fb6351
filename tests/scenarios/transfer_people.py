"""Who takes part in the scenarios of results: two universities, two firms, an insurer, a manager, the offices; and how a
case of theirs is moved step by step, with the day set by the scenario."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from rongtong.apps.cases import actions, queries
from rongtong.apps.cases.evidence import Upload
from rongtong.apps.cases.models import Case
from rongtong.apps.observations import queries as observations
from rongtong.apps.registry.models import Account
from rongtong.engine.period import Period
from worlds import browser, member, unit

PAPER = (Upload("协议.pdf", b"%PDF-1.4 demo"),)
# No region 339999 exists, so no organisation here can be a real one.
PEOPLE = (
    ("chen", "陈研究员", "institution", "330106", "甲大学", "university"),
    ("lin", "林老师（转化办）", "institution", "330106", "甲大学", "university"),
    ("other", "乙大学转化办", "institution", "330206", "乙大学", "university"),
    ("other2", "乙大学教师", "institution", "330206", "乙大学", "university"),
    ("firm", "常山企业", "enterprise", "330822", "常山一厂", "enterprise"),
    ("rival", "武义企业", "enterprise", "330723", "武义二厂", "enterprise"),
    ("insurer", "保险公司", "insurer", "", "某保险公司", "enterprise"),
    ("manager", "技术经理人", "technology_manager", "", "", ""),
    ("quzhou", "衢州市科技局", "city_officer", "330800", "", ""),
    ("ningbo", "宁波市科技局", "city_officer", "330200", "", ""),
    ("county", "常山县科技局", "county_officer", "330822", "", ""),
    ("province", "省科技厅", "provincial_officer", "", "", ""),
)


@dataclass
class World:
    """The accounts by name, and the settings that pin the day."""

    who: dict[str, Account]
    settings: Any

    def on(self, day: str) -> None:
        """It is this day from now on."""
        self.settings.PINNED_TODAY = date.fromisoformat(day)

    def open(self, process: str, who: str, data: dict[str, Any], parent: Case | None = None) -> Case:
        """A case opened in the name of the account's organisation, at its place."""
        account = self.who[who]
        assert account.organisation is not None
        return actions.open_case(
            process, actor=account, place=account.organisation.place, organisation=account.organisation, data=data,
            parent=parent,
        )  # fmt: skip

    def go(self, case: Case, step: str, who: str, *, paper: bool = False, **data: Any) -> Case:
        """One step, by whoever has read the case as it stands."""
        seen = Case.objects.get(pk=case.pk).events
        files = PAPER if paper else ()
        return actions.move(case.pk, step, actor=self.who[who], seen=seen, data=data, files=files)

    def uscc(self, who: str) -> str:
        organisation = self.who[who].organisation
        assert organisation is not None
        return str(organisation.uscc)

    def offered(self, case: Case, who: str) -> set[str]:
        """The steps that an account is offered and could make now."""
        return {o.transition for o in queries.offers(self.who[who], Case.objects.get(pk=case.pk)) if not o.refused}

    def clock(self, case: Case, name: str) -> tuple[str, date | None]:
        """The state of a clock and its last day."""
        (line,) = [c for c in queries.clocks(Case.objects.get(pk=case.pk)) if c.reading.clock.name == name]
        return line.state, line.reading.due

    def waits(self, case: Case) -> set[str]:
        """Those in whose work list a case stands."""
        return {who for who, account in self.who.items() if case.pk in {i.case.pk for i in queries.work(account)}}

    def page(self, case: Case, who: str, status: int = 200) -> str:
        """The page of a case as somebody sees it."""
        answer = browser(self.who[who]).get(f"/cases/{case.pk}")
        assert answer.status_code == status, (who, answer.status_code)
        return answer.content.decode()


def figure(indicator: str, day: str, place: str = "330000") -> int:
    """What an indicator says of a place for the year up to the month of a day, as known on that day."""
    on = date.fromisoformat(day)
    found = observations.known([indicator], [Period(on.year, 1, on.month)], on)
    return next((f.value for f in found if f.place == place and not f.chain), 0)


def make_world(actor: Account, settings: Any) -> World:
    """Everybody, where the packs are in force."""
    made, organisations = {}, {}
    for number, (code, name, role, place, own, kind) in enumerate(PEOPLE):
        if own and own not in organisations:
            organisations[own] = unit(f"91339999{number:09d}", own, kind, place or "330100", actor=actor)
        made[code] = member(f"t-{code}", name, role, place, actor=actor, organisation=organisations.get(own))
    return World(made, settings)


# The forms of a result, filled in.
RESULT = {
    "title": "高温合金涂层工艺", "kind": "invention", "legal_state": "granted", "application_no": "202510000001.4",
    "ipc": "C23C 4/10", "chain": "415x-1", "maturity": 7, "funding": "fiscal",
    "brief": "用于航空发动机叶片的高温合金涂层，寿命比现有工艺提高约一倍。",
}  # fmt: skip
SHARES = [
    {"holder": "完成人团队", "party": "inventor", "share": "90"},
    {"holder": "甲大学", "party": "unit", "share": "10"},
]
PRICE = {
    "price_mode": "agreed",
    "price": "1000000.00",
    "ways": ["licence"],
    "use_first": "yes",
    "decision": "校长办公会",
}
INTENT = {"purpose": "叶片寿命不够，想先试这套涂层工艺", "product": "小型燃机叶片", "size": "small"}
TERMS = {
    "scope": "一条试验线，年产一万片以内", "exclusivity": "open", "trial_start": "2025-07-16",
    "trial_end": "2025-10-15", "conditions": "按国标做热循环试验，寿命达到一千小时以上",
}  # fmt: skip


def registered(world: World, who: str = "chen", checker: str = "lin", **more: Any) -> Case:
    """A result in the register: disclosed by one, checked by another of the same university."""
    case = world.open("result_register", who, RESULT | more)
    world.go(case, "verify", checker, owners=[{"owner": "甲大学", "share": "100"}], ownership_basis="项目任务书")
    world.go(case, "classify", who, asset_stage="development", book_value="0", restricted="none")
    return world.go(case, "enter", who, paper=True, resolution="校务会〔2025〕3号")


def empowered(world: World, case: Case, who: str = "chen", **more: Any) -> Case:
    """The same with rights granted, a price set and on public notice."""
    grant_ = {"right": "ownership", "holders": SHARES, "agreement_no": "FQ-1", "right_from": "2025-07-15"}
    world.go(case, "empower", who, paper=True, **grant_)
    return world.go(case, "set_price", who, paper=True, **(PRICE | more))


def in_pool(world: World, case: Case, day: str, who: str = "chen") -> Case:
    """The same once its notice is over: whatever happens on that day, the case moves on by itself."""
    world.on(day)
    found = world.go(case, "duty_file", who, paper=True, duty_kind="notice", duty_note="公示照片")
    assert found.stage == "pool"
    return found


def trial(world: World, result: Case, firm: str = "firm", **more: Any) -> Case:
    """A firm's trial of a result in the pool, signed today."""
    case = world.open("use_first", firm, INTENT, parent=result)
    world.go(case, "accept_intent", "lin")
    world.go(case, "propose", "lin", **(TERMS | {"pay_mode": "fixed", "price": "1000000"} | more))
    return world.go(case, "sign", firm, paper=True, agreement_no="XY-1")
