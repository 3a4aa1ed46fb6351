"""The allocation studio: demands typed, tried, saved, repaired, and two people at one draft."""

from __future__ import annotations

import json
import re
from fractions import Fraction

import pytest
from studio_fixtures import PLAN, account, browser, form, post, text

from rongtong.apps.packs.queries import current
from rongtong.apps.planning import actions, studio_trials
from rongtong.apps.planning.models import Allocation
from rongtong.apps.planning.studio_forms import Draft
from rongtong.apps.registry.models import Account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]


@pytest.fixture
def planner(demo_store: Account) -> Account:
    return account(demo_store, "planner", "planner")


def test_the_editor_shows_every_cell_with_its_steps_and_the_sum_check(planner: Account) -> None:
    page = browser(planner).get(PLAN)
    words = text(page)
    assert "分解合计 5600" in words
    assert "余项 省级机动余项 50" in words
    assert "与目标差 0" in words
    for line in page.context["lines"]:
        assert sum(Fraction(p.exact) for p in line.parts) == Fraction(line.target)
    assert page.content.decode().count('class="stack"') == 11


def test_the_form_says_the_same_specification_it_was_made_of() -> None:
    shipped = current().get("allocations", "enterprise_2025")
    again, errors = Draft.posted(form()).split(shipped)
    assert errors == []
    assert again == shipped


def test_nothing_asks_for_a_code(planner: Account) -> None:
    page = browser(planner).get(PLAN).content.decode()
    assert re.search(
        r'<select id="weights-0-figure"[^>]*>.*?<option value="[^"]+" selected>2025年一季度[^<@]+</option>', page
    )
    assert '<input type="hidden" name="code" value="enterprise_2025">' in page
    assert "指标@期" not in page


def test_kinds_of_subject_get_codes_of_their_own(planner: Account) -> None:
    named = {"subjects__0__name": "国有企业", "subjects__0__weight": "30", "subjects__1__name": "民营企业"}
    page = post(browser(planner), "try", **named, subjects__1__weight="70").content.decode()
    assert '<input type="hidden" name="subjects-0-code" value="s1">' in page
    assert '<input type="hidden" name="subjects-1-code" value="s2">' in page
    assert '<option value="s2">民营企业</option>' in page


def test_trying_shows_the_new_split_and_keeps_nothing(planner: Account) -> None:
    before = Allocation.objects.count()
    page = post(browser(planner), "try", reserve__0__amount="30")
    assert "分解合计 5620" in text(page)
    assert "没有保存" in text(page)
    assert Allocation.objects.count() == before


def test_a_script_gets_the_same_answer_as_a_plain_form(planner: Account) -> None:
    sent = {**form(reserve__0__amount="30"), "do": "try"}
    plain = browser(planner).post(PLAN, sent)
    swapped = browser(planner).post(PLAN, sent, headers={"HX-Request": "true"})
    assert plain.context["result"].body == swapped.context["result"].body
    assert 'id="studio-result"' in swapped.content.decode()


def test_rows_are_added_and_taken_away_by_buttons(planner: Account) -> None:
    client = browser(planner)
    more = post(client, "add:bounds")
    assert len(more.context["draft"].section("bounds")) == 3
    assert "分解合计 5600" in text(more)
    less = post(client, "drop:bounds:0")
    assert [r["kind"] for r in less.context["draft"].section("bounds")] == ["floor"]


def test_saving_keeps_a_draft_that_monitoring_does_not_use_and_opens_its_sign_off(planner: Account) -> None:
    client = browser(planner)
    answer = post(client, "save", reserve__0__amount="30")
    assert answer.status_code == 302
    kept = Allocation.objects.get(code="enterprise_2025", version=2)
    assert kept.adopted_from is None
    in_force = actions.in_force("enterprise_2025")
    assert in_force is not None
    assert in_force.version == 1
    page = client.get(answer["Location"])
    assert "已存为第 2 版草稿" in text(page)
    assert page.context["case"].stage == "drafting"


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(planner: Account) -> None:
    page = post(browser(planner), "save", weights__0__share="八成", reserve__0__name="省级预备")
    assert page.status_code == 422
    html = page.content.decode()
    assert 'href="#weights-0-share"' in html
    assert 'aria-describedby="weights-0-share-wrong"' in html
    assert 'value="八成"' in html
    assert 'value="省级预备"' in html


