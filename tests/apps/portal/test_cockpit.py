"""The cockpit (一张图) over HTTP: figures, ranks, drill, chains, history, tables, the wall and what it hands out."""

from __future__ import annotations

import csv
import io
import re
from fractions import Fraction
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.utils.html import strip_tags

from rongtong.apps.observations.actions import import_file
from rongtong.apps.observations.models import Batch, Observation
from rongtong.apps.planning import queries
from rongtong.apps.portal import charts, svg
from rongtong.apps.registry.models import Account
from rongtong.engine.period import Period
from rongtong.engine.quantity import decimal_text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]
ENTERPRISE = "/map?indicator=input_enterprise&period=2025H1"


@pytest.fixture
def client() -> Client:
    return Client(HTTP_HOST="localhost")


def text_of(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, response.content.decode()[-400:]
    return str(response.content.decode())


def ranking(page: str) -> list[list[str]]:
    """The rows of the ranking as words, cell by cell."""
    table = page[page.index('id="ranking"') : page.index("</table>", page.index('id="ranking"'))]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.DOTALL)
    return [[strip_tags(c).strip() for c in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)] for row in rows]


def read_csv(client: Client, address: str) -> list[list[str]]:
    response = client.get(address)
    assert response.status_code == 200
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))


def drawing(page: str, name: str) -> ElementTree.Element:
    found = re.search(rf'<svg [^>]*aria-labelledby="{name}".*?</svg>', page, re.DOTALL)
    assert found
    return ElementTree.fromstring(found.group())


def test_ties_share_a_rank_and_the_province_and_the_rest_stand_below(client: Client) -> None:
    rows = ranking(text_of(client, "/map?indicator=industrial_rd_expense&period=2025Q1"))
    assert rows[0] == ["位", "设区市", "亿元", "同比 %", "占比 %", "与全省差 百分点", "灯"]
    assert [(row[0], row[1]) for row in rows[3:5]] == [("3并列", "温州"), ("3并列", "绍兴")]
    assert rows[-2][1:4] == ["全省", "851.36", "+7.7"]
    assert rows[-1][1:3] == ["未分到市", "0.31"]


def test_the_change_of_rank_is_told_in_signs_and_in_words(client: Client) -> None:
    page = text_of(client, ENTERPRISE)
    now = queries.monitor(queries.Asked("input_enterprise", Period.parse("2025H1")))
    then = queries.monitor(queries.Asked("input_enterprise", Period.parse("2025Q1")))

    def positions(board: object) -> dict[str, int]:
        done = {r.place: r.figures["completion"].number for r in board.rows}  # type: ignore[attr-defined]
        return {p: 1 + sum(other > mine for other in done.values()) for p, mine in done.items()}

    moved = {p: positions(then)[p] - rank for p, rank in positions(now).items()}
    place, steps = max(moved.items(), key=lambda item: item[1])
    assert steps > 0
    row = page[page.index(f'<tr data-place="{place}"') :].split("</tr>")[0]
    assert f"↑{steps}</span>" in row
    assert f"比2025年一季度上升 {steps} 位" in row


def test_without_an_earlier_period_no_change_of_rank_is_claimed(client: Client) -> None:
    page = text_of(client, "/map?indicator=industrial_rd_expense&period=2025Q1")
    assert "没有可比的上期，位次变化不列" in page
    assert "变化" not in ranking(page)[0]


def test_progress_is_compared_where_there_are_goals_and_growth_on_request(client: Client) -> None:
    assert 'id="map">各设区市完成率' in text_of(client, ENTERPRISE)
    by_growth = text_of(client, f"{ENTERPRISE}&compare=yoy")
    assert 'id="map">各设区市同比' in by_growth
    rows = ranking(by_growth)
    at = rows[0].index("同比 %")
    growth = [float(row[at]) for row in rows[1:12]]
    assert growth == sorted(growth, reverse=True)


def test_a_comparison_that_does_not_exist_falls_back_to_one_that_does(client: Client) -> None:
    assert 'id="map">各设区市同比' in text_of(client, "/map?indicator=industrial_rd_expense&compare=completion")


