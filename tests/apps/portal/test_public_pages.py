"""The public pages: what is published to whoever comes, in both languages, and in files others' programs read."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from django.test import Client

from packs import shipped
from rongtong.apps.observations.actions import import_file
from rongtong.apps.planning import pages_cards
from rongtong.apps.portal import open_formats as formats
from rongtong.apps.portal import open_queries as queries
from rongtong.apps.portal.open_words import STATUSES, WORDS
from rongtong.apps.registry.models import Account
from rongtong.engine.facts import Fact
from rongtong.engine.figure import STATUSES as FIGURE_STATUSES
from rongtong.engine.period import Period

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]
PACK = shipped("china", "zhejiang")


@pytest.fixture
def client() -> Client:
    return Client(HTTP_HOST="localhost")


def made(values: dict[str, int], card: str = "hte_stock") -> queries.Dataset:
    """A dataset of counts by place for 2024."""
    period = Period.parse("2024")
    facts = [Fact(card, place, period, n, "actual", date(2025, 2, 1)) for place, n in values.items()]
    return queries._dataset(PACK, PACK.get("indicators", card), facts)


def shown(data: queries.Dataset) -> dict[str, str]:
    return {c.place: c.text for c in data.cells}


@pytest.mark.parametrize("address", ["/open/", "/en/open/"])
def test_everybody_sees_the_open_indicators_with_latest_values_and_files(client: Client, address: str) -> None:
    page = client.get(address).content.decode()
    assert "36130.0" in page
    assert "/open/rd_total.csv" in page
    assert "/open/rd_total.sdmx.csv" in page
    assert "/open/catalogue.json" in page
    assert "/why/rd_total@000000@2024" in page


def test_the_english_page_says_so_and_marks_what_stays_chinese(client: Client) -> None:
    page = client.get("/en/open/rd_total").content.decode()
    assert '<html lang="en"' in page
    assert '<nav class="side" lang="en"' in page
    assert "R&amp;D expenditure (intramural)" in page
    assert "Latest (China)" in page
    assert '<span class="unit">100 million yuan</span>' in page
    listed = client.get("/en/open/").content.decode()
    assert ">100 million yuan</td>" in listed
    assert ">China</td>" in listed
    assert "Zhejiang Province: not out yet" in listed
    assert '<span lang="zh-Hans">一地全部执行单位当年' in page


def test_a_name_without_translation_is_shown_in_chinese_and_marked(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data,) = (d for d in queries.datasets() if d.card.code == "rd_total")
    nameless = replace(data, card=data.card.model_copy(update={"name_en": ""}))
    monkeypatch.setattr(queries, "datasets", lambda: (nameless,))
    page = client.get("/en/open/").content.decode()
    assert "R&amp;D经费" in page
    assert WORDS["en"]["untranslated"] in page


def test_generated_values_are_marked_on_the_page_and_in_the_files(client: Client) -> None:
    assert "演示数据" in client.get("/open/input_enterprise").content.decode()
    rows = list(csv.DictReader(io.StringIO(client.get("/open/input_enterprise.sdmx.csv").content.decode())))
    assert {r["OBS_STATUS"] for r in rows} == {"G"}
    assert {r["COMMENT_OBS"] for r in rows} == {"generated for demonstration"}


def test_the_files_give_the_values_of_the_page_exactly(client: Client) -> None:
    plain = list(csv.DictReader(io.StringIO(client.get("/open/rd_total.csv").content.decode("utf-8-sig"))))
    sdmx = list(csv.DictReader(io.StringIO(client.get("/open/rd_total.sdmx.csv").content.decode())))
    asked = client.get("/open/rd_total.json").json()["observations"]
    values = [(r["place"], r["period"], Fraction(r["value"])) for r in plain]
    assert values == [(r["REF_AREA"], r["TIME_PERIOD"], Fraction(r["OBS_VALUE"])) for r in sdmx]
    assert values == [(r["place"], r["period"], Fraction(r["value"])) for r in asked]
    assert ("000000", "2024", Fraction("36130.0")) in values
    assert {(r["UNIT_MEASURE"], r["UNIT_MULT"]) for r in sdmx} == {("CNY", "8")}


@pytest.mark.parametrize(
    ("period", "expected"),
    [("2025", "2025"), ("2025H1", "2025-S1"), ("2025Q3", "2025-Q3"), ("2025-03", "2025-03"),
     ("2025-01..09", "2025-01-01/P9M"), ("2021..2025", "2021-01-01/P60M")],
)  # fmt: skip
def test_periods_are_written_as_sdmx_writes_them(period: str, expected: str) -> None:
    assert formats.sdmx_period(Period.parse(period)) == expected


@pytest.mark.parametrize(
    ("unit", "expected"),
    [("亿元", ("CNY", "8")), ("元", ("CNY", "0")), ("%", ("PT", "0")), ("家", ("NUMBER", "0")), ("万人", ("PS", "4")),
     ("人年", ("FTE", "0")), ("1", ("PURE_NUMB", "0"))],
)  # fmt: skip
def test_units_are_given_as_measure_and_power_of_ten(unit: str, expected: tuple[str, str]) -> None:
    assert formats.sdmx_unit(unit) == expected


def test_nothing_above_the_lowest_level_is_published_anywhere(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    real = queries.packs.current()
    cards = [c.model_copy(update={"level": "L2"}) if c.code == "rd_total" else c for c in real.all("indicators")]

    class Guarded:
        fingerprint = "guarded"

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        def all(self, kind: str) -> Any:
            return cards if kind == "indicators" else real.all(kind)

    monkeypatch.setattr(queries.packs, "current", Guarded)
    for address in ("/open/", "/en/open/", "/open/catalogue.json"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert "rd_total" not in answer.content.decode()
    for address in (
        "/open/rd_total",
        "/en/open/rd_total",
        "/open/rd_total.csv",
        "/open/rd_total.sdmx.csv",
        "/open/rd_total.json",
    ):
        assert client.get(address).status_code == client.get(address.replace("rd_total", "nothing")).status_code == 404


def test_a_small_count_of_a_place_is_not_given(client: Client) -> None:
    data = made({"330000": 2, "330100": 0, "330200": 2, "330300": 3})
    assert shown(data) == {"330000": "2", "330100": "<3", "330200": "<3", "330300": "3"}
    plain = {r["place"]: r["value"] for r in csv.DictReader(io.StringIO(formats.plain_csv(data)))}
    assert plain == shown(data)
    sdmx = {
        r["REF_AREA"]: (r["OBS_VALUE"], r["CONF_STATUS"]) for r in csv.DictReader(io.StringIO(formats.sdmx_csv(data)))
    }
    assert sdmx["330100"] == ("", "C")
    assert sdmx["330300"] == ("3", "F")
    assert {o["place"]: o["value"] for o in formats.as_json(data)["observations"]}["330200"] is None


def test_a_single_small_count_takes_the_next_with_it_so_that_no_sum_gives_it_away() -> None:
    data = made({"330000": 60, "330100": 2, "330200": 9, "330300": 49})
    assert shown(data) == {"330000": "60", "330100": "<3", "330200": "…", "330300": "49"}


def test_amounts_of_money_are_not_hidden_however_small() -> None:
    assert shown(made({"330100": 100}, "rd_total")) == {"330100": "0.0"}


def test_the_catalogue_has_what_dcat_asks_of_each_dataset(client: Client) -> None:
    answer = client.get("/open/catalogue.json")
    assert answer["Content-Type"] == "application/ld+json"
    data = json.loads(answer.content)
    assert data["@type"] == "dcat:Catalog"
    assert len(data["dcat:dataset"]) == len(queries.datasets())
    for entry in data["dcat:dataset"]:
        for field in ("dcterms:title", "dcterms:description", "dcterms:publisher", "dcat:contactPoint",
                      "dcterms:license", "dcterms:temporal", "dcterms:spatial", "dcterms:modified"):  # fmt: skip
            assert entry[field], (entry["@id"], field)
        assert [d["dcterms:title"] for d in entry["dcat:distribution"]] == ["CSV", "SDMX-CSV 2.0", "JSON"]
        for distribution in entry["dcat:distribution"]:
            address = distribution["dcat:downloadURL"]["@id"].removeprefix("http://localhost")
            assert client.get(address).status_code == 200, address
    rhythm = {d["dcterms:identifier"]: d.get("dcterms:accrualPeriodicity", {}).get("@id") for d in data["dcat:dataset"]}
    assert rhythm["rd_total"] == "http://purl.org/linked-data/sdmx/2009/code#freq-A"


def test_the_commands_on_the_page_about_the_api_work(client: Client) -> None:
    import html
    import re

    page = html.unescape(client.get("/open/api").content.decode())
    commands = re.findall(r"curl (?:-O )?'http://localhost([^']+)'", page)
    assert len(commands) == 9
    for address in commands:
        assert client.get(address).status_code == 200, address


def test_both_languages_have_the_same_words_and_every_status_is_explained() -> None:
    assert set(WORDS["zh"]) == set(WORDS["en"])
    # Also of what is never loaded from a file: what is counted from cases.
    assert set(STATUSES) == set(FIGURE_STATUSES) == set(formats.OBS_STATUS)


def test_one_place_never_stands_for_the_whole(client: Client) -> None:
    assert made({"330102": 5, "330106": 7}).latest is None
    assert made({"330100": 5, "330102": 3}).latest is None
    known = made({"330000": 60, "330102": 3}).latest
    assert known is not None
    assert (known.place, known.text) == ("330000", "60")
    above = made({"000000": 900, "330102": 3}).latest
    assert above is not None
    assert above.place == "000000"
    page = client.get("/open/").content.decode()
    row = page.partition("/open/service_rd_expense")[2].partition("</tr>")[0]
    assert "全省未出" in row
    assert "宁波" not in row
    assert "全省未出" in client.get("/open/service_rd_expense").content.decode()
    assert "Zhejiang Province: not out yet" in client.get("/en/open/service_rd_expense").content.decode()
    assert "全省未出，只列有数的地方" in client.get("/indicators/service_rd_expense").content.decode()


def test_an_earlier_value_of_the_whole_comes_before_a_later_one_of_a_place() -> None:
    card = PACK.get("indicators", "hte_stock")
    facts = [
        Fact(card.code, place, Period.parse(period), 50, "actual", date(2025, 2, 1))
        for place, period in (("330000", "2023"), ("330102", "2024"), ("330100", "2024"))
    ]
    data = queries._dataset(PACK, card, facts)
    assert data.latest is not None
    assert (data.latest.place, str(data.latest.period)) == ("330000", "2023")
    assert [c.place for c in data.newest] == ["330000"]


def test_every_city_together_makes_the_whole_of_a_card_that_adds_up() -> None:
    card, rate = (PACK.get("indicators", code) for code in ("hte_stock", "industrial_rd_expense_yoy"))
    period, cities = Period.parse("2024"), PACK.places.at_level("city", "330000")
    held = [(city, period) for city in cities]
    assert pages_cards.whole_period(PACK, card, held) == period
    assert pages_cards.whole_period(PACK, card, held[1:]) is None
    assert pages_cards.whole_period(PACK, rate, held) is None


def test_the_list_gives_the_sum_of_all_cities_with_its_evidence(client: Client, demo_store: Account) -> None:
    cities = PACK.places.at_level("city", "330000")
    rows = "".join(f"tech_trade,{city},2024,1400,亿元,实际,2025-07-15\n" for city in cities)
    report = import_file(f"指标,地区,期,数值,单位,状态,发布日期\n{rows}".encode(), "各市.csv", actor=demo_store)
    assert report.batch is not None, [str(f) for f in report.findings]
    latest = queries.dataset("tech_trade").latest
    assert latest is not None
    assert (latest.place, str(latest.period), latest.text) == ("330000", "2024", "15400.00")
    assert client.get(f"/why/{latest.figure}").status_code == 200
    assert client.get("/open/tech_trade").status_code == 200
    assert "15400.00" in client.get("/indicators/tech_trade").content.decode()


def test_the_list_and_the_page_of_a_card_give_the_same_period_and_value(client: Client) -> None:
    for data in queries.datasets():
        board, _ = pages_cards.latest(PACK, data.card)
        assert board is not None, data.card.code
        value = board.total.figures.get("value")
        assert (value is None) == (data.latest is None), data.card.code
        if value and data.latest:
            assert (value.id, value.text) == (data.latest.figure, data.latest.text)


def test_a_status_is_that_of_any_period_and_a_pure_number_has_no_unit(client: Client) -> None:
    page = client.get("/open/").content.decode()
    assert "年报" not in page
    row = page.partition('/open/industrial_rd_expense"')[2].partition("</tr>")[0]
    assert "2025年一季度" in row
    assert "已公布" in row
    index = page.partition('/open/transfer_index"')[2].partition("</tr>")[0]
    assert '<td class="nowrap"></td>' in index
    for address in ("/open/transfer_index", "/indicators/transfer_index"):
        shown = client.get(address).content.decode()
        assert ">1</th>" not in shown
        assert ">1</span>" not in shown
        assert "<dd>1，" not in shown
