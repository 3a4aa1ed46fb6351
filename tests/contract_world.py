"""A firm, its buyer, the registration office, experts and the offices, and contracts that go through their hands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from packs import SHIPPED
from rongtong.apps.cases import actions
from rongtong.apps.cases.models import Case, Certificate
from rongtong.apps.packs.actions import load
from rongtong.apps.registry.actions import system_account
from rongtong.apps.registry.models import Account
from worlds import browser, member, unit

FILED: dict[str, Any] = {
    "title": "高温传感器开发",
    "contract_type": "development",
    "filer": "seller",
    "contract_form": "paper",
    "seller_name": "甲单位",
    "buyer_name": "乙单位",
    "signed_on": "2025-07-01",
    "valid_until": "2026-06-30",
    "contract_amount": "120.345678",
    "technology_amount": "100.000001",
    "technology_field": "电子信息",
}
VERIFIED = {
    "registration_number": "2025330106000123",
    "contract_type": "development",
    "contract_amount": "120.345678",
    "technology_amount": "98.5",
}
# (account, role, place, organisation)
WHO = (
    ("seller", "enterprise", "330106", "91330106MA27XYQ95"),
    ("buyer", "institution", "330106", "12330106MA28A1B24"),
    ("stranger", "enterprise", "330106", "91330106MA2AAAAA1"),
    ("registrar", "registrar", "330100", ""),
    ("elsewhere", "registrar", "330200", ""),
    ("county", "county_officer", "330106", ""),
    ("city", "city_officer", "330100", ""),
    *((f"expert{n}", "expert", "330100", "") for n in (1, 2, 3)),
)


@dataclass
class World:
    """The accounts by name, and what they do."""

    accounts: dict[str, Account] = field(default_factory=dict)

    def uscc(self, name: str) -> str:
        own = self.accounts[name].organisation
        assert own is not None
        return own.uscc

    def browser(self, name: str) -> Client:
        """A browser in which an account has logged in."""
        return browser(self.accounts[name])

    def file(self, **more: Any) -> Case:
        """A contract that the seller files, with the buyer named."""
        data = {**FILED, "buyer": self.uscc("buyer"), **more}
        who = self.accounts["seller"]
        return actions.open_case(
            "technology_contract", actor=who, place="330106", title=str(data["title"]), data=data,
            organisation=who.organisation,
        )  # fmt: skip

    def make(self, case: Case, step: str, name: str = "registrar", **data: Any) -> Case:
        """One step of a case, by an account who has seen its latest state."""
        case.refresh_from_db()
        return actions.move(case.pk, step, actor=self.accounts[name], seen=case.events, data=data)

    def accepted(self, **more: Any) -> Case:
        return self.make(self.file(**more), "accept", contract_text="complete")

    def registered(self, **more: Any) -> Case:
        return self.make(self.accepted(**more), "register", **VERIFIED)

    def changed(self, case: Case, amount: str = "60") -> Case:
        """A registered contract whose technical amount is another from now on."""
        self.make(case, "ask_change", "seller", asked="change", ask_words="缩减内容，金额调整")
        return self.make(case, "grant_change", contract_amount="80", technology_amount=amount, valid_until="2026-12-31")

    def cancelled(self, case: Case) -> Case:
        return self.make(case, "cancel", cancel_reason="dissolved", cancel_words="双方协议解除")


def make_world() -> World:
    """The shipped packs loaded, and everybody in place."""
    system = system_account()
    load(SHIPPED, system)
    made = World()
    for name, role, place, code in WHO:
        kind = "university" if role == "institution" else "enterprise"
        own = unit(code, f"{name}单位", kind, place, actor=system) if code else None
        made.accounts[name] = member(f"c-{name}", name, role, place, actor=system, organisation=own)
    return made


def certificate(case: Case) -> Certificate:
    """The latest certificate of a case."""
    found = case.certificates.order_by("-pk").first()
    assert found is not None
    return found
