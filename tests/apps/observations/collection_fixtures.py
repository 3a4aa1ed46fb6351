"""A small collection to test with: the shipped packs, a year of figures of one city, and the officers of three offices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from packs import SHIPPED
from rongtong.apps.observations.actions import import_file
from rongtong.apps.packs.actions import load
from rongtong.apps.registry.actions import create_account, grant, system_account
from rongtong.apps.registry.models import Account
from worlds import rolled_back

CITY, COUNTY, NEIGHBOUR = "330100", "330102", "330105"
HELD = """指标,地区,期,数值,单位,状态,发布日期
input_enterprise,330100,2024H1,400,亿元,演示,2024-07-10
input_enterprise,330102,2024H1,20,亿元,演示,2024-07-10
input_enterprise,330105,2024H1,30,亿元,演示,2024-07-10
input_enterprise,330106,2024H1,40,亿元,演示,2024-07-10
input_enterprise,330102,2025Q1,10,亿元,演示,2025-04-10
input_enterprise,330102,2025H1,21.5,亿元,演示,2025-07-10
input_government,330102,2024H1,3,亿元,演示,2024-07-10
new_hte,330102,2024H1,40,家,演示,2024-07-10
"""


@dataclass(frozen=True)
class Offices:
    """The accounts of the tests."""

    county: Account
    county_second: Account
    neighbour: Account
    city: Account
    other_city: Account
    province: Account


def make_offices() -> Offices:
    """Load the packs and the held figures, and make the officers."""
    system = system_account()
    load(SHIPPED, system)
    report = import_file(HELD.encode(), "已有.csv", actor=system)
    assert report.batch is not None, [str(f) for f in report.findings]

    def officer(username: str, role: str, place: str) -> Account:
        account = create_account(username, f"{username}的姓名", actor=system).account
        account.password_is_initial = False
        account.save()
        grant(account, role, place, actor=system)
        return account

    return Offices(
        officer("county", "county_officer", COUNTY),
        officer("county2", "county_officer", COUNTY),
        officer("neighbour", "county_officer", NEIGHBOUR),
        officer("city", "city_officer", CITY),
        officer("othercity", "city_officer", "330200"),
        officer("province", "provincial_officer", ""),
    )


def kept_offices(django_db_blocker: Any) -> Iterator[Offices]:
    """The offices for all tests of a module; each test runs in a savepoint, and all is rolled back after the last."""
    with rolled_back(django_db_blocker):
        yield make_offices()