def test_a_card_says_how_far_it_is_and_what_is_expected(client: Client) -> None:
    page = text_of(client, "/map")
    card = next(c for c in page.split('<li class="panel card')[1:] if "企业科技创新投入" in c)
    words = re.sub(r"\s+", "", strip_tags(card.split("</li>")[0]))
    assert "2480.00/5650亿元演示数据" in words
    assert "2025年上半年完成43.9%，应达45.3%" in words
    assert re.search(r"年末预计\d+\.\d+—\d+\.\d+（80%），达标可能[\d.]+%", words)
    assert "▲滞后" in words


def test_a_card_without_a_goal_has_no_lamp_and_says_why(client: Client) -> None:
    page = text_of(client, "/map?indicator=industrial_rd_expense&period=2025Q1")
    card = next(c for c in page.split('<li class="panel card')[1:] if "规上工业研发费用" in c).split("</li>")[0]
    words = re.sub(r"\s+", "", strip_tags(card))
    assert "无目标" in words
    assert "占营业收入3.17%" in words
    assert "各地合计851.05，未分到地方0.31" in words
    said = re.search(r'各地合计 <a class="figure" href="(/why/[^"]+)">851.05</a>', card)
    assert said is not None
    assert "规上工业研发费用各地合计</h1>" in text_of(client, said.group(1))
    assert "没有文件为它定目标" in words
    assert "演示数据" not in words


def test_counties_that_make_more_than_their_city_are_said_to_exceed_it(client: Client, demo_store: Account) -> None:
    board = queries.monitor(queries.Asked("input_enterprise", Period.parse("2025H1"), "county", "330100"))
    assert board.unallocated is not None
    one = next(r.figures["value"] for r in board.rows if r.place == "330102")
    more = one.number + board.unallocated.number + Fraction(9, 100)
    head = "指标,地区,期,数值,单位,状态,发布日期"
    row = f"input_enterprise,330102,2025H1,{decimal_text(more, 2)},亿元,实际,2025-07-15"
    report = import_file(f"{head}\n{row}\n".encode(), "多出.csv", actor=demo_store)
    assert report.batch is not None, [str(f) for f in report.findings]
    page = text_of(client, f"{ENTERPRISE}&area=330100")
    assert ranking(page)[-1][2:4] == ["各县合计多出", "0.09"]
    assert "未分到县" not in page


def test_a_city_on_the_map_leads_to_its_counties(client: Client) -> None:
    page = text_of(client, ENTERPRISE)
    links = {a.get("data-place"): a.get("href") for a in drawing(page, "map").iter(f"{{{svg.SVG}}}a")}
    assert len(links) == 11
    drilled = text_of(client, str(links["330100"]))
    names = [row[2] for row in ranking(drilled)[1:-2]]
    assert "上城" in names
    assert len(names) == 13
    assert ranking(drilled)[-2][2] == "全市"
    assert "杭州市各县（市、区）" in drilled
    assert "回到各设区市" in drilled


def test_a_city_without_county_values_leads_to_its_chain(client: Client) -> None:
    page = text_of(client, "/map?indicator=industrial_rd_expense&period=2025Q1")
    links = [a.get("href") for a in drawing(page, "map").iter(f"{{{svg.SVG}}}a")]
    assert "/why/industrial_rd_expense@330400@2025Q1" in links


def test_regions_are_met_by_the_keyboard_in_the_order_of_the_ranking(client: Client) -> None:
    page = text_of(client, ENTERPRISE)
    regions = [a.get("data-place") for a in drawing(page, "map").iter(f"{{{svg.SVG}}}a")]
    assert regions == re.findall(r'<tr data-place="(\d+)"', page)
    names = [a.get("aria-label", "") for a in drawing(page, "map").iter(f"{{{svg.SVG}}}a")]
    assert all("%" in name for name in names)


