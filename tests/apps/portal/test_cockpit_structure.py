"""The cockpit's structure over HTTP: parts with value and share, the difference as a row, and what is handed out."""

from __future__ import annotations

import csv
import io
import re

import pytest
from django.test import Client
from django.utils.html import strip_tags

from rongtong.apps.observations.models import Batch, Observation
from rongtong.apps.packs.queries import current
from rongtong.apps.planning import parts, queries
from rongtong.apps.portal import cockpit_structure
from rongtong.engine.period import Period

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]
ENTERPRISE = "/map?indicator=input_enterprise&period=2025H1"


@pytest.fixture
def client() -> Client:
    return Client(HTTP_HOST="localhost")


def text_of(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, response.content.decode()[-400:]
    return str(response.content.decode())


def structure(page: str) -> dict[str, list[str]]:
    """The rows of the structure by name, cell by cell."""
    part = page[page.index('id="structure"') :].split("</section>")[0]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", part, re.DOTALL)
    cells = [[strip_tags(c).strip() for c in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", r, re.DOTALL)] for r in rows]
    return {row[0]: row[1:] for row in cells}


def test_the_structure_shows_parts_shares_goals_and_the_difference_as_a_row(client: Client) -> None:
    page = text_of(client, "/map?indicator=input_total&period=2025H1")
    rows = structure(page)
    assert rows["部分"] == ["2025年上半年", "占比 %", "2025年目标"]
    assert rows["合计"] == ["3150.00", "", "7200"]
    assert rows["企业科技创新投入"] == ["2480.00", "78.7", "5650"]
    assert rows["政府科技创新投入"] == ["552.00", "17.5", "1200"]
    assert rows["差额（单列，不调平）"] == ["118.00", "3.7", "350"]
    part = page[page.index('id="structure"') :]
    assert "还有没有点名的主体" in part
    assert "2.4.1" in part


def test_a_part_is_shown_within_its_whole_and_marked(client: Client) -> None:
    page = text_of(client, ENTERPRISE)
    assert structure(page) == structure(text_of(client, "/map?indicator=input_total&period=2025H1"))
    assert '<th scope="row" aria-current="true">企业科技创新投入</th>' in page


def test_the_structure_follows_the_place_and_the_period(client: Client) -> None:
    city = structure(text_of(client, f"{ENTERPRISE}&within=330100"))
    board = queries.monitor(queries.Asked("input_government", Period.parse("2025H1")))
    hangzhou = next(r for r in board.rows if r.place == "330100").figures["value"]
    assert city["政府科技创新投入"][0] == hangzhou.text
    assert len(city["合计"]) == 2, "the goals are the province's"
    year = structure(text_of(client, "/map?indicator=input_total&period=2024"))
    assert year["部分"] == ["2024年", "占比 %"]
    assert year["差额（单列，不调平）"][0] == "290.40"


def test_every_row_of_the_structure_links_to_the_chain_of_its_numbers(client: Client) -> None:
    page = text_of(client, "/map?indicator=input_total&period=2025H1")
    part = page[page.index('id="structure"') :].split("</section>")[0]
    links = set(re.findall(r'href="(/why/[^"]+)"', part))
    assert "/why/input_total.part_rest@330000@2025H1" in links
    assert "/why/input_enterprise.part_share@330000@2025H1" in links
    assert len(links) == 11
    assert [link for link in sorted(links) if client.get(link).status_code != 200] == []
    chain = strip_tags(text_of(client, "/why/input_total.part_rest@330000@2025H1"))
    assert "合计与各部分之差" in chain


def test_without_stated_parts_the_places_are_shown_and_what_belongs_to_none(client: Client) -> None:
    page = text_of(client, "/map?indicator=industrial_rd_expense&period=2025Q1")
    said = page.split('id="structure-said">')[1].split("</p>")[0]
    assert said.startswith("规则包没有写明规上工业研发费用由哪些部分构成，这里列各设区市的占比")
    rows = structure(page)
    assert rows["杭州"] == ["206.94", "24.3"]
    assert rows["未分到下一级"] == ["0.31", "0.0"]
    assert "差额（单列，不调平）" not in rows
    share = "/why/industrial_rd_expense.unallocated_share@330000@2025Q1"
    assert share in page
    assert text_of(client, share)


def add_chain(*codes: str) -> str:
    """Values of these cards for a chain in 杭州; the chain's code."""
    chain = str(current().all("chains")[0].code)
    for code in codes:
        one = Observation.objects.get(indicator=code, place="330100", start=202501, months=6)
        values = {f.name: getattr(one, f.name) for f in one._meta.concrete_fields if f.name != "id"}
        Observation.objects.create(**{**values, "chain": chain})
    batch = {f.name: getattr(one.batch, f.name) for f in one.batch._meta.concrete_fields if f.name != "id"}
    Batch.objects.create(**{**batch, "sha256": "0" * 64})
    return chain


def test_a_chain_has_the_structure_of_its_own_figures(client: Client) -> None:
    chain = add_chain("input_total", "input_enterprise", "input_government")
    page = text_of(client, f"{ENTERPRISE}&within=330100&chain={chain}")
    assert f"/why/input_total.part_rest%23{chain}@330100@2025H1" in page
    whole = text_of(client, f"{ENTERPRISE}&chain={chain}")
    assert "全社会科技创新投入的合计或各部分这一期未报，这里列各设区市的占比" in whole


def test_a_part_not_reported_leaves_no_difference_to_claim(client: Client) -> None:
    chain = add_chain("input_total", "input_enterprise")
    page = text_of(client, f"{ENTERPRISE}&within=330100&chain={chain}")
    rows = structure(page)
    assert rows["政府科技创新投入"] == ["未报", ""]
    assert rows["差额（单列，不调平）"] == ["不算", ""]
    assert "有部分未报，不算差额" in page


def test_parts_above_l1_are_not_told_to_a_visitor(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(current().get("indicators", "input_government").__dict__, "level", "L2")
    cockpit_structure._structure.cache_clear()
    page = text_of(client, ENTERPRISE)
    cockpit_structure._structure.cache_clear()
    assert "各部分登录后可看，这里列各设区市的占比" in page
    assert "政府科技创新投入" not in structure(page)


def test_the_structure_is_handed_out_with_its_difference(client: Client) -> None:
    response = client.get("/map/chart/structure.csv?indicator=input_total&period=2025H1")
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert rows[0] == ["部分", "期", "指标", "地方", "数额（亿元）", "占比 %", "2025年目标（亿元）", "性质", "数的编号"]
    assert [row[0] for row in rows[1:]] == ["合计", "企业科技创新投入", "政府科技创新投入", "差额（单列，不调平）"]
    assert rows[-1][4:] == ["118.00", "3.7", "350", "演示数据", "input_total.part_rest@330000@2025H1"]
    page = text_of(client, "/map?indicator=input_total&period=2025H1")
    for kind in ("png", "svg", "csv"):
        assert f"/map/chart/structure.{kind}?" in page


def test_an_indicator_with_parts_from_several_views_is_shown_by_performer() -> None:
    found = parts.stated(current(), "rd_total", 2024)
    assert found
    assert found.by == "执行主体分"
    assert found.parts == ("rd_enterprise", "rd_institute", "rd_university", "rd_other")
    assert parts.stated(current(), "rd_university", 2024) == found
    assert parts.stated(current(), "rd_basic", 2024) is None, "its difference would be told under the same number"


@pytest.mark.parametrize(("year", "code"), [(2024, "input_2025"), (2025, "input_2025"), (2028, "input_2027")])
def test_of_several_balances_the_nearest_to_the_year_says_the_parts(year: int, code: str) -> None:
    found = parts.stated(current(), "input_total", year)
    assert found
    assert found.balance
    assert found.balance.code == code
