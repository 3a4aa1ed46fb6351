"""Cases alike: found by the fields the process names, among open ones that the reader sees; nothing is stored of others."""

from __future__ import annotations

from datetime import date

import pytest

from packs import with_more
from rongtong.apps.cases import actions, near
from rongtong.apps.cases.errors import FormRefused
from rongtong.apps.cases.models import Band, Case, Participant
from rongtong.apps.packs.actions import load
from rongtong.apps.registry.actions import register_organisation
from rongtong.apps.registry.models import Account
from rongtong.engine.gb32100 import check_character
from worlds import browser, member

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]
PROCESS = """\
- code: wish
  version: "1"
  name: 心愿
  about: 试验
  start: asked
  opened_by: [county]
  alike: [matter]
  roles:
    - {code: county, name: 县科技局, held_by: [county_officer], at: self}
    - {code: main, name: 主办, held_by: [handler, county_officer], at: participant}
    - {code: co, name: 协办, held_by: [handler, county_officer], at: participant}
  form: {type: object, required: [matter], properties: {matter: {type: string, title: 事项}, note: {type: string, title: 备注}}}
  stages:
    - {code: asked, name: 已提出, no_clock: 试验}
    - {code: done, name: 已办结, outcome: done}
  transitions:
    - code: mend
      name: 改写
      at: [asked]
      by: [county]
      form: {type: object, properties: {matter: {type: string, title: 事项}, note: {type: string, title: 备注}}}
    - {code: finish, name: 办结, at: [asked], to: done, by: [county]}
    - code: name
      name: 分办
      at: [asked]
      by: [county]
      parts: {main: main_office, co: co_offices}
      form:
        type: object
        required: [main_office]
        properties:
          main_office: {type: string, title: 主办, format: office}
          co_offices: {type: array, title: 协办, items: {type: string, format: office}}
"""
MATTER = "园区道路夜间没有路灯，员工下班走路不安全，请尽快安装路灯"


@pytest.fixture(scope="module")
def officer(demo_store: Account, tmp_path_factory: pytest.TempPathFactory) -> Account:
    """The county officer of 西湖, where the process is in force."""
    load(with_more(tmp_path_factory.mktemp("pack"), PROCESS), demo_store)
    return county(demo_store, "near-a", "330106")


def county(actor: Account, username: str, place: str) -> Account:
    return member(username, username, "county_officer", place, actor=actor)


def ask(who: Account, matter: str, place: str = "330106") -> Case:
    return actions.open_case("wish", actor=who, place=place, data={"matter": matter}, title=matter)


def test_what_may_be_the_same_is_found_the_most_alike_first(officer: Account) -> None:
    case = ask(officer, MATTER)
    close, closest = ask(officer, f"{MATTER}，另外人行道也破损"), ask(officer, f"{MATTER}。")
    ask(officer, "希望开通到地铁站的接驳公交线路，早晚高峰各两班")
    found = near.candidates(officer, case)
    assert [c.case for c in found] == [closest, close]
    assert found[0].percent == 100 > found[1].percent
    assert near.doubtful(officer, [case]) == {case.pk}


def test_what_is_over_or_not_the_readers_to_see_is_not_shown(officer: Account, demo_store: Account) -> None:
    neighbour = county(demo_store, "near-b", "330102")
    case, over, other = ask(officer, MATTER), ask(officer, MATTER), ask(neighbour, MATTER, "330102")
    actions.move(over.pk, "finish", actor=officer, seen=1)
    assert near.candidates(officer, case) == ()
    assert near.doubtful(officer, [case]) == frozenset()
    assert near.candidates(neighbour, other) == ()


def test_the_wording_is_compared_as_it_is_now(officer: Account) -> None:
    case, other = ask(officer, MATTER), ask(officer, "希望开通到地铁站的接驳公交线路，早晚高峰各两班")
    kept = set(Band.objects.filter(case=other).values_list("band", flat=True))
    actions.move(other.pk, "mend", actor=officer, seen=1, data={"note": "不变"})
    assert set(Band.objects.filter(case=other).values_list("band", flat=True)) == kept
    actions.move(other.pk, "mend", actor=officer, seen=2, data={"matter": MATTER})
    assert [c.case for c in near.candidates(officer, case)] == [other]


def test_a_group_is_of_three_and_of_the_days_and_the_place_asked_for(officer: Account) -> None:
    cases = {ask(officer, f"{MATTER}（{n}）") for n in range(3)}
    day = date(2025, 7, 15)
    (found,) = near.clusters(officer, "wish", day, day)
    assert (set(found.members), found.place) == (cases, "330106")
    assert "路灯" in found.title
    assert near.clusters(officer, "wish", day, day, "330102") == ()
    assert near.clusters(officer, "wish", date(2025, 7, 1), date(2025, 7, 14)) == ()
    actions.move(cases.pop().pk, "finish", actor=officer, seen=1)
    assert len(near.clusters(officer, "wish", day, day)[0].members) == 3, "what is answered belongs to it as well"


def test_a_process_that_names_no_fields_keeps_and_finds_nothing(officer: Account) -> None:
    client = browser(officer)
    assert client.get("/cases/alike/supervision").status_code == 404
    assert client.get("/cases/alike/wish?since=nonsense").status_code == 200
    assert near.clusters(officer, "supervision", date(2025, 1, 1), date(2025, 7, 15)) == ()


def test_the_workbench_marks_what_may_be_the_same(officer: Account) -> None:
    client = browser(officer)
    ask(officer, MATTER)
    assert "可能重复" not in client.get("/work").content.decode()
    ask(officer, MATTER)
    assert "可能重复" in client.get("/work").content.decode()


def test_an_office_is_named_by_place_code_or_name_and_left_out_it_is_out(officer: Account, demo_store: Account) -> None:
    stem = "11330106002493876"
    bureau = register_organisation(stem + check_character(stem), "西湖区某局", "government", "330106", actor=demo_store)
    case = ask(officer, MATTER)

    def parts() -> set[tuple[str, str]]:
        rows = Participant.objects.filter(case=case)
        return {(p.role, p.organisation.name if p.organisation else p.place) for p in rows}

    data = {"main_office": "330102", "co_offices": ["西湖区某局"]}
    actions.move(case.pk, "name", actor=officer, seen=1, data=data)
    assert parts() == {("main", "330102"), ("co", "西湖区某局")}
    actions.move(case.pk, "name", actor=officer, seen=2, data={"main_office": bureau.uscc})
    assert parts() == {("main", "西湖区某局")}
    with pytest.raises(FormRefused, match="没有登记名为“无此局”"):
        actions.move(case.pk, "name", actor=officer, seen=3, data={"main_office": "无此局"})
    assert parts() == {("main", "西湖区某局")}
