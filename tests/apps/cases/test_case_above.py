"""A case under another: who of the organisation above takes part, what the opening asks of it, what it takes from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from packs import with_more
from rongtong.apps.cases import access, actions, holding, queries
from rongtong.apps.cases.errors import CaseError, GuardRefused
from rongtong.apps.cases.models import Case
from rongtong.apps.packs.actions import PackRefused, load
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.actions import revoke
from rongtong.apps.registry.models import Account, Grant
from worlds import member, unit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]
OFFER = """\
- code: offer
  version: "1"
  name: 供
  about: 试验
  start: shown
  opened_by: [owner]
  variables: {free: text}
  roles:
    - {code: owner, name: 供方, held_by: [institution], at: own}
  form:
    type: object
    properties:
      free: {type: string, title: 可否, enum: ["yes", "no"]}
      chain: {type: string, title: 产业链, format: chain}
  stages:
    - {code: shown, name: 公开, no_clock: 试验, notice: {name: 供}}
    - {code: hidden, name: 不公开, no_clock: 试验}
    - {code: done, name: 完, outcome: done}
  transitions:
    - {code: hide, name: 收起, at: [shown], to: hidden, by: [owner], not_by: [open]}
    - {code: end, name: 结束, at: [shown, hidden], to: done, by: [owner]}
"""
ASK = """\
- code: ask_for
  version: "1"
  name: 求
  about: 试验
  start: asked
  opened_by: [asker]
  under: {process: offer, at: [shown, hidden], when: free == 'yes', refusal: 供方不愿意}
  roles:
    - {code: asker, name: 求方, held_by: [enterprise], at: own}
    - {code: holder, name: 供方, held_by: [institution], at: parent_own}
    - {code: manager, name: 供方经理, held_by: [technology_manager], at: parent_own}
  stages:
    - {code: asked, name: 已求, no_clock: 试验, see: [asker, holder]}
    - {code: done, name: 已答, outcome: done, see: [asker, holder]}
  transitions:
    - {code: answer, name: 答, at: [asked], to: done, by: [holder]}
"""


@pytest.fixture(scope="module")
def people(demo_store: Account, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Account]:
    """Two of a university, one of another, a firm."""
    load(with_more(tmp_path_factory.mktemp("pack"), OFFER + ASK), demo_store)
    made = {}
    for name, role, organisation, stem in (
        ("甲", "institution", "一校", "91339999000000500"),
        ("乙", "institution", "一校", "91339999000000500"),
        ("丙", "institution", "二校", "91339999000000502"),
        ("丁", "enterprise", "一厂", "91339999000000503"),
        ("戊", "technology_manager", "一校", "91339999000000500"),
    ):
        own = unit(stem, organisation, "other", "330106", actor=demo_store)
        made[name] = member(f"above-{len(made)}", name, role, "330106", actor=demo_store, organisation=own)
    return made


def opened(who: Account, process: str, parent: Case | None = None, **data: str) -> Case:
    return actions.open_case(
        process, actor=who, place="330106", data=data, organisation=who.organisation, parent=parent
    )


def test_whoever_is_of_the_organisation_above_sees_and_moves_the_case_below(people: dict[str, Account]) -> None:
    offer = opened(people["甲"], "offer", free="yes", chain="415x-1")
    case = opened(people["丁"], "ask_for", offer)
    assert (case.chain, case.title) == ("415x-1", "求·供·一校·一厂")
    for name in ("甲", "乙"):
        assert set(queries.visible(people[name], "ask_for")) == {case}
        assert set(access.waiting(people[name]).filter(process="ask_for")) == {case}
    assert not queries.visible(people["丙"], "ask_for").exists()
    # Of that organisation, but in a role that the stage does not show itself to.
    assert not queries.visible(people["戊"], "ask_for").exists()
    assert holding.roles_held(holding.reach(people["戊"]), case) == {"manager"}
    with pytest.raises(Case.DoesNotExist):
        actions.move(case.pk, "answer", actor=people["丙"], seen=1)
    with pytest.raises(Denied, match="供方"):
        actions.move(case.pk, "answer", actor=people["丁"], seen=1)
    assert actions.move(case.pk, "answer", actor=people["乙"], seen=1).outcome == "done"


def test_a_case_is_opened_under_one_on_public_notice_and_under_no_other_that_is_not_read(
    people: dict[str, Account],
) -> None:
    offer = opened(people["甲"], "offer", free="yes")
    assert not queries.visible(people["丁"]).filter(pk=offer.pk).exists()
    opened(people["丁"], "ask_for", offer)
    with pytest.raises(GuardRefused, match="“开始供”由您办理"):
        actions.move(offer.pk, "hide", actor=people["甲"], seen=1)
    actions.move(offer.pk, "hide", actor=people["乙"], seen=1)
    with pytest.raises(CaseError, match="没有可以在其下开始的这一件") as refused:
        opened(people["丁"], "ask_for", offer)
    assert offer.title not in str(refused.value)


def test_an_opening_may_ask_a_condition_of_the_case_above(people: dict[str, Account]) -> None:
    for data in ({"free": "no"}, {}):
        with pytest.raises(CaseError, match="供方不愿意"):
            opened(people["丁"], "ask_for", opened(people["甲"], "offer", **data))


def test_a_condition_of_the_case_above_speaks_of_its_variables(demo_store: Account, tmp_path: Path) -> None:
    with pytest.raises(PackRefused, match="under 的条件"):
        load(with_more(tmp_path, OFFER + ASK.replace("free == 'yes'", "cheap == 'yes'")), demo_store)


def test_who_sees_a_case_follows_the_version_it_runs_on_and_the_grants_of_the_day(
    people: dict[str, Account], demo_store: Account, tmp_path: Path
) -> None:
    firm, holder, manager = people["丁"], people["甲"], people["戊"]
    offer = opened(holder, "offer", free="yes")
    before = opened(firm, "ask_for", offer)
    assert not queries.visible(manager, "ask_for").exists()
    wider = ASK.replace("see: [asker, holder]", "see: [asker, holder, manager]").replace('version: "1"', 'version: "2"')
    load(with_more(tmp_path, OFFER + wider), demo_store)
    after = opened(firm, "ask_for", offer)
    assert set(queries.visible(manager, "ask_for")) == {after}
    assert set(access.waiting(holder).filter(process="ask_for")) == {before, after}
    for one in Grant.objects.filter(account=holder):
        revoke(one, actor=demo_store)
    assert not queries.visible(holder).exists()
    assert not access.waiting(holder).exists()
