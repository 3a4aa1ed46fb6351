"""A process nobody coded: one YAML file in a pack, with automatic steps, participants and stages that hide a case."""

from __future__ import annotations

from pathlib import Path

import pytest

from packs import with_more
from rongtong.apps.cases import actions, handing_over, queries
from rongtong.apps.cases.models import Case, Definition
from rongtong.apps.cases.starting import Part
from rongtong.apps.packs.actions import PackRefused, load
from rongtong.apps.registry.actions import create_account
from rongtong.apps.registry.models import Account
from worlds import member

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]
PROCESS = """\
- code: visit
  version: "1"
  name: 走访
  about: 试验
  start: planned
  opened_by: [planner]
  clock: case
  roles:
    - {code: planner, name: 安排人, held_by: [city_officer], at: self}
    - {code: guest, name: 同去的, held_by: [city_officer], at: participant}
    - {code: chief, name: 上级, held_by: [provincial_officer], at: root}
    - {code: county, name: 县里, held_by: [county_officer], at: below}
  stages:
    - {code: planned, name: 已安排, see: [planner, guest]}
    - {code: sorted, name: 归类, no_clock: 自动}
    - {code: done, name: 已走访, outcome: done}
  transitions:
    - {code: go, name: 出发, at: [planned], to: sorted, by: [planner, guest]}
    - {code: sort, name: 自动归类, at: [sorted], to: done, automatic: true}
"""


@pytest.fixture(scope="module")
def offices(demo_store: Account, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Account]:
    load(with_more(tmp_path_factory.mktemp("pack"), PROCESS), demo_store)
    made = {}
    for name, role, place in (
        ("hangzhou", "city_officer", "330100"),
        ("ningbo", "city_officer", "330200"),
        ("jiaxing", "city_officer", "330400"),
        ("province", "provincial_officer", ""),
        ("xihu", "county_officer", "330106"),
    ):
        made[name] = member(f"v-{name}", name, role, place, actor=demo_store)
    return made


@pytest.fixture
def visit(offices: dict[str, Account]) -> Case:
    guests = [Part("guest", place="330200")]
    return actions.open_case("visit", actor=offices["hangzhou"], place="330100", key="v/1", title="走访", parts=guests)


def test_a_participant_sees_and_moves_what_no_grant_of_its_place_would_show(
    offices: dict[str, Account], visit: Case
) -> None:
    assert [i.case for i in queries.work(offices["ningbo"])] == [visit]
    assert not queries.visible(offices["jiaxing"]).exists()
    done = actions.move(visit.pk, "go", actor=offices["ningbo"], seen=1)
    assert (done.stage, done.events) == ("done", 3)
    assert [s.actor for s in queries.history(done)] == ["v-hangzhou", "v-ningbo", "system"]


def test_a_stage_that_names_who_sees_it_hides_the_case_from_everybody_else(
    offices: dict[str, Account], visit: Case
) -> None:
    for name in ("province", "xihu"):
        assert not queries.visible(offices[name]).exists(), name
    actions.move(visit.pk, "go", actor=offices["hangzhou"], seen=1)
    for name in ("province", "xihu"):
        assert queries.visible(offices[name]).exists(), name


def test_a_running_case_stays_on_its_definition_when_the_pack_changes_it(
    offices: dict[str, Account], visit: Case, demo_store: Account, tmp_path: Path
) -> None:
    changed = PROCESS.replace('version: "1"', 'version: "2"').replace("by: [planner, guest]", "by: [chief]")
    load(with_more(tmp_path, changed), demo_store)
    assert actions.move(visit.pk, "go", actor=offices["hangzhou"], seen=1).outcome == "done"
    new = actions.open_case("visit", actor=offices["hangzhou"], place="330100", key="v/2", title="再走访")
    assert new.version == "2"
    assert Definition.objects.filter(process="visit").count() == 2


def test_a_published_version_that_changed_is_refused(demo_store: Account, tmp_path: Path) -> None:
    line = "process,version,sha256\nvisit,1," + "0" * 64 + "\n"
    with pytest.raises(PackRefused, match="已发布，内容却变了"):
        load(with_more(tmp_path, PROCESS, published=line), demo_store)


def test_an_unsound_process_is_not_loaded(demo_store: Account, tmp_path: Path) -> None:
    with pytest.raises(PackRefused, match="“归类”走不到任何终结环节"):
        load(with_more(tmp_path, PROCESS.replace("to: done, automatic", "to: planned, automatic")), demo_store)


def test_hand_over_puts_the_taker_where_the_giver_was_named(offices: dict[str, Account], demo_store: Account) -> None:
    named = [Part("guest", account=offices["jiaxing"])]
    case = actions.open_case("visit", actor=offices["hangzhou"], place="330100", key="v/3", title="走访", parts=named)
    taker = create_account("v-new", "接任", actor=demo_store, demo=True).account
    assert handing_over.hand_over(offices["jiaxing"], taker, actor=demo_store) == 1
    assert [i.case for i in queries.work(taker)] == [case]
    assert queries.work(offices["jiaxing"]) == ()
