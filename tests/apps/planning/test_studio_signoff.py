"""The sign-off of an allocation: comment, counter-offers, adoption, and who sees how much of it when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from studio_fixtures import PLAN, account, browser, form, post, text

from rongtong.apps.cases import queries as cases
from rongtong.apps.cases.models import Case
from rongtong.apps.packs.queries import current
from rongtong.apps.planning import actions, demo, goals, queries
from rongtong.apps.planning.models import Allocation
from rongtong.apps.records.models import Leaf
from rongtong.apps.registry.models import Account
from rongtong.engine.pack.plan import Split
from rongtong.engine.period import Period

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]
CITY, COUNTY, CODE = "330100", "330102", "enterprise_2025"


@dataclass(frozen=True, slots=True)
class People:
    """Everybody who has to do with the plan, each with a browser."""

    planner: Client
    signer: Client
    city: Client
    county: Client
    planner_account: Account
    city_account: Account


@pytest.fixture
def people(demo_store: Account) -> People:
    made = {
        name: account(demo_store, name, role, place)
        for name, role, place in (
            ("planner", "planner", ""),
            ("signer", "approver", ""),
            ("city", "city_officer", CITY),
            ("county", "county_officer", COUNTY),
        )
    }
    clients = {name: browser(who) for name, who in made.items()}
    return People(**clients, planner_account=made["planner"], city_account=made["city"])


def case() -> Case:
    found = cases.by_key(actions.SIGN_OFF, CODE)
    assert found is not None
    return found


def step(client: Client, transition: str, **data: str) -> Any:
    one = case()
    return client.post(f"/cases/{one.pk}/move", {"transition": transition, "seen": str(one.events), **data})


def counter(client: Client, **data: str) -> Any:
    sent = {"place": CITY, "value": "1345", "reason": "上半年研发外包减少", "seen": str(case().events), **data}
    return client.post(f"{PLAN}counter", sent)


def circulated(people: People) -> None:
    assert post(people.planner, "save", reserve__0__amount="30").status_code == 302
    assert step(people.planner, "circulate").status_code == 302


def in_force() -> int:
    run = actions.in_force(CODE)
    assert run is not None
    return run.version


def test_a_draft_becomes_the_goal_only_when_somebody_else_signs_it(people: People) -> None:
    board = queries.monitor(queries.Asked("input_enterprise", Period.parse("2025H1")))
    before = {r.place: r.figures["goal"].text for r in board.rows}
    circulated(people)
    assert in_force() == 1
    assert step(people.planner, "present").status_code == 302
    assert step(people.planner, "sign").status_code == 422 or case().stage == "signing"
    assert in_force() == 1
    assert step(people.signer, "sign").status_code == 302
    assert in_force() == 2
    kept = Allocation.objects.get(code=CODE, version=2)
    assert (kept.case, str(kept.adopted_from)) == (CODE, "2025-07-15")
    board = queries.monitor(queries.Asked("input_enterprise", Period.parse("2025H1")))
    after = {r.place: r.figures["goal"].text for r in board.rows}
    assert after != before
    assert all(r.lamp for r in board.rows)
    assert Leaf.objects.filter(body__contains="planning.adopt").exists()


def test_a_plan_opened_again_leaves_the_version_in_force_until_another_is_adopted(people: People) -> None:
    circulated(people)
    step(people.planner, "present")
    step(people.signer, "sign")
    assert step(people.planner, "reopen", reason="年中调整目标").status_code == 302
    assert in_force() == 2
    assert post(people.planner, "save", based_on=2, reserve__0__amount="20").status_code == 302
    assert in_force() == 2
    refused = step(people.signer, "sign")
    assert refused.status_code != 302
    step(people.planner, "present_direct")
    step(people.signer, "sign")
    assert in_force() == 3


def test_a_withdrawn_plan_is_taken_up_again_under_its_own_code(people: People) -> None:
    circulated(people)
    assert step(people.planner, "withdraw", reason="总盘子要调").status_code == 302
    assert "重新起草</button>" in people.planner.get(PLAN).content.decode()
    assert post(people.planner, "save", based_on=2, reserve__0__amount="20").status_code != 302
    assert step(people.planner, "reopen").status_code == 422
    assert step(people.planner, "reopen", reason="总盘子已定").status_code == 302
    assert case().stage == "drafting"
    assert post(people.planner, "save", based_on=2, reserve__0__amount="20").status_code == 302
    assert step(people.planner, "present_direct").status_code == 302
    assert step(people.signer, "sign").status_code == 302
    assert in_force() == 3


def test_a_reopened_plan_without_a_new_version_cannot_be_presented(people: People) -> None:
    circulated(people)
    step(people.planner, "present")
    step(people.signer, "sign")
    step(people.planner, "reopen", reason="年中调整目标")
    assert step(people.planner, "present_direct").status_code == 422


def test_no_version_is_saved_while_the_plan_waits_for_signature(people: People) -> None:
    circulated(people)
    step(people.planner, "present")
    told = post(people.planner, "save", based_on=2, reserve__0__amount="20")
    assert told.status_code == 422
    assert "待审签" in text(told)
    assert Allocation.objects.filter(code=CODE).count() == 2


def test_who_signs_does_not_draft(people: People) -> None:
    circulated(people)
    assert post(people.signer, "save", based_on=2, reserve__0__amount="20").status_code == 403


def test_a_city_asks_for_less_and_the_drafter_takes_it_over_as_a_fixed_cell(people: People) -> None:
    circulated(people)
    assert counter(people.city).status_code == 302
    page = people.planner.get(PLAN)
    line = next(i for i in page.context["lines"] if i.place == CITY)
    assert line.ask.reason == "上半年研发外包减少"
    assert len(line.cost.others) == 9, "one city is fixed and pays nothing"
    taken = people.planner.post(PLAN, {**form(page.context["draft"], based_on=2), "do": f"accept:{CITY}"})
    mine = next(i for i in taken.context["lines"] if i.place == CITY)
    assert mine.target == "1345.0"
    assert people.planner.post(PLAN, {**form(taken.context["draft"], based_on=2), "do": "save"}).status_code == 302
    assert Allocation.objects.get(code=CODE, version=3).cells.get(place=CITY).value == 1345 * 10**10


def test_a_counter_offer_without_a_reason_or_for_another_city_is_refused_and_kept_on_the_page(people: People) -> None:
    circulated(people)
    bare = counter(people.city, reason="")
    assert bare.status_code == 422
    assert 'value="1345"' in bare.content.decode()
    assert counter(people.city, place="330200").status_code == 422
    assert not [s for s in cases.history(case()) if s.transition == "counter"]


def test_a_city_sees_its_own_row_while_asked_and_every_row_once_adopted(people: People) -> None:
    post(people.planner, "save", reserve__0__amount="30")
    drafted = people.city.get(PLAN)
    assert drafted.context["plan"].run.version == 1, "a draft is not shown before it is circulated"
    step(people.planner, "circulate")
    asked = people.city.get(PLAN)
    assert asked.context["plan"].run.version == 2
    assert [i.place for i in asked.context["lines"]] == [CITY]
    assert "分解合计" not in text(asked)
    assert [c["place"] for c in asked.context["result"].body["cells"]] == [CITY]
    assert len(people.city.get(PLAN + "2.csv").content.decode().splitlines()) == 2
    step(people.planner, "present")
    step(people.signer, "sign")
    assert len(people.city.get(PLAN).context["lines"]) == 11


def test_a_city_cannot_change_the_plan_of_the_whole(people: People) -> None:
    assert post(people.city, "save", reserve__0__amount="30").status_code == 403
    assert "存为新版本" not in text(people.city.get(PLAN))
    assert Allocation.objects.filter(code=CODE).count() == 1


def test_a_stranger_to_the_places_is_told_that_there_is_no_such_plan(people: People) -> None:
    assert people.county.get(PLAN).status_code == 404
    assert people.county.get(PLAN + "1.xlsx").status_code == 404


def split_again(people: People) -> str:
    """The city splits its adopted cell to its counties; returns the address of the plan."""
    (total,) = people.city.get("/studio/").context["totals"]
    assert total.query == f"figure=input_enterprise.allocated@{CITY}@2025"
    address = f"/studio/new?{total.query}"
    draft = people.city.get(address).context["draft"]
    saved = people.city.post(address, {**form(draft, based_on=0), "do": "save"})
    assert saved.status_code == 302
    return f"/studio/{draft.code}/"


def test_a_city_splits_its_cell_to_its_counties_and_a_county_sees_its_own_once_adopted(
    people: People, demo_store: Account
) -> None:
    address = split_again(people)
    run = Allocation.objects.get(place=CITY)
    assert run.cells.count() == 13
    assert people.county.get(address).status_code == 404
    actions.adopt(run, actor=demo_store)
    page = people.county.get(address)
    assert [i.place for i in page.context["lines"]] == [COUNTY]
    found = goals.goals(current(), queries.card(current(), "input_enterprise"), Period.parse("2025"), run.known_from)
    assert found[COUNTY].inputs[0].key.place == CITY


def test_when_the_cell_above_changes_the_plan_below_says_its_total_is_stale(
    people: People, demo_store: Account
) -> None:
    address = split_again(people)
    assert "总额已变" not in text(people.city.get(address))
    shipped = current().get("allocations", CODE)
    reserve = [{"name": "省级机动余项", "amount": "30"}]
    actions.allocate(Split.model_validate({**shipped.model_dump(), "reserve": reserve}), actor=demo_store)
    assert "总额已变" in text(people.city.get(address))
    assert "总额已变" in text(people.city.get("/studio/"))


def test_the_command_line_adopts_what_it_saves_and_the_shipped_plan_again_keeps_nothing(demo_store: Account) -> None:
    shipped = current().get("allocations", CODE)
    less = Split.model_validate({**shipped.model_dump(), "reserve": []})
    _, run = actions.allocate(less, actor=demo_store)
    assert run.adopted_from is not None
    assert in_force() == run.version == 2
    _, again = actions.allocate(less, actor=demo_store)
    assert again.pk == run.pk


def test_before_a_version_was_adopted_it_was_no_goal(demo_store: Account) -> None:
    run = Allocation.objects.get(code=CODE)
    assert run.adopted_from is not None
    yesterday = run.adopted_from.replace(day=run.adopted_from.day - 1)
    assert goals.in_force("input_enterprise", Period.parse("2025"), yesterday) == []
    assert goals.in_force("input_enterprise", Period.parse("2025"), run.adopted_from) == [run]


def test_the_demonstration_shows_a_plan_out_for_comment_and_counties_with_lamps(demo_store: Account) -> None:
    account(demo_store, "guihua", "planner")
    account(demo_store, f"shi-{CITY}", "city_officer", CITY)
    account(demo_store, f"shi-qianfa-{CITY}", "approver", CITY)
    demo.seed()
    assert case().stage == "comment"
    assert in_force() == 1
    board = queries.monitor(queries.Asked("input_enterprise", Period.parse("2025H1"), "children", CITY))
    assert len([r for r in board.rows if r.lamp]) == 13
    count = Leaf.objects.count()
    demo.seed()
    assert Leaf.objects.count() == count