@pytest.mark.parametrize("name", ["map", "trend", "structure"])
def test_a_chart_has_a_name_and_a_sentence_and_no_inline_style(client: Client, name: str) -> None:
    page = text_of(client, ENTERPRISE)
    root = drawing(page, name)
    assert not [e for e in root.iter() if "style" in e.attrib or any(k.startswith("on") for k in e.attrib)]
    assert root.get("aria-describedby") == f"{name}-said"
    said = strip_tags(page.split(f'id="{name}-said">')[1].split("</p>")[0])
    assert said.endswith("。")
    assert f'id="{name}"' in page


def test_a_style_attribute_of_the_renderer_becomes_plain_attributes() -> None:
    drawn = (
        f'<svg xmlns="{svg.SVG}"><g style="fill: red; stroke-width:2"><path d="M1.234,2.345L3.456,4.567Z"/></g></svg>'
    )
    held = svg.embed(drawn, label="map")
    assert "style" not in held
    assert 'fill="red"' in held
    assert 'stroke-width="2"' in held
    assert 'd="M1.2,2.3l2.3,2.3Z"' in held


def test_the_sentence_of_the_map_counts_who_is_above_and_below(client: Client) -> None:
    page = text_of(client, "/map?indicator=industrial_rd_expense&period=2025Q1")
    assert "8 地高于全省 7.7%，3 地低于；最高丽水 18.8%，最低嘉兴 -2.8%。" in page


def test_the_trend_says_that_it_is_cumulative_and_where_the_forecast_begins(client: Client) -> None:
    page = text_of(client, ENTERPRISE)
    said = page.split('id="trend-said">')[1].split("</p>")[0]
    assert said.startswith("各季末累计值，到2025年上半年为 2480.00亿元。")
    assert "2025年全年预测，八成区间" in said
    assert "2025年1—9月</th>" in page


def test_too_few_periods_make_no_line(client: Client) -> None:
    page = text_of(client, "/map?indicator=industrial_rd_expense&period=2025Q1")
    assert "不足 3 期不画走势" in page
    assert 'class="trend"' not in page


def test_a_period_without_figures_is_named_beside_the_one_shown(client: Client) -> None:
    page = strip_tags(text_of(client, "/map?indicator=input_enterprise&period=2019Q3"))
    assert "没有 2019年三季度 的数，显示的是最新一期：2025年上半年" in page
    assert "显示的是最新一期" not in text_of(client, ENTERPRISE)
    assert "显示的是最新一期" not in text_of(client, "/map?indicator=input_enterprise")


def test_the_table_view_has_every_measure_and_no_map(client: Client) -> None:
    page = text_of(client, f"{ENTERPRISE}&view=table")
    assert {"上年同期", "占比 %", "与全省差 百分点", "全年目标", "应达 %", "进度比 %"} <= set(ranking(page)[0])
    assert 'class="map"' not in page
    assert "<details" in page


def test_the_wall_has_the_whole_page_without_navigation_to_leave_by(client: Client) -> None:
    page = text_of(client, f"{ENTERPRISE}&wall=1")
    assert '<html lang="zh-Hans" class="wall">' in page
    assert "退出全屏" in page
    links = [a.get("href") or "" for a in drawing(page, "map").iter(f"{{{svg.SVG}}}a")]
    assert all("wall=1" in link for link in links)


def test_history_shows_what_was_known_then_and_says_so(client: Client) -> None:
    page = text_of(client, "/map?indicator=input_enterprise&as_of=2025-05-01")
    assert "这是截至 2025年5月1日 已知的数" in page
    assert "2025年一季度" in page
    assert "2025年上半年" not in page[page.index("<main") :]


@pytest.mark.parametrize("day", ["2025-13-01", "昨天", "2025-07-16"])
def test_a_day_that_cannot_be_is_refused_in_words(client: Client, day: str) -> None:
    response = client.get("/map", {"as_of": day})
    assert response.status_code == 404
    assert "没有" in response.content.decode()