def test_a_figure_nobody_has_is_refused_by_its_name(planner: Account) -> None:
    page = post(browser(planner), "try", weights__0__figure="hightech_output@2024")
    assert page.status_code == 422
    assert "hightech_output@2024" in text(page)


def test_an_impossible_demand_names_the_conflict_and_one_button_repairs_the_form(planner: Account) -> None:
    client = browser(planner)
    refused = post(client, "try", bounds__0__value="3045")
    assert "不能同时成立" in text(refused)
    assert "最省的放宽" in text(refused)
    mended = post(client, "repair", bounds__0__value="3045")
    assert mended.context["result"].body["check"]["difference"] == "0"
    fixed = next(r for r in mended.context["draft"].section("bounds") if r["kind"] == "fixed")
    assert fixed["value"] == "3045"
    assert len(mended.context["draft"].section("bounds")) == 12, "the floor on all places is told apart by place"


def test_an_impossible_split_is_not_saved(planner: Account) -> None:
    post(browser(planner), "save", bounds__0__value="3045")
    assert Allocation.objects.filter(code="enterprise_2025").count() == 1


def test_who_saves_on_an_older_version_is_told_what_changed_and_keeps_the_form(
    planner: Account, demo_store: Account
) -> None:
    other = account(demo_store, "colleague", "planner")
    assert post(browser(planner), "save", reserve__0__amount="30").status_code == 302
    told = post(browser(other), "save", reserve__0__amount="20")
    assert told.status_code == 422
    words = text(told)
    assert "planner已在" in words
    assert "余项：省级机动余项 30 亿元" in words
    assert told.context["draft"].section("reserve")[0]["amount"] == "20"
    assert Allocation.objects.filter(code="enterprise_2025").count() == 2
    assert post(browser(other), "save", based_on=told.context["based_on"], reserve__0__amount="20").status_code == 302
    assert Allocation.objects.filter(code="enterprise_2025").count() == 3


def test_two_versions_are_compared_place_by_place(planner: Account) -> None:
    client = browser(planner)
    post(client, "save", reserve__0__amount="30")
    change = client.get(PLAN + "compare").context["change"]
    assert sum(Fraction(row[4]) for row in change["rows"]) == 20
    assert change["gone"] == ["余项：省级机动余项 50 亿元"]
    assert change["new"] == ["余项：省级机动余项 30 亿元"]


def test_a_target_without_a_plan_is_split_from_the_list(planner: Account) -> None:
    client = browser(planner)
    assert "/studio/new?target=input_total_2025" in client.get("/studio/").content.decode()
    address = "/studio/new?target=input_total_2025"
    page = client.get(address)
    assert page.context["result"].body["total"] == "7200"
    answer = client.post(address, {**form(page.context["draft"], based_on=0), "do": "save"})
    assert answer.status_code == 302
    kept = Allocation.objects.get(code=page.context["draft"].code)
    assert sum(Fraction(c["value"]) for c in json.loads(kept.result)["cells"]) == 7200


def test_a_counter_offer_is_priced_for_the_others_and_costs_add_up(planner: Account) -> None:
    split = current().get("allocations", "enterprise_2025")
    cost = studio_trials.cost(split, "330500", Fraction(310))
    assert Fraction(cost.change) + sum(Fraction(amount) for _, amount in cost.others) == 0
    assert Fraction(cost.others_total) == -Fraction(cost.change)


def test_a_version_is_handed_down_as_a_workbook_and_as_csv(planner: Account) -> None:
    client = browser(planner)
    book = client.get(PLAN + "1.xlsx")
    assert book.content[:2] == b"PK"
    rows = client.get(PLAN + "1.csv").content.decode("utf-8-sig").splitlines()
    assert len(rows) == 12
    assert rows[0].startswith("地区代码,地区,主体,目标（亿元）,按权重")
    for row in rows[1:]:
        cells = row.split(",")
        assert sum(Fraction(c) for c in cells[4:]) == Fraction(cells[3])


def test_the_map_of_growth_is_a_picture_drawn_from_its_address(planner: Account) -> None:
    client = browser(planner)
    address = client.get(PLAN).context["result"].map
    drawn = client.get(address)
    assert drawn["Content-Type"] == "image/svg+xml"
    assert "合计" in drawn.content.decode()
    assert client.get("/studio/growth.svg?year=2025&middle=x&at=330100:8.0").status_code == 404
    assert client.get("/studio/growth.svg?year=2025&middle=1&at=nowhere:8.0").status_code == 404