@pytest.mark.parametrize(
    "address", ["/map?within=999999", "/map?period=zz", "/map?indicator=input_enterprise&chain=nothing", "/map?area=x"]
)
def test_what_is_not_known_is_named(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 404
    assert "<h1>没有找到</h1>" in response.content.decode()


def test_chains_are_offered_where_there_are_values_by_chain(client: Client) -> None:
    assert 'id="chain"' not in text_of(client, ENTERPRISE)
    from rongtong.apps.packs.queries import current

    chain = current().all("chains")[0].code
    one = Observation.objects.filter(indicator="input_enterprise", place="330100", start=202501, months=6).first()
    assert one
    Observation.objects.create(**{**_values(one), "chain": chain, "batch": _new_batch(one.batch)})
    page = text_of(client, f"{ENTERPRISE}&chain={chain}")
    assert f'<option value="{chain}" selected>' in page
    assert f"/why/input_enterprise%23{chain}@330100@2025H1" in page


def _values(row: Observation) -> dict[str, object]:
    return {f.name: getattr(row, f.name) for f in row._meta.concrete_fields if f.name != "id"}


def _new_batch(batch: Batch) -> Batch:
    values = {f.name: getattr(batch, f.name) for f in batch._meta.concrete_fields if f.name != "id"}
    return Batch.objects.create(**{**values, "sha256": "0" * 64})


def test_cards_above_l1_are_shown_only_to_who_has_logged_in(
    client: Client, demo_store: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rongtong.apps.packs.queries import current

    card = current().get("indicators", "input_government")
    monkeypatch.setitem(card.__dict__, "level", "L2")
    assert client.get("/map?indicator=input_government").status_code == 404
    assert "政府科技创新投入</a>" not in text_of(client, "/map")
    Account.objects.filter(pk=demo_store.pk).update(password_is_initial=False)
    client.force_login(demo_store)
    assert "政府科技创新投入</a>" in text_of(client, "/map?indicator=input_government")


def test_the_table_is_handed_out_as_csv_with_the_numbers_of_the_page(client: Client) -> None:
    response = client.get("/map/table.csv?indicator=industrial_rd_expense&period=2025Q1")
    assert response.content.startswith(b"\xef\xbb\xbf")
    assert "attachment" in response["Content-Disposition"]
    rows = read_csv(client, "/map/table.csv?indicator=industrial_rd_expense&period=2025Q1")
    head = rows[0]
    bottom = dict(zip(head, rows[11], strict=True))
    assert (bottom["地方"], bottom["亿元"], bottom["同比 %"], bottom["灯"]) == ("嘉兴", "106.94", "-2.8", "严重滞后")
    assert bottom["数的编号"] == "industrial_rd_expense@330400@2025Q1"
    assert rows[-1][3] == "未分到下一级"


def test_no_cell_of_a_csv_runs_as_a_formula() -> None:
    from rongtong.apps.portal.cockpit_exports import csv_text

    given = [['=HYPERLINK("x")', "+7.7", "-2.8", "-cmd|' /C calc'!A0", "@x", "\tx", "杭州"]]
    cells = next(csv.reader(io.StringIO(csv_text(given).removeprefix("\ufeff"))))
    assert cells == ['\'=HYPERLINK("x")', "+7.7", "-2.8", "'-cmd|' /C calc'!A0", "'@x", "'\tx", "杭州"]


def test_the_trend_is_handed_out_with_its_interval(client: Client) -> None:
    rows = read_csv(client, "/map/chart/trend.csv?indicator=input_enterprise")
    assert rows[-1][0] == "2025年"
    assert rows[-1][6] == "预测"
    assert float(rows[-1][4]) < float(rows[-1][3]) < float(rows[-1][5])
    assert [row[6] for row in rows if row[0] == "2025年1—9月"] == ["未报"]


@pytest.mark.parametrize("name", ["map", "ranking", "trend", "structure"])
@pytest.mark.parametrize(("kind", "begins"), [("svg", b"<svg"), ("png", b"\x89PNG")])
def test_every_chart_is_handed_out_as_a_picture(client: Client, name: str, kind: str, begins: bytes) -> None:
    response = client.get(f"/map/chart/{name}.{kind}?indicator=input_enterprise")
    assert response.status_code == 200
    assert response.content.startswith(begins)
    assert b"href" not in response.content


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("map.svg?indicator=input_enterprise&period=2025H1", "浙江省各市2025年上半年企业科技创新投入"),
        (
            "ranking.svg?indicator=input_enterprise&period=2025H1&area=330100",
            "杭州市各县（市、区）2025年上半年企业科技创新投入",
        ),
        ("trend.svg?indicator=input_enterprise", "浙江省企业科技创新投入各季末累计值（"),
        ("structure.svg?indicator=input_enterprise&period=2025H1", "2025年上半年"),
    ],
)
def test_a_chart_that_is_handed_out_says_by_itself_what_it_is_and_that_it_is_made_up(
    client: Client, address: str, says: str
) -> None:
    drawn = client.get(f"/map/chart/{address}").content.decode()
    words = "".join(re.findall(r"<(?:text|tspan)[^>]*>([^<]+)<", drawn))
    assert says in words
    assert re.search(r"来源：.+；截至\d{4}年\d+月\d+日已知的数；演示数据，不是公布数。", words)
    published = client.get("/map/chart/map.svg?indicator=industrial_rd_expense&period=2025Q1").content.decode()
    assert "2025年一季度浙江省科技活动相关数据" in "".join(re.findall(r"<(?:text|tspan)[^>]*>([^<]+)<", published))
    assert "演示数据" not in published


def test_maps_of_different_places_and_measures_have_different_names(client: Client) -> None:
    asked = ("", "&area=330100", "&area=330200", "&area=county", "&compare=value")
    addresses = [f"/map/chart/map.png?indicator=input_enterprise&period=2025H1{a}" for a in asked]
    names = [client.get(a)["Content-Disposition"] for a in addresses]
    assert len(set(names)) == len(names), names


@pytest.mark.parametrize(
    "address", ["/map/chart/pie.svg", "/map/chart/map.exe", "/map/chart/trend.png?indicator=industrial_rd_expense"]
)
def test_a_chart_that_does_not_exist_is_said(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 404
    assert "没有" in response.content.decode()


def test_every_link_to_a_chain_on_the_page_opens(client: Client) -> None:
    links = set(re.findall(r'href="(/why/[^"]+)"', text_of(client, ENTERPRISE)))
    assert len(links) > 60
    found = [str(link) for link in sorted(links) if client.get(link).status_code != 200]
    assert found == []


def test_a_warm_page_asks_the_database_a_fixed_number_of_times(
    client: Client, django_assert_max_num_queries: object
) -> None:
    for address in (ENTERPRISE, f"{ENTERPRISE}&level=county"):
        text_of(client, address)
        with django_assert_max_num_queries(12):  # type: ignore[operator]
            text_of(client, address)


def test_the_footer_names_source_day_status_and_edition(client: Client) -> None:
    page = text_of(client, "/map?indicator=industrial_rd_expense&period=2025Q1")
    foot = strip_tags(page[page.index('<footer class="foot">') :])
    for words in (
        "2025年一季度浙江省科技活动相关数据",
        "截至 2025-06-05，已公布",
        "浙江省规则包",
        "这组数从哪里来、到哪里去",
    ):
        assert words in foot


def test_labels_of_a_crowded_map_do_not_lie_on_each_other() -> None:
    from rongtong.apps.packs.queries import current

    board = queries.monitor(queries.Asked("input_enterprise", Period.parse("2025H1"), "county"))
    order = [r.place for r in board.rows]
    spec = charts.map_spec(board, current(), "yoy", order, {})
    assert spec
    labels = spec["layer"][-1]["data"]["values"]
    assert 10 < len(labels) < len(order)


def region(west: float, east: float, south: float, north: float) -> dict[str, object]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"geometry": {"type": "Polygon", "coordinates": [ring]}}


def test_the_legend_lies_in_a_free_corner_or_beside_the_map() -> None:
    left, top = region(0, 1, 0, 3), region(1, 3, 2, 3)
    assert charts.free_corner([left, top]) == "bottom-right"
    assert charts.free_corner([left, top, region(1, 3, 0, 2)]) == "right"
